//! The systems of a workload file, as connectors that are polled for what it says.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use accordant::Delivery;
use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::{Item, Says};
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface};
use accordant::testing::{Computed, Records};
use accordant_bench::customer::{SOURCES, carries_whole_records, shapes};
use accordant_bench::delivery::cut;

/// The systems, in the order in which they are polled.
pub(crate) const SYSTEMS: [&str; 3] = ["hubspot", "shopify", "netsuite"];

/// The system and object type of each surface of [`SOURCES`].
const OF_SOURCE: [(&str, &str); 4] =
    [("hubspot", "contacts"), ("shopify", "customers"), ("shopify", "customers"), ("netsuite", "customer")];

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
    pub(crate) fn polled(&self, name: &'static str) -> Computed<Lines> {
        system(name, Some(self.clone()))
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

/// What one system of the file tells, if it is polled.
pub(crate) struct Lines(Option<Told>);

fn system(name: &'static str, told: Option<Told>) -> Computed<Lines> {
    let sources = (0..SOURCES.len()).filter(|source| OF_SOURCE[*source].0 == name);
    let channel = if told.is_some() { Channel::Poll } else { Channel::Webhook };
    Computed::new(name, sources.map(|source| surface(source, channel)).collect(), Lines(told))
}

/// A system that pushes what it says, as [`pushed`] has it.
#[cfg(any(feature = "latency", feature = "servers"))]
pub(crate) fn pushing(name: &'static str) -> Computed<Lines> {
    system(name, None)
}

impl Lines {
    fn bodies(&self, surface: &SurfaceName) -> &[Bytes] {
        let source = SOURCES.iter().position(|name| *name == surface.as_str());
        source.zip(self.0.as_ref()).map_or(&[], |(source, told)| &told.bodies[source])
    }
}

impl Records for Lines {
    fn count(&self, surface: &SurfaceName) -> u64 {
        self.bodies(surface).len() as u64
    }

    fn item(&self, surface: &SurfaceName, number: u64) -> Bytes {
        let number = usize::try_from(number).ok();
        number.and_then(|number| self.bodies(surface).get(number)).cloned().unwrap_or_default()
    }

    /// The surface is named by the first byte of each line.
    fn carried(&self, delivery: &Delivery) -> Option<Vec<Item>> {
        let item = |line: &[u8]| {
            let (source, body) = line.split_first()?;
            let source = SOURCES.get(usize::from(*source))?;
            Some(Item::new(SurfaceName::new(source), Says::Record, delivery.body().slice_ref(body)))
        };
        delivery.body().split(|byte| *byte == b'\n').map(item).collect()
    }
}
