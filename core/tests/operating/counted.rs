//! A store that counts what is read of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accordant::MemoryStore;
use accordant::id::TenantId;
use accordant::journal::{Entry, Payload};
use accordant::store::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
use async_trait::async_trait;

/// The store of one process, and how many journal entries it gave.
#[derive(Clone)]
pub(crate) struct Counted {
    store: MemoryStore,
    entries: Arc<AtomicUsize>,
    rows: Arc<AtomicUsize>,
}

impl Counted {
    pub(crate) fn new(store: &MemoryStore) -> Self {
        Self { store: store.clone(), entries: Arc::default(), rows: Arc::default() }
    }

    /// The most rows, or entries, that one call gave since this was last asked.
    pub(crate) fn at_once(&self) -> usize {
        self.rows.swap(0, Ordering::SeqCst)
    }

    fn gave(&self, rows: usize) {
        self.rows.fetch_max(rows, Ordering::SeqCst);
    }

    /// How many journal entries were given since this was last asked.
    pub(crate) fn entries(&self) -> usize {
        self.entries.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl Store for Counted {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        let rows = self.store.load(tenant, keys).await?;
        self.gave(rows.len());
        Ok(rows)
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.store.scan(tenant, table, prefix, after, limit).await?;
        self.gave(rows.len());
        Ok(rows)
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        self.store.commit(tenant, commit).await
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let page = self.store.journal(tenant, after, limit).await?;
        self.entries.fetch_add(page.len(), Ordering::SeqCst);
        self.gave(page.len());
        Ok(page)
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let page = self.store.journal_about(tenant, subject, after, limit).await?;
        self.entries.fetch_add(page.len(), Ordering::SeqCst);
        self.gave(page.len());
        Ok(page)
    }

    async fn erase(&self, tenant: &TenantId, subject: &str) -> Result<u64, StoreError> {
        self.store.erase(tenant, subject).await
    }
}
