//! What is counted where the feature `telemetry` is: through the `metrics` facade.

use metrics::{Counter, Histogram, counter, gauge, histogram};

use super::{
    ALERTS, CALL_SECONDS, CALLS, COMMITS, Called, CheckCounts, EXPIRED, HEALTH, LETTERS, REFUSED, STANDING_ALERTS,
    STANDING_STILL, TAKEN_IN, VERIFICATION_AGE, VERIFIED, WAITING, WRITES,
};
use crate::alert::{Alert, Change, Severity, WHOLE};
use crate::connector::Outcome;
use crate::engine::{ConnectionStatus, TakenIn};
use crate::id::{ConnectionName, TenantId};

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
    refused: Counter,
    expired: Counter,
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
        let refused = counter!(REFUSED, "connection" => name());
        let expired = counter!(EXPIRED, "connection" => name());
        Self { calls, taken, writes, verified, refused, expired }
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

    pub(crate) fn verified(&self, verified: &CheckCounts) {
        let CheckCounts { as_held, missed, gone } = *verified;
        for (counter, many) in self.verified.iter().zip([as_held, missed, gone]) {
            counter.increment(many);
        }
    }

    pub(crate) fn refused(&self) {
        self.refused.increment(1);
    }

    pub(crate) fn expired(&self, hints: u64) {
        self.expired.increment(hints);
    }
}

/// How a connection of a tenant is. The handles are looked up each time: which tenants there are is not known beforehand.
#[expect(clippy::float_arithmetic, reason = "a gauge is a float")]
pub(crate) fn is_at(tenant: &TenantId, connection: &ConnectionName, status: &ConnectionStatus) {
    let level = |name: &'static str, value: f64| {
        gauge!(name, "tenant" => tenant.as_str().to_owned(), "connection" => connection.as_str().to_owned()).set(value);
    };
    let ConnectionStatus { measured, health, standing_still, dead_letters, alerts, .. } = status;
    level(WAITING, float(measured.queue.unwrap_or(0)));
    level(LETTERS, float(*dead_letters));
    level(HEALTH, float(*health) / float(WHOLE));
    level(VERIFICATION_AGE, float(measured.verification_age.unwrap_or(0)) / 100.0);
    level(STANDING_STILL, float(*standing_still as u64));
    for severity in [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical] {
        let standing = alerts.iter().filter(|(_, of)| *of == severity).count();
        let labels = [
            ("tenant", tenant.as_str().to_owned()),
            ("connection", connection.as_str().to_owned()),
            ("severity", severity.to_string()),
        ];
        gauge!(STANDING_ALERTS, &labels).set(float(standing as u64));
    }
}

/// Somebody was told of an alert, or of its end.
pub(crate) fn told(alert: &Alert) {
    let change = match alert.change {
        Change::Raised => "raised",
        Change::Resolved => "resolved",
    };
    let labels = [
        ("connection", alert.connection.as_str().to_owned()),
        ("measure", alert.measure.to_string().replace(' ', "_")),
        ("severity", alert.severity.to_string()),
        ("change", change.to_owned()),
    ];
    counter!(ALERTS, &labels).increment(1);
}

/// Beyond four thousand million, a level is that.
fn float(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
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
