//! A tenant of any size: customers in two systems that mostly agree, computed from their numbers as they are read.

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::{
    ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Item, Page, ReadAnswer, RecordKey, Says, Verified, Write,
    WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::store::Store;
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use accordant::{Accordant, Builder, Canonical, Clock, Connector, Delivery, Email, SeededEntropy};
use async_trait::async_trait;

/// Somebody who buys.
#[derive(Canonical, Debug)]
#[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
#[expect(dead_code, reason = "a model is declared; the engine reads it")]
pub(crate) struct Customer {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(pii, resolve(latest), at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
    #[canonical(at(crm = "city", shop = "city"))]
    city: Option<String>,
}

/// The engine over a store, with both systems of `customers` customers.
pub(crate) fn builder(store: impl Store, customers: u64) -> Builder {
    Accordant::builder()
        .store(store)
        .clock(Late)
        .entropy(SeededEntropy::new(42))
        .connect(System::new("crm", "contacts", customers))
        .connect(System::new("shop", "customers", customers))
        .entity::<Customer>()
}

/// A clock that stands, behind the last change.
#[derive(Debug, Clone, Copy)]
struct Late;

impl Clock for Late {
    fn now(&self) -> i64 {
        BEGINS + 10_000_000_000
    }
}

/// 2026-01-05, eight in the morning.
const BEGINS: i64 = 1_767_600_000_000;

const PAGE: u64 = 1_000;

/// One system: a record for each customer.
struct System {
    name: &'static str,
    surfaces: Vec<Surface>,
    customers: u64,
}

impl System {
    fn new(name: &'static str, object: &str, customers: u64) -> Self {
        let time = TimeScale { kind: TimeKind::FieldModified, precision_ms: 1, skew_ms: 0 };
        let surface = Surface {
            name: "changes".into(),
            object: object.into(),
            channel: Channel::Poll,
            semantics: EventSemantics {
                delivery: Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) },
                order: Order::By(Domain::Time(time)),
                completeness: Completeness::Full,
                deletes: Deletes::Explicit,
                merges: Merges::Explicit,
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
        };
        Self { name, surfaces: vec![surface], customers }
    }

    /// One in ten lives elsewhere according to the shop, and has another number there that is newer.
    fn record(&self, customer: u64) -> Bytes {
        let apart = self.name == "shop" && customer.is_multiple_of(10);
        let phone = 1_000_000 + customer * 2 + u64::from(apart);
        let city = customer % 97 + u64::from(apart);
        let number = i64::try_from(customer).unwrap_or_default();
        let modified = BEGINS + number + i64::from(self.name == "shop");
        Bytes::from(format!(
            r#"{{"id":"{customer}","modified":{modified},"record":{{"email":"zoë{customer}@soak.test","phone":"0{phone}","city":"Città {city}"}}}}"#
        ))
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
    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "it is polled"))
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let from = after.and_then(|cursor| cursor.0.parse::<u64>().ok()).unwrap_or(0);
        let until = (from + PAGE).min(self.customers);
        let item = |customer| Item::new(surface.clone(), Says::Record, self.record(customer));
        let next = Some(Cursor(until.to_string()));
        Ok(Page { items: (from..until).map(item).collect(), next, more: until < self.customers })
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(keys.iter().map(|_| ReadAnswer::Gone).collect())
    }
    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nothing is written"))
    }
}
