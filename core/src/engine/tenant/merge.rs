//! Merging two entities into one, and taking that back.
//!
//! A merge keeps what both were, so that an unmerge restores links and golden records exactly if nothing was written in
//! between (`docs/semantics.md` 12). What our own writes changed meanwhile is owed back, as a plan; what people changed
//! meanwhile stays.

mod later;
mod restore;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::discrepancy::{Discrepancy, DiscrepancyState};
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, case_key, case_of};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::apply::{create_row, write_row};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::matching::only_record;
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::take_in::merges::claim;
use crate::entity::stored::StoredEntity;
use crate::entity::{Entity, Evidence, Link};
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::{Actor, EntityId, RecordRef};
use crate::matching::Probability;
use crate::role::Role;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::working_set::{EntityIndex, WorkingSet};
use later::{Later, Taken};
use restore::{part_newcomers, restore, written_meanwhile};

/// What both entities were before a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MergeRow {
    survivor: StoredEntity,
    merged: StoredEntity,
    by: Actor,
    at: i64,
    /// The two records that the merge is about, where that is known: whoever takes it back speaks of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<[RecordRef; 2]>,
}

impl MergeRow {
    /// Whether taking it back takes a record from an entity, and leaves another there.
    pub(super) fn parts(&self, survivor: EntityId, record: &RecordRef, stays: &RecordRef) -> bool {
        self.survivor.id == survivor && self.merged.has(record) && !self.merged.has(stays)
    }
}

/// Who moves the records of a merged entity.
pub(super) enum MovedBy {
    /// A person: they are linked for the reasons for which they were.
    Person,
    /// A person who was asked about two records: of the one that moves they say whose it is.
    Answer { by: Actor, records: [RecordRef; 2] },
    /// A matcher that compared two records: what it moves stays together, and may be told from what was there.
    Matcher { records: [RecordRef; 2], probability: Probability, model: u32 },
}

impl MovedBy {
    /// The two records that a merge of two entities is about: those that were compared, or the only ones that there are.
    fn about(&self, survivor: &Entity, merged: &Entity) -> Option<[RecordRef; 2]> {
        match self {
            MovedBy::Person => Some([only_record(survivor)?.clone(), only_record(merged)?.clone()]),
            MovedBy::Answer { records, .. } | MovedBy::Matcher { records, .. } => Some(records.clone()),
        }
    }

    /// Why a record is linked that an entity brings with it.
    fn evidence(&self, was: Evidence, merged: EntityId, record: &RecordRef) -> Evidence {
        match self {
            MovedBy::Person => was,
            MovedBy::Answer { .. } | MovedBy::Matcher { .. } if was == Evidence::Hub => was,
            MovedBy::Answer { by, records } if records.contains(record) => Evidence::Asserted { by: by.clone() },
            MovedBy::Answer { .. } => was,
            MovedBy::Matcher { probability, model, .. } => {
                // One that a matcher brought before stays with those with which it came.
                let from = was.held(merged).or(Some(merged));
                Evidence::Matched { from, probability: *probability, model: *model }
            }
        }
    }
}

/// What the keys of its rows begin with.
pub(super) const MERGES: &str = "merge/";

pub(super) fn merge_key(merged: EntityId) -> RowKey {
    RowKey::new(Table::Case, format!("{MERGES}{merged}"))
}

/// The part of a row that says who was merged into whom.
#[derive(Deserialize)]
struct Pair {
    survivor: Named,
    merged: Named,
}

/// The part of an entity that names it.
#[derive(Deserialize)]
struct Named {
    id: EntityId,
}

/// Who was merged into whom, by a row.
pub(super) fn merged_pair(row: &Row) -> Result<(EntityId, EntityId), Error> {
    let Pair { survivor, merged } = parse(Table::Case, row)?;
    Ok((merged.id, survivor.id))
}

impl Tenant {
    /// Merges `merged` into `survivor`: its records become the survivor's, its id an alias, and its discrepancies are
    /// resolved with it: what still stands is found on the survivor.
    ///
    /// The merged records have no common ancestor with the survivor's golden record: where they contradict it, the conflict
    /// is listed and waits, and nothing is overwritten.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`], [`Error::EntitiesOfOtherTypes`], [`Error::SameEntity`]; [`Error::AlreadyMerged`] if
    /// either is an alias; [`Error::HeldApart`] if they were merged before and that was taken back;
    /// [`Error::WriteUnderWay`] while a write of either has no receipt, because the receipt would be the alias's; or a
    /// store that failed.
    pub async fn merge(&self, survivor: EntityId, merged: EntityId, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "merge entities").await?;
        if survivor == merged {
            return Err(Error::SameEntity(merged));
        }
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let (mut loader, into, from) = self.load_pair(survivor, merged).await?;
            self.require_mergeable(&loader.loaded.set, into, from)?;
            self.require_settled(&mut loader, &[into, from]).await?;
            let changes = Changes::new(&self.core, as_of, by);
            if attempts.won(self.merge_loaded(&mut loader, changes, (into, from), &MovedBy::Person).await?)? {
                return Ok(());
            }
        }
    }

    /// Merges the second of two loaded entities into the first, and commits it with what the changes hold. A row: the race for it was
    /// lost.
    pub(super) async fn merge_loaded(
        &self,
        loader: &mut Loader<'_>,
        mut changes: Changes<'_>,
        (into, from): (EntityIndex, EntityIndex),
        moved_by: &MovedBy,
    ) -> Result<Option<Text>, Error> {
        let set = &mut loader.loaded.set;
        let (to, of) = (&set.entity(into).entity, &set.entity(from).entity);
        let model = self.core.model.entity(to.entity);
        let (as_of, by) = (changes.as_of(), changes.actor().clone());
        let (survivor, merged) = (to.id, of.id);
        let about = moved_by.about(to, of);
        if let (MovedBy::Person, Some([one, other])) = (moved_by, &about) {
            self.note_example(&mut changes, (one, other), true);
        }
        let (before, also) = (to.to_stored(model), of.to_stored(model));
        let row = MergeRow { survivor: before, merged: also, by: by.clone(), at: as_of, about };
        let mut facts: Vec<EntityFact> = Vec::new();
        let of = Entity::clone(of);
        for link in of.links {
            let unlinked = Fact::Unlinked { record: Arc::clone(&link.record) };
            set.record_fact(from, unlinked, &mut facts);
            let Some(record) = set.find_record(&link.record) else { continue };
            let evidence = moved_by.evidence(link.evidence, merged, &link.record);
            set.link(into, record, link.order, evidence, &mut facts);
        }
        // An alias has nothing of its own that could stand open. What still differs is found of the survivor.
        for standing in of.discrepancies.values().filter(|one| one.state != DiscrepancyState::Resolved) {
            let resolved = Discrepancy { state: DiscrepancyState::Resolved, last_seen: as_of, ..(**standing).clone() };
            set.record_fact(from, Fact::Disputed { discrepancy: Arc::new(resolved) }, &mut facts);
        }
        // Whoever is held apart from the one is held apart from both.
        for other in of
            .cannot_link
            .iter()
            .filter(|other| !set.entity(into).entity.cannot_link.contains(*other))
            .copied()
            .collect::<Vec<_>>()
        {
            set.record_fact(into, Fact::CannotLink { other, holds: true }, &mut facts);
        }
        let kept: Vec<_> = set.entity(into).entity.links.iter().map(|link| Arc::clone(&link.record)).collect();
        for (record, held) in of.held_apart.into_iter().filter(|(record, _)| !kept.contains(record)) {
            if !set.entity(into).entity.held_apart.contains_key(&record) {
                set.record_fact(into, Fact::HeldApart { record, held: Some(Box::new(held)) }, &mut facts);
            }
        }
        set.record_fact(from, Fact::Merged { into: Some(survivor) }, &mut facts);
        changes.put(merge_key(merged), &row);
        changes.journal("entities_merged", &merged.to_string(), &(survivor, merged, &by));
        self.store_pair(loader, changes, facts, into).await
    }

    /// Takes a merge back: the records that came with `merged` go back to it, and both golden records and decisions are
    /// what they were, but for what people changed in systems meanwhile. A record that was linked meanwhile goes where its
    /// identity values lead. What was decided meanwhile, and a record that leads to neither or both, is a case.
    ///
    /// From then on the two are held apart: [`Tenant::merge`] refuses them until [`Tenant::allow_merge`] is called.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`]; [`Error::NotMerged`]; [`Error::AlreadyMerged`] if the survivor was itself merged
    /// meanwhile; [`Error::WriteUnderWay`] while a write of the survivor has no receipt; or a store that failed.
    pub async fn unmerge(&self, merged: EntityId, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "take entities apart").await?;
        let mut attempts = Attempts::default();
        loop {
            let row = self.row(&merge_key(merged), "load a merge").await?;
            let Some(row) = row else { return Err(self.not_merged(merged).await?) };
            let before: MergeRow = parse(Table::Case, &row)?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            if let Some([one, other]) = &before.about {
                self.note_example(&mut changes, (one, other), false);
            }
            if attempts.won(self.unmerge_row((merged, row.revision), before, changes).await?)? {
                return Ok(());
            }
        }
    }

    /// Takes back the merge of a row, and commits that with what the changes hold. A row: the race for it was lost.
    pub(super) async fn unmerge_row(
        &self,
        (merged, revision): (EntityId, u64),
        before: MergeRow,
        mut changes: Changes<'_>,
    ) -> Result<Option<Text>, Error> {
        let (as_of, by) = (changes.as_of(), changes.actor().clone());
        let row_key = merge_key(merged);
        let gone = || Error::UnknownEntity { expected: "entity".into(), id: merged };
        let was_survivor = Entity::from_stored(before.survivor, &self.core.model).ok_or_else(gone)?;
        let was_merged = Entity::from_stored(before.merged, &self.core.model).ok_or_else(gone)?;
        let (mut loader, into, from) = self.load_pair(was_survivor.id, merged).await?;
        require_no_alias(&loader.loaded.set, into)?;
        self.require_settled(&mut loader, &[into, from]).await?;
        let later = self.merges_after((&was_survivor, &was_merged), before.at).await?;
        let brought: BTreeSet<Arc<RecordRef>> = later.iter().flat_map(Later::brought).collect();
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
        let (first, second) = ((into, &was_survivor), (from, &was_merged));
        let parted = self.with_frame(|frame| part_newcomers(frame, set, first, second, &brought, &mut facts));
        let decided = restore(set, into, &was_survivor, before.at, &written, &mut facts);
        restore(set, from, &was_merged, before.at, &written, &mut facts);
        let inherited = was_merged.cannot_link.difference(&was_survivor.cannot_link);
        for other in inherited.filter(|other| !later.iter().any(|later| later.merged.cannot_link.contains(other))) {
            set.record_fact(into, Fact::CannotLink { other: *other, holds: false }, &mut facts);
        }
        // What only the merged one was not, the survivor may be again; what was unlinked meanwhile is neither.
        let held = set.entity(into).entity.held_apart.clone();
        let of_another =
            |record: &Arc<RecordRef>| later.iter().any(|later| later.merged.held_apart.contains_key(record));
        let meanwhile = |record: &Arc<RecordRef>| !was_survivor.held_apart.contains_key(record) && !of_another(record);
        for (record, held) in held.into_iter().filter(|(record, _)| meanwhile(record)) {
            let fact = match was_merged.held_apart.get(&record) == Some(&held) {
                true => (into, Fact::HeldApart { record, held: None }),
                false => (from, Fact::HeldApart { record, held: Some(Box::new(held)) }),
            };
            set.record_fact(fact.0, fact.1, &mut facts);
        }
        for (one, other) in [(into, merged), (from, was_survivor.id)] {
            set.record_fact(one, Fact::CannotLink { other, holds: true }, &mut facts);
        }
        let model = self.core.model.entity(was_survivor.entity);
        for (unit, decision) in decided {
            let unit = model.unit_name(&unit);
            let why = format!(
                "`{unit}` was decided by {} while the two were one: decide it again for whichever it is true of",
                decision.by
            );
            let case = CaseRow::new(Vec::new(), [was_survivor.id, merged], why, as_of);
            changes.put(unmerged_case(was_survivor.id, &unit), &case);
        }
        // What the survivor was before later merges rests on this one no more.
        let taken = Taken {
            survivor: &was_survivor,
            merged: &was_merged,
            at: before.at,
            gone: &parted.gone,
            written: &written,
        };
        for later in later {
            later.rewrite(&taken, model, &mut changes);
        }
        for record in parted.unclear {
            let why = "it was linked while the two were one: link it to the one that it belongs to";
            let case = CaseRow::new(vec![record.clone()], [was_survivor.id, merged], why, as_of);
            changes.put(case_of(CaseKind::Unmerged, &record), &case);
        }
        // What a system merged is in two again: whether that is right is asked again.
        for loser in [into, from].into_iter().flat_map(|index| set.entity(index).records.clone()) {
            if let Some((key, case)) = claim(set, loser, as_of) {
                changes.put(key, &case);
            }
        }
        changes.delete(row_key.clone());
        changes.commit.expect.push((row_key, Some(revision)));
        changes.journal("entities_unmerged", &merged.to_string(), &(was_survivor.id, merged, by));
        self.store_pair(&mut loader, changes, facts, from).await
    }

    /// Takes back that two entities are held apart: they may be merged again.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`], or a store that failed.
    pub async fn allow_merge(&self, one: EntityId, other: EntityId, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "allow merges").await?;
        let mut attempts = Attempts::default();
        loop {
            let (mut loader, first, second) = self.load_pair(one, other).await?;
            let mut facts: Vec<EntityFact> = Vec::new();
            let set = &mut loader.loaded.set;
            for (index, other) in [(first, other), (second, one)] {
                if set.entity(index).entity.cannot_link.contains(&other) {
                    set.record_fact(index, Fact::CannotLink { other, holds: false }, &mut facts);
                }
            }
            if facts.is_empty() {
                return Ok(());
            }
            let changes = Changes::new(&self.core, self.now(), by);
            if attempts.won(self.store_pair(&mut loader, changes, facts, first).await?)? {
                return Ok(());
            }
        }
    }

    /// The entities that were merged and not taken apart again, each with the one that it was merged into.
    pub(super) async fn merged_pairs(&self) -> Result<Vec<(EntityId, EntityId)>, Error> {
        let (mut pairs, mut rows) = (Vec::new(), Pages::of(self, Table::Case, MERGES, "list merges"));
        while let Some(row) = rows.next().await? {
            pairs.push(merged_pair(&row)?);
        }
        Ok(pairs)
    }

    pub(super) fn require_mergeable(
        &self,
        set: &WorkingSet,
        into: EntityIndex,
        from: EntityIndex,
    ) -> Result<(), Error> {
        require_no_alias(set, into)?;
        require_no_alias(set, from)?;
        let (to, of) = (&set.entity(into).entity, &set.entity(from).entity);
        if to.entity != of.entity {
            let name = |entity: &Entity| self.core.model.entity(entity.entity).name.clone();
            return Err(Error::EntitiesOfOtherTypes {
                one: to.id,
                one_type: name(to),
                other: of.id,
                other_type: name(of),
            });
        }
        if to.cannot_link.contains(&of.id) || of.cannot_link.contains(&to.id) {
            return Err(Error::HeldApart { one: to.id, other: of.id });
        }
        Ok(())
    }

    /// Refuses while a write of any of these entities has no receipt. That there is none is part of the commit.
    pub(super) async fn require_settled(&self, loader: &mut Loader<'_>, entities: &[EntityIndex]) -> Result<(), Error> {
        for index in entities {
            let entity = &loader.loaded.set.entity(*index).entity;
            let id = entity.id;
            let places = self.places_of_writes(entity);
            let keys: Vec<RowKey> = places.iter().map(|(key, _)| key.clone()).collect();
            let rows = loader.rows(&keys).await?;
            if let Some(((_, place), _)) = places.into_iter().zip(rows).find(|(_, row)| row.is_some()) {
                return Err(Error::WriteUnderWay { entity: id, place });
            }
        }
        Ok(())
    }

    /// The rows that a write of an entity under way would have, each with where it is written.
    pub(super) fn places_of_writes(&self, entity: &Entity) -> Vec<(RowKey, Text)> {
        let of_link = |link: &Link| (write_row(&link.record), Text::from(link.record.to_string()));
        let mut places: Vec<(RowKey, Text)> = entity.links.iter().map(of_link).collect();
        for object in &self.core.model.entity(entity.entity).objects {
            let declared = &object.declared;
            let of_system = |(_, bound): &(_, &crate::engine::Connection)| bound.system == declared.system;
            for (connection, _) in self.core.connections.iter().filter(of_system) {
                let row = create_row(connection, &declared.object, entity.id, entity.generation);
                places.push((row, format!("{connection}/{}", declared.object).into()));
            }
        }
        places
    }

    /// Why there is nothing to take back.
    async fn not_merged(&self, id: EntityId) -> Result<Error, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(&[id]).await?;
        Ok(match loader.loaded.set.find_entity(id) {
            Some(_) => Error::NotMerged(id),
            None => Error::UnknownEntity { expected: "entity".into(), id },
        })
    }

    pub(super) async fn load_pair(
        &self,
        one: EntityId,
        other: EntityId,
    ) -> Result<(Loader<'_>, EntityIndex, EntityIndex), Error> {
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

    /// Settles, and commits. `moved` is the entity that records were moved to. A row: the race for it was lost.
    pub(super) async fn store_pair(
        &self,
        loader: &mut Loader<'_>,
        mut changes: Changes<'_>,
        facts: Vec<EntityFact>,
        moved: EntityIndex,
    ) -> Result<Option<Text>, Error> {
        let as_of = changes.as_of();
        let mut links = Links::with(facts);
        for record in loader.loaded.set.entity(moved).records.clone() {
            if loader.loaded.set.records().len() > record as usize {
                links.note(loader, record);
            }
        }
        self.follow_links(loader, &mut changes, &mut links).await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut links.facts);
            changes.add_set(frame, &loader.loaded, &links.facts)
        })?;
        self.commit_or_lost("store a merge", changes.commit).await
    }
}

/// The row of the case about a decision of the merged time.
pub(crate) fn unmerged_case(survivor: EntityId, unit: &str) -> RowKey {
    case_key(CaseKind::Unmerged, format_args!("{survivor}/{unit}"))
}

fn require_no_alias(set: &WorkingSet, index: EntityIndex) -> Result<(), Error> {
    let entity = &set.entity(index).entity;
    match entity.merged_into {
        Some(into) => Err(Error::AlreadyMerged { id: entity.id, into }),
        None => Ok(()),
    }
}
