//! The SQLite store: one file, one thread that owns its connection.

mod entries;
mod group;
mod log;
mod rows;
mod schema;
mod tenants;
mod thread;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures::channel::oneshot;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Commit, Committed, Row, RowKey, Store, StoreError, StoreFault, Table};
use crate::id::TenantId;
use crate::journal::{Broken, Entry, Head, Payload};
use thread::{Owner, Request};

/// Keeps everything in one SQLite file.
///
/// Clones share one connection, which a thread of its own holds. The last of them to be dropped waits for that thread,
/// so that the file is closed afterwards; requests already sent are carried out first. Several stores, in one process
/// or in many, may be open on one file.
///
/// # Durability
///
/// Write-ahead log with `synchronous=FULL`: what was acknowledged survives a loss of power. Commits that wait for the
/// thread share one flush, but stay atomic each for itself. In memory ([`open_in_memory`](Self::open_in_memory)) nothing
/// outlives the last handle.
///
/// # Memory and files
///
/// Up to 16 MB of pages are kept in memory. The write-ahead log beside the file goes into it when it has some 16 MB, after those who
/// committed have their answers; a file that others read meanwhile waits for them. A file that a former version wrote is
/// brought to this one's tables when it is opened, in one transaction.
///
/// # Erasure
///
/// Whatever is deleted is overwritten, and `erase` empties the write-ahead log, so that the bytes leave the disk's files.
/// For that it has to wait for readers in other processes; one that reads on for longer than five seconds makes `erase`
/// fail. The rows are deleted then, but their bytes still lie in the log: call it again. Copies of the file, such as
/// backups, are beyond its reach.
///
/// # Reading it with other tools
///
/// Open the file read-only. Each [`Table`] is a table with the columns `tenant`, `key`, `revision` and `value` (JSON).
/// Two views are kept stable:
///
/// - `open_discrepancies`: `tenant`, `id`, `entity`, `unit`, `kind`, `link`, `state`, `first_seen`, `last_seen`;
/// - `journal_entries`: `tenant`, `seq`, `at` (UTC), `actor`, `kind`, `subject`, `payload` (`NULL` once erased),
///   `digest` in hexadecimal.
#[derive(Clone)]
pub struct SqliteStore {
    owner: Arc<Owner>,
}

impl SqliteStore {
    /// Opens the store in the file at `path`, and creates it if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Format`] if a later version wrote it; [`StoreError::Database`] if the file belongs to another
    /// application, or cannot be opened or be given a write-ahead log.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        // Without the flag for URIs: a path is a path, whatever it starts with. Without SQLite's own locks: one thread
        // uses the connection.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(refused("open the file"))?;
        schema::prepare(&mut connection)?;
        schema::use_log(&connection)?;
        schema::create(&mut connection)?;
        Self::start(connection)
    }

    /// Opens an empty store in memory.
    ///
    /// # Errors
    ///
    /// If there is no memory or no thread to be had.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory().map_err(refused("open a database in memory"))?;
        schema::prepare(&mut connection)?;
        schema::create(&mut connection)?;
        Self::start(connection)
    }

    fn start(connection: Connection) -> Result<Self, StoreError> {
        Ok(Self { owner: Arc::new(Owner::start(connection)?) })
    }

    /// Has the thread read in one snapshot.
    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.owner.send(Request::Read(Box::new(move |connection| {
            // The future that asked may be gone: then nobody waits for the answer.
            if !reply.is_canceled() {
                drop(reply.send(rows::in_snapshot(connection, read).map_err(refused(doing))));
            }
        })))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        let (tenant, keys) = (tenant.clone(), keys.to_vec());
        self.read("load rows", move |connection| {
            keys.into_iter().map(|key| rows::load(connection, &tenant, key)).collect()
        })
        .await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (tenant, prefix, after) = (tenant.clone(), prefix.to_owned(), after.map(str::to_owned));
        self.read("scan a table", move |connection| {
            rows::scan(connection, &tenant, table, &prefix, after.as_deref(), limit)
        })
        .await
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.owner.send(Request::Commit(group::Waiting { tenant: tenant.clone(), commit, reply }))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let tenant = tenant.clone();
        self.read("read the journal", move |connection| entries::page(connection, &tenant, after, limit)).await
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        let read = move |connection: &Connection| entries::about(connection, &tenant, &subject, after, limit);
        self.read("read the journal by subject", read).await
    }

    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.read("find a place in the journal", move |connection| entries::place(connection, &tenant, at)).await
    }

    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Result<Head, Broken>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let tenant = tenant.clone();
        self.owner.send(Request::Write(Box::new(move |connection| {
            let taken = entries::take_over(connection, &tenant, start, entries);
            drop(reply.send(taken.map_err(refused("take over a journal"))));
        })))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        let (reply, answer) = oneshot::channel();
        let tenant = tenant.clone();
        self.owner.send(Request::Write(Box::new(move |connection| {
            drop(reply.send(entries::cut(connection, &tenant, until).map_err(refused("cut a journal"))));
        })))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        let (reply, answer) = oneshot::channel();
        let (tenant, kind) = (tenant.clone(), kind.to_owned());
        self.owner.send(Request::Write(Box::new(move |connection| {
            let expired = entries::expire(connection, &tenant, &kind, until);
            drop(reply.send(expired.map_err(refused("expire payloads"))));
        })))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
        let (reply, answer) = oneshot::channel();
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        self.owner.send(Request::Write(Box::new(move |connection| {
            drop(reply.send(entries::erase(connection, &tenant, &subject, until)));
        })))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Says what was being done when the driver reported an error.
fn refused<E: std::error::Error + Send + Sync + 'static>(doing: &'static str) -> impl FnOnce(E) -> StoreError {
    move |source| StoreError::database(doing, fault(&source), source)
}

/// What stood in the way, as far as SQLite says.
pub(crate) fn fault(error: &(dyn std::error::Error + 'static)) -> StoreFault {
    let error = error.downcast_ref::<group::Shared>().map_or(error, |shared| shared.0.as_ref());
    match error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code) {
        Some(ErrorCode::DiskFull) => StoreFault::Full,
        Some(ErrorCode::ReadOnly) => StoreFault::ReadOnly,
        Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => StoreFault::Denied,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreFault::Unavailable,
        Some(ErrorCode::TooBig) => StoreFault::TooLarge,
        _ => StoreFault::Refused,
    }
}
