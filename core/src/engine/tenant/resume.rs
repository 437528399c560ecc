//! Going on from a copy of a sealed store that was made before an erasure: what nobody can read any more goes, what the journal tells is
//! put in its place, and what stands of which the journal lost the beginning is told anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::discrepancy::Discrepancy;
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
use crate::engine::tenant::verify::{Compared, Difference, Integrity};
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::fingerprint::Digest;
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
    /// Entities that stand merged, and of which nobody knows any more what they were before: those merges cannot be taken back.
    pub merged_for_good: BTreeSet<EntityId>,
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

/// Records that are to be linked anew once everything else was put right.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ToJoin {
    records: BTreeSet<RecordRef>,
}

/// The row of those: whoever is interrupted finds it again.
fn to_join_key() -> RowKey {
    RowKey::new(Table::Meta, "resume")
}

/// What replayed entities have, by what names it.
struct Told<'r> {
    homes: BTreeMap<&'r RecordRef, EntityId>,
    discrepancies: BTreeMap<Digest, &'r Discrepancy>,
}

impl<'r> Told<'r> {
    fn of(replayed: &'r Replayed) -> Self {
        let entities = || replayed.entities.values();
        let links = entities().flat_map(|entity| entity.links.iter().map(|link| (&*link.record, entity.id)));
        let told = entities().flat_map(|entity| entity.discrepancies.values()).map(|told| (told.id, &**told));
        Self { homes: links.collect(), discrepancies: told.collect() }
    }
}

/// How often what was put right is looked at again: rows rest on each other.
const ROUNDS: usize = 4;

/// How many rows and entries one commit holds, and a few more.
const AT_ONCE: usize = 500;

impl Tenant {
    /// Goes on from a copy of a sealed store that was made before an erasure, with the keys of today: a backup, a replica. It takes the
    /// place of that store: to try a copy out while the other one lives on, give it a copy of the keys too. An erasure in it
    /// destroys the keys of what does not stand in the copy, the living store's among them.
    ///
    /// Whoever was erased since cannot be read in it, and so cannot rows that were replaced or deleted by then, plans, approvals, letters
    /// and writes under way of others among them. Those rows are dropped. What the journal tells of what was in them is put in
    /// their place, what stands and is told no longer is told anew, and records that lost their entity are linked anew. Plans are made again.
    /// Hints to read go, so scan every system afterwards.
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
        let joined_anew = self.to_join().await?.1.records;
        let mut resumed = Resumed { dropped, joined_anew, ..Resumed::default() };
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
        self.note_joined(by).await?;
        let replayed = self.replay().await?;
        resumed.merged_for_good = self.merged_for_good(&replayed).await?;
        resumed.left = self.verify_against(&replayed).await?.differences;
        Ok(resumed)
    }

    /// The records that are to be linked anew, and the revision of the row that names them.
    async fn to_join(&self) -> Result<(Option<u64>, ToJoin), Error> {
        let rows = self.core.store.load(&self.id, &[to_join_key()]).await;
        let row = rows.map_err(Error::store("load what a copy holds"))?.into_iter().next().flatten();
        let records = row.as_ref().map(|row| parse(Table::Meta, row)).transpose()?.unwrap_or_default();
        Ok((row.map(|row| row.revision), records))
    }

    /// Notes that they were.
    async fn note_joined(&self, by: &Actor) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let (Some(revision), _) = self.to_join().await? else { return Ok(()) };
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((to_join_key(), Some(revision)));
            changes.delete(to_join_key());
            if attempts.commit(self, "go on from a copy", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// The aliases of whose merge there is no row.
    async fn merged_for_good(&self, replayed: &Replayed) -> Result<BTreeSet<EntityId>, Error> {
        let aliases = replayed.entities.values().filter(|entity| entity.merged_into.is_some());
        let mut aliases: BTreeSet<EntityId> = aliases.map(|entity| entity.id).collect();
        for (merged, _) in self.merged_pairs().await? {
            aliases.remove(&merged);
        }
        Ok(aliases)
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
        verified: Integrity,
        lost: &Lost,
        by: &Actor,
        resumed: &mut Resumed,
    ) -> Result<bool, Error> {
        let told = Told::of(replayed);
        let mut changes = Changes::new(&self.core, self.now(), by);
        let (mut entities, mut records) = (BTreeSet::new(), BTreeSet::new());
        // Everything else rests on them: first they are put right, and then it is looked at anew. They are named first.
        let mut wait_for_them = false;
        let (mut without_entity, mut any) = (BTreeSet::new(), false);
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
                Difference::Link { record, .. } => match told.homes.get(&record) {
                    Some(entity) => changes.put(link_key(&record), &LinkRow { entity: *entity }),
                    None => {
                        changes.delete(link_key(&record));
                        without_entity.insert(record);
                    }
                },
                Difference::Discrepancy { id, .. } => {
                    let key = RowKey::new(Table::Discrepancy, id.text());
                    match told.discrepancies.get(&id) {
                        Some(told) => changes.put(key, *told),
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
            any |= is_any(&changes);
            if size_of(&changes) >= AT_ONCE {
                let done = std::mem::replace(&mut changes, Changes::new(&self.core, self.now(), by));
                self.store_put_right(done, std::mem::take(&mut without_entity), resumed).await?;
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
        any |= is_any(&changes);
        self.store_put_right(changes, without_entity, resumed).await?;
        Ok(any)
    }

    /// Commits what was put right, and with it which records lost their entity: whoever is interrupted links them anew. What somebody
    /// changed meanwhile is looked at again.
    async fn store_put_right(
        &self,
        mut changes: Changes<'_>,
        without_entity: BTreeSet<RecordRef>,
        resumed: &mut Resumed,
    ) -> Result<(), Error> {
        if !is_any(&changes) {
            return Ok(());
        }
        let (rows, told) = (changes.commit.put.len() + changes.commit.delete.len(), changes.commit.journal.len());
        if !without_entity.is_empty() {
            let (revision, mut to_join) = self.to_join().await?;
            to_join.records.extend(without_entity.iter().cloned());
            changes.commit.expect.push((to_join_key(), revision));
            changes.put(to_join_key(), &to_join);
        }
        let mut attempts = Attempts::default();
        if attempts.commit(self, "put right what a copy lost", changes.commit).await? {
            resumed.put_right += rows as u64;
            resumed.told_anew += told as u64;
            resumed.joined_anew.extend(without_entity);
        }
        Ok(())
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

/// How many rows and entries changes hold.
fn size_of(changes: &Changes<'_>) -> usize {
    changes.commit.put.len() + changes.commit.delete.len() + changes.commit.journal.len()
}

fn is_any(changes: &Changes<'_>) -> bool {
    size_of(changes) > 0
}
