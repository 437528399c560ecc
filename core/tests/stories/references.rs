//! References: native ids become entities, and wait for them.

use accordant::DiscrepancyKind::UnresolvedReference;
use accordant::chrono::TimeDelta;
use accordant::testing::Story;
use serde_json::json;

use crate::model::Member;

#[test]
fn a_reference_waits_for_its_target_and_is_then_written() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .expect_missing(Member::SPONSOR)
        .expect_discrepancy(UnresolvedReference, "sponsor")
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .apply()
        .apply()
        .expect_in("shop", "new-1", "email", json!("ana@acme.test"))
        .expect_in("shop", "new-1", "sponsor", json!({ "id": "new-2" }))
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 3);
}

#[test]
fn a_ring_of_references_is_closed() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test", "sponsor": "m1" }))
        .apply()
        .apply()
        .expect_in("shop", "new-1", "sponsor", json!({ "id": "new-2" }))
        .expect_in("shop", "new-2", "sponsor", json!({ "id": "new-1" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_application_names_the_plan_of_what_it_made_possible() {
    let story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test", "sponsor": "m1" }))
        .apply();
    assert!(story.applied().successor.is_some(), "the references are owed now");
    let story = story.apply();
    assert_eq!(story.applied().successor, None, "nothing is owed any more");
}

#[test]
fn a_reference_that_one_system_changes_is_translated_for_the_other() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m3", json!({ "email": "cleo@acme.test" }))
        .apply()
        .apply()
        .expect_quiet()
        .says("shop", "new-1", json!({ "sponsor": { "id": "new-3" } }))
        .apply()
        .expect_in("crm", "m1", "sponsor", json!("m3"))
        .expect_no_discrepancy()
        .expect_quiet();
}
