//! The office: sales and the shop, one model, and a clock that stands until a scene moves it on.

use std::sync::Arc;

use accordant::engine::Schedule;
use accordant::store::Store;
use accordant::testing::FakeSystem;
use accordant::{Accordant, Actor, Builder, Canonical, Email, EntityId, Error, ManualClock, SeededEntropy, Tenant};
use serde_json::{Value as Json, json};

/// A customer: sales and the shop each hold a part.
#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
pub struct Customer {
    /// By this the systems know that they mean the same person.
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    pub email: Email,
    /// The name, as sales spells it.
    #[canonical(pii, owner(crm), at(crm = "name", shop("name", strong)))]
    pub name: Option<String>,
    /// The number to call.
    #[canonical(pii, at(crm = "phone", shop = "phone"))]
    pub phone: Option<String>,
    /// What they are to sales: a word.
    #[canonical(at(crm = "tier", shop = "tier"))]
    pub tier: Option<String>,
}

/// Both systems, and the clock on the wall.
#[derive(Debug, Clone)]
pub struct Office {
    /// What sales works in.
    pub crm: FakeSystem,
    /// The shop.
    pub shop: FakeSystem,
    /// The clock on the wall.
    pub clock: Arc<ManualClock>,
}

/// She works on cases.
pub fn mia() -> Actor {
    Actor::new("mia")
}

/// He runs the installation.
pub fn noah() -> Actor {
    Actor::new("noah")
}

impl Office {
    /// An office on a Monday at eight, in which both systems hold these customers.
    #[must_use]
    pub fn open(customers: &[Json]) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap_or_default()));
        let models = [Customer::model()];
        let [crm, shop] = ["crm", "shop"].map(|name| FakeSystem::new(name, &models, &clock));
        for (number, customer) in (1..).zip(customers) {
            crm.edit("contacts", &format!("c{number}"), customer);
            shop.edit("customers", &format!("s{number}"), customer);
        }
        Self { crm, shop, clock }
    }

    /// Accordant over these systems and a store.
    pub fn builder(&self, store: impl Store) -> Builder {
        Accordant::builder()
            .store(store)
            .clock(Arc::clone(&self.clock))
            .entropy(SeededEntropy::new(17))
            .schedule(Schedule { scan: None, ..Schedule::default() })
            .connect(self.crm.clone())
            .connect(self.shop.clone())
    }

    /// Both systems are asked for what changed.
    ///
    /// # Errors
    ///
    /// If a connection is paused.
    pub async fn hear(&self, acme: &Tenant) -> Result<(), Error> {
        for connection in ["crm", "shop"] {
            acme.poll(connection).await?;
        }
        while acme.step().await?.more() {}
        Ok(())
    }
}

/// A customer that both systems hold alike.
#[must_use]
pub fn customer(name: &str, phone: &str, tier: &str) -> Json {
    let email = format!("{}@example.test", name.to_lowercase().replace(' ', "."));
    json!({ "email": email, "name": name, "phone": phone, "tier": tier })
}

/// The customer of this e-mail address.
///
/// # Errors
///
/// [`Error::UnknownEntity`] if there is none.
pub async fn find(acme: &Tenant, email: &str) -> Result<EntityId, Error> {
    let found = acme.find_erased("customer", "email", email).await?;
    let nobody = || Error::UnknownEntity { expected: "customer".into(), id: EntityId::from_parts(0, [0; 10]) };
    found.first().copied().ok_or_else(nobody)
}

/// What is golden of a customer, in a line.
///
/// # Errors
///
/// If there is no such customer.
pub async fn golden(acme: &Tenant, id: EntityId, unit: &str) -> Result<String, Error> {
    let view = acme.inspect_erased(id).await?;
    Ok(view.unit(unit).map(|unit| unit.golden.to_string()).unwrap_or_default())
}
