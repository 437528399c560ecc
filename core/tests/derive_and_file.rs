//! One model, written once by the derive and once as a file: the same history gives the same bytes, row by row, entry by
//! entry and plan by plan.

use std::sync::Arc;

use accordant::clock::{ManualClock, SeededEntropy};
use accordant::engine::{Accordant, Builder, Tenant};
use accordant::id::{Actor, TenantId};
use accordant::model::EntityModel;
use accordant::plan::Scope;
use accordant::policy::Registry;
use accordant::store::{MemoryStore, Store as _, Table};
use accordant::testing::{FakeSystem, journal};
use accordant::{Canonical, Decimal, Email, Money};
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::json;

#[expect(dead_code, reason = "the engine reads the model, not the struct")]
#[derive(Canonical)]
#[canonical(entity = "customer", existence(netsuite), on_delete = archive, on_loss = restore, retired("fax"))]
#[canonical(
    system(hubspot, object = "contacts"),
    system(shopify, object = "customers", links_only),
    system(netsuite, object = "customer", required, create_needs(email, street), on_delete = stand, on_loss = ask)
)]
struct Customer {
    #[canonical(identity, pii, normalize = email, resolve(most_recent_authoritative, latest))]
    #[canonical(at(hubspot = "properties.email", shopify = "email", netsuite = "email"))]
    email: Email,
    #[canonical(at(hubspot = "properties.company", shopify = "address.company", netsuite = "companyname"))]
    #[canonical(resolve(source_priority(netsuite, hubspot, shopify)))]
    company: Option<String>,
    #[canonical(owner(netsuite), on_clear = hold)]
    #[canonical(at(
        netsuite("balance", read_only, currency = "currency"),
        hubspot("properties.balance", strong, currency = USD)
    ))]
    balance: Option<Money>,
    #[canonical(at(hubspot = "properties.score", shopify = "score"), equivalence = tolerance("0.5"))]
    score: Option<Decimal>,
    #[canonical(set, at(hubspot("properties.tags", separator = ";"), shopify("tags", separator = ",")))]
    tags: Vec<String>,
    #[canonical(group = "address", at(shopify = "address.street", netsuite = "addr1"))]
    street: Option<String>,
    #[canonical(group = "address", at(shopify = "address.zip", netsuite = "zip"))]
    zip: Option<String>,
    #[canonical(id = "tier", was("segment"), at(hubspot("properties.tier", weak), netsuite = "tier"))]
    r#type: Option<String>,
}

const FILE: &str = r#"
entity = "customer"
existence = ["netsuite"]
on_delete = "archive"
on_loss = "restore"
retired = ["fax"]

[system.hubspot]
object = "contacts"

[system.shopify]
object = "customers"
links_only = true

[system.netsuite]
object = "customer"
required = true
create_needs = ["email", "street"]
on_delete = "stand"
on_loss = "ask"

[attribute.email]
kind = "email"
required = true
identity = true
pii = true
normalize = "email"
resolve = ["most_recent_authoritative", "latest"]
at.hubspot = "properties.email"
at.shopify = "email"
at.netsuite = "email"

[attribute.company]
kind = "text"
at.hubspot = "properties.company"
at.shopify = "address.company"
at.netsuite = "companyname"
resolve = [{ policy = "source_priority", systems = ["netsuite", "hubspot", "shopify"] }]

[attribute.balance]
kind = "money"
owner = ["netsuite"]
on_clear = "hold"
at.netsuite = { path = "balance", read_only = true, currency_path = "currency" }
at.hubspot = { path = "properties.balance", strong = true, currency = "USD" }

[attribute.score]
kind = "decimal"
equivalence = { tolerance = 0.5 }
at.hubspot = "properties.score"
at.shopify = "score"

[attribute.tags]
kind = "text"
shape = "set"
at.hubspot = { path = "properties.tags", separator = ";" }
at.shopify = { path = "tags", separator = "," }

[attribute.street]
kind = "text"
group = "address"
at.shopify = "address.street"
at.netsuite = "addr1"

[attribute.zip]
kind = "text"
group = "address"
at.shopify = "address.zip"
at.netsuite = "zip"

[attribute.tier]
kind = "text"
was = "segment"
at.hubspot = { path = "properties.tier", strength = "weak" }
at.netsuite = "tier"
"#;

/// The same entity a version later: the company's name is read as a domain, and the tier is a part of another attribute.
mod later {
    use std::borrow::Cow;

    use accordant::model::Migration;
    use accordant::value::Malformed;
    use accordant::{Canonical, Decimal, Email};

    /// The first word of a name.
    #[derive(Debug)]
    pub(super) struct FirstWord;

    impl Migration<String, String> for FirstWord {
        fn name(&self) -> Cow<'static, str> {
            "first_word".into()
        }
        fn migrate(&self, name: String) -> Result<Option<String>, Malformed> {
            Ok(name.split(' ').next().map(ToOwned::to_owned))
        }
    }

    /// A rounded score.
    #[derive(Debug)]
    pub(super) struct Rounded;

    impl Migration<Decimal, String> for Rounded {
        fn name(&self) -> Cow<'static, str> {
            "rounded".into()
        }
        fn migrate(&self, score: Decimal) -> Result<Option<String>, Malformed> {
            Ok(Some(format!("about {score}")))
        }
    }

    #[expect(dead_code, reason = "the engine reads the model, not the struct")]
    #[derive(Canonical)]
    #[canonical(entity = "customer", existence(netsuite), retired("fax", "balance", "tags", "street", "zip", "tier"))]
    #[canonical(
        system(hubspot, object = "contacts"),
        system(shopify, object = "customers", links_only),
        system(netsuite, object = "customer")
    )]
    pub(super) struct Customer {
        #[canonical(identity, pii, normalize = email)]
        #[canonical(at(hubspot = "properties.email", shopify = "email", netsuite = "email"))]
        email: Email,
        #[canonical(migrated(from = "company", by = FirstWord))]
        #[canonical(at(hubspot = "properties.company", netsuite = "companyname"))]
        brand: Option<String>,
        #[canonical(at(hubspot = "properties.company", shopify = "address.company", netsuite = "companyname"))]
        company: Option<String>,
        #[canonical(migrated(from = "score", by = Rounded), at(hubspot = "properties.score"))]
        score: Option<String>,
    }

    pub(super) const FILE: &str = r#"
entity = "customer"
existence = ["netsuite"]
retired = ["fax", "balance", "tags", "street", "zip", "tier"]

[system.hubspot]
object = "contacts"

[system.shopify]
object = "customers"
links_only = true

[system.netsuite]
object = "customer"

[attribute.email]
kind = "email"
required = true
identity = true
pii = true
normalize = "email"
at.hubspot = "properties.email"
at.shopify = "email"
at.netsuite = "email"

[attribute.brand]
kind = "text"
migrated = { from = "company", by = "first_word" }
at.hubspot = "properties.company"
at.netsuite = "companyname"

[attribute.company]
kind = "text"
at.hubspot = "properties.company"
at.shopify = "address.company"
at.netsuite = "companyname"

[attribute.score]
kind = "text"
migrated = { from = "score", by = "rounded" }
at.hubspot = "properties.score"
"#;
}

/// All that a history leaves behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<(&'static str, String, Vec<u8>)>,
    journal: Vec<String>,
    plans: Vec<String>,
    explained: Vec<String>,
}

fn told(model: &EntityModel, declare: impl FnOnce(Builder) -> Builder) -> (Outcome, MemoryStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().expect("a date")));
    let systems =
        ["hubspot", "shopify", "netsuite"].map(|name| FakeSystem::new(name, std::slice::from_ref(model), &clock));
    let [hubspot, shopify, netsuite] = &systems;
    let store = MemoryStore::new();
    let mut builder =
        Accordant::builder().store(store.clone()).clock(Arc::clone(&clock)).entropy(SeededEntropy::new(3));
    for system in &systems {
        builder = builder.connect(system.clone());
    }
    let acme = declare(builder).build().expect("both models build").tenant("acme");
    let mut outcome = Outcome { rows: Vec::new(), journal: Vec::new(), plans: Vec::new(), explained: Vec::new() };

    for number in 0..4 {
        let (email, shouted) = (format!("p{number}@acme.test"), format!("P{number}@acme.test"));
        let id = format!("{number}");
        hubspot.edit(
            "contacts",
            &id,
            &json!({ "properties": { "email": email, "company": "Acme", "balance": "5", "score": "1.2",
                "tags": "a;b", "tier": "gold" } }),
        );
        clock.advance(TimeDelta::seconds(7));
        let company = if number == 2 { "Acme" } else { "ACME" };
        shopify.edit(
            "customers",
            &id,
            &json!({ "email": shouted, "score": "1.5", "tags": "b,c",
                "address": { "company": company, "street": "1 High St", "zip": "10115" } }),
        );
        if number != 3 {
            netsuite.edit(
                "customer",
                &id,
                &json!({ "email": email, "companyname": "Acme Inc.", "balance": "7.50", "currency": "USD",
                    "addr1": "2 Low St", "zip": "10117", "tier": "silver" }),
            );
        }
    }
    for system in ["hubspot", "netsuite", "shopify"] {
        block_on(acme.scan(system)).expect("it scans");
    }
    settle(&acme, &mut outcome, true);
    clock.advance(TimeDelta::minutes(5));
    hubspot.edit("contacts", "0", &json!({ "properties": { "balance": "9", "company": "Acme GmbH", "tags": "a" } }));
    shopify.edit("customers", "1", &json!({ "address": { "street": "3 Mid St" }, "score": "2.75" }));
    netsuite.edit("customer", "1", &json!({ "addr1": "4 New St", "tier": null }));
    netsuite.delete("customer", "2");
    hubspot.edit("contacts", "3", &json!({ "properties": { "score": "not a number" } }));
    for system in ["hubspot", "netsuite", "shopify"] {
        block_on(acme.poll(system)).expect("it polls");
    }
    settle(&acme, &mut outcome, false);

    for id in block_on(acme.entities("customer", None, 10)).expect("it lists") {
        outcome.explained.push(block_on(acme.inspect_erased(id)).expect("it shows").to_string());
        for unit in ["email", "company", "balance", "score", "tags", "address", "tier"] {
            outcome.explained.push(block_on(acme.explain_erased(id, unit)).expect("it explains").to_string());
        }
    }
    outcome.keep(&store, &acme);
    (outcome, store, clock)
}

impl Outcome {
    fn keep(&mut self, store: &MemoryStore, acme: &Tenant) {
        let tenant = TenantId::new("acme");
        for table in Table::ALL {
            let rows = block_on(store.scan(&tenant, table, "", None, usize::MAX)).expect("memory answers");
            self.rows.extend(rows.into_iter().map(|row| (table.name(), row.key.to_string(), row.value)));
        }
        self.journal = journal(acme).iter().map(|entry| format!("{entry:?}")).collect();
    }

    fn assert_same(&self, other: &Outcome) {
        for (one, other) in self.rows.iter().zip(&other.rows) {
            assert_eq!(
                (one.0, &one.1, String::from_utf8_lossy(&one.2)),
                (other.0, &other.1, String::from_utf8_lossy(&other.2))
            );
        }
        assert_eq!(self, other);
    }
}

/// Plans, applies and reads until nothing is owed.
fn settle(acme: &Tenant, outcome: &mut Outcome, bootstrap: bool) {
    let noah = Actor::new("noah");
    for _ in 0..4 {
        let request = acme.plan(Scope::default()).by(&noah);
        let request = if bootstrap { request.bootstrap() } else { request };
        let plan = block_on(request.into_future()).expect("it plans");
        outcome.plans.push(format!("{plan:?}"));
        if plan.operations.is_empty() {
            return;
        }
        block_on(acme.approve(plan.hash, &noah)).expect("it approves");
        outcome.plans.push(format!("{:?}", block_on(acme.apply(plan.hash)).expect("it applies")));
        for system in ["hubspot", "netsuite", "shopify"] {
            block_on(acme.poll(system)).expect("it polls");
        }
    }
}

#[test]
fn one_model_by_derive_and_by_file_gives_the_same_bytes() {
    let file = EntityModel::from_toml(FILE, &Registry::builtin()).expect("the file is right");
    let (derived, ..) = told(&Customer::model(), Builder::entity::<Customer>);
    let (read, ..) = told(&file, |builder| builder.entity_model(file.clone()));

    assert!(derived.rows.len() > 30 && derived.journal.len() > 30, "the history is worth comparing");
    assert!(derived.plans.iter().any(|plan| plan.contains("Set(")), "something is written");
    derived.assert_same(&read);
}

/// What is left once the later version was accepted over the history of the first.
fn evolved(model: &EntityModel, declare: impl FnOnce(Builder) -> Builder) -> (String, Outcome) {
    let (_, store, clock) = told(&Customer::model(), Builder::entity::<Customer>);
    let mut builder =
        Accordant::builder().store(store.clone()).clock(Arc::clone(&clock)).entropy(SeededEntropy::new(4));
    for name in ["hubspot", "shopify", "netsuite"] {
        builder = builder.connect(FakeSystem::new(name, std::slice::from_ref(model), &clock));
    }
    let acme = declare(builder).build().expect("both models build").tenant("acme");
    let change = block_on(acme.accept_model(&Actor::new("noah"))).expect("it is accepted");
    let verified = block_on(acme.verify()).expect("it verifies");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    let mut outcome = Outcome { rows: Vec::new(), journal: Vec::new(), plans: Vec::new(), explained: Vec::new() };
    for id in block_on(acme.entities("customer", None, 10)).expect("it lists") {
        for unit in ["brand", "company", "score"] {
            outcome.explained.push(block_on(acme.explain_erased(id, unit)).expect("it explains").to_string());
        }
    }
    outcome.keep(&store, &acme);
    (change.to_string(), outcome)
}

#[test]
fn a_migration_by_derive_and_by_file_gives_the_same_bytes() {
    let registry = Registry::builtin().migration(later::FirstWord).migration(later::Rounded);
    let file = EntityModel::from_toml(later::FILE, &registry).expect("the file is right");
    let (told, derived) = evolved(&later::Customer::model(), Builder::entity::<later::Customer>);
    let (read_told, read) = evolved(&file, |builder| builder.entity_model(file.clone()));
    for line in
        ["customer.brand: migrated from company by first_word", "customer.score: migrated from score by rounded"]
    {
        assert!(told.contains(line), "{told}");
    }
    assert_eq!(told, read_told);
    assert!(derived.explained.iter().any(|text| text.starts_with("brand is \"Acme\"")), "{:?}", derived.explained);
    assert!(derived.explained.iter().any(|text| text.starts_with("score is \"about ")), "{:?}", derived.explained);
    derived.assert_same(&read);
}

#[test]
fn a_file_names_migrations_that_the_registry_has() {
    let refused = EntityModel::from_toml(later::FILE, &Registry::builtin().migration(later::Rounded));
    let refused = refused.expect_err("a migration that nobody registered").to_string();
    assert!(refused.contains("attribute.brand.migrated.by: there is no migration `first_word`"), "{refused}");
}
