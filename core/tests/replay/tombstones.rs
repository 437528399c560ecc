//! Tombstones: what is kept of a record that is gone goes once it has served its time and nobody needs it.

use std::sync::Arc;

use accordant::checkpoint::Ed25519Key;
use accordant::clock::ManualClock;
use accordant::engine::{Builder, Difference, Retention, Tenant};
use accordant::error::Error;
use accordant::id::{Actor, EntityId, RecordRef};
use accordant::store::{MemoryStore, Store, Table};
use accordant::testing::{FailsOnce, Watched};
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::erasure::{acme, assert_clean, dump};
use crate::properties::{Step, step, take};
use crate::support::{SYSTEMS, Said, Variant, clock, configured, record, says};

fn by() -> Actor {
    Actor::new("ops")
}

fn with(retention: Retention, store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Builder {
    let key = Ed25519Key::from_seed("2026", &[1; 32]).unwrap();
    configured(Variant::default(), store, clock, seed).checkpoint_keys(key).retention(retention)
}

/// A tenant that keeps tombstones for ninety days.
fn ninety_days(store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    let retention = Retention { tombstones: Some(TimeDelta::days(90)), ..Retention::default() };
    with(retention, store, clock, seed).build().unwrap().tenant("acme")
}

fn gone(id: &str, at: i64) -> Said {
    Said { kind: "deleted".into(), ..record(id, at, Json::Null) }
}

fn ana(id: &str, at: i64) -> Said {
    record(id, at, json!({ "email": "ana@acme.test", "name": "Ana", "tags": ["new"] }))
}

fn crm(id: &str) -> RecordRef {
    RecordRef::new("crm", "contacts", id)
}

async fn steps(tenant: &Tenant) {
    while tenant.step().await.unwrap().more() {}
}

async fn days(tenant: &Tenant, clock: &ManualClock, days: i64) {
    clock.advance(TimeDelta::days(days));
    steps(tenant).await;
}

async fn rows(store: &MemoryStore, table: Table) -> usize {
    store.scan(&acme(), table, "", None, usize::MAX).await.unwrap().len()
}

async fn journaled(store: &MemoryStore, kind: &str) -> usize {
    let entries = store.journal(&acme(), 0, usize::MAX).await.unwrap();
    entries.iter().filter(|(entry, _)| *entry.kind == *kind).count()
}

/// Ana, whose records in every system are gone.
async fn gone_everywhere(tenant: &Tenant) -> EntityId {
    for (system, _) in SYSTEMS {
        says(tenant, system, &[ana("1", 1)]).await.unwrap();
    }
    let id = tenant.entity_of(&crm("1")).await.unwrap().unwrap();
    for (system, _) in SYSTEMS {
        says(tenant, system, &[gone("1", 2)]).await.unwrap();
    }
    steps(tenant).await;
    id
}

#[test]
fn what_is_kept_of_the_records_of_a_retired_entity_goes_after_its_time() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        let id = gone_everywhere(&tenant).await;
        let before = tenant.inspect_erased(id).await.unwrap().units;
        days(&tenant, &clock, 89).await;
        assert_eq!((rows(&store, Table::Representation).await, rows(&store, Table::Link).await), (3, 3));
        days(&tenant, &clock, 2).await;
        assert_eq!((rows(&store, Table::Representation).await, rows(&store, Table::Link).await), (0, 0));
        assert_eq!(journaled(&store, "tombstone_expired").await, 3);
        let left: Vec<String> =
            dump(&store).await.into_iter().filter(|line| line.contains("\u{1f}tombstone")).collect();
        assert_eq!(left, Vec::<String>::new());
        assert_clean(&tenant, "after they went").await;
        // The entity stays, retired, with what was golden when it was.
        let after = tenant.inspect_erased(id).await.unwrap().units;
        let golden =
            |units: &[accordant::view::UnitView]| units.iter().map(|unit| unit.golden.clone()).collect::<Vec<_>>();
        assert_eq!(golden(&after), golden(&before));
        let told = tenant.history(id, None, 1_000).await.unwrap().happenings;
        assert!(told.iter().any(|one| one.text.contains("nothing of it is kept")), "{told:?}");
        let proposal = configured(Variant::default(), MemoryStore::new(), &clock, 9).build().unwrap();
        let would = tenant.what_if(&proposal).await.unwrap();
        assert!(would.is_same(), "{would}");
        // Whoever has the id from now on was never seen.
        says(&tenant, "crm", &[record("1", 9, json!({ "email": "ben@acme.test", "name": "Ben" }))]).await.unwrap();
        let other = tenant.entity_of(&crm("1")).await.unwrap().unwrap();
        assert_ne!(other, id);
        assert_clean(&tenant, "after the id was used again").await;
        let would = tenant.what_if(&proposal).await;
        assert!(matches!(would, Err(Error::ScratchNotEmpty)), "{would:?}");
        // The person is erased as wholly as ever, and the other stays.
        let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
        assert!(erased.entities.contains(&id));
        let named: Vec<String> = dump(&store).await.into_iter().filter(|line| line.contains("ana@acme.test")).collect();
        assert_eq!(named, Vec::<String>::new());
        assert!(tenant.inspect_erased(other).await.is_ok());
        assert_clean(&tenant, "after the erasure").await;
    });
}

#[test]
fn what_comes_back_in_time_is_who_it_was_and_counts_anew_when_it_goes_again() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        let id = gone_everywhere(&tenant).await;
        days(&tenant, &clock, 80).await;
        says(&tenant, "crm", &[ana("1", 3)]).await.unwrap();
        assert_eq!(tenant.entity_of(&crm("1")).await.unwrap(), Some(id));
        days(&tenant, &clock, 20).await;
        assert_eq!(rows(&store, Table::Representation).await, 3, "it is not left with some");
        says(&tenant, "crm", &[gone("1", 4)]).await.unwrap();
        steps(&tenant).await;
        days(&tenant, &clock, 89).await;
        assert_eq!(rows(&store, Table::Representation).await, 3);
        assert_clean(&tenant, "while it is kept").await;
        days(&tenant, &clock, 93).await;
        assert_eq!((journaled(&store, "tombstone_expired").await, rows(&store, Table::Representation).await), (3, 0));
        assert_clean(&tenant, "in the end").await;
    });
}

#[test]
fn an_entity_that_lives_keeps_what_says_where_it_was_lost() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        says(&tenant, "crm", &[ana("1", 1), record("2", 1, json!({ "name": "nobody's" }))]).await.unwrap();
        says(&tenant, "shop", &[ana("1", 1)]).await.unwrap();
        says(&tenant, "crm", &[gone("1", 2)]).await.unwrap();
        days(&tenant, &clock, 1).await;
        days(&tenant, &clock, 400).await;
        assert!(tenant.entity_of(&crm("1")).await.unwrap().is_some());
        assert_eq!(journaled(&store, "tombstone_expired").await, 0);
    });
}

/// Whatever still needs a tombstone keeps it: a merge that can be taken back, a plan, a record that is to be read.
#[test]
fn what_is_needed_stays() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = ninety_days(store.clone(), &clock, 7);
    block_on(async {
        let one = gone_everywhere(&tenant).await;
        says(&tenant, "crm", &[record("2", 1, json!({ "email": "ben@acme.test" }))]).await.unwrap();
        let other = tenant.entity_of(&crm("2")).await.unwrap().unwrap();
        says(&tenant, "crm", &[gone("2", 2)]).await.unwrap();
        tenant.merge(one, other, &by()).await.unwrap();
        days(&tenant, &clock, 1).await;
        days(&tenant, &clock, 100).await;
        assert_eq!(journaled(&store, "tombstone_expired").await, 0, "a merge can be taken back");
        tenant.unmerge(other, &by()).await.unwrap();
        assert_clean(&tenant, "after it was taken back").await;
        days(&tenant, &clock, 2).await;
        assert_eq!((journaled(&store, "tombstone_expired").await, rows(&store, Table::Representation).await), (4, 0));
        assert_clean(&tenant, "in the end").await;
    });
}

#[test]
fn a_tombstone_is_kept_for_ninety_days_at_least() {
    let (clock, days) = (clock(), |days| Retention { tombstones: Some(TimeDelta::days(days)), ..Retention::default() });
    let built = |retention| with(retention, MemoryStore::new(), &clock, 7).build().map(drop);
    match built(days(89)) {
        Err(Error::Configuration(mistakes)) => {
            assert!(
                mistakes.to_string().contains("keeps tombstones for 89 days; it must be at least 90"),
                "{mistakes}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(built(days(90)).is_ok());
    assert!(built(Retention::default()).is_ok(), "by default for ever");
}

/// Deletions of records, by system and id.
fn deletions() -> impl Strategy<Value = Vec<Step>> {
    let all: Vec<(usize, u8)> = (0..3).flat_map(|system| (0..3).map(move |id| (system, id))).collect();
    (proptest::sample::subsequence(all, 4..=9), any::<bool>()).prop_map(|(gone, part)| {
        let said = |id: u8| Said { part, ..self::gone(&id.to_string(), 9) };
        gone.into_iter().map(|(system, id)| Step::Delivery(system, vec![said(id)])).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever happened, and whoever of it is gone: what is stored is what the journal adds up to, read anew it says the same, the
    /// model in force would change nothing, life goes on, and what is left behind a checkpoint comes to the same.
    #[test]
    fn after_any_history_what_goes_is_journaled(
        before in vec(step(), 1..7), gone in deletions(), after in vec(step(), 0..4),
    ) {
        let (clock, store) = (clock(), MemoryStore::new());
        let year = TimeDelta::days(365);
        let retention = Retention { tombstones: Some(TimeDelta::days(90)), journal: Some(year), ..Retention::default() };
        let tenant = with(retention, store.clone(), &clock, 7).build().unwrap().tenant("acme");
        block_on(async {
            for step in before.iter().chain(&gone) {
                take(&tenant, step).await;
                clock.advance(TimeDelta::seconds(1));
            }
            days(&tenant, &clock, 1).await;
            days(&tenant, &clock, 91).await;
            assert_clean(&tenant, "after tombstones went").await;
            for step in &after {
                take(&tenant, step).await;
                clock.advance(TimeDelta::seconds(1));
            }
            assert_clean(&tenant, "after life went on").await;
            let proposal = configured(Variant::default(), MemoryStore::new(), &clock, 8).build().unwrap();
            let would = tenant.what_if(&proposal).await.unwrap();
            prop_assert!(would.is_same(), "{would}");
            tenant.checkpoint(&by()).await.unwrap();
            clock.advance(year);
            let compacted = tenant.compact(&by()).await.unwrap();
            prop_assert_eq!(compacted.kept, Vec::<Difference>::new());
            assert_clean(&tenant, "after a compaction").await;
            Ok(())
        })?;
    }
}

#[test]
fn what_is_interrupted_anywhere_is_whole_and_goes_on() {
    for after in [false, true] {
        for call in 0.. {
            let (clock, store) = (clock(), MemoryStore::new());
            let tenant = ninety_days(store.clone(), &clock, 7);
            let done = block_on(async {
                gone_everywhere(&tenant).await;
                days(&tenant, &clock, 1).await;
                clock.advance(TimeDelta::days(91));
                let failing = Watched::new(store.clone(), FailsOnce::at(call, after));
                let interrupted = ninety_days(failing, &clock, 8);
                let done = loop {
                    match interrupted.step().await {
                        Ok(stepped) if stepped.more() => {}
                        Ok(_) => break true,
                        Err(_) => break false,
                    }
                };
                let next = ninety_days(store.clone(), &clock, 9);
                assert_clean(&next, &format!("interrupted at call {call}, after: {after}")).await;
                let left = rows(&store, Table::Representation).await;
                assert!(left == 0 || left == 3, "it is all or nothing: {left}");
                steps(&next).await;
                assert_eq!(rows(&store, Table::Representation).await, 0, "call {call}, after: {after}");
                assert_eq!(journaled(&store, "tombstone_expired").await, 3);
                assert_clean(&next, "when it was gone on with").await;
                done
            });
            if done {
                assert!(call > 10, "it has many calls: {call}");
                break;
            }
        }
    }
}
