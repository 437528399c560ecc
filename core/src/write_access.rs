//! Write access: whether a unit may be written on a link, and how hard. Ownership and mapping decide; nothing else may.

use crate::base::Base;
use crate::entity::{Entity, HUB_OBJECT};
use crate::model::{Cardinality, CompiledEntity, Unit, UnitKey, WriteTo};
use crate::ownership::{Authority, Strength};
use crate::sight::Shown;
use crate::spelling::is_form;
use crate::value::Field;

/// Whether a unit may be written on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteAccess {
    /// It may, this hard.
    Yes(Strength),
    /// It may, because a person decided: the link's system owns the unit.
    ByDecision,
    /// It may not.
    No,
}

/// Answers for one unit on one link. Whether anything is seen there is not asked: where a system holds one record, a
/// second one is hidden ([`crate::sight::shown`]), and so is one that was merged away.
#[must_use]
pub fn write_access(model: &CompiledEntity, entity: &Entity, shown: &Shown<'_>, key: &UnitKey) -> WriteAccess {
    let Some(linked) = entity.links.get(shown.link) else { return WriteAccess::No };
    if linked.object == HUB_OBJECT {
        return WriteAccess::No;
    }
    let (Some(object), Some(unit)) = (model.objects.get(usize::from(linked.object)), key.index()) else {
        return WriteAccess::No;
    };
    let unit = usize::from(unit);
    let Some(Some((strength, _))) = object.writes.get(unit) else { return WriteAccess::No };
    let written = match object.declared.cardinality {
        Cardinality::Many { write: WriteTo::Primary, .. } => shown.first,
        Cardinality::One | Cardinality::Many { write: WriteTo::All, .. } => true,
        Cardinality::Many { write: WriteTo::Nobody, .. } => false,
    };
    if !written {
        return WriteAccess::No;
    }
    match object.authority.get(unit) {
        // What golden is made of is written by nobody: it would be added again.
        Some(Authority::Owner) if model.units.get(unit).is_some_and(|unit| unit.summed) => WriteAccess::No,
        Some(Authority::Owner) if planted!(OwnerWritten) => WriteAccess::Yes(*strength),
        Some(Authority::Owner) if entity.decisions.get(key).is_some() => WriteAccess::ByDecision,
        Some(Authority::Owner) => WriteAccess::No,
        Some(Authority::CoOwner | Authority::Observer) => WriteAccess::Yes(*strength),
        None => WriteAccess::No,
    }
}

/// What became of asking an owner to follow a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It was not asked, or holds what was chosen.
    No,
    /// A write of what was chosen is owed to it.
    Owed,
    /// It was sent what was chosen, and keeps something else instead: it is not sent the same again.
    Declined,
}

/// Answers for one unit as one link shows it.
pub(crate) fn asked(model: &CompiledEntity, entity: &Entity, unit: &Unit, key: &UnitKey, shown: &Shown<'_>) -> Asked {
    let (Some(decision), Some(field)) = (entity.decisions.get(key), shown.field()) else { return Asked::No };
    let same = |a: &Field, b: &Field| unit.same(a, b);
    if same(field, &decision.chosen) || write_access(model, entity, shown, key) != WriteAccess::ByDecision {
        return Asked::No;
    }
    let link = &entity.links[shown.link];
    let keeps = |base: &Base| base.keeps_instead(field, &decision.chosen, same);
    // What it would make of it by a mapping that rounds is what it holds already.
    if link.bases.get(key).is_some_and(keeps) || is_form(model, link.object, unit, key, field, &decision.chosen) {
        return Asked::Declined;
    }
    Asked::Owed
}

/// Whether what is written to a link asks its system, the owner, to follow a decision.
pub(crate) fn asks_owner(model: &CompiledEntity, entity: &Entity, link: usize, key: &UnitKey) -> bool {
    let object = entity.links.get(link).and_then(|link| model.objects.get(usize::from(link.object)));
    let authority = object.zip(key.index()).and_then(|(object, unit)| object.authority.get(usize::from(unit)));
    let summed = key.index().and_then(|unit| model.units.get(usize::from(unit))).is_some_and(|unit| unit.summed);
    authority == Some(&Authority::Owner) && !summed && entity.decisions.get(key).is_some()
}
