//! What is left of a journal whose beginning was deleted, or whose payloads of a kind were.

use super::super::{RowKey, Store, Table};
use super::{done, draft, entries, put, record, tenant};
use crate::id::TenantId;
use crate::journal::{Break, Broken, Draft, Head, verify_all};

/// Nine entries in turns about three subjects, a second apart.
async fn nine(store: &dyn Store) -> Vec<Head> {
    let mut ends = vec![Head::default()];
    for index in 0..9_u8 {
        let at = i64::from(index) * 1_000;
        let entry = Draft { at, ..draft(["a", "b", "c"][usize::from(index % 3)], &index.to_string()) };
        ends.push(done(store, record([entry])).await);
    }
    ends
}

/// What was cut is gone for every call; what is left is as it was, and the chain goes on.
pub async fn a_cut_takes_the_beginning_and_leaves_the_chain(store: &dyn Store) {
    done(store, put(&["row"])).await;
    let ends = nine(store).await;
    let before = entries(store).await;
    assert_eq!(store.cut(&tenant(), 0).await.unwrap(), 0);
    assert_eq!(entries(store).await, before);
    assert_eq!(store.cut(&TenantId::new("other"), 5).await.unwrap(), 0);
    for (until, gone) in [(2, 2), (4, 2), (4, 0), (1, 0)] {
        assert_eq!(store.cut(&tenant(), until).await.unwrap(), gone, "until {until}");
    }
    assert_eq!(entries(store).await, before[4..]);
    assert_eq!(verify_all(ends[4], &before[4..]), Ok(ends[9]));
    assert_eq!(store.journal(&tenant(), 5, 2).await.unwrap(), before[5..7]);
    let about = store.journal_about(&tenant(), "a", 0, 9).await.unwrap();
    assert_eq!(about.iter().map(|(entry, _)| entry.seq).collect::<Vec<_>>(), [7]);
    // Whoever asks for an instant before the cut is told where the journal begins.
    for (at, place) in [(-1, 4), (3_999, 4), (4_000, 5), (i64::MAX, 9)] {
        assert_eq!(store.journal_place(&tenant(), at).await.unwrap(), place, "{at}");
    }
    assert_eq!(store.erase(&tenant(), "a").await.unwrap(), 1);
    let head = done(store, record([draft("a", "new")])).await;
    assert_eq!(head.seq, 10);
    assert_eq!(verify_all(ends[4], &entries(store).await), Ok(head));
    let row = RowKey::new(Table::Entity, "row");
    assert!(store.load(&tenant(), &[row]).await.unwrap()[0].is_some());
}

/// However far a cut is told to go, the chain has an entry to go on from.
pub async fn a_cut_leaves_the_last_entry(store: &dyn Store) {
    assert_eq!(store.cut(&tenant(), u64::MAX).await.unwrap(), 0);
    let ends = nine(store).await;
    assert_eq!(store.cut(&tenant(), u64::MAX).await.unwrap(), 8);
    assert_eq!(store.cut(&tenant(), u64::MAX).await.unwrap(), 0);
    let left = entries(store).await;
    assert_eq!(left.iter().map(|(entry, _)| entry.seq).collect::<Vec<_>>(), [9]);
    let head = done(store, record([draft("b", "new")])).await;
    assert_eq!(verify_all(ends[8], &entries(store).await), Ok(head));
}

/// An empty journal takes over entries from where theirs begins; one that has entries goes on where it ends.
pub async fn what_comes_of_a_cut_journal_is_taken_over(store: &dyn Store) {
    let elsewhere = super::super::MemoryStore::new();
    let ends = nine(&elsewhere).await;
    elsewhere.cut(&tenant(), 3).await.unwrap();
    let left = entries(&elsewhere).await;
    let gap = Err(Broken { seq: 4, what: Break::Gap });
    assert_eq!(store.take_over(&tenant(), Head::default(), left.clone()).await.unwrap(), gap);
    let altered = Head { seq: 3, digest: ends[2].digest };
    let forged = Err(Broken { seq: 4, what: Break::Altered });
    assert_eq!(store.take_over(&tenant(), altered, left.clone()).await.unwrap(), forged);
    assert_eq!(entries(store).await, []);
    assert_eq!(store.take_over(&tenant(), ends[3], left[..2].to_vec()).await.unwrap(), Ok(ends[5]));
    assert_eq!(store.take_over(&tenant(), ends[3], left[2..].to_vec()).await.unwrap(), Ok(ends[9]));
    assert_eq!(entries(store).await, left);
    assert_eq!(done(store, record([draft("a", "new")])).await.seq, 10);
}

/// Only payloads of the kind go, up to the place; the entries stay.
pub async fn payloads_of_a_kind_expire(store: &dyn Store) {
    let of = |kind, payload| Draft { kind, ..draft("s", payload) };
    done(store, record([of("observed", "1"), of("facts", "2"), of("observed", "3"), of("observed", "4")])).await;
    let before = entries(store).await;
    assert_eq!(store.expire(&tenant(), "observed", 0).await.unwrap(), 0);
    assert_eq!(store.expire(&TenantId::new("other"), "observed", 9).await.unwrap(), 0);
    assert_eq!(store.expire(&tenant(), "observe", 9).await.unwrap(), 0);
    for (until, gone) in [(2, 1), (3, 1), (3, 0)] {
        assert_eq!(store.expire(&tenant(), "observed", until).await.unwrap(), gone, "until {until}");
    }
    let after = entries(store).await;
    let left: Vec<bool> = after.iter().map(|(_, payload)| payload.is_some()).collect();
    assert_eq!(left, [false, true, false, true]);
    assert_eq!(super::end(&after), super::end(&before));
}
