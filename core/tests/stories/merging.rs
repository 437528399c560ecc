//! Entities that people merge, and that they take apart again.

use accordant::chrono::TimeDelta;
use accordant::engine::{CaseKind, DiscrepancyFilter};
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::{Actor, EntityId, Error, RecordRef, Scope, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member, ana};

fn by() -> Actor {
    Actor::new("ana")
}

fn entity_of(tenant: &Tenant, record: &RecordRef) -> EntityId {
    block_on(tenant.entity_of(record)).expect("the store answers").expect("it is linked")
}

/// Two customers of one name; the second contradicts itself.
fn two() -> (Story, EntityId, EntityId) {
    let mut story = ana().says("crm", "102", json!({ "email": "ben@acme.test", "phone": "5" })).says(
        "shop",
        "20",
        json!({ "email": "ben@acme.test", "phone": "6" }),
    );
    let tenant = story.tenant();
    let one = entity_of(&tenant, &RecordRef::new("crm", "contacts", "101"));
    let other = entity_of(&tenant, &RecordRef::new("crm", "contacts", "102"));
    (story, one, other)
}

#[test]
fn what_stood_about_a_merged_entity_stands_about_it_no_longer() {
    let (mut story, one, other) = two();
    let tenant = story.tenant();
    let about = |id| {
        let standing = block_on(tenant.discrepancies(DiscrepancyFilter::default())).expect("the list");
        standing.into_iter().filter(|standing| standing.entity == id).count()
    };
    let before = about(other);
    assert!(before > 0);
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    assert_eq!(about(other), 0);
    block_on(tenant.unmerge(other, &by())).expect("that can be taken back");
    assert_eq!(about(other), before);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_merge_waits_for_a_create_under_way() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .says("crm", "m2", json!({ "email": "anna@acme.test", "name": "Ana" }))
        .system("shop", |shop| {
            shop.loses_answer();
        });
    let tenant = story.tenant();
    let member = |id| entity_of(&tenant, &RecordRef::new("crm", "members", id));
    let (one, other) = (member("m1"), member("m2"));
    let plan = block_on(tenant.plan(other).into_future()).expect("a plan");
    block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
    assert_eq!(block_on(tenant.apply(plan.hash)).expect("it runs").unknown, 1);
    let refused = block_on(tenant.merge(one, other, &by())).expect_err("a create is under way");
    let expected = format!("a write of {other} into shop/accounts is under way");
    assert!(refused.to_string().starts_with(&expected), "{refused}");
    block_on(tenant.step()).expect("it is settled");
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    assert_eq!(entity_of(&tenant, &RecordRef::new("shop", "accounts", "new-1")), one);
}

#[test]
fn what_was_taken_apart_is_held_apart_until_someone_says_otherwise() {
    let (mut story, one, other) = two();
    let tenant = story.tenant();
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    block_on(tenant.unmerge(other, &by())).expect("that can be taken back");
    for (into, from) in [(one, other), (other, one)] {
        assert!(matches!(block_on(tenant.merge(into, from, &by())), Err(Error::HeldApart { .. })));
    }
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
    block_on(tenant.allow_merge(other, one, &by())).expect("the store answers");
    block_on(tenant.merge(one, other, &by())).expect("it was allowed");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn what_cannot_be_merged_is_told_apart() {
    let (mut story, one, other) = two();
    let tenant = story.tenant();
    let merge = |into, from| block_on(tenant.merge(into, from, &by())).expect_err("they cannot be merged");
    assert!(matches!(merge(one, one), Error::SameEntity(id) if id == one));
    let nobody = EntityId::from_parts(1, [0; 10]);
    assert!(matches!(merge(one, nobody), Error::UnknownEntity { id, .. } if id == nobody));
    let unmerge = |id| block_on(tenant.unmerge(id, &by())).expect_err("there is nothing to take back");
    assert!(matches!(unmerge(other), Error::NotMerged(id) if id == other));
    assert!(matches!(unmerge(nobody), Error::UnknownEntity { .. }));
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    assert!(matches!(merge(one, other), Error::AlreadyMerged { id, into } if id == other && into == one));
}

#[test]
fn a_decision_of_the_merged_time_is_a_case_until_it_is_made_again() {
    let (mut story, one, other) = two();
    let tenant = story.tenant();
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    let mut story = story.later(TimeDelta::hours(1)).of_record("crm", "101").decides(
        "ana",
        Customer::PHONE,
        Choice::Take("crm".into()),
    );
    let tenant = story.tenant();
    block_on(tenant.unmerge(other, &by())).expect("that can be taken back");
    let cases = block_on(tenant.cases(None, 10)).expect("the list");
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!((case.kind, &case.entities[..]), (CaseKind::Unmerged, &[one, other][..]));
    assert!(case.reason.contains("`phone` was decided by ana"), "{}", case.reason);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
    let mut story = story.of_record("crm", "101").decides("ana", Customer::PHONE, Choice::Take("crm".into()));
    assert_eq!(block_on(story.tenant().cases(None, 10)).expect("the list"), []);
}

#[test]
fn a_refused_write_is_a_case_until_it_is_tried_again_or_owed_no_more() {
    let refused = || {
        ana()
            .says("crm", "101", json!({ "phone": "2" }))
            .system("shop", |shop| {
                shop.refuses("no such phone");
            })
            .apply()
    };
    let cases = |story: &mut Story| block_on(story.tenant().cases(None, 10)).expect("the list");
    let mut story = refused();
    let listed = cases(&mut story);
    let [case] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((case.kind, case.records[0].to_string().as_str()), (CaseKind::Refused, "shop/customers/9"));
    assert_eq!(case.reason.as_str(), "phone: no such phone");
    let mut story = story.apply().expect_quiet();
    assert_eq!(cases(&mut story), []);
    // Or the shop's people did it themselves.
    let mut story = refused().says("shop", "9", json!({ "phone": "2" }));
    assert_eq!(cases(&mut story).len(), 1);
    block_on(story.tenant().plan(Scope::default()).into_future()).expect("a plan");
    assert_eq!(cases(&mut story), []);
}

#[test]
fn what_a_record_of_the_merged_time_says_is_heard_again_after_an_unmerge() {
    let mut story = Story::of::<Customer>().says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" })).says(
        "crm",
        "102",
        json!({ "email": "ben@acme.test", "phone": "1" }),
    );
    let tenant = story.tenant();
    let [one, other] = ["101", "102"].map(|id| entity_of(&tenant, &RecordRef::new("crm", "contacts", id)));
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    let mut story = story
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "phone": "1", "balance": "100.00" }))
        .expect(Customer::BALANCE, "100 USD");
    let tenant = story.tenant();
    block_on(tenant.unmerge(other, &by())).expect("that can be taken back");
    story
        .of_record("netsuite", "7")
        .expect(Customer::BALANCE, "100 USD")
        .expect(Customer::PHONE, "1")
        .of_record("crm", "102")
        .expect_missing(Customer::BALANCE);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_record_of_the_merged_time_goes_where_its_values_lead_or_is_a_case() {
    let (mut story, one, other) = two();
    let tenant = story.tenant();
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    let mut story = story
        .says("netsuite", "8", json!({ "email": "ben@acme.test" }))
        .says("netsuite", "9", json!({ "email": "ana@acme.test" }))
        .says("netsuite", "10", json!({ "email": "someone@acme.test" }));
    let tenant = story.tenant();
    let netsuite = |id| RecordRef::new("netsuite", "customer", id);
    let stray = entity_of(&tenant, &netsuite("10"));
    block_on(tenant.link(one, &netsuite("10"), &by())).expect("they are both customers");
    assert_ne!(stray, one);
    block_on(tenant.unmerge(other, &by())).expect("that can be taken back");
    let of = |id| entity_of(&tenant, &netsuite(id));
    assert_eq!((of("8"), of("9"), of("10")), (other, one, one));
    let cases = |tenant: &Tenant| block_on(tenant.cases(None, 10)).expect("the list");
    let listed = cases(&tenant);
    let [case] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((case.kind, &case.records[..]), (CaseKind::Unmerged, &[netsuite("10")][..]));
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
    block_on(tenant.link(one, &netsuite("10"), &by())).expect("it is there");
    assert_eq!(cases(&tenant), []);
}
