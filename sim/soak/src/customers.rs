//! A tenant of any size: customers in two systems that mostly agree, computed from their numbers as they are read.

use accordant::bytes::Bytes;
use accordant::chrono::DateTime;
use accordant::id::SurfaceName;
use accordant::store::Store;
use accordant::surface::Channel;
use accordant::testing::{Computed, Records, record_surface};
use accordant::{Accordant, Builder, Canonical, Email, ManualClock, SeededEntropy};

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
        .clock(ManualClock::at(DateTime::from_timestamp_millis(BEGINS + 10_000_000_000).unwrap_or_default()))
        .entropy(SeededEntropy::new(42))
        .connect(system("crm", "contacts", customers))
        .connect(system("shop", "customers", customers))
        .entity::<Customer>()
}

/// 2026-01-05, eight in the morning.
const BEGINS: i64 = 1_767_600_000_000;

/// What one system tells: a record for each customer.
struct Contacts {
    system: &'static str,
    customers: u64,
}

/// A system that is polled for its customers.
fn system(system: &'static str, object: &str, customers: u64) -> Computed<Contacts> {
    let surface = record_surface("changes", object, Channel::Poll);
    Computed::new(system, vec![surface], Contacts { system, customers })
}

impl Records for Contacts {
    fn count(&self, _: &SurfaceName) -> u64 {
        self.customers
    }

    /// One in ten lives elsewhere according to the shop, and has another number there that is newer.
    fn item(&self, _: &SurfaceName, customer: u64) -> Bytes {
        let apart = self.system == "shop" && customer.is_multiple_of(10);
        let phone = 1_000_000 + customer * 2 + u64::from(apart);
        let city = customer % 97 + u64::from(apart);
        let number = i64::try_from(customer).unwrap_or_default();
        let modified = BEGINS + number + i64::from(self.system == "shop");
        Bytes::from(format!(
            r#"{{"id":"{customer}","modified":{modified},"record":{{"email":"zoë{customer}@soak.test","phone":"0{phone}","city":"Città {city}"}}}}"#
        ))
    }
}
