//! A person who is erased in the middle of things: writes under way, plans that wait, notes that people made; and what is handed
//! to them before.

use accordant::chrono::TimeDelta;
use accordant::engine::{CaseFilter, Tenant};
use accordant::testing::{Story, journal};
use accordant::{Actor, EntityId, Error, RecordRef, Scope};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Member, ana};

fn by() -> Actor {
    Actor::new("dpo")
}

fn entity_of(tenant: &Tenant, record: &RecordRef) -> EntityId {
    block_on(tenant.entity_of(record)).expect("the store answers").expect("it is linked")
}

fn crm(id: &str) -> RecordRef {
    RecordRef::new("crm", "contacts", id)
}

/// The payloads that hold a word.
fn told(tenant: &Tenant, word: &str) -> usize {
    let payloads = journal(tenant).into_iter().filter_map(|(_, payload)| payload);
    payloads.filter(|payload| String::from_utf8_lossy(&payload.bytes).contains(word)).count()
}

#[test]
fn an_erasure_waits_for_a_write_under_way() {
    let mut story = Story::of::<Member>().says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" })).system(
        "shop",
        |shop| {
            shop.loses_answer();
        },
    );
    let tenant = story.tenant();
    let one = entity_of(&tenant, &RecordRef::new("crm", "members", "m1"));
    let plan = block_on(tenant.plan(one).into_future()).expect("a plan");
    block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
    assert_eq!(block_on(tenant.apply(plan.hash)).expect("it runs").unknown, 1);
    let before = journal(&tenant);
    let refused = block_on(tenant.erase(one, &by(), "request 7")).expect_err("a create is under way");
    assert!(matches!(refused, Error::WriteUnderWay { entity, .. } if entity == one), "{refused}");
    assert_eq!(journal(&tenant), before, "nothing has changed");
    block_on(tenant.step()).expect("it is settled");
    let erased = block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert!(erased.records.contains(&RecordRef::new("shop", "accounts", "new-1")), "{erased:?}");
    assert_eq!(told(&tenant, "ana@acme.test"), 0);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// Ana and Ben are in conflict, somebody noted something on both, and both wait for an approved write.
fn in_the_middle() -> (Story, EntityId, EntityId) {
    let mut story = ana()
        .says("crm", "102", json!({ "email": "ben@acme.test", "phone": "5" }))
        .says("shop", "20", json!({ "email": "ben@acme.test", "phone": "5" }))
        .later(TimeDelta::hours(1))
        .edits("crm", "101", json!({ "phone": "2" }))
        .edits("shop", "9", json!({ "phone": "3" }))
        .edits("crm", "102", json!({ "phone": "6" }))
        .edits("crm", "101", json!({ "company": "Ana's own" }))
        .tells("crm", "101")
        .tells("shop", "9")
        .tells("crm", "102");
    let tenant = story.tenant();
    let (one, other) = (entity_of(&tenant, &crm("101")), entity_of(&tenant, &crm("102")));
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).expect("the list");
    let hers = page.cases.iter().find(|case| case.entities.contains(&one)).expect("hers");
    block_on(tenant.comment(&hers.key, "she called twice", &by())).expect("it is noted");
    let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("a plan");
    assert!([one, other].iter().all(|id| plan.operations.iter().any(|operation| operation.entity == *id)), "{plan}");
    block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
    (story, one, other)
}

#[test]
fn plans_approvals_and_notes_go_too_and_the_others_are_planned_again() {
    let (mut story, one, other) = in_the_middle();
    let tenant = story.tenant();
    assert!(told(&tenant, "she called twice") > 0);
    block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    for word in ["ana@acme.test", "she called twice", "Ana's own"] {
        assert_eq!(told(&tenant, word), 0, "{word}");
    }
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).expect("the list");
    assert!(page.cases.iter().all(|case| !case.entities.contains(&one)));
    // What was approved of the other stands: it is carried out by the next plan.
    let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("a plan");
    assert!(plan.operations.iter().all(|operation| operation.entity == other), "{plan}");
    let applied = block_on(tenant.apply(plan.hash)).expect("it runs");
    assert!(applied.done > 0, "{applied:?}");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_person_is_given_everything_that_is_held_on_them_and_nothing_of_others() {
    let (mut story, one, other) = in_the_middle();
    let tenant = story.tenant();
    let before = journal(&tenant);
    let export = block_on(tenant.export_person(one)).expect("it is known");
    assert_eq!(journal(&tenant), before, "nothing has changed");
    let text = serde_json::to_string(&export).expect("it is data");
    for word in ["ana@acme.test", "she called twice", "Ana's own", "crm/contacts/101", "netsuite"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("ben@acme.test") && !text.contains(&other.to_string()));
    // Every payload that an erasure destroys was in it.
    let hers = export.journal.iter().filter(|entry| entry.payload.is_some()).count();
    let erased = block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert_eq!(erased.payloads, hers as u64);
    assert_eq!(export.records.len(), erased.records.len());
    let unknown = block_on(tenant.export_person(one)).expect_err("nothing is held any more");
    assert!(matches!(unknown, Error::UnknownEntity { id, .. } if id == one), "{unknown}");
    // That something was told is not forgotten; what it was, is.
    let history = block_on(tenant.history(one, None, 100)).expect("the entries are there");
    assert!(history.happenings.iter().all(|one| one.text == "what was told here was erased"), "{history:?}");
}
