//! HubSpot: search and scan observe, webhooks hint.

use std::sync::Arc;

use accordant::connector::{
    Connector, ConnectorError, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey, Says, Verified,
    Write, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{accepted, check_sender, find, malformed, minutes, poll, read, scan, surface, write};
use crate::world::Remote;

/// The HubSpot account of the world.
#[derive(Debug)]
pub struct HubSpot {
    remote: Arc<Remote>,
    surfaces: Vec<Surface>,
}

impl HubSpot {
    /// A connector to it.
    #[must_use]
    pub fn new(remote: &Arc<Remote>) -> Self {
        let surfaces = ["contacts", "companies"].into_iter().flat_map(surfaces).collect();
        Self { remote: Arc::clone(remote), surfaces }
    }
}

/// The surfaces of one object type. Their order token is `updatedAt`; the `occurredAt` of webhooks is another clock.
fn surfaces(object: &str) -> [Surface; 4] {
    let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1, skew_ms: 0 };
    let object_shape = SurfaceShape {
        id: "id".into(),
        token: "updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        archived: Some("archived".into()),
        ..SurfaceShape::default()
    };
    let asked = |lag, deletes| EventSemantics {
        delivery: Guarantee::Snapshot,
        order: Order::By(Domain::Time(modified)),
        completeness: Completeness::Full,
        deletes,
        merges: Merges::ChangedId,
        lag,
        unrecoverable_after: None,
    };
    let told = EventSemantics {
        delivery: Guarantee::AtLeastOnceWithin { attempts: 10, horizon: TimeDelta::hours(24) },
        order: Order::None,
        completeness: Completeness::SingleField,
        deletes: Deletes::Explicit,
        merges: Merges::Explicit,
        lag: minutes(1),
        unrecoverable_after: Some(TimeDelta::hours(24)),
    };
    let event_shape = SurfaceShape {
        id: "objectId".into(),
        named_property: Some(("propertyName".into(), "propertyValue".into(), "properties".into())),
        ..SurfaceShape::default()
    };
    // Archived records are listed for about ninety days, then purged.
    let archived = Deletes::SoftFlag { retention: TimeDelta::days(90) };
    let name = |channel: &str| format!("{object}.{channel}");
    [
        surface(&name("webhooks"), object, Channel::Webhook, told, event_shape),
        surface(&name("search"), object, Channel::Poll, asked(minutes(60), Deletes::NeverTold), object_shape.clone()),
        surface(&name("scan"), object, Channel::Scan, asked(minutes(0), archived), object_shape.clone()),
        surface(&name("read"), object, Channel::Read, asked(minutes(0), Deletes::NeverTold), object_shape),
    ]
}

/// What an event of a webhook batch tells of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    subscription_type: String,
    object_id: u64,
    new_object_id: Option<u64>,
    primary_object_id: Option<u64>,
    #[serde(default)]
    merged_object_ids: Vec<u64>,
}

impl Event {
    fn says(&self) -> Says {
        let id = || self.object_id.to_string().into();
        match self.subscription_type.split_once('.').map_or("", |(_, what)| what) {
            "deletion" | "privacyDeletion" => Says::Deleted { id: id() },
            "merge" => {
                let losers = self.primary_object_id.iter().chain(&self.merged_object_ids);
                Says::Merged {
                    survivor: self.new_object_id.unwrap_or(self.object_id).to_string().into(),
                    losers: losers.map(|id| id.to_string().into()).collect(),
                }
            }
            _ => Says::Hint { id: id() },
        }
    }
}

#[async_trait]
impl Connector for HubSpot {
    fn system(&self) -> &str {
        "hubspot"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// Upsert by `accordant_key`, a property whose values HubSpot keeps unique.
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        check_sender(delivery)?;
        let batch: Vec<&RawValue> =
            serde_json::from_slice(delivery.body()).map_err(|_| malformed("the body is not a batch of events"))?;
        let mut items = Vec::with_capacity(batch.len());
        for raw in batch {
            let event: Event = serde_json::from_str(raw.get()).map_err(|_| malformed("an event of the batch"))?;
            let object = if event.subscription_type.starts_with("company.") { "companies" } else { "contacts" };
            let body = Bytes::copy_from_slice(raw.get().as_bytes());
            items.push(Item::new(format!("{object}.webhooks").into(), event.says(), body));
        }
        // `eventId` is documented as not unique: there is no id that marks a repetition.
        Ok(Verified { items, delivery_id: None, reply: accepted() })
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let surface = find(&self.surfaces, name.as_str())?;
        match surface.channel {
            Channel::Poll => poll(&self.remote, &surface, after),
            Channel::Scan => scan(&self.remote, &surface, after, true),
            _ => Err(super::unsupported()),
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(read(&self.remote, keys, |object| find(&self.surfaces, &format!("{object}.read")).ok()))
    }

    /// A PATCH answers with the whole object.
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let one = |one: &Write| {
            let answer = find(&self.surfaces, &format!("{}.read", one.object)).ok();
            write(&self.remote, one, answer.as_ref())
        };
        Ok(writes.iter().map(one).collect())
    }
}
