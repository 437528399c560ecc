//! The end of decisions: by their date, by news, or by another policy. What ended one is kept until the matter is over.

use std::sync::Arc;

use crate::classify::{Classification, Verdict};
use crate::decision::{Decision, InputChange, Lapse, LapseCause, Word};
use crate::entity::Entity;
use crate::fact::Fact;
use crate::golden::{GoldenCell, Status};
use crate::id::RecordRef;
use crate::model::{Unit, UnitKey};
use crate::resolve::origin_of;
use crate::settle::Recorder;
use crate::sight::{Ground, Shown};
use crate::text::Text;
use crate::value::Field;

/// Ends a decision, and keeps why.
pub(super) fn lapse(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    key: &UnitKey,
    decision: &Decision,
    cause: LapseCause,
) {
    let lapse = Some(Box::new(Lapse::of(decision, ground.as_of, cause)));
    recorder.record(Fact::Lapsed { unit: key.clone(), lapse });
    recorder.record(Fact::Decided { unit: key.clone(), decision: None });
}

/// Ends a decision whose date has come, and hands it on.
pub(super) fn end_by_date(ground: &Ground<'_>, recorder: &mut Recorder<'_>, key: &UnitKey) -> Option<Arc<Decision>> {
    let decision = recorder.entity.decisions.shared(key).filter(|decision| decision.lifetime.is_over(ground.as_of))?;
    lapse(ground, recorder, key, &decision, LapseCause::Over);
    Some(decision)
}

/// Ends a decision that hears news, if there is any: a candidate brings something that was not on the table, or takes back what
/// was; or the model settles the unit otherwise. Asked whenever the unit is settled, whether or not golden could follow: a
/// held clear, and a newcomer that contradicts, are news too. Says whether it ended.
pub(super) fn reopen(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
) -> bool {
    let standing = recorder.entity.decisions.shared(key).filter(|decision| decision.lifetime.hears_news());
    let Some(decision) = standing else { return false };
    let cause = if decision.fingerprint != unit.fingerprint.short_number() {
        LapseCause::PolicyChanged
    } else {
        let news = news(recorder.entity, unit, key, shown, &decision);
        if news.is_empty() {
            return false;
        }
        LapseCause::InputsChanged(news)
    };
    lapse(ground, recorder, key, &decision, cause);
    true
}

/// What is said of a unit that was not on the table when it was decided, and what was on the table and is gone.
///
/// The same voices as then: an echo of another system's word, or of our own writing, is no news. Nor is that a system without
/// the value is linked, or that an input cannot be read.
fn news(entity: &Entity, unit: &Unit, key: &UnitKey, shown: &[Shown<'_>], decision: &Decision) -> Vec<InputChange> {
    let same = |value: &Field, reference: &Field| unit.same(value, reference);
    let said =
        |record: &RecordRef| decision.inputs.iter().find(|(known, _)| known == record).map(|(_, said)| said.clone());
    let mut news: Vec<InputChange> = Vec::new();
    for (record, to) in own_words(entity, unit, key, shown) {
        let had = entity.link_of(record).and_then(|link| entity.links[link].bases.get(key));
        let means = to.is_value() || said(record).is_some() || had.is_some_and(|base| base.seen.is_value());
        if means && decision.is_news(record, to, &same) {
            news.push(InputChange { record: record.clone(), from: said(record), to: to.clone() });
        }
    }
    for (record, from) in decision.inputs.iter().filter(|(_, from)| from.is_value()) {
        // What was merged inside its system, or created anew there, may go on saying the same.
        let goes_on = |(other, field): (&RecordRef, &Field)| other.connection == record.connection && same(field, from);
        if is_gone(entity, shown, record) && !own_words(entity, unit, key, shown).any(goes_on) {
            news.push(InputChange { record: record.clone(), from: Some(from.clone()), to: Field::Null });
        }
    }
    news
}

/// What systems that decide say of their own.
fn own_words<'a>(
    entity: &'a Entity,
    unit: &'a Unit,
    key: &'a UnitKey,
    shown: &'a [Shown<'_>],
) -> impl Iterator<Item = (&'a RecordRef, &'a Field)> {
    shown.iter().filter(|shown| shown.authority.decides()).filter_map(move |shown| {
        let record = &*entity.links[shown.link].record;
        let field = shown.field()?;
        (*origin_of(entity, unit, key, shown).record == *record).then_some((record, field))
    })
}

/// Whether a record is no part of the entity any more, or is deleted or merged away.
fn is_gone(entity: &Entity, shown: &[Shown<'_>], record: &RecordRef) -> bool {
    match entity.link_of(record) {
        None => true,
        Some(link) => {
            let shown = shown.iter().find(|shown| shown.link == link);
            shown.is_some_and(|shown| shown.sight == Err(crate::classify::Hidden::Gone))
        }
    }
}

/// Remembers what systems say of their own while a decision until a date overwrites it: when it ends, they are heard.
pub(super) fn remember_words(recorder: &mut Recorder<'_>, unit: &Unit, key: &UnitKey, shown: &[Shown<'_>]) {
    let dated = |decision: &Arc<Decision>| matches!(decision.lifetime, crate::decision::Lifetime::Until(_));
    let Some(decision) = recorder.entity.decisions.shared(key).filter(dated).filter(|_| unit.owners.is_empty()) else {
        return;
    };
    let same = |value: &Field, reference: &Field| unit.same(value, reference);
    let mut meanwhile = decision.meanwhile.clone();
    for shown in shown.iter().filter(|shown| shown.authority.decides()) {
        let entity = &*recorder.entity;
        let link = &entity.links[shown.link];
        let record = &*link.record;
        let Some(field) = shown.field() else { continue };
        if *origin_of(entity, unit, key, shown).record != *record {
            continue;
        }
        let place = meanwhile.binary_search_by(|word| word.record.cmp(record));
        let news = decision.is_news(record, field, &same)
            && (field.is_value() || link.bases.get(key).is_some_and(|base| base.seen.is_value()));
        let word = || Word { record: record.clone(), field: field.clone(), since: shown.since() };
        match place {
            Ok(place) if meanwhile[place].field == *field => {}
            // It says again what it said before, or has come round to what was chosen.
            Ok(place) if !news => {
                meanwhile.remove(place);
            }
            Ok(place) => meanwhile[place] = word(),
            Err(place) if news => meanwhile.insert(place, word()),
            Err(_) => {}
        }
    }
    if meanwhile != decision.meanwhile {
        let decision = Some(Arc::new(Decision { meanwhile, ..Decision::clone(&decision) }));
        recorder.record(Fact::Decided { unit: key.clone(), decision });
    }
}

/// Makes a unit wait for a person where a decision ended, and nothing tells what golden should hold instead: nobody moved, and
/// those who disagree stand where they stood. Nothing is written meanwhile.
pub(super) fn park_reopened(recorder: &mut Recorder<'_>, key: &UnitKey, classification: &Classification) {
    let apart = matches!(classification.verdict, Verdict::Pending | Verdict::HardConflict);
    let golden = recorder.entity.golden.shared(key);
    // What was cleared stays cleared: while it waited, a value that lost would be taken for the first.
    let parks = |cell: &Arc<GoldenCell>| apart && cell.field.is_value() && cell.status == Status::Settled;
    let Some(golden) = golden.filter(parks) else { return };
    wait(recorder, key, &golden, Text::fixed("what a person had decided no longer stands"));
}

/// Parks a unit until a person decides it anew.
pub(super) fn wait(recorder: &mut Recorder<'_>, key: &UnitKey, golden: &Arc<GoldenCell>, reason: Text) {
    let Some(ended) = recorder.entity.lapses.get(key).cloned() else { return };
    let cell = Some(Arc::new(GoldenCell { status: Status::Parked { reason }, ..GoldenCell::clone(golden) }));
    recorder.record(Fact::Settled { unit: key.clone(), cell });
    recorder.record(Fact::Lapsed { unit: key.clone(), lapse: Some(Box::new(Lapse { waits: true, ..ended })) });
}

/// Golden moved: the unit waits no longer for what ended.
pub(super) fn moved_on(recorder: &mut Recorder<'_>, key: &UnitKey) {
    if let Some(ended) = recorder.entity.lapses.get(key).filter(|lapse| lapse.waits).cloned() {
        recorder.record(Fact::Lapsed { unit: key.clone(), lapse: Some(Box::new(Lapse { waits: false, ..ended })) });
    }
}

/// Whether a unit waits for a person because a decision ended, and must go on waiting.
pub(super) fn waits(entity: &Entity, key: &UnitKey, verdict: Verdict) -> bool {
    let ended = entity.lapses.get(key).filter(|lapse| lapse.waits);
    ended.is_some_and(|lapse| lapse.cause == LapseCause::Over || verdict != Verdict::InAgreement)
}

/// The unit is decided anew: how the last decision ended is history.
pub(super) fn forget_lapse(recorder: &mut Recorder<'_>, key: &UnitKey) {
    if recorder.entity.lapses.contains_key(key) {
        recorder.record(Fact::Lapsed { unit: key.clone(), lapse: None });
    }
}

/// Systems agree again: what reopened the unit is history. That a date ended a decision is kept, lest it end unseen.
pub(super) fn close_reopened(recorder: &mut Recorder<'_>, key: &UnitKey, classification: &Classification) {
    if recorder.entity.lapses.get(key).is_none_or(|lapse| lapse.cause == LapseCause::Over) {
        return;
    }
    let settled = recorder.entity.golden.get(key).is_none_or(|cell| cell.status == Status::Settled);
    let agree = classification.verdict == Verdict::InAgreement && classification.no_base_conflicts.is_empty();
    if settled && agree {
        forget_lapse(recorder, key);
    }
}
