//! Standing approvals: given with limits, used without being asked, stopped at once when they are withdrawn.

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::engine::Retention;
use accordant::plan::{Scope, StandingId};
use accordant::rollout::Stage;
use accordant::{Accordant, Actor, EntityId, Error, StandingApproval, Tenant};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;

use crate::model::{Account, Between, World, account, apply, approve, journaled, plan, step};
use crate::owed::{FAULTS, fault, in_both, owe, owed, owed_under};

fn noah() -> Actor {
    Actor::new("noah")
}

fn tomorrow() -> DateTime<Utc> {
    "2026-01-06T08:00:00Z".parse().unwrap()
}

fn balances() -> StandingApproval {
    StandingApproval::of(Account::BALANCE).toward("shop").at_most(5).until(tomorrow())
}

fn act(tenant: &Tenant) {
    block_on(tenant.set_stage("shop", Stage::Act, &noah(), "two quiet weeks")).unwrap();
}

fn give(tenant: &Tenant, approval: StandingApproval) -> StandingId {
    block_on(tenant.give_standing(approval, &noah(), "balances follow the CRM")).unwrap()
}

fn used(tenant: &Tenant, id: StandingId) -> u32 {
    let all = block_on(tenant.standing_approvals(None, 9)).unwrap();
    all.iter().find(|standing| standing.id == id).unwrap().used
}

#[test]
fn what_it_covers_is_carried_out_and_nothing_else() {
    let (world, tenant) = owed(2);
    world.crm.edit("accounts", "1", &json!({ "phone": "2" }));
    block_on(tenant.poll("crm")).unwrap();
    act(&tenant);
    let id = give(&tenant, balances());
    let owed = plan(&tenant);
    let waits = block_on(tenant.progress(owed.hash)).unwrap().to_string();
    assert!(waits.contains(&format!("covered by standing approval {}, not applied: shop", id.short())), "{waits}");
    let applied = apply(&tenant, owed.hash);
    assert_eq!((applied.done, applied.unapproved), (2, 1), "the phone waits for a person");
    assert_eq!(used(&tenant, id), 2);
    assert_eq!(journaled(&world.store, &tenant, "standing_applied"), 2, "who allowed it is known");
    assert_eq!(apply(&tenant, owed.hash).already, 2);
    assert_eq!(used(&tenant, id), 2, "applied again, nothing is used");
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn it_covers_only_where_it_was_given_for_and_only_what_acts() {
    let (_, tenant) = owed(1);
    let id = give(&tenant, balances());
    let owed = plan(&tenant);
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1, "the shop proposes");
    block_on(tenant.set_stage("crm", Stage::Act, &noah(), "")).unwrap();
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1, "the CRM acts, and the shop does not");
    act(&tenant);
    let elsewhere = StandingApproval::of(Account::BALANCE).toward("crm").at_most(9).until(tomorrow());
    block_on(tenant.withdraw_standing(id, &noah(), "")).unwrap();
    give(&tenant, elsewhere);
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1);
    let creates = StandingApproval::of_creates("account").toward("shop").at_most(9).until(tomorrow());
    give(&tenant, creates);
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1);
}

#[test]
fn creates_are_covered_by_one_that_says_so_and_archives_by_none() {
    let world = World::new();
    let tenant = world.tenant();
    world.crm.edit("accounts", "1", &account(1));
    block_on(tenant.poll("crm")).unwrap();
    act(&tenant);
    let creates = StandingApproval::of_creates("account").toward("shop").at_most(9).until(tomorrow());
    let id = give(&tenant, creates);
    assert_eq!(apply(&tenant, plan(&tenant).hash).done, 1);
    assert_eq!((used(&tenant, id), world.shop.ids("customers").len()), (1, 1));
    world.crm.delete("accounts", "1");
    block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    assert_eq!(owed.operations.len(), 1, "the archive: {owed}");
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1, "a person is asked each time");
    assert_eq!(world.shop.ids("customers").len(), 1);
}

#[test]
fn one_without_limits_is_refused_and_says_which() {
    let (_, tenant) = owed(1);
    let of = || StandingApproval::of(Account::BALANCE);
    for (approval, lacks) in [
        (of().at_most(1).until(tomorrow()), "`toward`"),
        (of().toward("shop").until(tomorrow()), "`at_most`"),
        (of().toward("shop").at_most(0).until(tomorrow()), "`at_most`"),
        (of().toward("shop").at_most(1), "`until`"),
        (of().toward("shop").at_most(1).until(tomorrow() - TimeDelta::days(1)), "`until`"),
    ] {
        let refused = block_on(tenant.give_standing(approval, &noah(), "")).unwrap_err();
        assert!(matches!(refused, Error::UnlimitedApproval { .. }), "{refused}");
        assert!(refused.to_string().ends_with(lacks), "{refused}");
        assert_eq!(refused.http_status(), 400);
    }
    let typo = StandingApproval::of_unit("account", "balanse").toward("shop").at_most(1).until(tomorrow());
    let refused = block_on(tenant.give_standing(typo, &noah(), "")).unwrap_err();
    assert!(refused.to_string().contains("did you mean `balance`"), "{refused}");
    assert!(block_on(tenant.standing_approvals(None, 9)).unwrap().is_empty(), "nothing half done");
    let unknown =
        block_on(tenant.withdraw_standing(accordant::fingerprint::Digest::of(b"?"), &noah(), "")).unwrap_err();
    assert!(matches!(unknown, Error::UnknownStanding(_)), "{unknown}");
}

#[test]
fn one_that_is_withdrawn_stops_an_application_under_way() {
    let world = World::new();
    let between = Between::new(&world.shop);
    in_both(&world, 1..=120);
    let tenant = world.open(1, world.crm.clone(), between.clone());
    block_on(tenant.poll("crm")).unwrap();
    owe(&world, &tenant, 120, "200.00");
    act(&tenant);
    let id = give(&tenant, StandingApproval::of(Account::BALANCE).toward("shop").at_most(500).until(tomorrow()));
    let owed = plan(&tenant);
    assert_eq!(owed.operations.len(), 120);
    let withdrawing = tenant.clone();
    between.happens(async move {
        withdrawing.withdraw_standing(id, &Actor::new("mia"), "that is too many").await.unwrap();
    });
    let applied = apply(&tenant, owed.hash);
    assert_eq!((applied.done, applied.unapproved), (50, 70), "what was sent was sent; nothing more begins");
    assert_eq!(apply(&tenant, owed.hash).unapproved, 70);
    assert_eq!(used(&tenant, id), 50);
    let listed = block_on(tenant.standing_approvals(None, 9)).unwrap()[0].to_string();
    assert!(listed.ends_with("withdrawn by mia: that is too many"), "{listed}");
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn what_a_system_refused_asks_a_person_whatever_stands() {
    let (world, tenant) = owed(1);
    act(&tenant);
    let id = give(&tenant, balances());
    world.shop.refuses("no such currency");
    assert_eq!(apply(&tenant, plan(&tenant).hash).refused.len(), 1);
    assert_eq!(apply(&tenant, plan(&tenant).hash).unapproved, 1, "it is not sent again and again");
    assert_eq!(used(&tenant, id), 0, "and took nothing from the approval");
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    assert_eq!(apply(&tenant, owed.hash).done, 1);
}

/// Closing a case permits nothing: what was refused is not sent again, and what keeps being refused is sent three times.
#[test]
fn what_is_refused_again_and_again_asks_a_person_whoever_closes_the_case() {
    let (world, tenant) = owed(1);
    act(&tenant);
    let id = give(&tenant, balances());
    for balance in ["201.00", "202.00", "203.00"] {
        owe(&world, &tenant, 1, balance);
        world.shop.refuses("no such currency");
        assert_eq!(apply(&tenant, plan(&tenant).hash).refused.len(), 1, "{balance}");
        let case = block_on(tenant.cases(None, 9)).unwrap().remove(0);
        assert!(block_on(tenant.close_case(&case.key, &noah(), "seen")).unwrap());
        assert_eq!(apply(&tenant, plan(&tenant).hash).unapproved, 1, "{balance} was refused");
    }
    owe(&world, &tenant, 1, "204.00");
    let owed = plan(&tenant);
    assert_eq!(apply(&tenant, owed.hash).unapproved, 1, "three were refused in a row");
    let waits = block_on(tenant.progress(owed.hash)).unwrap().to_string();
    assert!(waits.contains("not approved: shop"), "{waits}");
    approve(&tenant, owed.hash);
    assert_eq!(apply(&tenant, owed.hash).done, 1);
    owe(&world, &tenant, 1, "205.00");
    assert_eq!(apply(&tenant, plan(&tenant).hash).done, 1, "from here on it is covered again");
    assert_eq!(used(&tenant, id), 1);
}

#[test]
fn a_plan_that_ran_out_is_not_carried_out_under_a_standing_approval() {
    let retention = Retention { plans_stand: TimeDelta::hours(8), ..Retention::default() };
    let (world, tenant) = owed_under(2, |world| {
        let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone());
        let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
        builder.retention(retention).build().unwrap().tenant("acme")
    });
    world.crm.edit("accounts", "1", &json!({ "phone": "2" }));
    block_on(tenant.poll("crm")).unwrap();
    act(&tenant);
    give(&tenant, balances());
    let stale = plan(&tenant);
    assert_eq!(stale.operations.len(), 3);
    world.clock.advance(TimeDelta::hours(8));
    assert!(matches!(block_on(tenant.apply(stale.hash)), Err(Error::PlanExpired { .. })));
    assert_eq!(world.shop.writes(), 0);
    assert_eq!(apply(&tenant, plan(&tenant).hash).done, 2, "made again, it stands again");
}

#[test]
fn a_standing_approval_covers_no_first_contact() {
    let (_, tenant) = owed_under(0, World::tenant);
    act(&tenant);
    give(&tenant, balances());
    let bootstrap = block_on(tenant.plan(Scope::default()).bootstrap().into_future()).unwrap();
    assert!(bootstrap.is_empty());
    let world = World::new();
    let tenant = world.tenant();
    world.crm.edit("accounts", "1", &account(1));
    world.shop.edit("customers", "c1", &json!({ "email": "a1@acme.test" }));
    for system in ["crm", "shop"] {
        block_on(tenant.poll(system)).unwrap();
    }
    act(&tenant);
    give(&tenant, balances());
    let bootstrap = block_on(tenant.plan(Scope::default()).bootstrap().into_future()).unwrap();
    let balances = bootstrap.operations.iter().filter(|operation| operation.unit.as_str() == "balance").count();
    assert_eq!(balances, 1, "{bootstrap}");
    assert_eq!(apply(&tenant, bootstrap.hash).done, 0);
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Owe(usize),
    Apply(usize, usize),
    ApplyAll(usize),
    Fault(u8),
    Pass(u8),
    Give { limit: u32, hours: u8 },
    Withdraw(usize),
    Stage(bool),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..4_usize).prop_map(Act::Owe),
        3 => (0..2_usize, 0..4_usize).prop_map(|(process, account)| Act::Apply(process, account)),
        2 => (0..2_usize).prop_map(Act::ApplyAll),
        2 => (0..FAULTS).prop_map(Act::Fault),
        1 => (1..9_u8).prop_map(Act::Pass),
        2 => (1..4_u32, 1..20_u8).prop_map(|(limit, hours)| Act::Give { limit, hours }),
        1 => (0..4_usize).prop_map(Act::Withdraw),
        1 => any::<bool>().prop_map(Act::Stage),
    ];
    proptest::collection::vec(act, 1..40)
}

/// What was given, as the test knows it.
struct Given {
    limit: u32,
    ends: DateTime<Utc>,
    withdrawn: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nobody ever approves by hand. Over any history, with two processes, lost answers and refusals: nothing is written while
    /// no standing approval is open or the connection does not act; no approval is used beyond its limit; what they are used
    /// for is what was written; and the journal accounts for all of it.
    #[test]
    fn nothing_is_written_that_no_open_standing_approval_covers(acts in acts()) {
        let world = World::new();
        in_both(&world, 0..4);
        let processes = [world.tenant(), world.open(2, world.crm.clone(), world.shop.clone())];
        block_on(processes[0].poll("crm")).unwrap();
        let ids: Vec<EntityId> = block_on(processes[0].entities("account", None, 9)).unwrap();
        let mut given: BTreeMap<StandingId, Given> = BTreeMap::new();
        let (mut now, mut acting, mut balance) = (tomorrow() - TimeDelta::days(1), false, 1000);
        for act in acts {
            let before = world.shop.writes();
            let open = given.values().any(|given| !given.withdrawn && now < given.ends) && acting;
            let run = |process: usize, scope: Scope| {
                let tenant = &processes[process];
                drop(apply(tenant, block_on(tenant.plan(scope).into_future()).unwrap().hash));
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
                    now += TimeDelta::hours(i64::from(hours));
                    world.clock.set(now);
                }
                Act::Give { limit, hours } => {
                    let ends = now + TimeDelta::hours(i64::from(hours));
                    let approval = StandingApproval::of(Account::BALANCE).toward("shop").at_most(limit).until(ends);
                    given.insert(give(&processes[0], approval), Given { limit, ends, withdrawn: false });
                }
                Act::Withdraw(which) => {
                    let id = given.keys().nth(which % given.len().max(1)).copied();
                    if let Some(id) = id {
                        block_on(processes[1].withdraw_standing(id, &noah(), "enough")).unwrap();
                        given.get_mut(&id).unwrap().withdrawn = true;
                    }
                }
                Act::Stage(acts) => {
                    acting = acts;
                    let stage = if acts { Stage::Act } else { Stage::Propose };
                    block_on(processes[0].set_stage("shop", stage, &noah(), "")).unwrap();
                }
            }
            prop_assert!(open || world.shop.writes() == before, "{act:?} wrote, and nothing was open");
        }
        // What has no answer yet is found out about, so that it is counted.
        step(&processes[0]);
        let all = block_on(processes[0].standing_approvals(None, usize::MAX)).unwrap();
        for standing in &all {
            prop_assert!(standing.used <= given[&standing.id].limit, "{standing}");
        }
        let uses: u32 = all.iter().map(|standing| standing.used).sum();
        prop_assert_eq!(uses as usize, world.shop.writes());
        let verified = block_on(processes[1].verify()).unwrap();
        prop_assert!(verified.is_clean(), "{}", verified);
    }
}
