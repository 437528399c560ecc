//! What a real server does to a store: it refuses, it is cut off, it was written by another version.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;
use std::time::Duration;

use accordant::id::TenantId;
use accordant::store::conformance::block_on;
use accordant::store::{Commit, Committed, RowKey, Store, StoreError, StoreFault, Table};
use accordant_mongodb::{MongoOptions, MongoStore};
use accordant_test_servers::{Server, Trial, Wire};
use database::{Database, acme, commit, is_there};
use futures::future::join_all;
use mongodb::bson::{Bson, Document, doc};

/// What a test does with a database of its own.
type Test = fn(&Database);

fn main() -> ExitCode {
    let tests: [(&str, Test); 9] = [
        ("wrong_credentials_are_denied", wrong_credentials_are_denied),
        ("a_server_that_is_not_there_is_unavailable", a_server_that_is_not_there_is_unavailable),
        (
            "collections_of_a_newer_version_are_refused_and_left_alone",
            collections_of_a_newer_version_are_refused_and_left_alone,
        ),
        ("collections_of_an_earlier_version_are_upgraded", collections_of_an_earlier_version_are_upgraded),
        ("many_may_create_the_collections_at_once", many_may_create_the_collections_at_once),
        ("a_commit_cut_off_at_any_step_is_whole_or_nothing", a_commit_cut_off_at_any_step_is_whole_or_nothing),
        ("what_is_too_large_fails_alone", what_is_too_large_fails_alone),
        ("documents_are_read_in_the_shell", documents_are_read_in_the_shell),
        ("a_document_that_somebody_else_wrote_is_no_row", a_document_that_somebody_else_wrote_is_no_row),
    ];
    Server::MONGODB.test(|address| {
        let trial = |(name, test): (&'static str, fn(&Database))| {
            let address = address.to_owned();
            Trial::test(name, move || {
                test(&Database::new(&address, name));
                Ok(())
            })
        };
        tests.into_iter().map(trial).collect()
    })
}

fn fault<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Option<StoreFault> {
    result.unwrap_err().fault()
}

/// Host and port of the server.
fn host(database: &Database) -> String {
    let rest = database.address.trim_start_matches("mongodb://");
    let host = rest.split(['/', '?', ',']).next().unwrap_or(rest);
    host.rsplit('@').next().unwrap_or(host).to_owned()
}

fn wrong_credentials_are_denied(database: &Database) {
    let address = format!("mongodb://nobody:wrong-password@{}/?directConnection=true", host(database));
    let error = database.open_with(database.options(&address)).unwrap_err();
    assert_eq!(error.fault(), Some(StoreFault::Denied), "{error:?}");
    assert!(!format!("{error:?}").contains("wrong-password"));
}

fn a_server_that_is_not_there_is_unavailable(database: &Database) {
    // The port of a listener that is gone.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let options = database.options(&format!("mongodb://127.0.0.1:{port}"));
    let error = database.open_with(options.patience(Duration::from_secs(1))).unwrap_err();
    assert_eq!(error.fault(), Some(StoreFault::Unavailable));
    assert!(error.may_pass());
    assert_eq!(fault(database.runtime.block_on(MongoOptions::new("postgres://a"))), Some(StoreFault::Refused));
}

fn set_format(database: &Database, version: i64) {
    let formats = database.database().collection::<Document>("format");
    let set = formats.update_one(doc! { "_id": "accordant" }, doc! { "$set": { "version": version } });
    assert_eq!(database.runtime.block_on(async { set.await }).unwrap().matched_count, 1);
}

fn collections_of_a_newer_version_are_refused_and_left_alone(database: &Database) {
    drop(database.open());
    set_format(database, 99);
    let refused = database.open_with(database.options(&database.address));
    assert!(matches!(refused, Err(StoreError::Format { found: 99, supported: 2 })), "{refused:?}");
    let formats = database.database().collection::<Document>("format");
    let format = database.runtime.block_on(async { formats.find_one(doc! {}).await }).unwrap().unwrap();
    assert_eq!(format.get_i64("version").unwrap(), 99);
}

fn collections_of_an_earlier_version_are_upgraded(database: &Database) {
    let store = database.open();
    block_on(store.commit(&acme(), commit("old"))).unwrap();
    drop(store);
    // Version 1 had no index for questions.
    let discrepancies = database.database().collection::<Document>("discrepancy");
    database.runtime.block_on(async { discrepancies.drop_index("by_state").await }).unwrap();
    set_format(database, 1);
    let store = database.open();
    assert!(is_there(&store, "old"));
    let names = database.runtime.block_on(async { discrepancies.list_index_names().await }).unwrap();
    assert!(names.contains(&"by_state".to_owned()), "{names:?}");
}

fn many_may_create_the_collections_at_once(database: &Database) {
    let opened = (0..4).map(|_| MongoStore::open_with(database.options(&database.address)));
    let opened: Vec<_> = opened.collect();
    let opened = database.runtime.block_on(join_all(opened));
    for (place, store) in opened.into_iter().enumerate() {
        block_on(store.unwrap().commit(&acme(), commit(&format!("{place}")))).unwrap();
    }
    assert!(is_there(&database.open(), "3"));
}

fn a_commit_cut_off_at_any_step_is_whole_or_nothing(database: &Database) {
    let direct = database.open();
    let wire = Wire::to(host(database)).unwrap();
    let address = format!("mongodb://{}/?directConnection=true&connectTimeoutMS=1000", wire.address());
    let options = database.options(&address).patience(Duration::from_secs(1));
    let store = database.open_with(options).unwrap();
    block_on(store.commit(&acme(), commit("first"))).unwrap();
    let before = wire.sent();
    block_on(store.commit(&acme(), commit("second"))).unwrap();
    let whole = wire.sent() - before;
    let (mut failed, mut round) = (0, 0);
    for cut in (0..whole + whole / 4).step_by(usize::try_from(whole / 8).unwrap()) {
        wire.mend();
        let name = format!("cut {round}");
        wire.cut_after(cut);
        match block_on(store.commit(&acme(), commit(&name))) {
            Ok(Committed::Done { .. }) => {
                assert!(is_there(&direct, &name), "acknowledged, and not there: cut at {cut}");
            }
            Ok(Committed::Lost { key }) => panic!("lost to nobody: {key:?}"),
            Err(error) => {
                failed += 1;
                assert_eq!(error.fault(), Some(StoreFault::Unavailable), "cut at {cut}: {error:?}");
                is_there(&direct, &name);
            }
        }
        round += 1;
    }
    assert!(failed > round / 2, "{failed} of {round} were cut off");
    // Mended, it goes on by itself.
    wire.mend();
    let end = std::iter::repeat_with(|| block_on(store.commit(&acme(), commit("end")))).take(50).find(Result::is_ok);
    assert!(end.is_some());
    assert!(is_there(&direct, "end"));
}

fn what_is_too_large_fails_alone(database: &Database) {
    let store = database.open();
    // More than any document holds.
    let mut large = commit("large");
    large.put[0].1 = vec![b'x'; 17 << 20];
    let tenant = acme();
    let outcomes = block_on(join_all([
        store.commit(&tenant, commit("before")),
        store.commit(&tenant, large),
        store.commit(&tenant, commit("behind")),
    ]));
    let [before, large, behind] = <[_; 3]>::try_from(outcomes).unwrap();
    assert!(matches!((before.unwrap(), behind.unwrap()), (Committed::Done { .. }, Committed::Done { .. })));
    let error = large.unwrap_err();
    assert_eq!(error.fault(), Some(StoreFault::TooLarge), "{error:?}");
    assert!(is_there(&store, "before") && is_there(&store, "behind") && !is_there(&store, "large"));
}

fn documents_are_read_in_the_shell(database: &Database) {
    let store = database.open();
    let row = |id: &str, state: &str| {
        let value = format!(r#"{{"id":"{id}","unit":"phone","state":"{state}","first_seen":1772356320000}}"#);
        (RowKey::new(Table::Discrepancy, id), value.into_bytes())
    };
    let put = vec![row("d1", "waiting"), row("d2", "resolved")];
    block_on(store.commit(&acme(), Commit { put, ..commit("a") })).unwrap();
    let other = TenantId::new("other");
    block_on(store.commit(&other, Commit { put: vec![row("d3", "waiting")], ..Commit::default() })).unwrap();
    let shell = database.database();
    let found = database.runtime.block_on(async {
        let open = doc! { "_id.tenant": "acme", "value.state": { "$ne": "resolved" } };
        let one = shell.collection::<Document>("discrepancy").find_one(open).await.unwrap().unwrap();
        let entry = doc! { "_id": { "tenant": "acme", "seq": 1_i64 } };
        (one, shell.collection::<Document>("journal").find_one(entry).await.unwrap().unwrap())
    });
    let value = doc! { "id": "d1", "unit": "phone", "state": "waiting", "first_seen": 1_772_356_320_000_i64 };
    let expected = doc! { "_id": { "tenant": "acme", "key": "d1" }, "revision": 1_i64, "value": value };
    assert_eq!(found.0, expected);
    assert_eq!(found.1.get("subject"), Some(&Bson::from("a")));
    assert_eq!(found.1.get("value"), Some(&Bson::Document(Document::new())));
    assert_eq!(found.1.get_datetime("at").unwrap().try_to_rfc3339_string().unwrap(), "2026-03-01T09:12:00Z");
    // Content that changes its form leaves nothing of the former one.
    let put = vec![(RowKey::new(Table::Discrepancy, "d1"), b"\xff".to_vec())];
    block_on(store.commit(&acme(), Commit { put, ..Commit::default() })).unwrap();
    let row = block_on(store.load(&acme(), &[RowKey::new(Table::Discrepancy, "d1")])).unwrap().remove(0).unwrap();
    assert_eq!((row.revision, row.value.as_slice()), (2, b"\xff".as_slice()));
}

fn a_document_that_somebody_else_wrote_is_no_row(database: &Database) {
    let store = database.open();
    let foreign = doc! { "_id": { "tenant": "acme", "key": "x" }, "name": "Ana" };
    let entities = database.database().collection::<Document>("entity");
    database.runtime.block_on(async { entities.insert_one(foreign).await }).unwrap();
    let key = RowKey::new(Table::Entity, "x");
    assert_eq!(fault(block_on(store.load(&acme(), &[key]))), Some(StoreFault::Refused));
    assert_eq!(fault(block_on(store.scan(&acme(), Table::Entity, "", None, 9))), Some(StoreFault::Refused));
}
