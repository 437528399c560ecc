//! A process that ends at a chosen point: a fuse that burns with every commit and every call to a system, before it
//! happened and after it happened unheard.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use accordant::MemoryStore;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey,
    Verified, Write, WriteReceipt,
};
use accordant::id::{SurfaceName, TenantId};
use accordant::journal::{Entry, Payload};
use accordant::store::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
use accordant::surface::Surface;
use accordant::testing::FakeSystem;
use async_trait::async_trait;

/// Burns with every commit and call, before and after it; once it is burnt, nothing happens any more.
#[derive(Clone)]
pub(crate) struct Fuse(Arc<AtomicI64>);

impl Fuse {
    pub(crate) fn of(length: i64) -> Self {
        Self(Arc::new(AtomicI64::new(length)))
    }

    pub(crate) fn is_burnt(&self) -> bool {
        self.0.load(Ordering::SeqCst) <= 0
    }

    fn burns(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) <= 1
    }

    fn store(&self) -> Result<(), StoreError> {
        if self.is_burnt() { Err(StoreError::Closed) } else { Ok(()) }
    }
}

pub(crate) struct FusedStore(MemoryStore, Fuse);

impl FusedStore {
    pub(crate) fn new(store: &MemoryStore, fuse: &Fuse) -> Self {
        Self(store.clone(), fuse.clone())
    }
}

#[async_trait]
impl Store for FusedStore {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        self.1.store()?;
        self.0.load(tenant, keys).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.1.store()?;
        self.0.scan(tenant, table, prefix, after, limit).await
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        if self.1.burns() {
            return Err(StoreError::Closed);
        }
        let committed = self.0.commit(tenant, commit).await?;
        if self.1.burns() { Err(StoreError::Closed) } else { Ok(committed) }
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.1.store()?;
        self.0.journal(tenant, after, limit).await
    }

    async fn erase(&self, tenant: &TenantId, subject: &str) -> Result<u64, StoreError> {
        self.0.erase(tenant, subject).await
    }
}

pub(crate) struct FusedSystem(FakeSystem, Fuse);

impl FusedSystem {
    pub(crate) fn new(fake: &FakeSystem, fuse: &Fuse) -> Self {
        Self(fake.clone(), fuse.clone())
    }

    fn burns(&self) -> Result<(), ConnectorError> {
        let burnt = || ConnectorError::new(ConnectorErrorKind::Unavailable, "the process has ended");
        if self.1.burns() { Err(burnt()) } else { Ok(()) }
    }
}

#[async_trait]
impl Connector for FusedSystem {
    fn system(&self) -> &str {
        self.0.system()
    }
    fn surfaces(&self) -> &[Surface] {
        self.0.surfaces()
    }
    fn create_safety(&self) -> CreateSafety {
        self.0.create_safety()
    }
    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        self.0.verify(delivery)
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        self.burns()?;
        self.0.read_page(surface, after).await
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.burns()?;
        let answers = self.0.read_records(keys).await?;
        self.burns()?;
        Ok(answers)
    }
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        self.burns()?;
        let receipts = self.0.write_batch(writes).await?;
        self.burns()?;
        Ok(receipts)
    }
}
