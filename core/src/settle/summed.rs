//! A unit that is the sum of what its owners say: added anew whenever it is settled, and written to whoever is no part of it.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::classify::{Hidden, LinkState};
use crate::decision::LapseCause;
use crate::fact::Fact;
use crate::golden::{GoldenCell, Status};
use crate::model::{Unit, UnitKey};
use crate::ownership::Authority;
use crate::resolve::{Proposal, Resolved, resolve};
use crate::settle::guard::{hold, judged, warned};
use crate::settle::lapse::lapse;
use crate::settle::read_back::recognise;
use crate::settle::unit::{adopt, classified, classified_since, lapse_divergences, park};
use crate::settle::{Recorder, findings};
use crate::sight::{Ground, Shown, Visible, shown_by};

/// Settles a unit that is a sum. Says whether golden moved.
///
/// Owners are parts of golden and are not compared with it: they neither move it against each other nor fall behind it. All
/// other systems observe the sum.
pub(super) fn settle_summed(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    visible: &Visible<'_>,
    unit: &Unit,
    key: &UnitKey,
    findings: &mut Vec<crate::discrepancy::Finding>,
) -> bool {
    let shown = shown_by(ground, recorder.entity, visible, key);
    recognise(ground, recorder, unit, key, &shown);
    if let Some(decision) = recorder.entity.decisions.shared(key) {
        // Of the time before it was a sum: nobody chooses one.
        lapse(ground, recorder, key, &decision, LapseCause::PolicyChanged);
    }
    let first = classified(ground, recorder, unit, key, &shown);
    let facts = recorder.facts.len();
    let moved = add_up(ground, recorder, unit, key, &shown, &first.states);
    lapse_divergences(ground, recorder, unit, key, &shown);
    let again = classified_since(ground, facts, recorder, unit, key, &shown);
    let after = again.as_ref().unwrap_or(&first);
    adopt(recorder, unit, key, &shown, after);
    findings::of_unit(ground, recorder.entity, unit, key, &shown, &first, after, findings);
    moved
}

/// Adds what all owners say, and moves golden to that unless a rule holds it.
///
/// A record that is gone adds nothing. While an owner's value was not read yet, or may not be, nobody knows the sum: golden
/// stays as it is.
fn add_up(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    states: &[LinkState],
) -> bool {
    let owners = || shown.iter().filter(|shown| shown.authority == Authority::Owner);
    if owners().any(|shown| shown.sight == Err(Hidden::Denied)) {
        let reason = "the amount of a system that it is the sum of may not be read";
        park(recorder, unit, key, crate::text::Text::fixed(reason), Arc::default());
        return false;
    }
    if owners().any(|shown| shown.sight == Err(Hidden::Unobserved)) {
        return false;
    }
    // Every part is heard each time, a clear included: nobody moves alone.
    let heard = |(shown, state): (&Shown<'_>, &LinkState)| match shown.authority {
        Authority::Owner if shown.field().is_some() => LinkState::Moved,
        _ => *state,
    };
    let states: SmallVec<[LinkState; 4]> = shown.iter().zip(states).map(heard).collect();
    match resolve(ground, recorder.entity, unit, key, shown, &states, &[], &[]) {
        Resolved::Keep => false,
        Resolved::Parked { reason, resolution } => {
            park(recorder, unit, key, reason, resolution);
            false
        }
        Resolved::Decided(proposal) => settle_to(ground, recorder, unit, key, shown, proposal),
    }
}

fn settle_to(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    proposal: Proposal,
) -> bool {
    let golden = recorder.entity.golden.shared(key);
    let stands = |cell: &Arc<GoldenCell>| {
        cell.status == Status::Settled
            && cell.field == proposal.field
            && cell.resolution.candidates == proposal.resolution.candidates
    };
    if golden.as_ref().is_some_and(stands) {
        return false;
    }
    let before = golden.as_ref().map(|cell| &cell.field).filter(|field| field.is_value());
    let judged = judged(ground, recorder.entity, unit, key, before, &proposal.field, &proposal, shown);
    if let Some(stop) = judged.stop {
        hold(recorder, unit, key, proposal, stop);
        return false;
    }
    let changed = golden.as_ref().is_none_or(|cell| cell.field != proposal.field);
    let mut warnings = judged.warnings;
    if let Some(cell) = golden.as_ref().filter(|_| !changed) {
        // The parts changed and the sum did not: what was noted of it stands.
        warnings.extend(cell.resolution.warnings.iter().cloned());
    }
    let Proposal { field, origin, resolution, .. } = warned(proposal, warnings);
    let fingerprint = unit.fingerprint.short_number();
    let last = GoldenCell::remembered(golden.as_deref(), &field, unit.members.len());
    let cell = GoldenCell { field, origin, resolution, fingerprint, status: Status::Settled, last };
    recorder.record(Fact::Settled { unit: key.clone(), cell: Some(Arc::new(cell)) });
    changed
}
