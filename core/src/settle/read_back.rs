//! Read-backs: what shows what it was sent holds our own writing, and an observation of the version that a write returned
//! shows what the system made of it.

use std::sync::Arc;

use crate::base::{Base, Origin};
use crate::entity::Entity;
use crate::fact::Fact;
use crate::hub;
use crate::model::{Unit, UnitKey};
use crate::ownership::Authority;
use crate::settle::Recorder;
use crate::sight::{Ground, Shown, reference_object};
use crate::stamp::{Domain, Stamp};
use crate::value::{Field, Money, Ordered as _, Value as _};

/// Whether any base of a unit is kept for [`recognise`]: of an entity about which nobody decided anything, and to whose records
/// nothing is under way, it looks at no other.
pub(super) fn is_answered(entity: &Entity, key: &UnitKey) -> bool {
    let bases = entity.links.iter().filter_map(|link| link.bases.get(key));
    bases.into_iter().any(|base| base.marks.answered.is_some() || base.marks.reread.is_some())
}

/// What shows what it was sent holds our writing, answered or not. And a system's own form of what it was sent is told from
/// somebody's edit, where a write was answered without the record.
///
/// Only an observer's form is taken from one reading: a system that decides has moved, unless the same value met the same
/// form twice. Where tokens are instants of a coarse grain, an edit may carry the write's own: one reading proves nothing.
pub(super) fn recognise(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
) {
    let same = |a: &Field, b: &Field| unit.same(a, b);
    recognise_by_other_rates(recorder, key, shown);
    for shown in shown {
        let link = &recorder.entity.links[shown.link];
        let Some(seen) = shown.field() else { continue };
        if let Some(sent) = link.sent.get(key).filter(|sent| same(seen, &sent.value)) {
            let base = Some(Arc::new(Base::written(seen.clone(), sent.clone())));
            let record = Arc::clone(&link.record);
            recorder.record(Fact::Rebased { record: Arc::clone(&record), unit: key.clone(), base });
            recorder.record(Fact::Sent { record, unit: key.clone(), sent: None });
            continue;
        }
        let Some(base) = link.bases.get(key) else {
            if let Some(base) = arrived_late(ground, recorder, unit, key, shown, seen) {
                let record = Arc::clone(&link.record);
                recorder.record(Fact::Rebased { record, unit: key.clone(), base: Some(Arc::new(base)) });
            }
            continue;
        };
        let Some(answered) = base.marks.answered.as_deref() else { continue };
        let Some(version) = answered.version else { continue };
        let exact = is_exact((ground.domain)(&link.record));
        // Where every change has a token of its own, whatever was said at the version shows what became of the write, though
        // the record was read again since; elsewhere only what stands may be later than the write.
        let direct = reference_object(ground.model, link.object, key).is_none();
        let earlier = || shown.said_at(version).find(|said| exact && direct && !same(said, &answered.sent));
        let seen = if shown.since().token == version { Some(seen) } else { earlier() };
        let Some(seen) = seen.filter(|seen| !same(seen, &answered.sent)) else { continue };
        let proof = shown.authority != Authority::CoOwner && exact;
        let answered = answered.read_back(seen, proof, same);
        // An owner that was asked has moved, whatever it made of it: golden is its own to move.
        let own_form = answered.certain && shown.authority != Authority::Owner;
        let held = if own_form { seen } else { &base.seen };
        let base = Base { seen: held.clone(), ..base.clone() };
        let base = base.marked(|marks| marks.answered = Some(Box::new(answered)));
        let record = Arc::clone(&link.record);
        recorder.record(Fact::Rebased { record, unit: key.clone(), base: Some(Arc::new(base)) });
    }
}

/// The base of a record where a create of ours was sent, was not found when it was looked for, and may have arrived since: what shows what
/// it sent is our writing, and no word of the system's own. Where golden has moved on, it came from golden alone. Whatever an owner shows
/// is its own word.
fn arrived_late(
    ground: &Ground<'_>,
    recorder: &Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &Shown<'_>,
    seen: &Field,
) -> Option<Base> {
    let entity = &*recorder.entity;
    if entity.creates_sent.is_empty() || shown.authority == Authority::Owner {
        return None;
    }
    let record = &entity.links[shown.link].record;
    let fields = entity.creates_sent.get(&(record.connection.clone(), record.object.clone()))?;
    let name = ground.model.unit_name(key);
    let (_, sent) = fields.iter().find(|(unit, _)| *unit == name)?;
    if !sent.is_value() || !unit.same(seen, sent) {
        return None;
    }
    let golden = entity.golden.get(key).filter(|cell| unit.same(sent, &cell.field));
    let hub = || Arc::new(hub::record(ground.model.name.as_str(), entity.id));
    let origin = golden.and_then(|cell| cell.origin.clone());
    let origin = origin.unwrap_or_else(|| Origin { record: hub(), stamp: Stamp::new(ground.as_of) });
    let base = Base::accepted(seen.clone(), sent.clone());
    Some(base.marked(|marks| marks.wrote = Some(Box::new(origin))))
}

/// Whether no two changes of a record carry the same token.
const fn is_exact(domain: Domain) -> bool {
    match domain {
        Domain::Version => true,
        Domain::Time(scale) => scale.precision_ms <= 1,
        Domain::ReadOrder => false,
    }
}

/// What is read by other rates than before, and may be the amount that stood there, is that amount: nobody moved. Whatever else
/// is read has moved.
fn recognise_by_other_rates(recorder: &mut Recorder<'_>, key: &UnitKey, shown: &[Shown<'_>]) {
    let amount = |field: &Field| Money::from_canonical(field.as_value()?).ok();
    for shown in shown {
        let link = &recorder.entity.links[shown.link];
        let Some(seen) = shown.field() else { continue };
        let Some(base) = link.bases.get(key) else { continue };
        let Some(most) = base.marks.reread.as_deref() else { continue };
        let stood = || {
            let (least, seen, most) = (amount(&base.seen)?, amount(seen)?, amount(most)?);
            Some(least.compare(&seen)?.is_le() && seen.compare(&most)?.is_le())
        };
        let now = if stood() == Some(true) { seen.clone() } else { base.seen.clone() };
        let base = Base { seen: now, ..base.clone() }.marked(|marks| marks.reread = None);
        let base = Some(Arc::new(base));
        let record = Arc::clone(&link.record);
        recorder.record(Fact::Rebased { record, unit: key.clone(), base });
    }
}
