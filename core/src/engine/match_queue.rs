//! The records that a matcher is to be asked about: rows that are put in the commit that gives reason to, and deleted in the one that
//! acts on what it said. A crash in between loses none.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::Core;
use crate::engine::hydrate::Loaded;
use crate::engine::match_index::values_of;
use crate::engine::persist::{Changes, SEPARATOR, record_key, record_of_key};
use crate::entity::HUB_OBJECT;
use crate::fact::{EntityFact, Fact};
use crate::id::{EntityId, EntityType, RecordRef};
use crate::store::{RowKey, Table};

/// What the keys of all its rows begin with.
pub(crate) const PREFIX: &str = "\u{1f}match\u{1f}";

/// The row of a record that a matcher is to be asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queued {
    /// The entity that it belongs to: nothing is created of it until the matcher was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<EntityId>,
}

/// What the keys of an entity type's rows begin with.
pub(crate) fn queue_prefix(entity_type: &EntityType) -> String {
    format!("{PREFIX}{entity_type}{SEPARATOR}")
}

/// The row of a record.
pub(crate) fn queue_key(entity_type: &EntityType, record: &RecordRef) -> RowKey {
    RowKey::new(Table::Index, format!("{}{}", queue_prefix(entity_type), record_key(record)))
}

/// The record that a row of an entity type is of.
pub(crate) fn queued_record(key: &str, prefix: &str) -> Option<RecordRef> {
    record_of_key(key.strip_prefix(prefix)?)
}

/// Puts records in the queue of which a step changed what their matcher compares, whose they are, or who they are not.
pub(crate) fn note(changes: &mut Changes<'_>, core: &Core, loaded: &Loaded, facts: &[EntityFact]) {
    if core.matching.iter().all(Option::is_none) {
        return;
    }
    let mut due: BTreeSet<Arc<RecordRef>> = BTreeSet::new();
    for (index, state) in (0u32..).zip(loaded.set.records()).filter(|(_, state)| state.changed) {
        let place = (state.entity_type, state.object);
        let before = loaded.before.get(&index).map(|before| values_of(core, place, before));
        if before.as_ref() != Some(&values_of(core, place, &state.representation)) {
            due.insert(Arc::clone(&state.record));
        }
    }
    let mut held_apart: BTreeSet<EntityId> = BTreeSet::new();
    for EntityFact { entity, fact } in facts {
        match fact {
            Fact::Linked { record, .. } | Fact::Unlinked { record } | Fact::Asserted { record, .. } => {
                due.insert(Arc::clone(record));
            }
            Fact::CannotLink { .. } | Fact::HeldApart { .. } => drop(held_apart.insert(*entity)),
            _ => {}
        }
    }
    let entities = held_apart.iter().filter_map(|id| loaded.set.find_entity(*id));
    due.extend(entities.flat_map(|index| &loaded.set.entity(index).entity.links).map(|link| Arc::clone(&link.record)));
    for record in due {
        // The hub's own records say what people entered: it is said of an entity, not of a record that might be another's.
        let Some((entity, _)) = core.place(&record).filter(|(_, object)| *object != HUB_OBJECT) else { continue };
        if core.matching.get(usize::from(entity)).is_some_and(Option::is_some) {
            let queued = Queued { entity: loaded.set.entity_of(&record) };
            changes.put(queue_key(&core.model.entity(entity).name, &record), &queued);
        }
    }
}
