//! From what a walk captured to cells: each slot's leaves through its codec.

use std::sync::Arc;

use smallvec::SmallVec;

use super::batch::{DecodedCell, Fault, FaultKind, Span, State};
use super::captures::{Captures, Found, Gap};
use super::join::Join;
use super::reach::Reach;

use crate::model::{Codec, Read};
use crate::observation::SlotIndex;
use crate::value::Leaf;

/// How one slot is read.
#[derive(Debug, Clone)]
pub(super) struct SlotPlan {
    pub(super) codec: Arc<dyn Codec>,
    /// The captured places that it reads, one per read path; `None`: the surface does not carry that path.
    pub(super) parts: SmallVec<[Option<u32>; 2]>,
    pub(super) shape: SlotShape,
    /// How many captured places one element of its array takes.
    pub(super) stride: u32,
}

#[derive(Debug, Clone)]
pub(super) enum SlotShape {
    One,
    List { separator: Option<char> },
    Set { separator: Option<char> },
    Keyed { members: Vec<MemberPlan> },
}

/// How one member of an element is read: `parts` are places within the element.
#[derive(Debug, Clone)]
pub(super) struct MemberPlan {
    /// `None`: the object type does not hold the member.
    pub(super) codec: Option<Arc<dyn Codec>>,
    pub(super) parts: SmallVec<[u32; 2]>,
}

const NOT_ASKED: &str = "it was not asked for";

/// Where cells go.
pub(super) struct Sink<'b> {
    pub(super) arena: &'b mut String,
    pub(super) cells: &'b mut Vec<DecodedCell>,
    pub(super) faults: &'b mut Vec<Fault>,
    pub(super) whole: &'b mut Vec<SlotIndex>,
    pub(super) joined: &'b mut String,
}

impl Sink<'_> {
    /// Decodes one slot as far as it may be believed.
    #[inline]
    pub(super) fn slot(&mut self, slot: SlotIndex, plan: &SlotPlan, found: Captures<'_>, full: bool, reach: Reach) {
        match reach {
            Reach::Covered => self.believed(slot, plan, found, full),
            Reach::Carried => self.carried(slot, plan, found, full),
            Reach::Denied => {
                self.faults.push(Fault { slot, kind: FaultKind::Denied, reason: "it may not be read" });
            }
        }
    }

    /// Decodes one slot of which only what is carried is told. Part of what makes a value is no reason to read the record
    /// again: nobody asked for the rest.
    fn carried(&mut self, slot: SlotIndex, plan: &SlotPlan, found: Captures<'_>, full: bool) {
        let before = (self.cells.len(), self.whole.len(), self.faults.len());
        self.believed(slot, plan, found, false);
        if let Some(fault) = self.faults.get_mut(before.2).filter(|fault| fault.kind == FaultKind::Incomplete) {
            *fault = Fault { slot, kind: FaultKind::NotCarried, reason: NOT_ASKED };
        }
        if full && before == (self.cells.len(), self.whole.len(), self.faults.len()) {
            self.faults.push(Fault { slot, kind: FaultKind::NotCarried, reason: NOT_ASKED });
        }
    }

    /// Decodes one slot. If it cannot, nothing of it stays but a fault.
    #[inline]
    fn believed(&mut self, slot: SlotIndex, plan: &SlotPlan, found: Captures<'_>, full: bool) {
        let (arena, cells) = (self.arena.len(), self.cells.len());
        let gap = match &plan.shape {
            SlotShape::One => self.one(slot, plan, found, full),
            SlotShape::List { separator } => self.list(slot, plan, *separator, found, full),
            SlotShape::Set { separator } => self.set(slot, plan, *separator, found, full),
            SlotShape::Keyed { members } => self.keyed(slot, plan, members, found, full),
        };
        let Err(gap) = gap else { return };
        self.arena.truncate(arena);
        self.cells.truncate(cells);
        let (kind, reason) = match gap {
            Gap::Malformed(reason) => (FaultKind::Malformed, reason),
            Gap::Shape(reason) => (FaultKind::Shape, reason),
            Gap::Incomplete => (FaultKind::Incomplete, "only some of what makes it was carried"),
            Gap::NotCarried if full => (FaultKind::NotCarried, "the surface does not carry it"),
            Gap::NotCarried | Gap::Silent => return,
        };
        self.faults.push(Fault { slot, kind, reason });
    }

    fn push(&mut self, slot: SlotIndex, state: State) {
        self.cells.push(DecodedCell { slot, state, element: None });
    }

    #[inline]
    fn one(&mut self, slot: SlotIndex, plan: &SlotPlan, found: Captures<'_>, full: bool) -> Result<(), Gap> {
        let start = self.arena.len();
        let read = match plan.parts.as_slice() {
            &[Some(only)] => match found.leaf(only)? {
                Some(leaf) => plan.codec.read(&[leaf], self.arena),
                None if full => Ok(Read::Null),
                None => return Err(Gap::Silent),
            },
            parts => {
                let mut leaves = SmallVec::<[Leaf<'_>; 4]>::new();
                let mut absent = 0;
                for part in parts {
                    let Some(part) = *part else { return Err(Gap::NotCarried) };
                    let leaf = found.leaf(part)?;
                    absent += usize::from(leaf.is_none());
                    leaves.push(leaf.unwrap_or(Leaf::Null));
                }
                match absent {
                    _ if leaves.is_empty() => return Err(Gap::NotCarried),
                    _ if full => {}
                    0 => {}
                    all if all == leaves.len() => return Err(Gap::Silent),
                    _ => return Err(Gap::Incomplete),
                }
                plan.codec.read(&leaves, self.arena)
            }
        };
        let state = match read.map_err(|malformed| Gap::Malformed(malformed.reason))? {
            Read::Null => State::Null,
            Read::Empty => State::Empty,
            Read::Value => State::Value(Span::new(start, self.arena.len())),
        };
        self.push(slot, state);
        Ok(())
    }

    /// What stands at a collection's place. Nothing in a full record is Null.
    fn collection<'a>(plan: &SlotPlan, found: Captures<'a>, full: bool) -> Result<Found<'a>, Gap> {
        let Some(Some(place)) = plan.parts.first() else { return Err(Gap::NotCarried) };
        match found.find(*place) {
            Found::Absent if full => Ok(Found::Leaf(Leaf::Null)),
            Found::Absent => Err(Gap::Silent),
            Found::Wrong(reason) => Err(Gap::Shape(reason)),
            Found::Withheld => Err(Gap::Incomplete),
            there => Ok(there),
        }
    }

    /// Calls `visit` with each value of an array, or of a text with separators.
    fn values<'a>(
        there: &Found<'a>,
        separator: Option<char>,
        found: Captures<'a>,
        stride: u32,
        mut visit: impl FnMut(Leaf<'a>) -> Result<(), Gap>,
    ) -> Result<(), Gap> {
        match (there, separator) {
            (Found::Leaf(Leaf::Null) | Found::Absent | Found::Wrong(_) | Found::Withheld, _) => Ok(()),
            (Found::Leaf(Leaf::Text(text)), Some(separator)) => {
                text.split(separator).map(str::trim).filter(|text| !text.is_empty()).map(Leaf::Text).try_for_each(visit)
            }
            (Found::Leaf(leaf), _) => visit(*leaf),
            (Found::Array(first, count), _) => {
                (0..*count).try_for_each(|index| visit(found.leaf(first + index * stride)?.unwrap_or(Leaf::Null)))
            }
        }
    }

    /// An ordered list: one cell with the text that `value::join` gives.
    fn list(
        &mut self,
        slot: SlotIndex,
        plan: &SlotPlan,
        separator: Option<char>,
        found: Captures<'_>,
        full: bool,
    ) -> Result<(), Gap> {
        let there = Self::collection(plan, found, full)?;
        let start = self.arena.len();
        let mut join = Join::open(self.arena);
        Self::values(&there, separator, found, plan.stride, |leaf| {
            self.joined.clear();
            let read = plan.codec.read(&[leaf], self.joined).map_err(|malformed| Gap::Malformed(malformed.reason))?;
            join.member(self.arena, read, self.joined);
            Ok(())
        })?;
        let state = if join.close(self.arena) {
            State::Value(Span::new(start, self.arena.len()))
        } else {
            self.arena.truncate(start);
            State::Null
        };
        self.push(slot, state);
        Ok(())
    }

    /// A set: one cell per different value, the value being its own element.
    fn set(
        &mut self,
        slot: SlotIndex,
        plan: &SlotPlan,
        separator: Option<char>,
        found: Captures<'_>,
        full: bool,
    ) -> Result<(), Gap> {
        let there = Self::collection(plan, found, full)?;
        let first = self.cells.len();
        Self::values(&there, separator, found, plan.stride, |leaf| {
            let start = self.arena.len();
            let read = plan.codec.read(&[leaf], self.arena).map_err(|malformed| Gap::Malformed(malformed.reason))?;
            if read == Read::Value {
                let span = Span::new(start, self.arena.len());
                self.cells.push(DecodedCell { slot, state: State::Value(span), element: Some(span) });
            } else {
                self.arena.truncate(start);
            }
            Ok(())
        })?;
        self.sort(first);
        self.whole.push(slot);
        Ok(())
    }

    /// A keyed collection: one cell per element, its first member being the key.
    fn keyed(
        &mut self,
        slot: SlotIndex,
        plan: &SlotPlan,
        members: &[MemberPlan],
        found: Captures<'_>,
        full: bool,
    ) -> Result<(), Gap> {
        let (first, count) = match Self::collection(plan, found, full)? {
            Found::Array(first, count) => (first, count),
            Found::Leaf(Leaf::Null) => (0, 0),
            _ => return Err(Gap::Shape("expected an array, found a value")),
        };
        let cells = self.cells.len();
        for index in 0..count {
            let base = first + index * plan.stride;
            let mut key = None;
            let mut start = 0;
            let mut join = Join::default();
            for member in members {
                let read = self.member(member, base, found)?;
                if key.is_none() {
                    if read != Read::Value {
                        return Err(Gap::Malformed("an element without a key"));
                    }
                    let at = self.arena.len();
                    self.arena.push_str(self.joined);
                    key = Some(Span::new(at, self.arena.len()));
                    start = self.arena.len();
                    join = Join::open(self.arena);
                }
                join.member(self.arena, read, self.joined);
            }
            if join.close(self.arena) {
                let state = State::Value(Span::new(start, self.arena.len()));
                self.cells.push(DecodedCell { slot, state, element: key });
            }
        }
        let before = self.cells.len();
        self.sort(cells);
        if self.cells.len() != before {
            return Err(Gap::Malformed("two elements of one key"));
        }
        self.whole.push(slot);
        Ok(())
    }

    /// Reads a member of the element at `base` into `joined`.
    fn member(&mut self, member: &MemberPlan, base: u32, found: Captures<'_>) -> Result<Read, Gap> {
        self.joined.clear();
        let Some(codec) = &member.codec else { return Ok(Read::Null) };
        let mut leaves = SmallVec::<[Leaf<'_>; 4]>::new();
        for part in &member.parts {
            leaves.push(found.leaf(base + part)?.unwrap_or(Leaf::Null));
        }
        codec.read(&leaves, self.joined).map_err(|malformed| Gap::Malformed(malformed.reason))
    }

    /// Orders the cells from `first` on by element and drops those whose element came before.
    fn sort(&mut self, first: usize) {
        let arena = self.arena.as_str();
        let element = |cell: &DecodedCell| cell.element.unwrap_or_default().of(arena);
        let Some(cells) = self.cells.get_mut(first..) else { return };
        cells.sort_unstable_by(|left, right| element(left).cmp(element(right)));
        let mut kept = 0;
        for index in 0..cells.len() {
            if index == 0 || element(&cells[index]) != element(&cells[kept - 1]) {
                cells[kept] = cells[index];
                kept += 1;
            }
        }
        self.cells.truncate(first + kept);
    }
}
