//! What a sweep finds.

use accordant::value::Field;
use serde::{Deserialize, Serialize};

/// A key that not every snapshot has once, or whose attributes are not the same in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// How many rows have it, in each snapshot. Of several rows, the first is compared.
    pub rows: Vec<u64>,
    /// The native id of that row in each snapshot that has it.
    pub ids: Vec<Option<String>>,
    /// The attributes that are not the same, in their order.
    pub changed: Vec<Changed>,
}

impl Difference {
    /// The places of the snapshots that do not have the key.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().enumerate().filter(|(_, rows)| **rows == 0).map(|(place, _)| place)
    }

    /// What names the record in a snapshot: the id of its row, or the key, if that is the id. A record that is missing has no row: nothing
    /// names it where ids are in a column of their own.
    pub(crate) fn id(&self, side: usize, has_ids: bool) -> Option<&str> {
        if has_ids { self.ids.get(side)?.as_deref() } else { Some(&self.key) }
    }

    /// The places of the snapshots that have it more than once.
    pub fn repeated(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().enumerate().filter(|(_, rows)| **rows > 1).map(|(place, _)| place)
    }
}

/// An attribute whose values are not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The attribute.
    pub attribute: String,
    /// What each snapshot has; `None`: nothing is known, since it does not have the key, or does not hold the attribute.
    pub values: Vec<Option<Field>>,
}

/// How many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows of each snapshot that were compared.
    pub rows: Vec<u64>,
    /// Keys that one snapshot or more has.
    pub keys: u64,
    /// Keys with attributes that are not the same.
    pub changed: u64,
    /// Values of attributes that were not the same as the first.
    pub values: u64,
    /// Keys that each snapshot does not have.
    pub missing: Vec<u64>,
    /// Keys that each snapshot has more than once.
    pub repeated: Vec<u64>,
}

impl Counts {
    pub(crate) fn of(snapshots: usize) -> Self {
        let zeros = || vec![0; snapshots];
        Self { rows: zeros(), missing: zeros(), repeated: zeros(), ..Self::default() }
    }

    /// Counts a difference, of so many values that were not the same as the first.
    pub(crate) fn note(&mut self, difference: &Difference, values: u64) {
        difference.missing().for_each(|place| self.missing[place] += 1);
        difference.repeated().for_each(|place| self.repeated[place] += 1);
        self.changed += u64::from(!difference.changed.is_empty());
        self.values += values;
    }
}
