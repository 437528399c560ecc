//! A tenant is surveyed: each measure is known beforehand, and pages and systems add up.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "a model is declared; the engine reads it")]

use std::sync::Arc;

use accordant::check::{Budget, each};
use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::discrepancy::DiscrepancyKind;
use accordant::engine::Checks;
use accordant::model::Presence;
use accordant::testing::FakeSystem;
use accordant::value::Field;
use accordant::{Accordant, Actor, Canonical, Choice, Clock, Country, Email, Lifetime, ManualClock, Ruling, Tenant};
use accordant_quality::check::{Check, Rule};
use accordant_quality::score::{Cause, Dimension, Measure, Policy, Remedy, Scope, report};
use accordant_quality::survey::{Survey, SurveyError, Surveyed};
use accordant_quality::validate::Validator;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Customer {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm = "name", shop = "name"))]
    name: String,
    #[canonical(at(crm = "tier", shop = "tier"))]
    tier: Option<String>,
    #[canonical(at(crm = "country", shop = "country"))]
    country: Option<Country>,
    #[canonical(at(shop = "vat"))]
    vat: Option<String>,
    #[canonical(at(crm = "iban"))]
    iban: Option<String>,
    #[canonical(set, at(crm = "tags"))]
    tags: Vec<String>,
}

struct World {
    clock: Arc<ManualClock>,
    crm: FakeSystem,
    shop: FakeSystem,
    accordant: Accordant,
}

fn customer(number: usize, more: &Json) -> Json {
    let mut customer = json!({ "email": format!("c{number}@example.test"), "name": "Ana", "country": "DE" });
    customer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    customer
}

/// So many customers in both systems, alike.
fn world(customers: usize) -> World {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let mut model = Customer::model();
    model.objects[1].presence = Presence::Required;
    let [crm, shop] = ["crm", "shop"].map(|name| FakeSystem::new(name, std::slice::from_ref(&model), &clock));
    for number in 0..customers {
        crm.edit("contacts", &format!("c{number}"), &customer(number, &json!({ "tier": "gold" })));
        shop.edit("customers", &format!("s{number}"), &customer(number, &json!({ "tier": "gold", "vat": "DE1" })));
    }
    let checks = Checks::new().budget("crm", Budget::new(1_000, TimeDelta::minutes(1)).unwrap()).check(
        "customer",
        each("not on the list", 1, |entity, _| {
            let listed = entity.golden("email").is_some_and(|email| &*email == "c1@example.test");
            listed.then(|| entity.violates("email", "it is on the list"))
        }),
    );
    let accordant = Accordant::builder()
        .clock(Arc::clone(&clock))
        .connect(crm.clone())
        .connect(shop.clone())
        .entity_model(model)
        .checks(checks)
        .build()
        .unwrap();
    World { clock, crm, shop, accordant }
}

impl World {
    fn heard(&self) -> Tenant {
        let tenant = self.accordant.tenant("acme");
        block_on(async {
            tenant.poll("crm").await.unwrap();
            tenant.poll("shop").await.unwrap();
            while tenant.step().await.unwrap().more() {}
        });
        tenant
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.clock.now()).unwrap()
    }

    fn surveyed(&self, survey: &Survey, tenant: &Tenant) -> Surveyed {
        block_on(survey.of(&self.accordant, tenant, self.now())).unwrap()
    }
}

fn of<'s>(surveyed: &'s Surveyed, system: &str, check: &str, attribute: &str) -> &'s Measure {
    let is = |of: &&Measure| {
        of.system == system && of.check == check && of.attributes.first().map_or("", String::as_str) == attribute
    };
    let found: Vec<&Measure> = surveyed.measures.iter().filter(is).collect();
    assert_eq!(found.len(), 1, "{system} {check} {attribute} {surveyed:#?}");
    found[0]
}

fn counts(surveyed: &Surveyed, system: &str, check: &str, attribute: &str) -> (u64, u64) {
    let measure = of(surveyed, system, check, attribute);
    (measure.good, measure.of)
}

fn survey() -> Survey {
    let check = |name: &str, rule| Check { name: name.to_owned(), rule, at_least: 1.0 };
    let when = Rule::PresentWhen { column: "vat".into(), when: "country".into(), equals: Some("DE".into()) };
    Survey::new()
        .ask("customer", check("a number in Germany", when))
        .ask("customer", check("an account", Rule::Valid { column: "iban".into(), validator: Validator::Iban }))
}

#[test]
fn what_is_missing_malformed_doubled_stale_and_in_dispute_is_measured_where_it_is() {
    let world = world(6);
    // Completeness: a required name, a number that Germany asks for and France does not, a record that the shop is to have.
    world.shop.edit("customers", "s0", &json!({ "name": null }));
    world.shop.edit("customers", "s1", &json!({ "vat": null }));
    world.shop.edit("customers", "s2", &json!({ "vat": null, "country": "FR" }));
    world.crm.edit("contacts", "c2", &json!({ "country": "FR" }));
    world.crm.edit("contacts", "c6", &customer(6, &json!({})));
    // Validity: by the model's type, and by a validator.
    world.crm.edit("contacts", "c3", &json!({ "country": "Atlantis" }));
    world.crm.edit("contacts", "c4", &json!({ "iban": "GB82 WEST 1234 5698 7654 32" }));
    world.crm.edit("contacts", "c5", &json!({ "iban": "GB82 WEST 1234 5698 7654 33" }));
    // Uniqueness: the shop has one of them twice.
    world.shop.edit("customers", "again", &customer(4, &json!({ "tier": "gold", "vat": "DE1" })));
    // Consistency: two systems that never agreed.
    world.crm.edit("contacts", "c5", &json!({ "tier": "basic" }));
    let tenant = world.heard();
    let surveyed = world.surveyed(&survey(), &tenant);
    assert_eq!(surveyed.entities, 7);

    assert_eq!(counts(&surveyed, "shop", "name is there", "name"), (5, 6));
    assert_eq!(counts(&surveyed, "crm", "name is there", "name"), (7, 7));
    assert_eq!(counts(&surveyed, "shop", "a number in Germany", "vat"), (4, 5));
    assert_eq!(of(&surveyed, "shop", "a number in Germany", "vat").attributes, ["vat"], "not of the country");
    assert_eq!(counts(&surveyed, "shop", "a record is there", ""), (6, 7));

    assert_eq!(counts(&surveyed, "crm", "country reads as its type", "country"), (6, 7));
    assert_eq!(counts(&surveyed, "shop", "country reads as its type", "country"), (6, 6));
    assert_eq!(counts(&surveyed, "crm", "an account", "iban"), (1, 2));

    assert_eq!(counts(&surveyed, "shop", "one record for an entity", ""), (6, 7));
    assert_eq!(counts(&surveyed, "crm", "one record for an entity", ""), (7, 7));

    let agrees: Vec<_> =
        ["crm", "shop"].iter().map(|system| counts(&surveyed, system, "agrees with golden", "tier")).collect();
    let wrong: u64 = agrees.iter().map(|(good, of)| of - good).sum();
    assert!(wrong >= 1 && agrees.iter().all(|(_, of)| *of >= 6), "{agrees:?}");
    let kinds: Vec<_> = surveyed.disagreements.iter().filter(|of| of.attributes == ["tier"]).collect();
    assert_eq!(kinds.iter().map(|of| of.count).sum::<u64>(), wrong, "{kinds:?}");
    assert!(kinds.iter().any(|of| of.kind == DiscrepancyKind::HardConflictNoBase), "{kinds:?}");

    assert_eq!(counts(&surveyed, "crm", "verified lately", ""), (0, 7), "nothing was verified yet");

    // What follows names the real system, attribute, count and remedy.
    let report = report(&surveyed.measures, &Policy::default()).unwrap();
    let told: Vec<String> = report.recommendations.iter().map(ToString::to_string).collect();
    let expected =
        "shop, customer, name: 1 of 6 fail \"name is there\": fill in what is missing, or make the system ask for it";
    assert!(told.iter().any(|told| told == expected), "{told:#?}");
    assert!(report.scores.iter().any(|score| score.scope == Scope::System("crm".into())));
    assert!(!told.iter().any(|told| told.contains("Atlantis") || told.contains("GB82") || told.contains("@")));
}

#[test]
fn verified_is_what_checks_verified_lately() {
    let world = world(3);
    let tenant = world.heard();
    // The first round comes to know the records, and none is due yet.
    block_on(tenant.check()).unwrap();
    world.clock.advance(TimeDelta::days(8));
    while block_on(tenant.check()).unwrap().verified > 0 {}
    assert_eq!(counts(&world.surveyed(&Survey::new(), &tenant), "crm", "verified lately", ""), (3, 3));
    world.clock.advance(TimeDelta::hours(2));
    let strict = Survey::new().verified_within(TimeDelta::hours(1));
    let surveyed = world.surveyed(&strict, &tenant);
    assert_eq!(counts(&surveyed, "crm", "verified lately", ""), (0, 3));
    assert_eq!(of(&surveyed, "crm", "verified lately", "").cause, Cause::Stale);
}

#[test]
fn accuracy_is_what_people_decided_and_checks_found() {
    let world = world(3);
    world.crm.edit("contacts", "c0", &json!({ "tier": "basic" }));
    let tenant = world.heard();
    let id = block_on(tenant.find_erased("customer", "email", "c0@example.test")).unwrap()[0];
    let before = world.surveyed(&Survey::new(), &tenant);
    assert!(before.measures.iter().all(|measure| measure.cause != Cause::Wrong), "no evidence, no accuracy");
    let ruling = Ruling {
        choice: Choice::Value(Field::Value("gold".into())),
        by: Actor::new("mia"),
        reason: "the contract says so".into(),
        lifetime: Lifetime::Pinned,
    };
    block_on(tenant.rule(id, "tier", ruling)).unwrap();
    while block_on(tenant.check()).unwrap().examined > 0 {}
    let surveyed = world.surveyed(&Survey::new(), &tenant);
    assert_eq!(counts(&surveyed, "crm", "what people decided", "tier"), (0, 1));
    assert_eq!(counts(&surveyed, "shop", "what people decided", "tier"), (1, 1));
    assert_eq!(counts(&surveyed, "golden", "not on the list", ""), (2, 3));
    let report = report(&surveyed.measures, &Policy::default()).unwrap();
    let tier = report.scores.iter().find(|score| score.scope == Scope::Attribute("customer".into(), "tier".into()));
    let accuracy = &tier.unwrap().parts[&Dimension::Accuracy];
    assert_eq!((accuracy.good, accuracy.of), (1, 2));
    let verify = report.recommendations.iter().find(|of| of.remedy == Remedy::Verify && of.system == "crm").unwrap();
    assert_eq!((verify.attributes.as_slice(), verify.affected), (["tier".to_owned()].as_slice(), 1));
}

/// More than two pages of entities, and keys beyond what memory is given, come to what was put in.
#[test]
fn pages_add_up_and_keys_are_exact_beyond_memory() {
    let world = world(450);
    world.shop.edit("customers", "s7", &json!({ "vat": "DE7" }));
    let tenant = world.heard();
    let unique = Rule::Unique { columns: vec!["vat".into()] };
    let unique = Check { name: "one customer a number".into(), rule: unique, at_least: 1.0 };
    let email = Rule::Unique { columns: vec!["email".into()] };
    let email = Check { name: "one customer an address".into(), rule: email, at_least: 1.0 };
    let settings = accordant_quality::check::Settings { memory: 4 << 10, ..Default::default() };
    let survey = Survey::new().ask("customer", unique).ask("customer", email).settings(settings);
    let surveyed = world.surveyed(&survey, &tenant);
    assert_eq!(surveyed.entities, 450);
    assert_eq!(counts(&surveyed, "shop", "one customer a number", "vat"), (2, 450));
    assert_eq!(counts(&surveyed, "crm", "one customer an address", "email"), (450, 450));
    assert_eq!(counts(&surveyed, "shop", "email is there", "email"), (450, 450));
    assert_eq!(world.surveyed(&survey, &tenant), surveyed, "the same again");
    let sorted = surveyed.measures.windows(2).all(|pair| pair[0].system <= pair[1].system);
    assert!(sorted, "{surveyed:#?}");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_read() {
    let world = world(1);
    let tenant = world.accordant.tenant("acme");
    let refused = |survey: Survey| block_on(survey.of(&world.accordant, &tenant, world.now())).unwrap_err();
    let present =
        |column: &str| Check { name: "it".into(), rule: Rule::Present { column: column.into() }, at_least: 1.0 };
    assert!(matches!(refused(Survey::new().only("order")), SurveyError::UnknownEntityType { .. }));
    assert!(matches!(refused(Survey::new().ask("order", present("email"))), SurveyError::UnknownEntityType { .. }));
    for column in ["mail", "tags"] {
        let error = refused(Survey::new().ask("customer", present(column)));
        assert!(matches!(&error, SurveyError::NoColumn { attribute, .. } if attribute == column), "{error}");
    }
    for share in [f64::NAN, -0.1, 1.1] {
        let error = refused(Survey::new().at_least(Dimension::Validity, share));
        assert!(matches!(error, SurveyError::Threshold { .. }), "{error}");
        let asked = refused(Survey::new().ask("customer", Check { at_least: share, ..present("email") }));
        assert!(matches!(asked, SurveyError::Check(_)), "{asked}");
    }
    for age in [TimeDelta::zero(), TimeDelta::days(-1)] {
        assert!(matches!(refused(Survey::new().verified_within(age)), SurveyError::Age));
    }
    let empty = block_on(Survey::new().of(&world.accordant, &tenant, world.now())).unwrap();
    assert_eq!((empty.entities, empty.measures.len()), (0, 0));
}
