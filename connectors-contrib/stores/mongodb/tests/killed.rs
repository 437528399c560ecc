//! Sessions are killed, of everybody: so nothing else is tested beside it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use accordant::store::conformance::{block_on, tenant, whole_commit, whole_commit_is_there};
use accordant::store::{Committed, Store, StoreFault};
use accordant_test_servers::{Server, stores};
use database::Database;
use futures::future::{join, join_all};
use mongodb::bson::doc;

fn main() -> ExitCode {
    Server::MONGODB.test(|address| {
        let tests: [(&str, Check); 2] = [
            ("what_was_acknowledged_survives_killed_sessions", what_was_acknowledged_survives_killed_sessions),
            (
                "a_server_that_is_no_primary_any_more_takes_no_writes",
                a_server_that_is_no_primary_any_more_takes_no_writes,
            ),
        ];
        let alone = |test: Check| {
            move |database: &Database| {
                let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
                test(database);
            }
        };
        tests.into_iter().map(|(name, test)| stores::trial(address, name, alone(test))).collect()
    })
}

/// What is looked at of a database.
type Check = fn(&Database);

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn a_server_that_is_no_primary_any_more_takes_no_writes(database: &Database) {
    let patience = |address: &str| database.options(address).patience(Duration::from_secs(1));
    let store = database.open_with(patience(&database.address)).unwrap();
    block_on(store.commit(&tenant(), whole_commit("before"))).unwrap();
    let direct = format!("mongodb://{}/?directConnection=true", database.host());
    let direct = database.open_with(patience(&direct)).unwrap();
    let (admin, down) = (database.admin(), doc! { "replSetStepDown": 10, "force": true });
    database.runtime.block_on(async { admin.run_command(down).await }).unwrap();
    // Told where to write, it refuses; asked for whoever takes writes, nobody is found until it is chosen again.
    let refused = block_on(direct.commit(&tenant(), whole_commit("direct"))).unwrap_err();
    assert_eq!(refused.fault(), Some(StoreFault::ReadOnly), "{refused:?}");
    let mut refused = 0;
    let done = loop {
        match block_on(store.commit(&tenant(), whole_commit("after"))) {
            Ok(done) => break done,
            Err(error) => assert_eq!(error.fault(), Some(StoreFault::Unavailable), "{error:?}"),
        }
        refused += 1;
        assert!(refused < 60, "it is chosen again");
    };
    assert!(refused > 0 && matches!(done, Committed::Done { .. }), "{refused} {done:?}");
    for (name, there) in [("before", true), ("direct", false), ("after", true)] {
        assert_eq!(block_on(whole_commit_is_there(&store, name)), there, "{name}");
    }
}

fn what_was_acknowledged_survives_killed_sessions(database: &Database) {
    let store = database.open();
    let admin = database.database();
    let (mut done, mut round) = (0, 0);
    // How many get through before they are tried no more is the machine's to say: so long until enough have.
    while round < 10 || done <= 40 {
        assert!(round < 200, "{done} of {round} times eight");
        round += 1;
        let names: Vec<String> = (0..8).map(|one| format!("{round}/{one}")).collect();
        let tenant = tenant();
        let commits = join_all(names.iter().map(|name| store.commit(&tenant, whole_commit(name))));
        // Every transaction of everybody is undone; ours are tried again.
        let killing = async { admin.run_command(doc! { "killAllSessions": [] }).await };
        let (outcomes, _) = database.runtime.block_on(join(commits, killing));
        for (name, outcome) in names.iter().zip(outcomes) {
            let there = block_on(whole_commit_is_there(&store, name));
            match outcome {
                Ok(_) => {
                    assert!(there);
                    done += 1;
                }
                Err(error) => assert!(error.may_pass(), "{error:?}"),
            }
        }
    }
    let tried = round * 8;
    assert!(done * 2 > tried, "{done} of {tried}: most are tried again until they are done");
}
