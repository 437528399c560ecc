//! Expectation-maximisation on the histogram of patterns: milliseconds, however many pairs there are.

use super::Class;
use super::chance::{Chance, Drawn};
use super::frequency::Frequencies;
use super::relation::{MOST, Relation, normalise};
use crate::blocking::Blocking;
use crate::comparison::{Comparison, View};
use crate::hash;
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
    slots: Vec<u16>,
    relations: Vec<Relation>,
    drawn: Drawn,
    /// All pairs that make sense, looked at or not.
    pub all_pairs: f64,
    judged: Vec<(u32, Judged)>,
    seed: u64,
}

/// A number for each class: there are few, and all are looked at together.
type Lanes = [f64; MOST];

/// Rounds from what is expected, and from what was learned before.
const FIRST_ROUNDS: usize = 30;
/// Starts, of which the likeliest is gone on with: what is expected, and what is drawn around it.
const STARTS: u64 = 3;
const START_ROUNDS: usize = 5;
const MORE_ROUNDS: usize = 12;
/// A start is likelier than another by so much at least.
const LIKELIER: f64 = 1e-3;
/// What was expected before counts as much as so many pairs.
const PRIOR: f64 = 8.0;

impl<'a> Training<'a> {
    /// Learning from candidates. `seed` decides which pairs are drawn to see what chance makes, and where learning starts.
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
        (0..table.rows()).for_each(|row| of_system[table.system_of(row as u32)] += 1.0);
        let within: f64 = of_system.iter().map(|rows| rows * (rows - 1.0) / 2.0).sum();
        let every = rows * (rows - 1.0) / 2.0;
        let all_pairs = if blocking.scope == crate::blocking::Scope::Across { every - within } else { every };
        let drawn = Drawn::of(comparisons, view, seed, &|a, b| blocking.scope.pairs(table, a, b));
        let relations = Relation::of(table.layout());
        Self {
            comparisons,
            patterns: &candidates.patterns,
            slots: slots(comparisons, &candidates.patterns),
            relations,
            drawn,
            all_pairs: all_pairs.max(1.0),
            judged: Vec::new(),
            seed,
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
        let expected = self.expected(chance);
        let by_chance = self.by_chance(chance);
        let more = |mut classes: Vec<Class>, rounds: usize| {
            (0..rounds).for_each(|_| self.round(&mut classes, &expected, &by_chance));
            classes
        };
        if let Some(classes) = from {
            return more(classes, MORE_ROUNDS);
        }
        let plain = self.plain(&expected);
        let starts = (0..STARTS).map(|start| {
            let classes = more(self.around(&plain, start), START_ROUNDS);
            (self.likelihood(&classes, &expected, &by_chance), classes)
        });
        more(likeliest(starts).unwrap_or(plain), FIRST_ROUNDS - START_ROUNDS)
    }

    /// What each relation leads to expect of each level.
    fn expected(&self, chance: &Chance) -> Vec<Vec<Vec<f64>>> {
        let of = |relation: &Relation| {
            self.comparisons.iter().zip(&chance.levels).map(|(c, chance)| relation.expectation(c, chance)).collect()
        };
        self.relations.iter().map(of).collect()
    }

    /// By pattern, how many pairs chance makes of it.
    fn by_chance(&self, chance: &Chance) -> Vec<f64> {
        self.patterns.iter().map(|(levels, _)| self.all_pairs * likely(&chance.levels, levels)).collect()
    }

    /// The classes as they are expected, before any pair was seen.
    fn plain(&self, expected: &[Vec<Vec<f64>>]) -> Vec<Class> {
        let pairs: f64 = self.patterns.iter().map(|(_, count)| count as f64).sum();
        let share = |matches: bool| pairs * if matches { 0.3 } else { 0.05 } / self.all_pairs;
        let made = self.relations.iter().zip(expected);
        made.map(|(relation, levels)| Class {
            name: relation.name.to_owned(),
            matches: relation.matches,
            share: share(relation.matches),
            levels: levels.clone(),
            pairs: 0.0,
            seen: Vec::new(),
        })
        .collect()
    }

    /// Classes around others, the first the same: shares and levels move by up to a factor of four and two.
    fn around(&self, classes: &[Class], start: u64) -> Vec<Class> {
        let mut made = classes.to_vec();
        if start == 0 {
            return made;
        }
        let mut drawn = hash::mix(self.seed, start);
        let mut factor = |bits: f64| {
            drawn = hash::mix(drawn, 0x57a7);
            (((drawn >> 11) as f64 / (1_u64 << 52) as f64 - 1.0) * bits).exp2()
        };
        for (class, relation) in made.iter_mut().zip(&self.relations) {
            class.share *= factor(2.0);
            for (comparison, levels) in self.comparisons.iter().zip(&mut class.levels) {
                levels.iter_mut().for_each(|level| *level *= factor(1.0));
                normalise(comparison, levels);
                relation.bound(comparison, levels);
            }
        }
        made
    }

    /// How likely the patterns are under some classes, with what was expected before: a logarithm.
    fn likelihood(&self, classes: &[Class], expected: &[Vec<Vec<f64>>], by_chance: &[f64]) -> f64 {
        let patterns = self.patterns.iter().zip(by_chance).map(|((levels, count), by_chance)| {
            let of = |class: &Class| class.share * self.all_pairs * likely(&class.levels, levels);
            let sum: f64 = by_chance + classes.iter().map(of).sum::<f64>();
            count as f64 * sum.max(f64::MIN_POSITIVE).ln()
        });
        let prior = classes.iter().zip(expected).flat_map(|(class, expected)| {
            let levels = class.levels.iter().flatten().zip(expected.iter().flatten());
            levels.map(|(level, expected)| PRIOR * expected * level.max(f64::MIN_POSITIVE).ln())
        });
        patterns.sum::<f64>() + prior.sum::<f64>()
            - classes.iter().map(|class| class.share * self.all_pairs).sum::<f64>()
    }

    fn round(&self, classes: &mut [Class], expected: &[Vec<Vec<f64>>], by_chance: &[f64]) {
        let likely = self.side_by_side(classes);
        let mut counts: Vec<Lanes> = vec![[0.0; MOST]; likely.len()];
        let (mut pairs, mut share, mut matches) = ([0.0; MOST], [0.0; MOST], [false; MOST]);
        for (place, class) in classes.iter().enumerate() {
            share[place] = class.share * self.all_pairs;
            matches[place] = class.matches;
        }
        let mut judged = self.judged.iter().peekable();
        let patterns = self.slots.chunks_exact(self.comparisons.len().max(1)).zip(self.patterns.iter());
        for (number, ((slots, (_, count)), by_chance)) in (0_u32..).zip(patterns.zip(by_chance)) {
            let mut odds = [1.0; MOST];
            for slot in slots {
                let likely = &likely[usize::from(*slot)];
                odds.iter_mut().zip(likely).for_each(|(odds, likely)| *odds *= likely);
            }
            odds.iter_mut().zip(&share).for_each(|(odds, share)| *odds *= share);
            let sum = odds.iter().fold(*by_chance, |sum, odds| sum + odds);
            let matching: f64 =
                odds.iter().zip(&matches).map(|(odds, matches)| if *matches { *odds } else { 0.0 }).sum();
            let known =
                judged.next_if(|(pattern, _)| *pattern == number).map(|(_, judged)| *judged).unwrap_or_default();
            let open = (count as f64) - (known.same + known.other) as f64;
            // What people decided is shared among the classes that agree with them only.
            let of = |said: u64, of: f64| {
                open.max(0.0) / sum.max(f64::MIN_POSITIVE) + said as f64 / of.max(f64::MIN_POSITIVE)
            };
            let (of_matches, of_others) = (of(known.same, matching), of(known.other, sum - matching));
            for (odds, matches) in odds.iter_mut().zip(&matches) {
                *odds *= if *matches { of_matches } else { of_others };
            }
            pairs.iter_mut().zip(&odds).for_each(|(pairs, odds)| *pairs += odds);
            for slot in slots {
                let counts = &mut counts[usize::from(*slot)];
                counts.iter_mut().zip(&odds).for_each(|(counts, odds)| *counts += odds);
            }
        }
        for (place, class) in classes.iter_mut().enumerate() {
            class.share = (pairs[place] / self.all_pairs).max(1e-15);
            class.pairs = rounded(pairs[place]);
            class.seen.clear();
            let mut slots = counts.iter();
            for (number, comparison) in self.comparisons.iter().enumerate() {
                let levels = &mut class.levels[number];
                let prior = expected[place][number].iter().map(|expected| PRIOR * expected);
                let mut seen = Vec::with_capacity(levels.len());
                for ((level, counted), prior) in levels.iter_mut().zip(&mut slots).zip(prior) {
                    *level = counted[place] + prior;
                    seen.push(rounded(counted[place]));
                }
                class.seen.push(seen);
                normalise(comparison, levels);
                self.relations[place].bound(comparison, levels);
            }
        }
    }

    /// What the classes expect, side by side: a level's probabilities stand together, one comparison behind the other.
    fn side_by_side(&self, classes: &[Class]) -> Vec<Lanes> {
        let mut likely: Vec<Lanes> = Vec::new();
        for (number, comparison) in self.comparisons.iter().enumerate() {
            for level in 0..comparison.levels.len() {
                let mut lanes = [0.0; MOST];
                lanes.iter_mut().zip(classes).for_each(|(lane, class)| *lane = class.levels[number][level]);
                likely.push(lanes);
            }
        }
        likely
    }
}

/// A number of pairs to a thousandth: more is told by none.
fn rounded(pairs: f64) -> f64 {
    (pairs * 1e3).round() / 1e3
}

/// By pattern and comparison, where the level stands among all levels of all comparisons.
fn slots(comparisons: &[Comparison], patterns: &Patterns) -> Vec<u16> {
    let starts: Vec<u16> = comparisons
        .iter()
        .scan(0, |start, comparison| {
            let before = *start;
            *start += comparison.levels.len() as u16;
            Some(before)
        })
        .collect();
    patterns
        .iter()
        .flat_map(|(levels, _)| levels.iter().zip(&starts).map(|(level, start)| start + u16::from(*level)))
        .collect()
}

/// How likely a pattern is, each comparison on its own.
pub(crate) fn likely(probability: &[Vec<f64>], levels: &[u8]) -> f64 {
    probability.iter().zip(levels).map(|(of, level)| of[usize::from(*level)]).product()
}

/// The likeliest of several, the first of those that are as likely.
fn likeliest<T>(of: impl Iterator<Item = (f64, T)>) -> Option<T> {
    let likelier = |best: (f64, T), next: (f64, T)| if next.0 > best.0 + LIKELIER { next } else { best };
    of.reduce(likelier).map(|(_, best)| best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Kind, Schema};
    use crate::blocking::{self, Limits, Scope};
    use crate::comparison::Aliases;
    use crate::model::Counts;
    use crate::table::Table;

    #[test]
    fn learning_goes_on_from_the_likeliest_of_several_starts() {
        let mut table = Table::new(Schema::new(&[
            ("given", Kind::GivenName),
            ("surname", Kind::Surname),
            ("email", Kind::Mailbox),
            ("postcode", Kind::Postcode),
        ]));
        for id in 0..600_u32 {
            // Persons written down twice, and of every third a relative at the same postcode.
            let person = id / 2;
            let given = ["Anna", "Peter", "Maria", "Jan", "Eva"][(person * 7 % 5) as usize];
            let surname = format!("Sur{}name", person - u32::from(person % 3 == 1));
            let mailbox = if id % 4 == 3 { String::new() } else { format!("{given}{person}@mail.nl").to_lowercase() };
            let postcode = format!("{:05}", 10_000 + (person - u32::from(person % 3 == 1)) * 17 % 900);
            table.push(&id.to_string(), "", &[given.to_owned(), surname, mailbox, postcode]);
        }
        let mut aliases = Aliases::default();
        aliases.extend(&table);
        let view = View::new(&table, &aliases);
        let blocking = blocking::standard(&table, Scope::Within, Limits::default());
        let comparisons = Comparison::standard(table.layout(), false);
        let candidates = Candidates::of(&blocking, &comparisons, view, &mut |_| {});
        let learn = |seed| {
            let training = Training::new(&candidates, &comparisons, &blocking, view, seed);
            let counts: Vec<Counts> = table.counts().iter().map(|counts| Counts::of(counts)).collect();
            let chance = training.chance(&Frequencies::count(&table, &counts, None));
            let plain = training.learn(&chance, None);
            let starts: Vec<_> = (0..STARTS).map(|start| training.around(&plain, start)).collect();
            (plain, starts)
        };
        let (learned, starts) = learn(42);
        assert_eq!(learn(42), (learned.clone(), starts.clone()), "the same seed, the same starts");
        assert!(starts.len() > 2 && starts[0] == learned && starts[1] != starts[0] && starts[1] != starts[2]);
        for (class, levels) in
            starts.iter().flatten().flat_map(|class| class.levels.iter().map(move |levels| (class, levels)))
        {
            assert!(levels.iter().all(|level| level.is_finite() && (0.0..=1.0).contains(level)), "{class:?}");
        }
        // Some seed draws a start that is likelier than what is expected: learning goes on from there, and comes to something else.
        let mut training = Training::new(&candidates, &comparisons, &blocking, view, 42);
        let counts: Vec<Counts> = table.counts().iter().map(|counts| Counts::of(counts)).collect();
        let chance = training.chance(&Frequencies::count(&table, &counts, None));
        let expected = training.expected(&chance);
        let by_chance = training.by_chance(&chance);
        let more = |training: &Training<'_>, mut classes: Vec<Class>, rounds: usize| {
            (0..rounds).for_each(|_| training.round(&mut classes, &expected, &by_chance));
            (training.likelihood(&classes, &expected, &by_chance), classes)
        };
        let mut moved = 0;
        for seed in 0..40 {
            training.seed = seed;
            let plain = training.plain(&expected);
            let tried: Vec<(f64, Vec<Class>)> =
                (0..STARTS).map(|start| more(&training, training.around(&plain, start), START_ROUNDS)).collect();
            let best = (1..tried.len())
                .fold(0, |best, next| if tried[next].0 > tried[best].0 + LIKELIER { next } else { best });
            let learned = training.learn(&chance, None);
            let gone_on = |start: usize| more(&training, tried[start].1.clone(), FIRST_ROUNDS - START_ROUNDS);
            assert_eq!(learned, gone_on(best).1, "seed {seed}: {:?}", tried.iter().map(|of| of.0).collect::<Vec<_>>());
            if best > 0 && learned != gone_on(0).1 {
                moved += 1;
            }
        }
        assert!(moved > 0, "no seed draws a better start");
        // Three starts, of which the second is the likeliest, and the last is no likelier than that.
        assert_eq!(likeliest([(-9.0, 'a'), (-5.0, 'b'), (-5.0, 'c')].into_iter()), Some('b'));
        assert_eq!(likeliest([(-5.0, 'a'), (-9.0, 'b'), (-5.0 + LIKELIER / 2.0, 'c')].into_iter()), Some('a'));
    }
}
