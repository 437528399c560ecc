//! JSON Lines: an object a line.
//!
//! Columns are paths: names of members with dots between them. A text is what it says, a number the text that it is written as,
//! `true` and `false` are those words, and an object or array is its JSON, as it is written. What is null, or not there, is null.
//! Of two members of one name the last counts.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use memchr::memchr;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::file::Source;
use super::lines::{Lines, Rows};
use crate::batch::{Batch, LONGEST};
use crate::error::SnapshotError;
use crate::snapshot::{Cell, Resumes, Snapshot, Start, Wanted};

/// A file of JSON Lines.
#[derive(Debug)]
pub struct JsonLines {
    source: Source,
    lines: Lines,
    form: Form,
}

/// Where in an object stands what is looked at.
#[derive(Debug, Default)]
struct Form {
    key: Vec<(Vec<String>, usize)>,
    key_name: String,
    columns: Vec<(Vec<String>, usize)>,
    cells: usize,
    unterminated: bool,
}

impl JsonLines {
    /// This file.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { source: Source::of(path), lines: Lines::default(), form: Form::default() }
    }

    /// The last line may be without a line break.
    #[must_use]
    pub const fn may_end_without_line_break(mut self) -> Self {
        self.form.unterminated = true;
        self
    }
}

fn path(column: &str) -> Vec<String> {
    column.split('.').map(str::to_owned).collect()
}

impl Snapshot for JsonLines {
    fn bind(&mut self, wanted: &Wanted) -> Result<Option<String>, SnapshotError> {
        drop(self.source.open(None)?);
        self.form.key = vec![(path(&wanted.key), 0)];
        self.form.key_name.clone_from(&wanted.key);
        let columns = wanted.columns.iter().enumerate();
        self.form.columns = columns.filter_map(|(cell, column)| Some((path(column.as_deref()?), cell))).collect();
        self.form.cells = wanted.columns.len();
        Ok(Some(format!("json {:?} {:?}", wanted.key, wanted.columns)))
    }

    fn begin(&mut self, start: &Start<'_>) -> Result<(), SnapshotError> {
        let file = self.source.open(start.version)?;
        self.lines.begin(file, start.place, start.row)
    }

    fn next(&mut self, batch: &mut Batch) -> Result<bool, SnapshotError> {
        self.lines.next(&self.source, &self.form, batch)
    }

    fn cut<'r>(&self, row: &'r [u8], number: u64, cells: &mut Vec<Cell<'r>>) -> Result<(), SnapshotError> {
        cells.extend(
            members(row, &self.form.columns, self.form.cells, cell_of).ok_or(SnapshotError::NotJson { row: number })?,
        );
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

impl Rows for Form {
    fn find(&self, filled: usize, last: bool, row: u64, batch: &mut Batch) -> Result<usize, SnapshotError> {
        let block = std::mem::take(&mut batch.bytes);
        let found = self.find_in(&block[..filled], last, row, batch);
        batch.bytes = block;
        found
    }
}

impl Form {
    fn find_in(&self, bytes: &[u8], last: bool, row: u64, batch: &mut Batch) -> Result<usize, SnapshotError> {
        let mut from = 0;
        while from < bytes.len() {
            let (to, behind) = match memchr(b'\n', &bytes[from..]) {
                Some(end) => (from + end, from + end + 1),
                None if !last => return Ok(from),
                None if self.unterminated => (bytes.len(), bytes.len()),
                None => return Err(SnapshotError::CutOff),
            };
            let line = bytes[from..to].trim_ascii();
            let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            if !line.is_empty() {
                let number = row + batch.len() as u64;
                let members = members(line, &self.key, 1, key_of).ok_or(SnapshotError::NotJson { row: number })?;
                let key = members.into_iter().next().flatten().filter(|key| !key.is_empty());
                let key = key.ok_or_else(|| SnapshotError::NoKey { row: number, column: self.key_name.clone() })?;
                let begin = to - (bytes[from..to].trim_ascii_start().len());
                let begin = begin + (bytes[begin..to].trim_ascii().len() - line.len());
                if !batch.push_made((begin, begin + line.len()), &key) {
                    return Err(SnapshotError::TooLong { row: number, most: LONGEST });
                }
            }
            from = behind;
        }
        Ok(from)
    }
}

/// What a value says; nothing if it says nothing.
type Said = for<'r> fn(&'r RawValue) -> Cell<'r>;

/// The values at these paths, each in its cell; nothing if the line is no object.
fn members<'r>(line: &'r [u8], wanted: &[(Vec<String>, usize)], cells: usize, said: Said) -> Option<Vec<Cell<'r>>> {
    let mut found = vec![None; cells];
    let wanted: Vec<(&[String], usize)> = wanted.iter().map(|(path, cell)| (path.as_slice(), *cell)).collect();
    let mut from = serde_json::Deserializer::from_slice(line);
    Members { wanted: &wanted, said, found: &mut found }.deserialize(&mut from).ok()?;
    from.end().ok()?;
    Some(found)
}

/// Looks at an object, as deep as paths lead.
struct Members<'w, 'r> {
    wanted: &'w [(&'w [String], usize)],
    said: Said,
    found: &'w mut [Cell<'r>],
}

impl<'r> DeserializeSeed<'r> for Members<'_, 'r> {
    type Value = ();

    fn deserialize<D: Deserializer<'r>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'r> Visitor<'r> for Members<'_, 'r> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'r>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let here = || self.wanted.iter().filter(|(path, _)| path.first().is_some_and(|first| *first == name));
            if here().next().is_none() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let raw: &'r RawValue = map.next_value()?;
            for (path, cell) in here() {
                if let Some(found) = self.found.get_mut(*cell) {
                    *found = value(raw, &path[1..], self.said);
                }
            }
        }
        Ok(())
    }
}

/// The name of a member, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'r>(#[serde(borrow)] Cow<'r, str>);

/// What stands in a value behind a path.
fn value<'r>(raw: &'r RawValue, path: &[String], said: Said) -> Cell<'r> {
    if path.is_empty() {
        return said(raw);
    }
    let mut found = [None];
    let mut from = serde_json::Deserializer::from_str(raw.get());
    // What is no object has no members.
    let looked = Members { wanted: &[(path, 0)], said, found: &mut found }.deserialize(&mut from);
    let [found] = found;
    looked.ok().and(found)
}

/// A key is a text or a number.
fn key_of(raw: &RawValue) -> Cell<'_> {
    match raw.get().as_bytes().first() {
        Some(b'"' | b'-' | b'0'..=b'9') => cell_of(raw),
        _ => None,
    }
}

fn cell_of(raw: &RawValue) -> Cell<'_> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') => {
            let plain = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            match plain.filter(|text| !text.contains('\\')) {
                Some(text) => Some(Cow::Borrowed(text.as_bytes())),
                None => serde_json::from_str::<String>(text).ok().map(|text| Cow::Owned(text.into_bytes())),
            }
        }
        _ => Some(Cow::Borrowed(text.as_bytes())),
    }
}
