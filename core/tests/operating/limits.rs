//! The limit on writes of an attribute: over plans, over processes, and counted anew after a day.

use std::sync::Arc;

use accordant::chrono::TimeDelta;
use accordant::plan::{Limits, Scope, Target};
use accordant::store::{Commit, Row, RowKey, Store as _, Table};
use accordant::{Accordant, EntityId, Error, Tenant};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;

use crate::model::{Account, World, apply, approve, approver, journaled, plan, step};
use crate::owed::{FAULTS, fault, in_both, owe, owed_under};

fn limited(world: &World, writes: u32, seed: u64) -> Tenant {
    Accordant::builder()
        .clock(Arc::clone(&world.clock))
        .store(world.store.clone())
        .entropy(accordant::SeededEntropy::new(seed))
        .connect(world.crm.clone())
        .connect(world.shop.clone())
        .entity::<Account>()
        .limits(Limits { writes: Some(writes), ..Limits::default() })
        .build()
        .unwrap()
        .tenant("acme")
}

fn owed(accounts: usize, writes: u32) -> (World, Tenant) {
    owed_under(accounts, |world| limited(world, writes, 1))
}

#[test]
fn more_writes_of_an_attribute_than_the_limit_are_parked_and_the_rest_goes_on() {
    let (world, tenant) = owed(4, 3);
    world.crm.edit("accounts", "1", &json!({ "phone": "2" }));
    block_on(tenant.poll("crm")).unwrap();
    let held = plan(&tenant);
    assert_eq!((held.operations.len(), held.parked.len()), (1, 4), "{held}");
    let why = "4 writes of balance into shop within a day exceed the limit of 3";
    assert!(held.parked.iter().all(|parked| parked.limited && parked.why.as_str() == why), "{held}");

    block_on(tenant.confirm_writes(held.hash, &approver())).unwrap();
    let confirmed = plan(&tenant);
    assert_eq!((confirmed.operations.len(), confirmed.parked.len()), (5, 0));
    assert_eq!(apply(&tenant, confirmed.hash).unapproved, 5, "confirming a limit approves no write");
    approve(&tenant, confirmed.hash);
    assert_eq!(apply(&tenant, confirmed.hash).done, 5);
    // From here on three more have room, and not four.
    owe(&world, &tenant, 3, "300.00");
    assert_eq!(plan(&tenant).operations.len(), 3);
    owe(&world, &tenant, 4, "300.00");
    assert_eq!((plan(&tenant).operations.len(), plan(&tenant).parked.len()), (0, 4));
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}");
}

/// Nobody knows by its key whose a confirmation is: it holds no value, and one of an earlier version loses it.
#[test]
fn what_was_confirmed_says_nothing_of_whoever_is_erased() {
    let (world, tenant) = owed(4, 3);
    let held = plan(&tenant);
    let gone = held.parked.first().expect("it is kept out").operation.clone();
    let said = gone.expect.to_string();
    block_on(tenant.confirm_writes(held.hash, &approver())).unwrap();
    let confirmations = || block_on(world.store.scan(tenant.id(), Table::Approval, "confirmed", None, 100)).unwrap();
    let says = |row: &Row| String::from_utf8_lossy(&row.value).contains("100.00");
    assert!(said.contains("100.00"), "{said}");
    assert_eq!(confirmations().len(), 4);
    assert!(!confirmations().iter().any(says), "what the unit was to hold is kept");

    let row = confirmations().into_iter().find(|row| row.key.ends_with(&gone.key.to_string())).expect("its own");
    let mut old: serde_json::Value = serde_json::from_slice(&row.value).unwrap();
    old["unit"] = json!("balance");
    old["expect"] = json!("100.00 USD");
    let put = vec![(RowKey::new(Table::Approval, row.key), serde_json::to_vec(&old).unwrap())];
    block_on(world.store.commit(tenant.id(), Commit { put, ..Commit::default() })).unwrap();
    assert!(confirmations().iter().any(says));
    block_on(tenant.erase(gone.entity, &approver(), "request 7")).unwrap();
    assert_eq!(confirmations().len(), 4, "a confirmation stands until it runs out");
    assert!(!confirmations().iter().any(says), "what it was to hold outlives the erasure");
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn many_plans_with_one_write_each_meet_the_limit_and_a_day_later_there_is_room() {
    let (world, tenant) = owed(3, 2);
    let ids: Vec<EntityId> = block_on(tenant.entities("account", None, 9)).unwrap();
    let plans: Vec<_> = ids.iter().map(|id| block_on(tenant.plan(*id).into_future()).unwrap()).collect();
    plans.iter().for_each(|plan| approve(&tenant, plan.hash));
    let done: Vec<usize> = plans.iter().map(|plan| apply(&tenant, plan.hash).done).collect();
    assert_eq!(done, [1, 1, 0]);
    assert_eq!(world.shop.writes(), 2);
    world.clock.advance(TimeDelta::hours(23));
    assert_eq!(apply(&tenant, plans[2].hash).held.len(), 1);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(apply(&tenant, plans[2].hash).done, 1);
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn a_write_under_way_takes_room() {
    let (world, tenant) = owed(2, 1);
    let ids: Vec<EntityId> = block_on(tenant.entities("account", None, 9)).unwrap();
    let plans: Vec<_> = ids.iter().map(|id| block_on(tenant.plan(*id).into_future()).unwrap()).collect();
    plans.iter().for_each(|plan| approve(&tenant, plan.hash));
    world.shop.loses_answer();
    assert_eq!(apply(&tenant, plans[0].hash).unknown, 1);
    world.shop.unavailable(true);
    assert_eq!(apply(&tenant, plans[1].hash).held.len(), 1, "the first may have happened");
    world.shop.unavailable(false);
    step(&tenant);
    assert_eq!(apply(&tenant, plans[1].hash).held.len(), 1, "and it has");
    assert_eq!(world.shop.writes(), 1);
}

/// A write under way takes room from others also where a person confirmed what is to be written over it: what that leaves no room for
/// stands parked, where it can be confirmed too.
#[test]
fn what_is_under_way_takes_room_though_what_follows_it_was_confirmed() {
    let (world, tenant) = owed(2, 1);
    let ids: Vec<EntityId> = block_on(tenant.entities("account", None, 9)).unwrap();
    let plans: Vec<_> = ids.iter().map(|id| block_on(tenant.plan(*id).into_future()).unwrap()).collect();
    let Target::Record(other) = &plans[1].operations[0].target else { panic!("it is no create") };
    let other = other.id.strip_prefix('c').unwrap().to_owned();
    approve(&tenant, plans[0].hash);
    world.shop.loses_answer();
    assert_eq!(apply(&tenant, plans[0].hash).unknown, 1);
    world.shop.unavailable(true);

    owe(&world, &tenant, 2, "300.00");
    let held = plan(&tenant);
    assert_eq!((held.operations.len(), held.parked.len()), (0, 2), "{held}");
    block_on(tenant.confirm_writes(held.hash, &approver())).unwrap();
    world.crm.edit("accounts", &other, &json!({ "balance": "400.00" }));
    block_on(tenant.poll("crm")).unwrap();
    step(&tenant);

    let held = plan(&tenant);
    assert_eq!((held.operations.len(), held.parked.len()), (1, 1), "{held}");
    assert!(held.parked[0].limited, "{held}");
    block_on(tenant.confirm_writes(held.hash, &approver())).unwrap();
    world.shop.unavailable(false);
    let confirmed = plan(&tenant);
    assert_eq!((confirmed.operations.len(), confirmed.parked.len()), (2, 0), "{confirmed}");
    approve(&tenant, confirmed.hash);
    assert_eq!(apply(&tenant, confirmed.hash).held.len(), 0);
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

/// What is under way has its room already: no limit keeps it out of a plan, where it could be neither sent nor confirmed. What it
/// leaves no room for stands parked beside it, and can be.
#[test]
fn what_is_under_way_is_kept_out_by_no_limit() {
    let (world, tenant) = owed(2, 1);
    let ids: Vec<EntityId> = block_on(tenant.entities("account", None, 9)).unwrap();
    let first = block_on(tenant.plan(ids[0]).into_future()).unwrap();
    approve(&tenant, first.hash);
    world.shop.loses_answer();
    assert_eq!(apply(&tenant, first.hash).unknown, 1);
    world.shop.unavailable(true);

    let held = plan(&tenant);
    assert_eq!((held.operations.len(), held.parked.len()), (1, 1), "{held}");
    assert_eq!(held.operations[0].key, first.operations[0].key, "{held}");
    let why = "2 writes of balance into shop within a day exceed the limit of 1";
    assert_eq!(held.parked[0].why.as_str(), why);
    block_on(tenant.confirm_writes(held.hash, &approver())).unwrap();
    assert_eq!(plan(&tenant).operations.len(), 2);

    // Nor does a limit that is lowered meanwhile.
    let lowered = plan(&limited(&world, 0, 2));
    assert_eq!((lowered.operations.len(), lowered.parked.len()), (2, 0), "{lowered}");
    world.shop.unavailable(false);
    approve(&tenant, lowered.hash);
    assert_eq!(apply(&tenant, lowered.hash).held.len(), 0);
    assert_eq!(world.shop.writes(), 2);
    assert!(plan(&tenant).is_empty(), "{}", plan(&tenant));
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

/// Somebody puts the old value back before we know that ours took effect: they are not overwritten unasked, and ours counts.
#[test]
fn what_somebody_took_back_before_it_was_found_is_not_sent_again_unasked() {
    let (world, tenant) = owed(2, 1);
    let ids: Vec<EntityId> = block_on(tenant.entities("account", None, 9)).unwrap();
    let plans: Vec<_> = ids.iter().map(|id| block_on(tenant.plan(*id).into_future()).unwrap()).collect();
    plans.iter().for_each(|plan| approve(&tenant, plan.hash));
    world.shop.loses_answer();
    assert_eq!(apply(&tenant, plans[0].hash).unknown, 1);
    world.clock.advance(TimeDelta::hours(1));
    let Target::Record(written) = &plans[0].operations[0].target else { panic!("it is no create") };
    world.shop.edit("customers", &written.id, &json!({ "balance": "100.00" }));
    step(&tenant);
    assert_eq!(journaled(&world.store, &tenant, "unsure"), 1);
    assert_eq!(apply(&tenant, plans[0].hash).unapproved, 1, "its approval is spent");
    assert_eq!(apply(&tenant, plans[1].hash).held.len(), 1, "and it counts against the limit");
    let permit = accordant::StandingApproval::of(Account::BALANCE).toward("shop").at_most(9);
    let permit = permit.until("2026-02-01T00:00:00Z".parse().unwrap());
    block_on(tenant.give_standing(permit, &approver(), "balances follow the CRM")).unwrap();
    block_on(tenant.set_stage("shop", accordant::Stage::Act, &approver(), "two quiet weeks")).unwrap();
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(apply(&tenant, plans[0].hash).unapproved, 1, "no standing approval sends it again either");
    assert_eq!(world.shop.writes(), 1);
    approve(&tenant, plans[0].hash);
    assert_eq!(apply(&tenant, plans[0].hash).done, 1, "a person may");
    assert!(block_on(tenant.verify()).unwrap().is_clean());

    // What never arrived stays approved.
    let (world, tenant) = owed(1, 1);
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    world.shop.loses_request();
    assert_eq!(apply(&tenant, owed.hash).unknown, 1);
    world.clock.advance(TimeDelta::hours(1));
    step(&tenant);
    assert_eq!(apply(&tenant, owed.hash).done, 1);
}

/// A confirmation is of what was shown, once: it is no room for others.
#[test]
fn a_confirmation_is_of_what_was_shown_and_of_nothing_else() {
    let (world, tenant) = owed(3, 1);
    let held = plan(&tenant);
    assert_eq!((held.operations.len(), held.parked.len()), (0, 3));
    block_on(tenant.confirm_writes(held.hash, &approver())).unwrap();
    block_on(tenant.confirm_writes(held.hash, &approver())).unwrap();
    assert_eq!(journaled(&world.store, &tenant, "limit_confirmed"), 1, "confirmed again, nothing changes");
    let refused = block_on(tenant.confirm_deletes(held.hash, &approver())).unwrap_err();
    assert!(matches!(refused, Error::NothingToConfirm { .. }), "{refused}");
    assert_eq!(refused.http_status(), 409);
    // Other values than were shown: not confirmed.
    owe(&world, &tenant, 2, "300.00");
    let moved = block_on(tenant.confirm_writes(held.hash, &approver())).unwrap_err();
    assert!(matches!(moved, Error::PlanMoved { moved: 2, .. }), "{moved}");
    let now = plan(&tenant);
    assert_eq!((now.operations.len(), now.parked.len()), (1, 2), "{now}");
    approve(&tenant, now.hash);
    assert_eq!(apply(&tenant, now.hash).done, 1);
    // Carried out, it leaves no room behind: the two are as many as before.
    assert_eq!(plan(&tenant).parked.len(), 2);
    let refused = block_on(tenant.confirm_writes(held.hash, &approver())).unwrap_err();
    assert!(matches!(refused, Error::PlanMoved { .. }), "{refused}");
    world.clock.advance(TimeDelta::days(90));
    let refused = block_on(tenant.confirm_writes(now.hash, &approver())).unwrap_err();
    assert!(matches!(refused, Error::PlanExpired { .. }), "{refused}");
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[derive(Debug, Clone, Copy)]
enum Act {
    /// A balance changes, and is heard of.
    Owe(usize),
    /// A process plans one entity and applies it.
    Apply(usize, usize),
    /// A process plans everything and applies it.
    ApplyAll(usize),
    /// The next write is lost, refused, stale or put off.
    Fault(u8),
    Pass(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..5_usize).prop_map(Act::Owe),
        4 => (0..2_usize, 0..5_usize).prop_map(|(process, account)| Act::Apply(process, account)),
        1 => (0..2_usize).prop_map(Act::ApplyAll),
        2 => (0..FAULTS).prop_map(Act::Fault),
        1 => (0..30_u8).prop_map(Act::Pass),
    ];
    proptest::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Over any number of plans, processes, lost answers and refusals, no more writes of an attribute take effect within the
    /// time in which they count than the limit says; and the journal accounts for the count.
    #[test]
    fn the_limit_on_writes_holds_over_any_number_of_plans(acts in acts(), limit in 1..4_u32) {
        let world = World::new();
        in_both(&world, 0..5);
        let processes = [limited(&world, limit, 1), limited(&world, limit, 2)];
        for system in ["crm", "shop"] {
            block_on(processes[0].poll(system)).unwrap();
        }
        let ids: Vec<EntityId> = block_on(processes[0].entities("account", None, 9)).unwrap();
        let mut written: Vec<(u64, usize)> = Vec::new();
        let (mut hour, mut balance) = (0, 1000);
        for act in acts {
            let before = world.shop.writes();
            let run = |process: usize, scope: Scope| {
                let tenant = &processes[process];
                let plan = block_on(tenant.plan(scope).into_future()).unwrap();
                approve(tenant, plan.hash);
                drop(apply(tenant, plan.hash));
            };
            match act {
                Act::Owe(number) => {
                    balance += 1;
                    world.crm.edit("accounts", &number.to_string(), &json!({ "balance": format!("{balance}.00") }));
                    block_on(processes[0].poll("crm")).unwrap();
                }
                Act::Apply(process, number) => run(process, ids[number].into()),
                Act::ApplyAll(process) => run(process, Scope::default()),
                Act::Fault(kind) => fault(&world, kind),
                Act::Pass(hours) => {
                    hour += u64::from(hours);
                    world.clock.advance(TimeDelta::hours(i64::from(hours)));
                }
            }
            step(&processes[0]);
            written.push((hour, world.shop.writes() - before));
        }
        // Whenever the count begins, what follows within a day of it is within the limit; so that within any day there are at
        // most two such stretches.
        for (from, _) in &written {
            let within: usize = written.iter().filter(|(at, _)| (*from..from + 24).contains(at)).map(|(_, n)| n).sum();
            prop_assert!(within <= 2 * limit as usize, "{within} writes within a day of {from}: {written:?}");
        }
        // Exactly: the count begins with the first write after the last one was over, and lasts a day.
        let (mut began, mut counted) = (None, 0);
        for (at, writes) in written.iter().filter(|(_, writes)| *writes > 0) {
            if began.is_none_or(|began| at - began >= 24) {
                (began, counted) = (Some(*at), 0);
            }
            counted += writes;
            prop_assert!(counted <= limit as usize, "{counted} writes since {began:?}: {written:?}");
        }
        if hour < 24 {
            let all: usize = written.iter().map(|(_, n)| n).sum();
            prop_assert!(all <= limit as usize, "{all} writes on one day: {written:?}");
        }
        let verified = block_on(processes[1].verify()).unwrap();
        prop_assert!(verified.is_clean(), "{}", verified);
    }
}
