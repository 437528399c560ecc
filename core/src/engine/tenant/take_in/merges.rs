//! Merges inside a system: the survivor takes the loser's place, whoever speaks of a loser is taken to mean the survivor,
//! and what contradicts itself is a case.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, case_of};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::intake::Input;
use crate::engine::persist::Changes;
use crate::engine::suppression::suppressed_key;
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::work::Hints;
use crate::entity::Evidence;
use crate::error::Error;
use crate::id::RecordRef;
use crate::settle::Touched;
use crate::store::{RowKey, Table};
use crate::working_set::{RecordIndex, WorkingSet};

/// The circles that the merges of loaded records run into, each by its first record.
pub(super) fn cycles(set: &WorkingSet) -> BTreeMap<RecordRef, Vec<RecordRef>> {
    let merged = (0u32..).zip(set.records()).filter(|(_, state)| state.representation.latest_merge().is_some());
    let cycles = merged.filter_map(|(index, state)| {
        let of = |id| RecordRef { id, ..(*state.record).clone() };
        let cycle: Vec<RecordRef> = set.resolution(index).cycle.into_iter().map(of).collect();
        Some((cycle.first()?.clone(), cycle))
    });
    cycles.collect()
}

/// The record that a record leads to.
fn survivor_of(set: &WorkingSet, record: RecordIndex) -> RecordRef {
    let survivor = set.resolution(record).survivor;
    RecordRef { id: survivor, ..(*set.record(record).record).clone() }
}

impl Tenant {
    /// Follows what the inputs of a batch said of merges, and what they said of records that were merged away. `before`
    /// are the circles that there were. Gives the records that stand, or stand no longer, by now.
    pub(super) async fn follow_merges(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        links: &mut Links,
        hints: &mut Hints,
        inputs: &[Input],
        before: &BTreeMap<RecordRef, Vec<RecordRef>>,
    ) -> Result<Vec<RecordIndex>, Error> {
        let restood = loader.merges().await?;
        for index in &restood {
            if let Some(entity) = loader.loaded.set.record(*index).entity {
                loader.loaded.set.touch(entity, Touched::Everything);
            }
        }
        let seen: BTreeSet<&RecordRef> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Observed { observation, .. } => Some(&observation.record),
                _ => None,
            })
            .collect();
        let mut cases: BTreeMap<RowKey, CaseRow> = BTreeMap::new();
        let losers: Vec<RecordIndex> = (0u32..)
            .zip(loader.loaded.set.records())
            .filter(|(_, state)| state.changed && state.representation.redirected_to().is_some())
            .map(|(index, _)| index)
            .collect();
        let suppressed = self.suppressed_survivors(loader, &losers).await?;
        for loser in losers {
            let survivor = survivor_of(&loader.loaded.set, loser);
            if !seen.contains(&survivor) {
                hints.insert(survivor.clone());
            }
            follow_survivor(loader, changes.as_of(), loser, &survivor, links);
            cases.extend(claim(&loader.loaded.set, loser, changes.as_of()));
            if suppressed.contains(&survivor) {
                cases.extend(withheld(&loader.loaded.set, loser, survivor, changes.as_of()));
            }
        }
        let now = cycles(&loader.loaded.set);
        for (first, cycle) in now.iter().filter(|(first, _)| !before.contains_key(*first)) {
            let why =
                "its system merged each of these records into the next; the one that the latest merges lead to stands";
            cases.insert(case_of(CaseKind::MergeCycle, first), CaseRow::new(cycle.clone(), [], why, changes.as_of()));
            if let Some(index) = loader.loaded.set.find_record(first) {
                hints.insert(survivor_of(&loader.loaded.set, index));
            }
        }
        for first in before.keys().filter(|first| !now.contains_key(*first)) {
            changes.delete(case_of(CaseKind::MergeCycle, first));
        }
        let keys: Vec<RowKey> = cases.keys().cloned().collect();
        let rows = loader.rows(&keys).await?;
        for ((key, mut case), row) in cases.into_iter().zip(rows) {
            let standing: Option<CaseRow> = row.map(|row| parse(Table::Case, &row)).transpose()?;
            case.since = standing.as_ref().map_or(case.since, |standing| standing.since);
            if standing.as_ref() != Some(&case) {
                changes.put(key, &case);
            }
        }
        Ok(restood)
    }

    /// The records that losers lead to and that are known as an erased person's.
    async fn suppressed_survivors(
        &self,
        loader: &mut Loader<'_>,
        losers: &[RecordIndex],
    ) -> Result<BTreeSet<RecordRef>, Error> {
        let (_, suppression) = self.suppression().await?;
        if losers.is_empty() || suppression.secret.is_empty() {
            return Ok(BTreeSet::new());
        }
        let survivors: Vec<RecordRef> = losers.iter().map(|loser| survivor_of(&loader.loaded.set, *loser)).collect();
        let keys: Vec<RowKey> =
            survivors.iter().map(|survivor| suppressed_key(suppression.of_record(survivor))).collect();
        let rows = loader.rows(&keys).await?;
        Ok(survivors.into_iter().zip(rows).filter(|(_, row)| row.is_some()).map(|(survivor, _)| survivor).collect())
    }
}

/// The case of somebody whose record was merged into one of an erased person: nobody can tell whose words it has, and none is kept until a
/// person lets it be heard.
fn withheld(set: &WorkingSet, loser: RecordIndex, survivor: RecordRef, as_of: i64) -> Option<(RowKey, CaseRow)> {
    let state = set.record(loser);
    let entities = [set.entity(state.entity?).entity.id];
    let why =
        "a record of it was merged, inside its system, into one of somebody who was erased: what that says is not kept";
    let key = case_of(CaseKind::MergedInSystem, &survivor);
    Some((key, CaseRow::new(vec![survivor, (*state.record).clone()], entities, why, as_of)))
}

/// A survivor without link takes the loser's place: the entity of the merged record goes on.
fn follow_survivor(loader: &mut Loader<'_>, as_of: i64, from: RecordIndex, survivor: &RecordRef, links: &mut Links) {
    let set = &loader.loaded.set;
    let Some(to) = set.find_record(survivor) else { return };
    if let (Some(entity), None) = (set.record(from).entity, set.record(to).entity) {
        if set.entity(entity).entity.held_apart.contains_key(survivor) {
            // A person said that the survivor is not this entity: its system says that it is. The case says so.
            return;
        }
        links.link(loader, entity, to, as_of, Evidence::Survived);
    }
}

/// The case of a merged record whose survivor belongs to another entity: whether the entities are one is a person's to
/// say.
pub(crate) fn claim(set: &WorkingSet, loser: RecordIndex, as_of: i64) -> Option<(RowKey, CaseRow)> {
    let state = set.records().get(loser as usize)?;
    state.representation.redirected_to()?;
    let survivor = survivor_of(set, loser);
    let one = state.entity?;
    let other = set.record(set.find_record(&survivor)?).entity;
    if other.is_none() && set.entity(one).entity.held_apart.contains_key(&survivor) {
        let why = "a record of it was merged, inside its system, into one that a person unlinked from it";
        let key = case_of(CaseKind::MergedInSystem, &survivor);
        let entities = [set.entity(one).entity.id];
        return Some((key, CaseRow::new(vec![survivor, (*state.record).clone()], entities, why, as_of)));
    }
    let other = other?;
    if one == other {
        return None;
    }
    let entities = [set.entity(one).entity.id, set.entity(other).entity.id];
    let why = "records of two entities were merged inside their system";
    let key = case_of(CaseKind::MergedInSystem, &survivor);
    Some((key, CaseRow::new(vec![survivor, (*state.record).clone()], entities, why, as_of)))
}
