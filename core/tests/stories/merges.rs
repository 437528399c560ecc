//! Entities that are one: merged by a person, claimed by a merge inside a system, linked by hand.

use accordant::engine::{DiscrepancyFilter, Tenant};
use accordant::id::{Actor, EntityId, Id, RecordRef};
use accordant::plan::Scope;
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::value::Field;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member};

fn entity_of(tenant: &Tenant, record: &RecordRef) -> EntityId {
    block_on(tenant.entity_of(record)).expect("the store works").expect("the record is linked")
}

/// Ana twice: once in the CRM, once in the shop.
fn twice() -> (Story, Tenant, EntityId, EntityId) {
    let mut story = Story::of::<Customer>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@home.test", "phone": "1" }))
        .expect_entities(2);
    let tenant = story.tenant();
    let survivor = entity_of(&tenant, &RecordRef::new("crm", "contacts", "101"));
    let merged = entity_of(&tenant, &RecordRef::new("shop", "customers", "9"));
    (story, tenant, survivor, merged)
}

#[test]
fn a_merged_id_answers_with_the_survivor() {
    let (_story, tenant, survivor, merged) = twice();
    let by = Actor::new("ana");
    block_on(tenant.merge(survivor, merged, &by)).expect("they can be merged");
    let alias = Id::<Customer>::new(merged);
    let view = block_on(tenant.inspect(alias)).expect("the alias is known");
    assert_eq!(view.entity.id, survivor);
    assert_eq!(view.entity.links.len(), 2);
    assert_eq!(block_on(tenant.inspect_erased(merged)).expect("the alias is known").id, survivor);
    assert_eq!(block_on(tenant.explain(alias, Customer::PHONE)).expect("the alias is known").entity, survivor);
    assert_eq!(block_on(tenant.entities("customer", None, 9)).expect("the list"), [survivor], "an alias is no entity");
    assert_eq!(block_on(tenant.find(Customer::PHONE, "1")).expect("the search"), [Id::new(survivor)]);
    // What people choose and enter under the old id is the survivor's.
    let choice = Choice::Value(Field::value("2"));
    block_on(tenant.decide(alias, Customer::PHONE, choice, &by, "by phone")).expect("the alias can be decided on");
    block_on(tenant.enter(alias, Customer::NOTE, Some("twice".to_owned()), &by)).expect("the alias takes entries");
    let view = block_on(tenant.inspect_erased(survivor)).expect("the view");
    let golden = |unit: &str| view.unit(unit).expect("the unit").golden.clone();
    assert_eq!((golden("phone"), golden("note")), (Field::value("2"), Field::value("twice")));
    let of = |id: EntityId| block_on(async { tenant.plan(id).await }).expect("a plan").operations;
    assert!(!of(survivor).is_empty());
    assert_eq!(of(merged), of(survivor));
}

#[test]
fn what_stood_open_of_a_merged_entity_stands_of_the_survivor() {
    let (story, tenant, survivor, merged) = twice();
    let _story = story.says("netsuite", "7", json!({ "email": "ana@home.test", "phone": "2" }));
    let open = || -> Vec<EntityId> {
        let found = block_on(tenant.discrepancies(DiscrepancyFilter::default())).expect("the list");
        found.into_iter().filter(|standing| *standing.unit == *"phone").map(|standing| standing.entity).collect()
    };
    assert!(!open().is_empty() && open().iter().all(|entity| *entity == merged));
    let before = open();
    block_on(tenant.merge(survivor, merged, &Actor::new("ana"))).expect("they can be merged");
    assert!(!open().is_empty() && open().iter().all(|entity| *entity == survivor), "{:?}", open());
    block_on(tenant.unmerge(merged, &Actor::new("ana"))).expect("that can be taken back");
    assert_eq!(open(), before);
}

#[test]
fn a_chain_of_merges_leads_to_its_end() {
    let (story, tenant, first, second) = twice();
    let story = story.says("netsuite", "7", json!({ "email": "ana@third.test", "phone": "1" })).expect_entities(3);
    drop(story);
    let third = entity_of(&tenant, &RecordRef::new("netsuite", "customer", "7"));
    let by = Actor::new("ana");
    block_on(tenant.merge(second, first, &by)).expect("they can be merged");
    block_on(tenant.merge(third, second, &by)).expect("they can be merged");
    assert_eq!(block_on(tenant.inspect_erased(first)).expect("the alias is known").id, third);
    block_on(tenant.unmerge(second, &by)).expect("that can be taken back");
    assert_eq!(block_on(tenant.inspect_erased(first)).expect("the alias is known").id, second);
}

#[test]
fn records_of_two_entities_merged_inside_their_system_are_listed_until_someone_decides() {
    let mut story = Story::of::<Customer>()
        .says("shop", "9", json!({ "email": "ana@acme.test" }))
        .says("shop", "12", json!({ "email": "ana@home.test" }))
        .merges("shop", "12", "9")
        .hints("shop", "9");
    let tenant = story.tenant();
    let listed = || block_on(tenant.unlinked()).expect("the list");
    let (loser, survivor) = (RecordRef::new("shop", "customers", "9"), RecordRef::new("shop", "customers", "12"));
    let (one, other) = (entity_of(&tenant, &loser), entity_of(&tenant, &survivor));
    assert_eq!(listed().len(), 1);
    assert_eq!((&listed()[0].record, &listed()[0].candidates), (&survivor, &vec![one, other]));
    let by = Actor::new("ana");
    block_on(tenant.merge(one, other, &by)).expect("they can be merged");
    assert_eq!(listed(), []);
    block_on(tenant.unmerge(other, &by)).expect("that can be taken back");
    assert_eq!(listed().len(), 1);
    // Or the person says that they are two after all, and the record stays where it is.
    block_on(tenant.link(other, &survivor, &by)).expect("the record is known");
    assert_eq!(listed(), []);
}

#[test]
fn a_record_that_a_person_links_is_listed_no_longer() {
    let mut story = Story::of::<Member>().says("crm", "m1", json!({ "email": "ana@acme.test" })).says(
        "netsuite",
        "s1",
        json!({ "email": "ana@home.test" }),
    );
    let tenant = story.tenant();
    let listed = || block_on(tenant.unlinked()).expect("the list").len();
    assert_eq!(listed(), 1);
    story = story.links("ana", ("netsuite", "s1"), ("crm", "m1"));
    assert_eq!(listed(), 0);
    drop(story);
}

#[test]
fn a_plan_of_everything_plans_no_alias() {
    let (_story, tenant, survivor, merged) = twice();
    block_on(tenant.merge(survivor, merged, &Actor::new("ana"))).expect("they can be merged");
    let plan = block_on(async { tenant.plan(Scope::default()).await }).expect("a plan");
    assert!(plan.operations.iter().all(|operation| operation.entity == survivor), "{plan}");
}
