//! Telling anew what the journal is about to lose and somebody else still needs: how a record stands that belongs to another
//! now, how an entity stands that was one with the person once, what became of a case, a letter or a note.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, noted_on, standing_key};
use crate::engine::desk::{CASE_NOTED, Desk, desk_key};
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, entity_key, representation_key};
use crate::engine::suppression::Pending;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::cases::{CASE_CHANGED, CASE_GONE, CASE_OPENED};
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::counts::Count;
use crate::engine::tenant::dead_letter::{
    LETTER_BURIED, LETTER_REOPENED, LETTER_SETTLED, LetterState, StoredDeadLetter,
};
use crate::engine::tenant::erase::finish::Subject;
use crate::engine::tenant::erase::subject_of;
use crate::engine::tenant::replay::read;
use crate::engine::tenant::roles::Granted;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName, EntityId, RecordRef};
use crate::journal::{Entry, Payload};
use crate::model::change::StoredModel;
use crate::plan::GivenStanding;
use crate::representation::stored::StoredRepresentation;
use crate::rollout::ConnectionState;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// The journal's kind for a record or entity that is told as it stands, because what led there was erased.
pub(crate) const RESTATED: &str = "restated";
/// The journal's kind for what is noted on a case, told as it stands; none: nothing is.
pub(crate) const DESK_RESTATED: &str = "desk_restated";

/// How many entries are read at once.
const PAGE: usize = 256;

/// The payload of [`RESTATED`], and of what a checkpoint tells: a row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Restated {
    /// What a record says.
    Record(RecordRef, Box<StoredRepresentation>),
    /// What an entity is.
    Entity(Box<StoredEntity>),
    /// The records that an entity had once, and the places at which they left: whoever erases it later needs to know.
    Once(EntityId, Vec<(RecordRef, u64)>),
    /// What operators allow a connection.
    Connection(ConnectionName, ConnectionState),
    /// A standing approval.
    Standing(Box<GivenStanding>),
    /// What counts against a limit, by the key of its row.
    Count(Text, Count),
    /// What became of a dead letter.
    Letter(Text, LetterState),
    /// What people noted on a case.
    Desk(Text, Desk),
    /// A case about records or matches that stands open.
    Case(Text, Box<CaseRow>),
    /// The role of an actor.
    Granted(Actor, Granted),
    /// Hashes by which persons are known who were erased.
    Suppressed(Vec<Digest>),
    /// The model in force.
    Model(Box<StoredModel>),
}

/// What entries that are about to lose their payloads tell of, by the names of rows.
#[derive(Debug, Default)]
struct Mentioned {
    cases: BTreeSet<Text>,
    letters: BTreeSet<Text>,
    /// Cases on which something is noted, and what stays of what that was told about; none: nothing of it stays.
    desks: BTreeMap<Text, Option<Text>>,
}

impl Mentioned {
    fn note(&mut self, subject: &Subject, entry: &Entry, payload: &Payload) -> Result<(), Error> {
        use serde::de::IgnoredAny as Any;
        match entry.kind.as_str() {
            CASE_OPENED | CASE_CHANGED => {
                let (case, _): (Text, Any) = read(entry, payload)?;
                self.cases.insert(case);
            }
            CASE_GONE => {
                let (case,): (Text,) = read(entry, payload)?;
                self.cases.insert(case);
            }
            CASE_NOTED | DESK_RESTATED => {
                let (case, _): (Text, Any) = read(entry, payload)?;
                self.note_desk(case, subject);
            }
            LETTER_BURIED if !subject.gone => {
                let (_, _, _, _, key): (Any, Any, Any, Any, Text) = read(entry, payload)?;
                self.letters.insert(key);
            }
            LETTER_SETTLED | LETTER_REOPENED if !subject.gone => {
                let (key, _): (Text, Any) = read(entry, payload)?;
                self.letters.insert(key);
            }
            STATE_TOLD => match read(entry, payload)? {
                Restated::Case(case, _) => drop(self.cases.insert(case)),
                Restated::Desk(case, _) => self.note_desk(case, subject),
                Restated::Letter(key, _) if !subject.gone => drop(self.letters.insert(key)),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn note_desk(&mut self, case: Text, subject: &Subject) {
        let stays = self.desks.entry(case).or_default();
        if !subject.gone {
            *stays = Some(subject.name.clone());
        }
    }
}

impl Tenant {
    /// Tells how the records and entities stand that outlive an erasure.
    pub(super) async fn restate(&self, pending: &Pending) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            for (record, _) in pending.elsewhere.iter().filter(|(_, place)| *place > 0) {
                let key = representation_key(record);
                let Some(row) = self.row_to_tell(&mut changes, key).await? else { continue };
                let stored: StoredRepresentation = parse(Table::Representation, &row)?;
                changes.journal(RESTATED, &record.to_string(), &Restated::Record(record.clone(), Box::new(stored)));
            }
            for (id, _) in pending.parted.iter().filter(|(_, place)| *place > 0) {
                let Some(row) = self.row_to_tell(&mut changes, entity_key(*id)).await? else { continue };
                let stored: StoredEntity = parse(Table::Entity, &row)?;
                changes.journal(RESTATED, &id.text(), &Restated::Entity(Box::new(stored)));
                let mut once = self.once_held(*id).await?;
                once.retain(|(record, _)| !pending.records.contains(record));
                if !once.is_empty() {
                    changes.journal(RESTATED, &id.text(), &Restated::Once(*id, once));
                }
            }
            if changes.commit.journal.is_empty()
                || attempts.commit(self, "tell anew what outlives an erasure", changes.commit).await?
            {
                return Ok(());
            }
        }
    }

    /// Tells how cases, notes and letters stand that entries about these subjects told of.
    pub(super) async fn retell(&self, id: EntityId, subjects: &[Subject]) -> Result<(), Error> {
        let mut mentioned = Mentioned::default();
        for subject in subjects {
            let mut after = 0;
            'pages: loop {
                let page = self.core.store.journal_about(&self.id, &subject.name, after, PAGE).await;
                let page = page.map_err(Error::store("read the journal by subject"))?;
                let Some((last, _)) = page.last() else { break };
                after = last.seq;
                for (entry, payload) in &page {
                    if entry.seq > subject.until {
                        break 'pages;
                    }
                    if let Some(payload) = payload {
                        mentioned.note(subject, entry, payload)?;
                    }
                }
            }
        }
        let mut attempts = Attempts::default();
        loop {
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            self.retell_cases(id, &mentioned, &mut changes).await?;
            self.retell_desks(id, &mentioned, &mut changes).await?;
            for key in &mentioned.letters {
                let row = self.row_to_tell(&mut changes, RowKey::new(Table::DeadLetter, key.clone())).await?;
                if let Some(row) = row {
                    let letter: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
                    changes.journal(LETTER_SETTLED, &letter.subject(), &(key, &letter.state));
                }
            }
            if (changes.commit.journal.is_empty() && changes.commit.delete.is_empty())
                || attempts.commit(self, "tell anew what outlives an erasure", changes.commit).await?
            {
                return Ok(());
            }
        }
    }

    async fn retell_cases(&self, id: EntityId, mentioned: &Mentioned, changes: &mut Changes<'_>) -> Result<(), Error> {
        for key in &mentioned.cases {
            // One whose every entry is about the one record is forgotten with it.
            let of_one = matches!(CaseKind::of_key(key), Some(CaseKind::Unlinked));
            match self.row_to_tell(changes, RowKey::new(Table::Case, key.clone())).await? {
                Some(row) => {
                    let case: CaseRow = parse(Table::Case, &row)?;
                    changes.journal(CASE_CHANGED, &case.subject(key), &(key, &case));
                }
                None if of_one => {}
                None => changes.journal(CASE_GONE, &subject_of(id), &(key,)),
            }
        }
        Ok(())
    }

    async fn retell_desks(&self, id: EntityId, mentioned: &Mentioned, changes: &mut Changes<'_>) -> Result<(), Error> {
        for (case, stays) in &mentioned.desks {
            let Some(row) = self.row_to_tell(changes, desk_key(case)).await? else { continue };
            let standing = self.row_to_tell(changes, standing_key(case)).await?;
            let about = standing.map(|standing| noted_on(case, &standing)).transpose()?;
            // About whoever it is about: their erasure finds it there.
            if let Some(about) = about.or_else(|| stays.clone()) {
                let desk: Desk = parse(Table::Case, &row)?;
                changes.journal(DESK_RESTATED, &about, &(case, Some(desk)));
            } else {
                changes.delete(desk_key(case));
                changes.journal(DESK_RESTATED, &subject_of(id), &(case, None::<Desk>));
            }
        }
        Ok(())
    }

    /// A row that is told as it stands: it must still stand so when that is committed.
    async fn row_to_tell(&self, changes: &mut Changes<'_>, key: RowKey) -> Result<Option<Row>, Error> {
        let rows = self.core.store.load(&self.id, std::slice::from_ref(&key)).await;
        let row = rows.map_err(Error::store("load what outlives an erasure"))?.into_iter().next().flatten();
        changes.commit.expect.push((key, row.as_ref().map(|row| row.revision)));
        Ok(row)
    }
}
