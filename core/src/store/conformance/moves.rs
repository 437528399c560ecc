//! What moves from one store to another: entries that were sealed elsewhere, and a tenant as a whole.

use std::path::Path;

use super::super::{Commit, MemoryStore, RowKey, Store, Table};
use super::{done, draft, end, entries, record, tenant};
use crate::journal::{Break, Broken, Entry, Head, Payload};
use crate::transfer::{export, import};

/// A journal of another store, some of whose payloads were erased there.
async fn elsewhere() -> Vec<(Entry, Option<Payload>)> {
    let store = MemoryStore::new();
    done(&store, record((0..9).map(|index| draft(["a", "b", "c\0"][index % 3], &index.to_string())))).await;
    store.erase(&tenant(), "b").await.unwrap();
    entries(&store).await
}

/// Nothing of them is sealed anew, and what was erased stays so. The chain goes on behind them.
pub async fn entries_sealed_elsewhere_are_taken_over_as_they_are(store: &dyn Store) {
    let sealed = elsewhere().await;
    let (first, second) = sealed.split_at(4);
    assert_eq!(store.take_over(&tenant(), Head::default(), first.to_vec()).await.unwrap(), end(first));
    assert_eq!(store.take_over(&tenant(), Head::default(), second.to_vec()).await.unwrap(), end(&sealed));
    assert_eq!(entries(store).await, sealed);
    assert_eq!(store.take_over(&tenant(), Head::default(), Vec::new()).await.unwrap(), end(&sealed));

    let head = done(store, record([draft("a", "new")])).await;
    assert_eq!(head.seq, 10);
    assert_eq!(end(&entries(store).await), Ok(head));
    // They are found, and erased, like any other.
    let found = store.journal_about(&tenant(), "a", 0, 9).await.unwrap();
    assert_eq!(found.iter().map(|(entry, _)| entry.seq).collect::<Vec<_>>(), [1, 4, 7, 10]);
    assert_eq!(store.erase(&tenant(), "c\0").await.unwrap(), 3);
    assert_eq!(end(&entries(store).await), Ok(head));
}

/// A gap, a repetition and an alteration leave the journal as it was.
pub async fn what_does_not_follow_is_not_taken_over(store: &dyn Store) {
    let sealed = elsewhere().await;
    let refused = async |part: &[(Entry, Option<Payload>)], seq, what| {
        let before = entries(store).await;
        assert_eq!(
            store.take_over(&tenant(), Head::default(), part.to_vec()).await.unwrap(),
            Err(Broken { seq, what })
        );
        assert_eq!(entries(store).await, before);
    };
    refused(&sealed[1..], 2, Break::Gap).await;
    assert_eq!(store.take_over(&tenant(), Head::default(), sealed[..3].to_vec()).await.unwrap(), end(&sealed[..3]));
    refused(&sealed[..3], 1, Break::Gap).await;
    refused(&[sealed[3].clone(), sealed[5].clone()], 6, Break::Gap).await;
    let mut altered = sealed[3..].to_vec();
    altered[2].0.subject = "x".into();
    refused(&altered, 6, Break::Altered).await;
    let mut altered = sealed[3..].to_vec();
    altered[3].1 = Some(Payload { bytes: b"forged".to_vec(), salt: [0; 16] });
    refused(&altered, 7, Break::Payload).await;
    assert_eq!(entries(store).await, sealed[..3]);
}

/// What memory exports and what the store exports that it was moved to are the same bytes. `folder` is where the files
/// go; they are left there.
pub async fn a_tenant_that_moves_through_gives_the_same_bytes(store: &dyn Store, entities: usize, folder: &Path) {
    let memory = MemoryStore::new();
    let record = |connection: &str, number: usize| format!("{connection}\u{1f}customers\u{1f}{number}");
    for part in (0..entities).collect::<Vec<_>>().chunks(1_000) {
        let mut commit = Commit::default();
        for number in part {
            let value =
                |text: &str| format!(r#"{{"email":"zoë{number}@example.com","what":"{text}\u0001"}}"#).into_bytes();
            commit.put.push((RowKey::new(Table::Entity, format!("{number:09}")), value("golden")));
            commit.put.push((RowKey::new(Table::DeadLetter, format!("{number}\0")), vec![0xff, 0]));
            for connection in ["crm", "shop"] {
                let record = record(connection, *number);
                commit.put.push((RowKey::new(Table::Link, record.as_str()), b"{}".to_vec()));
                commit.put.push((RowKey::new(Table::Representation, record.as_str()), value(connection)));
                commit.journal.push(draft(&record, r#"{"email":"zoë@example.com"}"#));
            }
        }
        done(&memory, commit).await;
    }
    for erased in (0..entities).step_by(50) {
        memory.erase(&tenant(), &record("crm", erased)).await.unwrap();
    }
    let (before, after) = (folder.join("memory.export"), folder.join("store.export"));
    export(&memory, &tenant(), &before, |_| {}).await.unwrap();
    let moved = import(store, &tenant(), &before, |_| {}).await.unwrap();
    export(store, &tenant(), &after, |_| {}).await.unwrap();
    assert_eq!((moved.entries, moved.rows), (2 * entities as u64, 6 * entities as u64));
    // Told apart and not printed: they are long.
    assert!(std::fs::read(before).unwrap() == std::fs::read(after).unwrap(), "the exports differ");
}
