//! Every case of the conformance suite, on a real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;

use accordant::store::conformance::{Case, block_on};
use accordant_test_servers::{Server, Trial};
use database::Database;

fn main() -> ExitCode {
    Server::POSTGRES.test(|address| {
        let address = address.to_owned();
        let case = move |case: Case| {
            let address = address.clone();
            Trial::test(case.name, move || {
                let database = Database::new(&address, case.name);
                let store = database.open();
                block_on(case.run(&store));
                Ok(())
            })
        };
        Case::all().into_iter().map(case).collect()
    })
}
