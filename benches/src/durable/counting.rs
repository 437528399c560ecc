//! A store that counts what goes through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use accordant::TenantId;
use accordant::store::{Store, StoreError};
use accordant::testing::{StoreCall, StoreWatch, Watched};
use async_trait::async_trait;

/// What went through.
#[derive(Debug, Default)]
pub(super) struct Counts {
    commits: AtomicU64,
    rows: AtomicU64,
    entries: AtomicU64,
}

/// What went through, at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) commits: u64,
    /// Rows inserted or replaced.
    pub(super) rows: u64,
    pub(super) entries: u64,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.commits += other.commits;
        self.rows += other.rows;
        self.entries += other.entries;
    }
}

impl Counts {
    pub(super) fn read(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted { commits: read(&self.commits), rows: read(&self.rows), entries: read(&self.entries) }
    }
}

/// Sees what goes through a store.
pub(super) struct Counting(Arc<Counts>);

impl Counting {
    pub(super) fn of<S: Store>(store: S) -> (Watched<S, Self>, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        (Watched::new(store, Self(Arc::clone(&counts))), counts)
    }
}

#[async_trait]
impl StoreWatch for Counting {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        if let StoreCall::Commit(commit) = call {
            let add = |count: &AtomicU64, number: usize| count.fetch_add(number as u64, Ordering::Relaxed);
            add(&self.0.commits, 1);
            add(&self.0.rows, commit.put.len());
            add(&self.0.entries, commit.journal.len());
        }
        Ok(())
    }
}
