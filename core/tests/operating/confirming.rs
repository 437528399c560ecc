//! Limits and confirmations over random histories: what takes effect beyond a limit is what a person confirmed, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant::chrono::TimeDelta;
use accordant::plan::{Intent, Limits, Plan, Scope, Target};
use accordant::{Accordant, EntityId, Error, Tenant};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;

use crate::model::{Account, World, apply, approve, approver, step};
use crate::owed::{FAULTS, fault, in_both};

/// How many accounts there are.
const ACCOUNTS: usize = 8;

fn under(world: &World, limits: Limits, seed: u64) -> Tenant {
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).limits(limits);
    let builder = builder.entropy(accordant::SeededEntropy::new(seed)).entity::<Account>();
    builder.connect(world.crm.clone()).connect(world.shop.clone()).build().unwrap().tenant("acme")
}

#[derive(Debug, Clone, Copy)]
enum Act {
    /// A balance changes in the CRM, or the account is deleted there, and that is heard of.
    Owe(usize),
    /// A process plans one entity and applies it.
    Apply(usize, usize),
    /// A process plans everything and applies it.
    ApplyAll(usize),
    /// A process plans everything, and a person confirms what a limit keeps out of it.
    Confirm(usize),
    /// A person confirms the plan that was confirmed last, once more.
    ConfirmAgain(usize),
    /// The next write is lost, refused, stale or put off.
    Fault(u8),
    Pass(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        5 => (0..ACCOUNTS).prop_map(Act::Owe),
        3 => (0..2_usize, 0..ACCOUNTS).prop_map(|(process, account)| Act::Apply(process, account)),
        2 => (0..2_usize).prop_map(Act::ApplyAll),
        2 => (0..2_usize).prop_map(Act::Confirm),
        1 => (0..2_usize).prop_map(Act::ConfirmAgain),
        1 => (0..FAULTS).prop_map(Act::Fault),
        1 => (0..30_u8).prop_map(Act::Pass),
    ];
    proptest::collection::vec(act, 1..40)
}

/// What a limit keeps out of a plan: records of the shop, and what they would hold; nothing, of one that would be archived.
fn kept_out(plan: &Plan) -> BTreeSet<(String, String)> {
    let limited = plan.parked.iter().filter(|parked| parked.limited).map(|parked| &parked.operation);
    limited
        .filter_map(|operation| {
            let Target::Record(record) = &operation.target else { return None };
            let holds = match &operation.intent {
                Intent::Set(field) => field.as_value()?.split(' ').next()?.to_owned(),
                _ => String::new(),
            };
            Some((record.id.to_string(), holds))
        })
        .collect()
}

/// What the shop's records hold.
fn held(world: &World) -> BTreeMap<String, String> {
    let ids = world.shop.ids("customers");
    let balance =
        |id: &str| world.shop.record("customers", id).unwrap()["balance"].as_str().unwrap_or_default().to_owned();
    ids.into_iter().map(|id| (id.clone(), balance(&id))).collect()
}

/// Lets acts happen, and says of each at what hour it happened, whether it confirmed, and what of its effects nobody had confirmed.
fn happened(world: &World, processes: &[Tenant; 2], acts: &[Act], deletes: bool) -> Vec<(u64, bool, usize)> {
    let ids: Vec<EntityId> = block_on(processes[0].entities("account", None, 99)).unwrap();
    let (mut hour, mut balance) = (0, 1000);
    let mut confirmed: BTreeSet<(String, String)> = BTreeSet::new();
    let mut last = None;
    let mut seen = Vec::new();
    for act in acts {
        let before = held(world);
        let planned = |process: usize, scope: Scope| block_on(processes[process].plan(scope).into_future()).unwrap();
        let carry_out = |process: usize, scope: Scope| {
            let plan = planned(process, scope);
            approve(&processes[process], plan.hash);
            drop(apply(&processes[process], plan.hash));
        };
        let confirm = |process: usize, hash| match deletes {
            true => block_on(processes[process].confirm_deletes(hash, &approver())),
            false => block_on(processes[process].confirm_writes(hash, &approver())),
        };
        let mut confirms = false;
        match *act {
            Act::Owe(number) if deletes => {
                world.crm.delete("accounts", &number.to_string());
                block_on(processes[0].poll("crm")).unwrap();
            }
            Act::Owe(number) => {
                balance += 1;
                world.crm.edit("accounts", &number.to_string(), &json!({ "balance": format!("{balance}.00") }));
                block_on(processes[0].poll("crm")).unwrap();
            }
            Act::Apply(process, number) => carry_out(process, ids[number].into()),
            Act::ApplyAll(process) => carry_out(process, Scope::default()),
            Act::Confirm(process) => {
                let plan = planned(process, Scope::default());
                let shown = kept_out(&plan);
                match confirm(process, plan.hash) {
                    Ok(()) => {
                        assert!(!shown.is_empty(), "there was something to confirm");
                        confirmed.extend(shown);
                        (confirms, last) = (true, Some(plan.hash));
                    }
                    Err(Error::NothingToConfirm { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            // It neither gives room nor begins the count anew: whatever it answers.
            Act::ConfirmAgain(process) => {
                if let Some(hash) = last {
                    drop(confirm(process, hash));
                }
            }
            Act::Fault(kind) => fault(world, kind),
            Act::Pass(hours) => {
                hour += u64::from(hours);
                world.clock.advance(TimeDelta::hours(i64::from(hours)));
            }
        }
        step(&processes[0]);
        let after = held(world);
        let changed = before.iter().filter(|(id, holds)| after.get(*id) != Some(holds));
        let effects = changed.map(|(id, _)| (id.clone(), after.get(id).cloned().unwrap_or_default()));
        // Each confirmed operation takes effect once without being counted.
        let unconfirmed = effects.filter(|effect| !confirmed.remove(effect)).count();
        seen.push((hour, confirms, unconfirmed));
    }
    seen
}

fn world(limits: Limits) -> (World, [Tenant; 2]) {
    let world = World::new();
    in_both(&world, 0..ACCOUNTS);
    let processes = [under(&world, limits, 1), under(&world, limits, 2)];
    for system in ["crm", "shop"] {
        block_on(processes[0].poll(system)).unwrap();
    }
    (world, processes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of writes that nobody confirmed, no more take effect than the limit says, from the first of them, or from the last
    /// confirmation, until a day later.
    #[test]
    fn beyond_the_limit_on_writes_only_what_was_confirmed_takes_effect(acts in acts(), limit in 1..4_u32) {
        let (world, processes) = world(Limits { writes: Some(limit), ..Limits::default() });
        let (mut began, mut counted): (Option<u64>, usize) = (None, 0);
        let seen = happened(&world, &processes, &acts, false);
        for (at, confirms, effects) in &seen {
            if *confirms {
                (began, counted) = (Some(*at), 0);
            }
            if *effects == 0 {
                continue;
            }
            if began.is_none_or(|began| at - began >= 24) {
                (began, counted) = (Some(*at), 0);
            }
            counted += effects;
            prop_assert!(counted <= limit as usize, "{counted} unconfirmed writes since {began:?}: {seen:?}");
        }
        let verified = block_on(processes[1].verify()).unwrap();
        prop_assert!(verified.is_clean(), "{}", verified);
    }

    /// Of deletes that nobody confirmed, no more take effect between two confirmations than the limit says, however long that is.
    #[test]
    fn beyond_the_limit_on_deletes_only_what_was_confirmed_takes_effect(acts in acts(), limit in 1..4_u32) {
        unconfirmed_deletes_keep_to(limit, &acts)?;
    }
}

/// What was found without effect is sent again behind the confirmation, beside what comes new.
#[test]
fn an_archive_whose_request_was_lost_keeps_its_room_through_a_confirmation() {
    use Act::{ApplyAll, Confirm, Fault, Owe};
    let acts = [Fault(1), Fault(1), Owe(6), ApplyAll(0), Owe(0), Owe(0), Confirm(0), Owe(1), ApplyAll(0)];
    unconfirmed_deletes_keep_to(1, &acts).unwrap();
}

fn unconfirmed_deletes_keep_to(limit: u32, acts: &[Act]) -> Result<(), TestCaseError> {
    let (world, processes) = world(Limits { deletes: limit, delete_percent: 100, ..Limits::default() });
    let mut counted = 0;
    let seen = happened(&world, &processes, acts, true);
    for (_, confirms, effects) in &seen {
        counted = if *confirms { 0 } else { counted };
        counted += effects;
        prop_assert!(counted <= limit as usize, "{counted} unconfirmed deletes: {seen:?}");
    }
    let verified = block_on(processes[1].verify()).unwrap();
    prop_assert!(verified.is_clean(), "{}", verified);
    Ok(())
}
