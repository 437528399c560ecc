//! Two processes on one store: one stands still before each of its calls to the store in turn, while the other works.

use std::pin::pin;
use std::sync::Arc;

use accordant::connector::Connector;
use accordant::plan::{Limits, PlanHash};
use accordant::rollout::Stage;
use accordant::store::{Store as _, Table};
use accordant::{Accordant, EntityId, SeededEntropy, StandingApproval, Tenant};
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, Between, World, account, apply, approve, approver, journaled, plan, step};
use accordant::testing::{Turns, Watched};

/// How long what a process has in hand is its own.
const LEASE: TimeDelta = TimeDelta::minutes(10);

fn limits() -> Limits {
    Limits { writes: Some(1), deletes: 1, delete_percent: 100 }
}

fn open(world: &World, store: impl accordant::store::Store, seed: u64, limits: Limits, shop: impl Connector) -> Tenant {
    let builder = Accordant::builder()
        .clock(Arc::clone(&world.clock))
        .entropy(SeededEntropy::new(seed))
        .store(store)
        .lease(LEASE)
        .limits(limits)
        .connect(world.crm.clone())
        .connect(shop)
        .entity::<Account>();
    builder.build().unwrap().tenant("acme")
}

/// So many accounts, in both systems, the shop's balances behind.
fn behind(world: &World, tenant: &Tenant, accounts: usize) {
    for number in 1..=accounts {
        world.crm.edit("accounts", &number.to_string(), &account(number));
        let client = json!({ "email": format!("a{number}@acme.test"), "balance": "100.00", "phone": "1" });
        world.shop.edit("customers", &format!("c{number}"), &client);
    }
    read(tenant);
    assert!(plan(tenant).is_empty());
    world.clock.advance(TimeDelta::minutes(1));
    for number in 1..=accounts {
        world.crm.edit("accounts", &number.to_string(), &json!({ "balance": "200.00" }));
    }
    read(tenant);
}

fn read(tenant: &Tenant) {
    for connection in ["crm", "shop"] {
        block_on(tenant.poll(connection)).unwrap();
    }
    step(tenant);
}

fn clean(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

/// A plan for each of two accounts.
fn plans_of_each(tenant: &Tenant) -> [PlanHash; 2] {
    let ids = block_on(tenant.entities("account", None, 9)).unwrap();
    let plan = |id: &EntityId| block_on(tenant.plan(*id).into_future()).unwrap().hash;
    ids.iter().map(plan).collect::<Vec<_>>().try_into().unwrap()
}

/// Applies a plan up to a call that is never answered.
async fn calls_for_ever(tenant: Tenant, shop: &Between, plan: PlanHash) {
    shop.happens(std::future::pending());
    let calls = pin!(tenant.apply(plan));
    drop(futures::future::poll_immediate(calls).await);
}

/// Lets `one` happen with `other` before each of its calls to the store, until it makes no more of them.
fn at_every_point(mut met: impl FnMut(usize) -> bool) {
    let points = (0..).take_while(|point| met(*point)).count();
    assert!(points > 10, "{points}");
}

#[test]
fn a_standing_approval_is_not_used_beyond_its_limit_by_two_processes() {
    at_every_point(|point| {
        let world = World::new();
        let meeting = Watched::new(world.store.clone(), Turns::default());
        let one = open(&world, meeting.clone(), 1, Limits::default(), world.shop.clone());
        let shop = Between::new(&world.shop);
        let other = open(&world, world.store.clone(), 2, Limits::default(), shop.clone());
        behind(&world, &one, 2);
        let until = "2026-02-05T08:00:00Z".parse().unwrap();
        let balances = StandingApproval::of(Account::BALANCE).toward("shop").at_most(1).until(until);
        block_on(one.set_stage("shop", Stage::Act, &approver(), "two quiet weeks")).unwrap();
        block_on(one.give_standing(balances, &approver(), "balances follow")).unwrap();
        let [owed, theirs] = plans_of_each(&one);
        meeting.watch().happens_after(point, async move { calls_for_ever(other, &shop, theirs).await });
        apply(&one, owed);
        assert_eq!(journaled(&world.store, &one, "standing_applied"), 1, "met at {point}");
        clean(&one);
        meeting.watch().have_passed()
    });
}

#[test]
fn a_limit_on_writes_is_not_exceeded_by_two_processes() {
    at_every_point(|point| {
        let world = World::new();
        let meeting = Watched::new(world.store.clone(), Turns::default());
        let one = open(&world, meeting.clone(), 1, limits(), world.shop.clone());
        let shop = Between::new(&world.shop);
        let other = open(&world, world.store.clone(), 2, limits(), shop.clone());
        behind(&world, &one, 2);
        let [owed, theirs] = plans_of_each(&one);
        [owed, theirs].iter().for_each(|plan| approve(&one, *plan));
        meeting.watch().happens_after(point, async move { calls_for_ever(other, &shop, theirs).await });
        apply(&one, owed);
        assert_eq!(journaled(&world.store, &one, "intended"), 1, "met at {point}");
        clean(&one);
        meeting.watch().have_passed()
    });
}

#[test]
fn a_limit_on_deletes_is_not_exceeded_by_two_processes() {
    at_every_point(|point| {
        let world = World::new();
        let meeting = Watched::new(world.store.clone(), Turns::default());
        let none = Limits { writes: None, ..limits() };
        let one = open(&world, meeting.clone(), 1, none, world.shop.clone());
        let shop = Between::new(&world.shop);
        let other = open(&world, world.store.clone(), 2, none, shop.clone());
        behind(&world, &one, 2);
        let ids = block_on(one.entities("account", None, 9)).unwrap();
        let mut plans = Vec::new();
        for (number, id) in ids.iter().enumerate() {
            // One at a time: two would be parked at once.
            let number = (number + 1).to_string();
            world.crm.delete("accounts", &number);
            read(&one);
            plans.push(block_on(one.plan(*id).into_future()).unwrap().hash);
        }
        plans.iter().for_each(|plan| approve(&one, *plan));
        let theirs = plans[1];
        meeting.watch().happens_after(point, async move { calls_for_ever(other, &shop, theirs).await });
        apply(&one, plans[0]);
        assert_eq!(journaled(&world.store, &one, "intended"), 1, "met at {point}");
        clean(&one);
        meeting.watch().have_passed()
    });
}

#[test]
fn an_approval_is_spent_once_by_two_processes() {
    at_every_point(|point| {
        let world = World::new();
        let meeting = Watched::new(world.store.clone(), Turns::default());
        let one = open(&world, meeting.clone(), 1, Limits::default(), world.shop.clone());
        let other = open(&world, world.store.clone(), 2, Limits::default(), world.shop.clone());
        behind(&world, &one, 1);
        let owed = plan(&one).hash;
        approve(&one, owed);
        let (fake, clock) = (world.shop.clone(), Arc::clone(&world.clock));
        meeting.watch().happens_after(point, async move {
            other.apply(owed).await.unwrap();
            // Somebody takes it back by hand: the same write is owed once more, and nobody approved that.
            clock.advance(TimeDelta::seconds(1));
            fake.edit("customers", "c1", &json!({ "balance": "100.00" }));
            other.poll("shop").await.unwrap();
        });
        apply(&one, owed);
        assert_eq!(journaled(&world.store, &one, "intended"), 1, "met at {point}");
        assert_eq!(world.shop.writes(), 1, "met at {point}");
        meeting.watch().have_passed()
    });
}

#[test]
fn what_is_carried_out_while_it_is_approved_is_not_approved_for_another_day() {
    at_every_point(|point| {
        let world = World::new();
        let meeting = Watched::new(world.store.clone(), Turns::default());
        let one = open(&world, meeting.clone(), 1, Limits::default(), world.shop.clone());
        let other = open(&world, world.store.clone(), 2, Limits::default(), world.shop.clone());
        behind(&world, &one, 1);
        let until = "2026-02-05T08:00:00Z".parse().unwrap();
        let balances = StandingApproval::of(Account::BALANCE).toward("shop").at_most(1).until(until);
        block_on(one.set_stage("shop", Stage::Act, &approver(), "two quiet weeks")).unwrap();
        block_on(one.give_standing(balances, &approver(), "balances follow")).unwrap();
        let owed = plan(&one).hash;
        meeting.watch().happens_after(point, async move { drop(other.apply(owed).await.unwrap()) });
        let planned = plan(&one).hash;
        approve(&one, planned);
        let met = meeting.watch().have_passed();
        if !met {
            return false;
        }
        assert_eq!(world.shop.writes(), 1, "met at {point}");
        // Somebody takes it back by hand: the same write is owed once more, and nobody approved that.
        world.clock.advance(TimeDelta::seconds(1));
        world.shop.edit("customers", "c1", &json!({ "balance": "100.00" }));
        block_on(one.poll("shop")).unwrap();
        apply(&one, owed);
        assert_eq!(world.shop.writes(), 1, "met at {point}");
        clean(&one);
        true
    });
}

#[test]
fn one_application_of_two_processes_sends_a_create_wherever_they_meet() {
    at_every_point(|point| {
        let world = World::new();
        world.shop.create_safety_is(accordant::connector::CreateSafety::DetectAndMerge);
        let meeting = Watched::new(world.store.clone(), Turns::default());
        let one = open(&world, meeting.clone(), 1, Limits::default(), world.shop.clone());
        let other = open(&world, world.store.clone(), 2, Limits::default(), world.shop.clone());
        world.crm.edit("accounts", "1", &account(1));
        read(&one);
        let owed = plan(&one).hash;
        approve(&one, owed);
        meeting.watch().happens_after(point, async move {
            other.apply(owed).await.unwrap();
            while other.step().await.unwrap().more() {}
        });
        apply(&one, owed);
        step(&one);
        assert_eq!(world.shop.ids("customers").len(), 1, "met at {point}");
        assert!(plan(&one).is_empty());
        clean(&one);
        meeting.watch().have_passed()
    });
}

#[test]
fn what_another_has_in_hand_is_left_to_it_until_its_lease_ends() {
    let world = World::new();
    let shop = Between::new(&world.shop);
    let one = open(&world, world.store.clone(), 1, Limits::default(), shop.clone());
    let other = open(&world, world.store.clone(), 2, Limits::default(), world.shop.clone());
    behind(&world, &one, 1);
    let owed = plan(&one).hash;
    approve(&one, owed);
    let (theirs, fake, clock) = (other.clone(), world.shop.clone(), Arc::clone(&world.clock));
    shop.happens(async move {
        let stepped = theirs.step().await.unwrap();
        assert!(!stepped.more(), "{stepped:?}");
        assert_eq!(theirs.apply(owed).await.unwrap().unknown, 1);
        // It stands still for longer than its lease. The other finds the write without effect, and sends it itself.
        clock.advance(LEASE + TimeDelta::seconds(1));
        while theirs.step().await.unwrap().more() {}
        assert_eq!(theirs.apply(owed).await.unwrap().done, 1);
        assert_eq!(fake.writes(), 1);
    });
    let late = apply(&one, owed);
    assert_eq!((late.done, late.superseded), (0, 1), "its write was conditional, and the condition holds no more");
    assert_eq!(world.shop.record("customers", "c1").unwrap()["balance"], json!("200.00"));
    step(&one);
    assert!(plan(&one).is_empty());
    clean(&one);
}

#[test]
fn no_call_begins_when_the_lease_is_half_over() {
    let mut put_off = 0;
    at_every_point(|point| {
        let world = World::new();
        let meeting = Watched::new(world.store.clone(), Turns::default());
        let one = open(&world, meeting.clone(), 1, Limits::default(), world.shop.clone());
        behind(&world, &one, 1);
        let owed = plan(&one).hash;
        approve(&one, owed);
        let clock = Arc::clone(&world.clock);
        meeting.watch().happens_after(point, async move {
            clock.advance(LEASE / 2 + TimeDelta::seconds(1));
        });
        let applied = apply(&one, owed);
        assert_eq!(
            (applied.done, world.shop.writes()),
            (1 - applied.deferred, 1 - applied.deferred),
            "frozen at {point}"
        );
        put_off += applied.deferred;
        meeting.watch().have_passed()
    });
    // Between the look at the clock that gave the lease, and its commit.
    assert!(put_off > 0, "at no point was it too late to call");
}

#[test]
fn a_hint_that_comes_after_another_took_over_is_not_taken_off_by_a_sleeper() {
    let world = World::new();
    let crm = Between::new(&world.crm);
    let open = |seed, crm: Box<dyn FnOnce(accordant::Builder) -> accordant::Builder>| {
        let builder = Accordant::builder()
            .clock(Arc::clone(&world.clock))
            .entropy(SeededEntropy::new(seed))
            .store(world.store.clone())
            .lease(LEASE)
            .connect(world.shop.clone())
            .entity::<Account>();
        crm(builder).build().unwrap().tenant("acme")
    };
    let slow = crm.clone();
    let one = open(1, Box::new(move |builder| builder.connect(slow)));
    let fake = world.crm.clone();
    let other = open(2, Box::new(move |builder| builder.connect(fake)));
    let dying = Between::new(&world.crm);
    let third = open(
        3,
        Box::new({
            let dying = dying.clone();
            move |builder| builder.connect(dying)
        }),
    );
    world.crm.edit("accounts", "1", &account(1));
    block_on(one.receive("crm", world.crm.hint_webhook("accounts", "1"))).unwrap();
    let (fake, clock) = (world.crm.clone(), Arc::clone(&world.clock));
    crm.happens_before_the_read_is_heard(async move {
        // It sleeps; another reads the record, and a new hint is taken in hand by a third that dies over it.
        clock.advance(LEASE + TimeDelta::seconds(1));
        while other.step().await.unwrap().more() {}
        fake.edit("accounts", "1", &json!({ "phone": "2" }));
        other.receive("crm", fake.hint_webhook("accounts", "1")).await.unwrap();
        dying.happens_before_the_read_is_heard(std::future::pending());
        assert!(futures::future::poll_immediate(third.step()).await.is_none(), "it stands in its read");
    });
    step(&one);
    let fresh = world.open(4, world.crm.clone(), world.shop.clone());
    let id = block_on(fresh.entities("account", None, 9)).unwrap()[0];
    let phone = || block_on(fresh.explain_erased(id, "phone")).unwrap().to_string().contains("\"2\"");
    assert!(!phone());
    world.clock.advance(LEASE + TimeDelta::seconds(1));
    step(&fresh);
    assert!(phone(), "the hint is still there when the lease of who died is over");
}

#[test]
fn a_process_that_was_taken_over_goes_on_under_another_id() {
    let world = World::new();
    let one = open(&world, world.store.clone(), 1, Limits::default(), world.shop.clone());
    behind(&world, &one, 2);
    let plans = plans_of_each(&one);
    plans.iter().for_each(|plan| approve(&one, *plan));
    world.shop.loses_answer();
    let dropped = Between::new(&world.shop);
    let dying = open(&world, world.store.clone(), 5, Limits::default(), dropped.clone());
    dropped.happens(std::future::pending());
    assert!(block_on(futures::future::poll_immediate(dying.apply(plans[0]))).is_none(), "it stands in its call");
    world.clock.advance(LEASE + TimeDelta::seconds(1));
    step(&one);
    assert_eq!(apply(&one, plans[0]).unknown, 1, "sent, and the answer lost");
    // It wakes: nothing fails, and what it does rests on nothing that it knew.
    assert_eq!(apply(&dying, plans[1]).done, 1);
    step(&dying);
    assert_eq!(world.shop.writes(), 2);
    assert!(plan(&dying).is_empty(), "the write without answer was found");
    clean(&dying);
}

/// A process without leases, as one of an earlier version is, dies with a write under way and a record to be read. One with leases
/// takes both up at once: nobody has them in hand.
#[test]
fn what_a_process_without_leases_left_is_anybodys() {
    let world = World::new();
    let tenant = world.tenant();
    behind(&world, &tenant, 1);
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    let shop = Between::new(&world.shop);
    block_on(calls_for_ever(world.open(5, world.crm.clone(), shop.clone()), &shop, owed.hash));
    let hint = world.crm.hint_webhook("accounts", "1");
    block_on(tenant.receive("crm", hint)).unwrap();
    let rows = |table, prefix: &'static str| block_on(world.store.scan(tenant.id(), table, prefix, None, 9)).unwrap();
    let (outbox, work) = (rows(Table::Outbox, ""), rows(Table::Work, ""));
    assert_eq!((outbox.len(), work.len()), (1, 1));
    for row in outbox.iter().chain(&work) {
        let value: serde_json::Value = serde_json::from_slice(&row.value).unwrap();
        assert!(value.get("lease").is_none(), "as it was written before there were leases: {value}");
    }
    let leased = open(&world, world.store.clone(), 6, Limits::default(), world.shop.clone());
    step(&leased);
    assert_eq!((rows(Table::Outbox, "").len(), rows(Table::Work, "").len()), (0, 0));
    assert_eq!(apply(&leased, owed.hash).done, 1, "it never arrived, and is still approved");
    clean(&leased);
}
