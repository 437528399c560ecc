//! Approvals: what exactly they name, and how they end.

use accordant::store::{Store, Table};
use accordant::testing::Story;
use serde_json::json;

use crate::model::{Account, World, account, apply, approve, journaled, plan};

fn one() -> Story {
    Story::of::<Account>().says("crm", "1", account(1))
}

fn linked() -> Story {
    one().apply().expect_no_discrepancy().expect_quiet()
}

#[test]
fn a_create_sends_only_values_that_were_approved() {
    let mut story = one();
    let tenant = story.tenant();
    let approved = plan(&tenant);
    approve(&tenant, approved.hash);
    let mut story = story.says("crm", "1", json!({ "balance": "9999.00" }));
    let applied = apply(&tenant, approved.hash);
    assert_eq!((applied.done, applied.superseded), (0, 1));
    let successor = applied.successor.expect("the create is still owed");
    let applied = apply(&tenant, successor);
    assert_eq!((applied.done, applied.unapproved), (0, 1), "nobody approved the new balance");
    assert!(story.fake("shop").ids("customers").is_empty());
    approve(&tenant, successor);
    assert_eq!(apply(&tenant, successor).done, 1);
    story.expect_in("shop", "new-1", "balance", json!("9999.00")).expect_quiet();
}

#[test]
fn what_appears_after_a_create_was_approved_follows_as_a_change() {
    let mut story = Story::of::<Account>().says("crm", "1", json!({ "email": "a1@acme.test" }));
    let tenant = story.tenant();
    let approved = plan(&tenant);
    approve(&tenant, approved.hash);
    let story = story.says("crm", "1", json!({ "phone": "5" }));
    assert_eq!(apply(&tenant, approved.hash).done, 1);
    story
        .expect_in("shop", "new-1", "phone", json!(null))
        .apply()
        .expect_in("shop", "new-1", "phone", json!("5"))
        .expect_quiet();
}

#[test]
fn an_approval_is_spent_by_the_write() {
    let mut story = linked().says("shop", "new-1", json!({ "balance": "999.00" }));
    let tenant = story.tenant();
    let first = plan(&tenant);
    approve(&tenant, first.hash);
    assert_eq!(apply(&tenant, first.hash).done, 1);
    let again = apply(&tenant, first.hash);
    assert_eq!((again.already, again.unapproved), (1, 0), "what was carried out is in effect, not unapproved");
    // Approved once more by mistake, there is nothing to approve.
    approve(&tenant, first.hash);
    let mut story = story.polls("shop").says("shop", "new-1", json!({ "balance": "999.00" }));
    let second = plan(&tenant);
    assert_eq!(second.operations[0].key, first.operations[0].key, "it is the same intent");
    let applied = apply(&tenant, second.hash);
    assert_eq!((applied.done, applied.unapproved), (0, 1));
    assert_eq!(story.fake("shop").record("customers", "new-1").unwrap()["balance"], json!("999.00"));
}

#[test]
fn an_approval_is_spent_when_its_intent_is_in_effect_already() {
    let mut story = linked().says("shop", "new-1", json!({ "balance": "999.00" }));
    let tenant = story.tenant();
    let first = plan(&tenant);
    approve(&tenant, first.hash);
    let story = story.says("shop", "new-1", json!({ "balance": "100.00" }));
    assert_eq!(apply(&tenant, first.hash).already, 1);
    story.says("shop", "new-1", json!({ "balance": "999.00" }));
    let second = plan(&tenant);
    assert_eq!(second.operations[0].key, first.operations[0].key);
    assert_eq!(apply(&tenant, second.hash).unapproved, 1);
}

#[test]
fn what_a_plan_could_not_carry_out_stays_approved() {
    let mut story = linked()
        .says("shop", "new-1", json!({ "balance": "999.00" }))
        .says("crm", "1", json!({ "phone": "2" }))
        .says("crm", "2", account(2))
        .apply()
        .says("crm", "1", json!({ "phone": "3" }))
        .says("crm", "2", json!({ "phone": "4" }))
        .system("shop", |shop| {
            shop.defers();
        });
    let tenant = story.tenant();
    let first = plan(&tenant);
    approve(&tenant, first.hash);
    let applied = apply(&tenant, first.hash);
    assert_eq!((applied.done, applied.deferred), (1, 1));
    let applied = apply(&tenant, first.hash);
    assert_eq!((applied.done, applied.already, applied.unapproved), (1, 1, 0));
    assert!(plan(&tenant).is_empty());
}

#[test]
fn a_call_that_fails_tells_why_and_is_journaled() {
    let world = World::new();
    let tenant = world.tenant();
    world.crm.edit("accounts", "1", &account(1));
    futures::executor::block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    world.shop.unavailable(true);
    let applied = apply(&tenant, owed.hash);
    assert_eq!(applied.deferred, 1);
    assert_eq!(applied.failed[0].connection.as_str(), "shop");
    assert!(applied.failed[0].cause.to_string().contains("the story says so"), "{:?}", applied.failed);
    assert_eq!(journaled(&world.store, &tenant, "taken_back"), 1);
    world.shop.unavailable(false);
    assert_eq!(apply(&tenant, owed.hash).done, 1, "the approval stands");
}

#[test]
fn planning_again_leaves_no_trace() {
    let world = World::new();
    let tenant = world.tenant();
    let plans = || futures::executor::block_on(world.store.scan(tenant.id(), Table::Plan, "", None, 9)).unwrap().len();
    let empty = plan(&tenant);
    assert!(empty.is_empty());
    assert_eq!((plans(), journaled(&world.store, &tenant, "planned")), (0, 0));
    assert_eq!(apply(&tenant, empty.hash), accordant::Applied::default());
    world.crm.edit("accounts", "1", &account(1));
    futures::executor::block_on(tenant.poll("crm")).unwrap();
    for _ in 0..3 {
        assert_eq!(plan(&tenant).operations.len(), 1);
    }
    assert_eq!((plans(), journaled(&world.store, &tenant, "planned")), (1, 1));
}

#[test]
fn the_name_of_a_plan_tells_what_it_covers() {
    let mut story = linked().says("crm", "1", json!({ "phone": "9" }));
    let tenant = story.tenant();
    let planned = |request: accordant::PlanRequest| futures::executor::block_on(request.into_future()).unwrap();
    let all = planned(tenant.plan(accordant::Scope::default()));
    let shop = planned(tenant.plan(accordant::Scope::default()).toward("shop"));
    assert_eq!(all.operations, shop.operations);
    assert_ne!(all.hash, shop.hash, "what supersedes the one is planned for the shop only");
    let stored = |hash| futures::executor::block_on(tenant.stored_plan(hash)).unwrap();
    assert_eq!((stored(all.hash).scope, stored(shop.hash).scope), (all.scope, shop.scope));
}
