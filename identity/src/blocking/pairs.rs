//! Pairs of rows, each once, however many blocks make it.

use super::buckets::{self, Buckets};
use crate::table::Row;

/// Pairs of rows: the lower row first, ascending.
#[derive(Debug, Default)]
pub struct Pairs {
    /// The lower row in the first half, the other in the second.
    packed: Vec<u64>,
    /// So many are sorted, each once.
    sorted: usize,
    buckets: Buckets,
}

/// So many pairs are gathered at least before those that were made twice are left out.
const GATHERED: usize = 1 << 21;

impl Pairs {
    /// Adds the pair of two rows.
    pub(super) fn add(&mut self, a: Row, b: Row) {
        // A pair that several blocks make takes no more room than one that two make.
        if self.packed.len() >= 2 * self.sorted.max(GATHERED) {
            self.settle();
        }
        self.packed.push(u64::from(a.min(b)) << 32 | u64::from(a.max(b)));
    }

    /// Sorts the pairs, and leaves those out that are there already.
    pub(super) fn settle(&mut self) {
        let bits = buckets::bits(self.packed.len());
        let last = self.packed.iter().max().copied().unwrap_or_default();
        let unused = last.leading_zeros();
        let bucket = |pair: u64| (u128::from(pair << unused) >> (u64::BITS - bits)) as usize;
        let of = self.packed.iter().map(|pair| (bucket(*pair), *pair));
        self.buckets.fill(bits, self.packed.len(), of);
        self.packed.clear();
        let sorted = self.buckets.sorted();
        sorted.for_each(|bucket| self.packed.extend(bucket.chunk_by(|a, b| a == b).map(|same| same[0])));
        self.sorted = self.packed.len();
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// The pairs.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Row, Row)> {
        self.packed.iter().map(|pair| ((pair >> 32) as Row, *pair as Row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    #[test]
    fn each_pair_is_there_once_in_order() {
        let mut pairs = Pairs::default();
        pairs.settle();
        assert!(pairs.is_empty());
        let drawn = |n: u64| (hash::mix(5, n) % 1_000, hash::mix(6, n) % 1_000);
        for n in 0..9_000_u64 {
            let (a, b) = drawn(n / 2);
            let (a, b) = (a as Row, b as Row);
            if n % 2 == 0 { pairs.add(a, b) } else { pairs.add(b, a) }
        }
        pairs.settle();
        let expected: std::collections::BTreeSet<(Row, Row)> =
            (0..4_500).map(drawn).map(|(a, b)| (a.min(b) as Row, a.max(b) as Row)).collect();
        assert!(pairs.iter().eq(expected), "{} pairs", pairs.len());
    }
}
