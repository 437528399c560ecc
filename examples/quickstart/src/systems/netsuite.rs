//! NetSuite: SuiteQL polls observe. There are no webhooks, and a write answers without a body.

use std::sync::Arc;

use accordant::connector::{
    Connector, ConnectorError, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey, Verified, Write,
    WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use async_trait::async_trait;

use super::{find, minutes, poll, read, scan, surface, unsupported, write};
use crate::world::{Remote, TIME_FORMAT, ZONE};

/// The NetSuite account of the world.
#[derive(Debug)]
pub struct NetSuite {
    remote: Arc<Remote>,
    surfaces: Vec<Surface>,
}

impl NetSuite {
    /// A connector to it.
    #[must_use]
    pub fn new(remote: &Arc<Remote>) -> Self {
        let surfaces = ["customer", "company", "salesorder"].into_iter().flat_map(surfaces).collect();
        Self { remote: Arc::clone(remote), surfaces }
    }
}

/// The surfaces of one object type: the same rows, asked for by time, by id, or one by one.
fn surfaces(object: &str) -> [Surface; 3] {
    let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1_000, skew_ms: 0 };
    let row = SurfaceShape {
        id: "id".into(),
        token: "lastmodifieddate".into(),
        token_format: TokenFormat::Local { format: TIME_FORMAT.into(), zone: ZONE.into() },
        ..SurfaceShape::default()
    };
    let asked = |lag, deletes| EventSemantics {
        delivery: Guarantee::Snapshot,
        order: Order::By(Domain::Time(modified)),
        completeness: Completeness::Full,
        deletes,
        merges: Merges::NeverTold,
        lag,
        unrecoverable_after: None,
    };
    let name = |channel: &str| format!("{object}.{channel}");
    [
        // A row is stamped when a script begins and seen when it commits: ten minutes cover the longest import.
        surface(&name("suiteql"), object, Channel::Poll, asked(minutes(10), Deletes::NeverTold), row.clone()),
        surface(&name("scan"), object, Channel::Scan, asked(minutes(0), Deletes::Absence), row.clone()),
        surface(&name("read"), object, Channel::Read, asked(minutes(0), Deletes::NeverTold), row),
    ]
}

#[async_trait]
impl Connector for NetSuite {
    fn system(&self) -> &str {
        "netsuite"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// `PUT /record/v1/customer/eid:{externalId}`: the key is in the address.
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(unsupported())
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let surface = find(&self.surfaces, name.as_str())?;
        match surface.channel {
            Channel::Poll => poll(&self.remote, &surface, after),
            Channel::Scan => scan(&self.remote, &surface, after, false),
            _ => Err(unsupported()),
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(read(&self.remote, keys, |object| find(&self.surfaces, &format!("{object}.read")).ok()))
    }

    /// 204, no body: what became of a write is known once the row is read back.
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Ok(writes.iter().map(|one| write(&self.remote, one, None)).collect())
    }
}
