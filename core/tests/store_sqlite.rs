//! What only a store in a file can do: be reopened, be shared, be refused, be read by other tools.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use accordant::id::{Actor, TenantId};
use accordant::journal::{Draft, Head, verify};
use accordant::store::{Commit, Committed, RowKey, SqliteStore, Store, StoreError, StoreFault, Table};
use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::BoxFuture;
use rusqlite::Connection;
use tempfile::TempDir;

struct File {
    _directory: TempDir,
    path: PathBuf,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        Self { _directory: directory, path }
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).unwrap()
    }

    /// The file and its write-ahead log, as they lie on the disk.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(&self.path).unwrap();
        bytes.extend(std::fs::read(self.log()).unwrap_or_default());
        bytes
    }

    fn log(&self) -> PathBuf {
        self.path.with_extension("db-wal")
    }
}

fn tenant() -> TenantId {
    TenantId::new("acme")
}

fn draft(subject: &str, payload: impl Into<Vec<u8>>) -> Draft {
    Draft {
        at: 1_700_000_000_123,
        actor: Actor::new("test"),
        kind: "observed",
        subject: subject.into(),
        payload: payload.into(),
        salt: [7; 16],
    }
}

fn put(table: Table, key: &str, value: &str) -> Commit {
    Commit { put: vec![(RowKey::new(table, key), value.as_bytes().to_vec())], ..Commit::default() }
}

fn done(store: &SqliteStore, commit: Commit) -> Head {
    match block_on(store.commit(&tenant(), commit)).unwrap() {
        Committed::Done { head } => head,
        Committed::Lost { key } => panic!("lost a race about {key:?}"),
    }
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

fn tables(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema ORDER BY name").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn content_outlives_reopening() {
    let file = File::new();
    let mut head = Head::default();
    for round in 1..=3 {
        let store = file.open();
        let next = done(&store, Commit { journal: vec![draft("r", "{}")], ..put(Table::Entity, "e", "{}") });
        assert_eq!(next.seq, head.seq + 1);
        let row = block_on(store.load(&tenant(), &[RowKey::new(Table::Entity, "e")])).unwrap().remove(0).unwrap();
        assert_eq!(row.revision, round);
        head = next;
    }
    let entries = block_on(file.open().journal(&tenant(), 0, 10)).unwrap();
    let end = entries.iter().try_fold(Head::default(), |head, (entry, payload)| verify(head, entry, payload.as_ref()));
    assert_eq!(end, Ok(head));
}

#[test]
fn the_file_is_closed_when_the_last_handle_is_dropped() {
    let file = File::new();
    let store = file.open();
    let other = store.clone();
    done(&store, put(Table::Entity, "e", "{}"));
    drop(store);
    done(&other, put(Table::Entity, "e", "{}"));
    assert!(file.log().exists());
    drop(other);
    // SQLite removes the log when the last connection closes.
    assert!(!file.log().exists());
}

#[test]
fn commits_that_were_sent_happen_although_the_last_handle_is_dropped() {
    let file = File::new();
    let store = file.open();
    for index in 0..20 {
        drop(store.commit(&tenant(), put(Table::Entity, &format!("{index:02}"), "{}")).now_or_never());
    }
    drop(store);
    let rows = block_on(file.open().scan(&tenant(), Table::Entity, "", None, 100)).unwrap();
    assert_eq!(rows.len(), 20);
}

/// A task that is dropped when it is woken, as an executor drops one that was cancelled in the meantime.
struct Cancelled {
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    woken: mpsc::Sender<thread::ThreadId>,
}

impl Wake for Cancelled {
    fn wake(self: Arc<Self>) {
        drop(self.future.lock().unwrap().take());
        self.woken.send(thread::current().id()).unwrap();
    }
}

#[test]
fn the_last_handle_may_be_dropped_by_the_stores_own_thread() {
    // Again, if an answer came so soon that nobody had to be woken.
    for _ in 0..1000 {
        let store = SqliteStore::open_in_memory().unwrap();
        let future = async move {
            let commit = put(Table::Entity, "e", &"x".repeat(1 << 20));
            drop(store.commit(&tenant(), commit).await);
        };
        let (sender, woken) = mpsc::channel();
        let task = Arc::new(Cancelled { future: Mutex::new(Some(future.boxed())), woken: sender });
        let waker = Waker::from(Arc::clone(&task));
        let mut slot = task.future.lock().unwrap();
        let pending = slot.as_mut().unwrap().poll_unpin(&mut Context::from_waker(&waker)).is_pending();
        drop(slot);
        if pending {
            assert_ne!(woken.recv_timeout(Duration::from_secs(60)).unwrap(), thread::current().id());
            assert!(task.future.lock().unwrap().is_none());
            return;
        }
    }
    panic!("no answer came after the first poll");
}

#[test]
fn handles_may_create_the_file_at_once() {
    for _ in 0..20 {
        let file = File::new();
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            for index in 0..4 {
                let (file, barrier) = (&file, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    done(&file.open(), put(Table::Entity, &index.to_string(), "{}"));
                });
            }
        });
        assert_eq!(block_on(file.open().scan(&tenant(), Table::Entity, "", None, 9)).unwrap().len(), 4);
    }
}

#[test]
fn handles_on_one_file_race_by_their_expectations() {
    const HANDLES: usize = 2;
    const EACH: u64 = 200;
    let file = File::new();
    let key = RowKey::new(Table::Entity, "counter");
    let barrier = Barrier::new(HANDLES);
    let lost: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..HANDLES)
            .map(|_| {
                scope.spawn(|| {
                    // Each opens it, and at the same time: so they race to create the tables, too.
                    barrier.wait();
                    let store = file.open();
                    barrier.wait();
                    block_on(async {
                        let (mut done, mut lost) = (0, 0);
                        while done < EACH {
                            let row = store.load(&tenant(), std::slice::from_ref(&key)).await.unwrap().remove(0);
                            let count: u64 =
                                row.as_ref().map_or(0, |row| String::from_utf8_lossy(&row.value).parse().unwrap());
                            let commit = Commit {
                                expect: vec![(key.clone(), row.map(|row| row.revision))],
                                put: vec![(key.clone(), (count + 1).to_string().into_bytes())],
                                journal: vec![draft("counter", count.to_string())],
                                ..Commit::default()
                            };
                            match store.commit(&tenant(), commit).await.unwrap() {
                                Committed::Done { .. } => done += 1,
                                Committed::Lost { .. } => lost += 1,
                            }
                        }
                        lost
                    })
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let total = EACH * HANDLES as u64;
    let store = file.open();
    let row = block_on(store.load(&tenant(), &[key])).unwrap().remove(0).unwrap();
    assert_eq!((row.value, row.revision), (total.to_string().into_bytes(), total), "{lost} races were lost");
    let entries = block_on(store.journal(&tenant(), 0, usize::MAX)).unwrap();
    let end = entries.iter().try_fold(Head::default(), |head, (entry, payload)| verify(head, entry, payload.as_ref()));
    assert_eq!(end.unwrap().seq, total);
}

#[test]
fn erased_bytes_leave_the_files() {
    let file = File::new();
    let store = file.open();
    // Sizes that share a page, fill one, and need several.
    let sizes = [20, 300, 1500, 4000, 20_000];
    for round in 0..200_usize {
        let subject = format!("person{}", round % 20);
        let payload = format!("[secret-of-{subject}-{}]", "x".repeat(sizes[round % sizes.len()]));
        done(&store, Commit { journal: vec![draft(&subject, payload)], ..Commit::default() });
    }
    assert!(contains(&file.bytes(), "secret-of-person7-"));
    for gone in ["person7", "person11", "person13"] {
        assert_eq!(block_on(store.erase(&tenant(), gone)).unwrap(), 10);
        let bytes = file.bytes();
        assert!(!contains(&bytes, &format!("secret-of-{gone}-")), "{gone} is still there");
        assert!(contains(&bytes, "secret-of-person8-"));
    }
}

#[test]
fn other_formats_are_refused() {
    for found in [0, 4, 99] {
        let file = File::new();
        drop(file.open());
        Connection::open(&file.path).unwrap().pragma_update(None, "user_version", found).unwrap();
        let refused = SqliteStore::open(&file.path).unwrap_err();
        assert!(matches!(refused, StoreError::Format { found: f, supported: 3 } if f == found), "{refused:?}");
    }
}

/// What a file's tables hold, and its version.
fn content(path: &Path) -> (Vec<String>, i32) {
    let connection = Connection::open(path).unwrap();
    let ask = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let mut content: Vec<String> = Table::ALL
        .into_iter()
        .map(|table| {
            let name = table.name();
            ask(&format!(
                "SELECT json_group_array(json_array(tenant, key, revision, value) ORDER BY tenant, key) FROM \"{name}\""
            ))
        })
        .collect();
    content.push(ask(
        "SELECT json_group_array(json_array(tenant, seq, at, actor, kind, subject, payload, digest) ORDER BY seq) \
                      FROM journal_entries",
    ));
    (content, connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap())
}

/// The checked-in stores: the first was written when payloads stood in a table of their own, the second when long rows stood within
/// their trees of keys.
#[test]
fn a_file_of_a_former_format_is_brought_to_this_one() {
    let erasures = [
        "DELETE FROM journal_payload WHERE seq = 2; INSERT INTO journal_payload SELECT 'other', 1, '', '', ''",
        "UPDATE journal SET salt = NULL, payload = NULL WHERE place & 0xFF = 2",
    ];
    for (format, erasure) in (1..).zip(erasures) {
        let file = File::new();
        let store = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stores/v{format}.sqlite"));
        std::fs::copy(store, &file.path).unwrap();
        Connection::open(&file.path).unwrap().execute_batch(erasure).unwrap();
        let (before, version) = content(&file.path);
        assert!(before.last().is_some_and(|journal| journal.len() > 1_000 && journal.contains(",null,")), "{before:?}");
        assert!(before.iter().filter(|rows| rows.len() > 2).count() > 6, "{before:?}");
        assert_eq!(version, format);
        drop(file.open());
        assert_eq!(content(&file.path), (before, 3));
        assert!(!tables(&file.path).iter().any(|table| table.contains("payload") || table.contains("former")));
        let reopened = file.open();
        let all = block_on(reopened.journal(&tenant(), 0, usize::MAX)).unwrap();
        let end = all.iter().try_fold(Head::default(), |head, (entry, payload)| verify(head, entry, payload.as_ref()));
        assert!(end.is_ok() && all[1].1.is_none() && all[0].1.is_some());
    }
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let file = File::new();
    Connection::open(&file.path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(&file.path).unwrap();
    assert!(matches!(SqliteStore::open(&file.path), Err(StoreError::Database { .. })));
    assert_eq!(std::fs::read(&file.path).unwrap(), before);
    assert_eq!(tables(&file.path), ["theirs"]);

    std::fs::write(&file.path, "a text of a hundred bytes and more ".repeat(100)).unwrap();
    assert!(matches!(SqliteStore::open(&file.path), Err(StoreError::Database { .. })));
    assert!(matches!(SqliteStore::open(file.path.join("no/such/folder")), Err(StoreError::Database { .. })));
    assert!(matches!(SqliteStore::open(":memory:"), Err(StoreError::Database { .. })));
}

#[test]
fn an_error_says_what_stood_in_the_way() {
    let file = File::new();
    let fault = |path: &Path| SqliteStore::open(path).unwrap_err().fault();
    assert_eq!(fault(&file.path.join("no/such/folder")), Some(StoreFault::Denied));
    Connection::open(&file.path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert_eq!(fault(&file.path), Some(StoreFault::Refused));
}

#[test]
fn a_damaged_journal_is_found() {
    let damages = [
        "UPDATE journal SET subject = 'other' WHERE place & 0xFF = 2",
        "UPDATE journal SET at = at + 1 WHERE place & 0xFF = 2",
        "UPDATE journal SET payload = '{\"a\":2}' WHERE place & 0xFF = 2",
        "DELETE FROM journal WHERE place & 0xFF = 2",
        "UPDATE journal SET place = -(place + 5 - 2 * (place & 0xFF)) WHERE place & 0xFF IN (2, 3);
         UPDATE journal SET place = -place WHERE place < 0",
    ];
    for damage in damages {
        let file = File::new();
        let store = file.open();
        done(&store, Commit { journal: (0..4).map(|_| draft("r", "{}")).collect(), ..Commit::default() });
        Connection::open(&file.path).unwrap().execute_batch(damage).unwrap();
        let entries = block_on(store.journal(&tenant(), 0, 10)).unwrap();
        let end =
            entries.iter().try_fold(Head::default(), |head, (entry, payload)| verify(head, entry, payload.as_ref()));
        assert!(end.is_err(), "{damage}");
    }
}

#[test]
fn analysts_read_discrepancies_and_the_journal() {
    let file = File::new();
    let store = file.open();
    let discrepancy = r#"{"id":"d1","entity":"e1","unit":"email","kind":"hard conflict","link":null,"state":"open",
        "first_seen":1700000000000,"last_seen":1700000000001,"more":{"a":[1]}}"#;
    done(
        &store,
        Commit {
            journal: vec![draft("r1", "{\"a\":1}"), draft("r2", "{}")],
            ..put(Table::Discrepancy, "d1", discrepancy)
        },
    );
    done(&store, Commit { put: vec![(RowKey::new(Table::Discrepancy, "no text"), vec![0xff])], ..Commit::default() });
    block_on(store.erase(&tenant(), "r2")).unwrap();

    let reader = Connection::open_with_flags(&file.path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let ask = |sql: &str| -> String { reader.query_row(sql, [], |row| row.get(0)).unwrap() };
    let sql = "SELECT json_group_array(json_array(tenant, id, entity, unit, kind, link, state, first_seen, last_seen)) \
               FROM open_discrepancies";
    assert_eq!(ask(sql), r#"[["acme","d1","e1","email","hard conflict",null,"open",1700000000000,1700000000001]]"#);
    let sql = "SELECT json_group_array(json_array(tenant, seq, at, actor, kind, subject, payload, length(digest)) \
               ORDER BY seq) FROM journal_entries";
    let one = r#"["acme",1,"2023-11-14T22:13:20.123Z","test","observed","r1","{\"a\":1}",64]"#;
    let two = r#"["acme",2,"2023-11-14T22:13:20.123Z","test","observed","r2",null,64]"#;
    assert_eq!(ask(sql), format!("[{one},{two}]"));
    assert_eq!(ask("SELECT typeof(value) FROM discrepancy WHERE key = 'd1'"), "text");
    for table in Table::ALL {
        assert!(tables(&file.path).contains(&table.name().to_owned()));
    }
}

#[test]
fn a_handle_may_be_sent_and_shared() {
    fn sendable<T: Send + Sync + Clone + 'static>(_: &T) {}
    sendable(&SqliteStore::open_in_memory().unwrap());
}
