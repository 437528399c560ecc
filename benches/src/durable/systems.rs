//! The systems of a workload file, as connectors that are polled for what it says.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::{
    ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Item, Page, ReadAnswer, RecordKey, Says, Verified, Write,
    WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface};
use accordant::{Clock, Connector, Delivery};
use accordant_bench::customer::{SOURCES, carries_whole_records, shapes};
use accordant_bench::delivery::cut;
use async_trait::async_trait;

/// The systems, in the order in which they are polled.
pub(super) const SYSTEMS: [&str; 3] = ["hubspot", "shopify", "netsuite"];

/// The system and object type of each surface of [`SOURCES`].
const OF_SOURCE: [(&str, &str); 4] =
    [("hubspot", "contacts"), ("shopify", "customers"), ("shopify", "customers"), ("netsuite", "customer")];

/// When everything is heard of: behind the last event of any workload.
pub(super) const CLOCK: Late = Late;

/// A clock that stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Late;

impl Clock for Late {
    fn now(&self) -> i64 {
        4_000_000_000_000
    }
}

/// How many deliveries a page holds.
const PAGE: usize = 1_000;

/// What a file tells: its bodies, by surface.
#[derive(Debug, Clone)]
pub(super) struct Told {
    bodies: Arc<[Vec<Bytes>; 4]>,
}

impl Told {
    pub(super) fn read(file: &Path) -> io::Result<Self> {
        let bytes = Bytes::from(fs::read(file)?);
        let mut bodies: [Vec<Bytes>; 4] = Default::default();
        for delivery in bytes.split(|byte| *byte == b'\n').filter_map(cut) {
            bodies[delivery.source].push(bytes.slice_ref(delivery.body));
        }
        Ok(Self { bodies: Arc::new(bodies) })
    }

    /// How many deliveries there are.
    pub(super) fn events(&self) -> u64 {
        self.bodies.iter().map(|bodies| bodies.len() as u64).sum()
    }

    pub(super) fn system(&self, name: &'static str) -> System {
        let sources = (0..SOURCES.len()).filter(|source| OF_SOURCE[*source].0 == name);
        System { name, surfaces: sources.map(surface).collect(), told: self.clone() }
    }
}

fn surface(source: usize) -> Surface {
    let time = TimeScale { kind: TimeKind::Occurred, precision_ms: 0, skew_ms: 0 };
    let whole = carries_whole_records(source);
    Surface {
        name: SOURCES[source].into(),
        object: OF_SOURCE[source].1.into(),
        channel: Channel::Poll,
        semantics: EventSemantics {
            delivery: Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) },
            order: Order::By(Domain::Time(time)),
            completeness: if whole { Completeness::Full } else { Completeness::SingleField },
            deletes: Deletes::NeverTold,
            merges: Merges::NeverTold,
            lag: TimeDelta::zero(),
            unrecoverable_after: None,
        },
        shape: shapes()[source].clone(),
    }
}

/// One system of the file.
pub(super) struct System {
    name: &'static str,
    surfaces: Vec<Surface>,
    told: Told,
}

#[async_trait]
impl Connector for System {
    fn system(&self) -> &str {
        self.name
    }
    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }
    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "it is polled"))
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let source = SOURCES.iter().position(|name| *name == surface.as_str());
        let bodies = source.map(|source| &self.told.bodies[source]);
        let bodies = bodies.ok_or_else(|| ConnectorError::new(ConnectorErrorKind::Unsupported, "no such surface"))?;
        let from = after.and_then(|cursor| cursor.0.parse::<usize>().ok()).unwrap_or(0);
        let until = (from + PAGE).min(bodies.len());
        let items = bodies[from..until].iter().map(|body| Item::new(surface.clone(), Says::Record, body.clone()));
        let next = Some(Cursor(until.to_string()));
        Ok(Page { items: items.collect(), next, more: until < bodies.len() })
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(keys.iter().map(|_| ReadAnswer::Gone).collect())
    }
    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nothing is written"))
    }
}
