//! What takes two people takes two, over random histories in which records are linked, entities are merged, systems are let
//! differ, and what is asked for is asked for by configuration or by a rule.

use std::collections::BTreeMap;

use accordant::chrono::TimeDelta;
use accordant::rule::{replaces, when};
use accordant::settle::{Choice, Ruling};
use accordant::testing::{Story, journal};
use accordant::value::Field;
use accordant::{Actor, EntityId, Lifetime, RecordRef};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::model::Customer;

/// Something that happens to Ana and Ben.
#[derive(Debug, Clone)]
enum Event {
    Says(usize, u8),
    Decides(usize, usize, Choice, bool),
    Enters(usize, usize),
    Approves(usize, usize),
    /// A person says that a record is Ana's, or Ben's.
    Links(usize, usize),
    /// A person says that a record is not the entity's that has it.
    Unlinks(usize),
    /// A person says that the two are one.
    Merges,
    Applies,
}

/// Records of Ana, then of Ben.
const RECORDS: [(&str, &str, &str); 4] =
    [("crm", "contacts", "101"), ("shop", "customers", "9"), ("crm", "contacts", "102"), ("shop", "customers", "10")];
const PEOPLE: [&str; 3] = ["ana", "ben", "eve"];

fn event() -> impl Strategy<Value = Event> {
    let choice = prop_oneof![
        2 => Just(Choice::Accept),
        1 => Just(Choice::Keep),
        1 => Just(Choice::Take("shop".into())),
        2 => Just(Choice::LetDiffer("shop".into())),
        1 => Just(Choice::Value(Field::value("77"))),
    ];
    prop_oneof![
        5 => (0usize..4, 0u8..4).prop_map(|(record, phone)| Event::Says(record, phone)),
        4 => (0usize..2, 0usize..3, choice, any::<bool>())
            .prop_map(|(of, who, choice, pinned)| Event::Decides(of, who, choice, pinned)),
        1 => (0usize..2, 0usize..3).prop_map(|(of, who)| Event::Enters(of, who)),
        4 => (0usize..2, 0usize..3).prop_map(|(of, who)| Event::Approves(of, who)),
        1 => (0usize..2, 0usize..4).prop_map(|(of, record)| Event::Links(of, record)),
        1 => (0usize..4).prop_map(Event::Unlinks),
        1 => Just(Event::Merges),
        1 => Just(Event::Applies),
    ]
}

fn record(place: usize) -> RecordRef {
    let (system, object, id) = RECORDS[place];
    RecordRef::new(system, object, id)
}

/// Ana and Ben, each in two systems that agree; two people are asked for by a rule, or by configuration.
fn two(by_rule: bool) -> (Story, [EntityId; 2]) {
    let story = Story::of::<Customer>();
    let story = match by_rule {
        true => story.rule(Customer::PHONE, when(replaces()).hold("two look at every number").by_two()),
        false => story.configure(|builder| builder.four_eyes(Customer::PHONE)),
    };
    let mut story = RECORDS.iter().enumerate().fold(story, |story, (place, (system, _, id))| {
        let email = if place < 2 { "ana@acme.test" } else { "ben@acme.test" };
        story.says(system, id, json!({ "email": email, "phone": "0" }))
    });
    let tenant = story.tenant();
    let of = |place| block_on(tenant.entity_of(&record(place))).expect("the store answers").expect("it is linked");
    let ids = [of(0), of(2)];
    (story, ids)
}

fn happen(mut story: Story, ids: [EntityId; 2], event: &Event) -> Story {
    let (tenant, ana) = (story.tenant(), Actor::new("ana"));
    match event {
        Event::Says(place, phone) => {
            let (system, _, id) = RECORDS[*place];
            return story.later(TimeDelta::seconds(1)).says(system, id, json!({ "phone": phone.to_string() }));
        }
        // Many choices are none there: nothing happens then.
        Event::Decides(of, who, choice, pinned) => {
            let lifetime = if *pinned { Lifetime::Pinned } else { Lifetime::default() };
            let (by, reason) = (Actor::new(PEOPLE[*who]), "a law".to_owned());
            drop(block_on(tenant.rule(ids[*of], "phone", Ruling { choice: choice.clone(), lifetime, by, reason })));
        }
        Event::Enters(of, who) => {
            let by = Actor::new(PEOPLE[*who]);
            drop(block_on(tenant.enter_erased(ids[*of], "phone", Some("88"), &by, "a law")));
        }
        Event::Approves(of, who) => {
            drop(block_on(tenant.approve_decision(ids[*of], "phone", &Actor::new(PEOPLE[*who]))));
        }
        Event::Links(of, place) => drop(block_on(tenant.link(ids[*of], &record(*place), &ana))),
        Event::Unlinks(place) => {
            if let Some(id) = block_on(tenant.entity_of(&record(*place))).expect("the store answers") {
                drop(block_on(tenant.unlink(id, &record(*place), &ana, "a law")));
            }
        }
        Event::Merges => drop(block_on(tenant.merge(ids[0], ids[1], &ana))),
        Event::Applies => return story.apply(),
    }
    story
}

/// Who did something, and who approved it.
type Names = (Option<String>, Option<String>);

fn names(of: &Json) -> Names {
    let name = |name: &str| of[name].as_str().map(str::to_owned);
    (name("by"), name("approved_by"))
}

/// Every change of a golden phone that there was, and every leave to differ from it: what it became, and who did it.
fn changed(story: &mut Story) -> (Vec<(Json, Names)>, Vec<Names>) {
    let (mut changes, mut leaves) = (Vec::new(), Vec::new());
    let mut golden: BTreeMap<String, Json> = BTreeMap::new();
    for (entry, payload) in journal(&story.tenant()) {
        if entry.kind.as_str() != "facts" {
            continue;
        }
        let facts: Vec<Json> = serde_json::from_slice(&payload.expect("a payload").bytes).expect("facts");
        for fact in facts.iter().filter(|fact| fact["unit"] == "phone") {
            if fact["fact"] == "diverged" && !fact["divergence"].is_null() {
                leaves.push(names(&fact["divergence"]));
            }
            let cell = &fact["cell"];
            if fact["fact"] != "settled" || cell.is_null() || !cell["status"].is_null() {
                continue;
            }
            let before = golden.insert(entry.subject.to_string(), cell["field"].clone());
            if before.is_some_and(|before| before != cell["field"]) {
                changes.push((cell["field"].clone(), names(&cell["resolution"])));
            }
        }
    }
    (changes, leaves)
}

fn by_two(names: &Names) -> bool {
    matches!(names, (Some(by), Some(approved)) if by != approved)
}

/// The laws below look at what the journal tells: if it came to tell it otherwise, they would hold of nothing.
#[test]
fn what_two_people_changed_and_what_they_let_differ_is_found_in_the_journal() {
    let (story, ids) = two(true);
    let events = [Event::Says(1, 3), Event::Decides(0, 0, Choice::Accept, false), Event::Approves(0, 1)];
    let mut story = events.iter().fold(story, |story, event| happen(story, ids, event));
    let (changes, leaves) = changed(&mut story);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(by_two(&changes[0].1) && leaves.is_empty(), "{changes:?}");
    let (story, ids) = two(false);
    let differ = Event::Decides(0, 0, Choice::LetDiffer("shop".into()), false);
    let keep = Event::Decides(0, 1, Choice::Keep, false);
    let events = [Event::Says(0, 2), Event::Says(1, 3), keep, Event::Approves(0, 2), differ, Event::Approves(0, 1)];
    let mut story = events.iter().fold(story, |story, event| happen(story, ids, event));
    let (_, leaves) = changed(&mut story);
    assert!(leaves.len() == 1 && by_two(&leaves[0]), "{leaves:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    /// A rule by two guards every change of a value that there was, by whatever way it comes: no record that is linked, no merge
    /// and no entry brings another value about that two people did not let through.
    #[test]
    fn what_a_rule_by_two_guards_never_changes_by_one_person(events in vec(event(), 1..16)) {
        let (story, ids) = two(true);
        let mut story = events.iter().fold(story, |story, event| happen(story, ids, event));
        let (changes, _) = changed(&mut story);
        for (field, names) in &changes {
            prop_assert!(by_two(names), "{field} by {names:?}: {events:?}");
        }
        let tenant = story.tenant();
        prop_assert!(block_on(tenant.verify()).expect("it verifies").is_clean());
    }

    /// Where configuration asks for two, whatever a person decides, or lets differ, names two.
    #[test]
    fn what_is_configured_to_take_two_is_never_decided_nor_let_differ_by_one(events in vec(event(), 1..16)) {
        let (story, ids) = two(false);
        let mut story = events.iter().fold(story, |story, event| happen(story, ids, event));
        let (changes, leaves) = changed(&mut story);
        for (field, names) in changes.iter().filter(|(_, (by, _))| by.is_some()) {
            prop_assert!(by_two(names), "{field} by {names:?}: {events:?}");
        }
        for names in &leaves {
            prop_assert!(by_two(names), "let differ by {names:?}: {events:?}");
        }
        // Nobody entered it, and nobody alone chose it.
        let entered = changes.iter().any(|(field, _)| field.to_string().contains("88"));
        prop_assert!(!entered, "{changes:?}");
        let tenant = story.tenant();
        prop_assert!(block_on(tenant.verify()).expect("it verifies").is_clean());
    }
}
