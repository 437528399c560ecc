//! Rows with keys, and which of them share one.

use super::buckets::{self, Buckets};
use crate::table::Row;

/// Rows, each with a key: a hash, so that its first bits spread keys evenly. Room is used again from rule to rule.
#[derive(Debug, Default)]
pub(super) struct Keyed {
    keys: Vec<u64>,
    rows: Vec<Row>,
    buckets: Buckets,
    group: Vec<(u64, Row)>,
}

impl Keyed {
    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.rows.clear();
    }

    /// Adds a row; they come ascending, and one of several keys comes with each.
    pub(super) fn push(&mut self, key: u64, row: Row) {
        self.keys.push(key);
        self.rows.push(row);
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Calls `group` with the rows that share a key, ascending, two at least.
    pub(super) fn groups(&mut self, mut group: impl FnMut(&mut [(u64, Row)])) {
        let Self { keys, rows, buckets, group: together } = self;
        let bits = buckets::bits(keys.len());
        // The first bits are told by the bucket; half of what is left of the key stands with its place.
        let packed = keys.iter().enumerate().map(|(place, key)| {
            let bucket = (u128::from(*key) >> (u64::BITS - bits)) as usize;
            (bucket, (key << bits) & !u64::from(u32::MAX) | place as u64)
        });
        buckets.fill(bits, keys.len(), packed);
        for bucket in buckets.sorted() {
            for alike in bucket.chunk_by(|a, b| a >> 32 == b >> 32).filter(|alike| alike.len() > 1) {
                together.clear();
                together.extend(alike.iter().map(|packed| {
                    let place = (packed & u64::from(u32::MAX)) as usize;
                    (keys[place], rows[place])
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
            keyed.clear();
            // Of every three rows two share a key, and the third has one that is the same but for its last bits.
            for row in 0..many {
                let key = hash::mix(3, u64::from(row / 3)) & !0xff;
                keyed.push(key | u64::from(row % 3 == 2), row);
            }
            let mut groups: Vec<Vec<Row>> = Vec::new();
            keyed.groups(|group| groups.push(group.iter().map(|(_, row)| *row).collect()));
            groups.sort_unstable();
            let expected: Vec<Vec<Row>> = (0..many).step_by(3).filter(|a| a + 1 < many).map(|a| vec![a, a + 1]).collect();
            assert_eq!(groups, expected, "{many}");
        }
    }
}
