//! Disjoint sets of rows, with their members at hand.

use smallvec::SmallVec;

use super::Edge;
use crate::table::Row;

/// Sets, each a ring of places, so that members are listed without a list per set.
#[derive(Debug)]
pub(super) struct Forest<'a> {
    rows: &'a [Row],
    parent: Vec<u32>,
    next: Vec<u32>,
    size: Vec<u32>,
    /// By root, one of the bridges of its set; a ring like the members.
    bridge: Vec<u32>,
    bridges: Vec<(Edge, u32)>,
}

impl<'a> Forest<'a> {
    pub(super) fn new(rows: &'a [Row]) -> Self {
        let places: Vec<u32> = (0..rows.len() as u32).collect();
        Self {
            rows,
            parent: places.clone(),
            next: places,
            size: vec![1; rows.len()],
            bridge: vec![u32::MAX; rows.len()],
            bridges: Vec::new(),
        }
    }

    pub(super) fn root(&mut self, place: usize) -> usize {
        let mut at = place;
        while self.parent[at] as usize != at {
            self.parent[at] = self.parent[self.parent[at] as usize];
            at = self.parent[at] as usize;
        }
        at
    }

    pub(super) fn members(&self, root: usize) -> SmallVec<[Row; 8]> {
        let mut members = SmallVec::with_capacity(self.size[root] as usize);
        let mut at = root;
        loop {
            members.push(self.rows[at]);
            at = self.next[at] as usize;
            if at == root {
                return members;
            }
        }
    }

    /// The bridges that hold a set together.
    pub(super) fn bridges_of(&self, root: usize) -> SmallVec<[Edge; 8]> {
        let mut found = SmallVec::new();
        let mut at = self.bridge[root];
        while at != u32::MAX {
            let (edge, next) = self.bridges[at as usize];
            found.push(edge);
            at = if next == self.bridge[root] { u32::MAX } else { next };
        }
        found
    }

    /// All bridges, in the order in which they joined.
    pub(super) fn into_bridges(self) -> Vec<Edge> {
        self.bridges.into_iter().map(|(edge, _)| edge).collect()
    }

    pub(super) fn join(&mut self, a: usize, b: usize, edge: Edge) {
        let (root, other) = if self.size[a] >= self.size[b] { (a, b) } else { (b, a) };
        let number = self.bridges.len() as u32;
        self.bridges.push((edge, number));
        for ring in [self.bridge[root], self.bridge[other]] {
            if ring != u32::MAX {
                let next = self.bridges[ring as usize].1;
                self.bridges[ring as usize].1 = self.bridges[number as usize].1;
                self.bridges[number as usize].1 = next;
            }
        }
        self.bridge[root] = number;
        self.parent[other] = root as u32;
        self.size[root] += self.size[other];
        self.next.swap(root, other);
    }

    /// By place, the first row of its set.
    pub(super) fn firsts(&mut self) -> Vec<Row> {
        let mut first: Vec<Row> = vec![Row::MAX; self.rows.len()];
        for place in 0..self.rows.len() {
            let root = self.root(place);
            first[root] = first[root].min(self.rows[place]);
        }
        (0..self.rows.len()).map(|place| first[self.root(place)]).collect()
    }
}
