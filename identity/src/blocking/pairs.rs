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
const GATHERED: usize = 3 << 20;

impl Pairs {
    /// Adds the pairs of some rows that `make` one.
    pub(super) fn add(&mut self, rows: impl ExactSizeIterator<Item = Row> + Clone, make: impl Fn(Row, Row) -> bool) {
        // A pair that several blocks make takes no more room than one that two make.
        if self.packed.len() >= 2 * self.sorted.max(GATHERED) {
            self.settle();
        }
        let mut others = rows.clone();
        for a in rows {
            others.next();
            for b in others.clone() {
                if make(a, b) {
                    self.packed.push(u64::from(a.min(b)) << 32 | u64::from(a.max(b)));
                }
            }
        }
    }

    /// Sorts the pairs, and leaves those out that are there already.
    fn settle(&mut self) {
        let bits = buckets::bits(self.packed.len());
        let last = self.packed.iter().max().copied().unwrap_or_default();
        let unused = last.leading_zeros();
        let bucket = |pair: u64| buckets::first(pair << unused, bits);
        let of = self.packed.iter().map(|pair| (bucket(*pair), *pair));
        self.buckets.fill(1 << bits, self.packed.len(), of);
        self.packed.clear();
        let sorted = self.buckets.sorted(1 << bits);
        sorted.for_each(|bucket| self.packed.extend(bucket.chunk_by(|a, b| a == b).map(|same| same[0])));
        self.sorted = self.packed.len();
    }

    /// All pairs that were added, each once.
    pub(super) fn settled(mut self) -> Self {
        self.settle();
        self.buckets = Buckets::default();
        // What it grew by is more than what is left.
        self.packed.shrink_to_fit();
        self
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
    pub fn iter(&self) -> impl Iterator<Item = (Row, Row)> {
        self.packed.iter().copied().map(rows)
    }

    /// The pairs, so many at once.
    pub(crate) fn chunks(&self, many: usize) -> impl Iterator<Item = impl Iterator<Item = (Row, Row)>> {
        self.packed.chunks(many).map(|some| some.iter().copied().map(rows))
    }
}

/// The rows of a pair.
const fn rows(packed: u64) -> (Row, Row) {
    ((packed >> 32) as Row, packed as Row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    #[test]
    fn each_pair_is_there_once_in_order() {
        let mut pairs = Pairs::default();
        assert!(Pairs::default().settled().is_empty());
        let drawn = |n: u64| (hash::mix(5, n) % 1_000, hash::mix(6, n) % 1_000);
        for n in 0..9_000_u64 {
            let (a, b) = drawn(n / 2);
            let (a, b) = (a as Row, b as Row);
            pairs.add(if n % 2 == 0 { [a, b] } else { [b, a] }.into_iter(), |_, _| true);
        }
        let pairs = pairs.settled();
        let expected: std::collections::BTreeSet<(Row, Row)> =
            (0..4_500).map(drawn).map(|(a, b)| (a.min(b) as Row, a.max(b) as Row)).collect();
        assert!(pairs.iter().eq(expected), "{} pairs", pairs.len());
    }
}
