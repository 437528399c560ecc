//! A tenant is moved whole, or it is said why not.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use accordant::id::{Actor, TenantId};
use accordant::journal::{Draft, Entry, Payload};
use accordant::store::{Commit, MemoryStore, Row, RowKey, SqliteStore, Store, StoreError, Table};
use accordant::testing::{FailsOnce, StoreCall, StoreWatch, Watched};
use accordant::transfer::{TransferError, check, export, import};
use async_trait::async_trait;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

fn acme() -> TenantId {
    TenantId::new("acme")
}

fn draft(subject: &str, payload: &[u8]) -> Draft {
    let (actor, salt) = (Actor::new("Zoë"), [7; 16]);
    Draft { at: -5, actor, kind: "observed", subject: subject.into(), payload: payload.to_vec(), salt }
}

/// Something of everything, and another tenant beside it.
fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    block_on(async {
        for (round, table) in Table::ALL.into_iter().enumerate() {
            let key = |end: &str| RowKey::new(table, format!("k/{end}"));
            let put =
                vec![(key("\0"), b"\xff\0".to_vec()), (key("\u{e9}"), br#"{"a":"\n"}"#.to_vec()), (key(""), vec![])];
            let journal = vec![draft(["a", "b"][round % 2], format!("{round}").as_bytes()), draft("c", b"\xfe")];
            let commit = Commit { put, journal, ..Commit::default() };
            store.commit(&acme(), commit.clone()).await.unwrap();
            store.commit(&TenantId::new("other"), commit).await.unwrap();
        }
        store.erase(&acme(), "b").await.unwrap();
    });
    store
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The bytes of a store's export.
    fn exported(&self, store: &dyn Store) -> Vec<u8> {
        let path = self.file("exported");
        block_on(export(store, &acme(), &path, |_| {})).unwrap();
        fs::read(&path).unwrap()
    }
}

#[test]
fn a_tenant_moved_between_stores_gives_the_same_export() {
    let (folder, store) = (Folder::new(), filled());
    let path = folder.file("acme");
    let mut told = Vec::new();
    let done = block_on(export(&store, &acme(), &path, |progress| told.push(progress))).unwrap();
    assert_eq!((done.entries, done.rows), (28, 42));
    assert!(told.is_sorted_by_key(|progress| (progress.entries, progress.rows)));
    assert_eq!(told.last().map(|last| (last.entries, last.rows)), Some((28, 42)));

    let sqlite = SqliteStore::open(folder.file("store.db")).unwrap();
    let mut told = Vec::new();
    assert_eq!(block_on(import(&sqlite, &acme(), &path, |progress| told.push(progress))).unwrap(), done);
    assert_eq!(told.last().map(|last| (last.entries, last.of_rows, last.rows)), Some((28, Some(42), 42)));
    assert_eq!(folder.exported(&sqlite), fs::read(&path).unwrap());
    // The chain goes on where it was.
    let journal = vec![draft("a", b"new")];
    let went_on = Commit { journal, ..Commit::default() };
    let here = block_on(store.commit(&acme(), went_on.clone())).unwrap();
    assert_eq!(block_on(sqlite.commit(&acme(), went_on)).unwrap(), here);
}

#[test]
fn an_interrupted_export_goes_on_and_gives_the_same_bytes() {
    let (folder, store) = (Folder::new(), filled());
    let whole = folder.exported(&store);
    let (path, part) = (folder.file("again"), folder.file("again.part"));
    // A step that shares no factor with the length of a line: cuts fall everywhere in lines, and at their ends.
    for cut in (0..=whole.len()).step_by(13).chain(ends_of_lines(&whole)) {
        fs::write(&part, &whole[..cut]).unwrap();
        block_on(export(&store, &acme(), &path, |_| {})).unwrap();
        assert!(fs::read(&path).unwrap() == whole, "cut at {cut}");
        assert!(!part.exists());
    }
}

/// Where each line ends, and the byte behind it begins.
fn ends_of_lines(text: &[u8]) -> Vec<usize> {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.flat_map(|(place, _)| [place, place + 1]).step_by(3).collect()
}

#[test]
fn an_altered_file_is_found_and_nothing_of_it_is_imported() {
    let (folder, store) = (Folder::new(), filled());
    let whole = folder.exported(&store);
    let path = folder.file("altered");
    for place in (0..whole.len()).step_by(5) {
        let mut altered = whole.clone();
        altered[place] ^= 1;
        fs::write(&path, &altered).unwrap();
        assert!(check(&path, &acme()).is_err(), "byte {place}");
        if place % 97 < 5 {
            let target = MemoryStore::new();
            assert!(block_on(import(&target, &acme(), &path, |_| {})).is_err());
            assert_eq!(everything(&target), everything(&MemoryStore::new()));
        }
    }
    for cut in (0..whole.len()).step_by(17) {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(check(&path, &acme()).is_err(), "cut at {cut}");
    }
    let missing = folder.file("missing");
    assert!(matches!(check(&missing, &acme()), Err(TransferError::File { path, .. }) if path == missing));
}

/// All rows and entries.
type Everything = (Vec<Vec<Row>>, Vec<(Entry, Option<Payload>)>);

fn everything(store: &dyn Store) -> Everything {
    block_on(async {
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push(store.scan(&acme(), table, "", None, usize::MAX).await.unwrap());
        }
        (tables, store.journal(&acme(), 0, usize::MAX).await.unwrap())
    })
}

/// Fails at every call in turn, until one import needs fewer: each is repeated, and comes to the same.
#[test]
fn an_import_that_failed_at_any_call_goes_on() {
    let folder = Folder::new();
    let whole = folder.exported(&filled());
    let path = folder.file("exported");
    for after in [false, true] {
        let mut failures = 0;
        loop {
            let store = MemoryStore::new();
            let failing = Watched::new(store.clone(), FailsOnce::at(failures, after));
            if block_on(import(&failing, &acme(), &path, |_| {})).is_ok() {
                break;
            }
            failures += 1;
            block_on(import(&store, &acme(), &path, |_| {})).unwrap();
            let again = Folder::new();
            assert!(again.exported(&store) == whole, "failed at call {failures}");
        }
        assert!(failures > 15, "{failures}");
    }
}

#[test]
fn a_store_that_holds_something_of_the_tenant_is_left_alone() {
    let folder = Folder::new();
    folder.exported(&filled());
    let path = folder.file("exported");
    let row = Commit { put: vec![(RowKey::new(Table::Work, "x"), vec![])], ..Commit::default() };
    let entry = Commit { journal: vec![draft("a", b"")], ..Commit::default() };
    for commit in [row, entry] {
        let store = MemoryStore::new();
        block_on(store.commit(&acme(), commit)).unwrap();
        let before = everything(&store);
        let refused = block_on(import(&store, &acme(), &path, |_| {}));
        assert!(matches!(refused, Err(TransferError::NotEmpty { .. })));
        assert_eq!(everything(&store), before);
    }
    // Done once, it is not done twice.
    let store = MemoryStore::new();
    block_on(import(&store, &acme(), &path, |_| {})).unwrap();
    assert!(matches!(block_on(import(&store, &acme(), &path, |_| {})), Err(TransferError::NotEmpty { .. })));
}

#[test]
fn an_import_under_way_is_not_gone_on_with_another_file() {
    let folder = Folder::new();
    let store = filled();
    folder.exported(&store);
    let path = folder.file("exported");
    let target = MemoryStore::new();
    let failing = Watched::new(target.clone(), FailsOnce::at(17, true));
    assert!(matches!(block_on(import(&failing, &acme(), &path, |_| {})), Err(TransferError::Store(_))));
    block_on(store.commit(&acme(), Commit { journal: vec![draft("a", b"")], ..Commit::default() })).unwrap();
    folder.exported(&store);
    assert!(matches!(block_on(import(&target, &acme(), &path, |_| {})), Err(TransferError::NotEmpty { .. })));
}

#[test]
fn the_file_of_another_tenant_or_format_is_refused() {
    let folder = Folder::new();
    let whole = folder.exported(&filled());
    let path = folder.file("exported");
    let other = check(&path, &TenantId::new("other"));
    assert!(matches!(other, Err(TransferError::Tenant { found, .. }) if found == acme()));
    let of = |format: &str| String::from_utf8(whole.clone()).unwrap().replacen("\"format\":1", format, 1);
    fs::write(&path, of("\"format\":3")).unwrap();
    assert!(matches!(check(&path, &acme()), Err(TransferError::Format { found: 3, supported: 2 })));
    // Of a journal that was compacted, it says where it begins; of no other.
    for format in
        ["\"format\":2".to_owned(), format!("\"format\":1,\"start\":{{\"seq\":1,\"digest\":\"{}\"}}", "0".repeat(64))]
    {
        fs::write(&path, of(&format)).unwrap();
        assert!(matches!(check(&path, &acme()), Err(TransferError::Line { line: 1, .. })), "{format}");
    }
}

/// A store whose tenant is written to as it is read.
struct Busy(MemoryStore);

#[async_trait]
impl StoreWatch for Busy {
    async fn before(&self, tenant: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        if matches!(call, StoreCall::Scan(Table::Case)) {
            self.0.commit(tenant, Commit { journal: vec![draft("a", b"")], ..Commit::default() }).await?;
        }
        Ok(())
    }
}

#[test]
fn a_tenant_that_is_written_to_is_not_exported() {
    let (folder, store) = (Folder::new(), filled());
    let path = folder.file("moving");
    let moving = block_on(export(&Watched::new(store.clone(), Busy(store.clone())), &acme(), &path, |_| {}));
    assert!(matches!(moving, Err(TransferError::Moving { .. })));
    assert!(!path.exists() && !Path::new(&format!("{}.part", path.display())).exists());
    // Once it is quiet, it is.
    block_on(export(&store, &acme(), &path, |_| {})).unwrap();
    check(&path, &acme()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_content_is_moved_as_it_is(
        rows in vec(("\\PC{0,6}|[\\x00-\\x7f]{0,6}", vec(any::<u8>(), 0..12), 0..Table::ALL.len()), 0..30),
        entries in vec((any::<i64>(), "\\PC{0,6}", vec(any::<u8>(), 0..12), any::<[u8; 16]>()), 0..30),
        erased in "\\PC{0,2}",
    ) {
        let (folder, store) = (Folder::new(), MemoryStore::new());
        let put = rows.into_iter().map(|(key, value, table)| (RowKey::new(Table::ALL[table], key), value)).collect();
        let journal = entries
            .into_iter()
            .map(|(at, subject, payload, salt)| Draft {
                at, actor: Actor::new("x"), kind: "linked", subject: subject.into(), payload, salt,
            })
            .collect();
        block_on(store.commit(&acme(), Commit { put, journal, ..Commit::default() })).unwrap();
        block_on(store.erase(&acme(), &erased)).unwrap();
        let whole = folder.exported(&store);
        let target = SqliteStore::open_in_memory().unwrap();
        block_on(import(&target, &acme(), &folder.file("exported"), |_| {})).unwrap();
        prop_assert!(folder.exported(&target) == whole);
        let entries = |store: &dyn Store| block_on(store.journal(&acme(), 0, usize::MAX)).unwrap();
        prop_assert_eq!(entries(&store), entries(&target));
    }
}
