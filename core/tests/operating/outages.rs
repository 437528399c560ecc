//! Outages that were longer than a surface's horizon: everything is read anew, once, whatever restarts meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::task::Poll;

use accordant::chrono::TimeDelta;
use accordant::clock::Clock as _;
use accordant::connector::{Connector as _, ConnectorError, ConnectorErrorKind, Cursor, Page, Retry};
use accordant::engine::{Ran, Schedule};
use accordant::id::SurfaceName;
use accordant::store::Store as _;
use accordant::surface::{Channel, Surface};
use accordant::testing::{FakeSystem, Habits};
use accordant::{Accordant, ManualClock, Tenant};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, World, account, approver, journaled};
use crate::run::{quiet, run};

/// For how long the CRM goes on with what nobody hears.
const HORIZON: TimeDelta = TimeDelta::hours(4);

/// The CRM, of which polls tell nothing: what it pushed is heard, or found by a scan.
#[derive(Clone)]
struct Forgetful {
    fake: FakeSystem,
    clock: Arc<ManualClock>,
    /// How long a page of a scan takes, in milliseconds.
    takes: Arc<AtomicI64>,
    surfaces: Arc<[Surface]>,
    /// How many scans began.
    scans: Arc<AtomicUsize>,
    /// How many pages of scans are answered, until it cannot be reached.
    pages: Arc<AtomicUsize>,
}

impl Forgetful {
    /// The surfaces of one channel lose what nobody listened to for the horizon.
    fn new(world: &World, channel: Channel) -> Self {
        let pages = Arc::new(AtomicUsize::new(usize::MAX));
        let (fake, clock) = (world.crm.forgets(channel, HORIZON), Arc::clone(&world.clock));
        let surfaces = fake.surfaces().into();
        Self { fake, clock, surfaces, takes: Arc::default(), scans: Arc::default(), pages }
    }

    fn scans(&self) -> usize {
        self.scans.load(Ordering::SeqCst)
    }

    /// From now on so many pages of scans are answered.
    fn answers(&self, pages: usize) {
        self.pages.store(pages, Ordering::SeqCst);
    }
}

#[async_trait]
impl Habits for Forgetful {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let scan = self.surfaces.iter().any(|one| one.name == *surface && one.channel == Channel::Scan);
        if scan {
            let left = self.pages.load(Ordering::SeqCst);
            if left == 0 {
                let error = ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so");
                return Err(error.retry(Retry::Backoff));
            }
            self.pages.store(left - 1, Ordering::SeqCst);
            self.scans.fetch_add(usize::from(after.is_none()), Ordering::SeqCst);
            let until = self.clock.now() + self.takes.load(Ordering::SeqCst);
            futures::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if self.clock.now() < until { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
        let page = self.fake.read_page(surface, after).await?;
        Ok(if scan { page } else { Page { items: Vec::new(), ..page } })
    }
}

const TURN: TimeDelta = TimeDelta::minutes(10);

/// A process, in which nothing is read from end to end because of the time of day.
fn process(world: &World, crm: &Forgetful) -> Tenant {
    let schedule = Schedule { poll: TURN, idle: TURN, retry: TURN, scan: None };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    let builder = builder.connect(crm.clone()).connect(world.shop.clone()).entity::<Account>();
    builder.build().unwrap().tenant("acme")
}

/// A process that lives for so many turns.
fn lives(world: &World, crm: &Forgetful, turns: usize) -> Ran {
    run(&process(world, crm), &world.clock, turns, quiet()).0.unwrap()
}

/// Outages and pulses that were journaled.
fn told(world: &World, crm: &Forgetful) -> (usize, usize) {
    let tenant = process(world, crm);
    (journaled(&world.store, &tenant, "outage"), journaled(&world.store, &tenant, "pulsed"))
}

/// Ten accounts, more than a page of a scan holds, that were heard of; and a process that listened and stopped.
fn begun(channel: Channel) -> (World, Forgetful) {
    let world = World::new();
    for number in 0..10 {
        world.crm.edit("accounts", &number.to_string(), &account(number));
    }
    let crm = Forgetful::new(&world, channel);
    block_on(process(&world, &crm).scan("crm")).unwrap();
    lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((0, 0), 1), "who never listened before has missed nothing");
    (world, crm)
}

#[test]
fn who_was_away_for_longer_than_the_horizon_reads_everything_anew_and_says_why() {
    let (world, crm) = begun(Channel::Webhook);
    world.crm.edit("accounts", "1", &json!({ "phone": "7" }));
    // Nearly as long: the system still tries to tell.
    world.clock.advance(HORIZON - TURN * 2);
    assert_eq!(lives(&world, &crm, 3).taken.observed, 0);
    assert_eq!((told(&world, &crm), crm.scans()), ((0, 0), 1));
    // Longer.
    world.clock.advance(HORIZON + TURN);
    let ran = lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
    assert!(ran.taken.observed >= 1, "what changed meanwhile is found: {ran:?}");
    // Once: whoever comes next has missed nothing.
    lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
    let tenant = process(&world, &crm);
    let entries = block_on(world.store.journal(tenant.id(), 0, usize::MAX)).unwrap();
    let (_, payload) = entries.iter().find(|(entry, _)| entry.kind.as_str() == "outage").unwrap();
    let payload = String::from_utf8(payload.as_ref().unwrap().bytes.to_vec()).unwrap();
    assert!(payload.contains("accounts/webhooks") && payload.contains("\"horizon\":14400000"), "{payload}");
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn a_crash_between_the_outage_and_the_scan_leaves_the_scan_due_and_it_is_not_noticed_twice() {
    let (world, crm) = begun(Channel::Webhook);
    world.clock.advance(HORIZON + TURN);
    // It is noted, and the process dies.
    let found = block_on(process(&world, &crm).listen()).unwrap();
    let (connection, outage) = &found[0];
    assert_eq!((found.len(), connection.as_str(), outage.surface.as_str()), (1, "crm", "accounts/webhooks"));
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 0), 1));
    let pulse = block_on(process(&world, &crm).pulses()).unwrap().remove(0);
    assert_eq!((pulse.outage.as_ref(), pulse.every), (Some(outage), None));
    assert!(pulse.due.unwrap().timestamp_millis() <= world.clock.now(), "{pulse:?}");
    world.clock.advance(TURN);
    assert_eq!(block_on(process(&world, &crm).listen()).unwrap(), []);
    // Whoever comes next carries it out.
    lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
    let pulse = block_on(process(&world, &crm).pulses()).unwrap().remove(0);
    assert_eq!((pulse.outage, pulse.due), (None, None));
}

#[test]
fn a_scan_that_a_restart_interrupts_goes_on_and_does_not_begin_again() {
    let (world, crm) = begun(Channel::Webhook);
    world.clock.advance(HORIZON + TURN);
    crm.answers(2);
    lives(&world, &crm, 2);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 0), 2));
    crm.answers(usize::MAX);
    lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2), "it went on at its third page");
    lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
}

#[test]
fn a_scan_that_another_outage_interrupts_begins_anew() {
    let (world, crm) = begun(Channel::Webhook);
    world.clock.advance(HORIZON + TURN);
    crm.answers(2);
    lives(&world, &crm, 2);
    // What the first page has shown already changes, while nobody listens.
    world.crm.edit("accounts", "0", &json!({ "phone": "7" }));
    world.clock.advance(HORIZON + TURN);
    crm.answers(usize::MAX);
    let ran = lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((2, 1), 3));
    assert!(ran.taken.observed >= 1, "{ran:?}");
}

#[test]
fn a_system_that_cannot_be_read_when_it_is_due_is_read_when_it_can() {
    let (world, crm) = begun(Channel::Webhook);
    world.clock.advance(HORIZON + TURN);
    crm.answers(0);
    lives(&world, &crm, 4);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 0), 1));
    crm.answers(usize::MAX);
    lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
}

/// A log that is kept for the horizon: to listen to it is to have read it, not to be there.
#[test]
fn a_log_that_was_not_read_for_longer_than_it_is_kept_is_an_outage_though_the_process_ran() {
    let (world, crm) = begun(Channel::Poll);
    let tenant = process(&world, &crm);
    block_on(tenant.pause("crm", &approver(), "moving")).unwrap();
    lives(&world, &crm, 20);
    assert_eq!(told(&world, &crm), (0, 0), "paused for less than the log is kept");
    lives(&world, &crm, 10);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 0), 1), "noticed, and not read while it is paused");
    block_on(tenant.resume("crm", &approver(), "moved")).unwrap();
    lives(&world, &crm, 3);
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
    lives(&world, &crm, 3);
    assert_eq!(told(&world, &crm), (1, 1));
}

/// What cannot be read from end to end has its outage in the journal, once for each horizon, and nothing is begun.
#[test]
fn where_nothing_can_be_scanned_the_journal_says_what_may_be_lost() {
    let (world, mut crm) = begun(Channel::Poll);
    crm.surfaces = crm.surfaces.iter().filter(|surface| surface.channel != Channel::Scan).cloned().collect();
    let tenant = process(&world, &crm);
    block_on(tenant.pause("crm", &approver(), "moving")).unwrap();
    // Nine hours and a half.
    lives(&world, &crm, 57);
    assert_eq!(told(&world, &crm), (2, 0));
}

#[test]
fn a_process_that_was_stopped_where_it_stood_notices_by_itself() {
    let (world, crm) = begun(Channel::Webhook);
    let tenant = process(&world, &crm);
    let clock = Arc::clone(&world.clock);
    let meanwhile: crate::run::Meanwhile<'_> = Box::new(move |sleep| {
        let clock = Arc::clone(&clock);
        Box::pin(async move {
            if sleep == 2 {
                clock.advance(HORIZON * 2);
            }
        })
    });
    run(&tenant, &world.clock, 6, meanwhile).0.unwrap();
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
}

/// Of two processes that begin at once, one notices; whichever comes first reads.
#[test]
fn of_two_processes_one_notices_and_one_reads() {
    let (world, crm) = begun(Channel::Webhook);
    world.clock.advance(HORIZON + TURN);
    let (one, other) = (process(&world, &crm), process(&world, &crm));
    assert_eq!(block_on(one.listen()).unwrap().len() + block_on(other.listen()).unwrap().len(), 1);
    run(&one, &world.clock, 3, quiet()).0.unwrap();
    run(&other, &world.clock, 3, quiet()).0.unwrap();
    assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2));
}

/// What is polled is polled beside: a scan may take longer than a log is kept.
#[test]
fn a_scan_that_takes_longer_than_the_horizon_comes_to_its_end() {
    for channel in [Channel::Poll, Channel::Webhook] {
        let (world, crm) = begun(channel);
        world.clock.advance(HORIZON + TURN);
        crm.takes.store(TimeDelta::hours(2).num_milliseconds(), Ordering::SeqCst);
        lives(&world, &crm, 60);
        assert_eq!((told(&world, &crm), crm.scans()), ((1, 1), 2), "{channel:?}");
    }
}

/// A pulse began with its first page, whoever read that: what changed behind it was not met.
#[test]
fn a_pulse_that_was_interrupted_began_when_its_scan_did() {
    let (world, crm) = begun(Channel::Webhook);
    world.clock.advance(HORIZON + TURN);
    crm.answers(2);
    let began = world.clock.now();
    lives(&world, &crm, 2);
    world.clock.advance(TimeDelta::hours(3));
    crm.answers(usize::MAX);
    lives(&world, &crm, 3);
    let tenant = process(&world, &crm);
    let entries = block_on(world.store.journal(tenant.id(), 0, usize::MAX)).unwrap();
    let (_, payload) = entries.iter().find(|(entry, _)| entry.kind.as_str() == "pulsed").unwrap();
    let (_, since, _): (String, i64, serde_json::Value) =
        serde_json::from_slice(&payload.as_ref().unwrap().bytes).unwrap();
    assert_eq!(since, began);
}

/// One outage that no scan ends is one, since when nobody listened.
#[test]
fn an_outage_that_goes_on_says_since_when_nobody_listened() {
    let (world, crm) = begun(Channel::Webhook);
    let heard = block_on(process(&world, &crm).listen()).unwrap();
    assert_eq!(heard, []);
    let last = world.clock.now();
    for _ in 0..2 {
        world.clock.advance(HORIZON + TURN);
        assert_eq!(block_on(process(&world, &crm).listen()).unwrap().len(), 1);
    }
    let pulse = block_on(process(&world, &crm).pulses()).unwrap().remove(0);
    assert!(pulse.outage.unwrap().from <= last, "what is older was heard");
}
