//! Rows in order that did not come so: sorted in memory, run by run, kept in files, and read as one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use crate::batch::Batch;
use crate::error::SweepError;
use crate::order::Order;

/// How much of a file is read or written at once.
const BUFFER: usize = 64 << 10;

/// How many files are open at most.
const MOST: usize = 128;

/// Takes rows in any order.
#[derive(Debug)]
pub(crate) struct Sorter {
    order: Order,
    folder: Option<PathBuf>,
    rows: Rows,
    /// How many bytes of rows, and how many rows, memory holds.
    room: (usize, usize),
    /// How many runs are merged into one.
    fan_in: usize,
    /// With how often what is in them was merged: of one number there are fewer than are merged. Former rows stand before later ones.
    runs: Vec<(u32, File)>,
}

/// Rows one behind the other, each behind its key.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    from: u32,
    row: u32,
    to: u32,
}

impl Rows {
    fn key(&self, place: Place) -> &[u8] {
        &self.bytes[place.from as usize..place.row as usize]
    }

    fn row(&self, place: Place) -> &[u8] {
        &self.bytes[place.row as usize..place.to as usize]
    }

    /// Brings them into order; those of one key as they came.
    fn sort(&mut self, order: Order) {
        let mut places = std::mem::take(&mut self.places);
        places.sort_unstable_by(|one, other| {
            order.compare(self.key(*one), self.key(*other)).then(one.from.cmp(&other.from))
        });
        self.places = places;
    }
}

impl Sorter {
    /// Takes about so many bytes of memory: for rows in it, and for reading files. A row that is longer alone takes more.
    pub(crate) fn new(order: Order, memory: usize, folder: Option<PathBuf>) -> Self {
        let bytes = (memory / 2).min(u32::MAX as usize / 2);
        let rows = memory / 4 / size_of::<Place>();
        // A run that is read has a buffer, and the row that comes next.
        let fan_in = (memory / 4 / BUFFER).clamp(2, MOST / 4);
        Self { order, folder, rows: Rows::default(), room: (bytes, rows), fan_in, runs: Vec::new() }
    }

    /// Takes a row.
    #[expect(clippy::cast_possible_truncation, reason = "there is room for less than 4 GiB")]
    pub(crate) fn push(&mut self, key: &[u8], row: &[u8]) -> Result<(), SweepError> {
        let (bytes, rows) = self.room;
        let full = self.rows.bytes.len() + key.len() + row.len() > bytes || self.rows.places.len() >= rows;
        if full && !self.rows.places.is_empty() {
            self.spill()?;
        }
        if self.rows.bytes.capacity() == 0 {
            // Vectors that double would take twice as much for a while. What is not touched takes nothing.
            self.rows.bytes.reserve_exact(bytes);
            self.rows.places.reserve_exact(rows);
        }
        let held = &mut self.rows;
        let from = held.bytes.len() as u32;
        held.bytes.extend_from_slice(key);
        let middle = held.bytes.len() as u32;
        held.bytes.extend_from_slice(row);
        held.places.push(Place { from, row: middle, to: held.bytes.len() as u32 });
        Ok(())
    }

    /// Writes what memory holds into a file.
    fn spill(&mut self) -> Result<(), SweepError> {
        self.rows.sort(self.order);
        let mut run = Writing::new(self.folder.as_ref())?;
        for place in &self.rows.places {
            run.push(self.rows.key(*place), self.rows.row(*place))?;
        }
        self.rows.bytes.clear();
        self.rows.places.clear();
        self.runs.push((0, run.file()?));
        self.merge_full()
    }

    /// Merges runs that were merged as often as one another, as soon as there are enough of them.
    fn merge_full(&mut self) -> Result<(), SweepError> {
        while let Some((level, _)) = self.runs.last() {
            let level = *level;
            let alike = self.runs.iter().rev().take_while(|(other, _)| *other == level).count();
            if alike < self.fan_in {
                break;
            }
            self.merge_last(alike, level + 1)?;
        }
        Ok(())
    }

    fn merge_last(&mut self, many: usize, level: u32) -> Result<(), SweepError> {
        let last = self.runs.split_off(self.runs.len() - many);
        let mut run = Writing::new(self.folder.as_ref())?;
        let mut merged = Merged::of(self.order, last.into_iter().map(|(_, file)| file))?;
        while let Some((key, row)) = merged.head() {
            run.push(key, row)?;
            merged.advance()?;
        }
        self.runs.push((level, run.file()?));
        Ok(())
    }

    /// All rows in order.
    pub(crate) fn sorted(mut self) -> Result<Sorted, SweepError> {
        if self.runs.is_empty() {
            self.rows.sort(self.order);
            return Ok(Sorted::Memory { rows: self.rows, next: 0 });
        }
        if !self.rows.places.is_empty() {
            self.spill()?;
        }
        self.rows = Rows::default();
        while self.runs.len() > self.fan_in {
            let many = self.fan_in.min(self.runs.len() - self.fan_in + 1);
            self.merge_last(many.max(2), u32::MAX)?;
        }
        Ok(Sorted::Files(Merged::of(self.order, self.runs.into_iter().map(|(_, file)| file))?))
    }
}

/// A run that is written.
struct Writing(BufWriter<File>);

impl Writing {
    /// The file has no name, and is gone when it is closed.
    fn new(folder: Option<&PathBuf>) -> Result<Self, SweepError> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        Ok(Self(BufWriter::with_capacity(BUFFER, file.map_err(SweepError::Spill)?)))
    }

    fn push(&mut self, key: &[u8], row: &[u8]) -> Result<(), SweepError> {
        let mut write = || -> io::Result<()> {
            self.0.write_all(&(key.len() as u64).to_le_bytes())?;
            self.0.write_all(&(row.len() as u64).to_le_bytes())?;
            self.0.write_all(key)?;
            self.0.write_all(row)
        };
        write().map_err(SweepError::Spill)
    }

    fn file(self) -> Result<File, SweepError> {
        self.0.into_inner().map_err(|error| SweepError::Spill(error.into_error()))
    }
}

/// Rows in order.
#[derive(Debug)]
pub(crate) enum Sorted {
    Memory { rows: Rows, next: usize },
    Files(Merged),
}

impl Sorted {
    /// Fills the batch with the next rows. Whether there were any.
    pub(crate) fn next(&mut self, batch: &mut Batch) -> Result<bool, SweepError> {
        batch.begin(0);
        let full = |pushed: bool| {
            let long = || SweepError::Spill(io::ErrorKind::FileTooLarge.into());
            if pushed { Ok(()) } else { Err(long()) }
        };
        match self {
            Self::Memory { rows, next } => {
                while let Some(place) = rows.places.get(*next).filter(|_| !batch.is_full()) {
                    full(batch.push(rows.key(*place), rows.row(*place)))?;
                    *next += 1;
                }
            }
            Self::Files(merged) => {
                while !batch.is_full() {
                    let Some((key, row)) = merged.head() else { break };
                    full(batch.push(key, row))?;
                    merged.advance()?;
                }
            }
        }
        Ok(!batch.is_empty())
    }
}

/// Several runs, read as one.
#[derive(Debug)]
pub(crate) struct Merged {
    heads: BinaryHeap<Reverse<Head>>,
}

/// What comes next of a run, and the rest of it.
#[derive(Debug)]
struct Head {
    order: Order,
    run: usize,
    key: Vec<u8>,
    row: Vec<u8>,
    rest: BufReader<File>,
}

impl Ord for Head {
    /// Rows of one key stand in the order of their runs, as they came.
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.compare(&self.key, &other.key).then(self.run.cmp(&other.run))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

impl Head {
    /// Reads the next row. Whether there was one.
    fn read(&mut self) -> Result<bool, SweepError> {
        let mut read = || -> io::Result<bool> {
            if io::BufRead::fill_buf(&mut self.rest)?.is_empty() {
                return Ok(false);
            }
            let mut length = || -> io::Result<usize> {
                let mut bytes = [0; 8];
                self.rest.read_exact(&mut bytes)?;
                usize::try_from(u64::from_le_bytes(bytes)).map_err(io::Error::other)
            };
            let (key, row) = (length()?, length()?);
            self.key.resize(key, 0);
            self.row.resize(row, 0);
            self.rest.read_exact(&mut self.key)?;
            self.rest.read_exact(&mut self.row)?;
            Ok(true)
        };
        read().map_err(SweepError::Spill)
    }
}

impl Merged {
    fn of(order: Order, runs: impl Iterator<Item = File>) -> Result<Self, SweepError> {
        let mut heads = BinaryHeap::new();
        for (run, mut file) in runs.enumerate() {
            file.seek(SeekFrom::Start(0)).map_err(SweepError::Spill)?;
            let rest = BufReader::with_capacity(BUFFER, file);
            let mut head = Head { order, run, key: Vec::new(), row: Vec::new(), rest };
            if head.read()? {
                heads.push(Reverse(head));
            }
        }
        Ok(Self { heads })
    }

    fn head(&self) -> Option<(&[u8], &[u8])> {
        self.heads.peek().map(|Reverse(head)| (head.key.as_slice(), head.row.as_slice()))
    }

    fn advance(&mut self) -> Result<(), SweepError> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(()) };
        if !head.0.read()? {
            drop(PeekMut::pop(head));
        }
        Ok(())
    }
}
