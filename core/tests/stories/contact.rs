//! First contact: systems that have never been compared.

use accordant::DiscrepancyKind::{HardConflictNoBase, SoftDriftUnauthorized, Unfilled};
use accordant::settle::Choice;
use accordant::testing::Story;
use serde_json::json;

use crate::model::{Customer, ana};

#[test]
fn equal_values_agree_at_once() {
    ana()
        .expect(Customer::EMAIL, "ana@acme.test")
        .expect(Customer::PHONE, "1")
        .expect(Customer::BALANCE, "100 USD")
        .expect(Customer::ZIP, "1")
        .expect(Customer::GREETING, "Acme")
        .expect_elements(Customer::TAGS, &["a"])
        .expect_entities(1)
        .expect_bootstrap_plan("");
}

#[test]
fn a_value_that_one_system_has_fills_the_others() {
    Story::of::<Customer>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test" }))
        .says("netsuite", "7", json!({ "email": "Ana@acme.test" }))
        .expect(Customer::PHONE, "1")
        .expect_discrepancy(Unfilled, "phone")
        .expect_quiet()
        .expect_bootstrap_plan(
            r#"
            netsuite/customer/7 phone: (none) -> "1" (fills a value at first contact)
            shop/customers/9 phone: (none) -> "1" (fills a value at first contact)
            "#,
        )
        .bootstrap()
        .expect_in("netsuite", "7", "phone", json!("1"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn values_that_differ_without_a_common_ancestor_wait_for_a_person() {
    Story::of::<Customer>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "2" }))
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "phone": "1" }))
        .expect(Customer::PHONE, "1")
        .expect_discrepancy(HardConflictNoBase, "phone")
        .expect_quiet()
        .expect_bootstrap_plan("")
        .decides("ana", Customer::PHONE, Choice::Take("shop".into()))
        .expect(Customer::PHONE, "2")
        .expect_plan(
            r#"
            crm/contacts/101 phone: "1" -> "2" (propagates the golden value)
            netsuite/customer/7 phone: "1" -> "2" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn the_owner_replaces_an_observers_value_under_the_plan_of_first_contact() {
    Story::of::<Customer>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "balance": "1" }))
        .expect_missing(Customer::BALANCE)
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "balance": "2" }))
        .expect(Customer::BALANCE, "2 USD")
        .expect_discrepancy(SoftDriftUnauthorized, "balance")
        .expect_quiet()
        .bootstrap()
        .expect_in("crm", "101", "balance", json!("2.00"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_owners_new_record_is_never_behind_golden() {
    let story = ana()
        .says("netsuite", "7", json!({ "title": "Mr" }))
        .apply()
        .expect_in("crm", "101", "title", json!("Mr"))
        .says("netsuite", "7", json!({ "title": "Dr" }))
        .apply()
        // The CRM is given titles once only, and still holds what was golden.
        .expect_in("crm", "101", "title", json!("Mr"));
    // NetSuite's people make her a second record, of the former title, and merge the first into it.
    let story = story
        .says("netsuite", "8", json!({ "email": "ana@acme.test", "title": "Mr" }))
        .merges("netsuite", "8", "7")
        .polls("netsuite")
        .expect_discrepancy(HardConflictNoBase, "title");
    story
        .decides("ana", Customer::TITLE, Choice::Take("netsuite".into()))
        .apply()
        .expect(Customer::TITLE, "Mr")
        .expect_in("shop", "9", "title", json!("Mr"))
        .expect_quiet();
}

/// A record that came empty has not agreed with golden either, whether or not anybody read it before it said something.
#[test]
fn an_owners_new_record_that_came_empty_is_asked_about_once_it_says_something() {
    let story = ana()
        .says("netsuite", "7", json!({ "title": "Mr" }))
        .apply()
        .expect_in("shop", "9", "title", json!("Mr"))
        // NetSuite, which owns existence, holds her twice until the first of the two is gone.
        .says("netsuite", "8", json!({ "email": "ana@acme.test" }))
        .deletes("netsuite", "7")
        .expect(Customer::TITLE, "Mr")
        .says("netsuite", "8", json!({ "title": "Dr" }))
        .expect(Customer::TITLE, "Mr")
        .expect_discrepancy(HardConflictNoBase, "title");
    story
        .decides("ana", Customer::TITLE, Choice::Take("netsuite".into()))
        .apply()
        .expect(Customer::TITLE, "Dr")
        .expect_in("shop", "9", "title", json!("Dr"));
}

#[test]
fn who_agreed_on_the_way_is_behind_and_who_was_never_seen_to_agree_is_asked() {
    let said = |phone: &str| json!({ "email": "ana@acme.test", "phone": phone });
    // NetSuite was heard while golden was what it says: it agreed, and follows.
    Story::of::<Customer>()
        .says("crm", "101", said("1"))
        .says("netsuite", "7", said("1"))
        .says("crm", "101", said("2"))
        .expect_plan(
            r#"
            netsuite/customer/7 phone: "1" -> "2" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
    // The same words, and NetSuite's heard last: nobody has seen the two agree.
    Story::of::<Customer>()
        .says("crm", "101", said("1"))
        .says("crm", "101", said("2"))
        .says("netsuite", "7", said("1"))
        .expect(Customer::PHONE, "2")
        .expect_discrepancy(HardConflictNoBase, "phone")
        .expect_quiet();
}
