//! Laws of decisions, over random histories: what is pinned stands, what has a date ends then, and what takes two people is
//! never one person's doing.

use accordant::chrono::TimeDelta;
use accordant::engine::CaseFilter;
use accordant::settle::{Choice, Ruling};
use accordant::testing::{Story, journal};
use accordant::value::Field;
use accordant::{Actor, Error, Lifetime};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::model::Customer;

/// Something that happens to Ana's phone.
#[derive(Debug, Clone)]
enum Event {
    Says(usize, u8),
    Decides(usize, Choice, Lasting),
    DecidesAll(usize, Choice),
    Enters(usize),
    Approves(usize),
    Rejects(usize),
    Applies,
    Passes(i64),
}

/// How long what is decided holds.
#[derive(Debug, Clone, Copy)]
enum Lasting {
    Once,
    UntilInputsChange,
    AnHour,
    Pinned,
}

const SYSTEMS: [(&str, &str); 3] = [("crm", "101"), ("shop", "9"), ("netsuite", "7")];
const PEOPLE: [&str; 3] = ["ana", "ben", "eve"];

fn says() -> impl Strategy<Value = Event> {
    (0usize..3, 0u8..4).prop_map(|(system, phone)| Event::Says(system, phone))
}

fn event() -> impl Strategy<Value = Event> {
    let choice = prop_oneof![
        Just(Choice::Keep),
        Just(Choice::Take("crm".into())),
        Just(Choice::Take("shop".into())),
        Just(Choice::Value(Field::value("77"))),
    ];
    let lasting = prop_oneof![
        Just(Lasting::Once),
        Just(Lasting::UntilInputsChange),
        Just(Lasting::AnHour),
        Just(Lasting::Pinned)
    ];
    prop_oneof![
        4 => says(),
        2 => (0usize..3, choice.clone(), lasting).prop_map(|(who, choice, lasting)| Event::Decides(who, choice, lasting)),
        1 => (0usize..3, choice).prop_map(|(who, choice)| Event::DecidesAll(who, choice)),
        1 => (0usize..3).prop_map(Event::Enters),
        3 => (0usize..3).prop_map(Event::Approves),
        1 => (0usize..3).prop_map(Event::Rejects),
        1 => Just(Event::Applies),
        1 => (0i64..90).prop_map(Event::Passes),
    ]
}

/// What outlives a decision: systems that speak, time, writes.
fn weather() -> impl Strategy<Value = Event> {
    prop_oneof![4 => says(), 1 => Just(Event::Applies), 2 => (0i64..90).prop_map(Event::Passes)]
}

fn agreeing(two: bool) -> Story {
    let said = json!({ "email": "ana@acme.test", "phone": "0" });
    let story = Story::of::<Customer>();
    let story = if two { story.configure(|builder| builder.four_eyes(Customer::PHONE)) } else { story };
    SYSTEMS.into_iter().fold(story, |story, (system, id)| story.says(system, id, said.clone()))
}

fn ruling(who: usize, choice: &Choice, lifetime: Lifetime) -> Ruling {
    Ruling { choice: choice.clone(), lifetime, by: Actor::new(PEOPLE[who]), reason: "a law".to_owned() }
}

/// The resolutions that a person decided, of every cell of the phone that golden ever held: who decided, and who approved.
fn decided_phones(story: &mut Story) -> Vec<(Option<String>, Option<String>)> {
    let mut decided = Vec::new();
    for (entry, payload) in journal(&story.tenant()) {
        if entry.kind.as_str() != "facts" {
            continue;
        }
        let facts: Vec<Json> = serde_json::from_slice(&payload.expect("a payload").bytes).expect("facts");
        for cell in facts.iter().filter(|fact| fact["unit"] == "phone").map(|fact| &fact["cell"]) {
            let resolution = &cell["resolution"];
            if !cell.is_null() && cell["status"].is_null() && resolution["policy"] == "decision" {
                let name = |name: &str| resolution[name].as_str().map(str::to_owned);
                decided.push((name("by"), name("approved_by")));
            }
        }
    }
    decided
}

/// The law below looks at what the journal tells: if it came to tell it otherwise, the law would hold of nothing.
#[test]
fn what_two_people_decided_is_found_in_the_journal() {
    let choice = Choice::Value(Field::value("77"));
    let events = [Event::Decides(0, choice, Lasting::UntilInputsChange), Event::Approves(1)];
    let mut story = events.iter().fold(agreeing(true), happen);
    assert_eq!(decided_phones(&mut story), [(Some("ana".to_owned()), Some("ben".to_owned()))]);
}

fn happen(story: Story, event: &Event) -> Story {
    let mut story = story;
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    match event {
        Event::Says(system, phone) => {
            let (system, id) = SYSTEMS[*system];
            return story.later(TimeDelta::seconds(1)).says(system, id, json!({ "phone": phone.to_string() }));
        }
        Event::Decides(who, choice, lasting) => {
            let lifetime = match lasting {
                Lasting::Once => Lifetime::Once,
                Lasting::UntilInputsChange => Lifetime::UntilInputsChange,
                Lasting::AnHour => Lifetime::Until(story.now() + TimeDelta::hours(1)),
                Lasting::Pinned => Lifetime::Pinned,
            };
            // A system that says nothing cannot be taken at its word: nothing happens then.
            drop(block_on(tenant.rule(id, "phone", ruling(*who, choice, lifetime))));
        }
        Event::DecidesAll(who, choice) => {
            let ruling = ruling(*who, choice, Lifetime::default());
            let preview = block_on(tenant.preview_decisions(&CaseFilter::default(), ruling)).expect("a preview");
            block_on(tenant.decide_all(&preview)).expect("it is decided");
        }
        Event::Enters(who) => {
            let by = Actor::new(PEOPLE[*who]);
            let entered = block_on(tenant.enter_erased(id, "phone", Some("88"), &by, "a law"));
            assert!(matches!(entered, Err(Error::TakesTwo { .. })), "{entered:?}");
        }
        Event::Approves(who) => drop(block_on(tenant.approve_decision(id, "phone", &Actor::new(PEOPLE[*who])))),
        Event::Rejects(who) => {
            drop(block_on(tenant.reject_decision(id, "phone", &Actor::new(PEOPLE[*who]), "a law")));
        }
        Event::Applies => return story.apply(),
        Event::Passes(minutes) => return story.later(TimeDelta::minutes(*minutes)),
    }
    story
}

fn phone(story: &mut Story) -> String {
    let id = story.entity_id::<Customer>();
    let view = block_on(story.tenant().inspect_erased(id)).expect("a view");
    view.unit("phone").map(|unit| unit.golden.to_string()).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_takes_two_people_is_never_one_persons_doing(events in vec(event(), 1..14)) {
        let mut story = agreeing(true);
        for event in &events {
            story = happen(story, event);
        }
        for (by, approved_by) in decided_phones(&mut story) {
            prop_assert!(by.is_some() && approved_by.is_some(), "{by:?} alone");
            prop_assert_ne!(by, approved_by);
        }
        // Nor did anybody else move it there: systems say single digits, people other numbers.
        let golden = phone(&mut story);
        prop_assert!(golden.len() == 1 || golden == "77", "{golden} is nobody's");
        let tenant = story.tenant();
        prop_assert!(block_on(tenant.verify()).expect("it verifies").is_clean());
    }

    #[test]
    fn what_is_pinned_stands_whatever_anyone_says(before in vec(weather(), 0..5), after in vec(weather(), 1..9)) {
        let mut story = before.iter().fold(agreeing(false), happen);
        story = story.decides_for("ana", Customer::PHONE, Choice::Value(Field::value("77")), Lifetime::Pinned);
        for event in &after {
            story = happen(story, event);
            prop_assert_eq!(phone(&mut story), "77", "after {:?}", event);
        }
        prop_assert!(block_on(story.tenant().verify()).expect("it verifies").is_clean());
    }

    #[test]
    fn what_has_a_date_stands_until_then_and_no_longer(after in vec(weather(), 1..12)) {
        let mut story = agreeing(false);
        let ends = story.now() + TimeDelta::hours(2);
        let value = Choice::Value(Field::value("77"));
        story = story.decides_for("ana", Customer::PHONE, value, Lifetime::Until(ends));
        let id = story.entity_id::<Customer>();
        for event in &after {
            story = happen(story, event);
            drop(block_on(story.tenant().step()).expect("a step"));
            let view = block_on(story.tenant().inspect_erased(id)).expect("a view");
            let holds = !view.decisions.is_empty();
            prop_assert_eq!(holds, story.now() < ends, "at {} after {:?}", story.now(), event);
            if holds {
                prop_assert_eq!(phone(&mut story), "77");
            } else {
                prop_assert_eq!(view.lapses.len(), 1, "it did not end unseen");
            }
        }
        prop_assert!(block_on(story.tenant().verify()).expect("it verifies").is_clean());
    }
}
