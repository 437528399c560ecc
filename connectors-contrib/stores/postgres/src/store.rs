//! The store: what the engine calls.

use std::fmt;
use std::sync::Arc;

use accordant::id::TenantId;
use accordant::journal::{Broken, Entry, Head, Payload};
use accordant::store::group::{Queue, Serving, Waiting};
use accordant::store::{Commit, Committed, KeyRange, Row, RowKey, Store, StoreError, StoreFault, Table};
use async_trait::async_trait;
use deadpool_postgres::Pool;
use tokio::runtime::Handle;
use tokio_postgres::Error;

use crate::call::{self, Call, LOST};
use crate::commit::{self, Failed};
use crate::entries::{About, Cut, Erase, Expire, Page, Place};
use crate::fault::refused;
use crate::options::PostgresOptions;
use crate::rows::{Load, Scan};
use crate::schema;
use crate::session::{self, Session};
use crate::statements::Statements;

const COMMIT: &str = "commit";

/// How many commits share a transaction at most, and how many bytes of values: it bounds how long one waits.
const GROUP: usize = 256;
const GROUP_BYTES: usize = 8 << 20;

/// Keeps everything in one schema of a PostgreSQL database.
///
/// Clones share one pool of connections. Any number of stores, in one process or in many, may be open on one schema.
/// Calls are carried out on the tokio runtime on which the store was opened, and may be awaited on any executor; that
/// runtime has to go on for as long as the store is used. A call whose future is dropped is carried out all the same.
///
/// # Durability
///
/// A commit is acknowledged when PostgreSQL has flushed it; a session whose `synchronous_commit` would be `off` is set to
/// `on`. Commits of one tenant that wait for each other share a transaction, and a flush, but stay atomic each for
/// itself. One that lost its connection before its transaction was asked to end is tried on another connection.
///
/// # Tenants
///
/// Every statement names the tenant. Row security is a second fence: each transaction may see the rows of one tenant
/// only. It does not hold for superusers and for roles that bypass it: open the store as another role.
///
/// # Erasure
///
/// `erase` takes payloads out of the tables. Their bytes leave the disk when the tables are next rewritten
/// (`VACUUM FULL`); the write-ahead log and backups are beyond its reach.
///
/// # Limits
///
/// A value holds up to a gigabyte, a key any length.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    statements: Statements,
    queue: Queue,
    runtime: Handle,
}

impl PostgresStore {
    /// Opens the store at an address, with [`PostgresOptions`] as they are if nothing is said.
    ///
    /// # Errors
    ///
    /// As [`open_with`](Self::open_with).
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        Self::open_with(PostgresOptions::new(address)?).await
    }

    /// Opens the store, creates its tables if there are none, and upgrades those of an earlier version in place.
    ///
    /// Must be called on a tokio runtime; the store keeps to it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Format`] if a newer version wrote the tables; [`StoreError::Database`] if the database cannot be
    /// reached, refuses the role, or does not let it create or upgrade what it has to; [`StoreError::Closed`] without a
    /// runtime.
    pub async fn open_with(options: PostgresOptions) -> Result<Self, StoreError> {
        let runtime = Handle::try_current().map_err(|_| StoreError::Closed)?;
        let pool = session::pool(&options)?;
        schema::prepare(&pool, &options.schema).await?;
        let statements = Statements::of(&schema::quoted(&options.schema));
        Ok(Self { inner: Arc::new(Inner { pool, statements, queue: Queue::new(), runtime }) })
    }

    /// Makes a call on the store's own runtime, to its end, whoever waits for it.
    async fn call<C: Call>(&self, call: C) -> Result<C::Answer, StoreError> {
        let inner = Arc::clone(&self.inner);
        let made = self.inner.runtime.spawn(async move { call::call(&inner.pool, &inner.statements, &call).await });
        // Fails if the runtime is shutting down.
        made.await.map_err(|_| StoreError::Closed)?
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl Inner {
    /// Commits group after group, until nobody waits.
    async fn serve(&self, mut serving: Serving) {
        while let Some(group) = serving.next_group(GROUP, GROUP_BYTES) {
            let commits = group.iter().map(|waiting| waiting.commit.clone()).collect();
            // What one of them cannot be carried out for is no reason to fail the others. If it is not certain that nothing
            // happened, they must not be carried out again.
            let theirs = [Some(StoreFault::Refused), Some(StoreFault::TooLarge)];
            match self.commit(serving.tenant(), commits).await {
                Ok(outcomes) => Waiting::answer(group, Ok(outcomes)),
                Err(Undone { error, certain: true }) if group.len() > 1 && theirs.contains(&error.fault()) => {
                    for waiting in group {
                        let alone = self.commit(serving.tenant(), vec![waiting.commit.clone()]).await;
                        Waiting::answer(vec![waiting], alone.map_err(|undone| undone.error));
                    }
                }
                Err(undone) => Waiting::answer(group, Err(undone.error)),
            }
        }
    }

    async fn commit(&self, tenant: &TenantId, commits: Vec<Commit>) -> Result<Vec<Committed>, Undone> {
        let mut lost = 0;
        loop {
            let session = Session::of(&self.pool, COMMIT).await.map_err(|error| Undone { error, certain: true })?;
            match commit::commit(&session, &self.statements, tenant, commits.clone()).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(failed) => {
                    let certain = !failed.asked_to_end;
                    again(failed, &session, &mut lost)
                        .map_err(|error| Undone { error: refused(COMMIT)(error), certain })?;
                }
            }
        }
    }

    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: &[(Entry, Option<Payload>)],
    ) -> Result<Result<Head, Broken>, StoreError> {
        const DOING: &str = "take over a journal";
        let mut lost = 0;
        loop {
            let session = Session::of(&self.pool, DOING).await?;
            match commit::take_over(&session, &self.statements, tenant, start, entries).await {
                Ok(verified) => return Ok(verified),
                Err(failed) => again(failed, &session, &mut lost).map_err(refused(DOING))?,
            }
        }
    }
}

/// A group of commits that failed, and whether it is certain that none of them happened.
struct Undone {
    error: StoreError,
    certain: bool,
}

/// Whether to try on another connection: this one was lost before its transaction was asked to end, and not too many were.
fn again(failed: Failed, session: &Session, lost: &mut usize) -> Result<(), Error> {
    let gone = failed.error.is_closed() || session.is_closed();
    if failed.asked_to_end || *lost == LOST || !gone {
        return Err(failed.error);
    }
    *lost += 1;
    Ok(())
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.call(Load { tenant: tenant.clone(), keys: keys.to_vec() }).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.call(Scan { tenant: tenant.clone(), table, range: KeyRange::of(prefix, after), limit }).await
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        let (answer, serving) = self.inner.queue.push(tenant, commit);
        if let Some(serving) = serving {
            let inner = Arc::clone(&self.inner);
            drop(self.inner.runtime.spawn(async move { inner.serve(serving).await }));
        }
        answer.wait().await
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.call(Page { tenant: tenant.clone(), after, limit }).await
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.call(About { tenant: tenant.clone(), subject: subject.to_owned(), after, limit }).await
    }

    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        self.call(Place { tenant: tenant.clone(), at }).await
    }

    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Result<Head, Broken>, StoreError> {
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        let taken = self.inner.runtime.spawn(async move { inner.take_over(&tenant, start, &entries).await });
        taken.await.map_err(|_| StoreError::Closed)?
    }

    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        self.call(Cut { tenant: tenant.clone(), until }).await
    }

    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        self.call(Expire { tenant: tenant.clone(), kind: kind.to_owned(), until }).await
    }

    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
        self.call(Erase { tenant: tenant.clone(), subject: subject.to_owned(), until }).await
    }
}
