//! A survey of tables that there are several of, or none, and of numbers and amounts: each measure has one name, on every day.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "a model is declared; the engine reads it")]

use std::sync::Arc;

use accordant::check::each;
use accordant::chrono::{DateTime, TimeDelta};
use accordant::engine::Checks;
use accordant::testing::FakeSystem;
use accordant::{Accordant, Canonical, Clock, Country, Decimal, Email, ManualClock, Money, Tenant};
use accordant_quality::check::{Bound, Check, CheckError, Relation, Rule};
use accordant_quality::score::{Cause, History, Measure};
use accordant_quality::survey::{Survey, SurveyError, Surveyed};
use futures::executor::block_on;
use serde_json::json;

/// A customer stands in two object types of the shop.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "customer", system(crm, object = "customers"))]
#[canonical(system(shop, object = "people"), system(shop as shop_account, object = "accounts"))]
struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email", shop_account = "email"))]
    email: Email,
    #[canonical(at(shop = "name", shop_account = "title"))]
    name: String,
    #[canonical(at(crm = "country"))]
    country: Option<Country>,
    #[canonical(at(crm = "total"))]
    total: Option<Decimal>,
    #[canonical(at(crm = "discount"))]
    discount: Option<Decimal>,
    #[canonical(at(crm("balance", currency = USD)))]
    balance: Option<Money>,
}

/// Its records are called as the CRM calls its customers.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "debtor", system(shop as shop_debtor, object = "customers"))]
struct Debtor {
    #[canonical(identity, at(shop_debtor = "number"))]
    number: String,
    #[canonical(at(shop_debtor = "country"))]
    country: Option<Country>,
}

struct World {
    clock: Arc<ManualClock>,
    crm: FakeSystem,
    shop: FakeSystem,
    accordant: Accordant,
    tenant: Tenant,
}

fn world() -> World {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let models = [Customer::model(), Debtor::model()];
    let [crm, shop] = ["crm", "shop"].map(|name| FakeSystem::new(name, &models, &clock));
    let checks = Checks::new().check(
        "customer",
        each("not on the list", 1, |entity, _| {
            let listed = entity.golden("name").is_some_and(|name| &*name == "Mallory");
            listed.then(|| entity.violates("name", "it is on the list"))
        }),
    );
    let builder = Accordant::builder().clock(Arc::clone(&clock)).connect(crm.clone()).connect(shop.clone());
    let accordant = builder.entity::<Customer>().entity::<Debtor>().checks(checks).build().unwrap();
    let tenant = accordant.tenant("acme");
    World { clock, crm, shop, accordant, tenant }
}

impl World {
    fn hear(&self) {
        block_on(async {
            self.tenant.poll("crm").await.unwrap();
            self.tenant.poll("shop").await.unwrap();
            while self.tenant.step().await.unwrap().more() {}
            while self.tenant.check().await.unwrap().examined > 0 {}
        });
    }

    fn surveyed(&self, survey: &Survey) -> Result<Surveyed, SurveyError> {
        let now = DateTime::from_timestamp_millis(self.clock.now()).unwrap();
        block_on(survey.of(&self.accordant, &self.tenant, now))
    }
}

fn check(name: &str, rule: Rule) -> Check {
    Check { name: name.to_owned(), rule, at_least: 1.0 }
}

fn counts(surveyed: &Surveyed, system: &str, entity: &str, check: &str) -> Vec<(u64, u64)> {
    let is = |of: &&Measure| of.system == system && of.entity == entity && of.check == check;
    surveyed.measures.iter().filter(is).map(|of| (of.good, of.of)).collect()
}

#[test]
fn several_object_types_of_a_system_are_one_measure_which_a_history_takes() {
    let world = world();
    for number in 0..3 {
        let email = format!("c{number}@example.test");
        world.shop.edit("people", &format!("p{number}"), &json!({ "email": email, "name": "Ana" }));
        world.shop.edit("accounts", &format!("a{number}"), &json!({ "email": email }));
    }
    world.hear();
    let surveyed = world.surveyed(&Survey::new()).unwrap();
    assert_eq!(counts(&surveyed, "shop", "customer", "name is there"), [(3, 6)]);
    History::default().take(1, &surveyed.measures).unwrap();
}

#[test]
fn a_check_of_golden_values_is_one_measure_whether_or_not_something_is_wrong() {
    let world = world();
    let person = |number: usize, name: &str| {
        let person = json!({ "email": format!("c{number}@example.test"), "name": name });
        world.shop.edit("people", &format!("p{number}"), &person);
    };
    (0..3).for_each(|number| person(number, "Ana"));
    let measured = || {
        // All are examined once a day.
        world.clock.advance(TimeDelta::days(2));
        world.hear();
        let surveyed = world.surveyed(&Survey::new()).unwrap();
        let golden = surveyed.measures.into_iter().filter(|of| of.system == "golden");
        let golden: Vec<_> = golden.map(|of| (of.attributes, of.good, of.of)).collect();
        let violations = surveyed.violations.into_iter().map(|of| (of.unit, of.count)).collect::<Vec<_>>();
        (golden, violations)
    };
    assert_eq!(measured(), (vec![(vec![], 3, 3)], vec![]));
    person(1, "Mallory");
    assert_eq!(measured(), (vec![(vec![], 2, 3)], vec![("name".to_owned(), 1)]));
}

#[test]
fn how_many_rows_there_are_is_told_where_there_are_none() {
    let world = world();
    let rows = check("a thousand", Rule::Rows { least: 1_000, most: None });
    let surveyed = world.surveyed(&Survey::new().ask("debtor", rows)).unwrap();
    assert_eq!(counts(&surveyed, "shop", "debtor", "a thousand"), [(0, 1)]);
    assert_eq!(surveyed.measures.len(), 1, "and nothing else is: {:?}", surveyed.measures);
}

#[test]
fn a_letter_counts_for_the_object_type_that_it_is_about_alone() {
    let world = world();
    world.shop.edit("customers", "1", &json!({ "number": "1", "country": "Atlantis" }));
    world.crm.edit("customers", "1", &json!({ "email": "ana@example.test", "country": "DE" }));
    world.hear();
    let surveyed = world.surveyed(&Survey::new()).unwrap();
    let reads = |system: &str, entity: &str| counts(&surveyed, system, entity, "country reads as its type");
    assert_eq!((reads("shop", "debtor"), reads("crm", "customer")), (vec![(0, 1)], vec![(1, 1)]));
    assert_eq!(reads("shop", "customer"), []);
}

#[test]
fn numbers_are_compared_and_what_cannot_be_is_refused_before_anything_is_read() {
    let world = world();
    for (number, (total, discount)) in [("100", "9.5"), ("9.5", "100"), ("7.25", "7.25")].into_iter().enumerate() {
        let customer = json!({ "email": format!("c{number}@example.test"), "total": total, "discount": discount });
        world.crm.edit("customers", &format!("c{number}"), &customer);
    }
    world.hear();
    let related =
        |left: &str, relation, right: &str| Rule::Related { left: left.into(), relation, right: right.into() };
    let between = |column: &str| Rule::Between { column: column.into(), least: Some(Bound::Whole(8)), most: None };
    let survey = Survey::new()
        .ask("customer", check("no more off", related("discount", Relation::AtMost, "total")))
        .ask("customer", check("worth it", between("total")));
    let surveyed = world.surveyed(&survey).unwrap();
    assert_eq!(counts(&surveyed, "crm", "customer", "no more off"), [(2, 3)]);
    assert_eq!(counts(&surveyed, "crm", "customer", "worth it"), [(2, 3)]);

    let fresh = Rule::Fresh { column: "total".into(), now: 0, within: 1 };
    for (rule, told) in [
        (between("balance"), "money"),
        (related("discount", Relation::Less, "balance"), "decimal, money"),
        (related("email", Relation::Less, "country"), "email, country"),
        (fresh, "decimal"),
    ] {
        let refused = world.surveyed(&Survey::new().ask("customer", check("it", rule))).unwrap_err();
        assert!(matches!(&refused, SurveyError::Kind { kinds, .. } if kinds == told), "{refused}");
    }
    let same = related("balance", Relation::Equal, "balance");
    assert!(matches!(world.surveyed(&Survey::new().ask("customer", check("it", same))), Err(SurveyError::Check(_))));
}

/// Whatever the tenant holds: nothing was heard of here.
#[test]
fn two_checks_of_one_name_are_refused() {
    let world = world();
    let there = |name: &str, column: &str| check(name, Rule::Present { column: column.into() });
    // No object type holds both, so that no table of records would be asked both.
    let twice = Survey::new().ask("customer", there("it", "country")).ask("customer", there("it", "name"));
    let own = Survey::new().ask("customer", there("name is there", "total"));
    let reads = Survey::new().ask("customer", there("country reads as its type", "country"));
    for survey in [twice, own, reads] {
        let refused = world.surveyed(&survey).unwrap_err();
        assert!(matches!(&refused, SurveyError::Check(CheckError::TwiceNamed { .. })), "{refused}");
    }
    let elsewhere = Survey::new().ask("customer", there("it", "country")).ask("debtor", there("it", "country"));
    assert!(world.surveyed(&elsewhere).unwrap().measures.iter().all(|of| of.cause != Cause::Missing));
}
