//! Doubted matches: links that a matcher made and that speak against themselves by now, as a later record or value has it. Nothing is taken
//! apart by itself; a person is asked whether it was a match, once.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::Tenant;
use crate::engine::case::CaseRow;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::match_index::{Held, in_order};
use crate::engine::match_queue::{Queued, queue_key};
use crate::engine::persist::{Changes, LinkRow, link_key, representation_key};
use crate::engine::tenant::matching::filing::told_of;
use crate::engine::tenant::merge::{MergeRow, merge_key};
use crate::entity::{Entity, Evidence};
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::{EntityId, RecordRef};
use crate::matching::{Match, Neighbourhood, Pair, Probability, doubted};
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::{EntityIndex, WorkingSet};

/// How many records that came apart one commit puts in the queue.
const AT_ONCE: usize = 200;

/// How a match is taken apart.
enum Way {
    /// The merge of an entity is taken back.
    Unmerge(EntityId, u64, Box<MergeRow>),
    /// A record is unlinked.
    Unlink(RecordRef),
}

/// What is doubted around a record, or that an index has to take in anew what some records say.
pub(super) enum Doubts {
    /// Pairs, each with the one of the two that stands apart.
    Of(Vec<(Pair, RecordRef)>),
    /// What these say is to be taken in anew.
    Outdated(BTreeSet<RecordRef>),
}

/// The records of an entity that an index knows, by its clusters; those first that were the entity before a match brought others.
fn parts(entity: &Entity, held: &Held, around: &mut Vec<Neighbourhood>) -> Vec<Vec<RecordRef>> {
    let mut parts: Vec<Vec<RecordRef>> = Vec::new();
    for link in entity.links.iter().filter(|link| held.revision_of(&link.record).is_some()) {
        let record = &*link.record;
        if parts.iter().flatten().any(|placed| placed == record) {
            continue;
        }
        let of = |around: &[Neighbourhood]| {
            let mut clusters = around.iter().flat_map(|around| &around.clusters);
            clusters.find(|cluster| cluster.contains(record)).cloned()
        };
        let cluster = of(around).or_else(|| {
            around.push(held.index.around(record));
            of(around)
        });
        let cluster = cluster.unwrap_or_else(|| vec![record.clone()]);
        let links = entity.links.iter().map(|link| &*link.record);
        parts.push(links.filter(|record| cluster.contains(record)).cloned().collect());
    }
    let own = |record: &RecordRef| {
        let link = entity.link_of(record).map(|place| &entity.links[place]);
        link.is_some_and(|link| link.evidence.held(entity.id) == Some(entity.id))
    };
    parts.sort_by_key(|part| !part.iter().any(own));
    parts
}

/// What is doubted of the entities that the records around one belong to.
pub(super) fn doubts_around(
    loader: &Loader<'_>,
    held: &Held,
    (near, around): (&[RecordRef], &Neighbourhood),
    review: Probability,
) -> Doubts {
    let set = &loader.loaded.set;
    let homes: BTreeSet<EntityIndex> =
        near.iter().filter_map(|record| set.record(set.find_record(record)?).entity).collect();
    let mut doubts = Vec::new();
    for home in homes {
        let entity = &set.entity(home).entity;
        let anew = entity.links.iter().map(|link| &*link.record).filter(|record| {
            let loaded = loader.loaded.revisions.get(&representation_key(record));
            loaded.is_some_and(|revision| !held.knows(record, *revision))
        });
        let anew: BTreeSet<RecordRef> = anew.cloned().collect();
        if !anew.is_empty() {
            return Doubts::Outdated(anew);
        }
        let mut around = vec![around.clone()];
        let parts = parts(entity, held, &mut around);
        if parts.len() > 1 {
            let mut pairs: Vec<Pair> = around.into_iter().flat_map(|around| around.pairs).collect();
            // Whoever is asked about first: of two that are as probable, the same one speaks.
            pairs.sort_by_cached_key(|pair| (Reverse(pair.probability), in_order(&pair.one, &pair.other)));
            doubts.extend(doubted(&parts, &pairs, review, &|one, other| held.index.between(one, other)));
        }
    }
    Doubts::Of(doubts)
}

/// The case that a doubted pair opens.
pub(super) fn case_of_doubt((pair, apart): &(Pair, RecordRef), model: u32, set: &WorkingSet, now: i64) -> CaseRow {
    let refused = pair.refused.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    let reason =
        format!("a match linked them, and by now they are one with a probability of {}{refused}", pair.probability);
    let (one, other) = in_order(&pair.one, &pair.other);
    let told = Match { doubted: Some(apart.clone()), ..told_of(pair, model) };
    CaseRow::new(vec![one, other], set.entity_of(&pair.one), reason, now).matched(told)
}

impl Tenant {
    /// Puts records in the queue that came apart from others of their entity where nothing of theirs changed, so many by one commit; those that
    /// are looked at already left out. Gives all that need no further look once this is stored.
    pub(super) async fn queue_parted(
        &self,
        of: u16,
        (held, near): (&mut Held, &[RecordRef]),
        changes: &mut Changes<'_>,
    ) -> Result<Vec<RecordRef>, Error> {
        let parted: Vec<RecordRef> = held.came_apart.iter().take(AT_ONCE).cloned().collect();
        let beside = parted.iter().filter(|record| near.binary_search(record).is_err());
        let beside: Vec<&RecordRef> = beside.filter(|record| held.revision_of(record).is_some()).collect();
        let keys: Vec<RowKey> = beside.iter().map(|record| link_key(record)).collect();
        let links = match keys.is_empty() {
            true => Vec::new(),
            false => self.core.store.load(&self.id, &keys).await.map_err(Error::store("look for links"))?,
        };
        for (record, link) in beside.into_iter().zip(links) {
            let link: Option<LinkRow> = link.map(|row| parse(Table::Link, &row)).transpose()?;
            // Of one that stands alone nothing can be doubted.
            let several = link.filter(|link| held.records_of(link.entity).count() > 1);
            if let Some(LinkRow { entity }) = several {
                changes.put(queue_key(&self.core.model.entity(of).name, record), &Queued { entity: Some(entity) });
            }
        }
        Ok(parted)
    }

    /// A person says that a match was one: what it linked belongs together, by their word.
    pub(super) async fn assert_match(
        &self,
        loader: &mut Loader<'_>,
        mut changes: Changes<'_>,
        index: EntityIndex,
        records: [&RecordRef; 2],
    ) -> Result<Option<Text>, Error> {
        let by = changes.actor().clone();
        let set = &mut loader.loaded.set;
        let entity = &set.entity(index).entity;
        let links = || entity.links.iter().filter(|link| matches!(link.evidence, Evidence::Matched { .. }));
        let came_with: BTreeSet<EntityId> = links()
            .filter(|link| records.contains(&&*link.record))
            .filter_map(|link| link.evidence.held(entity.id))
            .collect();
        // With whom a matcher brought it, it was before.
        let meant = links().filter(|link| {
            let held = link.evidence.held(entity.id);
            records.contains(&&*link.record) || held.is_some_and(|held| came_with.contains(&held))
        });
        let meant: Vec<Arc<RecordRef>> = meant.map(|link| Arc::clone(&link.record)).collect();
        let mut facts: Vec<EntityFact> = Vec::new();
        for record in meant {
            set.record_fact(index, Fact::Asserted { record, by: by.clone() }, &mut facts);
        }
        self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &facts))?;
        self.commit_or_lost("store the answer to a match", changes.commit).await
    }

    /// A person says that a match was none, of a record that stands apart and of one with which it does not: the merge that brought the one to
    /// the other is taken back, or the record that was linked is unlinked. The row by which the race was lost, if it was; `None` within: a
    /// person said meanwhile that they are one.
    pub(super) async fn part_match(
        &self,
        loader: &mut Loader<'_>,
        mut changes: Changes<'_>,
        index: EntityIndex,
        (records, reason): ([&RecordRef; 2], &str),
    ) -> Result<Option<Option<Text>>, Error> {
        let Some(way) = self.way_apart(loader, index, records).await? else { return Ok(None) };
        Ok(Some(match way {
            Way::Unmerge(merged, revision, row) => {
                // The case and the entity are as they were read, or the race is lost.
                let read = loader.loaded.revisions.iter();
                let read = read.filter(|(key, _)| matches!(key.table, Table::Case | Table::Entity));
                changes.commit.expect.extend(read.map(|(key, revision)| (key.clone(), *revision)));
                self.unmerge_row((merged, revision), *row, changes).await?
            }
            Way::Unlink(record) => self.unlink_loaded(loader, changes, (index, &record), reason).await?,
        }))
    }

    /// How a record that stands apart is taken from its entity; or, where it was no match that brought it, the other of the two.
    async fn way_apart(
        &self,
        loader: &Loader<'_>,
        index: EntityIndex,
        [apart, other]: [&RecordRef; 2],
    ) -> Result<Option<Way>, Error> {
        let entity = &loader.loaded.set.entity(index).entity;
        let matched = |record: &RecordRef| match &entity.links[entity.link_of(record)?].evidence {
            Evidence::Matched { from, .. } => Some(*from),
            _ => None,
        };
        let (record, stays) = if matched(apart).is_some() { (apart, other) } else { (other, apart) };
        let Some(merged) = matched(record) else { return Ok(None) };
        // A merge into an entity that was merged later cannot be taken back by itself: of that the record alone is let go of.
        if let Some(merged) = merged
            && let Some(row) = self.row(&merge_key(merged), "load a merge").await?
        {
            let merge: MergeRow = parse(Table::Case, &row)?;
            if merge.parts(entity.id, record, stays) {
                return Ok(Some(Way::Unmerge(merged, row.revision, Box::new(merge))));
            }
        }
        Ok(Some(Way::Unlink(record.clone())))
    }
}
