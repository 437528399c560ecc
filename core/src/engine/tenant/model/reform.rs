//! What a change of the model makes of entities: units that were retyped are cleared, migrated ones made of former ones,
//! renamed ones keep their discrepancies, and whatever is settled otherwise is settled anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::discrepancy::Discrepancy;
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::BATCH;
use crate::engine::tenant::model::under_way::UnderWay;
use crate::entity::Entity;
use crate::entity::stored::{StoredEntity, dated_slot};
use crate::error::Error;
use crate::fact::Fact;
use crate::id::AttributeId;
use crate::model::change::{Progress, Step};
use crate::model::{Change, CompiledEntity, Model, ModelChange, UnitIndex, UnitKey, What};
use crate::settle::Touched;
use crate::store::Table;
use crate::text::Text;

/// What a change asks of stored entities.
pub(super) struct Reform {
    /// The units whose stored values would mean something else today.
    cleared: BTreeSet<(u16, UnitIndex)>,
    /// The units that are owned, compared or resolved otherwise today.
    resettled: BTreeSet<(u16, UnitIndex)>,
    /// The units that have another name today: before, and now.
    renamed: Vec<(u16, AttributeId, AttributeId)>,
    /// The units that are made of former ones.
    steps: Vec<Step>,
    /// Whether units are gone, or are read otherwise.
    others: bool,
}

impl Reform {
    pub(super) fn of(change: &ModelChange, steps: Vec<Step>, model: &Model) -> Self {
        let units = |unit_of: &dyn Fn(&What) -> Option<&Text>| {
            let named = change.changes.iter().filter_map(|change| Some((&change.entity, unit_of(&change.what)?)));
            let indexed = named.filter_map(|(entity, unit)| {
                let entity = model.entity_index(entity.as_str())?;
                Some((entity, model.entity(entity).unit_index(unit)?))
            });
            indexed.collect()
        };
        let renamed = change.changes.iter().filter_map(|Change { entity, what }| match what {
            What::Renamed { attribute, was } => {
                Some((model.entity_index(entity.as_str())?, was.clone(), attribute.clone()))
            }
            _ => None,
        });
        Self {
            cleared: units(&|what| match what {
                What::Retyped { unit, .. } => Some(unit),
                _ => None,
            }),
            resettled: units(&|what| match what {
                What::Policy { unit } | What::Owner { unit, .. } => Some(unit),
                _ => None,
            }),
            renamed: renamed.collect(),
            steps,
            others: change.changes.iter().any(|change| {
                matches!(change.what, What::Retired { .. } | What::Removed { .. } | What::Path { rereads: true, .. })
            }),
        }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn is_nothing(&self) -> bool {
        let Self { cleared, resettled, renamed, steps, others } = self;
        cleared.is_empty() && resettled.is_empty() && renamed.is_empty() && steps.is_empty() && !others
    }

    /// Whether anything is stored of a unit that is gone, cleared, migrated or renamed, or a decision about one that is
    /// settled otherwise.
    fn concerns(&self, stored: &StoredEntity, model: &Model) -> bool {
        let Some(entity) = model.entity_index(stored.entity_type.as_str()) else { return false };
        let of = model.entity(entity);
        let decided = |name: &Text| of.unit_key(name).and_then(|key| key.index());
        let renamed = || self.renamed.iter().filter(|(of, ..)| *of == entity);
        stored.is_read_again(of)
            || stored.decided_units().filter_map(decided).any(|unit| self.resettled.contains(&(entity, unit)))
            || self.steps.iter().any(|step| step.entity == entity && stored.holds(step))
            || stored.disputed_units().any(|unit| renamed().any(|(_, was, now)| renamed_unit(unit, was, now).is_some()))
            || stored.unit_names().any(|name| match of.unit_key(name) {
                None => true,
                Some(key) => key.index().is_some_and(|unit| self.cleared.contains(&(entity, unit))),
            })
    }

    /// The facts about one entity.
    fn facts(&self, tenant: &Tenant, stored: &StoredEntity, entity: &Entity) -> Result<Vec<Fact>, Error> {
        let of = tenant.core.model.entity(entity.entity);
        let steps = || self.steps.iter().filter(|step| step.entity == entity.entity);
        let cleared = |key: &UnitKey| {
            let Some(unit) = key.index() else { return false };
            self.cleared.contains(&(entity.entity, unit)) || steps().any(|step| step.unit == unit)
        };
        let mut facts = clearing_where(entity, cleared);
        // Of one that is migrated too, what was said is made anew behind this.
        facts.extend(self.renaming(entity));
        for step in steps() {
            let migrated = stored.migrated(step, &tenant.id, entity, of);
            // It was surveyed when nobody could write any more.
            facts.extend(migrated.map_err(|_| Error::ModelRefused {
                reasons: format!("{}.{}: {} changed while it was migrated", of.name, step.attribute, step.from),
            })?);
        }
        facts.extend(read_again(entity, of));
        Ok(facts)
    }

    /// The facts that bring discrepancies under today's names. They stay what they are, and since when.
    fn renaming(&self, entity: &Entity) -> Vec<Fact> {
        let renamed = |one: &Arc<Discrepancy>| {
            let mut renamed = self.renamed.iter().filter(|(of, ..)| *of == entity.entity);
            let unit = renamed.find_map(|(_, was, now)| renamed_unit(&one.unit, was, now))?;
            Some(Fact::Disputed { discrepancy: Arc::new(Discrepancy { unit, ..Discrepancy::clone(one) }) })
        };
        entity.discrepancies.values().filter_map(renamed).collect()
    }
}

/// The name of a unit, or of an element, whose attribute has another id today.
fn renamed_unit(unit: &str, was: &AttributeId, now: &AttributeId) -> Option<Text> {
    let element = unit.strip_prefix(was.as_str())?;
    (element.is_empty() || element.starts_with('[')).then(|| format!("{now}{element}").into())
}

impl Tenant {
    /// Brings every entity that a change concerns from the former model to today's. `false`: somebody else goes on with it.
    pub(super) async fn reform(&self, reform: &Reform, under_way: &mut UnderWay) -> Result<bool, Error> {
        if reform.is_nothing() {
            return Ok(true);
        }
        if !self.migrate_records(reform.steps(), under_way).await? {
            return Ok(false);
        }
        let mut after = match under_way.progress() {
            Some(Progress::Entities(after)) => Some(after.clone()),
            Some(Progress::Begun | Progress::Records(_)) | None => None,
        };
        loop {
            let rows = self.core.store.scan(&self.id, Table::Entity, "", after.as_deref(), BATCH).await;
            let rows = rows.map_err(Error::store("list entities"))?;
            let Some(last) = rows.last().map(|row| row.key.clone()) else { return Ok(true) };
            let mut entities = Vec::new();
            for row in &rows {
                let stored: StoredEntity = parse(Table::Entity, row)?;
                if reform.concerns(&stored, &self.core.model) {
                    entities.push(stored);
                }
            }
            let at = Progress::Entities(last.clone());
            if entities.is_empty() || self.reform_entities(&entities, reform, at, under_way).await? {
                after = Some(last);
            } else if under_way.progress().is_some() {
                return Ok(false);
            }
        }
    }

    async fn reform_entities(
        &self,
        entities: &[StoredEntity],
        reform: &Reform,
        at: Progress,
        under_way: &mut UnderWay,
    ) -> Result<bool, Error> {
        let as_of = self.now();
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(&entities.iter().map(|stored| stored.id).collect::<Vec<_>>()).await?;
        loader.references().await?;
        let mut changes = Changes::new(&self.core, as_of, &under_way.by);
        let mut facts = Vec::new();
        self.with_frame(|frame| {
            for stored in entities {
                let Some(index) = loader.loaded.set.find_entity(stored.id) else { continue };
                for fact in reform.facts(self, stored, &loader.loaded.set.entity(index).entity)? {
                    loader.loaded.set.record_fact(index, fact, &mut facts);
                }
                loader.loaded.set.touch(index, Touched::Everything);
            }
            loader.loaded.set.settle(frame, as_of, &mut facts);
            changes.add_set(frame, &loader.loaded, &facts)
        })?;
        if changes.commit.put.is_empty() && changes.commit.journal.is_empty() {
            return Ok(true);
        }
        under_way.commit(self, "bring entities to another model", changes, at).await
    }
}

/// The facts that clear the units of an entity that `is_cleared` names: they are heard anew.
pub(in crate::engine::tenant) fn clearing_where(entity: &Entity, is_cleared: impl Fn(&UnitKey) -> bool) -> Vec<Fact> {
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
