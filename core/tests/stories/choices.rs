//! What a person chooses takes effect, whichever side it is on.

use accordant::DiscrepancyKind::{HardConflict, HardConflictNoBase, Unfilled};
use accordant::Lifetime::Once;
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::value::Field;
use accordant::{Canonical, Email};
use serde_json::json;

use crate::model::{Customer, ana};

/// The CRM and the shop have met for the first time, and contradict one another.
fn first_contact() -> Story {
    Story::of::<Customer>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "2" }))
        .expect(Customer::PHONE, "1")
        .expect_discrepancy(HardConflictNoBase, "phone")
        .expect_quiet()
}

#[test]
fn at_first_contact_a_choice_for_golden_is_owed_to_whoever_contradicts() {
    for choice in [Choice::Keep, Choice::Take("crm".into()), Choice::Value(Field::value("1"))] {
        first_contact()
            .decides("mia", Customer::PHONE, choice)
            .expect(Customer::PHONE, "1")
            .expect_plan(r#"shop/customers/9 phone: "2" -> "1" (propagates the golden value)"#)
            .apply()
            .expect_in("shop", "9", "phone", json!("1"))
            .expect_no_discrepancy()
            .expect_quiet();
    }
}

#[test]
fn at_first_contact_a_third_value_is_owed_to_both() {
    first_contact()
        .decides("mia", Customer::PHONE, Choice::Value(Field::value("3")))
        .apply()
        .expect_in("crm", "101", "phone", json!("3"))
        .expect_in("shop", "9", "phone", json!("3"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn what_lost_a_choice_is_heard_again_when_it_moves() {
    // Before it was told of golden, what it says next contradicts as before.
    first_contact()
        .decides_for("mia", Customer::PHONE, Choice::Keep, Once)
        .says("shop", "9", json!({ "phone": "5" }))
        .expect(Customer::PHONE, "1")
        .expect_discrepancy(HardConflict, "phone")
        .expect_quiet();
    // Once it holds golden, it moves golden.
    first_contact()
        .decides_for("mia", Customer::PHONE, Choice::Keep, Once)
        .apply()
        .says("shop", "9", json!({ "phone": "5" }))
        .expect(Customer::PHONE, "5")
        .apply()
        .expect_in("crm", "101", "phone", json!("5"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn of_a_systems_records_the_one_that_lives_is_taken() {
    ana()
        .says("shop", "10", json!({ "email": "ana@acme.test", "phone": "1" }))
        .merges("shop", "10", "9")
        .tells("shop", "9")
        .says("crm", "101", json!({ "phone": "2" }))
        .says("shop", "10", json!({ "phone": "3" }))
        .decides("mia", Customer::PHONE, Choice::Take("shop".into()))
        .expect(Customer::PHONE, "3");
}

#[test]
fn what_is_decided_once_asks_the_owner_until_it_followed() {
    ana()
        .decides_for("mia", Customer::BALANCE, Choice::Value(Field::value("500.00 USD")), Once)
        .expect_plan(
            r#"
            netsuite/customer/7 balance: "100.00 USD" -> "500.00 USD" (a person decided it; the owner is asked to follow)
            "#,
        )
        .apply()
        .apply()
        .expect(Customer::BALANCE, "500 USD")
        .expect_in("crm", "101", "balance", json!("500.00"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn what_we_wrote_there_ourselves_reopens_no_decision() {
    Story::of::<Customer>()
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test" }))
        .bootstrap()
        .expect_in("shop", "9", "phone", json!("1"))
        .says("crm", "101", json!({ "phone": "2" }))
        .says("netsuite", "7", json!({ "phone": "3" }))
        .decides("mia", Customer::PHONE, Choice::Take("netsuite".into()))
        .system("shop", |shop| {
            shop.refuses("it is closed today");
        })
        .apply()
        .expect_in("shop", "9", "phone", json!("1"))
        .expect_in("crm", "101", "phone", json!("3"))
        .says("crm", "101", json!({ "phone": "2" })) // was on the table
        .expect(Customer::PHONE, "3")
        .apply()
        .expect_in("crm", "101", "phone", json!("3"))
        .expect_in("shop", "9", "phone", json!("3"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// The CRM's name of a member, given to the shop.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "guest")]
#[canonical(system(crm, object = "members"), system(shop, object = "accounts"))]
struct Guest {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(owner(crm), at(crm = "name", shop = "name"))]
    name: Option<String>,
}

/// The owner lost its record, and somebody decides what golden is to be: there is nobody who could be asked.
fn decided_without_an_owner(choice: Field) -> Story {
    Story::of::<Guest>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .says("shop", "a1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .deletes("crm", "m1")
        .of_record("shop", "a1")
        .decides("mia", Guest::NAME, Choice::Value(choice))
        .expect(Guest::NAME, "Ana")
        .expect_quiet()
}

#[test]
fn an_owner_that_comes_with_what_was_decided_has_followed() {
    decided_without_an_owner(Field::value("Anna"))
        .says("crm", "m2", json!({ "email": "ana@acme.test", "name": "Anna" }))
        .expect_entities(1)
        .expect(Guest::NAME, "Anna")
        .apply()
        .expect_in("shop", "a1", "name", json!("Anna"))
        .expect_quiet()
        // It was decided, not pinned: from here on it is the owner's again.
        .says("crm", "m2", json!({ "name": "Anne" }))
        .expect(Guest::NAME, "Anne");
    decided_without_an_owner(Field::Null)
        .says("crm", "m2", json!({ "email": "ana@acme.test" }))
        .expect_missing(Guest::NAME)
        .apply()
        .expect_in("shop", "a1", "name", json!(null))
        .expect_quiet();
}

#[test]
fn an_owner_that_comes_without_what_was_decided_is_asked() {
    decided_without_an_owner(Field::value("Anna"))
        .says("crm", "m2", json!({ "email": "ana@acme.test" }))
        .expect_discrepancy(Unfilled, "name")
        .expect_plan(r#"crm/members/m2 name: (none) -> "Anna" (a person decided it; the owner is asked to follow)"#)
        .apply()
        .expect(Guest::NAME, "Anna")
        .apply()
        .expect_in("shop", "a1", "name", json!("Anna"))
        .expect_quiet();
}
