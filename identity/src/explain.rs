//! Why a pair weighs what it weighs: a waterfall of bits that adds up to the weight.
//!
//! The first step is what two records drawn by chance weigh: very little. Each comparison then moves the weight by the likeness of
//! its level in the match that explains the pair best, against chance; the frequency of values that agree moves it again; and at
//! last come the relations that explain the agreement without a match, which can only take away.

mod chart;
mod cluster;

use std::fmt;

use crate::comparison::View;
use crate::model::likely;
use crate::pattern;
use crate::score::Scorer;
use crate::table::Row;

pub use chart::{cluster_svg, svg};
pub use cluster::{Bridge, ClusterExplanation, cluster};

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
}

/// Explains the weight of two rows.
#[must_use]
pub fn pair(scorer: &Scorer, view: View<'_>, a: Row, b: Row) -> Explanation {
    let model = scorer.model();
    let comparisons = scorer.comparisons();
    let mut levels = vec![0; comparisons.len()];
    let _ = pattern::look(comparisons, view, a, b, &mut levels);
    let worth = scorer.worth(&levels);
    let share = |class: &crate::model::Class| class.share * likely(&class.levels, &levels);
    let matches = model.classes.iter().filter(|class| class.matches);
    let best = matches.max_by(|x, y| share(x).total_cmp(&share(y)));
    let mut steps = Vec::new();
    let mut add = |cause, of: &str, says: &str, bits: f64, learned: bool| {
        if bits.abs() > 1e-9 {
            let says = if learned { says.to_owned() } else { format!("{says} (supposed: no such pair was seen)") };
            steps.push(Step { cause, of: of.to_owned(), says, bits, learned });
        }
    };
    if let Some(best) = best {
        add(Cause::Prior, "all pairs", "few of them are one entity", best.share.max(f64::MIN_POSITIVE).log2(), true);
        for (place, (comparison, level)) in comparisons.iter().zip(&levels).enumerate() {
            let level = usize::from(*level);
            let by_chance = model.chance.levels[place][level].max(f64::MIN_POSITIVE);
            let bits = (best.levels[place][level].max(f64::MIN_POSITIVE) / by_chance).log2();
            let learned = best.knows(place, level as u8);
            add(Cause::Level, &comparison.name, &comparison.levels[level].name, bits, learned);
        }
        let mut push = |cause, of: &str, says: &str, bits: f64| add(cause, of, says, bits, true);
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
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sum = 0.0;
        for step in &self.steps {
            sum += step.bits;
            let what = format!("{}: {}", step.of, step.says);
            writeln!(f, "{:>+7.2} {sum:>+8.2}  {what}", step.bits)?;
        }
        write!(
            f,
            "{:>+7.2} bits, probability {:.4}, as {} (model {})",
            self.weight, self.probability, self.best, self.model
        )
    }
}
