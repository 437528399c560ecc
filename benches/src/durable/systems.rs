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
pub(crate) const SYSTEMS: [&str; 3] = ["hubspot", "shopify", "netsuite"];

/// The system and object type of each surface of [`SOURCES`].
const OF_SOURCE: [(&str, &str); 4] =
    [("hubspot", "contacts"), ("shopify", "customers"), ("shopify", "customers"), ("netsuite", "customer")];

/// When everything is heard of: behind the last event of any workload.
pub(crate) const CLOCK: Late = Late;

/// A clock that stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Late;

impl Clock for Late {
    fn now(&self) -> i64 {
        4_000_000_000_000
    }
}

/// How many deliveries a page holds.
const PAGE: usize = 1_000;

/// What a file tells: its bodies, by surface.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    bodies: Arc<[Vec<Bytes>; 4]>,
}

impl Told {
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        Ok(Self::of(fs::read(file)?))
    }

    /// What the lines of a file tell.
    pub(crate) fn of(lines: Vec<u8>) -> Self {
        let bytes = Bytes::from(lines);
        let mut bodies: [Vec<Bytes>; 4] = Default::default();
        for delivery in bytes.split(|byte| *byte == b'\n').filter_map(cut) {
            bodies[delivery.source].push(bytes.slice_ref(delivery.body));
        }
        Self { bodies: Arc::new(bodies) }
    }

    /// How many deliveries there are.
    pub(crate) fn events(&self) -> u64 {
        self.bodies.iter().map(|bodies| bodies.len() as u64).sum()
    }

    /// A system that is polled for what the file says of it.
    pub(crate) fn polled(&self, name: &'static str) -> System {
        System::new(name, Some(self.clone()))
    }

    /// What the file says, as the systems push it: those of a surface in their order, the surfaces in turn as the file has them.
    #[cfg(feature = "servers")]
    pub(crate) fn pushed(file: &Path) -> io::Result<Vec<(&'static str, Delivery)>> {
        let bytes = fs::read(file)?;
        let told = bytes.split(|byte| *byte == b'\n').filter_map(cut).filter_map(pushed);
        Ok(told.map(|(system, body)| (SYSTEMS[system], Delivery::new(Bytes::from(body)))).collect())
    }
}

/// What a system pushes, by its place in [`SYSTEMS`]: in front stands the surface. Several stand in lines.
#[cfg(any(feature = "latency", feature = "servers"))]
pub(crate) fn pushed(told: accordant_bench::delivery::Delivery<'_>) -> Option<(usize, Vec<u8>)> {
    let system = SYSTEMS.iter().position(|name| *name == OF_SOURCE[told.source].0)?;
    Some((system, [&[u8::try_from(told.source).ok()?], told.body].concat()))
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
pub(crate) struct System {
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

    /// A system that pushes what it says, as [`pushed`] has it.
    #[cfg(any(feature = "latency", feature = "servers"))]
    pub(crate) fn pushing(name: &'static str) -> Self {
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
        // The surface is named by the first byte of each line.
        let item = |line: &[u8]| {
            let (source, body) = line.split_first()?;
            let source = SOURCES.get(usize::from(*source))?;
            Some(Item::new(SurfaceName::new(source), Says::Record, delivery.body().slice_ref(body)))
        };
        let items: Option<Vec<Item>> = delivery.body().split(|byte| *byte == b'\n').map(item).collect();
        let items = items.ok_or_else(|| ConnectorError::new(ConnectorErrorKind::Malformed, "no such surface"))?;
        Ok(Verified { items, delivery_id: None, reply: accordant::http::Response::new(Bytes::new()) })
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
