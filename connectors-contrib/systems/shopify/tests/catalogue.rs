//! The contract check by an exported schema: the quickstart's model, and what becomes of it when the interface differs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::connector::ConnectorErrorKind;
use accordant::schema::{Contract, Mismatches, ObjectSchema};
use accordant_rehearsal::models;
use accordant_shopify::Settings;
use serde_json::{Value, json};

const SHOP: &str = include_str!("exports/shop.graphql");

fn described(schema: &str) -> Vec<ObjectSchema> {
    let settings = Settings::new("acme.myshopify.com").maps(&models());
    ["customers", "orders"].map(|object| settings.described(object, schema.as_bytes()).unwrap()).into()
}

fn check(schema: &str) -> Mismatches {
    Contract::of(&models()).describes("shopify", described(schema)).mismatches()
}

fn told(found: &Mismatches) -> Vec<String> {
    found.found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_model_that_fits_its_shop_has_no_mismatch() {
    let found = check(SHOP);
    assert_eq!((told(&found), found.compared), (vec![], 2), "{found}");
}

#[test]
fn each_difference_is_told_with_the_path_and_what_is_wrong() {
    let cases = [
        ("  zip: String\n}\n\nenum", "}\n\nenum", "customers defaultAddress.zip: there is none, or it is not seen"),
        (
            "  firstName: String\n  lastName: String\n  note",
            "  lastName: String\n  note",
            "customers firstName: it is written, and is read-only",
        ),
        (
            "  lastName: String\n  defaultEmail",
            "  lastName: Boolean\n  defaultEmail",
            "customers lastName: it holds yes or no, and may refuse what is written of type text",
        ),
        (
            "  FULFILLED\n}",
            "  FULFILLED\n  RESTOCKED\n}",
            "orders displayFulfillmentStatus: nothing is made of its option RESTOCKED",
        ),
        (
            "  email: String\n  phone: String\n",
            "  email: String\n  phone: String!\n",
            "customers defaultPhoneNumber.phoneNumber: no record is made without it, and the attribute may lack",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(SHOP.matches(from).count(), 1, "{from}");
        let found = check(&SHOP.replace(from, to));
        assert_eq!(told(&found), [format!("shopify/{expected}")], "{found}");
    }
}

/// The answer of an introspection query says the same as a document.
#[test]
fn an_introspection_is_read_as_a_document_is() {
    let named = |kind: &str, name: &str| json!({ "kind": kind, "name": name, "ofType": null });
    let never_null = |of: Value| json!({ "kind": "NON_NULL", "name": null, "ofType": of });
    let field = |name: &str, of: Value| json!({ "name": name, "type": of, "args": [] });
    let text = || named("SCALAR", "String");
    let types = json!([
        { "kind": "OBJECT", "name": "Customer", "fields": [
            field("firstName", text()), field("lastName", text()), field("defaultEmailAddress", named("OBJECT", "CustomerEmailAddress")),
            field("defaultPhoneNumber", named("OBJECT", "CustomerPhoneNumber")), field("defaultAddress", named("OBJECT", "MailingAddress")),
        ] },
        { "kind": "OBJECT", "name": "CustomerEmailAddress", "fields": [field("emailAddress", never_null(text()))] },
        { "kind": "OBJECT", "name": "CustomerPhoneNumber", "fields": [field("phoneNumber", never_null(text()))] },
        { "kind": "OBJECT", "name": "MailingAddress", "fields": [
            field("address1", text()), field("city", text()), field("company", text()), field("countryCodeV2", named("ENUM", "CountryCode")),
            field("provinceCode", text()), field("zip", text()),
        ] },
        { "kind": "ENUM", "name": "CountryCode", "enumValues": [{ "name": "DE" }, { "name": "US" }] },
        { "kind": "INPUT_OBJECT", "name": "CustomerInput", "inputFields": [
            { "name": "email", "type": text(), "defaultValue": null }, { "name": "phone", "type": text(), "defaultValue": null },
            { "name": "firstName", "type": text(), "defaultValue": null }, { "name": "lastName", "type": text(), "defaultValue": null },
        ] },
        { "kind": "INPUT_OBJECT", "name": "MailingAddressInput", "inputFields": [
            { "name": "address1", "type": text() }, { "name": "city", "type": text() }, { "name": "company", "type": text() },
            { "name": "countryCode", "type": named("ENUM", "CountryCode") }, { "name": "provinceCode", "type": text() },
            { "name": "zip", "type": text() },
        ] },
        { "kind": "SCALAR", "name": "String" },
    ]);
    let settings = Settings::new("acme.myshopify.com").maps(&models());
    for answer in [json!({ "data": { "__schema": { "types": types } } }), json!({ "__schema": { "types": types } })] {
        let described = settings.described("customers", answer.to_string().as_bytes()).unwrap();
        assert_eq!(described, self::described(SHOP)[0]);
    }
}

#[test]
fn what_is_no_schema_is_an_error() {
    let settings = Settings::new("acme.myshopify.com").maps(&models());
    for schema in ["", "{}", "type Product { id: ID }", "{\"data\":{\"__schema\":{\"types\":1}}}"] {
        let error = settings.described("customers", schema.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ConnectorErrorKind::Malformed, "{schema}");
    }
}

/// A path into a list of a list is never asked for: whatever the schema has there, it is missing.
#[test]
fn a_path_that_is_never_asked_for_is_missing_from_the_contract() {
    let schema = "type Order { id: ID! note: String lines: Lines! } type Lines { nodes: [Line!]! } \
         type Line { sku: String taxes: Taxes! } type Taxes { nodes: [Tax!]! } type Tax { title: String }";
    let mut settings = Settings::new("acme.myshopify.com");
    let mut orders = accordant_shopify::Object::new("orders");
    let paths = ["note", "lines.nodes.sku", "lines.nodes.taxes.nodes.title"].map(accordant::model::Path::new);
    orders.paths.extend(paths.clone());
    settings.objects.insert("orders".into(), orders);
    let described = settings.described("orders", schema.as_bytes()).unwrap();
    assert_eq!(paths.map(|path| described.find(&path).is_some()), [true, true, false]);
}
