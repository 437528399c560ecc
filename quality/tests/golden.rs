//! Checks of golden values in an engine: what is missing or invalid is a case, and counted by attribute.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "a model is declared; the engine reads it")]

use std::sync::Arc;

use accordant::check::Dimension;
use accordant::engine::{CaseKind, Checks};
use accordant::testing::FakeSystem;
use accordant::{Accordant, Canonical, ManualClock};
use accordant_quality::golden::{Complete, Valid};
use accordant_quality::validate::Validator;
use futures::executor::block_on;
use serde_json::json;

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "supplier", system(erp, object = "vendors"))]
struct Supplier {
    #[canonical(identity, at(erp = "name"))]
    name: String,
    #[canonical(at(erp = "iban"))]
    iban: Option<String>,
}

#[test]
fn what_is_missing_or_invalid_in_golden_is_a_case_and_counted_by_attribute() {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let erp = FakeSystem::new("erp", &[Supplier::model()], &clock);
    erp.edit("vendors", "1", &json!({ "name": "Acme", "iban": "GB82 WEST 1234 5698 7654 32" }));
    erp.edit("vendors", "2", &json!({ "name": "Umbrella", "iban": "GB82 WEST 1234 5698 7654 33" }));
    erp.edit("vendors", "3", &json!({ "name": "Initech" }));
    let checks = Checks::new().check_of::<Supplier>(Complete::of(["name", "iban"]));
    let checks = checks.check_of::<Supplier>(Valid::of("iban", Validator::Iban));
    let accordant = Accordant::builder().clock(clock).connect(erp).entity::<Supplier>().checks(checks).build().unwrap();
    let tenant = accordant.tenant("acme");
    block_on(tenant.poll("erp")).unwrap();
    assert_eq!(block_on(tenant.check()).unwrap().violating, 2);
    let cases = block_on(tenant.cases(None, 10)).unwrap();
    let mut found: Vec<String> =
        cases.iter().filter(|case| case.kind == CaseKind::Violation).map(|case| case.reason.to_string()).collect();
    found.sort();
    assert_eq!(
        found,
        ["\"complete\": iban is missing", "\"valid iban\": iban is not valid: its check digits are wrong"]
    );
    let results = block_on(tenant.check_results()).unwrap();
    let counts: Vec<(&str, u64, u64)> =
        results.iter().map(|result| (result.check.as_str(), result.examined, result.units["iban"])).collect();
    assert_eq!(counts, [("complete", 3, 1), ("valid iban", 3, 1)]);
    assert!(results.iter().all(|result| result.dimension == Dimension::Quality));
}

#[test]
fn an_attribute_that_is_not_there_is_a_mistake() {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let erp = FakeSystem::new("erp", &[Supplier::model()], &clock);
    let checks = Checks::new().check_of::<Supplier>(Valid::of("ibna", Validator::Iban));
    let built = Accordant::builder().connect(erp).entity::<Supplier>().checks(checks).build();
    let error = built.map(drop).unwrap_err().to_string();
    assert!(
        error.contains("check \"valid ibna\" of `supplier` looks at `supplier.ibna`, which does not exist"),
        "{error}"
    );
}
