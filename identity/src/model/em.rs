//! Expectation-maximisation on the histogram of patterns: milliseconds, however many pairs there are.

use super::Class;
use super::chance::{Chance, Drawn};
use super::frequency::Frequencies;
use super::relation::{Relation, normalise};
use crate::blocking::Blocking;
use crate::comparison::{Comparison, View};
use crate::pattern::{Candidates, Patterns};

/// Pairs of a pattern about which people decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judged {
    /// Pairs that are one entity.
    pub same: u64,
    /// Pairs that are two.
    pub other: u64,
}

/// Learning from pairs that were looked at.
#[derive(Debug)]
pub struct Training<'a> {
    comparisons: &'a [Comparison],
    patterns: &'a Patterns,
    relations: Vec<Relation>,
    drawn: Drawn,
    /// All pairs that make sense, looked at or not.
    pub all_pairs: f64,
    judged: Vec<(u32, Judged)>,
}

/// Rounds from what is expected, and from what was learned before.
const FIRST_ROUNDS: usize = 30;
const MORE_ROUNDS: usize = 12;
/// What was expected before counts as much as so many pairs.
const PRIOR: f64 = 8.0;

impl<'a> Training<'a> {
    /// Learning from candidates. `seed` decides which pairs are drawn to see what chance makes.
    #[must_use]
    pub fn new(
        candidates: &'a Candidates,
        comparisons: &'a [Comparison],
        blocking: &Blocking,
        view: View<'_>,
        seed: u64,
    ) -> Self {
        let table = view.table();
        let rows = table.rows() as f64;
        let mut of_system = vec![0.0_f64; table.systems().len().max(1)];
        (0..table.rows()).for_each(|row| of_system[usize::from(table.system_of(row as u32))] += 1.0);
        let within: f64 = of_system.iter().map(|rows| rows * (rows - 1.0) / 2.0).sum();
        let every = rows * (rows - 1.0) / 2.0;
        let all_pairs = if blocking.scope == crate::blocking::Scope::Across { every - within } else { every };
        let drawn = Drawn::of(comparisons, view, seed, &|a, b| blocking.scope.pairs(table, a, b));
        let relations = Relation::of(table.layout());
        Self {
            comparisons,
            patterns: &candidates.patterns,
            relations,
            drawn,
            all_pairs: all_pairs.max(1.0),
            judged: Vec::new(),
        }
    }

    /// Adds what people decided about pairs of a pattern.
    pub fn judge(&mut self, pattern: u32, judged: Judged) {
        self.judged.push((pattern, judged));
    }

    /// What chance makes, where values are so frequent.
    #[must_use]
    pub fn chance(&self, frequencies: &Frequencies) -> Chance {
        Chance::of(self.comparisons, &self.drawn, frequencies)
    }

    /// Learns the classes. `from` are classes to start from, if some were learned before.
    #[must_use]
    pub fn learn(&self, chance: &Chance, from: Option<Vec<Class>>) -> Vec<Class> {
        let expected: Vec<Vec<Vec<f64>>> = self
            .relations
            .iter()
            .map(|relation| {
                self.comparisons.iter().zip(&chance.levels).map(|(c, chance)| relation.expectation(c, chance)).collect()
            })
            .collect();
        let rounds = if from.is_some() { MORE_ROUNDS } else { FIRST_ROUNDS };
        let mut classes = from.unwrap_or_else(|| {
            let pairs: f64 = self.patterns.iter().map(|(_, count)| count as f64).sum();
            let share = |matches: bool| pairs * if matches { 0.3 } else { 0.05 } / self.all_pairs;
            let made = self.relations.iter().zip(&expected);
            made.map(|(relation, levels)| Class {
                name: relation.name.to_owned(),
                matches: relation.matches,
                share: share(relation.matches),
                levels: levels.clone(),
            })
            .collect()
        });
        let by_chance: Vec<f64> =
            self.patterns.iter().map(|(levels, _)| self.all_pairs * likely(&chance.levels, levels)).collect();
        for _ in 0..rounds {
            self.round(&mut classes, &expected, &by_chance);
        }
        classes
    }

    fn round(&self, classes: &mut [Class], expected: &[Vec<Vec<f64>>], by_chance: &[f64]) {
        let mut pairs = vec![0.0; classes.len()];
        let mut counts: Vec<Vec<Vec<f64>>> =
            classes.iter().map(|class| class.levels.iter().map(|levels| vec![0.0; levels.len()]).collect()).collect();
        let mut odds = vec![0.0; classes.len()];
        let mut judged = self.judged.iter().peekable();
        for (number, ((levels, count), by_chance)) in (0_u32..).zip(self.patterns.iter().zip(by_chance)) {
            let mut sum = *by_chance;
            let mut matching = 0.0;
            for (odds, class) in odds.iter_mut().zip(classes.iter()) {
                *odds = class.share * self.all_pairs * likely(&class.levels, levels);
                sum += *odds;
                matching += if class.matches { *odds } else { 0.0 };
            }
            let known =
                judged.next_if(|(pattern, _)| *pattern == number).map(|(_, judged)| *judged).unwrap_or_default();
            let open = (count as f64) - (known.same + known.other) as f64;
            for (place, class) in classes.iter().enumerate() {
                // What people decided is shared among the classes that agree with them only.
                let (said, of) = if class.matches { (known.same, matching) } else { (known.other, sum - matching) };
                let share = odds[place]
                    * (open.max(0.0) / sum.max(f64::MIN_POSITIVE) + said as f64 / of.max(f64::MIN_POSITIVE));
                pairs[place] += share;
                for (counts, level) in counts[place].iter_mut().zip(levels) {
                    counts[usize::from(*level)] += share;
                }
            }
        }
        for (place, class) in classes.iter_mut().enumerate() {
            class.share = (pairs[place] / self.all_pairs).max(1e-15);
            for (number, comparison) in self.comparisons.iter().enumerate() {
                let counts = &mut counts[place][number];
                for (count, expected) in counts.iter_mut().zip(&expected[place][number]) {
                    *count += PRIOR * expected;
                }
                normalise(comparison, counts);
                self.relations[place].bound(comparison, counts);
            }
            class.levels.clone_from(&counts[place]);
        }
    }
}

/// How likely a pattern is, each comparison on its own.
pub(crate) fn likely(probability: &[Vec<f64>], levels: &[u8]) -> f64 {
    probability.iter().zip(levels).map(|(of, level)| of[usize::from(*level)]).product()
}
