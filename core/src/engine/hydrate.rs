//! Hydration: loads into a working set what a step will touch, and remembers the revisions it rests on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::copy_on_write::CopyOnWrite;
use crate::engine::Core;
use crate::engine::identity_index::Holders;
use crate::engine::persist::{
    LinkRow, entity_key, identity_row, link_key, naming_prefix, naming_prefix_of, representation_key, row_name,
};
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::{ConnectionName, EntityId, ObjectType, RecordRef, TenantId};
use crate::model::Model;
use crate::representation::Representation;
use crate::representation::stored::StoredRepresentation;
use crate::seal::{SealError, mark};
use crate::sight::reference_object;
use crate::store::{Row, RowKey, Table};
use crate::working_set::{EntityIndex, IdentityKey, RecordIndex, WorkingSet, identity_values};

/// A working set, and what it was loaded from.
pub(crate) struct Loaded {
    pub(crate) set: WorkingSet,
    /// The revision of every row that was asked for, and of what this process rests on; `None`: there was none.
    pub(crate) revisions: BTreeMap<RowKey, Option<u64>>,
    /// What each loaded record's system said before this step.
    pub(crate) before: BTreeMap<RecordIndex, CopyOnWrite<Representation>>,
    pub(crate) identity_rows: BTreeMap<IdentityKey, Holders>,
    /// Each loaded entity as it was stored.
    pub(crate) entities_before: BTreeMap<EntityId, Arc<Entity>>,
}

impl Loaded {
    /// The identity values that a loaded record had, or would have had if it had spoken.
    pub(crate) fn keys_before(&self, model: &Model, record: RecordIndex) -> Vec<IdentityKey> {
        let state = self.set.record(record);
        let before = self.before.get(&record);
        let keys = |before| identity_values(model.entity(state.entity_type), state.object, before);
        before.map(|before| keys(before)).unwrap_or_default()
    }
}

/// Loads rows on behalf of one step.
pub(crate) struct Loader<'a> {
    core: &'a Core,
    tenant: &'a TenantId,
    pub(crate) loaded: Loaded,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(core: &'a Core, tenant: &'a TenantId) -> Self {
        let loaded = Loaded {
            set: WorkingSet::new(),
            // What is read from here on is no longer true of a row that was deleted and put again once somebody took over.
            revisions: core.footings.expected(tenant).into_iter().collect(),
            before: BTreeMap::new(),
            identity_rows: BTreeMap::new(),
            entities_before: BTreeMap::new(),
        };
        Self { core, tenant, loaded }
    }

    /// Rows by key, in the order of keys; what was loaded before is loaded again only if it is asked for again.
    pub(crate) async fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Row>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.core.store.load(self.tenant, keys).await.map_err(Error::store("load rows"))?;
        for (key, row) in keys.iter().zip(&rows) {
            self.loaded.revisions.entry(key.clone()).or_insert(row.as_ref().map(|row| row.revision));
        }
        Ok(rows)
    }

    /// Loads records with their entities, and all records of those.
    pub(crate) async fn records(&mut self, records: &[RecordRef]) -> Result<(), Error> {
        let wanted: BTreeSet<&RecordRef> =
            records.iter().filter(|record| self.loaded.set.find_record(record).is_none()).collect();
        self.representations(wanted.iter().map(|record| Arc::new((*record).clone()))).await?;
        let links: Vec<RowKey> = wanted.iter().map(|record| link_key(record)).collect();
        let rows = self.rows(&links).await?;
        let mut entities = BTreeSet::new();
        for (record, row) in wanted.iter().zip(rows) {
            if let Some(row) = row {
                let link: LinkRow = parse(Table::Link, &row)?;
                self.loaded.set.add_crosswalk((*record).clone(), link.entity);
                entities.insert(link.entity);
            }
        }
        // The hub's own records are named by their entities.
        let hub = wanted.iter().filter(|record| record.connection.as_str() == crate::hub::SYSTEM);
        entities.extend(hub.filter_map(|record| record.id.parse::<EntityId>().ok()));
        self.entities(&entities.into_iter().collect::<Vec<_>>()).await
    }

    /// Loads entities, and all their records.
    pub(crate) async fn entities(&mut self, ids: &[EntityId]) -> Result<(), Error> {
        let missing: Vec<EntityId> =
            ids.iter().copied().filter(|id| self.loaded.set.find_entity(*id).is_none()).collect();
        let keys: Vec<RowKey> = missing.iter().map(|id| entity_key(*id)).collect();
        let rows = self.rows(&keys).await?;
        let mut entities = Vec::new();
        for (key, row) in keys.iter().zip(rows) {
            let Some(row) = row else { continue };
            let read = |row: &Row| {
                let stored: StoredEntity = parse(Table::Entity, row)?;
                Ok(Entity::from_stored(stored, &self.core.model).map(Arc::new))
            };
            let Some(entity) = self.core.memory.entities.get(self.tenant, key, row, read)? else { continue };
            self.loaded.entities_before.insert(entity.id, Arc::clone(&entity));
            entities.push(entity);
        }
        let records: BTreeSet<Arc<RecordRef>> = entities
            .iter()
            .flat_map(|entity| &entity.links)
            .filter(|link| self.loaded.set.find_record(&link.record).is_none())
            .map(|link| Arc::clone(&link.record))
            .collect();
        self.representations(records.into_iter()).await?;
        for entity in entities {
            self.loaded.set.add_entity(entity);
        }
        Ok(())
    }

    /// Loads the entity that an id stands for: its own, or the one that it was merged into.
    pub(crate) async fn standing(&mut self, id: EntityId) -> Result<Option<EntityIndex>, Error> {
        let mut id = id;
        let mut aliases = BTreeSet::new();
        loop {
            self.entities(&[id]).await?;
            let Some(index) = self.loaded.set.find_entity(id) else { return Ok(None) };
            match self.loaded.set.entity(index).entity.merged_into {
                // A merge takes no aliases, so they make no circle; a store that says otherwise is not followed for ever.
                Some(into) if aliases.insert(id) => id = into,
                _ => return Ok(Some(index)),
            }
        }
    }

    /// Loads the representations of records; one that was never observed starts empty.
    async fn representations(&mut self, records: impl Iterator<Item = Arc<RecordRef>>) -> Result<(), Error> {
        let records: Vec<Arc<RecordRef>> = records.collect();
        let keys: Vec<RowKey> = records.iter().map(|record| representation_key(record)).collect();
        let rows = self.rows(&keys).await?;
        for ((record, key), row) in records.into_iter().zip(&keys).zip(rows) {
            let Some((entity, object)) = self.core.place(&record) else { continue };
            let read = |row: &Row| read_representation(self.core, row, entity, object);
            let representation = match row {
                None => CopyOnWrite::Owned(Representation::new()),
                Some(row) => self.core.memory.representations.get(self.tenant, key, row, read)?.into(),
            };
            let index = self.loaded.set.add_record(record, entity, object, representation.clone());
            self.loaded.before.insert(index, representation);
        }
        Ok(())
    }

    /// Loads the entities that hold any of these identity values.
    pub(crate) async fn identities(&mut self, keys: &[IdentityKey]) -> Result<(), Error> {
        let wanted: Vec<&IdentityKey> =
            keys.iter().filter(|key| !self.loaded.identity_rows.contains_key(*key)).collect();
        let rows_of: Vec<RowKey> = wanted.iter().map(|key| identity_row(key)).collect();
        let rows = self.rows(&rows_of).await?;
        let mut entities = BTreeSet::new();
        for (key, row) in wanted.into_iter().zip(rows) {
            let holders: Holders = row.map(|row| parse(Table::Index, &row)).transpose()?.unwrap_or_default();
            for entity in holders.holders.values() {
                self.loaded.set.add_identity(key.clone(), *entity);
                entities.insert(*entity);
            }
            self.loaded.identity_rows.insert(key.clone(), holders);
        }
        self.entities(&entities.into_iter().collect::<Vec<_>>()).await?;
        self.merges().await?;
        Ok(())
    }

    /// Loads who holds the identity values that records had when they were loaded, and those that they have now: whatever
    /// changes what a record says, or whose it is, changes these rows with it.
    pub(crate) async fn identities_of(&mut self, records: &[RecordIndex]) -> Result<(), Error> {
        let mut keys: BTreeSet<IdentityKey> = BTreeSet::new();
        for record in records {
            let state = self.loaded.set.record(*record);
            let model = self.core.model.entity(state.entity_type);
            keys.extend(identity_values(model, state.object, &state.representation));
            if state.changed {
                keys.extend(self.loaded.keys_before(&self.core.model, *record));
            }
        }
        self.identities(&keys.into_iter().collect::<Vec<_>>()).await
    }

    /// Loads the records that merged ones lead to, and resolves where they lead. Gives the records that stand, or stand no
    /// longer, against what was known.
    pub(crate) async fn merges(&mut self) -> Result<Vec<RecordIndex>, Error> {
        loop {
            let records = self.loaded.set.records().iter();
            let leads = records.filter_map(|state| {
                let (_, survivor) = state.representation.latest_merge()?;
                Some(RecordRef { id: survivor.clone(), ..(*state.record).clone() })
            });
            let missing: Vec<RecordRef> =
                leads.filter(|record| self.loaded.set.find_record(record).is_none()).collect();
            if missing.is_empty() {
                return Ok(self.loaded.set.resolve_merges());
            }
            self.records(&missing).await?;
        }
    }

    /// Learns where merged records, and the references of loaded records, lead to.
    pub(crate) async fn references(&mut self) -> Result<(), Error> {
        self.merges().await?;
        let targets: Vec<RecordRef> = reference_targets(self.core, &self.loaded.set).into_iter().collect();
        let keys: Vec<RowKey> = targets.iter().map(link_key).collect();
        let rows = self.rows(&keys).await?;
        for (record, row) in targets.into_iter().zip(rows) {
            if let Some(row) = row {
                let link: LinkRow = parse(Table::Link, &row)?;
                self.loaded.set.add_crosswalk(record, link.entity);
            }
        }
        Ok(())
    }

    /// Loads the entities that golden references name: where a reference is written, their records are needed.
    pub(crate) async fn golden_references(&mut self) -> Result<(), Error> {
        let mut ids: BTreeSet<EntityId> = BTreeSet::new();
        for state in self.loaded.set.entities() {
            let model = self.core.model.entity(state.entity.entity);
            for (key, cell) in state.entity.golden.iter() {
                let unit = key.index().and_then(|unit| model.units.get(usize::from(unit)));
                if unit.is_some_and(|unit| unit.reference.is_some()) {
                    ids.extend(cell.field.as_value().and_then(|id| id.parse::<EntityId>().ok()));
                }
            }
        }
        let ids: Vec<EntityId> = ids.into_iter().collect();
        self.entities(&ids).await?;
        for id in ids {
            self.standing(id).await?;
        }
        Ok(())
    }

    /// Loads the entities whose references name these records, as far as they are known: what a record is linked to is what
    /// its references mean.
    pub(crate) async fn naming(&mut self, records: &[RecordRef]) -> Result<Vec<EntityIndex>, Error> {
        let mut places: BTreeMap<(&ConnectionName, &ObjectType), Vec<&RecordRef>> = BTreeMap::new();
        for record in records.iter().filter(|record| self.core.is_referred_to(record)) {
            places.entry((&record.connection, &record.object)).or_default().push(record);
        }
        let mut rows = Vec::new();
        for ((connection, object), records) in places {
            // One look at all that waits for this object type, if it is little; else one for each record.
            let all = self.naming_rows(&naming_prefix_of(connection, object), MOST_NAMING).await?;
            let little = all.len() < MOST_NAMING;
            for record in records {
                let prefix = naming_prefix(record);
                if little {
                    rows.extend(all.iter().filter(|row| row.key.starts_with(&prefix)).cloned());
                } else {
                    rows.extend(self.naming_rows(&prefix, usize::MAX).await?);
                }
            }
        }
        let mut ids = Vec::new();
        for row in rows {
            let link: LinkRow = parse(Table::Index, &row)?;
            ids.push(link.entity);
        }
        self.entities(&ids).await?;
        let mut naming = BTreeSet::new();
        for id in ids {
            naming.extend(self.standing(id).await?);
        }
        Ok(naming.into_iter().collect())
    }

    async fn naming_rows(&self, prefix: &str, limit: usize) -> Result<Vec<Row>, Error> {
        let rows = self.core.store.scan(self.tenant, Table::Index, prefix, None, limit).await;
        rows.map_err(Error::store("look for references"))
    }
}

/// The records that references of loaded records name, and of which it is not known whose they are.
pub(crate) fn reference_targets(core: &Core, set: &WorkingSet) -> BTreeSet<RecordRef> {
    let mut targets: BTreeSet<RecordRef> = BTreeSet::new();
    for state in set.records() {
        let model = core.model.entity(state.entity_type);
        let Some(object) = model.objects.get(usize::from(state.object)) else { continue };
        for (slot, unit) in object.slot_unit.iter().enumerate() {
            let key = crate::model::UnitKey::Whole(*unit);
            let Some(native) = reference_object(model, state.object, &key) else { continue };
            let Ok(slot) = u16::try_from(slot) else { break };
            let Some(id) = state.representation.cell(slot).and_then(|cell| cell.field().as_value()) else { continue };
            targets.insert(RecordRef {
                connection: state.record.connection.clone(),
                object: native.clone(),
                id: id.into(),
            });
        }
    }
    targets.retain(|record| set.entity_of(record).is_none());
    targets
}

/// Reads the row of a representation, of an entity type and object type by index.
fn read_representation(core: &Core, row: &Row, entity: u16, object: u16) -> Result<Arc<Representation>, Error> {
    let stored: StoredRepresentation = parse(Table::Representation, row)?;
    Ok(Arc::new(Representation::from_stored(stored, core.slot_names(entity, object))))
}

/// What the row of a representation holds, for whoever goes through many.
pub(crate) fn look_at_representation(
    core: &Core,
    tenant: &TenantId,
    row: &Row,
    (entity, object): (u16, u16),
) -> Result<Arc<Representation>, Error> {
    let key = RowKey::new(Table::Representation, row.key.clone());
    core.memory.representations.look(tenant, &key, row, |row| read_representation(core, row, entity, object))
}

/// How many references are looked at together.
const MOST_NAMING: usize = 256;

/// Reads JSON. Looked at as a whole first, its strings need not be looked at one by one.
pub(crate) fn from_json<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        // It says where.
        Err(_) => serde_json::from_slice(json),
    }
}

/// Reads a row's content.
pub(crate) fn parse<T: DeserializeOwned>(table: Table, row: &Row) -> Result<T, Error> {
    if mark::is_sealed(&row.value) {
        return Err(Error::store("read a row")(SealError::Keyless.into()));
    }
    from_json(&row.value).map_err(|source| Error::row(row_name(&RowKey::new(table, row.key.clone())), &source))
}
