//! The office: three systems, one model, and a clock that stands until a scene moves it on.

use std::sync::Arc;
use std::task::Poll;

use accordant::chrono::{DateTime, NaiveTime, Utc};
use accordant::testing::FakeSystem;
use accordant::{
    Accordant, Actor, Applied, Builder, Canonical, Clock as _, Email, Error, ManualClock, MemoryStore, Money, Plan,
    Ran, Scope, SeededEntropy, Tenant,
};
use futures::future;
use serde_json::{Value as Json, json};

/// A customer: sales, the shop and accounting each hold a part.
#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "customer")]
#[expect(clippy::duplicated_attributes, reason = "each `system(..)` is one")]
#[canonical(
    system(crm, object = "contacts", required, create_needs(email)),
    system(shop, object = "customers", required, create_needs(email)),
    system(books, object = "debtors")
)]
pub struct Customer {
    /// By this the systems know that they mean the same person.
    #[canonical(identity, pii, at(crm = "email", shop = "email", books = "email"))]
    pub email: Email,
    /// The number to call. Whoever changes it last is believed, as long as nobody else did.
    #[canonical(pii, at(crm = "phone", shop = "phone", books = "phone"))]
    pub phone: Option<String>,
    /// The name, as accounting spells it.
    #[canonical(pii, owner(books), at(crm("name", strong), shop("name", strong), books = "name"))]
    pub name: Option<String>,
    /// What they owe. Accounting says so.
    #[canonical(owner(books), at(books("owes", currency = EUR), crm("owes", strong, currency = EUR)))]
    pub owes: Option<Money>,
    /// What the office keeps for itself.
    #[canonical(hub)]
    pub note: Option<String>,
}

/// One scene's office.
#[derive(Debug)]
pub struct Office {
    /// The tenant: every verb lives on it.
    pub acme: Tenant,
    /// What sales works in.
    pub crm: FakeSystem,
    /// The shop.
    pub shop: FakeSystem,
    /// What accounting works in.
    pub books: FakeSystem,
    /// The clock on the wall.
    pub clock: Arc<ManualClock>,
}

/// The people of the story.
pub fn mia() -> Actor {
    Actor::new("mia")
}

/// She approves.
pub fn noah() -> Actor {
    Actor::new("noah")
}

impl Office {
    /// An office at this time of a Monday, in which every system has these customers and all agree.
    ///
    /// # Errors
    ///
    /// If the model cannot be built, or a system cannot be read: never.
    pub async fn open(time: &str, customers: &[Json]) -> Result<Self, Error> {
        Self::open_with(time, customers, |builder| builder).await
    }

    /// The same, configured further.
    ///
    /// # Errors
    ///
    /// As [`Office::open`].
    pub async fn open_with(
        time: &str,
        customers: &[Json],
        configure: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self, Error> {
        let clock = Arc::new(ManualClock::at("2026-01-05T06:00:00Z".parse().unwrap_or_default()));
        let models = [Customer::model()];
        let [crm, shop, books] = ["crm", "shop", "books"].map(|name| FakeSystem::new(name, &models, &clock));
        let builder = Accordant::builder()
            .store(MemoryStore::new())
            .clock(Arc::clone(&clock))
            .entropy(SeededEntropy::new(11))
            .connect(crm.clone())
            .connect(shop.clone())
            .connect(books.clone())
            .entity::<Customer>();
        let acme = configure(builder).build()?.tenant("acme");
        for (number, customer) in (1..).zip(customers) {
            for (system, object) in [(&crm, "contacts"), (&shop, "customers"), (&books, "debtors")] {
                system.edit(object, &format!("{object}-{number}"), customer);
            }
        }
        let office = Self { acme, crm, shop, books, clock };
        office.hear().await?;
        office.at(time);
        Ok(office)
    }

    /// It is this time of the day, or of the next one if that has passed.
    pub fn at(&self, time: &str) {
        let now = DateTime::<Utc>::from_timestamp_millis(self.clock.now()).unwrap_or_default();
        let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap_or_default();
        let then = now.date_naive().and_time(time).and_utc();
        let days = i64::from(then < now);
        self.clock.set(then + accordant::chrono::TimeDelta::days(days));
    }

    /// Every system is asked for what changed, and what that asks for is read.
    ///
    /// # Errors
    ///
    /// If a connection is paused.
    pub async fn hear(&self) -> Result<(), Error> {
        for connection in ["crm", "shop", "books"] {
            self.acme.poll(connection).await?;
        }
        while self.acme.step().await?.more() {}
        Ok(())
    }

    /// The worker runs until this time of the day, by itself.
    ///
    /// # Errors
    ///
    /// If the store fails: never.
    pub async fn works_until(&self, time: &str) -> Result<Ran, Error> {
        let begins = self.clock.now();
        self.at(time);
        let ends = self.clock.now();
        self.clock.set(DateTime::from_timestamp_millis(begins).unwrap_or_default());
        let sleep = |delay| {
            self.clock.advance(delay);
            future::ready(())
        };
        let shutdown = future::poll_fn(|_| match self.clock.now() >= ends {
            true => Poll::Ready(()),
            false => Poll::Pending,
        });
        self.acme.run(sleep, shutdown).await
    }

    /// What is owed now, by whoever asks.
    ///
    /// # Errors
    ///
    /// If the store fails: never.
    pub async fn plan(&self, by: &Actor) -> Result<Plan, Error> {
        self.acme.plan(Scope::default()).by(by).await
    }
}

/// A customer that every system holds alike.
#[must_use]
pub fn customer(name: &str, phone: &str, owes: &str) -> Json {
    let email = format!("{}@example.test", name.to_lowercase());
    json!({ "email": email, "name": name, "phone": phone, "owes": owes })
}

/// How an application ended, in a line; then what waits, a line each.
#[must_use]
pub fn told(applied: &Applied) -> String {
    let mut counts = Vec::new();
    for (count, what) in [
        (applied.done, "done"),
        (applied.already, "already in effect"),
        (applied.unapproved, "not approved"),
        (applied.superseded, "superseded"),
        (applied.deferred, "put off"),
        (applied.refused.len(), "refused"),
        (applied.held.len(), "held"),
    ] {
        if count > 0 {
            counts.push(format!("{count} {what}"));
        }
    }
    let mut text = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
    for held in &applied.held {
        text.push_str(&format!("\nheld: {}: {}", held.operation, held.why));
    }
    text
}
