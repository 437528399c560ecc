//! Plans as things that people hand to each other: listed, compared, approved in time, and carried out in parts.

use accordant::chrono::TimeDelta;
use accordant::engine::{Outstanding, PlanState, Retention};
use accordant::plan::{Plan, PlanKind, Scope};
use accordant::{Accordant, Actor, EntityId, Error, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, apply, approve, approver, plan, step};
use crate::owed::{owed, owed_under};

fn of(tenant: &Tenant, scope: Scope) -> Plan {
    block_on(tenant.plan(scope).into_future()).unwrap()
}

#[test]
fn a_plan_that_expired_is_refused_and_says_what_to_do() {
    let retention = Retention { plans_stand: TimeDelta::hours(8), ..Retention::default() };
    let (world, tenant) = owed_under(1, |world| {
        let builder = Accordant::builder().clock(std::sync::Arc::clone(&world.clock)).store(world.store.clone());
        let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
        builder.retention(retention).build().unwrap().tenant("acme")
    });
    let stale = plan(&tenant);
    world.clock.advance(TimeDelta::hours(8));
    let refused = block_on(tenant.approve(stale.hash, &approver())).unwrap_err();
    assert!(matches!(refused, Error::PlanExpired { plan, .. } if plan == stale.hash), "{refused}");
    assert!(refused.to_string().ends_with("plan again"), "{refused}");
    assert_eq!(refused.http_status(), 409);
    assert!(matches!(block_on(tenant.apply(stale.hash)), Err(Error::PlanExpired { .. })), "nor applied");
    assert_eq!(world.shop.writes(), 0);

    assert_eq!(plan(&tenant).hash, stale.hash, "made again, it stands again");
    approve(&tenant, stale.hash);
    world.clock.advance(TimeDelta::hours(9));
    assert_eq!(apply(&tenant, stale.hash).done, 1, "what was approved in time is carried out");
}

#[test]
fn an_approval_that_ran_out_is_none_though_nobody_purged_it() {
    let retention = Retention { plans: TimeDelta::hours(8), ..Retention::default() };
    let (world, tenant) = owed_under(1, |world| {
        let builder = Accordant::builder().clock(std::sync::Arc::clone(&world.clock)).store(world.store.clone());
        let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
        builder.retention(retention).build().unwrap().tenant("acme")
    });
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    world.clock.advance(TimeDelta::hours(8));
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1);
    assert_eq!(world.shop.writes(), 0);
    let why = block_on(tenant.progress(owed.hash)).unwrap().outstanding.remove(0).1;
    assert_eq!(why, Outstanding::Unapproved);
    approve(&tenant, owed.hash);
    assert_eq!(apply(&tenant, owed.hash).done, 1);
}

#[test]
fn a_plan_whose_inputs_moved_is_not_approved_at_all() {
    let (world, tenant) = owed(3);
    let stale = plan(&tenant);
    assert_eq!(stale.operations.len(), 3);
    world.crm.edit("accounts", "2", &json!({ "balance": "250.00" }));
    block_on(tenant.poll("crm")).unwrap();
    let refused = block_on(tenant.approve(stale.hash, &approver())).unwrap_err();
    let expected = format!(
        "1 of the 3 operations of plan {} are not what would be done today, the first of them shop/customers/c2 balance; plan \
         again, and look at what differs",
        stale.hash.short()
    );
    assert_eq!(refused.to_string(), expected);
    assert_eq!(apply(&tenant, stale.hash).done, 0, "nothing of it was approved");

    let now = plan(&tenant);
    let diff = stale.diff(&now);
    assert_eq!((diff.same, diff.changed.len(), diff.added.len(), diff.removed.len()), (2, 1, 0, 0), "{diff}");
    assert!(diff.to_string().starts_with("~ shop/customers/c2 balance"), "{diff}");
    approve(&tenant, now.hash);
    assert_eq!(apply(&tenant, now.hash).done, 3);
}

/// Of a large plan in live traffic some has always moved: the rest can be approved, and the answer says of how much.
#[test]
fn what_has_not_moved_of_a_plan_is_approved_by_itself_and_the_answer_says_what_is_left() {
    let (world, tenant) = owed(3);
    let stale = plan(&tenant);
    world.crm.edit("accounts", "2", &json!({ "balance": "250.00" }));
    block_on(tenant.poll("crm")).unwrap();
    let approved = block_on(tenant.approve_unmoved(stale.hash, &approver())).unwrap();
    assert_eq!((approved.approved, approved.moved, approved.in_effect, approved.parked), (2, 1, 0, 0));
    assert_eq!(approved.to_string(), "2 approved, 1 moved");
    let applied = apply(&tenant, stale.hash);
    assert_eq!((applied.done, applied.unapproved), (2, 1), "{applied:?}");
    let nothing = block_on(tenant.approve_unmoved(stale.hash, &approver())).unwrap();
    assert_eq!(nothing.to_string(), "0 approved, 2 in effect already, 1 moved", "nobody is told that it is approved");
    assert_eq!(world.shop.writes(), 2);
}

#[test]
fn a_difference_names_what_came_what_went_and_what_changed() {
    let (world, tenant) = owed(3);
    let before = plan(&tenant);
    assert!(before.diff(&before).is_empty());
    assert_eq!(before.diff(&before).same, 3);
    world.crm.edit("accounts", "1", &json!({ "balance": "100.00" }));
    world.crm.edit("accounts", "2", &json!({ "balance": "7.00" }));
    world.crm.edit("accounts", "3", &json!({ "phone": "3" }));
    block_on(tenant.poll("crm")).unwrap();
    let diff = before.diff(&plan(&tenant));
    let expected = [
        r#"~ shop/customers/c2 balance: "100.00 USD" -> "200.00 USD" (propagates the golden value)"#,
        r#"  shop/customers/c2 balance: "100.00 USD" -> "7.00 USD" (propagates the golden value)"#,
        r#"+ shop/customers/c3 phone: "1" -> "3" (propagates the golden value)"#,
        r#"- shop/customers/c1 balance: "100.00 USD" -> "200.00 USD" (propagates the golden value)"#,
    ];
    assert_eq!(diff.to_string().lines().collect::<Vec<_>>(), expected);
    assert_eq!(diff.same, 1);
}

#[test]
fn stored_plans_are_listed_a_page_at_a_time_with_who_asked() {
    let (_, tenant) = owed(3);
    let ids = block_on(tenant.entities("account", None, 9)).unwrap();
    let mia = Actor::new("mia");
    let made: std::collections::BTreeSet<_> =
        ids.iter().map(|id| block_on(tenant.plan(*id).by(&mia).into_future()).unwrap().hash).collect();
    let mut listed = Vec::new();
    while let Some(next) = block_on(tenant.plans(listed.last().copied(), 1)).unwrap().pop() {
        assert_eq!((next.by.as_str(), next.operations, next.kind), ("mia", 1, PlanKind::Regular));
        assert_eq!(next.stands_until.unwrap() - next.made.unwrap(), TimeDelta::days(90));
        listed.push(next.hash);
    }
    assert_eq!(listed, made.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_plan_covers_types_and_entities() {
    let (_, tenant) = owed(3);
    let all = plan(&tenant);
    let typed = block_on(tenant.plan(Scope::default()).of_type("account").into_future()).unwrap();
    assert_eq!(typed.operations, all.operations);
    assert_ne!(typed.hash, all.hash, "a plan is named by what it covers too");
    let refused = block_on(tenant.plan(Scope::default()).of_type("acount").into_future()).unwrap_err();
    assert!(refused.to_string().contains("did you mean `account`"), "{refused}");
    let ids: Vec<EntityId> = block_on(tenant.entities("account", None, 2)).unwrap();
    assert_eq!(of(&tenant, ids.into()).operations.len(), 2);
}

#[test]
fn a_plan_that_is_partially_applied_names_what_is_outstanding() {
    let (world, tenant) = owed(4);
    let owed = plan(&tenant);
    let progress = |tenant: &Tenant| block_on(tenant.progress(owed.hash)).unwrap();
    assert_eq!((progress(&tenant).state(), progress(&tenant).done), (PlanState::Proposed, 0));
    assert!(progress(&tenant).outstanding.iter().all(|(_, why)| *why == Outstanding::Unapproved));
    approve(&tenant, owed.hash);
    world.shop.refuses("no such currency").loses_answer();
    let applied = apply(&tenant, owed.hash);
    assert_eq!((applied.done, applied.refused.len(), applied.unknown), (2, 1, 1), "{applied:?}");

    let partial = progress(&tenant);
    assert_eq!((partial.state(), partial.done, partial.of), (PlanState::PartiallyApplied, 2, 4));
    let why: Vec<String> = partial.outstanding.iter().map(|(_, why)| why.to_string()).collect();
    assert_eq!(why, ["refused: balance: no such currency", "sent, and not answered"], "{partial}");
    // Another process sees the same.
    assert_eq!(progress(&world.open(2, world.crm.clone(), world.shop.clone())), partial);

    step(&tenant);
    approve(&tenant, owed.hash);
    assert_eq!(apply(&tenant, owed.hash).done, 1);
    assert_eq!(progress(&tenant).state(), PlanState::Applied);
    world.crm.edit("accounts", "1", &json!({ "balance": "9.00" }));
    block_on(tenant.poll("crm")).unwrap();
    assert_eq!(progress(&tenant).done, 4, "what it wrote is held still");
}

#[test]
fn what_waits_is_outstanding_with_the_reason() {
    let (_, tenant) = owed(1);
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    let why = |tenant: &Tenant| block_on(tenant.progress(owed.hash)).unwrap().outstanding[0].1.to_string();
    assert_eq!(why(&tenant), "approved by ana, not applied");
    block_on(tenant.hold("shop", &Actor::new("mia"), "stocktaking")).unwrap();
    assert_eq!(why(&tenant), "waits: shop is held by mia: stocktaking");
}

#[test]
fn a_long_application_tells_how_far_it_is_and_stops_when_asked() {
    let accounts = 120;
    let (world, tenant) = owed(accounts);
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    let mut seen = Vec::new();
    let applied = block_on(tenant.apply_while(owed.hash, |applying| {
        seen.push((applying.begun, applying.of));
        applying.begun < 100
    }))
    .unwrap();
    assert_eq!(seen, [(0, 120), (50, 120), (100, 120)]);
    assert_eq!((applied.done, applied.stopped, world.shop.writes()), (100, 20, 100));
    assert_eq!(block_on(tenant.progress(owed.hash)).unwrap().outstanding.len(), 20);

    let applied = apply(&tenant, owed.hash);
    assert_eq!((applied.done, applied.already, applied.stopped), (20, 100, 0));
}
