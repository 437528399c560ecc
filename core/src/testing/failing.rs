//! Watches under which a store fails: once at a chosen call, or for good from a chosen commit on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;

use crate::id::TenantId;
use crate::store::{StoreError, StoreFault};
use crate::testing::{Called, StoreCall, StoreWatch};

/// Fails one call, before it took effect, or after it did and nobody hears of it. Clones count together.
///
/// To try every point of some work, fail at 0, 1, 2, … until it ends without having failed.
#[derive(Debug, Clone)]
pub struct FailsOnce {
    left: Arc<AtomicUsize>,
    after: bool,
}

impl FailsOnce {
    /// At a call: the first is 0. `after`: it takes effect all the same.
    #[must_use]
    pub fn at(call: usize, after: bool) -> Self {
        Self { left: Arc::new(AtomicUsize::new(call)), after }
    }

    /// Counts a call: of a store by itself, of anything else that is to fail by the same count by whoever watches that. Each is asked
    /// twice, before it takes effect and after it did.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Unavailable`] at the chosen one.
    pub fn call(&self, after: bool) -> Result<(), StoreError> {
        if after != self.after {
            return Ok(());
        }
        // Once it has failed, there is no number left at which it would again.
        let next = |left: usize| Some(left.checked_sub(1).unwrap_or(usize::MAX));
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        if left == Ok(0) {
            Err(StoreError::database("do it", StoreFault::Unavailable, "the test says so"))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl StoreWatch for FailsOnce {
    async fn before(&self, _: &TenantId, _: StoreCall<'_>) -> Result<(), StoreError> {
        self.call(false)
    }

    async fn after(&self, _: &TenantId, _: Called<'_>) -> Result<(), StoreError> {
        self.call(true)
    }
}

/// Lets a store live for so many commits, and then answer nothing until it is revived: a process that dies. Clones are one.
#[derive(Debug, Clone)]
pub struct Dies {
    commits_left: Arc<AtomicUsize>,
    durable: Arc<AtomicBool>,
}

impl Default for Dies {
    /// It does not die before it is told to.
    fn default() -> Self {
        Self { commits_left: Arc::new(AtomicUsize::new(usize::MAX)), durable: Arc::default() }
    }
}

impl Dies {
    /// It dies at a commit: the next is 1. `durable`: that commit takes effect, and only its answer is lost.
    pub fn at(&self, commit: usize, durable: bool) {
        self.durable.store(durable, Ordering::SeqCst);
        self.commits_left.store(commit, Ordering::SeqCst);
    }

    /// Says whether it had died. From then on it lives.
    pub fn revive(&self) -> bool {
        self.commits_left.swap(usize::MAX, Ordering::SeqCst) == 0
    }

    fn left(&self) -> usize {
        self.commits_left.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl StoreWatch for Dies {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        match self.left() {
            0 => Err(StoreError::Closed),
            1 if !self.durable.load(Ordering::SeqCst) && matches!(call, StoreCall::Commit(_)) => {
                self.commits_left.store(0, Ordering::SeqCst);
                Err(StoreError::Closed)
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, _: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        let left = self.left();
        if !matches!(call, Called::Commit(_)) || left == usize::MAX {
            return Ok(());
        }
        self.commits_left.store(left - 1, Ordering::SeqCst);
        if left == 1 { Err(StoreError::Closed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Commit, MemoryStore, RowKey, Store as _, Table};
    use crate::testing::Watched;
    use futures::executor::block_on;

    #[test]
    fn one_call_fails_and_one_commit_is_the_last() {
        let tenant = TenantId::new("acme");
        let commit =
            |n: usize| Commit { put: vec![(RowKey::new(Table::Meta, n.to_string()), Vec::new())], ..Commit::default() };
        let held = |store: &MemoryStore| block_on(store.scan(&tenant, Table::Meta, "", None, 9)).map(|rows| rows.len());
        for after in [false, true] {
            let kept = MemoryStore::new();
            let store = Watched::new(kept.clone(), FailsOnce::at(1, after));
            let ended: Vec<bool> = (0..3).map(|n| block_on(store.commit(&tenant, commit(n))).is_ok()).collect();
            assert_eq!((ended, held(&kept).ok()), (vec![true, false, true], Some(2 + usize::from(after))));
        }
        for durable in [false, true] {
            let (kept, dies) = (MemoryStore::new(), Dies::default());
            let store = Watched::new(kept.clone(), dies.clone());
            dies.at(2, durable);
            let ended: Vec<bool> = (0..3).map(|n| block_on(store.commit(&tenant, commit(n))).is_ok()).collect();
            assert_eq!((ended, held(&kept).ok()), (vec![true, false, false], Some(1 + usize::from(durable))));
            assert!(block_on(store.load(&tenant, &[])).is_err(), "it answers nothing");
            assert!(dies.revive() && !dies.revive() && block_on(store.load(&tenant, &[])).is_ok());
        }
    }
}
