//! What `build()` refuses: everything at once, and the hub's own name.

use std::sync::Arc;

use accordant::chrono::DateTime;
use accordant::clock::{ManualClock, SeededEntropy};
use accordant::engine::{Accordant, Builder};
use accordant::model::{Canonical, SystemObject};
use accordant::store::MemoryStore;
use accordant::testing::FakeSystem;

use crate::model::Customer;

/// The three systems of the customers, and an engine without anything declared yet.
pub(crate) fn three_systems() -> (Builder, [FakeSystem; 3], Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let builder =
        Accordant::builder().clock(Arc::clone(&clock)).entropy(SeededEntropy::new(1)).store(MemoryStore::new());
    let fake = |name| FakeSystem::new(name, &[Customer::model()], &clock);
    (builder, ["crm", "shop", "netsuite"].map(fake), clock)
}

fn mistakes(builder: Builder) -> String {
    builder.build().expect_err("there are mistakes").to_string()
}

#[test]
fn all_mistakes_are_named_at_once() {
    let (builder, [crm, shop, netsuite], _) = three_systems();
    let mut model = Customer::model();
    model.retired.push("phone".into());
    let text =
        mistakes(builder.entity_model(model).connect(crm).connect_as("second", shop).connect_as("crm", netsuite));
    assert!(text.contains("`phone` is retired"), "{text}");
    assert!(text.contains("connection `crm` is connected twice"), "{text}");

    let (builder, [crm, ..], clock) = three_systems();
    let mut model = Customer::model();
    model.retired.push("phone".into());
    let stranger = FakeSystem::new("erp", &[Customer::model()], &clock);
    let text = mistakes(builder.entity_model(model).connect(crm).connect(stranger));
    assert!(text.contains("`phone` is retired"), "{text}");
    assert!(text.contains("connection `erp` is to system `erp`, which no entity names"), "{text}");
    assert!(text.contains("customer: system `shop` has no connection"), "{text}");
    assert!(text.contains("customer: system `netsuite` has no connection"), "{text}");
}

#[test]
fn the_hubs_own_name_is_refused_wherever_it_is_given() {
    let (builder, [crm, shop, netsuite], _) = three_systems();
    let text = mistakes(builder.entity::<Customer>().connect_as("hub", crm).connect(shop).connect(netsuite));
    assert!(text.contains("connection `hub` has the hub's own name"), "{text}");

    let (builder, systems, _) = three_systems();
    let mut model = Customer::model();
    model.object(SystemObject::new("hub", "notes"));
    let text = mistakes(systems.into_iter().fold(builder.entity_model(model), Builder::connect));
    assert!(text.contains("customer: `hub` is the hub's own name"), "{text}");
}
