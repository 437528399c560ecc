//! The gate: waiting for a throttle, one after the other.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use accordant::Clock;
use accordant::connector::{ConnectorError, ConnectorErrorKind, Retry};
use chrono::TimeDelta;
use event_listener::Event;
use futures::future::{Either, select};

use super::{Admission, Feedback, Throttle};
use crate::sleep::Sleep;

/// Lets requests through as a throttle allows, in the order in which they came, so that an expensive one is not
/// overtaken for ever by cheap ones.
///
/// Shared by all that spend the same budget: wrap it in an [`Arc`].
pub struct Gate {
    throttle: Mutex<Box<dyn Throttle>>,
    turn: async_lock::Mutex<()>,
    settled: Event,
    clock: Arc<dyn Clock>,
    sleep: Arc<dyn Sleep>,
    patience: TimeDelta,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("throttle", &self.throttle)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate before `throttle`. It waits up to a minute; what must wait longer is told to come back.
    #[must_use]
    pub fn new(throttle: impl Throttle, clock: Arc<dyn Clock>, sleep: Arc<dyn Sleep>) -> Self {
        Self {
            throttle: Mutex::new(Box::new(throttle)),
            turn: async_lock::Mutex::new(()),
            settled: Event::new(),
            clock,
            sleep,
            patience: TimeDelta::minutes(1),
        }
    }

    /// Waits no longer than this at the gate: a daily quota is for the engine to wait for, not for a task.
    #[must_use]
    pub fn patience(mut self, patience: TimeDelta) -> Self {
        self.patience = patience;
        self
    }

    /// Waits until a request of this cost may go.
    ///
    /// # Errors
    ///
    /// [`ConnectorErrorKind::Throttled`], with the delay, if that is longer than the gate's patience;
    /// [`ConnectorErrorKind::Unsupported`] if it can never go.
    pub async fn enter(&self, cost: u32) -> Result<Pass<'_>, ConnectorError> {
        let _turn = self.turn.lock().await;
        loop {
            // Before the throttle is asked: what settles in between must not be missed.
            let settled = self.settled.listen();
            let now = self.clock.now();
            let admission = self.throttle.lock().unwrap_or_else(PoisonError::into_inner).admit(cost, now);
            match admission {
                Admission::Go => return Ok(Pass { gate: self, cost, said: Feedback::default() }),
                Admission::At(at) => {
                    let wait = TimeDelta::milliseconds(at.saturating_sub(now).max(1));
                    if wait > self.patience {
                        return Err(ConnectorError::new(ConnectorErrorKind::Throttled, "the budget is used up")
                            .retry(Retry::After(wait)));
                    }
                    match select(self.sleep.sleep(wait), settled).await {
                        Either::Left(_) | Either::Right(_) => {}
                    }
                }
                Admission::AfterAnother => settled.await,
                Admission::Never => {
                    return Err(ConnectorError::new(
                        ConnectorErrorKind::Unsupported,
                        format!("a request that costs {cost} points is more than the system ever allows"),
                    ));
                }
            }
        }
    }
}

/// A request that was let through. Dropped, it counts as answered: so nothing stays under way that was given up.
#[derive(Debug)]
pub struct Pass<'gate> {
    gate: &'gate Gate,
    cost: u32,
    said: Feedback,
}

impl Pass<'_> {
    /// The answer came, and says this of the budget.
    pub fn settle(mut self, said: Feedback) {
        self.said = said;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let now = self.gate.clock.now();
        self.gate.throttle.lock().unwrap_or_else(PoisonError::into_inner).settle(self.cost, &self.said, now);
        self.gate.settled.notify(usize::MAX);
    }
}
