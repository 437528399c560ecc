//! Blocks of a file that end where a row ends.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::file::Source;
use crate::batch::{BYTES, Batch, LONGEST};
use crate::error::SnapshotError;

/// Finds rows in bytes that begin with one, and adds them to the batch.
pub(crate) trait Rows {
    /// How many bytes there are up to the end of the last whole row. `last`: nothing comes behind these bytes. `row` is the number
    /// of the first.
    fn find(&self, bytes: usize, last: bool, row: u64, batch: &mut Batch) -> Result<usize, SnapshotError>;
}

/// A file, block by block.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    file: Option<File>,
    /// The beginning of a row whose end was not read yet.
    rest: Vec<u8>,
    /// Where that stands in the file.
    at: u64,
    /// How many rows were given out.
    pub(crate) row: u64,
    ended: bool,
}

impl Lines {
    /// From a place in the file.
    pub(crate) fn begin(&mut self, mut file: File, place: u64, row: u64) -> Result<(), SnapshotError> {
        file.seek(SeekFrom::Start(place)).map_err(SnapshotError::Read)?;
        *self = Self { file: Some(file), rest: Vec::new(), at: place, row, ended: false };
        Ok(())
    }

    pub(crate) const fn place(&self) -> u64 {
        self.at
    }

    /// The next rows. Whether there were any.
    pub(crate) fn next(&mut self, source: &Source, rows: &impl Rows, batch: &mut Batch) -> Result<bool, SnapshotError> {
        batch.begin_within(self.at);
        let Some(file) = &mut self.file else { return Ok(false) };
        let mut filled = self.rest.len();
        // Behind a row longer than a block, more than a block may be left.
        let mut most = BYTES.max(filled);
        if batch.bytes.len() < filled {
            batch.bytes.resize(filled, 0);
        }
        batch.bytes[..filled].copy_from_slice(&self.rest);
        while !self.ended {
            if batch.bytes.len() < most {
                batch.bytes.resize(most, 0);
            }
            match file.read(&mut batch.bytes[filled..most]) {
                Ok(0) if filled < most => self.ended = true,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SnapshotError::Read(error)),
            }
            if filled < most && !self.ended {
                continue;
            }
            let used = rows.find(filled, self.ended, self.row, batch)?;
            if !batch.is_empty() || self.ended {
                self.rest.clear();
                self.rest.extend_from_slice(&batch.bytes[used..filled]);
                self.at += used as u64;
                self.row += batch.len() as u64;
                break;
            }
            // A row that is longer than the block, or lines of nothing.
            if most >= LONGEST {
                return Err(SnapshotError::TooLong { row: self.row, most: LONGEST });
            }
            batch.begin_within(self.at);
            most = (most * 2).min(LONGEST);
        }
        if self.ended {
            source.unchanged(file)?;
        }
        Ok(!batch.is_empty())
    }
}
