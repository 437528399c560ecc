//! Heirs: the record that another was merged into, inside its system, goes on from where that one stood.
//!
//! An entity's record got another id, and its link another record. What the system had accepted it has accepted still: without
//! that, whatever an observer was edited to on the day of a merge would be a first contact, and stand for ever. What an heir
//! says that its predecessor never said may as well be another record's, and where its word counts, that is for a person.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::Answered;
use crate::entity::{Entity, Link};
use crate::fact::Fact;
use crate::id::RecordRef;
use crate::model::{Unit, UnitKey};
use crate::representation::Representation;
use crate::settle::Recorder;
use crate::sight::{Ground, Visible, shown_by};
use crate::value::Field;

/// The links that were merged away, and those that stand in their place.
pub(super) struct Heirs<'a> {
    /// Each that was merged away, with its heir: the oldest link first.
    places: SmallVec<[(usize, usize); 1]>,
    /// What may be looked at, and what those that were merged away said last.
    as_before: Visible<'a>,
}

/// Which links stand in whose place. Few entities have any.
pub(super) fn heirs<'a>(
    entity: &Entity,
    representations: &[Option<&'a Representation>],
    visible: &Visible<'a>,
) -> Heirs<'a> {
    if representations.iter().flatten().all(|known| known.redirected_to().is_none()) {
        return Heirs { places: SmallVec::new(), as_before: Visible::new() };
    }
    let known = |place: usize| representations.get(place).copied().flatten();
    let next = |place: usize| {
        let survivor = known(place)?.redirected_to()?;
        entity.links.iter().position(|link| is_record(link, &entity.links[place].record, survivor))
    };
    // Merges that contradict each other lead to the one that stands in the end; no way is longer than there are links.
    let last = |place: usize| (0..entity.links.len()).try_fold(place, |at, _| next(at).ok_or(at));
    let heir = |place: usize| match last(place) {
        Err(heir) if heir != place => Some((place, heir)),
        _ => None,
    };
    let mut heirs = Heirs { places: (0..entity.links.len()).filter_map(heir).collect(), as_before: Visible::new() };
    if heirs.places.is_empty() {
        return heirs;
    }
    heirs.places.sort_by(|(one, _), (other, _)| {
        let age = |place: usize| (entity.links[place].order, &entity.links[place].record.id);
        age(*one).cmp(&age(*other))
    });
    heirs.as_before = visible.clone();
    for (merged, _) in &heirs.places {
        heirs.as_before[*merged] = Ok(known(*merged));
    }
    heirs
}

fn is_record(link: &Link, merged: &RecordRef, survivor: &str) -> bool {
    *link.record.id == *survivor && link.record.connection == merged.connection && link.record.object == merged.object
}

/// Gives a link that has no base of a unit the base of the one in whose place it stands, and what was let differ there: if
/// nobody asks the system for its word, or if it says what was said before.
pub(super) fn inherit(ground: &Ground<'_>, recorder: &mut Recorder<'_>, heirs: &Heirs<'_>, unit: &Unit, key: &UnitKey) {
    for (from, to) in &heirs.places {
        let (former, link) = (&recorder.entity.links[*from], &recorder.entity.links[*to]);
        let Some(base) = former.bases.get(key).filter(|_| link.bases.get(key).is_none()) else { continue };
        let shown = shown_by(ground, recorder.entity, &heirs.as_before, key);
        let said = |place: usize| shown.iter().find(|shown| shown.link == place);
        let Some(heir) = said(*to) else { continue };
        let Some(field) = heir.field() else { continue };
        let said_before = |before: &Field| unit.same(field, before);
        let known = said_before(&base.seen) || said(*from).and_then(|former| former.field()).is_some_and(said_before);
        if heir.authority.decides() && !known {
            continue;
        }
        // The version of a write was that of the other record.
        let answered =
            base.marks.answered.as_deref().map(|answered| Box::new(Answered { version: None, ..answered.clone() }));
        let base = Some(Arc::new(base.clone().marked(|marks| marks.answered = answered)));
        let divergence = former.divergences.get(key).filter(|_| link.divergences.get(key).is_none());
        let divergence = divergence.cloned().map(Box::new);
        let record = Arc::clone(&link.record);
        if divergence.is_some() {
            recorder.record(Fact::Diverged { record: Arc::clone(&record), unit: key.clone(), divergence });
        }
        recorder.record(Fact::Rebased { record, unit: key.clone(), base });
    }
}
