//! Pairs by pattern: the levels of all comparisons at once. There are few patterns, however many pairs.

use hashbrown::{HashMap, HashSet};

use crate::blocking::{Blocking, Equal, Skew};
use crate::comparison::{Comparison, View};
use crate::table::Row;

/// Distinct patterns, and how many pairs show each.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    width: usize,
    levels: Vec<u8>,
    counts: Vec<u64>,
    known: HashMap<u64, u32>,
}

impl Patterns {
    /// No patterns, of `width` comparisons.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// The number of a pattern, which counts one pair more if the pair `counts`.
    pub fn note(&mut self, levels: &[u8], key: u64, counts: bool) -> u32 {
        let number = *self.known.entry(key).or_insert_with(|| {
            self.levels.extend_from_slice(levels);
            self.counts.push(0);
            (self.counts.len() - 1) as u32
        });
        self.counts[number as usize] += u64::from(counts);
        number
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The levels of a pattern, one per comparison.
    #[must_use]
    pub fn levels(&self, number: u32) -> &[u8] {
        let start = number as usize * self.width;
        self.levels.get(start..start + self.width).unwrap_or_default()
    }

    /// How many pairs show a pattern.
    #[must_use]
    pub fn count(&self, number: u32) -> u64 {
        self.counts.get(number as usize).copied().unwrap_or_default()
    }

    /// All patterns, with the pairs that show each.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.levels.chunks_exact(self.width.max(1)).zip(self.counts.iter().copied())
    }
}

/// A pair that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The one: the lower row.
    pub a: Row,
    /// The other.
    pub b: Row,
    /// The number of the pattern.
    pub pattern: u32,
}

/// The candidates of a table.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// The pairs, the lower row first, ascending.
    pub pairs: Vec<Candidate>,
    /// Their patterns.
    pub patterns: Patterns,
    /// How the blocks turned out.
    pub skew: Vec<Skew>,
    /// Records that say what too many others say word for word: nothing is learned from their pairs.
    pub repeats: HashSet<Row>,
}

impl Candidates {
    /// Looks at every pair that blocking makes.
    #[must_use]
    pub fn of(
        blocking: &Blocking,
        comparisons: &[Comparison],
        view: View<'_>,
        progress: &mut dyn FnMut(usize),
    ) -> Self {
        let table = view.table();
        let equal = Equal::of(table);
        let repeats = equal.repeats(blocking.limits.block);
        let (made, skew) = blocking.pairs(table, &equal, progress);
        let mut patterns = Patterns::new(comparisons.len());
        let mut pairs = Vec::with_capacity(made.len());
        let mut levels = vec![0; comparisons.len()];
        for (a, b) in made.iter() {
            let key = look(comparisons, view, a, b, &mut levels);
            let counts = repeats.is_empty() || !(repeats.contains(&a) || repeats.contains(&b));
            let pattern = patterns.note(&levels, key, counts);
            pairs.push(Candidate { a, b, pattern });
        }
        Self { pairs, patterns, skew, repeats }
    }
}

/// Writes the levels at which two records agree, and gives the number that stands for all of them.
pub(crate) fn look(comparisons: &[Comparison], view: View<'_>, a: Row, b: Row, levels: &mut [u8]) -> u64 {
    let mut key = 0_u64;
    for (comparison, level) in comparisons.iter().zip(levels.iter_mut()) {
        *level = comparison.level(view, a, b);
        key = key.wrapping_mul(comparison.levels.len() as u64).wrapping_add(u64::from(*level));
    }
    key
}
