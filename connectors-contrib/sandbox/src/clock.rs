//! A clock that runs, and can be moved.

use std::sync::atomic::{AtomicI64, Ordering};

use accordant::{Clock, SystemClock};
use chrono::TimeDelta;

/// The system's clock, and as much further as it was moved. In tests, a clock that stands still is better:
/// [`accordant::ManualClock`].
#[derive(Debug, Default)]
pub struct MovableClock(AtomicI64);

impl MovableClock {
    /// Moves the clock on.
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> i64 {
        SystemClock.now().saturating_add(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that can be shown in a debug print, as clocks need not be.
pub(crate) trait ClockOf: Send + Sync {
    fn now(&self) -> i64;
}

impl std::fmt::Debug for dyn ClockOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.now())
    }
}

pub(crate) struct Shown<C>(pub(crate) C);

impl<C: Clock> ClockOf for Shown<C> {
    fn now(&self) -> i64 {
        self.0.now()
    }
}
