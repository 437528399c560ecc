//! A process that ends at a chosen point: a fuse that burns with every commit and every call to a system, before it
//! happened and after it happened unheard.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use accordant::connector::{
    Connector as _, ConnectorError, ConnectorErrorKind, Cursor, Page, ReadAnswer, RecordKey, Write, WriteReceipt,
};
use accordant::id::{SurfaceName, TenantId};
use accordant::store::StoreError;
use accordant::testing::{Called, FakeSystem, Habits, StoreCall, StoreWatch};
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
}

#[async_trait]
impl StoreWatch for Fuse {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        let burnt = if matches!(call, StoreCall::Commit(_)) { self.burns() } else { self.is_burnt() };
        if burnt { Err(StoreError::Closed) } else { Ok(()) }
    }

    async fn after(&self, _: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        if matches!(call, Called::Commit(_)) && self.burns() { Err(StoreError::Closed) } else { Ok(()) }
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
impl Habits for FusedSystem {
    fn fake(&self) -> &FakeSystem {
        &self.0
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
