//! Pairs in the light of all others: what a pair alone leaves open, a third record often settles.
//!
//! Two records of one cluster are one entity if every bridge on the way between them holds; that is often more probable than what
//! the two tell on their own. One-to-one linkage is settled between rivals instead: see [`crate::assignment`].

use hashbrown::HashMap;

use crate::cluster::{Clusters, Edge};
use crate::model::Model;
use crate::pattern::Candidate;
use crate::table::Row;

/// A pair as it is reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The one, the lower row.
    pub a: Row,
    /// The other.
    pub b: Row,
    /// What the two tell on their own, in bits; none for a pair that was not looked at and follows from others.
    pub weight: Option<f32>,
    /// How probable it is that they are one entity.
    pub probability: f64,
}

/// The probabilities of pairs, in the light of the clusters that they are in. Pairs less probable than `least` are left out.
#[must_use]
pub fn pairs(model: &Model, candidates: &[Candidate], weights: &[f32], clusters: &Clusters, least: f64) -> Vec<Pair> {
    let ways = ways(model, clusters);
    let mut found: Vec<Pair> = Vec::new();
    let mut told: HashMap<(Row, Row), ()> = HashMap::new();
    for (candidate, weight) in candidates.iter().zip(weights) {
        let own = model.calibration.probability(f64::from(*weight));
        let way = ways.get(&(candidate.a, candidate.b)).copied();
        if way.is_some() {
            told.insert((candidate.a, candidate.b), ());
        }
        let probability = way.map_or(own, |way| own.max(way));
        if probability >= least {
            found.push(Pair { a: candidate.a, b: candidate.b, weight: Some(*weight), probability });
        }
    }
    for ((a, b), probability) in &ways {
        if *probability >= least && !told.contains_key(&(*a, *b)) {
            found.push(Pair { a: *a, b: *b, weight: None, probability: *probability });
        }
    }
    found.sort_unstable_by(|x, y| y.probability.total_cmp(&x.probability).then((x.a, x.b).cmp(&(y.a, y.b))));
    found
}

/// The probabilities of pairs on their own.
#[must_use]
pub fn alone(model: &Model, candidates: &[Candidate], weights: &[f32]) -> Vec<Pair> {
    let of = |(candidate, weight): (&Candidate, &f32)| Pair {
        a: candidate.a,
        b: candidate.b,
        weight: Some(*weight),
        probability: model.calibration.probability(f64::from(*weight)),
    };
    candidates.iter().zip(weights).map(of).collect()
}

/// For every two rows of a cluster, how probable it is that all bridges between them hold.
fn ways(model: &Model, clusters: &Clusters) -> HashMap<(Row, Row), f64> {
    let mut bridges: Vec<(Row, Edge)> =
        clusters.bridges.iter().map(|edge| (clusters.of[edge.a as usize], *edge)).collect();
    bridges.sort_by_key(|(cluster, _)| *cluster);
    let mut ways = HashMap::new();
    for cluster in bridges.chunk_by(|a, b| a.0 == b.0) {
        let mut rows: Vec<Row> = cluster.iter().flat_map(|(_, edge)| [edge.a, edge.b]).collect();
        rows.sort_unstable();
        rows.dedup();
        for from in &rows {
            let mut open = vec![(*from, *from, 1.0)];
            while let Some((at, before, probability)) = open.pop() {
                if at > *from {
                    ways.insert((*from, at), probability);
                }
                for (_, edge) in cluster {
                    let next = if edge.a == at {
                        edge.b
                    } else if edge.b == at {
                        edge.a
                    } else {
                        continue;
                    };
                    if next != before {
                        open.push((next, at, probability * model.calibration.probability(f64::from(edge.weight))));
                    }
                }
            }
        }
    }
    ways
}
