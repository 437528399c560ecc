//! Merges into one survivor, taken back in any order: afterwards each is what it would have been without them.

use accordant::entity::Entity;
use accordant::model::UnitKey;
use accordant::testing::{Story, entities};
use accordant::{Actor, EntityId, Error, RecordRef, Tenant};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::model::Customer;

fn by() -> Actor {
    Actor::new("ana")
}

/// Every other customer is the shop's: of two in one system, the second would not be heard.
fn system(n: usize) -> (&'static str, &'static str) {
    if n.is_multiple_of(2) { ("crm", "contacts") } else { ("shop", "customers") }
}

fn record(n: usize) -> RecordRef {
    let (system, object) = system(n);
    RecordRef::new(system, object, &n.to_string())
}

fn phone(n: usize) -> String {
    format!("{n}00")
}

/// Customers who have nothing in common but a phone that nobody's policy resolves.
fn customers(of: usize, shared: bool) -> (Story, Vec<EntityId>) {
    let story = Story::of::<Customer>();
    let mut story = (0..of).fold(story, |story, n| {
        let phone = if shared { "1".to_owned() } else { phone(n) };
        story.says(system(n).0, &n.to_string(), json!({ "email": format!("c{n}@acme.test"), "phone": phone }))
    });
    let tenant = story.tenant();
    let ids =
        (0..of).map(|n| block_on(tenant.entity_of(&record(n))).expect("the store answers").expect("it is linked"));
    (story, ids.collect())
}

fn entity(tenant: &Tenant, id: EntityId) -> Entity {
    entities(tenant).into_iter().find(|entity| entity.id == id).expect("it is there")
}

/// What golden holds of the phone, and what the one record that is left was accepted with.
fn held(tenant: &Tenant, id: EntityId) -> (Option<String>, Option<String>, Option<String>) {
    let entity = entity(tenant, id);
    let of = tenant_unit(&entity);
    let text = |field: &accordant::value::Field| field.as_value().map(ToOwned::to_owned);
    let golden = of.as_ref().and_then(|key| entity.golden.get(key)).and_then(|cell| text(&cell.field));
    let [link] = &entity.links[..] else { panic!("{id} has one record: {:?}", entity.links) };
    let base = of.as_ref().and_then(|key| link.bases.get(key));
    (golden, base.and_then(|base| text(&base.seen)), base.and_then(|base| text(&base.agreed)))
}

/// The unit of the phone, by its place in the model: the second.
fn tenant_unit(entity: &Entity) -> Option<UnitKey> {
    entity.golden.iter().map(|(key, _)| key).find(|key| *key == UnitKey::Whole(1))
}

fn all(value: &str) -> (Option<String>, Option<String>, Option<String>) {
    let value = Some(value.to_owned());
    (value.clone(), value.clone(), value)
}

#[test]
fn the_earlier_of_two_merges_can_be_taken_back_first() {
    let (mut story, ids) = customers(3, true);
    let tenant = story.tenant();
    let [one, two, three] = ids[..] else { panic!("three: {ids:?}") };
    block_on(tenant.merge(one, two, &by())).expect("nothing is under way");
    let mut story = story.says("shop", "1", json!({ "phone": "2" })).of_record("crm", "0").expect(Customer::PHONE, "2");
    let tenant = story.tenant();
    block_on(tenant.merge(one, three, &by())).expect("nothing is under way");
    block_on(tenant.unmerge(two, &by())).expect("that can be taken back");
    assert_eq!(entity(&tenant, one).links.len(), 2, "the other merge stands");
    assert_eq!(held(&tenant, two), all("2"));
    block_on(tenant.unmerge(three, &by())).expect("that can be taken back");
    for (id, value) in [(one, "1"), (two, "2"), (three, "1")] {
        assert_eq!(held(&tenant, id), all(value));
    }
    let plan = block_on(tenant.plan(one).into_future()).expect("a plan");
    assert!(plan.operations.iter().all(|operation| operation.unit.as_str() != "phone"), "{plan}");
    assert_eq!(block_on(tenant.cases(None, 10)).expect("the list"), []);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[derive(Debug, Clone)]
enum Act {
    Merge(usize, usize),
    Unmerge(usize),
    /// A person enters another phone.
    Edit(usize, u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..5_usize, 0..5_usize).prop_map(|(into, from)| Act::Merge(into, from)),
        2 => (0..5_usize).prop_map(Act::Unmerge),
        1 => (0..5_usize, 2..9_u8).prop_map(|(of, value)| Act::Edit(of, value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever was merged into whom, and taken back when: once all are, each has its own record, and what that says is golden.
    #[test]
    fn after_all_merges_are_taken_back_everybody_is_who_they_are(acts in vec(act(), 1..14), shared in any::<bool>()) {
        let (mut story, ids) = customers(5, shared);
        let mut says: Vec<String> = (0..5).map(|n| if shared { "1".to_owned() } else { phone(n) }).collect();
        for act in acts {
            match act {
                Act::Merge(into, from) => {
                    let tenant = story.tenant();
                    // One of them is an alias, or held apart from the other since.
                    let merged = block_on(tenant.merge(ids[into], ids[from], &by()));
                    let refused = matches!(
                        merged,
                        Err(Error::SameEntity(_) | Error::AlreadyMerged { .. } | Error::HeldApart { .. })
                    );
                    prop_assert!(merged.is_ok() || refused, "{:?}", merged);
                }
                Act::Unmerge(of) => {
                    let unmerged = block_on(story.tenant().unmerge(ids[of], &by()));
                    let refused = matches!(unmerged, Err(Error::NotMerged(_) | Error::AlreadyMerged { .. }));
                    prop_assert!(unmerged.is_ok() || refused, "{:?}", unmerged);
                }
                Act::Edit(of, value) => {
                    says[of] = format!("{of}-{value}");
                    story = story.says(system(of).0, &of.to_string(), json!({ "phone": says[of] }));
                }
            }
        }
        let tenant = story.tenant();
        // One that is a survivor and an alias waits for whoever it was merged into.
        for _ in 0..ids.len() {
            for id in &ids {
                let unmerged = block_on(tenant.unmerge(*id, &by()));
                let refused = matches!(unmerged, Err(Error::NotMerged(_) | Error::AlreadyMerged { .. }));
                prop_assert!(unmerged.is_ok() || refused, "{:?}", unmerged);
            }
        }
        for (n, id) in ids.iter().enumerate() {
            prop_assert_eq!(held(&tenant, *id), all(&says[n]), "customer {}", n);
            prop_assert_eq!(block_on(tenant.entity_of(&record(n))).expect("the store answers"), Some(*id));
        }
        prop_assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
    }
}
