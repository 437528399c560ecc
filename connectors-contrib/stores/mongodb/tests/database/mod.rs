//! A database of its own for each test.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use accordant::store::conformance::Shared;
use accordant::store::{Store, StoreError};
use accordant_mongodb::{MongoOptions, MongoStore};
use accordant_test_servers::stores::Fresh;
use mongodb::Client;
use tokio::runtime::Runtime;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh database, dropped at the end.
pub(crate) struct Database {
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) runtime: Runtime,
}

impl Fresh for Database {
    fn new(address: &str, _: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { address: address.to_owned(), name: format!("t{}_{number}", std::process::id()), runtime }
    }
}

impl Shared for Database {
    fn open(&self) -> Box<dyn Store> {
        Box::new(Database::open(self))
    }
}

impl Database {
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

    /// Host and port of the server.
    pub(crate) fn host(&self) -> String {
        let rest = self.address.trim_start_matches("mongodb://");
        let host = rest.split(['/', '?', ',']).next().unwrap_or(rest);
        host.rsplit('@').next().unwrap_or(host).to_owned()
    }

    /// The database by which the server itself is told what to do.
    pub(crate) fn admin(&self) -> mongodb::Database {
        self.runtime.block_on(Client::with_uri_str(&self.address)).unwrap().database("admin")
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
