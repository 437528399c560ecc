//! Every case of the conformance suite against every store that comes with the crate.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod memory {
    use accordant::store::MemoryStore;

    accordant::store_conformance!(((), MemoryStore::new()));
}

#[cfg(feature = "sqlite")]
mod sqlite_in_memory {
    use accordant::store::SqliteStore;

    accordant::store_conformance!(((), SqliteStore::open_in_memory().unwrap()));
}

#[cfg(feature = "sqlite")]
mod sqlite_in_a_file {
    use accordant::store::SqliteStore;
    use tempfile::TempDir;

    fn open() -> (TempDir, SqliteStore) {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("store.db")).unwrap();
        (directory, store)
    }

    accordant::store_conformance!(open());
}
