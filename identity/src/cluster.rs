//! From pairs to entities, with guard rails: one false pair must not chain two entities together.
//!
//! Pairs are taken by descending weight. A pair joins two clusters only if nothing speaks against it: a person held them apart, a
//! system that holds an entity once would hold it twice, the joint cluster would be too large or too long, or most of what is
//! between the two speaks against. A pair too weak on its own joins two clusters if all that is between them is strong together:
//! what one record leaves open, its siblings settle. What was refused is a case for a person.

mod rails;
mod tree;

use crate::score::pair_hash;
use crate::table::{Row, Table};

pub(crate) use rails::{GIVEN, SAID};
pub use rails::{Rails, Refusal};
use tree::Forest;

/// A pair with its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The one.
    pub a: Row,
    /// The other.
    pub b: Row,
    /// The weight, in bits.
    pub weight: f32,
}

impl Edge {
    fn is_between(&self, a: Row, b: Row) -> bool {
        (self.a, self.b) == (a, b) || (self.a, self.b) == (b, a)
    }
}

/// A pair that was strong enough and still joined nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refused {
    /// The pair.
    pub edge: Edge,
    /// Why.
    pub because: Refusal,
}

/// Rows in clusters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clusters {
    /// By row, the first row of its cluster.
    pub of: Vec<Row>,
    /// The pairs that hold the clusters together: without cycles.
    pub bridges: Vec<Edge>,
    /// The pairs that were refused.
    pub refused: Vec<Refused>,
}

/// Puts pairs in the order in which they are taken: by weight, and where weights are equal by the ids, so that the order of rows
/// decides nothing.
pub fn sort(edges: &mut [Edge], table: &Table) {
    edges.sort_unstable_by(|x, y| y.weight.total_cmp(&x.weight));
    for equal in edges.chunk_by_mut(|x, y| x.weight.total_cmp(&y.weight).is_eq()).filter(|equal| equal.len() > 1) {
        equal.sort_by_cached_key(|edge| pair_hash(table, edge.a, edge.b));
    }
}

impl Clusters {
    /// Clusters the rows of a table. `edges` are the pairs of at least [`Rails::open`] bits, sorted; `weigh` weighs any
    /// two rows.
    #[must_use]
    pub fn of(table: &Table, edges: &[Edge], rails: &Rails, weigh: &mut dyn FnMut(Row, Row) -> f32) -> Self {
        let rows = table.rows() as Row;
        Self::among(table, &(0..rows).collect::<Vec<_>>(), edges, rails, weigh)
    }

    /// Clusters some rows of a table, ascending: `of` of the result goes by their places.
    #[must_use]
    pub fn among(
        table: &Table,
        rows: &[Row],
        edges: &[Edge],
        rails: &Rails,
        weigh: &mut dyn FnMut(Row, Row) -> f32,
    ) -> Self {
        let place = |row: Row| {
            if rows.len() == table.rows() { Some(row as usize) } else { rows.binary_search(&row).ok() }
        };
        let mut forest = Forest::new(rows);
        let mut clusters = Self::default();
        for edge in edges {
            let (Some(a), Some(b)) = (place(edge.a), place(edge.b)) else { continue };
            let (a, b) = (forest.root(a), forest.root(b));
            if a == b {
                continue;
            }
            let bridges = || forest.bridges_of(a).into_iter().chain(forest.bridges_of(b)).collect::<Vec<_>>();
            let (of_a, of_b) = (forest.members(a), forest.members(b));
            // What the pair itself weighs is known.
            let weigh = &mut |a, b| if edge.is_between(a, b) { edge.weight } else { weigh(a, b) };
            let Some(edge) = rails.strong(table, &of_a, &of_b, *edge, weigh) else { continue };
            match rails.refuse(table, &of_a, &of_b, edge, &bridges, weigh) {
                Some(because) => clusters.refused.push(Refused { edge, because }),
                None => forest.join(a, b, edge),
            }
        }
        clusters.of = forest.firsts();
        clusters.bridges = forest.into_bridges();
        // What was refused while clusters were small may have been joined by another pair since.
        let of = &clusters.of;
        clusters.refused.retain(|refused| match (place(refused.edge.a), place(refused.edge.b)) {
            (Some(a), Some(b)) => of[a] != of[b],
            _ => false,
        });
        clusters
    }

    /// The clusters, each with its rows ascending, by first row.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<Row>> {
        let mut rows: Vec<(Row, Row)> = (0..).zip(&self.of).map(|(row, first)| (*first, row)).collect();
        rows.sort_unstable();
        rows.chunk_by(|a, b| a.0 == b.0).map(|group| group.iter().map(|(_, row)| *row).collect()).collect()
    }
}
