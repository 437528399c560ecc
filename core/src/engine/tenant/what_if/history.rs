//! History as the journal tells it, put together again into the steps that were committed.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;

use super::read;
use crate::base::Base;
use crate::engine::tenant::tombstone::TOMBSTONE_EXPIRED;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId, RecordRef};
use crate::journal::{Entry, Payload};
use crate::observation::stored::StoredObservation;
use crate::plan::{Intent, Operation};
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::Field;

/// What one step took in and did; or several steps of one instant, where all but the last changed nothing.
#[derive(Debug)]
pub(super) struct Group {
    /// The instant of the step.
    pub(super) at: i64,
    by: Actor,
    /// What was said, in order.
    pub(super) said: Vec<Said>,
    /// Facts, by entity, in order.
    pub(super) facts: Vec<(EntityId, Vec<StoredFact>)>,
    /// The write that was answered.
    pub(super) received: Option<Received>,
}

/// A write that took effect.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) record: RecordRef,
    /// What it carried, by unit.
    units: BTreeSet<Text>,
    /// Whether it made the record.
    created: bool,
    /// Whether it archived the record.
    pub(super) archived: bool,
}

impl Received {
    fn of(record: RecordRef, operations: &[Operation]) -> Self {
        let created = operations.iter().any(|operation| matches!(operation.intent, Intent::Create(_)));
        let archived = operations.iter().any(|operation| operation.intent == Intent::Archive);
        let carried = |operation: &Operation| match &operation.intent {
            Intent::Create(fields) => fields.iter().map(|(unit, _)| unit.clone()).collect::<Vec<_>>(),
            Intent::Set(_) | Intent::Archive => vec![operation.unit.clone()],
        };
        Self { record, units: operations.iter().flat_map(carried).collect(), created, archived }
    }

    /// Whether the answer gave a unit this base: of what the write carried, and of what a create left out, which is accepted
    /// as missing. Whatever else the record was found to say was said by somebody else, and is settled anew.
    pub(super) fn gave(&self, unit: &Text, base: Option<&Base>) -> bool {
        let missing = base.is_some_and(|base| *base == Base::accepted(Field::Null, Field::Null));
        self.units.contains(unit) || (self.created && missing)
    }
}

/// Something that a system said.
#[derive(Debug)]
pub(super) enum Said {
    Observed(Box<StoredObservation>),
    Merged(RecordRef, Text, Stamp),
    /// What was kept of a record that is gone has served its time.
    Forgotten(RecordRef),
}

impl Group {
    /// Whether a person did it: then its facts are history, and not what followed from it.
    pub(super) fn is_act(&self) -> bool {
        self.said.is_empty() && self.by != crate::engine::Tenant::engine()
    }
}

/// Steps being put together.
#[derive(Debug, Default)]
pub(super) struct Groups {
    complete: Vec<Group>,
    open: Option<Group>,
    closed: bool,
    /// What was intended and not answered, by the keys of operations.
    intended: BTreeMap<Digest, Operation>,
}

impl Groups {
    /// Adds the next entry.
    pub(super) fn add(&mut self, entry: &Entry, payload: &Payload) -> Result<(), Error> {
        match entry.kind.as_str() {
            "observed" => {
                let said = Said::Observed(Box::new(read(entry, payload)?));
                self.at(entry, |group| !group.facts.is_empty()).said.push(said);
            }
            "merged" => {
                let (loser, survivor, stamp) = read(entry, payload)?;
                self.at(entry, |group| !group.facts.is_empty()).said.push(Said::Merged(loser, survivor, stamp));
            }
            TOMBSTONE_EXPIRED => {
                let (record, _): (RecordRef, IgnoredAny) = read(entry, payload)?;
                self.at(entry, |group| !group.facts.is_empty()).said.push(Said::Forgotten(record));
            }
            "facts" => {
                let Ok(id) = entry.subject.parse::<EntityId>() else { return Ok(()) };
                let facts = read(entry, payload)?;
                // A step journals the facts of an entity together.
                let again = |group: &Group| group.facts.iter().any(|(known, _)| *known == id);
                self.at(entry, again).facts.push((id, facts));
            }
            "intended" => {
                let operations: Vec<Operation> = read(entry, payload)?;
                self.intended.extend(operations.into_iter().map(|operation| (operation.key, operation)));
            }
            "received" => {
                let (record, keys, ..): (RecordRef, Vec<Digest>, IgnoredAny, IgnoredAny) = read(entry, payload)?;
                let operations: Vec<Operation> = keys.iter().filter_map(|key| self.intended.remove(key)).collect();
                self.at(entry, |_| false).received = Some(Received::of(record, &operations));
                self.closed = true;
            }
            // It came to nothing: intended again, it is told again.
            "stale" | "deferred" | "unplaced" | "taken_back" | "refused" => {
                let (keys, _): (Vec<Digest>, IgnoredAny) = read(entry, payload)?;
                keys.iter().for_each(|key| drop(self.intended.remove(key)));
            }
            "claimed_elsewhere" => {
                let key: Digest = read(entry, payload)?;
                self.intended.remove(&key);
            }
            "without_effect" | "unsure" => {
                let keys: Vec<Digest> = read(entry, payload)?;
                keys.iter().for_each(|key| drop(self.intended.remove(key)));
            }
            _ => {}
        }
        Ok(())
    }

    /// The open group, or a new one if the entry does not belong to it.
    fn at(&mut self, entry: &Entry, begins: impl Fn(&Group) -> bool) -> &mut Group {
        let belongs = |group: &Group| !self.closed && group.at == entry.at && group.by == entry.actor && !begins(group);
        if !self.open.as_ref().is_some_and(belongs) {
            self.complete.extend(self.open.take());
            self.closed = false;
        }
        let new =
            || Group { at: entry.at, by: entry.actor.clone(), said: Vec::new(), facts: Vec::new(), received: None };
        self.open.get_or_insert_with(new)
    }

    /// How much of the history is held: what was said, facts by entity, and writes that were not answered yet.
    pub(super) fn held(&self) -> usize {
        let groups = self.complete.iter().chain(&self.open);
        let of_groups: usize = groups.map(|group| group.said.len() + group.facts.len()).sum();
        of_groups + self.intended.len()
    }

    /// The groups that are known to be complete.
    pub(super) fn complete(&mut self) -> Vec<Group> {
        std::mem::take(&mut self.complete)
    }

    /// All that are left.
    pub(super) fn all(&mut self) -> Vec<Group> {
        self.complete.extend(self.open.take());
        self.complete()
    }
}

/// The records that groups are about.
pub(super) fn records(groups: &[Group]) -> BTreeSet<RecordRef> {
    let mut records = BTreeSet::new();
    for group in groups {
        for said in &group.said {
            match said {
                Said::Observed(observed) => drop(records.insert(observed.record.clone())),
                Said::Forgotten(record) => drop(records.insert(record.clone())),
                Said::Merged(loser, survivor, _) => {
                    records.insert(loser.clone());
                    records.insert(RecordRef { id: survivor.clone(), ..loser.clone() });
                }
            }
        }
        for fact in group.facts.iter().flat_map(|(_, facts)| facts) {
            if let StoredFact::Linked { record, .. } = fact {
                records.insert((**record).clone());
            }
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::Stamp;

    fn entry(kind: &str, seq: u64, payload: &impl serde::Serialize) -> (Entry, Payload) {
        let entry = Entry {
            seq,
            format: 1,
            at: 0,
            actor: Actor::new("engine"),
            kind: kind.into(),
            subject: "".into(),
            commitment: Digest::default(),
            digest: Digest::default(),
        };
        (entry, Payload { bytes: serde_json::to_vec(payload).expect("plain data"), salt: [0; 16] })
    }

    fn operation(key: Digest) -> serde_json::Value {
        serde_json::json!({
            "key": key, "entity": EntityId::from_parts(1, [1; 10]), "entity_type": "customer",
            "target": { "record": RecordRef::new("crm", "contacts", "1") }, "unit": "phone", "intent": { "set": "1" },
            "expect": null, "basis": Digest::default(), "reason": "",
        })
    }

    /// Whatever ends an intent, nothing of it is kept: memory does not grow with the history.
    #[test]
    fn no_intent_outlives_its_end() {
        let key = Digest::of(b"one");
        let keys = [key];
        let record = RecordRef::new("crm", "contacts", "1");
        let ends = [
            entry("received", 2, &(&record, &keys, Stamp::default(), Stamp::default())),
            entry("stale", 2, &(&keys, "")),
            entry("deferred", 2, &(&keys, "")),
            entry("unplaced", 2, &(&keys, "")),
            entry("taken_back", 2, &(&keys, "")),
            entry("refused", 2, &(&keys, "")),
            entry("without_effect", 2, &keys),
            entry("claimed_elsewhere", 2, &key),
        ];
        for (end, payload) in ends {
            let mut groups = Groups::default();
            let (intent, operations) = entry("intended", 1, &[operation(key)]);
            groups.add(&intent, &operations).expect("it is read");
            assert_eq!(groups.intended.len(), 1);
            groups.add(&end, &payload).expect("it is read");
            assert!(groups.intended.is_empty(), "{}", end.kind);
        }
    }
}
