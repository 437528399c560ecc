//! The world's clock: it moves when the script says so, and a little with every write.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since the epoch, shared by the three systems. It never goes back.
#[derive(Debug, Clone, Default)]
pub struct WorldClock(Arc<AtomicI64>);

impl WorldClock {
    /// The time.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves on to `at`, unless it is past.
    pub fn reach(&self, at: i64) {
        self.0.fetch_max(at, Ordering::SeqCst);
    }

    /// Moves on by `millis` and says what time it is then.
    #[must_use]
    pub fn tick(&self, millis: i64) -> i64 {
        self.0.fetch_add(millis, Ordering::SeqCst) + millis
    }
}

impl accordant::clock::Clock for WorldClock {
    fn now(&self) -> i64 {
        Self::now(self)
    }
}
