//! G1 and G2: what comes back from a system that we wrote.

use accordant::DiscrepancyKind::{HardConflict, Rewritten, SoftDriftUnauthorized};
use accordant::chrono::TimeDelta;
use serde_json::json;

use crate::model::{Customer, ana};

/// (a) Content decides first: an echo, on any surface and as often as it likes, is no change.
#[test]
fn g01_an_echo_is_no_change_on_any_surface() {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .tells("shop", "9")
        .tells("shop", "9")
        .hints("netsuite", "7")
        .scans("shop")
        .scans("netsuite")
        .expect(Customer::PHONE, "2")
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("crm", 0)
        .expect_writes("shop", 1)
        .expect_writes("netsuite", 1);
}

/// (c) Nothing is suppressed by entity or by time: a person's edit right after our write is heard, field by field.
#[test]
fn g01_an_edit_in_the_same_instant_as_our_write_is_heard() {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .apply()
        .says("shop", "9", json!({ "defaultAddress": { "company": "Borg" } }))
        .expect(Customer::COMPANY, "Borg")
        .says("shop", "9", json!({ "phone": "3" }))
        .expect(Customer::PHONE, "3")
        .apply()
        .expect_in("crm", "101", "company", json!("Borg"))
        .expect_in("netsuite", "7", "phone", json!("3"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A ring through a third system closes nowhere: each writes the other's value on, and all have it already.
#[test]
fn g01_a_ring_of_three_systems_comes_to_rest() {
    let mut story = ana();
    for (system, id, phone) in [("crm", "101", "2"), ("shop", "9", "3"), ("netsuite", "7", "4")] {
        story = story.later(TimeDelta::minutes(1)).says(system, id, json!({ "phone": phone })).apply().expect_quiet();
    }
    story.expect(Customer::PHONE, "4").expect_writes("crm", 2).expect_writes("shop", 2).expect_writes("netsuite", 2);
}

/// (e) A program that restores what we displaced is stopped by count, not by clock; the conflict names the unit.
#[test]
fn g01_a_program_that_fights_through_us_is_stopped_and_named() {
    let mut story = ana();
    for _ in 0..5 {
        story = story.later(TimeDelta::days(30)).says("crm", "101", json!({ "balance": "999.00" })).apply();
    }
    story
        .expect(Customer::BALANCE, "100 USD")
        .expect_discrepancy(HardConflict, "balance")
        .expect_quiet()
        .expect_writes("crm", 3);
}

/// What it restores may be that there was nothing.
#[test]
fn g01_a_program_that_clears_what_we_fill_is_stopped_too() {
    let mut story = ana();
    for _ in 0..5 {
        story = story.later(TimeDelta::days(30)).says("crm", "101", json!({ "balance": null })).apply();
    }
    story.expect_discrepancy(HardConflict, "balance").expect_quiet().expect_writes("crm", 3);
}

/// The system keeps its own form: noted once, not fought, and written again only when golden moves.
#[test]
fn g02_a_target_that_rewrites_is_noted_once_and_not_fought() {
    ana()
        .system("shop", |shop| {
            shop.rewrites("title", |title| title.to_uppercase());
        })
        .says("netsuite", "7", json!({ "title": "Dr" }))
        .apply()
        .expect_in("shop", "9", "title", json!("DR"))
        .expect(Customer::TITLE, "Dr")
        .expect_discrepancy(Rewritten, "title")
        .scans("shop")
        .tells("shop", "9")
        .expect_quiet()
        .expect_writes("shop", 1)
        .says("netsuite", "7", json!({ "title": "Prof" }))
        .apply()
        .expect_in("shop", "9", "title", json!("PROF"))
        .expect_quiet()
        .expect_writes("shop", 2);
}

/// What the comparison ignores is no drift: an address in other letters, a set in another order.
#[test]
fn g02_equivalent_but_not_equal_is_no_drift() {
    ana()
        .says("crm", "101", json!({ "email": "ANA@Acme.test", "tags": "a" }))
        .says("shop", "9", json!({ "email": "ana@ACME.test" }))
        .expect(Customer::EMAIL, "ana@acme.test")
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A rewrite by a person is none: it is a change of somebody who has no say, and stays listed.
#[test]
fn g02_a_persons_change_is_not_taken_for_the_systems_own_form() {
    ana()
        .says("netsuite", "7", json!({ "title": "Dr" }))
        .apply()
        .says("shop", "9", json!({ "title": "Doctor" }))
        .expect(Customer::TITLE, "Dr")
        .expect_discrepancy(SoftDriftUnauthorized, "title")
        .expect_quiet();
}
