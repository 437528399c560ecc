//! A store between whose calls others get their turn: what another worker or a person may do at any point of what one does.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use accordant::MemoryStore;
use accordant::id::TenantId;
use accordant::journal::{Entry, Payload};
use accordant::store::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
use async_trait::async_trait;

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The store of one process; the others have theirs.
#[derive(Clone)]
pub(crate) struct Interleaved {
    store: MemoryStore,
    /// What happens, and before how many more calls.
    turns: Arc<Mutex<VecDeque<(usize, Meanwhile)>>>,
}

impl Interleaved {
    pub(crate) fn new(store: &MemoryStore) -> Self {
        Self { store: store.clone(), turns: Arc::default() }
    }

    /// Something happens once so many more calls were made.
    pub(crate) fn happens_after(&self, calls: usize, meanwhile: impl Future<Output = ()> + Send + 'static) {
        self.turns.lock().unwrap().push_back((calls, Box::pin(meanwhile)));
    }

    /// Whether all of it happened.
    pub(crate) fn happened(&self) -> bool {
        self.turns.lock().unwrap().is_empty()
    }

    async fn turn(&self) {
        let due = {
            let mut turns = self.turns.lock().unwrap();
            match turns.front_mut() {
                None => None,
                Some((0, _)) => turns.pop_front(),
                Some((calls, _)) => {
                    *calls -= 1;
                    None
                }
            }
        };
        if let Some((_, meanwhile)) = due {
            meanwhile.await;
        }
    }
}

#[async_trait]
impl Store for Interleaved {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        self.turn().await;
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
        self.turn().await;
        self.store.scan(tenant, table, prefix, after, limit).await
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        self.turn().await;
        self.store.commit(tenant, commit).await
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.turn().await;
        self.store.journal(tenant, after, limit).await
    }

    async fn erase(&self, tenant: &TenantId, subject: &str) -> Result<u64, StoreError> {
        self.turn().await;
        self.store.erase(tenant, subject).await
    }
}
