//! What came of applying a plan.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::connector::ConnectorError;
use crate::id::ConnectionName;
use crate::plan::{Operation, Parked, PlanHash};
use crate::rollout::Waiting;

/// How a plan's application ended. What earlier applications left unsettled is settled first, and counted too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Applied {
    /// Operations that took effect.
    pub done: usize,
    /// Operations that had taken effect before: nothing was written.
    pub already: usize,
    /// Operations that no approval names.
    pub unapproved: usize,
    /// Operations whose target or golden value had moved: they belong to the successor.
    pub superseded: usize,
    /// Operations, among those superseded, of records that another application had a write of under way: they may still be
    /// to be done, and stay approved.
    pub busy: usize,
    /// Operations that the system refused, each with its reason.
    pub refused: Vec<(Operation, String)>,
    /// Operations that were put off, or had no effect: they are planned again if they are still owed.
    pub deferred: usize,
    /// Operations whose outcome is not known yet; the next application or step probes them.
    pub unknown: usize,
    /// Operations that a limit, how their connection stands, or a match that nobody has told yet kept from running, each with the reason.
    pub held: Vec<Parked>,
    /// Operations that were not begun, because whoever watched stopped the application.
    pub stopped: usize,
    /// Calls that failed as a whole, with their causes: why operations were put off or are still unknown.
    pub failed: Vec<FailedCall>,
    /// When the first of the systems that put something off wants to be asked again, or the first window opens, if that is
    /// known.
    pub retry_at: Option<DateTime<Utc>>,
    /// The plan for what is still owed, if anything is.
    pub successor: Option<PlanHash>,
}

impl Applied {
    /// Writes wait for their connection.
    pub(super) fn wait(&mut self, group: &[Operation], Waiting { why, until }: Waiting) {
        self.held.extend(group.iter().map(|operation| Parked::new(operation.clone(), why.clone())));
        if let Some(at) = until {
            self.retry_at = Some(self.retry_at.map_or(at, |earliest| earliest.min(at)));
        }
    }

    /// A system put something off, and asks to be left alone for this long.
    pub(super) fn put_off(&mut self, now: i64, delay: TimeDelta) {
        let at = now.saturating_add(delay.num_milliseconds());
        let at = DateTime::from_timestamp_millis(at).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.retry_at = Some(self.retry_at.map_or(at, |earliest| earliest.min(at)));
    }
}

/// How far an application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Applying {
    /// How many of the approved operations were begun.
    pub begun: usize,
    /// How many operations are approved, and within limits.
    pub of: usize,
}

/// A call to a system that failed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FailedCall {
    /// The connection.
    pub connection: ConnectionName,
    /// What was being done.
    pub doing: &'static str,
    /// Why it could not be done.
    pub cause: ConnectorError,
}
