//! Approvals: they name an intent, and last as long as it is planned.

use accordant::id::Actor;
use accordant::plan::{Plan, Scope};
use accordant::testing::Story;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

fn planned(story: &mut Story) -> Plan {
    block_on(async { story.tenant().plan(Scope::default()).await }).expect("a plan")
}

fn approved(story: &mut Story) -> Plan {
    let plan = planned(story);
    block_on(story.tenant().approve(plan.hash, &Actor::new("ana"))).expect("an approval");
    plan
}

#[test]
fn the_same_intent_planned_again_stays_approved() {
    let mut story = ana().says("crm", "101", json!({ "phone": "2" }));
    let first = approved(&mut story);
    let mut story = story.says("crm", "101", json!({ "company": "Borg" }));
    let second = planned(&mut story);
    assert_ne!(first.hash, second.hash);
    let applied = block_on(story.tenant().apply(second.hash)).expect("it is applied");
    assert_eq!((applied.done, applied.unapproved), (2, 3), "{applied:?}");
    let story = story
        .expect_in("netsuite", "7", "phone", json!("2"))
        .expect_in("netsuite", "7", "companyname", json!("Acme"))
        .apply()
        .expect_in("netsuite", "7", "companyname", json!("Borg"));
    drop(story.expect_quiet());
}

#[test]
fn golden_that_moved_supersedes_what_was_approved() {
    let mut story = ana().says("crm", "101", json!({ "phone": "2" }));
    let plan = approved(&mut story);
    let mut story = story.says("crm", "101", json!({ "phone": "3" }));
    let applied = block_on(story.tenant().apply(plan.hash)).expect("it is applied");
    assert_eq!((applied.done, applied.superseded), (0, 2), "{applied:?}");
    assert_eq!(applied.successor, Some(planned(&mut story).hash));
    drop(story.expect_in("shop", "9", "phone", json!("1")).expect(Customer::PHONE, "3"));
}

#[test]
fn what_was_approved_of_a_unit_ends_when_another_operation_writes_it() {
    let mut story = ana().says("crm", "101", json!({ "balance": "7.00" }));
    let first = approved(&mut story);
    // The CRM moved on before the write came: it is refused, and its approval stands.
    let mut story = story.edits("crm", "101", json!({ "balance": "8.00" }));
    let applied = block_on(story.tenant().apply(first.hash)).expect("it is applied");
    assert_eq!((applied.done, applied.superseded), (0, 1), "{applied:?}");
    let mut story = story.polls("crm").apply().expect_in("crm", "101", "balance", json!("100.00"));
    // Another day somebody enters the former value again. To overwrite that, nobody was asked.
    story = story.says("crm", "101", json!({ "balance": "7.00" }));
    let again = planned(&mut story);
    assert_eq!(again.operations[0].key, first.operations[0].key, "it is the same intent");
    let applied = block_on(story.tenant().apply(again.hash)).expect("it is applied");
    assert_eq!((applied.done, applied.unapproved), (0, 1), "{applied:?}");
    drop(story.expect_in("crm", "101", "balance", json!("7.00")).apply().expect_quiet());
}

#[test]
fn what_goes_on_from_what_was_written_stays_approved() {
    let mut story = ana().says("crm", "101", json!({ "balance": "7.00" })).system("crm", |crm| {
        crm.loses_answer();
    });
    let first = approved(&mut story);
    let applied = block_on(story.tenant().apply(first.hash)).expect("it is applied");
    assert_eq!(applied.unknown, 1, "{applied:?}");
    // Its effect is seen before anybody has settled it, and what goes on from there is approved.
    let mut story = story.polls("crm").says("netsuite", "7", json!({ "balance": "130.00" }));
    let second = approved(&mut story);
    let applied = block_on(story.tenant().apply(second.hash)).expect("it is applied");
    assert_eq!(applied.unapproved, 0, "{applied:?}");
    drop(story.polls("crm").expect_in("crm", "101", "balance", json!("130.00")).expect_quiet());
}
