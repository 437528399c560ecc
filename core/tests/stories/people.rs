//! People: they decide, approve, and enter values of their own.

use accordant::DiscrepancyKind::HardConflict;
use accordant::Lifetime::Pinned;
use accordant::rule::{Verdict, rule};
use accordant::settle::{Choice, Ruling};
use accordant::testing::Story;
use accordant::value::Field;
use accordant::{Error, Id};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

/// The CRM says 2; before anyone is told, the shop says 3.
fn two_people_at_once() -> Story {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .says("shop", "9", json!({ "phone": "3" }))
        .expect_discrepancy(HardConflict, "phone")
        .expect_quiet()
}

#[test]
fn two_people_at_once_wait_for_a_third() {
    two_people_at_once()
        .expect(Customer::PHONE, "2")
        .decides("ana", Customer::PHONE, Choice::Take("shop".into()))
        .expect(Customer::PHONE, "3")
        .expect_plan(
            r#"
            crm/contacts/101 phone: "2" -> "3" (propagates the golden value)
            netsuite/customer/7 phone: "1" -> "3" (propagates the golden value)
            "#,
        )
        .apply()
        .expect(Customer::PHONE, "3")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_conflict_ends_when_the_systems_agree() {
    two_people_at_once()
        .says("crm", "101", json!({ "phone": "3" }))
        .expect(Customer::PHONE, "3")
        .apply()
        .expect_in("netsuite", "7", "phone", json!("3"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_decision_lapses_when_a_system_says_something_new() {
    two_people_at_once()
        .decides("ana", Customer::PHONE, Choice::Keep)
        .expect(Customer::PHONE, "2")
        .apply()
        .says("shop", "9", json!({ "phone": "3" })) // was on the table
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .says("netsuite", "7", json!({ "phone": "7" })) // was not
        .expect(Customer::PHONE, "7")
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_pinned_decision_holds_whatever_anyone_says() {
    two_people_at_once()
        .decides_for("ana", Customer::PHONE, Choice::Keep, Pinned)
        .apply()
        .says("netsuite", "7", json!({ "phone": "7" }))
        .expect(Customer::PHONE, "2")
        .expect_plan(r#"netsuite/customer/7 phone: "7" -> "2" (propagates the golden value)"#)
        .apply()
        .expect(Customer::PHONE, "2")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_decision_on_an_owned_value_asks_the_owner_first() {
    ana()
        .decides("ana", Customer::BALANCE, Choice::Value(Field::value("500.00 USD")))
        .expect(Customer::BALANCE, "100 USD")
        .expect_plan(
            r#"
            netsuite/customer/7 balance: "100.00 USD" -> "500.00 USD" (a person decided it; the owner is asked to follow)
            "#,
        )
        .apply()
        .expect_in("netsuite", "7", "balance", json!("500.00"))
        .expect(Customer::BALANCE, "500 USD")
        .apply()
        .expect_in("crm", "101", "balance", json!("500.00"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_decision_that_the_owner_overtakes_lapses() {
    ana()
        .decides("ana", Customer::BALANCE, Choice::Value(Field::value("500.00 USD")))
        .says("netsuite", "7", json!({ "balance": "120.00" }))
        .expect(Customer::BALANCE, "120 USD")
        .apply()
        .expect_in("netsuite", "7", "balance", json!("120.00"))
        .expect_in("crm", "101", "balance", json!("120.00"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_owner_that_refuses_a_decision_keeps_golden() {
    let story = ana()
        .system("netsuite", |netsuite| {
            netsuite.refuses("the period is closed");
        })
        .decides("ana", Customer::BALANCE, Choice::Value(Field::value("500.00 USD")))
        .apply()
        .expect(Customer::BALANCE, "100 USD")
        .expect_in("crm", "101", "balance", json!("100.00"));
    assert_eq!(story.applied().refused.len(), 1);
    assert_eq!(story.applied().refused[0].1, "the period is closed");
}

#[test]
fn a_rule_holds_a_change_until_someone_accepts_it() {
    let verify = rule("verify", 1, |change| match change.before {
        Some(_) => Verdict::Review("a new phone".to_owned()),
        None => Verdict::Pass,
    });
    Story::of::<Customer>()
        .rule(Customer::PHONE, verify)
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("crm", "101", json!({ "phone": "2" }))
        .expect(Customer::PHONE, "1")
        .expect_held(Customer::PHONE, "2")
        .expect_quiet()
        .decides("ana", Customer::PHONE, Choice::Accept)
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn keeping_golden_against_a_held_change_of_the_owner_asks_the_owner() {
    let hold = rule("hold", 1, |_| Verdict::Hold("always".to_owned()));
    Story::of::<Customer>()
        .rule(Customer::TITLE, hold)
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "title": "Dr" }))
        .decides("ana", Customer::TITLE, Choice::Accept)
        .says("netsuite", "7", json!({ "title": "Mr" }))
        .expect(Customer::TITLE, "Dr")
        .expect_held(Customer::TITLE, "Mr")
        .expect_quiet()
        .decides("ana", Customer::TITLE, Choice::Keep)
        .apply()
        .expect_in("netsuite", "7", "title", json!("Dr"))
        .expect(Customer::TITLE, "Dr")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_chosen_value_is_brought_into_canonical_form_or_refused() {
    let mut story = ana();
    let (tenant, id) = (story.tenant(), Id::<Customer>::new(story.entity_id::<Customer>()));
    let decide = |unit, value: &str| {
        let choice = Choice::Value(Field::value(value));
        let ruling = Ruling { choice, lifetime: Pinned, by: "ana".into(), reason: "the story".to_owned() };
        block_on(tenant.rule(id.erase(), unit, ruling))
    };
    for (unit, value) in [("balance", "plenty"), ("email", "nobody"), ("address", "Main St"), ("tags[a]", "b")] {
        let refused = decide(unit, value);
        assert!(matches!(refused, Err(Error::Value { .. })), "{unit}: {refused:?}");
    }
    decide("email", " Ana@ACME.test ").expect("it is an address");
    decide("address", r#"["B St",null]"#).expect("a street and no postal code");
    story.expect(Customer::EMAIL, "ana@acme.test").expect_unit::<Customer>("address", r#"["B St",null]"#);
}

#[test]
fn nobody_enters_what_is_computed() {
    let mut story = ana();
    let (tenant, id) = (story.tenant(), Id::<Customer>::new(story.entity_id::<Customer>()));
    let entered = block_on(tenant.enter(id, Customer::GREETING, Some("Hello".to_owned()), &"ana".into()));
    assert!(matches!(entered, Err(Error::Value { .. })), "{entered:?}");
    story.expect(Customer::GREETING, "Acme").expect_no_discrepancy();
}

#[test]
fn a_held_change_that_is_taken_back_is_released() {
    let hold = rule("hold", 1, |_| Verdict::Hold("always".to_owned()));
    Story::of::<Customer>()
        .rule(Customer::PHONE, hold)
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": null }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": null }))
        .says("crm", "101", json!({ "phone": "2" }))
        .expect_missing(Customer::PHONE)
        .expect_held(Customer::PHONE, "2")
        .says("crm", "101", json!({ "phone": null }))
        .expect_missing(Customer::PHONE)
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_operators_own_entry_stays_in_the_hub() {
    let mut story = ana()
        .enters("ana", Customer::NOTE, "prefers mail".to_owned())
        .expect(Customer::NOTE, "prefers mail")
        .expect_no_discrepancy()
        .expect_quiet()
        .enters("ben", Customer::NOTE, None)
        .enters("ben", Customer::NOTE, "prefers calls".to_owned())
        .expect(Customer::NOTE, "prefers calls")
        .expect_no_discrepancy()
        .expect_quiet();
    assert!(story.explain(Customer::NOTE).contains("first said by hub/customer/"), "{}", story.explain(Customer::NOTE));
}
