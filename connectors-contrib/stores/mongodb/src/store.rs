//! The store: what the engine calls.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use accordant::id::TenantId;
use accordant::journal::{Broken, Entry, Head, Payload};
use accordant::store::group::{Queue, Serving, Waiting};
use accordant::store::{Commit, Committed, KeyRange, Row, RowKey, Store, StoreError, StoreFault, Table};
use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, TRANSIENT_TRANSACTION_ERROR};
use mongodb::options::{DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{Client, Database};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::commit::Undone;
use crate::fault::{fault, refused};
use crate::options::MongoOptions;
use crate::{commit, entries, rows, schema};

const COMMIT: &str = "commit";

/// How many commits share a transaction at most, and how many bytes of values: it bounds how long one waits.
const GROUP: usize = 256;
const GROUP_BYTES: usize = 8 << 20;

/// The first pause before a commit that others got in the way of is tried again, and the longest; each is twice the one
/// before.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(64)];

/// Keeps everything in one database of MongoDB.
///
/// Clones share one client. Any number of stores, in one process or in many, may be open on one database. Calls are
/// carried out on the tokio runtime on which the store was opened, and may be awaited on any executor; that runtime has
/// to go on for as long as the store is used. A call whose future is dropped is carried out all the same.
///
/// # Durability
///
/// A commit is a transaction, acknowledged when a majority of the replica set has it on disk; what is read, a majority
/// has. Commits of one tenant that wait for each other share a transaction, but stay atomic each for itself. One that
/// another process got in the way of is tried again.
///
/// # Erasure
///
/// `erase` takes payloads out of the documents, one after the other: if it fails, some may be gone; call it again. When
/// their bytes leave the disk is the storage engine's business; the oplog and backups are beyond its reach.
///
/// # Limits
///
/// A value holds up to 15 megabytes, a key any length.
#[derive(Clone)]
pub struct MongoStore {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    queue: Queue,
    runtime: Handle,
    patience: Duration,
}

impl MongoStore {
    /// Opens the store at an address, with [`MongoOptions`] as they are if nothing is said.
    ///
    /// # Errors
    ///
    /// As [`open_with`](Self::open_with).
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        Self::open_with(MongoOptions::new(address).await?).await
    }

    /// Opens the store, creates its collections if there are none, and upgrades those of an earlier version in place.
    ///
    /// Must be called on a tokio runtime; the store keeps to it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Format`] if a newer version wrote the collections; [`StoreError::Database`] if the database cannot
    /// be reached, refuses the user, or has no transactions; [`StoreError::Closed`] without a runtime.
    pub async fn open_with(options: MongoOptions) -> Result<Self, StoreError> {
        const DOING: &str = "connect";
        let runtime = Handle::try_current().map_err(|_| StoreError::Closed)?;
        let MongoOptions { client, database, patience } = options;
        let client = Client::with_options(client).map_err(refused(DOING))?;
        let safe = DatabaseOptions::builder()
            .read_concern(ReadConcern::majority())
            .write_concern(WriteConcern::majority())
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .build();
        let database = client.database_with_options(&database, safe);
        let hello = database.run_command(doc! { "hello": 1 }).await.map_err(refused(DOING))?;
        if !has_transactions(&hello) {
            let why = "it is a single server; transactions need a replica set, of one member at least";
            return Err(StoreError::database(DOING, StoreFault::Refused, why));
        }
        schema::prepare(&database).await?;
        Ok(Self { inner: Arc::new(Inner { database, queue: Queue::new(), runtime, patience }) })
    }

    /// Makes a call on the store's own runtime, to its end, whoever waits for it.
    async fn call<T, F>(&self, doing: &'static str, call: impl FnOnce(Arc<Inner>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let made = self.inner.runtime.spawn(call(Arc::clone(&self.inner)));
        // Fails if the runtime is shutting down.
        made.await.map_err(|_| StoreError::Closed)?.map_err(refused(doing))
    }
}

/// Whether a server is of a replica set, or the door of a sharded cluster.
fn has_transactions(hello: &Document) -> bool {
    hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|message| message == "isdbgrid")
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").finish_non_exhaustive()
    }
}

impl Inner {
    /// Commits group after group, until nobody waits.
    async fn serve(&self, mut serving: Serving) {
        while let Some(group) = serving.next_group(GROUP, GROUP_BYTES) {
            let commits = group.iter().map(|waiting| waiting.commit.clone()).collect();
            // What one of them cannot be carried out for is no reason to fail the others. If it is not certain that nothing
            // happened, they must not be carried out again.
            let theirs = [StoreFault::Refused, StoreFault::TooLarge];
            match self.commit(serving.tenant(), commits).await {
                Ok(outcomes) => Waiting::answer(group, Ok(outcomes)),
                Err(Undone { error, certain: true }) if group.len() > 1 && theirs.contains(&fault(&error)) => {
                    for waiting in group {
                        let alone = self.commit(serving.tenant(), vec![waiting.commit.clone()]).await;
                        Waiting::answer(vec![waiting], alone.map_err(|undone| refused(COMMIT)(undone.error)));
                    }
                }
                Err(undone) => Waiting::answer(group, Err(refused(COMMIT)(undone.error))),
            }
        }
    }

    async fn commit(&self, tenant: &TenantId, commits: Vec<Commit>) -> Result<Vec<Committed>, Undone> {
        let [mut pause, longest] = PAUSES;
        // By the clock, since an attempt that looks for a server takes longer than any pause.
        let deadline = Instant::now() + self.patience;
        loop {
            match commit::commit(&self.database, tenant, commits.clone()).await {
                // Nothing happened: another process was in the way, or the connection went before the end.
                Err(Undone { error, certain: true })
                    if Instant::now() < deadline && error.contains_label(TRANSIENT_TRANSACTION_ERROR) =>
                {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                result => return result,
            }
        }
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (tenant, keys) = (tenant.clone(), keys.to_vec());
        self.call("load rows", |inner| async move { rows::load(&inner.database, &tenant, &keys).await }).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (tenant, range) = (tenant.clone(), KeyRange::of(prefix, after));
        self.call(
            "scan a table",
            |inner| async move { rows::scan(&inner.database, &tenant, table, &range, limit).await },
        )
        .await
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
        let tenant = tenant.clone();
        self.call(
            "read the journal",
            |inner| async move { entries::page(&inner.database, &tenant, after, limit).await },
        )
        .await
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        self.call("read the journal by subject", |inner| async move {
            entries::about(&inner.database, &tenant, &subject, after, limit).await
        })
        .await
    }

    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.call(
            "find a place in the journal",
            |inner| async move { entries::place(&inner.database, &tenant, at).await },
        )
        .await
    }

    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Result<Head, Broken>, StoreError> {
        let tenant = tenant.clone();
        self.call("take over a journal", |inner| async move {
            commit::take_over(&inner.database, &tenant, start, &entries).await
        })
        .await
    }

    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.call("cut a journal", |inner| async move { entries::cut(&inner.database, &tenant, until).await }).await
    }

    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        let (tenant, kind) = (tenant.clone(), kind.to_owned());
        self.call(
            "expire payloads",
            |inner| async move { entries::expire(&inner.database, &tenant, &kind, until).await },
        )
        .await
    }

    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        self.call(
            "erase payloads",
            |inner| async move { entries::erase(&inner.database, &tenant, &subject, until).await },
        )
        .await
    }
}
