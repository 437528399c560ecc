//! Putting a copy to work that was made before an erasure: what nobody can read any more goes.

use std::collections::BTreeMap;

use super::SealedStore;
use super::mark::marker;
use crate::id::TenantId;
use crate::store::{Commit, Committed, Row, RowKey, StoreError, Table};
use crate::text::Text;

/// How many rows are looked at at once.
const PAGE: usize = 512;

impl SealedStore {
    /// Deletes the rows whose keys are gone, and says how many of each table.
    pub(super) async fn drop_keyless(&self, tenant: &TenantId) -> Result<BTreeMap<Table, u64>, StoreError> {
        let mut dropped = BTreeMap::new();
        let Some(opened) = self.open(tenant).await? else { return Ok(dropped) };
        for table in Table::ALL {
            let mut after: Option<Text> = None;
            loop {
                let rows = self.store.scan(tenant, table, "", after.as_deref(), PAGE).await?;
                let Some(last) = rows.last().map(|row| row.key.clone()) else { break };
                let is_marker = |row: &Row| table == marker().table && row.key == marker().key;
                let rows = rows.into_iter().filter(|row| !is_marker(row)).map(|row| (table, row)).collect();
                let unreadable = self.unreadable(tenant, &opened, rows).await?;
                let deleted = unreadable.len() as u64;
                let mut commit = Commit::default();
                for (table, row) in unreadable {
                    let key = RowKey::new(table, row.key);
                    commit.expect.push((key.clone(), Some(row.revision)));
                    commit.delete.push(key);
                }
                // A page of which somebody changed a row is looked at again.
                if deleted == 0 || matches!(self.store.commit(tenant, commit).await?, Committed::Done { .. }) {
                    if deleted > 0 {
                        *dropped.entry(table).or_default() += deleted;
                    }
                    after = Some(last);
                }
            }
        }
        Ok(dropped)
    }
}
