//! Identity by declared keys: which entity a record that has no link belongs to.
//!
//! Natural keys correlate; they never identify. A key shared by several entities links nothing: it opens a case.

use std::collections::BTreeSet;

use crate::entity::{Entity, Evidence, HUB_OBJECT};
use crate::equivalence::Equivalence;
use crate::fact::{EntityFact, Fact};
use crate::id::{AttributeId, EntityId, EntityType, RecordRef};
use crate::model::{CompiledEntity, UnitIndex};
use crate::representation::Representation;
use crate::text::Text;
use crate::working_set::{EntityIndex, Frame, RecordIndex, WorkingSet};

/// An identity value: entity type, attribute, and the canonical text under the attribute's equivalence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    /// The entity type.
    pub entity_type: EntityType,
    /// The attribute.
    pub attribute: AttributeId,
    /// The value, normalised.
    pub value: Text,
}

/// Why a record stays without an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlinked {
    /// It matches several entities: a person must say which.
    Ambiguous(Vec<EntityId>),
    /// It matches only entities from which a person unlinked it.
    HeldApart(Vec<EntityId>),
    /// It matches none, and its type does not create entities.
    NoMatch,
    /// A create is under way in its object type: it may be the record that we are creating.
    Awaits,
}

/// A key that leads to more entities than this identifies none of them.
pub(crate) const MOST_ENTITIES_OF_A_KEY: usize = 8;

impl WorkingSet {
    /// Tells which entities hold an identity value.
    pub fn add_identity(&mut self, key: IdentityKey, entity: EntityId) {
        self.identity.entry(key).or_default().insert(entity);
    }

    /// Tells which entities hold an identity value, and that no others do.
    pub(crate) fn set_identity(&mut self, key: IdentityKey, entities: BTreeSet<EntityId>) {
        self.identity.insert(key, entities);
    }

    /// The identity values that a record holds now.
    #[must_use]
    pub fn identity_keys(&self, frame: &Frame<'_>, record: RecordIndex) -> Vec<IdentityKey> {
        let state = self.record(record);
        identity_keys(frame.model.entity(state.entity_type), state.object, &state.representation)
    }

    /// Joins a record without link to an entity, makes it one, or says why it stays alone.
    ///
    /// `new_id` gives the id of a new entity, `order` the record's place in the order of confirmation. `awaits` says that
    /// a create is under way in the record's object type.
    ///
    /// # Errors
    ///
    /// [`Unlinked`]: an outcome, not a failure.
    pub fn join(
        &mut self,
        frame: &Frame<'_>,
        record: RecordIndex,
        order: u64,
        awaits: bool,
        new_id: &mut dyn FnMut() -> EntityId,
        facts: &mut Vec<EntityFact>,
    ) -> Result<EntityIndex, Unlinked> {
        let keys = self.identity_keys(frame, record);
        let mut found: BTreeSet<EntityId> = BTreeSet::new();
        let mut evidence = None;
        for key in &keys {
            let holders = self.identity.get(key).filter(|holders| holders.len() <= MOST_ENTITIES_OF_A_KEY);
            if let Some(holders) = holders.filter(|holders| !holders.is_empty()) {
                evidence.get_or_insert_with(|| Evidence::Key { attribute: key.attribute.clone() });
                found.extend(holders);
            }
        }
        let state = self.record(record);
        let apart: BTreeSet<EntityId> =
            found.iter().filter(|id| self.is_held_apart(**id, &state.record)).copied().collect();
        found.retain(|id| !apart.contains(id));
        if found.is_empty() && !apart.is_empty() {
            // Its values say that it is one of them, and a person said that it is not: only a person says what it is.
            return Err(Unlinked::HeldApart(apart.into_iter().collect()));
        }
        let of = frame.model.entity(state.entity_type);
        let creates = of.objects.get(usize::from(state.object)).is_some_and(|object| object.declared.creates_entities);
        let entity_type = state.entity_type;
        let (entity, evidence) = match (found.len(), evidence) {
            (1, Some(evidence)) => {
                let id = found.first().copied().ok_or(Unlinked::NoMatch)?;
                (self.find_entity(id).ok_or(Unlinked::Ambiguous(vec![id]))?, evidence)
            }
            (0, _) if awaits => return Err(Unlinked::Awaits),
            (0, _) if !creates => return Err(Unlinked::NoMatch),
            (0, _) => {
                let entity = self.add_entity(Entity::new(new_id(), entity_type));
                self.record_fact(entity, Fact::Entered { entity: entity_type }, facts);
                (entity, Evidence::FirstSight)
            }
            _ => return Err(Unlinked::Ambiguous(found.into_iter().collect())),
        };
        self.link(entity, record, order, evidence, facts);
        let id = self.entity(entity).entity.id;
        for key in keys {
            self.add_identity(key, id);
        }
        Ok(entity)
    }

    /// Whether a person unlinked a record from an entity.
    pub(crate) fn is_held_apart(&self, entity: EntityId, record: &RecordRef) -> bool {
        self.find_entity(entity).is_some_and(|index| self.entity(index).entity.held_apart.contains_key(record))
    }
}

/// The identity values that a representation holds, sorted.
#[must_use]
pub(crate) fn identity_keys(model: &CompiledEntity, object: u16, representation: &Representation) -> Vec<IdentityKey> {
    if representation.speaks() { identity_values(model, object, representation) } else { Vec::new() }
}

/// The identity values that a representation would hold if its record spoke, sorted.
#[must_use]
pub(crate) fn identity_values(
    model: &CompiledEntity,
    object: u16,
    representation: &Representation,
) -> Vec<IdentityKey> {
    if object == HUB_OBJECT {
        return Vec::new();
    }
    let Some(object) = model.objects.get(usize::from(object)) else { return Vec::new() };
    let mut keys: Vec<IdentityKey> = object
        .slots
        .iter()
        .enumerate()
        .filter_map(|(slot, declared)| {
            let attribute = &model.attributes[usize::from(declared.attribute)];
            let cell = representation.cell(UnitIndex::try_from(slot).ok()?)?;
            let value = cell.field().as_value().filter(|_| attribute.identity)?;
            Some(identity_key(model, declared.attribute, value))
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The key of an attribute's value.
#[must_use]
pub(crate) fn identity_key(model: &CompiledEntity, attribute: u16, value: &str) -> IdentityKey {
    let attribute = &model.attributes[usize::from(attribute)];
    let value = match &attribute.equivalence {
        Equivalence::Normalized(normalizer) => normalizer.normalize(value).as_ref().into(),
        _ if planted!(IdentityByFirstLetter) => value.chars().take(1).collect::<String>().into(),
        Equivalence::Exact | Equivalence::Tolerance(_) => value.into(),
    };
    IdentityKey { entity_type: model.name.clone(), attribute: attribute.id.clone(), value }
}
