//! Matching: records that changed are put before the matcher of their entity type, what it is sure of is linked, and where only a person
//! can tell, a case is opened (`docs/decisions/0029-matching.md`).
//!
//! What is to be done follows from the index and from what is stored, whatever happened before: done twice, it changes nothing.

mod answer;
mod doubt;
mod examples;
mod explain;
mod filing;
mod held;
mod join;
mod model;
mod questions;
mod sweep;
mod train;
mod unasked;
mod unlearn;

pub(crate) use answer::{ANSWERED, AnswerTold};
pub(in crate::engine::tenant) use examples::only_record;
pub(crate) use join::MATCHED;
#[cfg(feature = "keys")]
pub(crate) use model::TRAINED_MODELS;
pub use train::Trained;
pub(crate) use unasked::{Unasked, waits_for_matching};

use std::collections::{BTreeMap, BTreeSet};

use crate::connector::Retry;
use crate::engine::Tenant;
use crate::engine::case::CaseRow;
use crate::engine::hydrate::Loader;
use crate::engine::match_index::Held;
use crate::engine::match_queue::{queue_key, queue_prefix, queued_record};
use crate::engine::persist::representation_key;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::plans::instant;
use crate::engine::tenant::step::Next;
use crate::engine::tenant::work::pause;
use crate::error::Error;
use crate::id::{EntityType, RecordRef};
use crate::matching::{Action, MatcherError, Matching, decide};
use crate::store::{Row, RowKey, Table};
use doubt::{Doubts, case_of_doubt, doubts_around};
use filing::{Found, case_of_pair, is_said, match_case};
use join::{Compared, Joined};
use model::{Asked, model_row};

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
    /// The entity types of which nothing could be asked. Their records wait in the queue.
    pub unmatched: Vec<Unmatched>,
    /// When there is more to do.
    pub next: Next,
}

/// An entity type of which nothing can be asked, because its matcher cannot read the model: train one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmatched {
    /// The entity type.
    pub entity_type: EntityType,
    /// Why not.
    pub error: MatcherError,
}

/// What became of a record that a matcher was asked about.
enum AskedAbout {
    /// So many records were taken off the queue: with it those around it, as the answer is about all of them.
    TakenOff(usize),
    /// It waits there.
    Waits,
    /// The model or the index is another by now: the pass is over.
    Outdated,
}

impl Tenant {
    /// Puts records that changed before the matchers of their entity types, up to a bound: links what is probable enough, opens cases
    /// where a person is to say, and closes those for which nothing speaks any more. [`Tenant::step`] does it too.
    ///
    /// A model that cannot be read, and rows that others keep changing, are outcomes: other types, and other records, are asked about.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn match_records(&self) -> Result<Matched, Error> {
        let mut matched = Matched::default();
        for (of, matching) in (0u16..).zip(&self.core.matching) {
            let Some(matching) = matching else { continue };
            match self.match_records_of(of, matching, &mut matched).await {
                Err(Error::Matcher { entity_type, source: error }) => {
                    matched.unmatched.push(Unmatched { entity_type, error });
                    self.match_later(&mut matched);
                }
                Err(Error::Contended { .. }) => self.match_later(&mut matched),
                done => done?,
            }
        }
        self.let_go_of_unmatched().await?;
        Ok(matched)
    }

    /// There is more to do, and not at once.
    fn match_later(&self, matched: &mut Matched) {
        let at = self.now().saturating_add(pause(Retry::Backoff, 0));
        matched.next = matched.next.min(Next::At(instant(at)));
    }

    async fn match_records_of(&self, of: u16, matching: &Matching, matched: &mut Matched) -> Result<(), Error> {
        let prefix = queue_prefix(&self.core.model.entity(of).name);
        let last = self.last_model(of).await?;
        let revision = last.as_ref().map(|(_, revision)| *revision);
        let Some(model) = last.filter(|(row, _)| !row.dropped) else {
            self.core.match_indexes.forget_of(&self.id, of);
            let rows = self.queued_matches(&prefix, None).await?;
            let more = rows.len() == AT_ONCE;
            if !rows.is_empty() && (!self.empty_match_queue((of, revision), rows).await? || more) {
                matched.next = Next::Now;
            }
            return Ok(());
        };
        if !self.sweep_if_asked_otherwise(of, model, Asked::of(matching)).await? {
            matched.next = Next::Now;
            return Ok(());
        }
        let mut rows = self.queued_matches(&prefix, None).await?;
        if rows.is_empty() {
            rows = match self.sweep_matches(of).await? {
                true => self.queued_matches(&prefix, None).await?,
                false => return Ok(()),
            };
            matched.next = Next::Now;
        }
        let held = self.core.match_indexes.of(&self.id, of);
        let mut held = held.lock().await;
        let Some(held) = self.hold_index(of, &mut held).await? else {
            matched.next = Next::Now;
            return Ok(());
        };
        let mut taken_off = 0;
        // Those that wait stay in the queue, and keep nobody behind them waiting.
        while let Some(last) = rows.last().map(|row| row.key.clone()) {
            for row in rows {
                let Some(record) = queued_record(&row.key, &prefix) else { continue };
                match self.match_one(of, matching, held, &record, matched).await {
                    Ok(AskedAbout::TakenOff(records)) => taken_off += records,
                    Ok(AskedAbout::Waits) | Err(Error::Contended { .. }) => self.match_later(matched),
                    Ok(AskedAbout::Outdated) => {
                        matched.next = Next::Now;
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                }
            }
            if taken_off >= AT_ONCE {
                matched.next = Next::Now;
                return Ok(());
            }
            rows = self.queued_matches(&prefix, Some(&last)).await?;
        }
        // Where nothing else is queued, a sweep goes on: it is no longer than that in anybody's way.
        if self.sweep_matches(of).await? {
            matched.next = Next::Now;
        }
        Ok(())
    }

    async fn queued_matches(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Row>, Error> {
        let rows = self.core.store.scan(&self.id, Table::Index, prefix, after, AT_ONCE).await;
        rows.map_err(Error::store("list records to be matched"))
    }

    /// Does what follows from the neighbourhood of a record, and takes its records off the queue.
    async fn match_one(
        &self,
        of: u16,
        matching: &Matching,
        held: &mut Held,
        record: &RecordRef,
        matched: &mut Matched,
    ) -> Result<AskedAbout, Error> {
        let name = &self.core.model.entity(of).name;
        let mut attempts = Attempts::default();
        let mut waits = false;
        let mut passed_over: BTreeSet<RowKey> = BTreeSet::new();
        loop {
            let around = held.index.around(record);
            let mut near: BTreeSet<RecordRef> = around.clusters.iter().flatten().cloned().collect();
            near.insert(record.clone());
            let near: Vec<RecordRef> = near.into_iter().collect();
            let mut loader = Loader::new(&self.core, &self.id);
            let mut keys = vec![model_row(name)];
            keys.extend(near.iter().map(|record| queue_key(name, record)));
            let mut rows = loader.rows(&keys).await?.into_iter();
            if rows.next().flatten().map(|row| row.revision) != Some(held.revision) {
                return Ok(AskedAbout::Outdated);
            }
            let queued = near.iter().zip(rows).filter(|(_, row)| row.is_some()).map(|(record, _)| record.clone());
            let queued: Vec<RecordRef> = queued.collect();
            if queued.binary_search(record).is_err() {
                // It was asked about with another, or by somebody else.
                return Ok(AskedAbout::TakenOff(0));
            }
            loader.records(&near).await?;
            loader.merges().await?;
            // What was told until those rows were read is in the index before it is asked what follows from them: a record that it
            // does not have would go off the queue without having been compared.
            let place = held.place;
            if !self.follow_journal(of, held).await? {
                return Ok(AskedAbout::Outdated);
            }
            if held.place != place && held.index.around(record) != around {
                attempts.won(Some(queue_key(name, record).key))?;
                continue;
            }
            let revision = |record| loader.loaded.revisions.get(&representation_key(record)).copied().flatten();
            if !near.iter().all(|record| held.knows(record, revision(record))) {
                self.refresh_index(of, held, near.into_iter().collect(), BTreeSet::new()).await?;
                attempts.won(Some(queue_key(name, record).key))?;
                continue;
            }
            let (mut joins, mut asked) = (Vec::new(), Vec::new());
            for action in decide(&around, matching.always_ask, &|record| loader.loaded.set.entity_of(record)) {
                match action {
                    Action::Join(pair) => joins.push(pair),
                    Action::Ask(pair) => asked.push(pair),
                }
            }
            let (mut joined, mut changed) = (false, false);
            for pair in joins {
                let key = match_case(&pair.one, &pair.other);
                if passed_over.contains(&key) {
                    continue;
                }
                match self.join_pair(of, &pair, Compared::of(&pair, held)).await? {
                    Joined::Done => {
                        matched.linked += 1;
                        joined = true;
                        continue;
                    }
                    Joined::Changed => {
                        changed = true;
                        break;
                    }
                    Joined::NotYet => waits = true,
                    Joined::No => {}
                    Joined::Outdated => return Ok(AskedAbout::Outdated),
                }
                passed_over.insert(key);
            }
            if joined || changed {
                // What could not be joined may be by now.
                passed_over.clear();
                waits = false;
                if !self.follow_journal(of, held).await? {
                    // The index is built anew by the next step, and the record is still in the queue.
                    return Ok(AskedAbout::Outdated);
                }
                if changed {
                    attempts.won(Some(queue_key(name, record).key))?;
                }
                continue;
            }
            let both = asked.iter().flat_map(|pair| [&pair.one, &pair.other]);
            let both: Vec<_> = both.filter_map(|record| loader.loaded.set.find_record(record)).collect();
            loader.identities_of(&both).await?;
            let asks = asked.iter().filter(|pair| !is_said(&loader, pair)).map(|pair| {
                let case = case_of_pair(pair, held.version, &loader.loaded.set, self.now());
                (match_case(&pair.one, &pair.other), case)
            });
            let mut asks: BTreeMap<RowKey, CaseRow> = asks.collect();
            match doubts_around(&loader, held, (&near, &around), matching.thresholds.review) {
                Doubts::Of(doubts) => asks.extend(doubts.iter().map(|doubt| {
                    let case = case_of_doubt(doubt, held.version, &loader.loaded.set, self.now());
                    (match_case(&doubt.0.one, &doubt.0.other), case)
                })),
                Doubts::Outdated(records) => {
                    self.refresh_index(of, held, records, BTreeSet::new()).await?;
                    attempts.won(Some(queue_key(name, record).key))?;
                    continue;
                }
            }
            let found = Found { of, near: &near, queued: &queued, asks, waits };
            if self.file_matches(&mut loader, found, held, matched).await? {
                matched.asked += if waits { 1 } else { queued.len() };
                return Ok(if waits { AskedAbout::Waits } else { AskedAbout::TakenOff(queued.len()) });
            }
            attempts.won(Some(queue_key(name, record).key))?;
        }
    }
}
