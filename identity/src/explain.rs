//! Why a pair weighs what it weighs: a waterfall of bits that adds up to the weight.
//!
//! The first step is what two records drawn by chance weigh: very little. Each comparison then moves the weight by the likeness of
//! its level in the match that explains the pair best, against chance; the frequency of values that agree moves it again; and at
//! last come the relations that explain the agreement without a match, which can only take away.

mod chart;
mod cluster;

use std::fmt;

use crate::blocking::MadeBy;
use crate::comparison::{Comparison, View};
use crate::model::{Chance, Class, likely};
use crate::pattern;
use crate::score::Scorer;
use crate::table::Row;

#[cfg(feature = "engine")]
pub(crate) use chart::{Lane, lanes};
pub use chart::{cluster_svg, svg};
pub(crate) use cluster::held;
pub use cluster::{Bridge, ClusterExplanation, Hold, cluster};

/// What moved the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// How rare matches are among all pairs.
    Prior,
    /// At which level two values agree.
    Level,
    /// How common the value is that both hold.
    Frequency,
    /// Another kind of match that explains the pair as well.
    OtherMatch,
    /// A relation of two entities that explains the pair as well: a household, a shared site.
    Relation,
    /// What other records of the two clusters tell: a pair too weak on its own joins if all that is between them is strong together.
    Others,
    /// A relation of two entities could explain the pair as well, and too few such pairs were learned from.
    Doubt,
}

/// One step of a waterfall.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What moved the weight.
    pub cause: Cause,
    /// The comparison, field, or relation.
    pub of: String,
    /// What it says.
    pub says: String,
    /// By how many bits.
    pub bits: f64,
    /// Whether pairs were seen that show it. Where none were, the bits are what was supposed beforehand.
    pub learned: bool,
    /// Of a level, how many pairs it was seen in.
    pub seen: Option<Seen>,
}

/// In how many pairs a level was seen that the model was trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Pairs of the match that explains the pair best: as many as those that were looked at are taken to be.
    pub matches: f64,
    /// Pairs drawn by chance. None where chance is not drawn but counted, as how often values are the same is.
    pub drawn: Option<f64>,
}

/// Fewer pairs of a class than this are none.
const NO_PAIR: f64 = 1.0;

impl Seen {
    fn of(best: &Class, chance: &Chance, comparison: &Comparison, (place, level): (usize, u8)) -> Self {
        let matches = best.seen.get(place).and_then(|levels| levels.get(usize::from(level))).copied();
        Self { matches: matches.unwrap_or_default(), drawn: chance.drawn(comparison, place, level) }
    }

    /// Why what it is worth is only supposed; none where it was learned.
    fn not_trained(self) -> Option<&'static str> {
        if self.matches < NO_PAIR {
            Some("no such match was seen")
        } else {
            self.drawn.is_some_and(|drawn| drawn <= 0.0).then_some("chance showed no such pair")
        }
    }
}

impl fmt::Display for Seen {
    /// `seen in 152 matches, and in 31 pairs drawn by chance`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seen in {:.0} matches", self.matches)?;
        match self.drawn {
            Some(drawn) => write!(f, ", and in {drawn:.0} pairs drawn by chance"),
            None => f.write_str("; what chance makes is counted"),
        }
    }
}

/// Why a pair weighs what it weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The steps; their bits add up to the weight.
    pub steps: Vec<Step>,
    /// The weight, in bits.
    pub weight: f64,
    /// The probability that the two are one entity, by that weight.
    pub probability: f64,
    /// The match that explains the pair best.
    pub best: String,
    /// The version of the model.
    pub model: u32,
    /// The rules by which the two were compared at all; none of two who were not, and are one as others say so.
    pub made_by: Vec<MadeBy>,
}

/// Explains the weight of two rows, and by which rules they were compared: for that it goes through the table, once for each rule
/// whose key the two share.
#[must_use]
pub fn pair(scorer: &Scorer, view: View<'_>, a: Row, b: Row) -> Explanation {
    let made_by = scorer.model().blocking.made_by(view.table(), a, b);
    Explanation { made_by, ..weighed(scorer, view, a, b) }
}

/// Explains the weight of two rows, whoever knows by which rules they were compared.
pub(crate) fn weighed(scorer: &Scorer, view: View<'_>, a: Row, b: Row) -> Explanation {
    let model = scorer.model();
    let comparisons = scorer.comparisons();
    let mut levels = vec![0; comparisons.len()];
    let _ = pattern::look(comparisons, view, a, b, &mut levels);
    let worth = scorer.worth(&levels);
    let share = |class: &Class| class.share * likely(&class.levels, &levels);
    let matches = model.classes.iter().filter(|class| class.matches);
    let best = matches.max_by(|x, y| share(x).total_cmp(&share(y)));
    let mut steps = Vec::new();
    let mut add = |cause, of: &str, says: &str, bits: f64, seen: Option<Seen>| {
        if bits.abs() > 1e-9 {
            let not_trained = seen.and_then(Seen::not_trained);
            let says = not_trained
                .map_or_else(|| says.to_owned(), |why| format!("{says} (not trained: {why}, so it is supposed)"));
            steps.push(Step { cause, of: of.to_owned(), says, bits, learned: not_trained.is_none(), seen });
        }
    };
    if let Some(best) = best {
        add(Cause::Prior, "all pairs", "few of them are one entity", best.share.max(f64::MIN_POSITIVE).log2(), None);
        for (place, (comparison, level)) in comparisons.iter().zip(&levels).enumerate() {
            let seen = Seen::of(best, &model.chance, comparison, (place, *level));
            let level = usize::from(*level);
            let by_chance = model.chance.levels[place][level].max(f64::MIN_POSITIVE);
            let bits = (best.levels[place][level].max(f64::MIN_POSITIVE) / by_chance).log2();
            add(Cause::Level, &comparison.name, &comparison.levels[level].name, bits, Some(seen));
        }
        let mut push = |cause, of: &str, says: &str, bits: f64| add(cause, of, says, bits, None);
        let table = view.table();
        for field in &worth.same {
            let field = usize::from(*field);
            let bits = scorer.frequency_bits(table, a, field);
            let says = if bits < 0.0 { "a rare value" } else { "a common value" };
            push(Cause::Frequency, &table.layout().fields[field].name, says, -bits);
        }
        push(
            Cause::OtherMatch,
            "other kinds of match",
            "explain it as well",
            (worth.matching / share(best).max(f64::MIN_POSITIVE)).log2(),
        );
        let chance = worth.chance * scorer.frequency(&worth, table.codes(a)).exp2();
        let mut against = chance.max(f64::MIN_POSITIVE);
        let mut relations: Vec<(&str, f64)> = model
            .classes
            .iter()
            .filter(|class| !class.matches)
            .map(|class| (class.name.as_str(), share(class)))
            .collect();
        relations.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(y.0)));
        for (name, share) in relations {
            push(Cause::Relation, name, "explains the agreement without a match", (against / (against + share)).log2());
            against += share;
        }
        let all = worth.against(chance);
        push(Cause::Doubt, "two persons", "too few such pairs were learned from to tell", (against / all).log2());
    }
    let weight = scorer.weight(&worth, view.table(), a);
    let probability = model.calibration.probability(weight);
    Explanation {
        steps,
        weight,
        probability,
        best: best.map_or_else(String::new, |best| best.name.clone()),
        model: model.version,
        made_by: Vec::new(),
    }
}

impl Explanation {
    /// Why the two were compared at all, in words.
    #[must_use]
    pub fn why_compared(&self) -> String {
        if self.made_by.is_empty() {
            return "compared by no rule".to_owned();
        }
        let rules: Vec<String> = self.made_by.iter().map(ToString::to_string).collect();
        format!("compared by {}", rules.join("; "))
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sum = 0.0;
        for step in &self.steps {
            sum += step.bits;
            write!(f, "{:>+7.2} {sum:>+8.2}  {}: {}", step.bits, step.of, step.says)?;
            match step.seen {
                Some(seen) => writeln!(f, "; {seen}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "{}", self.why_compared())?;
        write!(
            f,
            "{:>+7.2} bits, probability {:.4}, as {} (model {})",
            self.weight, self.probability, self.best, self.model
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_pair_showed_is_not_trained_on_either_side() {
        let of = |matches, drawn| Seen { matches, drawn }.not_trained();
        assert_eq!(of(5.0, Some(3.0)), None);
        assert_eq!(of(5.0, None), None, "chance is counted");
        assert_eq!(of(0.4, Some(3.0)), Some("no such match was seen"));
        assert_eq!(of(5.0, Some(0.0)), Some("chance showed no such pair"));
        let told = |matches, drawn| Seen { matches, drawn }.to_string();
        assert_eq!(told(152.3, Some(31.0)), "seen in 152 matches, and in 31 pairs drawn by chance");
        assert_eq!(told(0.0, None), "seen in 0 matches; what chance makes is counted");
    }
}
