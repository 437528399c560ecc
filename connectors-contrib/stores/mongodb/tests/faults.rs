//! What a real server does to a store: it refuses, it is cut off, it was written by another version.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::process::ExitCode;
use std::time::Duration;

use accordant::id::TenantId;
use accordant::store::conformance::{block_on, tenant, whole_commit, whole_commit_is_there};
use accordant::store::{Commit, Committed, RowKey, Store, StoreError, StoreFault, Table};
use accordant_mongodb::{MongoOptions, MongoStore};
use accordant_test_servers::{Server, Wire, stores};
use database::Database;
use futures::StreamExt as _;
use futures::future::join_all;
use mongodb::bson::{Bson, Document, doc};
use mongodb::change_stream::event::ChangeStreamEvent;

/// What a test does with a database of its own.
type Test = fn(&Database);

fn main() -> ExitCode {
    let tests: [(&str, Test); 11] = [
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
        (
            "a_full_disk_and_whatever_else_refuses_a_write_says_so",
            a_full_disk_and_whatever_else_refuses_a_write_says_so,
        ),
        ("a_change_stream_tells_every_entry_in_order", a_change_stream_tells_every_entry_in_order),
        ("documents_are_read_in_the_shell", documents_are_read_in_the_shell),
        ("a_document_that_somebody_else_wrote_is_no_row", a_document_that_somebody_else_wrote_is_no_row),
    ];
    Server::MONGODB.test(|address| tests.into_iter().map(|(name, test)| stores::trial(address, name, test)).collect())
}

fn fault<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Option<StoreFault> {
    result.unwrap_err().fault()
}

fn wrong_credentials_are_denied(database: &Database) {
    let address = format!("mongodb://nobody:wrong-password@{}/?directConnection=true", database.host());
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
    block_on(store.commit(&tenant(), whole_commit("old"))).unwrap();
    drop(store);
    // Version 1 had no index for questions.
    let discrepancies = database.database().collection::<Document>("discrepancy");
    database.runtime.block_on(async { discrepancies.drop_index("by_state").await }).unwrap();
    set_format(database, 1);
    let store = database.open();
    assert!(block_on(whole_commit_is_there(&store, "old")));
    let names = database.runtime.block_on(async { discrepancies.list_index_names().await }).unwrap();
    assert!(names.contains(&"by_state".to_owned()), "{names:?}");
}

fn many_may_create_the_collections_at_once(database: &Database) {
    let opened = (0..4).map(|_| MongoStore::open_with(database.options(&database.address)));
    let opened: Vec<_> = opened.collect();
    let opened = database.runtime.block_on(join_all(opened));
    for (place, store) in opened.into_iter().enumerate() {
        block_on(store.unwrap().commit(&tenant(), whole_commit(&format!("{place}")))).unwrap();
    }
    assert!(block_on(whole_commit_is_there(&database.open(), "3")));
}

fn a_commit_cut_off_at_any_step_is_whole_or_nothing(database: &Database) {
    let direct = database.open();
    let wire = Wire::to(database.host()).unwrap();
    let address = format!("mongodb://{}/?directConnection=true&connectTimeoutMS=1000", wire.address());
    let options = database.options(&address).patience(Duration::from_secs(1));
    let store = database.open_with(options).unwrap();
    block_on(store.commit(&tenant(), whole_commit("first"))).unwrap();
    let before = wire.sent();
    block_on(store.commit(&tenant(), whole_commit("second"))).unwrap();
    let whole = wire.sent() - before;
    let (mut failed, mut round) = (0, 0);
    for cut in (0..whole + whole / 4).step_by(usize::try_from(whole / 8).unwrap()) {
        wire.mend();
        let name = format!("cut {round}");
        wire.cut_after(cut);
        match block_on(store.commit(&tenant(), whole_commit(&name))) {
            Ok(Committed::Done { .. }) => {
                assert!(block_on(whole_commit_is_there(&direct, &name)), "acknowledged, and not there: cut at {cut}");
            }
            Ok(Committed::Lost { key }) => panic!("lost to nobody: {key:?}"),
            Err(error) => {
                failed += 1;
                assert_eq!(error.fault(), Some(StoreFault::Unavailable), "cut at {cut}: {error:?}");
                block_on(whole_commit_is_there(&direct, &name));
            }
        }
        round += 1;
    }
    assert!(failed > round / 2, "{failed} of {round} were cut off");
    // Mended, it goes on by itself.
    wire.mend();
    let end =
        std::iter::repeat_with(|| block_on(store.commit(&tenant(), whole_commit("end")))).take(50).find(Result::is_ok);
    assert!(end.is_some());
    assert!(block_on(whole_commit_is_there(&direct, "end")));
}

fn what_is_too_large_fails_alone(database: &Database) {
    let store = database.open();
    // More than any document holds.
    let mut large = whole_commit("large");
    large.put[0].1 = vec![b'x'; 17 << 20];
    let tenant = tenant();
    let outcomes = block_on(join_all([
        store.commit(&tenant, whole_commit("before")),
        store.commit(&tenant, large),
        store.commit(&tenant, whole_commit("behind")),
    ]));
    let [before, large, behind] = <[_; 3]>::try_from(outcomes).unwrap();
    assert!(matches!((before.unwrap(), behind.unwrap()), (Committed::Done { .. }, Committed::Done { .. })));
    let error = large.unwrap_err();
    assert_eq!(error.fault(), Some(StoreFault::TooLarge), "{error:?}");
    assert!(
        block_on(whole_commit_is_there(&store, "before"))
            && block_on(whole_commit_is_there(&store, "behind"))
            && !block_on(whole_commit_is_there(&store, "large"))
    );
}

/// A server whose disk is full ends itself; one that is about to says so first. Here it is told to answer so, by its own means
/// of testing drivers.
fn a_full_disk_and_whatever_else_refuses_a_write_says_so(database: &Database) {
    let name = &database.name;
    let store = database.open_with(database.options(&format!("{}&appName={name}", database.address))).unwrap();
    block_on(store.commit(&tenant(), whole_commit("first"))).unwrap();
    let admin = database.admin();
    let fails = |command: &str, mode: Bson, code: i32| {
        let data = doc! { "failCommands": [command], "errorCode": code, "appName": name };
        let point = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        database.runtime.block_on(async { admin.run_command(point).await }).unwrap();
    };
    let faults = [
        (14_031, StoreFault::Full),
        (10_107, StoreFault::ReadOnly),
        (13, StoreFault::Denied),
        (10_334, StoreFault::TooLarge),
    ];
    for command in ["insert", "update"] {
        for (code, expected) in faults {
            fails(command, "alwaysOn".into(), code);
            let refused = block_on(store.commit(&tenant(), whole_commit("second")));
            fails(command, "off".into(), code);
            let refused = refused.unwrap_err();
            assert_eq!(refused.fault(), Some(expected), "{command} {code}: {refused:?}");
            assert!(!refused.may_pass(), "{command} {code}");
            assert!(!block_on(whole_commit_is_there(&store, "second")), "{command} {code}");
        }
    }
    // Where a disk was made room on, it goes on.
    assert!(matches!(block_on(store.commit(&tenant(), whole_commit("second"))).unwrap(), Committed::Done { .. }));
    assert!(block_on(whole_commit_is_there(&store, "first")) && block_on(whole_commit_is_there(&store, "second")));
}

fn a_change_stream_tells_every_entry_in_order(database: &Database) {
    let store = database.open();
    let journal = database.database().collection::<Document>("journal");
    let ours = || vec![doc! { "$match": { "operationType": "insert", "fullDocument._id.tenant": "acme" } }];
    let seq = |event: ChangeStreamEvent<Document>| {
        event.full_document.unwrap().get_document("_id").unwrap().get_i64("seq").unwrap()
    };
    let mut stream = database.runtime.block_on(async { journal.watch().pipeline(ours()).await }).unwrap();
    for name in ["a", "b", "c"] {
        block_on(store.commit(&tenant(), whole_commit(name))).unwrap();
        block_on(store.commit(&TenantId::new("other"), whole_commit(name))).unwrap();
    }
    let heard = database.runtime.block_on((&mut stream).take(6).map(Result::unwrap).map(seq).collect::<Vec<_>>());
    assert_eq!(heard, [1, 2, 3, 4, 5, 6]);
    // Whoever was away goes on where it was.
    let place = stream.resume_token();
    drop(stream);
    block_on(store.commit(&tenant(), whole_commit("d"))).unwrap();
    let watched = async { journal.watch().pipeline(ours()).resume_after(place).await };
    let stream = database.runtime.block_on(watched).unwrap();
    let heard = database.runtime.block_on(stream.take(2).map(Result::unwrap).map(seq).collect::<Vec<_>>());
    assert_eq!(heard, [7, 8]);
}

fn documents_are_read_in_the_shell(database: &Database) {
    let store = database.open();
    let row = |id: &str, state: &str| {
        let value = format!(r#"{{"id":"{id}","unit":"phone","state":"{state}","first_seen":1772356320000}}"#);
        (RowKey::new(Table::Discrepancy, id), value.into_bytes())
    };
    let put = vec![row("d1", "waiting"), row("d2", "resolved")];
    block_on(store.commit(&tenant(), Commit { put, ..whole_commit("a") })).unwrap();
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
    block_on(store.commit(&tenant(), Commit { put, ..Commit::default() })).unwrap();
    let row = block_on(store.load(&tenant(), &[RowKey::new(Table::Discrepancy, "d1")])).unwrap().remove(0).unwrap();
    assert_eq!((row.revision, row.value.as_slice()), (2, b"\xff".as_slice()));
}

fn a_document_that_somebody_else_wrote_is_no_row(database: &Database) {
    let store = database.open();
    let foreign = doc! { "_id": { "tenant": "acme", "key": "x" }, "name": "Ana" };
    let entities = database.database().collection::<Document>("entity");
    database.runtime.block_on(async { entities.insert_one(foreign).await }).unwrap();
    let key = RowKey::new(Table::Entity, "x");
    assert_eq!(fault(block_on(store.load(&tenant(), &[key]))), Some(StoreFault::Refused));
    assert_eq!(fault(block_on(store.scan(&tenant(), Table::Entity, "", None, 9))), Some(StoreFault::Refused));
}
