//! A clock that stands, behind all that generated systems tell.

use accordant::ManualClock;
use accordant::chrono::{DateTime, TimeDelta};

/// When generated records begin, in milliseconds since the epoch: 2026-01-05, eight in the morning.
pub(crate) const BEGINS: i64 = 1_767_600_000_000;

/// A clock that stands a century after [`BEGINS`].
pub(crate) fn clock() -> ManualClock {
    ManualClock::at(DateTime::from_timestamp_millis(BEGINS).unwrap_or_default() + TimeDelta::days(36_525))
}
