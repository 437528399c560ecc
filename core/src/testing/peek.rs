//! Looks straight into a store: every entity as it stands, and the whole journal.

use futures::executor::block_on;

use crate::engine::Tenant;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::journal::{Entry, Payload};
use crate::store::Table;

/// Every entity of a tenant, in the order of ids.
///
/// # Panics
///
/// If the store fails, or holds what this version cannot read.
#[must_use]
pub fn entities(tenant: &Tenant) -> Vec<Entity> {
    let rows = block_on(tenant.core.store.scan(&tenant.id, Table::Entity, "", None, usize::MAX));
    rows.expect("the store answers")
        .iter()
        .map(|row| serde_json::from_slice::<StoredEntity>(&row.value).expect("a stored entity reads"))
        .filter_map(|stored| Entity::from_stored(stored, &tenant.core.model))
        .collect()
}

/// The whole journal of a tenant.
///
/// # Panics
///
/// If the store fails.
#[must_use]
pub fn journal(tenant: &Tenant) -> Vec<(Entry, Option<Payload>)> {
    block_on(tenant.core.store.journal(&tenant.id, 0, usize::MAX)).expect("the store answers")
}
