//! What a change reaches: the clusters that come out otherwise, found without looking at all that pairs connect.
//!
//! Pairs are taken in one order, and whether one joins depends on the two clusters that it is between and on nothing else. So a cluster that
//! no pair joined with others comes out as it did as long as the clusters beside it do. What was touched is clustered anew together with the
//! clusters beside it: where those come out as they were, nothing beyond them can have changed, and the result is that of a run over all
//! records. Where one does not, it was reached, and counts as touched. Thousands of records that a chain of pairs connects are so looked at
//! some dozens at a time.

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::{Change, Group, Index, Work};
use crate::cluster::{self, Clusters, Edge, Refused};
use crate::comparison::View;
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

    /// The edges among rows that nothing connects with others, in the order in which they are taken.
    fn edges_among(&self, rows: &[Row]) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::new();
        for a in rows {
            let of = self.edges[*a as usize].iter().filter(|(b, _)| a < b);
            edges.extend(of.map(|(b, weight)| Edge { a: *a, b: *b, weight: *weight }));
        }
        self.said(&mut edges);
        let mut groups: Vec<Group> = rows.iter().map(|row| self.group_of[*row as usize]).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.iter().filter_map(|group| self.groups.get(group)).for_each(|rows| self.given(rows, &mut edges));
        cluster::sort(&mut edges, &self.table);
        edges
    }

    /// The edges among rows that nothing connects with others, how those cluster, and what that cost.
    pub(super) fn clusters_among(&self, rows: &[Row]) -> (Vec<Edge>, Clusters, Work) {
        let edges = self.edges_among(rows);
        let (view, scorer) = (View::new(&self.table, &self.aliases), &self.scorer);
        let mut weighed = 0;
        let clusters = Clusters::among(&self.table, rows, &edges, &self.rails, &mut |a, b| {
            weighed += 1;
            scorer.weigh(view, a, b)
        });
        let work = Work { records: rows.len(), pairs: edges.len(), weighed };
        (edges, clusters, work)
    }

    /// Clusters anew what is touched, and what that reaches.
    pub(super) fn settle(&mut self, touched: Vec<Row>) -> Vec<Change> {
        let Region { rows, of, clusters, work } = self.region(touched);
        self.work = work;
        if rows.is_empty() {
            return Vec::new();
        }
        let is_reached = |row: &Row| rows.binary_search(row).is_ok();
        let about = |refused: &Refused| is_reached(&refused.edge.a) || is_reached(&refused.edge.b);
        for row in of.keys() {
            if let Some(standing) = self.refused.get_mut(row) {
                standing.retain(|refused| !about(refused));
                if standing.is_empty() {
                    self.refused.remove(row);
                }
            }
        }
        for refused in clusters.refused.iter().filter(|refused| about(refused)) {
            self.refused.entry(refused.edge.a).or_default().push(*refused);
        }
        let mut groups: Vec<(Row, SmallVec<[Row; 4]>)> = Vec::new();
        let mut place_of: HashMap<Row, usize> = HashMap::new();
        for row in &rows {
            let first = of[row];
            let place = *place_of.entry(first).or_insert_with(|| {
                groups.push((first, SmallVec::new()));
                groups.len() - 1
            });
            groups[place].1.push(*row);
        }
        self.change(groups.into_iter().map(|(_, group)| group).collect())
    }

    /// The rows that a pair, a group or a decision connects with one.
    fn connected(&self, row: Row) -> SmallVec<[Row; 8]> {
        let mut found: SmallVec<[Row; 8]> = self.edges[row as usize].iter().map(|(other, _)| *other).collect();
        found.extend(self.groups.get(&self.group_of[row as usize]).into_iter().flatten().copied());
        let key = self.table.key(row);
        for (a, b) in self.rails.together.values().filter(|(a, b)| *a == key || *b == key) {
            found.extend([a, b].iter().filter_map(|key| self.row_of.get(*key)).copied());
        }
        found
    }

    /// Every living row that pairs, clusters or decisions connect with some rows, ascending.
    pub(super) fn component(&self, from: Vec<Row>) -> Vec<Row> {
        self.component_within(from, usize::MAX).unwrap_or_default()
    }

    /// The same; none where it has more rows than this.
    fn component_within(&self, from: Vec<Row>, most: usize) -> Option<Vec<Row>> {
        let mut reached: HashSet<Row> = HashSet::new();
        let mut open = from;
        while let Some(row) = open.pop() {
            if !self.alive[row as usize] || !reached.insert(row) {
                continue;
            }
            if reached.len() > most {
                return None;
            }
            open.extend(self.connected(row));
            open.extend(self.members.get(&self.entity_of[row as usize]).into_iter().flatten());
        }
        let mut rows: Vec<Row> = reached.into_iter().collect();
        rows.sort_unstable();
        Some(rows)
    }
}
