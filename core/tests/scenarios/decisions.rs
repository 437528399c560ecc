//! G18: how long a person's decision holds, and what ends it.

use accordant::DiscrepancyKind::{Diverged, HardConflict};
use accordant::Lifetime::{Once, Pinned};
use accordant::chrono::TimeDelta;
use accordant::settle::Choice;
use accordant::testing::Story;
use serde_json::json;

use crate::model::{Customer, ana};

/// The CRM says 2, the shop says 3; NetSuite still has 1.
fn disagreement() -> Story {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .says("shop", "9", json!({ "phone": "3" }))
        .expect_discrepancy(HardConflict, "phone")
        .expect_quiet()
}

/// What was on the table does not reopen it, however often it is said again; what was not, does.
#[test]
fn g18_a_decision_holds_until_somebody_says_something_new() {
    disagreement()
        .decides("ana", Customer::PHONE, Choice::Take("crm".into()))
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_in("netsuite", "7", "phone", json!("2"))
        .tells("shop", "9")
        .scans("netsuite")
        .expect_quiet()
        .later(TimeDelta::hours(1))
        .says("shop", "9", json!({ "phone": "3" })) // was on the table
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .later(TimeDelta::hours(1))
        .says("netsuite", "7", json!({ "phone": "7" })) // was not
        .expect(Customer::PHONE, "7");
}

/// A pinned decision hears no news, and writes back what it chose.
#[test]
fn g18_a_pinned_decision_hears_no_news() {
    disagreement()
        .decides_for("ana", Customer::PHONE, Choice::Keep, Pinned)
        .apply()
        .later(TimeDelta::days(400))
        .says("netsuite", "7", json!({ "phone": "7" }))
        .expect(Customer::PHONE, "2")
        .expect_plan(r#"netsuite/customer/7 phone: "7" -> "2" (propagates the golden value)"#)
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A decision for once settles the matter and is history: the next change is a change like any other.
#[test]
fn g18_a_decision_for_once_is_then_history() {
    disagreement()
        .decides_for("ana", Customer::PHONE, Choice::Take("shop".into()), Once)
        .apply()
        .expect_in("crm", "101", "phone", json!("3"))
        .expect_in("netsuite", "7", "phone", json!("3"))
        .later(TimeDelta::hours(1))
        .says("crm", "101", json!({ "phone": "2" })) // was on the table, and is news all the same
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Leave to differ is shown as such, and ends when either side moves on.
#[test]
fn g18_leave_to_differ_is_shown_and_ends() {
    ana()
        .says("netsuite", "7", json!({ "phone": "2" }))
        .decides("ana", Customer::PHONE, Choice::LetDiffer("shop".into()))
        .apply()
        .expect_in("crm", "101", "phone", json!("2"))
        .expect_in("shop", "9", "phone", json!("1"))
        .expect_discrepancy(Diverged, "phone")
        .expect_quiet()
        .later(TimeDelta::hours(1))
        .says("crm", "101", json!({ "phone": "4" }))
        .apply()
        .expect_in("shop", "9", "phone", json!("4"))
        .expect_no_discrepancy()
        .expect_quiet();
}
