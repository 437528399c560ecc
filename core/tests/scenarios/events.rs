//! G10 to G12: time that lies, cursors that lose, and notices that repeat, overtake and stay away.

use accordant::DiscrepancyKind::HardConflict;
use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

/// Equal times decide nothing, and a later one decides whoever is heard first.
#[test]
fn g10_the_latest_wins_only_where_clocks_can_tell() {
    let close = |story: accordant::testing::Story| {
        story
            .says("crm", "101", json!({ "company": "Borg" }))
            .says("netsuite", "7", json!({ "companyname": "Corp" }))
            .expect_discrepancy(HardConflict, "company")
            .expect_in("shop", "9", "defaultAddress", json!({ "company": "Acme", "street": "A St", "zip": "1" }))
    };
    close(ana());
    // A minute later the clock can tell, in either order of arrival.
    for late_first in [false, true] {
        let edited = ana().edits("crm", "101", json!({ "company": "Borg" })).later(TimeDelta::minutes(1)).edits(
            "netsuite",
            "7",
            json!({ "companyname": "Corp" }),
        );
        let told = if late_first {
            edited.tells("netsuite", "7").tells("crm", "101")
        } else {
            edited.tells("crm", "101").tells("netsuite", "7")
        };
        told.expect(Customer::COMPANY, "Corp")
            .apply()
            .expect_in("crm", "101", "company", json!("Corp"))
            .expect_in("shop", "9", "defaultAddress", json!({ "company": "Corp", "street": "A St", "zip": "1" }))
            .expect_no_discrepancy()
            .expect_quiet();
    }
}

/// Where nobody declared that the latest wins, it does not: two people who disagree are asked.
#[test]
fn g10_no_clock_decides_by_silence() {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .later(TimeDelta::days(3))
        .says("shop", "9", json!({ "phone": "3" }))
        .expect_discrepancy(HardConflict, "phone")
        .expect_in("netsuite", "7", "phone", json!("1"))
        .expect_quiet();
}

/// A poll that fails does not move the cursor; the next one goes on where the last durable page ended.
#[test]
fn g11_a_poll_that_fails_loses_nothing() {
    let story = (0..7).fold(ana(), |story, number| {
        story.edits("crm", &format!("2{number}"), json!({ "email": format!("c{number}@acme.test"), "phone": "1" }))
    });
    let mut story = story.system("crm", |crm| {
        crm.unavailable(true);
    });
    assert!(block_on(story.tenant().poll("crm")).is_err());
    story
        .system("crm", |crm| {
            crm.unavailable(false);
        })
        .polls("crm")
        .expect_entities(8)
        .polls("crm")
        .expect_entities(8)
        .expect_no_discrepancy();
}

/// What a search shows late is met when it shows: the cursor has not passed it.
#[test]
fn g11_what_a_search_shows_late_is_not_passed_over() {
    ana()
        .polls("crm")
        .system("crm", |crm| {
            crm.lags(TimeDelta::minutes(10));
        })
        .edits("crm", "101", json!({ "phone": "2" }))
        .polls("crm")
        .expect(Customer::PHONE, "1")
        .later(TimeDelta::minutes(11))
        .polls("crm")
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_in("netsuite", "7", "phone", json!("2"));
}

/// Repeated, late and overtaken notices leave what the latest said.
#[test]
fn g12_repeated_and_late_notices_change_nothing() {
    ana()
        .edits("crm", "101", json!({ "phone": "2" }))
        .later(TimeDelta::minutes(1))
        .edits("crm", "101", json!({ "phone": "3" }))
        .tells_of("crm", "101", 2)
        .tells_of("crm", "101", 1)
        .tells_of("crm", "101", 2)
        .tells_of("crm", "101", 0)
        .expect(Customer::PHONE, "3")
        .apply()
        .expect_in("shop", "9", "phone", json!("3"))
        .expect_writes("shop", 1)
        .expect_writes("netsuite", 1)
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A webhook that never came is made up for by the poll, one that only hints by a read.
#[test]
fn g12_a_notice_that_never_came_is_made_up_for() {
    ana()
        .edits("crm", "101", json!({ "phone": "2" }))
        .expect(Customer::PHONE, "1")
        .polls("crm")
        .expect(Customer::PHONE, "2")
        .apply()
        .later(TimeDelta::minutes(1))
        .edits("shop", "9", json!({ "phone": "3" }))
        .expect(Customer::PHONE, "2")
        .hints("shop", "9")
        .expect(Customer::PHONE, "3");
}

/// Bytes that nobody understands are kept whole with their cause, and stop nothing behind them.
#[test]
fn g12_what_cannot_be_read_is_kept_and_stops_nothing() {
    let mut story = ana();
    story.fake("crm").raw_page("contacts", Bytes::from_static(b"{ \"id\": "));
    let mut story = story.edits("crm", "101", json!({ "phone": "2" })).polls("crm").expect(Customer::PHONE, "2");
    let letters = block_on(story.tenant().dead_letters()).expect("the list");
    assert_eq!(letters.len(), 1, "{letters:?}");
}
