//! Copies that were made before an erasure, put to work again with the keys of today.

use accordant::RecordRef;
use accordant::engine::{Difference, Tenant};
use accordant::error::Error;
use accordant::seal::{MemoryKeys, SealError};
use accordant::store::{Commit, MemoryStore, RowKey, Store, Table};
use accordant::testing::{FailsOnce, Watched};
use accordant::transfer::{export, import};
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::{of_crm, seal, sealed, sealed_in};
use crate::erasure::{canaries, marked, town};
use crate::properties::{step, take};
use crate::support::{acme, assert_clean, by, clock, dump, nth, record, says};

/// What whoever copies the files of a store has, in a store.
pub(super) async fn copied(store: &MemoryStore) -> MemoryStore {
    let (folder, copy) = (tempfile::tempdir().unwrap(), MemoryStore::new());
    let path = folder.path().join("copy");
    export(store, &acme(), &path, |_| {}).await.unwrap();
    import(&copy, &acme(), &path, |_| {}).await.unwrap();
    copy
}

async fn steps(tenant: &Tenant) {
    while tenant.step().await.unwrap().more() {}
}

#[test]
fn a_copy_from_before_an_erasure_is_put_to_work() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        let ben = of_crm(&tenant, "2").await;
        let copy = copied(&store).await;
        tenant.erase(one, &by(), "request 7").await.unwrap();
        // Life went on: rows of others were replaced, too.
        let said = json!({ "email": "benedict@acme.test", "name": "Benedict" });
        says(&tenant, "crm", &[record("2", 9, said)]).await.unwrap();
        says(&tenant, "shop", &[record("4", 9, json!({ "email": "cy@acme.test", "name": "Cy" }))]).await.unwrap();
        let cy = tenant.entity_of(&RecordRef::new("shop", "customers", "4")).await.unwrap().unwrap();
        tenant.erase(cy, &by(), "request 8").await.unwrap();

        let restored = sealed(copy.clone(), keys.clone(), &clock, 8);
        // The journal is read, her entries as erased ones, and its chain holds; rows are not.
        assert!(restored.replay().await.unwrap().erased > 0);
        let refused = restored.verify().await.map(drop).unwrap_err();
        assert!(matches!(sealed_in(&refused), Some(SealError::KeyGone { .. })), "{refused:?}");

        let resumed = restored.resume_from_copy(&by()).await.unwrap();
        assert_eq!(resumed.left, Vec::<Difference>::new());
        for table in [Table::Entity, Table::Representation, Table::Link, Table::Index] {
            assert!(resumed.dropped.get(&table).is_some_and(|rows| *rows > 0), "{table:?} of {resumed:?}");
        }
        assert_clean(&restored, "after what nobody can read was dropped").await;
        let again = restored.resume_from_copy(&by()).await.unwrap();
        assert_eq!((again.dropped.len(), again.put_right, again.told_anew), (0, 0, 0), "{again:?}");
        assert_eq!(canaries(&dump(&seal(&copy, &keys)).await), Vec::<&String>::new());
        assert_eq!(of_crm(&restored, "2").await, ben, "everybody else is who they were");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain");
        export(&seal(&copy, &keys), &acme(), &path, |_| {}).await.unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("canary"));

        // Work goes on: she is named again, is somebody new, and is erased again.
        let said = json!({ "email": "ana@canary.test", "name": "canary-Ana" });
        says(&restored, "crm", &[record("1", 10, said.clone())]).await.unwrap();
        steps(&restored).await;
        assert!(matches!(restored.erase(one, &by(), "request 7").await, Err(Error::UnknownEntity { .. })));
        let new = of_crm(&restored, "1").await;
        assert_clean(&restored, "after work went on").await;
        restored.erase(new, &by(), "request 7").await.unwrap();
        says(&restored, "crm", &[record("1", 11, said)]).await.unwrap();
        steps(&restored).await;
        assert_eq!(canaries(&dump(&seal(&copy, &keys)).await), Vec::<&String>::new());
        assert_clean(&restored, "after she was erased again").await;
    });
}

/// Ben, who had one of Ana's records once, and a copy in which what he is rests on what nobody can read any more.
async fn touched(tenant: &Tenant, store: &MemoryStore) -> MemoryStore {
    let (one, _) = town(tenant).await;
    let (ben, hers) = (of_crm(tenant, "2").await, RecordRef::new("shop", "customers", "1"));
    for to in [ben, one] {
        tenant.link(to, &hers, &by()).await.unwrap();
    }
    let copy = copied(store).await;
    assert!(tenant.erase(one, &by(), "request 7").await.unwrap().touched.contains(&ben));
    copy
}

/// Interrupted anywhere, whoever lost their entity is found by the next call.
#[test]
fn going_on_from_a_copy_is_gone_on_with_wherever_it_is_interrupted() {
    for after in [false, true] {
        let mut linked_anew = 0;
        for call in 0.. {
            let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
            let done = block_on(async {
                let copy = touched(&sealed(store.clone(), keys.clone(), &clock, 7), &store).await;
                let failing = Watched::new(copy.clone(), FailsOnce::at(call, after));
                let interrupted = sealed(failing, keys.clone(), &clock, 8).resume_from_copy(&by()).await;
                let restored = sealed(copy.clone(), keys.clone(), &clock, 9);
                let resumed = restored.resume_from_copy(&by()).await.unwrap();
                let when = format!("interrupted at call {call}, after: {after}");
                assert_eq!(resumed.left, Vec::<Difference>::new(), "{when}");
                let crm = RecordRef::new("crm", "contacts", "2");
                assert!(restored.entity_of(&crm).await.unwrap().is_some(), "{when}: {resumed:?}");
                linked_anew += usize::from(resumed.joined_anew.contains(&crm));
                assert_eq!(canaries(&dump(&seal(&copy, &keys)).await), Vec::<&String>::new(), "{when}");
                assert_clean(&restored, &when).await;
                interrupted.is_ok()
            });
            if done {
                break;
            }
        }
        assert!(linked_anew > 10, "it was to be linked anew {linked_anew} times");
    }
}

/// What two were before a merge is in a row that nobody can read any more: the merge stands, that is told, and whoever is erased is
/// erased with it.
#[test]
fn a_merge_of_which_nobody_knows_what_was_before_is_told_and_erased_whole() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
    block_on(async {
        let named = |id: &str| record(id, 1, json!({ "email": format!("{id}@acme.test"), "name": format!("N{id}") }));
        says(&tenant, "crm", &[named("1"), named("2"), named("3")]).await.unwrap();
        let (one, other, third) = (of_crm(&tenant, "1").await, of_crm(&tenant, "2").await, of_crm(&tenant, "3").await);
        tenant.merge(one, other, &by()).await.unwrap();
        let copy = copied(&store).await;
        tenant.unmerge(other, &by()).await.unwrap();
        tenant.erase(third, &by(), "request 7").await.unwrap();

        let restored = sealed(copy.clone(), keys.clone(), &clock, 8);
        let resumed = restored.resume_from_copy(&by()).await.unwrap();
        assert_eq!(resumed.merged_for_good, [other].into());
        assert_eq!(resumed.left, Vec::<Difference>::new());
        assert!(matches!(restored.unmerge(other, &by()).await, Err(Error::NotMerged(id)) if id == other));
        let erased = restored.erase(one, &by(), "request 8").await.unwrap();
        assert_eq!((erased.entities, erased.touched), ([one, other].into(), [].into()));
        assert_clean(&restored, "after the erasure").await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Whatever happened before the copy, and between it and the erasure: the copy is put to work, what is stored is what its journal
    /// adds up to, nothing of the person is in it, and life goes on.
    #[test]
    fn after_any_history_a_copy_is_put_to_work(
        before in vec(step(), 1..8), between in vec(step(), 0..4), place in 0usize..6, after in vec(step(), 0..4),
    ) {
        let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
        let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
        block_on(async {
            for (round, step) in before.iter().enumerate() {
                take(&tenant, &marked(step, round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            let copy = copied(&store).await;
            for (round, step) in between.iter().enumerate() {
                take(&tenant, &marked(step, 20 + round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            let Some(id) = nth(&tenant, place).await else { return Ok(()) };
            let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
            let restored = sealed(copy.clone(), keys.clone(), &clock, 8);
            let resumed = restored.resume_from_copy(&by()).await.unwrap();
            prop_assert_eq!(&resumed.left, &Vec::<Difference>::new(), "{:?}", resumed);
            assert_clean(&restored, "after what nobody can read was dropped").await;
            let left = dump(&seal(&copy, &keys)).await;
            for record in &erased.records {
                let canary = format!("canary-{}-{}-", record.connection, record.id);
                prop_assert!(!left.iter().any(|line| line.contains(&canary)), "{canary} of {erased:?}");
            }
            for (round, step) in after.iter().enumerate() {
                take(&restored, &marked(step, 40 + round)).await;
                clock.advance(TimeDelta::seconds(1));
            }
            steps(&restored).await;
            assert_clean(&restored, "after life went on").await;
            Ok(())
        })?;
    }
}

#[test]
fn what_is_sealed_already_is_not_sealed_twice() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    block_on(async {
        town(&sealed(store.clone(), keys.clone(), &clock, 7)).await;
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("raw");
        export(&store, &acme(), &raw, |_| {}).await.unwrap();
        let empty = MemoryStore::new();
        let refused = import(&seal(&empty, &keys), &acme(), &raw, |_| {}).await.unwrap_err();
        assert!(
            std::error::Error::source(&refused).is_some_and(|why| why.to_string().contains("is sealed already")),
            "{refused:?}"
        );
        assert_eq!(dump(&empty).await, Vec::<String>::new(), "nothing was put there");
        // Nor is the marker, or what a sealed row holds, by hand.
        let sealed_row = store.scan(&acme(), Table::Entity, "", None, 1).await.unwrap().remove(0);
        let marker = RowKey::new(Table::Meta, "\u{1f}seal");
        let before = dump(&store).await;
        for commit in [
            Commit { put: vec![(RowKey::new(Table::Entity, "x"), sealed_row.value)], ..Commit::default() },
            Commit { put: vec![(marker.clone(), b"{}".to_vec())], ..Commit::default() },
            Commit { delete: vec![marker], ..Commit::default() },
        ] {
            let refused = seal(&store, &keys).commit(&acme(), commit).await.unwrap_err();
            assert!(refused.to_string().contains("is sealed already"), "{refused}");
        }
        assert_eq!(dump(&store).await, before);
        assert_clean(&sealed(store, keys, &clock, 8), "as it was").await;
    });
}
