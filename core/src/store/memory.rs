//! The store in memory: for tests, and the reference that other stores are compared with.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
use crate::id::TenantId;
use crate::journal::{self, Broken, Entry, Head, Payload};
use crate::text::Text;

/// Keeps everything in memory, and nothing beyond the last handle.
///
/// Clones share one state. It is written to be read, and is the oracle of the conformance tests.
#[derive(Clone, Default)]
pub struct MemoryStore {
    tenants: Arc<Mutex<BTreeMap<TenantId, Tenant>>>,
}

#[derive(Default)]
struct Tenant {
    tables: BTreeMap<Table, BTreeMap<Text, Kept>>,
    head: Head,
    journal: Vec<(Entry, Option<Payload>)>,
}

struct Kept {
    revision: u64,
    value: Vec<u8>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<TenantId, Tenant>> {
        // Nothing below panics between two writes, so a poisoned lock guards a whole state.
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is other people's data: it stays out of logs.
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Tenant {
    fn commit(&mut self, commit: Commit) -> Committed {
        let Commit { expect, put, delete, journal } = commit;
        for (key, expected) in expect {
            if self.kept(&key).map(|kept| kept.revision) != expected {
                return Committed::Lost { key };
            }
        }
        for (key, value) in Commit::changes(put, delete) {
            match value {
                Some(value) => {
                    let revision = self.kept(&key).map_or(1, |kept| kept.revision + 1);
                    self.tables.entry(key.table).or_default().insert(key.key, Kept { revision, value });
                }
                None => {
                    if let Some(rows) = self.tables.get_mut(&key.table) {
                        rows.remove(&key.key);
                    }
                }
            }
        }
        let (head, sealed) = journal::seal(self.head, journal);
        self.head = head;
        self.journal.extend(sealed.into_iter().map(|(entry, payload)| (entry, Some(payload))));
        Committed::Done { head }
    }

    fn kept(&self, key: &RowKey) -> Option<&Kept> {
        self.tables.get(&key.table)?.get(&key.key)
    }

    /// Where the entries behind a place start. The journal has no gaps, but may have lost its beginning.
    fn index_behind(&self, after: u64) -> usize {
        let first = self.journal.first().map_or(1, |(entry, _)| entry.seq);
        usize::try_from(after.saturating_sub(first - 1)).unwrap_or(usize::MAX)
    }

    fn row(&self, key: &RowKey) -> Option<Row> {
        self.kept(key).map(|kept| kept.row(&key.key))
    }
}

impl Kept {
    fn row(&self, key: &Text) -> Row {
        Row { key: key.clone(), revision: self.revision, value: self.value.clone() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        let tenants = self.tenants();
        let tenant = tenants.get(tenant);
        Ok(keys.iter().map(|key| tenant?.row(key)).collect())
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let tenants = self.tenants();
        let Some(rows) = tenants.get(tenant).and_then(|tenant| tenant.tables.get(&table)) else {
            return Ok(Vec::new());
        };
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let rows = rows.range::<str, _>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        Ok(rows.take(limit).map(|(key, kept)| kept.row(key)).collect())
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        Ok(self.tenants().entry(tenant.clone()).or_default().commit(commit))
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(tenant) else { return Ok(Vec::new()) };
        Ok(tenant.journal.iter().skip(tenant.index_behind(after)).take(limit).cloned().collect())
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(tenant) else { return Ok(Vec::new()) };
        let behind = tenant.journal.iter().skip(tenant.index_behind(after));
        let about = behind.filter(|(entry, _)| *entry.subject == *subject);
        Ok(about.take(limit).cloned().collect())
    }

    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(tenant) else { return Ok(0) };
        let later = tenant.journal.iter().find(|(entry, _)| entry.at > at);
        Ok(later.map_or(tenant.head.seq, |(entry, _)| entry.seq - 1))
    }

    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Result<Head, Broken>, StoreError> {
        let mut tenants = self.tenants();
        let tenant = tenants.entry(tenant.clone()).or_default();
        let end = if tenant.journal.is_empty() { start } else { tenant.head };
        let verified = journal::verify_all(end, &entries);
        if let Ok(head) = verified
            && !entries.is_empty()
        {
            tenant.head = head;
            tenant.journal.extend(entries);
        }
        Ok(verified)
    }

    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        let mut tenants = self.tenants();
        let Some(tenant) = tenants.get_mut(tenant) else { return Ok(0) };
        let gone = tenant.index_behind(until).min(tenant.journal.len().saturating_sub(1));
        Ok(tenant.journal.drain(..gone).count() as u64)
    }

    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        let mut tenants = self.tenants();
        let Some(tenant) = tenants.get_mut(tenant) else { return Ok(0) };
        let before = tenant.journal.iter_mut().take_while(|(entry, _)| entry.seq <= until);
        let of_kind = before.filter(|(entry, _)| entry.kind.as_str() == kind);
        Ok(of_kind.filter_map(|(_, payload)| payload.take()).map(|_| 1).sum())
    }

    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
        let mut tenants = self.tenants();
        let Some(tenant) = tenants.get_mut(tenant) else { return Ok(0) };
        let before = tenant.journal.iter_mut().take_while(|(entry, _)| entry.seq <= until);
        let about = before.filter(|(entry, _)| entry.subject.as_str() == subject);
        Ok(about.filter_map(|(_, payload)| payload.take()).map(|_| 1).sum())
    }
}
