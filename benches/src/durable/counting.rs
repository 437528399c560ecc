//! A store that counts what goes through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use accordant::TenantId;
use accordant::journal::{Entry, Payload};
use accordant::store::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
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

pub(super) struct Counting<S> {
    store: S,
    counts: Arc<Counts>,
}

impl<S: Store> Counting<S> {
    pub(super) fn of(store: S) -> (Self, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        (Self { store, counts: Arc::clone(&counts) }, counts)
    }
}

#[async_trait]
impl<S: Store> Store for Counting<S> {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        self.store.load(tenant, keys).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.store.scan(tenant, table, prefix, after, limit).await
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        let add = |count: &AtomicU64, number: usize| count.fetch_add(number as u64, Ordering::Relaxed);
        add(&self.counts.commits, 1);
        add(&self.counts.rows, commit.put.len());
        add(&self.counts.entries, commit.journal.len());
        self.store.commit(tenant, commit).await
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.store.journal(tenant, after, limit).await
    }

    async fn erase(&self, tenant: &TenantId, subject: &str) -> Result<u64, StoreError> {
        self.store.erase(tenant, subject).await
    }
}
