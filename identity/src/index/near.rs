//! What pairs connect with a record: the clusters around it, what holds them together, and what is between them.

use hashbrown::{HashMap, HashSet};

use super::Index;
use super::region::Region;
use crate::cluster::{Edge, GIVEN, Refusal};
use crate::comparison::View;
use crate::decision::RecordName;
use crate::explain::{self, Cause, ClusterExplanation, Explanation, Step};
use crate::review::uncertainty;
use crate::score::pair_hash;
use crate::table::Row;

/// The neighbourhood of a record. Records are called as [`RecordName::key`] calls them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Near {
    /// The clusters, each ascending.
    pub clusters: Vec<Vec<u64>>,
    /// The pairs that hold clusters together beside what is given, and of every two clusters the strongest pair between them unless a
    /// person held them apart; by descending weight.
    pub pairs: Vec<NearPair>,
}

/// A pair of a neighbourhood.
#[derive(Debug, Clone, PartialEq)]
pub struct NearPair {
    /// The one: the lesser.
    pub a: u64,
    /// The other.
    pub b: u64,
    /// How probable it is that the two are one entity; in the light of their clusters, if it takes those to join them.
    pub probability: f64,
    /// Why it joins nothing though it is strong enough.
    pub refused: Option<Refusal>,
    /// Why it is as probable: what the two weigh on their own, and what the others of their clusters tell where it takes those.
    pub explanation: Explanation,
    /// What an answer is expected to tell, in bits: how undecided the pair is, times the links of the entity that a yes makes or keeps.
    pub tells: f64,
}

impl Index {
    /// What pairs connect with a record; nothing of an unknown one.
    #[must_use]
    pub fn near(&self, record: &RecordName) -> Near {
        let Some(row) = self.row_of(record) else { return Near::default() };
        let rows = self.component(vec![row]);
        let (edges, clusters, _) = self.clusters_among(&rows);
        let scorer = &self.scorer;
        let of: HashMap<Row, Row> = rows.iter().copied().zip(clusters.of.iter().copied()).collect();
        let mut members: HashMap<Row, Vec<Row>> = HashMap::new();
        rows.iter().for_each(|row| members.entry(of[row]).or_default().push(*row));
        let refused: HashMap<(Row, Row), Refusal> =
            clusters.refused.iter().map(|refused| ((refused.edge.a, refused.edge.b), refused.because)).collect();
        let mut found: Vec<(Edge, Option<Refusal>)> =
            clusters.bridges.iter().filter(|edge| edge.weight < GIVEN).map(|edge| (*edge, None)).collect();
        let mut seen: HashSet<(Row, Row)> = HashSet::new();
        // They come by descending weight.
        for edge in edges.iter().filter(|edge| edge.weight < GIVEN) {
            let (a, b) = (of[&edge.a], of[&edge.b]);
            let between = (a.min(b), a.max(b));
            if a != b && seen.insert(between) && !self.are_apart(&members[&a], &members[&b]) {
                found.push((*edge, refused.get(&(edge.a, edge.b)).copied()));
            }
        }
        found.sort_by(|(x, _), (y, _)| {
            let name = |edge: &Edge| pair_hash(&self.table, edge.a, edge.b);
            y.weight.total_cmp(&x.weight).then_with(|| name(x).cmp(&name(y)))
        });
        let key = |row: Row| self.table.key(row);
        let calibration = &scorer.model().calibration;
        let pairs = found.into_iter().map(|(edge, refused)| {
            // By what they are called, not by the rows that they came to stand in.
            let (a, b) = if key(edge.a) <= key(edge.b) { (edge.a, edge.b) } else { (edge.b, edge.a) };
            let probability = calibration.probability(f64::from(edge.weight));
            let explanation = in_the_light_of_others(self.explained(a, b), edge, probability);
            let sides: HashSet<Row> = [of[&a], of[&b]].into();
            let records: usize = sides.iter().map(|side| members[side].len()).sum();
            // Whoever refused it may be wrong: it is asked as if it were open.
            let open = if refused.is_some() { probability.min(0.5) } else { probability };
            let tells = uncertainty(open) * (records - 1) as f64;
            NearPair { a: key(a), b: key(b), probability, refused, explanation, tells }
        });
        let pairs = pairs.collect();
        let mut clusters: Vec<Vec<u64>> = members
            .into_values()
            .map(|rows| {
                let mut keys: Vec<u64> = rows.into_iter().map(key).collect();
                keys.sort_unstable();
                keys
            })
            .collect();
        clusters.sort_unstable();
        Near { clusters, pairs }
    }

    /// Why the entity of a record holds, with the batch run's words and chart of the same records; none of an unknown record.
    #[must_use]
    pub fn cluster(&self, record: &RecordName) -> Option<ClusterExplanation> {
        let row = self.row_of(record)?;
        let Region { of, clusters, .. } = self.region(vec![row]);
        let own = of.get(&row);
        let members: Vec<Row> = of.keys().copied().filter(|other| of.get(other) == own).collect();
        let bridges: Vec<Edge> = clusters.bridges.into_iter().filter(|edge| of.get(&edge.a) == own).collect();
        Some(explain::held(&self.scorer, &self.table, members, &bridges, &|a, b| self.explained(a, b)))
    }

    /// Why two rows weigh what they weigh, and by which rules they are compared.
    fn explained(&self, a: Row, b: Row) -> Explanation {
        let view = View::new(&self.table, &self.aliases);
        let compared = self.scorer.model().blocking.scope.pairs(&self.table, a, b);
        let is_pair = self.edges[a as usize].iter().any(|(other, _)| *other == b);
        let made_by = if compared { self.blocks.made_by(&self.table, a, b, is_pair) } else { Vec::new() };
        Explanation { made_by, ..explain::weighed(&self.scorer, view, a, b) }
    }

    /// What two records weigh on their own, however little that is; none if either is unknown.
    #[must_use]
    pub fn between(&self, one: &RecordName, other: &RecordName) -> Option<NearPair> {
        let (one, other) = (self.row_of(one)?, self.row_of(other)?);
        let key = |row: Row| self.table.key(row);
        let (a, b) = if key(one) <= key(other) { (one, other) } else { (other, one) };
        let explanation = self.explained(a, b);
        let probability = explanation.probability;
        let tells = uncertainty(probability);
        Some(NearPair { a: key(a), b: key(b), probability, refused: None, explanation, tells })
    }

    fn are_apart(&self, a: &[Row], b: &[Row]) -> bool {
        let mut between = a.iter().flat_map(|a| b.iter().map(move |b| (*a, *b)));
        !self.rails.apart.is_empty() && between.any(|(a, b)| self.rails.apart.contains(&pair_hash(&self.table, a, b)))
    }
}

/// Less than this, in bits, is by how numbers are rounded.
const ROUNDED: f64 = 1e-3;

/// Why two records weigh what the pair of their clusters weighs: what the others tell is a step more.
fn in_the_light_of_others(alone: Explanation, edge: Edge, probability: f64) -> Explanation {
    let others = f64::from(edge.weight) - alone.weight;
    if others.abs() < ROUNDED {
        return alone;
    }
    let mut steps = alone.steps;
    let (of, says) = ("other records of the two".to_owned(), "all that is between them together".to_owned());
    steps.push(Step { cause: Cause::Others, of, says, bits: others, learned: true, seen: None });
    Explanation { steps, weight: f64::from(edge.weight), probability, ..alone }
}
