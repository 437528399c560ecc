//! Every case of the conformance suite, on a real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;

use accordant::id::{Actor, TenantId};
use accordant::journal::Draft;
use accordant::store::conformance::{Case, Shared, SharedCase, a_random_history_ends_as_in_memory, block_on};
use accordant::store::{Commit, MemoryStore, RowKey, Store, Table};
use accordant::transfer::{export, import};
use accordant_test_servers::{Server, Trial};
use database::Database;

impl Shared for Database {
    fn open(&self) -> Box<dyn Store> {
        Box::new(Database::open(self))
    }
}

fn main() -> ExitCode {
    Server::MONGODB.test(|address| {
        let address = address.to_owned();
        let trial = |name: &str, run: fn(&Database, &str)| {
            let (address, test) = (address.clone(), name.to_owned());
            Trial::test(name, move || {
                run(&Database::new(&address, &test), &test);
                Ok(())
            })
        };
        let mut trials: Vec<Trial> = Vec::new();
        trials.extend(Case::all().into_iter().map(|case| trial(case.name, one)));
        trials.extend(SharedCase::all().into_iter().map(|case| trial(case.name, shared)));
        trials.push(trial("random_histories_end_as_in_memory", |database, _| {
            for seed in 0..6 {
                let database = database.another(seed);
                block_on(a_random_history_ends_as_in_memory(&database.open(), seed, 60));
            }
        }));
        trials.push(trial("a_tenant_that_moves_through_gives_the_same_bytes", |database, _| moves(database)));
        trials
    })
}

/// What memory exports and what the store exports that it was moved to are the same bytes.
fn moves(database: &Database) {
    let entities: usize = std::env::var("ACCORDANT_MOVE_ENTITIES").map_or(1_000, |number| number.parse().unwrap());
    let (memory, acme) = (MemoryStore::new(), TenantId::new("acme"));
    for part in (0..entities).collect::<Vec<_>>().chunks(1_000) {
        let mut commit = Commit::default();
        for number in part {
            let value =
                |text: &str| format!(r#"{{"email":"zoë{number}@example.com","what":"{text}\u0001"}}"#).into_bytes();
            let record = |connection: &str| format!("{connection}\u{1f}customers\u{1f}{number}");
            commit.put.push((RowKey::new(Table::Entity, format!("{number:09}")), value("golden")));
            commit.put.push((RowKey::new(Table::DeadLetter, format!("{number}\0")), vec![0xff, 0]));
            for connection in ["crm", "shop"] {
                commit.put.push((RowKey::new(Table::Link, record(connection)), b"{}".to_vec()));
                commit.put.push((RowKey::new(Table::Representation, record(connection)), value(connection)));
                let (actor, subject, salt) = (Actor::new("accordant"), record(connection).into(), [7; 16]);
                commit.journal.push(Draft { at: 5, actor, kind: "observed", subject, payload: value("said"), salt });
            }
        }
        block_on(memory.commit(&acme, commit)).unwrap();
    }
    for erased in (0..entities).step_by(50) {
        block_on(memory.erase(&acme, &format!("crm\u{1f}customers\u{1f}{erased}"))).unwrap();
    }
    let folder = std::env::temp_dir().join(format!("accordant-moves-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let file = |name: &str| folder.join(name);
    block_on(export(&memory, &acme, &file("memory"), |_| {})).unwrap();
    let store = database.open();
    let moved = block_on(import(&store, &acme, &file("memory"), |_| {})).unwrap();
    block_on(export(&store, &acme, &file("store"), |_| {})).unwrap();
    let [before, after] = ["memory", "store"].map(|name| std::fs::read(file(name)).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((moved.entries, moved.rows), (2 * entities as u64, 6 * entities as u64));
    assert!(before == after);
}

fn one(database: &Database, name: &str) {
    let case = Case::all().into_iter().find(|case| case.name == name).unwrap();
    block_on(case.run(&database.open()));
}

fn shared(database: &Database, name: &str) {
    let case = SharedCase::all().into_iter().find(|case| case.name == name).unwrap();
    block_on(case.run(database));
}
