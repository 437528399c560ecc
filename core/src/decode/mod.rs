//! From the bytes that a system sent to partial observations, by table.
//!
//! The mappings of one object type and the [shape](crate::surface::SurfaceShape) of one surface compile to a
//! [`DecodeTable`]: a tree of the keys that matter. [`DecodeTable::decode`] walks a body along that tree, skips the rest
//! unread, and appends what it found to a [`Batch`]. There is no tree of JSON values in between, and no second decoder:
//! a model from a file compiles to the same table as one from the derive.
//!
//! - **Exact.** A number keeps its text from the payload to the value type; nothing passes through a float.
//! - **Local faults.** A value that is not of its attribute's type leaves that attribute uncovered, and is listed
//!   ([`DecodedRecord::faults`]); the others stand. Only a body that is no record at all is a [`DecodeError`].
//! - **Last wins.** Of a key that an object has twice the last one counts, with all that is below it.
//! - **Bounded.** Nesting costs a bit a level and no stack; bodies have a [limit](DecodeTable::with_max_bytes).

mod batch;
mod captures;
mod error;
mod escape;
mod join;
mod order;
mod reach;
mod scan;
mod slots;
mod table;
mod token;
mod trie;
mod walk;

pub use batch::{Batch, DecodedRecord, Fault, FaultKind};
pub use error::{DecodeError, DecodeErrorKind, Place};
pub use reach::Reach;
pub use table::DecodeTable;

pub use crate::value::FieldRef;

use batch::{Decoded, Span};
use captures::{Captures, Found};
use slots::Sink;
use trie::number;
use walk::{Captured, Kind, Scratch};

use crate::observation::SlotIndex;
use crate::surface::Flag;
use crate::value::Leaf;

impl DecodeTable {
    /// Appends the record in `body` to `out`.
    ///
    /// `full` says that the surface carries every mapped attribute: what the body lacks is then Null, not unobserved. It
    /// is ignored for a surface that carries one property by name.
    ///
    /// # Errors
    ///
    /// If the body is no record: not JSON, too large, no object where the record should be, no id, an ordering token
    /// that cannot be read. `out` then holds what it held before.
    pub fn decode(&self, body: &[u8], full: bool, out: &mut Batch) -> Result<(), DecodeError> {
        self.decode_within(body, full, &[], out)
    }

    /// Like [`DecodeTable::decode`], of a record of which not all was asked for or may be read: `reach`, slot by slot, as
    /// [`DecodeTable::reach`] tells it. A slot beyond its end is covered.
    ///
    /// # Errors
    ///
    /// As [`DecodeTable::decode`].
    pub fn decode_within(&self, body: &[u8], full: bool, reach: &[Reach], out: &mut Batch) -> Result<(), DecodeError> {
        let item = out.items;
        out.items = out.items.saturating_add(1);
        let text = self.capture(body, &mut out.scratch)?;
        let Batch { arena, records, cells, faults, whole, scratch, joined, .. } = out;
        let Scratch { captured, text: unescaped, .. } = scratch;
        let full = full && self.named.is_none();
        let named = self.place_named(text, unescaped, captured);
        let found = Captures { body: text, text: unescaped, places: captured };

        if found.kind(self.record) != Kind::Object {
            return Err(DecodeError::of(DecodeErrorKind::NoRecord, &self.root));
        }
        let id = self.read_id(found)?;
        let token = self.read_token(found)?;
        let archived = self.archived.is_some_and(|(place, flag)| match found.find(place) {
            Found::Leaf(leaf) => flag.says_yes(leaf),
            // Something of several parts is there.
            Found::Array(..) => flag == Flag::Set,
            Found::Wrong(_) => flag == Flag::Set && found.kind(place) == Kind::Object,
            Found::Absent | Found::Withheld => false,
        });

        let before = (arena.len(), cells.len(), faults.len(), whole.len());
        arena.push_str(id);
        let id = Span::new(before.0, arena.len());
        let mut sink = Sink { arena, cells, faults, whole, joined };
        match named {
            Some(readers) => {
                for slot in readers {
                    if let Some(plan) = self.slots.get(usize::from(*slot)) {
                        sink.slot(*slot, plan, found, full, of(reach, *slot));
                    }
                }
            }
            None => {
                for (slot, plan) in (0u16..).zip(&self.slots) {
                    sink.slot(slot, plan, found, full, of(reach, slot));
                }
            }
        }
        if u32::try_from(arena.len()).is_err() {
            arena.truncate(before.0);
            cells.truncate(before.1);
            faults.truncate(before.2);
            whole.truncate(before.3);
            return Err(DecodeError { kind: DecodeErrorKind::BatchFull, place: Place::Body });
        }
        records.push(Decoded {
            item,
            id,
            token,
            archived,
            full,
            cells: (number(before.1), number(cells.len())),
            faults: (number(before.2), number(faults.len())),
            whole: (number(before.3), number(whole.len())),
        });
        Ok(())
    }

    /// Appends the records of many bodies to `out`, and answers with those that are none: which, and why.
    ///
    /// Records say which body they came from by [`DecodedRecord::item`], the errors by the same count.
    pub fn decode_batch<'b>(
        &self,
        bodies: impl IntoIterator<Item = &'b [u8]>,
        full: bool,
        out: &mut Batch,
    ) -> Vec<(usize, DecodeError)> {
        let mut refused = Vec::new();
        for body in bodies {
            let item = out.items as usize;
            if let Err(error) = self.decode(body, full, out) {
                refused.push((item, error));
            }
        }
        refused
    }

    /// The ordering token of a body that need not hold a record: of a deletion, whose id the connector already knows.
    ///
    /// # Errors
    ///
    /// If the body is not JSON, too large, or its token cannot be read.
    pub fn token(&self, body: &[u8]) -> Result<Option<i64>, DecodeError> {
        let mut scratch = Scratch::default();
        let text = self.capture(body, &mut scratch)?;
        self.read_token(Captures { body: text, text: &scratch.text, places: &scratch.captured })
    }

    fn capture<'b>(&self, body: &'b [u8], scratch: &mut Scratch) -> Result<&'b str, DecodeError> {
        if body.len() > self.max_bytes {
            return Err(DecodeError { kind: DecodeErrorKind::TooLarge(self.max_bytes), place: Place::Body });
        }
        let text =
            std::str::from_utf8(body).map_err(|bad| DecodeError::at(DecodeErrorKind::NotUtf8, bad.valid_up_to()))?;
        walk::walk(text, &self.trie, &self.identity, self.places, scratch)?;
        Ok(text)
    }

    /// Puts the value of a property carried by name at the place of that property, and says which slots then are all
    /// that can have something to read; `None`: any may.
    fn place_named(&self, body: &str, unescaped: &str, captured: &mut [Captured]) -> Option<&[SlotIndex]> {
        let named = self.named.as_ref()?;
        let place = match (Captures { body, text: unescaped, places: captured }).leaf(named.name) {
            Ok(Some(Leaf::Text(name))) => named.properties.get(name.as_bytes()),
            _ => None,
        };
        let Some(place) = place.map(|place| place as usize) else { return named.alone.then_some(&[]) };
        let value = captured.get(named.value as usize).copied().unwrap_or(Captured::ABSENT);
        if let Some(at) = captured.get_mut(place) {
            // A property that is named and has no value was withheld: the record has to be read.
            *at = if value.kind == Kind::Absent { Captured { kind: Kind::Withheld, ..value } } else { value };
        }
        let readers = named.readers.get(place.checked_sub(self.trie.nodes.len())?)?;
        named.alone.then_some(readers.as_slice())
    }

    fn read_id<'a>(&self, found: Captures<'a>) -> Result<&'a str, DecodeError> {
        let error = |kind| DecodeError::of(kind, &self.id_path);
        match found.leaf(self.id) {
            Ok(Some(Leaf::Text(id) | Leaf::Number(id))) => {
                let id = match self.id_prefix.as_str() {
                    "" => id,
                    prefix => id.strip_prefix(prefix).unwrap_or(id),
                };
                if id.is_empty() { Err(error(DecodeErrorKind::MissingId)) } else { Ok(id) }
            }
            Ok(Some(Leaf::Null) | None) => Err(error(DecodeErrorKind::MissingId)),
            Ok(Some(Leaf::Bool(_))) | Err(_) => Err(error(DecodeErrorKind::UnreadableId)),
        }
    }

    fn read_token(&self, found: Captures<'_>) -> Result<Option<i64>, DecodeError> {
        let Some(place) = self.token else { return Ok(None) };
        let token = match found.leaf(place) {
            Ok(Some(Leaf::Null) | None) => return Ok(None),
            Ok(Some(leaf)) => self.token_reader.read(leaf),
            Err(_) => Err("a value"),
        };
        token
            .map(Some)
            .map_err(|expected| DecodeError::of(DecodeErrorKind::UnreadableToken(expected), &self.token_path))
    }
}

fn of(reach: &[Reach], slot: SlotIndex) -> Reach {
    reach.get(usize::from(slot)).copied().unwrap_or_default()
}
