//! Import: a tenant from a file.

use std::path::Path;

use super::reading::{Part, Reading};
use super::{Progress, TransferError, Transferred};
use crate::fingerprint::Digest;
use crate::id::TenantId;
use crate::journal::{Entry, Head, Payload};
use crate::seal::mark;
use crate::store::{Commit, RowKey, Store, Table};

/// How much is written at once.
const ENTRIES: usize = 2_000;
const ROWS: usize = 2_000;
const BYTES: usize = 4 << 20;

/// The row that marks an import under way. It holds the digest of the file.
fn marker() -> RowKey {
    RowKey::new(Table::Meta, "\u{1f}import")
}

/// Reads an export of a tenant to its end and checks that it is whole, as it was written, and that its chain holds.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(path: &Path, tenant: &TenantId) -> Result<Transferred, TransferError> {
    checked(path, tenant).map(|whole| whole.all)
}

/// A file that was read to its end.
struct Whole {
    all: Transferred,
    digest: Digest,
    /// The row that says that the tenant is sealed in it.
    seal: Option<Vec<u8>>,
}

fn checked(path: &Path, tenant: &TenantId) -> Result<Whole, TransferError> {
    let (mut reading, mut seal) = (Reading::of(path, tenant)?, None);
    loop {
        match reading.next_part()? {
            Some(Part::End(digest)) => return Ok(Whole { all: reading.read, digest, seal }),
            Some(Part::Row(key, value)) if key == mark::marker() => seal = Some(value),
            Some(_) => {}
            None => return Err(reading.wrong("the file ends before its end was written")),
        }
    }
}

/// Puts everything that a file holds of a tenant into a store that holds nothing of it, and says how far it is after
/// every page.
///
/// The file is read twice: nothing is written before it was found to be whole. If an import was interrupted, the same call
/// goes on where it stopped; until it is done, a row of the table `meta` marks it.
///
/// Blocks the thread while the file is read.
///
/// # Errors
///
/// [`TransferError::NotEmpty`] if the store holds something of the tenant that an import of this file did not put there. A file that was
/// exported below a seal is refused by a store that seals ([`SealError::SealedAlready`](crate::seal::SealError::SealedAlready)).
pub async fn import(
    store: &dyn Store,
    tenant: &TenantId,
    path: &Path,
    mut told: impl FnMut(Progress) + Send,
) -> Result<Transferred, TransferError> {
    let Whole { all, digest, seal } = checked(path, tenant)?;
    let began = begin(store, tenant, digest, seal).await?;
    let mut importing = Importing {
        store,
        tenant,
        progress: Progress { of_entries: Some(all.entries), of_rows: Some(all.rows), ..Progress::default() },
        start: Head::default(),
        there: began,
        entries: Vec::new(),
        rows: Vec::new(),
        bytes: 0,
    };
    let mut reading = Reading::of(path, tenant)?;
    importing.start = reading.start;
    while let Some(part) = reading.next_part()? {
        match part {
            Part::Entry(entry, payload) => importing.entry(entry, payload, &mut told).await?,
            Part::Journal => importing.put_entries(&mut told).await?,
            Part::Row(key, value) => importing.row(key, value, &mut told).await?,
            Part::End(_) => importing.put_rows(&mut told).await?,
        }
    }
    if reading.read != all {
        return Err(reading.wrong("the file was changed while it was read"));
    }
    let unmarked = store.commit(tenant, Commit { delete: vec![marker()], ..Commit::default() }).await;
    // That it failed does not say that it did not happen; and then there is nothing left to go on with.
    if let Err(error) = unmarked
        && store.load(tenant, &[marker()]).await?.into_iter().flatten().next().is_some()
    {
        return Err(error.into());
    }
    Ok(all)
}

/// Marks the import, unless it is marked already. Gives the end of the journal that is there.
///
/// What says that the file is sealed is put at once: a store that seals refuses it before anything is there.
async fn begin(
    store: &dyn Store,
    tenant: &TenantId,
    digest: Digest,
    seal: Option<Vec<u8>>,
) -> Result<Head, TransferError> {
    let marked = store.load(tenant, &[marker()]).await?.into_iter().flatten().next();
    match marked {
        Some(row) if row.value == digest.to_string().as_bytes() => return end(store, tenant).await,
        Some(_) => return Err(TransferError::NotEmpty { tenant: tenant.clone() }),
        None => {}
    }
    let mut holds = !store.journal(tenant, 0, 1).await?.is_empty();
    for table in Table::ALL {
        holds |= !store.scan(tenant, table, "", None, 1).await?.is_empty();
    }
    let value = digest.to_string().into_bytes();
    let put = [(marker(), value)].into_iter().chain(seal.map(|seal| (mark::marker(), seal))).collect();
    let mark = Commit { expect: vec![(marker(), None)], put, ..Commit::default() };
    match !holds && matches!(store.commit(tenant, mark).await?, crate::store::Committed::Done { .. }) {
        true => Ok(Head::default()),
        false => Err(TransferError::NotEmpty { tenant: tenant.clone() }),
    }
}

/// The end of the journal.
async fn end(store: &dyn Store, tenant: &TenantId) -> Result<Head, TransferError> {
    let last = store.journal_place(tenant, i64::MAX).await?;
    let page = store.journal(tenant, last.saturating_sub(1), 1).await?;
    Ok(page.last().map(|(entry, _)| Head { seq: entry.seq, digest: entry.digest }).unwrap_or_default())
}

struct Importing<'a> {
    store: &'a dyn Store,
    tenant: &'a TenantId,
    progress: Progress,
    /// Where the file's journal begins.
    start: Head,
    /// The end of the journal that was there before.
    there: Head,
    entries: Vec<(Entry, Option<Payload>)>,
    rows: Vec<(RowKey, Vec<u8>)>,
    bytes: usize,
}

impl Importing<'_> {
    async fn entry(
        &mut self,
        entry: Entry,
        payload: Option<Payload>,
        told: &mut (impl FnMut(Progress) + Send),
    ) -> Result<(), TransferError> {
        if entry.seq <= self.there.seq {
            if entry.seq == self.there.seq && entry.digest != self.there.digest {
                return Err(TransferError::NotEmpty { tenant: self.tenant.clone() });
            }
            self.progress.entries += 1;
            return Ok(());
        }
        self.bytes += payload.as_ref().map_or(0, |payload| payload.bytes.len());
        self.entries.push((entry, payload));
        if self.entries.len() >= ENTRIES || self.bytes >= BYTES {
            self.put_entries(told).await?;
        }
        Ok(())
    }

    async fn put_entries(&mut self, told: &mut (impl FnMut(Progress) + Send)) -> Result<(), TransferError> {
        let entries = std::mem::take(&mut self.entries);
        self.bytes = 0;
        self.progress.entries += entries.len() as u64;
        if !entries.is_empty() {
            self.store.take_over(self.tenant, self.start, entries).await?.map_err(TransferError::Journal)?;
        }
        told(self.progress);
        Ok(())
    }

    async fn row(
        &mut self,
        key: RowKey,
        value: Vec<u8>,
        told: &mut (impl FnMut(Progress) + Send),
    ) -> Result<(), TransferError> {
        self.bytes += value.len();
        self.rows.push((key, value));
        if self.rows.len() >= ROWS || self.bytes >= BYTES {
            self.put_rows(told).await?;
        }
        Ok(())
    }

    async fn put_rows(&mut self, told: &mut (impl FnMut(Progress) + Send)) -> Result<(), TransferError> {
        let put = std::mem::take(&mut self.rows);
        self.bytes = 0;
        self.progress.rows += put.len() as u64;
        // A row that an interrupted import put already is put again: it has the same value.
        self.store.commit(self.tenant, Commit { put, ..Commit::default() }).await?;
        told(self.progress);
        Ok(())
    }
}
