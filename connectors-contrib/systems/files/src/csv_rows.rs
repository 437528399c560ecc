//! CSV: a position is the number of bytes before a row.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};

use accordant::connector::ConnectorError;
use bytes::Bytes;
use csv::{ByteRecord, Position, ReaderBuilder};
use serde_json::Value;

use crate::identity::{failed, malformed};
use crate::json_lines::MARK;
use crate::rows::{Row, Rows};
use crate::settings::File;

/// Reads no further than a row may be long: a quote that is not closed does not take the rest of the file into memory.
struct Bounded<'f> {
    file: &'f mut fs::File,
    left: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(self.left);
        let taken = self.file.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left -= taken;
        Ok(taken)
    }
}

impl Seek for Bounded<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// The rows from a position on.
pub(crate) fn read(
    file: &File,
    opened: &mut fs::File,
    length: u64,
    position: u64,
    delimiter: u8,
) -> Result<Rows, ConnectorError> {
    let ended = whole(file, opened, length)?;
    let budget = budget(file);
    let mut reader = reader(file, opened, delimiter);
    let mut row = ByteRecord::new();
    let wrong = |error: csv::Error| unread(file, &error);
    reader.read_byte_record(&mut row).map_err(wrong)?;
    let names = names(file, &row)?;
    if position > 0 {
        let mut place = Position::new();
        place.set_byte(position);
        reader.seek(place).map_err(wrong)?;
    }
    let mut rows = Vec::new();
    let mut spans = Vec::new();
    let (mut at, mut goes_on) = (reader.position().byte(), true);
    while rows.len() < file.page {
        reader.get_mut().left = budget;
        goes_on = reader.read_byte_record(&mut row).map_err(wrong)?;
        if !goes_on {
            break;
        }
        let begin = row.position().map_or(at, Position::byte);
        at = reader.position().byte();
        spans.push((begin, at));
        rows.push(json(&names, &row).map(Row::Record));
    }
    // Empty lines may stand behind the last row.
    let next = (goes_on && at < length).then_some(at);
    drop(reader);
    if next.is_none()
        && let Some((begin, end)) = spans.last()
    {
        let last = bytes_of(opened, *begin, *end).map_err(|error| failed(file, &error))?;
        if ends_in_quotes(&last, delimiter) || (!ended && rows.last().is_some_and(Option::is_none)) {
            return Err(malformed(file, "its last row was cut off"));
        }
    }
    let mut read = Vec::with_capacity(rows.len());
    for (row, (begin, end)) in rows.into_iter().zip(spans) {
        read.push(match row {
            Some(row) => row,
            None => Row::Unreadable(bytes_of(opened, begin, end).map_err(|error| failed(file, &error))?.into()),
        });
    }
    Ok(Rows { rows: read, next })
}

/// Refuses a file of which it shows that it was cut off. Whether it ends with a line break.
fn whole(file: &File, opened: &mut fs::File, length: u64) -> Result<bool, ConnectorError> {
    if length == 0 {
        return Err(malformed(file, "it is empty: not even the names of its columns are there"));
    }
    let ended = ends_with_line_break(opened).map_err(|error| failed(file, &error))?;
    if !ended && !file.unterminated {
        return Err(malformed(file, "it ends without a line break: it was cut off, or `may_end_without_line_break`"));
    }
    Ok(ended)
}

/// The names of the columns, of a file that has any.
pub(crate) fn columns(
    file: &File,
    opened: &mut fs::File,
    length: u64,
    delimiter: u8,
) -> Result<Vec<String>, ConnectorError> {
    whole(file, opened, length)?;
    let mut row = ByteRecord::new();
    reader(file, opened, delimiter).read_byte_record(&mut row).map_err(|error| unread(file, &error))?;
    names(file, &row)
}

fn reader<'f>(file: &File, opened: &'f mut fs::File, delimiter: u8) -> csv::Reader<Bounded<'f>> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(BUFFER);
    builder.from_reader(Bounded { file: opened, left: budget(file) })
}

/// How far a row may reach: behind what the reader takes in advance, so that a long row is one that is long itself.
const fn budget(file: &File) -> usize {
    file.longest.saturating_add(BUFFER)
}

fn unread(file: &File, error: &csv::Error) -> ConnectorError {
    match error.kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            malformed(file, "a row is longer than any may be (`longest_row`): is a quote not closed?")
        }
        csv::ErrorKind::Io(error) => failed(file, error),
        _ => malformed(file, "it is no CSV"),
    }
}

/// How much the reader takes in advance.
const BUFFER: usize = 64 << 10;

/// The names of the columns: each once, and the id among them.
fn names(file: &File, row: &ByteRecord) -> Result<Vec<String>, ConnectorError> {
    let mut names = Vec::with_capacity(row.len());
    for (place, name) in row.iter().enumerate() {
        let name = if place == 0 { name.strip_prefix(MARK).unwrap_or(name) } else { name };
        let name = std::str::from_utf8(name).map_err(|_| malformed(file, "the names of its columns are not UTF-8"))?;
        if name.is_empty() || names.iter().any(|other| other == name) {
            return Err(malformed(file, &format!("column {} has no name of its own", place + 1)));
        }
        names.push(name.to_owned());
    }
    match file.id.keys() {
        [id] if names.iter().any(|name| name == id.as_str()) => Ok(names),
        _ => Err(malformed(file, &format!("it has no column `{}`, which holds the id", file.id))),
    }
}

/// A row as an object; `None` if it has not one cell for each column, or holds what is not UTF-8.
fn json(names: &[String], row: &ByteRecord) -> Option<Bytes> {
    if row.len() != names.len() {
        return None;
    }
    let mut json = String::from("{");
    for (name, cell) in names.iter().zip(row) {
        let cell = std::str::from_utf8(cell).ok()?;
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&Value::from(name.as_str()).to_string());
        json.push(':');
        json.push_str(&if cell.is_empty() { "null".to_owned() } else { Value::from(cell).to_string() });
    }
    json.push('}');
    Some(json.into())
}

fn ends_with_line_break(file: &mut fs::File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(matches!(last, [b'\n' | b'\r']))
}

fn bytes_of(file: &mut fs::File, begin: u64, end: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    Read::take(file, end.saturating_sub(begin)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a row ends within a quoted cell: the file was cut off there. A quote opens only at the beginning of a cell.
fn ends_in_quotes(row: &[u8], delimiter: u8) -> bool {
    let (mut open, mut begins) = (false, true);
    let mut bytes = row.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if open {
            if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
                open = false;
            }
            begins = false;
            continue;
        }
        open = byte == b'"' && begins;
        begins = byte == delimiter || matches!(byte, b'\n' | b'\r');
    }
    open
}

#[cfg(test)]
mod tests {
    use super::ends_in_quotes;

    #[test]
    fn an_open_quote_is_told_from_one_that_is_a_letter() {
        let cases = [
            (&b"a,\"b\"\n"[..], false),
            (b"a,\"b\n", true),
            (b"a,\"b\"\"\n", true),
            (b"a,\"b\"\"\"\n", false),
            (b"a,5\" pipe\n", false),
            (b"\"a\nb\",c\n", false),
            (b"\"", true),
            (b"", false),
        ];
        for (row, open) in cases {
            assert_eq!(ends_in_quotes(row, b','), open, "{row:?}");
        }
    }
}
