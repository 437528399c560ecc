//! Deliveries: lines of a workload file, each a body and the surface that it came from.

use std::io::{self, Read};

use crate::customer::SOURCES;

/// One line, cut into what a receiver of deliveries would be given.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The surface, by place in [`SOURCES`].
    pub source: usize,
    /// The bytes of the payload.
    pub body: &'a [u8],
}

/// Cuts one line. `None` if it does not begin as every line of the workload does.
#[must_use]
pub fn cut(line: &[u8]) -> Option<Delivery<'_>> {
    let rest = line.strip_prefix(br#"{"src":""#)?;
    let source = SOURCES
        .iter()
        .position(|name| rest.strip_prefix(name.as_bytes()).is_some_and(|after| after.first() == Some(&b'"')))?;
    let rest = rest.get(SOURCES[source].len()..)?.strip_prefix(br#"","seq":"#)?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let body = rest.get(digits..)?.strip_prefix(br#","body":"#)?.strip_suffix(b"}")?;
    Some(Delivery { source, body })
}

/// How much of a file is in memory at once.
const BLOCK: usize = 8 << 20;

/// A file of deliveries, block by block, so that its size is no part of the memory that a run takes.
#[derive(Debug)]
pub struct Blocks<R> {
    from: R,
    held: Vec<u8>,
    ends: Vec<usize>,
    /// Where the lines handed out last end.
    done: usize,
}

/// Whole lines of a file, and where they end.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    bytes: &'a [u8],
    /// Where the first line begins.
    begin: usize,
    ends: &'a [usize],
}

impl<'a> Block<'a> {
    /// How many lines there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.ends.is_empty()
    }

    /// Some of the lines: from a place on, so many of those that there are.
    #[must_use]
    pub fn part(self, from: usize, lines: usize) -> Self {
        let from = from.min(self.ends.len());
        let until = from.saturating_add(lines).min(self.ends.len());
        let begin = from.checked_sub(1).map_or(self.begin, |before| self.ends[before] + 1);
        Self { bytes: self.bytes, begin, ends: &self.ends[from..until] }
    }

    /// The lines, without what ends them.
    pub fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        let mut from = self.begin;
        self.ends.iter().map(move |end| {
            let line = &self.bytes[from..*end];
            from = end + 1;
            line
        })
    }
}

impl<R: Read> Blocks<R> {
    /// Reads from `from`.
    pub fn new(from: R) -> Self {
        Self { from, held: Vec::with_capacity(BLOCK), ends: Vec::new(), done: 0 }
    }

    /// The next whole lines; `None` at the end. What follows the last line break of the file is no line.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn next_block(&mut self) -> io::Result<Option<Block<'_>>> {
        self.held.drain(..self.done);
        let wanted = BLOCK.saturating_sub(self.held.len()).max(1);
        (&mut self.from).take(wanted as u64).read_to_end(&mut self.held)?;
        self.ends.clear();
        self.ends.extend(self.held.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end));
        self.done = self.ends.last().map_or(0, |end| end + 1);
        Ok((self.done > 0).then_some(Block { bytes: &self.held, begin: 0, ends: &self.ends }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_into_its_surface_and_its_body() {
        let cut_line = |line: &'static str| cut(line.as_bytes()).map(|delivery| (delivery.source, delivery.body));
        assert_eq!(cut_line(r#"{"src":"shopify","seq":12,"body":{"id":1}}"#), Some((1, br#"{"id":1}"#.as_slice())));
        assert_eq!(cut_line(r#"{"src":"shopify_gql","seq":3,"body":{}}"#), Some((2, b"{}".as_slice())));
        assert_eq!(cut_line(r#"{"src":"salesforce","seq":3,"body":{}}"#), None);
        assert_eq!(cut_line(""), None);
    }

    #[test]
    fn parts_of_a_block_are_its_lines_in_their_order() {
        let mut blocks = Blocks::new("one\ntwo\n\nfour\n".as_bytes());
        let block = blocks.next_block().expect("memory can be read").expect("there are lines");
        let part = |from, lines| block.part(from, lines).lines().map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(part(0, 2), [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(part(1, 2), [b"two".to_vec(), Vec::new()]);
        assert_eq!(part(3, 9), [b"four".to_vec()]);
        assert!(part(4, 1).is_empty() && part(9, 9).is_empty());
        assert_eq!(block.part(1, 3).part(1, 2).lines().collect::<Vec<_>>(), [b"".as_slice(), b"four"]);
    }

    #[test]
    fn blocks_end_with_lines() {
        let mut blocks = Blocks::new("one\ntwo\nthree\nfo".as_bytes());
        let mut seen = Vec::new();
        while let Some(block) = blocks.next_block().expect("memory can be read") {
            seen.extend(block.lines().map(<[u8]>::to_vec));
        }
        assert_eq!(seen, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    }
}
