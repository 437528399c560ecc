//! Several handles on one content, as several processes have them.

use futures::future::{join_all, join3};

use super::super::{Commit, Committed, RowKey, Store, Table};
use super::{draft, end, entries, key, keys, load, put, record, tenant};

/// Content that can be opened more than once.
pub trait Shared: Send + Sync {
    /// Another handle on it, which shares nothing with the others that another process would not share.
    fn open(&self) -> Box<dyn Store>;
}

fn many(shared: &dyn Shared) -> Vec<Box<dyn Store>> {
    (0..4).map(|_| shared.open()).collect()
}

/// What was acknowledged to one is there for all, at once, and for those that are opened later.
pub async fn what_one_handle_commits_all_see(shared: &dyn Shared) {
    let handles = many(shared);
    for (round, handle) in handles.iter().enumerate() {
        let name = format!("{round}");
        let commit = Commit { journal: vec![draft(&name, "x")], ..put(&[&name, "shared"]) };
        assert!(matches!(handle.commit(&tenant(), commit).await.unwrap(), Committed::Done { .. }));
        for other in &handles {
            assert_eq!(load(&**other, &name).await.map(|row| row.revision), Some(1));
            assert_eq!(load(&**other, "shared").await.map(|row| row.revision), Some(round as u64 + 1));
            assert_eq!(entries(&**other).await.len(), round + 1);
        }
    }
    assert_eq!(handles[0].erase(&tenant(), "2").await.unwrap(), 1);
    drop(handles);
    let later = shared.open();
    assert_eq!(keys(&*later, "", None, 9).await, ["0", "1", "2", "3", "shared"]);
    let left: Vec<_> = entries(&*later).await.into_iter().map(|(_, payload)| payload.is_some()).collect();
    assert_eq!(left, [true, true, false, true]);
}

/// Of those that expect one revision, one is done.
pub async fn of_racing_handles_one_is_done(shared: &dyn Shared) {
    let handles = many(shared);
    for round in 1_u64..=15 {
        let expect = vec![(key("a"), (round > 1).then(|| round - 1))];
        let commit = Commit { expect, journal: vec![draft("a", "x")], ..put(&["a"]) };
        let tenant = tenant();
        let race = handles.iter().map(|handle| handle.commit(&tenant, commit.clone()));
        let outcomes: Vec<Committed> = join_all(race).await.into_iter().map(Result::unwrap).collect();
        let lost = outcomes.iter().filter(|outcome| **outcome == Committed::Lost { key: key("a") }).count();
        assert_eq!(lost, handles.len() - 1, "{outcomes:?}");
        assert_eq!(entries(&*handles[0]).await.len() as u64, round);
    }
}

/// A number that all raise, each by what it read, ends at the sum: no raise is lost, none counts twice.
pub async fn a_number_that_many_raise_loses_nothing(shared: &dyn Shared) {
    const RAISES: usize = 12;
    let handles = many(shared);
    let raise = async |handle: &dyn Store, who: usize| {
        for round in 0..RAISES {
            loop {
                let row = load(handle, "sum").await;
                let sum: usize = row.as_ref().map_or(0, |row| String::from_utf8_lossy(&row.value).parse().unwrap());
                let commit = Commit {
                    expect: vec![(key("sum"), row.map(|row| row.revision))],
                    put: vec![(key("sum"), (sum + 1).to_string().into_bytes())],
                    journal: vec![draft(&format!("{who}"), &format!("{round}"))],
                    ..Commit::default()
                };
                if matches!(handle.commit(&tenant(), commit).await.unwrap(), Committed::Done { .. }) {
                    break;
                }
            }
        }
    };
    join_all(handles.iter().enumerate().map(|(who, handle)| raise(&**handle, who))).await;
    let sum = load(&*handles[0], "sum").await.unwrap();
    assert_eq!(sum.value, (RAISES * handles.len()).to_string().into_bytes());
    let entries = entries(&*handles[0]).await;
    assert_eq!(end(&entries).unwrap().seq, (RAISES * handles.len()) as u64);
    for who in 0..handles.len() {
        let told = entries.iter().filter(|(entry, _)| entry.subject.as_str() == format!("{who}"));
        let rounds: Vec<_> = told.map(|(_, payload)| payload.clone().unwrap().bytes).collect();
        assert_eq!(rounds, (0..RAISES).map(|round| round.to_string().into_bytes()).collect::<Vec<_>>());
    }
}

/// Entries of all handles are one chain, and those of one commit stand together.
pub async fn handles_write_one_chain(shared: &dyn Shared) {
    let handles = many(shared);
    let commits = handles.iter().enumerate().map(async |(who, handle)| {
        for round in 0..10 {
            let subject = format!("{who}/{round}");
            let commit = record([draft(&subject, "1"), draft(&subject, "2")]);
            let Committed::Done { head } = handle.commit(&tenant(), commit).await.unwrap() else {
                panic!("lost without an expectation")
            };
            let told = handle.journal(&tenant(), head.seq - 2, 2).await.unwrap();
            assert!(told.iter().all(|(entry, _)| entry.subject.as_str() == subject));
            assert_eq!(told[1].0.digest, head.digest);
        }
    });
    join_all(commits).await;
    assert_eq!(end(&entries(&*handles[0]).await).unwrap().seq, 80);
}

/// Rows that change together are read together, from however many tables: no reader sees a commit in part.
pub async fn a_reader_sees_a_commit_whole(shared: &dyn Shared) {
    const ROUNDS: usize = 40;
    let rows = [Table::Entity, Table::Link, Table::Work].map(|table| RowKey::new(table, "k"));
    let (writer, one, other) = (shared.open(), shared.open(), shared.open());
    let write = async {
        for round in 0..ROUNDS {
            let put = rows.iter().map(|row| (row.clone(), round.to_string().into_bytes())).collect();
            writer.commit(&tenant(), Commit { put, ..Commit::default() }).await.unwrap();
        }
    };
    let read = async |reader: &dyn Store| {
        let mut last = 0;
        for _ in 0..ROUNDS {
            let seen = reader.load(&tenant(), &rows).await.unwrap();
            let seen: Vec<_> = seen.into_iter().map(|row| row.map(|row| (row.revision, row.value))).collect();
            assert!(seen.iter().all(|row| *row == seen[0]), "{seen:?}");
            let revision = seen[0].as_ref().map_or(0, |(revision, _)| *revision);
            assert!(revision >= last, "a reader went back in time");
            last = revision;
        }
    };
    join3(write, read(&*one), read(&*other)).await;
}

/// Who stopped between reading and writing, while others went on, writes nothing over what they wrote.
pub async fn who_wakes_late_overwrites_nothing(shared: &dyn Shared) {
    let (late, other) = (shared.open(), shared.open());
    other.commit(&tenant(), put(&["a", "b"])).await.unwrap();
    let read = load(&*late, "a").await.unwrap();
    other.commit(&tenant(), Commit { put: vec![(key("a"), b"newer".to_vec())], ..Commit::default() }).await.unwrap();
    let woken = Commit {
        expect: vec![(key("a"), Some(read.revision))],
        put: vec![(key("a"), b"older".to_vec()), (key("b"), b"older".to_vec())],
        journal: vec![draft("a", "x")],
        ..Commit::default()
    };
    assert_eq!(late.commit(&tenant(), woken).await.unwrap(), Committed::Lost { key: key("a") });
    assert_eq!(load(&*late, "a").await.unwrap().value, b"newer");
    assert_eq!(load(&*late, "b").await.unwrap().value, b"b");
    assert_eq!(entries(&*late).await, []);
}
