//! A database of its own for each test.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use accordant::id::{Actor, TenantId};
use accordant::journal::{Draft, Head, verify_all};
use accordant::store::conformance::block_on;
use accordant::store::{Commit, RowKey, Store, StoreError, Table};
use accordant_mongodb::{MongoOptions, MongoStore};
use mongodb::Client;
use tokio::runtime::Runtime;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh database, dropped at the end.
pub(crate) struct Database {
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) runtime: Runtime,
}

impl Database {
    pub(crate) fn new(address: &str, _: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { address: address.to_owned(), name: format!("t{}_{number}", std::process::id()), runtime }
    }

    /// Another one beside it.
    pub(crate) fn another(&self, _: u64) -> Self {
        Self::new(&self.address, "")
    }

    pub(crate) fn options(&self, address: &str) -> MongoOptions {
        let options = self.runtime.block_on(MongoOptions::new(address)).unwrap();
        options.database(&self.name).patience(Duration::from_secs(20))
    }

    pub(crate) fn open(&self) -> MongoStore {
        self.open_with(self.options(&self.address)).unwrap()
    }

    pub(crate) fn open_with(&self, options: MongoOptions) -> Result<MongoStore, StoreError> {
        self.runtime.block_on(MongoStore::open_with(options))
    }

    /// The database beside the store.
    pub(crate) fn database(&self) -> mongodb::Database {
        self.runtime.block_on(Client::with_uri_str(&self.address)).unwrap().database(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed has said why; a second panic would keep it from being read.
        if !std::thread::panicking() {
            let database = self.database();
            self.runtime.block_on(async { database.drop().await }).unwrap();
        }
    }
}

/// The tenant of the tests.
pub(crate) fn acme() -> TenantId {
    TenantId::new("acme")
}

/// Rows of two tables and two entries, all named alike.
pub(crate) fn commit(name: &str) -> Commit {
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

/// Whether a commit by that name is there; fails if a part of it is. The chain holds in any case.
pub(crate) fn is_there(store: &MongoStore, name: &str) -> bool {
    let keys = [Table::Entity, Table::Link].map(|table| RowKey::new(table, name));
    let rows = block_on(store.load(&acme(), &keys)).unwrap().into_iter().flatten().count();
    let entries = block_on(store.journal(&acme(), 0, usize::MAX)).unwrap();
    verify_all(Head::default(), &entries).unwrap();
    let told = entries.iter().filter(|(entry, _)| entry.subject.as_str() == name).count();
    assert!((rows, told) == (0, 0) || (rows, told) == (2, 2), "{rows} rows and {told} entries of {name}");
    rows == 2
}
