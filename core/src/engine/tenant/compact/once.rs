//! What entities had once: a record that left is in no row of theirs, and a journal that begins later would not tell it either.

use std::collections::BTreeMap;

use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::erase::{RESTATED, Restated};
use crate::engine::tenant::replay::read;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::id::{EntityId, RecordRef};
use crate::journal::{Entry, Payload};

/// The records that entities had once and have no more, and the places at which they left.
#[derive(Debug, Default)]
pub(super) struct OnceHeld(BTreeMap<EntityId, BTreeMap<RecordRef, u64>>);

/// What the facts have that link a record, or unlink one.
const LINKED: &[u8] = b"linked\"";

impl OnceHeld {
    /// Follows an entry of the journal.
    pub(super) fn follow(&mut self, entry: &Entry, payload: &Payload) -> Result<(), Error> {
        let Ok(id) = entry.subject.parse::<EntityId>() else { return Ok(()) };
        match &*entry.kind {
            "facts" if payload.bytes.windows(LINKED.len()).any(|bytes| bytes == LINKED) => {
                let facts: Vec<StoredFact> = read(entry, payload)?;
                let held = self.0.entry(id).or_default();
                for fact in facts {
                    match fact {
                        StoredFact::Linked { record, .. } => drop(held.remove(&*record)),
                        StoredFact::Unlinked { record } => drop(held.insert((*record).clone(), entry.seq)),
                        _ => {}
                    }
                }
            }
            RESTATED | STATE_TOLD => {
                if let Restated::Once(id, once) = read(entry, payload)? {
                    self.0.entry(id).or_default().extend(once);
                }
            }
            _ => {}
        }
        if self.0.get(&id).is_some_and(BTreeMap::is_empty) {
            self.0.remove(&id);
        }
        Ok(())
    }

    /// What is told of the entity of a row; `None`: it has all that it ever had.
    pub(super) fn told_of(&self, key: &str) -> Option<Restated> {
        let id: EntityId = key.parse().ok()?;
        let once = self.0.get(&id)?.iter().map(|(record, place)| (record.clone(), *place));
        Some(Restated::Once(id, once.collect()))
    }
}
