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

    /// A system that is polled for what the file says of it.
    pub(super) fn polled(&self, name: &'static str) -> System {
        System::new(name, Some(self.clone()))
    }

    /// What the file says, as the systems push it: those of a surface in their order, the surfaces in turn as the file has them.
    pub(super) fn pushed(file: &Path) -> io::Result<Vec<(&'static str, Delivery)>> {
        let bytes = fs::read(file)?;
        let cut = bytes.split(|byte| *byte == b'\n').filter_map(cut);
        Ok(cut
            .map(|delivery| {
                let source = u8::try_from(delivery.source).unwrap_or_default();
                let body: Vec<u8> = [&[source], delivery.body].concat();
                (OF_SOURCE[delivery.source].0, Delivery::new(Bytes::from(body)))
            })
            .collect())
    }
}

fn surface(source: usize, channel: Channel) -> Surface {
    let time = TimeScale { kind: TimeKind::Occurred, precision_ms: 0, skew_ms: 0 };
    let whole = carries_whole_records(source);
    Surface {
        name: SOURCES[source].into(),
        object: OF_SOURCE[source].1.into(),
        channel,
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
    /// What it is polled for; none: it pushes.
    told: Option<Told>,
}

impl System {
    fn new(name: &'static str, told: Option<Told>) -> Self {
        let sources = (0..SOURCES.len()).filter(|source| OF_SOURCE[*source].0 == name);
        let channel = if told.is_some() { Channel::Poll } else { Channel::Webhook };
        Self { name, surfaces: sources.map(|source| surface(source, channel)).collect(), told }
    }

    /// A system that pushes what it says: its deliveries are [`Told::pushed`].
    pub(super) fn pushing(name: &'static str) -> Self {
        Self::new(name, None)
    }
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
    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        // The surface is named by the first byte.
        let source = delivery.body().first().and_then(|source| SOURCES.get(usize::from(*source)));
        let source = source.ok_or_else(|| ConnectorError::new(ConnectorErrorKind::Malformed, "no such surface"))?;
        let item = Item::new(SurfaceName::new(source), Says::Record, delivery.body().slice(1..));
        Ok(Verified { items: vec![item], delivery_id: None, reply: accordant::http::Response::new(Bytes::new()) })
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let source = SOURCES.iter().position(|name| *name == surface.as_str());
        let bodies = source.zip(self.told.as_ref()).map(|(source, told)| &told.bodies[source]);
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
