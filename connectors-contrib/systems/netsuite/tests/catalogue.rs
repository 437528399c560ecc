//! The contract check by an exported catalogue: the quickstart's model, and what becomes of it when the account differs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::connector::ConnectorErrorKind;
use accordant::schema::{Contract, Mismatches};
use accordant_netsuite::Settings;
use accordant_rehearsal::models;
use serde_json::{Value, json};

const CUSTOMER: &str = include_str!("exports/customer.json");

fn settings() -> Settings {
    Settings::new("https://1234.suitetalk.api.netsuite.com", chrono_tz::America::Phoenix).maps(&models())
}

/// The mismatches of the quickstart's customers with a catalogue.
fn check(catalogue: &Value) -> Mismatches {
    let described = settings().described("customer", catalogue.to_string().as_bytes()).unwrap();
    Contract::of(&models()).describes("netsuite", [described]).mismatches()
}

/// The exported catalogue, with the record otherwise.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut catalogue: Value = serde_json::from_str(CUSTOMER).unwrap();
    change(&mut catalogue["components"]["schemas"]["customer"]);
    catalogue
}

fn told(found: &Mismatches) -> Vec<String> {
    found.found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_model_that_fits_its_account_has_no_mismatch_in_either_form_of_the_catalogue() {
    let openapi: Value = serde_json::from_str(CUSTOMER).unwrap();
    check(&openapi).require_none();
    check(&openapi["components"]["schemas"]["customer"]).require_none();
}

#[test]
fn each_difference_is_told_with_the_column_and_what_is_wrong() {
    let cases: [(&dyn Fn(&mut Value), &str); 7] = [
        (
            &|record| drop(record["properties"].as_object_mut().unwrap().remove("mobilePhone")),
            "mobilephone: there is none, or it is not seen",
        ),
        (&|record| record["properties"]["email"]["readOnly"] = true.into(), "email: it is written, and is read-only"),
        (
            &|record| record["properties"]["balance"] = json!({ "type": "boolean", "readOnly": true }),
            "balance: it holds yes or no, and the attribute is of type money",
        ),
        (
            &|record| record["properties"]["email"]["maxLength"] = 12.into(),
            "email: 12 characters fit, and there may be 19",
        ),
        (
            &|record| {
                record["properties"]["entityStatus"] =
                    json!({ "type": "string", "enum": ["LEAD-Qualified", "CUSTOMER-Closed Won"] })
            },
            "entitystatus: it has no option CUSTOMER-Lost Customer",
        ),
        (
            &|record| {
                record["properties"]["subsidiary"] = json!({ "type": "string" });
                record["required"] = json!(["subsidiary"]);
            },
            "subsidiary: no record is made without it, and nothing is mapped to it",
        ),
        (
            &|record| record["required"] = json!(["companyName"]),
            "companyname: no record is made without it, and the attribute may lack",
        ),
    ];
    for (change, expected) in cases {
        let found = check(&with(change));
        assert_eq!(told(&found), [format!("netsuite/customer {expected}")], "{found}");
    }
}

#[test]
fn what_is_no_catalogue_of_the_record_is_an_error() {
    for export in ["", "{}", "{\"components\":{\"schemas\":{\"vendor\":{\"properties\":{}}}}}"] {
        let error = settings().described("customer", export.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ConnectorErrorKind::Malformed);
    }
}
