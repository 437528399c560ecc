//! The scalar cells of one record, packed: there are more of them than of anything else.
//!
//! What one record says at one stamp it mostly says of many attributes, and says again at the next. So its stamps stand once, and
//! a cell has a bit for each at which its value was said. It stands for the same set as a [`Cell`] does, which is what it becomes
//! for whatever happens rarely: something that is heard late, or at the stamp of something else.

use std::fmt;

use crate::observation::SlotIndex;
use crate::representation::cell::{Cell, Folded};
use crate::stamp::Stamp;
use crate::value::{Field, FieldRef};

/// How many stamps the cells of a record have bits for.
const WINDOW: usize = u32::BITS as usize;

/// The scalar cells of one record. Equal if they stand for the same sets.
#[derive(Clone, Default)]
pub(super) struct Cells {
    /// Ascending, and at most [`WINDOW`] of them.
    stamps: Box<[Stamp]>,
    /// Ascending by slot.
    cells: Vec<Packed>,
}

/// 32 bytes: two of them are a line of the processor's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packed {
    field: Field,
    /// What was said before, ascending. It ends with the value itself where that was said without a break since before what
    /// there are bits for. Boxed: most values never changed.
    #[expect(clippy::box_collection, reason = "it costs one word where there is nothing")]
    earlier: Option<Box<Vec<(Stamp, Field)>>>,
    /// A bit for each of the stamps at which the value was said without a break, the latest included.
    said: u32,
    slot: SlotIndex,
}

impl Packed {
    fn earlier(&self) -> &[(Stamp, Field)] {
        self.earlier.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Adds what is later than all that was said before. Few values change more than once: no room is kept.
    fn push_earlier(&mut self, stamp: Stamp, field: Field) {
        let earlier = self.earlier.get_or_insert_default();
        if earlier.len() == earlier.capacity() {
            earlier.reserve_exact((earlier.len() / 2).max(1));
        }
        earlier.push((stamp, field));
    }
}

/// What one system says of one attribute, borrowed: the set of `(stamp, field)` above the compaction horizon. Its maximum is the
/// value; "unchanged since" is derived from the rest.
#[derive(Debug, Clone, Copy)]
pub struct CellRef<'a> {
    cell: &'a Packed,
    stamps: &'a [Stamp],
}

impl<'a> CellRef<'a> {
    /// What is said.
    #[must_use]
    pub const fn field(self) -> &'a Field {
        &self.cell.field
    }

    /// When it was last said.
    #[must_use]
    pub fn stamp(self) -> Stamp {
        match self.cell.said.checked_ilog2() {
            Some(last) => self.stamps.get(last as usize).copied().unwrap_or_default(),
            None => self.cell.earlier().last().map_or_else(Stamp::default, |(stamp, _)| *stamp),
        }
    }

    /// The stamp since which the value has stood unchanged: that of its origin here.
    #[must_use]
    pub fn since(self) -> Stamp {
        let apart = self.before().len();
        match self.cell.earlier().get(apart) {
            Some((first, _)) => *first,
            None => self.stamps.get(self.cell.said.trailing_zeros() as usize).copied().unwrap_or_default(),
        }
    }

    /// The stamp of the last observation before [`CellRef::since`]: the value was not yet there.
    #[must_use]
    pub fn not_before(self) -> Option<Stamp> {
        self.before().last().map(|(stamp, _)| *stamp)
    }

    /// The set, ascending, the value last.
    pub fn history(self) -> impl DoubleEndedIterator<Item = (Stamp, &'a Field)> {
        let earlier = self.cell.earlier().iter().map(|(stamp, field)| (*stamp, field));
        earlier.chain(self.bits().map(move |stamp| (stamp, &self.cell.field)))
    }

    /// How many observations the set holds.
    pub(super) fn len(self) -> usize {
        self.cell.earlier().len() + self.cell.said.count_ones() as usize
    }

    /// Whether anything goes with what was said before `horizon`, as [`Cell::compact`] has it.
    pub(super) fn is_compacted_by(self, horizon: i64) -> bool {
        let (since, last) = (self.before().len(), self.len().saturating_sub(1));
        let mut old = self.history().take_while(|(stamp, _)| stamp.token < horizon).enumerate();
        old.any(|(place, _)| place + 1 != since && place != since && place != last)
    }

    /// What was said before the value.
    fn before(self) -> &'a [(Stamp, Field)] {
        let earlier = self.cell.earlier();
        let apart = earlier.iter().rposition(|(_, field)| *field != self.cell.field).map_or(0, |last| last + 1);
        &earlier[..apart]
    }

    /// The stamps that the cell has bits for.
    fn bits(self) -> impl DoubleEndedIterator<Item = Stamp> + use<'a> {
        let Self { cell, stamps } = self;
        stamps.iter().enumerate().filter(|(bit, _)| (cell.said >> bit) & 1 == 1).map(|(_, stamp)| *stamp)
    }

    /// The same, to be changed.
    fn unpack(self) -> Cell {
        let before = self.before();
        let spilled = self.cell.earlier()[before.len()..].iter().map(|(stamp, _)| *stamp);
        Cell::of(self.cell.field.clone(), spilled.chain(self.bits()), before.to_vec())
    }
}

impl Cells {
    /// Whether nothing was ever said.
    pub(super) const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Looks at each line of the processor's cache that cells stand in, and at their latest stamp.
    pub(super) fn look(&self) -> usize {
        let latest = self.stamps.last().map_or(0, |stamp| usize::from(stamp.read == 0));
        self.cells.iter().step_by(2).fold(latest, |seen, cell| seen ^ usize::from(cell.said == 0))
    }

    /// Looks at the first byte of each value: a long one stands elsewhere.
    pub(super) fn look_at_values(&self) -> usize {
        let first = |cell: &Packed| cell.field.as_value().and_then(|text| text.as_bytes().first().copied());
        self.cells.iter().filter_map(first).fold(0, |seen, byte| seen ^ usize::from(byte))
    }

    /// Makes room for so many cells in all.
    pub(super) fn make_room(&mut self, cells: usize) {
        self.cells.reserve_exact(cells.saturating_sub(self.cells.len()));
    }

    /// What is said of a slot.
    pub(super) fn get(&self, slot: SlotIndex) -> Option<CellRef<'_>> {
        let place = self.find(slot).ok()?;
        Some(self.at(self.cells.get(place)?))
    }

    /// All of them, ascending by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SlotIndex, CellRef<'_>)> {
        self.cells.iter().map(|cell| (cell.slot, self.at(cell)))
    }

    /// Forgets the cells of slots.
    pub(super) fn forget(&mut self, forgotten: impl Fn(SlotIndex) -> bool) {
        self.cells.retain(|cell| !forgotten(cell.slot));
    }

    /// Folds what is said of a slot.
    pub(super) fn say(&mut self, slot: SlotIndex, stamp: Stamp, field: FieldRef<'_>) -> Folded {
        let place = match self.find(slot) {
            Ok(place) => place,
            Err(place) => {
                self.add(place, Packed { field: field.to_field(), earlier: None, said: 0, slot });
                self.mark(place, stamp);
                return Folded::Changed;
            }
        };
        let known = self.at(&self.cells[place]);
        let last = known.stamp();
        let same = field == known.field().borrowed();
        if stamp > last && !planted!(ArrivalDecides) {
            if !same {
                self.retire(place, field);
            }
            self.mark(place, stamp);
            return if same { Folded::Repeated } else { Folded::Changed };
        }
        if stamp == last && same {
            return Folded::Known;
        }
        let mut cell = known.unpack();
        let folded = cell.insert(stamp, field);
        if folded != Folded::Known {
            self.set(place, &cell);
        }
        folded
    }

    /// Changes every cell that `which` names.
    pub(super) fn change(&mut self, which: impl Fn(CellRef<'_>) -> bool, change: impl Fn(&mut Cell)) {
        for place in 0..self.cells.len() {
            let known = self.at(&self.cells[place]);
            if which(known) {
                let mut cell = known.unpack();
                change(&mut cell);
                self.set(place, &cell);
            }
        }
    }

    const fn at<'a>(&'a self, cell: &'a Packed) -> CellRef<'a> {
        CellRef { cell, stamps: &self.stamps }
    }

    /// The place of a slot, or where it would be. Most records say something of every attribute that they have.
    fn find(&self, slot: SlotIndex) -> Result<usize, usize> {
        let place = usize::from(slot);
        if self.cells.get(place).is_some_and(|cell| cell.slot == slot) {
            return Ok(place);
        }
        self.cells.binary_search_by_key(&slot, |cell| cell.slot)
    }

    fn add(&mut self, place: usize, cell: Packed) {
        if self.cells.len() == self.cells.capacity() {
            // There are many records: no room is kept for what they may come to say.
            self.cells.reserve_exact(1);
        }
        self.cells.insert(place, cell);
    }

    /// Packs what a cell stands for by now.
    fn set(&mut self, place: usize, cell: &Cell) {
        let run: Vec<Stamp> = cell.run().collect();
        let packed = &mut self.cells[place];
        packed.field.clone_from(cell.field());
        packed.said = 0;
        let mut spilled = run.len();
        // From the latest on: what is kept apart lies before all that has a bit.
        while spilled > 0
            && let Some(bit) = self.bit_of(run[spilled - 1])
        {
            self.cells[place].said |= 1 << bit;
            spilled -= 1;
        }
        let run = run[..spilled].iter().map(|stamp| (*stamp, cell.field().clone()));
        let earlier: Vec<(Stamp, Field)> = cell.before().iter().cloned().chain(run).collect();
        self.cells[place].earlier = (!earlier.is_empty()).then(|| Box::new(earlier));
    }

    /// Notes that the value was said at a stamp later than it was ever said.
    fn mark(&mut self, place: usize, stamp: Stamp) {
        match self.bit_of(stamp) {
            Some(bit) => self.cells[place].said |= 1 << bit,
            None => {
                let field = self.cells[place].field.clone();
                self.cells[place].push_earlier(stamp, field);
            }
        }
    }

    /// Replaces the value: when it was said is kept apart.
    fn retire(&mut self, place: usize, field: FieldRef<'_>) {
        let Self { stamps, cells } = self;
        let cell = &mut cells[place];
        let former = std::mem::replace(&mut cell.field, field.to_field());
        let said = std::mem::take(&mut cell.said);
        for (_, stamp) in stamps.iter().enumerate().filter(|(bit, _)| (said >> bit) & 1 == 1) {
            cell.push_earlier(*stamp, former.clone());
        }
    }

    /// The bit of a stamp, given one if it has none yet. `None`: it is older than all that there are bits for.
    fn bit_of(&mut self, stamp: Stamp) -> Option<usize> {
        if self.stamps.last() == Some(&stamp) {
            return Some(self.stamps.len() - 1);
        }
        let before = match self.stamps.binary_search(&stamp) {
            Ok(bit) => return Some(bit),
            Err(before) => before,
        };
        let mut stamps = std::mem::take(&mut self.stamps).into_vec();
        let mut before = before - self.drop_unused(&mut stamps, before);
        if stamps.len() == WINDOW {
            if before == 0 {
                self.stamps = stamps.into_boxed_slice();
                return None;
            }
            self.drop_oldest(stamps.remove(0));
            before -= 1;
        }
        // There is room already where another has gone.
        stamps.reserve_exact(1);
        stamps.insert(before, stamp);
        self.stamps = stamps.into_boxed_slice();
        if before + 1 < self.stamps.len() {
            let older = (1_u32 << before) - 1;
            for cell in &mut self.cells {
                cell.said = (cell.said & older) | ((cell.said & !older) << 1);
            }
        }
        Some(before)
    }

    /// Drops those of the stamps that no cell has a bit for. Answers how many of the first `before` they were.
    fn drop_unused(&mut self, stamps: &mut Vec<Stamp>, before: usize) -> usize {
        let used = self.cells.iter().fold(0, |used, cell| used | cell.said);
        let unused = |bit: &usize| (used >> bit) & 1 == 0;
        if used.count_ones() as usize == stamps.len() {
            return 0;
        }
        for bit in (0..stamps.len()).rev().filter(unused) {
            stamps.remove(bit);
            let older = (1_u32 << bit) - 1;
            for cell in &mut self.cells {
                cell.said = (cell.said & older) | ((cell.said >> 1) & !older);
            }
        }
        (0..before).filter(unused).count()
    }

    /// Takes the bits of the oldest stamp for others: the values that were said at it keep it apart.
    fn drop_oldest(&mut self, oldest: Stamp) {
        for cell in &mut self.cells {
            if cell.said & 1 == 1 {
                let field = cell.field.clone();
                cell.push_earlier(oldest, field);
            }
            cell.said >>= 1;
        }
    }
}

/// The sets, by slot: what is equal looks equal.
impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(slot, cell)| (slot, cell.history().collect::<Vec<_>>()))).finish()
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        let alike = |(one, other): ((SlotIndex, CellRef<'_>), (SlotIndex, CellRef<'_>))| {
            one.0 == other.0 && one.1.field() == other.1.field() && one.1.history().eq(other.1.history())
        };
        (self.stamps == other.stamps && self.cells == other.cells)
            || (self.cells.len() == other.cells.len() && self.iter().zip(other.iter()).all(alike))
    }
}

impl Eq for Cells {}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// The same, as the sets that they stand for.
    type Sets = BTreeMap<SlotIndex, BTreeSet<(Stamp, Field)>>;

    fn since(said: &BTreeSet<(Stamp, Field)>) -> Option<Stamp> {
        let (_, value) = said.last()?;
        said.iter().rev().take_while(|(_, field)| field == value).last().map(|(stamp, _)| *stamp)
    }

    fn not_before(said: &BTreeSet<(Stamp, Field)>) -> Option<Stamp> {
        let (_, value) = said.last()?;
        said.iter().rev().find(|(_, field)| field != value).map(|(stamp, _)| *stamp)
    }

    fn check(cells: &Cells, sets: &Sets) {
        assert_eq!(cells.iter().map(|(slot, _)| slot).collect::<Vec<_>>(), sets.keys().copied().collect::<Vec<_>>());
        for (slot, said) in sets {
            let cell = cells.get(*slot).expect("something was said of it");
            let history: Vec<(Stamp, Field)> = cell.history().map(|(stamp, field)| (stamp, field.clone())).collect();
            assert_eq!(history, said.iter().cloned().collect::<Vec<_>>());
            let last = said.last().map(|(stamp, field)| (*stamp, field.clone()));
            assert_eq!(Some((cell.stamp(), cell.field().clone())), last);
            assert_eq!((Some(cell.since()), cell.not_before()), (since(said), not_before(said)));
            assert_eq!(cell.len(), said.len());
        }
        assert!(cells.stamps.len() <= WINDOW && cells.stamps.is_sorted());
    }

    /// Tokens that mostly ascend, in stretches that are longer than there are bits.
    fn said() -> impl Strategy<Value = Vec<(SlotIndex, i64, u8)>> {
        let one = (0_u16..4, -60_i64..4, prop::bool::weighted(0.2), 0_u8..3);
        let said = prop::collection::vec(one, 1..160);
        said.prop_map(|all| {
            let mut now = 0;
            let at = |(slot, behind, late, value): (SlotIndex, i64, bool, u8)| {
                now += 1;
                (slot, if late { now + behind } else { now / 2 }, value / 2)
            };
            all.into_iter().map(at).collect()
        })
    }

    fn field(value: u8) -> Field {
        if value == 0 { Field::Null } else { Field::value(&value.to_string()) }
    }

    proptest! {
        #[test]
        fn packed_cells_are_the_sets_of_what_was_said_in_whatever_order(all in said(), horizon in 0_i64..160) {
            let (mut cells, mut sets) = (Cells::default(), Sets::new());
            for (slot, token, value) in &all {
                let (stamp, field) = (Stamp::new(*token), field(*value));
                let is_new = sets.entry(*slot).or_default().insert((stamp, field.clone()));
                prop_assert_eq!(cells.say(*slot, stamp, field.borrowed()) != Folded::Known, is_new);
                check(&cells, &sets);
            }
            let mut other = Cells::default();
            for (slot, token, value) in all.iter().rev() {
                other.say(*slot, Stamp::new(*token), field(*value).borrowed());
            }
            check(&other, &sets);
            prop_assert_eq!(&cells, &other);
            prop_assert_eq!(format!("{cells:?}"), format!("{other:?}"));

            let old = |stamp: Stamp| stamp.token < horizon;
            cells.change(|cell| cell.history().any(|(stamp, _)| old(stamp)), |cell| cell.retain_earlier(|stamp| !old(stamp)));
            for said in sets.values_mut() {
                let value = said.last().cloned();
                said.retain(|said| !old(said.0) || Some(said) == value.as_ref());
            }
            check(&cells, &sets);
            cells.forget(|slot| slot == 1);
            sets.remove(&1);
            check(&cells, &sets);
        }
    }

    #[test]
    fn a_cell_is_half_a_line_of_the_cache() {
        assert_eq!((size_of::<Packed>(), size_of::<Field>()), (32, 16));
    }
}
