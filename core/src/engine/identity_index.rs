//! The index of identity values: who holds each, and who waits for a holder.
//!
//! The row of a value makes two workers notice each other when both would make an entity of it, and it makes the order
//! of arrival indifferent: a record that came before its entity stands in the row, and is tried again when the entities
//! that hold the value change.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::hydrate::Loaded;
use crate::engine::persist::record_key;
use crate::entity::HUB_OBJECT;
use crate::id::{EntityId, RecordRef};
use crate::model::Model;
use crate::text::Text;
use crate::working_set::{IdentityKey, MOST_ENTITIES_OF_A_KEY, RecordIndex, WorkingSet, identity_keys};

/// The records that hold an identity value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holders {
    /// Entity by record.
    pub(crate) holders: BTreeMap<Text, EntityId>,
    /// The records without an entity.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) waiting: BTreeSet<Text>,
}

impl Holders {
    /// The entities that hold the value.
    pub(crate) fn entities(&self) -> BTreeSet<EntityId> {
        self.holders.values().copied().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }

    /// Notes what a record that holds the value belongs to.
    pub(crate) fn insert(&mut self, record: Text, entity: Option<EntityId>) {
        match entity {
            Some(entity) => drop(self.holders.insert(record, entity)),
            None => drop(self.waiting.insert(record)),
        }
    }

    /// Notes how one record stands to the value, and forgets how it stood before.
    pub(crate) fn place(&mut self, record: &Text, held_by: Option<Option<EntityId>>) {
        self.holders.remove(record);
        self.waiting.remove(record);
        if let Some(entity) = held_by {
            self.insert(record.clone(), entity);
        }
    }
}

/// The rows that are loaded and no longer right, as they must be now.
pub(crate) fn changed_rows<'a>(model: &Model, loaded: &'a Loaded) -> BTreeMap<&'a IdentityKey, Holders> {
    let mut rows: BTreeMap<&IdentityKey, Holders> = BTreeMap::new();
    for (index, state) in (0u32..).zip(loaded.set.records()).filter(|(_, state)| state.object != HUB_OBJECT) {
        let now = keys_now(model, &loaded.set, index);
        let before = loaded.keys_before(model, index);
        if before.is_empty() && now.is_empty() {
            continue;
        }
        let entity = state.entity.map(|entity| loaded.set.entity(entity).entity.id);
        let record = record_key(&state.record);
        for key in before.iter().filter(|key| !now.contains(key)).chain(&now) {
            let Some((key, stored)) = loaded.identity_rows.get_key_value(key) else { continue };
            rows.entry(key).or_insert_with(|| stored.clone()).place(&record, now.contains(key).then_some(entity));
        }
    }
    rows.retain(|key, row| loaded.identity_rows.get(*key) != Some(row));
    rows
}

fn keys_now(model: &Model, set: &WorkingSet, index: RecordIndex) -> Vec<IdentityKey> {
    let state = set.record(index);
    identity_keys(model.entity(state.entity_type), state.object, &state.representation)
}

/// The records without entity to try again: they hold a value whose entities changed, and they are no longer, or not
/// yet, alone with too many.
pub(crate) fn to_try_again(
    loaded: &Loaded,
    rows: &BTreeMap<&IdentityKey, Holders>,
    tried: &BTreeMap<RecordRef, BTreeSet<EntityId>>,
) -> BTreeMap<RecordRef, BTreeSet<EntityId>> {
    let mut again: BTreeMap<RecordRef, BTreeSet<EntityId>> = BTreeMap::new();
    for (key, row) in rows {
        let entities = row.entities();
        let known = loaded.identity_rows.get(*key).map(Holders::entities).unwrap_or_default();
        if entities == known || entities.len() > MOST_ENTITIES_OF_A_KEY {
            continue;
        }
        for record in row.waiting.iter().filter_map(|record| crate::engine::persist::record_of_key(record)) {
            again.entry(record).or_default().extend(&entities);
        }
    }
    again.retain(|record, entities| tried.get(record) != Some(entities));
    again
}
