//! One unit: classify, resolve, guard, and move golden and bases.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::{Answered, Base};
use crate::classify::{Classification, LinkState, Standing, classify};
use crate::decision::Decision;
use crate::entity::Entity;
use crate::fact::Fact;
use crate::golden::{GoldenCell, Provisional, Resolution, Status};
use crate::id::RecordRef;
use crate::model::{Inputs, Unit, UnitIndex, UnitKey, UnitShape};
use crate::ownership::Authority;
use crate::resolve::{Proposal, Resolved, has_say, is_collection, needs_fallback, origin_of, resolve};
use crate::settle::guard::{guard, hold, judged, warned};
use crate::settle::lapse::{close_reopened, end_by_date, moved_on, park_reopened, remember_words, reopen, wait, waits};
use crate::settle::read_back::{is_answered, recognise};
use crate::settle::{Recorder, findings};
use crate::sight::{Ground, Shown, Visible, shown_by, sides};
use crate::text::Text;
use crate::value::{Field, split_member};

/// Settles one unit. Says whether golden moved.
pub(super) fn settle_unit(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    visible: &Visible<'_>,
    unit: &Unit,
    key: &UnitKey,
    findings: &mut Vec<crate::discrepancy::Finding>,
) -> bool {
    let shown = shown_by(ground, recorder.entity, visible, key);
    // Nobody decided anything of most entities, and nothing is under way: then none of this has anything to say.
    let plain = recorder.entity.is_plain();
    if !plain || is_answered(recorder.entity, key) {
        recognise(ground, recorder, unit, key, &shown);
    }
    let (mut ended, mut reopened) = (None, false);
    if !plain {
        lapse_divergences(ground, recorder, unit, key, &shown);
        ended = end_by_date(ground, recorder, key);
        reopened = reopen(ground, recorder, unit, key, &shown);
        remember_words(recorder, unit, key, &shown);
    }
    let first = classified(ground, recorder, unit, key, &shown);
    let mut later = None;
    adopt(recorder, unit, key, &shown, &first);
    let adopted = recorder.facts.len();
    let restored = count_reactions(recorder, unit, key, &shown, &first);
    let mut moved = false;
    if recorder.entity.oscillates(key) {
        findings::oscillating(ground, recorder.entity, key, &shown, findings);
    } else if let told = ended.and_then(|ended| told_meanwhile(recorder.entity, unit, key, &shown, &first, &ended))
        && (told.is_some() || must_resolve(recorder, unit, key, &shown, &first))
    {
        moved = decide(ground, recorder, unit, key, &shown, &first, told);
        if moved {
            moved_on(recorder, key);
            start_over(recorder, key, &restored);
            lapse_divergences(ground, recorder, unit, key, &shown);
        }
        // Links that hold golden already agree, and those that hold what lost are behind.
        later = classified_since(ground, adopted, recorder, unit, key, &shown);
        if let Some(later) = &later {
            adopt(recorder, unit, key, &shown, later);
        }
    } else {
        release(recorder, unit, key, &shown, &first);
        if reopened {
            park_reopened(recorder, key, &first);
        }
        later = classified_since(ground, adopted, recorder, unit, key, &shown);
    }
    let after = later.as_ref().unwrap_or(&first);
    close_reopened(recorder, key, after);
    findings::of_unit(ground, recorder.entity, unit, key, &shown, &first, after, findings);
    moved
}

/// Settles a derived unit: golden is computed from other golden values; every system that maps it is an observer.
pub(super) fn settle_derived(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    visible: &Visible<'_>,
    unit: &Unit,
    index: UnitIndex,
    findings: &mut Vec<crate::discrepancy::Finding>,
) {
    let Some(derivation) = &unit.derived else { return };
    let inputs: Vec<Field> = unit
        .inputs
        .iter()
        .map(|(input, member)| {
            let arity = ground.model.units.get(usize::from(*input)).map_or(1, |unit| unit.members.len());
            let golden = recorder.entity.golden.get(&UnitKey::Whole(*input));
            golden.and_then(|cell| split_member(&cell.field, arity, *member)).unwrap_or_default()
        })
        .collect();
    let field = derivation.derive(&Inputs::new(&inputs));
    let key = UnitKey::Whole(index);
    let shown = shown_by(ground, recorder.entity, visible, &key);
    recognise(ground, recorder, unit, &key, &shown);
    let first = classified(ground, recorder, unit, &key, &shown);
    let facts = recorder.facts.len();
    let golden = recorder.entity.golden.get(&key);
    if golden.is_none_or(|cell| cell.field != field || cell.status != Status::Settled) {
        let resolution = Arc::new(Resolution::by_policy(&derivation.name()));
        let before = golden.map(|cell| &cell.field).filter(|field| field.is_value());
        let proposal = Proposal { field, origin: None, resolution, provisional: false, heard: SmallVec::new() };
        let judged = judged(ground, recorder.entity, unit, &key, before, &proposal.field, &proposal, &shown);
        if let Some(stop) = judged.stop {
            hold(recorder, unit, &key, proposal, stop);
        } else {
            let proposal = warned(proposal, judged.warnings);
            let Proposal { field, origin, resolution, .. } = proposal;
            let fingerprint = unit.fingerprint.short_number();
            let former = recorder.entity.golden.get(&key);
            let last = GoldenCell::remembered(former, &field, unit.members.len());
            let cell = GoldenCell { field, origin, resolution, fingerprint, status: Status::Settled, last };
            recorder.record(Fact::Settled { unit: key.clone(), cell: Some(Arc::new(cell)) });
        }
    }
    lapse_divergences(ground, recorder, unit, &key, &shown);
    let again = classified_since(ground, facts, recorder, unit, &key, &shown);
    let after = again.as_ref().unwrap_or(&first);
    adopt(recorder, unit, &key, &shown, after);
    findings::of_unit(ground, recorder.entity, unit, &key, &shown, &first, after, findings);
}

pub(super) fn classified(
    ground: &Ground<'_>,
    recorder: &Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
) -> Classification {
    let golden = recorder.entity.golden.get(key).filter(|cell| settled(cell)).map(|cell| &cell.field);
    let standing = Standing { golden, frozen: false, owned: !unit.owners.is_empty() || unit.derived.is_some() };
    classify(&sides(ground.model, recorder.entity, unit, shown, key, golden), standing, unit)
}

/// What systems said while a decision until a date overwrote it: what each link shows, or said, and which of them count as
/// movers.
struct Told<'a> {
    shown: SmallVec<[Shown<'a>; 4]>,
    states: SmallVec<[LinkState; 4]>,
}

/// What was said while a decision held that is over now. `None`: nothing, or all of it still shows.
fn told_meanwhile<'a>(
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'a>],
    first: &Classification,
    ended: &Decision,
) -> Option<Told<'a>> {
    let mut told = Told { shown: shown.iter().cloned().collect(), states: first.states.clone() };
    let mut any = false;
    for (place, shown) in shown.iter().enumerate() {
        let record = &*entity.links[shown.link].record;
        let Some(word) = ended.meanwhile.iter().find(|word| word.record == *record) else { continue };
        let Some(field) = shown.field() else { continue };
        let own = *origin_of(entity, unit, key, shown).record == *record;
        // Where it still stands, it lost when it was said: it is heard now.
        if !own || unit.same(field, &word.field) {
            told.shown[place] = shown.as_it_said(word.field.clone(), word.since);
            told.states[place] = LinkState::Moved;
            any = true;
        }
    }
    any.then_some(told)
}

/// Classifies again, if there are more than `facts`. Without a fact nothing has changed; and bases that only follow what
/// a classification adopts are in it already, so that it stands ([`adopt`] says why).
pub(super) fn classified_since(
    ground: &Ground<'_>,
    facts: usize,
    recorder: &Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
) -> Option<Classification> {
    (recorder.facts.len() > facts).then(|| classified(ground, recorder, unit, key, shown))
}

/// A base for a link, shared with a link that has the same one: in most units all systems hold golden.
fn share(entity: &Entity, key: &UnitKey, base: Base) -> Arc<Base> {
    let same = entity.links.iter().find(|link| link.bases.get(key) == Some(&base));
    same.and_then(|link| link.bases.shared(key)).unwrap_or_else(|| Arc::new(base))
}

/// Whether golden has ever had a value of its own here: a unit parked or provisional at first contact has not.
pub(crate) fn settled(cell: &GoldenCell) -> bool {
    cell.field.is_value() || matches!(cell.status, Status::Settled | Status::Held(_))
}

/// Leave to differ ends when the link or golden moves on. A pinned one hears no news: the link's base follows both.
pub(super) fn lapse_divergences(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
) {
    if recorder.entity.links.iter().all(|link| link.divergences.is_empty()) {
        return;
    }
    let Some(golden) = recorder.entity.golden.get(key).map(|cell| cell.field.clone()) else { return };
    let same = |value: &Field, reference: &Field| unit.same(value, reference);
    for shown in shown {
        let link = &recorder.entity.links[shown.link];
        let (Some(leave), Some(seen)) = (link.divergences.get(key), shown.field()) else { continue };
        let record = Arc::clone(&link.record);
        if leave.lifetime.is_over(ground.as_of) {
            // What was let differ was accepted for a while: from now on golden is owed there again.
            let owed = link.bases.get(key).filter(|_| !unit.same(seen, &golden));
            let owed = owed.map(|base| Arc::new(Base { lost: true, ..base.clone() }));
            recorder.record(Fact::Diverged { record: Arc::clone(&record), unit: key.clone(), divergence: None });
            if owed.is_some() {
                recorder.record(Fact::Rebased { record, unit: key.clone(), base: owed });
            }
        } else if !leave.lifetime.hears_news() {
            let known = |base: &Base| unit.same(seen, &base.seen) && !base.is_behind(&golden, |a, b| unit.same(a, b));
            if !link.bases.get(key).is_some_and(known) {
                let base = Some(Arc::new(Base::accepted(seen.clone(), golden.clone())));
                recorder.record(Fact::Rebased { record, unit: key.clone(), base });
            }
        } else if unit.same(seen, &golden) || !leave.holds(seen, &golden, &same) {
            recorder.record(Fact::Diverged { record, unit: key.clone(), divergence: None });
        }
    }
}

/// Gives links the bases that follow from what they show.
///
/// A second classification would say the same: who adopts counts as standing already, what it adopts is golden or a value
/// that another base agrees with, and an `agreed` that is brought up to golden belongs to a link that holds golden.
pub(super) fn adopt(
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    classification: &Classification,
) {
    for (place, agreed) in &classification.adopts {
        let Some(seen) = shown[*place].field() else { continue };
        let link = &recorder.entity.links[shown[*place].link];
        // A link that moved to golden on its own is a witness of its own: the base forgets our writing. One that stayed where it
        // is, because golden has the same form there, is not.
        let stayed = link.bases.get(key).filter(|base| unit.same(seen, &base.seen));
        let base = match stayed {
            Some(base) => Base { agreed: agreed.clone(), lost: false, ..base.clone() },
            None => Base::accepted(seen.clone(), agreed.clone()),
        };
        let record = Arc::clone(&link.record);
        let base = share(recorder.entity, key, base);
        recorder.record(Fact::Rebased { record, unit: key.clone(), base: Some(base) });
    }
    // A link at golden whose base agreed with a former golden is up to date now.
    let Some(golden) = recorder.entity.golden.get(key).map(|cell| &cell.field) else { return };
    let behind = |shown: &Shown<'_>| {
        let link = &recorder.entity.links[shown.link];
        let base = link.bases.get(key)?;
        // Few bases are behind: that is asked first.
        let stale = base.is_behind(golden, |agreed, golden| unit.same(agreed, golden))
            && shown.field().is_some_and(|seen| unit.same(seen, golden) && unit.same(seen, &base.seen));
        stale.then(|| (Arc::clone(&link.record), Base { agreed: golden.clone(), lost: false, ..base.clone() }))
    };
    let stale: Vec<(Arc<RecordRef>, Base)> = shown.iter().filter_map(behind).collect();
    for (record, base) in stale {
        let base = share(recorder.entity, key, base);
        recorder.record(Fact::Rebased { record, unit: key.clone(), base: Some(base) });
    }
}

/// Counts changes that restore what our own write displaced: two systems that fight through us must stop somewhere.
/// Answers with the links that restored something now.
fn count_reactions(
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    classification: &Classification,
) -> SmallVec<[usize; 2]> {
    let mut restored = SmallVec::new();
    for (place, state) in classification.states.iter().enumerate() {
        if *state != LinkState::Moved {
            continue;
        }
        let Some(seen) = shown[place].field() else { continue };
        let link = &recorder.entity.links[shown[place].link];
        let displaced = link.bases.get(key).and_then(|base| base.marks.displaced.as_deref());
        if !displaced.is_some_and(|displaced| unit.same(seen, displaced)) {
            continue;
        }
        restored.push(shown[place].link);
        let count = link.reactions.get(key).copied().unwrap_or(0).saturating_add(1);
        let record = Arc::clone(&link.record);
        recorder.record(Fact::Reacted { record: record.clone(), unit: key.clone(), count });
        // Counted once: the displaced value is remembered anew with the next write.
        let base = link_base(recorder, shown[place].link, key);
        let base = base.map(|base| Arc::new(base.marked(|marks| marks.displaced = None)));
        recorder.record(Fact::Rebased { record, unit: key.clone(), base });
    }
    restored
}

/// Golden moved: reactions count from here, unless the move is itself one of them.
fn start_over(recorder: &mut Recorder<'_>, key: &UnitKey, restored: &[usize]) {
    if recorder.entity.links.iter().all(|link| link.reactions.is_empty()) {
        return;
    }
    let origin = recorder.entity.golden.get(key).and_then(|cell| cell.origin.as_ref());
    let reaction = match origin.and_then(|origin| recorder.entity.link_of(&origin.record)) {
        Some(link) => restored.contains(&link),
        None => !restored.is_empty(),
    };
    if reaction {
        return;
    }
    let counted = recorder.entity.links.iter().filter(|link| link.reactions.contains_key(key));
    let records: SmallVec<[_; 2]> = counted.map(|link| Arc::clone(&link.record)).collect();
    for record in records {
        recorder.record(Fact::Reacted { record, unit: key.clone(), count: 0 });
    }
}

fn link_base(recorder: &Recorder<'_>, link: usize, key: &UnitKey) -> Option<Base> {
    recorder.entity.links[link].bases.get(key).cloned()
}

/// Whether anything happened that golden may have to follow: nothing else ever moves it.
fn must_resolve(
    recorder: &Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    classification: &Classification,
) -> bool {
    let decides = |place: usize| shown[place].authority.decides();
    // A clear that is held changes nothing, however long it stands.
    let moved = |place: usize| {
        classification.states[place] == LinkState::Moved && decides(place) && has_say(unit, &shown[place])
    };
    let has_value = |place: usize| shown[place].field().is_some_and(Field::is_value);
    let new_value =
        |place: usize| classification.states[place] == LinkState::NoBase && decides(place) && has_value(place);
    let golden = recorder.entity.golden.get(key);
    let empty = golden.is_none_or(|cell| !cell.field.is_value());
    // What was cleared is not filled by a value that was never in agreement; an element is, by whoever says it.
    let fillable = empty && (is_collection(unit) || !golden.is_some_and(settled));
    let fillable = fillable || unit.hears_newcomers;
    let waits = golden.is_some_and(|cell| matches!(cell.status, Status::Parked { .. } | Status::Provisional(_)));
    let fallback = empty && needs_fallback(unit, shown);
    (0..shown.len()).any(|place| moved(place) || (fillable && new_value(place)) || (fallback && has_value(place)))
        || follows_since_first_contact(recorder, unit, key, shown, classification).is_some()
        || (waits && (0..shown.len()).any(|place| decides(place) && has_value(place) && empty))
}

/// Resolves, guards, and moves golden and bases. Says whether golden moved. What was told while a decision held is resolved
/// as if it were said now; what shows now gets the bases.
fn decide(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    classification: &Classification,
    told: Option<Told<'_>>,
) -> bool {
    let golden = recorder.entity.golden.shared(key);
    if let Some(moved) = follow_decision(recorder, unit, key, shown, classification) {
        return moved;
    }
    // A conflict without base blocks its link, unless golden was never settled and the chain can tell.
    let has_golden = golden.as_ref().is_some_and(|cell| cell.field.is_value());
    let blocks = if is_collection(unit) { has_golden } else { golden.as_deref().is_some_and(settled) };
    let blocks = blocks && !unit.hears_newcomers;
    let blocked: SmallVec<[usize; 2]> = if blocks { classification.no_base_conflicts.clone() } else { SmallVec::new() };
    let overwritten = told.is_some();
    let (heard, states) = match &told {
        Some(told) => (&told.shown[..], &told.states[..]),
        None => (shown, &classification.states[..]),
    };
    let resolved = resolve(ground, recorder.entity, unit, key, heard, states, &classification.contemporaries, &blocked);
    match resolved {
        Resolved::Keep => false,
        Resolved::Parked { reason, .. } if overwritten && has_golden => {
            // Nobody moves any more, so that nothing but the end of the decision tells that it waits.
            let golden = golden.unwrap_or_else(|| Arc::new(empty_cell(unit)));
            let reason = format!("what was said while a decision held, which is over now: {reason}").into();
            wait(recorder, key, &golden, reason);
            false
        }
        Resolved::Parked { reason, resolution } => {
            park(recorder, unit, key, reason, resolution);
            false
        }
        Resolved::Decided(proposal) if proposal.provisional => {
            if has_golden {
                return false;
            }
            let cell = GoldenCell {
                status: Status::Provisional(Box::new(Provisional { shown: proposal.field, origin: proposal.origin })),
                resolution: proposal.resolution,
                last: golden.as_ref().and_then(|cell| cell.last.clone()),
                ..empty_cell(unit)
            };
            if golden.as_deref() != Some(&cell) {
                recorder.record(Fact::Settled { unit: key.clone(), cell: Some(Arc::new(cell)) });
            }
            false
        }
        Resolved::Decided(proposal) => guard(ground, recorder, unit, key, shown, proposal),
    }
}

/// Keeps a unit for a person: no policy could tell.
pub(super) fn park(recorder: &mut Recorder<'_>, unit: &Unit, key: &UnitKey, reason: Text, resolution: Arc<Resolution>) {
    let golden = recorder.entity.golden.shared(key);
    let status = Status::Parked { reason };
    if golden.as_ref().is_none_or(|cell| cell.status != status) {
        let mut cell = golden.map_or_else(|| empty_cell(unit), Arc::unwrap_or_clone);
        cell.status = status;
        if !cell.field.is_value() {
            cell.resolution = resolution;
        }
        recorder.record(Fact::Settled { unit: key.clone(), cell: Some(Arc::new(cell)) });
    }
}

/// A decision that still holds outranks every policy. `None`: there is none, or the owner has followed.
fn follow_decision(
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    classification: &Classification,
) -> Option<bool> {
    let decision = recorder.entity.decisions.shared(key)?;
    let same = |value: &Field, reference: &Field| unit.same(value, reference);
    // Golden of an owned unit is the owner's to move. The decision asks the owner to; once the owner holds it, it is done.
    let owned = !unit.owners.is_empty();
    let followed = owned
        && shown.iter().any(|shown| {
            shown.authority == Authority::Owner && shown.field().is_some_and(|field| same(field, &decision.chosen))
        });
    let proposal = |origin, heard| Proposal {
        field: decision.chosen.clone(),
        origin,
        resolution: Arc::new(Resolution {
            by: Some(decision.by.clone()),
            approved_by: decision.approved_by.clone().map(Box::new),
            ..Resolution::by_policy("decision")
        }),
        provisional: false,
        heard,
    };
    if let Some(owner) = follows_since_first_contact(recorder, unit, key, shown, classification) {
        // It has not moved, so that no chain hears it: that it holds what was decided is what golden waited for.
        recorder.record(Fact::Decided { unit: key.clone(), decision: None });
        let origin = Some(origin_of(recorder.entity, unit, key, &shown[owner]));
        return Some(move_golden(recorder, unit, key, shown, proposal(origin, SmallVec::from_slice(&[owner]))));
    }
    if followed && decision.lifetime.hears_news() {
        recorder.record(Fact::Decided { unit: key.clone(), decision: None });
        return None;
    }
    if owned {
        return None;
    }
    Some(move_golden(recorder, unit, key, shown, proposal(None, (0..shown.len()).collect())))
}

/// The owner that was never in agreement and holds what a person decided while no owner could be asked, if every owner that
/// is seen holds that.
fn follows_since_first_contact(
    recorder: &Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    classification: &Classification,
) -> Option<usize> {
    let decision = recorder.entity.decisions.get(key)?;
    if unit.owners.is_empty() || !decision.lifetime.hears_news() {
        return None;
    }
    let owners = || {
        let owns = |place: &usize| shown[*place].authority == Authority::Owner && shown[*place].field().is_some();
        (0..shown.len()).filter(owns)
    };
    let holds = |place: usize| shown[place].field().is_some_and(|field| unit.same(field, &decision.chosen));
    if !owners().all(holds) {
        return None;
    }
    owners().find(|place| classification.states[*place] == LinkState::NoBase)
}

/// Moves golden to a proposal, and the bases of everyone who was heard. Says whether golden's value changed.
pub(super) fn move_golden(
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    proposal: Proposal,
) -> bool {
    let golden = recorder.entity.golden.shared(key);
    let before = golden.as_ref().filter(|cell| settled(cell)).map(|cell| &cell.field);
    let changed = before.is_none_or(|before| !unit.same(&proposal.field, before));
    let field = match before {
        // Equivalent values keep the former spelling: golden does not move for the letter's sake.
        Some(before) if !changed => before.clone(),
        _ => proposal.field.clone(),
    };
    let cell = GoldenCell {
        field: field.clone(),
        origin: proposal.origin,
        resolution: proposal.resolution,
        fingerprint: unit.fingerprint.short_number(),
        status: Status::Settled,
        last: GoldenCell::remembered(golden.as_deref(), &field, unit.members.len()),
    };
    // What a person was shown, they decided about, whether or not it was ever in agreement; and a policy that
    // hears newcomers heard them.
    let decided = *cell.resolution.policy == *"decision";
    if golden.as_deref() != Some(&cell) {
        recorder.record(Fact::Settled { unit: key.clone(), cell: Some(Arc::new(cell)) });
    }
    for place in proposal.heard {
        let Some(seen) = shown[place].field() else { continue };
        let link = &recorder.entity.links[shown[place].link];
        let base = link.bases.get(key);
        let at_golden = unit.same(seen, &field);
        let moved = base.is_some_and(|base| !unit.same(seen, &base.seen));
        let next = match (base, at_golden) {
            (Some(base), true) if !moved => Base { agreed: field.clone(), lost: false, ..base.clone() },
            (base, true) => {
                let answered = still_answered(base, unit, seen);
                Base::accepted(seen.clone(), field.clone()).marked(|marks| marks.answered = answered)
            }
            // It was heard and lost: the journal names it, and a write of golden is owed.
            (Some(base), false) if moved => {
                let answered = still_answered(Some(base), unit, seen);
                let displaced = base.marks.displaced.clone();
                Base::lost(seen.clone(), base).marked(|marks| (marks.displaced, marks.answered) = (displaced, answered))
            }
            (None, false) if decided || unit.hears_newcomers => {
                Base { lost: true, ..Base::accepted(seen.clone(), Field::Null) }
            }
            // It stands where it stood, behind golden; or it never had a base, and contradicts.
            (_, false) => continue,
        };
        if base != Some(&next) {
            let record = Arc::clone(&link.record);
            let next = share(recorder.entity, key, next);
            recorder.record(Fact::Rebased { record, unit: key.clone(), base: Some(next) });
        }
    }
    changed
}

/// What the last write was answered with, while the system shows what it was sent or its own form of that: the one may
/// yet turn out to be the other.
fn still_answered(base: Option<&Base>, unit: &Unit, seen: &Field) -> Option<Box<Answered>> {
    let answered = base?.marks.answered.as_ref()?;
    let shows = |field: &Field| unit.same(seen, field);
    (shows(&answered.sent) || answered.kept.as_ref().is_some_and(shows)).then(|| answered.clone())
}

/// Nothing with a say moves any more: what was held or parked because something had moved is free again, and a fallback
/// ends once an owner can be read.
fn release(
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    classification: &Classification,
) {
    let Some(cell) = recorder.entity.golden.get(key) else { return };
    let over = match cell.status {
        Status::Settled => false,
        // At first contact nothing has moved, yet nothing is settled: that stays parked.
        Status::Held(_) | Status::Parked { .. } => cell.field.is_value() || classification.no_base_conflicts.is_empty(),
        Status::Provisional(_) => !needs_fallback(unit, shown),
    };
    if !over || waits(recorder.entity, key, classification.verdict) {
        return;
    }
    // What was cleared is settled, and remembers what stood there: it is not what never had a value.
    let keep =
        cell.field.is_value() || cell.last.is_some() || unit.shape == UnitShape::Set || unit.shape == UnitShape::Keyed;
    let cell = keep.then(|| Arc::new(GoldenCell { status: Status::Settled, ..cell.clone() }));
    recorder.record(Fact::Settled { unit: key.clone(), cell });
}

pub(super) fn empty_cell(unit: &Unit) -> GoldenCell {
    GoldenCell {
        field: Field::Null,
        origin: None,
        resolution: Arc::default(),
        fingerprint: unit.fingerprint.short_number(),
        status: Status::Settled,
        last: None,
    }
}
