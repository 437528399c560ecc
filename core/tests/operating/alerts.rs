//! Alerts: a connection that needs somebody says so once, and says when it needs nobody any more.

use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use accordant::alert::{Alert, AlertSink, Change, Lines, Measure, Severity, SinkError, Threshold};
use accordant::chrono::TimeDelta;
use accordant::connector::{Connector as _, ConnectorError, Cursor, Page};
use accordant::engine::{Alerted, Schedule};
use accordant::id::SurfaceName;
use accordant::testing::{FakeSystem, Habits};
use accordant::{Accordant, Canonical, Email, ManualClock, Tenant};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::model::{Account, World, account};
use crate::run::{quiet, run};

/// Remembers what it was told, or refuses to be told.
#[derive(Clone, Default)]
struct Told {
    lines: Arc<Mutex<Vec<String>>>,
    deaf: Arc<Mutex<bool>>,
    asked: Arc<Mutex<usize>>,
}

impl Told {
    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

#[async_trait]
impl AlertSink for Told {
    async fn tell(&self, alert: &Alert) -> Result<(), SinkError> {
        *self.asked.lock().unwrap() += 1;
        if *self.deaf.lock().unwrap() {
            return Err(SinkError("nobody answers".to_owned()));
        }
        self.lines.lock().unwrap().push(alert.to_string());
        Ok(())
    }
}

fn tenant(world: &World, sink: impl AlertSink) -> Tenant {
    let schedule = Schedule { scan: None, ..Schedule::default() };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
    builder.alert_sink(sink).build().unwrap().tenant("acme")
}

/// A minute in which the CRM is polled so often.
fn minute(world: &World, tenant: &Tenant, polls: usize) -> Alerted {
    for _ in 0..polls {
        drop(block_on(tenant.poll("crm")));
    }
    world.clock.advance(TimeDelta::minutes(1));
    block_on(tenant.raise_alerts()).unwrap()
}

#[test]
fn a_system_that_does_not_answer_raises_an_alert_that_resolves_itself() {
    let (world, told) = (World::new(), Told::default());
    let tenant = tenant(&world, told.clone());
    minute(&world, &tenant, 10);
    assert_eq!(told.lines(), Vec::<String>::new());
    world.crm.unavailable(true);
    minute(&world, &tenant, 10);
    assert_eq!(told.lines(), Vec::<String>::new(), "it has not lasted yet");
    minute(&world, &tenant, 10);
    let raised =
        ["error: failure rate of crm is 66.66 %, over 5.00 %", "warning: health of crm is 60.00 %, below 95.00 %"];
    assert_eq!(told.lines(), raised);
    let status = block_on(tenant.status()).unwrap();
    let crm = &status.connections["crm"];
    assert_eq!((status.ready, crm.health, crm.measured.failure_rate), (true, 6_000, Some(6_666)));
    assert_eq!(crm.alerts, [(Measure::FailureRate, Severity::Error), (Measure::Health, Severity::Warning)]);
    assert_eq!(status.connections["shop"].health, 10_000);
    minute(&world, &tenant, 10);
    assert_eq!(told.lines(), Vec::<String>::new(), "it is told once");
    world.crm.unavailable(false);
    let mut lines = Vec::new();
    for _ in 0..8 {
        minute(&world, &tenant, 10);
        lines.extend(told.lines());
    }
    assert_eq!(lines, ["resolved: failure rate of crm is 0.00 %", "resolved: health of crm is 100.00 %"]);
    assert_eq!(block_on(tenant.status()).unwrap().connections["crm"].alerts, []);
}

#[test]
fn what_cannot_be_decoded_and_what_waits_are_measured_too() {
    let (world, told) = (World::new(), Told::default());
    let tenant = tenant(&world, told.clone());
    for number in 0..9 {
        world.crm.edit("accounts", &number.to_string(), &account(number));
    }
    block_on(tenant.poll("crm")).unwrap();
    for _ in 0..3 {
        world.crm.raw_page("accounts", "no json".into());
        block_on(tenant.poll("crm")).unwrap();
    }
    for number in 0..4 {
        block_on(tenant.receive("crm", world.crm.hint_webhook("accounts", &number.to_string()))).unwrap();
    }
    let measured = block_on(tenant.status()).unwrap().connections["crm"].measured;
    assert_eq!((measured.queue, measured.failure_rate), (Some(4), Some(0)));
    assert_eq!(
        measured.error_rate,
        Some(3 * 10_000 / 16),
        "three of nine accounts, three pages of nothing and four hints"
    );
}

/// A system whose pages take so many milliseconds.
#[derive(Clone)]
struct Slow {
    fake: FakeSystem,
    clock: Arc<ManualClock>,
    takes: Arc<AtomicI64>,
}

#[async_trait]
impl Habits for Slow {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        self.clock.advance(TimeDelta::milliseconds(self.takes.load(Ordering::SeqCst)));
        self.fake.read_page(surface, after).await
    }
}

#[test]
fn a_system_that_is_slow_raises_an_alert_beyond_five_seconds_and_not_at_five() {
    let (world, told) = (World::new(), Told::default());
    let takes = Arc::new(AtomicI64::new(5_000));
    let crm = Slow { fake: world.crm.clone(), clock: Arc::clone(&world.clock), takes: Arc::clone(&takes) };
    let schedule = Schedule { scan: None, ..Schedule::default() };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    // Of health something is told long before: it is another test's.
    let latency = Threshold::standard().into_iter().filter(|threshold| threshold.measure() == Measure::Latency);
    let builder = builder.connect(crm).connect(world.shop.clone()).entity::<Account>().alerts(latency);
    let tenant = builder.alert_sink(told.clone()).build().unwrap().tenant("acme");
    for _ in 0..6 {
        minute(&world, &tenant, 1);
    }
    assert_eq!(told.lines(), Vec::<String>::new(), "at the threshold is not beyond it");
    takes.store(6_000, Ordering::SeqCst);
    for _ in 0..10 {
        minute(&world, &tenant, 1);
    }
    let lines = told.lines();
    assert!(lines.len() == 1 && lines[0].starts_with("warning: latency of crm is "), "{lines:?}");
    assert!(lines[0].ends_with(", over 5000 ms"), "{lines:?}");
    let status = block_on(tenant.status()).unwrap();
    assert_eq!(status.connections["crm"].measured.latency, Some(6_000));
    assert_eq!(status.connections["crm"].alerts, [(Measure::Latency, Severity::Warning)]);
    takes.store(100, Ordering::SeqCst);
    for _ in 0..10 {
        minute(&world, &tenant, 1);
    }
    let lines = told.lines();
    assert!(lines.len() == 1 && lines[0].starts_with("resolved: latency of crm is "), "{lines:?}");
    assert_eq!(block_on(tenant.status()).unwrap().connections["crm"].alerts, []);
}

#[test]
fn a_queue_that_grows_raises_an_alert_beyond_a_thousand_and_resolves_when_it_was_read() {
    let (world, told) = (World::new(), Told::default());
    let tenant = tenant(&world, told.clone());
    let hint = |number: usize| {
        world.crm.edit("accounts", &number.to_string(), &account(number));
        block_on(tenant.receive("crm", world.crm.hint_webhook("accounts", &number.to_string()))).unwrap();
    };
    (0..1_000).for_each(hint);
    for _ in 0..5 {
        minute(&world, &tenant, 0);
    }
    let of_queue = |lines: Vec<String>| lines.into_iter().filter(|line| line.contains(" queue ")).collect::<Vec<_>>();
    assert_eq!(of_queue(told.lines()), Vec::<String>::new(), "a thousand are not more than a thousand");
    hint(1_000);
    minute(&world, &tenant, 0);
    assert_eq!(of_queue(told.lines()), Vec::<String>::new(), "it has not lasted yet");
    minute(&world, &tenant, 0);
    assert_eq!(of_queue(told.lines()), ["warning: queue of crm is 1001, over 1000"]);
    crate::model::step(&tenant);
    let mut lines = Vec::new();
    for _ in 0..5 {
        minute(&world, &tenant, 0);
        lines.extend(told.lines());
    }
    assert_eq!(of_queue(lines), ["resolved: queue of crm is 0"]);
    assert_eq!(block_on(tenant.status()).unwrap().connections["crm"].alerts, []);
}

/// An account of which less is known.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "account", system(crm, object = "accounts"), system(shop, object = "customers"))]
struct Fewer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
}

#[test]
fn a_tenant_whose_model_is_not_accepted_is_not_ready_and_says_how_it_is_all_the_same() {
    let (world, told) = (World::new(), Told::default());
    let ready = |tenant: &Tenant| block_on(tenant.status()).unwrap().ready;
    let first = tenant(&world, told);
    assert!(ready(&first), "it was never written under another");
    world.crm.edit("accounts", "1", &account(1));
    block_on(first.poll("crm")).unwrap();
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone());
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Fewer>();
    let second = builder.build().unwrap().tenant("acme");
    assert!(!ready(&second) && ready(&first));
    let status = block_on(second.status()).unwrap();
    assert_eq!(status.connections.keys().map(ToString::to_string).collect::<Vec<_>>(), ["crm", "shop"]);
    block_on(second.accept_model(&accordant::Actor::new("ana"))).unwrap();
    assert!(ready(&second));
}

#[test]
fn a_sink_that_fails_is_told_again_and_a_paused_connection_is_not_judged() {
    let (world, told) = (World::new(), Told::default());
    let tenant = tenant(&world, told.clone());
    *told.deaf.lock().unwrap() = true;
    world.crm.unavailable(true);
    minute(&world, &tenant, 5);
    let alerted = minute(&world, &tenant, 5);
    assert_eq!((alerted.told.len(), alerted.untold.len(), told.lines().len()), (0, 2, 0));
    assert_eq!(*told.asked.lock().unwrap(), 1, "who does not answer is asked once in a look");
    let untold: Vec<(Measure, i64)> = alerted.untold.iter().map(|(alert, _)| (alert.measure, alert.at)).collect();
    assert_eq!(block_on(tenant.status()).unwrap().connections["crm"].alerts, [], "nobody was told");
    *told.deaf.lock().unwrap() = false;
    let alerted = minute(&world, &tenant, 5);
    assert_eq!((alerted.told.len(), alerted.untold.len(), told.lines().len()), (2, 0, 2));
    let later: Vec<(Measure, i64)> = alerted.told.iter().map(|alert| (alert.measure, alert.at)).collect();
    assert_eq!(later, untold, "it is the same alert, however late it is told");
    block_on(tenant.pause("crm", &accordant::Actor::new("ana"), "month end")).unwrap();
    for _ in 0..10 {
        assert_eq!(minute(&world, &tenant, 5), Alerted::default(), "nothing is known of it");
    }
    assert_eq!(block_on(tenant.status()).unwrap().connections["crm"].alerts.len(), 2, "and what stood stands");
}

#[test]
fn a_sink_that_fails_makes_no_other_be_told_twice() {
    let (world, well, deaf) = (World::new(), Told::default(), Told::default());
    let schedule = Schedule { scan: None, ..Schedule::default() };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
    let tenant = builder.alert_sink(well.clone()).alert_sink(deaf.clone()).build().unwrap().tenant("acme");
    *deaf.deaf.lock().unwrap() = true;
    world.crm.unavailable(true);
    for _ in 0..5 {
        minute(&world, &tenant, 5);
    }
    assert_eq!((well.lines().len(), deaf.lines().len()), (2, 0));
    assert_eq!(block_on(tenant.status()).unwrap().connections["crm"].alerts.len(), 2, "somebody was told");
    *deaf.deaf.lock().unwrap() = false;
    let alerted = minute(&world, &tenant, 5);
    assert_eq!((well.lines().len(), deaf.lines().len(), alerted.told.len(), alerted.untold.len()), (0, 2, 2, 0));
}

#[test]
fn a_run_tells_by_itself_and_lines_hold_no_payload() {
    let world = World::new();
    world.crm.edit("accounts", "1", &json!({ "email": "canary@acme.test", "balance": "1.00", "currency": "USD" }));
    world.crm.unavailable(true);
    let out = Shared::default();
    let tenant = tenant(&world, Lines::new(out.clone()));
    let (ran, _) = run(&tenant, &world.clock, 200, quiet());
    assert!(ran.unwrap().failed.contains_key("crm"));
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["measure"], "failure_rate");
    assert_eq!(
        (&lines[0]["connection"], &lines[0]["change"], &lines[0]["severity"]),
        (&json!("crm"), &json!("raised"), &json!("error"))
    );
    assert!(!text.contains("canary"), "{text}");
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn thresholds_are_ones_own() {
    let (world, told) = (World::new(), Told::default());
    let any = Threshold::new(Measure::FailureRate, Severity::Critical, 0).unwrap().lasting(TimeDelta::zero()).unwrap();
    let schedule = Schedule::default();
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
    let tenant = builder.alerts([any]).alert_sink(told.clone()).build().unwrap().tenant("acme");
    world.crm.unavailable(true);
    let alerted = minute(&world, &tenant, 1);
    assert_eq!(told.lines(), ["critical: failure rate of crm is 100.00 %, over 0.00 %"]);
    assert_eq!(alerted.told[0].change, Change::Raised);
}

#[test]
fn an_alert_outlives_its_process_and_is_resolved_by_who_measures_next() {
    let (world, told) = (World::new(), Told::default());
    world.crm.unavailable(true);
    {
        let first = tenant(&world, told.clone());
        minute(&world, &first, 10);
        minute(&world, &first, 10);
    }
    assert_eq!(told.lines().len(), 2, "of calls that fail, and of health");
    world.crm.unavailable(false);
    let second = tenant(&world, told.clone());
    let standing = || block_on(second.status()).unwrap().connections["crm"].alerts.len();
    assert_eq!(standing(), 2, "whoever raised them");
    for _ in 0..8 {
        assert_eq!(minute(&world, &second, 10), Alerted::default(), "its process may live");
    }
    let mut lines = Vec::new();
    for _ in 0..8 {
        minute(&world, &second, 10);
        lines.extend(told.lines());
    }
    assert_eq!(lines, ["resolved: failure rate of crm is 0.00 %", "resolved: health of crm is 100.00 %"]);
    assert_eq!(standing(), 0);
}

#[test]
fn of_two_processes_that_find_the_same_wrong_each_tells_once() {
    let (world, told) = (World::new(), Told::default());
    let (one, other) = (tenant(&world, told.clone()), tenant(&world, told.clone()));
    let minutes = |minutes: usize| {
        for _ in 0..minutes {
            drop(block_on(one.poll("crm")));
            drop(block_on(other.poll("crm")));
            world.clock.advance(TimeDelta::minutes(1));
            block_on(one.raise_alerts()).unwrap();
            block_on(other.raise_alerts()).unwrap();
        }
        told.lines().len()
    };
    world.crm.unavailable(true);
    assert_eq!(minutes(30), 4, "two measures, two processes");
    world.crm.unavailable(false);
    assert_eq!(minutes(30), 4);
    assert_eq!(block_on(one.status()).unwrap().connections["crm"].alerts, []);
}
