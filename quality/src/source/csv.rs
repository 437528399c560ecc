//! CSV, row by row: a header, and columns of texts. An empty cell has no value. A line of nothing is no row, as it is none for most
//! programs: so a table of one column says of no row that its value is missing.

use std::io::{self, Read};
use std::sync::mpsc;
use std::thread;

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use crate::check::{Batch, Bits, CheckError, Checker, Column, Texts, Values};

/// How many rows are shown to the checks at once.
const ROWS: usize = 4_096;

/// How many bytes of values are, at which the rows before are shown.
const BYTES: usize = 2 << 20;

/// How many bytes a row may have, about: what is read ahead counts too.
const LONGEST: usize = 16 << 20;

/// Reads no further than a row may be long: a quote that is never closed does not take the rest of the file into memory.
struct Bounded<R> {
    from: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = into.len().min(self.left);
        let taken = self.from.read(&mut into[..most])?;
        self.left -= taken;
        Ok(taken)
    }
}

/// Checks all rows. While some are checked, the next are read; the answer does not depend on it.
///
/// # Errors
///
/// [`CheckError::Source`] if it cannot be read, a row has more or fewer cells than the header or more than 16 MiB, [`CheckError::TwiceNamed`] and
/// [`CheckError::NoColumn`] if a column that is looked at is named twice, or not at all, and what [`Checker::take`] answers. The
/// checker is gone then: what it had seen is not that of a table.
pub fn check(from: impl Read + Send, mut checker: Checker) -> Result<Checker, CheckError> {
    let bounded = Bounded { from, left: LONGEST };
    let mut reader = ReaderBuilder::new().has_headers(true).buffer_capacity(256 << 10).from_reader(bounded);
    let columns = columns(&mut reader, &checker)?;
    let (full, to_check) = mpsc::sync_channel::<Rows>(1);
    let (empty, to_fill) = mpsc::channel::<Rows>();
    for _ in 0..2 {
        // The other end is below, and not gone.
        let _sent = empty.send(Rows::of(&columns));
    }
    thread::scope(|scope| {
        let reading = scope.spawn(move || read(&mut reader, &to_fill, &full));
        let mut checked = Ok(());
        for mut rows in to_check {
            checked = rows.show(&mut checker);
            if checked.is_err() {
                break;
            }
            rows.clear();
            // Where reading has ended, nobody waits for it.
            let _sent = empty.send(rows);
        }
        drop(empty);
        let read = reading.join().unwrap_or(Err(CheckError::Broken));
        checked.and(read)
    })?;
    Ok(checker)
}

/// The places of the columns that are looked at.
fn columns(reader: &mut Reader<impl Read>, checker: &Checker) -> Result<Vec<(String, usize)>, CheckError> {
    let header = reader.byte_headers().map_err(|error| failed(0, error))?;
    let names: Vec<&[u8]> = header
        .iter()
        .enumerate()
        .map(|(place, name)| if place == 0 { name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name) } else { name })
        .collect();
    let mut columns = Vec::new();
    for (check, column) in checker.columns() {
        if columns.iter().any(|(held, _)| held == column) {
            continue;
        }
        let mut places = names.iter().enumerate().filter(|(_, name)| **name == column.as_bytes());
        let none = || CheckError::NoColumn { check: check.to_owned(), column: column.to_owned() };
        let (place, _) = places.next().ok_or_else(none)?;
        if places.next().is_some() {
            return Err(CheckError::TwiceNamed { name: column.to_owned() });
        }
        columns.push((column.to_owned(), place));
    }
    Ok(columns)
}

fn failed(row: u64, error: impl std::error::Error + Send + Sync + 'static) -> CheckError {
    CheckError::Source { row, source: Box::new(error) }
}

/// Reads all rows. Ends early where nobody checks them any more.
fn read(
    reader: &mut Reader<Bounded<impl Read>>,
    to_fill: &mpsc::Receiver<Rows>,
    full: &mpsc::SyncSender<Rows>,
) -> Result<(), CheckError> {
    let mut record = ByteRecord::new();
    let mut row = 0;
    while let Ok(mut rows) = to_fill.recv() {
        let mut more = true;
        while more && rows.rows < ROWS && rows.bytes() < BYTES {
            reader.get_mut().left = LONGEST;
            more = reader.read_byte_record(&mut record).map_err(|error| failed(row, error))?;
            if more {
                rows.push(&record).ok_or_else(|| failed(row, TooLong))?;
                row += 1;
            }
        }
        if full.send(rows).is_err() || !more {
            break;
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("a cell is longer than 2 GiB")]
struct TooLong;

/// Some rows, the columns that are looked at.
#[derive(Debug)]
struct Rows {
    rows: usize,
    columns: Vec<Cells>,
}

#[derive(Debug)]
struct Cells {
    name: String,
    place: usize,
    bytes: Vec<u8>,
    ends: Vec<i32>,
    present: Vec<u8>,
}

impl Rows {
    fn of(columns: &[(String, usize)]) -> Self {
        let cells = |(name, place): &(String, usize)| Cells {
            name: name.clone(),
            place: *place,
            bytes: Vec::new(),
            ends: vec![0],
            present: Vec::new(),
        };
        Self { rows: 0, columns: columns.iter().map(cells).collect() }
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(|cells| cells.bytes.len()).sum()
    }

    fn push(&mut self, record: &ByteRecord) -> Option<()> {
        for cells in &mut self.columns {
            let cell = record.get(cells.place).unwrap_or_default();
            cells.bytes.extend_from_slice(cell);
            cells.ends.push(i32::try_from(cells.bytes.len()).ok()?);
            if self.rows.is_multiple_of(8) {
                cells.present.push(0);
            }
            if let Some(last) = cells.present.last_mut() {
                *last |= u8::from(!cell.is_empty()) << (self.rows % 8);
            }
        }
        self.rows += 1;
        Some(())
    }

    fn show(&self, checker: &mut Checker) -> Result<(), CheckError> {
        let mut batch = Batch::of(self.rows);
        for cells in &self.columns {
            let lengths = || CheckError::Lengths { column: cells.name.clone() };
            let texts = Texts::between(&cells.bytes, &cells.ends).ok_or_else(lengths)?;
            batch = batch.with(&cells.name, Column::partial(Values::Text(texts), Bits::from(&cells.present, 0)))?;
        }
        checker.take(&batch)
    }

    fn clear(&mut self) {
        self.rows = 0;
        for cells in &mut self.columns {
            cells.bytes.clear();
            cells.ends.truncate(1);
            cells.present.clear();
        }
    }
}
