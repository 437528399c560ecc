//! Merging two entities into one, and taking that back.
//!
//! A merge keeps what both were, so that an unmerge restores links and golden records exactly if nothing was written in
//! between (`docs/semantics.md` 12). What our own writes changed meanwhile is owed back, as a plan; what people changed
//! meanwhile stays.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::Base;
use crate::discrepancy::{Discrepancy, DiscrepancyState};
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::{Actor, EntityId};
use crate::model::UnitKey;
use crate::settle::Touched;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::{EntityIndex, WorkingSet};

/// What both entities were before a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MergeRow {
    survivor: StoredEntity,
    merged: StoredEntity,
    by: Actor,
    at: i64,
}

fn merge_key(merged: EntityId) -> RowKey {
    RowKey::new(Table::Case, format!("merge/{merged}"))
}

impl Tenant {
    /// Merges `merged` into `survivor`: its records become the survivor's, its id an alias.
    ///
    /// The merged records have no common ancestor with the survivor's golden record: where they contradict it, the conflict
    /// is listed and waits, and nothing is overwritten.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if either is unknown, of another type, or merged already; or a store that failed.
    pub async fn merge(&self, survivor: EntityId, merged: EntityId, by: &Actor) -> Result<(), Error> {
        let mut key = Text::default();
        for _ in 0..MOST_ATTEMPTS {
            let as_of = self.now();
            let (mut loader, into, from) = self.load_pair(survivor, merged).await?;
            let set = &mut loader.loaded.set;
            let (to, of) = (&set.entity(into).entity, &set.entity(from).entity);
            let alias = to.merged_into.is_some() || of.merged_into.is_some();
            if alias || to.entity != of.entity || survivor == merged {
                return Err(Error::UnknownEntity {
                    expected: "entity of that type, not merged already".into(),
                    id: merged,
                });
            }
            let model = self.core.model.entity(to.entity);
            let row =
                MergeRow { survivor: to.to_stored(model), merged: of.to_stored(model), by: by.clone(), at: as_of };
            let mut changes = Changes::new(&self.core, as_of, by);
            let mut facts: Vec<EntityFact> = Vec::new();
            for link in of.links.clone() {
                let unlinked = Fact::Unlinked { record: Arc::clone(&link.record) };
                set.record_fact(from, unlinked, &mut facts);
                let Some(record) = set.find_record(&link.record) else { continue };
                set.link(into, record, link.order, link.evidence, &mut facts);
            }
            // An alias has nothing of its own that could stand open. What still differs is found of the survivor.
            for discrepancy in open(&set.entity(from).entity) {
                let discrepancy = Discrepancy { state: DiscrepancyState::Resolved, last_seen: as_of, ..discrepancy };
                set.record_fact(from, Fact::Disputed { discrepancy: Arc::new(discrepancy) }, &mut facts);
            }
            set.record_fact(from, Fact::Merged { into: Some(survivor) }, &mut facts);
            changes.put(merge_key(merged), &row);
            changes.journal("entities_merged", &merged.to_string(), &(survivor, merged, by));
            if self.store_pair(&mut loader, changes, facts, as_of, &mut key).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key })
    }

    /// Takes a merge back: the records that came with `merged` go back to it, and both golden records are what they were,
    /// but for what people changed meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if the entity was not merged; or a store that failed.
    pub async fn unmerge(&self, merged: EntityId, by: &Actor) -> Result<(), Error> {
        let mut key = Text::default();
        for _ in 0..MOST_ATTEMPTS {
            let as_of = self.now();
            let row_key = merge_key(merged);
            let rows = self.core.store.load(&self.id, std::slice::from_ref(&row_key)).await;
            let row = rows.map_err(Error::store("load a merge"))?.into_iter().next().flatten();
            let row = row.ok_or(Error::UnknownEntity { expected: "merged entity".into(), id: merged })?;
            let before: MergeRow = parse(Table::Case, &row)?;
            let gone = || Error::UnknownEntity { expected: "entity".into(), id: merged };
            let was_survivor = Entity::from_stored(before.survivor, &self.core.model).ok_or_else(gone)?;
            let was_merged = Entity::from_stored(before.merged, &self.core.model).ok_or_else(gone)?;
            let (mut loader, into, from) = self.load_pair(was_survivor.id, merged).await?;
            let mut changes = Changes::new(&self.core, as_of, by);
            let mut facts: Vec<EntityFact> = Vec::new();
            let set = &mut loader.loaded.set;
            let written = written_meanwhile(set, into);
            set.record_fact(from, Fact::Merged { into: None }, &mut facts);
            for link in &was_merged.links {
                if set.entity(into).entity.link_of(&link.record).is_none() {
                    continue;
                }
                set.record_fact(into, Fact::Unlinked { record: Arc::clone(&link.record) }, &mut facts);
                let Some(record) = set.find_record(&link.record) else { continue };
                set.link(from, record, link.order, link.evidence.clone(), &mut facts);
            }
            restore(set, into, &was_survivor, &written, &mut facts);
            restore(set, from, &was_merged, &written, &mut facts);
            changes.delete(row_key.clone());
            changes.commit.expect.push((row_key, Some(row.revision)));
            changes.journal("entities_unmerged", &merged.to_string(), &(was_survivor.id, merged, by));
            if self.store_pair(&mut loader, changes, facts, as_of, &mut key).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key })
    }

    async fn load_pair(&self, one: EntityId, other: EntityId) -> Result<(Loader<'_>, EntityIndex, EntityIndex), Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(&[one, other]).await?;
        loader.references().await?;
        let find = |id| {
            let unknown = Error::UnknownEntity { expected: "entity".into(), id };
            loader.loaded.set.find_entity(id).ok_or(unknown)
        };
        let (one, other) = (find(one)?, find(other)?);
        Ok((loader, one, other))
    }

    /// Settles, and commits. `false`: the race was lost.
    async fn store_pair(
        &self,
        loader: &mut Loader<'_>,
        mut changes: Changes<'_>,
        mut facts: Vec<EntityFact>,
        as_of: i64,
        key: &mut Text,
    ) -> Result<bool, Error> {
        let records = (0u32..).zip(loader.loaded.set.records()).map(|(index, _)| index).collect::<Vec<_>>();
        let keys = self.with_frame(|frame| {
            records.iter().flat_map(|record| loader.loaded.set.identity_keys(frame, *record)).collect::<Vec<_>>()
        });
        loader.identities(&keys).await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut facts);
            changes.add_set(frame, &loader.loaded, &facts)
        })?;
        if let Some((lost, _)) = changes.commit.expect.first() {
            *key = lost.key.clone();
        }
        self.commit("store a merge", changes.commit).await
    }
}

fn open(entity: &Entity) -> Vec<Discrepancy> {
    let all = entity.discrepancies.values().map(|standing| Discrepancy::clone(standing));
    all.filter(|standing| standing.state != DiscrepancyState::Resolved).collect()
}

/// The units that we wrote on an entity's records, with what we wrote there: `(record, unit, value)`.
type Written = Vec<(Arc<crate::id::RecordRef>, UnitKey, crate::value::Field)>;

fn written_meanwhile(set: &WorkingSet, entity: EntityIndex) -> Written {
    let links = &set.entity(entity).entity.links;
    links
        .iter()
        .flat_map(|link| {
            link.bases
                .iter()
                .filter(|(_, base)| base.wrote.is_some())
                .map(|(key, base)| (Arc::clone(&link.record), key, base.seen.clone()))
        })
        .collect()
}

/// Gives an entity the golden values, bases and decisions that it had. A value that we wrote meanwhile is no move: golden
/// is owed there.
fn restore(set: &mut WorkingSet, index: EntityIndex, was: &Entity, written: &Written, facts: &mut Vec<EntityFact>) {
    let now = set.entity(index).entity.clone();
    let units: std::collections::BTreeSet<UnitKey> =
        was.golden.iter().chain(now.golden.iter()).map(|(key, _)| key).collect();
    for unit in units {
        let cell = was.golden.get(&unit);
        if cell != now.golden.get(&unit) {
            let cell = cell.cloned().map(Arc::new);
            set.record_fact(index, Fact::Settled { unit, cell }, facts);
        }
    }
    for link in &was.links {
        let Some(held) = set.entity(index).entity.link_of(&link.record) else { continue };
        let held = set.entity(index).entity.links[held].clone();
        let units: std::collections::BTreeSet<UnitKey> =
            link.bases.iter().chain(held.bases.iter()).map(|(key, _)| key).collect();
        for unit in units {
            let before = link.bases.get(&unit);
            let ours = written.iter().find(|(record, key, _)| *record == link.record && *key == unit);
            let base = match (before, ours) {
                (Some(base), Some((_, _, value))) if *value != base.seen => Some(Base::lost(value.clone(), base)),
                (base, _) => base.cloned(),
            };
            if base.as_ref() != held.bases.get(&unit) {
                let record = Arc::clone(&link.record);
                set.record_fact(index, Fact::Rebased { record, unit, base: base.map(Arc::new) }, facts);
            }
        }
        let counted: std::collections::BTreeSet<&UnitKey> =
            link.reactions.keys().chain(held.reactions.keys()).collect();
        for unit in counted {
            let count = link.reactions.get(unit).copied().unwrap_or(0);
            if count != held.reactions.get(unit).copied().unwrap_or(0) {
                let record = Arc::clone(&link.record);
                set.record_fact(index, Fact::Reacted { record, unit: unit.clone(), count }, facts);
            }
        }
        if held.existed != link.existed {
            let record = Arc::clone(&link.record);
            set.record_fact(index, Fact::Existed { record, existed: link.existed }, facts);
        }
    }
    set.touch(index, Touched::Everything);
}
