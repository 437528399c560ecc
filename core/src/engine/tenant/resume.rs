//! Going on from a copy of a sealed store that was made before an erasure: what nobody can read any more goes, what the journal tells is
//! put in its place, and what stands of which the journal lost the beginning is told anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::case::{CaseRow, noted_on, standing_key};
use crate::engine::desk::{Desk, desk_key};
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, LinkRow, entity_key, link_key, representation_key};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::cases::CASE_CHANGED;
use crate::engine::tenant::counts::count_rows;
use crate::engine::tenant::dead_letter::{LETTER_BURIED, LETTER_EXPIRED, LETTER_SETTLED, StoredDeadLetter};
use crate::engine::tenant::erase::{DESK_RESTATED, RESTATED, Restated};
use crate::engine::tenant::replay::{Replayed, read};
use crate::engine::tenant::verify::{Compared, Difference, Verified};
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::{Actor, EntityId, RecordRef};
use crate::representation::stored::StoredRepresentation;
use crate::role::Role;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// What going on from a copy came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// Rows that nobody can read any more, by table. They were dropped.
    pub dropped: BTreeMap<Table, u64>,
    /// How many rows were put as the journal tells them, or deleted because what they were about is gone.
    pub put_right: u64,
    /// How many records, entities, cases, notes and letters were told anew that the journal told no longer.
    pub told_anew: u64,
    /// Records that lost their entity, and were tried anew.
    pub joined_anew: BTreeSet<RecordRef>,
    /// What is stored otherwise than the journal says, now that this was done: nothing, unless there was more wrong with the copy.
    pub left: Vec<Difference>,
}

/// What the journal lost, and what it needs to tell of it.
#[derive(Debug, Default)]
struct Lost {
    /// What entries without a payload are about.
    subjects: BTreeSet<Text>,
    /// Whom dead letters are about, and when they came.
    letters: BTreeMap<Text, (Text, i64)>,
}

/// How often what was put right is looked at again: rows rest on each other.
const ROUNDS: usize = 4;

impl Tenant {
    /// Goes on from a copy of a sealed store that was made before an erasure, with the keys of today: a backup, a replica.
    ///
    /// Whoever was erased since cannot be read in it, and so cannot rows that were replaced or deleted by then, plans, approvals, letters
    /// and writes under way of others among them. Those rows are dropped. What the journal tells of what was in them is put in
    /// their place, what stands and is told no longer is told anew, and records that lost their entity are linked anew. Plans are made again.
    ///
    /// Nobody knows in the copy who was erased since: when a system names them again, they are somebody new. Erase them again, by the
    /// requests that you kept ([`Tenant::erase`]).
    ///
    /// Stop all workers of the tenant meanwhile, and keep the copy until you have seen what was dropped: a key that was lost looks like
    /// one that was destroyed. Interrupted or repeated, it goes on with what is left. Of a store without a seal, it drops nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] if the chain does not hold; or a store that failed.
    pub async fn resume_from_copy(&self, by: &Actor) -> Result<Resumed, Error> {
        self.require_role(by, Role::Admin, "go on from a copy").await?;
        self.require_model().await?;
        let dropped = self.core.store.drop_unreadable(&self.id).await;
        let dropped = dropped.map_err(Error::store("drop what nobody can read any more"))?;
        self.forget_erased();
        let mut resumed = Resumed { dropped, ..Resumed::default() };
        let lost = self.lost().await?;
        for round in 0.. {
            let replayed = self.replay().await?;
            let verified = self.verify_against(&replayed).await?;
            if round == ROUNDS || !self.put_right(&replayed, verified, &lost, by, &mut resumed).await? {
                break;
            }
        }
        self.reindex(by).await?;
        self.join_again(&resumed.joined_anew).await?;
        resumed.left = self.verify().await?.differences;
        Ok(resumed)
    }

    async fn lost(&self) -> Result<Lost, Error> {
        let mut lost = Lost::default();
        let read_all = self.each_entry(|entry, payload| {
            match payload {
                None => drop(lost.subjects.insert(entry.subject.clone())),
                Some(payload) if &*entry.kind == LETTER_BURIED => {
                    use serde::de::IgnoredAny as Any;
                    let (_, _, _, _, key): (Any, Any, Any, Any, Text) = read(entry, payload)?;
                    lost.letters.insert(key, (entry.subject.clone(), entry.at));
                }
                Some(_) => {}
            }
            Ok(())
        });
        read_all.await?;
        Ok(lost)
    }

    /// Puts right what differs, as far as it comes of what was lost. `false`: there is nothing of the kind.
    async fn put_right(
        &self,
        replayed: &Replayed,
        verified: Verified,
        lost: &Lost,
        by: &Actor,
        resumed: &mut Resumed,
    ) -> Result<bool, Error> {
        let mut changes = Changes::new(&self.core, self.now(), by);
        let (mut entities, mut records) = (BTreeSet::new(), BTreeSet::new());
        // Everything else rests on them: first they are put right, and then it is looked at anew. They are named first.
        let mut wait_for_them = false;
        let mut without_entity = BTreeSet::new();
        for difference in verified.differences {
            match difference {
                Difference::Entity { id, .. } if entities.insert(id) => {
                    self.put_entity_right(id, replayed, lost, &mut changes).await?;
                    wait_for_them |= is_any(&changes);
                }
                Difference::Record { record, .. } if records.insert(record.clone()) => {
                    self.put_record_right(record, replayed, lost, &mut changes).await?;
                    wait_for_them |= is_any(&changes);
                }
                _ if wait_for_them => {}
                Difference::Link { record, .. } => {
                    let links = replayed.entities.values().find(|entity| entity.link_of(&record).is_some());
                    match links {
                        Some(entity) => changes.put(link_key(&record), &LinkRow { entity: entity.id }),
                        None => {
                            changes.delete(link_key(&record));
                            without_entity.insert(record);
                        }
                    }
                }
                Difference::Discrepancy { id, .. } => {
                    let mut told = replayed.entities.values().flat_map(|entity| entity.discrepancies.values());
                    let key = RowKey::new(Table::Discrepancy, id.text());
                    match told.find(|told| told.id == id) {
                        Some(told) => changes.put(key, &**told),
                        None => changes.delete(key),
                    }
                }
                Difference::DeadLetter { key, compared } => {
                    self.put_letter_right(key, compared, lost, &mut changes).await?;
                }
                Difference::Case { key, compared, .. } => {
                    self.put_case_right(key, compared, replayed, &mut changes).await?;
                }
                _ => {}
            }
        }
        if !wait_for_them {
            for (key, entity, _) in self.misfiled(replayed).await? {
                let key = RowKey::new(Table::Index, key);
                match entity {
                    Some(entity) => changes.put(key, &LinkRow { entity }),
                    None => changes.delete(key),
                }
            }
            self.put_counts_right(replayed, &mut changes).await?;
        }
        if !is_any(&changes) {
            return Ok(false);
        }
        let (rows, told) = (changes.commit.put.len() + changes.commit.delete.len(), changes.commit.journal.len());
        let mut attempts = Attempts::default();
        if attempts.commit(self, "put right what a copy lost", changes.commit).await? {
            resumed.put_right += rows as u64;
            resumed.told_anew += told as u64;
            resumed.joined_anew.append(&mut without_entity);
        }
        Ok(true)
    }

    async fn stored(&self, changes: &mut Changes<'_>, key: &RowKey) -> Result<Option<Row>, Error> {
        let row = self.row(key, "load what a copy holds").await?;
        changes.commit.expect.push((key.clone(), row.as_ref().map(|row| row.revision)));
        Ok(row)
    }

    async fn put_entity_right(
        &self,
        id: EntityId,
        replayed: &Replayed,
        lost: &Lost,
        changes: &mut Changes<'_>,
    ) -> Result<(), Error> {
        let key = entity_key(id);
        match (self.stored(changes, &key).await?, replayed.entities.get(&id)) {
            (None, Some(told)) => changes.put(key, &told.to_stored(self.core.model.entity(told.entity))),
            (Some(row), _) if lost.subjects.contains(&id.text()) => {
                let stored: StoredEntity = parse(Table::Entity, &row)?;
                changes.journal(RESTATED, &id.text(), &Restated::Entity(Box::new(stored)));
            }
            _ => {}
        }
        Ok(())
    }

    async fn put_record_right(
        &self,
        record: RecordRef,
        replayed: &Replayed,
        lost: &Lost,
        changes: &mut Changes<'_>,
    ) -> Result<(), Error> {
        let (key, subject) = (representation_key(&record), Text::from(record.to_string()));
        match (self.stored(changes, &key).await?, replayed.representations.get(&record)) {
            (None, Some(told)) => {
                if let Some((entity, object)) = self.core.place(&record) {
                    changes.put(key, &told.to_stored(self.core.slot_names(entity, object)));
                }
            }
            (Some(row), _) if lost.subjects.contains(&subject) => {
                let stored: StoredRepresentation = parse(Table::Representation, &row)?;
                changes.journal(RESTATED, &subject, &Restated::Record(record, Box::new(stored)));
            }
            _ => {}
        }
        Ok(())
    }

    /// What a letter held is gone with its row; and one of which the journal lost what became of it is told as it stands.
    async fn put_letter_right(
        &self,
        key: Text,
        compared: Compared,
        lost: &Lost,
        changes: &mut Changes<'_>,
    ) -> Result<(), Error> {
        if compared == Compared::Missing {
            let (subject, at) = lost.letters.get(&key).cloned().unwrap_or_default();
            changes.journal(LETTER_EXPIRED, &subject, &(&key, at));
        } else if let Some(row) = self.stored(changes, &RowKey::new(Table::DeadLetter, key.clone())).await? {
            let letter: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
            changes.journal(LETTER_SETTLED, &letter.subject(), &(&key, &letter.state));
        }
        Ok(())
    }

    /// Cases, and what people noted on them. Where nobody can say any more whom a note is about, it goes.
    async fn put_case_right(
        &self,
        case: Text,
        compared: Compared,
        replayed: &Replayed,
        changes: &mut Changes<'_>,
    ) -> Result<(), Error> {
        let key = RowKey::new(Table::Case, case.clone());
        if let Some(told) = replayed.cases.get(&case) {
            match self.stored(changes, &key).await? {
                None => changes.put(key, told),
                Some(row) => {
                    let stored: CaseRow = parse(Table::Case, &row)?;
                    if stored != *told {
                        changes.journal(CASE_CHANGED, &stored.subject(&case), &(&case, &stored));
                    }
                }
            }
        }
        let Some(row) = self.stored(changes, &desk_key(&case)).await? else {
            if let Some(told) = replayed.desks.get(&case) {
                changes.put(desk_key(&case), told);
            }
            return Ok(());
        };
        let noted: Desk = parse(Table::Case, &row)?;
        if compared == Compared::Missing || replayed.desks.get(&case) == Some(&noted) {
            return Ok(());
        }
        match self.stored(changes, &standing_key(&case)).await? {
            Some(standing) => {
                changes.journal(DESK_RESTATED, &noted_on(&case, &standing)?, &(&case, Some(noted)));
            }
            None => match replayed.desks.get(&case) {
                Some(told) => changes.put(desk_key(&case), told),
                None => changes.delete(desk_key(&case)),
            },
        }
        Ok(())
    }

    async fn put_counts_right(&self, replayed: &Replayed, changes: &mut Changes<'_>) -> Result<(), Error> {
        for (key, count) in &replayed.counts {
            let Some((table, _)) = count_rows().into_iter().find(|(_, prefix)| key.starts_with(prefix)) else {
                continue;
            };
            let key = RowKey::new(table, key.clone());
            if self.stored(changes, &key).await?.is_none() {
                changes.put(key, count);
            }
        }
        Ok(())
    }
}

fn is_any(changes: &Changes<'_>) -> bool {
    let commit = &changes.commit;
    !(commit.put.is_empty() && commit.delete.is_empty() && commit.journal.is_empty())
}
