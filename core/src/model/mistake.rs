//! What can be wrong with a model: found by `build()`, all at once, before the first event.

use std::fmt;

use crate::id::{AttributeId, EntityType, GroupId, ObjectKey, ObjectType, SystemName};

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(mistakes) = self;
        write!(
            f,
            "{} {} in the configuration",
            mistakes.len(),
            if mistakes.len() == 1 { "mistake" } else { "mistakes" }
        )?;
        for mistake in mistakes {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// Two entity types of one name.
    #[error("entity `{0}` is declared twice")]
    EntityTwice(EntityType),
    /// Two attributes of one id.
    #[error("{0}: attribute id `{1}` is used twice")]
    AttributeTwice(EntityType, AttributeId),
    /// A retired id in use.
    #[error("{0}: attribute id `{1}` is retired; stored state may hold it, so choose another id")]
    Retired(EntityType, AttributeId),
    /// Two object types under one key.
    #[error("{0}: object key `{1}` is declared twice; give one of them a key of its own (`system as key`)")]
    ObjectKeyTwice(EntityType, ObjectKey),
    /// One object type for two entity types.
    #[error("object `{1}` of `{0}` represents both `{2}` and `{3}`; an object type represents one entity type")]
    ObjectTwice(SystemName, ObjectType, EntityType, EntityType),
    /// A mapping to an object key that is not declared.
    #[error("{0}.{1}: no object key `{2}` is declared on this entity")]
    UnknownObject(EntityType, AttributeId, ObjectKey),
    /// A system or object key of the hub's own name.
    #[error("{0}: `{1}` is the hub's own name; every entity has it without being told, so name the system otherwise")]
    Reserved(EntityType, ObjectKey),
    /// A connection of the hub's own name.
    #[error("connection `{0}` has the hub's own name: its records would be taken for operators' entries")]
    ReservedConnection(String),
    /// Two mappings of one attribute to one object.
    #[error("{0}.{1}: mapped to `{2}` twice")]
    MappedTwice(EntityType, AttributeId, ObjectKey),
    /// An owner that is no system of the entity.
    #[error("{0}.{1}: owner `{2}` is not a system of this entity")]
    UnknownOwner(EntityType, AttributeId, SystemName),
    /// An owner that does not hold the attribute.
    #[error("{0}.{1}: owner `{2}` cannot be read here, so the value could never be known; map it or change the owner")]
    OwnerUnmapped(EntityType, AttributeId, SystemName),
    /// A loss that is to retire the entity, in a system that has no say.
    #[error("{0}: a record that is lost in `{1}` cannot retire the entity, because `{1}` does not own existence")]
    RetiresUnowned(EntityType, ObjectKey),
    /// A loss that is to retire the entity, of which nobody owns existence.
    #[error("{0}: `on_loss` cannot retire it, because no system owns its existence; name one with `existence`")]
    RetiresWithoutOwner(EntityType),
    /// One system named as owner twice.
    #[error("{0}.{1}: owner `{2}` is named twice, so the order of authority is not clear")]
    OwnerTwice(EntityType, AttributeId, SystemName),
    /// A strong mapping into a system that decides.
    #[error("{0}.{1}: a strong mapping into `{2}`, which {3} the value; strong mappings enforce on observers only")]
    StrongIntoAuthority(EntityType, AttributeId, ObjectKey, &'static str),
    /// A group of one.
    #[error("{0}: group `{1}` has one member; a group of one is an attribute")]
    GroupOfOne(EntityType, GroupId),
    /// Settings for a group without members.
    #[error("{0}: group `{1}` has settings but no members")]
    EmptyGroup(EntityType, GroupId),
    /// Members of one group with different owners.
    #[error("{0}: the members of group `{1}` have different owners; a group is owned as one")]
    GroupOwners(EntityType, GroupId),
    /// A collection in a group.
    #[error("{0}.{1}: a collection cannot be a member of a group")]
    CollectionInGroup(EntityType, AttributeId),
    /// A system that maps some members of a group and not others.
    #[error(
        "{0}: group `{1}` is mapped to `{2}` without `{3}`; a group is written as one, so map every member or none"
    )]
    GroupPartlyMapped(EntityType, GroupId, ObjectKey, AttributeId),
    /// A derivation over an attribute that does not exist.
    #[error("{0}.{1}: derived from `{2}`, which is no attribute of this entity")]
    UnknownInput(EntityType, AttributeId, AttributeId),
    /// Derivations in a circle.
    #[error("{0}: derivation cycle {chain}", chain = join(.1))]
    DerivationCycle(EntityType, Vec<AttributeId>),
    /// A derived attribute that something could also tell us.
    #[error("{0}.{1}: a derived attribute is computed, so it can have neither owner nor policy")]
    DerivedDecided(EntityType, AttributeId),
    /// A migration that cannot be meant.
    #[error("{0}.{1}: {2}")]
    Migration(EntityType, AttributeId, String),
    /// A sum that cannot be meant.
    #[error("{0}.{1}: {2}")]
    Sum(EntityType, AttributeId, &'static str),
    /// A policy that hears records which were never in agreement, beside what keeps it from hearing all, or hears less.
    #[error("{0}.{1}: {2}")]
    Newcomers(EntityType, AttributeId, &'static str),
    /// A reference to an entity type that is not registered.
    #[error("{0}.{1}: refers to entity `{2}`, which is not registered")]
    UnknownReference(EntityType, AttributeId, EntityType),
    /// A reference whose target has no object, or several, in the system.
    #[error("{}", ambiguous(.0, .1, .2, .3))]
    AmbiguousReference((EntityType, AttributeId), SystemName, EntityType, Vec<ObjectKey>),
    /// A reference to an object type that is none of the target's in the system.
    #[error(
        "{}.{}: `via_object` names `{}`, which is no object key of `{}` in `{}`; they are {known}",
        .0.0, .0.1, .1, .3, .2, known = quoted(.4)
    )]
    UnknownViaObject((EntityType, AttributeId), ObjectKey, SystemName, EntityType, Vec<ObjectKey>),
    /// An attribute named where there is none.
    #[error("{0}: `{2}` of `{1}` names attribute `{3}`, which does not exist")]
    UnknownAttribute(EntityType, ObjectKey, &'static str, AttributeId),
    /// A system of the model without a connection.
    #[error("{0}: system `{1}` has no connection; connect it, or remove it from the model")]
    Unconnected(EntityType, SystemName),
    /// A connection to a system that no model names.
    #[error("connection `{0}` is to system `{1}`, which no entity names")]
    UnknownSystem(String, SystemName),
    /// A surface whose object type the model does not know is fine; an object type without a surface that observes is not.
    #[error("connection `{0}`: no surface observes object `{1}`, so nothing could ever be believed of it")]
    NothingObserves(String, ObjectType),
    /// Surfaces of one object type whose tokens cannot be compared.
    #[error("connection `{0}`: the observing surfaces of object `{1}` declare different ordering domains")]
    DomainsDiffer(String, ObjectType),
    /// A surface that may deliver what was said longer ago than representations tell apart.
    #[error(
        "connection `{0}`: surface `{1}` may deliver after more than {days} days; what was said so long ago is no longer \
         told apart",
        days = crate::representation::HORIZON.num_days()
    )]
    BeyondHorizon(String, String),
    /// A rule or an overlay about something that does not exist.
    #[error("{0}")]
    Other(String),
}

fn join(ids: &[AttributeId]) -> String {
    ids.iter().map(AttributeId::as_str).collect::<Vec<_>>().join(" → ")
}

fn quoted(keys: &[ObjectKey]) -> String {
    if keys.is_empty() {
        return "none".to_owned();
    }
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn ambiguous(
    (entity, attribute): &(EntityType, AttributeId),
    system: &SystemName,
    target: &EntityType,
    keys: &[ObjectKey],
) -> String {
    let place = format!("{entity}.{attribute}: `{target}` is represented by");
    if keys.is_empty() {
        return format!("{place} no object type of `{system}`; a reference needs one to name");
    }
    let keys = quoted(keys);
    format!("{place} several object types of `{system}`; say which one the ids here are of, with `via_object`: {keys}")
}
