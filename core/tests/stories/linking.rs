//! Links that people assert, and what follows from them.

use accordant::DiscrepancyKind::UnresolvedReference;
use accordant::chrono::TimeDelta;
use accordant::engine::CaseKind;
use accordant::testing::Story;
use accordant::{Actor, EntityId, Error, RecordRef, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member};

fn crm(id: &str) -> RecordRef {
    RecordRef::new("crm", "members", id)
}

fn entity_of(tenant: &Tenant, record: &RecordRef) -> EntityId {
    block_on(tenant.entity_of(record)).expect("the store answers").expect("it is linked")
}

fn by() -> Actor {
    Actor::new("ana")
}

/// Ana, whose sponsor is Ben.
fn sponsored() -> Story {
    Story::of::<Member>()
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .apply()
        .apply()
        .expect_no_discrepancy()
}

#[test]
fn a_link_leaves_the_references_of_its_entity_resolved_and_no_case_behind() {
    let mut story = sponsored().says("netsuite", "s1", json!({ "email": "a.weber@acme.test" }));
    let tenant = story.tenant();
    assert_eq!(block_on(tenant.unlinked()).expect("the list").len(), 1);
    block_on(tenant.link(entity_of(&tenant, &crm("m1")), &RecordRef::new("netsuite", "subscriber", "s1"), &by()))
        .expect("they are both members");
    assert_eq!(block_on(tenant.cases(None, 10)).expect("the list"), []);
    let standing = block_on(tenant.discrepancies(accordant::engine::DiscrepancyFilter::default())).expect("the list");
    assert!(standing.iter().all(|standing| standing.kind != UnresolvedReference), "{standing:?}");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_link_wakes_the_references_that_waited_for_it() {
    let mut story = Story::of::<Member>()
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2b" }))
        .expect_discrepancy(UnresolvedReference, "sponsor");
    let tenant = story.tenant();
    // A crosswalk that was imported before the record was ever read.
    let ben = entity_of(&tenant, &crm("m2"));
    block_on(tenant.link(ben, &crm("m2b"), &by())).expect("they are both members");
    let mut story = story.of_record("crm", "m1").expect(Member::SPONSOR, &ben.to_string());
    let standing = block_on(story.tenant().discrepancies(Default::default())).expect("the list");
    assert!(standing.iter().all(|standing| standing.kind != UnresolvedReference), "{standing:?}");
}

#[test]
fn a_link_lets_records_join_that_waited_for_the_value() {
    let mut story = Story::of::<Member>()
        .says("netsuite", "s1", json!({ "email": "ben@acme.test" }))
        .says("netsuite", "s2", json!({ "email": "ben@acme.test" }))
        .says("crm", "m1", json!({ "email": "ana@acme.test" }));
    let tenant = story.tenant();
    let ana = entity_of(&tenant, &crm("m1"));
    let subscriber = |id| RecordRef::new("netsuite", "subscriber", id);
    block_on(tenant.link(ana, &subscriber("s1"), &by())).expect("they are both members");
    assert_eq!(entity_of(&tenant, &subscriber("s2")), ana);
    assert_eq!(block_on(tenant.cases(None, 10)).expect("the list"), []);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_record_of_another_type_is_refused() {
    let mut story = Story::of::<Customer>().and::<Member>().says("crm", "1", json!({ "email": "ana@acme.test" }));
    story.fake("crm").edit("members", "m1", &json!({ "email": "ana@acme.test" }));
    let told = story.fake("crm").webhook("members", "m1", 0);
    let mut story = story.receive("crm", told).expect_entities(2);
    let tenant = story.tenant();
    let customer = entity_of(&tenant, &RecordRef::new("crm", "contacts", "1"));
    let refused = block_on(tenant.link(customer, &crm("m1"), &by())).expect_err("a member is no customer");
    let expected = format!("crm/members/m1 is a member, and {customer} a customer: link it to a member");
    assert_eq!(refused.to_string(), expected);
    // Nor one that was never read.
    assert!(matches!(block_on(tenant.link(customer, &crm("m9"), &by())), Err(Error::RecordOfOtherType { .. })));
    let member = entity_of(&tenant, &crm("m1"));
    let refused = block_on(tenant.merge(customer, member, &by())).expect_err("a member is no customer");
    assert!(matches!(refused, Error::EntitiesOfOtherTypes { .. }), "{refused}");
}

#[test]
fn what_cannot_be_linked_is_named_with_what_can() {
    let mut story = sponsored();
    let tenant = story.tenant();
    let (ana, ben) = (entity_of(&tenant, &crm("m1")), entity_of(&tenant, &crm("m2")));
    let refused = |id, record: &RecordRef| block_on(tenant.link(id, record, &by())).expect_err("it cannot be linked");
    let error = refused(ana, &RecordRef::new("crm", "memebrs", "1"));
    assert_eq!(
        error.to_string(),
        "the model has no object type `memebrs` of connection `crm`; did you mean `members`?"
    );
    let error = refused(ana, &RecordRef::new("cmr", "members", "1"));
    assert_eq!(error.to_string(), "no connection is named `cmr`; did you mean `crm`?");
    let hub = accordant::hub::record("member", ben);
    assert!(matches!(refused(ana, &hub), Error::HubRecord(_)));
    block_on(tenant.merge(ana, ben, &by())).expect("nothing is under way");
    // An alias stands for the entity that it was merged into.
    block_on(tenant.link(ben, &crm("m9"), &by())).expect("it is a member");
    assert_eq!(entity_of(&tenant, &crm("m9")), ana);
}

#[test]
fn records_of_two_entities_that_their_system_merged_are_a_case_until_they_are_one() {
    let mut story = Story::of::<Member>().says("crm", "m1", json!({ "email": "ana@acme.test" })).says(
        "crm",
        "m2",
        json!({ "email": "anna@acme.test" }),
    );
    let merged = story.fake("crm").merge_webhook("members", "m1", "m2");
    let mut story = story.receive("crm", merged);
    let tenant = story.tenant();
    let cases = block_on(tenant.cases(None, 10)).expect("the list");
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!((case.kind, &case.records[..]), (CaseKind::MergedInSystem, &[crm("m1"), crm("m2")][..]));
    let (one, other) = (entity_of(&tenant, &crm("m1")), entity_of(&tenant, &crm("m2")));
    block_on(tenant.merge(one, other, &by())).expect("nothing is under way");
    assert_eq!(block_on(tenant.cases(None, 10)).expect("the list"), []);
}

#[test]
fn a_circle_of_merges_silences_nobody_and_is_a_case() {
    let mut story = crate::model::ana().says("shop", "12", json!({ "email": "ana@acme.test", "phone": "1" }));
    let first = story.fake("shop").merge_webhook("customers", "12", "9");
    let mut story =
        story.receive("shop", first).later(TimeDelta::minutes(1)).edits("shop", "9", json!({ "title": "Dr" }));
    let back = story.fake("shop").merge_webhook("customers", "9", "12");
    let mut story = story.receive("shop", back);
    let cases = block_on(story.tenant().cases(None, 10)).expect("the list");
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    let shop = |id| RecordRef::new("shop", "customers", id);
    assert_eq!((case.kind, &case.records[..]), (CaseKind::MergeCycle, &[shop("12"), shop("9")][..]));
    // What the later merge left is heard; what is said of the other one is a reason to look at it.
    let mut story =
        story.says("shop", "9", json!({ "phone": "2" })).of_record("crm", "101").expect(Customer::PHONE, "2");
    assert!(block_on(story.tenant().verify()).expect("the chain holds").is_clean());
    let key = block_on(story.tenant().cases(None, 10)).expect("the list").remove(0).key;
    assert!(block_on(story.tenant().close_case(&key, &by(), "9 it is")).expect("the store answers"));
    assert!(!block_on(story.tenant().close_case(&key, &by(), "again")).expect("the store answers"));
    assert_eq!(block_on(story.tenant().cases(None, 10)).expect("the list"), []);
}

#[test]
fn whoever_speaks_of_a_loser_is_taken_to_mean_the_survivor() {
    let mut story = crate::model::ana().says("shop", "12", json!({ "email": "ana@acme.test", "phone": "1" }));
    let merged = story.fake("shop").merge_webhook("customers", "12", "9");
    story
        .receive("shop", merged)
        // Nobody tells of the survivor's edit; a late word about the loser makes us look.
        .edits("shop", "12", json!({ "phone": "2" }))
        .says("shop", "9", json!({ "phone": "666" }))
        .of_record("crm", "101")
        .expect(Customer::PHONE, "2")
        .expect_entities(1);
}
