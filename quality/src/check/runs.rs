//! Sorted files of keys, and reading several of them as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{CheckError, Settings};

/// A key, the first row that has it, and how many have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    pub(crate) key: Vec<u8>,
    pub(crate) first: u64,
    pub(crate) rows: u64,
}

/// Counted keys in a temporary file, in order, each once. The file has no name, and is gone when the run is.
#[derive(Debug)]
pub(crate) struct Run {
    file: Mutex<File>,
    keys: u64,
    /// What is added to each first row.
    shift: u64,
}

/// How much of a file is read at once.
const BUFFER: usize = 64 << 10;

impl Run {
    /// Writes what comes in order.
    pub(crate) fn write(
        keys: impl IntoIterator<Item = Result<Counted, CheckError>>,
        settings: &Settings,
    ) -> Result<Self, CheckError> {
        let file = match &settings.spill {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        let mut out = BufWriter::with_capacity(BUFFER, file.map_err(CheckError::Spill)?);
        let mut written = 0;
        for counted in keys {
            let counted = counted?;
            let mut write = || -> io::Result<()> {
                out.write_all(&(counted.key.len() as u64).to_le_bytes())?;
                out.write_all(&counted.first.to_le_bytes())?;
                out.write_all(&counted.rows.to_le_bytes())?;
                out.write_all(&counted.key)
            };
            write().map_err(CheckError::Spill)?;
            written += 1;
        }
        let file = out.into_inner().map_err(|error| CheckError::Spill(error.into_error()))?;
        Ok(Self { file: Mutex::new(file), keys: written, shift: 0 })
    }

    /// As the run of rows that stand `rows` later.
    pub(crate) fn shifted(mut self, rows: u64) -> Self {
        self.shift = self.shift.saturating_add(rows);
        self
    }

    fn read(&self) -> Result<Reading<'_>, CheckError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0)).map_err(CheckError::Spill)?;
        Ok(Reading { file: BufReader::with_capacity(BUFFER, Locked(file)), left: self.keys, shift: self.shift })
    }
}

#[derive(Debug)]
struct Locked<'r>(MutexGuard<'r, File>);

impl Read for Locked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

#[derive(Debug)]
struct Reading<'r> {
    file: BufReader<Locked<'r>>,
    left: u64,
    shift: u64,
}

impl Reading<'_> {
    fn next(&mut self) -> Result<Option<Counted>, CheckError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut read = || -> io::Result<Counted> {
            let mut number = || -> io::Result<u64> {
                let mut bytes = [0; 8];
                self.file.read_exact(&mut bytes)?;
                Ok(u64::from_le_bytes(bytes))
            };
            let (len, first, rows) = (number()?, number()?, number()?);
            let mut key = vec![0; usize::try_from(len).map_err(io::Error::other)?];
            self.file.read_exact(&mut key)?;
            Ok(Counted { key, first: first.saturating_add(self.shift), rows })
        };
        read().map(Some).map_err(CheckError::Spill)
    }
}

/// Several runs, and keys in memory, read as one: in order, each key once.
pub(crate) struct Sorted<'r, M> {
    runs: Vec<Reading<'r>>,
    memory: M,
    /// What comes next of each run, and of memory, whose number is that of the runs.
    heads: BinaryHeap<Reverse<(Counted, usize)>>,
}

impl<'r, M: Iterator<Item = Counted>> Sorted<'r, M> {
    pub(crate) fn new(runs: &'r [Run], memory: M) -> Result<Self, CheckError> {
        let runs = runs.iter().map(Run::read).collect::<Result<Vec<_>, _>>()?;
        let mut sorted = Self { runs, memory, heads: BinaryHeap::new() };
        for source in 0..=sorted.runs.len() {
            if let Some(counted) = sorted.after(source)? {
                sorted.heads.push(Reverse((counted, source)));
            }
        }
        Ok(sorted)
    }

    fn after(&mut self, source: usize) -> Result<Option<Counted>, CheckError> {
        match self.runs.get_mut(source) {
            Some(run) => run.next(),
            None => Ok(self.memory.next()),
        }
    }

    /// Takes the least head.
    fn pop(&mut self) -> Result<Option<Counted>, CheckError> {
        let Some(Reverse((_, source))) = self.heads.peek() else { return Ok(None) };
        let next = self.after(*source)?;
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        Ok(Some(match next {
            Some(next) => std::mem::replace(&mut head.0.0, next),
            None => PeekMut::pop(head).0.0,
        }))
    }

    fn next_key(&mut self) -> Result<Option<Counted>, CheckError> {
        let Some(mut counted) = self.pop()? else { return Ok(None) };
        while self.heads.peek().is_some_and(|Reverse((head, _))| head.key == counted.key) {
            if let Some(same) = self.pop()? {
                counted.first = counted.first.min(same.first);
                counted.rows = counted.rows.saturating_add(same.rows);
            }
        }
        Ok(Some(counted))
    }
}

impl<M: Iterator<Item = Counted>> Iterator for Sorted<'_, M> {
    type Item = Result<Counted, CheckError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_key().transpose()
    }
}
