//! The sealed store: any store, with what is put into it encrypted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::mark::{self, marker};
use super::message::{self, About};
use super::names::require_whole;
use super::opened::{Marker, Opened, remember};
use super::scope::Scope;
use super::{SealError, SealKey, SealKeys};
use crate::clock::{Entropy, SystemEntropy};
use crate::id::TenantId;
use crate::journal::{self, Broken, Draft, Entry, Head, Payload};
use crate::store::{Commit, Committed, Row, RowKey, Store, StoreError, Table};
use crate::text::Text;

/// How often rows are read again, where a key was destroyed meanwhile: what stood under it is gone, or has another.
const READS: usize = 4;

/// How many tenants are remembered at most. Beyond that, all are opened anew.
const MOST_TENANTS: usize = 256;

/// Seals what goes into a store, and opens what comes out of it.
///
/// Each row's value and each payload is encrypted under the key of whom it is about ([`SealKeys`]), and bound to the place
/// where it stands. Where a row's key holds a value, a keyed hash of it stands in its place, so that rows are found by whole
/// values. Ids of records and entities, kinds and times of entries, and who did something, stay as they are.
///
/// The journal's entries are those of the store without the seal, and so are their digests: what an entry commits to stands
/// before the sealed payload, and its salt within. So whoever has no key can check the chain, and a tenant moves between sealed
/// and other stores by export and import.
///
/// A payload whose key is gone is given out as an erased one, as it is in a copy that was made before an erasure; a row is an error
/// ([`SealError::KeyGone`]) until it is dropped ([`Store::drop_unreadable`]). What is sealed already is not sealed again
/// ([`SealError::SealedAlready`]).
///
/// Beside the contract of [`Store`]: a scan gives rows whose keys hold a value in the order of their hashes. While entries are
/// [taken over](Store::take_over), nobody may be [forgotten](Store::forget).
#[derive(Clone)]
pub struct SealedStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: Arc<dyn SealKeys>,
    entropy: Arc<dyn Entropy>,
    opened: Arc<Mutex<BTreeMap<TenantId, Arc<Opened>>>>,
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").finish_non_exhaustive()
    }
}

impl SealedStore {
    /// Seals a store. A tenant is sealed from its first commit on: one that was written before is refused.
    #[must_use]
    pub fn new(store: impl Store, keys: impl SealKeys) -> Self {
        Self::over(Arc::new(store), Arc::new(keys), Arc::new(SystemEntropy))
    }

    /// With this source of randomness, of which keys are made. By default the operating system.
    #[must_use]
    pub fn entropy(self, entropy: impl Entropy) -> Self {
        Self { entropy: Arc::new(entropy), ..self }
    }

    pub(crate) fn over(store: Arc<dyn Store>, keys: Arc<dyn SealKeys>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, keys, entropy, opened: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<TenantId, Arc<Opened>>> {
        // An insertion is whole or has not happened, so a poisoned lock guards a whole map.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a tenant's seal; `None`: nothing is stored of the tenant.
    pub(super) async fn open(&self, tenant: &TenantId) -> Result<Option<Arc<Opened>>, StoreError> {
        if let Some(opened) = self.known().get(tenant) {
            return Ok(Some(Arc::clone(opened)));
        }
        let mut marked = self.marked(tenant).await?;
        if marked.is_none() {
            if self.is_empty(tenant).await? {
                return Ok(None);
            }
            // The marker comes before anything else: it may have come meanwhile.
            marked = self.marked(tenant).await?;
        }
        let Some((revision, marker)) = marked else {
            return Err(SealError::Unsealed { tenant: tenant.clone() }.into());
        };
        let own = self.keys.current(tenant, &[Scope::Tenant.name()]).await.map_err(SealError::from)?;
        let own = own.into_iter().next().flatten().filter(|key| marker.is_of(&key.secret));
        let Some(own) = own else { return Err(SealError::OtherKeys { tenant: tenant.clone() }.into()) };
        let opened = Arc::new(Opened::new(revision, &marker, &own.secret));
        remember(&mut self.known(), MOST_TENANTS, tenant.clone(), Arc::clone(&opened));
        Ok(Some(opened))
    }

    /// What was known of a tenant is looked up anew, keys included.
    pub(super) fn close(&self, tenant: &TenantId) {
        self.known().remove(tenant);
    }

    /// The marker of a tenant's seal, with its revision.
    pub(super) async fn marked(&self, tenant: &TenantId) -> Result<Option<(u64, Marker)>, StoreError> {
        let row = self.store.load(tenant, &[marker()]).await?.into_iter().next().flatten();
        let Some(row) = row else { return Ok(None) };
        let marker = Marker::read(&row.value).ok_or_else(|| SealError::Marker { tenant: tenant.clone() })?;
        Ok(Some((row.revision, marker)))
    }

    async fn is_empty(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        for table in Table::ALL {
            if !self.store.scan(tenant, table, "", None, 1).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(self.store.journal(tenant, 0, 1).await?.is_empty())
    }

    /// Opens a tenant's seal, and makes it where nothing is stored of the tenant.
    async fn open_or_make(&self, tenant: &TenantId) -> Result<Arc<Opened>, StoreError> {
        loop {
            if let Some(opened) = self.open(tenant).await? {
                return Ok(opened);
            }
            let made = self.keys.create(tenant, vec![(Scope::Tenant.name(), self.new_key())]).await;
            let Some(own) = made.map_err(SealError::from)?.into_iter().next() else {
                return Err(SealError::KeyGone { scope: Scope::Tenant.shown() }.into());
            };
            let put = vec![(marker(), Marker::new(&own.secret).value())];
            // Whoever loses finds the other's.
            self.store.commit(tenant, Commit { expect: vec![(marker(), None)], put, ..Commit::default() }).await?;
        }
    }

    fn new_key(&self) -> SealKey {
        SealKey::random(&*self.entropy)
    }

    fn new_salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        salt
    }

    /// The keys that seal these scopes. Those that are missing are made, and durable before they seal anything.
    async fn current(
        &self,
        tenant: &TenantId,
        opened: &Opened,
        scopes: BTreeSet<Scope>,
    ) -> Result<BTreeMap<Scope, SealKey>, StoreError> {
        let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
        for scope in scopes {
            match opened.current(&scope.name()) {
                Some(key) => drop(found.insert(scope, key)),
                None => missing.push(scope),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let names: Vec<Text> = missing.iter().map(Scope::name).collect();
        let stored = self.keys.current(tenant, &names).await.map_err(SealError::from)?;
        let (mut looked_up, mut to_make) = (Vec::new(), Vec::new());
        for (scope, key) in missing.into_iter().zip(stored) {
            match key {
                Some(key) => looked_up.push((scope, key)),
                None => to_make.push(scope),
            }
        }
        if !to_make.is_empty() {
            let new = to_make.iter().map(|scope| (scope.name(), self.new_key())).collect();
            let made = self.keys.create(tenant, new).await.map_err(SealError::from)?;
            looked_up.extend(to_make.into_iter().zip(made));
        }
        opened.note_current(looked_up.iter().map(|(scope, key)| (scope.name(), key.clone())));
        found.extend(looked_up);
        Ok(found)
    }

    /// What a commit is with everything in it sealed, and by which name its rows were known before.
    async fn seal(
        &self,
        tenant: &TenantId,
        opened: &Opened,
        commit: &Commit,
    ) -> Result<(Commit, BTreeMap<RowKey, RowKey>), StoreError> {
        let of_rows = commit.put.iter().map(|(row, _)| Scope::of_row(row));
        let scopes = of_rows.chain(commit.journal.iter().map(|draft| Scope::of_entry(&draft.subject))).collect();
        let keys = self.current(tenant, opened, scopes).await?;
        let mut sealed = Commit { expect: vec![(marker(), Some(opened.revision))], ..Commit::default() };
        let mut names = BTreeMap::new();
        for (row, revision) in &commit.expect {
            let stored = opened.names.stored(row);
            sealed.expect.push((stored.clone(), *revision));
            names.insert(stored, row.clone());
        }
        for (row, value) in &commit.put {
            let (stored, scope) = (opened.names.stored(row), Scope::of_row(row));
            let key = sealing(&keys, &scope)?;
            let mut plain = value.clone();
            if stored == *row {
                plain.push(0);
            } else {
                // The name that it is known by comes back with it: behind the value, with its length.
                plain.extend(row.key.as_bytes());
                plain.extend((row.key.len() as u64).to_be_bytes());
                plain.push(1);
            }
            let value = message::seal_row(key, self.new_salt(), &About::row(tenant, &stored), plain);
            sealed.put.push((stored, value.ok_or_else(|| SealError::TooLarge { scope: scope.shown() })?));
        }
        sealed.delete.extend(commit.delete.iter().map(|row| opened.names.stored(row)));
        for draft in &commit.journal {
            let key = sealing(&keys, &Scope::of_entry(&draft.subject))?;
            let payload = Payload { bytes: draft.payload.clone(), salt: draft.salt };
            let commitment = journal::commitment(&payload);
            let about = About::payload(tenant, draft.kind, &draft.subject, &commitment);
            let payload = self.seal_payload(key, (&about, &commitment), &draft.subject, &payload)?;
            sealed.journal.push(Draft { payload: payload.bytes, salt: payload.salt, ..draft.clone() });
        }
        Ok((sealed, names))
    }

    /// Seals a payload with its salt. What stands beside it in its place says nothing.
    fn seal_payload(
        &self,
        key: &SealKey,
        about: (&About, &crate::fingerprint::Digest),
        subject: &Text,
        payload: &Payload,
    ) -> Result<Payload, SealError> {
        let plain = [&payload.salt[..], &payload.bytes].concat();
        let bytes = message::seal_payload(key, self.new_salt(), about, plain);
        let bytes = bytes.ok_or_else(|| SealError::TooLarge { scope: subject.clone() })?;
        Ok(Payload { bytes, salt: [0; 16] })
    }
}

/// The key of a scope, which was looked up before.
fn sealing<'k>(keys: &'k BTreeMap<Scope, SealKey>, scope: &Scope) -> Result<&'k SealKey, SealError> {
    keys.get(scope).ok_or_else(|| SealError::KeyGone { scope: scope.shown() })
}

/// Whether what was read may read otherwise now: a key was destroyed meanwhile.
fn is_overtaken(error: &StoreError) -> bool {
    matches!(error, StoreError::Seal(SealError::KeyGone { .. }))
}

#[async_trait]
impl Store for SealedStore {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        let Some(opened) = self.open(tenant).await? else { return Ok(vec![None; keys.len()]) };
        let stored: Vec<RowKey> = keys.iter().map(|key| opened.names.stored(key)).collect();
        let mut reads = 1;
        loop {
            let mut rows = self.store.load(tenant, &stored).await?;
            let is_there: Vec<bool> =
                rows.iter().zip(&stored).map(|(row, key)| row.is_some() && *key != marker()).collect();
            let there = rows.iter_mut().zip(&stored).zip(&is_there);
            let there = there.filter_map(|((row, key), is_there)| Some((key.table, row.take().filter(|_| *is_there)?)));
            match self.open_rows(tenant, &opened, there.collect()).await {
                Err(error) if is_overtaken(&error) && reads < READS => reads += 1,
                Err(error) => return Err(error),
                Ok(rows) => {
                    let mut rows = rows.into_iter();
                    return Ok(is_there.into_iter().map(|is_there| is_there.then(|| rows.next()).flatten()).collect());
                }
            }
        }
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        require_whole(table, prefix)?;
        let Some(opened) = self.open(tenant).await? else { return Ok(Vec::new()) };
        let after = after.map(|after| opened.names.stored_place(table, after));
        let mut reads = 1;
        loop {
            // One more, for the marker is left out.
            let most = if table == Table::Meta { limit.saturating_add(1) } else { limit };
            let mut rows = self.store.scan(tenant, table, prefix, after.as_deref(), most).await?;
            rows.retain(|row| table != Table::Meta || row.key != marker().key);
            rows.truncate(limit);
            let rows = rows.into_iter().map(|row| (table, row)).collect();
            match self.open_rows(tenant, &opened, rows).await {
                Err(error) if is_overtaken(&error) && reads < READS => reads += 1,
                opened => return opened,
            }
        }
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        let is_marker = |row: &RowKey| *row == marker();
        let is_sealed = commit.put.iter().any(|(row, value)| is_marker(row) || mark::is_sealed(value))
            || commit.journal.iter().any(|draft| mark::is_sealed(&draft.payload));
        if is_sealed || commit.delete.iter().any(is_marker) {
            return Err(SealError::SealedAlready { tenant: tenant.clone() }.into());
        }
        loop {
            let opened = self.open_or_make(tenant).await?;
            let (sealed, mut names) = self.seal(tenant, &opened, &commit).await?;
            match self.store.commit(tenant, sealed).await? {
                // A key was retired meanwhile: what it sealed was not written, and is sealed anew.
                Committed::Lost { key } if key == marker() => self.close(tenant),
                Committed::Lost { key } => return Ok(Committed::Lost { key: names.remove(&key).unwrap_or(key) }),
                done @ Committed::Done { .. } => return Ok(done),
            }
        }
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let Some(opened) = self.open(tenant).await? else { return Ok(Vec::new()) };
        let page = self.store.journal(tenant, after, limit).await?;
        self.open_entries(tenant, &opened, page).await
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let Some(opened) = self.open(tenant).await? else { return Ok(Vec::new()) };
        let page = self.store.journal_about(tenant, subject, after, limit).await?;
        self.open_entries(tenant, &opened, page).await
    }

    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        self.open(tenant).await?;
        self.store.journal_place(tenant, at).await
    }

    async fn take_over(
        &self,
        tenant: &TenantId,
        start: Head,
        entries: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Result<Head, Broken>, StoreError> {
        if entries.iter().flat_map(|(_, payload)| payload).any(|payload| mark::is_sealed(&payload.bytes)) {
            return Err(SealError::SealedAlready { tenant: tenant.clone() }.into());
        }
        let opened = self.open_or_make(tenant).await?;
        let with_payload = entries.iter().filter(|(_, payload)| payload.is_some());
        let scopes = with_payload.map(|(entry, _)| Scope::of_entry(&entry.subject)).collect();
        let keys = self.current(tenant, &opened, scopes).await?;
        let mut sealed = Vec::with_capacity(entries.len());
        for (entry, payload) in entries {
            let payload = match payload {
                Some(payload) if journal::commitment(&payload) == entry.commitment => {
                    let key = sealing(&keys, &Scope::of_entry(&entry.subject))?;
                    let about = About::entry(tenant, &entry);
                    Some(self.seal_payload(key, (&about, &entry.commitment), &entry.subject, &payload)?)
                }
                // The store finds it for itself, and takes none of them.
                other => other,
            };
            sealed.push((entry, payload));
        }
        self.store.take_over(tenant, start, sealed).await
    }

    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        self.open(tenant).await?;
        self.store.cut(tenant, until).await
    }

    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        self.open(tenant).await?;
        self.store.expire(tenant, kind, until).await
    }

    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
        self.open(tenant).await?;
        self.store.erase_until(tenant, subject, until).await
    }

    async fn forget(&self, tenant: &TenantId, subjects: &[Text]) -> Result<(), StoreError> {
        self.destroy_keys(tenant, subjects).await?;
        self.store.forget(tenant, subjects).await
    }

    async fn drop_unreadable(&self, tenant: &TenantId) -> Result<BTreeMap<Table, u64>, StoreError> {
        self.drop_keyless(tenant).await
    }
}
