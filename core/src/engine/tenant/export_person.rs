//! Everything that is held on a person, as data that can be handed to them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use crate::discrepancy::DiscrepancyState;
use crate::engine::Tenant;
use crate::engine::case::{Case, CaseKind, CaseRow};
use crate::engine::hydrate::{Loader, from_json, parse};
use crate::engine::persist::{entity_key, representation_key};
use crate::engine::suppression::Suppression;
use crate::engine::tenant::dead_letter::StoredDeadLetter;
use crate::engine::tenant::erase::{Concerned, Whose};
use crate::engine::tenant::history::Happening;
use crate::engine::tenant::pages::Pages;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{EntityId, RecordRef};
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::view::{EntityView, RecordSchema};
use crate::working_set::IdentityKey;

/// How much of a history, or of the journal about a subject, is read at once.
const PAGE: usize = 256;

/// Everything that is held on a person: [`Tenant::export_person`]. It serialises to JSON.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct PersonExport {
    /// Whose data it was collected from.
    pub tenant: String,
    /// When it was collected, in milliseconds since the epoch.
    pub at: i64,
    /// The entity side by side: golden values, what every record says, decisions, what stands open.
    pub view: EntityView,
    /// The entity, and those that were merged into it, as they are stored.
    pub entities: Vec<Json>,
    /// What is stored of their records.
    pub records: Vec<RecordExport>,
    /// What waits for a person, with what people noted on it.
    pub cases: Vec<Case>,
    /// What happened, in words, oldest first.
    pub history: Vec<Happening>,
    /// The entries of the journal about them and their records, in its order; of records that are another's by now, until they
    /// went.
    pub journal: Vec<EntryExport>,
    /// Inputs that could not be processed, with their bytes: about their records, or naming them by a value that nobody else has.
    pub dead_letters: Vec<Json>,
}

/// What is stored of a record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RecordExport {
    /// The record.
    #[schemars(with = "RecordSchema")]
    pub record: RecordRef,
    /// What it said, by attribute and stamp.
    pub says: Json,
}

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EntryExport {
    /// Its place.
    pub seq: u64,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// Who did it.
    pub actor: String,
    /// The kind of fact.
    pub kind: String,
    /// The record or entity that it is about.
    pub subject: String,
    /// The fact; none, if it was erased.
    pub payload: Option<Json>,
}

impl Tenant {
    /// Everything that is held on a person, as [`Tenant::erase`] would find it: their entity with all that was merged into it, what
    /// is stored of its records, cases and notes, history, the journal's entries with their payloads, and dead letters.
    ///
    /// It is personal data throughout, unmasked. It changes nothing. For who held their records it reads the journal, and for records that
    /// are gone and told whose they were, what all records say: each once, and once more for every time that another of theirs is found.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`]; or a store that cannot be read.
    pub async fn export_person(&self, id: EntityId) -> Result<PersonExport, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let standing = loader.standing(id).await?;
        let standing = standing.ok_or(Error::UnknownEntity { expected: "entity".into(), id })?;
        let of = loader.loaded.set.entity(standing).entity.id;
        let Whose { concerned, .. } = self.held_on(&mut loader, of).await?;
        let (entities, records) = (&concerned.entities, &concerned.records);
        let own = self.own_values(&mut loader, &concerned).await?;
        let mut stored = Vec::new();
        for id in entities {
            stored.extend(self.row_as_json(entity_key(*id)).await?);
        }
        let mut told = Vec::new();
        for record in records {
            let says = self.row_as_json(representation_key(record)).await?;
            told.extend(says.map(|says| RecordExport { record: record.clone(), says }));
        }
        Ok(PersonExport {
            tenant: self.id.to_string(),
            at: self.now(),
            view: self.inspect_erased(of).await?,
            entities: stored,
            records: told,
            cases: self.cases_on(entities, records).await?,
            history: self.whole_history(of).await?,
            journal: self.entries_on(&concerned).await?,
            dead_letters: self.letters_on(records, &own).await?,
        })
    }

    async fn row_as_json(&self, key: RowKey) -> Result<Option<Json>, Error> {
        let table = key.table;
        self.row(&key, "load what is held").await?.map(|row| parse(table, &row)).transpose()
    }

    async fn cases_on(&self, entities: &BTreeSet<EntityId>, records: &BTreeSet<RecordRef>) -> Result<Vec<Case>, Error> {
        let mut cases = Vec::new();
        let mut rows = Pages::new(self, Table::Case, "go through cases");
        while let Some(row) = rows.next().await? {
            let Some(kind) = CaseKind::of_key(&row.key) else { continue };
            let held: CaseRow = parse(Table::Case, &row)?;
            let concerned = held.records.iter().any(|record| records.contains(record))
                || held.entities.iter().any(|id| entities.contains(id));
            if concerned {
                cases.push(self.case_of(row.key, kind, held));
            }
        }
        let ids: Vec<EntityId> = entities.iter().copied().collect();
        for entity in self.stored_entities(&ids).await?.into_iter().flatten() {
            let waiting = entity.discrepancies.values().filter(|one| one.state == DiscrepancyState::Waiting);
            cases.extend(waiting.map(|one| Case::of_discrepancy(&self.core, &entity, one, self.now())));
        }
        self.with_desks(cases).await
    }

    async fn whole_history(&self, id: EntityId) -> Result<Vec<Happening>, Error> {
        let (mut history, mut after) = (Vec::new(), None);
        loop {
            let page = self.history(id, after, PAGE).await?;
            history.extend(page.happenings);
            after = page.next;
            if after.is_none() {
                return Ok(history);
            }
        }
    }

    async fn entries_on(&self, concerned: &Concerned) -> Result<Vec<EntryExport>, Error> {
        let name = |record: &RecordRef| Text::from(record.to_string());
        let entities = concerned.entities.iter().map(EntityId::text);
        let whole = entities.chain(concerned.records.iter().map(name)).map(|subject| (subject, u64::MAX));
        let subjects = whole.chain(concerned.elsewhere.iter().map(|(record, until)| (name(record), *until)));
        let mut entries = Vec::new();
        for (subject, until) in subjects.collect::<BTreeMap<Text, u64>>() {
            let mut after = 0;
            loop {
                let page = self.core.store.journal_about(&self.id, &subject, after, PAGE).await;
                let page = page.map_err(Error::store("read the journal by subject"))?;
                let Some((last, _)) = page.last().filter(|_| after < until) else { break };
                after = last.seq;
                for (entry, payload) in page.into_iter().filter(|(entry, _)| entry.seq <= until) {
                    let unread = |source| Error::row(format!("journal entry {}", entry.seq).into(), &source);
                    let payload = payload.map(|payload| from_json(&payload.bytes)).transpose().map_err(unread)?;
                    entries.push(EntryExport {
                        seq: entry.seq,
                        at: entry.at,
                        actor: entry.actor.to_string(),
                        kind: entry.kind.to_string(),
                        subject: entry.subject.to_string(),
                        payload,
                    });
                }
            }
        }
        entries.sort_by_key(|entry| entry.seq);
        Ok(entries)
    }

    async fn letters_on(&self, records: &BTreeSet<RecordRef>, values: &[IdentityKey]) -> Result<Vec<Json>, Error> {
        // As an erasure would find them; what is hashed here is kept nowhere.
        let suppression = Suppression::default();
        let marks: BTreeSet<Digest> = values.iter().filter_map(|key| suppression.of_word(&key.value)).collect();
        let (mut letters, mut after) = (Vec::new(), None::<Text>);
        loop {
            let rows = self.letter_rows(after.as_deref()).await?;
            let Some(last) = rows.last() else { return Ok(letters) };
            after = Some(last.key.clone());
            for row in rows {
                let letter: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
                let theirs = match &letter.record {
                    Some(record) => records.contains(record),
                    None => !marks.is_disjoint(&suppression.of_words(&letter.bytes())),
                };
                if theirs {
                    letters.push(parse(Table::DeadLetter, &row)?);
                }
            }
        }
    }
}
