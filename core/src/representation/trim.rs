//! Trimming: a representation holds what its answers rest on, however often its record was read. The rest of what was
//! said is in the journal.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use smallvec::SmallVec;

use crate::observation::SlotIndex;
use crate::representation::cell::Cell;
use crate::representation::{CellRef, Representation};
use crate::stamp::Stamp;
use crate::value::Field;

/// How far behind a record's latest token anything may still arrive and be told apart from what was said around it. No
/// surface may promise to deliver later than this.
pub const HORIZON: TimeDelta = TimeDelta::days(30);

impl Representation {
    /// Forgets what no answer rests on, now or after anything that may still arrive:
    ///
    /// - of reads that found one version saying the same, all but the first and the last: whatever is pushed or polled is
    ///   stamped before the first of them;
    /// - what lies more than [`HORIZON`] behind the latest token, as [`Representation::compact`] does.
    ///
    /// A function of what is held, without a clock: replay trims where the live run did.
    pub fn trim(&mut self) {
        // Three reads of one version are few: most cells are not looked at closely.
        let is_said_again = |cell: CellRef<'_>| cell.len() >= 3 && !said_again(cell.history()).is_empty();
        self.cells.change(is_said_again, |cell| {
            let again = said_again(cell.history());
            cell.retain_earlier(|stamp| !again.contains(&stamp));
        });
        let slots: Vec<SlotIndex> = self.rare.covered.keys().copied().collect();
        for slot in slots {
            self.trim_collection(slot);
        }
        self.compact(self.last_token().saturating_sub(HORIZON.num_milliseconds()));
    }

    /// Looks at one version that saw the same elements are forgotten with what was said at them.
    fn trim_collection(&mut self, slot: SlotIndex) {
        let Some(covered) = self.rare.covered.get(&slot) else { return };
        let looks: Vec<Stamp> = covered.iter().copied().collect();
        if !looks.windows(3).any(|three| one_version(three[0], three[2])) {
            return;
        }
        let cells: Vec<&Cell> =
            self.rare.elements.iter().filter(|((of, _), _)| *of == slot).map(|(_, cell)| cell).collect();
        let alike = |three: &[Stamp]| {
            one_version(three[0], three[2])
                && cells.iter().all(|cell| {
                    let said =
                        |at: Stamp| cell.history().filter(move |(stamp, _)| *stamp == at).map(|(_, field)| field);
                    said(three[0]).eq(said(three[1])) && said(three[1]).eq(said(three[2]))
                })
        };
        let again: BTreeSet<Stamp> = looks.windows(3).filter(|three| alike(three)).map(|three| three[1]).collect();
        if again.is_empty() {
            return;
        }
        for (_, cell) in self.rare.make().elements.iter_mut().filter(|((of, _), _)| *of == slot) {
            cell.retain_earlier(|stamp| !again.contains(&stamp));
        }
        if let Some(covered) = self.rare.make().covered.get_mut(&slot) {
            covered.retain(|stamp| !again.contains(stamp));
        }
    }
}

/// The stamps at which a cell said what the reads of the same version right before and after it said too.
fn said_again<'a>(history: impl Iterator<Item = (Stamp, &'a Field)>) -> Vec<Stamp> {
    let history: SmallVec<[(Stamp, &Field); 8]> = history.collect();
    let again = history
        .windows(3)
        .filter(|three| one_version(three[0].0, three[2].0) && three[0].1 == three[1].1 && three[1].1 == three[2].1);
    again.map(|three| three[1].0).collect()
}

/// Whether both ends of a stretch are direct reads of one version.
const fn one_version(from: Stamp, to: Stamp) -> bool {
    from.read > 0 && from.token == to.token
}
