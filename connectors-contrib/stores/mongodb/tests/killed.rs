//! Sessions are killed, of everybody: so nothing else is tested beside it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;

use accordant::store::Store;
use accordant_test_servers::{Server, Trial};
use database::{Database, acme, commit, is_there};
use futures::future::{join, join_all};
use mongodb::bson::doc;

fn main() -> ExitCode {
    Server::MONGODB.test(|address| {
        let address = address.to_owned();
        vec![Trial::test("what_was_acknowledged_survives_killed_sessions", move || {
            what_was_acknowledged_survives_killed_sessions(&Database::new(&address, ""));
            Ok(())
        })]
    })
}

fn what_was_acknowledged_survives_killed_sessions(database: &Database) {
    let store = database.open();
    let admin = database.database();
    let mut done = 0;
    for round in 0..10 {
        let names: Vec<String> = (0..8).map(|one| format!("{round}/{one}")).collect();
        let tenant = acme();
        let commits = join_all(names.iter().map(|name| store.commit(&tenant, commit(name))));
        // Every transaction of everybody is undone; ours are tried again.
        let killing = async { admin.run_command(doc! { "killAllSessions": [] }).await };
        let (outcomes, _) = database.runtime.block_on(join(commits, killing));
        for (name, outcome) in names.iter().zip(outcomes) {
            let there = is_there(&store, name);
            match outcome {
                Ok(_) => {
                    assert!(there);
                    done += 1;
                }
                Err(error) => assert!(error.may_pass(), "{error:?}"),
            }
        }
    }
    assert!(done > 40, "{done}");
}
