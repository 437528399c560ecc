//! The limits that plans keep before any write, and what they are measured against.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Intent, Operation};
use crate::id::{ConnectionName, EntityType};
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

    /// Why so many writes of an attribute exceed the limit, if they do.
    #[must_use]
    pub fn writes_exceeded(
        self,
        place: &WritePlace,
        Writes { done, confirmed }: Writes,
        planned: usize,
    ) -> Option<Text> {
        let limit = self.writes?;
        let writes = planned.saturating_add(done).saturating_sub(confirmed);
        let WritePlace { connection, unit, .. } = place;
        let why = || format!("{writes} writes of {unit} into {connection} within a day exceed the limit of {limit}");
        (writes > limit as usize).then(|| why().into())
    }

    /// Why so many deletes of so many records exceed the limits, if they do.
    #[must_use]
    pub fn exceeded(self, Deletes { records, done, confirmed }: Deletes, planned: usize) -> Option<Text> {
        let deletes = planned.saturating_add(done).saturating_sub(confirmed);
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
    /// to be planned again: what became of them is not known yet.
    pub done: usize,
    /// How many deletes were confirmed then: they do not count.
    pub confirmed: usize,
}

/// What the limit on writes of one attribute is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Writes {
    /// Those that took effect, or are under way, since the count began.
    pub done: usize,
    /// How many a person confirmed beyond the limit when it began.
    pub confirmed: usize,
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
