//! The suite of all stores, on a real server: the same for each kind of database.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::store::conformance::{
    Case, Shared, SharedCase, a_random_history_ends_as_in_memory, a_tenant_that_moves_through_gives_the_same_bytes,
    block_on,
};
use libtest_mimic::Trial;

/// How many entities a tenant has that moves through a store.
const MOVED: usize = 1_000;

/// Content on a server that is empty at first, belongs to one test, and is given up when it is dropped.
pub trait Fresh: Shared + Sized + 'static {
    /// Makes it on the server at `address`; `test` is for people who look at what is there.
    fn new(address: &str, test: &str) -> Self;
}

/// A test that has a database of its own.
#[must_use]
pub fn trial<D: Fresh>(address: &str, name: &str, run: impl FnOnce(&D) + Send + 'static) -> Trial {
    let (address, test) = (address.to_owned(), name.to_owned());
    Trial::test(name, move || {
        run(&D::new(&address, &test));
        Ok(())
    })
}

/// Every case of the suite, those with several handles, random histories, and a tenant that moves through.
///
/// # Panics
///
/// A trial panics where its store breaks a promise, or no folder can be made for its files.
#[must_use]
pub fn conformance<D: Fresh>(address: &str) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    for case in Case::all() {
        trials.push(trial(address, case.name, move |database: &D| block_on(case.run(&*database.open()))));
    }
    for case in SharedCase::all() {
        trials.push(trial(address, case.name, move |database: &D| block_on(case.run(database))));
    }
    for seed in 0..6 {
        let name = format!("a_random_history_ends_as_in_memory_{seed}");
        trials.push(trial(address, &name, move |database: &D| {
            block_on(a_random_history_ends_as_in_memory(&*database.open(), seed, 60));
        }));
    }
    trials.push(trial(address, "a_tenant_that_moves_through_gives_the_same_bytes", |database: &D| {
        let folder = tempfile::tempdir().unwrap();
        block_on(a_tenant_that_moves_through_gives_the_same_bytes(&*database.open(), MOVED, folder.path()));
    }));
    trials
}
