//! Records that a person unlinks from an entity, and what holds from then on.

use accordant::engine::CaseKind;
use accordant::plan::Scope;
use accordant::testing::Story;
use accordant::view::Action;
use accordant::{Actor, DiscrepancyKind, EntityId, Error, RecordRef, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::Member;

fn crm(id: &str) -> RecordRef {
    RecordRef::new("crm", "members", id)
}

fn subscriber(id: &str) -> RecordRef {
    RecordRef::new("netsuite", "subscriber", id)
}

fn ana() -> Actor {
    Actor::new("ana")
}

fn of(tenant: &Tenant, record: &RecordRef) -> Option<EntityId> {
    block_on(tenant.entity_of(record)).expect("the store answers")
}

fn unlink(tenant: &Tenant, record: &RecordRef) -> Result<(), Error> {
    let id = of(tenant, record).expect("it is linked");
    block_on(tenant.unlink(id, record, &ana(), "another Ana"))
}

fn keys(tenant: &Tenant) -> Vec<String> {
    let cases = block_on(tenant.cases(None, 10)).expect("the list");
    cases.into_iter().map(|case| case.key.to_string()).collect()
}

fn verified(tenant: &Tenant) {
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// Ana in the CRM and at NetSuite, by the same address.
fn subscribed() -> Story {
    Story::of::<Member>().says("crm", "m1", json!({ "email": "ana@acme.test" })).says(
        "netsuite",
        "s1",
        json!({ "email": "ana@acme.test" }),
    )
}

#[test]
fn what_a_person_unlinked_is_not_linked_by_its_keys_again() {
    let mut story = subscribed();
    let tenant = story.tenant();
    let member = of(&tenant, &crm("m1")).expect("it is linked");
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    assert_eq!(of(&tenant, &subscriber("s1")), None);
    let listed = keys(&tenant);
    assert_eq!(listed.len(), 1, "it is nobody's, and a case: {listed:?}");
    // Whatever it says from then on, of the same address.
    let mut story = story.says("netsuite", "s1", json!({ "name": "Ann" })).polls("netsuite").scans("netsuite");
    let tenant = story.tenant();
    assert_eq!(of(&tenant, &subscriber("s1")), None);
    assert_eq!(keys(&tenant), listed);
    // Said twice, nothing changes.
    block_on(tenant.unlink(member, &subscriber("s1"), &ana(), "another Ana")).expect("it holds already");
    let view = block_on(tenant.inspect_erased(member)).expect("it is known");
    let [held] = view.held_apart.as_slice() else { panic!("{:?}", view.held_apart) };
    assert_eq!((&held.record, held.by.as_str(), held.reason.as_str()), (&subscriber("s1"), "ana", "another Ana"));
    assert!(view.to_string().contains("netsuite/subscriber/s1: by ana"), "{view}");
    let told = block_on(tenant.history(member, None, 100)).expect("it is known").happenings;
    let told = told.iter().any(|one| one.text == "ana said that netsuite/subscriber/s1 is another: another Ana");
    assert!(told, "its history says who said so");
    verified(&tenant);
}

#[test]
fn a_link_takes_back_that_a_record_was_unlinked() {
    let mut story = subscribed();
    let tenant = story.tenant();
    let member = of(&tenant, &crm("m1")).expect("it is linked");
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    block_on(tenant.link(member, &subscriber("s1"), &Actor::new("ben"))).expect("it is a member");
    assert_eq!(of(&tenant, &subscriber("s1")), Some(member));
    assert_eq!(keys(&tenant), Vec::<String>::new());
    assert_eq!(block_on(tenant.inspect_erased(member)).expect("it is known").held_apart, []);
    verified(&tenant);
}

#[test]
fn what_was_unlinked_joins_another_that_its_values_lead_to() {
    let mut story = subscribed().says("crm", "m2", json!({ "email": "ben@acme.test" }));
    let tenant = story.tenant();
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    let mut story = story.says("netsuite", "s1", json!({ "email": "ben@acme.test" }));
    let tenant = story.tenant();
    assert_eq!(of(&tenant, &subscriber("s1")), of(&tenant, &crm("m2")));
    assert_eq!(keys(&tenant), Vec::<String>::new());
    // And not the one from which it was unlinked, when its value leads there again.
    let ben = of(&tenant, &crm("m2"));
    let mut story = story.says("netsuite", "s1", json!({ "email": "ana@acme.test" }));
    assert_eq!(of(&story.tenant(), &subscriber("s1")), ben);
    verified(&story.tenant());
}

/// An object type that makes entities makes none of a record that says whose it is while a person says that it is not.
#[test]
fn nothing_is_made_of_an_unlinked_record_nor_in_its_place() {
    let mut story = Story::of::<Member>().says("crm", "m1", json!({ "email": "ana@acme.test" })).apply();
    let tenant = story.tenant();
    let member = of(&tenant, &crm("m1")).expect("it is linked");
    let view = block_on(tenant.inspect_erased(member)).expect("it is known");
    let made = view.links.iter().map(|link| &link.record).find(|record| record.connection.as_str() == "shop");
    let made = made.expect("an account was created").clone();
    unlink(&tenant, &made).expect("nothing is under way");
    let mut story = story.scans("shop").expect_entities(1).expect_quiet();
    let tenant = story.tenant();
    assert_eq!(of(&tenant, &made), None);
    let standing = block_on(tenant.discrepancies(Default::default())).expect("the list");
    let place: Vec<_> = standing.iter().map(|one| (one.kind, one.reason.as_str())).collect();
    let expected = "ana unlinked its record here; nothing is created in its place";
    assert_eq!(place, [(DiscrepancyKind::Diverged, expected)], "it is on record, and waits for nobody");
    // Once their values differ, it is an entity of its own.
    let id = made.id.to_string();
    let mut story = story.says("shop", &id, json!({ "email": "anna@acme.test" })).expect_entities(2);
    let tenant = story.tenant();
    assert_ne!(of(&tenant, &made), Some(member));
    assert!(of(&tenant, &made).is_some());
    assert_eq!(keys(&tenant), Vec::<String>::new());
    verified(&tenant);
}

#[test]
fn a_case_about_an_unlinked_record_that_a_person_closed_stays_closed() {
    let mut story = subscribed();
    let tenant = story.tenant();
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    let [key] = keys(&tenant).try_into().expect("one case");
    assert!(block_on(tenant.close_case(&key, &ana(), "not ours")).expect("the store answers"));
    let mut story = story.says("netsuite", "s1", json!({ "name": "Ann" })).scans("netsuite");
    assert_eq!(of(&story.tenant(), &subscriber("s1")), None);
    assert_eq!(keys(&story.tenant()), Vec::<String>::new());
}

#[test]
fn who_is_merged_with_it_is_held_apart_too_and_no_more_after_an_unmerge() {
    let mut story = subscribed().says("crm", "m2", json!({ "email": "ben@acme.test" }));
    let tenant = story.tenant();
    let member = of(&tenant, &crm("m1")).expect("it is linked");
    let other = of(&tenant, &crm("m2")).expect("it is linked");
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    // Whoever is one with it is not the record either.
    block_on(tenant.merge(other, member, &ana())).expect("nothing is under way");
    let mut story = story.says("netsuite", "s1", json!({ "name": "Ann" }));
    let tenant = story.tenant();
    assert_eq!(of(&tenant, &subscriber("s1")), None);
    block_on(tenant.unmerge(member, &ana())).expect("nothing is under way");
    let held = |id| block_on(tenant.inspect_erased(id)).expect("it is known").held_apart.len();
    assert_eq!((held(member), held(other)), (1, 0));
    verified(&tenant);
    // Unlinked while the two were one, it is neither.
    let mut story = story.later(chrono::TimeDelta::hours(1));
    let tenant = story.tenant();
    let held = |id| block_on(tenant.inspect_erased(id)).expect("it is known").held_apart.len();
    block_on(tenant.allow_merge(other, member, &ana())).expect("they are known");
    block_on(tenant.merge(other, member, &ana())).expect("nothing is under way");
    block_on(tenant.link(other, &subscriber("s1"), &ana())).expect("it is a member");
    assert_eq!(held(other), 0);
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    block_on(tenant.unmerge(member, &ana())).expect("nothing is under way");
    assert_eq!((held(member), held(other)), (1, 1));
    assert_eq!(of(&tenant, &subscriber("s1")), None);
    verified(&tenant);
}

/// Its system merges a record of the entity into the one that a person unlinked: whose it is, a person says.
#[test]
fn a_merge_inside_the_system_into_an_unlinked_record_is_a_case() {
    let mut story = subscribed().says("netsuite", "s2", json!({ "email": "ana@acme.test" }));
    let tenant = story.tenant();
    let member = of(&tenant, &crm("m1")).expect("it is linked");
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    let mut story = story.merges("netsuite", "s1", "s2").polls("netsuite");
    let tenant = story.tenant();
    assert_eq!(of(&tenant, &subscriber("s1")), None);
    let cases = block_on(tenant.cases(None, 10)).expect("the list");
    assert!(cases.iter().any(|case| case.kind == CaseKind::MergedInSystem), "{cases:?}");
    block_on(tenant.link(member, &subscriber("s1"), &ana())).expect("it is a member");
    assert_eq!(keys(&tenant), Vec::<String>::new());
    verified(&tenant);
}

#[test]
fn what_is_not_linked_cannot_be_unlinked_and_a_write_is_waited_for() {
    let mut story = subscribed().says("crm", "m2", json!({ "email": "ben@acme.test" }));
    let tenant = story.tenant();
    let linked = |id| of(&tenant, &crm(id)).expect("it is linked");
    let (member, other) = (linked("m1"), linked("m2"));
    let refused = block_on(tenant.unlink(other, &subscriber("s1"), &ana(), "")).expect_err("it is another's");
    assert_eq!(refused.to_string(), format!("netsuite/subscriber/s1 is no record of {other}: look again whose it is"));
    let hub = accordant::hub::record("member", member);
    assert!(matches!(block_on(tenant.unlink(member, &hub, &ana(), "")), Err(Error::HubRecord(_))));
    // A write of the record whose answer was lost.
    let mut story = story.apply().says("crm", "m1", json!({ "name": "Ann" }));
    story.fake("shop").loses_answer();
    let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("it is owed");
    block_on(tenant.approve(plan.hash, &ana())).expect("it stands");
    assert_eq!(block_on(tenant.apply(plan.hash)).expect("it runs").unknown, 1);
    let view = block_on(tenant.inspect_erased(member)).expect("it is known");
    let made = view.links.iter().map(|link| &link.record).find(|record| record.connection.as_str() == "shop");
    let made = made.expect("an account was created").clone();
    let refused = unlink(&tenant, &made);
    assert!(matches!(refused, Err(Error::WriteUnderWay { .. })), "{refused:?}");
    block_on(tenant.step()).expect("it is settled");
    unlink(&tenant, &made).expect("nothing is under way any more");
    verified(&tenant);
}

#[test]
fn a_view_offers_to_unlink_each_record_and_what_is_planned_of_it_is_not_carried_out() {
    let mut story = Story::of::<Member>().says("crm", "m1", json!({ "email": "ana@acme.test" })).apply().says(
        "crm",
        "m1",
        json!({ "name": "Ann" }),
    );
    let tenant = story.tenant();
    let member = of(&tenant, &crm("m1")).expect("it is linked");
    let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("it is owed");
    assert_eq!(plan.operations.len(), 1, "{plan}");
    block_on(tenant.approve(plan.hash, &ana())).expect("it stands");
    let view = block_on(tenant.inspect_erased(member)).expect("it is known");
    let offered: Vec<_> = view.actions.iter().filter(|action| matches!(action, Action::Unlink { .. })).collect();
    assert_eq!(offered.len(), 2, "{offered:?}");
    for record in view.links.iter().map(|link| &link.record).filter(|record| **record != crm("m1")) {
        assert!(offered.contains(&&Action::Unlink { record: record.clone() }), "{offered:?}");
        unlink(&tenant, record).expect("nothing is under way");
    }
    let writes = story.fake("shop").writes();
    let applied = block_on(story.tenant().apply(plan.hash)).expect("it runs");
    assert_eq!((applied.done, story.fake("shop").writes()), (0, writes), "{applied:?}");
}

/// A record that is one entity's, as a person says, and not another's, as a person says: that both hold its value is no case.
#[test]
fn who_holds_an_unlinked_record_may_share_its_value() {
    let mut story = subscribed().says("crm", "m2", json!({ "email": "ben@acme.test" }));
    let tenant = story.tenant();
    let other = of(&tenant, &crm("m2")).expect("it is linked");
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    block_on(tenant.link(other, &subscriber("s1"), &ana())).expect("it is a member");
    assert_eq!(of(&tenant, &subscriber("s1")), Some(other));
    assert_eq!(keys(&tenant), Vec::<String>::new());
    // Not so where nobody said anything.
    let mut story = story.says("crm", "m3", json!({ "email": "cleo@acme.test" }));
    let tenant = story.tenant();
    let third = of(&tenant, &crm("m3")).expect("it is linked");
    block_on(tenant.link(third, &crm("m1"), &ana())).expect("it is a member");
    assert_eq!(keys(&tenant).len(), 1, "what two entities hold, of which nobody said that they are two, is a case");
    verified(&tenant);
}

/// It was unlinked from the one, and linked while that was one with another: its values do not take it back where it was unlinked.
#[test]
fn the_end_of_a_merge_takes_no_record_back_to_where_it_was_unlinked() {
    let mut story = subscribed().says("crm", "m2", json!({ "email": "ben@acme.test" }));
    let tenant = story.tenant();
    let member = of(&tenant, &crm("m1")).expect("it is linked");
    let other = of(&tenant, &crm("m2")).expect("it is linked");
    unlink(&tenant, &subscriber("s1")).expect("nothing is under way");
    block_on(tenant.merge(other, member, &ana())).expect("nothing is under way");
    block_on(tenant.link(other, &subscriber("s1"), &ana())).expect("it is a member");
    block_on(tenant.unmerge(member, &ana())).expect("nothing is under way");
    assert_eq!(of(&tenant, &subscriber("s1")), Some(other), "it stays with the survivor");
    let cases = block_on(tenant.cases(None, 10)).expect("the list");
    assert!(cases.iter().any(|case| case.kind == CaseKind::Unmerged), "and whose it is a person says: {cases:?}");
    verified(&tenant);
}
