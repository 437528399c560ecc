//! A system that a model names and the world is not about: it has nothing, and says nothing.

use accordant::bytes::Bytes;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey,
    Verified, Write, WriteReceipt,
};
use accordant::http;
use accordant::id::SurfaceName;
use accordant::surface::Surface;
use async_trait::async_trait;

/// The connector of a silent system.
#[derive(Debug)]
pub struct Silent {
    name: String,
    surfaces: Vec<Surface>,
}

impl Silent {
    /// A silent system with these surfaces.
    #[must_use]
    pub const fn new(name: String, surfaces: Vec<Surface>) -> Self {
        Self { name, surfaces }
    }
}

/// A page of nothing.
#[must_use]
pub const fn nothing() -> Page {
    Page { items: Vec::new(), next: None, more: false }
}

#[async_trait]
impl Connector for Silent {
    fn system(&self) -> &str {
        &self.name
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Ok(Verified { items: Vec::new(), delivery_id: None, reply: http::Response::new(Bytes::new()) })
    }

    async fn read_page(&self, _: &SurfaceName, _: Option<Cursor>) -> Result<Page, ConnectorError> {
        Ok(nothing())
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(keys.iter().map(|_| ReadAnswer::Gone).collect())
    }

    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nobody writes here"))
    }
}
