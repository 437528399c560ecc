//! The model over time: a store remembers the model that it was written under, and a change of it is accepted before
//! anything is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::BATCH;
use crate::engine::tenant::attempts::Attempts;
use crate::entity::Entity;
use crate::entity::stored::{StoredEntity, dated_slot};
use crate::error::Error;
use crate::fact::Fact;
use crate::id::{Actor, EntityId};
use crate::model::change::{StoredModel, compare, join};
use crate::model::{Change, CompiledEntity, Model, ModelChange, UnitIndex, UnitKey, What};
use crate::role::Role;
use crate::settle::Touched;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The journal's kind for the model that holds from an entry on.
pub(crate) const MODEL_ACCEPTED: &str = "model_accepted";

/// The payload of [`MODEL_ACCEPTED`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) model: StoredModel,
    pub(crate) changes: Vec<String>,
}

/// What a store remembers, beside today's.
struct Remembered {
    revision: Option<u64>,
    now: StoredModel,
    /// What the row holds.
    then: Option<StoredModel>,
    /// Whether a change is under way, or was cut off.
    changing: bool,
    /// None for a tenant that nothing was ever journaled of.
    change: Option<ModelChange>,
}

pub(super) fn model_key() -> RowKey {
    RowKey::new(Table::Meta, "model")
}

impl Tenant {
    /// What differs between the model that this tenant's store was written under and today's. Changes nothing.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn model_change(&self) -> Result<ModelChange, Error> {
        Ok(self.remembered().await?.change.unwrap_or_default())
    }

    /// Accepts today's model: journals the change, clears golden values, bases and decisions of units whose stored values
    /// would mean something else today, and brings the index of identity values up to date. From then on writes go on.
    ///
    /// An interrupted call is finished by the next one. Workers that still run under the former model write nothing from the
    /// moment at which the change begins: they fail with [`Error::ModelChanged`].
    ///
    /// # Errors
    ///
    /// [`Error::ModelRefused`] if stored values would be taken for something they are not, or be lost by mistake.
    pub async fn accept_model(&self, by: &Actor) -> Result<ModelChange, Error> {
        self.require_role(by, Role::Admin, "accept models").await?;
        let mut attempts = Attempts::default();
        loop {
            let Remembered { revision, now, then, changing, change } = self.remembered().await?;
            let change = change.unwrap_or_default();
            if change.refused().next().is_some() {
                return Err(Error::ModelRefused { reasons: join(change.refused()) });
            }
            // The entry comes first: from it on, replay reads and drops what the new model reads and drops.
            let mut changes = Changes::new(&self.core, self.now(), by);
            let lines = change.changes.iter().map(ToString::to_string).collect();
            changes.journal(MODEL_ACCEPTED, "model", &Accepted { model: now.clone(), changes: lines });
            changes.commit.expect.push((model_key(), revision));
            if change.is_empty() && !changing {
                changes.put(model_key(), &now);
                if attempts.commit_anyhow(self, "remember the model", changes.commit).await? {
                    self.note_accepted(revision.unwrap_or(0) + 1);
                    return Ok(change);
                }
                continue;
            }
            // Whoever works under the former model finds the row changed with its next commit, and does not go on.
            changes.put(model_key(), &then.unwrap_or_else(|| now.clone()).under_change());
            if !attempts.commit_anyhow(self, "journal a change of the model", changes.commit).await? {
                continue;
            }
            let revision = revision.unwrap_or(0) + 1;
            self.reform(&change, by).await?;
            // A change to another model that was cut off may have moved what this one indexes.
            if moves_identity(&change) || changing {
                self.reindex(by).await?;
            }
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((model_key(), Some(revision)));
            changes.put(model_key(), &now);
            if attempts.commit_anyhow(self, "remember the model", changes.commit).await? {
                self.note_accepted(revision + 1);
                return Ok(change);
            }
        }
    }

    /// Refuses while the model differs from the one that the store was written under. A tenant without entries takes up
    /// today's. Every path that commits asks; after the first time it costs a look into a set.
    pub(crate) async fn require_model(&self) -> Result<(), Error> {
        if self.accepted_model().is_some() {
            return Ok(());
        }
        let mut attempts = Attempts::default();
        loop {
            let Remembered { revision, now, changing, change, .. } = self.remembered().await?;
            if let Some(change) = change {
                if !change.is_empty() {
                    return Err(Error::ModelChanged { changes: change.line() });
                }
                if changing {
                    let changes = "a change to another model is under way, or was cut off".into();
                    return Err(Error::ModelChanged { changes });
                }
                self.note_accepted(revision.unwrap_or(0));
                return Ok(());
            }
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.journal(MODEL_ACCEPTED, "model", &Accepted { model: now.clone(), changes: Vec::new() });
            changes.commit.expect.push((model_key(), revision));
            changes.put(model_key(), &now);
            if attempts.commit_anyhow(self, "remember the model", changes.commit).await? {
                self.note_accepted(1);
                return Ok(());
            }
        }
    }

    async fn remembered(&self) -> Result<Remembered, Error> {
        let rows = self.core.store.load(&self.id, &[model_key()]).await.map_err(Error::store("load the model"))?;
        let mut now = StoredModel::of(&self.core.model, &self.core.rules);
        let Some(row) = rows.into_iter().flatten().next() else {
            let entries = self.core.store.journal(&self.id, 0, 1).await.map_err(Error::store("read the journal"))?;
            let unrecorded = Change { entity: "".into(), what: What::Unrecorded };
            let change = (!entries.is_empty()).then(|| ModelChange { changes: vec![unrecorded] });
            return Ok(Remembered { revision: None, now, then: None, changing: false, change });
        };
        let (then, changing) = parse::<StoredModel>(Table::Meta, &row)?.settled();
        now.keep_retired(&then);
        let change = if then == now { ModelChange::default() } else { compare(&then, &now) };
        Ok(Remembered { revision: Some(row.revision), now, then: Some(then), changing, change: Some(change) })
    }

    /// Clears what is stored of units that were retyped, and settles the entities that hold anything of units retyped or
    /// gone, or a decision about units that are owned, compared or resolved otherwise now.
    async fn reform(&self, change: &ModelChange, by: &Actor) -> Result<(), Error> {
        let cleared = cleared(change, &self.core.model);
        let loses = |change: &Change| matches!(change.what, What::Retired { .. } | What::Removed { .. });
        let resettled = resettled(change, &self.core.model);
        let rereads = |change: &Change| matches!(change.what, What::Path { rereads: true, .. });
        let concerns = |change: &Change| loses(change) || rereads(change);
        if cleared.is_empty() && resettled.is_empty() && !change.changes.iter().any(concerns) {
            return Ok(());
        }
        let mut after: Option<Text> = None;
        loop {
            let rows = self.core.store.scan(&self.id, Table::Entity, "", after.as_deref(), BATCH).await;
            let rows = rows.map_err(Error::store("list entities"))?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.key.clone());
            let mut entities = Vec::new();
            for row in &rows {
                let stored: StoredEntity = parse(Table::Entity, row)?;
                if is_concerned(&stored, &cleared, &resettled, &self.core.model) {
                    entities.push(stored.id);
                }
            }
            self.reform_entities(&entities, &cleared, by).await?;
        }
    }

    async fn reform_entities(
        &self,
        entities: &[EntityId],
        cleared: &BTreeSet<(u16, UnitIndex)>,
        by: &Actor,
    ) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            loader.entities(entities).await?;
            loader.references().await?;
            let mut changes = Changes::new(&self.core, as_of, by);
            let mut facts = Vec::new();
            self.with_frame(|frame| {
                for id in entities {
                    let Some(index) = loader.loaded.set.find_entity(*id) else { continue };
                    let entity = &loader.loaded.set.entity(index).entity;
                    let of = self.core.model.entity(entity.entity);
                    for fact in clearing(entity, cleared).into_iter().chain(read_again(entity, of)) {
                        loader.loaded.set.record_fact(index, fact, &mut facts);
                    }
                    loader.loaded.set.touch(index, Touched::Everything);
                }
                loader.loaded.set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            let done = changes.commit.put.is_empty() && changes.commit.journal.is_empty();
            if done || attempts.commit_anyhow(self, "clear what was retyped", changes.commit).await? {
                return Ok(());
            }
        }
    }
}

/// The units whose stored values would mean something else today.
fn cleared(change: &ModelChange, model: &Model) -> BTreeSet<(u16, UnitIndex)> {
    let retyped = change.changes.iter().filter_map(|change| match &change.what {
        What::Retyped { unit, .. } => Some((&change.entity, unit)),
        _ => None,
    });
    retyped
        .filter_map(|(entity, unit)| {
            let entity = model.entity_index(entity.as_str())?;
            Some((entity, model.entity(entity).unit_index(unit)?))
        })
        .collect()
}

/// The units that are owned, compared or resolved otherwise today.
fn resettled(change: &ModelChange, model: &Model) -> BTreeSet<(u16, UnitIndex)> {
    let units = change.changes.iter().filter_map(|change| match &change.what {
        What::Policy { unit } | What::Owner { unit, .. } => Some((&change.entity, unit)),
        _ => None,
    });
    units
        .filter_map(|(entity, unit)| {
            let entity = model.entity_index(entity.as_str())?;
            Some((entity, model.entity(entity).unit_index(unit)?))
        })
        .collect()
}

/// Whether anything is stored of a unit that is gone or cleared, or a decision about one that is settled otherwise.
fn is_concerned(
    stored: &StoredEntity,
    cleared: &BTreeSet<(u16, UnitIndex)>,
    resettled: &BTreeSet<(u16, UnitIndex)>,
    model: &Model,
) -> bool {
    let Some(entity) = model.entity_index(stored.entity_type.as_str()) else { return false };
    let decided = |name: &Text| model.entity(entity).unit_key(name).and_then(|key| key.index());
    if stored.is_read_again(model.entity(entity)) {
        return true;
    }
    if stored.decided_units().filter_map(decided).any(|unit| resettled.contains(&(entity, unit))) {
        return true;
    }
    stored.unit_names().any(|name| match model.entity(entity).unit_key(name) {
        None => true,
        Some(key) => key.index().is_some_and(|unit| cleared.contains(&(entity, unit))),
    })
}

/// The facts that clear units.
fn clearing(entity: &Entity, cleared: &BTreeSet<(u16, UnitIndex)>) -> Vec<Fact> {
    clearing_where(entity, |key| key.index().is_some_and(|unit| cleared.contains(&(entity.entity, unit))))
}

/// The facts that clear the units of an entity that `is_cleared` names: they are heard anew.
pub(super) fn clearing_where(entity: &Entity, is_cleared: impl Fn(&UnitKey) -> bool) -> Vec<Fact> {
    let golden = entity.golden.iter().map(|(unit, _)| unit).filter(&is_cleared);
    let mut facts: Vec<Fact> = golden.map(|unit| Fact::Settled { unit, cell: None }).collect();
    let decisions = entity.decisions.iter().map(|(unit, _)| unit).filter(&is_cleared);
    facts.extend(decisions.map(|unit| Fact::Decided { unit, decision: None }));
    let lapses = entity.lapses.keys().filter(|unit| is_cleared(unit)).cloned();
    facts.extend(lapses.map(|unit| Fact::Lapsed { unit, lapse: None }));
    let proposals = entity.proposals.keys().filter(|unit| is_cleared(unit)).cloned();
    facts.extend(proposals.map(|unit| Fact::Proposed { unit, proposal: None }));
    for link in &entity.links {
        let record = || link.record.clone();
        let bases = link.bases.iter().map(|(unit, _)| unit).filter(&is_cleared);
        facts.extend(bases.map(|unit| Fact::Rebased { record: record(), unit, base: None }));
        let given = link.divergences.keys().filter(|unit| is_cleared(unit)).cloned();
        facts.extend(given.map(|unit| Fact::Diverged { record: record(), unit, divergence: None }));
        let reactions = link.reactions.keys().filter(|unit| is_cleared(unit)).cloned();
        facts.extend(reactions.map(|unit| Fact::Reacted { record: record(), unit, count: 0 }));
        let sent = link.sent.keys().filter(|unit| is_cleared(unit)).cloned();
        facts.extend(sent.map(|unit| Fact::Sent { record: record(), unit, sent: None }));
    }
    facts
}

/// The facts that tell what bases are where a mapping reads by other rates: replay cannot know, and has dropped them.
fn read_again(entity: &Entity, of: &CompiledEntity) -> Vec<Fact> {
    let bases = entity.links.iter().flat_map(|link| {
        let dated = link.bases.iter().filter(|(unit, _)| dated_slot(of, link.object, unit).is_some());
        dated.map(|(unit, base)| Fact::Rebased {
            record: link.record.clone(),
            base: Some(Arc::new(base.clone())),
            unit,
        })
    });
    bases.collect()
}

/// Whether the index of identity values must be built anew.
fn moves_identity(change: &ModelChange) -> bool {
    change.changes.iter().any(|change| {
        !matches!(
            change.what,
            What::EntityAdded
                | What::EntityRemoved
                | What::OnDelete { .. }
                | What::Added { .. }
                | What::Owner { .. }
                | What::Rules { .. }
        )
    })
}
