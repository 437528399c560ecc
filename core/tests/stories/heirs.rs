//! Records that were merged into others, inside their system: whoever stands in their place goes on from where they stood.

use accordant::discrepancy::DiscrepancyKind;
use accordant::settle::Choice;
use accordant::testing::Story;
use serde_json::{Value, json};

use crate::model::{Customer, ana};

/// What the CRM knows of Ana under her new id.
fn contact(phone: &str, balance: &str) -> Value {
    json!({ "email": "ana@acme.test", "phone": phone, "balance": balance, "company": "Acme", "greeting": "Acme",
            "street": "A St", "zip": "1", "tags": "a" })
}

/// Her contact is merged into another one, of which we hear first, or which we look for as we hear of the merge.
fn merged(phone: &str, balance: &str) -> [Story; 2] {
    let contact = contact(phone, balance);
    let met = ana().says("crm", "202", contact.clone()).merges("crm", "202", "101").hints("crm", "101");
    let told = ana().edits("crm", "202", contact).merges("crm", "202", "101").hints("crm", "101");
    [met, told]
}

#[test]
fn what_an_observer_was_edited_to_on_the_day_of_a_merge_is_mended() {
    for story in merged("1", "99.00") {
        story
            .expect_entities(1)
            .expect(Customer::BALANCE, "100 USD")
            .expect_plan(r#"crm/contacts/202 balance: "99.00 USD" -> "100.00 USD" (enforces the golden value against an observer's change)"#)
            .apply()
            .expect_in("crm", "202", "balance", json!("100.00"))
            .expect_no_discrepancy()
            .expect_quiet();
    }
}

#[test]
fn what_a_co_owner_says_under_another_id_for_the_first_time_is_for_a_person() {
    for story in merged("2", "100.00") {
        story.expect(Customer::PHONE, "1").expect_discrepancy(DiscrepancyKind::HardConflictNoBase, "phone");
    }
}

#[test]
fn what_lost_before_the_merge_has_lost() {
    ana()
        .says("shop", "9", json!({ "defaultAddress": { "company": "Acme & Co", "street": "A St", "zip": "1" } }))
        .expect(Customer::COMPANY, "Acme & Co")
        // A write is owed to the CRM when the CRM merges.
        .edits("crm", "202", contact("1", "100.00"))
        .merges("crm", "202", "101")
        .hints("crm", "101")
        .expect(Customer::COMPANY, "Acme & Co")
        .apply()
        .expect_in("crm", "202", "company", json!("Acme & Co"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_conflict_with_a_base_stays_one() {
    ana()
        .edits("shop", "9", json!({ "phone": "3" }))
        .says("crm", "101", json!({ "phone": "2" }))
        .edits("crm", "202", contact("2", "100.00"))
        .merges("crm", "202", "101")
        .hints("crm", "101")
        .tells("shop", "9")
        .expect_discrepancy(DiscrepancyKind::HardConflict, "phone");
}

#[test]
fn a_survivor_that_knows_less_clears_nothing_where_its_word_counts() {
    ana()
        .edits("netsuite", "8", json!({ "email": "ana@acme.test" }))
        .merges("netsuite", "8", "7")
        .hints("netsuite", "7")
        .expect(Customer::BALANCE, "100.00 USD")
        .expect(Customer::PHONE, "1");
}

#[test]
fn what_was_let_differ_is_let_differ_under_the_new_id() {
    let story = ana()
        .says("crm", "101", json!({ "balance": "90.00" }))
        .decides("ana", Customer::BALANCE, Choice::LetDiffer("crm".into()))
        .expect_quiet()
        .edits("crm", "202", contact("1", "90.00"))
        .merges("crm", "202", "101")
        .hints("crm", "101");
    story.expect_quiet().says("crm", "202", json!({ "balance": "80.00" })).apply().expect_in(
        "crm",
        "202",
        "balance",
        json!("100.00"),
    );
}

#[test]
fn a_merge_of_a_merge_leads_to_the_one_that_stands() {
    ana()
        .edits("crm", "202", contact("1", "100.00"))
        .merges("crm", "202", "101")
        .hints("crm", "101")
        .edits("crm", "303", contact("1", "99.00"))
        .merges("crm", "303", "202")
        .hints("crm", "202")
        .expect_plan(r#"crm/contacts/303 balance: "99.00 USD" -> "100.00 USD" (enforces the golden value against an observer's change)"#)
        .apply()
        .expect_quiet();
}
