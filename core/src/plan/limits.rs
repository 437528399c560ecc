//! The limits that plans keep before any write, and what they are measured against.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Intent, Operation};
use crate::fingerprint::Digest;
use crate::id::{ConnectionName, EntityType, ObjectType};
use crate::text::Text;

/// The limits that a plan keeps before any write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Deletes per connection and object type.
    pub deletes: u32,
    /// Deletes in percent of the active links there, from three deletes on.
    pub delete_percent: u32,
    /// Writes of one attribute into one connection within [`Limits::WRITES_WITHIN`]; `None`: any number. A create counts as
    /// a write of `$exists`; archives have the limits above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<u32>,
}

impl Limits {
    /// From the first write that counts, or from a confirmation, writes count for this long.
    pub const WRITES_WITHIN: TimeDelta = TimeDelta::hours(24);

    /// Why so many writes of an attribute exceed the limit, if they do. `done`: those that count already.
    #[must_use]
    pub fn writes_exceeded(self, place: &WritePlace, done: usize, planned: usize) -> Option<Text> {
        let limit = self.writes?;
        let writes = planned.saturating_add(done);
        let WritePlace { connection, unit, .. } = place;
        let why = || format!("{writes} writes of {unit} into {connection} within a day exceed the limit of {limit}");
        (writes > limit as usize).then(|| why().into())
    }

    /// Why so many deletes of so many records exceed the limits, if they do.
    #[must_use]
    pub fn exceeded(self, Deletes { records, done }: Deletes, planned: usize) -> Option<Text> {
        let deletes = planned.saturating_add(done);
        let count = deletes > self.deletes as usize;
        let share = deletes >= 3 && deletes.saturating_mul(100) > records.saturating_mul(self.delete_percent as usize);
        (count || share).then(|| {
            let (count, percent) = (self.deletes, self.delete_percent);
            format!("{deletes} deletes of {records} records exceed the limit of {count} or {percent} %").into()
        })
    }
}

/// What the delete limits of one connection's object type are measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deletes {
    /// The linked records that are alive, and those that were deleted since: what there was when deletes were last confirmed.
    pub records: usize,
    /// The deletes carried out since deletes beyond the limit were last confirmed, and those under way that are not about
    /// to be planned again: what became of them is not known yet. What a person confirmed is not among them.
    pub done: usize,
}

/// Where operations count against a limit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CountedPlace {
    /// Archives, in an object type of a connection.
    Archives {
        /// The connection.
        connection: ConnectionName,
        /// The object type.
        object: ObjectType,
    },
    /// Writes of an attribute, creates included.
    Writes(WritePlace),
}

impl CountedPlace {
    /// Where an operation counts.
    #[must_use]
    pub fn of(operation: &Operation) -> Self {
        WritePlace::of(operation).map_or_else(
            || Self::Archives {
                connection: operation.target.connection().clone(),
                object: operation.target.object().clone(),
            },
            Self::Writes,
        )
    }
}

/// What operations are measured against when limits are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// What the delete limits are measured against.
    pub deletes: BTreeMap<CountedPlace, Deletes>,
    /// How many writes of attributes count already, those under way included.
    pub writes: BTreeMap<CountedPlace, usize>,
    /// The operations that a person confirmed beyond a limit: they do not count.
    pub confirmed: BTreeSet<Digest>,
    /// The operations that are under way themselves, and count as such: they have their room, and no limit keeps them out.
    pub under_way: BTreeSet<Digest>,
}

impl Counted {
    /// Why a place has no room for so many more operations, if it has none.
    #[must_use]
    pub fn exceeded(&self, limits: Limits, place: &CountedPlace, planned: usize) -> Option<Text> {
        match place {
            CountedPlace::Archives { .. } => {
                limits.exceeded(self.deletes.get(place).copied().unwrap_or_default(), planned)
            }
            CountedPlace::Writes(of) => {
                limits.writes_exceeded(of, self.writes.get(place).copied().unwrap_or_default(), planned)
            }
        }
    }

    /// Which operations limits keep out, and why: all of a place that has no room for all of them, but for those that a
    /// person confirmed, and those that are under way.
    #[must_use]
    pub fn kept_out<'o>(
        &self,
        limits: Limits,
        operations: impl IntoIterator<Item = &'o Operation>,
    ) -> BTreeMap<Digest, Text> {
        let mut places: BTreeMap<CountedPlace, Vec<Digest>> = BTreeMap::new();
        for operation in operations {
            if !self.confirmed.contains(&operation.key) && !self.under_way.contains(&operation.key) {
                places.entry(CountedPlace::of(operation)).or_default().push(operation.key);
            }
        }
        let mut kept_out = BTreeMap::new();
        for (place, keys) in places {
            let Some(why) = self.exceeded(limits, &place, keys.len()) else { continue };
            kept_out.extend(keys.into_iter().map(|key| (key, why.clone())));
        }
        kept_out
    }
}

/// An attribute of a connection's records: where writes are counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WritePlace {
    /// The connection.
    pub connection: ConnectionName,
    /// The entity type.
    pub entity_type: EntityType,
    /// The unit as a whole: elements of a collection are counted together. `$exists` for creates.
    pub unit: Text,
}

impl WritePlace {
    /// Where an operation counts; `None` for an archive.
    #[must_use]
    pub fn of(operation: &Operation) -> Option<Self> {
        (operation.intent != Intent::Archive).then(|| Self {
            connection: operation.target.connection().clone(),
            entity_type: operation.entity_type.clone(),
            unit: operation.unit.split_once('[').map_or(&*operation.unit, |(whole, _)| whole).into(),
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { deletes: 25, delete_percent: 5, writes: None }
    }
}
