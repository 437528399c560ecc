//! A customer in three systems that say whatever a test lets them say.

use std::cell::RefCell;
use std::sync::Arc;

use accordant::clock::{ManualClock, SeededEntropy};
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey,
    Says, Verified, Write, WriteReceipt,
};
use accordant::engine::{Accordant, Tenant};
use accordant::equivalence::Normalizer;
use accordant::fingerprint::Fingerprint;
use accordant::id::{Id, RecordRef, SurfaceName};
use accordant::model::{
    At, Attribute, Canonical, Derivation, EntityModel, GoldenReader, Incomplete, Inputs, Shape, SystemObject,
    TypedAttribute,
};
use accordant::policy::builtin::latest;
use accordant::rule::{self, Verdict};
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape,
};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use futures::executor::block_on;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) email: String,
    pub(crate) phone: Option<String>,
    pub(crate) zip: Option<String>,
    pub(crate) tags: Vec<String>,
}

impl Customer {
    pub(crate) const EMAIL: Attribute<Self, String> = Attribute::new("email");
    pub(crate) const PHONE: Attribute<Self, String> = Attribute::new("phone");
    pub(crate) const TIER: Attribute<Self, String> = Attribute::new("tier");
    pub(crate) const ZIP: Attribute<Self, String> = Attribute::new("zip");
    pub(crate) const TAGS: Attribute<Self, String> = Attribute::new("tags");
}

/// As a mailbox is compared: without the white space around it, in lower case.
struct Mailbox;

impl Normalizer for Mailbox {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "mailbox".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn normalize<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        text.trim().to_lowercase().into()
    }
}

struct Greeting;

impl Derivation<String> for Greeting {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "greeting".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn derive(&self, inputs: &Inputs<'_>) -> Option<String> {
        inputs.value::<String>(0).map(|tier| format!("Dear {tier} customer"))
    }
}

impl Canonical for Customer {
    const ENTITY: &'static str = "customer";

    fn model() -> EntityModel {
        let mut model = EntityModel::new("customer");
        model
            .object(SystemObject::new("hubspot", "contacts"))
            .object(SystemObject::new("shopify", "customers"))
            .object(SystemObject::new("netsuite", "customer").links_only());
        let everywhere = |id: &str| {
            ["hubspot", "shopify", "netsuite"]
                .into_iter()
                .fold(TypedAttribute::<String>::new(id), |attribute, system| attribute.at(At::path(system, id)))
        };
        model.attribute(everywhere("email").identity().pii().normalize(Mailbox).required(true).resolve(latest()));
        model.attribute(everywhere("phone").resolve(latest()));
        model.attribute(
            TypedAttribute::<String>::new("tier")
                .owner("netsuite")
                .at(At::path("hubspot", "tier"))
                .at(At::path("netsuite", "tier")),
        );
        for id in ["street", "zip"] {
            let attribute = TypedAttribute::<String>::new(id).group("address");
            model.attribute(attribute.at(At::path("shopify", id)).at(At::path("netsuite", id).read_only()));
        }
        model.attribute(
            TypedAttribute::<String>::new("tags").shape(Shape::Set).at(At::path("hubspot", "tags")).resolve(latest()),
        );
        model.attribute(TypedAttribute::<String>::new("greeting").derived(&["tier"], Greeting));
        model
    }

    fn read(golden: &GoldenReader<'_>) -> Result<Self, Incomplete> {
        let mut missing = Incomplete::default();
        let email = golden.slot::<String>("email", &mut missing);
        let phone = golden.slot::<Option<String>>("phone", &mut missing).flatten();
        let zip = golden.slot::<Option<String>>("zip", &mut missing).flatten();
        match email {
            Some(email) => Ok(Self { email, phone, zip, tags: golden.values("tags") }),
            None => Err(missing),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Company;

impl Canonical for Company {
    const ENTITY: &'static str = "company";
    fn model() -> EntityModel {
        let mut model = EntityModel::new("company");
        model.object(SystemObject::new("hubspot", "companies").key("hubspot_company"));
        model.attribute(TypedAttribute::<String>::new("name").at(At::path("hubspot_company", "name")));
        model
    }
    fn read(_: &GoldenReader<'_>) -> Result<Self, Incomplete> {
        Ok(Self)
    }
}

/// A system that is only ever heard.
struct Fake {
    system: &'static str,
    surfaces: Vec<Surface>,
}

impl Fake {
    fn new(system: &'static str, objects: &[&str]) -> Self {
        let scale = TimeScale { kind: TimeKind::FieldModified, precision_ms: 1000, skew_ms: 0 };
        let surface = |object: &&str| Surface {
            name: SurfaceName::new(object),
            object: (*object).into(),
            channel: Channel::Webhook,
            semantics: EventSemantics {
                delivery: Guarantee::AtMostOnce,
                order: Order::By(Domain::Time(scale)),
                completeness: Completeness::Full,
                deletes: Deletes::NeverTold,
                merges: Merges::NeverTold,
                lag: TimeDelta::zero(),
                unrecoverable_after: None,
            },
            shape: SurfaceShape { id: "id".into(), token: "at".into(), ..SurfaceShape::default() },
        };
        Self { system, surfaces: objects.iter().map(surface).collect() }
    }
}

fn silent<T>() -> Result<T, ConnectorError> {
    Err(ConnectorError::new(ConnectorErrorKind::Unavailable, "the fake is only heard"))
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
    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let deleted = delivery.headers().get("x-deleted").and_then(|id| id.to_str().ok());
        let says = deleted.map_or(Says::Record, |id| Says::Deleted { id: id.into() });
        let item = Item::new(self.surfaces[0].name.clone(), says, delivery.body().clone());
        Ok(Verified { items: vec![item], delivery_id: None, reply: http::Response::new(Bytes::new()) })
    }
    async fn read_page(&self, _: &SurfaceName, _: Option<Cursor>) -> Result<Page, ConnectorError> {
        silent()
    }
    async fn read_records(&self, _: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        silent()
    }
    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        silent()
    }
}

/// One tenant, and the clock that stands.
pub(crate) struct World {
    pub(crate) tenant: Tenant,
    clock: Arc<ManualClock>,
    first: RefCell<Option<Id<Customer>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let start = DateTime::from_timestamp_millis(1_772_704_800_000).expect("an instant");
        let clock = Arc::new(ManualClock::at(start));
        let guard = rule::rule("verify-email", 1, |change: &rule::Change<'_, String>| match &change.before {
            Some(before) => Verdict::Review(format!("it was {before}")),
            None => Verdict::Pass,
        });
        let accordant = Accordant::builder()
            .clock(Arc::clone(&clock))
            .entropy(SeededEntropy::new(7))
            .connect(Fake::new("hubspot", &["contacts", "companies"]))
            .connect(Fake::new("shopify", &["customers"]))
            .connect(Fake::new("netsuite", &["customer"]))
            .entity::<Customer>()
            .entity::<Company>()
            .rule(Customer::EMAIL, guard)
            .build()
            .expect("the configuration has no mistakes");
        Self { tenant: accordant.tenant("acme"), clock, first: RefCell::new(None) }
    }

    /// A system says something, a minute after the last time.
    pub(crate) fn says(&self, system: &str, body: &str) {
        let delivery = http::Request::new(Bytes::copy_from_slice(body.as_bytes()));
        block_on(self.tenant.receive(system, delivery)).expect("the delivery is taken in");
        self.clock.advance(TimeDelta::minutes(1));
    }

    /// A system says that it deleted a record, a minute after the last time.
    pub(crate) fn deletes(&self, system: &str, id: &str, body: &str) {
        let delivery = http::Request::builder().header("x-deleted", id);
        let delivery = delivery.body(Bytes::copy_from_slice(body.as_bytes())).expect("a request");
        block_on(self.tenant.receive(system, delivery)).expect("the delivery is taken in");
        self.clock.advance(TimeDelta::minutes(1));
    }

    /// The entity of HubSpot's contact 101.
    pub(crate) fn customer(&self) -> Id<Customer> {
        *self.first.borrow_mut().get_or_insert_with(|| {
            let record = RecordRef::new("hubspot", "contacts", "101");
            let id = block_on(self.tenant.entity_of(&record)).expect("a look-up").expect("the contact is linked");
            Id::new(id)
        })
    }
}
