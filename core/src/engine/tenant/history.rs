//! History: everything that happened to one entity, as people read it.

mod words;

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::Tenant;
use crate::engine::case::discrepancy_of_key;
use crate::engine::tenant::history::words::Teller;
use crate::engine::tenant::replay::read;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId, RecordRef};
use crate::journal::{Entry, Payload};
use crate::text::Text;

/// How many entries about one subject are read at once.
const PAGE: usize = 64;

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
    /// What was said of a record counts from its first sight, until the record was linked elsewhere.
    ///
    /// Memory holds a few entries per record and what was told last, however long the past. A page reads the past from its
    /// beginning: what a value moved from stands there.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if the journal knows no such entity.
    pub async fn history(&self, id: EntityId, after: Option<u64>, limit: usize) -> Result<HistoryPage, Error> {
        let own = Text::from(id.to_string());
        let (known, records) = self.records_ever(&own).await?;
        if !known {
            return Err(Error::UnknownEntity { expected: "entity".into(), id });
        }
        let mut walks = vec![Walk::new(own, None)];
        walks.extend(records.into_iter().map(|(record, until)| Walk::new(record.to_string().into(), until)));
        let mut teller = Teller::new(self);
        let mut page = HistoryPage { happenings: Vec::new(), next: None };
        while let Some((entry, payload)) = self.next_of(&mut walks).await? {
            // What is told depends on what was told before: a value moves from another.
            let told = teller.tell(&entry, payload.as_ref())?;
            if after.is_some_and(|after| entry.seq <= after) || told.is_empty() {
                continue;
            }
            if page.happenings.len() >= limit.max(1) {
                page.next = page.happenings.last().map(|last| last.place);
                break;
            }
            page.happenings.extend(told);
        }
        Ok(page)
    }

    /// Whether the journal knows of an entity; and every record that it ever had, with the place at which it went elsewhere, if it
    /// did.
    async fn records_ever(&self, own: &Text) -> Result<(bool, BTreeMap<RecordRef, Option<u64>>), Error> {
        let (mut known, mut records) = (false, BTreeMap::new());
        let mut walk = [Walk::new(own.clone(), None)];
        while let Some((entry, payload)) = self.next_of(&mut walk).await? {
            known |= *entry.kind == *"facts";
            let Some(payload) = payload.as_ref().filter(|_| *entry.kind == *"facts") else { continue };
            let facts: Vec<StoredFact> = read(&entry, payload)?;
            for fact in facts {
                match fact {
                    StoredFact::Linked { record, .. } => drop(records.insert((*record).clone(), None)),
                    StoredFact::Unlinked { record } => drop(records.insert((*record).clone(), Some(entry.seq))),
                    _ => {}
                }
            }
        }
        Ok((known, records))
    }

    /// The next entry about any of these subjects, in the order of the journal.
    async fn next_of(&self, walks: &mut [Walk]) -> Result<Option<(Entry, Option<Payload>)>, Error> {
        for walk in walks.iter_mut().filter(|walk| walk.read.is_empty() && !walk.ended) {
            let page = self.core.store.journal_about(&self.id, &walk.subject, walk.after, PAGE).await;
            let page = page.map_err(Error::store("read the journal by subject"))?;
            walk.ended = page.len() < PAGE;
            walk.after = page.last().map_or(walk.after, |(entry, _)| entry.seq);
            let counts = |entry: &Entry| walk.until.is_none_or(|until| entry.seq < until);
            walk.ended |= page.last().is_some_and(|(entry, _)| !counts(entry));
            walk.read.extend(page.into_iter().filter(|(entry, _)| counts(entry)));
        }
        let first = walks.iter_mut().filter(|walk| !walk.read.is_empty());
        let first = first.min_by_key(|walk| walk.read.front().map(|(entry, _)| entry.seq));
        Ok(first.and_then(|walk| walk.read.pop_front()))
    }

    /// What happened to a case: when it opened, changed and was resolved, and what people did about it, oldest first. Of a
    /// case that is closed, too.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCase`].
    pub async fn case_history(&self, key: &str) -> Result<Vec<Happening>, Error> {
        let unknown = || Error::UnknownCase { key: key.into() };
        let entities = match discrepancy_of_key(key) {
            Some(id) => vec![self.disputed(id).await?.ok_or_else(unknown)?],
            None => self.case(key).await?.entities,
        };
        let mut told = Vec::new();
        for id in entities {
            let mut teller = Teller::new(self);
            for (entry, payload) in self.entries_about(&id.to_string(), u64::MAX).await? {
                let about = teller.tell(&entry, payload.as_ref())?;
                told.extend(about.into_iter().filter(|one| one.case.as_deref() == Some(key)));
            }
        }
        told.sort_by_key(|one: &Happening| one.place);
        Ok(told)
    }

    /// The entity that a discrepancy is about.
    async fn disputed(&self, id: Digest) -> Result<Option<EntityId>, Error> {
        use crate::store::{RowKey, Table};
        let rows = self.core.store.load(&self.id, &[RowKey::new(Table::Discrepancy, id.to_string())]).await;
        let row = rows.map_err(Error::store("load a discrepancy"))?.into_iter().next().flatten();
        let found: Option<crate::Discrepancy> =
            row.map(|row| crate::engine::hydrate::parse(Table::Discrepancy, &row)).transpose()?;
        Ok(found.map(|found| found.entity))
    }
}

/// A walk through the entries about one subject, a page at a time.
struct Walk {
    subject: Text,
    /// Where the subject went elsewhere: what is told of it from there on is another entity's.
    until: Option<u64>,
    after: u64,
    read: VecDeque<(Entry, Option<Payload>)>,
    ended: bool,
}

impl Walk {
    const fn new(subject: Text, until: Option<u64>) -> Self {
        Self { subject, until, after: 0, read: VecDeque::new(), ended: false }
    }
}
