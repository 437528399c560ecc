//! A store between whose calls something happens: a worker that stands still there while another works.

use std::sync::{Arc, Mutex};

use accordant::MemoryStore;
use accordant::id::TenantId;
use accordant::journal::{Entry, Payload};
use accordant::store::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
use async_trait::async_trait;

use crate::model::Meanwhile;

/// Counts the calls of one process, and lets something happen before one of them.
#[derive(Clone, Default)]
pub(crate) struct Meeting {
    store: MemoryStore,
    left: Arc<Mutex<Option<(usize, Meanwhile)>>>,
}

impl Meeting {
    pub(crate) fn on(store: &MemoryStore) -> Self {
        Self { store: store.clone(), left: Arc::default() }
    }

    /// Before the call after so many others.
    pub(crate) fn happens_after(&self, calls: usize, meanwhile: impl Future<Output = ()> + Send + 'static) {
        *self.left.lock().unwrap() = Some((calls, Box::pin(meanwhile)));
    }

    /// Whether it has happened.
    pub(crate) fn has_happened(&self) -> bool {
        self.left.lock().unwrap().is_none()
    }

    async fn call(&self) {
        let now = {
            let mut left = self.left.lock().unwrap();
            match left.as_mut() {
                Some((calls, _)) if *calls > 0 => {
                    *calls -= 1;
                    None
                }
                _ => left.take(),
            }
        };
        if let Some((_, meanwhile)) = now {
            meanwhile.await;
        }
    }
}

#[async_trait]
impl Store for Meeting {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        self.call().await;
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
        self.call().await;
        self.store.scan(tenant, table, prefix, after, limit).await
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        self.call().await;
        self.store.commit(tenant, commit).await
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.call().await;
        self.store.journal(tenant, after, limit).await
    }

    async fn erase(&self, tenant: &TenantId, subject: &str) -> Result<u64, StoreError> {
        self.call().await;
        self.store.erase(tenant, subject).await
    }
}
