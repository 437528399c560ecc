//! Presence: records that are missing, doubled, deleted, or merged inside their system.

use accordant::DiscrepancyKind::{DeleteAgainstUpdate, DuplicateRepresentation, MissingRepresentation};
use accordant::Next;
use accordant::chrono::TimeDelta;
use accordant::connector::CreateSafety;
use accordant::testing::Story;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member, ana};

#[test]
fn a_missing_record_is_created() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .expect_discrepancy(MissingRepresentation, "$exists")
        .expect_plan(
            r#"
            shop/accounts create: email "ana@acme.test", name "Ana" (a record is expected here, and none ever existed)
            "#,
        )
        .apply()
        .expect_in("shop", "new-1", "name", json!("Ana"))
        .expect(Member::NAME, "Ana")
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 1);
}

#[test]
fn a_record_that_cannot_be_created_yet_waits() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "name": "Ana" }))
        .expect_discrepancy(MissingRepresentation, "$exists")
        .expect_quiet()
        .says("crm", "m1", json!({ "email": "ana@acme.test" }))
        .apply()
        .expect_in("shop", "new-1", "email", json!("ana@acme.test"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_record_that_matches_nothing_stays_unlinked_where_the_model_says_so() {
    Story::of::<Member>()
        .says("netsuite", "s1", json!({ "email": "ana@acme.test" }))
        .expect_entities(0)
        .says("crm", "m1", json!({ "email": "ana@acme.test" }))
        .tells("netsuite", "s1")
        .expect_entities(1)
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_create_whose_answer_is_lost_is_probed_and_not_doubled() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .system("shop", |shop| {
            shop.loses_answer();
        })
        .apply()
        .expect_no_discrepancy()
        .expect_quiet()
        .apply()
        .expect_entities(1)
        .expect_writes("shop", 1);
    assert_eq!(story.fake("shop").ids("accounts"), ["new-1"]);
}

#[test]
fn a_create_that_never_arrived_is_sent_again() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .system("shop", |shop| {
            shop.loses_request();
        })
        .apply()
        .apply()
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_entities(1)
        .expect_writes("shop", 1);
    assert_eq!(story.fake("shop").ids("accounts"), ["new-1"]);
}

/// Sixty customers in two systems.
fn sixty() -> Story {
    (0..60).fold(Story::of::<Customer>(), |story, number| {
        let email = json!({ "email": format!("c{number}@acme.test") });
        story.says("netsuite", &format!("n{number}"), email.clone()).says("crm", &format!("c{number}"), email)
    })
}

#[test]
fn a_deletion_by_the_owner_archives_elsewhere_within_limits() {
    let story = (0..3).fold(sixty(), |story, number| story.deletes("netsuite", &format!("n{number}")));
    let mut story = story
        .of_record("crm", "c0")
        .expect_retired::<Customer>(true)
        .expect_plan(
            "
            crm/contacts/c0 archive (the entity was retired by the system that owns existence)
            crm/contacts/c1 archive (the entity was retired by the system that owns existence)
            crm/contacts/c2 archive (the entity was retired by the system that owns existence)
            ",
        )
        .apply()
        .expect_no_discrepancy()
        .expect_quiet();
    assert_eq!(story.fake("crm").ids("contacts").len(), 57);
}

#[test]
fn a_deletion_that_does_not_say_when_is_heard_of_a_record_that_was_read() {
    // Told by a webhook, and by a poll.
    for polled in [false, true] {
        let story = ana().scans("netsuite").system("netsuite", |netsuite| {
            netsuite.deletes_without_time();
            if polled {
                netsuite.delete("customer", "7");
            }
        });
        let story = if polled { story.polls("netsuite") } else { story.deletes("netsuite", "7") };
        story.of_record("crm", "101").expect_retired::<Customer>(true);
    }
}

#[test]
fn a_record_seen_while_a_create_is_under_way_waits_without_being_asked_for() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .system("shop", |shop| {
            shop.create_safety_is(CreateSafety::DrainThenConsistentLookup { drain_seconds: 600 }).loses_request();
        })
        .apply()
        // Is it the one that we have just created? Nobody can tell before the create is settled.
        .says("shop", "a9", json!({ "email": "bo@acme.test", "name": "Bo" }))
        .expect_entities(1);
    let stepped = block_on(story.tenant().step()).expect("a step");
    assert!(matches!(stepped.next, Next::At(_)), "{stepped:?}");
    story.later(TimeDelta::minutes(11)).apply().expect_entities(2).apply().expect_no_discrepancy();
}

#[test]
fn too_many_deletions_at_once_are_parked() {
    let mut story = (0..4)
        .fold(sixty(), |story, number| story.deletes("netsuite", &format!("n{number}")))
        .expect_quiet()
        .apply()
        .expect_quiet();
    assert_eq!(story.fake("crm").ids("contacts").len(), 60);
}

#[test]
fn a_deletion_against_an_update_waits() {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .deletes("netsuite", "7")
        .expect_retired::<Customer>(false)
        .expect_discrepancy(DeleteAgainstUpdate, "$exists")
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_retired::<Customer>(false)
        .expect_discrepancy(DeleteAgainstUpdate, "$exists")
        .expect_quiet();
}

#[test]
fn a_deletion_by_someone_else_retires_nothing() {
    ana()
        .deletes("shop", "9")
        .expect_retired::<Customer>(false)
        .says("crm", "101", json!({ "phone": "2" }))
        .expect_plan(r#"netsuite/customer/7 phone: "1" -> "2" (propagates the golden value)"#)
        .apply()
        .expect(Customer::PHONE, "2")
        .expect_quiet();
}

#[test]
fn a_second_record_where_one_is_held_is_listed_and_does_not_count() {
    ana()
        .says("shop", "10", json!({ "email": "ana@acme.test", "phone": "666" }))
        .expect_entities(1)
        .expect_discrepancy(DuplicateRepresentation, "$exists")
        .expect(Customer::PHONE, "1")
        .says("crm", "101", json!({ "phone": "2" }))
        .apply()
        .expect_in("shop", "10", "phone", json!("666"))
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_discrepancy(DuplicateRepresentation, "$exists")
        .expect_quiet();
}

#[test]
fn a_merge_inside_a_system_moves_the_link_and_deletes_nothing() {
    ana()
        .edits(
            "shop",
            "12",
            json!({ "email": "ana@acme.test", "phone": "1", "credit": { "balance": "100" },
            "defaultAddress": { "company": "Acme", "street": "A St", "zip": "1" }, "tags": ["a"] }),
        )
        .merges("shop", "12", "9")
        .hints("shop", "9") // a read of 9 answers with 12
        .expect_entities(1)
        .expect_retired::<Customer>(false)
        .expect_no_discrepancy()
        .says("crm", "101", json!({ "phone": "2" }))
        .expect_plan(
            r#"
            netsuite/customer/7 phone: "1" -> "2" (propagates the golden value)
            shop/customers/12 phone: "1" -> "2" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "12", "phone", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet();
}
