//! Rows with keys, and which of them share one.

use super::buckets::{self, Buckets};
use crate::table::Row;

/// Rows, each with a key: a hash, so that its first bits spread keys evenly; 0 for none. Room is used again from rule to rule.
#[derive(Debug, Default)]
pub(super) struct Keyed {
    pub(super) keys: Vec<u64>,
    /// The row of each key.
    pub(super) rows: Rows,
    buckets: Buckets,
    group: Vec<KeyedRow>,
}

/// A row and its key, the key first.
pub(super) type KeyedRow = (u64, Row);

/// Which rows keys are of.
#[derive(Debug)]
pub(super) enum Rows {
    /// Every so many rows have one key each.
    Every(usize),
    /// These, ascending, some several times.
    These(Vec<Row>),
}

impl Default for Rows {
    fn default() -> Self {
        Self::Every(1)
    }
}

impl Rows {
    fn at(&self, place: usize) -> Row {
        match self {
            Self::Every(every) => (place * every) as Row,
            Self::These(rows) => rows[place],
        }
    }
}

impl Keyed {
    /// The keys of all rows.
    pub(super) fn of(keys: Vec<u64>) -> Self {
        Self { keys, ..Self::default() }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.keys.iter().filter(|key| **key != 0).count()
    }

    /// Calls `group` with the rows that share a key, ascending, two at least.
    pub(super) fn groups(&mut self, mut group: impl FnMut(&mut [KeyedRow])) {
        let Self { keys, rows, buckets, group: together } = self;
        let bits = buckets::bits(keys.len());
        // The first bits are told by the bucket; half of what is left of the key stands with its place. No key has a bucket of its own,
        // which is the last.
        let packed = keys.iter().enumerate().map(|(place, key)| {
            let bucket = if *key == 0 { 1 << bits } else { buckets::first(*key, bits) };
            (bucket, (key << bits) & !u64::from(u32::MAX) | place as u64)
        });
        buckets.fill((1 << bits) + 1, keys.len(), packed);
        for bucket in buckets.sorted(1 << bits) {
            for alike in bucket.chunk_by(|a, b| a >> 32 == b >> 32).filter(|alike| alike.len() > 1) {
                together.clear();
                together.extend(alike.iter().map(|packed| {
                    let place = (packed & u64::from(u32::MAX)) as usize;
                    (keys[place], rows.at(place))
                }));
                // Seldom, keys that differ agree in what was looked at.
                if together.iter().any(|(key, _)| *key != together[0].0) {
                    together.sort_unstable();
                }
                together.chunk_by_mut(|a, b| a.0 == b.0).filter(|same| same.len() > 1).for_each(&mut group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    #[test]
    fn rows_of_one_key_are_together_and_others_are_not() {
        let mut keyed = Keyed::default();
        for many in [0, 1, 300, 40_000, 500] {
            // Of every three rows two share a key, and the third has one that is the same but for its last bits.
            let key = |row: u32| hash::mix(1 << 40, u64::from(row / 3)) & !0xff | u64::from(row % 3 == 2);
            // And every fourth place has none.
            keyed.keys = (0..many).flat_map(|row| [key(row)].into_iter().chain((row % 3 == 0).then_some(0))).collect();
            keyed.rows =
                Rows::These((0..many).flat_map(|row| [row].into_iter().chain((row % 3 == 0).then_some(row))).collect());
            assert_eq!(keyed.len(), many as usize);
            let mut groups: Vec<Vec<Row>> = Vec::new();
            keyed.groups(|group| groups.push(group.iter().map(|(_, row)| *row).collect()));
            groups.sort_unstable();
            let expected: Vec<Vec<Row>> =
                (0..many).step_by(3).filter(|a| a + 1 < many).map(|a| vec![a, a + 1]).collect();
            assert_eq!(groups, expected, "{many}");
        }
    }
}
