//! G4 to G7: records that are not there, and what that means.

use accordant::DiscrepancyKind::{DeleteAgainstUpdate, SoftDriftAuthoritative, SoftDriftUnauthorized};
use accordant::chrono::TimeDelta;
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::{RecordRef, Scope};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member, ana};

/// Sixty customers in three systems.
fn sixty() -> Story {
    (0..60).fold(Story::of::<Customer>(), |story, number| {
        let email = json!({ "email": format!("c{number}@acme.test") });
        story
            .says("netsuite", &format!("n{number}"), email.clone())
            .says("crm", &format!("c{number}"), email.clone())
            .says("shop", &format!("s{number}"), email)
    })
}

/// A system that cannot be reached, a scan that stops halfway, an object that nobody polled: no evidence of anything.
#[test]
fn g04_a_scan_that_fails_deletes_nothing() {
    let mut story = ana().system("netsuite", |netsuite| {
        netsuite.unavailable(true);
    });
    assert!(block_on(story.tenant().scan("netsuite")).is_err());
    assert!(block_on(story.tenant().scan("netsuite")).is_err());
    story
        .system("netsuite", |netsuite| {
            netsuite.unavailable(false);
        })
        .scans("netsuite")
        .expect_retired::<Customer>(false)
        .expect_no_discrepancy()
        .expect_quiet();
}

/// What no complete scan meets is asked for by name, after the second one, and only then gone.
#[test]
fn g04_absence_is_confirmed_by_a_read_before_it_is_a_deletion() {
    ana()
        .scans("netsuite")
        .system("netsuite", |netsuite| netsuite.delete("customer", "7"))
        .scans("netsuite")
        .expect_retired::<Customer>(false)
        .scans("netsuite")
        .expect_retired::<Customer>(true)
        .expect_plan(
            "
            crm/contacts/101 archive (the entity was retired by the system that owns existence)
            shop/customers/9 archive (the entity was retired by the system that owns existence)
            ",
        );
}

/// More deletes than the limit are parked whole; everything else goes on.
#[test]
fn g04_a_mass_deletion_is_parked_and_the_rest_goes_on() {
    let mut story = (0..10).fold(sixty(), |story, number| story.deletes("netsuite", &format!("n{number}")));
    let tenant = story.tenant();
    let plan = block_on(async { tenant.plan(Scope::default()).await }).expect("a plan");
    assert_eq!((plan.operations.len(), plan.parked.len()), (0, 20));
    story.says("crm", "c50", json!({ "phone": "5" })).apply().expect_in("shop", "s50", "phone", json!("5")).expect_in(
        "netsuite",
        "n50",
        "phone",
        json!("5"),
    );
}

/// If everybody lost the record, they agree: no alarm, and nothing is written.
#[test]
fn g04_what_everybody_lost_needs_no_alarm() {
    ana().deletes("crm", "101").deletes("shop", "9").deletes("netsuite", "7").expect_no_discrepancy().expect_quiet();
}

/// A deletion against an edit that the deleted record had not been told of: nobody wins until a person says so.
#[test]
fn g05_a_deletion_against_an_update_waits_for_a_person() {
    let contested = || {
        ana()
            .says("crm", "101", json!({ "phone": "2" }))
            .deletes("netsuite", "7")
            .expect_discrepancy(DeleteAgainstUpdate, "$exists")
            .expect_retired::<Customer>(false)
    };
    contested().decides_presence::<Customer>("ana", Choice::Retire).expect_retired::<Customer>(true);
    contested()
        .decides_presence::<Customer>("ana", Choice::Restore)
        .apply()
        .expect_retired::<Customer>(false)
        .expect_in("netsuite", "new-1", "phone", json!("2"))
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A deletion by a system that does not own existence is listed, and spreads nowhere.
#[test]
fn g05_a_deletion_without_authority_spreads_nowhere() {
    ana()
        .deletes("shop", "9")
        .expect_retired::<Customer>(false)
        .expect_discrepancy(SoftDriftUnauthorized, "$exists")
        .expect_quiet()
        .expect_in("crm", "101", "phone", json!("1"));
}

/// A record that the source brings back is the same record, read anew before it is believed.
#[test]
fn g06_an_undeleted_record_is_read_before_it_is_believed() {
    ana()
        .deletes("crm", "101")
        .later(TimeDelta::hours(1))
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "4" }))
        .expect_entities(1)
        .expect_retired::<Customer>(false)
        .expect(Customer::PHONE, "4")
        .apply()
        .expect_in("shop", "9", "phone", json!("4"))
        .expect_in("netsuite", "7", "phone", json!("4"));
}

/// Everybody lost the record, and one system brings it back: it is neither archived nor believed unasked.
#[test]
fn g06_what_comes_back_after_all_was_lost_waits_for_a_person() {
    Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "ana@acme.test" }))
        .says("shop", "2", json!({ "email": "ana@acme.test" }))
        .deletes("crm", "1")
        .deletes("shop", "2")
        .expect_retired::<Customer>(true)
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "email": "ana@acme.test" }))
        .expect_discrepancy(SoftDriftAuthoritative, "$exists")
        .expect_quiet();
}

/// Whoever owns existence and holds the entity has deleted nothing: nothing is archived in its name.
#[test]
fn g06_a_system_that_owns_existence_and_holds_the_entity_archives_nothing() {
    Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "ana@acme.test" }))
        .says("shop", "2", json!({ "email": "ana@acme.test" }))
        .deletes("crm", "1")
        .deletes("shop", "2")
        .expect_retired::<Customer>(true)
        .later(TimeDelta::hours(1))
        .says("shop", "2", json!({ "email": "ana@acme.test" }))
        // NetSuite, which owns existence, comes to hold it for the first time.
        .says("netsuite", "7", json!({ "email": "ana@acme.test" }))
        .expect_entities(1)
        .expect_discrepancy(SoftDriftAuthoritative, "$exists")
        .expect_quiet()
        .later(TimeDelta::hours(1))
        .deletes("netsuite", "7")
        .expect_plan("shop/customers/2 archive (the entity was retired by the system that owns existence)");
}

/// A new id with an old key is a new link of the same entity; what is gone for good is never revived under its old key.
#[test]
fn g06_what_is_gone_for_good_is_created_under_the_next_generation() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .says("netsuite", "s1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .apply()
        .later(TimeDelta::hours(1))
        .deletes("shop", "new-1")
        .decides_presence::<Member>("ana", Choice::Restore)
        .apply()
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet();
    assert_eq!(story.fake("shop").ids("accounts"), ["new-2"]);
}

/// A merge inside a system moves the link, deletes nothing anywhere, and whoever speaks of the loser means the survivor.
#[test]
fn g07_a_merge_in_a_system_moves_the_link_and_deletes_nothing() {
    let mut story = ana()
        .says("crm", "102", json!({ "email": "ana@acme.test", "phone": "1" }))
        .later(TimeDelta::minutes(1))
        .merges("crm", "102", "101")
        .hints("crm", "101")
        .expect_entities(1)
        .expect_retired::<Customer>(false)
        .says("crm", "102", json!({ "phone": "6" }))
        .expect(Customer::PHONE, "6")
        .apply()
        .expect_in("shop", "9", "phone", json!("6"))
        .expect_in("netsuite", "7", "phone", json!("6"))
        .expect_in("crm", "102", "phone", json!("6"));
    let tenant = story.tenant();
    let entity = |id: &str| block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", id))).expect("an answer");
    assert_eq!(entity("101"), entity("102"));
}

/// Two entities whose records a system merged are a case: whether they are one is for a person.
#[test]
fn g07_records_of_two_entities_merged_in_their_system_wait_for_a_person() {
    let mut story = ana()
        .says("crm", "102", json!({ "email": "ben@acme.test" }))
        .says("shop", "10", json!({ "email": "ben@acme.test" }))
        .says("netsuite", "8", json!({ "email": "ben@acme.test" }))
        .expect_entities(2)
        .later(TimeDelta::minutes(1))
        .merges("crm", "101", "102")
        .hints("crm", "102")
        .expect_entities(2);
    let cases = block_on(story.tenant().cases(None, 10)).expect("the list");
    assert!(cases.iter().any(|case| case.kind == accordant::engine::CaseKind::MergedInSystem), "{cases:?}");
    assert!(block_on(story.tenant().verify()).expect("the chain holds").is_clean());
    story.expect_quiet();
}
