//! What a migration makes of what a row holds, as facts.

use std::sync::Arc;

use crate::discrepancy::DiscrepancyState;
use crate::entity::stored::{StoredEntity, StoredLink, object_index};
use crate::entity::{Entity, migrate};
use crate::fact::Fact;
use crate::id::TenantId;
use crate::model::change::Step;
use crate::model::{CompiledEntity, UnitKey};
use crate::value::Malformed;

/// Why nothing can be made of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The migration can make nothing of a value.
    Value(Malformed),
    /// It is being written, or waits for a second person.
    UnderWay,
}

impl From<Malformed> for Obstacle {
    fn from(malformed: Malformed) -> Self {
        Obstacle::Value(malformed)
    }
}

impl StoredEntity {
    /// Whether anything is stored that a step is about.
    pub(crate) fn holds(&self, step: &Step) -> bool {
        self.unit_names().any(|name| step.is_stored_as(name)) || self.is_created_with(step)
    }

    /// The facts that a step comes to; `entity` is what is read of the row under today's model.
    ///
    /// # Errors
    ///
    /// [`Obstacle`]: then there are none.
    pub(crate) fn migrated(
        &self,
        step: &Step,
        tenant: &TenantId,
        entity: &Entity,
        of: &CompiledEntity,
    ) -> Result<Vec<Fact>, Obstacle> {
        let mut facts = self.values_migrated(step, entity, of)?;
        let name = of.unit_name(&UnitKey::Whole(step.unit));
        let stands = |state| state != DiscrepancyState::Resolved;
        let standing = self.discrepancies.iter().filter(|one| stands(one.state) && step.is_stored_as(&one.unit));
        for one in standing.filter(|one| one.unit != name) {
            let mut discrepancy = migrate::discrepancy(step, one, &name, tenant, entity);
            if of.unit_index(&one.unit) == Some(step.unit) {
                // The attribute has another name by now, and is the same: so is what stands about it.
                discrepancy.id = one.id;
            }
            facts.push(Fact::Disputed { discrepancy: Arc::new(discrepancy) });
        }
        Ok(facts)
    }

    /// The same, without what stands about it.
    ///
    /// # Errors
    ///
    /// As [`StoredEntity::migrated`].
    pub(crate) fn values_migrated(
        &self,
        step: &Step,
        entity: &Entity,
        of: &CompiledEntity,
    ) -> Result<Vec<Fact>, Obstacle> {
        let proposed = self.proposals.keys().any(|name| step.is_stored_as(name));
        if proposed || self.is_created_with(step) {
            return Err(Obstacle::UnderWay);
        }
        let unit = UnitKey::Whole(step.unit);
        let mut facts = Vec::new();
        for (_, cell) in self.golden.iter().filter(|(name, _)| step.is_stored_as(name)) {
            facts.push(Fact::Settled { unit: unit.clone(), cell: Some(Arc::new(migrate::golden(step, cell)?)) });
        }
        for (_, decision) in self.decisions.iter().filter(|(name, _)| step.is_stored_as(name)) {
            let decision = Some(Arc::new(migrate::decision(step, decision)?));
            facts.push(Fact::Decided { unit: unit.clone(), decision });
        }
        for (_, lapse) in self.lapses.iter().filter(|(name, _)| step.is_stored_as(name)) {
            facts.push(Fact::Lapsed { unit: unit.clone(), lapse: Some(Box::new(migrate::lapse(step, lapse)?)) });
        }
        for link in &self.links {
            link.migrated(step, &unit, entity, of, &mut facts)?;
        }
        Ok(facts)
    }

    fn is_created_with(&self, step: &Step) -> bool {
        self.creates_sent.iter().flat_map(|create| &create.fields).any(|(name, _)| step.is_stored_as(name))
    }
}

impl StoredLink {
    fn migrated(
        &self,
        step: &Step,
        unit: &UnitKey,
        entity: &Entity,
        of: &CompiledEntity,
        facts: &mut Vec<Fact>,
    ) -> Result<(), Obstacle> {
        if self.sent.keys().any(|name| step.is_stored_as(name)) {
            return Err(Obstacle::UnderWay);
        }
        // Elsewhere another leaf is read today: what stands there is unobserved.
        let (Some((read_by, _)), Some(_)) = (step.read_at(&self.object), object_index(of, &self.object)) else {
            return Ok(());
        };
        let Some(link) = entity.link_of(&self.record).and_then(|place| entity.links.get(place)) else { return Ok(()) };
        let record = || Arc::clone(&link.record);
        let read_alike = self.bases.iter().filter(|(name, base)| step.is_stored_as(name) && base.read_by == read_by);
        for (_, base) in read_alike {
            let base = Some(Arc::new(migrate::base(step, &base.clone().into())?));
            facts.push(Fact::Rebased { record: record(), unit: unit.clone(), base });
        }
        for (_, count) in self.reactions.iter().filter(|(name, _)| step.is_stored_as(name)) {
            facts.push(Fact::Reacted { record: record(), unit: unit.clone(), count: *count });
        }
        for (_, leave) in self.divergences.iter().filter(|(name, _)| step.is_stored_as(name)) {
            let divergence = Some(Box::new(migrate::divergence(step, leave)?));
            facts.push(Fact::Diverged { record: record(), unit: unit.clone(), divergence });
        }
        Ok(())
    }
}
