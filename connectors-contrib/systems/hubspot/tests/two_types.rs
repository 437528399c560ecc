//! One entity in two object types of HubSpot: a contact and a company make a customer. Before the sandbox on loopback, beside a
//! shop in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::testing::FakeSystem;
use accordant::{Accordant, Actor, Canonical, Email, Ref, Scope, SeededEntropy, Tenant};
use accordant_rehearsal::json;
use accordant_sandbox::Remote as _;
use chrono::TimeDelta;
use serde_json::{Value, json};
use support::{Stage, connector};

/// A customer: in HubSpot a contact, and a company of the same address.
#[derive(Canonical, Clone, Debug)]
#[expect(dead_code, reason = "the model is made of the fields; nothing reads them")]
#[canonical(entity = "customer", system(hubspot as person, object = "contacts", required))]
#[canonical(system(hubspot as firm, object = "companies", required), system(shop, object = "customers", required))]
struct Customer {
    #[canonical(identity, at(person = "properties.email", firm = "properties.domain", shop = "email"))]
    email: Email,
    #[canonical(at(person = "properties.firstname", shop = "name"))]
    name: Option<String>,
    #[canonical(at(person = "properties.phone", firm = "properties.phone", shop = "phone"))]
    phone: Option<String>,
    /// The company that the contact belongs to: its own other half, or that of another customer.
    #[canonical(at(person("associations.companies", via_object = firm), shop = "belongs_to"))]
    belongs_to: Option<Ref<Customer>>,
}

struct World {
    stage: Stage,
    shop: FakeSystem,
    tenant: Tenant,
}

impl World {
    async fn set() -> Self {
        let models = [Customer::model()];
        let stage = Stage::with(|mut settings| {
            settings.objects.clear();
            settings.maps(&models)
        })
        .await;
        assert!(stage.settings.objects["contacts"].associations.contains("companies"));
        let shop = FakeSystem::new("shop", &models, &stage.clock);
        let builder = Accordant::builder().clock(stage.clock.clone()).entropy(SeededEntropy::new(7));
        let builder = builder.connect(connector(&stage.settings, &stage.clock)).connect(shop.clone());
        let tenant = builder.entity::<Customer>().build().unwrap().tenant("acme");
        Self { stage, shop, tenant }
    }

    async fn hear(&self) {
        for outgoing in self.stage.account.due() {
            let taken = self.tenant.receive("hubspot", outgoing.request.clone()).await.is_ok();
            self.stage.account.answered(outgoing, taken);
        }
        for connection in ["hubspot", "shop"] {
            self.tenant.poll(connection).await.unwrap();
            self.tenant.scan(connection).await.unwrap();
        }
        while self.tenant.step().await.unwrap().more() {}
    }

    async fn settle(&self) {
        let (mia, noah) = (Actor::new("mia"), Actor::new("noah"));
        for _ in 0..20 {
            self.hear().await;
            let plan = self.tenant.plan(Scope::default()).by(&mia).bootstrap().await.unwrap();
            if plan.operations.is_empty() {
                return;
            }
            self.tenant.approve(plan.hash, &noah).await.unwrap();
            self.tenant.apply(plan.hash).await.unwrap();
            self.stage.clock.advance(TimeDelta::minutes(70));
        }
        panic!("the world does not come to rest");
    }

    /// The only record of an object type with this value of a property.
    fn only(&self, object: &str, property: &str, value: &str) -> (String, Value) {
        let account = &self.stage.account;
        let records = account.ids(object).into_iter().filter_map(|id| Some((id.clone(), account.record(object, &id)?)));
        let mut found: Vec<(String, Value)> =
            records.filter(|(_, record)| record["properties"][property] == value).collect();
        assert_eq!(found.len(), 1, "{object} {value}: {found:?}");
        found.remove(0)
    }

    async fn company_of(&self, contact: &str) -> Value {
        let keys = [accordant_rehearsal::key("contacts", contact)];
        let found = accordant::connector::Connector::read_records(&self.stage.connector, &keys).await.unwrap();
        let [accordant::connector::ReadAnswer::Found(item)] = found.as_slice() else { panic!("{found:?}") };
        json(item)["associations"]["companies"].clone()
    }
}

#[tokio::test]
async fn a_contact_and_a_company_make_a_customer() {
    let world = World::set().await;
    world.stage.contact(&json!({ "email": "ana@acme.test", "firstname": "Ana", "phone": "+12125550100" }));
    world.shop.edit("customers", "7", &json!({ "email": "bo@ajax.test", "name": "Bo" }));
    world.settle().await;
    // Each lives in both types, and in the shop.
    let (_, acme) = world.only("companies", "domain", "ana@acme.test");
    assert_eq!(acme["properties"]["phone"], "+12125550100");
    let (bo, _) = world.only("contacts", "email", "bo@ajax.test");
    let (ajax, _) = world.only("companies", "domain", "bo@ajax.test");
    let account = &world.stage.account;
    assert_eq!(
        [account.ids("contacts").len(), account.ids("companies").len(), world.shop.ids("customers").len()],
        [2; 3]
    );
    assert!(world.tenant.verify().await.unwrap().is_clean());

    // An edit of one half reaches the other, and the shop.
    world.stage.person().edits("companies", &ajax, &json!({ "phone": "+12125550199" })).unwrap();
    world.stage.clock.advance(TimeDelta::minutes(5));
    world.settle().await;
    assert_eq!(world.only("contacts", "email", "bo@ajax.test").1["properties"]["phone"], "+12125550199");
    assert_eq!(world.shop.record("customers", "7").unwrap()["phone"], "+12125550199");

    // Whom a contact belongs to is heard, and translated: the company's id into the shop's id of the same customer.
    let (ana, _) = world.only("contacts", "email", "ana@acme.test");
    world.stage.person().associates("contacts", &ana, "companies", &ajax).unwrap();
    world.stage.clock.advance(TimeDelta::minutes(5));
    world.settle().await;
    let in_shop = world.shop.ids("customers").into_iter().find(|id| id != "7").unwrap();
    assert_eq!(world.shop.record("customers", &in_shop).unwrap()["belongs_to"], "7");

    // And the other way: the shop says so, and the contact is given to the company of the customer that is named.
    world.shop.edit("customers", "7", &json!({ "belongs_to": in_shop }));
    world.stage.clock.advance(TimeDelta::minutes(5));
    world.settle().await;
    let (acme, _) = world.only("companies", "domain", "ana@acme.test");
    assert_eq!((world.company_of(&bo).await, world.company_of(&ana).await), (json!(acme), json!(ajax)));
    assert!(world.tenant.verify().await.unwrap().is_clean());
}
