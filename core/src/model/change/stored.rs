//! The stored form of a model: what a store remembers of the model that it was written under.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entity::stored::fold_read_by;
use crate::fingerprint::Fingerprint;
use crate::id::{AttributeId, EntityType, ObjectKey, SystemName};
use crate::model::{
    AttributeModel, Cardinality, CompiledEntity, CompiledObject, Mapping, Model, OnDelete, OnLoss, Presence, Reduce,
    Unit, UnitShape, WriteTo,
};
use crate::ownership::{Authority, Direction, Strength};
use crate::rule::Guard;
use crate::settle::RuleSet;
use crate::text::Text;

/// The version of this form.
const FORMAT: u16 = 1;

/// A model as a store remembers it: names, types and the identities of how values are read and settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredModel {
    format: u16,
    pub(crate) entities: Vec<EntityPart>,
    /// Whether the store is being brought from this model to another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    changing: bool,
    /// How far that has come, if values are migrated on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    migrating: Option<Migrating>,
}

/// How far a change has come that migrates values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Migrating {
    /// The identity of the change: what one migrated, another must not go on with.
    pub(crate) toward: u64,
    /// Where it stands.
    pub(crate) at: Progress,
}

/// Where a change stands that migrates values: records come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// It is journaled, and nothing is migrated.
    Begun,
    /// Records up to this key are.
    Records(Text),
    /// All records are, and entities up to this key.
    Entities(Text),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntityPart {
    pub(crate) name: EntityType,
    pub(crate) attributes: Vec<AttributePart>,
    pub(crate) units: Vec<UnitPart>,
    pub(crate) objects: Vec<ObjectPart>,
    /// What golden's retirement does elsewhere.
    pub(crate) on_delete: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) retired: Vec<AttributeId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttributePart {
    pub(crate) id: AttributeId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) was: Vec<AttributeId>,
    /// The type's name and version, those of the members of a keyed collection behind it.
    pub(crate) kind: Text,
    /// How the hub's own record reads it.
    pub(crate) read_by: u64,
    pub(crate) marks: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnitPart {
    pub(crate) id: Text,
    pub(crate) shape: Text,
    pub(crate) members: Vec<AttributeId>,
    pub(crate) owners: Vec<SystemName>,
    /// The identity of equivalence, policies, derivation and clearing.
    pub(crate) policy: u64,
    /// The identity of the rules that guard it; 0: none does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) rules: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectPart {
    pub(crate) key: ObjectKey,
    /// System, native type, what it decides, how many records it holds and where they are expected.
    pub(crate) conduct: Text,
    pub(crate) mappings: BTreeMap<AttributeId, MappingPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MappingPart {
    /// Paths, direction and strength.
    pub(crate) text: Text,
    /// How it is read; 0: it is not.
    pub(crate) read_by: u64,
}

impl StoredModel {
    /// What a store is to remember of a model, and of the rules that guard each entity type's units.
    #[must_use]
    pub fn of(model: &Model, rules: &[RuleSet]) -> Self {
        let mut entities: Vec<EntityPart> = model.entities.iter().map(EntityPart::of).collect();
        for (entity, rules) in entities.iter_mut().zip(rules) {
            for (unit, guards) in (0..).zip(&mut entity.units).filter_map(|(at, unit)| Some((unit, rules.get(&at)?))) {
                unit.rules = rules_identity(guards);
            }
        }
        Self { format: FORMAT, entities, changing: false, migrating: None }
    }

    /// The same, while the store is being brought to another model.
    pub(crate) fn under_change(self, migrating: Option<Migrating>) -> Self {
        Self { changing: true, migrating, ..self }
    }

    /// The model itself, whether the store was being brought from it to another, and how far, if values are migrated.
    pub(crate) fn settled(self) -> (Self, bool, Option<Migrating>) {
        let Self { format, entities, changing, migrating } = self;
        (Self { format, entities, changing: false, migrating: None }, changing, migrating)
    }

    pub(crate) fn entity(&self, name: &str) -> Option<&EntityPart> {
        self.entities.iter().find(|entity| entity.name.as_str() == name)
    }

    /// Keeps the retired ids that `former` knew: an id is never free again.
    pub(crate) fn keep_retired(&mut self, former: &StoredModel) {
        for entity in &mut self.entities {
            let Some(former) = former.entity(entity.name.as_str()) else { continue };
            entity.retired.extend(former.retired.iter().cloned());
            entity.retired.sort();
            entity.retired.dedup();
        }
    }
}

impl EntityPart {
    fn of(entity: &CompiledEntity) -> Self {
        let mut retired = entity.retired.clone();
        retired.sort();
        Self {
            name: entity.name.clone(),
            attributes: entity.attributes.iter().map(attribute).collect(),
            units: entity.units.iter().map(|part| unit(entity, part)).collect(),
            objects: entity.objects.iter().map(|part| object(entity, part)).collect(),
            on_delete: match entity.on_delete {
                OnDelete::Hold => "hold".into(),
                OnDelete::Archive => "archive".into(),
                OnDelete::Stand => "stand".into(),
            },
            retired,
        }
    }

    pub(crate) fn attribute(&self, id: &AttributeId) -> Option<&AttributePart> {
        self.attributes.iter().find(|attribute| attribute.id == *id)
    }

    /// The attribute that `today` was then: of the same id, or of one of its former ids.
    pub(crate) fn former<'a>(
        &'a self,
        id: &'a AttributeId,
        was: &'a [AttributeId],
    ) -> impl Iterator<Item = &'a AttributePart> {
        std::iter::once(id).chain(was).filter_map(|id| self.attribute(id))
    }

    /// The unit that state stored under `name` belongs to.
    pub(crate) fn unit(&self, name: &str) -> Option<&UnitPart> {
        let named = self.units.iter().find(|unit| *unit.id == *name);
        named.or_else(|| {
            let is = |attribute: &&AttributePart| {
                attribute.id.as_str() == name || attribute.was.iter().any(|was| was.as_str() == name)
            };
            let attribute = self.attributes.iter().find(is)?;
            self.units.iter().find(|unit| unit.members.contains(&attribute.id))
        })
    }

    pub(crate) fn object(&self, key: &str) -> Option<&ObjectPart> {
        self.objects.iter().find(|object| object.key.as_str() == key)
    }

    /// How the values of a unit were read on an object type, as [`crate::entity::stored::read_by`] has it.
    pub(crate) fn unit_read_by(&self, unit: &UnitPart, object: &str) -> u64 {
        let Some(object) = self.object(object) else { return 0 };
        let slots: Option<Vec<u64>> = unit.members.iter().map(|member| object.read_by(member)).collect();
        slots.map_or(0, |slots| fold_read_by(slots.into_iter()))
    }
}

impl ObjectPart {
    /// How an attribute is read here; `None`: it is not.
    pub(crate) fn read_by(&self, id: &AttributeId) -> Option<u64> {
        self.mappings.get(id).map(|mapping| mapping.read_by).filter(|read_by| *read_by != 0)
    }
}

fn attribute(attribute: &AttributeModel) -> AttributePart {
    let mut kind = format!("{} {}", attribute.kind.name, attribute.kind.version);
    for member in &attribute.members {
        let member = &member.0;
        kind.push_str(&format!(", {}: {} {}", member.id, member.kind.name, member.kind.version));
    }
    let marks = [
        (attribute.required, "required"),
        (attribute.identity, "identity"),
        (attribute.pii, "pii"),
        (attribute.hub, "hub"),
    ];
    let marks: Vec<&str> = marks.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
    let reference = attribute.reference.as_ref().map(|target| format!("names a {target}"));
    AttributePart {
        id: attribute.id.clone(),
        was: attribute.was.clone(),
        kind: kind.into(),
        read_by: hub_read_by(attribute),
        marks: marks.into_iter().map(str::to_owned).chain(reference).collect::<Vec<_>>().join(", ").into(),
    }
}

/// How the hub's own record holds an attribute: by its type.
#[must_use]
pub(crate) fn hub_read_by(attribute: &AttributeModel) -> u64 {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text(attribute.kind.name).number(i64::from(attribute.kind.version));
    fingerprint.finish().short_number()
}

fn unit(entity: &CompiledEntity, unit: &Unit) -> UnitPart {
    UnitPart {
        id: unit.id.clone(),
        shape: match unit.shape {
            UnitShape::One => "one",
            UnitShape::Group => "group",
            UnitShape::List => "list",
            UnitShape::Set => "set",
            UnitShape::Keyed => "keyed",
        }
        .into(),
        members: unit.members.iter().map(|member| entity.attributes[usize::from(*member)].id.clone()).collect(),
        owners: unit.owners.clone(),
        policy: policy(unit),
        rules: 0,
    }
}

fn rules_identity(guards: &[Guard]) -> u64 {
    let mut fingerprint = Fingerprint::new();
    for guard in guards {
        guard.fingerprint(&mut fingerprint);
    }
    fingerprint.finish().short_number()
}

/// The identity of how a unit is settled, its owners aside.
fn policy(unit: &Unit) -> u64 {
    let mut fingerprint = Fingerprint::new();
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
    fingerprint.finish().short_number()
}

fn object(entity: &CompiledEntity, object: &CompiledObject) -> ObjectPart {
    let read_by: BTreeMap<u16, u64> =
        object.slots.iter().map(|slot| (slot.attribute, slot.fingerprint.short_number())).collect();
    let mappings = (0u16..).zip(&entity.attributes).filter_map(|(index, attribute)| {
        let mapping = attribute.mappings.iter().find(|mapping| mapping.object == object.declared.key)?;
        let part = MappingPart { text: mapping_text(mapping), read_by: read_by.get(&index).copied().unwrap_or(0) };
        Some((attribute.id.clone(), part))
    });
    ObjectPart { key: object.declared.key.clone(), conduct: conduct(object), mappings: mappings.collect() }
}

fn mapping_text(mapping: &Mapping) -> Text {
    let join = |paths: &[crate::model::Path]| paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
    let (read, write) = (join(&mapping.read), join(&mapping.write));
    let mut text = match mapping.direction {
        Direction::ReadOnly => format!("{read}, read only"),
        Direction::WriteOnly => format!("{write}, write only"),
        Direction::Both if read == write => read,
        Direction::Both => format!("{read}, written to {write}"),
    };
    match mapping.strength {
        Strength::Weak => text.push_str(", weak"),
        Strength::Normal => {}
        Strength::Strong => text.push_str(", strong"),
    }
    if let Some(object) = &mapping.via_object {
        text.push_str(&format!(", ids of {object}"));
    }
    text.into()
}

fn conduct(object: &CompiledObject) -> Text {
    let declared = &object.declared;
    let mut text = format!("{} of {}", declared.object, declared.system);
    text.push_str(match object.existence {
        Authority::Owner => ", owns existence",
        Authority::CoOwner => "",
        Authority::Observer => ", observes existence",
    });
    if let Cardinality::Many { reduce, write } = &declared.cardinality {
        text.push_str(match reduce {
            Reduce::All => ", many, all speak",
            Reduce::Latest => ", many, the latest speaks",
            Reduce::Primary => ", many, the primary speaks",
        });
        text.push_str(match write {
            WriteTo::All => ", all are written",
            WriteTo::Primary => ", the primary is written",
            WriteTo::Nobody => ", none is written",
        });
    }
    match &declared.presence {
        Presence::Optional => {}
        Presence::Required => text.push_str(", required"),
        Presence::RequiredWhen { attribute, equals } => {
            text.push_str(&format!(", required when {attribute} is {}", equals.as_deref().unwrap_or("there")));
        }
    }
    if !declared.creates_entities {
        text.push_str(", links only");
    }
    text.push_str(match declared.on_delete {
        None => "",
        Some(OnDelete::Hold) => ", held when it is retired",
        Some(OnDelete::Archive) => ", archived when it is retired",
        Some(OnDelete::Stand) => ", stands when it is retired",
    });
    text.push_str(match object.on_loss {
        OnLoss::Ask => "",
        OnLoss::Restore => ", restored when lost",
        OnLoss::Accept => ", given up when lost",
        OnLoss::Retire => ", retires it when lost",
    });
    for needed in &declared.create_needs {
        text.push_str(&format!(", needs {needed}"));
    }
    text.into()
}
