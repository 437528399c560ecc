//! The journal: one chain per tenant, whose payloads can be destroyed.

use super::super::{Commit, Committed, RowKey, Store, Table};
use super::{done, draft, end, entries, key, put, record, tenant};
use crate::fingerprint::Digest;
use crate::id::{Actor, TenantId};
use crate::journal::{Draft, Head, Payload, seal, verify};

/// Nothing of an entry is lost or altered.
pub async fn entries_come_back_as_they_were_sealed(store: &dyn Store) {
    let drafts = vec![
        Draft { at: i64::MIN, actor: Actor::new(""), salt: [0xff; 16], payload: b"\xff\0".to_vec(), ..draft("", "") },
        Draft {
            at: i64::MAX, actor: Actor::new("Zoë 🧑‍🚀"), kind: "linked", ..draft("hubspot/contacts/1%_\0", "{}")
        },
        Draft { payload: Vec::new(), salt: [0; 16], ..draft("s", "") },
    ];
    let (head, sealed) = seal(Head::default(), drafts.clone());
    assert_eq!(done(store, record(drafts)).await, head);
    let expected: Vec<_> = sealed.into_iter().map(|(entry, payload)| (entry, Some(payload))).collect();
    assert_eq!(entries(store).await, expected);
}

/// Each commit goes on where the one before it ended.
pub async fn the_chain_goes_on_across_commits(store: &dyn Store) {
    let mut head = Head::default();
    for round in 0..5_u64 {
        let next = done(store, record((0..round).map(|index| draft("s", &format!("{round}.{index}"))))).await;
        assert_eq!(next.seq, head.seq + round);
        assert_eq!(end(&entries(store).await), Ok(next));
        head = next;
    }
}

/// Pages of the journal give every entry once, and none behind the end.
pub async fn pages_of_the_journal_meet(store: &dyn Store) {
    let head = done(store, record((0..10).map(|index| draft("s", &index.to_string())))).await;
    for size in [1, 3, 10, 11] {
        let mut reached = Head::default();
        loop {
            let page = store.journal(&tenant(), reached.seq, size).await.unwrap();
            assert!(page.len() <= size);
            if page.is_empty() {
                break;
            }
            for (entry, payload) in page {
                reached = verify(reached, &entry, payload.as_ref()).unwrap();
            }
        }
        assert_eq!(reached, head, "pages of {size}");
    }
    assert_eq!(store.journal(&tenant(), 0, 0).await.unwrap(), []);
    assert_eq!(store.journal(&tenant(), u64::MAX, 5).await.unwrap(), []);
}

/// Entries are found by what they are about, whatever else is in the journal.
pub async fn entries_about_a_subject_are_found_page_by_page(store: &dyn Store) {
    let subjects = ["a", "b", "a/1", "a%"];
    let drafts = (0..20).map(|index| draft(subjects[index % 4], &index.to_string()));
    done(store, record(drafts)).await;
    let all = entries(store).await;
    for subject in subjects {
        let expected: Vec<_> = all.iter().filter(|(entry, _)| *entry.subject == *subject).cloned().collect();
        for size in [1, 2, 5, 6] {
            let (mut found, mut after) = (Vec::new(), 0);
            loop {
                let page = store.journal_about(&tenant(), subject, after, size).await.unwrap();
                assert!(page.len() <= size);
                let Some((last, _)) = page.last() else { break };
                after = last.seq;
                found.extend(page);
            }
            assert_eq!(found, expected, "pages of {size} about {subject}");
        }
    }
    assert_eq!(store.journal_about(&tenant(), "c", 0, 9).await.unwrap(), []);
    assert_eq!(store.journal_about(&TenantId::new("other"), "a", 0, 9).await.unwrap(), []);
    // What was erased may be left out, and is not given back.
    store.erase(&tenant(), "b").await.unwrap();
    let left = store.journal_about(&tenant(), "b", 0, 9).await.unwrap();
    assert!(left.iter().all(|(_, payload)| payload.is_none()));
}

/// A clock that steps back changes nothing: what stands before the first later entry does so for ever.
pub async fn a_place_in_time_is_before_the_first_later_entry(store: &dyn Store) {
    let place = async |at| store.journal_place(&tenant(), at).await.unwrap();
    assert_eq!(place(7).await, 0);
    let at = [10, 10, 12, 9, 15, 11];
    done(store, record(at.map(|at| Draft { at, ..draft("s", &at.to_string()) }))).await;
    let expected = [(9, 0), (10, 2), (11, 2), (12, 4), (14, 4), (15, 6), (i64::MAX, 6)];
    for (at, expected) in expected {
        assert_eq!(place(at).await, expected, "{at}");
    }
    assert_eq!(store.journal_place(&TenantId::new("other"), 20).await.unwrap(), 0);
}

/// Entries share the fate of the rows.
pub async fn a_lost_commit_leaves_no_entry(store: &dyn Store) {
    let head = done(store, record([draft("s", "1")])).await;
    let lost = Commit { expect: vec![(key("a"), Some(1))], journal: vec![draft("s", "2")], ..put(&["a"]) };
    assert_eq!(store.commit(&tenant(), lost).await.unwrap(), Committed::Lost { key: key("a") });
    assert_eq!(end(&entries(store).await), Ok(head));
    assert_eq!(done(store, record([draft("s", "3")])).await.seq, 2);
}

/// Erasure takes payloads and leaves entries.
pub async fn the_chain_verifies_after_an_erasure(store: &dyn Store) {
    let head = done(store, record((0..9).map(|index| draft(["a", "b", "c"][index % 3], &index.to_string())))).await;
    let before = entries(store).await;
    assert_eq!(store.erase(&tenant(), "b").await.unwrap(), 3);
    let after = entries(store).await;
    assert_eq!(end(&after), Ok(head));
    for ((entry, payload), (entry_before, payload_before)) in after.iter().zip(&before) {
        assert_eq!(entry, entry_before);
        assert_eq!(*payload, payload_before.clone().filter(|_| entry.subject.as_str() != "b"));
    }
    // The chain goes on behind erased entries.
    assert_eq!(store.erase(&tenant(), "c").await.unwrap(), 3);
    let head = done(store, record([draft("c", "new")])).await;
    assert_eq!(end(&entries(store).await), Ok(head));
}

/// Subjects are compared whole; an erasure of nothing destroys nothing.
pub async fn an_erasure_concerns_one_subject(store: &dyn Store) {
    done(store, record(["a", "ab", "A", "a ", "%", "", "a%"].map(|subject| draft(subject, "x")))).await;
    assert_eq!(store.erase(&tenant(), "b").await.unwrap(), 0);
    assert_eq!(store.erase(&tenant(), "a").await.unwrap(), 1);
    assert_eq!(store.erase(&tenant(), "a").await.unwrap(), 0);
    assert_eq!(store.erase(&tenant(), "%").await.unwrap(), 1);
    assert_eq!(entries(store).await.iter().filter(|(_, payload)| payload.is_some()).count(), 5);
}

/// An erasure up to a place takes nothing behind it, and can be said again.
pub async fn an_erasure_ends_where_it_is_told(store: &dyn Store) {
    done(store, record(["a", "b", "a", "a", "b"].map(|subject| draft(subject, "x")))).await;
    assert_eq!(store.erase_until(&tenant(), "a", 0).await.unwrap(), 0);
    for (until, gone) in [(3, 2), (3, 0), (2, 0)] {
        assert_eq!(store.erase_until(&tenant(), "a", until).await.unwrap(), gone, "until {until}");
    }
    let left: Vec<u64> = entries(store).await.iter().filter(|(_, left)| left.is_some()).map(|(e, _)| e.seq).collect();
    assert_eq!(left, [2, 4, 5]);
    assert_eq!(store.erase_until(&tenant(), "a", u64::MAX).await.unwrap(), 1);
    assert_eq!(store.erase_until(&TenantId::new("other"), "b", u64::MAX).await.unwrap(), 0);
}

/// An erasure says nothing about entries to come.
pub async fn an_erasure_spares_what_comes_later(store: &dyn Store) {
    done(store, record([draft("a", "1")])).await;
    assert_eq!(store.erase(&tenant(), "a").await.unwrap(), 1);
    done(store, record([draft("a", "2")])).await;
    let payloads: Vec<_> = entries(store).await.into_iter().map(|(_, payload)| payload.is_some()).collect();
    assert_eq!(payloads, [false, true]);
}

/// What a copy would have to forget is what is gone, and nothing else.
pub async fn what_stands_outlives_a_forgetting(store: &dyn Store) {
    let names = [
        (Table::Representation, "crm\u{1f}contacts\u{1f}1"),
        (Table::Representation, "crm\u{1f}contacts\u{1f}2"),
        (Table::Entity, "01890a5d-ac96-774b-bcce-b302099a8057"),
        (Table::Index, "customer\u{1f}email\u{1f}ana@acme.test"),
        (Table::Plan, "ab12"),
        (Table::Meta, "model"),
    ];
    let rows: Vec<RowKey> = names.iter().map(|(table, key)| RowKey::new(*table, *key)).collect();
    let put = rows.iter().map(|row| (row.clone(), row.key.as_bytes().to_vec())).collect();
    let subjects = ["crm/contacts/1", "crm/contacts/2", "crm/contacts/1", "model"];
    let journal = subjects.iter().map(|subject| draft(subject, subject)).collect();
    done(store, Commit { put, journal, ..Commit::default() }).await;
    done(store, Commit { delete: vec![rows[0].clone()], ..Commit::default() }).await;
    store.erase_until(&tenant(), "crm/contacts/1", 1).await.unwrap();
    let stands = async || (store.load(&tenant(), &rows).await.unwrap(), entries(store).await);
    let before = stands().await;
    assert_eq!(before.0.iter().flatten().count(), rows.len() - 1);
    for _ in 0..2 {
        store.forget(&tenant(), &["crm/contacts/1".into(), "crm/contacts/3".into()]).await.unwrap();
        assert_eq!(stands().await, before);
    }
    let head = done(store, record([draft("crm/contacts/1", "again")])).await;
    assert_eq!(end(&entries(store).await), Ok(head));
    store.forget(&TenantId::new("other"), &["crm/contacts/1".into()]).await.unwrap();
    assert_eq!(stands().await.0, before.0);
}

/// What a store gives out is enough to find an altered entry or payload.
pub async fn an_altered_entry_is_found(store: &dyn Store) {
    done(store, record((0..3).map(|index| draft("s", &index.to_string())))).await;
    let sound = entries(store).await;
    for index in 0..3 {
        let mut altered = sound.clone();
        altered[index].0.subject = "t".into();
        assert_eq!(end(&altered).unwrap_err().seq, index as u64 + 1);
        let mut altered = sound.clone();
        altered[index].0.digest = Digest::of(b"forged");
        assert_eq!(end(&altered).unwrap_err().seq, index as u64 + 1);
        let mut altered = sound.clone();
        altered[index].1 = Some(Payload { bytes: b"forged".to_vec(), salt: [0; 16] });
        assert_eq!(end(&altered).unwrap_err().seq, index as u64 + 1);
    }
}

/// A missing entry breaks the chain, or, if it was the last, misses the head that the commit was told.
pub async fn a_removed_entry_is_found(store: &dyn Store) {
    let head = done(store, record((0..3).map(|index| draft("s", &index.to_string())))).await;
    let sound = entries(store).await;
    for index in 0..3 {
        let mut shorter = sound.clone();
        shorter.remove(index);
        assert_ne!(end(&shorter), Ok(head));
    }
}

/// Entries that changed places break the chain, even if their numbers are made to fit.
pub async fn reordered_entries_are_found(store: &dyn Store) {
    done(store, record((0..4).map(|index| draft("s", &index.to_string())))).await;
    let sound = entries(store).await;
    for index in 0..3 {
        let mut swapped = sound.clone();
        swapped.swap(index, index + 1);
        end(&swapped).unwrap_err();
        let numbers = [swapped[index + 1].0.seq, swapped[index].0.seq];
        (swapped[index].0.seq, swapped[index + 1].0.seq) = (numbers[0], numbers[1]);
        end(&swapped).unwrap_err();
    }
}
