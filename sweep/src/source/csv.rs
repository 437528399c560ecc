//! CSV (RFC 4180): cells between delimiters, those that hold delimiters, quotes or line breaks in quotes.
//!
//! Whether a row has one cell for each column is seen when it is cut: in rows that are the same everywhere nobody looks for cells, and to
//! count them would take a third of the time.
//!
//! A cell without anything is null, and `""` is the empty text, as `COPY` of PostgreSQL has it. A line of nothing is no row. Rows
//! end with a line feed, or with carriage return and line feed.

use std::borrow::Cow;
use std::path::Path;

use memchr::{memchr, memchr_iter};

use super::file::Source;
use super::lines::{Lines, Rows};
use crate::batch::Batch;
use crate::error::SnapshotError;
use crate::snapshot::{Cell, Resumes, Snapshot, Start, Wanted};

const QUOTE: u8 = b'"';

/// A CSV file.
#[derive(Debug)]
pub struct Csv {
    source: Source,
    lines: Lines,
    form: Form,
    names: Option<Vec<String>>,
    /// Where the first row stands.
    first: u64,
}

/// How rows are written, and where in them stands what is looked at.
#[derive(Debug, Clone, Default)]
struct Form {
    delimiter: u8,
    width: usize,
    key: usize,
    key_name: String,
    columns: Vec<Option<usize>>,
    unterminated: bool,
}

impl Csv {
    /// A file whose first line has the names of the columns.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let form = Form { delimiter: b',', ..Form::default() };
        Self { source: Source::of(path), lines: Lines::default(), form, names: None, first: 0 }
    }

    /// The file has no line of names: these are its columns.
    #[must_use]
    pub fn columns<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// What stands between cells, if it is no comma.
    #[must_use]
    pub const fn delimiter(mut self, delimiter: u8) -> Self {
        self.form.delimiter = delimiter;
        self
    }

    /// The last line may be without a line break. Then nobody can tell a file that was cut off in its last cell.
    #[must_use]
    pub const fn may_end_without_line_break(mut self) -> Self {
        self.form.unterminated = true;
        self
    }

    /// Reads the line of names. Where the first row begins.
    fn names(&mut self) -> Result<Vec<String>, SnapshotError> {
        let mut batch = Batch::default();
        let mut lines = Lines::default();
        lines.begin(self.source.open(None)?, 0, 0)?;
        // Any line is a row of one cell or more: the key of the header is its first.
        let form = Form { width: 0, ..self.form.clone() };
        if !lines.next(&self.source, &form, &mut batch)? {
            return Err(SnapshotError::CutOff);
        }
        self.first = if batch.len() > 1 { batch.place(1) } else { lines.place() };
        let header = batch.row(0);
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let mut names = Vec::new();
        let mut rest = Some(header);
        while let Some(cells) = rest {
            let (raw, behind) = first_cell(cells, self.form.delimiter);
            rest = behind;
            let name = unquoted(raw).unwrap_or_default().into_owned();
            names.push(
                String::from_utf8(name)
                    .map_err(|_| SnapshotError::NotText { row: 0, column: (names.len() + 1).to_string() })?,
            );
        }
        Ok(names)
    }
}

/// The place of the one column of this name.
pub(super) fn place_of(names: &[String], column: &str) -> Result<usize, SnapshotError> {
    let mut places = names.iter().enumerate().filter(|(_, name)| *name == column);
    let (place, _) = places.next().ok_or_else(|| SnapshotError::NoColumn { column: column.to_owned() })?;
    match places.next() {
        None => Ok(place),
        Some(_) => Err(SnapshotError::TwiceNamed { column: column.to_owned() }),
    }
}

impl Snapshot for Csv {
    fn bind(&mut self, wanted: &Wanted) -> Result<Option<String>, SnapshotError> {
        let names = match self.names.clone() {
            Some(names) => {
                drop(self.source.open(None)?);
                names
            }
            None => self.names()?,
        };
        self.form.width = names.len();
        self.form.key_name.clone_from(&wanted.key);
        self.form.key = place_of(&names, &wanted.key)?;
        let place = |column: &Option<String>| column.as_deref().map(|column| place_of(&names, column)).transpose();
        self.form.columns = wanted.columns.iter().map(place).collect::<Result<_, _>>()?;
        let Form { delimiter, width, key, columns, .. } = &self.form;
        Ok(Some(format!("csv {delimiter} {width} {key} {columns:?}")))
    }

    fn begin(&mut self, start: &Start<'_>) -> Result<(), SnapshotError> {
        let file = self.source.open(start.version)?;
        self.lines.begin(file, start.place.max(self.first), start.row)
    }

    fn next(&mut self, batch: &mut Batch) -> Result<bool, SnapshotError> {
        self.lines.next(&self.source, &self.form, batch)
    }

    fn cut<'r>(&self, row: &'r [u8], number: u64, cells: &mut Vec<Cell<'r>>) -> Result<(), SnapshotError> {
        let mut raw: Vec<&'r [u8]> = Vec::with_capacity(self.form.width);
        let mut rest = Some(row);
        while let Some(behind) = rest {
            let (cell, next) = first_cell(behind, self.form.delimiter);
            raw.push(cell);
            rest = next;
        }
        if raw.len() != self.form.width {
            return Err(SnapshotError::Width { row: number, columns: self.form.width });
        }
        let cell = |place: &Option<usize>| place.and_then(|place| raw.get(place)).and_then(|raw| unquoted(raw));
        cells.extend(self.form.columns.iter().map(cell));
        Ok(())
    }

    fn place(&self) -> u64 {
        self.lines.place()
    }

    fn resumes(&self) -> Resumes {
        Resumes::ByPlace
    }

    fn version(&self) -> String {
        self.source.version()
    }

    fn extent(&self) -> (u64, Option<u64>) {
        (self.lines.place(), Some(self.source.length()))
    }
}

/// The first cell of a row as it is written, and what stands behind its delimiter. A quote opens only at the beginning of a cell.
fn first_cell(row: &[u8], delimiter: u8) -> (&[u8], Option<&[u8]>) {
    let from = if row.first() == Some(&QUOTE) { closed(row).unwrap_or(row.len()) } else { 0 };
    match memchr(delimiter, &row[from..]) {
        Some(end) => (&row[..from + end], Some(&row[from + end + 1..])),
        None => (row, None),
    }
}

/// Behind the quote that closes the cell that these bytes begin with; nothing if none does.
fn closed(bytes: &[u8]) -> Option<usize> {
    let mut from = 1;
    loop {
        from += memchr(QUOTE, bytes.get(from..)?)? + 1;
        if bytes.get(from) != Some(&QUOTE) {
            return Some(from);
        }
        from += 1;
    }
}

/// What a cell says. What stands behind the quote that closes it belongs to it.
fn unquoted(raw: &[u8]) -> Cell<'_> {
    let Some(inner) = raw.strip_prefix(&[QUOTE]) else {
        return (!raw.is_empty()).then_some(Cow::Borrowed(raw));
    };
    match inner.strip_suffix(&[QUOTE]) {
        Some(inner) if memchr(QUOTE, inner).is_none() => Some(Cow::Borrowed(inner)),
        _ => {
            let mut text = Vec::with_capacity(inner.len());
            let mut bytes = inner.iter().copied().peekable();
            let mut open = true;
            while let Some(byte) = bytes.next() {
                if open && byte == QUOTE && bytes.next_if_eq(&QUOTE).is_none() {
                    open = false;
                } else {
                    text.push(byte);
                }
            }
            Some(Cow::Owned(text))
        }
    }
}

/// Without the carriage return that it ends with.
fn without_return(bytes: &[u8], from: usize, to: usize) -> usize {
    if to > from && bytes[to - 1] == b'\r' { to - 1 } else { to }
}

impl Form {
    /// Rows of a block without any quote.
    fn find_plain(&self, filled: usize, row: u64, batch: &mut Batch) -> Result<usize, SnapshotError> {
        // Taken out, since rows are added while the bytes are looked at.
        let block = std::mem::take(&mut batch.bytes);
        let bytes = &block[..filled];
        let (mut from, mut found) = (0, Ok(()));
        for end in memchr_iter(b'\n', bytes) {
            let to = without_return(bytes, from, end);
            if to > from {
                found = self.plain_row(bytes, (from, to), row, batch);
                if found.is_err() {
                    break;
                }
            }
            from = end + 1;
        }
        batch.bytes = block;
        found.map(|()| from)
    }

    #[inline]
    fn plain_row(
        &self,
        bytes: &[u8],
        (from, to): (usize, usize),
        row: u64,
        batch: &mut Batch,
    ) -> Result<(), SnapshotError> {
        let number = || row + batch.len() as u64;
        let cells = &bytes[from..to];
        let mut key = 0;
        for _ in 0..self.key {
            key += memchr(self.delimiter, &cells[key..]).map_or(cells.len() - key, |end| end + 1);
        }
        let end = memchr(self.delimiter, &cells[key..]).map_or(cells.len(), |end| key + end);
        if end == key && self.width > 0 {
            return Err(SnapshotError::NoKey { row: number(), column: self.key_name.clone() });
        }
        batch.push_within((from, to), (from + key, from + end));
        Ok(())
    }

    /// A row that may have quotes: where the next one begins; nothing if it does not end in these bytes.
    fn quoted_row(
        &self,
        bytes: &[u8],
        from: usize,
        row: u64,
        last: bool,
        batch: &mut Batch,
    ) -> Result<Option<usize>, SnapshotError> {
        let (mut at, mut cells, mut key) = (from, 0, (from, from));
        let (to, behind) = loop {
            let begin = at;
            if bytes.get(at) == Some(&QUOTE) {
                match closed(&bytes[at..]) {
                    // The last byte may be the first of two quotes.
                    Some(end) if at + end < bytes.len() || last => at += end,
                    None if last => return Err(SnapshotError::CutOff),
                    _ => return Ok(None),
                }
            }
            let Some(end) = memchr::memchr2(self.delimiter, b'\n', &bytes[at..]) else {
                if !last {
                    return Ok(None);
                }
                if !self.unterminated {
                    return Err(SnapshotError::CutOff);
                }
                if cells == self.key {
                    key = (begin, bytes.len());
                }
                break (bytes.len(), bytes.len());
            };
            at += end;
            let ends = bytes[at] == b'\n';
            if cells == self.key {
                key = (begin, if ends { without_return(bytes, begin, at) } else { at });
            }
            cells += 1;
            if ends {
                break (without_return(bytes, from, at), at + 1);
            }
            at += 1;
        };
        if to == from {
            return Ok(Some(behind));
        }
        let number = row + batch.len() as u64;
        let said = unquoted(&bytes[key.0..key.1.max(key.0)]);
        match said.as_deref() {
            None | Some([]) if self.width > 0 => {
                return Err(SnapshotError::NoKey { row: number, column: self.key_name.clone() });
            }
            said => {
                if !batch.push_made((from, to), said.unwrap_or_default()) {
                    return Err(SnapshotError::TooLong { row: number, most: crate::batch::LONGEST });
                }
            }
        }
        Ok(Some(behind))
    }
}

impl Rows for Form {
    fn find(&self, filled: usize, last: bool, row: u64, batch: &mut Batch) -> Result<usize, SnapshotError> {
        let plain = memchr(QUOTE, &batch.bytes[..filled]).is_none();
        let mut from = if plain { self.find_plain(filled, row, batch)? } else { 0 };
        if plain && !last {
            return Ok(from);
        }
        let block = std::mem::take(&mut batch.bytes);
        let found = loop {
            if from >= filled {
                break Ok(from);
            }
            match self.quoted_row(&block[..filled], from, row, last, batch) {
                Ok(Some(behind)) => from = behind,
                Ok(None) => break Ok(from),
                Err(error) => break Err(error),
            }
        };
        batch.bytes = block;
        found
    }
}
