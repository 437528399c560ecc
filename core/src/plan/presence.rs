//! Presence in a plan: records that are to be created, and records that are to be archived.

use super::{Intent, Parked, PlanDraft, Surroundings, Target, basis, operation, unresolved};
use crate::entity::{Entity, HUB_OBJECT, Link};
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::{GoldenLife, Status};
use crate::id::ConnectionName;
use crate::model::{CompiledEntity, CompiledObject, EXISTS, OnDelete, UnitKey};
use crate::ownership::Authority;
use crate::representation::{Life, Representation};
use crate::settle::existence::{has_value, is_expected, owner_lost};
use crate::settle::presence::{decided, to_restore, why_restored};
use crate::sight::Ground;
use crate::spelling::can_spell;
use crate::text::Text;
use crate::value::Field;

/// Why the record of a link is archived when its entity is retired; `None`: it is not.
pub(crate) fn why_archive(
    model: &CompiledEntity,
    object: &CompiledObject,
    entity: &Entity,
    representations: &[Option<&Representation>],
    link: &Link,
) -> Option<&'static str> {
    if link.divergences.contains_key(&UnitKey::Exists) {
        None
    } else if decided(entity) == Some(GoldenLife::Retired) {
        Some("a person retired the entity")
    } else if object.on_delete == OnDelete::Archive
        && object.existence != Authority::Owner
        && owner_lost(model, entity, representations)
    {
        Some("the entity was retired by the system that owns existence")
    } else {
        None
    }
}

/// Why a create sends what was sent before.
const WHY_SENT_BEFORE: &str = "it was sent before and may still arrive: sent again, it is the same";

/// Why nothing is created where nobody has looked yet.
const WHY_UNREAD: &str = "what is there was never read to its end: poll or scan it first";

/// Collects the creates and archives of one entity.
pub(super) fn plan_presence(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    plan: &mut PlanDraft,
) {
    let unit = Text::new(EXISTS);
    if entity.life == GoldenLife::Retired {
        for (place, link) in entity.links.iter().enumerate() {
            let Some(object) = ground.model.objects.get(usize::from(link.object)) else { continue };
            let speaks = representations.get(place).copied().flatten().is_some_and(Representation::speaks);
            let Some(why) = why_archive(ground.model, object, entity, representations, link) else { continue };
            if link.object == HUB_OBJECT
                || !speaks
                || !plan.covers(&link.record.connection, &object.declared.system, &unit)
            {
                continue;
            }
            plan.operations.push(operation(
                ground,
                entity,
                Target::Record((*link.record).clone()),
                unit.clone(),
                Intent::Archive,
                Field::value("live"),
                retirement_basis(ground, object, entity, representations),
                why,
            ));
        }
        return;
    }
    for place in to_restore(entity, representations) {
        let link = &entity.links[place];
        let Some(object) = ground.model.objects.get(usize::from(link.object)) else { continue };
        let connection = link.record.connection.clone();
        create(ground, surroundings, entity, usize::from(link.object), object, connection, why_restored(entity), plan);
    }
    // Nothing is created for an entity whose records were all merged into another's, or are gone.
    let stands = entity.links.iter().enumerate().any(|(place, link)| {
        let representation = representations.get(place).copied().flatten();
        link.object != HUB_OBJECT
            && representation.is_none_or(|known| {
                known.redirected_to().is_none() && !matches!(known.existence().life(), Life::Dead(_))
            })
    });
    if !stands {
        return;
    }
    for (index, object) in ground.model.objects.iter().enumerate() {
        let ever = entity.links.iter().any(|link| usize::from(link.object) == index);
        let unlinked = entity.unlinked_there(&object.declared.key).is_some();
        if ever || unlinked || !is_expected(ground, entity, object) {
            continue;
        }
        let Some(connection) = (surroundings.creates_in)(&object.declared.system) else { continue };
        let reason = "a record is expected here, and none ever existed";
        create(ground, surroundings, entity, index, object, connection, reason, plan);
    }
}

/// Plans a create, unless one is under way, golden lacks what it needs, or nobody has looked whether it is there.
#[expect(clippy::too_many_arguments, reason = "one create, where and why")]
fn create(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    entity: &Entity,
    index: usize,
    object: &CompiledObject,
    connection: ConnectionName,
    reason: &str,
    plan: &mut PlanDraft,
) {
    let unit = Text::new(EXISTS);
    let needs = object.declared.create_needs.iter().all(|needed| has_value(ground, entity, needed.as_str()));
    if !needs
        || !plan.covers(&connection, &object.declared.system, &unit)
        || (surroundings.creating)(entity.id, &object.declared.object)
    {
        return;
    }
    // One key stands for one content: whichever of two attempts takes effect, what it made is known. What golden has come to
    // hold since follows as a change.
    let place = (connection.clone(), object.declared.object.clone());
    let (fields, reason) = match entity.creates_sent.get(&place) {
        Some(sent) => (still_sendable(ground, index, sent), WHY_SENT_BEFORE),
        None => (creatable(ground, surroundings, entity, index, object, &connection), reason),
    };
    let why_not = lacking(ground, object, &fields)
        .map(|needed| format!("it needs {needed}, which has not settled or cannot be spelled there"))
        .or_else(|| (surroundings.unread)(&connection, &object.declared.object).then(|| WHY_UNREAD.to_owned()))
        .or_else(|| (surroundings.shared)(entity.id).map(ToOwned::to_owned));
    let basis = create_basis(ground.model, &fields);
    let target = Target::New { connection, object: object.declared.object.clone(), generation: entity.generation };
    let operation = operation(ground, entity, target, unit, Intent::Create(fields), Field::Null, basis, reason);
    match why_not {
        None => plan.operations.push(operation),
        Some(why) => plan.parked.push(Parked::new(operation, why.into())),
    }
}

/// The settled golden values that a new record can carry. A reference that leads nowhere yet is left out, and follows
/// as a change of its own: that is how circles of references come to be written. So is what cannot be spelled there.
fn creatable(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    entity: &Entity,
    index: usize,
    object: &CompiledObject,
    connection: &ConnectionName,
) -> Vec<(Text, Field)> {
    let index = u16::try_from(index).unwrap_or(u16::MAX);
    entity
        .golden
        .iter()
        .filter(|(key, cell)| {
            cell.status == Status::Settled
                && cell.field.is_value()
                && key.index().is_some_and(|unit| object.writes.get(usize::from(unit)).is_some_and(Option::is_some))
                && !is_summand(ground.model, object, key)
                && unresolved(ground, surroundings, index, connection, key, &cell.field).is_none()
                && can_spell(ground.model, index, key, &cell.field).is_ok()
        })
        .map(|(key, cell)| (ground.model.unit_name(&key), cell.field.clone()))
        .collect()
}

/// Whether the object type's own value of a unit is a part of its sum.
fn is_summand(model: &CompiledEntity, object: &CompiledObject, key: &UnitKey) -> bool {
    let Some(unit) = key.index().map(usize::from) else { return false };
    model.units.get(unit).is_some_and(|unit| unit.summed) && object.authority.get(unit) == Some(&Authority::Owner)
}

/// Of what a create sent before, what today's model still writes there.
fn still_sendable(ground: &Ground<'_>, index: usize, sent: &[(Text, Field)]) -> Vec<(Text, Field)> {
    let index = u16::try_from(index).unwrap_or(u16::MAX);
    let spelled = |name: &Text, field: &Field| {
        let key = ground.model.unit_key(name);
        key.is_some_and(|key| can_spell(ground.model, index, &key, field).is_ok())
    };
    sent.iter().filter(|(name, field)| spelled(name, field)).cloned().collect()
}

/// The attribute that a new record needs, is written there, and is not among what it would be given.
fn lacking<'m>(ground: &Ground<'m>, object: &'m CompiledObject, fields: &[(Text, Field)]) -> Option<&'m str> {
    object.declared.create_needs.iter().map(|needed| needed.as_str()).find(|needed| {
        ground.model.unit_of(needed).is_some_and(|(unit, _)| {
            let name = ground.model.unit_name(&UnitKey::Whole(unit));
            object.writes.get(usize::from(unit)).is_some_and(Option::is_some)
                && !fields.iter().any(|(field, _)| *field == name)
        })
    })
}

/// The basis of a create: every value that it sends, and what each was resolved under.
pub(super) fn create_basis(model: &CompiledEntity, fields: &[(Text, Field)]) -> Digest {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text("create");
    for (name, field) in fields {
        let unit = model.unit_key(name).and_then(|key| model.units.get(usize::from(key.index()?)));
        fingerprint.text(name);
        if let Some(unit) = unit {
            fingerprint.bytes(&basis(field, unit).0);
        }
    }
    fingerprint.finish()
}

/// The basis of an archive: who may retire the entity, whether a person did, and whose records are gone.
fn retirement_basis(
    ground: &Ground<'_>,
    object: &CompiledObject,
    entity: &Entity,
    representations: &[Option<&Representation>],
) -> Digest {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text("retired").number(i64::from(object.on_delete == OnDelete::Archive));
    fingerprint.number(i64::from(decided(entity) == Some(GoldenLife::Retired)));
    for object in &ground.model.objects {
        fingerprint.text(object.declared.key.as_str()).number(object.existence as i64);
    }
    let mut gone: Vec<String> = entity
        .links
        .iter()
        .zip(representations)
        .filter(|(link, representation)| {
            let decides = ground.model.objects.get(usize::from(link.object));
            decides.is_some_and(|object| object.existence.decides())
                && representation.is_some_and(|known| matches!(known.existence().life(), Life::Dead(_)))
        })
        .map(|(link, _)| link.record.to_string())
        .collect();
    gone.sort();
    for record in gone {
        fingerprint.text(&record);
    }
    fingerprint.finish()
}
