//! A sum over systems: made of what its owners say, written to everyone else, and never to them.

use accordant::chrono::NaiveDate;
use accordant::discrepancy::DiscrepancyKind::HardConflict;
use accordant::model::{At, EntityModel, SystemObject, TypedAttribute};
use accordant::policy::builtin::{latest, sum};
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::value::{Currency, Decimal, Field, Rates};
use accordant::{Accordant, Canonical, Error, MemoryStore, Money};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn rates() -> Rates {
    let rates = Rates::of_day(NaiveDate::from_ymd_opt(2026, 1, 2).unwrap());
    rates.rate(Currency::EUR, Currency::USD, "1.1".parse().unwrap()).unwrap()
}

/// What a customer owes: in the shop, in euros, and in the books, in dollars. The CRM shows what both come to.
#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(crm, object = "contacts"), system(shop, object = "customers"), system(books, object = "debtors"))]
struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email", books = "email"))]
    email: String,
    #[canonical(owner(shop, books), resolve(accordant::policy::builtin::sum_in(Currency::USD, rates())))]
    #[canonical(at(crm("owes", strong, currency = USD), shop("owes", currency = EUR), books("owes", currency = USD)))]
    owes: Option<Money>,
    /// How many orders, wherever they were placed.
    #[canonical(owner(shop, books), resolve(sum), at(crm("orders", strong), shop = "orders", books = "orders"))]
    orders: Option<i64>,
}

fn ana(more: Json) -> Json {
    let mut said = json!({ "email": "ana@acme.test" });
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    said
}

/// A hundred euros and five dollars, two orders and one.
fn customer() -> Story {
    Story::of::<Customer>()
        .says("shop", "1", ana(json!({ "owes": "100.00", "orders": 2 })))
        .says("books", "2", ana(json!({ "owes": "5.00", "orders": 1 })))
        .says("crm", "3", ana(json!({})))
        .bootstrap()
        .expect(Customer::OWES, "115.00 USD")
        .expect_in("crm", "3", "owes", json!("115.00"))
        .expect_in("crm", "3", "orders", json!(3))
        .expect_no_discrepancy()
        .expect_quiet()
}

fn no_part_was_written(story: &mut Story) {
    assert_eq!(story.fake("shop").writes() + story.fake("books").writes(), 0, "what is added is never written");
}

#[test]
fn a_sum_follows_each_part_whoever_moves_and_writes_none() {
    let mut story = customer()
        .says("shop", "1", json!({ "owes": "10.00" }))
        .expect(Customer::OWES, "16.00 USD")
        .apply()
        .expect_in("crm", "3", "owes", json!("16.00"))
        .expect_in("shop", "1", "owes", json!("10.00"))
        .says("books", "2", json!({ "owes": "7.00", "orders": 9 }))
        .expect(Customer::OWES, "18.00 USD")
        .expect(Customer::ORDERS, "11")
        .apply()
        .says("books", "2", json!({ "owes": null }))
        .expect(Customer::OWES, "11.00 USD")
        .apply()
        .expect_in("books", "2", "owes", json!(null))
        .expect_no_discrepancy()
        .expect_quiet();
    no_part_was_written(&mut story);
}

#[test]
fn the_parts_come_in_any_order() {
    let parts = [
        ("shop", "1", ana(json!({ "owes": "100.00" }))),
        ("books", "2", ana(json!({ "owes": "5.00" }))),
        ("crm", "3", ana(json!({}))),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let story = order.into_iter().fold(Story::of::<Customer>(), |story, place| {
            let (system, id, said) = &parts[place];
            story.says(system, id, said.clone())
        });
        let mut story = story.expect(Customer::OWES, "115.00 USD").bootstrap().apply();
        no_part_was_written(&mut story);
        drop(story.expect_in("crm", "3", "owes", json!("115.00")).expect_no_discrepancy().expect_quiet());
    }
}

#[test]
fn whoever_is_no_part_of_it_is_written_back() {
    let story = customer().says("crm", "3", json!({ "owes": "1.00" })).expect(Customer::OWES, "115.00 USD").apply();
    drop(story.expect_in("crm", "3", "owes", json!("115.00")).expect_no_discrepancy().expect_quiet());
}

#[test]
fn a_part_that_is_gone_adds_nothing() {
    let mut story = customer().deletes("books", "2").expect(Customer::ORDERS, "2").expect(Customer::OWES, "110.00 USD");
    no_part_was_written(&mut story);
}

#[test]
fn a_part_that_may_not_be_read_leaves_the_sum_as_it_is() {
    let story = customer()
        .system("books", |books| {
            books.denies("owes");
        })
        .scans("books")
        .says("shop", "1", json!({ "owes": "10.00" }))
        .expect(Customer::OWES, "115.00 USD")
        .expect_discrepancy(HardConflict, "owes")
        .apply()
        .expect_in("crm", "3", "owes", json!("115.00"))
        .system("books", |books| {
            books.denies_nothing();
        })
        .scans("books")
        .expect(Customer::OWES, "16.00 USD")
        .apply();
    drop(story.expect_in("crm", "3", "owes", json!("16.00")).expect_no_discrepancy().expect_quiet());
}

#[test]
fn nobody_chooses_a_sum() {
    let mut story = customer();
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let choice = Choice::Value(Field::value("1.00 USD"));
    let id = accordant::Id::<Customer>::new(id);
    let refused = block_on(tenant.decide(id, Customer::OWES, choice, &accordant::Actor::new("ana"), "so it is"));
    assert!(matches!(refused, Err(Error::NotHeld { state: "computed", .. })), "{refused:?}");
    let view = block_on(tenant.inspect_erased(id.erase())).unwrap();
    assert_eq!(view.unit("owes").unwrap().actions, [], "nothing is offered");
}

#[test]
fn a_record_that_is_created_is_not_given_the_sum_as_its_part() {
    let mut story = Story::of::<Required>()
        .says("shop", "1", json!({ "key": "A", "stock": 7 }))
        .expect(Required::STOCK, "7")
        .polls("depot")
        .apply();
    let depot = story.fake("depot");
    let id = depot.ids("bins").remove(0);
    assert_eq!(depot.record("bins", &id).unwrap().get("stock").cloned().unwrap_or_default(), Json::Null);
    drop(story.expect(Required::STOCK, "7").expect_no_discrepancy().expect_quiet());
}

/// What the shop and the depot have in stock. A record is made in the depot where there is none.
#[derive(Canonical)]
#[canonical(entity = "article", system(shop, object = "products"), system(depot, object = "bins", required))]
struct Required {
    #[canonical(identity, at(shop = "key", depot = "key"))]
    key: String,
    #[canonical(owner(shop, depot), resolve(sum), at(shop = "stock", depot = "stock"))]
    stock: Option<i64>,
}

#[test]
fn a_sum_that_cannot_be_meant_is_refused_when_the_library_is_built() {
    let model = |attribute: TypedAttribute<i64>| {
        let mut model = EntityModel::new("article");
        for system in ["shop", "depot"] {
            model.object(SystemObject::new(system, "items"));
        }
        let key = TypedAttribute::<String>::new("key").identity();
        model.attribute(key.at(At::path("shop", "key")).at(At::path("depot", "key")));
        model.attribute(attribute.at(At::path("shop", "stock")).at(At::path("depot", "stock")));
        model
    };
    let stock = || TypedAttribute::<i64>::new("stock");
    for (attribute, why) in [
        (stock().resolve(sum()), "article.stock: a sum needs owners"),
        (stock().owner("shop").resolve(sum()).resolve(latest()), "article.stock: a sum stands alone in its chain"),
    ] {
        let built = Accordant::builder().store(MemoryStore::new()).entity_model(model(attribute)).build();
        let refused = built.expect_err("it cannot be meant").to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

#[derive(Debug, Clone)]
enum Act {
    Shop(u32),
    Books(u32),
    Crm(u32),
    Applies,
    Scans(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let cents = 1..1_000_000_u32;
    let act = prop_oneof![
        3 => cents.clone().prop_map(Act::Shop),
        3 => cents.clone().prop_map(Act::Books),
        1 => cents.prop_map(Act::Crm),
        2 => Just(Act::Applies),
        1 => (0..3_usize).prop_map(Act::Scans),
    ];
    vec(act, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever edits, in whatever order, and however often all is read again: golden is what the parts come to, at once; no part
    /// is ever written; and everyone else comes to hold the sum.
    #[test]
    fn a_sum_is_what_its_parts_come_to_and_writes_none_of_them(acts in acts()) {
        let text = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        let amount = |cents: u32, currency| Money::new(Decimal::from_parts(cents.into(), 2).unwrap(), currency);
        let (mut shop, mut books) = (10_000, 500);
        let mut story = customer();
        for act in &acts {
            story = match act {
                Act::Shop(cents) => { shop = *cents; story.says("shop", "1", json!({ "owes": text(*cents) })) }
                Act::Books(cents) => { books = *cents; story.says("books", "2", json!({ "owes": text(*cents) })) }
                Act::Crm(cents) => story.says("crm", "3", json!({ "owes": text(*cents) })),
                Act::Applies => story.apply(),
                Act::Scans(system) => story.scans(["shop", "books", "crm"][*system]),
            };
            let parts = [amount(shop, Currency::EUR), amount(books, Currency::USD)];
            let whole = rates().sum(parts, Currency::USD).unwrap();
            story = story.expect(Customer::OWES, &whole.to_string());
        }
        let mut story = story.apply().expect_quiet().expect_no_discrepancy();
        no_part_was_written(&mut story);
        let verified = block_on(story.tenant().verify()).unwrap();
        prop_assert!(verified.is_clean(), "{}: {:?}", verified, verified.differences);
    }
}
