//! Any sequence of what systems say leaves a store that verifies.

use accordant::Lifetime;
use accordant::engine::Tenant;
use accordant::error::Error;
use accordant::id::Actor;
use accordant::settle::Ruling;
use accordant::store::MemoryStore;
use accordant::view::Action;
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use crate::support::{SYSTEMS, Said, Variant, clock, open, says};

const PATHS: [&str; 7] = ["email", "name", "balance", "segment", "fax", "street", "zip"];

fn fields() -> impl Strategy<Value = Json> {
    let scalar = option::weighted(
        0.7,
        prop_oneof![4 => (0u8..3).prop_map(|n| Json::from(format!("v{n}"))),
                                                   1 => Just(Json::Null), 1 => Just(Json::from(""))],
    );
    let tags = option::weighted(0.4, vec((0u8..3).prop_map(|n| Json::from(format!("t{n}"))), 0..3));
    (vec(scalar, PATHS.len()), tags).prop_map(|(scalars, tags)| {
        let said = PATHS.iter().zip(scalars).filter_map(|(path, said)| Some(((*path).to_owned(), said?)));
        let mut fields: Map<String, Json> = said.collect();
        if let Some(tags) = tags {
            fields.insert("tags".into(), tags.into());
        }
        Json::Object(fields)
    })
}

pub(crate) fn said() -> impl Strategy<Value = Said> {
    let kind = prop_oneof![12 => Just("record"), 1 => Just("deleted"), 1 => Just("merged")];
    (any::<bool>(), kind, 0u8..3, 0u8..3, 0i64..6, fields()).prop_map(|(part, kind, id, other, at, fields)| Said {
        part,
        kind: kind.into(),
        id: id.to_string(),
        other: other.to_string(),
        at,
        fields,
    })
}

/// Something that happens to a tenant. Entities and records are named by their place among those that are there.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Delivery(usize, Vec<Said>),
    Merge(usize, usize),
    Unmerge(usize),
    Link(usize, usize),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..3, vec(said(), 1..4)).prop_map(|(system, said)| Step::Delivery(system, said)),
        1 => (0usize..4, 0usize..4).prop_map(|(survivor, merged)| Step::Merge(survivor, merged)),
        1 => (0usize..4).prop_map(Step::Unmerge),
        1 => (0usize..4, 0usize..9).prop_map(|(entity, record)| Step::Link(entity, record)),
    ]
}

pub(crate) async fn take(tenant: &Tenant, step: &Step) {
    let by = Actor::new("ana");
    let entity = async |place: usize| tenant.replay().await.unwrap().entities.keys().nth(place).copied();
    match step {
        Step::Delivery(system, said) => says(tenant, SYSTEMS[*system].0, said).await.unwrap(),
        Step::Merge(survivor, merged) => {
            if let (Some(survivor), Some(merged)) = (entity(*survivor).await, entity(*merged).await) {
                let refused = tenant.merge(survivor, merged, &by).await.err();
                let expected = |error: &Error| {
                    matches!(error, Error::AlreadyMerged { .. } | Error::SameEntity(_) | Error::HeldApart { .. })
                };
                assert!(refused.as_ref().is_none_or(expected), "{refused:?}");
            }
        }
        Step::Unmerge(merged) => {
            if let Some(merged) = entity(*merged).await {
                let refused = tenant.unmerge(merged, &by).await.err();
                let expected = |error: &Error| matches!(error, Error::AlreadyMerged { .. } | Error::NotMerged(_));
                assert!(refused.as_ref().is_none_or(expected), "{refused:?}");
            }
        }
        Step::Link(to, record) => {
            let record = tenant.replay().await.unwrap().representations.keys().nth(*record).cloned();
            if let (Some(to), Some(record)) = (entity(*to).await, record) {
                tenant.link(to, &record, &by).await.unwrap();
                // An alias stands for the entity that it was merged into.
                let stands = tenant.inspect_erased(to).await.unwrap().id;
                assert_eq!(tenant.entity_of(&record).await.unwrap(), Some(stands));
            }
        }
    }
}

/// An unmerge opens what it finds: whoever replays it knows that a system moved, and not only that a write is owed.
#[test]
fn what_an_unmerge_opened_is_opened_again() {
    let record = |id: &str, fields: Json| Said {
        part: false,
        kind: "record".into(),
        id: id.into(),
        other: "0".into(),
        at: 0,
        fields,
    };
    let (nothing, email) = (|| json!({}), |value: &str| json!({ "email": value }));
    let steps = [
        Step::Delivery(0, vec![record("0", email("v1")), record("1", nothing())]),
        Step::Delivery(2, vec![record("0", nothing()), record("1", email("v1"))]),
        Step::Merge(1, 2),
        Step::Delivery(2, vec![record("1", email("v2"))]),
        Step::Unmerge(2),
    ];
    let clock = clock();
    let tenant = open(Variant::default(), MemoryStore::new(), &clock, 7).tenant("acme");
    for step in &steps {
        block_on(take(&tenant, step));
        clock.advance(TimeDelta::seconds(1));
    }
    let proposal = open(Variant::default(), MemoryStore::new(), &clock, 8);
    let would = block_on(tenant.what_if(&proposal)).unwrap();
    assert!(would.is_same(), "{would}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_replayed_journal_is_what_is_stored(steps in vec(step(), 1..9)) {
        let clock = clock();
        let tenant = open(Variant::default(), MemoryStore::new(), &clock, 7).tenant("acme");
        block_on(async {
            for step in &steps {
                take(&tenant, step).await;
                clock.advance(TimeDelta::seconds(1));
            }
            let verified = tenant.verify().await.unwrap();
            prop_assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
            let rederived = tenant.rederive().await.unwrap();
            prop_assert!(rederived.is_same(), "{rederived}");
            let proposal = open(Variant::default(), MemoryStore::new(), &clock, 8);
            let would = tenant.what_if(&proposal).await.unwrap();
            prop_assert!(would.is_same(), "{would}");
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Whatever a view offers a person to do, the engine does.
    #[test]
    fn what_a_view_offers_can_be_done(steps in vec(step(), 2..9), turn in 0usize..7) {
        let clock = clock();
        let tenant = open(Variant::default(), MemoryStore::new(), &clock, 7).tenant("acme");
        block_on(async {
            for step in &steps {
                take(&tenant, step).await;
                clock.advance(TimeDelta::seconds(1));
            }
            let ids: Vec<_> = tenant.replay().await.unwrap().entities.into_keys().collect();
            for id in ids {
                let names: Vec<_> = tenant.inspect_erased(id).await.unwrap().units.into_iter().map(|u| u.name).collect();
                for name in names.iter().map(|name| &**name).chain(["$exists"]) {
                    let view = tenant.inspect_erased(id).await.unwrap();
                    let actions = if name == "$exists" {
                        view.actions
                    } else {
                        view.units.into_iter().find(|unit| *unit.name == *name).map(|unit| unit.actions).unwrap_or_default()
                    };
                    // What needs a value of its own is left to tests that know the type.
                    let done = |action: &&Action| action.choice().is_some() || matches!(action, Action::Unlink { .. });
                    let offered: Vec<_> = actions.iter().filter(done).collect();
                    let Some(action) = offered.get(turn % offered.len().max(1)) else { continue };
                    let by = Actor::new("ana");
                    if let Action::Unlink { record } = action {
                        let unlinked = tenant.unlink(id, record, &by, "offered").await;
                        prop_assert!(unlinked.is_ok(), "{record} of {actions:?}: {unlinked:?}");
                        continue;
                    }
                    let Some(choice) = action.choice() else { continue };
                    let ruling = Ruling { choice, lifetime: Lifetime::default(), by, reason: "offered".to_owned() };
                    let ruled = tenant.rule(id, name, ruling.clone()).await;
                    prop_assert!(ruled.is_ok(), "{name}: {:?} of {actions:?}: {ruled:?}", ruling.choice);
                }
            }
            let verified = tenant.verify().await.unwrap();
            prop_assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
            Ok(())
        })?;
    }
}
