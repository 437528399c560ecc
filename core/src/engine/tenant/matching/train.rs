//! Training: a model of what agreement is worth, learned from the records of a tenant, and put in the place of the last.

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::match_index::subject_of;
use crate::engine::match_queue::{Queued, queue_key};
use crate::engine::persist::{Changes, LinkRow, link_key, record_of_key};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::matching::held::Everyone;
use crate::entity::{Entity, Evidence, HUB_OBJECT};
use crate::error::{Error, Known};
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityType, RecordRef};
use crate::matching::{Judged, MatcherError};
use crate::role::Role;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// The journal's kind for a model that was trained.
const TRAINED: &str = "matcher_trained";

/// A model that was trained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trained {
    /// Its version: the first is 1.
    pub version: u32,
    /// Its digest.
    pub digest: Digest,
    /// From how many records it was learned.
    pub records: usize,
    /// From how many answers of people.
    pub judged: usize,
    /// What it does not know, for people: [`Matcher::remarks`](crate::matching::Matcher::remarks).
    pub remarks: Vec<Text>,
}

/// The row of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModelRow {
    pub(super) version: u32,
    pub(super) digest: Digest,
    by: Actor,
    at: i64,
    pub(super) model: String,
}

/// How far records have been put in the queue since a model was trained.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Text>,
}

/// How many records a sweep puts in the queue by one commit.
const SWEPT_AT_ONCE: usize = 200;

fn model_row(entity_type: &EntityType) -> RowKey {
    RowKey::new(Table::Meta, format!("matcher\u{1f}{entity_type}"))
}

fn sweep_row(entity_type: &EntityType) -> RowKey {
    RowKey::new(Table::Meta, format!("matcher-sweep\u{1f}{entity_type}"))
}

impl Tenant {
    /// Trains the matcher of an entity type on all its records, and on what people answered. From then on records are matched by the new
    /// model: all are looked at again by the steps that follow. What people said stands, whatever the model says.
    ///
    /// Journaled with its version and digest. It learns on the calling task, in memory: of a hundred thousand records, for some seconds.
    ///
    /// # Errors
    ///
    /// [`Error::NoMatcher`] if the builder was told of none for the entity type; [`Error::Matcher`] if the records tell nothing that could
    /// be learned; or a store that failed.
    pub async fn train_matcher(&self, entity_type: &str, by: &Actor) -> Result<Trained, Error> {
        self.require_role(by, Role::Admin, "train matchers").await?;
        let known = self.core.model.entity_index(entity_type);
        let matching = known.and_then(|of| Some((of, self.core.matching.get(usize::from(of))?.as_ref()?)));
        let Some((of, matching)) = matching else {
            let matched = self.core.matching.iter().flatten().map(|matching| matching.entity_type.as_str());
            return Err(Error::NoMatcher {
                entity_type: entity_type.into(),
                known: Known::beside(entity_type, matched),
            });
        };
        let name = &self.core.model.entity(of).name;
        let mut attempts = Attempts::default();
        loop {
            let before = self.matcher_model(of).await?;
            let version = before.as_ref().map_or(0, |(row, _)| row.version).saturating_add(1);
            let Everyone { records, entities, .. } = self.everyone(of).await?;
            let features: Vec<_> = records.into_iter().map(|(features, _)| features).collect();
            let judged = judged(&entities);
            let subject = subject_of(&self.core, of);
            let model = matching.matcher.train(&subject, &features, &judged, version);
            let model = model.map_err(|why| self.matcher_failed(of, why))?;
            let digest = Digest::of(model.as_bytes());
            let remarks = matching.matcher.remarks(&model);
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((model_row(name), before.map(|(_, revision)| revision)));
            changes.put(model_row(name), &ModelRow { version, digest, by: by.clone(), at: changes.as_of(), model });
            changes.put(sweep_row(name), &Sweep::default());
            let trained = Trained { version, digest, records: features.len(), judged: judged.len(), remarks };
            let told = (name, version, digest, trained.records, trained.judged);
            changes.journal(TRAINED, &format!("matcher/{name}"), &told);
            if attempts.commit(self, "store a model of a matcher", changes.commit).await? {
                return Ok(trained);
            }
        }
    }

    /// The model of an entity type, and the revision of its row.
    pub(super) async fn matcher_model(&self, of: u16) -> Result<Option<(ModelRow, u64)>, Error> {
        let key = model_row(&self.core.model.entity(of).name);
        let rows = self.core.store.load(&self.id, &[key]).await.map_err(Error::store("load a model of a matcher"))?;
        let row = rows.into_iter().next().flatten();
        row.map(|row| Ok((parse(Table::Meta, &row)?, row.revision))).transpose()
    }

    /// Empties the queue of an entity type that has no model: whoever trains one looks at all records.
    pub(super) async fn empty_match_queue(&self, of: u16, rows: Vec<Row>) -> Result<bool, Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.commit.expect.push((model_row(&self.core.model.entity(of).name), None));
        for row in rows {
            let key = RowKey::new(Table::Index, row.key);
            changes.commit.expect.push((key.clone(), Some(row.revision)));
            changes.delete(key);
        }
        self.commit("empty the queue of a matcher", changes.commit).await
    }

    /// Puts the next records in the queue after a model was trained. Says whether there are more.
    pub(super) async fn sweep_matches(&self, of: u16) -> Result<bool, Error> {
        let name = &self.core.model.entity(of).name;
        let key = sweep_row(name);
        let mut attempts = Attempts::default();
        loop {
            let rows = self.core.store.load(&self.id, std::slice::from_ref(&key)).await;
            let row = rows.map_err(Error::store("see what was matched"))?.into_iter().next().flatten();
            let Some(row) = row else { return Ok(false) };
            let Sweep { after } = parse(Table::Meta, &row)?;
            let table = Table::Representation;
            let found = self.core.store.scan(&self.id, table, "", after.as_deref(), SWEPT_AT_ONCE).await;
            let found = found.map_err(Error::store("go through records"))?;
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.commit.expect.push((key.clone(), Some(row.revision)));
            let more = found.len() == SWEPT_AT_ONCE;
            match found.last() {
                Some(last) if more => changes.put(key.clone(), &Sweep { after: Some(last.key.clone()) }),
                _ => changes.delete(key.clone()),
            }
            let records: Vec<RecordRef> = found.iter().filter_map(|row| record_of_key(&row.key)).collect();
            let is_of = |record: &&RecordRef| {
                self.core.place(record).is_some_and(|(entity, object)| entity == of && object != HUB_OBJECT)
            };
            let records: Vec<&RecordRef> = records.iter().filter(is_of).collect();
            let links: Vec<RowKey> = records.iter().map(|record| link_key(record)).collect();
            let links = match links.is_empty() {
                true => Vec::new(),
                false => self.core.store.load(&self.id, &links).await.map_err(Error::store("look for links"))?,
            };
            for (record, link) in records.into_iter().zip(links) {
                let link: Option<LinkRow> = link.map(|row| parse(Table::Link, &row)).transpose()?;
                changes.put(queue_key(name, record), &Queued { entity: link.map(|link| link.entity) });
            }
            if attempts.commit(self, "look at records again", changes.commit).await? {
                return Ok(more);
            }
        }
    }

    pub(super) fn no_matcher(&self, of: u16) -> Error {
        let entity_type = Text::from(self.core.model.entity(of).name.as_str());
        Error::NoMatcher { entity_type, known: Known::beside("", std::iter::empty()) }
    }

    pub(super) fn matcher_failed(&self, of: u16, source: MatcherError) -> Error {
        Error::Matcher { entity_type: self.core.model.entity(of).name.clone(), source }
    }
}

/// What people said of records: that those are one entity which they linked, and those are none which they hold apart.
fn judged(entities: &[Entity]) -> Vec<Judged> {
    let by_id: std::collections::BTreeMap<_, _> = entities.iter().map(|entity| (entity.id, entity)).collect();
    let mut judged = Vec::new();
    let mut told = |one: &RecordRef, other: &RecordRef, same| {
        if one != other {
            let (one, other) = crate::engine::match_index::in_order(one, other);
            judged.push(Judged { one, other, same });
        }
    };
    for entity in entities {
        let native = || entity.links.iter().filter(|link| link.object != HUB_OBJECT);
        let Some(first) = native().next() else { continue };
        for link in native().filter(|link| matches!(link.evidence, Evidence::Asserted { .. })) {
            told(&first.record, &link.record, true);
        }
        entity.held_apart.keys().for_each(|record| told(&first.record, record, false));
        for other in entity.cannot_link.iter().filter_map(|other| by_id.get(other)) {
            let other = other.links.iter().find(|link| link.object != HUB_OBJECT);
            other.into_iter().for_each(|other| told(&first.record, &other.record, false));
        }
    }
    judged.sort_by(|a, b| (&a.one, &a.other, a.same).cmp(&(&b.one, &b.other, b.same)));
    judged.dedup();
    judged
}
