//! The same without the feature `telemetry`: nothing is counted.

use super::{Called, CheckCounts};
use crate::alert::Alert;
use crate::connector::Outcome;
use crate::engine::{ConnectionStatus, TakenIn};
use crate::id::{ConnectionName, TenantId};

/// Nothing is counted.
pub(crate) struct Instruments;

impl Instruments {
    pub(crate) const fn new(_: &ConnectionName) -> Self {
        Self
    }
    pub(crate) const fn called(&self, _: Called, _: i64, _: bool) {}
    pub(crate) const fn taken(&self, _: &TakenIn) {}
    pub(crate) const fn wrote(&self, _: &Outcome) {}
    pub(crate) const fn verified(&self, _: &CheckCounts) {}
    pub(crate) const fn refused(&self) {}
    pub(crate) const fn expired(&self, _: u64) {}
}

/// Nothing is told.
pub(crate) const fn is_at(_: &TenantId, _: &ConnectionName, _: &ConnectionStatus) {}

/// Nothing is counted.
pub(crate) const fn told(_: &Alert) {}

/// Nothing is counted.
pub(crate) struct Commits;

impl Commits {
    pub(crate) const fn new() -> Self {
        Self
    }
    pub(crate) const fn ended(&self, _: bool) {}
}
