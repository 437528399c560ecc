//! Telemetry: what a recorder is told stands in the documentation, and holds no value of anybody.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "a model is declared; the engine reads it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use accordant::check::{Budget, Priority};
use accordant::chrono::TimeDelta;
use accordant::engine::{Checks, Inputs};
use accordant::model::Path;
use accordant::schema::{FieldKind, FieldSchema, ObjectSchema};
use accordant::telemetry::{METRICS, MetricKind, SPANS};
use accordant::testing::FakeSystem;
use accordant::{Accordant, Actor, Canonical, Email, Error, ManualClock, Scope};
use futures::executor::block_on;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};

/// What nobody may read in a metric or a span.
const CANARIES: [&str; 3] = ["canary@acme.test", "555-0100", "record-17"];

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "account", system(crm, object = "accounts"), system(shop, object = "customers"))]
struct Account {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(pii, owner(crm), at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
}

/// Whether a span is wanted is remembered for all threads by the first that comes by it: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[derive(Default)]
struct Sum(AtomicU64);

impl CounterFn for Sum {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }
    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl GaugeFn for Sum {
    fn increment(&self, value: f64) {
        panic!("a level is set, not raised by {value}")
    }
    fn decrement(&self, value: f64) {
        panic!("a level is set, not lowered by {value}")
    }
    /// In hundredths.
    #[allow(clippy::float_arithmetic, reason = "a level is told as a float")]
    fn set(&self, value: f64) {
        assert!((0.0..=1e6).contains(&value), "{value}");
        self.0.store((value * 100.0).round() as u64, Ordering::Relaxed);
    }
}

impl HistogramFn for Sum {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Everything that was counted, by name and labels.
#[derive(Default, Clone)]
struct Kept(Arc<Mutex<BTreeMap<String, Arc<Sum>>>>);

impl Kept {
    fn sum(&self, key: &Key) -> Arc<Sum> {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn counted(&self) -> BTreeMap<String, u64> {
        let kept = self.0.lock().unwrap();
        kept.iter()
            .map(|(name, sum)| (name.clone(), sum.0.load(Ordering::Relaxed)))
            .filter(|(_, sum)| *sum > 0)
            .collect()
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.sum(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.sum(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.sum(key))
    }
}

/// Every span that began, with its fields.
#[derive(Default, Clone)]
struct Spans(Arc<Mutex<BTreeSet<(String, String)>>>);

struct Fields(Vec<String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push(format!("{}={value:?}", field.name()));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, of: &tracing::Metadata<'_>) -> bool {
        of.target() == "accordant"
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(Vec::new());
        span.record(&mut fields);
        let of = (span.metadata().name().to_owned(), fields.0.join(","));
        self.0.lock().unwrap().insert(of);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A webhook, a poll, a write, a check, a dead letter, and a system that does not answer.
fn a_day() {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let models = [Account::model()];
    let (crm, shop) = (FakeSystem::new("crm", &models, &clock), FakeSystem::new("shop", &models, &clock));
    let reads = Budget::new(100, TimeDelta::hours(1)).unwrap();
    let builder = Accordant::builder().clock(Arc::clone(&clock)).connect(crm.clone()).connect(shop.clone());
    let builder = builder.entity::<Account>().checks(Checks::new().budget("crm", reads));
    let tenant = builder.build().unwrap().tenant("acme");
    let by = Actor::new("ana");
    let said = |phone: &str| json!({ "email": CANARIES[0], "phone": phone });
    crm.edit("accounts", CANARIES[2], &said("1"));
    shop.edit("customers", "7", &said("1"));
    block_on(tenant.poll("crm")).unwrap();
    block_on(tenant.poll("shop")).unwrap();
    clock.advance(TimeDelta::minutes(5));
    crm.edit("accounts", CANARIES[2], &json!({ "phone": CANARIES[1] }));
    block_on(tenant.receive("crm", crm.hint_webhook("accounts", CANARIES[2]))).unwrap();
    while block_on(tenant.step()).unwrap().more() {}
    let plan = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
    assert_eq!(plan.operations.len(), 1, "{plan:?}");
    block_on(tenant.approve(plan.hash, &by)).unwrap();
    assert_eq!(block_on(tenant.apply(plan.hash)).unwrap().done, 1);
    block_on(tenant.check()).unwrap();
    clock.advance(TimeDelta::days(2));
    block_on(tenant.check()).unwrap();
    shop.unavailable(true);
    block_on(tenant.poll("shop")).unwrap_err();
    block_on(tenant.raise_alerts()).unwrap();
    clock.advance(TimeDelta::minutes(1));
    block_on(tenant.raise_alerts()).unwrap();
}

#[test]
fn what_is_counted_is_declared_adds_up_and_holds_no_payload() {
    let _alone = ALONE.lock();
    let kept = Kept::default();
    metrics::with_local_recorder(&kept, a_day);
    let registered: Vec<String> = kept.0.lock().unwrap().keys().cloned().collect();
    for name in &registered {
        let (metric, labels) = name.trim_end_matches('}').split_once('{').unwrap();
        let declared = METRICS.iter().find(|one| one.name == metric).unwrap_or_else(|| panic!("{metric}"));
        let labels: Vec<&str> = labels.split(',').map(|label| label.split_once('=').unwrap().0).collect();
        assert_eq!(labels, declared.labels, "{metric}");
        assert!(CANARIES.iter().all(|canary| !name.contains(canary)), "{name}");
    }
    for metric in METRICS {
        assert!(registered.iter().any(|name| name.starts_with(metric.name)), "{}", metric.name);
    }
    let counted = kept.counted();
    let of = |name: &str| counted.get(name).copied().unwrap_or_default();
    assert_eq!(of("accordant_calls_total{connection=shop,call=read_page,outcome=failed}"), 1, "{counted:#?}");
    assert_eq!(of("accordant_calls_total{connection=shop,call=write_batch,outcome=answered}"), 1);
    assert_eq!(of("accordant_writes_total{connection=shop,outcome=applied}"), 1);
    assert_eq!(of("accordant_call_duration_seconds{connection=shop,call=write_batch}"), 1);
    assert!(of("accordant_taken_in_total{connection=crm,as=observed}") >= 2);
    assert_eq!(of("accordant_verified_total{connection=crm,found=as_held}"), 1);
    assert!(of("accordant_commits_total{outcome=done}") > 5);
}

/// What levels are worked out from: a hint that expires, one that finds no room, a letter, a field that moved away, records that no budget
/// comes by in time, and calls that fail.
fn a_bad_week(kept: &Kept) {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let models = [Account::model()];
    let (crm, shop) = (FakeSystem::new("crm", &models, &clock), FakeSystem::new("shop", &models, &clock));
    let reads = Budget::new(100, TimeDelta::hours(1)).unwrap();
    let inputs = Inputs::new().most_at("crm", 2).expires(Priority::Normal, TimeDelta::hours(1));
    let builder = Accordant::builder().clock(Arc::clone(&clock)).connect(crm.clone()).connect(shop.clone());
    let builder = builder.entity::<Account>().checks(Checks::new().budget("crm", reads)).inputs(inputs);
    let tenant = builder.build().unwrap().tenant("acme");
    let hint = |id: &str| block_on(tenant.receive("crm", crm.hint_webhook("accounts", id)));
    let level = |name: &str, of: &str| {
        let name = format!("{name}{{tenant=acme,connection={of}}}");
        *kept.counted().get(&name).unwrap_or(&0)
    };
    let described = |fields: &[&str]| {
        let mut schema = ObjectSchema::new("accounts");
        for field in fields {
            schema.field(FieldSchema::new(Path::new(field), FieldKind::Text));
        }
        [schema]
    };
    crm.describes_as(described(&["email", "phone"]));
    for id in ["1", "2", CANARIES[2]] {
        crm.edit("accounts", id, &json!({ "email": format!("{id}@acme.test"), "phone": CANARIES[1] }));
    }
    block_on(tenant.poll("crm")).unwrap();
    block_on(tenant.check()).unwrap();
    block_on(tenant.check_schema("crm")).unwrap();

    hint("1").unwrap();
    hint(CANARIES[2]).unwrap();
    assert!(matches!(hint("2"), Err(Error::Full { .. })));
    crm.raw_page("accounts", CANARIES[0].into());
    block_on(tenant.poll("crm")).unwrap();
    crm.describes_as(described(&["email"]));
    block_on(tenant.check_schema("crm")).unwrap();
    clock.advance(TimeDelta::days(3));
    block_on(tenant.status()).unwrap();
    assert_eq!(level("accordant_waiting_records", "crm"), 200, "in hundredths");
    assert_eq!(level("accordant_waiting_dead_letters", "crm"), 100);
    assert_eq!(level("accordant_stopped_attributes", "crm"), 100);
    assert_eq!(level("accordant_verification_age_intervals", "crm"), 300, "of a day");
    assert_eq!(level("accordant_health_ratio", "crm"), 100);
    assert_eq!(level("accordant_waiting_dead_letters", "shop"), 0);

    // All of it goes down again.
    while block_on(tenant.step()).unwrap().more() {}
    let (by, letters) = (Actor::new("ana"), block_on(tenant.dead_letter_groups()).unwrap());
    block_on(tenant.discard_dead_letters(&letters[0].cause, 10, &by, "noise")).unwrap();
    crm.describes_as(described(&["email", "phone"]));
    block_on(tenant.check_schema("crm")).unwrap();
    block_on(tenant.check()).unwrap();
    block_on(tenant.status()).unwrap();
    let levels = ["waiting_records", "waiting_dead_letters", "stopped_attributes", "verification_age_intervals"];
    assert_eq!(levels.map(|name| level(&format!("accordant_{name}"), "crm")), [0; 4]);

    shop.unavailable(true);
    let minute = || {
        drop(block_on(tenant.poll("shop")));
        clock.advance(TimeDelta::minutes(1));
        block_on(tenant.raise_alerts()).unwrap();
    };
    for _ in 0..3 {
        minute();
    }
    let standing = |severity: &str| {
        block_on(tenant.status()).unwrap();
        let name = format!("accordant_standing_alerts{{tenant=acme,connection=shop,severity={severity}}}");
        *kept.counted().get(&name).unwrap_or(&0)
    };
    assert_eq!((standing("error"), standing("warning"), standing("critical")), (100, 100, 0));
    assert_eq!(level("accordant_health_ratio", "shop"), 60);
    shop.unavailable(false);
    for _ in 0..8 {
        minute();
    }
    assert_eq!((standing("error"), standing("warning")), (0, 0));
    assert_eq!(level("accordant_health_ratio", "shop"), 100);
}

#[test]
fn levels_rise_and_fall_and_what_is_refused_expires_or_is_told_is_counted() {
    let _alone = ALONE.lock();
    let kept = Kept::default();
    metrics::with_local_recorder(&kept, || a_bad_week(&kept));
    let counted = kept.counted();
    let of = |name: &str| counted.get(name).copied().unwrap_or_default();
    assert_eq!(of("accordant_refused_total{connection=crm}"), 1, "{counted:#?}");
    assert_eq!(of("accordant_expired_total{connection=crm}"), 2);
    for (measure, severity) in [("failure_rate", "error"), ("health", "warning")] {
        for change in ["raised", "resolved"] {
            let labels = format!("connection=shop,measure={measure},severity={severity},change={change}");
            assert_eq!(of(&format!("accordant_alerts_total{{{labels}}}")), 1, "{labels}");
        }
    }
    for name in kept.0.lock().unwrap().keys() {
        assert!(CANARIES.iter().all(|canary| !name.contains(canary)), "{name}");
    }
}

#[test]
fn spans_are_declared_and_hold_no_payload() {
    let _alone = ALONE.lock();
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), a_day);
    let spans = spans.0.lock().unwrap();
    let begun: BTreeSet<&str> = spans.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(begun, SPANS.iter().map(|span| span.name).collect());
    for (name, fields) in spans.iter() {
        let declared = SPANS.iter().find(|span| span.name == name).unwrap();
        let named: Vec<&str> = fields.split(',').map(|field| field.split_once('=').unwrap().0).collect();
        assert_eq!(named, declared.fields, "{name}");
        assert!(CANARIES.iter().all(|canary| !fields.contains(canary)), "{name}: {fields}");
    }
}

#[test]
fn the_documentation_has_every_metric_and_span_and_no_other() {
    let text = include_str!("../../docs/telemetry.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let rows: BTreeSet<(String, String, String)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].replace('`', ""), cells[1].to_owned(), cells[2].replace('`', ""))
        })
        .collect();
    let kind = |kind: MetricKind| match kind {
        MetricKind::Counter => "counter",
        MetricKind::Histogram => "histogram",
        MetricKind::Gauge => "gauge",
        _ => "another",
    };
    let metrics = METRICS.iter().map(|of| (of.name.to_owned(), kind(of.kind).to_owned(), of.labels.join(", ")));
    let spans = SPANS.iter().map(|of| (of.name.to_owned(), "span".to_owned(), of.fields.join(", ")));
    assert_eq!(rows, metrics.chain(spans).collect());
}
