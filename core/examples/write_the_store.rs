//! Writes the store that upgrades are tested over, `core/tests/stores/v1.sqlite`, anew. Only as long as no release has it:
//! afterwards a new format gets a file of its own.
//!
//! ```sh
//! cargo run -p accordant --example write_the_store
//! ```
#![allow(clippy::unwrap_used, reason = "whatever fails, nothing is written")]

#[path = "../tests/upgrade/filled.rs"]
mod filled;
#[path = "../tests/replay/support.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod support;

use accordant::store::SqliteStore;
use filled::{CUSTOMERS, checked_in, fill};
use futures::executor::block_on;
use support::{Variant, clock, open};

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let clock = clock();
    {
        let store = SqliteStore::open(&path).unwrap();
        let tenant = open(Variant::default(), store, &clock, 11).tenant("acme");
        fill(&tenant, &clock);
        let verified = block_on(tenant.verify()).unwrap();
        assert!(verified.is_clean() && verified.entities == CUSTOMERS, "{verified}");
    }
    // One file without a log beside it.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    connection.execute_batch("PRAGMA page_size = 1024; VACUUM").unwrap();
    drop(connection);
    std::fs::create_dir_all(checked_in().parent().unwrap()).unwrap();
    std::fs::copy(&path, checked_in()).unwrap();
}
