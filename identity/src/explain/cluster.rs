//! Why a cluster holds: the pairs that hold it together, and where it would break first.

use std::fmt;

use super::{Explanation, pair};
use crate::cluster::Clusters;
use crate::comparison::View;
use crate::score::Scorer;
use crate::table::Row;

/// A pair that holds a cluster together: without it there would be two.
#[derive(Debug, Clone, PartialEq)]
pub struct Bridge {
    /// The one.
    pub a: Row,
    /// The other.
    pub b: Row,
    /// What it joins with, in bits: its own weight, or that of all that is between the two sides together.
    pub weight: f32,
    /// How probable it is that its sides are one entity.
    pub probability: f64,
    /// How many records are on the side of the one, and on that of the other.
    pub sides: (usize, usize),
    /// Why the two weigh what they weigh on their own.
    pub explanation: Explanation,
}

/// Why a cluster holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterExplanation {
    /// Its rows, ascending.
    pub rows: Vec<Row>,
    /// What holds it together, the strongest first: the last is the weakest.
    pub bridges: Vec<Bridge>,
}

/// Explains the cluster that a row is in; a row alone is held by nothing.
#[must_use]
pub fn cluster(scorer: &Scorer, view: View<'_>, clusters: &Clusters, row: Row) -> ClusterExplanation {
    let of = |row: Row| clusters.of.get(row as usize).copied();
    let first = of(row);
    let rows: Vec<Row> = (0..clusters.of.len() as Row).filter(|other| first.is_some() && of(*other) == first).collect();
    let edges: Vec<_> = clusters.bridges.iter().filter(|edge| first.is_some() && of(edge.a) == first).collect();
    let mut bridges: Vec<Bridge> = edges
        .iter()
        .map(|edge| {
            // Bridges make no cycles: who is reached from the one without crossing is on its side.
            let mut side = vec![edge.a];
            let mut at = 0;
            while let Some(from) = side.get(at).copied() {
                at += 1;
                let others = edges.iter().filter(|other| (other.a, other.b) != (edge.a, edge.b));
                let next = others.filter_map(|other| match (other.a == from, other.b == from) {
                    (true, _) => Some(other.b),
                    (_, true) => Some(other.a),
                    _ => None,
                });
                let next: Vec<Row> = next.filter(|row| !side.contains(row)).collect();
                side.extend(next);
            }
            Bridge {
                a: edge.a,
                b: edge.b,
                weight: edge.weight,
                probability: scorer.model().calibration.probability(f64::from(edge.weight)),
                sides: (side.len(), rows.len() - side.len()),
                explanation: pair(scorer, view, edge.a, edge.b),
            }
        })
        .collect();
    let name = |bridge: &Bridge| crate::score::pair_hash(view.table(), bridge.a, bridge.b);
    bridges.sort_by(|x, y| y.weight.total_cmp(&x.weight).then_with(|| name(x).cmp(&name(y))));
    ClusterExplanation { rows, bridges }
}

impl ClusterExplanation {
    /// Where it would break first.
    #[must_use]
    pub fn weakest(&self) -> Option<&Bridge> {
        self.bridges.last()
    }
}

impl fmt::Display for ClusterExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(weakest) = self.weakest() else { return write!(f, "a record alone") };
        writeln!(f, "{} records, held together by {} pairs:", self.rows.len(), self.bridges.len())?;
        for Bridge { weight, probability, sides: (one, other), .. } in &self.bridges {
            writeln!(f, "{weight:>+7.2} bits, probability {probability:.4}, between {one} and {other}")?;
        }
        writeln!(f, "It would break first here:")?;
        write!(f, "{}", weakest.explanation)
    }
}
