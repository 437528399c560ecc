//! Finishing erasures: what other tables hold of the person goes, then the payloads of the journal, and last the keys by which
//! copies could be read. Each piece may be done again: whoever is interrupted begins this anew.

use std::collections::BTreeSet;

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, discrepancy_key};
use crate::engine::desk::{self, Desk};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, SEPARATOR, record_key};
use crate::engine::suppression::{Pending, Suppression, suppressed_key, suppression_key};
use crate::engine::tenant::apply::outbox::{create_prefix, write_prefix};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::counts::{ConfirmationRow, is_confirmation};
use crate::engine::tenant::dead_letter::{LETTER_SETTLED, LetterState, StoredDeadLetter, settle_erased};
use crate::engine::tenant::erase::{DESK_RESTATED, subject_of};
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::merge::{MERGES, merged_pair};
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::standing::REFUSALS;
use crate::engine::tenant::tombstone::tombstone_key;
use crate::engine::tenant::work::work_key;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{EntityId, RecordRef};
use crate::plan::{Operation, Plan, Target};
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::working_set::RecordIndex;

/// What entries are about that lose their payloads.
pub(super) struct Subject {
    pub(super) name: Text,
    /// The last place at which they do.
    pub(super) until: u64,
    /// Whether it is gone itself.
    pub(super) gone: bool,
}

impl Pending {
    fn concerns(&self, operation: &Operation) -> bool {
        let target = match &operation.target {
            Target::Record(record) => self.records.contains(record),
            Target::New { .. } => false,
        };
        // What is to be written of one that held a record of theirs may be what that record said.
        let touched = self.parted.iter().any(|(id, _)| *id == operation.entity);
        target || touched || self.entities.contains(&operation.entity)
    }

    /// Whether a key names one of the records or entities as what is written.
    fn is_target(&self, key: &str) -> bool {
        if let Some(rest) = key.strip_prefix(write_prefix()) {
            return self.records.iter().any(|record| {
                let behind = rest.strip_prefix(&*record_key(record));
                behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(SEPARATOR))
            });
        }
        let created = key.strip_prefix(create_prefix()).and_then(|rest| rest.split(SEPARATOR).nth(2));
        created.and_then(|id| id.parse().ok()).is_some_and(|id: EntityId| self.entities.contains(&id))
    }

    /// What the journal told of them, and up to where: everything until `place` of what is gone, and of what belongs elsewhere
    /// until it went there.
    fn subjects(&self, place: u64) -> Vec<Subject> {
        let gone = |name| Subject { name, until: place, gone: true };
        let stays = |name, until| Subject { name, until, gone: false };
        let entities = self.entities.iter().map(|id| gone(id.text()));
        let records = self.records.iter().map(|record| gone(record.to_string().into()));
        let elsewhere = self.elsewhere.iter().map(|(record, until)| stays(record.to_string().into(), *until));
        let parted = self.parted.iter().map(|(id, until)| stays(id.text(), (*until).min(place)));
        entities.chain(records).chain(elsewhere).chain(parted).collect()
    }
}

impl Tenant {
    /// Finishes the erasures that were begun. Says how many payloads were destroyed.
    pub(in crate::engine::tenant) async fn finish_erasures(&self) -> Result<u64, Error> {
        let mut payloads = 0;
        loop {
            let (_, suppression) = self.suppression_anew().await?;
            let Some((id, pending)) = suppression.pending.iter().next() else { return Ok(payloads) };
            self.sweep(*id, pending, &suppression).await?;
            self.join_again(&pending.shared).await?;
            self.restate(pending).await?;
            let place = self.place_of_erasure(*id).await?;
            let subjects = pending.subjects(place);
            self.retell(*id, &subjects).await?;
            for Subject { name, until, .. } in subjects.iter().filter(|_| !planted!(PayloadsOutliveErasure)) {
                let erased = self.core.store.erase_until(&self.id, name, *until).await;
                payloads += erased.map_err(Error::store("erase payloads"))?;
            }
            let names: Vec<Text> = subjects.into_iter().map(|subject| subject.name).collect();
            if !planted!(KeysOutliveErasure) {
                self.core.store.forget(&self.id, &names).await.map_err(Error::store("have copies forget a person"))?;
            }
            self.note_finished(*id, pending).await?;
        }
    }

    /// The place of the entry that tells of an erasure: the last, where an id was erased twice.
    async fn place_of_erasure(&self, id: EntityId) -> Result<u64, Error> {
        let mut place = 0;
        loop {
            let page = self.core.store.journal_about(&self.id, &subject_of(id), place, 64).await;
            let page = page.map_err(Error::store("find the entry of an erasure"))?;
            let Some((last, _)) = page.last() else { return Ok(place) };
            place = last.seq;
        }
    }

    /// Notes that what was left to do of an erasure was done. What was told of the person meanwhile is left to do.
    async fn note_finished(&self, id: EntityId, done: &Pending) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let (revision, suppression) = self.suppression_anew().await?;
            let mut suppression = Suppression::clone(&suppression);
            if suppression.pending.get(&id) != Some(done) {
                return Ok(());
            }
            suppression.pending.remove(&id);
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.commit.expect.push((suppression_key(), revision));
            changes.put(suppression_key(), &suppression);
            if attempts.commit(self, "finish an erasure", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Tries records of nobody again that could be somebody's who is gone now, or another's: now they can be that one's only.
    pub(in crate::engine::tenant) async fn join_again(&self, records: &BTreeSet<RecordRef>) -> Result<(), Error> {
        let records: Vec<RecordRef> = records.iter().cloned().collect();
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(&records).await?;
            loader.merges().await?;
            let found = records.iter().filter_map(|record| loader.loaded.set.find_record(record));
            let found: Vec<RecordIndex> =
                found.filter(|record| loader.loaded.set.record(*record).entity.is_none()).collect();
            if found.is_empty() {
                return Ok(());
            }
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            let mut links = Links::default();
            loader.identities_of(&found).await?;
            self.join(&mut loader, &found, changes.as_of(), &mut links).await?;
            self.follow_links(&mut loader, &mut changes, &mut links).await?;
            let as_of = changes.as_of();
            self.with_frame(|frame| {
                loader.loaded.set.settle(frame, as_of, &mut links.facts);
                changes.add_set(frame, &loader.loaded, &links.facts)
            })?;
            if attempts.commit(self, "link what may be one's only now", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Deletes what tables hold of the person beside the rows of entities and records.
    async fn sweep(&self, id: EntityId, pending: &Pending, suppression: &Suppression) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            self.sweep_cases(id, pending, &mut changes).await?;
            self.sweep_plans(pending, &mut changes).await?;
            if !planted!(LettersOutliveErasure) {
                self.sweep_letters(pending, suppression, &mut changes).await?;
            }
            self.unlearn_matchers(&mut changes).await?;
            self.forget_examples(pending, &mut changes).await?;
            for record in &pending.records {
                changes.delete(work_key(record));
                changes.delete(tombstone_key(record));
            }
            if attempts.commit(self, "erase what else is kept of a person", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Cases about them go, and what people noted on those and on their discrepancies.
    async fn sweep_cases(&self, id: EntityId, pending: &Pending, changes: &mut Changes<'_>) -> Result<(), Error> {
        let mut cases: BTreeSet<Text> = pending.discrepancies.iter().map(|id| discrepancy_key(*id)).collect();
        let mut rows = Pages::new(self, Table::Case, "go through cases");
        while let Some(row) = rows.next().await? {
            if row.key.starts_with(desk::PREFIX) {
                continue;
            }
            let parted = |id: &EntityId| pending.parted.iter().any(|(parted, _)| parted == id);
            let mut quotes = false;
            let concerned = if row.key.starts_with(MERGES) {
                // What others were before a merge may rest on them: that merge is not taken back any more.
                let pair: [EntityId; 2] = merged_pair(&row)?.into();
                pair.iter().any(|id| pending.entities.contains(id) || parted(id))
            } else if CaseKind::of_key(&row.key).is_some() {
                let case: CaseRow = parse(Table::Case, &row)?;
                // What a check found wrong with another may quote them. If it is still wrong it is found again, and what was noted
                // on it is there.
                quotes = case.violated.is_some() && case.entities.iter().any(parted);
                let of = case.violated.as_ref().and_then(|violated| violated.entity_type.as_ref());
                if let Some(of) = of.filter(|_| quotes) {
                    // Until a check looks again, they are not found right.
                    let others = case.entities.iter().filter(|id| !pending.entities.contains(id));
                    others.for_each(|id| changes.outdate(of, *id));
                }
                case.records.iter().any(|record| pending.records.contains(record))
                    || case.entities.iter().any(|id| pending.entities.contains(id))
                    || case.operation.as_deref().is_some_and(|operation| pending.concerns(operation))
            } else {
                false
            };
            if concerned {
                cases.insert(row.key.clone());
            }
            if concerned || quotes {
                delete(changes, Table::Case, row);
            }
        }
        let mut desks = Pages::of(self, Table::Case, desk::PREFIX, "go through the desk");
        while let Some(row) = desks.next().await? {
            let case = row.key.strip_prefix(desk::PREFIX).and_then(|case| cases.get(case));
            if let Some(case) = case {
                changes.journal(DESK_RESTATED, &subject_of(id), &(case, None::<Desk>));
                delete(changes, Table::Case, row);
            }
        }
        Ok(())
    }

    /// A plan that holds an operation of theirs goes as a whole: it is made again, and what was approved of the rest stays so.
    async fn sweep_plans(&self, pending: &Pending, changes: &mut Changes<'_>) -> Result<(), Error> {
        for row in self.all_rows(Table::Plan, "", "list plans").await? {
            let plan: Plan = parse(Table::Plan, &row)?;
            let parked = plan.parked.iter().map(|parked| &parked.operation);
            if plan.operations.iter().chain(parked).any(|operation| pending.concerns(operation)) {
                delete(changes, Table::Plan, row);
            }
        }
        for row in self.all_rows(Table::Approval, "", "list approvals").await? {
            if pending.is_target(&row.key) {
                delete(changes, Table::Approval, row);
            } else if is_confirmation(&row.key) {
                // One of an earlier version holds what a unit was to hold, and nobody knows whose.
                let confirmation: ConfirmationRow = parse(Table::Approval, &row)?;
                let key = RowKey::new(Table::Approval, row.key);
                changes.commit.expect.push((key.clone(), Some(row.revision)));
                changes.put(key, &confirmation);
            }
        }
        for row in self.all_rows(Table::Meta, REFUSALS, "list what was refused").await? {
            if row.key.strip_prefix(REFUSALS).is_some_and(|key| pending.is_target(key)) {
                delete(changes, Table::Meta, row);
            }
        }
        Ok(())
    }

    /// The bytes of letters about their records go, and those of letters that nobody could read and that name them.
    async fn sweep_letters(
        &self,
        pending: &Pending,
        suppression: &Suppression,
        changes: &mut Changes<'_>,
    ) -> Result<(), Error> {
        let mut after: Option<Text> = None;
        loop {
            // They are kept whole: never all of them at once.
            let rows = self.letter_rows(after.as_deref()).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.key.clone());
            for row in rows {
                let letter: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
                if matches!(letter.state, LetterState::Erased { .. }) {
                    if letter.record.as_ref().is_some_and(|record| pending.records.contains(record)) {
                        // What an earlier erasure told of it goes with all that was told of the record.
                        changes.journal(LETTER_SETTLED, &letter.subject(), &(&row.key, &letter.state));
                        changes.commit.expect.push((RowKey::new(Table::DeadLetter, row.key), Some(row.revision)));
                    }
                    continue;
                }
                let theirs = match &letter.record {
                    Some(record) => pending.records.contains(record),
                    None => self.is_any_suppressed(&suppression.of_words(&letter.bytes())).await?,
                };
                if theirs {
                    settle_erased(changes, &row.key, row.revision, letter);
                }
            }
        }
    }

    async fn is_any_suppressed(&self, digests: &BTreeSet<Digest>) -> Result<bool, Error> {
        let keys: Vec<RowKey> = digests.iter().map(|digest| suppressed_key(*digest)).collect();
        if keys.is_empty() {
            return Ok(false);
        }
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("look who is suppressed"))?;
        Ok(rows.iter().any(Option::is_some))
    }
}

/// Deletes a row as it was read.
pub(super) fn delete(changes: &mut Changes<'_>, table: Table, row: Row) {
    let key = RowKey::new(table, row.key);
    changes.commit.expect.push((key.clone(), Some(row.revision)));
    changes.delete(key);
}
