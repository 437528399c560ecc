//! Presence: records that are missing, doubled, deleted, or merged inside their system.

use accordant::DiscrepancyKind::{
    DeleteAgainstUpdate, Diverged, DuplicateRepresentation, HardConflict, MissingRepresentation, SoftDriftUnauthorized,
};
use accordant::chrono::TimeDelta;
use accordant::connector::CreateSafety;
use accordant::engine::DiscrepancyFilter;
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::{Canonical, Email, Next};
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

/// A guest: the shop must have an account for each, and makes none without a name.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "guest")]
#[canonical(system(crm, object = "guests"), system(desk, object = "visits"))]
#[canonical(system(shop, object = "accounts", required, create_needs(email, name)))]
struct Guest {
    #[canonical(identity, at(crm = "email", desk = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm = "name", desk = "name", shop = "name"))]
    name: Option<String>,
}

#[test]
fn a_record_waits_for_a_person_with_what_its_create_needs() {
    let said = |name: &str| json!({ "email": "ana@acme.test", "name": name });
    let mut story = Story::of::<Guest>()
        .says("crm", "g1", said("Ana"))
        .says("desk", "v1", said("Ana"))
        .edits("crm", "g1", json!({ "name": "Anna" }))
        .edits("desk", "v1", json!({ "name": "Anne" }))
        .polls("crm")
        .polls("desk")
        .expect_discrepancy(HardConflict, "name")
        .expect_discrepancy(MissingRepresentation, "$exists")
        .expect_quiet();
    let standing = block_on(story.tenant().discrepancies(DiscrepancyFilter::default())).expect("it is listed");
    let missing = standing.iter().find(|one| one.kind == MissingRepresentation).expect("it is missing");
    assert_eq!(missing.state, accordant::DiscrepancyState::Waiting);
    assert_eq!(missing.reason, "a record is expected here; it cannot be created before name has settled".into());
    story
        .decides("bo", Guest::NAME, Choice::Take("crm".into()))
        .apply()
        .expect_in("shop", "new-1", "name", json!("Anna"))
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

/// A create was sent that did not arrive as yet, and was looked for in vain.
fn sent_and_not_found() -> Story {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .system("shop", |shop| {
            shop.loses_request();
        })
        .apply();
    block_on(story.tenant().recover()).expect("nothing is found");
    story
}

#[test]
fn a_create_that_may_still_arrive_sends_the_same_again_and_the_rest_follows() {
    sent_and_not_found()
        .says("crm", "m1", json!({ "name": "Anna" }))
        .expect_plan(
            r#"
            shop/accounts create: email "ana@acme.test", name "Ana" (it was sent before and may still arrive: sent again, it is the same)
            "#,
        )
        .apply()
        .apply()
        .expect_in("shop", "new-1", "name", json!("Anna"))
        .expect(Member::NAME, "Anna")
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 2);
}

#[test]
fn a_create_that_arrives_late_shows_our_writing_and_is_no_word() {
    // Golden moves on, and then the account is there after all: it is behind, and nobody is asked.
    sent_and_not_found()
        .says("crm", "m1", json!({ "name": "Anna" }))
        .says("shop", "a1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .expect_entities(1)
        .expect(Member::NAME, "Anna")
        .expect_plan(
            r#"
            shop/accounts/a1 name: "Ana" -> "Anna" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "a1", "name", json!("Anna"))
        .expect_no_discrepancy()
        .expect_quiet();
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

/// The CRM says that the phone is 2; before NetSuite is told, its record is deleted.
fn deleted_against_an_update() -> Story {
    ana()
        .says("crm", "101", json!({ "phone": "2" }))
        .deletes("netsuite", "7")
        .expect_discrepancy(DeleteAgainstUpdate, "$exists")
        .apply()
}

#[test]
fn a_deletion_against_an_update_is_decided_for_the_deletion() {
    let mut story = deleted_against_an_update()
        .decides_presence::<Customer>("ana", Choice::Retire)
        .expect_retired::<Customer>(true)
        .expect_plan(
            "
            crm/contacts/101 archive (a person retired the entity)
            shop/customers/9 archive (a person retired the entity)
            ",
        )
        .apply()
        .expect_retired::<Customer>(true)
        .expect_no_discrepancy()
        .expect_quiet();
    assert!(story.fake("crm").ids("contacts").is_empty());
    assert!(story.fake("shop").ids("customers").is_empty());
}

#[test]
fn a_deletion_against_an_update_is_decided_for_the_update() {
    deleted_against_an_update()
        .decides_presence::<Customer>("ana", Choice::Restore)
        .expect_retired::<Customer>(false)
        .expect_discrepancy(MissingRepresentation, "$exists")
        .expect_plan(
            r#"
            netsuite/customer (1) create: email "ana@acme.test", phone "2", balance "100.00 USD", company "Acme", address ["A St","1"], tags[a] "a" (it is gone, and a person decided to restore it)
            "#,
        )
        .apply()
        .expect_in("netsuite", "new-1", "phone", json!("2"))
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet()
        .says("netsuite", "new-1", json!({ "phone": "3" })) // it counts like any other
        .apply()
        .expect_in("crm", "101", "phone", json!("3"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_deletion_against_an_update_is_accepted_where_it_happened() {
    deleted_against_an_update()
        .decides_presence::<Customer>("ana", Choice::Keep)
        .expect_retired::<Customer>(false)
        .expect(Customer::PHONE, "2")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_created_record_that_is_gone_for_good_is_created_under_the_next_generation() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .apply()
        .expect_in("shop", "new-1", "name", json!("Ana"))
        .deletes("shop", "new-1")
        .expect_discrepancy(SoftDriftUnauthorized, "$exists")
        .expect_quiet()
        .decides_presence::<Member>("ana", Choice::Restore)
        .expect_plan(
            r#"
            shop/accounts (1) create: email "ana@acme.test", name "Ana" (it is gone, and a person decided to restore it)
            "#,
        )
        .apply()
        .expect_in("shop", "new-2", "name", json!("Ana"))
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 2)
        // And once more: every create has a key of its own.
        .deletes("shop", "new-2")
        .decides_presence::<Member>("ana", Choice::Restore)
        .apply()
        .expect_in("shop", "new-3", "name", json!("Ana"))
        .expect_no_discrepancy()
        .expect_quiet();
    assert_eq!(story.fake("shop").ids("accounts"), ["new-3"]);
    let verified = block_on(story.tenant().verify()).expect("the store can be read");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

#[test]
fn an_entity_of_which_nothing_is_left_is_restored_everywhere() {
    ana()
        .deletes("netsuite", "7")
        .apply()
        .expect_retired::<Customer>(true)
        .expect_no_discrepancy()
        .decides_presence::<Customer>("ana", Choice::Restore)
        .expect_retired::<Customer>(false)
        .apply()
        .expect_in("crm", "new-1", "phone", json!("1"))
        .expect_in("shop", "new-1", "phone", json!("1"))
        .expect_in("netsuite", "new-1", "phone", json!("1"))
        .expect_entities(1)
        .expect_retired::<Customer>(false)
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_decision_to_restore_lapses_when_another_record_is_deleted() {
    deleted_against_an_update()
        .decides_presence::<Customer>("ana", Choice::Restore)
        .deletes("shop", "9")
        .expect_discrepancy(SoftDriftUnauthorized, "$exists")
        .expect_quiet();
}

#[test]
fn a_second_record_may_stand_by_decision() {
    let story = ana()
        .says("shop", "10", json!({ "email": "ana@acme.test", "phone": "666" }))
        .expect_discrepancy(DuplicateRepresentation, "$exists")
        .decides_presence::<Customer>("ana", Choice::LetDiffer("shop".into()))
        .expect_discrepancy(Diverged, "$exists")
        .expect_no_discrepancy()
        .expect_quiet();
    let mut story = story;
    let verified = block_on(story.tenant().verify()).expect("the store can be read");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    story.deletes("shop", "10").expect_no_discrepancy().expect_quiet();
}

#[test]
fn a_system_that_holds_another_record_has_not_lost_the_entity() {
    ana()
        .says("netsuite", "8", json!({ "email": "ana@acme.test", "phone": "1" }))
        .expect_discrepancy(DuplicateRepresentation, "$exists")
        .deletes("netsuite", "8")
        .expect_retired::<Customer>(false)
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn what_stands_about_a_retired_entity_waits_with_its_presence() {
    let mut story = Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "2", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("crm", "1", json!({ "phone": "2" }))
        .deletes("shop", "2")
        .deletes("crm", "1")
        .expect_retired::<Customer>(true)
        .says("shop", "2", json!({ "email": "ana@acme.test", "phone": "1" }));
    let standing = block_on(story.tenant().discrepancies(DiscrepancyFilter::default()));
    let standing = standing.expect("the list");
    let phone = standing.iter().find(|standing| *standing.unit == *"phone").expect("its phone is behind");
    assert_eq!(phone.state, accordant::DiscrepancyState::Waiting);
}
