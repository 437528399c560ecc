//! The feed: what was journaled, and what golden records became of it, published for other services and for workers. It is read
//! from the journal, so that nothing is published that was not committed, and nothing committed is left out.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::{entity_key, json};
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::model::MODEL_ACCEPTED;
use crate::engine::tenant::run::News;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::EntityId;
use crate::journal::{Entry, Payload};
use crate::queue::{Message, Queue, Topic};
use crate::store::{Commit, RowKey, Table};
use crate::value::Field;

/// The version of the messages below. Within one, fields are added and none is taken away.
pub const FORMAT: u16 = 1;

/// How many entries one page of the feed holds.
const PAGE: usize = 256;

/// The largest payload that an entry is published with, in bytes: whoever needs a larger one reads the journal.
const MOST_PAYLOAD: usize = 128 << 10;

/// One journal entry, on [`Topic::Journal`]: keyed by the entity or record that it is about, in the order of the journal.
///
/// Its message has the id `tenant/seq`: one that comes again is the same.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct JournalEvent {
    /// The version of this form.
    pub format: u16,
    /// Whose it is.
    pub tenant: String,
    /// Its place in the tenant's journal, from 1.
    pub seq: u64,
    /// Milliseconds since the epoch, by the engine's clock.
    pub at: i64,
    /// Who did it.
    pub actor: String,
    /// The kind of fact.
    pub kind: String,
    /// The record or entity that it is about.
    pub subject: String,
    /// The digest of the entry, in hexadecimal: where it stands in the chain.
    pub digest: String,
    /// The fact itself, as JSON. None of observations, of what checkpoints tell again, of payloads
    /// beyond 128 KiB, and of what was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub payload: Option<Box<RawValue>>,
}

/// A golden record as it is once it changed, on [`Topic::Golden`]: keyed by the entity.
///
/// It is state, not difference: of two, the one of the greater revision is later, in whatever order they come. Its message has
/// the id `tenant/entity/revision`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoldenChange {
    /// The version of this form.
    pub format: u16,
    /// Whose it is.
    pub tenant: String,
    /// The entity.
    pub entity: String,
    /// Its type.
    pub entity_type: String,
    /// Raised with every change of the entity.
    pub revision: u64,
    /// The entity that it was merged into: it speaks for this one from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// The values by unit, in canonical form: `null` for none, `""` for the empty value where systems tell it apart.
    pub values: BTreeMap<String, Option<String>>,
}

/// The JSON schema of a topic's messages; none where messages are nobody's but Accordant's.
#[must_use]
pub fn schema_of(topic: Topic) -> Option<schemars::Schema> {
    match topic {
        Topic::Journal => Some(schemars::schema_for!(JournalEvent)),
        Topic::Golden => Some(schemars::schema_for!(GoldenChange)),
        Topic::Inputs | Topic::Unreadable => None,
    }
}

/// What a publication came to.
#[derive(Debug, Default)]
pub(crate) struct Fed {
    /// Entries that were published.
    pub(crate) entries: usize,
    /// What they told.
    pub(crate) news: News,
    /// Whether there are more.
    pub(crate) more: bool,
}

/// The row that says how far the journal was published.
fn fed_key() -> RowKey {
    RowKey::new(Table::Meta, "fed")
}

impl Tenant {
    /// Publishes what was journaled since the last publication, and the golden records that changed by it, in order. Says how many
    /// entries there were.
    ///
    /// At least once: each message has an id by which a repetition is told. One process at a time should publish; two repeat each
    /// other.
    ///
    /// # Errors
    ///
    /// If the store or the queue fails. What was not acknowledged is published again by the next call.
    pub async fn publish(&self, queue: &dyn Queue) -> Result<usize, Error> {
        let mut entries = 0;
        loop {
            let fed = self.publish_page(queue).await?;
            entries += fed.entries;
            if !fed.more {
                return Ok(entries);
            }
        }
    }

    /// Publishes one page.
    pub(crate) async fn publish_page(&self, queue: &dyn Queue) -> Result<Fed, Error> {
        let row = self.row(&fed_key(), "look how far was published").await?;
        let after: u64 = row.as_ref().map(|row| parse(Table::Meta, row)).transpose()?.unwrap_or(0);
        let page = self.core.store.journal(&self.id, after, PAGE).await.map_err(Error::store("read the journal"))?;
        let Some((last, _)) = page.last() else { return Ok(Fed::default()) };
        let last = last.seq;
        let mut news = News::default();
        let mut events = Vec::with_capacity(page.len());
        let mut changed = BTreeSet::new();
        for (entry, payload) in &page {
            news.add(entry);
            if entry.kind.as_str() == "facts" {
                changed.extend(entry.subject.parse::<EntityId>().ok());
            }
            events.push(self.event(entry, payload.as_ref(), queue.most_bytes()));
        }
        // Golden records first: whoever is told that an entity changed finds it.
        let golden = self.golden_of(changed.into_iter().collect(), queue.most_bytes()).await?;
        queue.publish(Topic::Golden, golden).await.map_err(Error::queue("publish golden records"))?;
        queue.publish(Topic::Journal, events).await.map_err(Error::queue("publish journal entries"))?;
        let mut commit = Commit { expect: vec![(fed_key(), row.map(|row| row.revision))], ..Commit::default() };
        commit.put.push((fed_key(), json(&last)));
        // Another published the same meanwhile: its place stands.
        self.commit("note how far was published", commit).await?;
        Ok(Fed { entries: page.len(), news, more: page.len() == PAGE })
    }

    /// How far the journal was published; none where nobody publishes it.
    pub(in crate::engine::tenant) async fn published(&self) -> Result<Option<u64>, Error> {
        let row = self.row(&fed_key(), "look how far was published").await?;
        row.as_ref().map(|row| parse(Table::Meta, row)).transpose()
    }

    fn event(&self, entry: &Entry, payload: Option<&Payload>, most: usize) -> Message {
        let told = !["observed", MODEL_ACCEPTED, STATE_TOLD].contains(&entry.kind.as_str());
        let payload = payload.filter(|payload| told && payload.bytes.len() <= MOST_PAYLOAD.min(most / 2));
        let payload = payload.and_then(|payload| serde_json::from_slice::<Box<RawValue>>(&payload.bytes).ok());
        let event = JournalEvent {
            format: FORMAT,
            tenant: self.id.to_string(),
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor.to_string(),
            kind: entry.kind.to_string(),
            subject: entry.subject.to_string(),
            digest: entry.digest.to_string(),
            payload,
        };
        Message {
            tenant: self.id.clone(),
            key: entry.subject.clone(),
            id: format!("{}/{}", self.id, entry.seq).into(),
            body: Bytes::from(json(&event)),
        }
    }

    /// The golden records of entities, as they stand.
    async fn golden_of(&self, entities: Vec<EntityId>, most: usize) -> Result<Vec<Message>, Error> {
        let keys: Vec<RowKey> = entities.iter().map(|id| entity_key(*id)).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load golden records"))?;
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows.into_iter().flatten() {
            let stored: StoredEntity = parse(Table::Entity, &row)?;
            // An entity of a type that today's model does not have is nobody's.
            let Some(entity) = Entity::from_stored(stored, &self.core.model) else { continue };
            let model = self.core.model.entity(entity.entity);
            let values = entity.golden.iter().map(|(unit, cell)| {
                let value = match &cell.field {
                    Field::Null => None,
                    Field::Empty => Some(String::new()),
                    Field::Value(text) => Some(text.to_string()),
                };
                (model.unit_name(&unit).to_string(), value)
            });
            let change = GoldenChange {
                format: FORMAT,
                tenant: self.id.to_string(),
                entity: entity.id.to_string(),
                entity_type: model.name.to_string(),
                revision: row.revision,
                merged_into: entity.merged_into.map(|into| into.to_string()),
                values: values.collect(),
            };
            let body = Bytes::from(json(&change));
            if body.len() > most {
                // Whoever follows the journal hears that it changed, and can ask for it.
                continue;
            }
            let id = format!("{}/{}/{}", self.id, entity.id, row.revision);
            messages.push(Message { tenant: self.id.clone(), key: row.key, id: id.into(), body });
        }
        Ok(messages)
    }
}
