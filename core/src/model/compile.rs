//! The compiled model: entity types with units, slots and authorities laid out by index.

mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smallvec::SmallVec;

use self::reference::{check_reference, target_object};
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::Resolution;
use crate::hub;
use crate::id::{AttributeId, EntityType, ObjectType, SystemName};
use crate::model::{
    AttributeModel, Codec, EXISTS, EntityModel, GroupModel, Mapping, Migrated, Mistake, Mistakes, OnDelete, OnLoss,
    Presence, Shape, SystemObject, Unit, UnitIndex, UnitKey, UnitShape,
};
use crate::observation::SlotIndex;
use crate::ownership::{Authority, Direction, Strength};
use crate::policy::AnyPolicy;
use crate::text::Text;

/// An attribute as one object type holds it: what the decoder fills.
#[derive(Debug, Clone)]
pub struct SlotModel {
    /// The attribute, by index.
    pub attribute: u16,
    /// Its mapping.
    pub mapping: Mapping,
    /// The identity of how it is read: values of different fingerprints are not compared.
    pub fingerprint: Digest,
    /// The same without what is dated, as the rates of one day.
    pub undated: Digest,
}

impl SlotModel {
    /// Whether something of how it is read is dated.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.undated != self.fingerprint
    }
}

/// One object type of an entity type, laid out by index.
#[derive(Debug, Clone)]
pub struct CompiledObject {
    /// The declaration.
    pub declared: SystemObject,
    /// What is read, by slot.
    pub slots: Vec<SlotModel>,
    /// Per unit: the slots of its members, in order; empty if this object type does not hold the unit.
    pub unit_slots: Vec<SmallVec<[SlotIndex; 2]>>,
    /// Per unit: what the system is to it.
    pub authority: Vec<Authority>,
    /// Per unit: the strength and the mappings by which it is written, in the order of members; `None`: it is not.
    pub writes: Vec<Option<(Strength, Vec<Mapping>)>>,
    /// Per slot: the unit it belongs to.
    pub slot_unit: Vec<UnitIndex>,
    /// Whether the system decides about existence.
    pub existence: Authority,
    /// What becomes of its record when the entity is retired.
    pub on_delete: OnDelete,
    /// What the loss of its record does.
    pub on_loss: OnLoss,
    /// Per unit: the native object type that a reference names in this system.
    pub references: Vec<Option<ObjectType>>,
    /// Per slot: the shape of its attribute.
    pub shapes: Vec<Shape>,
}

/// One entity type, laid out by index.
#[derive(Debug, Clone)]
pub struct CompiledEntity {
    /// Its name.
    pub name: EntityType,
    /// Its attributes.
    pub attributes: Vec<AttributeModel>,
    /// Its units.
    pub units: Vec<Unit>,
    /// Its object types.
    pub objects: Vec<CompiledObject>,
    /// Ids that must never be used again.
    pub retired: Vec<AttributeId>,
    /// What golden's retirement does elsewhere.
    pub on_delete: OnDelete,
    /// Derived units, in an order in which inputs come before what is computed from them.
    pub derived_order: Vec<UnitIndex>,
    /// The identity of everything above.
    pub fingerprint: Digest,
}

impl CompiledEntity {
    /// The unit that attribute `id` belongs to, and its place among the members.
    #[must_use]
    pub fn unit_of(&self, id: &str) -> Option<(UnitIndex, u16)> {
        let attribute = self.attribute_index(id)?;
        self.units.iter().enumerate().find_map(|(index, unit)| {
            let member = unit.members.iter().position(|member| *member == attribute)?;
            Some((u16::try_from(index).ok()?, u16::try_from(member).ok()?))
        })
    }

    /// The index of an attribute by id, or by a former id.
    #[must_use]
    pub fn attribute_index(&self, id: &str) -> Option<u16> {
        let at = |found: &dyn Fn(&AttributeModel) -> bool| self.attributes.iter().position(found);
        at(&|attribute| attribute.id.as_str() == id)
            .or_else(|| at(&|attribute| attribute.was.iter().any(|was| was.as_str() == id)))
            .and_then(|index| u16::try_from(index).ok())
    }

    /// The unit of this name: an attribute's id, a former id, or a group's.
    #[must_use]
    pub fn unit_index(&self, id: &str) -> Option<UnitIndex> {
        self.units
            .iter()
            .position(|unit| *unit.id == *id)
            .and_then(|index| u16::try_from(index).ok())
            .or_else(|| self.unit_of(id).map(|(unit, _)| unit))
    }

    /// The name under which state and journal hold a unit: `email`, `address`, `lines[SKU-1]`, `$exists`.
    #[must_use]
    pub fn unit_name(&self, key: &UnitKey) -> Text {
        let id = |index: &UnitIndex| self.units.get(usize::from(*index)).map_or("?", |unit| unit.id.as_str());
        match key {
            UnitKey::Exists => EXISTS.into(),
            UnitKey::Whole(index) => id(index).into(),
            UnitKey::Element(index, element) => format!("{}[{element}]", id(index)).into(),
        }
    }

    /// The unit that [`CompiledEntity::unit_name`] named, under today's model.
    #[must_use]
    pub fn unit_key(&self, name: &str) -> Option<UnitKey> {
        if name == EXISTS {
            return Some(UnitKey::Exists);
        }
        if let Some(index) = self.unit_index(name) {
            return Some(UnitKey::Whole(index));
        }
        let (id, element) = name.strip_suffix(']')?.split_once('[')?;
        Some(UnitKey::Element(self.unit_index(id)?, element.into()))
    }
}

/// The whole model, compiled.
#[derive(Debug, Clone)]
pub struct Model {
    /// The entity types.
    pub entities: Vec<CompiledEntity>,
    /// The identity of the whole.
    pub fingerprint: Digest,
    by_object: BTreeMap<(SystemName, ObjectType), (u16, u16)>,
}

impl Model {
    /// Compiles entity models.
    ///
    /// # Errors
    ///
    /// [`Mistakes`]: everything that is wrong, at once.
    pub fn compile(models: Vec<EntityModel>) -> Result<Self, Mistakes> {
        let mut mistakes = Vec::new();
        let declared: Vec<(EntityType, Vec<SystemObject>)> =
            models.iter().map(|model| (model.entity.clone(), model.objects.clone())).collect();
        let mut by_object: BTreeMap<(SystemName, ObjectType), (u16, u16)> = BTreeMap::new();
        for (entity, (name, objects)) in declared.iter().enumerate() {
            if declared[..entity].iter().any(|(other, _)| other == name) {
                mistakes.push(Mistake::EntityTwice(name.clone()));
            }
            for (object, declaration) in objects.iter().enumerate() {
                if declaration.system.as_str() == hub::SYSTEM || declaration.key.as_str() == hub::SYSTEM {
                    mistakes.push(Mistake::Reserved(name.clone(), declaration.key.clone()));
                }
                let key = (declaration.system.clone(), declaration.object.clone());
                let place = (index(entity), index(object));
                if let Some((other, _)) = by_object.insert(key, place) {
                    mistakes.push(Mistake::ObjectTwice(
                        declaration.system.clone(),
                        declaration.object.clone(),
                        declared[usize::from(other)].0.clone(),
                        name.clone(),
                    ));
                }
            }
        }
        let entities: Vec<CompiledEntity> =
            models.into_iter().map(|model| compile_entity(model, &declared, &mut mistakes)).collect();
        if !mistakes.is_empty() {
            return Err(Mistakes(mistakes));
        }
        let mut fingerprint = Fingerprint::new();
        for entity in &entities {
            fingerprint.bytes(&entity.fingerprint.0);
        }
        Ok(Self { fingerprint: fingerprint.finish(), entities, by_object })
    }

    /// The entity type and object type, by index, that a system's native object type is.
    #[must_use]
    pub fn object(&self, system: &SystemName, object: &ObjectType) -> Option<(u16, u16)> {
        self.by_object.get(&(system.clone(), object.clone())).copied()
    }

    /// The index of an entity type by name.
    #[must_use]
    pub fn entity_index(&self, name: &str) -> Option<u16> {
        self.entities.iter().position(|entity| entity.name.as_str() == name).map(index)
    }

    /// An entity type by index.
    ///
    /// # Panics
    ///
    /// If the index is not one that this model gave.
    #[must_use]
    pub fn entity(&self, entity: u16) -> &CompiledEntity {
        &self.entities[usize::from(entity)]
    }
}

/// Indices are 16 bits wide: a model of more attributes does not exist.
fn index(position: usize) -> u16 {
    u16::try_from(position).expect("a model has fewer than 65 536 parts")
}

fn compile_entity(
    model: EntityModel,
    declared: &[(EntityType, Vec<SystemObject>)],
    mistakes: &mut Vec<Mistake>,
) -> CompiledEntity {
    check_entity(&model, declared, mistakes);
    if model.on_loss == OnLoss::Retire && model.existence_owners.is_empty() {
        mistakes.push(Mistake::RetiresWithoutOwner(model.entity.clone()));
    }
    let units = units_of(&model, mistakes);
    let objects: Vec<CompiledObject> =
        model.objects.iter().map(|object| compile_object(object, &model, declared, &units, mistakes)).collect();
    let derived_order = derivation_order(&model, &units, mistakes);
    let mut fingerprint = Fingerprint::new();
    fingerprint.text(model.entity.as_str());
    for unit in &units {
        fingerprint.text(&unit.id).bytes(&unit.fingerprint.0);
    }
    for object in &objects {
        fingerprint.text(object.declared.key.as_str()).text(object.declared.object.as_str());
        for slot in &object.slots {
            let attribute = &model.attributes[usize::from(slot.attribute)];
            fingerprint.text(attribute.id.as_str()).bytes(&slot.fingerprint.0);
        }
    }
    CompiledEntity {
        name: model.entity,
        fingerprint: fingerprint.finish(),
        attributes: model.attributes,
        units,
        objects,
        retired: model.retired,
        on_delete: model.on_delete,
        derived_order,
    }
}

/// The mistakes that concern one attribute, or one object, at a time.
fn check_entity(model: &EntityModel, declared: &[(EntityType, Vec<SystemObject>)], mistakes: &mut Vec<Mistake>) {
    let entity = || model.entity.clone();
    let mut keys = BTreeSet::new();
    for object in &model.objects {
        if !keys.insert(&object.key) {
            mistakes.push(Mistake::ObjectKeyTwice(entity(), object.key.clone()));
        }
        let known = |id: &AttributeId| model.attributes.iter().any(|attribute| attribute.id == *id);
        if let Presence::RequiredWhen { attribute, .. } = &object.presence
            && !known(attribute)
        {
            mistakes.push(Mistake::UnknownAttribute(entity(), object.key.clone(), "required when", attribute.clone()));
        }
        for needed in object.create_needs.iter().filter(|needed| !known(needed)) {
            mistakes.push(Mistake::UnknownAttribute(entity(), object.key.clone(), "create needs", needed.clone()));
        }
    }
    let mut ids = BTreeSet::new();
    for attribute in &model.attributes {
        let id = || attribute.id.clone();
        for name in std::iter::once(&attribute.id).chain(&attribute.was) {
            if !ids.insert(name) {
                mistakes.push(Mistake::AttributeTwice(entity(), name.clone()));
            }
            if model.retired.contains(name) {
                mistakes.push(Mistake::Retired(entity(), name.clone()));
            }
        }
        let mut mapped = BTreeSet::new();
        for mapping in &attribute.mappings {
            if !keys.contains(&mapping.object) {
                mistakes.push(Mistake::UnknownObject(entity(), id(), mapping.object.clone()));
            } else if !mapped.insert(&mapping.object) {
                mistakes.push(Mistake::MappedTwice(entity(), id(), mapping.object.clone()));
            }
        }
        let mut owners = BTreeSet::new();
        for owner in &attribute.owners {
            let readable = |mapping: &Mapping| mapping.direction != Direction::WriteOnly;
            let of_owner = |mapping: &&Mapping| {
                model.objects.iter().any(|object| object.key == mapping.object && object.system == *owner)
            };
            if !owners.insert(owner) {
                mistakes.push(Mistake::OwnerTwice(entity(), id(), owner.clone()));
            } else if owner.as_str() == hub::SYSTEM {
                // The hub holds every attribute: operators enter values there.
            } else if !model.objects.iter().any(|object| object.system == *owner) {
                mistakes.push(Mistake::UnknownOwner(entity(), id(), owner.clone()));
            } else if !attribute.mappings.iter().filter(of_owner).any(readable) {
                mistakes.push(Mistake::OwnerUnmapped(entity(), id(), owner.clone()));
            }
        }
        if attribute.derived.is_some() && !(attribute.owners.is_empty() && attribute.chain.is_empty()) {
            mistakes.push(Mistake::DerivedDecided(entity(), id()));
        }
        check_reference(model, attribute, declared, mistakes);
        check_migration(model, attribute, mistakes);
    }
}

/// A migration makes one value of the attribute's own type, of one value.
fn check_migration(model: &EntityModel, attribute: &AttributeModel, mistakes: &mut Vec<Mistake>) {
    let Some(Migrated { by, .. }) = &attribute.migrated else { return };
    let name = by.name();
    let why = if attribute.shape != Shape::One || attribute.group.is_some() {
        format!("migration `{name}` makes one value, and this is part of a group or a collection")
    } else if attribute.derived.is_some() {
        format!("migration `{name}` is of no use: a derived attribute is computed anew")
    } else if attribute.reference.is_some() {
        format!("migration `{name}` cannot make a reference: its values are ids of systems, and are read again")
    } else if by.makes() != attribute.kind {
        let (makes, kind) = (by.makes(), attribute.kind);
        let of = |kind: crate::value::Kind| format!("{} {}", kind.name, kind.version);
        format!("migration `{name}` makes {}, and the attribute is of kind {}", of(makes), of(kind))
    } else {
        return;
    };
    mistakes.push(Mistake::Migration(model.entity.clone(), attribute.id.clone(), why));
}

fn units_of(model: &EntityModel, mistakes: &mut Vec<Mistake>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (position, attribute) in model.attributes.iter().enumerate() {
        let position = index(position);
        if let Some(group) = &attribute.group {
            if attribute.shape != Shape::One {
                mistakes.push(Mistake::CollectionInGroup(model.entity.clone(), attribute.id.clone()));
            }
            if let Some(unit) =
                units.iter_mut().find(|unit| unit.shape == UnitShape::Group && *unit.id == *group.as_str())
            {
                unit.members.push(position);
                unit.equivalences.push(attribute.equivalence.clone());
                unit.pii |= attribute.pii;
                continue;
            }
        }
        let (shape, equivalences) = match (&attribute.group, attribute.shape) {
            (Some(_), _) => (UnitShape::Group, vec![attribute.equivalence.clone()]),
            (None, Shape::One) => (UnitShape::One, vec![attribute.equivalence.clone()]),
            (None, Shape::List) => (UnitShape::List, vec![attribute.equivalence.clone()]),
            (None, Shape::Set) => (UnitShape::Set, vec![attribute.equivalence.clone()]),
            (None, Shape::Keyed) => {
                (UnitShape::Keyed, attribute.members.iter().map(|member| member.0.equivalence.clone()).collect())
            }
        };
        units.push(Unit {
            id: attribute.group.as_ref().map_or(attribute.id.as_str(), |group| group.as_str()).into(),
            shape,
            members: vec![position],
            owners: attribute.owners.clone(),
            equivalences,
            // Nobody else holds what is the hub's own: what an operator clears there is cleared.
            on_clear: attribute.on_clear.or(attribute.hub.then_some(crate::ownership::OnClear::Propagate)),
            chain: attribute.chain.clone(),
            plain: Vec::new(),
            derived: attribute.derived.clone(),
            inputs: Vec::new(),
            summed: false,
            hears_newcomers: false,
            rounds: false,
            pii: attribute.pii,
            reference: attribute.reference.clone(),
            fingerprint: Digest::default(),
        });
    }
    let inputs: Vec<Vec<(UnitIndex, u16)>> = units
        .iter()
        .map(|unit| {
            let derived = unit.derived.iter().flat_map(|derivation| derivation.inputs());
            derived.filter_map(|input| locate(model, &units, input)).collect()
        })
        .collect();
    for (unit, inputs) in units.iter_mut().zip(inputs) {
        unit.inputs = inputs;
        if unit.shape == UnitShape::Group {
            settle_group(unit, model, mistakes);
        }
        unit.summed = unit.chain.iter().any(|policy| policy.adds_up());
        unit.hears_newcomers = unit.chain.iter().any(|policy| policy.hears_newcomers());
        if unit.summed {
            check_sum(unit, model, mistakes);
        }
        if unit.hears_newcomers {
            check_newcomers(unit, model, mistakes);
        }
        let members = unit.members.iter().filter_map(|member| model.attributes.get(usize::from(*member)));
        unit.rounds = members.flat_map(|member| &member.mappings).any(|mapping| !mapping.codec.is_exact());
        let plain = |policy: &Arc<dyn AnyPolicy>| Arc::new(Resolution::by_policy(&policy.name()));
        unit.plain = unit.chain.iter().map(plain).collect();
        unit.fingerprint = unit_fingerprint(unit);
    }
    for group in model.groups.iter().filter_map(|group| group.id.as_ref()) {
        if !units.iter().any(|unit| unit.shape == UnitShape::Group && *unit.id == *group.as_str()) {
            mistakes.push(Mistake::EmptyGroup(model.entity.clone(), group.clone()));
        }
    }
    units
}

/// Gives a group its owners and chain: those of its settings, else those that its members agree on.
fn settle_group(unit: &mut Unit, model: &EntityModel, mistakes: &mut Vec<Mistake>) {
    let members = || unit.members.iter().map(|member| &model.attributes[usize::from(*member)]);
    let group = crate::id::GroupId::new(&unit.id);
    if unit.members.len() == 1 {
        mistakes.push(Mistake::GroupOfOne(model.entity.clone(), group.clone()));
    }
    let settings: Option<&GroupModel> = model.groups.iter().find(|settings| settings.id.as_ref() == Some(&group));
    let differ = members().any(|member| member.owners != unit.owners);
    if differ {
        mistakes.push(Mistake::GroupOwners(model.entity.clone(), group));
    }
    if let Some(settings) = settings {
        if !settings.owners.is_empty() {
            unit.owners.clone_from(&settings.owners);
        }
        if !settings.chain.is_empty() {
            unit.chain.clone_from(&settings.chain);
        }
        unit.on_clear = settings.on_clear.or(unit.on_clear);
    }
}

/// A sum is made of what its owners say, each for itself: where nobody owns it, all would be written what all come to, and the
/// next sum would add that again.
fn check_sum(unit: &Unit, model: &EntityModel, mistakes: &mut Vec<Mistake>) {
    let why = if unit.owners.is_empty() {
        "a sum needs owners: the systems whose amounts are added. They are never written; every other system gets the sum"
    } else if unit.chain.len() > 1 {
        "a sum stands alone in its chain: where it cannot be told, no other policy knows it"
    } else if unit.shape != UnitShape::One {
        "a sum is of a single attribute, not of a group or collection"
    } else {
        return;
    };
    mistakes.push(Mistake::Sum(model.entity.clone(), unit.id.as_str().into(), why));
}

/// A policy that hears whoever is met for the first time hears everybody, and nobody else answers in its stead.
fn check_newcomers(unit: &Unit, model: &EntityModel, mistakes: &mut Vec<Mistake>) {
    let why = if !unit.owners.is_empty() {
        "it has a policy that hears the word of every system, and owners, beside whom no other is heard and whose value is written \
         over what it says: leave out the owners"
    } else if !unit.chain.iter().all(|policy| policy.hears_newcomers()) {
        "it has a policy that hears records which were never in agreement beside one that does not, which would decide by them: \
         leave the other out"
    } else {
        return;
    };
    mistakes.push(Mistake::Newcomers(model.entity.clone(), unit.id.as_str().into(), why));
}

fn unit_fingerprint(unit: &Unit) -> Digest {
    let mut fingerprint = Fingerprint::new();
    // Without its name: a renamed unit is settled as it was before.
    fingerprint.number(unit.shape as i64);
    for owner in &unit.owners {
        fingerprint.text("owner").text(owner.as_str());
    }
    for equivalence in &unit.equivalences {
        equivalence.fingerprint(&mut fingerprint);
    }
    fingerprint.number(unit.on_clear.map_or(-1, |on_clear| on_clear as i64));
    for policy in &unit.chain {
        policy.fingerprint(&mut fingerprint);
    }
    if let Some(derivation) = &unit.derived {
        derivation.fingerprint(&mut fingerprint);
    }
    fingerprint.finish()
}

fn locate(model: &EntityModel, units: &[Unit], id: &AttributeId) -> Option<(UnitIndex, u16)> {
    let attribute = index(model.attributes.iter().position(|attribute| attribute.id == *id)?);
    units.iter().enumerate().find_map(|(unit, candidate)| {
        let member = candidate.members.iter().position(|member| *member == attribute)?;
        Some((index(unit), index(member)))
    })
}

fn compile_object(
    object: &SystemObject,
    model: &EntityModel,
    declared: &[(EntityType, Vec<SystemObject>)],
    units: &[Unit],
    mistakes: &mut Vec<Mistake>,
) -> CompiledObject {
    let mut slots: Vec<SlotModel> = Vec::new();
    let mut unit_slots = Vec::new();
    let mut authority = Vec::new();
    let mut writes = Vec::new();
    let mut slot_unit = Vec::new();
    for (unit_index, unit) in units.iter().enumerate() {
        let mapped: Vec<Option<&Mapping>> = unit
            .members
            .iter()
            .map(|member| {
                let attribute = &model.attributes[usize::from(*member)];
                attribute.mappings.iter().find(|mapping| mapping.object == object.key)
            })
            .collect();
        let here = authority_over(&unit.owners, &object.system);
        authority.push(if unit.derived.is_some() { Authority::Observer } else { here });
        if unit.shape == UnitShape::Group && mapped.iter().any(Option::is_some) {
            for (member, mapping) in unit.members.iter().zip(&mapped) {
                if mapping.is_none() {
                    mistakes.push(Mistake::GroupPartlyMapped(
                        model.entity.clone(),
                        unit.id.as_str().into(),
                        object.key.clone(),
                        model.attributes[usize::from(*member)].id.clone(),
                    ));
                }
            }
        }
        let readable = mapped.iter().all(|mapping| mapping.is_some_and(|m| m.direction != Direction::WriteOnly));
        let mut of_unit = SmallVec::new();
        if readable {
            for (member, mapping) in unit.members.iter().zip(mapped.iter().flatten()) {
                of_unit.push(index(slots.len()));
                slot_unit.push(index(unit_index));
                slots.push(SlotModel {
                    attribute: *member,
                    mapping: (*mapping).clone(),
                    fingerprint: slot_fingerprint(&model.attributes[usize::from(*member)], mapping, |codec, all| {
                        codec.fingerprint(all);
                    }),
                    undated: slot_fingerprint(&model.attributes[usize::from(*member)], mapping, |codec, all| {
                        codec.undated(all);
                    }),
                });
            }
        }
        unit_slots.push(of_unit);
        let writable = mapped.iter().all(|mapping| mapping.is_some_and(|m| m.direction != Direction::ReadOnly));
        writes.push(writable.then(|| {
            let mappings: Vec<Mapping> = mapped.iter().flatten().map(|mapping| (*mapping).clone()).collect();
            let strength = mappings.iter().map(|mapping| mapping.strength).min().unwrap_or_default();
            (strength, mappings)
        }));
        if let Some(Some((Strength::Strong, _))) = writes.last()
            && authority.last().is_some_and(|authority| authority.decides())
        {
            let role = if unit.owners.is_empty() { "co-owns" } else { "owns" };
            let id = model.attributes[usize::from(unit.members[0])].id.clone();
            mistakes.push(Mistake::StrongIntoAuthority(model.entity.clone(), id, object.key.clone(), role));
        }
    }
    let target = |unit: &Unit| {
        let attribute = &model.attributes[usize::from(*unit.members.first()?)];
        target_object(unit.reference.as_ref()?, attribute, object, declared)
    };
    let existence = authority_over(&model.existence_owners, &object.system);
    let on_loss = match (object.on_loss, model.on_loss) {
        (Some(OnLoss::Retire), _) if existence != Authority::Owner => {
            mistakes.push(Mistake::RetiresUnowned(model.entity.clone(), object.key.clone()));
            OnLoss::Ask
        }
        // Declared of the entity type, it is of the systems that have a say.
        (None, OnLoss::Retire) if existence != Authority::Owner => OnLoss::Ask,
        (declared, otherwise) => declared.unwrap_or(otherwise),
    };
    let references = units.iter().map(target).collect();
    let shapes = slots.iter().map(|slot| model.attributes[usize::from(slot.attribute)].shape).collect();
    CompiledObject {
        declared: object.clone(),
        slots,
        unit_slots,
        authority,
        writes,
        slot_unit,
        existence,
        on_delete: object.on_delete.unwrap_or(model.on_delete),
        on_loss,
        references,
        shapes,
    }
}

fn authority_over(owners: &[SystemName], system: &SystemName) -> Authority {
    if owners.is_empty() {
        Authority::CoOwner
    } else if owners.contains(system) {
        Authority::Owner
    } else {
        Authority::Observer
    }
}

fn slot_fingerprint(
    attribute: &AttributeModel,
    mapping: &Mapping,
    of: impl Fn(&dyn Codec, &mut Fingerprint),
) -> Digest {
    let mut fingerprint = Fingerprint::new();
    // Without ids: a renamed attribute is read as it was before.
    fingerprint.number(attribute.shape as i64);
    for path in &mapping.read {
        fingerprint.text(&path.to_string());
    }
    fingerprint.text(&mapping.separator.map(String::from).unwrap_or_default());
    of(&*mapping.codec, &mut fingerprint);
    for member in &attribute.members {
        for mapping in member.0.mappings.iter().filter(|inner| inner.object == mapping.object) {
            fingerprint.text(&mapping.read.first().map(ToString::to_string).unwrap_or_default());
            of(&*mapping.codec, &mut fingerprint);
        }
    }
    fingerprint.finish()
}

fn derivation_order(model: &EntityModel, units: &[Unit], mistakes: &mut Vec<Mistake>) -> Vec<UnitIndex> {
    for unit in units {
        let id = || model.attributes[usize::from(unit.members[0])].id.clone();
        for input in unit.derived.iter().flat_map(|derivation| derivation.inputs()) {
            if !model.attributes.iter().any(|attribute| attribute.id == *input) {
                mistakes.push(Mistake::UnknownInput(model.entity.clone(), id(), input.clone()));
            }
        }
    }
    let mut order: Vec<UnitIndex> = Vec::new();
    let mut waiting: Vec<UnitIndex> =
        (0..units.len()).map(index).filter(|unit| units[usize::from(*unit)].derived.is_some()).collect();
    while !waiting.is_empty() {
        let (ready, blocked): (Vec<_>, Vec<_>) = waiting.iter().copied().partition(|unit| {
            let mut inputs = units[usize::from(*unit)].inputs.iter();
            inputs.all(|(input, _)| units[usize::from(*input)].derived.is_none() || order.contains(input))
        });
        if ready.is_empty() {
            let cycle = blocked.iter().map(|unit| units[usize::from(*unit)].id.as_str().into()).collect();
            mistakes.push(Mistake::DerivationCycle(model.entity.clone(), cycle));
            break;
        }
        order.extend(ready);
        waiting = blocked;
    }
    order
}
