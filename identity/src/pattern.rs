//! Pairs by pattern: the levels of all comparisons at once. There are few patterns, however many pairs.

use hashbrown::{HashMap, HashSet};

use crate::blocking::{Blocking, Equal, Skew};
use crate::comparison::ahead::Ahead;
use crate::comparison::{Comparison, View};
use crate::hash;
use crate::table::Row;

/// Distinct patterns, and how many pairs show each.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    width: usize,
    levels: Vec<u8>,
    counts: Vec<u64>,
    known: HashMap<u64, u32>,
    /// Patterns that were seen lately, by the last bits of a hash: most pairs show one of few.
    lately: Vec<(u64, u32)>,
}

/// So many patterns are remembered as seen lately.
const LATELY: usize = 1 << 12;
/// No pattern's number.
const UNKNOWN: u32 = u32::MAX;

impl Patterns {
    /// No patterns, of `width` comparisons.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { width, lately: vec![(0, UNKNOWN); LATELY], ..Self::default() }
    }

    /// The number of a pattern, which counts one pair more if the pair `counts`.
    pub fn note(&mut self, levels: &[u8], key: u64, counts: bool) -> u32 {
        let place = hash::mix(0, key) as usize % LATELY;
        let number = match self.lately.get(place) {
            Some((seen, number)) if *seen == key && *number != UNKNOWN => *number,
            _ => self.look_up(levels, key),
        };
        if let Some(lately) = self.lately.get_mut(place) {
            *lately = (key, number);
        }
        self.counts[number as usize] += u64::from(counts);
        number
    }

    fn look_up(&mut self, levels: &[u8], key: u64) -> u32 {
        *self.known.entry(key).or_insert_with(|| {
            self.levels.extend_from_slice(levels);
            self.counts.push(0);
            (self.counts.len() - 1) as u32
        })
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

/// So many pairs are looked at one after the other, once their values are at hand.
const AT_ONCE: usize = 128;

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
        let (ahead, width) = (Ahead::of(table), comparisons.len());
        let view = view.with(&ahead);
        let (mut levels, mut keys) = (vec![0; AT_ONCE * width], vec![0; AT_ONCE]);
        let mut some = Vec::with_capacity(AT_ONCE);
        for of in made.chunks(AT_ONCE) {
            some.clear();
            some.extend(of);
            ahead.read(&some);
            keys.fill(0);
            // One comparison of all of them after the other: what is decided is then often what was decided before.
            for (place, comparison) in comparisons.iter().enumerate() {
                for (nth, (a, b)) in some.iter().enumerate() {
                    let level = comparison.level(view, *a, *b);
                    levels[nth * width + place] = level;
                    keys[nth] = with_level(keys[nth], comparison, level);
                }
            }
            for (nth, (a, b)) in some.iter().copied().enumerate() {
                let counts = repeats.is_empty() || !(repeats.contains(&a) || repeats.contains(&b));
                let pattern = patterns.note(&levels[nth * width..][..width], keys[nth], counts);
                pairs.push(Candidate { a, b, pattern });
            }
        }
        Self { pairs, patterns, skew, repeats }
    }
}

/// Where the pairs of each row stand among [`Candidates::pairs`].
#[derive(Debug)]
pub(crate) struct Places<'a> {
    pairs: &'a [Candidate],
    /// By lower row, where its pairs begin.
    starts: Vec<u32>,
}

impl<'a> Places<'a> {
    /// Where the pairs of each of so many rows stand.
    pub(crate) fn of(pairs: &'a [Candidate], rows: usize) -> Self {
        let mut starts = vec![0; rows + 1];
        pairs.iter().for_each(|pair| starts[pair.a as usize + 1] += 1);
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        Self { pairs, starts }
    }

    /// Where the pair of two rows stands, the lower one first, if it was looked at.
    pub(crate) fn find(&self, a: Row, b: Row) -> Option<usize> {
        let (start, end) = (*self.starts.get(a as usize)? as usize, *self.starts.get(a as usize + 1)? as usize);
        self.pairs[start..end].iter().position(|pair| pair.b == b).map(|place| start + place)
    }
}

/// Writes the levels at which two records agree, and gives the number that stands for all of them.
pub(crate) fn look(comparisons: &[Comparison], view: View<'_>, a: Row, b: Row, levels: &mut [u8]) -> u64 {
    let mut key = 0_u64;
    for (comparison, level) in comparisons.iter().zip(levels.iter_mut()) {
        *level = comparison.level(view, a, b);
        key = with_level(key, comparison, *level);
    }
    key
}

/// The number that stands for some levels and one more.
fn with_level(key: u64, comparison: &Comparison, level: u8) -> u64 {
    key.wrapping_mul(comparison.levels.len() as u64).wrapping_add(u64::from(level))
}
