//! Telemetry: what a recorder of the `metrics` facade counts, and the spans of `tracing`, behind the feature `telemetry`.
//!
//! It names connections and kinds of calls, and gauges and spans the tenant: never a record, a value or a secret. It is counted by call, by
//! batch and by commit, and of a batch of writes by receipt; levels are told whenever a tenant is measured. Handles of counters are made when
//! the library is built: **install the recorder before [`Builder::build`](crate::Builder::build)**. Without one, and without the feature, a
//! count is a test of a null pointer, or nothing.
//!
//! The same names stand in `docs/telemetry.md`, which a test holds to these.

#[cfg(feature = "telemetry")]
mod recorded;
#[cfg(not(feature = "telemetry"))]
mod unrecorded;

#[cfg(feature = "telemetry")]
pub(crate) use recorded::{Commits, Instruments, is_at, told};
#[cfg(not(feature = "telemetry"))]
pub(crate) use unrecorded::{Commits, Instruments, is_at, told};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// Values that are distributed.
    Histogram,
    /// A level: it rises and falls.
    Gauge,
}

/// A metric, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [&'static str],
}

/// A span, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// The name.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [&'static str],
}

/// Calls to a system.
pub const CALLS: &str = "accordant_calls_total";
/// How long they took.
pub const CALL_SECONDS: &str = "accordant_call_duration_seconds";
/// What was taken in.
pub const TAKEN_IN: &str = "accordant_taken_in_total";
/// Receipts of writes.
pub const WRITES: &str = "accordant_writes_total";
/// Records that were verified.
pub const VERIFIED: &str = "accordant_verified_total";
/// Commits of the store.
pub const COMMITS: &str = "accordant_commits_total";

/// Deliveries and pages that were refused because too many records wait.
pub const REFUSED: &str = "accordant_refused_total";
/// Hints that were dropped because they had waited for too long.
pub const EXPIRED: &str = "accordant_expired_total";
/// Alerts that were raised or resolved, as sinks were told.
pub const ALERTS: &str = "accordant_alerts_total";
/// Records that wait to be read.
pub const WAITING: &str = "accordant_waiting_records";
/// Dead letters that wait for a person.
pub const LETTERS: &str = "accordant_waiting_dead_letters";
/// The health of a connection.
pub const HEALTH: &str = "accordant_health_ratio";
/// How long ago the record was verified of which that is longest ago.
pub const VERIFICATION_AGE: &str = "accordant_verification_age_intervals";
/// Attributes that stand still.
pub const STANDING_STILL: &str = "accordant_stopped_attributes";
/// Alerts that stand.
pub const STANDING_ALERTS: &str = "accordant_standing_alerts";

/// The labels of a level.
const OF_TENANT: &[&str] = &["tenant", "connection"];

/// Every metric.
pub const METRICS: [Metric; 15] = [
    Metric { name: CALLS, kind: MetricKind::Counter, labels: &["connection", "call", "outcome"] },
    Metric { name: CALL_SECONDS, kind: MetricKind::Histogram, labels: &["connection", "call"] },
    Metric { name: TAKEN_IN, kind: MetricKind::Counter, labels: &["connection", "as"] },
    Metric { name: WRITES, kind: MetricKind::Counter, labels: &["connection", "outcome"] },
    Metric { name: VERIFIED, kind: MetricKind::Counter, labels: &["connection", "found"] },
    Metric { name: COMMITS, kind: MetricKind::Counter, labels: &["outcome"] },
    Metric { name: REFUSED, kind: MetricKind::Counter, labels: &["connection"] },
    Metric { name: EXPIRED, kind: MetricKind::Counter, labels: &["connection"] },
    Metric { name: ALERTS, kind: MetricKind::Counter, labels: &["connection", "measure", "severity", "change"] },
    Metric { name: WAITING, kind: MetricKind::Gauge, labels: OF_TENANT },
    Metric { name: LETTERS, kind: MetricKind::Gauge, labels: OF_TENANT },
    Metric { name: HEALTH, kind: MetricKind::Gauge, labels: OF_TENANT },
    Metric { name: VERIFICATION_AGE, kind: MetricKind::Gauge, labels: OF_TENANT },
    Metric { name: STANDING_STILL, kind: MetricKind::Gauge, labels: OF_TENANT },
    Metric { name: STANDING_ALERTS, kind: MetricKind::Gauge, labels: &["tenant", "connection", "severity"] },
];

/// Every span.
pub const SPANS: [Span; 6] = [
    Span { name: "call", fields: &["connection", "call"] },
    Span { name: "receive", fields: &["tenant", "connection"] },
    Span { name: "poll", fields: &["tenant", "connection"] },
    Span { name: "step", fields: &["tenant"] },
    Span { name: "apply", fields: &["tenant", "plan"] },
    Span { name: "check", fields: &["tenant", "connection"] },
];

/// Does work in a span of `tracing`.
macro_rules! in_span {
    ($name:literal, { $($field:ident = $value:expr),* }, $work:expr) => {{
        #[cfg(feature = "telemetry")]
        {
            let span = tracing::info_span!(target: "accordant", $name, $($field = %$value),*);
            tracing::Instrument::instrument($work, span).await
        }
        #[cfg(not(feature = "telemetry"))]
        {
            $(let _ = &$value;)*
            $work.await
        }
    }};
}
pub(crate) use in_span;

/// The calls that a connector makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    ReadPage,
    ReadRecords,
    Describe,
    WriteBatch,
}

impl Called {
    #[cfg(feature = "telemetry")]
    const ALL: [Self; 4] = [Self::ReadPage, Self::ReadRecords, Self::Describe, Self::WriteBatch];

    #[cfg(feature = "telemetry")]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ReadPage => "read_page",
            Self::ReadRecords => "read_records",
            Self::Describe => "describe",
            Self::WriteBatch => "write_batch",
        }
    }
}

/// What a page of checks found of the records that it read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CheckCounts {
    as_held: u64,
    missed: u64,
    gone: u64,
}

impl CheckCounts {
    pub(crate) const fn add(&mut self, gone: bool, missed: bool) {
        match (gone, missed) {
            (true, _) => self.gone += 1,
            (false, true) => self.missed += 1,
            (false, false) => self.as_held += 1,
        }
    }
}
