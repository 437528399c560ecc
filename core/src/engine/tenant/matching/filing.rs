//! Filing what only a person can tell: the cases about the records of a neighbourhood are opened, changed and closed in the commit that
//! takes its records off the queue.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, case_key};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::match_index::{Held, in_order};
use crate::engine::match_queue::queue_key;
use crate::engine::persist::{Changes, PART, record_key};
use crate::engine::tenant::matching::Matched;
use crate::engine::tenant::matching::join::keys_ask;
use crate::error::Error;
use crate::id::{EntityId, RecordRef};
use crate::matching::{Match, Pair};
use crate::store::{RowKey, Table};
use crate::working_set::{EntityIndex, WorkingSet};

/// The case about two records.
pub(super) fn match_case(one: &RecordRef, other: &RecordRef) -> RowKey {
    let (one, other) = in_order(one, other);
    case_key(CaseKind::Match, format_args!("{}{PART}{}", record_key(&one), record_key(&other)))
}

/// What a model said of a pair.
pub(super) fn told_of(pair: &Pair, model: u32) -> Match {
    let Pair { probability, refused, steps, tells, .. } = pair.clone();
    Match { probability, model, refused, steps, tells, doubted: None }
}

/// The case that a pair opens.
pub(super) fn case_of_pair(pair: &Pair, model: u32, set: &WorkingSet, now: i64) -> CaseRow {
    let entities: BTreeSet<EntityId> = [&pair.one, &pair.other].into_iter().filter_map(|r| set.entity_of(r)).collect();
    let refused = pair.refused.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    let reason = format!("they are one entity with a probability of {}{refused}", pair.probability);
    let (one, other) = in_order(&pair.one, &pair.other);
    CaseRow::new(vec![one, other], entities, reason, now).matched(told_of(pair, model))
}

/// The records around one that was asked about, those of them that are queued, and what is to be asked.
pub(super) struct Found<'f> {
    pub(super) of: u16,
    /// Ascending.
    pub(super) near: &'f [RecordRef],
    pub(super) queued: &'f [RecordRef],
    pub(super) asks: BTreeMap<RowKey, CaseRow>,
    /// Whether something waits: its records stay in the queue.
    pub(super) waits: bool,
}

impl Tenant {
    /// Opens, changes and closes cases about records of a neighbourhood, and takes those of them off the queue that stand there, unless
    /// something waits. `false`: something was changed meanwhile.
    pub(super) async fn file_matches(
        &self,
        loader: &mut Loader<'_>,
        found: Found<'_>,
        held: &mut Held,
        matched: &mut Matched,
    ) -> Result<bool, Error> {
        let Found { of, near, queued, asks, waits } = found;
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        let parted = self.queue_parted(of, (held, near), &mut changes).await?;
        let cases = &mut held.cases;
        let among = |of: &[RecordRef], record: &RecordRef| of.binary_search(record).is_ok();
        // Of a record that is asked about, nothing speaks for a pair that reaches further.
        let answered = |of: &[RecordRef]| {
            of.iter().any(|record| among(queued, record)) || of.iter().all(|record| among(near, record))
        };
        let standing = cases.about(near).filter(|(_, of)| answered(of));
        let standing = standing.map(|(key, _)| RowKey::new(Table::Case, key.clone()));
        let keys: BTreeSet<RowKey> = standing.chain(asks.keys().cloned()).collect();
        let keys: Vec<RowKey> = keys.into_iter().collect();
        let rows = loader.rows(&keys).await?;
        let (mut opened, mut closed, mut deleted) = (Vec::new(), Vec::new(), 0);
        for (key, row) in keys.into_iter().zip(rows) {
            let before: Option<CaseRow> = row.map(|row| parse(Table::Case, &row)).transpose()?;
            match (asks.get(&key), before) {
                (Some(case), before) => {
                    let since = before.as_ref().map_or(case.since, |before| before.since);
                    let case = CaseRow { since, ..case.clone() };
                    if before.as_ref() != Some(&case) {
                        changes.put(key.clone(), &case);
                        opened.push((key.key, case.records));
                    }
                }
                (None, Some(_)) => {
                    changes.delete(key.clone());
                    deleted += 1;
                    closed.push(key.key);
                }
                (None, None) => closed.push(key.key),
            }
        }
        if waits && opened.is_empty() && deleted == 0 && parted.is_empty() {
            return Ok(true);
        }
        if !waits {
            let name = &self.core.model.entity(of).name;
            queued.iter().for_each(|record| changes.delete(queue_key(name, record)));
        }
        // As they were read: also what is taken off.
        changes.commit.expect.extend(loader.loaded.revisions.iter().map(|(key, revision)| (key.clone(), *revision)));
        if !self.commit("file what may be one entity", changes.commit).await? {
            return Ok(false);
        }
        held.came_apart.retain(|record| !parted.contains(record));
        matched.opened += opened.len();
        matched.closed += deleted;
        opened.into_iter().for_each(|(key, records)| cases.put(key, records));
        closed.iter().for_each(|key| cases.remove(key));
        Ok(true)
    }
}

/// Whether people or keys have the answer to whether two records are one entity, or are asked already.
pub(super) fn is_said(loader: &Loader<'_>, pair: &Pair) -> bool {
    let set = &loader.loaded.set;
    let home = |record: &RecordRef| set.find_record(record).and_then(|at| set.record(at).entity);
    let apart = |entity: EntityIndex, record: &RecordRef| set.entity(entity).entity.held_apart.contains_key(record);
    match (home(&pair.one), home(&pair.other)) {
        (Some(one), Some(other)) => {
            let (first, second) = (&set.entity(one).entity, &set.entity(other).entity);
            first.cannot_link.contains(&second.id)
                || second.cannot_link.contains(&first.id)
                || keys_ask(loader, one, other)
        }
        (Some(entity), None) => apart(entity, &pair.other),
        (None, Some(entity)) => apart(entity, &pair.one),
        // Of two records that make no entities, nothing can be said.
        (None, None) => true,
    }
}
