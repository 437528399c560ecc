//! Representations: the fold of all observations of one record, which is what its system says now.
//!
//! Fold is commutative, associative and idempotent. Every register here is a maximum, or a set that only grows, so any
//! order, grouping and repetition of the same observations gives the same representation (`docs/semantics.md` 3).

mod cell;
mod existence;
mod packed;
mod rare;
pub(crate) mod redirects;
pub(crate) mod stored;
mod trim;

use std::collections::BTreeSet;

use crate::model::Shape;
use crate::observation::{Coverage, Observation, Sighting, SlotIndex};
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::{Field, FieldRef};

pub use cell::Folded;
pub use existence::{Existence, Life};
pub use packed::CellRef;
pub use trim::HORIZON;

use cell::Cell;
use packed::Cells;
use rare::Rare;

/// What one record's system says of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Representation {
    cells: Cells,
    existence: Existence,
    rare: Rare,
}

/// What folding one observation did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoldOutcome {
    /// The slots whose value changed, or whose "unchanged since" may have.
    pub touched: Vec<SlotIndex>,
    /// Whether equal stamps disagree: the record must be read.
    pub tie: bool,
    /// Whether existence changed.
    pub existence: bool,
    /// Whether it changed because the record was sighted for the first time, and nothing else is known of it.
    pub first_sight: bool,
}

impl FoldOutcome {
    /// Forgets everything but the room it took.
    pub(crate) fn clear(&mut self) {
        self.touched.clear();
        self.tie = false;
        self.existence = false;
        self.first_sight = false;
    }
}

impl Representation {
    /// Nothing observed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the registers themselves, and says nothing that matters: `working_set/ahead.rs` says why.
    pub(crate) fn look_at_itself(&self) -> usize {
        usize::from(self.existence.seen_whole())
            ^ usize::from(self.rare.is_empty())
            ^ usize::from(self.cells.is_empty())
    }

    /// Looks at what scalar attributes say, where that is short.
    pub(crate) fn look_at_cells(&self) -> usize {
        self.cells.look()
    }

    /// Looks at what scalar attributes say, where that is long.
    pub(crate) fn look_at_values(&self) -> usize {
        self.cells.look_at_values()
    }

    /// Makes room for so many scalar attributes in all, and no more.
    pub(crate) fn make_room(&mut self, slots: usize) {
        self.cells.make_room(slots);
    }

    /// Folds one observation. `shapes` gives each slot's shape.
    pub fn fold(&mut self, observation: &Observation, shapes: &[Shape]) -> FoldOutcome {
        let mut outcome = FoldOutcome::default();
        let stamp = observation.stamp;
        self.sight(stamp, &observation.sighting, &mut outcome);
        for cells in observation.cells.chunk_by(|one, next| one.slot == next.slot) {
            let slot = cells[0].slot;
            let whole = shapes.get(usize::from(slot)).is_some_and(|shape| is_collection(*shape));
            if whole {
                let elements = || cells.iter().filter_map(|said| said.element.as_deref()).collect();
                self.cover_with(slot, stamp, elements, &mut outcome);
            }
            for said in cells {
                match (&said.element, whole) {
                    (Some(element), true) => {
                        self.say_element(slot, element, stamp, said.field.borrowed(), &mut outcome);
                    }
                    (None, false) => self.say(slot, stamp, said.field.borrowed(), &mut outcome),
                    // A collection said without elements is empty: covering it says so. The other case cannot be decoded.
                    (None, true) | (Some(_), false) => {}
                }
            }
        }
        if let Coverage::AllBut(uncovered) = &observation.coverage {
            let mut carried = observation.cells.iter().map(|said| said.slot).peekable();
            for (slot, shape) in shapes.iter().enumerate() {
                let Ok(slot) = SlotIndex::try_from(slot) else { break };
                let mut said = false;
                while carried.peek().is_some_and(|next| *next <= slot) {
                    said |= carried.next() == Some(slot);
                }
                if said || uncovered.contains(&slot) || observation.denied.contains(&slot) {
                    continue;
                }
                if is_collection(*shape) {
                    self.cover_with(slot, stamp, Vec::new, &mut outcome);
                } else {
                    self.say(slot, stamp, FieldRef::Null, &mut outcome);
                }
            }
        }
        for slot in &observation.denied {
            let register = self.rare.make().denied.entry(*slot).or_insert(stamp);
            *register = (*register).max(stamp);
            outcome.touched.push(*slot);
        }
        outcome
    }

    /// Folds one scalar cell: the hot path, for decoders that hold no [`Observation`].
    pub fn say(&mut self, slot: SlotIndex, stamp: Stamp, field: FieldRef<'_>, outcome: &mut FoldOutcome) {
        if planted!(ClearNotSeen) && field == FieldRef::Null {
            return;
        }
        let was_denied = self.is_denied(slot);
        let folded = self.cells.say(slot, stamp, field);
        note(slot, folded, outcome);
        if folded == Folded::Repeated && was_denied && !self.is_denied(slot) {
            // The same value, but readable again.
            outcome.touched.push(slot);
        }
    }

    /// Folds one element of a collection.
    pub fn say_element(
        &mut self,
        slot: SlotIndex,
        element: &Text,
        stamp: Stamp,
        field: FieldRef<'_>,
        outcome: &mut FoldOutcome,
    ) {
        let folded = match self.rare.make().elements.entry((slot, element.clone())) {
            std::collections::btree_map::Entry::Occupied(mut cell) => cell.get_mut().insert(stamp, field),
            std::collections::btree_map::Entry::Vacant(empty) => {
                empty.insert(Cell::new(stamp, field));
                Folded::Changed
            }
        };
        if folded == Folded::Repeated {
            // It may have been gone in between, or for another look at this stamp.
            outcome.touched.push(slot);
        }
        note(slot, folded, outcome);
    }

    /// Notes that a whole collection was seen: elements not said at this stamp were not there.
    pub fn cover(&mut self, slot: SlotIndex, stamp: Stamp, outcome: &mut FoldOutcome) {
        if self.rare.make().covered.entry(slot).or_default().insert(stamp) {
            outcome.touched.push(slot);
        }
    }

    /// Covers a collection that shows `elements`. Seen last at this stamp, but with other elements, it is a tie: the record
    /// must be read. `elements` is only asked then.
    pub(crate) fn cover_with<'e>(
        &mut self,
        slot: SlotIndex,
        stamp: Stamp,
        elements: impl FnOnce() -> Vec<&'e str>,
        outcome: &mut FoldOutcome,
    ) {
        if self.rare.covered.get(&slot).is_some_and(|seen| seen.last() == Some(&stamp)) {
            let said = elements();
            let known: BTreeSet<&str> = self
                .element_keys(slot)
                .filter(|key| {
                    let cell = self.rare.elements.get(&(slot, (*key).clone()));
                    cell.is_some_and(|cell| cell.history().any(|(at, _)| at == stamp))
                })
                .map(Text::as_str)
                .collect();
            outcome.tie |= known != said.into_iter().collect();
        }
        self.cover(slot, stamp, outcome);
    }

    /// Folds a sighting.
    pub fn sight(&mut self, stamp: Stamp, sighting: &Sighting, outcome: &mut FoldOutcome) {
        let before = self.existence.life();
        self.existence.fold(stamp, sighting);
        let after = self.existence.life();
        outcome.existence |= after != before;
        outcome.first_sight |= (before, after) == (Life::Unknown, Life::Live);
        outcome.tie |= self.existence.tied();
    }

    /// Notes that a merge inside the system sent this id to another.
    pub fn redirect(&mut self, stamp: Stamp, survivor: Text) -> bool {
        self.rare.make().redirects.insert((stamp, survivor))
    }

    /// Where this id leads: the survivor of the latest merge. `None` if it was never merged away, or if it is the one
    /// that a cycle of merges leaves.
    #[must_use]
    pub fn redirected_to(&self) -> Option<&Text> {
        self.latest_merge().map(|(_, survivor)| survivor).filter(|_| !self.rare.returned)
    }

    /// The latest edge out of this id, whether or not it is part of a cycle.
    pub(crate) fn latest_merge(&self) -> Option<(Stamp, &Text)> {
        self.rare.redirects.last().map(|(stamp, survivor)| (*stamp, survivor))
    }

    /// Whether the id stands although it was merged away.
    pub(crate) fn is_returned(&self) -> bool {
        self.rare.returned
    }

    /// Says whether the id stands although it was merged away. Says whether that is new.
    pub(crate) fn set_returned(&mut self, returned: bool) -> bool {
        returned != self.rare.returned && {
            self.rare.make().returned = returned;
            true
        }
    }

    /// As a row holds it: whether the id stands in a cycle is resolved when it is loaded.
    pub(crate) fn as_stored(&self) -> Self {
        let mut copy = self.clone();
        copy.set_returned(false);
        copy
    }

    /// Whether the record is there.
    #[must_use]
    pub const fn existence(&self) -> &Existence {
        &self.existence
    }

    /// The same with nothing but where its system merged it: ids, which others are resolved by. `None`: it was not merged.
    pub(crate) fn merges_alone(&self) -> Option<Self> {
        let mut alone = Self::new();
        for (stamp, survivor) in &self.rare.redirects {
            alone.redirect(*stamp, survivor.clone());
        }
        alone.latest_merge().is_some().then_some(alone)
    }

    /// Whether the record's cells may be looked at: it is live, and not redirected.
    #[must_use]
    pub fn speaks(&self) -> bool {
        self.redirected_to().is_none() && self.existence.life() == Life::Live
    }

    /// The slots of which anything was ever said.
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotIndex> {
        let cells = self.cells.iter().map(|(slot, _)| slot);
        let elements = self.rare.elements.keys().map(|(slot, _)| *slot);
        cells.chain(elements).chain(self.rare.covered.keys().copied()).chain(self.rare.denied.keys().copied())
    }

    /// What is said of a scalar attribute; `None`: unobserved.
    #[must_use]
    pub fn cell(&self, slot: SlotIndex) -> Option<CellRef<'_>> {
        self.cells.get(slot)
    }

    /// Whether a collection was ever seen whole.
    #[must_use]
    pub fn collection_seen(&self, slot: SlotIndex) -> bool {
        self.rare.covered.contains_key(&slot)
    }

    /// The keys of elements ever said.
    pub fn element_keys(&self, slot: SlotIndex) -> impl Iterator<Item = &Text> {
        self.rare
            .elements
            .range((slot, Text::default())..)
            .take_while(move |((of, _), _)| *of == slot)
            .map(|((_, key), _)| key)
    }

    /// What is said of one element, with the stamp since which it stands and the last stamp before that.
    #[must_use]
    pub fn element(&self, slot: SlotIndex, key: &Text) -> Option<Said<'_>> {
        let covered = self.rare.covered.get(&slot)?;
        let Some(cell) = self.rare.elements.get(&(slot, key.clone())) else {
            let since = *covered.first()?;
            return Some(Said { field: &NULL, since, stamp: *covered.last()?, not_before: None });
        };
        let gone = covered.range((std::ops::Bound::Excluded(cell.stamp()), std::ops::Bound::Unbounded)).next();
        Some(match gone {
            None => Said {
                field: cell.field(),
                since: element_since(cell, covered),
                stamp: cell.stamp(),
                not_before: covered.range(..element_since(cell, covered)).next_back().copied(),
            },
            Some(since) => Said {
                field: &NULL,
                since: *since,
                stamp: covered.last().copied().unwrap_or(*since),
                not_before: Some(cell.stamp()),
            },
        })
    }

    /// Whether the link may not read this attribute. The last value is kept.
    #[must_use]
    pub fn is_denied(&self, slot: SlotIndex) -> bool {
        if self.rare.denied.is_empty() {
            return false;
        }
        let said =
            self.cell(slot).map(CellRef::stamp).max(self.rare.covered.get(&slot).and_then(|seen| seen.last().copied()));
        self.rare.denied.get(&slot).copied() > said
    }

    /// Whether it says something else than it did: of what `before` said, another value, or another existence. What `before` had not
    /// said yet is nothing else.
    pub(crate) fn says_otherwise_than(&self, before: &Self) -> bool {
        let value = |of: &Self, slot| of.cell(slot).map(|cell| cell.field().clone());
        let element = |of: &Self, slot, key: &Text| of.element(slot, key).map(|said| said.field.clone());
        let differs = |slot: SlotIndex| {
            if self.is_denied(slot) {
                // What may not be read any more says nothing.
                return false;
            }
            let keys: BTreeSet<&Text> = before.element_keys(slot).chain(self.element_keys(slot)).collect();
            let elements = before.collection_seen(slot)
                && keys.into_iter().any(|key| element(self, slot, key) != element(before, slot, key));
            elements || before.cell(slot).is_some() && value(self, slot) != value(before, slot)
        };
        let known = before.existence.life() != Life::Unknown;
        known && (self.existence.life() != before.existence.life() || before.slots().any(differs))
    }

    /// The highest token of anything said: a death without a token of its own is stamped with it.
    #[must_use]
    pub fn last_token(&self) -> i64 {
        let cells = self.cells.iter().map(|(_, cell)| cell.stamp().token);
        cells.chain(self.existence.last().map(|stamp| stamp.token)).max().unwrap_or(0)
    }

    /// Forgets what is said of slots: they are read otherwise by now.
    pub(crate) fn forget(&mut self, forgotten: impl Fn(SlotIndex) -> bool) {
        self.cells.forget(&forgotten);
        if let Some(rare) = self.rare.held() {
            rare.elements.retain(|(slot, _), _| !forgotten(*slot));
            rare.covered.retain(|slot, _| !forgotten(*slot));
        }
    }

    /// Forgets what lies before `horizon`, but for what today's answers rest on. Nothing older may arrive afterwards.
    pub fn compact(&mut self, horizon: i64) {
        self.cells.change(|cell| cell.is_compacted_by(horizon), |cell| cell.compact(horizon));
        let slots: Vec<SlotIndex> = self.rare.covered.keys().copied().collect();
        for slot in slots {
            self.compact_collection(slot, horizon);
        }
    }

    /// Whether an element was there without a break is read from looks and elements together, so they are forgotten
    /// together. Of the time before the horizon remains what the collection was like when it ended, and since when:
    /// equal stamps may still fill a gap behind it. What an element was said at stays wherever a look stays for
    /// another element's sake.
    fn compact_collection(&mut self, slot: SlotIndex, horizon: i64) {
        let Some(covered) = self.rare.covered.get(&slot) else { return };
        let before: BTreeSet<Stamp> = covered.iter().copied().filter(|stamp| stamp.token < horizon).collect();
        let mut kept: BTreeSet<Stamp> = covered.difference(&before).copied().collect();
        kept.extend(before.first().into_iter().chain(before.last()));
        for (_, cell) in self.rare.make().elements.iter_mut().filter(|((of, _), _)| *of == slot) {
            let said = || cell.history().filter(|(stamp, _)| stamp.token < horizon);
            let Some((last, _)) = said().next_back() else { continue };
            let gone = before.range((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded)).next();
            match (gone, run_since(said(), &before)) {
                (None, Some(since)) => kept.extend(before.range(..since).next_back()),
                (gone, _) => kept.extend(gone),
            }
        }
        for (_, cell) in self.rare.make().elements.iter_mut().filter(|((of, _), _)| *of == slot) {
            let Some(since) = run_since(cell.history().filter(|(stamp, _)| stamp.token < horizon), &before) else {
                continue;
            };
            cell.retain_earlier(|stamp| {
                stamp.token >= horizon || stamp == since || (stamp > since && kept.contains(&stamp))
            });
        }
        self.rare.make().covered.insert(slot, kept);
    }
}

static NULL: Field = Field::Null;

/// What is said of one unit member, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// The field.
    pub field: &'a Field,
    /// The stamp since which it stands.
    pub since: Stamp,
    /// The stamp at which it was last said.
    pub stamp: Stamp,
    /// The last stamp at which it was not yet there.
    pub not_before: Option<Stamp>,
}

/// The stamp since which an element stands: its run of equal values, cut where the collection was seen without it.
fn element_since(cell: &Cell, covered: &BTreeSet<Stamp>) -> Stamp {
    run_since(cell.history(), covered).unwrap_or(cell.stamp())
}

fn run_since<'a>(
    said: impl DoubleEndedIterator<Item = (Stamp, &'a Field)>,
    covered: &BTreeSet<Stamp>,
) -> Option<Stamp> {
    let mut said = said.rev();
    let (mut since, value) = said.next()?;
    for (stamp, field) in said {
        let between = (std::ops::Bound::Excluded(stamp), std::ops::Bound::Excluded(since));
        if field != value || (stamp < since && covered.range(between).next().is_some()) {
            break;
        }
        since = stamp;
    }
    Some(since)
}

const fn is_collection(shape: Shape) -> bool {
    matches!(shape, Shape::Set | Shape::Keyed)
}

fn note(slot: SlotIndex, folded: Folded, outcome: &mut FoldOutcome) {
    match folded {
        Folded::Known | Folded::Repeated => {}
        Folded::Tie => {
            outcome.tie = true;
            outcome.touched.push(slot);
        }
        Folded::Late | Folded::Changed => outcome.touched.push(slot),
    }
}
