//! A system whose records are computed as they are read: of any size, in no memory.

use async_trait::async_trait;
use bytes::Bytes;

use crate::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey,
    Says, Verified, Write, WriteReceipt,
};
use crate::id::SurfaceName;
use crate::surface::Surface;

/// How many items a page holds.
const PAGE: u64 = 1_000;

/// What a [`Computed`] system tells.
///
/// Equal arguments give equal answers: what is read twice is told twice alike.
pub trait Records: Send + Sync + 'static {
    /// How many items a surface tells, when it is read from its beginning. None, unless it is said.
    fn count(&self, surface: &SurfaceName) -> u64 {
        let _ = surface;
        0
    }

    /// The item of this number, from 0 on, as the surface's shape has it. Asked for numbers below [`count`](Self::count).
    fn item(&self, surface: &SurfaceName, number: u64) -> Bytes {
        let _ = (surface, number);
        Bytes::new()
    }

    /// What is found where a record is asked for by its id, and on which surface. Nothing, unless it is said: it is gone.
    fn record(&self, key: &RecordKey) -> Option<(SurfaceName, Bytes)> {
        let _ = key;
        None
    }

    /// What a delivery carries. `None` refuses it, as malformed, which is what becomes of each unless it is said.
    fn carried(&self, delivery: &Delivery) -> Option<Vec<Item>> {
        let _ = delivery;
        None
    }
}

/// A read-only system for tests and benchmarks of any size. Nothing is kept: each item is made when a page holds it.
///
/// Pages hold 1 000 items. Writes are refused.
///
/// ```
/// use accordant::bytes::Bytes;
/// use accordant::connector::Connector;
/// use accordant::id::SurfaceName;
/// use accordant::surface::Channel;
/// use accordant::testing::{Computed, Records, record_surface};
///
/// struct Million;
///
/// impl Records for Million {
///     fn count(&self, _: &SurfaceName) -> u64 {
///         1_000_000
///     }
///     fn item(&self, _: &SurfaceName, number: u64) -> Bytes {
///         let said = r#""modified":1767600000000,"record":{"city":"Turin"}"#;
///         Bytes::from(format!(r#"{{"id":"{number}",{said}}}"#))
///     }
/// }
///
/// let crm = Computed::new("crm", vec![record_surface("changes", "contacts", Channel::Poll)], Million);
/// let page = futures::executor::block_on(crm.read_page(&"changes".into(), None))?;
/// assert!(page.more);
/// # Ok::<(), accordant::connector::ConnectorError>(())
/// ```
#[derive(Debug)]
pub struct Computed<R> {
    system: String,
    surfaces: Vec<Surface>,
    records: R,
}

impl<R: Records> Computed<R> {
    /// A system of this name that tells these records on these surfaces.
    pub fn new(system: impl Into<String>, surfaces: Vec<Surface>, records: R) -> Self {
        Self { system: system.into(), surfaces, records }
    }
}

#[async_trait]
impl<R: Records> Connector for Computed<R> {
    fn system(&self) -> &str {
        &self.system
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let items = self.records.carried(delivery);
        let items = items.ok_or_else(|| ConnectorError::new(ConnectorErrorKind::Malformed, "no such delivery"))?;
        Ok(Verified { items, delivery_id: None, reply: http::Response::new(Bytes::new()) })
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let count = self.records.count(surface);
        let from = after.and_then(|cursor| cursor.0.parse::<u64>().ok()).unwrap_or(0).min(count);
        let until = from.saturating_add(PAGE).min(count);
        let item = |number| Item::new(surface.clone(), Says::Record, self.records.item(surface, number));
        let next = Some(Cursor(until.to_string()));
        Ok(Page { items: (from..until).map(item).collect(), next, more: until < count })
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let found = |key: &RecordKey| match self.records.record(key) {
            Some((surface, body)) => ReadAnswer::Found(Item::new(surface, Says::Record, body)),
            None => ReadAnswer::Gone,
        };
        Ok(keys.iter().map(found).collect())
    }

    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nothing is written"))
    }
}
