//! The log of an index: every record and decision, durable before it is answered, and read back at open.
//!
//! A line per entry. A last line that was cut off was never answered, and is left out; a damaged line elsewhere is an error.

mod file;

use std::io::{self, BufRead};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cluster::Rails;
use crate::decision::{Decision, Decisions, RecordName};
use crate::index::{Change, Index};
use crate::model::Model;
use crate::table::Table;

pub use file::LogFile;

/// Where entries are kept. The only edge of this crate that does I/O, and it is the caller's.
pub trait Durable {
    /// Appends bytes; when it returns they outlive a crash.
    ///
    /// # Errors
    ///
    /// What the medium says. Nothing is taken in then.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

impl Durable for Vec<u8> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry<'a> {
    Put {
        #[serde(flatten)]
        record: RecordName,
        values: Vec<std::borrow::Cow<'a, str>>,
    },
    Remove(RecordName),
    Decide(Decision),
}

/// Why an index could not be opened, or took nothing in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The medium failed.
    #[error("the log of the index cannot be read or written")]
    Medium(#[from] io::Error),
    /// A line is no entry, and is not the last.
    #[error("line {line} of the index's log is damaged")]
    Damaged {
        /// Its number, from 1.
        line: usize,
    },
}

/// An index with its log.
#[derive(Debug)]
pub struct Logged<D> {
    index: Index,
    log: D,
}

impl<D: Durable> Logged<D> {
    /// Opens an index: reads the log back, and goes on writing it.
    ///
    /// # Errors
    ///
    /// [`LogError`] if the log cannot be read, or is damaged elsewhere than at its end.
    pub fn open(model: Arc<Model>, rails: Rails, mut written: impl BufRead, log: D) -> Result<Self, LogError> {
        let mut table = Table::new(model.schema.clone());
        let mut decisions = Decisions::default();
        let mut removed: Vec<(usize, RecordName)> = Vec::new();
        let mut line = Vec::new();
        let mut number = 0;
        while written.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            let whole = line.ends_with(b"\n");
            match serde_json::from_slice(&line) {
                Ok(Entry::Put { record, values }) if whole => drop(table.push(&record.id, &record.system, &values)),
                Ok(Entry::Remove(record)) if whole => removed.push((table.rows(), record)),
                Ok(Entry::Decide(decision)) if whole => decisions.add(decision),
                _ if !whole => break,
                _ => return Err(LogError::Damaged { line: number }),
            }
            line.clear();
        }
        let mut index = Index::of(model, table, rails, decisions);
        // A record that came again after it went is not gone.
        for (rows, record) in removed {
            if index.row_of(&record).is_some_and(|row| (row as usize) < rows) {
                index.remove(&record);
            }
        }
        Ok(Self { index, log })
    }

    /// Takes a record in: durable when this returns.
    ///
    /// # Errors
    ///
    /// [`LogError::Medium`]: nothing was taken in.
    pub fn put<V: AsRef<str>>(&mut self, record: &RecordName, values: &[V]) -> Result<Vec<Change>, LogError> {
        let held = values.iter().map(|value| value.as_ref().into()).collect();
        self.write(&Entry::Put { record: record.clone(), values: held })?;
        Ok(self.index.put(record, values))
    }

    /// Lets a record go.
    ///
    /// # Errors
    ///
    /// [`LogError::Medium`]: the record stays.
    pub fn remove(&mut self, record: &RecordName) -> Result<Vec<Change>, LogError> {
        self.write(&Entry::Remove(record.clone()))?;
        Ok(self.index.remove(record))
    }

    /// Takes a decision in.
    ///
    /// # Errors
    ///
    /// [`LogError::Medium`]: the decision was not taken in.
    pub fn decide(&mut self, decision: Decision) -> Result<Vec<Change>, LogError> {
        self.write(&Entry::Decide(decision.clone()))?;
        Ok(self.index.decide(decision))
    }

    /// The index.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &D {
        &self.log
    }

    fn write(&mut self, entry: &Entry<'_>) -> Result<(), LogError> {
        let mut line = serde_json::to_vec(entry).map_err(io::Error::from)?;
        line.push(b'\n');
        Ok(self.log.append(&line)?)
    }
}
