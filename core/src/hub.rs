//! The hub as a system: operators' own entries and derived values live there, with the same fold, base and explanation
//! as any other system's.

use std::sync::LazyLock;

use crate::id::{EntityId, RecordRef, SystemName};

/// The name of the hub's system and connection.
pub const SYSTEM: &str = "hub";

static NAME: LazyLock<SystemName> = LazyLock::new(|| SystemName::new(SYSTEM));

/// The hub's system name.
#[must_use]
pub fn system() -> &'static SystemName {
    &NAME
}

/// The hub's own record of an entity.
#[must_use]
pub fn record(entity_type: &str, id: EntityId) -> RecordRef {
    RecordRef::new(SYSTEM, entity_type, &id.to_string())
}
