//! Stores: where a tenant's state and journal are kept, under one atomic commit.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod group;
mod key_range;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::id::TenantId;
use crate::journal::{Broken, Draft, Entry, Head, Payload};
use crate::text::Text;

pub use error::{StoreError, StoreFault};
pub use key_range::KeyRange;
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
#[cfg(all(feature = "keys", feature = "sqlite"))]
pub(crate) use sqlite::fault as sqlite_fault;

/// How many entries a walk through the journal asks for at once.
const PAGE: usize = 512;

/// What a row is about. Each is a table of its own in stores that have tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// What is of the tenant as a whole: its model and formats, how far checks, totals, compaction and erasures have come, matchers'
    /// models, what is suppressed.
    Meta,
    /// What a system says now: key = record.
    Representation,
    /// Record → entity: key = record. The key makes a second live link impossible.
    Link,
    /// Golden record, bases, decisions: key = entity id.
    Entity,
    /// What is found by something else than its key: identity and search values (key = entity type, attribute, value; a row lists who
    /// holds it), and under keys that begin with a control character who waits for a reference, dates, tombstones, cases and what a
    /// matcher is to be asked about.
    Index,
    /// Standing disagreements: key = discrepancy id.
    Discrepancy,
    /// Plans: key = plan hash.
    Plan,
    /// Approvals: key = operation key.
    Approval,
    /// Intents whose receipt is outstanding: key = the record written, or the place and generation of a create.
    Outbox,
    /// Deliveries already taken in: key = connection and delivery id.
    Dedup,
    /// Positions of polls and scans: key = connection and surface.
    Cursor,
    /// Records to be read: key = record.
    Work,
    /// Inputs that could not be processed, kept whole.
    DeadLetter,
    /// Cases that wait for a person.
    Case,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 14] = [
        Table::Meta,
        Table::Representation,
        Table::Link,
        Table::Entity,
        Table::Index,
        Table::Discrepancy,
        Table::Plan,
        Table::Approval,
        Table::Outbox,
        Table::Dedup,
        Table::Cursor,
        Table::Work,
        Table::DeadLetter,
        Table::Case,
    ];

    /// The table's name in stores that name theirs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Table::Meta => "meta",
            Table::Representation => "representation",
            Table::Link => "link",
            Table::Entity => "entity",
            Table::Index => "identity_index",
            Table::Discrepancy => "discrepancy",
            Table::Plan => "plan",
            Table::Approval => "approval",
            Table::Outbox => "outbox",
            Table::Dedup => "dedup",
            Table::Cursor => "cursor",
            Table::Work => "work",
            Table::DeadLetter => "dead_letter",
            Table::Case => "open_case",
        }
    }
}

/// Names a row within a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The table.
    pub table: Table,
    /// The key, compared bytewise.
    pub key: Text,
}

impl RowKey {
    /// Names a row.
    #[must_use]
    pub fn new(table: Table, key: impl Into<Text>) -> Self {
        Self { table, key: key.into() }
    }
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub key: Text,
    /// Raised by one with every change of the row, from 1. A row that was deleted and put again starts over.
    pub revision: u64,
    /// Its content: JSON.
    pub value: Vec<u8>,
}

/// Everything that one step changes. It happens as a whole or not at all.
///
/// A commit changes a row at most once: of several puts of one key the last counts, and a row that is both put and
/// deleted is put. Either way its revision rises by one, also if the value is the one it had.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Revisions that rows must still have; `None`: the row must not exist.
    pub expect: Vec<(RowKey, Option<u64>)>,
    /// Rows to insert or replace.
    pub put: Vec<(RowKey, Vec<u8>)>,
    /// Rows to delete; a missing one is no error.
    pub delete: Vec<RowKey>,
    /// Entries to append to the journal, chained inside the transaction ([`crate::journal::seal`]).
    pub journal: Vec<Draft>,
}

impl Commit {
    /// What becomes of each row: its new value, or `None` if it goes. Stores call it to read `put` and `delete` alike.
    #[must_use]
    pub fn changes(put: Vec<(RowKey, Vec<u8>)>, delete: Vec<RowKey>) -> BTreeMap<RowKey, Option<Vec<u8>>> {
        // A deletion under a put must not be carried out: the revision would start over, and a reader of the old row
        // could win a race that it lost.
        let deleted = delete.into_iter().map(|key| (key, None));
        deleted.chain(put.into_iter().map(|(key, value)| (key, Some(value)))).collect()
    }
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Done {
        /// The end of the journal after it.
        head: Head,
    },
    /// A row was not as expected. Nothing was changed: load anew and decide anew.
    Lost {
        /// The first such row.
        key: RowKey,
    },
}

/// Keeps the state and the journal of tenants.
///
/// Implement this to run Accordant on another database; the engine is the only caller. A store holds no rules: one that
/// "helps" by merging is wrong.
///
/// # Contract
///
/// - **Atomic.** A [`Commit`] takes effect as a whole, and is durable when `commit` returns `Done`.
/// - **Isolated.** `expect` is checked in the same transaction that writes. Commits of one tenant are serialised as far
///   as their journal entries are chained.
/// - **Ordered.** `scan` and `journal` answer in ascending order of key and place. A [sealed](crate::seal) store orders rows
///   whose keys hold a value otherwise, and always alike.
/// - **Tenants.** No call sees a row of another tenant.
/// - **Bytes.** Keys and values come back as they went in; no character in a key or prefix has a meaning.
///
/// # Cancel safety
///
/// A dropped `commit` has happened or has not; it is never half done.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The rows of these keys, in the order of keys.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError>;

    /// Up to `limit` rows of a table whose keys start with `prefix` and stand behind `after`, in the order of keys. Fewer: there are no
    /// more.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Writes everything in `commit`, or nothing.
    ///
    /// # Errors
    ///
    /// If the store cannot be written. A row that is not as expected is an outcome. An error does not say that nothing
    /// happened, because the acknowledgement may be what failed: load anew and decide anew.
    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError>;

    /// Up to `limit` journal entries behind place `after`, with the payloads that were not erased.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError>;

    /// Up to `limit` journal entries behind place `after` about a subject, with their payloads. An entry whose payload was
    /// erased may be left out: what finds it may have gone with it.
    ///
    /// As it is, it walks the whole journal. A store that can find entries by subject should.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let (mut found, mut place) = (Vec::new(), after);
        while found.len() < limit {
            let page = self.journal(tenant, place, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            place = last.seq;
            found.extend(page.into_iter().filter(|(entry, _)| *entry.subject == *subject));
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The place of the last journal entry before the first that is later than `at`, in milliseconds since the epoch. If there
    /// is none, the place before the first entry: 0, unless the journal was [`cut`](Self::cut). It stays the same however the
    /// journal goes on.
    ///
    /// As it is, it walks the journal from its beginning. A store that can tell sooner should.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        let mut place = 0;
        loop {
            let page = self.journal(tenant, place, PAGE).await?;
            if page.is_empty() {
                return Ok(place);
            }
            for (entry, _) in page {
                if entry.at > at {
                    return Ok(entry.seq.saturating_sub(1));
                }
                place = entry.seq;
            }
        }
    }

    /// Appends entries as another store sealed them, each with what is left of its payload: all of them, or none.
    ///
    /// They have to follow the journal's end and each other, payloads included ([`verify`](crate::journal::verify)). Where
    /// one does not, nothing is appended, and the answer says which. A journal without entries ends at `start`: where the one
    /// that they come from begins ([`Head::default`], unless that was [`cut`](Self::cut)).
    ///
    /// As it is, it refuses. A store that tenants are to be moved to must not.
    ///
    /// # Errors
    ///
    /// If the store cannot be written. As with [`commit`](Self::commit), an error does not say that nothing happened.
    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Result<Head, Broken>, StoreError> {
        drop((tenant, start, entries));
        Err(StoreError::database("take over a journal", StoreFault::Refused, "this store cannot"))
    }

    /// Deletes the entries at place `until` or before, with their payloads. The last entry of the journal stays, wherever it
    /// stands. Says how many it deleted.
    ///
    /// What is left has no gap, also after a crash, and the chain goes on behind it as if nothing had been deleted.
    ///
    /// As it is, it refuses. A store whose journals are to be compacted must not.
    ///
    /// # Errors
    ///
    /// If the store cannot be written. As with [`commit`](Self::commit), an error does not say that nothing happened.
    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        let _ = (tenant, until);
        Err(StoreError::database("cut a journal", StoreFault::Refused, "this store cannot"))
    }

    /// Destroys payloads and salts of the entries of a kind that stand at place `until` or before. The entries stay. Says how
    /// many it destroyed.
    ///
    /// As it is, it refuses. A store whose observations are to expire before the rest of the journal must not: it is asked for what
    /// systems said, and for what checkpoints told.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        let _ = (tenant, kind, until);
        Err(StoreError::database("expire payloads", StoreFault::Refused, "this store cannot"))
    }

    /// Destroys payloads and salts of the entries about a subject that stand at place `until` or before. The entries stay.
    /// Says how many it destroyed.
    ///
    /// When it returns, nothing that the tenant deleted so far, as a row or here, is left in the files that the store itself
    /// keeps, as far as the database can promise that.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError>;

    /// Makes what is gone unreadable in copies that were made of the store before: rows that were deleted or replaced, and
    /// payloads of these subjects that were erased. What stands is read as before. An erasure ends with it.
    ///
    /// As it is, it does nothing: only a [sealed](crate::seal) store can. One that passes calls on to another store has to pass
    /// on this one.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or written, or keys cannot be destroyed. It may be called again.
    async fn forget(&self, tenant: &TenantId, subjects: &[Text]) -> Result<(), StoreError> {
        let _ = (tenant, subjects);
        Ok(())
    }

    /// Deletes the rows that nobody can read any more, for their keys are gone, and says how many of each table. So a copy is put to
    /// work that was made before an erasure ([`Tenant::resume_from_copy`](crate::Tenant::resume_from_copy) calls it).
    ///
    /// As it is, it finds none: only a [sealed](crate::seal) store has such. One that passes calls on to another store has to pass on
    /// this one.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or written, or keys cannot be read. It may be called again; what was deleted by then is not counted
    /// anew.
    async fn drop_unreadable(&self, tenant: &TenantId) -> Result<BTreeMap<Table, u64>, StoreError> {
        let _ = tenant;
        Ok(BTreeMap::new())
    }

    /// As [`erase_until`](Self::erase_until), of all entries that there are.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    async fn erase(&self, tenant: &TenantId, subject: &str) -> Result<u64, StoreError> {
        self.erase_until(tenant, subject, u64::MAX).await
    }
}
