//! A schema of its own for each test, owned by a role that row security holds for.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::atomic::{AtomicU32, Ordering};

use accordant::store::conformance::Shared;
use accordant::store::{Store, StoreError};
use accordant_postgres::{PostgresOptions, PostgresStore};
use accordant_test_servers::stores::Fresh;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls};

/// The role that stores are opened as.
pub(crate) const OWNER: &str = "accordant_owner";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh schema, dropped at the end.
pub(crate) struct Database {
    address: String,
    pub(crate) schema: String,
    pub(crate) runtime: Runtime,
}

impl Fresh for Database {
    fn new(address: &str, test: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let test: String = test.chars().take(40).collect();
        let database =
            Self { address: address.to_owned(), schema: format!("t{}_{number}_{test}", std::process::id()), runtime };
        let schema = &database.schema;
        database.as_superuser(&format!(
            "SELECT pg_advisory_lock(1); \
             DO $$ BEGIN CREATE ROLE {OWNER} LOGIN PASSWORD 'owner'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; \
             CREATE SCHEMA {schema} AUTHORIZATION {OWNER}; SELECT pg_advisory_unlock(1)"
        ));
        database
    }
}

impl Shared for Database {
    fn open(&self) -> Box<dyn Store> {
        Box::new(Database::open(self))
    }
}

impl Database {
    /// Another one beside it.
    pub(crate) fn another(&self) -> Self {
        Self::new(&self.address, "another")
    }

    /// Where a role connects to.
    pub(crate) fn config(&self, role: &str, password: &str) -> Config {
        let mut config: Config = self.address.parse().unwrap();
        config.user(role).password(password);
        config
    }

    /// The options of the store, as its owner.
    pub(crate) fn options(&self) -> PostgresOptions {
        self.options_as(OWNER, "owner")
    }

    /// The options of the store, as some role.
    pub(crate) fn options_as(&self, role: &str, password: &str) -> PostgresOptions {
        let config = self.config(role, password);
        let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else { panic!("servers are on loopback") };
        let (port, database) = (config.get_ports()[0], config.get_dbname().unwrap_or("postgres"));
        let address = format!("host={host} port={port} dbname={database} user={role} password={password}");
        PostgresOptions::new(&address).unwrap().schema(&self.schema).connections(6)
    }

    pub(crate) fn open(&self) -> PostgresStore {
        self.open_with(self.options()).unwrap()
    }

    pub(crate) fn open_with(&self, options: PostgresOptions) -> Result<PostgresStore, StoreError> {
        self.runtime.block_on(PostgresStore::open_with(options))
    }

    /// A connection beside the store.
    pub(crate) fn client(&self, config: &Config) -> Client {
        let (client, connection) = self.runtime.block_on(config.connect(NoTls)).unwrap();
        drop(self.runtime.spawn(connection));
        client
    }

    pub(crate) fn superuser(&self) -> Client {
        self.client(&self.address.parse().unwrap())
    }

    pub(crate) fn as_superuser(&self, sql: &str) {
        self.runtime.block_on(self.superuser().batch_execute(sql)).unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed has said why; a second panic would keep it from being read.
        if !std::thread::panicking() {
            self.as_superuser(&format!("DROP SCHEMA {} CASCADE", self.schema));
        }
    }
}
