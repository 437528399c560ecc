//! Why a cluster holds: the pairs that hold it together, and where it would break first.

use std::fmt;

use super::{Explanation, pair};
use crate::cluster::{Clusters, Edge, GIVEN, SAID};
use crate::comparison::View;
use crate::score::Scorer;
use crate::table::{Row, Table};

/// Why a pair holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// It is strong enough.
    Weighed,
    /// A person said so.
    Said,
    /// The two are given as one, by whoever keeps the records.
    Given,
}

/// A pair that holds a cluster together: without it there would be two.
#[derive(Debug, Clone, PartialEq)]
pub struct Bridge {
    /// The one: the first by system and id.
    pub a: Row,
    /// The other.
    pub b: Row,
    /// What it joins with, in bits: its own weight, or that of all that is between the two sides together. What a person said, or what
    /// is given, outweighs all that is weighed.
    pub weight: f32,
    /// How probable it is that its sides are one entity.
    pub probability: f64,
    /// Why it holds.
    pub hold: Hold,
    /// How many records are on the side of the one, and on that of the other.
    pub sides: (usize, usize),
    /// Why the two weigh what they weigh on their own.
    pub explanation: Explanation,
}

/// Why a cluster holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterExplanation {
    /// Its rows, by system and id, whatever the order in which they came.
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
    let edges = clusters.bridges.iter().filter(|edge| first.is_some() && of(edge.a) == first);
    let edges: Vec<Edge> = edges.copied().collect();
    held(scorer, view.table(), rows, &edges, &|a, b| pair(scorer, view, a, b))
}

/// Explains a cluster by its rows and the pairs that hold them together. `explain` says why two of them weigh what they weigh.
pub(crate) fn held(
    scorer: &Scorer,
    table: &Table,
    mut rows: Vec<Row>,
    edges: &[Edge],
    explain: &dyn Fn(Row, Row) -> Explanation,
) -> ClusterExplanation {
    let called = |row: &Row| (table.systems().get(table.system_of(*row)), table.id(*row));
    rows.sort_by(|x, y| called(x).cmp(&called(y)));
    let bridge = |edge: &Edge| {
        let (a, b) = if called(&edge.a) <= called(&edge.b) { (edge.a, edge.b) } else { (edge.b, edge.a) };
        let side = side(edges, edge, a);
        Bridge {
            a,
            b,
            weight: edge.weight,
            probability: scorer.model().calibration.probability(f64::from(edge.weight)),
            hold: Hold::of(edge.weight),
            sides: (side, rows.len() - side),
            explanation: explain(a, b),
        }
    };
    let mut bridges: Vec<Bridge> = edges.iter().map(bridge).collect();
    let name = |bridge: &Bridge| crate::score::pair_hash(table, bridge.a, bridge.b);
    bridges.sort_by(|x, y| y.weight.total_cmp(&x.weight).then_with(|| name(x).cmp(&name(y))));
    ClusterExplanation { rows, bridges }
}

/// How many rows are on the side of one end of a bridge. Bridges make no cycles: who is reached from there without crossing it is.
fn side(edges: &[Edge], bridge: &Edge, end: Row) -> usize {
    let mut side = vec![end];
    let mut at = 0;
    while let Some(from) = side.get(at).copied() {
        at += 1;
        let others = edges.iter().filter(|other| (other.a, other.b) != (bridge.a, bridge.b));
        let next = others.filter_map(|other| match (other.a == from, other.b == from) {
            (true, _) => Some(other.b),
            (_, true) => Some(other.a),
            _ => None,
        });
        let next: Vec<Row> = next.filter(|row| !side.contains(row)).collect();
        side.extend(next);
    }
    side.len()
}

impl Hold {
    fn of(weight: f32) -> Self {
        if weight >= GIVEN {
            Self::Given
        } else if weight >= SAID {
            Self::Said
        } else {
            Self::Weighed
        }
    }
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
        for Bridge { weight, probability, hold, sides: (one, other), .. } in &self.bridges {
            match hold {
                Hold::Weighed => write!(f, "{weight:>+7.2} bits, probability {probability:.4}")?,
                Hold::Said => write!(f, "as a person said")?,
                Hold::Given => write!(f, "given as one")?,
            }
            writeln!(f, ", between {one} and {other}")?;
        }
        writeln!(f, "It would break first here:")?;
        write!(f, "{}", weakest.explanation)
    }
}
