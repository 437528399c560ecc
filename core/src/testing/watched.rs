//! A store whose calls are watched: counted, made to fail, or held up while something else happens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::id::TenantId;
use crate::journal::{Broken, Entry, Head, Payload};
use crate::store::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
use crate::text::Text;

/// A call of a store.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum StoreCall<'a> {
    /// Rows by their keys.
    Load(&'a [RowKey]),
    /// Rows of a table.
    Scan(Table),
    /// A commit.
    Commit(&'a Commit),
    /// A page of the journal, of all of it or about a subject, or a place in it.
    Journal,
    /// Entries from another store.
    TakeOver,
    /// The deletion of the journal's beginning.
    Cut,
    /// The erasure of a subject, or of a kind of entries.
    Erase,
    /// That copies forget what is gone.
    Forget,
    /// The deletion of what nobody can read any more.
    DropUnreadable,
}

/// Stands between an engine and its store. What it does not name goes on as if nobody watched.
#[async_trait]
pub trait StoreWatch: Send + Sync + 'static {
    /// Before a call.
    ///
    /// # Errors
    ///
    /// If the call is to fail without effect.
    async fn before(&self, tenant: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        let _ = (tenant, call);
        Ok(())
    }

    /// After a call took effect, before anybody hears of it.
    ///
    /// # Errors
    ///
    /// If the call is to fail all the same: only its acknowledgement is lost.
    async fn after(&self, tenant: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        let _ = (tenant, call);
        Ok(())
    }

    /// The row by which a commit loses its race, without effect; `None`: it goes on.
    fn loses(&self, commit: &Commit) -> Option<RowKey> {
        let _ = commit;
        None
    }

    /// Whether an entry is there when the journal is read.
    fn holds(&self, entry: &Entry) -> bool {
        let _ = entry;
        true
    }
}

/// A call that took effect.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Called<'a> {
    /// Rows were read.
    Read,
    /// A commit was answered.
    Commit(&'a Committed),
    /// The journal was read.
    Journal,
    /// Entries were taken over.
    TakeOver,
    /// The journal's beginning was deleted.
    Cut,
    /// A subject, or a kind of entries, was erased.
    Erase,
    /// Copies forgot what is gone.
    Forget,
    /// What nobody could read any more was deleted.
    DropUnreadable,
}

/// A store whose calls a [`StoreWatch`] sees first.
///
/// ```
/// use accordant::MemoryStore;
/// use accordant::id::TenantId;
/// use accordant::store::{Commit, Store as _, StoreError};
/// use accordant::testing::{StoreCall, StoreWatch, Watched};
///
/// struct ReadOnly;
///
/// #[async_trait::async_trait]
/// impl StoreWatch for ReadOnly {
///     async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
///         if matches!(call, StoreCall::Commit(_)) { Err(StoreError::Closed) } else { Ok(()) }
///     }
/// }
///
/// let store = Watched::new(MemoryStore::new(), ReadOnly);
/// let committed = futures::executor::block_on(store.commit(&TenantId::new("acme"), Commit::default()));
/// assert!(committed.is_err());
/// ```
#[derive(Debug)]
pub struct Watched<S, W> {
    store: S,
    watch: Arc<W>,
}

impl<S: Clone, W> Clone for Watched<S, W> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), watch: Arc::clone(&self.watch) }
    }
}

impl<S: Store, W: StoreWatch> Watched<S, W> {
    /// A store with a watch of its own.
    #[must_use]
    pub fn new(store: S, watch: W) -> Self {
        Self { store, watch: Arc::new(watch) }
    }

    /// Who watches it.
    #[must_use]
    pub fn watch(&self) -> &W {
        &self.watch
    }

    fn held(&self, mut page: Vec<(Entry, Option<Payload>)>) -> Vec<(Entry, Option<Payload>)> {
        page.retain(|(entry, _)| self.watch.holds(entry));
        page
    }
}

#[async_trait]
impl<S: Store, W: StoreWatch> Store for Watched<S, W> {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        self.watch.before(tenant, StoreCall::Load(keys)).await?;
        let rows = self.store.load(tenant, keys).await?;
        self.watch.after(tenant, Called::Read).await?;
        Ok(rows)
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.watch.before(tenant, StoreCall::Scan(table)).await?;
        let rows = self.store.scan(tenant, table, prefix, after, limit).await?;
        self.watch.after(tenant, Called::Read).await?;
        Ok(rows)
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        self.watch.before(tenant, StoreCall::Commit(&commit)).await?;
        if let Some(key) = self.watch.loses(&commit) {
            return Ok(Committed::Lost { key });
        }
        let committed = self.store.commit(tenant, commit).await?;
        self.watch.after(tenant, Called::Commit(&committed)).await?;
        Ok(committed)
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.watch.before(tenant, StoreCall::Journal).await?;
        let page = self.store.journal(tenant, after, limit).await?;
        self.watch.after(tenant, Called::Journal).await?;
        Ok(self.held(page))
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.watch.before(tenant, StoreCall::Journal).await?;
        let page = self.store.journal_about(tenant, subject, after, limit).await?;
        self.watch.after(tenant, Called::Journal).await?;
        Ok(self.held(page))
    }

    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        self.watch.before(tenant, StoreCall::Journal).await?;
        let place = self.store.journal_place(tenant, at).await?;
        self.watch.after(tenant, Called::Journal).await?;
        Ok(place)
    }

    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Result<Head, Broken>, StoreError> {
        self.watch.before(tenant, StoreCall::TakeOver).await?;
        let taken = self.store.take_over(tenant, start, entries).await?;
        self.watch.after(tenant, Called::TakeOver).await?;
        Ok(taken)
    }

    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        self.watch.before(tenant, StoreCall::Cut).await?;
        let cut = self.store.cut(tenant, until).await?;
        self.watch.after(tenant, Called::Cut).await?;
        Ok(cut)
    }

    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        self.watch.before(tenant, StoreCall::Erase).await?;
        let expired = self.store.expire(tenant, kind, until).await?;
        self.watch.after(tenant, Called::Erase).await?;
        Ok(expired)
    }

    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
        self.watch.before(tenant, StoreCall::Erase).await?;
        let erased = self.store.erase_until(tenant, subject, until).await?;
        self.watch.after(tenant, Called::Erase).await?;
        Ok(erased)
    }

    async fn forget(&self, tenant: &TenantId, subjects: &[Text]) -> Result<(), StoreError> {
        self.watch.before(tenant, StoreCall::Forget).await?;
        self.store.forget(tenant, subjects).await?;
        self.watch.after(tenant, Called::Forget).await
    }

    async fn drop_unreadable(&self, tenant: &TenantId) -> Result<BTreeMap<Table, u64>, StoreError> {
        self.watch.before(tenant, StoreCall::DropUnreadable).await?;
        let dropped = self.store.drop_unreadable(tenant).await?;
        self.watch.after(tenant, Called::DropUnreadable).await?;
        Ok(dropped)
    }
}

/// Gives others their turn between the calls of a store: what another process, or a person, may do at any point of what one does.
#[derive(Default)]
pub struct Turns {
    /// What happens, and before how many more calls.
    due: Mutex<VecDeque<(usize, BoxFuture<'static, ()>)>>,
}

impl Turns {
    /// Lets something happen once so many more calls were made, after whatever was named before.
    pub fn happens_after(&self, calls: usize, meanwhile: impl Future<Output = ()> + Send + 'static) {
        self.due().push_back((calls, Box::pin(meanwhile)));
    }

    /// Whether all of it has happened, or begun.
    #[must_use]
    pub fn have_passed(&self) -> bool {
        self.due().is_empty()
    }

    fn due(&self) -> std::sync::MutexGuard<'_, VecDeque<(usize, BoxFuture<'static, ()>)>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<BoxFuture<'static, ()>> {
        let mut due = self.due();
        match due.front_mut()? {
            (0, _) => due.pop_front().map(|(_, meanwhile)| meanwhile),
            (calls, _) => {
                *calls -= 1;
                None
            }
        }
    }
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turns").field("left", &self.due().len()).finish()
    }
}

#[async_trait]
impl StoreWatch for Turns {
    async fn before(&self, _: &TenantId, _: StoreCall<'_>) -> Result<(), StoreError> {
        if let Some(meanwhile) = self.next() {
            meanwhile.await;
        }
        Ok(())
    }
}
