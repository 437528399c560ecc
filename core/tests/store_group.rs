//! Group commit: commits that share a transaction end as if each had one of its own, and nobody waits for ever.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use accordant::id::{Actor, TenantId};
use accordant::journal::{Draft, Entry, Head, Payload};
use accordant::store::group::{Combined, Queue, Raise, Waiting, combine, expected};
use accordant::store::{Commit, Committed, MemoryStore, RowKey, Store, StoreError, StoreFault, Table};
use futures::FutureExt as _;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn acme() -> TenantId {
    TenantId::new("acme")
}

fn key() -> impl Strategy<Value = RowKey> {
    (select(&[Table::Entity, Table::Index][..]), select(&["", "a", "b"][..]))
        .prop_map(|(table, key)| RowKey::new(table, key))
}

fn draft() -> impl Strategy<Value = Draft> {
    (0..9_i64, vec(any::<u8>(), 0..4)).prop_map(|(at, payload)| Draft {
        at,
        actor: Actor::new("test"),
        kind: "observed",
        subject: "r".into(),
        payload,
        salt: [1; 16],
    })
}

fn commit() -> impl Strategy<Value = Commit> {
    let expect = vec((key(), proptest::option::of(1..4_u64)), 0..2);
    (expect, vec((key(), vec(any::<u8>(), 0..3)), 0..4), vec(key(), 0..3), vec(draft(), 0..3))
        .prop_map(|(expect, put, delete, journal)| Commit { expect, put, delete, journal })
}

/// A database with nothing but rows and a journal: what a group comes to is carried out as it is told.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Database {
    rows: BTreeMap<RowKey, (u64, Vec<u8>)>,
    journal: Vec<(Entry, Payload)>,
    head: Head,
}

impl Database {
    fn commit(&mut self, commits: Vec<Commit>) -> Vec<Committed> {
        let known = expected(&commits).into_iter().filter_map(|key| Some((key.clone(), self.rows.get(key)?.0)));
        let known: BTreeMap<RowKey, u64> = known.collect();
        let Combined { outcomes, delete, put, journal, head, .. } = combine(self.head, &known, commits);
        for key in delete {
            self.rows.remove(&key);
        }
        for Raise { key, by, value } in put {
            let before = self.rows.get(&key).map_or(0, |(revision, _)| *revision);
            self.rows.insert(key, (before + by, value));
        }
        self.journal.extend(journal);
        self.head = head;
        outcomes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn commits_in_groups_end_as_one_by_one(groups in vec(vec(commit(), 1..6), 1..5)) {
        let (memory, mut database) = (MemoryStore::new(), Database::default());
        for group in groups {
            let alone: Vec<Committed> =
                group.iter().map(|commit| block_on(memory.commit(&acme(), commit.clone())).unwrap()).collect();
            prop_assert_eq!(alone, database.commit(group));
        }
        for table in [Table::Entity, Table::Index] {
            for row in block_on(memory.scan(&acme(), table, "", None, usize::MAX)).unwrap() {
                let held = database.rows.remove(&RowKey { table, key: row.key });
                prop_assert_eq!(held, Some((row.revision, row.value)));
            }
        }
        prop_assert!(database.rows.is_empty());
        let entries = block_on(memory.journal(&acme(), 0, usize::MAX)).unwrap();
        let held: Vec<_> = database.journal.into_iter().map(|(entry, payload)| (entry, Some(payload))).collect();
        prop_assert_eq!(entries, held);
    }
}

fn put(size: usize) -> Commit {
    Commit { put: vec![(RowKey::new(Table::Entity, "a"), vec![0; size])], ..Commit::default() }
}

fn done() -> Committed {
    Committed::Done { head: Head::default() }
}

#[test]
fn one_serves_a_line_at_a_time_and_takes_all_that_wait() {
    let queue = Queue::new();
    let (first, serving) = queue.push(&acme(), put(1));
    let mut serving = serving.expect("nobody served");
    let (second, nobody) = queue.push(&acme(), put(2));
    assert!(nobody.is_none());
    // Another tenant has a line of its own.
    let (_, other) = queue.push(&TenantId::new("other"), put(3));
    assert!(other.is_some());
    let group = serving.next_group(9, 99).unwrap();
    assert_eq!(group.iter().map(|waiting| waiting.commit.put[0].1.len()).collect::<Vec<_>>(), [1, 2]);
    let lost = Committed::Lost { key: RowKey::new(Table::Entity, "a") };
    Waiting::answer(group, Ok(vec![done(), lost.clone()]));
    assert_eq!(block_on(first.wait()).unwrap(), done());
    assert_eq!(block_on(second.wait()).unwrap(), lost);

    // The line is closed when it is found empty; then the next finds nobody, whatever became of who served before.
    assert!(serving.next_group(9, 99).is_none());
    let (third, next) = queue.push(&acme(), put(4));
    let mut next = next.expect("nobody serves any more");
    assert!(serving.next_group(9, 99).is_none());
    drop(serving);
    let group = next.next_group(9, 99).unwrap();
    Waiting::answer(group, Ok(vec![done()]));
    assert_eq!(block_on(third.wait()).unwrap(), done());
}

#[test]
fn a_group_is_bounded_and_nothing_is_too_large_to_go_alone() {
    let queue = Queue::new();
    let mut answers = Vec::new();
    let (answer, serving) = queue.push(&acme(), put(50));
    answers.push(answer);
    answers.extend([10, 10, 10, 10, 90].map(|size| queue.push(&acme(), put(size)).0));
    let mut serving = serving.unwrap();
    let mut sizes = Vec::new();
    while let Some(group) = serving.next_group(3, 25) {
        sizes.push(group.iter().map(|waiting| waiting.commit.put[0].1.len()).collect::<Vec<_>>());
        let outcomes = group.iter().map(|_| done()).collect();
        Waiting::answer(group, Ok(outcomes));
    }
    assert_eq!(sizes, [vec![50], vec![10, 10], vec![10, 10], vec![90]]);
    assert!(answers.into_iter().all(|answer| block_on(answer.wait()).is_ok()));
}

#[test]
fn who_gave_up_before_its_turn_has_not_committed() {
    let queue = Queue::new();
    let (first, serving) = queue.push(&acme(), put(1));
    let (second, _) = queue.push(&acme(), put(2));
    drop(first);
    let mut serving = serving.unwrap();
    let group = serving.next_group(9, 99).unwrap();
    assert_eq!(group.len(), 1);
    Waiting::answer(group, Ok(vec![done()]));
    assert_eq!(block_on(second.wait()).unwrap(), done());
}

#[test]
fn an_error_is_told_to_everybody_with_what_stood_in_the_way() {
    let queue = Queue::new();
    let (first, serving) = queue.push(&acme(), put(1));
    let (second, _) = queue.push(&acme(), put(2));
    let group = serving.unwrap().next_group(9, 99).unwrap();
    Waiting::answer(group, Err(StoreError::database("commit", StoreFault::Full, "no space left")));
    for answer in [first, second] {
        let error = block_on(answer.wait()).unwrap_err();
        assert_eq!(error.fault(), Some(StoreFault::Full));
        assert_eq!(error.to_string(), "the store could not commit: it is full");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no space left");
    }
}

#[test]
fn who_stops_serving_leaves_nobody_waiting() {
    let queue = Queue::new();
    let (first, serving) = queue.push(&acme(), put(1));
    let (second, _) = queue.push(&acme(), put(2));
    let mut serving = serving.unwrap();
    drop(serving.next_group(1, 99));
    drop(serving);
    for answer in [first, second] {
        assert!(matches!(answer.wait().now_or_never(), Some(Err(StoreError::Closed))));
    }
    assert!(queue.push(&acme(), put(3)).1.is_some());
}
