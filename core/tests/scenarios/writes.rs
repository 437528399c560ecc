//! G14, G15, G19 and G20: plans that succeed in part, targets that move, records that need each other, and load.

use accordant::DiscrepancyKind::UnresolvedReference;
use accordant::chrono::TimeDelta;
use accordant::testing::Story;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member, ana};

/// One system takes the write, one refuses, one cannot be reached: what is done stays done, what is owed stays visible.
#[test]
fn g14_what_is_done_stays_done_and_what_is_owed_stays_owed() {
    let mut story = ana().says("netsuite", "7", json!({ "phone": "2" })).apply_after(|systems| {
        systems.of("shop").refuses("no such phone");
    });
    assert_eq!((story.applied().done, story.applied().refused.len()), (1, 1));
    let cases = block_on(story.tenant().cases(None, 10)).expect("the list");
    assert_eq!(cases.len(), 1, "the refusal is a case: {cases:?}");
    let story = story
        .expect_in("crm", "101", "phone", json!("2"))
        .expect_in("shop", "9", "phone", json!("1"))
        .expect_writes("crm", 1)
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_writes("crm", 1);
    story.expect_no_discrepancy().expect_quiet();
}

/// An answer that is lost is not a failure: what the system holds says whether it happened.
#[test]
fn g14_a_lost_answer_is_looked_at_and_not_repeated() {
    ana()
        .system("shop", |shop| {
            shop.loses_answer();
        })
        .system("crm", |crm| {
            crm.loses_request();
        })
        .says("netsuite", "7", json!({ "phone": "2" }))
        .apply()
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_in("crm", "101", "phone", json!("2"))
        .expect_writes("shop", 1)
        .expect_writes("crm", 1)
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A person edits between plan and write: the write is refused by what it expects, and planned again from what is there.
#[test]
fn g15_a_target_that_moved_is_not_overwritten() {
    let story =
        ana().says("crm", "101", json!({ "company": "B" })).later(TimeDelta::minutes(5)).apply_after(|systems| {
            systems.of("shop").edit("customers", "9", &json!({ "defaultAddress": { "company": "C" } }));
        });
    assert_eq!(story.applied().superseded, 1);
    story
        .expect(Customer::COMPANY, "C")
        .apply()
        .expect_in("crm", "101", "company", json!("C"))
        .expect_in("netsuite", "7", "companyname", json!("C"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Only changed fields are written: an edit of another field is no reason to refuse, and is not lost.
#[test]
fn g15_an_edit_of_another_field_is_neither_lost_nor_in_the_way() {
    let story = ana().says("crm", "101", json!({ "company": "B" })).apply_after(|systems| {
        systems.of("shop").edit("customers", "9", &json!({ "phone": "5" }));
    });
    assert_eq!(story.applied().superseded, 0);
    story
        .apply()
        .expect_in("crm", "101", "phone", json!("5"))
        .expect_in("netsuite", "7", "phone", json!("5"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// The dependent waits visibly for what it refers to, and is woken by it; nothing else waits.
#[test]
fn g19_a_reference_waits_for_its_target_and_is_woken_by_it() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana", "sponsor": "m2" }))
        .says("netsuite", "s1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .later(TimeDelta::seconds(1))
        .expect_discrepancy(UnresolvedReference, "sponsor")
        .apply()
        .expect_in("shop", "new-1", "name", json!("Ana"))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .apply()
        .apply()
        .expect_in("shop", "new-1", "sponsor", json!({ "id": "new-2" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A ring is closed: created without the reference, then given it.
#[test]
fn g19_a_ring_of_references_is_closed() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .says("netsuite", "s1", json!({ "email": "ana@acme.test" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test", "sponsor": "m1" }))
        .apply()
        .apply()
        .expect_in("shop", "new-1", "sponsor", json!({ "id": "new-2" }))
        .expect_in("shop", "new-2", "sponsor", json!({ "id": "new-1" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A record that is refused blocks what depends on it, and nobody else.
#[test]
fn g19_a_failed_record_blocks_only_its_dependents() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test" }))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .says("netsuite", "s2", json!({ "email": "ben@acme.test" }))
        .system("shop", |shop| {
            shop.refuses("no such domain");
        })
        .apply()
        .expect_writes("shop", 1)
        .apply()
        .expect_writes("shop", 2);
}

/// A backfill loses to whatever is heard meanwhile: a scan's row is as old as its page.
#[test]
fn g20_a_backfill_loses_to_live_traffic() {
    ana()
        .edits("crm", "101", json!({ "phone": "2" }))
        .later(TimeDelta::minutes(1))
        .says("crm", "101", json!({ "phone": "3" }))
        .scans("crm")
        .tells_of("crm", "101", 1)
        .expect(Customer::PHONE, "3")
        .apply()
        .expect_in("shop", "9", "phone", json!("3"))
        .expect_writes("shop", 1)
        .expect_writes("netsuite", 1);
}

/// A system that throttles is put off until it says, and holds up no other.
#[test]
fn g20_a_throttled_system_is_put_off_and_holds_up_no_other() {
    let story = ana().says("crm", "101", json!({ "phone": "2" })).apply_after(|systems| {
        systems.of("shop").defers_for(TimeDelta::minutes(30));
    });
    assert_eq!(story.applied().retry_at.map(|at| at.format("%T").to_string()), Some("09:30:00".to_owned()));
    story
        .expect_in("netsuite", "7", "phone", json!("2"))
        .expect_in("shop", "9", "phone", json!("1"))
        .later(TimeDelta::minutes(30))
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_writes("netsuite", 1)
        .expect_no_discrepancy()
        .expect_quiet();
}
