//! Presence: records that are gone, missing or doubled.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::classify::LinkState;
use crate::discrepancy::{DiscrepancyKind, Family, Finding};
use crate::entity::{Entity, REACTIONS_TO_FREEZE};
use crate::fact::Fact;
use crate::golden::{GoldenLife, Status};
use crate::model::{Cardinality, CompiledEntity, CompiledObject, EXISTS, OnDelete, OnLoss, Presence, UnitKey};
use crate::ownership::Authority;
use crate::representation::{Life, Representation};
use crate::settle::Recorder;
use crate::settle::presence::{
    accept_deaths, decided, follow, life, lives, lost_there, places, raise_generation, tend_restores, to_restore,
    why_restored,
};
use crate::settle::unit::classified;
use crate::sight::{Ground, shown, speaks_first};
use crate::text::Text;
use crate::value::split_member;

/// Settles presence: accepts sightings and deaths, retires or keeps golden, and finds what is missing or doubled.
pub(super) fn settle_existence(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    representations: &[Option<&Representation>],
    findings: &mut Vec<Finding>,
) {
    if is_as_it_was(ground.model, recorder.entity, representations) {
        return;
    }
    let life = |place: usize| life(representations, place);
    let places = places(recorder.entity, representations);
    let mut dead: SmallVec<[usize; 8]> = SmallVec::new();
    for place in &places {
        let link = &recorder.entity.links[*place];
        let record = Arc::clone(&link.record);
        match life(*place) {
            Life::Live | Life::Resurrected if !link.existed => {
                recorder.record(Fact::Existed { record, existed: true });
            }
            Life::Dead(_) => dead.push(*place),
            Life::Live | Life::Resurrected | Life::Unknown => {}
        }
    }
    tend_restores(ground, recorder, representations);
    if follow(ground, recorder, representations) {
        // A person decided: nobody else is asked.
    } else if !places.is_empty() && dead.len() == places.len() {
        // Everyone lost the record: the systems agree, and golden follows.
        accept_deaths(recorder, representations);
        lives(recorder, GoldenLife::Retired);
    } else {
        let mut surviving = Vec::new();
        survive(ground, recorder, representations, &dead, &mut surviving);
        if recorder.entity.life == GoldenLife::Retired {
            // Whoever lost the record too agrees with golden.
            accept_deaths(recorder, representations);
        } else {
            findings.append(&mut surviving);
        }
    }
    if recorder.entity.life == GoldenLife::Retired {
        tend_restores(ground, recorder, representations);
        for place in places.iter().filter(|place| matches!(life(**place), Life::Live)) {
            retired_but_present(ground, recorder.entity, representations, *place, findings);
        }
        return;
    }
    // An entity whose records were all merged into another's is expected nowhere.
    let restored = to_restore(recorder.entity, representations);
    if !restored.is_empty() || places.iter().any(|place| !matches!(life(*place), Life::Dead(_))) {
        missing(ground, recorder.entity, &restored, findings);
    }
    for place in places.iter().filter(|place| !matches!(life(**place), Life::Dead(_))) {
        duplicate(ground, recorder.entity, representations, *place, findings);
    }
}

/// Whether nothing can be said of presence, as of most entities: in each object type it has one record, each is there as it was
/// accepted or was never seen, and nobody decided anything.
fn is_as_it_was(model: &CompiledEntity, entity: &Entity, representations: &[Option<&Representation>]) -> bool {
    let objects = model.objects.len();
    if entity.links.len() != objects || entity.life == GoldenLife::Retired || !entity.is_plain() {
        return false;
    }
    let was = |place: usize| {
        let link = &entity.links[place];
        let merged = representations.get(place).copied().flatten().is_some_and(|known| known.redirected_to().is_some());
        let stands = match life(representations, place) {
            Life::Live => link.existed,
            Life::Unknown => true,
            Life::Resurrected | Life::Dead(_) => false,
        };
        let alone = entity.links[..place].iter().all(|other| other.object != link.object);
        stands && alone && !merged && !link.to_restore && usize::from(link.object) < objects
    };
    (0..objects).all(was)
}

/// Some records are gone, and not all.
fn survive(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    representations: &[Option<&Representation>],
    dead: &[usize],
    findings: &mut Vec<Finding>,
) {
    for place in dead {
        let link = &recorder.entity.links[*place];
        if is_held_elsewhere_there(recorder.entity, representations, *place) {
            // The system holds the entity still: one record fewer says nothing of its presence there.
            if link.existed {
                let record = Arc::clone(&link.record);
                recorder.record(Fact::Existed { record, existed: false });
            }
            continue;
        }
        let authority = authority(ground, link.object);
        let (kind, reason) = if contested(ground, recorder, representations, *place) {
            (DiscrepancyKind::DeleteAgainstUpdate, "it was deleted while a system that decides changed what it held")
        } else {
            match authority {
                Authority::Owner if link.existed => {
                    let record = Arc::clone(&link.record);
                    recorder.record(Fact::Existed { record, existed: false });
                    lives(recorder, GoldenLife::Retired);
                    continue;
                }
                // The death was accepted before, and golden lives on by decision.
                Authority::Owner => continue,
                Authority::CoOwner => (
                    DiscrepancyKind::SoftDriftAuthoritative,
                    "the record was deleted; existence has no owner who could say so",
                ),
                Authority::Observer => (
                    DiscrepancyKind::SoftDriftUnauthorized,
                    "the record was deleted by a system that does not own existence",
                ),
            }
        };
        let link = &recorder.entity.links[*place];
        if !link.existed {
            continue;
        }
        let (record, name) = (Arc::clone(&link.record), Some(link.record.to_string()));
        match on_loss(ground, recorder.entity, representations, *place) {
            Ok(OnLoss::Accept) => recorder.record(Fact::Existed { record, existed: false }),
            Ok(OnLoss::Retire) => {
                recorder.record(Fact::Existed { record, existed: false });
                lives(recorder, GoldenLife::Retired);
            }
            Ok(OnLoss::Restore) => {
                recorder.record(Fact::Existed { record: Arc::clone(&record), existed: false });
                recorder.record(Fact::ToRestore { record, holds: true });
                raise_generation(recorder);
            }
            Ok(OnLoss::Ask) => findings.push(finding(Family::Existence, kind, name, true, reason)),
            Err(lost) => {
                let reason = format!(
                    "{reason}; {lost} records were lost there, so that restoring it again is a person's to say"
                );
                findings.push(finding(Family::Existence, kind, name, true, &reason));
            }
        }
    }
}

/// What is declared of the loss of a record. `Err`: it was to be restored, and so many were lost there that a person is asked.
fn on_loss(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    place: usize,
) -> Result<OnLoss, usize> {
    let object = ground.model.objects.get(usize::from(entity.links[place].object));
    let declared = object.map_or(OnLoss::Ask, |object| object.on_loss);
    let lost = lost_there(entity, representations, place);
    if declared == OnLoss::Restore && lost >= usize::from(REACTIONS_TO_FREEZE) { Err(lost) } else { Ok(declared) }
}

/// Whether another record of the entity is there in the same connection and object type.
fn is_held_elsewhere_there(entity: &Entity, representations: &[Option<&Representation>], place: usize) -> bool {
    let link = &entity.links[place];
    entity.links.iter().enumerate().any(|(other_place, other)| {
        other.object == link.object
            && other.record.connection == link.record.connection
            && representations.get(other_place).copied().flatten().is_some_and(Representation::speaks)
    })
}

/// Whether a live system that decides has said something that the deleted record had not yet been told: golden follows
/// it, or it waits because a rule holds it or no policy could tell.
fn contested(
    ground: &Ground<'_>,
    recorder: &Recorder<'_>,
    representations: &[Option<&Representation>],
    place: usize,
) -> bool {
    let entity = &*recorder.entity;
    let link = &entity.links[place];
    link.bases.iter().any(|(key, base)| {
        let Some(unit) = key.index().and_then(|index| ground.model.units.get(usize::from(index))) else { return false };
        let shown = shown(ground, entity, representations, &key);
        let states = classified(ground, recorder, unit, &key, &shown).states;
        if shown.iter().zip(states).any(|(shown, state)| state == LinkState::Moved && shown.authority.decides()) {
            return true;
        }
        let Some(golden) = entity.golden.get(&key) else { return false };
        let elsewhere = golden.origin.as_ref().is_some_and(|origin| {
            *origin.record != *link.record
                && entity.link_of(&origin.record).is_some_and(|other| {
                    representations.get(other).copied().flatten().is_some_and(Representation::speaks)
                })
        });
        elsewhere
            && base.is_behind(&golden.field, |agreed, golden| unit.same(agreed, golden))
            && !unit.same(&base.seen, &golden.field)
    })
}

/// Whether a system that owns existence has deleted the entity: it held it, and holds none of its records now. If not, the
/// entity was retired because nobody held it any more; a record that comes, or comes back, contradicts nobody.
pub(crate) fn owner_lost(model: &CompiledEntity, entity: &Entity, representations: &[Option<&Representation>]) -> bool {
    let places = places(entity, representations);
    let gone = |place: usize| matches!(life(representations, place), Life::Dead(_));
    let same = |a: usize, b: usize| {
        let (a, b) = (&entity.links[a], &entity.links[b]);
        a.object == b.object && a.record.connection == b.record.connection
    };
    places.iter().any(|place| {
        let object = model.objects.get(usize::from(entity.links[*place].object));
        object.is_some_and(|object| object.existence == Authority::Owner)
            && places.iter().all(|other| !same(*place, *other) || gone(*other))
    })
}

fn retired_but_present(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    place: usize,
    findings: &mut Vec<Finding>,
) {
    let record = entity.links[place].record.to_string();
    if entity.links[place].divergences.contains_key(&UnitKey::Exists) {
        let reason = "the entity was retired; this record stands by decision";
        findings.push(finding(Family::Existence, DiscrepancyKind::Diverged, Some(record), false, reason));
        return;
    }
    let by_decision = decided(entity) == Some(GoldenLife::Retired);
    let owns = authority(ground, entity.links[place].object) == Authority::Owner;
    let lost = !by_decision && !owner_lost(ground.model, entity, representations);
    let on_delete = on_delete(ground, entity.links[place].object);
    if !by_decision && !owns && !lost && on_delete == OnDelete::Stand {
        let reason = "the entity was retired by the system that owns existence; this record stands, as is declared";
        findings.push(finding(Family::Existence, DiscrepancyKind::Diverged, Some(record), false, reason));
        return;
    }
    let waits = !by_decision && (owns || lost || on_delete == OnDelete::Hold);
    let reason = if by_decision {
        "a person retired the entity; an archive is owed"
    } else if owns {
        "the entity is retired, but the system that owns existence holds this record"
    } else if lost {
        "no system that owns existence has deleted the entity; it was retired because nobody held it, and this record came"
    } else if waits {
        "the entity was retired by the system that owns existence; what becomes of this record is not declared"
    } else {
        "the entity was retired; an archive is owed"
    };
    findings.push(finding(Family::Existence, DiscrepancyKind::SoftDriftAuthoritative, Some(record), waits, reason));
}

/// Records that are expected where none ever was, and those that a person decided to restore.
fn missing(ground: &Ground<'_>, entity: &Entity, restored: &[usize], findings: &mut Vec<Finding>) {
    for (index, object) in ground.model.objects.iter().enumerate() {
        let ever = entity.links.iter().any(|link| usize::from(link.object) == index);
        let again = restored.iter().any(|place| usize::from(entity.links[*place].object) == index);
        if !again && (ever || !is_expected(ground, entity, object)) {
            continue;
        }
        if let Some(held) = entity.unlinked_there(&object.declared.key).filter(|_| !again) {
            let place = format!("{}/{}", object.declared.system, object.declared.object);
            let reason = format!("{} unlinked its record here; nothing is created in its place", held.by);
            findings.push(finding(Family::Presence, DiscrepancyKind::Diverged, Some(place), false, &reason));
            continue;
        }
        let needs = || object.declared.create_needs.iter().map(|needed| needed.as_str());
        let lacking: Vec<&str> = needs().filter(|needed| !has_value(ground, entity, needed)).collect();
        // What is held or parked is written nowhere: the record waits for whoever says what it is.
        let unsettled: Vec<&str> =
            needs().filter(|needed| !lacking.contains(needed) && !has_settled(ground, entity, needed)).collect();
        let place = format!("{}/{}", object.declared.system, object.declared.object);
        let waits = !lacking.is_empty() || !unsettled.is_empty();
        let reason = if !lacking.is_empty() {
            format!("a record is expected here; it cannot be created without {}", lacking.join(", "))
        } else if waits {
            format!("a record is expected here; it cannot be created before {} has settled", unsettled.join(", "))
        } else if again {
            why_restored(entity).to_owned()
        } else {
            "a record is expected here, and none ever existed".to_owned()
        };
        findings.push(finding(Family::Presence, DiscrepancyKind::MissingRepresentation, Some(place), waits, &reason));
    }
}

/// Whether the model expects a record of this object type for the entity.
#[must_use]
pub(crate) fn is_expected(ground: &Ground<'_>, entity: &Entity, object: &CompiledObject) -> bool {
    match &object.declared.presence {
        Presence::Optional => false,
        Presence::Required => true,
        Presence::RequiredWhen { attribute, equals } => golden_text(ground, entity, attribute.as_str())
            .is_some_and(|value| equals.as_ref().is_none_or(|wanted| *value == **wanted)),
    }
}

/// Whether golden has a value for an attribute.
#[must_use]
pub(crate) fn has_value(ground: &Ground<'_>, entity: &Entity, attribute: &str) -> bool {
    golden_text(ground, entity, attribute).is_some()
}

/// Whether what golden holds of an attribute is settled, so that it may be written.
fn has_settled(ground: &Ground<'_>, entity: &Entity, attribute: &str) -> bool {
    let unit = ground.model.unit_of(attribute).map(|(unit, _)| UnitKey::Whole(unit));
    unit.and_then(|unit| entity.golden.get(&unit)).is_none_or(|cell| cell.status == Status::Settled)
}

fn golden_text(ground: &Ground<'_>, entity: &Entity, attribute: &str) -> Option<Text> {
    let (unit, member) = ground.model.unit_of(attribute)?;
    let arity = ground.model.units.get(usize::from(unit))?.members.len();
    let golden = entity.golden.get(&UnitKey::Whole(unit))?;
    split_member(&golden.field, arity, member)?.as_value().map(Text::from)
}

fn duplicate(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    place: usize,
    findings: &mut Vec<Finding>,
) {
    let link = &entity.links[place];
    let one = ground
        .model
        .objects
        .get(usize::from(link.object))
        .is_some_and(|object| matches!(object.declared.cardinality, Cardinality::One));
    if one && !speaks_first(entity, representations, place) {
        let record = link.record.to_string();
        if link.divergences.contains_key(&UnitKey::Exists) {
            let reason = "a second record where the system holds one; it stands by decision";
            findings.push(finding(Family::Duplicate, DiscrepancyKind::Diverged, Some(record), false, reason));
            return;
        }
        let reason = "the system holds one record per entity; the oldest confirmed counts";
        findings.push(finding(Family::Duplicate, DiscrepancyKind::DuplicateRepresentation, Some(record), true, reason));
    }
}

fn on_delete(ground: &Ground<'_>, object: u16) -> OnDelete {
    ground.model.objects.get(usize::from(object)).map_or(OnDelete::Hold, |object| object.on_delete)
}

fn authority(ground: &Ground<'_>, object: u16) -> Authority {
    if planted!(AnyDeletionRetires) {
        return Authority::Owner;
    }
    ground.model.objects.get(usize::from(object)).map_or(Authority::Observer, |object| object.existence)
}

fn finding(family: Family, kind: DiscrepancyKind, link: Option<String>, waits: bool, reason: &str) -> Finding {
    Finding {
        unit: EXISTS.into(),
        link: link.map(Text::from),
        family,
        kind,
        waits,
        reason: reason.into(),
        said: Vec::new(),
    }
}
