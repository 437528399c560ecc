//! A tenant is moved from SQLite to PostgreSQL, to MongoDB and back to SQLite; every store exports the same bytes.
//!
//! Five hundred entities, or as many as `ACCORDANT_MOVE_ENTITIES` says. With a tenant that the engine filled:
//! `accordant-soak --move-tenant`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use accordant::id::{Actor, TenantId};
use accordant::journal::Draft;
use accordant::store::conformance::block_on;
use accordant::store::{Commit, RowKey, SqliteStore, Store, Table};
use accordant::transfer::{export, import};
use accordant_postgres::{PostgresOptions, PostgresStore};
use accordant_test_servers::{Server, Trial};
use database::{Database, acme};

fn main() -> ExitCode {
    Server::MONGODB.test(|address| {
        let address = address.to_owned();
        let postgres = Server::POSTGRES.address();
        let trial = Trial::test("a_tenant_moved_around_gives_the_same_bytes", {
            let postgres = postgres.clone().unwrap_or_default();
            move || {
                a_tenant_moved_around_gives_the_same_bytes(&Database::new(&address, ""), &postgres);
                Ok(())
            }
        });
        vec![trial.with_ignored_flag(postgres.is_none())]
    })
}

/// An entity with two records, what they said, and what was settled.
fn entity(number: usize, commit: &mut Commit) {
    let id = format!("0198c6f0-0000-7000-8000-{number:012}");
    let golden = format!(
        r#"{{"format":1,"id":"{id}","golden":{{"email":"zoë{number}@example.com","city":"Città {}"}}}}"#,
        number % 97
    );
    commit.put.push((RowKey::new(Table::Entity, id.as_str()), golden.into_bytes()));
    commit
        .put
        .push((RowKey::new(Table::Index, format!("customer\u{1f}email\u{1f}zoë{number}@example.com")), b"{}".to_vec()));
    for connection in ["crm", "shop"] {
        let record = format!("{connection}\u{1f}customers\u{1f}{number}");
        let said = format!(r#"{{"cells":{{"email":["{number}","zoë{number}@example.com"]}},"raw":"\u0001"}}"#);
        commit.put.push((RowKey::new(Table::Link, record.as_str()), format!(r#"{{"entity":"{id}"}}"#).into_bytes()));
        commit.put.push((RowKey::new(Table::Representation, record.as_str()), said.clone().into_bytes()));
        commit.journal.push(draft("observed", &record, said.into_bytes(), number));
    }
    // What is no text is kept as it is, too.
    commit.put.push((RowKey::new(Table::DeadLetter, id.as_str()), vec![0xff, 0, (number % 251).try_into().unwrap()]));
    commit.journal.push(draft("facts", &id, b"[]".to_vec(), number));
}

fn draft(kind: &'static str, subject: &str, payload: Vec<u8>, number: usize) -> Draft {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&number.to_le_bytes());
    let at = 1_772_356_320_000 + i64::try_from(number).unwrap();
    Draft { at, actor: Actor::new("accordant"), kind, subject: subject.into(), payload, salt }
}

fn a_tenant_moved_around_gives_the_same_bytes(database: &Database, postgres: &str) {
    let entities: usize = std::env::var("ACCORDANT_MOVE_ENTITIES").map_or(500, |number| number.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(folder.path().join("first.db")).unwrap();
    for part in (0..entities).collect::<Vec<_>>().chunks(1_000) {
        let mut commit = Commit::default();
        part.iter().for_each(|number| entity(*number, &mut commit));
        block_on(first.commit(&acme(), commit)).unwrap();
    }
    for erased in 0..entities / 50 {
        block_on(first.erase(&acme(), &format!("crm\u{1f}customers\u{1f}{}", erased * 50))).unwrap();
    }
    block_on(first.commit(
        &TenantId::new("other"),
        Commit { journal: vec![draft("facts", "x", vec![], 0)], ..Commit::default() },
    ))
    .unwrap();

    let mut files = vec![exported(folder.path(), 0, &first)];
    let schema = format!("moved_{}", std::process::id());
    let options = PostgresOptions::new(postgres).unwrap().schema(schema);
    let store = database.runtime.block_on(PostgresStore::open_with(options)).unwrap();
    files.push(through(folder.path(), &files, &store));
    files.push(through(folder.path(), &files, &database.open()));
    let last = SqliteStore::open(folder.path().join("last.db")).unwrap();
    files.push(through(folder.path(), &files, &last));

    let whole = fs::read(&files[0]).unwrap();
    for file in &files[1..] {
        assert!(fs::read(file).unwrap() == whole, "{} differs", file.display());
    }
    eprintln!("moved {entities} entities: {} exports of {} bytes, byte-identical", files.len(), whole.len());
}

fn exported(folder: &Path, place: usize, store: &dyn Store) -> PathBuf {
    let file = folder.join(format!("{place}.export"));
    let done = block_on(export(store, &acme(), &file, |_| {})).unwrap();
    eprintln!("exported {} entries and {} rows", done.entries, done.rows);
    file
}

fn through(folder: &Path, files: &[PathBuf], store: &dyn Store) -> PathBuf {
    let done = block_on(import(store, &acme(), files.last().unwrap(), |_| {})).unwrap();
    eprintln!("imported {} entries and {} rows", done.entries, done.rows);
    exported(folder, files.len(), store)
}
