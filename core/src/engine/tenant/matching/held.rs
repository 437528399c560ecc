//! Building the index of a matcher from the rows of a tenant, and following the journal with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::engine::Tenant;
use crate::engine::case::CaseKind;
use crate::engine::hydrate::{look_at_representation, parse};
use crate::engine::match_index::{Held, Known, MatchedEntity, OpenMatches, Slot, subject_of, values_of};
use crate::engine::persist::{LinkRow, entity_key, link_key, record_of_key, representation_key};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::cases::{CASE_CHANGED, CASE_GONE, CASE_OPENED};
use crate::engine::tenant::erase::{ERASED, ErasureTold};
use crate::engine::tenant::matching::model::{ModelRow, model_row};
use crate::engine::tenant::model::MODEL_ACCEPTED;
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::replay::read;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::{EntityId, RecordRef};
use crate::matching::Features;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// How many rows are read at once.
const PAGE: usize = 500;

/// The part of an observation's entry that names its record.
#[derive(Deserialize)]
struct Observed {
    record: RecordRef,
}

/// The part of a case's row that names its records.
#[derive(Deserialize)]
struct About {
    records: Vec<RecordRef>,
}

/// Every record of an entity type, as it is stored.
pub(super) struct Everyone {
    /// The end of the journal before they were read.
    pub(super) place: u64,
    /// What they say, each with the revision of its row.
    pub(super) records: Vec<(Features, u64)>,
    /// The entities that are no aliases.
    pub(super) entities: Vec<MatchedEntity>,
    /// Those that are, each with the one that it was merged into.
    pub(super) aliases: BTreeMap<EntityId, EntityId>,
}

impl Tenant {
    /// Reads every record of an entity type, page by page, and keeps of each row what matching looks at.
    pub(super) async fn everyone(&self, of: u16) -> Result<Everyone, Error> {
        let place = self.core.store.journal_place(&self.id, i64::MAX).await;
        let place = place.map_err(Error::store("find the end of the journal"))?;
        let (mut entities, mut aliases) = (Vec::<MatchedEntity>::new(), BTreeMap::new());
        let mut held: HashMap<Arc<RecordRef>, Option<EntityId>> = HashMap::new();
        let mut rows = Pages::new(self, Table::Entity, "go through entities");
        while let Some(row) = rows.next().await? {
            let Some(entity) = self.entity_of_type(&row, of)? else { continue };
            if let Some(into) = entity.merged_into {
                aliases.insert(entity.id, into);
                continue;
            }
            let entity = MatchedEntity::of(&entity);
            held.extend(entity.links.iter().map(|link| (Arc::clone(&link.record), link.held)));
            entities.push(entity);
        }
        let mut records = Vec::new();
        let mut rows = Pages::new(self, Table::Representation, "go through records");
        while let Some(row) = rows.next().await? {
            let Some(record) = record_of_key(&row.key) else { continue };
            let held = held.get(&record).copied().flatten();
            records.extend(self.features(of, &record, &row, held)?);
        }
        Ok(Everyone { place, records, entities, aliases })
    }

    /// Brings an index up to what is stored: follows the journal, or builds it where that leads to no end. `None`: there is no model.
    ///
    /// # Errors
    ///
    /// [`Error::Matcher`] if the matcher cannot read the model, or learn it anew; [`Error::Contended`] while it is trained again and again.
    pub(super) async fn hold_index<'h>(&self, of: u16, slot: &'h mut Slot) -> Result<Option<&'h mut Held>, Error> {
        let mut attempts = Attempts::default();
        loop {
            let stands = self.matcher_model(of).await?.map(|(_, revision)| revision);
            let learned = match slot {
                Slot::Refused(revision, why) if Some(*revision) == stands => {
                    return Err(self.matcher_failed(of, why.clone()));
                }
                _ => self.learned_model(of).await,
            };
            let (row, revision) = match (learned, stands) {
                (Ok(Some(learned)), _) => learned,
                (Ok(None), _) => {
                    *slot = Slot::Empty;
                    return Ok(None);
                }
                (Err(Error::Matcher { source, .. }), Some(revision)) => {
                    *slot = Slot::Refused(revision, source.clone());
                    return Err(self.matcher_failed(of, source));
                }
                (Err(error), _) => return Err(error),
            };
            let goes_on = match slot {
                Slot::Held(held) if held.version == row.version && !held.is_worn() => {
                    held.revision = revision;
                    self.follow_journal(of, held).await?
                }
                _ => false,
            };
            if !goes_on {
                *slot = Slot::Empty;
                *slot = match self.build_index(of, (&row, revision)).await {
                    Ok(Some(held)) => Slot::Held(Box::new(held)),
                    Ok(None) => {
                        attempts.won(Some(model_row(&self.core.model.entity(of).name).key))?;
                        continue;
                    }
                    Err(Error::Matcher { source, .. }) => Slot::Refused(revision, source),
                    Err(error) => return Err(error),
                };
            }
            return match slot {
                Slot::Held(held) => Ok(Some(held)),
                Slot::Refused(_, why) => Err(self.matcher_failed(of, why.clone())),
                Slot::Empty => Ok(None),
            };
        }
    }

    /// `None`: another model was trained meanwhile.
    async fn build_index(&self, of: u16, (row, revision): (&ModelRow, u64)) -> Result<Option<Held>, Error> {
        let Some(model) = self.model_text(of, row).await? else { return Ok(None) };
        let Some(matching) = self.core.matching.get(usize::from(of)).and_then(Option::as_ref) else {
            return Err(self.no_matcher(of));
        };
        let subject = subject_of(&self.core, of);
        let index = |records| {
            let index = matching.matcher.index(&subject, &model, matching.thresholds, records);
            index.map_err(|why| self.matcher_failed(of, why))
        };
        // One that cannot be read is none after all records were read either.
        drop(index(Vec::new())?);
        let Everyone { place, records, entities, .. } = self.everyone(of).await?;
        let known = |(features, revision): &(Features, u64)| (features.record.clone(), Known::of(features, *revision));
        let known = records.iter().map(known).collect();
        let index = index(records.into_iter().map(|(features, _)| features).collect())?;
        let cases = self.open_matches(of).await?;
        let mut held = Held::new((row.version, revision), place, index, known, cases);
        for entity in &entities {
            held.have(entity.id, linked(entity));
        }
        entities.iter().for_each(|entity| held.hold_apart(entity.id, Some(entity)));
        Ok(Some(held))
    }

    /// The open cases about matches of an entity type, page by page.
    async fn open_matches(&self, of: u16) -> Result<OpenMatches, Error> {
        let mut open = OpenMatches::default();
        let mut rows = Pages::of(self, Table::Case, CaseKind::Match.prefix(), "list matches");
        while let Some(row) = rows.next().await? {
            let About { records } = parse(Table::Case, &row)?;
            if self.are_of(&records, of) {
                open.put(row.key, records);
            }
        }
        Ok(open)
    }

    fn are_of(&self, records: &[RecordRef], of: u16) -> bool {
        records.iter().any(|record| self.core.place(record).is_some_and(|(entity, _)| entity == of))
    }

    /// Follows the journal. `false`: it does not go on where the index was left, or today's model of entities is another one.
    pub(super) async fn follow_journal(&self, of: u16, held: &mut Held) -> Result<bool, Error> {
        let (mut records, mut entities) = (BTreeSet::new(), BTreeSet::new());
        let mut place = held.place;
        loop {
            let page = self.core.store.journal(&self.id, place, PAGE).await;
            let page = page.map_err(Error::store("read the journal"))?;
            if page.is_empty() {
                break;
            }
            for (entry, payload) in &page {
                if entry.seq != place + 1 {
                    return Ok(false);
                }
                place = entry.seq;
                // What lost its payload was erased: the entry of the erasure names the records.
                let Some(payload) = payload else { continue };
                match entry.kind.as_str() {
                    "observed" => drop(records.insert(read::<Observed>(entry, payload)?.record)),
                    "merged" => {
                        let (loser, ..): (RecordRef, IgnoredAny, IgnoredAny) = read(entry, payload)?;
                        records.insert(loser);
                    }
                    "facts" => entities.extend(entry.subject.parse::<EntityId>().ok()),
                    ERASED => {
                        let told: ErasureTold = read(entry, payload)?;
                        // A matcher keeps the words of records that it lets go.
                        if told.records.iter().any(|record| held.ever_had(record)) {
                            return Ok(false);
                        }
                        records.extend(told.records);
                        entities.extend(told.entities);
                    }
                    CASE_OPENED | CASE_CHANGED => {
                        let (key, _): (Text, IgnoredAny) = read(entry, payload)?;
                        if CaseKind::of_key(&key) == Some(CaseKind::Match) {
                            let (key, About { records }): (Text, About) = read(entry, payload)?;
                            if self.are_of(&records, of) {
                                held.cases.put(key, records);
                            }
                        }
                    }
                    CASE_GONE => {
                        let (key,): (Text,) = read(entry, payload)?;
                        held.cases.remove(&key);
                    }
                    MODEL_ACCEPTED => return Ok(false),
                    _ => {}
                }
            }
        }
        self.refresh_index(of, held, records, entities).await?;
        held.place = place;
        Ok(true)
    }

    /// Takes in records and entities as their rows have them.
    pub(super) async fn refresh_index(
        &self,
        of: u16,
        held: &mut Held,
        mut records: BTreeSet<RecordRef>,
        mut ids: BTreeSet<EntityId>,
    ) -> Result<(), Error> {
        ids.iter().for_each(|id| records.extend(held.records_of(*id).cloned()));
        records.retain(|record| self.core.place(record).is_some_and(|(entity, _)| entity == of));
        let links: Vec<RowKey> = records.iter().map(link_key).collect();
        for row in self.load_some(&links, "look for links").await?.into_iter().flatten() {
            let link: LinkRow = parse(Table::Link, &row)?;
            ids.insert(link.entity);
        }
        let keys: Vec<RowKey> = ids.iter().map(|id| entity_key(*id)).collect();
        let mut entities: BTreeMap<EntityId, MatchedEntity> = BTreeMap::new();
        for row in self.load_some(&keys, "load entities").await?.into_iter().flatten() {
            entities.extend(self.matched_entity(&row, of)?.map(|entity| (entity.id, entity)));
        }
        let mut held_together: BTreeMap<RecordRef, Option<EntityId>> = BTreeMap::new();
        for entity in entities.values() {
            let links = entity.links.iter().map(|link| ((*link.record).clone(), link.held));
            held_together.extend(links);
        }
        records.extend(held_together.keys().cloned());
        let keys: Vec<RowKey> = records.iter().map(representation_key).collect();
        let rows = self.load_some(&keys, "load records").await?;
        for (record, row) in records.iter().zip(rows) {
            let features = match &row {
                Some(row) => self.features(of, record, row, held_together.get(record).copied().flatten())?,
                None => None,
            };
            held.put(record, features);
        }
        for id in &ids {
            held.have(*id, entities.get(id).map(linked).unwrap_or_default());
        }
        ids.iter().for_each(|id| held.hold_apart(*id, entities.get(id)));
        Ok(())
    }

    async fn load_some(&self, keys: &[RowKey], doing: &'static str) -> Result<Vec<Option<Row>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.core.store.load(&self.id, keys).await.map_err(Error::store(doing))
    }

    /// What the row of a record of an entity type says of who it is; `None`: nothing, or it is of another type.
    fn features(
        &self,
        of: u16,
        record: &RecordRef,
        row: &Row,
        held: Option<EntityId>,
    ) -> Result<Option<(Features, u64)>, Error> {
        let Some(place) = self.core.place(record).filter(|(entity, _)| *entity == of) else { return Ok(None) };
        let representation = look_at_representation(&self.core, &self.id, row, place)?;
        let values = values_of(&self.core, place, &representation);
        Ok(values.map(|values| (Features::new(record.clone(), values, held), row.revision)))
    }

    /// The entity of a row, if it is of an entity type and no alias.
    fn matched_entity(&self, row: &Row, of: u16) -> Result<Option<MatchedEntity>, Error> {
        let entity = self.entity_of_type(row, of)?;
        Ok(entity.filter(|entity| entity.merged_into.is_none()).as_ref().map(MatchedEntity::of))
    }

    fn entity_of_type(&self, row: &Row, of: u16) -> Result<Option<Entity>, Error> {
        let stored: StoredEntity = parse(Table::Entity, row)?;
        Ok(Entity::from_stored(stored, &self.core.model).filter(|entity| entity.entity == of))
    }
}

fn linked(entity: &MatchedEntity) -> BTreeSet<RecordRef> {
    entity.records().map(|record| (**record).clone()).collect()
}
