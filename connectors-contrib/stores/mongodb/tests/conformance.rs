//! Every case of the conformance suite, on a real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;

use accordant::store::Store;
use accordant::store::conformance::{Case, Shared, SharedCase, a_random_history_ends_as_in_memory, block_on};
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
        trials
    })
}

fn one(database: &Database, name: &str) {
    let case = Case::all().into_iter().find(|case| case.name == name).unwrap();
    block_on(case.run(&database.open()));
}

fn shared(database: &Database, name: &str) {
    let case = SharedCase::all().into_iter().find(|case| case.name == name).unwrap();
    block_on(case.run(database));
}
