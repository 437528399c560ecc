//! Linking: joins records to entities by their keys, and does what follows wherever a record gains an entity or changes
//! it. Taking in, receipts, asserted links and merges all end here, so that none forgets a part of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, case_of};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::identity_index::{changed_rows, to_try_again};
use crate::engine::persist::Changes;
use crate::engine::tenant::work::{WorkRow, work_key};
use crate::entity::{Evidence, HUB_OBJECT};
use crate::error::Error;
use crate::fact::EntityFact;
use crate::id::{ConnectionName, EntityId, ObjectType, RecordRef};
use crate::settle::Touched;
use crate::store::Table;
use crate::working_set::{EntityIndex, RecordIndex, Unlinked, identity_values};

/// What a step links, and what it cannot.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Every fact of the step so far.
    pub(crate) facts: Vec<EntityFact>,
    /// The records that gained or changed their entity.
    linked: Vec<RecordRef>,
    /// The records that are to be listed as unlinked.
    unlinked: BTreeMap<RecordRef, Unlinked>,
    /// The records that are listed no longer: they are gone.
    silent: BTreeSet<RecordRef>,
    /// The records that a person unlinks in this step.
    pub(crate) taken_off: BTreeSet<RecordRef>,
    /// The records that may be the ones that we are creating.
    pub(crate) awaited: BTreeSet<RecordRef>,
}

impl Links {
    /// Links after facts that were recorded before.
    pub(crate) fn with(facts: Vec<EntityFact>) -> Self {
        Self { facts, ..Self::default() }
    }

    /// Links a record that was added to an entity that was added.
    pub(crate) fn link(
        &mut self,
        loader: &mut Loader<'_>,
        entity: EntityIndex,
        record: RecordIndex,
        as_of: i64,
        evidence: Evidence,
    ) {
        let order = order(as_of, self.linked.len());
        loader.loaded.set.link(entity, record, order, evidence, &mut self.facts);
        self.note(loader, record);
    }

    /// Notes that a record was linked.
    pub(crate) fn note(&mut self, loader: &Loader<'_>, record: RecordIndex) {
        let record = (*loader.loaded.set.record(record).record).clone();
        self.unlinked.remove(&record);
        self.awaited.remove(&record);
        self.linked.push(record);
    }

    /// The records that gained or changed their entity.
    pub(crate) fn records<'a>(&'a self, loader: &'a Loader<'_>) -> impl Iterator<Item = RecordIndex> + 'a {
        self.linked.iter().filter_map(|record| loader.loaded.set.find_record(record))
    }
}

impl Tenant {
    /// Joins records without entity to those that hold the same identity values. Their rows are loaded.
    pub(crate) async fn join(
        &self,
        loader: &mut Loader<'_>,
        records: &[RecordIndex],
        as_of: i64,
        links: &mut Links,
    ) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let awaiting = self.creates_under_way().await?;
        self.with_frame(|frame| {
            // What changed records hold now counts, not what they held when they were loaded.
            let now: Vec<_> = changed_rows(&self.core.model, &loader.loaded)
                .into_iter()
                .map(|(key, row)| (key.clone(), row.entities()))
                .collect();
            for (key, entities) in now {
                loader.loaded.set.set_identity(key, entities);
            }
            for record in records {
                self.join_one(frame, loader, *record, as_of, &awaiting, links);
            }
        });
        Ok(())
    }

    fn join_one(
        &self,
        frame: &crate::working_set::Frame<'_>,
        loader: &mut Loader<'_>,
        record: RecordIndex,
        as_of: i64,
        awaiting: &BTreeSet<(ConnectionName, ObjectType)>,
        links: &mut Links,
    ) {
        let state = loader.loaded.set.record(record);
        let reference = (*state.record).clone();
        if !state.representation.speaks() {
            links.silent.insert(reference);
            return;
        }
        if state.object == HUB_OBJECT {
            let entity = reference.id.parse().ok().and_then(|id| loader.loaded.set.find_entity(id));
            if let Some(entity) = entity {
                links.link(loader, entity, record, as_of, Evidence::Hub);
            }
            return;
        }
        if self.says_not_who(loader, record) {
            links.awaited.insert(reference);
            return;
        }
        let awaits = awaiting.contains(&(reference.connection.clone(), reference.object.clone()));
        let order = order(as_of, links.linked.len());
        let mut new_id = || self.core.new_entity_id(as_of);
        match loader.loaded.set.join(frame, record, order, awaits, &mut new_id, &mut links.facts) {
            Ok(_) => links.note(loader, record),
            Err(Unlinked::Awaits) => drop(links.awaited.insert(reference)),
            Err(unlinked) => drop(links.unlinked.insert(reference, unlinked)),
        }
    }

    /// Whether a record was only heard of in parts, and none of them said whose it is: it is read before it is anybody's.
    fn says_not_who(&self, loader: &Loader<'_>, record: RecordIndex) -> bool {
        let state = loader.loaded.set.record(record);
        let model = self.core.model.entity(state.entity_type);
        let existence = state.representation.existence();
        let Some(object) = model.objects.get(usize::from(state.object)) else { return false };
        let told = object.slots.iter().any(|slot| model.attributes[usize::from(slot.attribute)].identity);
        // Once it was read, there is no more to wait for.
        told && !existence.seen_whole()
            && existence.met_by() == 0
            && identity_values(model, state.object, &state.representation).is_empty()
    }

    /// Does what follows from what a step linked, and from what records hold by now: records that waited for a holder of
    /// their identity values are tried again, references to linked records wake, cases and lists are closed, and all that
    /// settling rests on is loaded. What a step does not pass through here is not settled with it.
    pub(crate) async fn follow_links(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        links: &mut Links,
    ) -> Result<(), Error> {
        let as_of = changes.as_of();
        let mut tried: BTreeMap<RecordRef, BTreeSet<EntityId>> = BTreeMap::new();
        loop {
            let linked: Vec<RecordIndex> = links.records(loader).collect();
            loader.identities_of(&linked).await?;
            let rows = changed_rows(&self.core.model, &loader.loaded);
            let again = to_try_again(&loader.loaded, &rows, &tried);
            if again.is_empty() {
                break;
            }
            let records: Vec<RecordRef> = again.keys().cloned().collect();
            tried.extend(again);
            loader.records(&records).await?;
            loader.merges().await?;
            let found = records.iter().filter_map(|record| loader.loaded.set.find_record(record));
            let found: Vec<RecordIndex> =
                found.filter(|record| loader.loaded.set.record(*record).entity.is_none()).collect();
            loader.identities_of(&found).await?;
            self.join(loader, &found, as_of, links).await?;
        }
        for record in &links.awaited {
            // Whether it is the record that we are creating is known when that is settled: then it is read again.
            changes.put(work_key(record), &WorkRow::parked(None, as_of));
        }
        self.list_unlinked(loader, changes, links).await?;
        self.close_settled(loader, changes, links).await?;
        for entity in loader.naming(&links.linked).await? {
            loader.loaded.set.touch(entity, Touched::Everything);
        }
        loader.references().await
    }

    /// Lists the records that belong to no entity, and takes those off the list that do by now, or that are gone.
    async fn list_unlinked(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        links: &Links,
    ) -> Result<(), Error> {
        let ended: Vec<_> =
            links.linked.iter().chain(&links.silent).map(|record| case_of(CaseKind::Unlinked, record)).collect();
        for (key, row) in ended.clone().into_iter().zip(loader.rows(&ended).await?) {
            if row.is_some() {
                changes.delete(key);
            }
        }
        let keys: Vec<_> = links.unlinked.keys().map(|record| case_of(CaseKind::Unlinked, record)).collect();
        let rows = loader.rows(&keys).await?;
        for ((key, row), (record, unlinked)) in keys.into_iter().zip(rows).zip(&links.unlinked) {
            let listed: Option<CaseRow> = row.map(|row| parse(Table::Case, &row)).transpose()?;
            let since = listed.as_ref().map_or(changes.as_of(), |listed| listed.since);
            let (why, candidates) = match unlinked {
                Unlinked::Ambiguous(entities) => ("it matches several entities", entities.clone()),
                // Opened by whoever unlinked it, and by nobody who looks again: it may have been closed.
                Unlinked::HeldApart(_) if listed.is_none() && !links.taken_off.contains(record) => continue,
                Unlinked::HeldApart(entities) => {
                    ("a person unlinked it from the entity that its values lead to", entities.clone())
                }
                Unlinked::NoMatch => ("it matches no entity, and its object type makes none", Vec::new()),
                Unlinked::Awaits => continue,
            };
            let now = CaseRow::new(vec![record.clone()], candidates, why, since);
            if listed.as_ref() != Some(&now) {
                changes.put(key, &now);
            }
        }
        Ok(())
    }

    /// Closes the cases that asked for what was linked.
    async fn close_settled(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        links: &Links,
    ) -> Result<(), Error> {
        let mut keys = BTreeSet::new();
        for record in &links.linked {
            keys.insert(case_of(CaseKind::CreatedElsewhere, record));
            keys.insert(case_of(CaseKind::MergedInSystem, record));
            keys.insert(case_of(CaseKind::Unmerged, record));
            let state = loader.loaded.set.find_record(record).map(|index| loader.loaded.set.record(index));
            if let Some((_, survivor)) = state.and_then(|state| state.representation.latest_merge()) {
                let survivor = RecordRef { id: survivor.clone(), ..record.clone() };
                keys.insert(case_of(CaseKind::MergedInSystem, &survivor));
            }
        }
        let keys: Vec<_> = keys.into_iter().collect();
        let rows = loader.rows(&keys).await?;
        for (key, row) in keys.into_iter().zip(rows) {
            let Some(row) = row else { continue };
            let case: CaseRow = parse(Table::Case, &row)?;
            let set = &loader.loaded.set;
            let of_records: BTreeSet<Option<EntityId>> =
                case.records.iter().map(|record| set.entity_of(record)).collect();
            let [Some(entity)] = of_records.into_iter().collect::<Vec<_>>()[..] else { continue };
            let created = CaseKind::of_key(&key.key) == Some(CaseKind::CreatedElsewhere);
            let merged_into = |id: EntityId| set.entity(set.find_entity(id)?).entity.merged_into;
            let own = |id: &EntityId| *id == entity || merged_into(*id) == Some(entity);
            if !created || case.entities.iter().any(own) {
                changes.delete(key);
            }
        }
        Ok(())
    }
}

/// The place of a link in the order of confirmation.
fn order(as_of: i64, place: usize) -> u64 {
    u64::try_from(as_of).unwrap_or(0) << 16 | u64::try_from(place).unwrap_or(u64::MAX) & 0xFFFF
}
