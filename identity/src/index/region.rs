//! What a change reaches: the clusters that come out otherwise, found without looking at all that pairs connect.
//!
//! Pairs are taken in one order, and whether one joins depends on the two clusters that it is between and on nothing else. So a cluster that
//! no pair joined with others comes out as it did as long as the clusters beside it do. What was touched is clustered anew together with the
//! clusters beside it: where those come out as they were, nothing beyond them can have changed, and the result is that of a run over all
//! records. Where one does not, it was reached, and counts as touched. Thousands of records that a chain of pairs connects are so looked at
//! some dozens at a time.

use hashbrown::{HashMap, HashSet};

use super::{Index, Work};
use crate::cluster::Clusters;
use crate::table::Row;

/// What was reached by a change, and how it clusters.
#[derive(Debug)]
pub(super) struct Region {
    /// The rows that were reached, ascending: whole clusters, before and after.
    pub(super) rows: Vec<Row>,
    /// By row of those and of the clusters beside them, the first row of its cluster.
    pub(super) of: HashMap<Row, Row>,
    /// How those cluster.
    pub(super) clusters: Clusters,
    /// What finding that cost.
    pub(super) work: Work,
}

/// Where no more than so many rows are connected, all of them are looked at once.
const FEW: usize = 32;
/// After so many rounds all that is connected is looked at: each round begins anew.
const ROUNDS: usize = 8;

impl Index {
    /// What is reached by a change of some rows.
    pub(super) fn region(&self, touched: Vec<Row>) -> Region {
        if let Some(rows) = self.component_within(touched.clone(), FEW) {
            return self.clustered(rows, Vec::new());
        }
        let mut work = Work::default();
        let mut rows = self.with_members(touched);
        for _ in 0..ROUNDS {
            let beside: Vec<Row> = rows.iter().flat_map(|row| self.connected(*row)).collect();
            let region = self.clustered(rows, beside);
            work = work.and(region.work);
            let reached = self.reached(&region);
            if reached.is_empty() {
                return Region { work, ..region };
            }
            rows = self.with_members([region.rows, reached].concat());
        }
        let all = self.clustered(self.component(rows), Vec::new());
        Region { work: work.and(all.work), ..all }
    }

    /// How rows cluster together with the clusters of those beside them.
    fn clustered(&self, rows: Vec<Row>, beside: Vec<Row>) -> Region {
        let all = if beside.is_empty() { None } else { Some(self.with_members([rows.as_slice(), &beside].concat())) };
        let all = all.as_ref().unwrap_or(&rows);
        let (_, clusters, work) = self.clusters_among(all);
        let of = all.iter().copied().zip(clusters.of.iter().copied()).collect();
        Region { rows, of, clusters, work }
    }

    /// Living rows, each with those of its entity, ascending.
    fn with_members(&self, rows: Vec<Row>) -> Vec<Row> {
        let mut seen: HashSet<Row> = HashSet::with_capacity(rows.len());
        for row in rows.into_iter().filter(|row| self.alive[*row as usize]) {
            if seen.insert(row) {
                seen.extend(self.members.get(&self.entity_of[row as usize]).into_iter().flatten());
            }
        }
        let mut rows: Vec<Row> = seen.into_iter().collect();
        rows.sort_unstable();
        rows
    }

    /// The rows beside that came out otherwise than they were: with others, or apart.
    fn reached(&self, region: &Region) -> Vec<Row> {
        let mut groups: HashMap<Row, Vec<Row>> = HashMap::new();
        region.of.iter().for_each(|(row, first)| groups.entry(*first).or_default().push(*row));
        let is_beside = |row: &Row| region.rows.binary_search(row).is_err();
        let as_it_was = |group: &Vec<Row>| {
            let entity = self.entity_of[group[0] as usize];
            let members = self.members.get(&entity).map_or(0, |members| members.len());
            members == group.len() && group.iter().all(|row| self.entity_of[*row as usize] == entity && is_beside(row))
        };
        let otherwise = groups.into_values().filter(|group| !as_it_was(group));
        otherwise.flatten().filter(is_beside).collect()
    }
}
