//! As-of equals a snapshot taken then, for random histories.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use accordant::engine::{Case, CaseFilter, Tenant};
use accordant::id::{Actor, EntityId, RecordRef};
use accordant::representation::Representation;
use accordant::settle::{Choice, Ruling};
use accordant::store::{MemoryStore, SqliteStore, Store};
use accordant::value::Field;
use accordant::view::EntityView;
use accordant::{Lifetime, entity::Entity};
use chrono::{DateTime, TimeDelta, Utc};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::properties::{Step, step, take};
use crate::support::{Variant, clock, open};

/// Something that happens, and how long after it the next thing does: often in the same millisecond.
#[derive(Debug, Clone)]
enum Event {
    Step(Step),
    Decides(usize, usize, Choice, bool),
    Comments(usize),
    /// Unlinks a record of an entity; with `true`, another entity's person links it to the next.
    Unlinks(usize, usize, bool),
    /// Closes a case about a record or a match.
    Closes(usize),
}

fn event() -> impl Strategy<Value = (Event, i64)> {
    let choice = prop_oneof![
        Just(Choice::Keep),
        Just(Choice::Take("crm".into())),
        Just(Choice::LetDiffer("shop".into())),
        Just(Choice::Value(Field::value("v9"))),
        Just(Choice::Retire),
    ];
    let event = prop_oneof![
        6 => step().prop_map(Event::Step),
        2 => (0usize..4, 0usize..7, choice, any::<bool>())
            .prop_map(|(entity, unit, choice, until)| Event::Decides(entity, unit, choice, until)),
        1 => (0usize..3).prop_map(Event::Comments),
        1 => (0usize..4, 0usize..3, any::<bool>()).prop_map(|(entity, link, moves)| Event::Unlinks(entity, link, moves)),
        1 => (0usize..3).prop_map(Event::Closes),
    ];
    (event, prop_oneof![2 => Just(0i64), 3 => 1i64..5_000])
}

const UNITS: [&str; 7] = ["email", "name", "balance", "segment", "address", "tags", "$exists"];

async fn happen(tenant: &Tenant, event: &Event, now: i64) {
    let by = Actor::new("ana");
    match event {
        Event::Step(step) => take(tenant, step).await,
        Event::Decides(place, unit, choice, until) => {
            let Some(id) = tenant.replay().await.unwrap().entities.keys().nth(*place).copied() else { return };
            let date = DateTime::from_timestamp_millis(now + 3_000).unwrap();
            let lifetime = if *until { Lifetime::Until(date) } else { Lifetime::default() };
            let ruling = Ruling { choice: choice.clone(), lifetime, by, reason: "she said so".to_owned() };
            // Many choices are none there: they are refused, and nothing happens.
            drop(tenant.rule(id, UNITS[*unit], ruling).await);
            drop(tenant.step().await.unwrap());
        }
        Event::Unlinks(place, link, moves) => {
            let entities = tenant.replay().await.unwrap().entities;
            let Some((id, entity)) = entities.iter().nth(*place) else { return };
            let Some(link) = entity.links.get(*link) else { return };
            // The hub's own record is refused.
            drop(tenant.unlink(*id, &link.record, &by, "another").await);
            if let Some(other) = entities.keys().find(|other| *other != id).filter(|_| *moves) {
                drop(tenant.link(*other, &link.record, &by).await);
            }
            drop(tenant.step().await.unwrap());
        }
        Event::Closes(place) => {
            let cases = tenant.cases(None, 10).await.unwrap();
            if let Some(case) = cases.get(*place) {
                tenant.close_case(&case.key, &by, "seen to").await.unwrap();
            }
        }
        Event::Comments(place) => {
            let cases = tenant.open_cases(&CaseFilter::default(), None, 10).await.unwrap().cases;
            if let Some(case) = cases.get(*place) {
                tenant.comment(&case.key, "seen", &by).await.unwrap();
            }
        }
    }
}

/// All that can be seen of a tenant.
#[derive(Debug, PartialEq)]
struct Snapshot {
    views: BTreeMap<EntityId, EntityView>,
    entities: BTreeMap<EntityId, Entity>,
    representations: BTreeMap<RecordRef, Representation>,
    /// Discrepancies that wait, and cases about records and matches, with what people noted on them.
    cases: Vec<Case>,
}

/// Open cases in the order in which looking back lists them.
fn in_order(mut cases: Vec<Case>) -> Vec<Case> {
    cases.sort_by(|a, b| (Reverse(a.severity), &a.key).cmp(&(Reverse(b.severity), &b.key)));
    cases
}

async fn snapshot(tenant: &Tenant) -> Snapshot {
    let replayed = tenant.replay().await.unwrap();
    let mut views = BTreeMap::new();
    for id in replayed.entities.keys() {
        views.insert(*id, tenant.inspect_erased(*id).await.unwrap());
    }
    let page = tenant.open_cases(&CaseFilter::default(), None, 1_000).await.unwrap();
    assert!(page.next.is_none(), "there are few");
    let cases = in_order(page.cases);
    Snapshot { views, entities: replayed.entities, representations: replayed.representations, cases }
}

async fn looked_back(tenant: &Tenant, at: DateTime<Utc>) -> Snapshot {
    let then = tenant.as_of(at);
    let replayed = then.replay().await.unwrap();
    let mut views = BTreeMap::new();
    for id in replayed.entities.keys() {
        views.insert(*id, then.inspect_erased(*id).await.unwrap());
    }
    let cases = then.open_cases(&CaseFilter::default()).await.unwrap();
    Snapshot { views, entities: replayed.entities, representations: replayed.representations, cases }
}

fn check(store: impl Store, events: &[(Event, i64)]) -> Result<(), TestCaseError> {
    let clock = clock();
    let tenant = open(Variant::default(), store, &clock, 7).tenant("acme");
    let now = || accordant::Clock::now(&clock);
    block_on(async {
        let mut taken: BTreeMap<i64, Snapshot> = BTreeMap::new();
        for (event, pause) in events {
            happen(&tenant, event, now()).await;
            taken.insert(now(), snapshot(&tenant).await);
            clock.advance(TimeDelta::milliseconds(*pause));
        }
        let verified = tenant.verify().await.unwrap();
        prop_assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
        for (at, expected) in &taken {
            let at = DateTime::from_timestamp_millis(*at).unwrap();
            let seen = looked_back(&tenant, at).await;
            prop_assert_eq!(&seen, expected, "at {}", at);
        }
        // Before anything happened there was nothing.
        let dawn = DateTime::from_timestamp_millis(0).unwrap();
        prop_assert!(tenant.as_of(dawn).replay().await.unwrap().entities.is_empty());
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn as_of_equals_a_snapshot_taken_then(events in vec(event(), 1..10)) {
        check(MemoryStore::new(), &events)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 15, ..ProptestConfig::default() })]

    /// The same on a store that finds entries by subject in its own way.
    #[test]
    fn as_of_equals_a_snapshot_taken_then_on_sqlite(events in vec(event(), 1..8)) {
        check(SqliteStore::open_in_memory().unwrap(), &events)?;
    }
}
