//! Steps: the migrations that a change of the model calls for, and why one cannot be made.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::hub;
use crate::id::{AttributeId, EntityType};
use crate::model::change::stored::{AttributePart, EntityPart, StoredModel};
use crate::model::change::{Change, ModelChange, What};
use crate::model::migration::{AnyMigration, Migrated};
use crate::model::{AttributeModel, CompiledEntity, Model, UnitIndex};
use crate::ownership::Direction;
use crate::text::Text;
use crate::value::{Field, Malformed};

/// What the stored values of one attribute become, as a change of the model calls for it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The entity type, by today's index.
    pub(crate) entity: u16,
    /// The attribute, today.
    pub(crate) attribute: AttributeId,
    /// Its unit.
    pub(crate) unit: UnitIndex,
    /// The identity of how the unit is settled today.
    pub(crate) policy: u64,
    /// What its values are made of.
    pub(crate) from: AttributeId,
    /// Under which names these are stored.
    pub(crate) names: Vec<Text>,
    /// How that was read, and how the attribute is read today, by the names of object types where both read the same leaf.
    read: BTreeMap<Text, (u64, u64)>,
    by: Arc<dyn AnyMigration>,
}

impl Step {
    /// What a stored field becomes.
    ///
    /// # Errors
    ///
    /// As [`AnyMigration::migrate`].
    pub(crate) fn field(&self, field: &Field) -> Result<Field, Malformed> {
        self.by.migrate(field)
    }

    /// How the former attribute was read on an object type, and how today's is, if both read the same leaf there.
    pub(crate) fn read_at(&self, object: &str) -> Option<(u64, u64)> {
        self.read.get(object).copied()
    }

    /// Whether it is stored under the name that it had: under the attribute's own, or a former id of it.
    pub(crate) fn is_stored_as(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.as_str() == name)
    }

    /// The migration's name.
    pub(crate) fn name(&self) -> Text {
        self.by.name().as_ref().into()
    }
}

/// Tells of attributes that are new or retyped, and declare a migration, that they are migrated; or why they cannot be.
pub(crate) fn tell_migrations(change: &mut ModelChange, then: &StoredModel, model: &Model) {
    for Change { entity, what } in &mut change.changes {
        let (Some(then), Some(of)) = (then.entity(entity.as_str()), entity_of(model, entity)) else { continue };
        let (attribute, retyped) = match what {
            What::Added { attribute } => (of.attributes.iter().find(|known| known.id == *attribute), false),
            What::Retyped { unit, .. } | What::Lost { unit, .. } => {
                (of.attributes.iter().find(|known| known.group.is_none() && known.id.as_str() == &**unit), true)
            }
            _ => continue,
        };
        let Some(attribute) = attribute else { continue };
        let Some(Migrated { from, by }) = &attribute.migrated else { continue };
        if retyped && *from != attribute.id && !attribute.was.contains(from) {
            continue;
        }
        let Some(before) = source(then, from) else { continue };
        let (attribute, from) = (attribute.id.clone(), before.id.clone());
        let reads = format!("{} {}", by.reads().name, by.reads().version);
        *what = if !stands_alone(then, before) {
            What::NotAlone { attribute, from }
        } else if before.kind.as_str() != reads {
            What::Unfit { attribute, from, stored: before.kind.clone(), reads: reads.into() }
        } else {
            What::Migrated { attribute, from, by: by.name().as_ref().into() }
        };
    }
    let migrated: Vec<(EntityType, AttributeId)> = change.changes.iter().filter_map(migrated).collect();
    // That it is read otherwise where it was is what the migration is for.
    change.changes.retain(|Change { entity, what }| {
        let What::Path { attribute, before, now, .. } = what else { return true };
        before != now || !migrated.iter().any(|(of, known)| of == entity && known == attribute)
    });
}

/// The attribute that a change migrates.
fn migrated(change: &Change) -> Option<(EntityType, AttributeId)> {
    match &change.what {
        What::Migrated { attribute, .. } => Some((change.entity.clone(), attribute.clone())),
        _ => None,
    }
}

/// The steps that a change calls for, in its order.
pub(crate) fn steps(change: &ModelChange, then: &StoredModel, now: &StoredModel, model: &Model) -> Vec<Step> {
    let step = |(entity, attribute): (EntityType, AttributeId)| {
        let (then, now) = (then.entity(entity.as_str())?, now.entity(entity.as_str())?);
        let index = model.entity_index(entity.as_str())?;
        let of = model.entity(index);
        let unit = of.unit_index(attribute.as_str())?;
        let attribute = of.attributes.iter().find(|known| known.id == attribute)?;
        let Migrated { from, by } = attribute.migrated.as_ref()?;
        let before = source(then, from)?;
        let names = std::iter::once(&before.id).chain(&before.was).map(|id| Text::new(id.as_str()));
        Some(Step {
            entity: index,
            attribute: attribute.id.clone(),
            unit,
            policy: of.units.get(usize::from(unit))?.fingerprint.short_number(),
            from: before.id.clone(),
            names: names.collect(),
            read: read_alike(then, before, now, attribute),
            by: Arc::clone(by),
        })
    };
    change.changes.iter().filter_map(migrated).filter_map(step).collect()
}

fn entity_of<'m>(model: &'m Model, entity: &EntityType) -> Option<&'m CompiledEntity> {
    model.entity_index(entity.as_str()).map(|index| model.entity(index))
}

/// The attribute that a migration names, as the former model had it.
fn source<'a>(then: &'a EntityPart, from: &AttributeId) -> Option<&'a AttributePart> {
    let former = || then.attributes.iter().find(|before| before.was.contains(from));
    then.attribute(from).or_else(former)
}

/// Whether an attribute was a unit of its own with one value.
fn stands_alone(then: &EntityPart, before: &AttributePart) -> bool {
    let mut units = then.units.iter();
    units.any(|unit| unit.members == [before.id.clone()] && unit.shape.as_str() == "one")
}

/// The object types where an attribute reads the leaf that a former one read, and how each is read there.
fn read_alike(
    then: &EntityPart,
    before: &AttributePart,
    now: &EntityPart,
    attribute: &AttributeModel,
) -> BTreeMap<Text, (u64, u64)> {
    let hub = now.attribute(&attribute.id).map(|part| (Text::new(hub::SYSTEM), (before.read_by, part.read_by)));
    let readable = attribute.mappings.iter().filter(|mapping| mapping.direction != Direction::WriteOnly);
    let mapped = readable.filter_map(|mapping| {
        let (key, leaves) = (mapping.object.as_str(), mapping.read.iter().map(ToString::to_string));
        let (then, now) = (then.object(key)?, now.object(key)?);
        let text = &then.mappings.get(&before.id)?.text;
        // What was remembered of the former mapping begins with its leaves.
        let same = text.strip_prefix(&leaves.collect::<Vec<_>>().join(" + "))?;
        (same.is_empty() || same.starts_with(", ")).then_some(())?;
        Some((Text::new(key), (then.read_by(&before.id)?, now.read_by(&attribute.id)?)))
    });
    hub.into_iter().chain(mapped).collect()
}
