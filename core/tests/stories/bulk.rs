//! Deciding many cases at once, and what operators enter.

use accordant::chrono::TimeDelta;
use accordant::engine::{BulkPreview, CaseFilter, Tenant};
use accordant::settle::{Choice, Ruling};
use accordant::testing::{Story, journal};
use accordant::value::Field;
use accordant::{Actor, Error, Lifetime};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

/// Five customers of whom the CRM says one phone and the shop another.
fn conflicts(story: Story) -> Story {
    (0..5).fold(story, |story, n| {
        let (id, email) = (format!("c{n}"), format!("c{n}@acme.test"));
        story
            .says("crm", &id, json!({ "email": email, "phone": "1" }))
            .says("shop", &id, json!({ "email": email, "phone": "1" }))
            .later(TimeDelta::hours(1))
            .edits("crm", &id, json!({ "phone": "2" }))
            .edits("shop", &id, json!({ "phone": format!("3{n}") }))
            .tells("crm", &id)
            .tells("shop", &id)
    })
}

fn take(connection: &str) -> Ruling {
    let (choice, by) = (Choice::Take(connection.into()), Actor::new("ana"));
    Ruling { choice, lifetime: Lifetime::default(), by, reason: "the shop asks at every order".to_owned() }
}

fn preview(tenant: &Tenant, ruling: Ruling) -> BulkPreview {
    let phones = CaseFilter { unit: Some("phone".into()), ..CaseFilter::default() };
    block_on(tenant.preview_decisions(&phones, ruling)).expect("a preview")
}

fn waiting(tenant: &Tenant) -> usize {
    block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).expect("the list").cases.len()
}

fn verifies(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).expect("it verifies");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

#[test]
fn a_preview_shows_what_would_happen_and_changes_nothing() {
    let mut story = conflicts(Story::of::<Customer>());
    let tenant = story.tenant();
    let entries = journal(&tenant).len();
    let shown = preview(&tenant, take("shop"));
    assert_eq!((shown.effects.len(), shown.more), (5, false));
    for effect in &shown.effects {
        assert_eq!(effect.before, Field::value("2"));
        assert!(effect.after.as_value().is_some_and(|after| after.starts_with('3')), "{effect:?}");
        assert_eq!((effect.refused.as_deref(), effect.proposed), (None, false));
    }
    let refused = preview(&tenant, take("netsuite"));
    assert!(refused.effects.iter().all(|effect| effect.refused.is_some() && effect.after == effect.before));
    assert_eq!((journal(&tenant).len(), waiting(&tenant)), (entries, 5));
}

#[test]
fn a_preview_of_presence_shows_who_would_be_retired() {
    let mut story = ana().says("shop", "10", json!({ "email": "ana@acme.test" }));
    let tenant = story.tenant();
    let doubles = CaseFilter { unit: Some("$exists".into()), ..CaseFilter::default() };
    let ruling = Ruling { choice: Choice::Retire, ..take("shop") };
    let shown = block_on(tenant.preview_decisions(&doubles, ruling.clone())).expect("a preview");
    let [effect] = shown.effects.as_slice() else { panic!("{shown:?}") };
    assert_eq!((&effect.before, &effect.after), (&Field::value("live"), &Field::value("retired")));
    let stands = Ruling { choice: Choice::LetDiffer("shop".into()), ..ruling.clone() };
    let kept = block_on(tenant.preview_decisions(&doubles, stands)).expect("a preview");
    assert_eq!((&kept.effects[0].before, &kept.effects[0].after), (&Field::value("live"), &Field::value("live")));
    assert_ne!(kept.hash(), shown.hash());
    let mut why = shown.clone();
    why.ruling = Ruling { reason: "another".to_owned(), ..ruling };
    assert_ne!(why.hash(), shown.hash(), "the reason is part of what is decided");
    block_on(tenant.decide_all(&shown)).expect("it is decided");
    drop(story.expect_retired::<Customer>(true));
}

#[test]
fn many_cases_are_decided_as_one_act_and_what_moved_is_left_out() {
    let mut story = conflicts(Story::of::<Customer>());
    let shown = preview(&story.tenant(), take("shop"));
    // A console keeps it; a worker carries it out.
    let kept = serde_json::to_string(&shown).expect("it is stored");
    let shown: BulkPreview = serde_json::from_str(&kept).expect("it is read");
    // Meanwhile one is decided by hand, and of another the shop says something else.
    let mut story = story
        .of_record("crm", "c0")
        .decides("ben", Customer::PHONE, Choice::Keep)
        .later(TimeDelta::hours(1))
        .says("shop", "c1", json!({ "phone": "777" }));
    let tenant = story.tenant();
    let before = journal(&tenant).len();
    let done = block_on(tenant.decide_all(&shown)).expect("they are decided");
    assert_eq!((done.decided, done.proposed, done.moved.len(), done.refused.len()), (3, 0, 2, 0), "{done:?}");
    let entries = journal(&tenant);
    let act: Vec<&str> = entries[before..].iter().map(|(entry, _)| entry.kind.as_str()).collect();
    assert_eq!(act.iter().filter(|kind| **kind == "decided").count(), 3, "{act:?}");
    assert_eq!(act.iter().filter(|kind| **kind == "bulk_decided").count(), 1);
    assert!(entries[before..].iter().all(|(entry, _)| entry.actor == Actor::new("ana")));
    verifies(&tenant);
    // The same again finds nothing to do, and leaves nothing behind.
    let again = block_on(tenant.decide_all(&shown)).expect("it is asked again");
    assert_eq!((again.decided, again.moved.len()), (0, 5));
    assert_eq!(journal(&tenant).len(), entries.len());
    let story = story.of_record("crm", "c1").expect(Customer::PHONE, "2");
    drop(story.of_record("crm", "c4").expect(Customer::PHONE, "34"));
}

#[test]
fn where_four_eyes_are_asked_for_many_decisions_are_many_proposals() {
    let story = Story::of::<Customer>().configure(|builder| builder.four_eyes(Customer::PHONE));
    let mut story = conflicts(story);
    let tenant = story.tenant();
    let shown = preview(&tenant, take("shop"));
    assert!(shown.effects.iter().all(|effect| effect.proposed && effect.before == effect.after));
    let done = block_on(tenant.decide_all(&shown)).expect("they are proposed");
    assert_eq!((done.decided, done.proposed), (0, 5));
    assert_eq!(waiting(&tenant), 5);
    let entity = shown.effects[0].entity;
    block_on(tenant.approve_decision(entity, "phone", &Actor::new("ben"))).expect("it is approved");
    assert_eq!(waiting(&tenant), 4);
    verifies(&tenant);
}

#[test]
fn an_operators_entry_says_who_entered_it_and_why() {
    let mut story = ana();
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let eve = Actor::new("eve");
    let enter = |attribute: &str, value: Option<&str>| {
        block_on(tenant.enter_erased(id, attribute, value, &eve, "told on the phone"))
    };
    enter("note", Some("prefers mail")).expect("it is entered");
    let mut story = story.expect(Customer::NOTE, "prefers mail").expect_quiet();
    let told = block_on(story.tenant().history(id, None, 1_000)).expect("a history").happenings;
    let texts: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|text| text.ends_with("eve entered note: told on the phone")), "{texts:?}");
    let before = journal(&tenant).len();
    for (attribute, value) in [("greeting", Some("x")), ("tags", Some("x")), ("balance", Some("plenty"))] {
        let refused = enter(attribute, value);
        assert!(matches!(refused, Err(Error::Value { .. })), "{attribute}: {refused:?}");
    }
    assert!(matches!(enter("fax", Some("1")), Err(Error::UnknownAttribute { .. })));
    let left: Vec<String> = journal(&tenant)[before..].iter().map(|(entry, _)| entry.kind.to_string()).collect();
    assert_eq!(left, Vec::<String>::new(), "what is refused leaves nothing behind");
    enter("note", None).expect("it is cleared");
    verifies(&tenant);
    drop(story.expect_missing(Customer::NOTE));
}
