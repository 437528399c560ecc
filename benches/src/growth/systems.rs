//! Systems whose records are computed as they are read: as many systems, connections and records as are asked for.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::{
    ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Item, Page, ReadAnswer, RecordKey, Says, Verified, Write,
    WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::model::EntityModel;
use accordant::policy::Registry;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use accordant::{Connector, Delivery};
use async_trait::async_trait;

use crate::what_if::systems::{BEGINS, mix};

/// Attributes of a customer beside the e-mail address, by which records of several systems are one customer.
const ATTRIBUTES: u64 = 7;

const PAGE: u64 = 500;

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
    system: String,
    number: u64,
    surfaces: [Surface; 3],
    /// The number of the first customer.
    first: u64,
    customers: u64,
    /// How often each is told of.
    rounds: u64,
    /// Records that were read one by one.
    read: Arc<AtomicU64>,
}

impl Grown {
    /// Connected to system `number`, which tells of so many customers, from one on, so often.
    pub(super) fn new(number: u64, first: u64, customers: u64, rounds: u64) -> Self {
        let system = format!("s{number}");
        let surfaces =
            [surface("changes", Channel::Poll), surface("all", Channel::Scan), surface("hints", Channel::Webhook)];
        Self { system, number, surfaces, first, customers, rounds, read: Arc::default() }
    }

    /// Counts the records that are read one by one.
    pub(super) fn reads(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// A delivery that hints at so many customers.
    pub(super) fn hints(first: u64, customers: u64) -> Delivery {
        let ids: Vec<String> = (first..first + customers).map(|customer| customer.to_string()).collect();
        Delivery::new(Bytes::from(ids.join("\n")))
    }

    /// What is told of a customer in a round. Of one in ten, the systems say different things of one attribute.
    fn record(&self, customer: u64, round: u64) -> Bytes {
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

fn surface(name: &str, channel: Channel) -> Surface {
    let by_time = Order::By(Domain::Time(TimeScale { kind: TimeKind::FieldModified, precision_ms: 1, skew_ms: 0 }));
    let (order, completeness) = match channel {
        Channel::Webhook => (Order::None, Completeness::IdOnly),
        _ => (by_time, Completeness::Full),
    };
    Surface {
        name: name.into(),
        object: "customers".into(),
        channel,
        semantics: EventSemantics {
            delivery: match channel {
                Channel::Webhook => Guarantee::AtLeastOnceWithin { attempts: 10, horizon: TimeDelta::days(1) },
                Channel::Poll => Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) },
                _ => Guarantee::Snapshot,
            },
            order,
            completeness,
            deletes: Deletes::NeverTold,
            merges: Merges::NeverTold,
            lag: TimeDelta::zero(),
            unrecoverable_after: None,
        },
        shape: SurfaceShape {
            root: "record".into(),
            id: "id".into(),
            token: "modified".into(),
            token_format: TokenFormat::Millis,
            ..SurfaceShape::default()
        },
    }
}

#[async_trait]
impl Connector for Grown {
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
        let ids = std::str::from_utf8(delivery.body());
        let ids = ids.map_err(|_| ConnectorError::new(ConnectorErrorKind::Malformed, "ids are text"))?;
        let hint = |id: &str| Item::new("hints".into(), Says::Hint { id: id.into() }, Bytes::new());
        let reply = accordant::http::Response::new(Bytes::new());
        Ok(Verified { items: ids.lines().map(hint).collect(), delivery_id: None, reply })
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let (last, until) = (self.rounds.saturating_sub(1), self.customers * self.rounds);
        let (begin, end) = if surface.as_str() == "all" { (last * self.customers, until) } else { (0, until) };
        let from = after.and_then(|cursor| cursor.0.parse::<u64>().ok()).unwrap_or(begin);
        let to = (from + PAGE).min(end);
        let item = |number: u64| {
            let record = self.record(self.first + number % self.customers, number / self.customers);
            Item::new(surface.clone(), Says::Record, record)
        };
        Ok(Page { items: (from..to).map(item).collect(), next: Some(Cursor(to.to_string())), more: to < end })
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.read.fetch_add(keys.len() as u64, Ordering::Relaxed);
        let last = self.rounds.saturating_sub(1);
        let found = |key: &RecordKey| match key.id.parse() {
            Ok(customer) => ReadAnswer::Found(Item::new("all".into(), Says::Record, self.record(customer, last))),
            Err(_) => ReadAnswer::Gone,
        };
        Ok(keys.iter().map(found).collect())
    }
    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nothing is written"))
    }
}
