//! Retention: what has served its time goes, and what is still needed stays.

use accordant::chrono::TimeDelta;
use accordant::engine::Retention;
use accordant::error::Error;
use accordant::plan::Plan;
use accordant::store::{Store, Table};
use accordant::{Accordant, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{World, account, apply, approve, journaled, plan, step};

/// One account that the shop lacks: its create is planned.
fn owed(world: &World) -> (Tenant, Plan) {
    let tenant = world.tenant();
    world.crm.edit("accounts", "1", &account(1));
    block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    assert_eq!(owed.operations.len(), 1);
    (tenant, owed)
}

fn days(world: &World, tenant: &Tenant, days: i64) {
    world.clock.advance(TimeDelta::days(days));
    step(tenant);
}

fn rows(world: &World, tenant: &Tenant, table: Table) -> usize {
    block_on(world.store.scan(tenant.id(), table, "", None, usize::MAX)).unwrap().len()
}

#[test]
fn an_approval_that_nobody_used_runs_out_and_its_plan_with_it() {
    let world = World::new();
    let (tenant, owed) = owed(&world);
    approve(&tenant, owed.hash);
    days(&world, &tenant, 89);
    assert_eq!((rows(&world, &tenant, Table::Approval), rows(&world, &tenant, Table::Plan)), (1, 1));
    days(&world, &tenant, 2);
    assert_eq!((rows(&world, &tenant, Table::Approval), rows(&world, &tenant, Table::Plan)), (0, 0));
    assert_eq!(journaled(&world.store, &tenant, "approval_expired"), 1);
    assert!(matches!(block_on(tenant.apply(owed.hash)), Err(Error::UnknownPlan(hash)) if hash == owed.hash));
    assert!(block_on(tenant.verify()).unwrap().is_clean());
    // What was owed is owed still, and asks again.
    let again = plan(&tenant);
    assert_eq!(again.hash, owed.hash);
    assert_eq!(apply(&tenant, again.hash).unapproved, 1);
}

#[test]
fn a_plan_that_is_made_again_stays() {
    let world = World::new();
    let (tenant, owed) = owed(&world);
    for _ in 0..4 {
        days(&world, &tenant, 60);
        assert_eq!(plan(&tenant).hash, owed.hash);
    }
    assert_eq!(journaled(&world.store, &tenant, "planned"), 1, "it is the same plan");
    days(&world, &tenant, 60);
    assert_eq!(block_on(tenant.stored_plan(owed.hash)).unwrap(), owed);
    days(&world, &tenant, 60);
    assert!(block_on(tenant.stored_plan(owed.hash)).is_err());
}

#[test]
fn a_plan_stays_while_an_operation_of_it_is_approved() {
    let world = World::new();
    let (tenant, owed) = owed(&world);
    days(&world, &tenant, 80);
    approve(&tenant, owed.hash);
    days(&world, &tenant, 80);
    assert_eq!(apply(&tenant, owed.hash).done, 1, "approved eighty days ago");
    days(&world, &tenant, 1);
    assert!(block_on(tenant.stored_plan(owed.hash)).is_err(), "carried out, and old");
}

#[test]
fn what_is_under_way_keeps_its_approval_and_its_plan() {
    let world = World::new();
    let (tenant, owed) = owed(&world);
    approve(&tenant, owed.hash);
    world.shop.loses_answer();
    assert_eq!(apply(&tenant, owed.hash).unknown, 1);
    world.shop.unavailable(true);
    days(&world, &tenant, 200);
    assert_eq!((rows(&world, &tenant, Table::Approval), rows(&world, &tenant, Table::Plan)), (1, 1));
    world.shop.unavailable(false);
    days(&world, &tenant, 1);
    assert_eq!(rows(&world, &tenant, Table::Outbox), 0, "it was settled");
    assert_eq!(world.shop.writes(), 1);
    days(&world, &tenant, 1);
    assert_eq!((rows(&world, &tenant, Table::Approval), rows(&world, &tenant, Table::Plan)), (0, 0));
}

#[test]
fn how_long_is_for_the_builder_to_say() {
    let world = World::new();
    let retention = Retention { plans: TimeDelta::days(7), ..Retention::default() };
    let builder = Accordant::builder().clock(std::sync::Arc::clone(&world.clock)).store(world.store.clone());
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<crate::model::Account>();
    let tenant = builder.retention(retention).build().unwrap().tenant("acme");
    block_on(tenant.poll("shop")).unwrap();
    world.crm.edit("accounts", "1", &json!({ "email": "a1@acme.test" }));
    block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    days(&world, &tenant, 6);
    assert!(block_on(tenant.stored_plan(owed.hash)).is_ok());
    days(&world, &tenant, 2);
    assert!(block_on(tenant.stored_plan(owed.hash)).is_err());
}

#[test]
fn counts_of_deletes_are_no_approvals_and_stay() {
    let world = World::new();
    let (tenant, owed) = owed(&world);
    approve(&tenant, owed.hash);
    assert_eq!(apply(&tenant, owed.hash).done, 1);
    world.crm.delete("accounts", "1");
    block_on(tenant.poll("crm")).unwrap();
    let archive = plan(&tenant);
    approve(&tenant, archive.hash);
    assert_eq!(apply(&tenant, archive.hash).done, 1);
    assert_eq!(rows(&world, &tenant, Table::Approval), 1, "one delete is counted");
    days(&world, &tenant, 1000);
    assert_eq!(rows(&world, &tenant, Table::Approval), 1);
}
