//! Two workers at once, and people beside them: at every point of one's application, another one's happens.

use std::sync::{Arc, Mutex};

use accordant::chrono::{DateTime, Utc};
use accordant::plan::{Limits, Plan, StandingId};
use accordant::rollout::{ApplyWindow, Stage};
use accordant::store::{Store as _, Table};
use accordant::testing::{Turns, Watched};
use accordant::{Accordant, Actor, EntityId, MemoryStore, StandingApproval, Tenant};
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::BoxFuture;

use crate::model::{Account, Between, World, apply, approve, plan};
use crate::owed::{in_both, owe};

/// Accounts in both systems, and a process: at any call of its store something may happen, and before its first write.
fn interleaved(accounts: usize, limits: Limits) -> (World, Tenant, Watched<MemoryStore, Turns>, Between) {
    let world = World::new();
    in_both(&world, 1..=accounts);
    let (store, shop) = (Watched::new(world.store.clone(), Turns::default()), Between::new(&world.shop));
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(store.clone()).limits(limits);
    let builder = builder.entropy(accordant::SeededEntropy::new(1)).entity::<Account>();
    let tenant = builder.connect(world.crm.clone()).connect(shop.clone()).build().unwrap().tenant("acme");
    for system in ["crm", "shop"] {
        block_on(tenant.poll(system)).unwrap();
    }
    (world, tenant, store, shop)
}

fn noah() -> Actor {
    Actor::new("noah")
}

fn plans(tenant: &Tenant) -> Vec<Plan> {
    let ids: Vec<EntityId> = block_on(tenant.entities("account", None, 9)).unwrap();
    ids.iter().map(|id| block_on(tenant.plan(*id).into_future()).unwrap()).collect()
}

fn tomorrow() -> DateTime<Utc> {
    "2026-01-06T08:00:00Z".parse().unwrap()
}

/// At any point of a worker's application before its own intent, another one makes its intent durable, and stands still before
/// its call until the first has ended. There is room for one write.
fn one_of_two_is_written(
    limits: Limits,
    owe: impl Fn(&World, &Tenant),
    written: impl Fn(&World) -> usize,
    asked: bool,
) {
    for calls in 0.. {
        let (world, tenant, store, shop) = interleaved(2, limits);
        owe(&world, &tenant);
        let plans = plans(&tenant);
        if asked {
            plans.iter().for_each(|plan| approve(&tenant, plan.hash));
        }
        let (go_on, stands_still) = oneshot::channel::<()>();
        let mut application: BoxFuture<'static, _> = {
            let (other, hash) = (tenant.clone(), plans[0].hash);
            Box::pin(async move { other.apply(hash).await.unwrap() })
        };
        let begun = Arc::new(Mutex::new(None));
        let (note, rows) = (Arc::clone(&begun), world.store.clone());
        store.watch().happens_after(calls, async move {
            let journal = rows.journal(&"acme".into(), 0, usize::MAX).await.unwrap();
            if journal.iter().all(|(entry, _)| entry.kind.as_str() != "intended") {
                shop.happens(async move { stands_still.await.unwrap() });
                let done = futures::future::poll_immediate(&mut application).await;
                *note.lock().unwrap() = Some((application, done));
            }
        });
        let applied = apply(&tenant, plans[1].hash);
        let Some((application, done)) = begun.lock().unwrap().take() else {
            assert!(calls > 10, "nothing was interleaved");
            return;
        };
        assert_eq!(done, None, "after {calls} calls: it stands still before its call");
        go_on.send(()).unwrap();
        let late = block_on(application);
        assert_eq!((applied.done + late.done, written(&world)), (1, 1), "after {calls} calls: {applied:?}, {late:?}");
        let verified = block_on(tenant.verify()).unwrap();
        assert!(verified.is_clean(), "after {calls} calls: {verified}");
    }
}

#[test]
fn the_limit_on_writes_holds_between_two_workers() {
    let limits = Limits { writes: Some(1), ..Limits::default() };
    one_of_two_is_written(limits, |world, tenant| owe(world, tenant, 2, "200.00"), |world| world.shop.writes(), true);
}

#[test]
fn the_limit_on_deletes_holds_between_two_workers() {
    let limits = Limits { deletes: 1, delete_percent: 100, ..Limits::default() };
    let delete = |world: &World, tenant: &Tenant| {
        for number in ["1", "2"] {
            world.crm.delete("accounts", number);
        }
        block_on(tenant.poll("crm")).unwrap();
    };
    one_of_two_is_written(limits, delete, |world| 2 - world.shop.ids("customers").len(), true);
}

#[test]
fn a_standing_approval_is_used_up_between_two_workers() {
    let given = |world: &World, tenant: &Tenant| {
        owe(world, tenant, 2, "200.00");
        give(tenant, 1);
        block_on(tenant.set_stage("shop", Stage::Act, &noah(), "two quiet weeks")).unwrap();
    };
    one_of_two_is_written(Limits::default(), given, |world| world.shop.writes(), false);
}

fn give(tenant: &Tenant, limit: u32) -> StandingId {
    let approval = StandingApproval::of(Account::BALANCE).toward("shop").at_most(limit).until(tomorrow());
    block_on(tenant.give_standing(approval, &noah(), "balances follow the CRM")).unwrap()
}

/// Somebody stops writes into the shop between any two calls of an application. From the commit on no call begins.
fn what_is_stopped_is_not_written(asked: bool, stop: impl Fn(Tenant, StandingId) -> BoxFuture<'static, ()>) {
    for calls in 0.. {
        let (world, tenant, store, _) = interleaved(3, Limits::default());
        owe(&world, &tenant, 3, "200.00");
        let owed = plan(&tenant);
        block_on(tenant.set_stage("shop", Stage::Act, &noah(), "two quiet weeks")).unwrap();
        let standing = give(&tenant, 9);
        if asked {
            approve(&tenant, owed.hash);
        }
        let written = Arc::new(std::sync::OnceLock::new());
        let (noted, shop, stopping) = (Arc::clone(&written), world.shop.clone(), stop(tenant.clone(), standing));
        store.watch().happens_after(calls, async move {
            stopping.await;
            noted.set(shop.writes()).unwrap();
        });
        let applied = apply(&tenant, owed.hash);
        let Some(before) = written.get() else {
            assert!(calls > 10, "nothing was interleaved");
            return;
        };
        assert_eq!(world.shop.writes(), *before, "after {calls} calls: {applied:?}");
        assert_eq!(applied.done, *before, "after {calls} calls: {applied:?}");
        let outbox = block_on(world.store.scan(tenant.id(), Table::Outbox, "", None, 9)).unwrap();
        assert_eq!(outbox, [], "after {calls} calls: what was not sent is taken back");
        let verified = block_on(tenant.verify()).unwrap();
        assert!(verified.is_clean(), "after {calls} calls: {verified}");
    }
}

#[test]
fn a_connection_that_observes_from_now_on_is_not_called() {
    what_is_stopped_is_not_written(true, |tenant, _| {
        Box::pin(async move { tenant.set_stage("shop", Stage::Observe, &noah(), "too early").await.unwrap() })
    });
}

#[test]
fn a_connection_that_is_held_or_paused_from_now_on_is_not_called() {
    what_is_stopped_is_not_written(true, |tenant, _| {
        Box::pin(async move { tenant.hold("shop", &noah(), "stocktaking").await.unwrap() })
    });
    what_is_stopped_is_not_written(true, |tenant, _| {
        Box::pin(async move { tenant.pause("shop", &noah(), "an outage").await.unwrap() })
    });
}

#[test]
fn a_connection_whose_window_is_closed_from_now_on_is_not_called() {
    what_is_stopped_is_not_written(true, |tenant, _| {
        let nights = ApplyWindow::daily("22:00", "04:00", "UTC").unwrap();
        Box::pin(async move { tenant.set_windows("shop", vec![nights], &noah(), "nights only").await.unwrap() })
    });
}

#[test]
fn what_rests_on_a_withdrawn_standing_approval_is_not_called() {
    what_is_stopped_is_not_written(false, |tenant, id| {
        Box::pin(async move { tenant.withdraw_standing(id, &noah(), "too many").await.unwrap() })
    });
}
