//! Epochs: under which model the entries of a stretch of the journal were written.

use crate::entity::stored::{object_name, read_by};
use crate::entity::{Entity, HUB_OBJECT, Link};
use crate::fact::Fact;
use crate::id::AttributeId;
use crate::model::change::{EntityPart, ObjectPart, Step, StoredModel, UnitPart};
use crate::model::{CompiledEntity, UnitKey};
use crate::representation::stored::SlotNames;

/// The model in force, as the journal tells it. Before it first does, today's is taken to be.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    pub(super) number: u32,
    model: Option<StoredModel>,
}

impl Epoch {
    pub(super) fn enter(&mut self, model: StoredModel) {
        if self.model.as_ref() != Some(&model) {
            self.number += u32::from(self.model.is_some());
            self.model = Some(model);
        }
    }

    /// An entity type as it was; `None` where the journal does not tell.
    pub(super) fn entity(&self, of: &CompiledEntity) -> Option<Then<'_>> {
        self.model.as_ref()?.entity(of.name.as_str()).map(Then)
    }
}

/// An entity type as it was.
pub(super) struct Then<'a>(&'a EntityPart);

impl Then<'_> {
    /// Today's slots of an object type that were read then as they are today.
    pub(super) fn slots_read_alike(&self, of: &CompiledEntity, object: u16, names: &SlotNames) -> super::Slots {
        let then = self.0.object(&object_name(of, object));
        names.slots().filter(|slot| self.slot_read_by(of, object, then, *slot) == names.fingerprint(*slot)).collect()
    }

    /// Whether it read on an object type what a migration since reads.
    pub(super) fn reads_for(&self, step: &Step, of: &CompiledEntity, object: u16) -> bool {
        let name = object_name(of, object);
        let then = match object {
            HUB_OBJECT => self.0.attribute(&step.from).map(|attribute| attribute.read_by),
            _ => self.0.object(&name).and_then(|object| object.read_by(&step.from)),
        };
        then.is_some() && then == step.read_at(&name).map(|(then, _)| then)
    }

    fn slot_read_by(&self, of: &CompiledEntity, object: u16, then: Option<&ObjectPart>, slot: u16) -> Option<u64> {
        let attribute = match of.objects.get(usize::from(object)) {
            Some(object) => object.slots.get(usize::from(slot))?.attribute,
            None => slot,
        };
        let attribute = of.attributes.get(usize::from(attribute))?;
        let mut former = self.0.former(&attribute.id, &attribute.was);
        if object == HUB_OBJECT {
            return former.next().map(|attribute| attribute.read_by);
        }
        then?.read_by(&former.next()?.id)
    }

    /// Forgets what the former model could not read of an entity: its row was written without it. What migrations since have made
    /// of it (`is_made`) no model read then.
    pub(super) fn forget_unread(&self, of: &CompiledEntity, entity: &mut Entity, is_made: impl Fn(&UnitKey) -> bool) {
        let unread = |unit: &UnitKey| !is_made(unit) && !self.knows(of, unit);
        let forget = |keys: Vec<UnitKey>| keys.into_iter().filter(|key| unread(key)).collect::<Vec<_>>();
        for unit in forget(entity.golden.iter().map(|(unit, _)| unit).collect()) {
            entity.golden.set(&unit, None);
        }
        for unit in forget(entity.decisions.iter().map(|(unit, _)| unit).collect()) {
            entity.decisions.set(&unit, None);
        }
        entity.lapses.retain(|unit, _| !unread(unit));
        entity.proposals.retain(|unit, _| !unread(unit));
        // Links of object types that it did not have were kept as they were.
        let known =
            |link: &&mut Link| link.object == HUB_OBJECT || self.0.object(&object_name(of, link.object)).is_some();
        for link in entity.links.iter_mut().filter(known) {
            link.reactions.retain(|unit, _| !unread(unit));
            link.divergences.retain(|unit, _| !unread(unit));
            link.sent.retain(|unit, _| !unread(unit));
            let bases: Vec<UnitKey> = link.bases.iter().map(|(unit, _)| unit).collect();
            let lost = |unit: &UnitKey| !is_made(unit) && !self.base_read_alike(of, link.object, unit);
            for unit in bases.into_iter().filter(lost) {
                link.bases.set(&unit, None);
            }
        }
    }

    /// Whether a fact that was recorded then is still read. A base whose values were read otherwise is no base.
    pub(super) fn reads(&self, of: &CompiledEntity, entity: &Entity, fact: &Fact) -> bool {
        match fact {
            Fact::Rebased { record, unit, base: Some(_) } => {
                entity.link_of(record).is_some_and(|place| self.base_read_alike(of, entity.links[place].object, unit))
            }
            _ => true,
        }
    }

    fn knows(&self, of: &CompiledEntity, unit: &UnitKey) -> bool {
        *unit == UnitKey::Exists || self.then(of, unit).is_some()
    }

    fn base_read_alike(&self, of: &CompiledEntity, object: u16, unit: &UnitKey) -> bool {
        let Some(then) = self.then(of, unit) else { return false };
        self.0.unit_read_by(then, &object_name(of, object)) == read_by(of, object, unit)
    }

    /// The unit as it was: under today's name, or under a former id of its only attribute.
    fn then(&self, of: &CompiledEntity, unit: &UnitKey) -> Option<&UnitPart> {
        let unit = of.units.get(usize::from(unit.index()?))?;
        let named = self.0.units.iter().find(|then| then.id == unit.id);
        named.or_else(|| {
            let members = unit.members.iter().filter_map(|member| of.attributes.get(usize::from(*member)));
            let ids: Vec<&AttributeId> =
                members.flat_map(|attribute| std::iter::once(&attribute.id).chain(&attribute.was)).collect();
            self.0.units.iter().find(|then| ids.iter().any(|id| id.as_str() == then.id.as_str()))
        })
    }
}
