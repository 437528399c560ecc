//! Merges inside a system, resolved when they are read: the latest edge out of each id leads.
//!
//! A chain of edges ends at the survivor. A cycle contradicts itself: the system said of each of its records that it went
//! into the next. Nobody falls silent for that: the id whose edge is the oldest of the cycle stands, because everything
//! said later leads to it, and a person is told.

use std::collections::BTreeSet;

use crate::stamp::Stamp;
use crate::text::Text;

/// Where an id leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// The id at the end: the one that was asked for, if it was never merged away.
    pub(crate) survivor: Text,
    /// The ids of the cycle that the edges run into, ascending; empty if there is none.
    pub(crate) cycle: Vec<Text>,
}

/// Follows the latest edges from an id. `edge` gives the latest edge out of one.
pub(crate) fn resolve(start: &Text, edge: impl Fn(&Text) -> Option<(Stamp, Text)>) -> Resolution {
    let mut path: Vec<(Text, Stamp, Text)> = Vec::new();
    let mut met: BTreeSet<Text> = BTreeSet::new();
    let mut at = start.clone();
    while met.insert(at.clone()) {
        let Some((stamp, to)) = edge(&at) else {
            return Resolution { survivor: at, cycle: Vec::new() };
        };
        path.push((at, stamp, to.clone()));
        at = to;
    }
    let cycle = path.into_iter().skip_while(|(from, ..)| *from != at);
    let mut cycle: Vec<(Stamp, Text)> = cycle.map(|(from, stamp, _)| (stamp, from)).collect();
    cycle.sort();
    let survivor = cycle.first().map_or_else(|| start.clone(), |(_, from)| from.clone());
    let mut cycle: Vec<Text> = cycle.into_iter().map(|(_, from)| from).collect();
    cycle.sort();
    Resolution { survivor, cycle }
}

#[cfg(test)]
mod tests {
    use super::{Resolution, resolve};
    use crate::stamp::Stamp;
    use crate::text::Text;

    fn from(start: &str, edges: &[(&str, i64, &str)]) -> Resolution {
        resolve(&start.into(), |id| {
            let edge = edges.iter().find(|(from, ..)| id.as_str() == *from)?;
            Some((Stamp::new(edge.1), edge.2.into()))
        })
    }

    #[test]
    fn a_chain_ends_at_its_survivor() {
        let edges = [("a", 9, "b"), ("b", 1, "c")];
        for start in ["a", "b", "c"] {
            assert_eq!(from(start, &edges), Resolution { survivor: "c".into(), cycle: Vec::new() }, "{start}");
        }
    }

    #[test]
    fn a_cycle_breaks_at_its_oldest_edge_wherever_one_starts() {
        let edges = [("a", 1, "b"), ("b", 2, "a"), ("c", 0, "a")];
        let cycle: Vec<Text> = vec!["a".into(), "b".into()];
        for start in ["a", "b", "c"] {
            assert_eq!(from(start, &edges), Resolution { survivor: "a".into(), cycle: cycle.clone() }, "{start}");
        }
        let three = [("a", 3, "b"), ("b", 1, "c"), ("c", 2, "a")];
        assert_eq!(from("a", &three).survivor.as_str(), "b");
        assert_eq!(from("a", &[("a", 1, "a")]).survivor.as_str(), "a");
    }
}
