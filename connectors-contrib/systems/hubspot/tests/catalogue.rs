//! The contract check by an exported list of properties: the quickstart's model, and what becomes of it when the list differs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::connector::ConnectorErrorKind;
use accordant::schema::{Contract, Mismatches};
use accordant_hubspot::Settings;
use accordant_rehearsal::models;
use serde_json::{Value, json};

const CONTACTS: &str = include_str!("exports/contacts.json");

/// The mismatches of the quickstart's contacts with a list of properties.
fn check(catalogue: &Value) -> Mismatches {
    let described = Settings::new(1).described("contacts", catalogue.to_string().as_bytes()).unwrap();
    Contract::of(&models()).describes("hubspot", [described]).mismatches()
}

/// The exported list, with one property otherwise.
fn with(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut catalogue: Value = serde_json::from_str(CONTACTS).unwrap();
    let properties = catalogue["results"].as_array_mut().unwrap();
    change(properties.iter_mut().find(|property| property["name"] == name).unwrap());
    catalogue
}

fn told(found: &Mismatches) -> Vec<String> {
    found.found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_model_that_fits_its_account_has_no_mismatch() {
    check(&serde_json::from_str(CONTACTS).unwrap()).require_none();
}

#[test]
fn each_difference_is_told_with_the_property_and_what_is_wrong() {
    let cases: [(&str, &dyn Fn(&mut Value), &str); 6] = [
        (
            "phone",
            &|property| property["name"] = "phone_work".into(),
            "properties.phone: there is none, or it is not seen",
        ),
        (
            "firstname",
            &|property| property["modificationMetadata"] = json!({ "readOnlyValue": true }),
            "properties.firstname: it is written, and is read-only",
        ),
        (
            "company",
            &|property| property["calculated"] = true.into(),
            "properties.company: it is written, and is read-only",
        ),
        (
            "balance",
            &|property| property["type"] = "bool".into(),
            "properties.balance: it holds yes or no, and the attribute is of type money",
        ),
        (
            "customer_status",
            &|property| drop(property["options"].as_array_mut().unwrap().remove(0)),
            "properties.customer_status: it has no option lead",
        ),
        (
            "customer_status",
            &|property| property["options"].as_array_mut().unwrap().push(json!({ "value": "partner" })),
            "properties.customer_status: nothing is made of its option partner",
        ),
    ];
    for (name, change, expected) in cases {
        let found = check(&with(name, change));
        assert_eq!(told(&found), [format!("hubspot/contacts {expected}")], "{found}");
    }
}

#[test]
fn what_is_no_list_of_properties_is_an_error_and_nothing_is_quoted_of_it() {
    for export in ["", "{}", "[\"ana@acme.test\"]", "<html>"] {
        let error = Settings::new(1).described("contacts", export.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ConnectorErrorKind::Malformed);
        assert!(!error.to_string().contains("ana@"), "{error}");
    }
}
