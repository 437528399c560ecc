//! The model changes while the journal goes on: replay drops what the engine dropped.

use std::sync::Arc;

use accordant::clock::ManualClock;
use accordant::engine::Tenant;
use accordant::error::Error;
use accordant::id::Actor;
use accordant::store::{MemoryStore, Store as _};
use accordant::testing::{Turns, Watched};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{SYSTEMS, Variant, clock, open, record, says};

fn actor() -> Actor {
    Actor::new("ana")
}

fn under(variant: Variant, store: &MemoryStore, clock: &Arc<ManualClock>) -> Tenant {
    open(variant, store.clone(), clock, 3).tenant("acme")
}

fn fill(tenant: &Tenant, at: i64) {
    block_on(async {
        for (place, (system, _)) in SYSTEMS.iter().enumerate() {
            let said: Vec<_> = (0..3)
                .map(|n| {
                    let fields = json!({
                        "email": format!("c{n}@acme.test"), "name": "Ana", "full_name": "Ana A", "balance": "1",
                        "segment": "gold", "fax": "5", "fax_number": "6", "tags": ["a", "b"], "street": "Main", "zip": "1",
                    });
                    record(&format!("{place}{n}"), at, fields)
                })
                .collect();
            match says(tenant, system, &said).await {
                Ok(()) | Err(Error::UnknownConnection { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
}

fn assert_clean(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

#[test]
fn an_unaccepted_change_refuses_to_write_and_an_accepted_one_does_not() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(Variant::default(), &store, &clock), 10);
    let moved = under(Variant { move_name: true, ..Variant::default() }, &store, &clock);
    let refused = block_on(says(&moved, "crm", &[record("00", 20, json!({}))]));
    let Err(Error::ModelChanged { changes }) = refused else { panic!("{refused:?}") };
    assert!(changes.contains("customer.name in crm: at full_name, before name"), "{changes}");
    let change = block_on(moved.accept_model(&actor())).unwrap();
    assert_eq!(change.changes.len(), 3, "{change}");
    assert!(!change.is_additive());
    assert!(block_on(moved.model_change()).unwrap().is_empty());
    assert_clean(&moved);
    fill(&moved, 20);
    assert_clean(&moved);
}

#[test]
fn a_worker_of_the_former_model_writes_nothing_once_the_change_began() {
    let (store, clock) = (MemoryStore::new(), clock());
    let former = under(Variant::default(), &store, &clock);
    fill(&former, 10);
    let moved = under(Variant { move_name: true, ..Variant::default() }, &store, &clock);
    block_on(moved.accept_model(&actor())).unwrap();
    let journaled = || block_on(store.journal(former.id(), 0, usize::MAX)).unwrap().len();
    let before = journaled();
    let said = record("00", 20, json!({ "email": "c0@acme.test", "name": "Zoe" }));
    for _ in 0..2 {
        let refused = block_on(says(&former, "crm", std::slice::from_ref(&said)));
        assert!(matches!(refused, Err(Error::ModelChanged { .. })), "{refused:?}");
        assert_eq!(journaled(), before);
    }
    assert_clean(&moved);
    // Accepted again, nothing changes, and whoever works under it goes on.
    let again = under(Variant { move_name: true, ..Variant::default() }, &store, &clock);
    assert!(block_on(again.accept_model(&actor())).unwrap().is_empty());
    fill(&moved, 20);
    assert_clean(&moved);
}

#[test]
fn a_retyped_attribute_loses_its_golden_values_by_journaled_facts() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(Variant::default(), &store, &clock), 10);
    let retyped = under(Variant { retype_segment: true, ..Variant::default() }, &store, &clock);
    let change = block_on(retyped.model_change()).unwrap();
    let lines: Vec<String> = change.changes.iter().map(ToString::to_string).collect();
    assert_eq!(lines[0], "customer.segment: code 1, before word 1; stored values are unobserved until read again");
    block_on(retyped.accept_model(&actor())).unwrap();
    assert_clean(&retyped);
    let replayed = block_on(retyped.replay()).unwrap();
    let unit = accordant::model::UnitKey::Whole(3);
    assert_eq!(replayed.entities.len(), 3);
    for entity in replayed.entities.values() {
        assert!(entity.golden.get(&unit).is_none());
        assert!(entity.links.iter().all(|link| link.bases.get(&unit).is_none()));
    }
    fill(&retyped, 20);
    assert_clean(&retyped);
    let replayed = block_on(retyped.replay()).unwrap();
    assert!(replayed.entities.values().all(|entity| entity.golden.get(&unit).is_some()));
}

#[test]
fn members_in_another_order_do_not_become_each_other() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(Variant::default(), &store, &clock), 10);
    let swapped = under(Variant { swap_address: true, ..Variant::default() }, &store, &clock);
    let change = block_on(swapped.accept_model(&actor())).unwrap();
    assert_eq!(change.changes.len(), 1, "{change}");
    assert_clean(&swapped);
    // What the systems say is known still, and they agree: golden forms anew.
    let replayed = block_on(swapped.replay()).unwrap();
    let unit = accordant::model::UnitKey::Whole(6);
    for entity in replayed.entities.values() {
        let field = entity.golden.get(&unit).unwrap().field.clone();
        let parts = accordant::value::split(&field, 2).unwrap();
        assert_eq!(parts[0].as_value(), Some("1"));
        assert_eq!(parts[1].as_value(), Some("Main"));
    }
}

#[test]
fn a_retired_id_is_never_free_again() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(Variant::default(), &store, &clock), 10);
    let retired = under(Variant { retire_fax: true, ..Variant::default() }, &store, &clock);
    assert!(block_on(retired.accept_model(&actor())).unwrap().is_additive());
    let reused = under(Variant { reuse_fax: true, ..Variant::default() }, &store, &clock);
    let refused = block_on(reused.accept_model(&actor()));
    let Err(Error::ModelRefused { reasons }) = refused else { panic!("{refused:?}") };
    assert_eq!(reasons, "customer.fax: this id was retired for ever; give the attribute an id that was never used");
}

#[test]
fn a_renamed_identity_still_finds_its_entities() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(Variant::default(), &store, &clock), 10);
    let renamed = under(Variant { rename_email: true, ..Variant::default() }, &store, &clock);
    block_on(renamed.accept_model(&actor())).unwrap();
    block_on(says(&renamed, "crm", &[record("new", 30, json!({ "email": "c1@acme.test" }))])).unwrap();
    let replayed = block_on(renamed.replay()).unwrap();
    assert_eq!(replayed.entities.len(), 3, "no duplicate entity");
    assert_clean(&renamed);
    // Back to the former id only by saying so: the values are stored under the new one by now.
    let back = under(Variant::default(), &store, &clock);
    let refused = block_on(back.model_change()).unwrap();
    assert_eq!(refused.refused().count(), 1, "{refused}");
}

#[test]
fn rederiving_tells_what_retained_bodies_would_fill() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(Variant::default(), &store, &clock), 10);
    let moved = under(Variant { move_name: true, ..Variant::default() }, &store, &clock);
    block_on(moved.accept_model(&actor())).unwrap();
    let rederived = block_on(moved.rederive()).unwrap();
    let (attribute, reread) = rederived.attributes.iter().next().unwrap();
    assert_eq!(rederived.attributes.len(), 1, "{rederived}");
    assert_eq!((attribute.1.as_str(), reread.records, reread.examples.len()), ("name", 9, 5));
    assert_eq!(rederived.decoded, 9);
}

fn variant() -> impl Strategy<Value = Variant> {
    (any::<[bool; 7]>()).prop_map(|[move_name, own_name, swap, ungroup, retype_segment, add_phone, drop_shop]| {
        Variant {
            move_name,
            own_name,
            swap_address: swap,
            ungroup_address: ungroup,
            retype_segment,
            add_phone,
            drop_shop,
            ..Variant::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Models come and go, back and forth; rows are written under some of them and not under others.
    #[test]
    fn a_store_verifies_under_every_model_that_it_came_through(
        steps in vec((variant(), vec((0usize..3, 0u8..3, 0u8..3, 1i64..40), 0..4)), 1..5),
    ) {
        let (store, clock) = (MemoryStore::new(), clock());
        fill(&under(Variant::default(), &store, &clock), 10);
        for (variant, said) in steps {
            let tenant = under(variant, &store, &clock);
            block_on(tenant.accept_model(&actor())).unwrap();
            let verified = block_on(tenant.verify()).unwrap();
            prop_assert!(verified.is_clean(), "accepted {variant:?}: {verified}: {:?}", verified.differences);
            for (system, n, value, at) in said {
                let fields = json!({
                    "email": format!("c{n}@acme.test"), "name": format!("v{value}"), "segment": format!("v{value}"),
                    "tags": [format!("v{value}")], "street": format!("v{value}"), "zip": "1", "phone": "2",
                });
                let said = block_on(says(&tenant, SYSTEMS[system].0, &[record(&format!("{system}{n}"), at, fields)]));
                prop_assert!(matches!(said, Ok(()) | Err(Error::UnknownConnection { .. })), "{said:?}");
            }
            let verified = block_on(tenant.verify()).unwrap();
            prop_assert!(verified.is_clean(), "written under {variant:?}: {verified}: {:?}", verified.differences);
        }
    }
}

#[test]
fn of_two_that_begin_a_tenant_at_once_neither_is_refused() {
    for calls in 0.. {
        let (clock, store) = (clock(), MemoryStore::new());
        let ana = || [record("1", 1, json!({ "email": "ana@acme.test", "name": "Ana" }))];
        let watched = Watched::new(store.clone(), Turns::default());
        let other = open(Variant::default(), store.clone(), &clock, 8).tenant("acme");
        watched.watch().happens_after(calls, async move { says(&other, "shop", &ana()).await.unwrap() });
        let one = open(Variant::default(), watched.clone(), &clock, 7).tenant("acme");
        let said = block_on(says(&one, "crm", &ana()));
        assert!(said.is_ok(), "the other began after {calls} calls: {said:?}");
        if !watched.watch().have_passed() {
            assert!(calls > 5, "{calls} calls");
            break;
        }
        assert_clean(&one);
    }
}
