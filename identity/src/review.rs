//! What to ask a person first: the pair whose answer tells most.
//!
//! An answer tells most where the model is undecided, where much hangs on it (the weakest bridge of a large entity holds all pairs
//! across it), and where many pairs show the same pattern.

use hashbrown::HashMap;

use crate::cluster::{Clusters, Edge};
use crate::decision::Decisions;
use crate::model::Model;
use crate::pattern::Candidates;
use crate::score::pair_hash;
use crate::table::{Row, Table};

/// Why a pair is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Because {
    /// The model is undecided.
    Undecided,
    /// An entity hangs on it.
    Bridge,
    /// It was strong enough, and refused.
    Refused,
}

/// A pair to ask about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// The one.
    pub a: Row,
    /// The other.
    pub b: Row,
    /// How probable it is that they are one entity.
    pub probability: f64,
    /// What an answer is expected to tell, in bits, over all that hangs on it.
    pub tells: f64,
    /// Why it is asked about.
    pub because: Because,
}

/// The questions worth asking, the most telling first. What people decided is not asked again.
#[must_use]
pub fn questions(
    table: &Table,
    model: &Model,
    candidates: &Candidates,
    weights: &[f32],
    clusters: &Clusters,
    decisions: &Decisions,
) -> Vec<Question> {
    let decided: Vec<u64> = decisions.standing().iter().map(|decision| decision.pair()).collect();
    let mut size: HashMap<Row, usize> = HashMap::new();
    clusters.of.iter().for_each(|first| *size.entry(*first).or_default() += 1);
    let probability = |weight: f32| model.calibration.probability(f64::from(weight));
    let mut asked: HashMap<(Row, Row), Question> = HashMap::new();
    let mut ask = |a: Row, b: Row, probability: f64, hanging: f64, because| {
        let tells = uncertainty(probability) * hanging;
        if tells > LEAST && !decided.contains(&pair_hash(table, a, b)) {
            let question = Question { a, b, probability, tells, because };
            let best = asked.entry((a.min(b), a.max(b))).or_insert(question);
            if best.tells < tells {
                *best = question;
            }
        }
    };
    for (pair, weight) in candidates.pairs.iter().zip(weights) {
        // A pattern that many pairs show is learned about by one answer, though less and less.
        let alike = 1.0 + (candidates.patterns.count(pair.pattern) as f64).log2().max(0.0) / 4.0;
        ask(pair.a, pair.b, probability(*weight), alike, Because::Undecided);
    }
    for refused in &clusters.refused {
        let Edge { a, b, weight } = refused.edge;
        // Whoever refused it may be wrong: it is asked as if it were open.
        ask(a, b, probability(weight).min(0.5), 2.0, Because::Refused);
    }
    for bridge in &clusters.bridges {
        let members = clusters.of.get(bridge.a as usize).and_then(|first| size.get(first)).copied().unwrap_or(2);
        if members > 2 {
            ask(bridge.a, bridge.b, probability(bridge.weight), (members - 1) as f64, Because::Bridge);
        }
    }
    let mut questions: Vec<Question> = asked.into_values().collect();
    questions.sort_unstable_by(|x, y| {
        y.tells.total_cmp(&x.tells).then_with(|| pair_hash(table, x.a, x.b).cmp(&pair_hash(table, y.a, y.b)))
    });
    questions
}

/// What tells less than this is not asked.
const LEAST: f64 = 0.05;

/// The entropy of a yes or no, in bits.
pub(crate) fn uncertainty(probability: f64) -> f64 {
    let of = |share: f64| if share > 0.0 { -share * share.log2() } else { 0.0 };
    of(probability) + of(1.0 - probability)
}

/// The bridge of each cluster of three records or more that holds least: where it would break first.
#[must_use]
pub fn weakest_bridges(clusters: &Clusters) -> Vec<Edge> {
    let mut size: HashMap<Row, usize> = HashMap::new();
    clusters.of.iter().for_each(|first| *size.entry(*first).or_default() += 1);
    let mut weakest: HashMap<Row, Edge> = HashMap::new();
    for bridge in &clusters.bridges {
        let first = clusters.of[bridge.a as usize];
        if size.get(&first).is_some_and(|size| *size > 2) {
            let least = weakest.entry(first).or_insert(*bridge);
            if bridge.weight < least.weight {
                *least = *bridge;
            }
        }
    }
    let mut weakest: Vec<(Row, Edge)> = weakest.into_iter().collect();
    weakest.sort_unstable_by(|x, y| x.1.weight.total_cmp(&y.1.weight).then(x.0.cmp(&y.0)));
    weakest.into_iter().map(|(_, edge)| edge).collect()
}
