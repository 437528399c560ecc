//! Telemetry: what a recorder of the `metrics` facade counts, and the spans of `tracing`, behind the feature `telemetry`.
//!
//! It names connections and kinds of calls, and spans the tenant: never a record, a value or a secret. It is counted by call, by batch and
//! by commit, and of a batch of writes by receipt. Handles are made when the library is built: **install the recorder before
//! [`Builder::build`](crate::Builder::build)**. Without one, and without the feature, a count is a test of a null pointer, or nothing.
//!
//! The same names stand in `docs/telemetry.md`, which a test holds to these.

use crate::engine::TakenIn;
use crate::id::ConnectionName;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// Values that are distributed.
    Histogram,
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

/// Every metric.
pub const METRICS: [Metric; 6] = [
    Metric { name: CALLS, kind: MetricKind::Counter, labels: &["connection", "call", "outcome"] },
    Metric { name: CALL_SECONDS, kind: MetricKind::Histogram, labels: &["connection", "call"] },
    Metric { name: TAKEN_IN, kind: MetricKind::Counter, labels: &["connection", "as"] },
    Metric { name: WRITES, kind: MetricKind::Counter, labels: &["connection", "outcome"] },
    Metric { name: VERIFIED, kind: MetricKind::Counter, labels: &["connection", "found"] },
    Metric { name: COMMITS, kind: MetricKind::Counter, labels: &["outcome"] },
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
pub(crate) struct Verified {
    as_held: u64,
    missed: u64,
    gone: u64,
}

impl Verified {
    pub(crate) const fn add(&mut self, gone: bool, missed: bool) {
        match (gone, missed) {
            (true, _) => self.gone += 1,
            (false, true) => self.missed += 1,
            (false, false) => self.as_held += 1,
        }
    }
}

#[cfg(feature = "telemetry")]
mod recorded {
    use metrics::{Counter, Histogram, counter, histogram};

    use super::{CALL_SECONDS, CALLS, COMMITS, Called, ConnectionName, TAKEN_IN, TakenIn, VERIFIED, Verified, WRITES};
    use crate::connector::Outcome;

    /// What is counted of a connection.
    pub(crate) struct Instruments {
        /// By call: what was answered, what failed, and how long they took.
        calls: [(Counter, Counter, Histogram); 4],
        /// What changed something, was known, is to be read, could not be decoded, and was of who was erased.
        taken: [Counter; 5],
        /// What was done, refused, lost its race, was put off, and is not known.
        writes: [Counter; 5],
        /// What was as it should be, had changed, and was gone.
        verified: [Counter; 3],
    }

    impl Instruments {
        pub(crate) fn new(connection: &ConnectionName) -> Self {
            let name = || connection.as_str().to_owned();
            let calls = Called::ALL.map(|call| {
                let of = |outcome| counter!(CALLS, "connection" => name(), "call" => call.name(), "outcome" => outcome);
                let took = histogram!(CALL_SECONDS, "connection" => name(), "call" => call.name());
                (of("answered"), of("failed"), took)
            });
            let taken = ["observed", "known", "hinted", "dead_letter", "suppressed"];
            let taken = taken.map(|kind| counter!(TAKEN_IN, "connection" => name(), "as" => kind));
            let writes = ["applied", "refused", "stale", "deferred", "unknown"];
            let writes = writes.map(|outcome| counter!(WRITES, "connection" => name(), "outcome" => outcome));
            let verified = ["as_held", "missed", "gone"];
            let verified = verified.map(|found| counter!(VERIFIED, "connection" => name(), "found" => found));
            Self { calls, taken, writes, verified }
        }

        pub(crate) fn called(&self, call: Called, milliseconds: i64, failed: bool) {
            let [pages, records, described, written] = &self.calls;
            let (answered, refused, took) = match call {
                Called::ReadPage => pages,
                Called::ReadRecords => records,
                Called::Describe => described,
                Called::WriteBatch => written,
            };
            if failed {
                refused.increment(1);
            } else {
                answered.increment(1);
            };
            let time = u64::try_from(milliseconds).unwrap_or(0);
            took.record(std::time::Duration::from_millis(time));
        }

        pub(crate) fn taken(&self, taken: &TakenIn) {
            let TakenIn { observed, known, hinted, dead_letters, suppressed } = *taken;
            for (counter, many) in self.taken.iter().zip([observed, known, hinted, dead_letters, suppressed]) {
                counter.increment(many as u64);
            }
        }

        pub(crate) fn wrote(&self, outcome: &Outcome) {
            let [applied, refused, stale, deferred, unknown] = &self.writes;
            match outcome {
                Outcome::Applied { .. } => applied.increment(1),
                Outcome::Refused { .. } => refused.increment(1),
                Outcome::Stale => stale.increment(1),
                Outcome::Deferred { .. } => deferred.increment(1),
                Outcome::Unknown => unknown.increment(1),
            }
        }

        pub(crate) fn verified(&self, verified: &Verified) {
            let Verified { as_held, missed, gone } = *verified;
            for (counter, many) in self.verified.iter().zip([as_held, missed, gone]) {
                counter.increment(many);
            }
        }
    }

    /// What is counted of the store.
    pub(crate) struct Commits {
        done: Counter,
        lost: Counter,
    }

    impl Commits {
        pub(crate) fn new() -> Self {
            let of = |outcome| counter!(COMMITS, "outcome" => outcome);
            Self { done: of("done"), lost: of("lost") }
        }

        pub(crate) fn ended(&self, done: bool) {
            if done {
                self.done.increment(1);
            } else {
                self.lost.increment(1);
            };
        }
    }
}

#[cfg(not(feature = "telemetry"))]
mod recorded {
    use super::{Called, ConnectionName, TakenIn, Verified};
    use crate::connector::Outcome;

    /// Nothing is counted.
    pub(crate) struct Instruments;

    impl Instruments {
        pub(crate) const fn new(_: &ConnectionName) -> Self {
            Self
        }
        pub(crate) const fn called(&self, _: Called, _: i64, _: bool) {}
        pub(crate) const fn taken(&self, _: &TakenIn) {}
        pub(crate) const fn wrote(&self, _: &Outcome) {}
        pub(crate) const fn verified(&self, _: &Verified) {}
    }

    /// Nothing is counted.
    pub(crate) struct Commits;

    impl Commits {
        pub(crate) const fn new() -> Self {
            Self
        }
        pub(crate) const fn ended(&self, _: bool) {}
    }
}

pub(crate) use recorded::{Commits, Instruments};
