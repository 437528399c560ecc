//! What takes two people takes two where writes are let through: plans, confirmations, standing approvals.

use std::sync::Arc;

use accordant::plan::{Limits, Plan, Scope};
use accordant::rollout::Stage;
use accordant::{Accordant, Actor, Error, StandingApproval, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, World, apply, journaled};
use crate::owed::{owe, owed_under};

fn open(world: &World) -> Tenant {
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone());
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
    let limits = Limits { writes: Some(2), ..Limits::default() };
    builder.four_eyes(Account::BALANCE).limits(limits).build().unwrap().tenant("acme")
}

fn mia() -> Actor {
    Actor::new("mia")
}

fn noah() -> Actor {
    Actor::new("noah")
}

fn plan_by(tenant: &Tenant, by: &Actor) -> Plan {
    block_on(tenant.plan(Scope::default()).by(by).into_future()).unwrap()
}

#[test]
fn who_alone_asked_for_a_plan_does_not_approve_what_takes_two() {
    let (world, tenant) = owed_under(1, open);
    let owed = plan_by(&tenant, &mia());
    let refused = block_on(tenant.approve(owed.hash, &mia())).unwrap_err();
    assert!(matches!(&refused, Error::OwnPlan { by, .. } if *by == mia()), "{refused}");
    assert!(refused.to_string().ends_with("a second person must approve it"), "{refused}");
    assert_eq!(refused.http_status(), 409);
    assert!(matches!(block_on(tenant.approve_unmoved(owed.hash, &mia())), Err(Error::OwnPlan { .. })));
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1, "nothing was approved");
    block_on(tenant.approve(owed.hash, &noah())).unwrap();
    assert_eq!(apply(&tenant, owed.hash).done, 1);

    // Of two who asked for the very same, either approves: the other has looked at it.
    owe(&world, &tenant, 1, "300.00");
    let owed = plan_by(&tenant, &mia());
    assert_eq!(plan_by(&tenant, &noah()).hash, owed.hash);
    assert_eq!(block_on(tenant.approve(owed.hash, &mia())).unwrap().approved, 1);

    // What takes one person, its author approves.
    world.crm.edit("accounts", "1", &json!({ "phone": "2" }));
    block_on(tenant.poll("crm")).unwrap();
    assert_eq!(apply(&tenant, owed.hash).done, 1);
    let phone = plan_by(&tenant, &mia());
    assert_eq!(block_on(tenant.approve(phone.hash, &mia())).unwrap().approved, 1);
}

#[test]
fn who_alone_asked_for_a_plan_does_not_confirm_what_takes_two() {
    let (_, tenant) = owed_under(3, open);
    let held = plan_by(&tenant, &mia());
    assert_eq!(held.parked.len(), 3);
    let refused = block_on(tenant.confirm_writes(held.hash, &mia())).unwrap_err();
    assert!(matches!(refused, Error::OwnPlan { .. }), "{refused}");
    assert_eq!(plan_by(&tenant, &mia()).parked.len(), 3, "nothing was confirmed");
    block_on(tenant.confirm_writes(held.hash, &noah())).unwrap();
    assert_eq!(plan_by(&tenant, &mia()).operations.len(), 3);
}

#[test]
fn a_standing_approval_for_what_takes_two_covers_nothing_before_a_second_person_approved_it() {
    let (world, tenant) = owed_under(1, open);
    block_on(tenant.set_stage("shop", Stage::Act, &mia(), "two quiet weeks")).unwrap();
    let until = "2026-01-06T08:00:00Z".parse().unwrap();
    let give = |approval: StandingApproval| {
        block_on(tenant.give_standing(approval.toward("shop").at_most(9).until(until), &mia(), "they follow")).unwrap()
    };
    let (balances, creates) =
        (give(StandingApproval::of(Account::BALANCE)), give(StandingApproval::of_creates("account")));
    let phones = give(StandingApproval::of(Account::PHONE));
    let owed = plan_by(&tenant, &noah());
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1);
    let approve = |id, by: &Actor| block_on(tenant.approve_standing(id, by, "seen"));
    for id in [balances, creates] {
        assert!(matches!(approve(id, &mia()), Err(Error::OwnStanding { .. })));
    }
    let settled = approve(phones, &noah()).unwrap_err();
    assert!(matches!(settled, Error::StandingSettled { how: "takes one person only", .. }), "{settled}");
    assert_eq!(world.shop.writes(), 0);
    approve(balances, &noah()).unwrap();
    let again = approve(balances, &noah()).unwrap_err();
    assert!(matches!(again, Error::StandingSettled { how: "is approved", .. }), "{again}");
    assert_eq!(journaled(&world.store, &tenant, "standing_approved"), 1);
    assert_eq!(apply(&tenant, owed.hash).done, 1);
    let listed = block_on(tenant.standing_approvals(None, 9)).unwrap();
    let words: Vec<String> = listed.iter().map(ToString::to_string).collect();
    assert!(words.iter().any(|words| words.ends_with("approved by noah")), "{words:?}");
    assert!(words.iter().any(|words| words.ends_with("waits for a second person")), "{words:?}");
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}");
}
