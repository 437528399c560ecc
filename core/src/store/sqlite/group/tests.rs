//! Groups of commits, built by hand so that they do not depend on what the thread finds in its queue.

use futures::channel::oneshot::{self, Receiver};
use rusqlite::Connection;

use super::super::schema;
use super::{Waiting, commit};
use crate::id::{Actor, TenantId};
use crate::journal::Draft;
use crate::store::{Commit, Committed, RowKey, StoreError, Table};

type Answer = Receiver<Result<Committed, StoreError>>;

fn database() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::prepare(&mut connection).unwrap();
    schema::create(&mut connection).unwrap();
    connection
}

fn key(key: &str) -> RowKey {
    RowKey::new(Table::Meta, key)
}

fn put(name: &str, expect: Option<u64>) -> (Waiting, Answer) {
    let entry = Draft {
        at: 0,
        actor: Actor::new("test"),
        kind: "observed",
        subject: name.into(),
        payload: b"{}".to_vec(),
        salt: [0; 16],
    };
    let commit = Commit {
        expect: vec![(key(name), expect)],
        // The second row shows whether a commit was undone as a whole.
        put: vec![(key(&format!("0 before {name}")), b"{}".to_vec()), (key(name), b"{}".to_vec())],
        journal: vec![entry],
        ..Commit::default()
    };
    let (reply, answer) = oneshot::channel();
    (Waiting { tenant: TenantId::new("acme"), commit, reply }, answer)
}

fn run(connection: &mut Connection, group: Vec<(Waiting, Answer)>) -> Vec<Result<Committed, StoreError>> {
    let (group, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    commit(connection, group);
    answers.into_iter().map(|mut answer| answer.try_recv().unwrap().unwrap()).collect()
}

fn count(connection: &Connection, table: &str) -> u32 {
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_lost_race_undoes_only_its_own_commit() {
    let mut connection = database();
    let outcomes = run(&mut connection, vec![put("a", None), put("b", Some(7)), put("a", Some(1)), put("a", Some(1))]);
    assert!(matches!(outcomes[0], Ok(Committed::Done { head }) if head.seq == 1));
    assert!(matches!(&outcomes[1], Ok(Committed::Lost { key: lost }) if *lost == key("b")));
    // The third sees what the first of its group wrote; the fourth loses to the third.
    assert!(matches!(outcomes[2], Ok(Committed::Done { head }) if head.seq == 2));
    assert!(matches!(&outcomes[3], Ok(Committed::Lost { key: lost }) if *lost == key("a")));
    assert_eq!((count(&connection, "meta"), count(&connection, "journal")), (2, 2));
}

#[test]
fn an_error_undoes_only_its_own_commit() {
    let mut connection = database();
    connection
        .execute_batch("CREATE TRIGGER t BEFORE INSERT ON meta WHEN NEW.key = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    let outcomes = run(&mut connection, vec![put("a", None), put("b", None), put("c", None)]);
    assert!(matches!(outcomes[0], Ok(Committed::Done { .. })));
    assert!(matches!(outcomes[1], Err(StoreError::Database { .. })));
    assert!(matches!(outcomes[2], Ok(Committed::Done { head }) if head.seq == 2));
    assert_eq!((count(&connection, "meta"), count(&connection, "journal")), (4, 2));
}

#[test]
fn an_error_that_ends_the_transaction_is_told_to_everybody() {
    let mut connection = database();
    connection
        .execute_batch(
            "CREATE TRIGGER t BEFORE INSERT ON meta WHEN NEW.key = 'b' BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
        )
        .unwrap();
    let outcomes = run(&mut connection, vec![put("a", None), put("b", None), put("c", None), put("z", Some(1))]);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(StoreError::Database { .. }))));
    assert_eq!((count(&connection, "meta"), count(&connection, "journal")), (0, 0));
}

#[test]
fn a_failed_flush_is_told_to_everybody_and_the_next_group_goes_on() {
    let mut connection = database();
    // A deferred foreign key that does not hold makes COMMIT itself fail.
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER t AFTER INSERT ON meta WHEN NEW.key = 'b' BEGIN INSERT INTO child VALUES (1); END;",
        )
        .unwrap();
    let outcomes = run(&mut connection, vec![put("a", None), put("b", None), put("a", None)]);
    // Even the lost race: it was lost to a commit that did not happen.
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(StoreError::Database { .. }))));
    assert_eq!((count(&connection, "meta"), count(&connection, "journal")), (0, 0));
    let outcomes = run(&mut connection, vec![put("a", None)]);
    assert!(matches!(outcomes[0], Ok(Committed::Done { head }) if head.seq == 1));
}

#[test]
fn a_commit_whose_waiter_is_gone_happens() {
    let mut connection = database();
    let (waiting, answer) = put("a", None);
    drop(answer);
    commit(&mut connection, vec![waiting]);
    assert_eq!(count(&connection, "meta"), 2);
}
