//! The three systems of generated customers, as connectors that push records.

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::{
    ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Item, Page, ReadAnswer, RecordKey, Says, Verified, Write,
    WriteReceipt,
};
use accordant::http::Response;
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use accordant::{Clock, Connector, Delivery};
use accordant_identity::testing::{COLUMNS, Generated};
use async_trait::async_trait;
use serde_json::{Map, Value, json};

/// The systems of generated customers.
pub(super) const SYSTEMS: [&str; 3] = ["crm", "shop", "erp"];

/// When everything is heard of.
pub(super) const CLOCK: Late = Late;

/// A clock that stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Late;

impl Clock for Late {
    fn now(&self) -> i64 {
        SAID + 60_000
    }
}

/// When every record was said to be as it is: 2026-01-05, eight in the morning.
const SAID: i64 = 1_767_600_000_000;

const SURFACE: &str = "pushed";

/// What a system says of records, a line for each.
pub(super) fn delivery(records: &[&Generated]) -> Result<Delivery, serde_json::Error> {
    let mut lines = Vec::new();
    for record in records {
        let values = COLUMNS.iter().zip(&record.values).skip(1).filter(|(_, value)| !value.is_empty());
        let values: Map<String, Value> = values.map(|(column, value)| ((*column).to_owned(), json!(value))).collect();
        if !lines.is_empty() {
            lines.push(b'\n');
        }
        serde_json::to_writer(&mut lines, &json!({ "id": record.id, "modified": SAID, "record": values }))?;
    }
    Ok(Delivery::new(Bytes::from(lines)))
}

/// A system that pushes whole records.
pub(super) struct Pushing {
    name: &'static str,
    surfaces: Vec<Surface>,
}

impl Pushing {
    pub(super) fn new(name: &'static str) -> Self {
        let surface = Surface {
            name: SURFACE.into(),
            object: "records".into(),
            channel: Channel::Webhook,
            semantics: EventSemantics {
                delivery: Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(30) },
                order: Order::By(Domain::Time(TimeScale {
                    kind: TimeKind::FieldModified,
                    precision_ms: 1,
                    skew_ms: 0,
                })),
                completeness: Completeness::Full,
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
        };
        Self { name, surfaces: vec![surface] }
    }
}

#[async_trait]
impl Connector for Pushing {
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
        let lines = delivery.body().split(|byte| *byte == b'\n');
        let items = lines.map(|line| Item::new(SURFACE.into(), Says::Record, delivery.body().slice_ref(line)));
        Ok(Verified { items: items.collect(), delivery_id: None, reply: Response::new(Bytes::new()) })
    }
    async fn read_page(&self, _: &SurfaceName, _: Option<Cursor>) -> Result<Page, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "it pushes"))
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(keys.iter().map(|_| ReadAnswer::Gone).collect())
    }
    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nothing is written"))
    }
}
