//! What chance makes: how often records of different entities agree, each value on its own.
//!
//! That two values are the same is known in closed form from their frequencies. That they are alike is estimated on pairs of
//! values that are not the same, drawn with a fixed seed as often as records hold them. A level that was never seen is not impossible.

use serde::{Deserialize, Serialize};

use super::frequency::Frequencies;
use super::relation::normalise;
use crate::comparison::{Comparison, Level, Part, View};
use crate::hash;
use crate::table::Row;

/// How likely chance makes each level of each comparison, within its group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Chance {
    /// By comparison and level.
    pub levels: Vec<Vec<f64>>,
    /// How many of the pairs that were drawn showed each level. Where none did, its probability is only supposed.
    pub seen: Vec<Vec<f64>>,
}

/// Levels seen among pairs drawn by chance.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    /// By comparison, component and level of the component.
    components: Vec<Vec<Vec<f64>>>,
    whole: Vec<Vec<f64>>,
}

/// So many pairs of values that are not the same are looked at in each comparison...
const DRAWS: u64 = 20_000;
/// ... among so many times as many pairs at most: where values are missing, or nearly all the same, there are few.
const TRIES: u64 = 2;
/// So many are drawn at once.
const AT_ONCE: usize = 128;
/// No level: the two make no pair.
const NO_PAIR: usize = usize::MAX;

impl Drawn {
    pub(super) fn of(comparisons: &[Comparison], view: View<'_>, seed: u64, pairs: &dyn Fn(Row, Row) -> bool) -> Self {
        let rows = view.table().rows() as u64;
        let mut drawn = Self {
            components: comparisons
                .iter()
                .map(|c| c.components().iter().map(|levels| vec![0.0; *levels]).collect())
                .collect(),
            whole: comparisons.iter().map(|comparison| vec![0.0; comparison.levels.len()]).collect(),
        };
        let told: Vec<Vec<bool>> =
            comparisons.iter().map(|comparison| comparison.levels.iter().map(tells_by_likeness).collect()).collect();
        // A pair that makes no sense counts as looked at: what is unseen among two files is as rare as among one.
        let mut hits = vec![0; comparisons.len()];
        let mut enough = vec![false; comparisons.len()];
        let draws = (DRAWS * TRIES).min(rows * rows);
        for first in (0..draws).step_by(AT_ONCE) {
            let pair = |draw: u64| {
                let random = hash::mix(hash::mix(seed, draw), 0x5eed);
                let (a, b) = (((random >> 32) * rows) >> 32, ((random & 0xffff_ffff) * rows) >> 32);
                (a as Row, b as Row)
            };
            let some: Vec<(Row, Row)> = (first..draws).take(AT_ONCE).map(pair).collect();
            for (place, comparison) in comparisons.iter().enumerate() {
                for (draw, (a, b)) in (first..).zip(&some) {
                    if enough[place] {
                        break;
                    }
                    let level = if pairs(*a, *b) { usize::from(comparison.level(view, *a, *b)) } else { NO_PAIR };
                    hits[place] += u64::from(told[place].get(level).copied().unwrap_or(true));
                    // A comparison without likeness, and what is said of the system, need no more.
                    enough[place] = hits[place] > DRAWS || (hits[place] == 0 && draw == DRAWS);
                    if !enough[place] && level != NO_PAIR {
                        drawn.note(comparison, place, level);
                    }
                }
            }
            if enough.iter().all(|enough| *enough) {
                break;
            }
        }
        drawn
    }

    fn note(&mut self, comparison: &Comparison, place: usize, level: usize) {
        self.whole[place][level] += 1.0;
        let mut last = None;
        for part in &comparison.levels[level].parts {
            let (component, level) = part.component;
            // Two roles may be told by one component: it was seen once.
            if last != Some(component) {
                self.components[place][usize::from(component)][usize::from(level)] += 1.0;
            }
            last = Some(component);
        }
    }
}

/// Whether a level says how alike two values are that are not the same: only that has to be estimated.
fn tells_by_likeness(level: &Level) -> bool {
    level.parts.iter().any(|part| part.same.is_none())
}

impl Chance {
    pub(super) fn of(comparisons: &[Comparison], drawn: &Drawn, frequencies: &Frequencies) -> Self {
        let of = |(place, comparison): (usize, &Comparison)| {
            if comparison.components().len() <= 1 {
                one_component(comparison, &drawn.whole[place], frequencies)
            } else {
                several_components(comparison, &drawn.components[place], frequencies)
            }
        };
        Self { levels: comparisons.iter().enumerate().map(of).collect(), seen: drawn.whole.clone() }
    }
}

impl Chance {
    /// How many of the drawn pairs showed a level; of a comparison with several components, the component that the fewest showed. None
    /// where nothing was drawn for it: how often values are the same is counted, and that nothing is compared tells nothing.
    #[must_use]
    pub fn drawn(&self, comparison: &Comparison, place: usize, level: u8) -> Option<f64> {
        let seen = self.seen.get(place)?;
        let likeness = comparison.levels.get(usize::from(level))?.parts.iter().filter(|part| part.same.is_none());
        let of_component = |part: &Part| {
            let shows = |level: &Level| level.parts.iter().any(|other| other.component == part.component);
            let showing = comparison.levels.iter().zip(seen).filter(|(level, _)| shows(level));
            showing.map(|(_, seen)| seen).sum::<f64>()
        };
        likeness.map(of_component).min_by(f64::total_cmp)
    }
}

/// A level that was not seen is taken to be seen this often.
const UNSEEN: f64 = 0.25;
/// On a scale of more levels than this, each is rarer.
const FINE: usize = 12;

fn one_component(comparison: &Comparison, seen: &[f64], frequencies: &Frequencies) -> Vec<f64> {
    let unseen = if comparison.levels.len() > FINE { UNSEEN / FINE as f64 / FINE as f64 } else { UNSEEN };
    let mut chance: Vec<f64> = seen.iter().map(|seen| seen + unseen).collect();
    normalise(comparison, &mut chance);
    let exact = |place: usize| {
        let same = comparison.levels[place].parts.iter().find_map(|part| part.same)?;
        frequencies.chance(usize::from(same))
    };
    for group in 1..=8 {
        let within: Vec<usize> = (0..chance.len()).filter(|place| comparison.levels[*place].group == group).collect();
        let known: f64 = within.iter().filter_map(|place| exact(*place)).sum();
        let rest: f64 = within.iter().filter(|place| exact(**place).is_none()).map(|place| chance[*place]).sum();
        for place in within {
            chance[place] =
                exact(place).unwrap_or_else(|| chance[place] * (1.0 - known).max(0.0) / rest.max(f64::MIN_POSITIVE));
        }
    }
    normalise(comparison, &mut chance);
    chance
}

fn several_components(comparison: &Comparison, seen: &[Vec<f64>], frequencies: &Frequencies) -> Vec<f64> {
    let mut components: Vec<Vec<f64>> =
        seen.iter().map(|levels| levels.iter().map(|seen| seen + UNSEEN).collect()).collect();
    for (component, chance) in components.iter_mut().enumerate() {
        chance[0] = 0.0;
        let sum: f64 = chance.iter().sum();
        chance.iter_mut().for_each(|chance| *chance /= sum);
        let parts = comparison.levels.iter().flat_map(|level| &level.parts);
        let same = parts
            .filter(|part| usize::from(part.component.0) == component)
            .find_map(|part| Some((part.component.1, part.same?)));
        if let Some((level, exact)) =
            same.and_then(|(level, same)| Some((level, frequencies.chance(usize::from(same))?)))
        {
            let level = usize::from(level);
            let rest = 1.0 - chance[level];
            for (place, chance) in chance.iter_mut().enumerate() {
                *chance = if place == level { exact } else { *chance * (1.0 - exact) / rest.max(f64::MIN_POSITIVE) };
            }
        }
    }
    let of = |part: &Part| components[usize::from(part.component.0)][usize::from(part.component.1)];
    let mut chance: Vec<f64> = comparison
        .levels
        .iter()
        .map(|level| if level.parts.is_empty() { 1.0 } else { level.parts.iter().map(of).product() })
        .collect();
    normalise(comparison, &mut chance);
    chance
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Kind, Schema};
    use crate::comparison::Aliases;
    use crate::table::Table;

    #[test]
    fn likeness_is_learned_from_values_that_differ() {
        // Two records of three hold one value, so that many pairs say nothing of likeness.
        let mut table = Table::new(Schema::new(&[("name", Kind::Text)]));
        for id in 0..4_000 {
            let name = if id % 3 == 0 { format!("record {:04}", id * 7 % 1_000) } else { "the same".to_owned() };
            table.push(&id.to_string(), "", &[name]);
        }
        let mut aliases = Aliases::default();
        aliases.extend(&table);
        let comparisons = Comparison::standard(table.layout(), false);
        let drawn = Drawn::of(&comparisons, View::new(&table, &aliases), 7, &|a, b| a != b);
        let differ: f64 = drawn.whole[0].iter().skip(2).sum();
        assert!(differ + 100.0 >= DRAWS as f64, "{differ}: {:?}", drawn.whole);
        // How many showed each level is told; that values are the same is counted, and of nothing to compare nothing is learned.
        let chance = Chance::of(&comparisons, &drawn, &Frequencies::default());
        let told: Vec<Option<f64>> = (0..6).map(|level| chance.drawn(&comparisons[0], 0, level)).collect();
        assert_eq!(told[..2], [None, None]);
        assert_eq!(told[2..5].iter().flatten().sum::<f64>(), differ, "{told:?}");
        assert_eq!((told[5], chance.drawn(&comparisons[0], 1, 2)), (None, None), "there is no such level");
    }

    #[test]
    fn a_level_of_several_components_was_seen_as_often_as_the_component_that_the_fewest_showed() {
        let kinds = [("street", Kind::Street), ("postcode", Kind::Postcode), ("city", Kind::City)];
        let mut table = Table::new(Schema::new(&kinds));
        for id in 0..900_u32 {
            let street = format!("{} {} Lane", id % 7 + 1, ["Kerk", "Dorp", "Molen"][id as usize % 3]);
            table.push(
                &id.to_string(),
                "",
                &[street, format!("{}", 10_000 + id * 97 % 9_000), format!("City{}", id % 5)],
            );
        }
        let mut aliases = Aliases::default();
        aliases.extend(&table);
        let comparisons = Comparison::standard(table.layout(), false);
        let drawn = Drawn::of(&comparisons, View::new(&table, &aliases), 7, &|a, b| a != b);
        let chance = Chance::of(&comparisons, &drawn, &Frequencies::default());
        let mut least = f64::MAX;
        for (level, of) in (0..).zip(&comparisons[0].levels) {
            let likeness = of.parts.iter().filter(|part| part.same.is_none());
            let seen =
                likeness.map(|part| drawn.components[0][usize::from(part.component.0)][usize::from(part.component.1)]);
            let fewest = seen.min_by(f64::total_cmp);
            assert_eq!(chance.drawn(&comparisons[0], 0, level), fewest, "{}", of.name);
            least = least.min(fewest.unwrap_or(f64::MAX));
        }
        assert!(least < 50.0, "some are rare: {least}");
    }
}
