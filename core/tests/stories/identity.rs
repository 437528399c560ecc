//! Identity values: who holds them, who waits for a holder, and what becomes of two that come to share one.

use accordant::engine::CaseKind;
use accordant::testing::Story;
use accordant::{RecordRef, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member, ana};

fn assert_verified(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).expect("the chain holds");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

fn kinds(tenant: &Tenant) -> Vec<CaseKind> {
    block_on(tenant.cases(None, 100)).expect("the list").into_iter().map(|case| case.kind).collect()
}

#[test]
fn an_identity_value_that_we_wrote_is_found_where_it_is_and_nowhere_else() {
    let mut story = ana().says("crm", "101", json!({ "email": "ana@new.test" })).apply();
    let tenant = story.tenant();
    let find = |email| block_on(tenant.find(Customer::EMAIL, email)).expect("the index answers").len();
    assert_eq!((find("ana@acme.test"), find("ana@new.test")), (0, 1));
    assert_verified(&tenant);
    // Somebody else may have the former address.
    let mut story = story.says("crm", "102", json!({ "email": "ana@acme.test" })).expect_entities(2);
    assert_verified(&story.tenant());
}

#[test]
fn a_record_that_came_before_its_entity_joins_it_when_it_comes() {
    let mut story =
        Story::of::<Member>().says("netsuite", "s1", json!({ "email": "ana@acme.test" })).expect_entities(0);
    let tenant = story.tenant();
    assert_eq!(kinds(&tenant), [CaseKind::Unlinked]);
    let mut story = story.says("crm", "m1", json!({ "email": "ana@acme.test" })).expect_entities(1);
    let tenant = story.tenant();
    let entity = |record: &RecordRef| block_on(tenant.entity_of(record)).expect("the store answers");
    let joined = entity(&RecordRef::new("netsuite", "subscriber", "s1"));
    assert!(joined.is_some());
    assert_eq!(joined, entity(&RecordRef::new("crm", "members", "m1")));
    assert_eq!((kinds(&tenant), block_on(tenant.unlinked()).expect("the list").len()), (Vec::new(), 0));
    assert_verified(&tenant);
}

#[test]
fn a_record_joins_the_entity_whose_value_is_corrected() {
    let mut story = Story::of::<Member>()
        .says("netsuite", "s1", json!({ "email": "ana@acme.test" }))
        .says("crm", "m1", json!({ "email": "anna@acme.test" }))
        .says("crm", "m1", json!({ "email": "ana@acme.test" }));
    let tenant = story.tenant();
    let joined =
        block_on(tenant.entity_of(&RecordRef::new("netsuite", "subscriber", "s1"))).expect("the store answers");
    assert!(joined.is_some());
    assert_eq!(kinds(&tenant), []);
    assert_verified(&tenant);
}

#[test]
fn an_unlinked_record_that_is_deleted_is_listed_no_longer() {
    let mut story =
        Story::of::<Member>().says("netsuite", "s1", json!({ "email": "a@acme.test" })).deletes("netsuite", "s1");
    assert_eq!(kinds(&story.tenant()), []);
    assert_verified(&story.tenant());
}

#[test]
fn entities_that_come_to_share_a_value_are_a_case_until_they_do_not() {
    let mut story = Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "a@acme.test" }))
        .says("shop", "2", json!({ "email": "b@acme.test" }))
        .says("crm", "1", json!({ "email": "b@acme.test" }))
        .expect_entities(2);
    let tenant = story.tenant();
    let cases = block_on(tenant.cases(None, 10)).expect("the list");
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!((case.kind, case.entities.len(), case.records.len()), (CaseKind::SharedIdentity, 2, 2));
    assert!(!case.key.contains("acme"), "a case names no value");
    let mut story = story.says("crm", "1", json!({ "email": "a@acme.test" }));
    assert_eq!(kinds(&story.tenant()), []);
    // Or until they are one.
    let mut story = story.says("crm", "1", json!({ "email": "b@acme.test" }));
    let tenant = story.tenant();
    assert_eq!(kinds(&tenant), [CaseKind::SharedIdentity]);
    block_on(tenant.merge(case.entities[0], case.entities[1], &"ana".into())).expect("they can be merged");
    assert_eq!(kinds(&tenant), []);
    // A person who takes that back has answered the question.
    block_on(tenant.unmerge(case.entities[1], &"ana".into())).expect("that can be taken back");
    assert_eq!(kinds(&tenant), []);
    assert_verified(&tenant);
}

#[test]
fn a_value_that_several_entities_share_links_nothing() {
    let mut story = Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "a@acme.test" }))
        .says("shop", "2", json!({ "email": "b@acme.test" }))
        .says("crm", "1", json!({ "email": "b@acme.test" }))
        .says("netsuite", "3", json!({ "email": "b@acme.test" }))
        .expect_entities(2);
    assert_eq!(kinds(&story.tenant()), [CaseKind::SharedIdentity, CaseKind::Unlinked]);
    // One of them is corrected, and the other is meant.
    let mut story = story.says("crm", "1", json!({ "email": "a@acme.test" })).expect_entities(2);
    let tenant = story.tenant();
    let entity = |record: RecordRef| block_on(tenant.entity_of(&record)).expect("the store answers");
    let joined = entity(RecordRef::new("netsuite", "customer", "3"));
    assert!(joined.is_some());
    assert_eq!(joined, entity(RecordRef::new("shop", "customers", "2")));
    assert_eq!(kinds(&tenant), []);
    assert_verified(&tenant);
}

#[test]
fn what_a_create_may_have_made_waits_for_it() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .system("shop", |shop| {
            shop.loses_answer();
        })
        .apply_after(|_| ())
        .edits("shop", "new-1", json!({ "email": "other@acme.test" })) // it matches nothing by key
        .tells("shop", "new-1")
        .expect_entities(1);
}

#[test]
fn a_record_that_comes_back_to_a_retired_entity_shares_its_value_with_the_one_that_took_its_place() {
    let mut story = Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "a@acme.test", "phone": "1" }))
        .deletes("crm", "1")
        .says("shop", "2", json!({ "email": "a@acme.test" }))
        .expect_entities(2);
    assert_eq!(kinds(&story.tenant()), []);
    let mut story = story.says("crm", "1", json!({ "email": "a@acme.test", "phone": "1" })).expect_entities(2);
    let tenant = story.tenant();
    let cases = block_on(tenant.cases(None, 10)).expect("the list");
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!((case.kind, case.entities.len(), case.records.len()), (CaseKind::SharedIdentity, 2, 2));
    block_on(tenant.merge(case.entities[1], case.entities[0], &"ana".into())).expect("they can be merged");
    assert_eq!(kinds(&tenant), []);
    assert_verified(&tenant);
}

#[test]
fn nothing_is_created_of_an_entity_while_another_holds_its_value() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test" }))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .says("crm", "m2", json!({ "email": "ana@acme.test" }))
        .polls("shop")
        .expect_entities(2)
        .expect_quiet();
    assert_eq!(kinds(&story.tenant()), [CaseKind::SharedIdentity]);
    story.says("crm", "m2", json!({ "email": "ben@acme.test" })).apply().expect_writes("shop", 2).expect_quiet();
}
