//! A commit that shows whether all of it is there: for tests of what a server, a crash or a lost connection leaves.

use super::super::{Commit, RowKey, Store, Table};
use super::tenant;
use crate::id::Actor;
use crate::journal::{Draft, Head, verify_all};

/// Rows of two tables and two entries, all named alike; it is lost where one of that name is there.
#[must_use]
pub fn whole_commit(name: &str) -> Commit {
    let row = |table| (RowKey::new(table, name), br#"{"state":"open"}"#.to_vec());
    let draft = |payload: &str| Draft {
        at: 1_772_356_320_000,
        actor: Actor::new("accordant"),
        kind: "observed",
        subject: name.into(),
        payload: payload.as_bytes().to_vec(),
        salt: [7; 16],
    };
    Commit {
        expect: vec![(RowKey::new(Table::Entity, name), None)],
        put: vec![row(Table::Entity), row(Table::Link)],
        journal: vec![draft("{}"), draft("not JSON")],
        ..Commit::default()
    }
}

/// Whether [`whole_commit`] of that name is there; panics where a part of it is. The chain holds in any case.
pub async fn whole_commit_is_there(store: &dyn Store, name: &str) -> bool {
    let keys = [Table::Entity, Table::Link].map(|table| RowKey::new(table, name));
    let rows = store.load(&tenant(), &keys).await.unwrap().into_iter().flatten().count();
    let entries = store.journal(&tenant(), 0, usize::MAX).await.unwrap();
    verify_all(Head::default(), &entries).unwrap();
    let told = entries.iter().filter(|(entry, _)| entry.subject.as_str() == name).count();
    assert!((rows, told) == (0, 0) || (rows, told) == (2, 2), "{rows} rows and {told} entries of {name}");
    rows == 2
}

#[cfg(test)]
mod tests {
    use super::super::{block_on, done};
    use super::{Commit, tenant, whole_commit, whole_commit_is_there};
    use crate::MemoryStore;
    use crate::store::Store;

    #[test]
    fn it_is_there_or_it_is_not() {
        let store = MemoryStore::new();
        assert!(!block_on(whole_commit_is_there(&store, "a")));
        block_on(done(&store, whole_commit("a")));
        assert!(block_on(whole_commit_is_there(&store, "a")));
        assert!(!block_on(whole_commit_is_there(&store, "b")));
    }

    #[test]
    #[should_panic(expected = "1 rows and 2 entries of a")]
    fn a_part_of_it_is_found_out() {
        let store = MemoryStore::new();
        let mut half = whole_commit("a");
        half.put.pop();
        block_on(store.commit(&tenant(), Commit { ..half })).unwrap();
        block_on(whole_commit_is_there(&store, "a"));
    }
}
