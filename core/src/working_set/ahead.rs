//! Looking ahead: a batch is about more places in memory than a processor keeps near.
//!
//! Whoever works on one record after the other waits for the memory of each. So each place is looked at before any is worked on, from what
//! leads there to what stands there: the processor then waits for many places at once. Nothing is changed here, and nothing decided.

use std::hint::black_box;

use crate::entity::Link;
use crate::model::{UnitIndex, UnitKey};
use crate::settle::Touched;
use crate::working_set::{EntityIndex, EntityState, RecordIndex, RecordState, WorkingSet};

/// Fewer places than this are not worth a look of their own.
const FEW: usize = 8;

impl WorkingSet {
    /// Looks at records that are about to be folded, and at their entities. It changes nothing: a batch is folded in less time after it.
    pub fn look_ahead(&self, records: impl Iterator<Item = RecordIndex> + Clone) {
        let states = || records.clone().filter_map(|index| self.records.get(index as usize));
        let mut seen = 0;
        for state in states() {
            seen ^= usize::from(state.entity.is_some()) ^ state.representation.look_at_itself();
        }
        let entity = |state: &RecordState| self.entities.get(state.entity? as usize);
        for state in states() {
            let touched = entity(state).is_some_and(|entity| entity.touched.is_some());
            seen ^= state.representation.look_at_cells() ^ usize::from(touched);
        }
        for state in states() {
            let links = entity(state).into_iter().flat_map(|entity| &entity.entity.links);
            seen ^= state.representation.look_at_values() ^ links.filter(|link| link.existed).count();
        }
        black_box(seen);
    }
}

/// Looks at entities that are about to be settled: at their links, and at what is held and said of the units touched.
pub(super) fn look_at_touched(dirty: &[EntityIndex], entities: &[EntityState], records: &[RecordState]) {
    if dirty.len() < FEW {
        return;
    }
    let states = || dirty.iter().filter_map(|index| entities.get(*index as usize));
    let mut seen = 0;
    for state in states() {
        let entity = &*state.entity;
        seen ^= entity.links.len() ^ entity.discrepancies.values().len() ^ state.records.len();
    }
    for state in states() {
        let links = state.entity.links.iter();
        seen ^= links.fold(0, |seen, link| seen ^ usize::from(link.existed) ^ usize::from(link.sent.is_empty()));
        seen ^= units(state).iter().filter(|unit| state.entity.golden.holds_whole(**unit)).count();
        seen ^= known(state, records).fold(0, |seen, record| seen ^ record.representation.look_at_itself());
    }
    for state in states() {
        let entity = &*state.entity;
        seen ^= entity.links.iter().fold(0, |seen, link| seen ^ link.record.id.len());
        seen ^= entity.discrepancies.values().fold(0, |seen, standing| seen ^ standing.state as usize);
        seen ^= known(state, records).fold(0, |seen, record| seen ^ record.representation.look_at_cells());
        for unit in units(state) {
            let golden = entity.golden.get(&UnitKey::Whole(*unit));
            seen ^= golden.map_or(0, |cell| usize::from(cell.field.is_value()) ^ usize::from(cell.last.is_some()));
            seen ^= entity.links.iter().filter(|link| link.bases.holds_whole(*unit)).count();
        }
    }
    for state in states() {
        for unit in units(state) {
            let base = |link: &Link| link.bases.get(&UnitKey::Whole(*unit)).map_or(0, |base| usize::from(base.lost));
            seen ^= state.entity.links.iter().fold(0, |seen, link| seen ^ base(link));
        }
    }
    black_box(seen);
}

fn units(state: &EntityState) -> &[UnitIndex] {
    match &state.touched {
        Some(Touched::Units(units)) => units,
        Some(Touched::Everything) | None => &[],
    }
}

fn known<'a>(state: &'a EntityState, records: &'a [RecordState]) -> impl Iterator<Item = &'a RecordState> {
    state.records.iter().filter_map(|record| records.get(*record as usize))
}
