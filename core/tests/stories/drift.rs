//! One value, three systems: who moved, who follows, and who is not listened to.

use accordant::DiscrepancyKind::{Diverged, HardConflict, Rewritten, SoftDriftAuthoritative, SoftDriftUnauthorized};
use accordant::Lifetime::Pinned;
use accordant::chrono::TimeDelta;
use accordant::id::Actor;
use accordant::settle::{Choice, Ruling};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

#[test]
fn our_own_echo_causes_no_write() {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .expect(Customer::PHONE, "2")
        .expect_discrepancy(SoftDriftAuthoritative, "phone")
        .expect_plan(
            r#"
            netsuite/customer/7 phone: "1" -> "2" (propagates the golden value)
            shop/customers/9 phone: "1" -> "2" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .tells("shop", "9")
        .tells("shop", "9")
        .tells("netsuite", "7")
        .scans("shop")
        .expect(Customer::PHONE, "2")
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 1)
        .expect_writes("netsuite", 1)
        .expect_writes("crm", 0);
}

#[test]
fn a_target_that_rewrites_is_noted_once_and_not_fought() {
    ana()
        .system("shop", |shop| {
            shop.rewrites("title", str::to_uppercase);
        })
        .says("netsuite", "7", json!({ "title": "Dr" }))
        .apply()
        .expect_in("shop", "9", "title", json!("DR"))
        .tells("shop", "9")
        .scans("shop")
        .expect(Customer::TITLE, "Dr")
        .expect_discrepancy(Rewritten, "title")
        .expect_no_discrepancy()
        .expect_quiet()
        .later(TimeDelta::days(1))
        .says("shop", "9", json!({ "phone": "5" }))
        .apply()
        .expect_in("shop", "9", "title", json!("DR"))
        .expect_discrepancy(Rewritten, "title")
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 1);
}

#[test]
fn a_late_event_loses() {
    ana()
        .edits("crm", "101", json!({ "phone": "2" }))
        .later(TimeDelta::minutes(1))
        .edits("crm", "101", json!({ "phone": "3" }))
        .tells_of("crm", "101", 2)
        .tells_of("crm", "101", 1)
        .tells_of("crm", "101", 0)
        .expect(Customer::PHONE, "3")
        .apply()
        .tells_of("crm", "101", 1)
        .expect(Customer::PHONE, "3")
        .expect_in("shop", "9", "phone", json!("3"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn the_latest_wins_whatever_comes_first() {
    ana()
        .edits("crm", "101", json!({ "company": "Old" }))
        .later(TimeDelta::minutes(5))
        .says("shop", "9", json!({ "defaultAddress": { "company": "New" } }))
        .tells("crm", "101")
        .expect(Customer::COMPANY, "New")
        .expect_plan(
            r#"
            crm/contacts/101 company: "Old" -> "New" (propagates the golden value)
            crm/contacts/101 greeting: "Acme" -> "New" (propagates the golden value)
            netsuite/customer/7 company: "Acme" -> "New" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_strong_mapping_writes_an_observer_back() {
    ana()
        .says("crm", "101", json!({ "balance": "999.00" }))
        .expect(Customer::BALANCE, "100.00 USD")
        .expect_discrepancy(SoftDriftUnauthorized, "balance")
        .expect_plan(
            r#"
            crm/contacts/101 balance: "999.00 USD" -> "100.00 USD" (enforces the golden value against an observer's change)
            "#,
        )
        .apply()
        .expect_in("crm", "101", "balance", json!("100.00"))
        .expect(Customer::BALANCE, "100.00 USD")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_normal_mapping_leaves_an_observers_edit_and_lists_it() {
    ana()
        .says("shop", "9", json!({ "credit": { "balance": "999.00" } }))
        .expect(Customer::BALANCE, "100.00 USD")
        .expect_discrepancy(SoftDriftUnauthorized, "balance")
        .expect_quiet()
        .says("shop", "9", json!({ "credit": { "balance": "100.00" } }))
        .expect(Customer::BALANCE, "100.00 USD")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn the_owner_moves_golden_and_everyone_follows() {
    ana()
        .says("netsuite", "7", json!({ "balance": "120.50" }))
        .expect(Customer::BALANCE, "120.50 USD")
        .expect_plan(
            r#"
            crm/contacts/101 balance: "100.00 USD" -> "120.50 USD" (propagates the golden value)
            shop/customers/9 balance: "100.00 USD" -> "120.50 USD" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "9", "credit", json!({ "balance": "120.50" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn weak_fills_and_never_refills_what_was_cleared() {
    ana()
        .says("netsuite", "7", json!({ "title": "Dr" }))
        .expect_plan(
            r#"
            crm/contacts/101 greeting: "Acme" -> "Dr of Acme" (propagates the golden value)
            crm/contacts/101 title: (none) -> "Dr" (fills a value that was never there)
            shop/customers/9 title: (none) -> "Dr" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_no_discrepancy()
        .says("crm", "101", json!({ "title": null }))
        .expect(Customer::TITLE, "Dr")
        .expect_discrepancy(SoftDriftUnauthorized, "title")
        .expect_quiet()
        .says("netsuite", "7", json!({ "title": "Prof" }))
        .expect_plan(
            r#"
            crm/contacts/101 greeting: "Dr of Acme" -> "Prof of Acme" (propagates the golden value)
            shop/customers/9 title: "Dr" -> "Prof" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("crm", "101", "title", json!(null))
        .expect_quiet();
}

#[test]
fn clearing_by_the_owner_propagates() {
    ana()
        .says("netsuite", "7", json!({ "balance": null }))
        .expect_missing(Customer::BALANCE)
        .expect_plan(
            r#"
            crm/contacts/101 balance: "100.00 USD" -> (none) (propagates the golden value)
            shop/customers/9 balance: "100.00 USD" -> (none) (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("crm", "101", "balance", json!(null))
        .expect_missing(Customer::BALANCE)
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn clearing_by_a_co_owner_is_held() {
    ana()
        .says("crm", "101", json!({ "phone": "" }))
        .expect(Customer::PHONE, "1")
        .expect_discrepancy(SoftDriftAuthoritative, "phone")
        .expect_quiet()
        .says("crm", "101", json!({ "phone": "1" }))
        .expect(Customer::PHONE, "1")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_group_never_mixes_two_systems() {
    ana()
        .says("shop", "9", json!({ "defaultAddress": { "street": "B St" } }))
        .later(TimeDelta::minutes(5))
        .says("netsuite", "7", json!({ "zip": "2" }))
        .expect(Customer::STREET, "A St")
        .expect(Customer::ZIP, "2")
        .expect_plan(
            r#"
            crm/contacts/101 address: ["A St","1"] -> ["A St","2"] (propagates the golden value)
            shop/customers/9 address: ["B St","1"] -> ["A St","2"] (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "9", "defaultAddress", json!({ "company": "Acme", "street": "A St", "zip": "2" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_derived_attribute_follows() {
    ana()
        .says("netsuite", "7", json!({ "companyname": "Globex", "title": "Dr" }))
        .expect(Customer::GREETING, "Dr of Globex")
        .apply()
        .expect_in("crm", "101", "greeting", json!("Dr of Globex"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_system_may_differ_by_decision_until_either_moves_on() {
    let apart = || {
        ana()
            .says("netsuite", "7", json!({ "phone": "2" }))
            .decides("ana", Customer::PHONE, Choice::LetDiffer("shop".into()))
            .expect_plan(r#"crm/contacts/101 phone: "1" -> "2" (propagates the golden value)"#)
            .apply()
            .expect(Customer::PHONE, "2")
            .expect_in("shop", "9", "phone", json!("1"))
            .expect_discrepancy(Diverged, "phone")
            .expect_no_discrepancy()
            .expect_quiet()
            .later(TimeDelta::hours(1))
    };
    // The system moves on: it is a mover like any other.
    apart()
        .says("shop", "9", json!({ "phone": "3" }))
        .expect(Customer::PHONE, "3")
        .apply()
        .expect_in("crm", "101", "phone", json!("3"))
        .expect_no_discrepancy()
        .expect_quiet();
    // Golden moves on: what the person saw is no longer so, and a write is owed.
    apart()
        .says("crm", "101", json!({ "phone": "4" }))
        .expect(Customer::PHONE, "4")
        .apply()
        .expect_in("shop", "9", "phone", json!("4"))
        .expect_no_discrepancy()
        .expect_quiet();
    // It comes to agree: the leave is over.
    apart()
        .says("shop", "9", json!({ "phone": "2" }))
        .says("shop", "9", json!({ "phone": "1" }))
        .expect(Customer::PHONE, "1")
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_pinned_leave_to_differ_hears_no_news() {
    ana()
        .says("netsuite", "7", json!({ "phone": "2" }))
        .decides_for("ana", Customer::PHONE, Choice::LetDiffer("shop".into()), Pinned)
        .apply()
        .says("shop", "9", json!({ "phone": "3" }))
        .expect(Customer::PHONE, "2")
        .later(TimeDelta::hours(1))
        .says("crm", "101", json!({ "phone": "4" }))
        .expect(Customer::PHONE, "4")
        .apply()
        .expect_in("netsuite", "7", "phone", json!("4"))
        .expect_in("shop", "9", "phone", json!("3"))
        .expect_discrepancy(Diverged, "phone")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_owner_cannot_be_let_differ() {
    let mut story = ana().says("crm", "101", json!({ "balance": "999.00" }));
    let id = story.entity_id::<Customer>();
    let mut rule = |connection: &str| {
        let choice = Choice::LetDiffer(connection.into());
        let ruling = Ruling { choice, lifetime: Pinned, by: Actor::new("ana"), reason: String::new() };
        block_on(story.tenant().rule(id, "balance", ruling))
    };
    assert!(rule("netsuite").is_err(), "it is golden");
    assert!(rule("crm").is_ok());
    story.expect_in("crm", "101", "balance", json!("999.00")).expect_no_discrepancy().expect_quiet();
}

#[test]
fn a_hint_is_not_believed_but_read() {
    ana()
        .edits("crm", "101", json!({ "phone": "2" }))
        .expect(Customer::PHONE, "1")
        .hints("crm", "101")
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_chain_that_cannot_tell_parks_and_says_why() {
    let mut story = ana()
        .says("crm", "101", json!({ "company": "Borg" }))
        .says("shop", "9", json!({ "defaultAddress": { "company": "Corp" } }))
        .expect(Customer::COMPANY, "Borg")
        .expect_discrepancy(HardConflict, "company");
    let told = story.explain(Customer::COMPANY);
    assert!(told.contains("parked: the latest changes are too close together to tell"), "{told}");
}

#[test]
fn golden_does_not_yield_to_an_older_word_because_its_record_is_gone() {
    ana()
        // Heard of only later.
        .edits("shop", "9", json!({ "defaultAddress": { "company": "Early" } }))
        .later(TimeDelta::minutes(10))
        .says("crm", "101", json!({ "company": "Late" }))
        .expect(Customer::COMPANY, "Late")
        .deletes("crm", "101")
        .polls("shop")
        .expect(Customer::COMPANY, "Late")
        .apply()
        .expect_in("shop", "9", "defaultAddress", json!({ "company": "Late", "street": "A St", "zip": "1" }))
        .expect_in("netsuite", "7", "companyname", json!("Late"))
        .expect_quiet();
}

#[test]
fn a_word_that_never_knew_of_golden_is_a_conflict_though_its_record_is_gone() {
    ana()
        .edits("shop", "9", json!({ "phone": "2" }))
        .says("crm", "101", json!({ "phone": "3" }))
        .expect(Customer::PHONE, "3")
        .deletes("crm", "101")
        .polls("shop")
        .expect(Customer::PHONE, "3")
        .expect_discrepancy(HardConflict, "phone")
        .decides("bert", Customer::PHONE, Choice::Take("shop".into()))
        .apply()
        .expect(Customer::PHONE, "2")
        .expect_in("netsuite", "7", "phone", json!("2"))
        .expect_quiet();
}
