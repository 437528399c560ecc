//! History: everything that happened to one entity, as people read it.

mod reading;
mod words;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::Tenant;
use crate::engine::case::{CaseRow, discrepancy_of_key};
use crate::engine::tenant::cases::{CASE_CHANGED, CASE_OPENED};
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::erase::Restated;
use crate::engine::tenant::history::reading::Reading;
use crate::engine::tenant::history::words::{BEGINS, Teller};
use crate::engine::tenant::replay::read;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId, RecordRef};
use crate::text::Text;

pub(crate) use reading::Histories;

/// Something that happened to an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Happening {
    /// The place of its entry in the journal.
    pub place: u64,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Who did it.
    #[schemars(with = "String")]
    pub by: Actor,
    /// What kind of thing it is: `settled`, `decided`, `observed`, `refused`, ...
    #[schemars(with = "String")]
    pub kind: Text,
    /// The unit that it is about, if it is about one.
    #[schemars(with = "Option<String>")]
    pub unit: Option<Text>,
    /// The case that it is about, if it is about one.
    #[schemars(with = "Option<String>")]
    pub case: Option<Text>,
    /// Whether it tells personal data.
    pub pii: bool,
    /// What happened, in words.
    pub text: String,
}

impl Happening {
    /// The same without the words, if they tell personal data.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mut masked = self.clone();
        if masked.pii {
            "•••".clone_into(&mut masked.text);
        }
        masked
    }
}

/// A stretch of a history, oldest first, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct HistoryPage {
    /// What happened.
    pub happenings: Vec<Happening>,
    /// Where it goes on; `None`: here it ends.
    pub next: Option<u64>,
}

impl Tenant {
    /// What happened to an entity, oldest first: what its records said, how its golden values moved and why, what people
    /// decided and noted, what was written. `after` is [`HistoryPage::next`] of the page before; a page holds at least
    /// `limit` happenings, unless the history ends: those of one journal entry stay together.
    ///
    /// What was said of a record counts from its first sight, until the record was linked elsewhere. Where the journal was
    /// compacted ([`Tenant::compact`]), the first happening is of the kind `begins`, and says so.
    ///
    /// Memory holds a few entries per record and what was told last, however long the past. A page that goes on where this
    /// process ended one lately reads its own stretch of the journal only; any other reads the past from its beginning once,
    /// because what a value moved from stands there.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if the journal knows no such entity.
    pub async fn history(&self, id: EntityId, after: Option<u64>, limit: usize) -> Result<HistoryPage, Error> {
        let own = Text::from(id.to_string());
        let mut reading = match after {
            Some(place) => self.read_on(&own, place).await?,
            None => None,
        };
        if reading.is_none() {
            let begun = self.read_from_the_beginning(&own).await?;
            reading = Some(begun.ok_or(Error::UnknownEntity { expected: "entity".into(), id })?);
        }
        let Some(mut reading) = reading else { return Ok(HistoryPage { happenings: Vec::new(), next: None }) };
        let mut happenings: Vec<Happening> = Vec::new();
        let mut full: Option<Reading> = None;
        while let Some((entry, payload)) = self.next_of(&mut reading.walks).await? {
            let Some((entry, payload)) = self.meant_by(&reading.walks, entry, payload).await? else { continue };
            // What is told depends on what was told before: a value moves from another.
            let told = reading.teller.tell(&self.core, &entry, payload.as_ref())?;
            if after.is_some_and(|after| entry.seq <= after) || told.is_empty() {
                continue;
            }
            if let Some(bookmark) = full.take() {
                let next = happenings.last().map(|last| last.place);
                if let Some(place) = next {
                    self.core.memory.histories.keep(&self.id, own, place, bookmark);
                }
                return Ok(HistoryPage { happenings, next });
            }
            happenings.extend(told);
            if happenings.len() >= limit.max(1) {
                full = Some(reading.bookmark());
            }
        }
        Ok(HistoryPage { happenings, next: None })
    }

    /// What happened to a case: when it opened, changed and was resolved or closed, and what people did about it, oldest first.
    /// Of a case that is closed, too. Of one that stood open where the journal was compacted, the first happening is of the kind
    /// `begins`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCase`]; [`Error::Contended`] if the journal was compacted meanwhile: ask again.
    pub async fn case_history(&self, key: &str) -> Result<Vec<Happening>, Error> {
        let unknown = || Error::UnknownCase { key: key.into() };
        let Some(id) = discrepancy_of_key(key) else { return self.history_of_row_case(key).await };
        let entity = self.disputed(id).await?.ok_or_else(unknown)?;
        self.told_of_case(key, [entity.to_string()].into()).await
    }

    /// What the entries about these subjects tell of a case, by place.
    async fn told_of_case(&self, key: &str, subjects: BTreeSet<String>) -> Result<Vec<Happening>, Error> {
        let mut told = Vec::new();
        for subject in subjects {
            let mut teller = Teller::default();
            for (entry, payload) in self.entries_about(&subject, u64::MAX).await? {
                let about = teller.tell(&self.core, &entry, payload.as_ref())?;
                told.extend(about.into_iter().filter(|one| one.case.as_deref() == Some(key)));
            }
        }
        told.sort_by_key(|one: &Happening| one.place);
        Ok(told)
    }

    /// The history of a case about records and matches.
    async fn history_of_row_case(&self, key: &str) -> Result<Vec<Happening>, Error> {
        let named = |records: &[RecordRef], entities: &[EntityId]| {
            let records = records.iter().map(ToString::to_string);
            records.chain(entities.iter().map(ToString::to_string)).collect::<BTreeSet<String>>()
        };
        let mut subjects = BTreeSet::new();
        let closed = match self.case(key).await {
            Ok(case) => {
                subjects = named(&case.records, &case.entities);
                let told = self.told_of_case(key, subjects.clone()).await?;
                if told.iter().any(|one| [CASE_OPENED, BEGINS].contains(&&*one.kind)) {
                    return Ok(told);
                }
                None
            }
            Err(closed @ (Error::CaseClosed { .. } | Error::UnknownCase { .. })) => Some(closed),
            Err(error) => return Err(error),
        };
        // It is closed, or was about others when it was opened: the journal knows about whom, and is read for it once.
        let told = self.each_entry(|entry, payload| {
            let Some(payload) = payload else { return Ok(()) };
            let told: Option<(Text, CaseRow)> = match &*entry.kind {
                CASE_OPENED | CASE_CHANGED => Some(read(entry, payload)?),
                STATE_TOLD => match read(entry, payload)? {
                    Restated::Case(case, row) => Some((case, *row)),
                    _ => None,
                },
                _ => None,
            };
            if let Some((_, row)) = told.filter(|(case, _)| **case == *key) {
                subjects.extend(named(&row.records, &row.entities));
            }
            Ok(())
        });
        told.await?;
        match closed.filter(|_| subjects.is_empty()) {
            Some(unknown) => Err(unknown),
            None => self.told_of_case(key, subjects).await,
        }
    }

    /// The entity that a discrepancy is about.
    async fn disputed(&self, id: Digest) -> Result<Option<EntityId>, Error> {
        use crate::store::{RowKey, Table};
        let row = self.row(&RowKey::new(Table::Discrepancy, id.to_string()), "load a discrepancy").await?;
        let found: Option<crate::Discrepancy> =
            row.map(|row| crate::engine::hydrate::parse(Table::Discrepancy, &row)).transpose()?;
        Ok(found.map(|found| found.entity))
    }
}
