//! A cell by itself: what one system says of one attribute or element, and when it said so.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::stamp::Stamp;
use crate::value::{Field, FieldRef};

/// What one system says of one attribute: the set of `(stamp, field)` above the compaction horizon. Its maximum is the
/// value; "unchanged since" is derived from the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    field: Field,
    /// When the value was last said.
    stamp: Stamp,
    /// The first stamp at which it was said without a break up to `stamp`. It is that one if it was said once.
    since: Stamp,
    /// The rest of the set. Boxed: most cells were said once or twice.
    earlier: Option<Box<Earlier>>,
}

/// What was said before, split where the value came to be: a value said again costs a stamp, and no text. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Earlier {
    /// The stamps at which the value was said between the first and the last of them, ascending.
    between: Vec<Stamp>,
    /// What was said before that, ascending. Its last is not the value.
    before: Vec<(Stamp, Field)>,
}

/// What folding one cell did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folded {
    /// It was known already.
    Known,
    /// It is older than what stands; it is remembered, and may move "unchanged since".
    Late,
    /// The same value, said again later.
    Repeated,
    /// Another value at an equal stamp: the greater stands. Or it was pushed with the token of a read that found another
    /// value, and which was first is not said. The record must be read.
    Tie,
    /// The value changed.
    Changed,
}

impl Cell {
    pub(super) fn new(stamp: Stamp, field: FieldRef<'_>) -> Self {
        Self { field: field.to_field(), stamp, since: stamp, earlier: None }
    }

    /// What was said at the stamps of `run` without a break, ascending, and of anything else `before`. The run is not empty.
    pub(super) fn of(field: Field, run: impl Iterator<Item = Stamp>, before: Vec<(Stamp, Field)>) -> Self {
        let mut run: SmallVec<[Stamp; 4]> = run.collect();
        let stamp = run.pop().unwrap_or_default();
        let since = run.first().copied().unwrap_or(stamp);
        let between: Vec<Stamp> = run.into_iter().skip(1).collect();
        let earlier = !(between.is_empty() && before.is_empty());
        Self { field, stamp, since, earlier: earlier.then(|| Box::new(Earlier { between, before })) }
    }

    /// What is said.
    pub(super) const fn field(&self) -> &Field {
        &self.field
    }

    /// When it was last said.
    pub(super) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The set, ascending, the value last.
    pub(super) fn history(&self) -> impl DoubleEndedIterator<Item = (Stamp, &Field)> {
        let before = self.before().iter().map(|(stamp, field)| (*stamp, field));
        before.chain(self.run().map(|stamp| (stamp, &self.field)))
    }

    /// The stamps at which the value was said without a break, ascending.
    pub(super) fn run(&self) -> impl DoubleEndedIterator<Item = Stamp> {
        let first = (self.since < self.stamp).then_some(self.since);
        first.into_iter().chain(self.between().iter().copied()).chain(std::iter::once(self.stamp))
    }

    fn between(&self) -> &[Stamp] {
        self.earlier.as_deref().map_or(&[], |earlier| &earlier.between)
    }

    /// What was said before that, ascending.
    pub(super) fn before(&self) -> &[(Stamp, Field)] {
        self.earlier.as_deref().map_or(&[], |earlier| &earlier.before)
    }

    pub(super) fn insert(&mut self, stamp: Stamp, field: FieldRef<'_>) -> Folded {
        let value = field.cmp(&self.field.borrowed());
        let later = if planted!(ArrivalDecides) { Ordering::Greater } else { stamp.cmp(&self.stamp) };
        if planted!(TieByArrival) && later.is_eq() && value.is_ne() {
            self.field = field.to_field();
            return Folded::Changed;
        }
        match later.then(value) {
            Ordering::Equal => Folded::Known,
            Ordering::Greater if value.is_eq() => {
                if self.since < self.stamp {
                    self.earlier.get_or_insert_default().between.push(self.stamp);
                }
                self.stamp = stamp;
                Folded::Repeated
            }
            Ordering::Greater => {
                let tie = stamp == self.stamp;
                let run = self.held_run();
                let former = std::mem::replace(&mut self.field, field.to_field());
                let earlier = self.earlier.get_or_insert_default();
                earlier.between.clear();
                // Most values change once or not at all: room for what was said, and no more.
                if earlier.before.capacity() - earlier.before.len() < run.len() {
                    earlier.before.reserve_exact(run.len().max(earlier.before.len()));
                }
                let (last, others) = run.split_last().unwrap_or((&self.stamp, &[]));
                earlier.before.extend(others.iter().map(|at| (*at, former.clone())));
                earlier.before.push((*last, former));
                (self.since, self.stamp) = (stamp, stamp);
                if tie { Folded::Tie } else { Folded::Changed }
            }
            Ordering::Less => {
                // What is pushed with the token of a read may be later than that read, where tokens are coarse.
                let unclear = stamp.token == self.stamp.token && stamp.read == 0 && !value.is_eq();
                let tie = stamp == self.stamp || unclear;
                let known = self.insert_earlier(stamp, field);
                match (known, tie) {
                    (true, _) => Folded::Known,
                    (false, true) => Folded::Tie,
                    (false, false) => Folded::Late,
                }
            }
        }
    }

    /// Inserts what is less than the value. Says whether it was known.
    fn insert_earlier(&mut self, stamp: Stamp, field: FieldRef<'_>) -> bool {
        let last = self.before().last().map(|(at, said)| (*at, said.borrowed()));
        if last.is_some_and(|last| (stamp, field) <= last) {
            let before = &mut self.earlier.get_or_insert_default().before;
            return match before.binary_search_by(|(at, said)| (*at, said.borrowed()).cmp(&(stamp, field))) {
                Ok(_) => true,
                Err(place) => {
                    before.insert(place, (stamp, field.to_field()));
                    false
                }
            };
        }
        let mut run = self.held_run();
        if field == self.field.borrowed() {
            return match run.binary_search(&stamp) {
                Ok(_) => true,
                Err(place) => {
                    run.insert(place, stamp);
                    self.set_run(&run);
                    false
                }
            };
        }
        // It breaks the run: what lies before it is no longer "unchanged since".
        let broken = run.iter().take_while(|at| (**at, self.field.borrowed()) < (stamp, field)).count();
        let before = &mut self.earlier.get_or_insert_default().before;
        before.extend(run[..broken].iter().map(|stamp| (*stamp, self.field.clone())));
        before.push((stamp, field.to_field()));
        self.set_run(&run[broken..]);
        false
    }

    fn held_run(&self) -> SmallVec<[Stamp; 4]> {
        let mut run = SmallVec::new();
        self.run().for_each(|stamp| run.push(stamp));
        run
    }

    /// Sets the stamps of the run. The value's own, the last, never changes.
    fn set_run(&mut self, run: &[Stamp]) {
        self.since = run.first().copied().unwrap_or(self.stamp);
        let between = run.get(1..run.len().saturating_sub(1)).unwrap_or_default();
        if !between.is_empty() || self.earlier.is_some() {
            let held = &mut self.earlier.get_or_insert_default().between;
            held.clear();
            held.extend_from_slice(between);
        }
        self.drop_empty();
    }

    /// Forgets what was said earlier at some stamps.
    pub(super) fn retain_earlier(&mut self, keep: impl Fn(Stamp) -> bool) {
        let mut run = self.held_run();
        run.retain(|stamp| *stamp == self.stamp || keep(*stamp));
        if let Some(earlier) = &mut self.earlier {
            earlier.before.retain(|(stamp, _)| keep(*stamp));
            // What broke the run may be gone.
            let apart = earlier.before.iter().rposition(|(_, field)| *field != self.field).map_or(0, |last| last + 1);
            run.insert_many(0, earlier.before.drain(apart..).map(|(stamp, _)| stamp));
        }
        self.set_run(&run);
    }

    /// Forgets what was said before `horizon`, but for when the value came to be, and for what was said last before that.
    pub(super) fn compact(&mut self, horizon: i64) {
        let Some(earlier) = &mut self.earlier else { return };
        earlier.between.retain(|stamp| stamp.token >= horizon);
        let mut behind = earlier.before.len();
        earlier.before.retain(|(stamp, _)| {
            behind -= 1;
            stamp.token >= horizon || behind == 0
        });
        self.drop_empty();
    }

    fn drop_empty(&mut self) {
        if self.between().is_empty() && self.before().is_empty() {
            self.earlier = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The same, as the set that it stands for.
    type Said = BTreeSet<(Stamp, Field)>;

    fn since(said: &Said) -> Option<Stamp> {
        let (_, value) = said.last()?;
        said.iter().rev().take_while(|(_, field)| field == value).last().map(|(stamp, _)| *stamp)
    }

    fn not_before(said: &Said) -> Option<Stamp> {
        let (_, value) = said.last()?;
        said.iter().rev().find(|(_, field)| field != value).map(|(stamp, _)| *stamp)
    }

    fn check(cell: &Cell, said: &Said) {
        let history: Vec<(Stamp, Field)> = cell.history().map(|(stamp, field)| (stamp, field.clone())).collect();
        assert_eq!(history, said.iter().cloned().collect::<Vec<_>>());
        assert_eq!((Some(cell.since), cell.before().last().map(|(stamp, _)| *stamp)), (since(said), not_before(said)));
    }

    proptest! {
        #[test]
        fn a_cell_is_the_set_of_what_was_said(
            all in prop::collection::vec((0_i64..8, 0_u8..4), 1..24),
            horizon in 0_i64..9,
            gone in 0_i64..8,
        ) {
            let said = |(token, value): (i64, u8)| {
                let field = if value == 0 { Field::Null } else { Field::value(&value.to_string()) };
                (Stamp::new(token), field)
            };
            let mut set = Said::new();
            let mut cell: Option<Cell> = None;
            for (stamp, field) in all.into_iter().map(said) {
                let is_new = set.insert((stamp, field.clone()));
                match &mut cell {
                    None => cell = Some(Cell::new(stamp, field.borrowed())),
                    Some(cell) => prop_assert_eq!(cell.insert(stamp, field.borrowed()) != Folded::Known, is_new),
                }
                check(cell.as_ref().expect("something was said"), &set);
            }
            let cell = cell.expect("something was said");

            let (first, last) = (since(&set), not_before(&set));
            let mut compacted = cell.clone();
            compacted.compact(horizon);
            prop_assert_eq!((Some(compacted.since), compacted.before().last().map(|(stamp, _)| *stamp)), (first, last));

            let mut kept = cell;
            kept.retain_earlier(|stamp| stamp.token != gone);
            let value = set.last().cloned();
            set.retain(|said| said.0.token != gone || Some(said) == value.as_ref());
            check(&kept, &set);
        }
    }
}
