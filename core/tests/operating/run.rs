//! The long-lived task: what it does by itself, what it leaves to people, and how it stops.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use accordant::chrono::TimeDelta;
use accordant::connector::{Connector, ConnectorError, Cursor, Page, ReadAnswer, RecordKey};
use accordant::engine::{Builder, Ran, Retention, Schedule};
use accordant::id::SurfaceName;
use accordant::plan::Scope;
use accordant::rollout::Stage;
use accordant::store::Store as _;
use accordant::surface::Channel;
use accordant::testing::{FakeSystem, Habits, Turns, Watched};
use accordant::{Accordant, Actor, Error, ManualClock, StandingApproval, Tenant};
use async_trait::async_trait;
use futures::executor::block_on;
use futures::future::BoxFuture;
use serde_json::json;

use crate::model::{Account, Between, World, approve, journaled, plan};
use crate::owed::{in_both, owe, owed};

fn noah() -> Actor {
    Actor::new("noah")
}

/// What happens while a task sleeps for the n-th time.
pub(crate) type Meanwhile<'a> = Box<dyn FnMut(usize) -> BoxFuture<'a, ()> + Send + 'a>;

/// Runs through so many sleeps. Each moves the clock on by as long as was asked for.
pub(crate) fn run(
    tenant: &Tenant,
    clock: &Arc<ManualClock>,
    sleeps: usize,
    mut meanwhile: Meanwhile<'_>,
) -> (Result<Ran, Error>, Vec<i64>) {
    let (slept, asked) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let sleep = |delay: TimeDelta| {
        clock.advance(delay);
        asked.lock().unwrap().push(delay.num_milliseconds());
        meanwhile(slept.fetch_add(1, Ordering::SeqCst))
    };
    let shutdown = futures::future::poll_fn(|_| match slept.load(Ordering::SeqCst) >= sleeps {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    let ran = block_on(tenant.run(sleep, shutdown));
    (ran, asked.into_inner().unwrap())
}

pub(crate) fn quiet<'a>() -> Meanwhile<'a> {
    Box::new(|_| Box::pin(async {}))
}

fn balances(tenant: &Tenant) {
    let standing = StandingApproval::of(Account::BALANCE).toward("shop").at_most(500);
    let standing = standing.until("2026-02-01T00:00:00Z".parse().unwrap());
    block_on(tenant.give_standing(standing, &noah(), "balances follow the CRM")).unwrap();
    block_on(tenant.set_stage("shop", Stage::Act, &noah(), "two quiet weeks")).unwrap();
}

#[test]
fn it_reads_what_changes_and_writes_what_is_allowed_and_nothing_else() {
    let (world, tenant) = owed(3);
    balances(&tenant);
    let meanwhile: Meanwhile<'_> = Box::new(|sleep| {
        if sleep == 5 {
            world.crm.edit("accounts", "1", &json!({ "balance": "300.00", "phone": "9" }));
        }
        Box::pin(async {})
    });
    let (ran, _) = run(&tenant, &world.clock, 40, meanwhile);
    let ran = ran.unwrap();
    assert_eq!(ran.done, 4, "three balances that were owed, and the one that changed: {ran:?}");
    assert!(ran.failed.is_empty());
    let left = plan(&tenant);
    assert_eq!(left.operations.len(), 1, "the phone waits for a person: {left}");
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn what_a_person_approves_in_another_process_is_carried_out() {
    let (world, tenant) = owed(2);
    let console = world.open(2, world.crm.clone(), world.shop.clone());
    let meanwhile: Meanwhile<'_> = Box::new(|sleep| {
        let (console, world) = (&console, &world);
        Box::pin(async move {
            if sleep == 2 {
                assert_eq!(world.shop.writes(), 0, "nothing is approved yet");
                let plan = console.plan(Scope::default()).await.unwrap();
                console.approve(plan.hash, &noah()).await.unwrap();
            }
        })
    });
    let (ran, _) = run(&tenant, &world.clock, 6, meanwhile);
    assert_eq!((ran.unwrap().done, world.shop.writes()), (2, 2));
    // What was approved before it began is found too.
    let (world, tenant) = owed(2);
    approve(&tenant, plan(&tenant).hash);
    assert_eq!(run(&tenant, &world.clock, 1, quiet()).0.unwrap().done, 2);
}

#[test]
fn what_waits_is_tried_again_and_a_resumed_connection_at_once() {
    let (world, tenant) = owed(1);
    balances(&tenant);
    block_on(tenant.hold("shop", &noah(), "stocktaking")).unwrap();
    let meanwhile: Meanwhile<'_> = Box::new(|sleep| {
        let (tenant, world) = (&tenant, &world);
        Box::pin(async move {
            assert_eq!(world.shop.writes(), usize::from(sleep > 4), "sleep {sleep}");
            if sleep == 4 {
                tenant.resume("shop", &noah(), "counted").await.unwrap();
            }
        })
    });
    let (ran, _) = run(&tenant, &world.clock, 7, meanwhile);
    assert_eq!(ran.unwrap().done, 1);
    // A system that puts writes off is asked again when what waits has its turn.
    let (world, tenant) = owed(1);
    balances(&tenant);
    world.shop.defers();
    let (ran, _) = run(&tenant, &world.clock, 70, quiet());
    assert_eq!((ran.unwrap().done, world.shop.writes()), (1, 1));
}

#[test]
fn a_system_that_fails_holds_up_no_other_and_a_pause_is_no_failure() {
    let (world, tenant) = owed(1);
    balances(&tenant);
    world.crm.unavailable(true);
    let (ran, _) = run(&tenant, &world.clock, 20, quiet());
    let ran = ran.unwrap();
    assert_eq!(ran.done, 1);
    assert_eq!(ran.failed.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["crm"]);
    world.crm.unavailable(false);
    block_on(tenant.pause("crm", &noah(), "maintenance")).unwrap();
    let (ran, _) = run(&tenant, &world.clock, 20, quiet());
    assert!(ran.unwrap().failed.is_empty());
}

#[test]
fn it_sleeps_until_something_is_due_and_never_longer_than_it_may() {
    let world = World::new();
    let schedule = Schedule { poll: TimeDelta::seconds(12), idle: TimeDelta::seconds(5), ..Schedule::default() };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    let accordant = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>().build().unwrap();
    let (_, asked) = run(&accordant.tenant("acme"), &world.clock, 6, quiet());
    assert_eq!(asked, [5_000, 5_000, 2_000, 5_000, 5_000, 2_000]);
}

#[test]
fn told_to_stop_it_ends_the_call_under_way_and_begins_no_other() {
    let world = World::new();
    let between = Between::new(&world.shop);
    in_both(&world, 1..=120);
    let tenant = world.open(1, world.crm.clone(), between.clone());
    block_on(tenant.poll("crm")).unwrap();
    owe(&world, &tenant, 120, "200.00");
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    // While the first call is under way: the write is waited for although the signal has come.
    between.happens(async move {
        tell.store(true, Ordering::SeqCst);
        let mut yielded = false;
        futures::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    });
    let shutdown = futures::future::poll_fn(|_| match told.load(Ordering::SeqCst) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    let ran = block_on(tenant.run(|_| futures::future::pending(), shutdown)).unwrap();
    assert_eq!((ran.done, world.shop.writes()), (50, 50), "one call, with all its receipts");
    assert_eq!(journaled(&world.store, &tenant, "unknown"), 0);
    let progress = block_on(tenant.progress(owed.hash)).unwrap();
    assert_eq!((progress.done, progress.outstanding.len()), (50, 70));
    // Started again, it goes on where it was.
    assert_eq!(run(&tenant, &world.clock, 1, quiet()).0.unwrap().done, 70);
}

/// Another worker makes an intent durable at any point of this one's run, and dies before its call. What was approved is not
/// forgotten for that: it is carried out, once.
#[test]
fn what_another_worker_left_is_carried_out_by_this_one() {
    for calls in 0..60 {
        let (world, _) = owed(1);
        let hangs = Between::new(&world.shop);
        hangs.happens(futures::future::pending());
        let dying = world.open(3, world.crm.clone(), hangs);
        let store = Watched::new(world.store.clone(), Turns::default());
        let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(store.clone()).entity::<Account>();
        let builder = builder.connect(world.crm.clone()).connect(world.shop.clone());
        let tenant = builder.entropy(accordant::SeededEntropy::new(2)).build().unwrap().tenant("acme");
        let owed = plan(&dying);
        approve(&dying, owed.hash);
        store
            .watch()
            .happens_after(calls, async move { drop(futures::FutureExt::now_or_never(dying.apply(owed.hash))) });
        let (ran, _) = run(&tenant, &world.clock, 130, quiet());
        assert!(store.watch().have_passed(), "after {calls} calls");
        assert_eq!((ran.unwrap().done, world.shop.writes()), (1, 1), "after {calls} calls");
    }
}

/// A system that may hang: it waits before it answers a poll, and counts the direct reads that it is asked for.
struct Hangs {
    fake: FakeSystem,
    polls: bool,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Habits for Hangs {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        if self.polls {
            futures::future::pending::<()>().await;
        }
        self.fake.read_page(surface, after).await
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.fake.read_records(keys).await
    }
}

#[test]
fn a_system_that_hangs_holds_up_no_other() {
    let (world, tenant) = owed(1);
    approve(&tenant, plan(&tenant).hash);
    world.shop.edit("customers", "c1", &json!({ "phone": "9" }));
    let crm = Hangs { fake: world.crm.clone(), polls: true, asked: Arc::default() };
    let tenant = world.open(2, crm, world.shop.clone());
    let (ran, _) = run(&tenant, &world.clock, 5, quiet());
    let ran = ran.unwrap();
    assert_eq!((ran.done, world.shop.writes()), (1, 1), "what was approved is written, while the CRM hangs");
    assert!(ran.read > 0, "and the shop is polled: {ran:?}");
}

#[test]
fn a_system_that_hangs_at_a_write_holds_up_no_other_and_is_waited_for() {
    let (world, tenant) = owed(1);
    world.shop.edit("customers", "c1", &json!({ "phone": "9" }));
    block_on(tenant.poll("shop")).unwrap();
    for toward in ["crm", "shop"] {
        let owed = block_on(tenant.plan(Scope::default()).toward(toward).into_future()).unwrap();
        assert_eq!(owed.operations.len(), 1, "{owed}");
        approve(&tenant, owed.hash);
    }
    let shop = Between::new(&world.shop);
    let (answer, hangs) = futures::channel::oneshot::channel::<()>();
    shop.happens(async move { hangs.await.unwrap() });
    let tenant = world.open(2, world.crm.clone(), shop);
    let mut answer = Some(answer);
    let meanwhile: Meanwhile<'_> = Box::new(|sleep| {
        if sleep == 8 {
            assert_eq!((world.crm.writes(), world.shop.writes()), (1, 0), "the CRM is written while the shop hangs");
            answer.take().unwrap().send(()).unwrap();
        }
        Box::pin(async {})
    });
    let (ran, _) = run(&tenant, &world.clock, 9, meanwhile);
    assert_eq!((ran.unwrap().done, world.shop.writes()), (2, 1));
    assert_eq!(journaled(&world.store, &tenant, "unknown"), 0);
}

/// Neither what was sent and not answered nor what is to be read is asked after again and again while a system is down.
#[test]
fn a_system_that_is_down_is_asked_less_and_less() {
    let (world, tenant) = owed(1);
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    world.shop.loses_answer();
    assert_eq!(block_on(tenant.apply(owed.hash)).unwrap().unknown, 1);
    let asked = Arc::new(AtomicUsize::new(0));
    let shop = Hangs { fake: world.shop.clone(), polls: false, asked: Arc::clone(&asked) };
    let tenant = world.open(2, world.crm.clone(), shop);
    world.shop.unavailable(true);
    let (_, slept) = run(&tenant, &world.clock, 300, quiet());
    let hours = slept.iter().sum::<i64>() / (60 * 60 * 1000);
    let often = asked.load(Ordering::SeqCst);
    assert!((1..=8 + usize::try_from(hours).unwrap()).contains(&often), "asked {often} times in {hours} hours");
    world.shop.unavailable(false);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(run(&tenant, &world.clock, 3, quiet()).0.unwrap().done, 0, "it is found to have been done");
    assert_eq!(journaled(&world.store, &tenant, "received"), 1);
}

#[test]
fn told_to_stop_before_it_began_it_does_nothing() {
    let (world, tenant) = owed(1);
    approve(&tenant, plan(&tenant).hash);
    let ran = block_on(tenant.run(|_| futures::future::pending(), futures::future::ready(()))).unwrap();
    assert_eq!((ran, world.shop.writes()), (Ran::default(), 0));
}

#[test]
fn it_may_be_moved_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let (_, tenant) = owed(0);
    let running = tenant.run(|_| futures::future::ready(()), futures::future::ready(()));
    is_send(pin!(running));
}

/// A system of which no poll tells anything: what changed is found by whoever reads all of it.
struct Mute(FakeSystem);

#[async_trait]
impl Habits for Mute {
    fn fake(&self) -> &FakeSystem {
        &self.0
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let scanned = self.0.surfaces().iter().any(|one| one.name == *surface && one.channel == Channel::Scan);
        let page = self.0.read_page(surface, after).await?;
        Ok(if scanned { page } else { Page { items: Vec::new(), ..page } })
    }
}

/// The shop is read anew every six hours, the CRM as the schedule says.
fn pulsed(world: &World, seed: u64, crm: impl Connector, shop: impl Connector) -> Tenant {
    let hour = TimeDelta::hours(1);
    let schedule = Schedule { poll: hour, idle: hour, retry: hour, ..Schedule::default() };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    let builder = builder.pulse("shop", Some(TimeDelta::hours(6))).entropy(accordant::SeededEntropy::new(seed));
    builder.connect(crm).connect(shop).entity::<Account>().build().unwrap().tenant("acme")
}

fn pulses_of(world: &World, tenant: &Tenant) -> (usize, usize) {
    let entries = block_on(world.store.journal(tenant.id(), 0, 100_000)).unwrap();
    let of =
        |name: &str| entries.iter().filter(|(entry, _)| *entry.kind == *"pulsed" && *entry.subject == *name).count();
    (of("crm"), of("shop"))
}

/// What no poll told is found by the pulse, each connection by its own interval, counted from the last time although the process
/// began anew in between; and the journal says so.
#[test]
fn what_no_surface_told_is_found_by_the_pulse_of_its_connection() {
    let (world, tenant) = owed(1);
    balances(&tenant);
    assert_eq!(run(&tenant, &world.clock, 1, quiet()).0.unwrap().done, 1);
    world.crm.edit("accounts", "1", &json!({ "balance": "300.00" }));
    let mut written = Vec::new();
    for process in 0..10 {
        // A process that runs for five hours, and is followed by another.
        let tenant = pulsed(&world, process, Mute(world.crm.clone()), world.shop.clone());
        written.push(run(&tenant, &world.clock, 5, quiet()).0.unwrap().done);
    }
    assert_eq!(written.iter().sum::<usize>(), 1, "{written:?}");
    assert_eq!(written[..4], [0; 4], "it is found after a day, and no process ran for a day");
    assert_eq!(written[6..], [0; 4], "and not much later");
    let (crm, shop) = pulses_of(&world, &tenant);
    assert!((1..=2).contains(&crm) && (6..=8).contains(&shop), "{crm} pulses of the CRM, {shop} of the shop");
    let stand = block_on(pulsed(&world, 99, world.crm.clone(), world.shop.clone()).pulses()).unwrap();
    for pulse in stand {
        assert_eq!(pulse.due, Some(pulse.last.unwrap() + pulse.every.unwrap()), "{pulse:?}");
    }
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

/// A system that hangs while it is read anew holds up no other's pulse; a paused one has none, and is not forgotten.
#[test]
fn the_pulse_of_a_system_that_hangs_or_is_paused_holds_up_no_other() {
    let (world, tenant) = owed(1);
    let crm = Hangs { fake: world.crm.clone(), polls: true, asked: Arc::default() };
    run(&pulsed(&world, 2, crm, world.shop.clone()), &world.clock, 30, quiet()).0.unwrap();
    let (crm, shop) = pulses_of(&world, &tenant);
    assert!(crm == 0 && shop >= 4, "{crm} of the CRM, {shop} of the shop");
    block_on(tenant.pause("shop", &noah(), "stocktaking")).unwrap();
    let tenant = pulsed(&world, 3, world.crm.clone(), world.shop.clone());
    run(&tenant, &world.clock, 30, quiet()).0.unwrap();
    let (crm, paused) = pulses_of(&world, &tenant);
    // Overdue for six hours, and due again a day later.
    assert_eq!((crm, paused), (2, shop));
    block_on(tenant.resume("shop", &noah(), "counted")).unwrap();
    run(&tenant, &world.clock, 4, quiet()).0.unwrap();
    assert_eq!(pulses_of(&world, &tenant).1, shop + 1, "it was overdue, and is not due again within four hours");
}

/// A pulse that could not be made when it was due is not put off for a whole interval.
#[test]
fn a_pulse_that_was_due_while_its_connection_was_paused_is_made_soon_after() {
    let (world, tenant) = owed(1);
    let pulsed = pulsed(&world, 2, world.crm.clone(), world.shop.clone());
    let meanwhile: Meanwhile<'_> = Box::new(|sleep| {
        let tenant = &tenant;
        Box::pin(async move {
            match sleep {
                4 => tenant.pause("shop", &noah(), "stocktaking").await.unwrap(),
                8 => tenant.resume("shop", &noah(), "counted").await.unwrap(),
                _ => {}
            }
        })
    });
    // It was due after six hours; it is the tenth.
    run(&pulsed, &world.clock, 10, meanwhile).0.unwrap();
    assert_eq!(pulses_of(&world, &tenant).1, 1);
}

/// Of two processes, one reads it anew when it is due.
#[test]
fn what_another_process_has_read_anew_is_not_due() {
    let (world, _) = owed(1);
    let one = pulsed(&world, 2, world.crm.clone(), world.shop.clone());
    let other = pulsed(&world, 3, world.crm.clone(), world.shop.clone());
    let meanwhile: Meanwhile<'_> = Box::new(|sleep| {
        let other = &other;
        Box::pin(async move {
            if sleep == 4 {
                other.pulse("shop").await.unwrap();
            }
        })
    });
    run(&one, &world.clock, 10, meanwhile).0.unwrap();
    assert_eq!(pulses_of(&world, &one), (0, 1));
}

#[test]
fn a_pulse_of_what_is_not_connected_is_a_mistake_of_the_configuration() {
    let world = World::new();
    let builder = Accordant::builder().pulse("shpo", None).connect(world.crm.clone()).connect(world.shop.clone());
    let refused = builder.entity::<Account>().build().unwrap_err().to_string();
    assert!(refused.contains("`pulse` names `shpo`, which is no connection"), "{refused}");
}

#[test]
fn lengths_of_time_that_cannot_be_meant_are_mistakes_of_the_configuration() {
    let world = World::new();
    let minus = -TimeDelta::days(1);
    let none = TimeDelta::zero();
    let kept = Retention::default();
    let schedule = Schedule::default();
    type Configure = Box<dyn FnOnce(Builder) -> Builder>;
    let retention = |retention: Retention| -> Configure { Box::new(move |builder| builder.retention(retention)) };
    let scheduled = |schedule: Schedule| -> Configure { Box::new(move |builder| builder.schedule(schedule)) };
    let cases: Vec<(Configure, &str)> = vec![
        (retention(Retention { journal: Some(minus), ..kept }), "`retention` keeps `journal` for -86400000 ms"),
        (retention(Retention { observations: Some(none), ..kept }), "`retention` keeps `observations` for 0 ms"),
        (retention(Retention { plans: none, ..kept }), "`retention` keeps `plans` for 0 ms"),
        (retention(Retention { plans_stand: minus, ..kept }), "`retention` keeps `plans_stand` for -86400000 ms"),
        (retention(Retention { deliveries: none, ..kept }), "`retention` keeps `deliveries` for 0 ms"),
        (retention(Retention { dead_letters: none, ..kept }), "`retention` keeps `dead_letters` for 0 ms"),
        (retention(Retention { tombstones: Some(minus), ..kept }), "`retention` keeps tombstones for -1 days"),
        (scheduled(Schedule { poll: minus, ..schedule }), "`schedule.poll` is -86400000 ms"),
        (scheduled(Schedule { scan: Some(none), ..schedule }), "`schedule.scan` is 0 ms"),
        (scheduled(Schedule { retry: none, ..schedule }), "`schedule.retry` is 0 ms"),
        (scheduled(Schedule { idle: none, ..schedule }), "`schedule.idle` is 0 ms"),
        (Box::new(move |builder| builder.pulse("shop", Some(minus))), "`pulse` of `shop` is -86400000 ms"),
        (Box::new(move |builder| builder.lease(none)), "`lease` is 0 ms; it must be longer than nothing"),
    ];
    for (configure, mistake) in cases {
        let builder = Accordant::builder().connect(world.crm.clone()).connect(world.shop.clone());
        let refused = configure(builder.entity::<Account>()).build().unwrap_err().to_string();
        assert!(refused.contains(mistake), "{refused}");
    }
}

/// A webhook wakes the run that sleeps in the same process, and so does an approval.
#[test]
fn what_comes_in_ends_the_sleep() {
    let (world, tenant) = owed(1);
    balances(&tenant);
    let sleeps = AtomicUsize::new(0);
    let sleep = |delay: TimeDelta| {
        sleeps.fetch_add(1, Ordering::SeqCst);
        // What comes in is gathered for a moment; nothing else is over by itself.
        let gathers = delay <= TimeDelta::milliseconds(100);
        if gathers {
            world.clock.advance(delay);
        }
        futures::future::poll_fn(move |_| if gathers { Poll::Ready(()) } else { Poll::Pending })
    };
    let mut ran = pin!(tenant.run(sleep, futures::future::pending()));
    let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
    let mut turn = || (0..20).for_each(|_| assert!(ran.as_mut().poll(&mut context).is_pending()));
    turn();
    assert_eq!((world.shop.writes(), sleeps.load(Ordering::SeqCst)), (1, 1), "it did what it could, and sleeps");
    world.crm.edit("accounts", "1", &json!({ "balance": "700.00" }));
    block_on(tenant.receive("crm", world.crm.hint_webhook("accounts", "1"))).unwrap();
    turn();
    assert_eq!(world.shop.writes(), 2, "what was hinted at is read, and what is owed is written");
    world.crm.edit("accounts", "1", &json!({ "phone": "5" }));
    block_on(tenant.receive("crm", world.crm.hint_webhook("accounts", "1"))).unwrap();
    turn();
    assert_eq!(world.shop.writes(), 2, "that waits for a person");
    let plan = plan(&tenant);
    approve(&tenant, plan.hash);
    turn();
    assert_eq!(world.shop.writes(), 2 + plan.operations.len());
}
