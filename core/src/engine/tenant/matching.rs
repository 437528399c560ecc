//! Matching: records that changed are put before the matcher of their entity type, what it is sure of is linked, and where only a person
//! can tell, a case is opened (`docs/decisions/0029-matching.md`).
//!
//! What is to be done follows from the index and from what is stored, whatever happened before: done twice, it changes nothing.

mod answer;
mod held;
mod train;
mod unlearn;

#[cfg(feature = "keys")]
pub(crate) use train::TRAINED_MODELS;
pub use train::Trained;

use std::collections::{BTreeMap, BTreeSet};

use crate::connector::Retry;
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, case_key};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::match_index::{Held, in_order};
use crate::engine::match_queue::{queue_prefix, queued_record};
use crate::engine::persist::{Changes, PART, record_key, representation_key};
use crate::engine::tenant::apply::write_row;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::merge::MovedBy;
use crate::engine::tenant::plans::instant;
use crate::engine::tenant::step::Next;
use crate::engine::tenant::work::pause;
use crate::entity::Evidence;
use crate::error::Error;
use crate::id::{EntityId, RecordRef};
use crate::matching::{Action, Match, Pair, decide};
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::working_set::{EntityIndex, RecordIndex, WorkingSet, identity_values};

/// The journal's kind for records that were found to be one entity: why.
pub(crate) const MATCHED: &str = "matched";

/// How many records one step asks a matcher about.
const AT_ONCE: usize = 64;

/// What asking the matchers came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Matched {
    /// How many records the matchers were asked about.
    pub asked: usize,
    /// How often two entities were made one, or a record was linked.
    pub linked: usize,
    /// Cases that were opened, or tell something else now.
    pub opened: usize,
    /// Cases that went because nothing speaks for them any more.
    pub closed: usize,
    /// When there is more to do.
    pub next: Next,
}

/// What became of a pair that a matcher is sure of.
enum Joined {
    /// The two are one by now.
    Done,
    /// A write is under way, or it may be the record that is being created: not yet.
    NotYet,
    /// Keys or people say otherwise, or nothing.
    No,
}

/// The case about two records.
pub(super) fn match_case(one: &RecordRef, other: &RecordRef) -> RowKey {
    let (one, other) = in_order(one, other);
    case_key(CaseKind::Match, format_args!("{}{PART}{}", record_key(&one), record_key(&other)))
}

/// What a model said of a pair.
fn told_of(pair: &Pair, model: u32) -> Match {
    Match { probability: pair.probability, model, refused: pair.refused.clone(), steps: pair.steps.clone() }
}

/// The case that a pair opens.
fn case_of_pair(pair: &Pair, model: u32, set: &WorkingSet, now: i64) -> CaseRow {
    let entities: BTreeSet<EntityId> = [&pair.one, &pair.other].into_iter().filter_map(|r| set.entity_of(r)).collect();
    let refused = pair.refused.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    let reason = format!("they are one entity with a probability of {}{refused}", pair.probability);
    let (one, other) = in_order(&pair.one, &pair.other);
    CaseRow::new(vec![one, other], entities, reason, now).matched(told_of(pair, model))
}

impl Tenant {
    /// Puts records that changed before the matchers of their entity types, up to a bound: links what is probable enough, opens cases
    /// where a person is to say, and closes those for which nothing speaks any more. [`Tenant::step`] does it too.
    ///
    /// # Errors
    ///
    /// [`Error::Matcher`] if a model cannot be read; or a store that failed.
    pub async fn match_records(&self) -> Result<Matched, Error> {
        let mut matched = Matched::default();
        for (of, _) in (0u16..).zip(&self.core.matching).filter(|(_, matching)| matching.is_some()) {
            self.match_records_of(of, &mut matched).await?;
        }
        Ok(matched)
    }

    async fn match_records_of(&self, of: u16, matched: &mut Matched) -> Result<(), Error> {
        if self.sweep_matches(of).await? {
            matched.next = Next::Now;
        }
        let prefix = queue_prefix(&self.core.model.entity(of).name);
        let mut rows = self.queued_matches(&prefix, None).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let held = self.core.match_indexes.of(&self.id, of);
        let mut held = held.lock().await;
        let Some(held) = self.hold_index(of, &mut held).await? else {
            let more = rows.len() == AT_ONCE;
            if !self.empty_match_queue(of, rows).await? || more {
                matched.next = Next::Now;
            }
            return Ok(());
        };
        let mut cases = self.open_matches().await?;
        let mut taken_off = 0;
        // Those that wait stay in the queue, and keep nobody behind them waiting.
        while let Some(last) = rows.last().map(|row| row.key.clone()) {
            for row in rows {
                let Some(record) = queued_record(&row.key, &prefix) else { continue };
                matched.asked += 1;
                let queued = RowKey::new(Table::Index, row.key);
                taken_off += usize::from(self.match_one(of, held, &record, queued, &mut cases, matched).await?);
            }
            if taken_off >= AT_ONCE {
                matched.next = Next::Now;
                return Ok(());
            }
            rows = self.queued_matches(&prefix, Some(&last)).await?;
        }
        Ok(())
    }

    async fn queued_matches(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Row>, Error> {
        let rows = self.core.store.scan(&self.id, Table::Index, prefix, after, AT_ONCE).await;
        rows.map_err(Error::store("list records to be matched"))
    }

    /// Does what follows from the neighbourhood of a record, and takes it off the queue. `false`: it waits there.
    async fn match_one(
        &self,
        of: u16,
        held: &mut Held,
        record: &RecordRef,
        queued: RowKey,
        cases: &mut BTreeMap<Text, Vec<RecordRef>>,
        matched: &mut Matched,
    ) -> Result<bool, Error> {
        let always_ask = self.core.matching[usize::from(of)].as_ref().is_some_and(|matching| matching.always_ask);
        let mut attempts = Attempts::default();
        let mut waits = false;
        let mut passed_over: BTreeSet<RowKey> = BTreeSet::new();
        loop {
            let around = held.index.around(record);
            let mut near: BTreeSet<RecordRef> = around.clusters.iter().flatten().cloned().collect();
            near.insert(record.clone());
            let near: Vec<RecordRef> = near.into_iter().collect();
            let mut loader = Loader::new(&self.core, &self.id);
            let Some(row) = loader.rows(std::slice::from_ref(&queued)).await?.into_iter().next().flatten() else {
                // Somebody else asked.
                return Ok(true);
            };
            loader.records(&near).await?;
            loader.merges().await?;
            let revision = |record| loader.loaded.revisions.get(&representation_key(record)).copied().flatten();
            if !near.iter().all(|record| held.knows(record, revision(record))) {
                self.refresh_index(of, held, near.into_iter().collect(), BTreeSet::new()).await?;
                attempts.won(Some(queued.key.clone()))?;
                continue;
            }
            let actions = decide(&around, always_ask, &|record| loader.loaded.set.entity_of(record));
            let asked = actions.iter().flat_map(|action| match action {
                Action::Ask(pair) => vec![&pair.one, &pair.other],
                Action::Join(_) => Vec::new(),
            });
            let asked: Vec<_> = asked.filter_map(|record| loader.loaded.set.find_record(record)).collect();
            loader.identities_of(&asked).await?;
            let mut asks: BTreeMap<RowKey, CaseRow> = BTreeMap::new();
            let mut joined = None;
            for action in actions {
                match action {
                    Action::Join(pair) => {
                        let key = match_case(&pair.one, &pair.other);
                        if joined.is_none() && !passed_over.contains(&key) {
                            joined = Some((key, pair));
                        }
                    }
                    Action::Ask(pair) if is_said(&loader, &pair) => {}
                    Action::Ask(pair) => {
                        let case = case_of_pair(&pair, held.version, &loader.loaded.set, self.now());
                        asks.insert(match_case(&pair.one, &pair.other), case);
                    }
                }
            }
            if let Some((key, pair)) = joined {
                match self.join_pair(&pair, held.version).await? {
                    Joined::Done => {
                        matched.linked += 1;
                        // What could not be joined may be by now.
                        passed_over.clear();
                        waits = false;
                        if self.follow_journal(of, held).await? {
                            continue;
                        }
                        // The index is built anew by the next step, and the record is still in the queue.
                        matched.next = Next::Now;
                        return Ok(false);
                    }
                    Joined::NotYet => waits = true,
                    Joined::No => {}
                }
                passed_over.insert(key);
                continue;
            }
            if self.file_matches(&mut loader, (&queued, &row), (record, &near), asks, waits, cases, matched).await? {
                return Ok(!waits);
            }
            attempts.won(Some(queued.key.clone()))?;
        }
    }

    /// Opens, changes and closes cases about records of a neighbourhood, and takes the record off the queue unless it waits. `false`:
    /// something was changed meanwhile.
    #[expect(clippy::too_many_arguments, reason = "what is known of a record, and all that it may change")]
    async fn file_matches(
        &self,
        loader: &mut Loader<'_>,
        (queued, row): (&RowKey, &Row),
        (record, near): (&RecordRef, &[RecordRef]),
        asks: BTreeMap<RowKey, CaseRow>,
        waits: bool,
        cases: &mut BTreeMap<Text, Vec<RecordRef>>,
        matched: &mut Matched,
    ) -> Result<bool, Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        let is_near = |of: &RecordRef| near.binary_search(of).is_ok();
        let standing = cases.iter().filter(|(_, of)| of.contains(record) || of.iter().all(is_near));
        let standing = standing.map(|(key, _)| RowKey::new(Table::Case, key.clone()));
        let keys: BTreeSet<RowKey> = standing.chain(asks.keys().cloned()).collect();
        let keys: Vec<RowKey> = keys.into_iter().collect();
        let rows = loader.rows(&keys).await?;
        let (mut opened, mut closed) = (Vec::new(), Vec::new());
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
                    closed.push(key.key);
                }
                (None, None) => closed.push(key.key),
            }
        }
        if waits {
            matched.next = matched.next.min(Next::At(instant(self.now().saturating_add(pause(Retry::Backoff, 0)))));
            if changes.commit.put.is_empty() && changes.commit.delete.is_empty() {
                return Ok(true);
            }
        } else {
            changes.delete(queued.clone());
        }
        changes.commit.expect.extend(loader.loaded.revisions.iter().map(|(key, revision)| (key.clone(), *revision)));
        debug_assert!(
            changes.commit.expect.contains(&(queued.clone(), Some(row.revision))),
            "it is deleted as it was read"
        );
        let (more, fewer) = (opened.len(), changes.commit.delete.len() - usize::from(!waits));
        if !self.commit("file what may be one entity", changes.commit).await? {
            return Ok(false);
        }
        matched.opened += more;
        matched.closed += fewer;
        cases.extend(opened);
        closed.iter().for_each(|key| drop(cases.remove(key)));
        Ok(true)
    }

    /// The open cases about matches, and their records.
    async fn open_matches(&self) -> Result<BTreeMap<Text, Vec<RecordRef>>, Error> {
        let rows = self.all_rows(Table::Case, CaseKind::Match.prefix(), "list matches").await?;
        let records = |row: Row| Ok((row.key.clone(), parse::<CaseRow>(Table::Case, &row)?.records));
        rows.into_iter().map(records).collect()
    }

    /// Links two records that a matcher is sure of, in one commit with why.
    async fn join_pair(&self, pair: &Pair, model: u32) -> Result<Joined, Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(&[pair.one.clone(), pair.other.clone()]).await?;
            loader.references().await?;
            let set = &loader.loaded.set;
            let (Some(one), Some(other)) = (set.find_record(&pair.one), set.find_record(&pair.other)) else {
                return Ok(Joined::No);
            };
            loader.identities_of(&[one, other]).await?;
            let set = &loader.loaded.set;
            let lost = match (set.record(one).entity, set.record(other).entity) {
                (Some(one), Some(other)) if one == other => return Ok(Joined::Done),
                (Some(one), Some(other)) => {
                    let (into, from) = older(set, one, other);
                    if self.require_mergeable(set, into, from).is_err() || keys_ask(&loader, into, from) {
                        return Ok(Joined::No);
                    }
                    match self.require_settled(&mut loader, &[into, from]).await {
                        Err(Error::WriteUnderWay { .. }) => return Ok(Joined::NotYet),
                        settled => settled?,
                    }
                    let survivor = loader.loaded.set.entity(into).entity.id;
                    let changes = self.matched(pair, model, survivor);
                    let evidence = MovedBy::Matcher { probability: pair.probability, model };
                    Ok(self.merge_loaded(&mut loader, changes, (into, from), &evidence).await?)
                }
                (Some(entity), None) => self.link_matched(&mut loader, (entity, other), pair, model).await?,
                (None, Some(entity)) => self.link_matched(&mut loader, (entity, one), pair, model).await?,
                (None, None) => Err(Joined::No),
            };
            let lost = match lost {
                Ok(lost) => lost,
                Err(joined) => return Ok(joined),
            };
            if attempts.won(lost)? {
                return Ok(Joined::Done);
            }
        }
    }

    /// Links a record of nobody to an entity. The row by which the race was lost, if it was; or why it is not linked.
    async fn link_matched(
        &self,
        loader: &mut Loader<'_>,
        (entity, record): (EntityIndex, RecordIndex),
        pair: &Pair,
        model: u32,
    ) -> Result<Result<Option<Text>, Joined>, Error> {
        let set = &loader.loaded.set;
        let reference = (*set.record(record).record).clone();
        let of = &set.entity(entity).entity;
        let (id, state) = (of.id, set.record(record));
        let keys = identity_values(self.core.model.entity(state.entity_type), state.object, &state.representation);
        let led = keys.iter().filter_map(|key| loader.loaded.identity_rows.get(key)).any(|row| !row.holders.is_empty());
        // What its keys lead to is asked already.
        if led || of.merged_into.is_some() || of.held_apart.contains_key(&reference) {
            return Ok(Err(Joined::No));
        }
        let place = (reference.connection.clone(), reference.object.clone());
        let written = loader.rows(&[write_row(&reference)]).await?.into_iter().flatten().next().is_some();
        if written || self.creates_under_way().await?.contains(&place) {
            return Ok(Err(Joined::NotYet));
        }
        let mut changes = self.matched(pair, model, id);
        let (as_of, mut links) = (changes.as_of(), Links::default());
        let evidence = Evidence::Matched { from: None, probability: pair.probability, model };
        links.link(loader, entity, record, as_of, evidence);
        self.follow_links(loader, &mut changes, &mut links).await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut links.facts);
            changes.add_set(frame, &loader.loaded, &links.facts)
        })?;
        Ok(Ok(self.commit_or_lost("store a match", changes.commit).await?))
    }

    /// Changes that begin with why two records are one entity.
    fn matched(&self, pair: &Pair, model: u32, entity: EntityId) -> Changes<'_> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.journal(MATCHED, &entity.to_string(), &(&pair.one, &pair.other, told_of(pair, model)));
        changes.delete(match_case(&pair.one, &pair.other));
        changes
    }
}

/// Whether two entities hold one identity value: whether they are one is asked already.
fn keys_ask(loader: &Loader<'_>, one: EntityIndex, other: EntityIndex) -> bool {
    let id = |index| loader.loaded.set.entity(index).entity.id;
    let both = [id(one), id(other)];
    loader.loaded.identity_rows.values().any(|row| both.iter().all(|id| row.entities().contains(id)))
}

/// Whether people or keys have the answer to whether two records are one entity, or are asked already.
fn is_said(loader: &Loader<'_>, pair: &Pair) -> bool {
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

/// Two entities, the one first whose first record was confirmed first.
fn older(set: &WorkingSet, one: EntityIndex, other: EntityIndex) -> (EntityIndex, EntityIndex) {
    let age = |index: EntityIndex| {
        let entity = &set.entity(index).entity;
        (entity.links.iter().map(|link| link.order).min(), entity.id)
    };
    if age(one) <= age(other) { (one, other) } else { (other, one) }
}
