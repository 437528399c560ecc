//! Alerts: when a connection needs somebody, and when it no longer does. Pure: measurements and instants are arguments.
//!
//! A [`Threshold`] says from which level on something is wrong, at which level it is right again, and for how long either must
//! last; [`State::observe`] says what a measurement makes of a state. Between the two levels nothing changes (hysteresis), so that a
//! measurement that trembles at a threshold raises one alert, and not one a minute. An alert that was raised resolves by itself.
//!
//! ```
//! use accordant::alert::{Change, Measure, Severity, State, Threshold};
//! use accordant::chrono::TimeDelta;
//!
//! let minutes = |minutes: i64| minutes * 60_000;
//! let queue = Threshold::new(Measure::Queue, Severity::Warning, 1_000)?.right_again_at(800)?.lasting(TimeDelta::minutes(2))?;
//! let (state, change) = State::default().observe(&queue, Some(1_200), minutes(0));
//! assert_eq!(change, None, "it has not lasted yet");
//! let (state, change) = state.observe(&queue, Some(1_100), minutes(2));
//! assert_eq!(change, Some(Change::Raised));
//! let (state, change) = state.observe(&queue, Some(900), minutes(3));
//! assert_eq!(change, None, "below the threshold, and not right again");
//! let (state, _) = state.observe(&queue, Some(700), minutes(4));
//! let (_, change) = state.observe(&queue, Some(0), minutes(6));
//! assert_eq!(change, Some(Change::Resolved));
//! # Ok::<(), accordant::alert::AlertError>(())
//! ```

mod health;
mod sink;
mod state;
mod threshold;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ConnectionName, TenantId};

pub use health::{Measured, health};
pub use sink::{AlertSink, Lines, SinkError};
pub use state::{Change, State};
pub use threshold::{AlertError, Threshold};

/// How grave an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It will be wrong if nothing changes.
    Warning,
    /// Something does not work.
    Error,
    /// Nothing works, or money is being lost.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        })
    }
}

/// What is measured of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Calls that failed, of all calls: in hundredths of a percent.
    FailureRate,
    /// How long a call took on average: in milliseconds.
    Latency,
    /// How many records wait to be read.
    Queue,
    /// The health score ([`health`]): in hundredths of a percent.
    Health,
    /// Items, answers and receipts that were wrong, of all: in hundredths of a percent.
    ErrorRate,
    /// How long ago the record was verified of which that is longest ago, in hundredths of the interval of its priority
    /// ([`Cadence`](crate::check::Cadence)): 100 is on time, and what grows is more than the connection's budget allows.
    VerificationAge,
}

/// All of something, in hundredths of a percent.
pub const WHOLE: u64 = 10_000;

impl Measure {
    /// Every measure.
    pub const ALL: [Measure; 6] = [
        Measure::FailureRate,
        Measure::Latency,
        Measure::Queue,
        Measure::Health,
        Measure::ErrorRate,
        Measure::VerificationAge,
    ];

    /// Whether less of it is worse.
    #[must_use]
    pub const fn falls(self) -> bool {
        matches!(self, Measure::Health)
    }

    /// Whether it is a part of a whole, and so at most [`WHOLE`].
    #[must_use]
    pub const fn is_share(self) -> bool {
        matches!(self, Measure::FailureRate | Measure::Health | Measure::ErrorRate)
    }

    /// A value as people read it: `12.50 %`, `4200 ms`, `1001`.
    #[must_use]
    pub fn show(self, value: u64) -> String {
        match self {
            _ if self.is_share() => format!("{}.{:02} %", value / 100, value % 100),
            Measure::Latency => format!("{value} ms"),
            Measure::VerificationAge => format!("{}.{:02} intervals", value / 100, value % 100),
            _ => value.to_string(),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Measure::FailureRate => "failure rate",
            Measure::Latency => "latency",
            Measure::Queue => "queue",
            Measure::Health => "health",
            Measure::ErrorRate => "error rate",
            Measure::VerificationAge => "verification age",
        })
    }
}

/// Something that somebody should know, or no longer needs to. It names what and where, and holds no payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// Whose.
    pub tenant: TenantId,
    /// Where.
    pub connection: ConnectionName,
    /// What was measured.
    pub measure: Measure,
    /// How grave it is.
    pub severity: Severity,
    /// Whether it was raised, or has resolved itself.
    pub change: Change,
    /// What was measured last, in the unit of the measure.
    pub value: u64,
    /// From where on it is wrong.
    pub limit: u64,
    /// When it came to be so, in milliseconds since the epoch: when it had been wrong, or right again, for as long as it must last. An
    /// alert that is told again has the same; a process that starts again, and another process, count from what they measured.
    pub at: i64,
}

impl Alert {
    /// An alert, or its end.
    #[must_use]
    pub fn new(
        (tenant, connection): (TenantId, ConnectionName),
        threshold: &Threshold,
        change: Change,
        value: u64,
        at: i64,
    ) -> Self {
        let (measure, severity, limit) = (threshold.measure(), threshold.severity(), threshold.limit());
        Self { tenant, connection, measure, severity, change, value, limit, at }
    }
}

/// `critical: failure rate of crm is 12.50 %, over 5.00 %` and `resolved: failure rate of crm is 0.10 %`.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, measure, severity, value, limit, .. } = self;
        let (value, limit) = (measure.show(*value), measure.show(*limit));
        match self.change {
            Change::Raised => {
                let side = if measure.falls() { "below" } else { "over" };
                write!(f, "{severity}: {measure} of {connection} is {value}, {side} {limit}")
            }
            Change::Resolved => write!(f, "resolved: {measure} of {connection} is {value}"),
        }
    }
}
