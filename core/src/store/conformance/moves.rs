//! Entries that were sealed in another store.

use super::super::{MemoryStore, Store};
use super::{done, draft, end, entries, record, tenant};
use crate::journal::{Break, Broken, Entry, Payload};

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
    assert_eq!(store.take_over(&tenant(), first.to_vec()).await.unwrap(), end(first));
    assert_eq!(store.take_over(&tenant(), second.to_vec()).await.unwrap(), end(&sealed));
    assert_eq!(entries(store).await, sealed);
    assert_eq!(store.take_over(&tenant(), Vec::new()).await.unwrap(), end(&sealed));

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
        assert_eq!(store.take_over(&tenant(), part.to_vec()).await.unwrap(), Err(Broken { seq, what }));
        assert_eq!(entries(store).await, before);
    };
    refused(&sealed[1..], 2, Break::Gap).await;
    assert_eq!(store.take_over(&tenant(), sealed[..3].to_vec()).await.unwrap(), end(&sealed[..3]));
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
