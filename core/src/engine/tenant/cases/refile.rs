//! Filing the cases of a tenant anew: where they were filed by another triage, or by none.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::engine::Tenant;
use crate::engine::case_index::{PREFIX, filed_by, keys_of};
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, LinkRow, entity_key};
use crate::engine::tenant::attempts::Attempts;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::id::EntityId;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::triage;

/// How many rows are filed by one commit.
const PAGE: usize = 200;

impl Tenant {
    /// Sees to it that cases are filed as today's triage weighs them. After the first time it costs a look into a set.
    pub(super) async fn require_filed(&self) -> Result<(), Error> {
        if self.core.filed.read().unwrap_or_else(PoisonError::into_inner).contains(&self.id) {
            return Ok(());
        }
        let mut attempts = Attempts::default();
        loop {
            let row = self.row(&filed_by(), "see how cases are filed").await?;
            let today = triage::fingerprint(self.core.triage.iter().flatten()).to_string();
            let filed: Option<String> = row.as_ref().map(|row| parse(Table::Meta, row)).transpose()?;
            if filed.as_deref() != Some(&today) {
                self.refile().await?;
                let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
                changes.commit.expect.push((filed_by(), row.map(|row| row.revision)));
                changes.put(filed_by(), &today);
                if !attempts.commit(self, "remember how cases are filed", changes.commit).await? {
                    continue;
                }
            }
            self.core.filed.write().unwrap_or_else(PoisonError::into_inner).insert(self.id.clone());
            return Ok(());
        }
    }

    /// Files every case anew: first those that are to be found, then what is left over goes.
    async fn refile(&self) -> Result<(), Error> {
        let mut after: Option<Text> = None;
        loop {
            let rows = self.core.store.scan(&self.id, Table::Entity, "", after.as_deref(), PAGE).await;
            let rows = rows.map_err(Error::store("go through entities"))?;
            let Some(last) = rows.last() else { break };
            let last = last.key.clone();
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            for row in rows {
                let Some(entity) = self.read_entity(&row)? else { continue };
                let keys = keys_of(&self.core, &entity);
                if keys.is_empty() {
                    continue;
                }
                changes.commit.expect.push((RowKey::new(Table::Entity, row.key), Some(row.revision)));
                for key in keys {
                    changes.put(RowKey::new(Table::Index, key), &LinkRow { entity: entity.id });
                }
            }
            // A page in which somebody changed an entity is read again.
            if changes.commit.put.is_empty() || self.commit("file cases", changes.commit).await? {
                after = Some(last);
            }
        }
        let mut after: Option<Text> = None;
        loop {
            let rows = self.core.store.scan(&self.id, Table::Index, PREFIX, after.as_deref(), PAGE).await;
            let rows = rows.map_err(Error::store("go through filed cases"))?;
            let Some(last) = rows.last() else { return Ok(()) };
            let last = last.key.clone();
            if self.unfile(rows).await? {
                after = Some(last);
            }
        }
    }

    /// Drops rows under which nothing is filed any more. `false`: somebody changed an entity meanwhile.
    async fn unfile(&self, rows: Vec<Row>) -> Result<bool, Error> {
        let mut by_entity: Vec<(EntityId, Text)> = Vec::new();
        for row in rows {
            let link: LinkRow = parse(Table::Index, &row)?;
            by_entity.push((link.entity, row.key));
        }
        let ids: BTreeSet<EntityId> = by_entity.iter().map(|(entity, _)| *entity).collect();
        let keys: Vec<RowKey> = ids.iter().map(|id| entity_key(*id)).collect();
        let entities = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load entities"))?;
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        for ((id, key), row) in ids.into_iter().zip(keys).zip(entities) {
            let entity = row.as_ref().map(|row| self.read_entity(row)).transpose()?.flatten();
            let filed = entity.map(|entity| keys_of(&self.core, &entity)).unwrap_or_default();
            let left: Vec<_> = by_entity.iter().filter(|(entity, key)| *entity == id && !filed.contains(key)).collect();
            if !left.is_empty() {
                changes.commit.expect.push((key, row.map(|row| row.revision)));
            }
            left.into_iter().for_each(|(_, key)| changes.delete(RowKey::new(Table::Index, key.clone())));
        }
        Ok(changes.commit.delete.is_empty() || self.commit("unfile cases", changes.commit).await?)
    }

    fn read_entity(&self, row: &Row) -> Result<Option<Entity>, Error> {
        let stored: StoredEntity = parse(Table::Entity, row)?;
        Ok(Entity::from_stored(stored, &self.core.model))
    }
}
