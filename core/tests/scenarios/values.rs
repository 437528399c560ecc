//! G13, G16 and G17: what is no value, what is many, and what belongs together.

use accordant::DiscrepancyKind::{SoftDriftAuthoritative, SoftDriftUnauthorized};
use accordant::chrono::TimeDelta;
use serde_json::json;

use crate::model::{Customer, ana};

/// The owner's clear goes everywhere.
#[test]
fn g13_a_clear_by_the_owner_is_a_change() {
    ana()
        .says("netsuite", "7", json!({ "balance": null }))
        .expect_missing(Customer::BALANCE)
        .apply()
        .expect_in("crm", "101", "balance", json!(null))
        .expect_in("shop", "9", "credit", json!({ "balance": null }))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Somebody else's is held: the value stays, and what was cleared is neither refilled nor spread.
#[test]
fn g13_a_clear_by_a_co_owner_is_held() {
    ana()
        .says("crm", "101", json!({ "phone": "" }))
        .expect(Customer::PHONE, "1")
        .expect_discrepancy(SoftDriftAuthoritative, "phone")
        .expect_quiet()
        .expect_in("shop", "9", "phone", json!("1"))
        .expect_in("netsuite", "7", "phone", json!("1"));
}

/// A weak mapping fills what never was there, and never what somebody cleared.
#[test]
fn g13_weak_fills_once_and_never_refills() {
    ana()
        .says("netsuite", "7", json!({ "title": "Dr" }))
        .apply()
        .expect_in("crm", "101", "title", json!("Dr"))
        .says("crm", "101", json!({ "title": null }))
        .expect_discrepancy(SoftDriftUnauthorized, "title")
        .says("netsuite", "7", json!({ "title": "Prof" }))
        .apply()
        .expect_in("crm", "101", "title", json!(null))
        .expect_in("shop", "9", "title", json!("Prof"))
        .expect_quiet();
}

/// An element is a unit: added where it was missed, removed where it came from, and the other system's own stay.
#[test]
fn g16_an_element_leaves_with_whom_it_came_from_and_takes_nothing_along() {
    ana()
        .says("crm", "101", json!({ "tags": "a;vip" }))
        .later(TimeDelta::minutes(1))
        .says("shop", "9", json!({ "tags": ["a", "news"] }))
        .apply()
        .expect_elements(Customer::TAGS, &["a", "news", "vip"])
        .expect_in("netsuite", "7", "tags", json!(["a", "news", "vip"]))
        .later(TimeDelta::minutes(1))
        .says("crm", "101", json!({ "tags": "a;news" }))
        .apply()
        .expect_elements(Customer::TAGS, &["a", "news"])
        .expect_in("shop", "9", "tags", json!(["a", "news"]))
        .expect_in("netsuite", "7", "tags", json!(["a", "news"]))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// The order of a set is no change, and two systems that add at once lose nothing.
#[test]
fn g16_a_set_has_no_order_and_loses_no_addition() {
    ana()
        .says("crm", "101", json!({ "tags": "b;a" }))
        .says("shop", "9", json!({ "tags": ["c", "a"] }))
        .says("netsuite", "7", json!({ "tags": ["a"] }))
        .expect_elements(Customer::TAGS, &["a", "b", "c"])
        .apply()
        .expect_in("crm", "101", "tags", json!("a;b;c"))
        .expect_in("netsuite", "7", "tags", json!(["a", "b", "c"]))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Lines are told apart by their key: one that changes is one write, wherever it stands.
#[test]
fn g16_lines_are_told_apart_by_their_key() {
    ana()
        .says("shop", "9", json!({ "lines": [{ "sku": "S1", "quantity": "1" }, { "sku": "S2", "quantity": "5" }] }))
        .apply()
        .says("netsuite", "7", json!({ "lines": [{ "item": "S2", "qty": "6" }, { "item": "S1", "qty": "1" }] }))
        .expect_unit::<Customer>("lines[S2]", r#"["S2","6"]"#)
        .expect_unit::<Customer>("lines[S1]", r#"["S1","1"]"#)
        .apply()
        .expect_in("shop", "9", "lines", json!([{ "sku": "S1", "quantity": "1" }, { "sku": "S2", "quantity": "6" }]))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Street and postal code go together: whoever moved last is right about both, though each alone was once later.
#[test]
fn g17_an_address_never_mixes_two_systems() {
    ana()
        .says("shop", "9", json!({ "defaultAddress": { "street": "B St" } }))
        .later(TimeDelta::minutes(5))
        .says("netsuite", "7", json!({ "zip": "2" }))
        .expect(Customer::STREET, "A St")
        .expect(Customer::ZIP, "2")
        .apply()
        .expect_in("crm", "101", "street", json!("A St"))
        .expect_in("crm", "101", "zip", json!("2"))
        .expect_in("shop", "9", "defaultAddress", json!({ "company": "Acme", "street": "A St", "zip": "2" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A derived value is computed, never merged: an edit of it is undone, an edit of what it comes from is followed.
#[test]
fn g17_a_derived_value_follows_what_it_is_derived_from() {
    ana()
        .says("netsuite", "7", json!({ "companyname": "Globex", "title": "Dr" }))
        .expect(Customer::GREETING, "Dr of Globex")
        .apply()
        .expect_in("crm", "101", "greeting", json!("Dr of Globex"))
        .says("crm", "101", json!({ "greeting": "Hello" }))
        .expect(Customer::GREETING, "Dr of Globex")
        .expect_discrepancy(SoftDriftUnauthorized, "greeting");
}
