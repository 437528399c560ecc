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

#[cfg(feature = "keys")]
mod sealed_in_memory {
    use accordant::seal::{MemoryKeys, SealedStore};
    use accordant::store::MemoryStore;

    accordant::store_conformance!(((), SealedStore::new(MemoryStore::new(), MemoryKeys::new())));
}

#[cfg(all(feature = "keys", feature = "sqlite"))]
mod sealed_in_a_file {
    use accordant::seal::{SealedStore, Secret, SqliteKeys};
    use accordant::store::SqliteStore;
    use tempfile::TempDir;

    fn open() -> (TempDir, SealedStore) {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("store.db")).unwrap();
        let keys = SqliteKeys::open(directory.path().join("keys.db"), Secret([7; 32])).unwrap();
        (directory, SealedStore::new(store, keys))
    }

    accordant::store_conformance!(open());
}

mod handles {
    use accordant::store::conformance::{Shared, SharedCase, block_on};
    use accordant::store::{MemoryStore, Store};

    struct Memory(MemoryStore);

    impl Shared for Memory {
        fn open(&self) -> Box<dyn Store> {
            Box::new(self.0.clone())
        }
    }

    #[cfg(feature = "sqlite")]
    struct File(std::path::PathBuf);

    #[cfg(feature = "sqlite")]
    impl Shared for File {
        fn open(&self) -> Box<dyn Store> {
            Box::new(accordant::store::SqliteStore::open(&self.0).unwrap())
        }
    }

    #[cfg(feature = "keys")]
    struct Sealed(MemoryStore, accordant::seal::MemoryKeys);

    #[cfg(feature = "keys")]
    impl Shared for Sealed {
        fn open(&self) -> Box<dyn Store> {
            Box::new(accordant::seal::SealedStore::new(self.0.clone(), self.1.clone()))
        }
    }

    #[cfg(feature = "keys")]
    #[test]
    fn handles_that_seal_share_content() {
        for case in SharedCase::all() {
            block_on(case.run(&Sealed(MemoryStore::new(), accordant::seal::MemoryKeys::new())));
        }
    }

    #[test]
    fn handles_in_memory_share_content() {
        for case in SharedCase::all() {
            block_on(case.run(&Memory(MemoryStore::new())));
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn handles_on_one_file_share_content() {
        for case in SharedCase::all() {
            let directory = tempfile::tempdir().unwrap();
            block_on(case.run(&File(directory.path().join("store.db"))));
        }
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn random_histories_end_as_in_memory() {
    use accordant::store::SqliteStore;
    use accordant::store::conformance::{a_random_history_ends_as_in_memory, block_on};

    for seed in 0..40 {
        let store = SqliteStore::open_in_memory().unwrap();
        block_on(a_random_history_ends_as_in_memory(&store, seed, 60));
    }
}

#[cfg(feature = "keys")]
#[test]
fn random_histories_of_a_sealed_store_end_as_in_memory() {
    use accordant::seal::{MemoryKeys, SealedStore};
    use accordant::store::MemoryStore;
    use accordant::store::conformance::{
        a_random_history_ends_as_in_memory, a_tenant_that_moves_through_gives_the_same_bytes, block_on,
    };

    let new = || SealedStore::new(MemoryStore::new(), MemoryKeys::new());
    for seed in 0..40 {
        block_on(a_random_history_ends_as_in_memory(&new(), seed, 60));
    }
    let folder = tempfile::tempdir().unwrap();
    block_on(a_tenant_that_moves_through_gives_the_same_bytes(&new(), 120, folder.path()));
}
