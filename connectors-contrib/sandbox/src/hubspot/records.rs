//! Records: what there is, what was archived, what was merged, and what searches see of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::properties::{Properties, modified_property};
use crate::instant;

/// One record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) archived: Option<i64>,
    pub(super) merged_into: Option<u64>,
}

impl Record {
    /// A value, and those that every record has by itself.
    pub(super) fn value(&self, object: &str, name: &str) -> Option<String> {
        match name {
            "hs_object_id" => Some(self.id.to_string()),
            "createdate" => Some(instant::millis(self.created)),
            _ if name == modified_property(object) => Some(instant::millis(self.updated)),
            _ => self.properties.get(name).cloned(),
        }
    }

    /// The record with the properties that were asked for; without any, with those that answers always carry.
    /// What was asked for and is not there, or may not be seen, is left out; what has no value is null.
    pub(super) fn json(&self, object: &str, schema: &Properties, asked: &[String]) -> Value {
        let always = ["createdate", "hs_object_id", modified_property(object)];
        let names: BTreeSet<&str> = always.into_iter().chain(asked.iter().map(String::as_str)).collect();
        let known = schema.of(object).ok();
        let mut properties = Map::new();
        for name in names {
            if known.and_then(|known| known.get(name)).is_some_and(|property| !property.hidden) {
                properties.insert(name.to_owned(), self.value(object, name).map_or(Value::Null, Value::String));
            }
        }
        let mut record = json!({
            "id": self.id.to_string(), "properties": properties, "createdAt": instant::millis(self.created),
            "updatedAt": instant::millis(self.updated), "archived": self.archived.is_some(),
        });
        if let Some(at) = self.archived {
            record["archivedAt"] = instant::millis(at).into();
        }
        record
    }
}

/// A record and what searches see of it: from when on, and `None` for nothing.
#[derive(Debug)]
struct Kept {
    record: Record,
    seen: Vec<(i64, Option<Record>)>,
}

/// All records.
#[derive(Debug)]
pub(super) struct Records {
    of: BTreeMap<String, BTreeMap<u64, Kept>>,
    next: u64,
}

impl Default for Records {
    fn default() -> Self {
        Self { of: BTreeMap::new(), next: 1_001 }
    }
}

impl Records {
    /// Puts in a new record, visible to searches from an instant on.
    pub(super) fn insert(
        &mut self,
        object: &str,
        values: Vec<(String, Option<String>)>,
        now: i64,
        visible: i64,
    ) -> u64 {
        let id = self.next;
        self.next += 1;
        let properties = values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let record = Record { id, properties, created: now, updated: now, archived: None, merged_into: None };
        let seen = vec![(visible, Some(record.clone()))];
        self.of.entry(object.to_owned()).or_default().insert(id, Kept { record, seen });
        id
    }

    /// The record of this very id, whatever became of it.
    pub(super) fn get(&self, object: &str, id: u64) -> Option<&Record> {
        Some(&self.of.get(object)?.get(&id)?.record)
    }

    /// The living record that an id leads to: that of a merged record leads to the one that it became a part of.
    pub(super) fn follow(&self, object: &str, id: u64) -> Option<&Record> {
        let mut record = self.get(object, id)?;
        while let Some(into) = record.merged_into {
            record = self.get(object, into)?;
        }
        record.archived.is_none().then_some(record)
    }

    /// The living record that holds a value.
    pub(super) fn holding(&self, object: &str, name: &str, value: &str) -> Option<&Record> {
        self.alive(object).find(|record| record.properties.get(name).is_some_and(|held| held == value))
    }

    pub(super) fn alive(&self, object: &str) -> impl Iterator<Item = &Record> {
        let all = self.of.get(object).into_iter().flat_map(BTreeMap::values).map(|kept| &kept.record);
        all.filter(|record| record.archived.is_none() && record.merged_into.is_none())
    }

    pub(super) fn archived(&self, object: &str) -> impl Iterator<Item = &Record> {
        let all = self.of.get(object).into_iter().flat_map(BTreeMap::values).map(|kept| &kept.record);
        all.filter(|record| record.archived.is_some() && record.merged_into.is_none())
    }

    /// What searches see now.
    pub(super) fn indexed(&self, object: &str, now: i64) -> impl Iterator<Item = &Record> {
        let all = self.of.get(object).into_iter().flat_map(BTreeMap::values);
        all.filter_map(move |kept| kept.seen.iter().rev().find(|(from, _)| *from <= now)?.1.as_ref())
    }

    /// Changes a record, visible to searches from an instant on.
    pub(super) fn change(&mut self, object: &str, id: u64, now: i64, visible: i64, change: impl FnOnce(&mut Record)) {
        let Some(kept) = self.of.get_mut(object).and_then(|of| of.get_mut(&id)) else { return };
        change(&mut kept.record);
        kept.record.updated = now;
        let gone = kept.record.archived.is_some() || kept.record.merged_into.is_some();
        // What becomes visible later does not hide what became visible before it.
        kept.seen.retain(|(from, _)| *from < visible);
        if let Some(now_seen) = kept.seen.iter().rposition(|(from, _)| *from <= now) {
            kept.seen.drain(..now_seen);
        }
        kept.seen.push((visible, (!gone).then(|| kept.record.clone())));
    }

    /// Forgets a record for good.
    pub(super) fn purge(&mut self, object: &str, id: u64) {
        if let Some(of) = self.of.get_mut(object) {
            of.remove(&id);
        }
    }
}
