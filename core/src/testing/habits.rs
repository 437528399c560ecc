//! Fake systems with habits of a test's own.

use async_trait::async_trait;

use super::FakeSystem;
use crate::connector::{
    Connector, ConnectorError, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey, Verified, Write,
    WriteReceipt,
};
use crate::id::{ObjectType, SurfaceName};
use crate::schema::ObjectSchema;
use crate::surface::Surface;

/// What a test has a [`FakeSystem`] do otherwise: hang, lose what was sent, answer late, count. Whoever has habits is a
/// [`Connector`]; what is not said here, the fake system does.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use accordant::connector::{Connector as _, ConnectorError, ReadAnswer, RecordKey};
/// use accordant::testing::{FakeSystem, Habits};
/// use async_trait::async_trait;
///
/// /// A system that counts what it is asked for by key.
/// struct Counted {
///     fake: FakeSystem,
///     asked: AtomicUsize,
/// }
///
/// #[async_trait]
/// impl Habits for Counted {
///     fn fake(&self) -> &FakeSystem {
///         &self.fake
///     }
///     async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
///         self.asked.fetch_add(keys.len(), Ordering::SeqCst);
///         self.fake.read_records(keys).await
///     }
/// }
/// ```
#[async_trait]
pub trait Habits: Send + Sync + 'static {
    /// The system that has them.
    fn fake(&self) -> &FakeSystem;

    /// As [`Connector::surfaces`].
    fn surfaces(&self) -> &[Surface] {
        self.fake().surfaces()
    }

    /// As [`Connector::create_safety`].
    fn create_safety(&self) -> CreateSafety {
        self.fake().create_safety()
    }

    /// As [`Connector::read_page`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        self.fake().read_page(surface, after).await
    }

    /// As [`Connector::read_records`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.fake().read_records(keys).await
    }

    /// As [`Connector::write_batch`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        self.fake().write_batch(writes).await
    }
}

#[async_trait]
impl<H: Habits> Connector for H {
    fn system(&self) -> &str {
        self.fake().system()
    }

    fn surfaces(&self) -> &[Surface] {
        Habits::surfaces(self)
    }

    fn create_safety(&self) -> CreateSafety {
        Habits::create_safety(self)
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        self.fake().verify(delivery)
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        Habits::read_page(self, surface, after).await
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Habits::read_records(self, keys).await
    }

    fn describes(&self) -> bool {
        self.fake().describes()
    }

    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        self.fake().describe(objects).await
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Habits::write_batch(self, writes).await
    }
}
