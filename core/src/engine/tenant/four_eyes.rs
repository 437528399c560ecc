//! Four eyes: what one person proposed is approved by a second, or rejected.

use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::decide::not_held;
use crate::engine::tenant::merge::unmerged_case;
use crate::engine::tenant::unknown_attribute;
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::{Actor, EntityId};
use crate::model::{CompiledEntity, EXISTS, UnitKey};
use crate::plan::{Intent, Operation, Plan, StandingApproval};
use crate::role::Role;
use crate::settle::{NotApproved, approve};
use crate::text::Text;
use crate::view::EntityView;

impl Tenant {
    /// Approves what another person proposed to decide about a unit, and carries it out. Journaled with both names.
    ///
    /// # Errors
    ///
    /// [`Error::NothingProposed`]; [`Error::OwnProposal`] if `by` proposed it; [`Error::InputsMoved`] if what was on the
    /// table has changed since, so that it would be another decision than the one that was looked at;
    /// [`Error::UnknownEntity`]; [`Error::UnknownAttribute`].
    pub async fn approve_decision(&self, id: EntityId, unit: &str, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Approver, "approve decisions").await?;
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            let index = self.decided_on(&mut loader, id, None).await?;
            loader.references().await?;
            let entity = &loader.loaded.set.entity(index).entity;
            let (id, model) = (entity.id, self.core.model.entity(entity.entity));
            let key = model.unit_key(unit).ok_or_else(|| unknown_attribute(model, unit))?;
            let proposal = entity.proposals.get(&key).cloned();
            self.require_to_decide(by, model, unit).await?;
            let mut changes = Changes::new(&self.core, as_of, by);
            let mut facts: Vec<EntityFact> = Vec::new();
            let mut approved = Ok(());
            self.with_frame(|frame| {
                loader.loaded.set.decide(frame, index, as_of, &mut facts, |ground, entity, representations, facts| {
                    approved = approve(ground, entity, representations, &key, by, facts);
                });
            });
            approved.map_err(|why| not_approved(id, unit, by, why))?;
            self.with_frame(|frame| {
                loader.loaded.set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            let ruling = proposal.map(|proposal| proposal.ruling);
            let (proposer, reason) = ruling.map(|ruling| (ruling.by, ruling.reason)).unzip();
            changes.journal("decided", &id.to_string(), &(unit, &proposer, &reason, by));
            changes.delete(unmerged_case(id, &model.unit_name(&key)));
            if attempts.commit(self, "approve a decision", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Rejects what was proposed to decide about a unit; who proposed it withdraws it so. Journaled.
    ///
    /// # Errors
    ///
    /// [`Error::NothingProposed`]; [`Error::UnknownEntity`]; [`Error::UnknownAttribute`].
    pub async fn reject_decision(&self, id: EntityId, unit: &str, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Approver, "reject decisions").await?;
        self.refuse_cards("reason", [reason])?;
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            let index = self.decided_on(&mut loader, id, None).await?;
            let entity = &loader.loaded.set.entity(index).entity;
            let (id, model) = (entity.id, self.core.model.entity(entity.entity));
            let key = model.unit_key(unit).ok_or_else(|| unknown_attribute(model, unit))?;
            if !entity.proposals.contains_key(&key) {
                return Err(Error::NothingProposed { entity: id, unit: unit.into() });
            }
            let mut changes = Changes::new(&self.core, as_of, by);
            let mut facts: Vec<EntityFact> = Vec::new();
            loader.loaded.set.record_fact(index, Fact::Proposed { unit: key, proposal: None }, &mut facts);
            self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &facts))?;
            changes.journal("decision_rejected", &id.to_string(), &(unit, by, reason));
            if attempts.commit(self, "reject a decision", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Whether two people are asked for by configuration: decisions on a unit, entries, and writes of it.
    pub(super) fn asks_four_eyes(&self, entity_type: u16, model: &CompiledEntity, key: &UnitKey) -> bool {
        let unit = key.index().and_then(|unit| model.units.get(usize::from(unit)));
        let configured = self.core.four_eyes.get(usize::from(entity_type));
        configured.zip(unit).is_some_and(|(asked, unit)| asked.contains(&unit.id))
    }

    /// What a view offers, where units take two people.
    pub(super) fn offered(&self, view: EntityView) -> EntityView {
        let Some(entity) = self.core.model.entity_index(view.entity_type.as_str()) else { return view };
        let model = self.core.model.entity(entity);
        view.where_two_decide(|unit| model.unit_key(unit).is_some_and(|key| self.asks_four_eyes(entity, model, &key)))
    }
}

impl Tenant {
    /// Refuses that the only person who asked for a plan lets through operations of it that write what takes two people.
    ///
    /// # Errors
    ///
    /// [`Error::OwnPlan`].
    pub(super) async fn require_other_maker<'o>(
        &self,
        plan: &Plan,
        mut operations: impl Iterator<Item = &'o Operation> + Send,
        by: &Actor,
    ) -> Result<(), Error> {
        if !operations.any(|operation| self.writes_what_takes_two(operation)) {
            return Ok(());
        }
        let made = self.made(plan.hash).await?;
        let own = made.is_some_and(|made| made.makers().count() > 0 && made.makers().all(|maker| maker == by));
        if own { Err(Error::OwnPlan { plan: plan.hash, by: by.clone() }) } else { Ok(()) }
    }

    fn writes_what_takes_two(&self, operation: &Operation) -> bool {
        let Some(entity) = self.core.model.entity_index(operation.entity_type.as_str()) else { return false };
        let model = self.core.model.entity(entity);
        let asked = |unit: &Text| model.unit_key(unit).is_some_and(|key| self.asks_four_eyes(entity, model, &key));
        match &operation.intent {
            Intent::Set(_) => asked(&operation.unit),
            Intent::Create(fields) => fields.iter().any(|(unit, _)| asked(unit)),
            Intent::Archive => false,
        }
    }

    /// Whether a standing approval is of what takes two people: it then takes two itself.
    pub(super) fn permits_what_takes_two(&self, approval: &StandingApproval) -> bool {
        let Some(entity) = self.core.model.entity_index(approval.entity_type.as_str()) else { return false };
        let model = self.core.model.entity(entity);
        match approval.unit.as_str() {
            EXISTS => self.core.four_eyes.get(usize::from(entity)).is_some_and(|asked| !asked.is_empty()),
            unit => model.unit_key(unit).is_some_and(|key| self.asks_four_eyes(entity, model, &key)),
        }
    }
}

fn not_approved(entity: EntityId, unit: &str, by: &Actor, why: NotApproved) -> Error {
    match why {
        NotApproved::NothingProposed => Error::NothingProposed { entity, unit: unit.into() },
        NotApproved::OwnProposal => Error::OwnProposal { entity, unit: unit.into(), by: by.clone() },
        NotApproved::InputsMoved(records) => Error::InputsMoved { entity, unit: unit.into(), records },
        NotApproved::NotRuled(why) => not_held(entity, unit, why),
    }
}
