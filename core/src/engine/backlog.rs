//! Backlogs: how many records of a connection wait to be read, as far as this process knows. In memory: a process that begins counts
//! them once, and all count them anew every so often, since others add and take off as well.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::{ConnectionName, TenantId};

/// For how long a count is believed, in milliseconds.
const BELIEVED: i64 = 10 * 1000;

/// How many records of a connection wait.
#[derive(Debug, Clone, Copy, Default)]
struct Backlog {
    waiting: u64,
    /// When they were counted, in milliseconds since the epoch; none: they were not yet.
    counted: Option<i64>,
    /// How often somebody was refused because there was no room.
    refused: u64,
    /// How many hints waited for too long, and were dropped.
    expired: u64,
}

/// What is known of the backlogs of this process's connections.
#[derive(Debug, Default)]
pub(crate) struct Backlogs(Mutex<BTreeMap<(TenantId, ConnectionName), Backlog>>);

impl Backlogs {
    fn held(&self) -> MutexGuard<'_, BTreeMap<(TenantId, ConnectionName), Backlog>> {
        // Each is changed as a whole, so a poisoned lock guards a whole map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, tenant: &TenantId, name: &ConnectionName, change: impl FnOnce(&mut Backlog)) {
        change(self.held().entry((tenant.clone(), name.clone())).or_default());
    }

    fn of(&self, tenant: &TenantId, name: &ConnectionName) -> Backlog {
        self.held().get(&(tenant.clone(), name.clone())).copied().unwrap_or_default()
    }

    /// How many wait; `None`: they are to be counted.
    pub(crate) fn waiting(&self, tenant: &TenantId, name: &ConnectionName, now: i64) -> Option<u64> {
        let backlog = self.of(tenant, name);
        let believed = |at: i64| (0..BELIEVED).contains(&now.saturating_sub(at));
        backlog.counted.is_some_and(believed).then_some(backlog.waiting)
    }

    /// So many were counted.
    pub(crate) fn counted(&self, tenant: &TenantId, name: &ConnectionName, waiting: u64, now: i64) {
        self.change(tenant, name, |backlog| (backlog.waiting, backlog.counted) = (waiting, Some(now)));
    }

    /// This process put more there, or took some off.
    pub(crate) fn moved(&self, tenant: &TenantId, name: &ConnectionName, more: u64, fewer: u64) {
        self.change(tenant, name, |backlog| {
            backlog.waiting = backlog.waiting.saturating_add(more).saturating_sub(fewer);
        });
    }

    /// Somebody was refused.
    pub(crate) fn refuse(&self, tenant: &TenantId, name: &ConnectionName) {
        self.change(tenant, name, |backlog| backlog.refused = backlog.refused.saturating_add(1));
    }

    /// So many hints waited for too long, and were dropped.
    pub(crate) fn expired(&self, tenant: &TenantId, name: &ConnectionName, hints: u64) {
        self.moved(tenant, name, 0, hints);
        self.change(tenant, name, |backlog| backlog.expired = backlog.expired.saturating_add(hints));
    }

    /// How many hints were dropped.
    pub(crate) fn dropped(&self, tenant: &TenantId, name: &ConnectionName) -> u64 {
        self.of(tenant, name).expired
    }

    /// How often somebody was refused.
    pub(crate) fn refused(&self, tenant: &TenantId, name: &ConnectionName) -> u64 {
        self.of(tenant, name).refused
    }
}
