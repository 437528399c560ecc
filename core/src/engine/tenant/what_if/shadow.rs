//! The shadow: the state that a history comes to under a proposal, in the proposal's own store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::{Group, Said, records};
use super::report::WhatIf;
use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::persist::{LinkRow, entity_key, json, link_key, representation_key};
use crate::entity::Entity;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::fact::{EntityFact, Fact};
use crate::id::{EntityId, RecordRef};
use crate::model::UnitKey;
use crate::observation::Observation;
use crate::observation::stored::StoredObservation;
use crate::settle::Touched;
use crate::store::Commit;
use crate::working_set::{EntityIndex, Frame};

/// The state under a proposal.
pub(super) struct Shadow {
    pub(super) tenant: Tenant,
    batch: Batch,
    /// Whether anything of the model refers to other entities.
    refers: bool,
}

impl Shadow {
    pub(super) fn new(tenant: &Tenant) -> Self {
        let units = tenant.core.model.entities.iter().flat_map(|entity| &entity.units);
        let refers = units.into_iter().any(|unit| unit.reference.is_some());
        Self { tenant: tenant.clone(), batch: Batch::new(), refers }
    }

    /// Folds steps, and settles after each as the engine did.
    pub(super) async fn take(&mut self, groups: Vec<Group>, would: &mut WhatIf) -> Result<(), Error> {
        if groups.is_empty() {
            return Ok(());
        }
        let tenant = self.tenant.clone();
        let mut loader = Loader::new(&tenant.core, &tenant.id);
        loader.records(&records(&groups).into_iter().collect::<Vec<_>>()).await?;
        let ids: BTreeSet<EntityId> = groups.iter().flat_map(|group| &group.facts).map(|(id, _)| *id).collect();
        loader.entities(&ids.into_iter().collect::<Vec<_>>()).await?;
        loader.merges().await?;
        let mut facts = Vec::new();
        for group in groups {
            let at = group.at;
            tenant.with_frame(|frame| self.fold(frame, &mut loader, group, would, &mut facts));
            loader.merges().await?;
            if self.refers {
                loader.references().await?;
            }
            tenant.with_frame(|frame| loader.loaded.set.settle(frame, at, &mut facts));
        }
        let commit = rows(&tenant, &loader, &facts);
        tenant.store_shadow(commit).await
    }

    fn fold(
        &mut self,
        frame: &Frame<'_>,
        loader: &mut Loader<'_>,
        group: Group,
        would: &mut WhatIf,
        facts: &mut Vec<EntityFact>,
    ) {
        let act = group.is_act();
        let heard = !group.said.is_empty();
        for said in group.said {
            match said {
                Said::Observed(stored) => {
                    would.observations += 1;
                    let Some(observation) = self.anew(*stored, would) else { continue };
                    if let Some(index) = loader.loaded.set.find_record(&observation.record) {
                        loader.loaded.set.fold(frame, index, &observation);
                    }
                }
                Said::Forgotten(record) => {
                    if let Some(index) = loader.loaded.set.find_record(&record) {
                        loader.loaded.set.forget(index);
                    }
                }
                Said::Merged(loser, survivor, stamp) => {
                    if let Some(index) = loader.loaded.set.find_record(&loser) {
                        loader.loaded.set.redirect(index, stamp, survivor);
                    }
                }
            }
        }
        for (id, stored) in group.facts {
            let Some(index) = self.entity(loader, id, &stored) else {
                would.left_out += stored.len() as u64;
                continue;
            };
            let of = self.tenant.core.model.entity(loader.loaded.set.entity(index).entity.entity);
            // The base of what was written is told first; what settling made of it after that is decided anew.
            let mut told: BTreeSet<UnitKey> = BTreeSet::new();
            for stored in stored {
                let Some(fact) = stored.into_fact(&self.tenant.core.model, of) else {
                    would.left_out += 1;
                    continue;
                };
                let given = match &fact {
                    Fact::Rebased { record, unit, base } if !act => {
                        let here = group.received.as_ref().filter(|received| received.record == **record);
                        here.is_some_and(|received| {
                            told.insert(unit.clone()) && received.gave(&of.unit_name(unit), base.as_deref())
                        })
                    }
                    // That what we archived is gone is no news; whether what others deleted is accepted is decided anew.
                    Fact::Existed { record, existed: false } if !act => {
                        group.received.as_ref().is_some_and(|received| received.archived && received.record == **record)
                    }
                    // Where something was heard and nothing answered, settling found that what was sent has arrived: so it will.
                    Fact::Sent { sent: None, .. } if heard && group.received.is_none() => false,
                    fact => is_given(fact, act),
                };
                if given {
                    loader.loaded.set.record_fact(index, fact, facts);
                }
            }
            loader.loaded.set.touch(index, Touched::Everything);
        }
    }

    /// What was said, as the proposal reads it: from the bytes where they were kept, else as it was read then.
    fn anew(&mut self, stored: StoredObservation, would: &mut WhatIf) -> Option<Observation> {
        let core = &self.tenant.core;
        let Some((entity, object)) = core.place(&stored.record) else {
            would.left_out += 1;
            return None;
        };
        let anew = self.tenant.decode_anew(&stored, &mut self.batch);
        would.undecodable += u64::from(anew.is_none() && stored.speaks() && stored.body.is_some());
        let then = stored.into_observation(core.slot_names(entity, object));
        Some(match anew {
            Some(anew) => Observation { cells: anew.cells, coverage: anew.coverage, ..then },
            None => then,
        })
    }

    /// The entity that facts are about: as it was loaded, or as they make it.
    fn entity(&self, loader: &mut Loader<'_>, id: EntityId, facts: &[StoredFact]) -> Option<EntityIndex> {
        if let Some(index) = loader.loaded.set.find_entity(id) {
            return Some(index);
        }
        let Some(StoredFact::Entered { entity_type }) = facts.first() else { return None };
        let of = self.tenant.core.model.entity_index(entity_type.as_str())?;
        Some(loader.loaded.set.add_entity(Entity::new(id, of)))
    }
}

/// Whether a fact is history, whatever the model: what people did, who was linked to whom, and what we wrote. All else
/// follows from what was said, and is decided anew.
fn is_given(fact: &Fact, act: bool) -> bool {
    match fact {
        Fact::Entered { .. }
        | Fact::Linked { .. }
        | Fact::Unlinked { .. }
        | Fact::Merged { .. }
        | Fact::CannotLink { .. }
        | Fact::HeldApart { .. }
        | Fact::Asserted { .. }
        | Fact::Generation { .. }
        | Fact::Sent { .. }
        | Fact::CreateSent { .. } => true,
        Fact::Settled { .. }
        | Fact::Rebased { .. }
        | Fact::Existed { .. }
        | Fact::ToRestore { .. }
        | Fact::Lived { .. }
        | Fact::Reacted { .. }
        | Fact::Decided { .. }
        | Fact::Lapsed { .. }
        | Fact::Proposed { .. }
        | Fact::Diverged { .. }
        | Fact::Disputed { .. } => act,
    }
}

/// The rows of what changed.
fn rows(tenant: &Tenant, loader: &Loader<'_>, facts: &[EntityFact]) -> Commit {
    let mut commit = Commit::default();
    for state in loader.loaded.set.records().iter().filter(|state| state.changed) {
        let names = tenant.core.slot_names(state.entity_type, state.object);
        let (key, value) = (representation_key(&state.record), json(&state.representation.to_stored(names)));
        let representation = Arc::new(state.representation.as_stored());
        tenant.core.memory.representations.expect(&tenant.id, &key, &value, representation);
        commit.put.push((key, value));
    }
    for state in loader.loaded.set.entities().iter().filter(|state| state.changed) {
        let model = tenant.core.model.entity(state.entity.entity);
        let (key, value) = (entity_key(state.entity.id), json(&state.entity.to_stored(model)));
        let entity = Arc::new(Entity::clone(&state.entity));
        tenant.core.memory.entities.expect(&tenant.id, &key, &value, Some(entity));
        commit.put.push((key, value));
    }
    // Of a record that was linked several times, the last counts.
    let mut links: BTreeMap<&Arc<RecordRef>, Option<EntityId>> = BTreeMap::new();
    for EntityFact { entity, fact } in facts {
        match fact {
            Fact::Linked { record, .. } => drop(links.insert(record, Some(*entity))),
            Fact::Unlinked { record } => drop(links.insert(record, None)),
            _ => {}
        }
    }
    for (record, entity) in links {
        match entity {
            Some(entity) => commit.put.push((link_key(record), json(&LinkRow { entity }))),
            None => commit.delete.push(link_key(record)),
        }
    }
    commit
}
