//! Reading an export, line by line, and checking what it says of itself.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::line::{Line, row_key};
use super::{COMPACTED, FORMAT, TransferError, Transferred};
use crate::fingerprint::Digest;
use crate::id::TenantId;
use crate::journal::{self, Entry, Head, Payload};
use crate::store::RowKey;

/// What an export is made of.
#[derive(Debug)]
pub(super) enum Part {
    Entry(Entry, Option<Payload>),
    /// All entries were read.
    Journal,
    Row(RowKey, Vec<u8>),
    /// All was read, and it is whole.
    End(Digest),
}

/// An export being read. What it gives out was checked as far as it goes; that it is whole, only its end shows.
pub(super) struct Reading {
    path: PathBuf,
    file: BufReader<File>,
    hash: Sha256,
    line: u64,
    /// The end of the journal before its first entry.
    pub(super) start: Head,
    /// How many bytes were given out as parts.
    pub(super) bytes: u64,
    pub(super) read: Transferred,
    journal_ended: bool,
    /// The last row: tables stand in order.
    last: Option<RowKey>,
}

impl Reading {
    /// Opens an export of a tenant.
    pub(super) fn of(path: &Path, tenant: &TenantId) -> Result<Self, TransferError> {
        let file = File::open(path).map_err(failed(path, "opened"))?;
        let mut reading = Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 20, file),
            hash: Sha256::new(),
            line: 0,
            start: Head::default(),
            bytes: 0,
            read: Transferred::default(),
            journal_ended: false,
            last: None,
        };
        match reading.next_line()? {
            Some(Line::Accordant { format, .. }) if ![FORMAT, COMPACTED].contains(&format) => {
                Err(TransferError::Format { found: format, supported: COMPACTED })
            }
            Some(Line::Accordant { tenant: found, .. }) if *found != *tenant.as_str() => {
                Err(TransferError::Tenant { expected: tenant.clone(), found: TenantId::new(&found) })
            }
            Some(Line::Accordant { format, start, .. }) if (format == COMPACTED) == start.is_some() => {
                reading.start = start.map(Head::from).unwrap_or_default();
                reading.read.head = reading.start;
                Ok(reading)
            }
            _ => Err(reading.wrong("it does not begin as an export does")),
        }
    }

    /// The next part; `None` where a file ends that was not written to its end.
    pub(super) fn next_part(&mut self) -> Result<Option<Part>, TransferError> {
        let before = Digest(self.hash.clone().finalize().into());
        let Some(line) = self.next_line()? else { return Ok(None) };
        let part = match line {
            Line::Entry { entry, payload } if !self.journal_ended => {
                let payload = match payload {
                    Some(payload) => Some(payload.payload().ok_or_else(|| self.wrong("a payload cannot be read"))?),
                    None => None,
                };
                let head = journal::verify(self.read.head, &entry, payload.as_ref()).map_err(TransferError::Journal)?;
                self.read.head = head;
                self.read.entries += 1;
                Part::Entry(entry, payload)
            }
            Line::Journal { head } if !self.journal_ended && Head::from(head) == self.read.head => {
                self.journal_ended = true;
                Part::Journal
            }
            Line::Row { table, key, value } if self.journal_ended => {
                let key = row_key(&table, key).ok_or_else(|| self.wrong("there is no such table"))?;
                // Within a table, a sealed store has an order of its own.
                if self.last.as_ref().is_some_and(|last| last.table > key.table || *last == key) {
                    return Err(self.wrong("a row is out of place"));
                }
                self.last = Some(key.clone());
                self.read.rows += 1;
                Part::Row(key, value.bytes().ok_or_else(|| self.wrong("a value cannot be read"))?)
            }
            Line::End { entries, rows, sha256 } if self.journal_ended => {
                if (entries, rows, sha256) != (self.read.entries, self.read.rows, before) {
                    return Err(self.wrong("it is not the end of what stands before it"));
                }
                if self.next_line()?.is_some() {
                    return Err(self.wrong("something stands behind the end"));
                }
                Part::End(before)
            }
            _ => return Err(self.wrong("it is out of place")),
        };
        Ok(Some(part))
    }

    /// The next whole line.
    fn next_line(&mut self) -> Result<Option<Line>, TransferError> {
        let mut text = Vec::new();
        let read = self.file.read_until(b'\n', &mut text).map_err(failed(&self.path, "read"))?;
        if read == 0 || text.last() != Some(&b'\n') {
            // Nothing, or the beginning of a line that was not written to its end.
            return Ok(None);
        }
        self.line += 1;
        let line = serde_json::from_slice(&text).map_err(|_| self.wrong("it is no line of an export"))?;
        self.hash.update(&text);
        self.bytes += read as u64;
        Ok(Some(line))
    }

    /// The last row that was read.
    pub(super) const fn last_row(&self) -> Option<&RowKey> {
        self.last.as_ref()
    }

    /// Whether all entries were read.
    pub(super) const fn journal_ended(&self) -> bool {
        self.journal_ended
    }

    /// The digest of what was read, to go on from.
    pub(super) fn into_hash(self) -> Sha256 {
        self.hash
    }

    pub(super) fn wrong(&self, why: &'static str) -> TransferError {
        TransferError::Line { path: self.path.clone(), line: self.line, why }
    }
}

/// Says what was being done with a file.
pub(super) fn failed(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> TransferError {
    let path = path.to_owned();
    move |source| TransferError::File { path, doing, source }
}
