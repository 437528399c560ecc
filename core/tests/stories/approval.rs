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
