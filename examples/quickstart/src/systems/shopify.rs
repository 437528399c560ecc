//! Shopify: webhooks carry the whole customer and observe; so do poll and scan. Webhooks of orders hint.

use std::sync::Arc;

use accordant::connector::{
    Connector, ConnectorError, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey, Says, Verified,
    Write, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::model::Path;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use async_trait::async_trait;
use chrono::TimeDelta;
use serde::Deserialize;

use super::{accepted, check_sender, find, header, malformed, minutes, poll, read, scan, surface, write};
use crate::world::{Remote, node_type};

/// The Shopify shop of the world.
#[derive(Debug)]
pub struct Shopify {
    remote: Arc<Remote>,
    surfaces: Vec<Surface>,
}

impl Shopify {
    /// A connector to it.
    #[must_use]
    pub fn new(remote: &Arc<Remote>) -> Self {
        let surfaces = ["customers", "orders"].into_iter().flat_map(surfaces).collect();
        Self { remote: Arc::clone(remote), surfaces }
    }
}

/// The surfaces of one object type. All carry `updatedAt`, in whole seconds: one ordering domain.
fn surfaces(object: &str) -> [Surface; 4] {
    let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1_000, skew_ms: 0 };
    let node = SurfaceShape {
        id: "id".into(),
        id_prefix: format!("gid://shopify/{}/", node_type(object)),
        token: "updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        ..SurfaceShape::default()
    };
    let asked = |lag, deletes| EventSemantics {
        delivery: Guarantee::Snapshot,
        order: Order::By(Domain::Time(modified)),
        completeness: Completeness::Full,
        deletes,
        merges: Merges::NeverTold,
        lag,
        unrecoverable_after: None,
    };
    // REST spells the status of an order in another way than GraphQL (`null` for `UNFULFILLED`), and paths cannot tell
    // two spellings apart: so an order's webhook is a hint, and the order is read.
    let (order, completeness) = if object == "orders" {
        (Order::None, Completeness::IdOnly)
    } else {
        (Order::By(Domain::Time(modified)), Completeness::Full)
    };
    let told = EventSemantics {
        delivery: Guarantee::AtLeastOnceWithin { attempts: 8, horizon: TimeDelta::hours(4) },
        order,
        completeness,
        deletes: Deletes::Explicit,
        merges: Merges::NeverTold,
        lag: minutes(1),
        unrecoverable_after: Some(TimeDelta::hours(4)),
    };
    let name = |channel: &str| format!("{object}.{channel}");
    [
        surface(&name("webhooks"), object, Channel::Webhook, told, rest_shape()),
        surface(&name("poll"), object, Channel::Poll, asked(minutes(10), Deletes::NeverTold), node.clone()),
        surface(&name("scan"), object, Channel::Scan, asked(minutes(0), Deletes::Absence), node.clone()),
        surface(&name("read"), object, Channel::Read, asked(minutes(0), Deletes::NeverTold), node),
    ]
}

/// How webhooks say what the documented shape, that of GraphQL, says.
fn rest_shape() -> SurfaceShape {
    let renames = [
        ("defaultEmailAddress.emailAddress", "email"),
        ("defaultPhoneNumber.phoneNumber", "phone"),
        ("firstName", "first_name"),
        ("lastName", "last_name"),
        ("defaultAddress.countryCodeV2", "default_address.country_code"),
        ("defaultAddress.provinceCode", "default_address.province_code"),
        ("defaultAddress", "default_address"),
    ];
    SurfaceShape {
        id: "id".into(),
        token: "updated_at".into(),
        token_format: TokenFormat::Rfc3339,
        renames: renames.into_iter().map(|(node, rest)| (Path::new(node), Path::new(rest))).collect(),
        ..SurfaceShape::default()
    }
}

#[derive(Deserialize)]
struct Named {
    id: u64,
}

#[async_trait]
impl Connector for Shopify {
    fn system(&self) -> &str {
        "shopify"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// `customerSet(identifier: {customId: ..})` on a metafield whose values Shopify keeps unique.
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        check_sender(delivery)?;
        let topic = header(delivery, "x-shopify-topic").ok_or_else(|| malformed("the request names no topic"))?;
        let (object, what) = topic.split_once('/').ok_or_else(|| malformed("the topic"))?;
        let named = || -> Result<String, ConnectorError> {
            let named: Named = serde_json::from_slice(delivery.body()).map_err(|_| malformed("the body has no id"))?;
            Ok(named.id.to_string())
        };
        let says = match (object, what) {
            (_, "delete") => Says::Deleted { id: named()?.into() },
            ("orders", _) => Says::Hint { id: named()?.into() },
            _ => Says::Record,
        };
        let surface = find(&self.surfaces, &format!("{object}.webhooks"))?.name;
        Ok(Verified {
            items: vec![Item::new(surface, says, delivery.body().clone())],
            delivery_id: header(delivery, "x-shopify-webhook-id"),
            reply: accepted(),
        })
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let surface = find(&self.surfaces, name.as_str())?;
        match surface.channel {
            Channel::Poll => poll(&self.remote, &surface, after),
            Channel::Scan => scan(&self.remote, &surface, after, false),
            _ => Err(super::unsupported()),
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(read(&self.remote, keys, |object| find(&self.surfaces, &format!("{object}.read")).ok()))
    }

    /// A mutation answers with the fields that it was asked for: all that are mapped.
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let one = |one: &Write| {
            let answer = find(&self.surfaces, &format!("{}.read", one.object)).ok();
            write(&self.remote, one, answer.as_ref())
        };
        Ok(writes.iter().map(one).collect())
    }
}
