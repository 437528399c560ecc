//! Three fake systems that hold customers, the model that the tests vary, and what is looked at of a tenant and its store.

use std::sync::Arc;

use accordant::clock::{ManualClock, SeededEntropy};
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey,
    Says, Verified, Write, WriteReceipt,
};
use accordant::engine::{Accordant, Builder, Tenant};
use accordant::id::{Actor, EntityId, SurfaceName, TenantId};
use accordant::model::{At, EntityModel, Shape, SystemObject, TypedAttribute};
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::store::{Store, Table};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape,
};
use accordant::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta};

pub(crate) const SYSTEMS: [(&str, &str); 3] = [("crm", "contacts"), ("shop", "customers"), ("erp", "customer")];

macro_rules! text_value {
    ($name:ident, $kind:literal) => {
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(String);
        impl Value for $name {
            const KIND: Kind = Kind { name: $kind, version: 1 };
            fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
                leaf.as_text().map(|text| Self(text.to_owned())).ok_or(Malformed::new("not a text"))
            }
            fn canonical(&self, out: &mut String) {
                out.push_str(&self.0);
            }
            fn from_canonical(text: &str) -> Result<Self, Malformed> {
                Ok(Self(text.to_owned()))
            }
            fn native(&self, _: &Hints) -> Native {
                Native::Text(self.0.as_str().into())
            }
        }
        impl OneLeaf for $name {}
    };
}
text_value!(Word, "word");
// Another type with another canonical form.
text_value!(Code, "code");

/// One of the fake systems. What it says, tests hand to `receive`.
pub(crate) struct Fake {
    system: &'static str,
    surfaces: Vec<Surface>,
}

impl Fake {
    pub(crate) fn new(system: &'static str, object: &str) -> Self {
        let surface = |name: &str, completeness| Surface {
            name: name.into(),
            object: object.into(),
            channel: Channel::Webhook,
            semantics: EventSemantics {
                delivery: Guarantee::AtMostOnce,
                order: Order::By(Domain::Time(TimeScale {
                    kind: TimeKind::RecordModified,
                    precision_ms: 1,
                    skew_ms: 0,
                })),
                completeness,
                deletes: Deletes::Explicit,
                merges: Merges::Explicit,
                lag: TimeDelta::zero(),
                unrecoverable_after: None,
            },
            shape: SurfaceShape {
                root: "fields".into(),
                id: "id".into(),
                token: "at".into(),
                ..SurfaceShape::default()
            },
        };
        Self {
            system,
            surfaces: vec![surface("full", Completeness::Full), surface("part", Completeness::ChangedFields)],
        }
    }
}

#[async_trait]
impl Connector for Fake {
    fn system(&self) -> &str {
        self.system
    }
    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }
    /// The body is an array of [`Said`].
    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let malformed = |_| ConnectorError::new(ConnectorErrorKind::Malformed, "read a webhook");
        let said: Vec<Said> = serde_json::from_slice(delivery.body()).map_err(malformed)?;
        let items = said.into_iter().map(|said| {
            let says = match said.kind.as_str() {
                "deleted" => Says::Deleted { id: said.id.as_str().into() },
                "merged" => {
                    Says::Merged { survivor: said.other.as_str().into(), losers: vec![said.id.as_str().into()] }
                }
                _ => Says::Record,
            };
            let body = match said.kind.as_str() {
                // Spelled out, byte by byte.
                "raw" => said.other.clone(),
                _ => serde_json::json!({ "id": said.id, "at": said.at, "fields": said.fields }).to_string(),
            };
            Item::new(SurfaceName::new(if said.part { "part" } else { "full" }), says, body.into())
        });
        Ok(Verified { items: items.collect(), delivery_id: None, reply: http::Response::new(Bytes::new()) })
    }
    async fn read_page(&self, _: &SurfaceName, _: Option<Cursor>) -> Result<Page, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "read a page"))
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(keys.iter().map(|_| ReadAnswer::Gone).collect())
    }
    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "write"))
    }
}

/// Something that a system says.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Said {
    pub(crate) part: bool,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) other: String,
    pub(crate) at: i64,
    pub(crate) fields: serde_json::Value,
}

pub(crate) fn record(id: &str, at: i64, fields: serde_json::Value) -> Said {
    Said { part: false, kind: "record".into(), id: id.into(), other: String::new(), at, fields }
}

pub(crate) async fn says(tenant: &Tenant, system: &str, said: &[Said]) -> Result<(), accordant::error::Error> {
    let body = Bytes::from(serde_json::to_vec(said).expect("plain data"));
    tenant.receive(system, http::Request::new(body)).await.map(drop)
}

/// What a test changes about the model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Variant {
    pub(crate) rename_segment: bool,
    pub(crate) rename_email: bool,
    pub(crate) add_phone: bool,
    pub(crate) retire_fax: bool,
    pub(crate) reuse_fax: bool,
    pub(crate) retype_segment: bool,
    pub(crate) move_name: bool,
    pub(crate) own_name: bool,
    pub(crate) swap_address: bool,
    pub(crate) ungroup_address: bool,
    pub(crate) drop_shop: bool,
}

pub(crate) fn model(variant: Variant) -> EntityModel {
    let Variant { rename_segment, rename_email, add_phone, retire_fax, reuse_fax, retype_segment, .. } = variant;
    let mut model = EntityModel::new("customer");
    for (system, object) in systems(variant) {
        model.object(SystemObject::new(system, object));
    }
    let at = |path: &'static str, systems: &[&str]| {
        let kept = systems.iter().copied().filter(|system| !(variant.drop_shop && *system == "shop"));
        kept.map(move |system| At::<Word>::path(system, path)).collect::<Vec<_>>()
    };
    let word = |id: &str, path: &'static str, systems: &[&str]| {
        at(path, systems).into_iter().fold(TypedAttribute::<Word>::new(id), TypedAttribute::at)
    };
    let everywhere = ["crm", "shop", "erp"];
    if rename_email {
        model.attribute(word("mail", "email", &everywhere).identity().was("email"));
    } else {
        model.attribute(word("email", "email", &everywhere).identity());
    }
    let name = word("name", if variant.move_name { "full_name" } else { "name" }, &everywhere);
    model.attribute(if variant.own_name { name.owner("erp") } else { name });
    model.attribute(word("balance", "balance", &["crm", "erp"]).owner("erp"));
    if rename_segment {
        model.attribute(word("tier", "segment", &["crm", "shop"]).was("segment"));
    } else if retype_segment {
        let segment = TypedAttribute::<Code>::new("segment").at(At::path("crm", "segment"));
        let shop = At::path("shop", "segment");
        model.attribute(if variant.drop_shop { segment } else { segment.at(shop) });
    } else {
        model.attribute(word("segment", "segment", &["crm", "shop"]));
    }
    if add_phone {
        model.attribute(word("phone", "phone", &["crm", "erp"]));
    }
    if retire_fax {
        model.retired("fax");
    } else if reuse_fax {
        model.attribute(word("fax", "fax_number", &["crm", "erp"]));
    } else {
        model.attribute(word("fax", "fax", &["crm", "erp"]));
    }
    model.attribute(word("tags", "tags", &["crm", "shop"]).shape(Shape::Set));
    let mut address = vec![word("street", "street", &["shop", "erp"]), word("zip", "zip", &["shop", "erp"])];
    if variant.swap_address {
        address.reverse();
    }
    for member in address {
        model.attribute(if variant.ungroup_address { member } else { member.group("address") });
    }
    model
}

pub(crate) fn systems(variant: Variant) -> impl Iterator<Item = (&'static str, &'static str)> {
    SYSTEMS.into_iter().filter(move |(system, _)| !(variant.drop_shop && *system == "shop"))
}

pub(crate) fn configured(variant: Variant, store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Builder {
    let mut builder = Accordant::builder().store(store).clock(Arc::clone(clock)).entropy(SeededEntropy::new(seed));
    for (system, object) in systems(variant) {
        builder = builder.connect(Fake::new(system, object));
    }
    builder.entity_model(model(variant))
}

pub(crate) fn open(variant: Variant, store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Accordant {
    configured(variant, store, clock, seed).build().unwrap_or_else(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{error}: {}", source.unwrap_or_default())
    })
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(DateTime::from_timestamp_millis(1_780_000_000_000).expect("an instant")))
}

/// Who erases.
pub(crate) fn by() -> Actor {
    Actor::new("dpo")
}

pub(crate) fn acme() -> TenantId {
    TenantId::new("acme")
}

/// Everything that a store holds of a tenant, as text: rows with their keys, entries with what is left of their payloads and by whom
/// they are, and the end of their chain.
pub(crate) async fn dump_of(store: &impl Store, tenant: &TenantId) -> Vec<String> {
    let mut all = Vec::new();
    for table in Table::ALL {
        for row in store.scan(tenant, table, "", None, usize::MAX).await.unwrap() {
            all.push(format!("{} {} {}", table.name(), row.key, String::from_utf8_lossy(&row.value)));
        }
    }
    let entries = store.journal(tenant, 0, usize::MAX).await.unwrap();
    let head = entries.last().map(|(last, _)| format!("head {}", last.digest));
    for (entry, payload) in entries {
        let payload = payload.map(|payload| String::from_utf8_lossy(&payload.bytes).into_owned()).unwrap_or_default();
        all.push(format!("entry {} {} {} {payload}", entry.seq, entry.kind, entry.subject));
        all.push(format!("by {} {} {}", entry.actor.as_str(), entry.seq, entry.kind));
    }
    all.extend(head);
    all
}

/// The same, of the tenant that most are about.
pub(crate) async fn dump(store: &impl Store) -> Vec<String> {
    dump_of(store, &acme()).await
}

/// What is stored is what the journal adds up to, and what bodies say read anew.
pub(crate) async fn assert_clean(tenant: &Tenant, when: &str) {
    let verified = tenant.verify().await.unwrap();
    assert!(verified.is_clean(), "{when}: {verified}: {:?}", verified.differences);
    let rederived = tenant.rederive().await.unwrap();
    assert!(rederived.is_same(), "{when}: {rederived}");
}

/// An entity by its place.
pub(crate) async fn nth(tenant: &Tenant, place: usize) -> Option<EntityId> {
    let ids: Vec<EntityId> = tenant.replay().await.unwrap().entities.into_keys().collect();
    ids.get(place % ids.len().max(1)).copied()
}
