//! Totals that are to agree: of one type at once, of two types counted from one instant on, and never about what is not seen.

use std::sync::Arc;

use accordant::check::{Aggregate, Dimension, Priority, Tally, Total};
use accordant::chrono::TimeDelta;
use accordant::engine::{Checks, Finding};
use accordant::store::{Store as _, Table};
use accordant::testing::FakeSystem;
use accordant::value::Decimal;
use accordant::{Accordant, Canonical, Email, ManualClock, Money, RecordRef};
use futures::executor::block_on;
use serde_json::json;

use crate::examinations::{Buyer, Firm, World, cases, check, clean, reachable, reasons};

#[test]
fn totals_of_one_type_are_compared_at_once() {
    let world = World::filled(3);
    let owed = |at: &str| Total::sum_of(Buyer::BALANCE).at(at);
    let aggregate = Aggregate::new("owed", owed("crm"), owed("shop"));
    let counted = Aggregate::new("buyers", Total::count_of::<Buyer>(), Total::count_of::<Buyer>().at("shop"));
    let tenant = world.tenant(Checks::new().agree(aggregate).agree(counted));
    for number in 0..2 {
        let email = format!("b{number}@acme.test");
        world.shop.edit(
            "customers",
            &number.to_string(),
            &json!({ "email": email, "balance": "10.00", "currency": "USD" }),
        );
    }
    world.poll(&tenant);
    check(&world, &tenant);
    let expected = [
        "\"buyers\": the number of buyer is 3, the number of buyer in shop is 2",
        "\"owed\": the sum of buyer.balance in crm is 30 USD, the sum of buyer.balance in shop is 20 USD",
    ];
    assert_eq!(reasons(&tenant), expected);
    let first = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", "0"))).unwrap().unwrap();
    let differ = block_on(tenant.verified(first)).unwrap();
    assert!(differ.iter().any(|one| one.dimension == Dimension::Aggregate && one.found == Some(Finding::Differ)));
    world.shop.edit("customers", "2", &json!({ "email": "b2@acme.test", "balance": "10.00", "currency": "USD" }));
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
    let results = block_on(tenant.aggregate_results()).unwrap();
    let looked = |entity| {
        let all = block_on(tenant.verified(entity)).unwrap().into_iter();
        let totals = all.filter(|one| one.dimension == Dimension::Aggregate);
        totals.map(|one| (one.check.unwrap().to_string(), one.record, one.at, one.found)).collect::<Vec<_>>()
    };
    let found = |at, found: Option<Finding>| ["owed", "buyers"].map(|name| (name.to_owned(), None, at, found)).to_vec();
    let of = |object: &str, id: &str| block_on(tenant.entity_of(&RecordRef::new("crm", object, id))).unwrap().unwrap();
    let now = Some(results[0].at);
    assert_eq!(looked(of("contacts", "0")), found(now, Some(Finding::AsHeld)));
    assert_eq!(looked(of("companies", "f1")), [], "of firms nothing is added up");
    let sum = |tally: &Tally| tally.sums.get("USD").map(Decimal::to_string);
    assert!(results.iter().all(|result| result.agree));
    assert_eq!((sum(&results[0].left), sum(&results[0].right)), (Some("30".to_owned()), Some("30".to_owned())));
    world.clock.advance(TimeDelta::hours(1));
    world.crm.edit("contacts", "9", &json!({ "email": "new@acme.test" }));
    world.poll(&tenant);
    assert_eq!(looked(of("contacts", "9")), found(None, None), "it came after they were counted");
    clean(&tenant);
}

#[test]
fn totals_of_two_types_are_told_when_they_differ_twice() {
    let world = World::filled(2);
    let tenant = world.tenant(Checks::new().agree(Aggregate::new(
        "one each",
        Total::count_of::<Firm>(),
        Total::count_of::<Buyer>(),
    )));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant), [], "what changed between the two counts is no difference");
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(reasons(&tenant), ["\"one each\": the number of firm is 1, the number of buyer is 2"]);
    world.crm.edit("companies", "f2", &json!({ "vat": "UMBRELLA" }));
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
}

/// As many firms as buyers.
fn pairs(world: &World, pairs: std::ops::Range<usize>) {
    for number in pairs {
        world.crm.edit("companies", &format!("f{number}"), &json!({ "vat": format!("VAT{number}") }));
        world.crm.edit("contacts", &number.to_string(), &json!({ "email": format!("b{number}@acme.test") }));
    }
}

fn one_each() -> Aggregate {
    Aggregate::new("one each", Total::count_of::<Firm>(), Total::count_of::<Buyer>())
}

#[test]
fn totals_of_two_types_that_grow_alike_never_differ_however_urgent_each_is() {
    let world = World::new();
    let checks = Checks::new().agree(one_each()).priority_of::<Firm>(Priority::Critical);
    let tenant = world.tenant(checks);
    let mut compared = std::collections::BTreeSet::new();
    for hour in 0..30 {
        pairs(&world, 3 * hour..3 * hour + 3);
        world.poll(&tenant);
        check(&world, &tenant);
        assert_eq!(cases(&tenant), [], "after {hour} hours");
        let result = block_on(tenant.aggregate_results()).unwrap().remove(0);
        assert!(result.agree);
        compared.insert(result.at);
        world.clock.advance(TimeDelta::minutes(55));
    }
    assert_eq!(compared.len(), 30, "both are counted as often as the more urgent is");
    clean(&tenant);
}

#[test]
fn a_difference_that_stood_between_two_counts_once_is_not_told() {
    let world = World::filled(1);
    let tenant = world.tenant(Checks::new().agree(one_each()));
    world.crm.edit("contacts", "9", &json!({ "email": "early@acme.test" }));
    world.poll(&tenant);
    check(&world, &tenant);
    world.crm.edit("companies", "f9", &json!({ "vat": "LATE" }));
    world.poll(&tenant);
    for _ in 0..3 {
        world.clock.advance(TimeDelta::days(1));
        check(&world, &tenant);
        assert_eq!(cases(&tenant), []);
    }
}

#[test]
fn another_aggregate_of_the_same_name_is_told_after_two_comparisons_of_its_own() {
    let world = World::filled(2);
    let tenant = world.tenant(Checks::new().agree(one_each()));
    world.poll(&tenant);
    check(&world, &tenant);
    let (one, other) = (Total::count_of::<Buyer>(), Total::count_of::<Firm>());
    let tenant = world.tenant(Checks::new().agree(Aggregate::new("one each", one, other)));
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(reasons(&tenant), ["\"one each\": the number of buyer is 2, the number of firm is 1"]);
}

#[test]
fn totals_that_are_declared_no_longer_leave_nothing_behind() {
    let world = World::filled(2);
    let counted = |name: &str| Aggregate::new(name, Total::count_of::<Buyer>(), Total::count_of::<Buyer>().at("shop"));
    let tenant = world.tenant(Checks::new().agree(counted("shop")).check_of::<Buyer>(reachable()));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant).len(), 1);
    let kept = || {
        let rows = block_on(world.store.scan(&"acme".into(), Table::Meta, "totalled/", None, 9)).unwrap();
        rows.into_iter().map(|row| row.key.to_string()).collect::<Vec<_>>()
    };
    let tenant = world.tenant(Checks::new().agree(counted("there")).check_of::<Buyer>(reachable()));
    check(&world, &tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(reasons(&tenant), ["\"there\": the number of buyer is 2, the number of buyer in shop is 0"]);
    assert_eq!(kept(), ["totalled/there"]);
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(reachable()));
    check(&world, &tenant);
    assert_eq!((cases(&tenant), kept()), (vec![], vec![]));
    clean(&tenant);
}

/// A sum of what may not be read is none, and no agreement either.
#[test]
fn what_may_not_be_read_is_told_and_not_left_out() {
    let world = World::filled(2);
    let owed = |at: &str| Total::sum_of(Buyer::BALANCE).at(at);
    let tenant = world.tenant(Checks::new().agree(Aggregate::new("owed", owed("crm"), owed("shop"))));
    let in_shop = |number: usize| {
        let email = format!("b{number}@acme.test");
        let buyer = json!({ "email": email, "balance": "10.00", "currency": "USD" });
        world.shop.edit("customers", &number.to_string(), &buyer);
    };
    (0..2).for_each(in_shop);
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
    world.shop.denies("balance");
    world.shop.edit("customers", "1", &json!({ "phone": "1" }));
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    let told = "\"owed\": the sum of buyer.balance in shop cannot be told: 1 values cannot be added";
    assert_eq!(reasons(&tenant), [told]);
    world.shop.denies_nothing();
    world.shop.edit("customers", "1", &json!({ "phone": "2" }));
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
}

/// One who has two accounts in the shop.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "client", system(shop, object = "customers", many(reduce = all, write = nobody)))]
struct Client {
    #[canonical(identity, at(shop = "email"))]
    email: Email,
    #[canonical(owner(shop), resolve(sum), at(shop("balance", currency = "currency")))]
    balance: Option<Money>,
}

#[test]
fn all_records_of_an_entity_are_added() {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let shop = FakeSystem::new("shop", &[Client::model()], &clock);
    for number in ["1", "2"] {
        shop.edit("customers", number, &json!({ "email": "ana@acme.test", "balance": "10.00", "currency": "USD" }));
    }
    let owed = Aggregate::new("owed", Total::sum_of(Client::BALANCE), Total::sum_of(Client::BALANCE).at("shop"));
    let builder = Accordant::builder().clock(Arc::clone(&clock)).connect(shop).entity::<Client>();
    let tenant = builder.checks(Checks::new().agree(owed)).build().unwrap().tenant("acme");
    block_on(tenant.poll("shop")).unwrap();
    clock.advance(TimeDelta::minutes(5));
    block_on(tenant.check()).unwrap();
    let result = block_on(tenant.aggregate_results()).unwrap().remove(0);
    assert!(result.agree, "{result:?}");
    assert_eq!((result.left.count, result.right.count), (1, 2));
    assert_eq!(result.right.sums.get("USD").map(Decimal::to_string).as_deref(), Some("20"));
}
