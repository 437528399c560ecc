//! The index of identity values, after a change of the model: values that are identity now are added under today's names
//! first, and only then those that are none any more are dropped, so that no record ever looks unknown.

use std::collections::BTreeSet;

use crate::engine::Tenant;
use crate::engine::case::note_shared;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::identity_index::Holders;
use crate::engine::persist::{Changes, identity_of_key, identity_row, record_of_key};
use crate::engine::tenant::BATCH;
use crate::engine::tenant::attempts::Attempts;
use crate::error::Error;
use crate::id::{Actor, RecordRef};
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::IdentityKey;

impl Tenant {
    /// Brings the index up to date.
    pub(crate) async fn reindex(&self, by: &Actor) -> Result<(), Error> {
        let mut after: Option<Text> = None;
        loop {
            let rows = self.core.store.scan(&self.id, Table::Representation, "", after.as_deref(), BATCH).await;
            let rows = rows.map_err(Error::store("list records"))?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            let records: Vec<RecordRef> = rows.iter().filter_map(|row| record_of_key(&row.key)).collect();
            self.index(&records, by).await?;
        }
        // Identity rows begin with the name of an entity type; rows of waiting references do not.
        for entity in &self.core.model.entities {
            let prefix = format!("{}\u{1f}", entity.name);
            let mut after: Option<Text> = None;
            loop {
                let rows = self.core.store.scan(&self.id, Table::Index, &prefix, after.as_deref(), BATCH).await;
                let rows = rows.map_err(Error::store("list identity values"))?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                for row in rows {
                    self.weed(row.key, by).await?;
                }
            }
        }
        Ok(())
    }

    /// Adds the identity values of records.
    async fn index(&self, records: &[RecordRef], by: &Actor) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(records).await?;
            loader.merges().await?;
            let records: Vec<u32> = (0u32..).zip(loader.loaded.set.records()).map(|(index, _)| index).collect();
            loader.identities_of(&records).await?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &[]))?;
            self.journal_cases(&mut changes.commit).await?;
            if changes.commit.put.is_empty()
                || attempts.commit_anyhow(self, "index identity values", changes.commit).await?
            {
                return Ok(());
            }
        }
    }

    /// Drops the holders of an identity row that do not hold its value, and closes the case of those that shared it.
    async fn weed(&self, key: Text, by: &Actor) -> Result<(), Error> {
        let Some((entity_type, attribute, value)) = identity_of_key(&key) else { return Ok(()) };
        let value = IdentityKey { entity_type: entity_type.into(), attribute: attribute.into(), value: value.into() };
        let key = RowKey::new(Table::Index, key);
        let mut attempts = Attempts::default();
        loop {
            let Some(row) = self.row(&key, "load an identity value").await? else {
                return Ok(());
            };
            let holders: Holders = parse(Table::Index, &row)?;
            let records: Vec<RecordRef> =
                holders.holders.keys().chain(&holders.waiting).filter_map(|record| record_of_key(record)).collect();
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(&records).await?;
            loader.merges().await?;
            let holds: BTreeSet<Text> = self.with_frame(|frame| {
                let records = (0u32..).zip(loader.loaded.set.records());
                let holds = |record: u32| {
                    let held = loader.loaded.set.identity_keys(frame, record);
                    held.iter().any(|held| identity_row(held) == key)
                };
                records
                    .filter(|(index, _)| holds(*index))
                    .map(|(_, state)| crate::engine::persist::record_key(&state.record))
                    .collect()
            });
            let mut kept = holders.clone();
            kept.holders.retain(|record, _| holds.contains(record));
            kept.waiting.retain(|record| holds.contains(record));
            if kept == holders {
                return Ok(());
            }
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((key.clone(), Some(row.revision)));
            note_shared(&mut changes, &loader.loaded, &value, Some(&holders), &kept);
            if kept.is_empty() {
                changes.delete(key.clone());
            } else {
                changes.put(key.clone(), &kept);
            }
            self.journal_cases(&mut changes.commit).await?;
            if attempts.commit_anyhow(self, "drop an identity value", changes.commit).await? {
                return Ok(());
            }
        }
    }
}
