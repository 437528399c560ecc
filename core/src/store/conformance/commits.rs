//! Commits: whole or not at all.

use futures::FutureExt as _;
use futures::future::{join, join_all};

use super::super::{Commit, Committed, RowKey, Store, Table};
use super::{done, draft, end, entries, key, keys, load, put, record, revision, tenant};
use crate::journal::Head;

/// A commit of nothing is done, and tells where the journal ends.
pub async fn an_empty_commit_changes_nothing(store: &dyn Store) {
    assert_eq!(done(store, Commit::default()).await, Head::default());
    assert_eq!(keys(store, "", None, usize::MAX).await, [""; 0]);
    let head = done(store, record([draft("a", "1")])).await;
    assert_eq!(done(store, Commit::default()).await, head);
    assert_eq!(entries(store).await.len(), 1);
}

/// Rows of several tables, deletions and entries change together.
pub async fn a_commit_happens_as_a_whole(store: &dyn Store) {
    done(store, put(&["old"])).await;
    let link = RowKey::new(Table::Link, "r1");
    let commit = Commit {
        expect: vec![(key("old"), Some(1)), (link.clone(), None)],
        put: vec![(key("new"), b"{}".to_vec()), (link.clone(), b"1".to_vec())],
        delete: vec![key("old")],
        journal: vec![draft("r1", "linked"), draft("r1", "settled")],
    };
    let head = done(store, commit).await;
    let rows = store.load(&tenant(), &[key("old"), key("new"), link]).await.unwrap();
    assert_eq!(rows.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!((head.seq, entries(store).await.len()), (2, 2));
}

/// A row that is not as expected undoes everything.
pub async fn a_lost_race_leaves_nothing(store: &dyn Store) {
    done(store, put(&["a", "b"])).await;
    for (name, wrong) in [("a", None), ("a", Some(2)), ("a", Some(u64::MAX)), ("absent", Some(1)), ("absent", Some(0))]
    {
        let commit = Commit {
            expect: vec![(key("b"), Some(1)), (key(name), wrong)],
            put: vec![(key("a"), b"x".to_vec()), (key("c"), b"x".to_vec())],
            delete: vec![key("b")],
            journal: vec![draft("a", "x")],
        };
        assert_eq!(store.commit(&tenant(), commit).await.unwrap(), Committed::Lost { key: key(name) });
        assert_eq!(keys(store, "", None, usize::MAX).await, ["a", "b"]);
        assert_eq!(load(store, "a").await.unwrap().value, b"a");
        assert_eq!(entries(store).await, []);
    }
}

/// Of several rows that are not as expected, the first of the commit is named.
pub async fn the_first_row_that_is_not_as_expected_is_named(store: &dyn Store) {
    let expect = vec![(key("z"), None), (key("m"), Some(1)), (key("a"), Some(1))];
    let outcome = store.commit(&tenant(), Commit { expect, ..Commit::default() }).await.unwrap();
    assert_eq!(outcome, Committed::Lost { key: key("m") });
}

/// Expectations may be all there is to a commit.
pub async fn expectations_alone_write_nothing(store: &dyn Store) {
    done(store, put(&["a"])).await;
    done(store, Commit { expect: vec![(key("a"), Some(1)), (key("b"), None)], ..Commit::default() }).await;
    assert_eq!((revision(store, "a").await, revision(store, "b").await), (Some(1), None));
}

/// What a commit puts does not meet its own expectations, nor miss them.
pub async fn expectations_see_the_state_before_the_commit(store: &dyn Store) {
    done(store, Commit { expect: vec![(key("a"), None)], ..put(&["a"]) }).await;
    done(store, Commit { expect: vec![(key("a"), Some(1)), (key("a"), Some(1))], ..put(&["a"]) }).await;
    let commit = Commit { expect: vec![(key("a"), Some(3))], ..put(&["a"]) };
    assert_eq!(store.commit(&tenant(), commit).await.unwrap(), Committed::Lost { key: key("a") });
}

/// Every change counts, also one to the same value; changes of other rows do not.
pub async fn revisions_rise_by_one_from_one(store: &dyn Store) {
    for expected in 1..=5 {
        done(store, put(&["a"])).await;
        assert_eq!(revision(store, "a").await, Some(expected));
    }
    done(store, put(&["b"])).await;
    assert_eq!((revision(store, "a").await, revision(store, "b").await), (Some(5), Some(1)));
}

/// A row that was deleted and put again has revision 1.
pub async fn a_deleted_row_starts_over(store: &dyn Store) {
    done(store, put(&["a"])).await;
    done(store, put(&["a"])).await;
    done(store, Commit { delete: vec![key("a")], ..Commit::default() }).await;
    assert_eq!(load(store, "a").await, None);
    done(store, put(&["a"])).await;
    assert_eq!(revision(store, "a").await, Some(1));
}

/// Deleting what is not there is no error.
pub async fn a_missing_row_may_be_deleted(store: &dyn Store) {
    done(store, Commit { delete: vec![key("b"), key("b")], ..put(&["a"]) }).await;
    assert_eq!(keys(store, "", None, usize::MAX).await, ["a"]);
}

/// Two puts of one key are one change, to the later value.
pub async fn the_later_put_of_a_key_counts(store: &dyn Store) {
    let puts = ["1", "3", "2"].map(|value| (key("a"), value.as_bytes().to_vec()));
    done(store, Commit { put: puts.to_vec(), ..Commit::default() }).await;
    let row = load(store, "a").await.unwrap();
    assert_eq!((row.value.as_slice(), row.revision), (b"2".as_slice(), 1));
}

/// A deletion beside a put of the same row does nothing: the revision rises.
pub async fn a_row_both_put_and_deleted_is_put(store: &dyn Store) {
    done(store, put(&["a"])).await;
    done(store, Commit { delete: vec![key("a")], ..put(&["a"]) }).await;
    assert_eq!(revision(store, "a").await, Some(2));
}

/// Two commits that expect the same revision: one is done, one is lost.
pub async fn of_two_racing_commits_one_is_done(store: &dyn Store) {
    for round in 1_u64..=20 {
        let expect = vec![(key("a"), (round > 1).then(|| round - 1))];
        let commit = Commit { expect, journal: vec![draft("a", "x")], ..put(&["a"]) };
        let tenant = tenant();
        let (left, right) = join(store.commit(&tenant, commit.clone()), store.commit(&tenant, commit)).await;
        let outcomes = [left.unwrap(), right.unwrap()];
        let lost = outcomes.iter().filter(|outcome| **outcome == Committed::Lost { key: key("a") }).count();
        assert_eq!(lost, 1, "{outcomes:?}");
        assert_eq!(revision(store, "a").await, Some(round));
        assert_eq!(entries(store).await.len() as u64, round);
    }
}

/// Commits that are under way together all happen, each with entries that stand together.
pub async fn concurrent_commits_all_happen(store: &dyn Store) {
    let names: Vec<_> = (0..100).map(|index| format!("{index:03}")).collect();
    let tenant = tenant();
    let commits = names.iter().map(|name| {
        let journal = vec![draft(name, "first"), draft(name, "second")];
        store.commit(&tenant, Commit { journal, ..put(&[name, "shared"]) })
    });
    let outcomes = join_all(commits).await;
    let entries = entries(store).await;
    for (name, outcome) in names.iter().zip(outcomes) {
        let Committed::Done { head } = outcome.unwrap() else { panic!("{name} lost a race without expectations") };
        // Each was told the head right behind its own entries.
        let last = usize::try_from(head.seq).unwrap();
        assert_eq!(entries[last - 1].0.digest, head.digest);
        assert!(entries[last - 2..last].iter().all(|(entry, _)| entry.subject.as_str() == name));
    }
    assert_eq!(end(&entries).unwrap().seq, 200);
    assert_eq!(keys(store, "0", None, usize::MAX).await, names);
    assert_eq!(revision(store, "shared").await, Some(100));
}

/// A commit whose future is dropped has happened or has not.
pub async fn a_dropped_commit_is_whole_or_nothing(store: &dyn Store) {
    for round in 0..50 {
        let (one, two) = (format!("{round}/1"), format!("{round}/2"));
        let commit = Commit { journal: vec![draft(&one, "x"), draft(&two, "x")], ..put(&[&one, &two]) };
        // Polls once, and drops the future if it has no answer by then.
        drop(store.commit(&tenant(), commit).now_or_never());
        let (tenant, keys) = (tenant(), [key(&one), key(&two)]);
        let load = || store.load(&tenant, &keys);
        // It may happen at this moment: what was read of rows and entries belongs together where no row came in between.
        let (rows, entries) = loop {
            let (before, entries, after) = (load().await.unwrap(), entries(store).await, load().await.unwrap());
            if before == after {
                break (before, entries);
            }
        };
        let ours = entries.iter().filter(|(entry, _)| entry.subject.starts_with(&format!("{round}/"))).count();
        match (&rows[..], ours) {
            ([Some(_), Some(_)], 2) | ([None, None], 0) => {}
            torn => panic!("a part of a dropped commit: {torn:?}"),
        }
        end(&entries).unwrap();
    }
}

/// Futures do nothing until they are polled.
pub async fn a_commit_that_was_never_polled_does_not_happen(store: &dyn Store) {
    drop(store.commit(&tenant(), put(&["a"])));
    assert_eq!(load(store, "a").await, None);
}
