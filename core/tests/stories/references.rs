//! References: native ids become entities, and wait for them.

use accordant::DiscrepancyKind::UnresolvedReference;
use accordant::chrono::TimeDelta;
use accordant::engine::DiscrepancyFilter;
use accordant::testing::Story;
use futures::executor::block_on;
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

#[test]
fn more_references_than_are_looked_at_together_wake_with_their_target() {
    let member = |number: usize| json!({ "email": format!("m{number}@acme.test"), "sponsor": "boss" });
    let story =
        (0..300).fold(Story::of::<Member>(), |story, number| story.edits("crm", &format!("m{number}"), member(number)));
    let mut story = story.polls("crm").says("crm", "boss", json!({ "email": "boss@acme.test" }));
    let unresolved = DiscrepancyFilter { kinds: vec![UnresolvedReference], ..DiscrepancyFilter::default() };
    assert_eq!(block_on(story.tenant().discrepancies(unresolved)).expect("the list"), []);
}

#[test]
fn references_follow_a_merge_of_what_they_name_and_its_end() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m3", json!({ "email": "b@acme.test" }))
        .apply()
        .apply()
        .expect_quiet();
    let tenant = story.tenant();
    let of = |id: &str| {
        let record = accordant::RecordRef::new("crm", "members", id);
        block_on(tenant.entity_of(&record)).expect("the store answers").expect("it is linked")
    };
    let (ana, merged, survivor) = (of("m1"), of("m2"), of("m3"));
    let sponsor = || {
        let view = block_on(tenant.inspect_erased(ana)).expect("the view");
        view.unit("sponsor").expect("the unit").golden.as_value().map(str::to_owned)
    };
    assert_eq!(sponsor(), Some(merged.to_string()));
    block_on(tenant.merge(survivor, merged, &"ben".into())).expect("they can be merged");
    assert_eq!(sponsor(), Some(survivor.to_string()));
    block_on(tenant.unmerge(merged, &"ben".into())).expect("that can be taken back");
    assert_eq!(sponsor(), Some(merged.to_string()));
    let verified = block_on(tenant.verify()).expect("the chain holds");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    story.of_record("crm", "m1").expect_quiet();
}
