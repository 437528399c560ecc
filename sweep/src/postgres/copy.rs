//! The text format of `COPY`: a row a line, tabs between cells, `\N` for null, and a backslash before what would be read otherwise.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memrchr};

use crate::batch::{Batch, LONGEST};
use crate::error::SnapshotError;
use crate::snapshot::Cell;

/// What a cell says.
pub(super) fn cell(raw: &[u8]) -> Cell<'_> {
    if raw == br"\N" {
        return None;
    }
    let Some(first) = memchr(b'\\', raw) else { return Some(Cow::Borrowed(raw)) };
    let mut text = raw[..first].to_vec();
    let mut bytes = raw[first..].iter();
    while let Some(byte) = bytes.next() {
        // The server writes no other escapes than these: no numbers of bytes.
        text.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(other) => *other,
                None => break,
            },
            other => *other,
        });
    }
    Some(Cow::Owned(text))
}

/// All cells of a line.
pub(super) fn cells(line: &[u8]) -> impl Iterator<Item = Cell<'_>> {
    line.split(|byte| *byte == b'\t').map(cell)
}

/// Lines, without their ends.
pub(super) fn lines(whole: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr_iter(b'\n', whole).map(move |end| &whole[std::mem::replace(&mut from, end + 1)..end])
}

/// Blocks that end where a line does.
#[derive(Debug)]
pub(super) struct LineBlocks {
    blocks: super::database::Blocks,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// How many bytes came.
    read: u64,
}

impl LineBlocks {
    pub(super) const fn of(blocks: super::database::Blocks) -> Self {
        Self { blocks, rest: Vec::new(), read: 0 }
    }

    /// The next lines, each with its end; nothing behind the last. `row` is the number of the first.
    pub(super) fn next(&mut self, row: u64) -> Result<Option<Vec<u8>>, SnapshotError> {
        while let Some(block) = self.blocks.next()? {
            self.read += block.len() as u64;
            let end = memrchr(b'\n', &block);
            let end = end.map(|end| self.rest.len() + end + 1);
            self.rest.extend_from_slice(&block);
            match end {
                Some(end) => {
                    let rest = self.rest.split_off(end);
                    return Ok(Some(std::mem::replace(&mut self.rest, rest)));
                }
                None if self.rest.len() > LONGEST => return Err(SnapshotError::TooLong { row, most: LONGEST }),
                None => {}
            }
        }
        if self.rest.is_empty() { Ok(None) } else { Err(SnapshotError::CutOff) }
    }
}

/// Blocks as batches of rows, whose first cell is the key.
#[derive(Debug)]
pub(super) struct Lines {
    blocks: LineBlocks,
    pub(super) row: u64,
}

impl Lines {
    pub(super) const fn of(blocks: super::database::Blocks, row: u64) -> Self {
        Self { blocks: LineBlocks::of(blocks), row }
    }

    /// How many bytes came.
    pub(super) const fn read(&self) -> u64 {
        self.blocks.read
    }

    /// The next rows. Whether there were any.
    pub(super) fn next(&mut self, key: &str, batch: &mut Batch) -> Result<bool, SnapshotError> {
        batch.begin(self.row);
        while batch.is_empty() {
            let Some(bytes) = self.blocks.next(self.row)? else { return Ok(false) };
            for line in lines(&bytes) {
                let raw = memchr(b'\t', line).map_or(line, |end| &line[..end]);
                let number = self.row + batch.len() as u64;
                let no_key = || SnapshotError::NoKey { row: number, column: key.to_owned() };
                let named = cell(raw).filter(|key| !key.is_empty()).ok_or_else(no_key)?;
                if !batch.push(&named, line) {
                    return Err(SnapshotError::TooLong { row: number, most: LONGEST });
                }
            }
        }
        self.row += batch.len() as u64;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_say_what_was_written() {
        let line = b"1\t\\N\t\tta\\tb\\\\n\\n\tplain";
        let said: Vec<Option<Vec<u8>>> = cells(line).map(|cell| cell.map(Cow::into_owned)).collect();
        let expected = [Some("1"), None, Some(""), Some("ta\tb\\n\n"), Some("plain")];
        assert_eq!(said, expected.map(|text| text.map(|text| text.as_bytes().to_vec())));
    }
}
