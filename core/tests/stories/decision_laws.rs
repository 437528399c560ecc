//! Laws of decisions, over random histories: what is pinned stands, what has a date ends then, and what takes two people is
//! never one person's doing.

use accordant::chrono::TimeDelta;
use accordant::settle::{Choice, Ruling};
use accordant::testing::Story;
use accordant::value::Field;
use accordant::{Actor, Lifetime};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::model::Customer;

/// Something that happens to Ana's phone.
#[derive(Debug, Clone)]
enum Event {
    Says(usize, u8),
    Decides(usize, Choice),
    Approves(usize),
    Rejects(usize),
    Applies,
    Passes(i64),
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
    prop_oneof![
        4 => says(),
        2 => (0usize..3, choice).prop_map(|(who, choice)| Event::Decides(who, choice)),
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

fn happen(story: Story, event: &Event) -> Story {
    let mut story = story;
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    match event {
        Event::Says(system, phone) => {
            let (system, id) = SYSTEMS[*system];
            return story.later(TimeDelta::seconds(1)).says(system, id, json!({ "phone": phone.to_string() }));
        }
        Event::Decides(who, choice) => {
            let (by, reason) = (Actor::new(PEOPLE[*who]), "a law".to_owned());
            let ruling = Ruling { choice: choice.clone(), lifetime: Lifetime::default(), by, reason };
            // A system that says nothing cannot be taken at its word: nothing happens then.
            drop(block_on(tenant.rule(id, "phone", ruling)));
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
        let id = story.entity_id::<Customer>();
        let tenant = story.tenant();
        for happening in block_on(tenant.history(id, None, 10_000)).expect("a history").happenings {
            let moved = happening.unit.as_deref() == Some("phone") && &*happening.kind == "settled";
            let Some((_, by)) = happening.text.split_once(" of ").filter(|_| moved) else { continue };
            let (proposer, approver) = by.split_once(", approved by ").unwrap_or((by, ""));
            prop_assert!(PEOPLE.contains(&proposer) && PEOPLE.contains(&approver), "{}", happening);
            prop_assert_ne!(proposer, approver, "{}", happening);
        }
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
