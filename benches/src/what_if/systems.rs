//! Systems whose changes are computed from a seed as they are read: a history of any length takes no memory.

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::{
    ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Item, Page, ReadAnswer, RecordKey, Says, Verified, Write,
    WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use accordant::{Clock, Connector, Delivery};
use async_trait::async_trait;

/// When everything is heard of: behind the last change.
pub(crate) const CLOCK: Late = Late;

/// A clock that stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Late;

impl Clock for Late {
    fn now(&self) -> i64 {
        BEGINS + 10_000_000_000
    }
}

/// 2026-01-05, eight in the morning.
pub(crate) const BEGINS: i64 = 1_767_600_000_000;

const PAGE: u64 = 500;

/// One system: its changes in order, one every two seconds.
pub(super) struct Generated {
    name: &'static str,
    surfaces: Vec<Surface>,
    changes: u64,
    customers: u64,
}

impl Generated {
    pub(super) fn new(name: &'static str, object: &str, changes: u64, customers: u64) -> Self {
        let surface = Surface {
            name: "changes".into(),
            object: object.into(),
            channel: Channel::Poll,
            semantics: EventSemantics {
                delivery: Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) },
                order: Order::By(Domain::Time(TimeScale {
                    kind: TimeKind::FieldModified,
                    precision_ms: 1,
                    skew_ms: 0,
                })),
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
        Self { name, surfaces: vec![surface], changes, customers }
    }

    fn change(&self, number: u64) -> Bytes {
        let customer = mix(number, self.name.len() as u64) % self.customers;
        let phone = mix(number, 7) % 50;
        let city = mix(number, 8) % 10;
        let modified = BEGINS + i64::try_from(number).unwrap_or(i64::MAX / 4) * 2_000 + i64::from(self.name == "shop");
        Bytes::from(format!(
            r#"{{"id":"{customer}","modified":{modified},"record":{{"email":"c{customer}@bench.test","phone":"0{phone}","city":"C{city}"}}}}"#
        ))
    }
}

/// One step of `SplitMix64`.
pub(crate) const fn mix(number: u64, salt: u64) -> u64 {
    let z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(salt);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[async_trait]
impl Connector for Generated {
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
        let until = (from + PAGE).min(self.changes);
        let item = |number| Item::new(surface.clone(), Says::Record, self.change(number));
        let next = Some(Cursor(until.to_string()));
        Ok(Page { items: (from..until).map(item).collect(), next, more: until < self.changes })
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(keys.iter().map(|_| ReadAnswer::Gone).collect())
    }
    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nothing is written"))
    }
}
