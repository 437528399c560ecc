//! One plan with a create, a change and an archive, cut off at every commit and at every call to a system: before it
//! happened, and after it happened unheard. Whatever the point, one approval is enough, and nothing is lost or doubled.

use std::sync::Arc;

use accordant::clock::ManualClock;
use accordant::connector::CreateSafety;
use accordant::plan::{Limits, PlanHash};
use accordant::store::{Store, Table};
use accordant::testing::Watched;
use accordant::{Accordant, SeededEntropy, Tenant};
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::json;

use crate::fuse::{Fuse, FusedSystem};
use crate::model::{Account, World, account, approve, plan};

const DRAIN: u32 = 30;

fn open(world: &World, seed: u64, fuse: &Fuse) -> Tenant {
    let clock: Arc<ManualClock> = Arc::clone(&world.clock);
    Accordant::builder()
        .clock(clock)
        .entropy(SeededEntropy::new(seed))
        .store(Watched::new(world.store.clone(), fuse.clone()))
        .limits(Limits { deletes: 25, delete_percent: 100, ..Limits::default() })
        .connect(FusedSystem::new(&world.crm, fuse))
        .connect(FusedSystem::new(&world.shop, fuse))
        .entity::<Account>()
        .build()
        .unwrap()
        .tenant("acme")
}

/// A world that owes the shop a create, a change and an archive, all approved.
fn owing(safety: CreateSafety, silent: bool) -> (World, PlanHash) {
    let world = World::new();
    world.shop.create_safety_is(safety);
    if silent {
        world.shop.answers_without_record();
    }
    let tenant = open(&world, 1, &Fuse::of(i64::MAX));
    for number in 1..=3 {
        world.crm.edit("accounts", &number.to_string(), &account(number));
    }
    for number in 2..=3 {
        world.shop.edit(
            "customers",
            &format!("s{number}"),
            &json!({ "email": format!("a{number}@acme.test"), "balance": "100.00", "phone": "1" }),
        );
    }
    for connection in ["crm", "shop"] {
        block_on(tenant.poll(connection)).unwrap();
    }
    world.clock.advance(TimeDelta::minutes(1));
    world.crm.edit("accounts", "2", &json!({ "phone": "2", "balance": "120.00" }));
    world.crm.delete("accounts", "3");
    block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    assert_eq!(owed.operations.len(), 4, "{owed}");
    approve(&tenant, owed.hash);
    (world, owed.hash)
}

/// A process that works until nothing is left to do, or until its fuse is burnt.
fn live(tenant: &Tenant, plan: PlanHash) -> Result<(), accordant::error::Error> {
    block_on(async {
        while tenant.step().await?.more() {}
        tenant.apply(plan).await?;
        while tenant.step().await?.more() {}
        Ok(())
    })
}

fn judge(world: &World, point: i64) {
    let tenant = open(world, 99, &Fuse::of(i64::MAX));
    for connection in ["crm", "shop"] {
        block_on(tenant.poll(connection)).unwrap();
    }
    crate::model::step(&tenant);
    let owed = plan(&tenant);
    assert!(owed.is_empty(), "point {point}: still owed\n{owed}");
    assert_eq!(world.shop.ids("customers"), ["new-1", "s2"], "point {point}");
    let created = world.shop.record("customers", "new-1").unwrap();
    assert_eq!(created, json!({ "email": "a1@acme.test", "balance": "100.00", "phone": "1" }), "point {point}");
    let changed = world.shop.record("customers", "s2").unwrap();
    assert_eq!((&changed["phone"], &changed["balance"]), (&json!("2"), &json!("120.00")), "point {point}");
    assert_eq!(world.shop.written().len(), 3, "point {point}: {:#?}", world.shop.written());
    for table in [Table::Outbox, Table::Case] {
        let rows = block_on(world.store.scan(tenant.id(), table, "", None, 9)).unwrap();
        assert!(rows.is_empty(), "point {point}: {table:?}");
    }
    let approvals = block_on(world.store.scan(tenant.id(), Table::Approval, "", None, 9)).unwrap();
    let approvals: Vec<_> = approvals.iter().filter(|row| !row.key.starts_with("deletes")).collect();
    assert!(approvals.is_empty(), "point {point}: every approval is spent");
    assert!(block_on(tenant.verify()).unwrap().is_clean(), "point {point}");
}

fn cut_off_everywhere(safety: CreateSafety, silent: bool) {
    for point in 1.. {
        let (world, hash) = owing(safety, silent);
        let fuse = Fuse::of(point);
        drop(live(&open(&world, 2, &fuse), hash));
        let lived_through = !fuse.is_burnt();
        // The next process is cut off as well, the one after that is not.
        world.clock.advance(TimeDelta::seconds(i64::from(DRAIN) + 1));
        drop(live(&open(&world, 3, &Fuse::of(point % 11 + 1)), hash));
        for seed in 4..7 {
            world.clock.advance(TimeDelta::seconds(i64::from(DRAIN) + 1));
            live(&open(&world, seed, &Fuse::of(i64::MAX)), hash).unwrap();
        }
        judge(&world, point);
        if lived_through {
            assert!(point > 20, "an application has more than ten commits and calls");
            return;
        }
    }
}

#[test]
fn a_crash_at_any_point_loses_and_doubles_nothing_under_a_remote_key() {
    cut_off_everywhere(CreateSafety::RemoteKey, false);
}

#[test]
fn a_crash_at_any_point_loses_and_doubles_nothing_under_a_drain() {
    cut_off_everywhere(CreateSafety::DrainThenConsistentLookup { drain_seconds: DRAIN }, false);
}

#[test]
fn a_crash_at_any_point_loses_and_doubles_nothing_without_a_safe_create() {
    cut_off_everywhere(CreateSafety::DetectAndMerge, true);
}
