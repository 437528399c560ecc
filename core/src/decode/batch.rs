//! `Batch`: decoded records, packed.

use crate::id::{ConnectionName, ObjectType, RecordRef};
use crate::observation::{Coverage, DeathEvidence, Observation, Said, Sighting, SlotIndex};
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::{Field, FieldRef};

use super::trie::number;
use super::walk::Scratch;

/// A range of a batch's text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    at: u32,
    len: u32,
}

impl Span {
    /// Saturates beyond 4 GiB, which `decode` refuses before anybody reads the span.
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { at: number(start), len: number(end - start) }
    }

    pub(super) fn of(self, text: &str) -> &str {
        let at = self.at as usize;
        text.get(at..at + self.len as usize).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    Null,
    Empty,
    Value(Span),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct DecodedCell {
    pub(super) slot: SlotIndex,
    pub(super) state: State,
    pub(super) element: Option<Span>,
}

/// Why a record does not cover an attribute that it might have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// What is there is no value of the attribute's type.
    Malformed,
    /// What is there has another shape: an object where a value was expected.
    Shape,
    /// The record carries some of the paths that make the value, not all: it has to be read.
    Incomplete,
    /// The surface never carries it, or it was not asked for. No fault of the record's.
    NotCarried,
    /// The connection may not read it. No fault of the record's.
    Denied,
}

/// An attribute that a record leaves uncovered, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fault {
    /// The attribute, by slot.
    pub slot: SlotIndex,
    /// What kind of reason.
    pub kind: FaultKind,
    /// What was expected. Never what the record held.
    pub reason: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Decoded {
    pub(super) item: u32,
    pub(super) id: Span,
    pub(super) token: Option<i64>,
    pub(super) archived: bool,
    pub(super) full: bool,
    pub(super) cells: (u32, u32),
    pub(super) faults: (u32, u32),
    pub(super) whole: (u32, u32),
}

/// The packed content of many decoded records: one text, and plain vectors of what points into it.
///
/// Decoding allocates nothing per field, and nothing per record once the vectors have grown: [`Batch::clear`] keeps
/// their room, and the decoder's scratch space beside it.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) arena: String,
    pub(super) records: Vec<Decoded>,
    pub(super) cells: Vec<DecodedCell>,
    pub(super) faults: Vec<Fault>,
    pub(super) whole: Vec<SlotIndex>,
    pub(super) items: u32,
    pub(super) scratch: Scratch,
    pub(super) joined: String,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the records and keeps the room they took.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.records.clear();
        self.cells.clear();
        self.faults.clear();
        self.whole.clear();
        self.items = 0;
    }

    /// How many records it holds. A body that could not be decoded is none.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it holds no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, in the order in which they were decoded.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = DecodedRecord<'_>> + ExactSizeIterator {
        self.records.iter().map(|decoded| DecodedRecord { batch: self, decoded })
    }
}

/// One record of a batch.
#[derive(Debug, Clone, Copy)]
pub struct DecodedRecord<'a> {
    batch: &'a Batch,
    decoded: &'a Decoded,
}

fn part<T>(all: &[T], (start, end): (u32, u32)) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

impl<'a> DecodedRecord<'a> {
    /// Which body it came from, counted since the batch was last cleared.
    #[must_use]
    pub const fn item(&self) -> usize {
        self.decoded.item as usize
    }

    /// The native id, without the surface's prefix. A number keeps its text.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.decoded.id.of(&self.batch.arena)
    }

    /// The ordering token, if the body carried one.
    #[must_use]
    pub const fn token(&self) -> Option<i64> {
        self.decoded.token
    }

    /// Whether the record says that it is archived.
    #[must_use]
    pub const fn archived(&self) -> bool {
        self.decoded.archived
    }

    /// Whether it covers every attribute but those of [`DecodedRecord::uncovered`]. Otherwise it covers what it carries.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.decoded.full
    }

    /// The cells: slot, element of a set or keyed collection, and what is said. Ordered by slot and element.
    ///
    /// A full record has a cell for every covered single value and list, Null where the body lacks it; of a covered set
    /// or keyed collection it has the elements.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = (SlotIndex, Option<&'a str>, FieldRef<'a>)> + use<'a> {
        let arena = self.batch.arena.as_str();
        part(&self.batch.cells, self.decoded.cells).iter().map(move |cell| {
            let field = match cell.state {
                State::Null => FieldRef::Null,
                State::Empty => FieldRef::Empty,
                State::Value(span) => FieldRef::Value(span.of(arena)),
            };
            (cell.slot, cell.element.map(|span| span.of(arena)), field)
        })
    }

    /// The sets and keyed collections that the body carried whole: an element without a cell is not there.
    ///
    #[must_use]
    pub fn collections(&self) -> &'a [SlotIndex] {
        part(&self.batch.whole, self.decoded.whole)
    }

    fn gaps(&self) -> &'a [Fault] {
        part(&self.batch.faults, self.decoded.faults)
    }

    /// What could not be decoded, by slot.
    pub fn faults(&self) -> impl Iterator<Item = Fault> + use<'a> {
        let of_the_record = |fault: &Fault| !matches!(fault.kind, FaultKind::NotCarried | FaultKind::Denied);
        self.gaps().iter().copied().filter(of_the_record)
    }

    /// The slots that the connection may not read, in order.
    pub fn denied(&self) -> impl Iterator<Item = SlotIndex> + use<'a> {
        self.gaps().iter().filter(|fault| fault.kind == FaultKind::Denied).map(|fault| fault.slot)
    }

    /// The slots that even a full record does not cover, in order: faults, what may not be read, and what the surface
    /// never carries or was not asked for.
    pub fn uncovered(&self) -> impl ExactSizeIterator<Item = SlotIndex> + use<'a> {
        self.gaps().iter().map(|fault| fault.slot)
    }

    /// Whether the record carried part of what makes a value, so that it has to be read.
    #[must_use]
    pub fn incomplete(&self) -> bool {
        self.gaps().iter().any(|fault| fault.kind == FaultKind::Incomplete)
    }

    /// The record as an observation of its own. A collection that a partial record carries whole and empty has a cell
    /// without element.
    #[must_use]
    pub fn to_observation(&self, connection: &ConnectionName, object: &ObjectType, stamp: Stamp) -> Observation {
        let said = |(slot, element, field): (SlotIndex, Option<&str>, FieldRef<'_>)| Said {
            slot,
            element: element.map(Text::new),
            field: field.to_field(),
        };
        let mut cells: Vec<Said> = self.cells().map(said).collect();
        if !self.is_full() {
            let empty = |slot: &&SlotIndex| !cells.iter().any(|said| said.slot == **slot);
            let empty: Vec<SlotIndex> = self.collections().iter().filter(empty).copied().collect();
            cells.extend(empty.into_iter().map(|slot| Said { slot, element: None, field: Field::Null }));
            cells.sort_by(|a, b| (a.slot, &a.element).cmp(&(b.slot, &b.element)));
        }
        Observation {
            record: RecordRef { connection: connection.clone(), object: object.clone(), id: self.id().into() },
            stamp,
            sighting: if self.archived() {
                Sighting::Dead(DeathEvidence::Archived)
            } else {
                Sighting::Live { full: self.is_full() }
            },
            coverage: if self.is_full() { Coverage::AllBut(self.uncovered().collect()) } else { Coverage::Carried },
            cells,
            denied: self.denied().collect(),
        }
    }
}
