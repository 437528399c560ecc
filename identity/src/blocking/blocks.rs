//! The blocks of one rule.

use serde::{Deserialize, Serialize};

use super::rule::{KeyPart, Rule};
use crate::hash;
use crate::table::{Row, Table};

/// Blocks of at least two records each, rows ascending.
#[derive(Debug, Default)]
pub struct Blocks {
    ends: Vec<u32>,
    rows: Vec<Row>,
}

/// How a rule's blocks turned out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Skew {
    /// The rule.
    pub rule: String,
    /// Records that have a key.
    pub records: u64,
    /// Blocks of two records or more.
    pub blocks: u64,
    /// Pairs in them.
    pub pairs: u64,
    /// Blocks that were too large and refined.
    pub refined: u64,
    /// Records left out, as no refinement made their block small enough.
    pub left_out: u64,
    /// The largest block before refinement.
    pub largest: u64,
}

impl Blocks {
    /// The blocks of a rule.
    #[must_use]
    pub fn of(table: &Table, rule: &Rule, refinements: &[KeyPart], most: u32) -> (Self, Skew) {
        Self::sampled(table, rule, refinements, most, 1)
    }

    /// The blocks of a rule among every so many rows.
    pub(super) fn sampled(
        table: &Table,
        rule: &Rule,
        refinements: &[KeyPart],
        most: u32,
        every: usize,
    ) -> (Self, Skew) {
        let mut keyed: Vec<(u64, Row)> = Vec::with_capacity(table.rows() / every + 1);
        let words = rule.words().is_some();
        for row in (0..table.rows() as Row).step_by(every) {
            if words {
                keyed.extend(rule.keys(table, row).into_iter().map(|key| (key, row)));
            } else {
                let key = rule.key_within(table, row);
                if key != 0 {
                    keyed.push((key, row));
                }
            }
        }
        // A word that is in too many titles is no key; what else they share is.
        let refinements = if words { &[] } else { refinements };
        let mut blocks = Self::default();
        let mut skew = Skew { rule: rule.name.clone(), records: keyed.len() as u64, ..Skew::default() };
        sort(&mut keyed);
        for block in keyed.chunk_by_mut(|a, b| a.0 == b.0) {
            skew.largest = skew.largest.max(block.len() as u64);
            blocks.add(table, block, refinements, most, &mut skew);
        }
        (blocks, skew)
    }

    fn add(&mut self, table: &Table, block: &mut [(u64, Row)], refinements: &[KeyPart], most: u32, skew: &mut Skew) {
        if block.len() < 2 {
            return;
        }
        if block.len() <= most as usize {
            skew.blocks += 1;
            skew.pairs += (block.len() * (block.len() - 1) / 2) as u64;
            self.rows.extend(block.iter().map(|(_, row)| *row));
            self.ends.push(self.rows.len() as u32);
            return;
        }
        skew.refined += 1;
        let Some((part, rest)) = refinements.split_first() else {
            skew.left_out += block.len() as u64;
            return;
        };
        for (key, row) in block.iter_mut() {
            let refined = part.of(table, *row);
            *key = if refined == 0 { 0 } else { hash::mix(*key, refined) };
        }
        block.sort_unstable();
        for refined in block.chunk_by_mut(|a, b| a.0 == b.0) {
            if refined[0].0 == 0 {
                skew.left_out += refined.len() as u64;
            } else {
                self.add(table, refined, rest, most, skew);
            }
        }
    }

    /// The blocks.
    pub fn iter(&self) -> impl Iterator<Item = &[Row]> {
        self.ends.iter().scan(0_usize, |start, end| {
            let block = &self.rows[*start..*end as usize];
            *start = *end as usize;
            Some(block)
        })
    }
}

/// Sorts by key and row: keys are hashes, so their first bits spread them evenly over buckets that fit a cache.
pub(super) fn sort(keyed: &mut Vec<(u64, Row)>) {
    let bits = (usize::BITS - (keyed.len() / 128).leading_zeros()).min(14);
    if bits == 0 {
        keyed.sort_unstable();
        return;
    }
    let bucket = |key: u64| (key >> (u64::BITS - bits)) as usize;
    let mut starts = vec![0_usize; (1 << bits) + 1];
    for (key, _) in keyed.iter() {
        starts[bucket(*key) + 1] += 1;
    }
    for place in 1..starts.len() {
        starts[place] += starts[place - 1];
    }
    let mut next = starts.clone();
    let mut sorted = vec![(0, 0); keyed.len()];
    for entry in keyed.iter() {
        let place = &mut next[bucket(entry.0)];
        sorted[*place] = *entry;
        *place += 1;
    }
    for ends in starts.windows(2) {
        sorted[ends[0]..ends[1]].sort_unstable();
    }
    *keyed = sorted;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_sort_as_sorting_does() {
        let keys = |n: u64| (0..n).map(|row| (hash::mix(7, row / 3), row as Row)).rev().collect::<Vec<_>>();
        for n in [0, 1, 2, 100, 1_000, 50_000] {
            let (mut by_buckets, mut plainly) = (keys(n), keys(n));
            sort(&mut by_buckets);
            plainly.sort_unstable();
            assert_eq!(by_buckets, plainly, "{n}");
        }
    }
}
