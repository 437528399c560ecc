//! G3, G8 and G9: who is who at first contact and ever after, and that nobody is created twice.

use accordant::DiscrepancyKind::{HardConflictNoBase, MissingRepresentation};
use accordant::chrono::TimeDelta;
use accordant::connector::CreateSafety;
use accordant::engine::CaseKind;
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::{Actor, EntityId, RecordRef, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member};

fn entity_of(tenant: &Tenant, system: &str, object: &str, id: &str) -> EntityId {
    let found = block_on(tenant.entity_of(&RecordRef::new(system, object, id)));
    found.expect("the store answers").expect("the record is linked")
}

fn kinds(tenant: &Tenant) -> Vec<CaseKind> {
    block_on(tenant.cases(None, 100)).expect("the list").into_iter().map(|case| case.kind).collect()
}

/// Equal is agreed, one-sided is filled, different waits for a person; nothing is overwritten and nothing deleted.
#[test]
fn g03_first_contact_overwrites_nothing_and_asks_about_what_differs() {
    Story::of::<Customer>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1", "company": "Acme" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "2" }))
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "phone": "1" }))
        .expect_entities(1)
        .expect_discrepancy(HardConflictNoBase, "phone")
        .expect_quiet()
        .bootstrap()
        .expect_in("shop", "9", "defaultAddress", json!({ "company": "Acme" }))
        .expect_in("netsuite", "7", "companyname", json!("Acme"))
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_in("crm", "101", "phone", json!("1"))
        .decides("ana", Customer::PHONE, Choice::Take("crm".into()))
        .apply()
        .expect_in("shop", "9", "phone", json!("1"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Matching never stops: a record that comes years later joins, and is asked about only where it differs.
#[test]
fn g03_a_system_that_comes_later_is_matched_like_the_first() {
    Story::of::<Customer>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "1" }))
        .expect_no_discrepancy()
        .later(TimeDelta::days(700))
        .says("netsuite", "7", json!({ "email": "ANA@acme.test", "phone": "5" }))
        .expect_entities(1)
        .expect(Customer::PHONE, "1")
        .expect_discrepancy(HardConflictNoBase, "phone")
        .expect_quiet();
}

/// One name is no identity; a key that two entities share links nothing, and is a case.
#[test]
fn g08_people_who_share_a_value_stay_two_until_a_person_says_otherwise() {
    let mut story = Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "john@acme.test", "phone": "5550100" }))
        .says("shop", "2", json!({ "email": "john.doe@acme.test", "phone": "5550100" }))
        .expect_entities(2)
        .says("crm", "1", json!({ "email": "john.doe@acme.test" }))
        .says("netsuite", "3", json!({ "email": "john.doe@acme.test" }))
        .expect_entities(2);
    assert_eq!(kinds(&story.tenant()), [CaseKind::SharedIdentity, CaseKind::Unlinked]);
}

/// A merge keeps the older id, the other is an alias; an unmerge restores links and values, and holds the two apart.
#[test]
fn g08_a_merge_is_taken_back_and_stays_taken_back() {
    let by = Actor::new("ana");
    let mut story = Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "2", json!({ "email": "ana@home.test", "phone": "2" }))
        .says("netsuite", "3", json!({ "email": "ana@home.test", "phone": "2" }))
        .expect_entities(2);
    let tenant = story.tenant();
    let one = entity_of(&tenant, "crm", "contacts", "1");
    let other = entity_of(&tenant, "shop", "customers", "2");
    block_on(tenant.merge(one, other, &by)).expect("nothing is under way");
    for (system, object, id) in [("crm", "contacts", "1"), ("shop", "customers", "2"), ("netsuite", "customer", "3")] {
        assert_eq!(entity_of(&tenant, system, object, id), one);
    }
    block_on(tenant.unmerge(other, &by)).expect("that can be taken back");
    assert_eq!(entity_of(&tenant, "crm", "contacts", "1"), one);
    assert_eq!(entity_of(&tenant, "netsuite", "customer", "3"), other);
    assert!(block_on(tenant.merge(one, other, &by)).is_err(), "they are held apart");
    let verified = block_on(tenant.verify()).expect("the chain holds");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    story.of_record("shop", "2").expect(Customer::PHONE, "2");
}

/// Anna in CRM and books; the shop must have an account for her.
fn member() -> Story {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .says("netsuite", "s1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .expect_entities(1)
}

/// The answer to a create is lost: the record is looked for by its key before anything is sent again.
#[test]
fn g09_a_create_without_an_answer_is_looked_for_and_not_sent_twice() {
    let mut story = member()
        .system("shop", |shop| {
            shop.loses_answer();
        })
        .apply()
        .apply()
        .expect_entities(1)
        .expect_writes("shop", 1)
        .expect_no_discrepancy()
        .expect_quiet();
    assert_eq!(story.fake("shop").ids("accounts"), ["new-1"]);
}

/// Where nothing remote enforces a key, an old request may still be on its way: nobody sends again until it must be dead.
#[test]
fn g09_where_no_key_is_enforced_a_create_waits_until_old_requests_are_dead() {
    member()
        .system("shop", |shop| {
            shop.create_safety_is(CreateSafety::DrainThenConsistentLookup { drain_seconds: 600 }).loses_request();
        })
        .apply()
        .later(TimeDelta::minutes(5))
        .apply()
        .expect_writes("shop", 0)
        .later(TimeDelta::minutes(6))
        .apply()
        .apply()
        .expect_writes("shop", 1)
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A record seen while our create is under way may be the one that we make: it is no second entity.
#[test]
fn g09_a_record_seen_during_its_create_is_no_second_entity() {
    member()
        .system("shop", |shop| {
            shop.loses_answer();
        })
        .apply_after(|_| ())
        .tells("shop", "new-1")
        .polls("shop")
        .apply()
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 1);
}

/// Email correlates, it does not identify: whoever gets a new one stays who they are.
#[test]
fn g09_a_changed_email_duplicates_nobody() {
    Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "ana@acme.test" }))
        .says("shop", "2", json!({ "email": "ana@acme.test" }))
        .says("netsuite", "3", json!({ "email": "ana@acme.test" }))
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "email": "ana@new.test" }))
        .expect_entities(1)
        .apply()
        .expect_in("shop", "2", "email", json!("ana@new.test"))
        .expect_in("netsuite", "3", "email", json!("ana@new.test"))
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet();
}

/// What cannot be created yet is visible, and is not tried.
#[test]
fn g09_what_cannot_be_created_yet_waits_visibly() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "name": "Ana" }))
        .expect_discrepancy(MissingRepresentation, "$exists")
        .expect_quiet()
        .expect_writes("shop", 0);
}
