//! Systems whose records are computed as they are read: as many systems, connections and records as are asked for.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use accordant::Delivery;
use accordant::bytes::Bytes;
use accordant::connector::{Item, RecordKey, Says};
use accordant::id::SurfaceName;
use accordant::model::EntityModel;
use accordant::policy::Registry;
use accordant::surface::{Channel, Completeness, Deletes, Merges, Order, Surface};
use accordant::testing::{Computed, Records, record_surface};

use crate::standing::BEGINS;
use crate::what_if::systems::mix;

/// Attributes of a customer beside the e-mail address, by which records of several systems are one customer.
const ATTRIBUTES: u64 = 7;

/// A customer of eight attributes in so many systems: `s0`, `s1`, ...
pub(super) fn model(systems: u64) -> Result<EntityModel, Box<dyn std::error::Error>> {
    let mut text = "entity = \"customer\"\n".to_owned();
    for system in 0..systems {
        let _ = writeln!(text, "[system.s{system}]\nobject = \"customers\"");
    }
    let mut attribute = |name: &str, how: &str| {
        let _ = writeln!(text, "[attribute.{name}]\n{how}");
        for system in 0..systems {
            let _ = writeln!(text, "at.s{system} = \"{name}\"");
        }
    };
    attribute("email", "kind = \"email\"\nidentity = true\npii = true\nnormalize = \"email\"\nresolve = [\"latest\"]");
    for number in 0..ATTRIBUTES {
        attribute(&format!("a{number}"), "kind = \"text\"\nresolve = [\"latest\"]");
    }
    Ok(EntityModel::from_toml(&text, &Registry::builtin())?)
}

/// The proposal of a look at what would have been: one attribute, another policy.
pub(super) const PROPOSED: &str = r#"
entity = "customer"
[attribute.a1]
resolve = [{ policy = "source_priority", systems = ["s0", "s1"] }]
"#;

/// One connection: to a system of the model, with customers of its own or of all.
pub(super) struct Grown {
    number: u64,
    /// The number of the first customer.
    first: u64,
    customers: u64,
    /// How often each is told of.
    rounds: u64,
    /// Records that were read one by one.
    read: Arc<AtomicU64>,
}

/// Connected to system `number`, which tells of so many customers, from one on, so often. Records that are read one by one
/// are counted in `read`.
pub(super) fn grown(number: u64, first: u64, customers: u64, rounds: u64, read: &Arc<AtomicU64>) -> Computed<Grown> {
    let surfaces = [("changes", Channel::Poll), ("all", Channel::Scan), ("hints", Channel::Webhook)];
    let records = Grown { number, first, customers, rounds, read: Arc::clone(read) };
    Computed::new(format!("s{number}"), surfaces.map(|(name, channel)| surface(name, channel)).into(), records)
}

/// A delivery that hints at so many customers.
pub(super) fn hints(first: u64, customers: u64) -> Delivery {
    let ids: Vec<String> = (first..first + customers).map(|customer| customer.to_string()).collect();
    Delivery::new(Bytes::from(ids.join("\n")))
}

impl Grown {
    /// What is told of a customer in a round. Of one in ten, the systems say different things of one attribute.
    fn told(&self, customer: u64, round: u64) -> Bytes {
        let modified = i64::try_from((round * self.customers + customer) * 1_000 + self.number).unwrap_or(i64::MAX);
        let mut body = format!(
            r#"{{"id":"{customer}","modified":{},"record":{{"email":"c{customer}@growth.test""#,
            BEGINS.saturating_add(modified)
        );
        for attribute in 0..ATTRIBUTES {
            let other = if attribute == 1 && customer.is_multiple_of(10) { self.number } else { 0 };
            let value = mix(customer * 31 + round, attribute) % 1_000 + other * 1_000;
            let _ = write!(body, r#","a{attribute}":"value {value}""#);
        }
        body.push_str("}}");
        Bytes::from(body)
    }
}

/// Deletes and merges are never told of; who pushes only hints.
fn surface(name: &str, channel: Channel) -> Surface {
    let mut surface = record_surface(name, "customers", channel);
    surface.semantics.deletes = Deletes::NeverTold;
    surface.semantics.merges = Merges::NeverTold;
    if channel == Channel::Webhook {
        surface.semantics.order = Order::None;
        surface.semantics.completeness = Completeness::IdOnly;
    }
    surface
}

impl Records for Grown {
    fn count(&self, surface: &SurfaceName) -> u64 {
        if surface.as_str() == "all" { self.customers } else { self.customers * self.rounds }
    }

    fn item(&self, surface: &SurfaceName, number: u64) -> Bytes {
        let last = self.rounds.saturating_sub(1);
        let round = if surface.as_str() == "all" { last } else { number / self.customers };
        self.told(self.first + number % self.customers, round)
    }

    fn record(&self, key: &RecordKey) -> Option<(SurfaceName, Bytes)> {
        self.read.fetch_add(1, Ordering::Relaxed);
        let customer = key.id.parse().ok()?;
        Some(("all".into(), self.told(customer, self.rounds.saturating_sub(1))))
    }

    fn carried(&self, delivery: &Delivery) -> Option<Vec<Item>> {
        let ids = std::str::from_utf8(delivery.body()).ok()?;
        let hint = |id: &str| Item::new("hints".into(), Says::Hint { id: id.into() }, Bytes::new());
        Some(ids.lines().map(hint).collect())
    }
}
