//! What came of applying a plan.

use serde::Serialize;

use crate::connector::ConnectorError;
use crate::id::ConnectionName;
use crate::plan::{Operation, Parked, PlanHash};

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
    /// Operations that the system refused, each with its reason.
    pub refused: Vec<(Operation, String)>,
    /// Operations that were put off, or had no effect: they are planned again if they are still owed.
    pub deferred: usize,
    /// Operations whose outcome is not known yet; the next application or step probes them.
    pub unknown: usize,
    /// Operations that a limit kept from running, each with the reason.
    pub held: Vec<Parked>,
    /// Calls that failed as a whole, with their causes: why operations were put off or are still unknown.
    pub failed: Vec<FailedCall>,
    /// The plan for what is still owed, if anything is.
    pub successor: Option<PlanHash>,
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
