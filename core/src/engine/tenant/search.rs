//! Search: entities and cases by value, key, system, verdict and age.
//!
//! What an index knows is looked up in it: ids, native ids, identity values. Everything else is compared entity by entity,
//! a bounded number at a call, so that a search among millions is many short calls and never a long one.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::classify::Verdict;
use crate::discrepancy::DiscrepancyState;
use crate::engine::Tenant;
use crate::engine::case::{Case, CaseKind, case_of};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::LinkRow;
use crate::engine::persist::link_key;
use crate::engine::tenant::ask::{spellings, tells};
use crate::engine::tenant::unknown_attribute;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::{EntityId, EntityType, RecordRef, SystemName};
use crate::model::CompiledEntity;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::value::Field;
use crate::working_set::{IdentityKey, identity_key};

/// How many entities one scan asks the store for.
const PAGE: usize = 200;

/// How many entities one call looks at, at most.
const MOST_LOOKED_AT: usize = 2_000;

/// What to search for. Everything that is named must be met; nothing named finds every entity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Search {
    /// A value, spelled as any system would spell it. With `attribute`, of that; else of any attribute. It need not be golden:
    /// what a rule holds, what lost, what was accepted anywhere and what waits for a person is found too.
    pub value: Option<Text>,
    /// The attribute that has the value.
    pub attribute: Option<Text>,
    /// A native id, or the entity's own, or one that it had before it was merged.
    pub key: Option<Text>,
    /// Entities of this type only.
    pub entity_type: Option<EntityType>,
    /// With a record in this system or connection.
    pub system: Option<SystemName>,
    /// With a unit of this verdict.
    pub verdict: Option<Verdict>,
    /// With a discrepancy that has stood for so many milliseconds.
    pub older_than_ms: Option<i64>,
}

impl Search {
    /// With a discrepancy that has stood for this span.
    #[must_use]
    pub const fn older_than(mut self, span: TimeDelta) -> Self {
        self.older_than_ms = Some(span.num_milliseconds());
        self
    }
}

/// Some of what was found, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SearchPage {
    /// Entities, in the order of ids: that of first sight.
    pub entities: Vec<FoundEntity>,
    /// Cases about records and matches that are as is searched for: of this key, or of this value, system and age. On the first
    /// page only.
    pub cases: Vec<Case>,
    /// Whether there are more such cases than one call looks through: [`Tenant::cases`] lists all of them.
    pub more_cases: bool,
    /// Where to go on; `None`: there is no more. A page may be short, or empty, and yet have a next one.
    #[schemars(with = "Option<String>")]
    pub next: Option<EntityId>,
}

/// An entity that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct FoundEntity {
    /// The entity.
    #[schemars(with = "String")]
    pub id: EntityId,
    /// Its type.
    #[schemars(with = "String")]
    pub entity_type: EntityType,
    /// Its open cases, the gravest first.
    pub cases: Vec<Case>,
}

impl Tenant {
    /// Searches for entities, and for the cases about them. `after` is [`SearchPage::next`] of the page before.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntityType`]; [`Error::UnknownAttribute`] if no entity type that is searched has the attribute;
    /// [`Error::Value`] for an attribute without a value to have.
    pub async fn search(&self, search: &Search, after: Option<EntityId>, limit: usize) -> Result<SearchPage, Error> {
        let models = self.searched(search)?;
        let mut page = SearchPage::default();
        if after.is_none() {
            (page.cases, page.more_cases) = match &search.key {
                Some(key) => (self.cases_by_key(search, key).await?, false),
                None => self.match_cases(search, &models).await?,
            };
        }
        let limit = limit.max(1);
        if let Some(known) = self.looked_up(search, &models).await? {
            let mut ids = known.into_iter().filter(|id| after.is_none_or(|after| *id > after));
            for id in ids.by_ref() {
                let entity = self.stored_entities(&[id]).await?.into_iter().next().flatten();
                // Identity values are what linked records say, which golden need not follow: the index has told.
                let by_key = Search { value: search.value.clone().filter(|_| search.key.is_some()), ..search.clone() };
                let Some(found) = self.found_by(&by_key, &models, entity).await? else { continue };
                if page.entities.len() == limit {
                    page.next = page.entities.last().map(|last| last.id);
                    break;
                }
                page.entities.push(found);
            }
            return Ok(page);
        }
        let mut behind = after.map(|id| Text::from(id.to_string()));
        let mut looked_at = 0;
        loop {
            let rows = self.core.store.scan(&self.id, Table::Entity, "", behind.as_deref(), PAGE).await;
            let rows = rows.map_err(Error::store("go through entities"))?;
            let full = rows.len() == PAGE;
            for row in rows {
                behind = Some(row.key.clone());
                looked_at += 1;
                let stored: StoredEntity = parse(Table::Entity, &row)?;
                let entity = Entity::from_stored(stored, &self.core.model);
                let Some(found) = self.found_by(search, &models, entity).await? else { continue };
                if page.entities.len() == limit {
                    page.next = page.entities.last().map(|last| last.id);
                    return Ok(page);
                }
                page.entities.push(found);
            }
            if !full {
                return Ok(page);
            }
            if looked_at >= MOST_LOOKED_AT {
                page.next = behind.and_then(|key| key.parse().ok());
                return Ok(page);
            }
        }
    }

    /// The entity types that are searched.
    fn searched(&self, search: &Search) -> Result<Vec<&CompiledEntity>, Error> {
        let mut models: Vec<&CompiledEntity> = match &search.entity_type {
            Some(name) => vec![self.entity_model(name.as_str())?],
            None => self.core.model.entities.iter().collect(),
        };
        let Some(attribute) = &search.attribute else { return Ok(models) };
        if search.value.is_none() {
            return Err(Error::Value { attribute: attribute.clone(), reason: "name the value that it has" });
        }
        let unknown = models.first().map(|model| unknown_attribute(model, attribute));
        models.retain(|model| model.attribute_index(attribute).is_some());
        match unknown.filter(|_| models.is_empty()) {
            Some(unknown) => Err(unknown),
            None => Ok(models),
        }
    }

    /// The entities that an index names; `None`: no index can tell.
    async fn looked_up(
        &self,
        search: &Search,
        models: &[&CompiledEntity],
    ) -> Result<Option<BTreeSet<EntityId>>, Error> {
        if let Some(key) = &search.key {
            let keys: Vec<RowKey> = self.records_named(key).iter().map(link_key).collect();
            let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("look for links"))?;
            let mut found: BTreeSet<EntityId> = BTreeSet::new();
            if let Ok(id) = key.parse() {
                // An id that was merged away is the survivor's.
                let mut loader = Loader::new(&self.core, &self.id);
                let standing = loader.standing(id).await?;
                found.extend(standing.map(|index| loader.loaded.set.entity(index).entity.id));
            }
            for row in rows.iter().flatten() {
                found.insert(parse::<LinkRow>(Table::Link, row)?.entity);
            }
            return Ok(Some(found));
        }
        let (Some(value), Some(attribute)) = (&search.value, &search.attribute) else { return Ok(None) };
        let mut keys: BTreeSet<IdentityKey> = BTreeSet::new();
        for model in models {
            let index = model.attribute_index(attribute).ok_or_else(|| unknown_attribute(model, attribute))?;
            let declared = &model.attributes[usize::from(index)];
            if !declared.identity || declared.mappings.is_empty() {
                return Ok(None);
            }
            keys.extend(spellings(model, index, value).iter().map(|spelling| identity_key(model, index, spelling)));
        }
        Ok(Some(self.find_by_keys(&keys).await?))
    }

    /// Every record that may have this native id.
    fn records_named(&self, key: &str) -> Vec<RecordRef> {
        let of = |(name, connection): (&crate::id::ConnectionName, &crate::engine::Connection)| {
            let named = connection.objects.keys().map(|object| RecordRef::new(name.as_str(), object.as_str(), key));
            named.collect::<Vec<_>>()
        };
        self.core.connections.iter().flat_map(of).collect()
    }

    /// The entity, if it is as is searched for.
    async fn found_by(
        &self,
        search: &Search,
        models: &[&CompiledEntity],
        entity: Option<Entity>,
    ) -> Result<Option<FoundEntity>, Error> {
        let Some(entity) = entity.filter(|entity| entity.merged_into.is_none()) else { return Ok(None) };
        let name = &self.core.model.entity(entity.entity).name;
        let Some(model) = models.iter().find(|model| model.name == *name) else { return Ok(None) };
        let system = search.system.as_ref();
        if system.is_some_and(|system| !entity.links.iter().any(|link| self.is_of(system, &link.record))) {
            return Ok(None);
        }
        let stands = |span: i64| {
            let now = self.now();
            let standing = entity.discrepancies.values();
            standing.filter(|one| one.state != DiscrepancyState::Resolved).any(|one| now - one.first_seen >= span)
        };
        if search.older_than_ms.is_some_and(|span| !stands(span)) {
            return Ok(None);
        }
        if search.value.as_ref().is_some_and(|value| !has_value(model, &entity, search.attribute.as_deref(), value)) {
            return Ok(None);
        }
        if let Some(verdict) = search.verdict {
            let view = self.inspect_erased(entity.id).await?;
            if !view.units.iter().any(|unit| unit.verdict == verdict) {
                return Ok(None);
            }
        }
        let now = self.now();
        let waiting = entity.discrepancies.values().filter(|one| one.state == DiscrepancyState::Waiting);
        let cases = waiting.map(|one| Case::of_discrepancy(&self.core, &entity, one, now)).collect();
        let mut cases = self.with_desks(cases).await?;
        cases.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.key.cmp(&b.key)));
        Ok(Some(FoundEntity { id: entity.id, entity_type: name.clone(), cases }))
    }

    /// The cases about records of this native id.
    async fn cases_by_key(&self, search: &Search, key: &str) -> Result<Vec<Case>, Error> {
        let mut records = self.records_named(key);
        records.retain(|record| search.system.as_ref().is_none_or(|system| self.is_of(system, record)));
        let about = |record: &RecordRef| {
            let kinds = CaseKind::OF_ROWS.into_iter();
            kinds.map(|kind| (kind, case_of(kind, record))).collect::<Vec<_>>()
        };
        let (kinds, keys): (Vec<CaseKind>, Vec<RowKey>) = records.iter().flat_map(about).unzip();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("look for cases"))?;
        let mut cases = Vec::new();
        for (kind, row) in kinds.into_iter().zip(rows) {
            if let Some(row) = row {
                cases.push(self.case_of_row(row, kind)?);
            }
        }
        self.with_desks(cases).await
    }

    /// The cases about records and matches of this system, age and value; and whether there are more than were looked through.
    async fn match_cases(&self, search: &Search, models: &[&CompiledEntity]) -> Result<(Vec<Case>, bool), Error> {
        let named = search.system.is_some() || search.older_than_ms.is_some() || search.value.is_some();
        if !named || search.verdict.is_some() {
            return Ok((Vec::new(), false));
        }
        let now = self.now();
        let (mut found, mut after, mut looked_at) = (Vec::new(), None::<Text>, 0);
        loop {
            let page = self.cases(after.as_deref(), PAGE).await?;
            let full = page.len() == PAGE;
            for case in page {
                after = Some(case.key.clone());
                looked_at += 1;
                let of_system = |system: &SystemName| case.records.iter().any(|record| self.is_of(system, record));
                let is_it = search.system.as_ref().is_none_or(of_system)
                    && search.older_than_ms.is_none_or(|span| now - case.since >= span);
                if is_it && self.says(search, models, &case.records).await? {
                    found.push(case);
                }
            }
            if !full || looked_at >= MOST_LOOKED_AT {
                return Ok((found, full));
            }
        }
    }

    /// Whether any of these records says the value that is searched for.
    async fn says(&self, search: &Search, models: &[&CompiledEntity], records: &[RecordRef]) -> Result<bool, Error> {
        let Some(value) = &search.value else { return Ok(true) };
        let mut loader = Loader::new(&self.core, &self.id);
        loader.records(records).await?;
        let set = &loader.loaded.set;
        let says = |record: &RecordRef| {
            let state = set.record(set.find_record(record)?);
            let name = &self.core.model.entity(state.entity_type).name;
            let model = models.iter().find(|model| model.name == *name)?;
            let slots = &model.objects.get(usize::from(state.object))?.slots;
            (0u16..).zip(slots).find_map(|(slot, declared)| {
                let named = search.attribute.as_deref().map(|name| model.attribute_index(name));
                if named.is_some_and(|index| index != Some(declared.attribute)) {
                    return None;
                }
                let cell = state.representation.cell(slot)?;
                let same = &model.attributes[usize::from(declared.attribute)].equivalence;
                let mut texts = spellings(model, declared.attribute, value).into_iter();
                texts.find(|text| same.same(&Field::Value(text.clone()), cell.field()))
            })
        };
        Ok(records.iter().any(|record| says(record).is_some()))
    }
}

/// Whether anything that is known of an entity has a value: of one attribute, or of any.
fn has_value(model: &CompiledEntity, entity: &Entity, attribute: Option<&str>, value: &str) -> bool {
    let named = |index: u16| attribute.is_none_or(|attribute| model.attribute_index(attribute) == Some(index));
    (0u16..).zip(&model.attributes).filter(|(index, _)| named(*index)).any(|(index, declared)| {
        let fields: Vec<Field> = spellings(model, index, value).into_iter().map(Field::Value).collect();
        !fields.is_empty() && tells(model, entity, declared.id.as_str(), &fields)
    })
}
