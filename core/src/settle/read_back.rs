//! Read-backs: an observation of the version that a write returned shows what the system made of what it was sent.

use std::sync::Arc;

use crate::base::Base;
use crate::fact::Fact;
use crate::model::{Unit, UnitKey};
use crate::ownership::Authority;
use crate::settle::Recorder;
use crate::sight::{Ground, Shown};
use crate::stamp::Domain;
use crate::value::Field;

/// Tells a system's own form of what it was sent from somebody's edit, where a write was answered without the record.
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
    for shown in shown {
        let link = &recorder.entity.links[shown.link];
        let (Some(base), Some(seen)) = (link.bases.get(key), shown.field()) else { continue };
        let Some(answered) = base.answered.as_deref() else { continue };
        if answered.version != Some(shown.since().token) || same(seen, &answered.sent) {
            continue;
        }
        let proof = shown.authority != Authority::CoOwner && is_exact((ground.domain)(&link.record));
        let answered = answered.read_back(seen, proof, same);
        // An owner that was asked has moved, whatever it made of it: golden is its own to move.
        let own_form = answered.certain && shown.authority != Authority::Owner;
        let base = Base {
            seen: if own_form { seen.clone() } else { base.seen.clone() },
            answered: Some(Box::new(answered)),
            ..base.clone()
        };
        let record = Arc::clone(&link.record);
        recorder.record(Fact::Rebased { record, unit: key.clone(), base: Some(Arc::new(base)) });
    }
}

/// Whether no two changes of a record carry the same token.
const fn is_exact(domain: Domain) -> bool {
    match domain {
        Domain::Version => true,
        Domain::Time(scale) => scale.precision_ms <= 1,
        Domain::ReadOrder => false,
    }
}
