//! Export: a tenant as a file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::line::Line;
use super::reading::{Part, Reading, failed};
use super::{COMPACTED, FORMAT, Progress, TransferError, Transferred};
use crate::checkpoint::{Compaction, compaction_key};
use crate::fingerprint::Digest;
use crate::id::TenantId;
use crate::journal::{self, Head};
use crate::store::{RowKey, Store, Table};

/// How much is read at once.
const ENTRIES: usize = 1_000;
const ROWS: usize = 1_000;

/// Writes everything that a store holds of a tenant to a file, and says how far it is after every page.
///
/// It is written beside, under the name with `.part` behind it, and gets its name when it is whole and on disk. If it was
/// interrupted, the same call goes on where it stopped.
///
/// Blocks the thread while the file is written.
///
/// # Errors
///
/// [`TransferError::Moving`] if somebody wrote to the tenant, or compacted it, meanwhile: then the call after it begins anew.
/// [`TransferError::Journal`] if the chain does not hold.
pub async fn export(
    store: &dyn Store,
    tenant: &TenantId,
    path: &Path,
    mut told: impl FnMut(Progress) + Send,
) -> Result<Transferred, TransferError> {
    let part = beside(path);
    let start = beginning(store, tenant).await?;
    let mut writing = Writing::resume(&part, tenant, start)?;
    let mut result = writing.everything(store, tenant, &mut told).await;
    if matches!(result, Err(TransferError::Journal(_))) && beginning(store, tenant).await? != start {
        // It was compacted meanwhile, and is no broken chain.
        result = Err(TransferError::Moving { tenant: tenant.clone() });
    }
    if let Err(TransferError::Moving { .. }) = &result {
        drop(writing);
        fs::remove_file(&part).map_err(failed(&part, "removed"))?;
    }
    let done = result?;
    fs::rename(&part, path).map_err(failed(path, "given its name"))?;
    Ok(done)
}

/// Where the tenant's journal begins: what stands before is gone, though it may not be deleted yet.
async fn beginning(store: &dyn Store, tenant: &TenantId) -> Result<Head, TransferError> {
    let row = store.load(tenant, &[compaction_key()]).await?.into_iter().next().flatten();
    let Some(row) = row else { return Ok(Head::default()) };
    let compaction: Compaction = serde_json::from_slice(&row.value).map_err(|_| TransferError::Beginning)?;
    Ok(compaction.start())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// An export being written.
struct Writing {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    done: Transferred,
    journal_ended: bool,
    last: Option<RowKey>,
}

impl Writing {
    /// Goes on behind the last whole line of what was written before, or begins.
    fn resume(path: &Path, tenant: &TenantId, start: Head) -> Result<Self, TransferError> {
        let before = path.try_exists().map_err(failed(path, "looked for"))?;
        let Some(before) = before.then(|| Self::read(path, tenant, start)).transpose()?.flatten() else {
            let file = File::create(path).map_err(failed(path, "created"))?;
            let mut writing = Self {
                path: path.to_owned(),
                file: BufWriter::with_capacity(1 << 20, file),
                hash: Sha256::new(),
                done: Transferred { head: start, ..Transferred::default() },
                journal_ended: false,
                last: None,
            };
            // An export of a whole journal is as it ever was.
            let (format, start) =
                if start == Head::default() { (FORMAT, None) } else { (COMPACTED, Some(start.into())) };
            writing.line(&Line::Accordant { format, tenant: tenant.as_str().into(), start })?;
            return Ok(writing);
        };
        let file = OpenOptions::new().append(true).open(path).map_err(failed(path, "opened"))?;
        file.set_len(before.bytes).map_err(failed(path, "cut behind its last line"))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 20, file),
            done: before.read,
            journal_ended: before.journal_ended(),
            last: before.last_row().cloned(),
            hash: before.into_hash(),
        })
    }

    /// What was written before. `None` if it is nothing to go on from: it is begun anew then.
    fn read(path: &Path, tenant: &TenantId, start: Head) -> Result<Option<Reading>, TransferError> {
        let mut reading = match Reading::of(path, tenant) {
            Ok(reading) if reading.start == start => reading,
            Ok(_) => return Ok(None),
            Err(error @ TransferError::File { .. }) => return Err(error),
            Err(_) => return Ok(None),
        };
        loop {
            match reading.next_part() {
                Ok(Some(Part::End(_))) => return Ok(None),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Some(reading)),
                Err(error @ TransferError::File { .. }) => return Err(error),
                Err(_) => return Ok(None),
            }
        }
    }

    async fn everything(
        &mut self,
        store: &dyn Store,
        tenant: &TenantId,
        told: &mut (impl FnMut(Progress) + Send),
    ) -> Result<Transferred, TransferError> {
        while !self.journal_ended {
            let page = store.journal(tenant, self.done.head.seq, ENTRIES).await?;
            if page.is_empty() {
                self.journal_ended = true;
                let head = self.done.head.into();
                self.line(&Line::Journal { head })?;
            }
            for (entry, payload) in page {
                let head = journal::verify(self.done.head, &entry, payload.as_ref()).map_err(TransferError::Journal)?;
                self.line(&Line::entry(entry, payload))?;
                self.done.head = head;
                self.done.entries += 1;
            }
            told(self.progress());
        }
        self.require_quiet(store, tenant, self.done.head).await?;
        for table in Table::ALL {
            let mut after = match &self.last {
                Some(last) if last.table > table => continue,
                Some(last) if last.table == table => Some(last.key.clone()),
                _ => None,
            };
            loop {
                let rows = store.scan(tenant, table, "", after.as_deref(), ROWS).await?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                self.done.rows += rows.len() as u64;
                for row in rows {
                    self.line(&Line::row(table, row.key, row.value))?;
                }
                told(self.progress());
            }
        }
        self.require_quiet(store, tenant, self.done.head).await?;
        let sha256 = Digest(self.hash.clone().finalize().into());
        self.line(&Line::End { entries: self.done.entries, rows: self.done.rows, sha256 })?;
        self.file.flush().map_err(failed(&self.path, "written"))?;
        self.file.get_ref().sync_all().map_err(failed(&self.path, "brought to disk"))?;
        Ok(self.done)
    }

    /// Rows are those of the journal's end only if it is still the end.
    async fn require_quiet(&self, store: &dyn Store, tenant: &TenantId, head: Head) -> Result<(), TransferError> {
        match store.journal(tenant, head.seq, 1).await?.is_empty() {
            true => Ok(()),
            false => Err(TransferError::Moving { tenant: tenant.clone() }),
        }
    }

    fn progress(&self) -> Progress {
        let of_entries = self.journal_ended.then_some(self.done.entries);
        Progress { entries: self.done.entries, rows: self.done.rows, of_entries, of_rows: None }
    }

    fn line(&mut self, line: &Line) -> Result<(), TransferError> {
        let text = serde_json::to_vec(line).map_err(std::io::Error::from);
        let mut text = text.map_err(failed(&self.path, "written"))?;
        text.push(b'\n');
        self.hash.update(&text);
        self.file.write_all(&text).map_err(failed(&self.path, "written"))
    }
}
