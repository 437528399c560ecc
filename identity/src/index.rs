//! Records one at a time: probe, score, cluster anew only what is touched.
//!
//! The result is what the batch run makes of the same records with the same model, whatever the order in which they came: which
//! pairs are looked at, what they weigh and how they cluster are functions of the set of records, and a change is worked out
//! wherever that function changes.

mod blocks;
mod change;
mod drift;
mod near;
mod region;
mod work;

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::cluster::{self, Clusters, Edge, GIVEN, Rails, Refused};
use crate::comparison::{Aliases, View};
use crate::decision::{Decision, Decisions, RecordName};
use crate::hash;
use crate::model::Model;
use crate::score::Scorer;
use crate::table::{Row, Table};

use blocks::LiveBlocks;
pub use change::{Change, EntityNumber};
pub use near::{Near, NearPair};
pub use work::Work;

/// A group of records that are given as one entity: whoever keeps the records knows it. 0: none.
pub type Group = u64;

/// Records, their pairs and their entities, kept up to date.
#[derive(Debug)]
pub struct Index {
    scorer: Scorer,
    table: Table,
    aliases: Aliases,
    rails: Rails,
    decisions: Decisions,
    blocks: LiveBlocks,
    alive: Vec<bool>,
    row_of: HashMap<u64, Row>,
    /// By row, the rows it makes a pair with that is not closed.
    edges: Vec<SmallVec<[(Row, f32); 2]>>,
    entity_of: Vec<EntityNumber>,
    members: HashMap<EntityNumber, SmallVec<[Row; 4]>>,
    next_entity: EntityNumber,
    refused: HashMap<Row, Vec<Refused>>,
    /// By row, the group that it is given in.
    group_of: Vec<Group>,
    groups: HashMap<Group, SmallVec<[Row; 2]>>,
    /// So many rows were there when it was built.
    built: Row,
    /// What the last change cost.
    work: Work,
}

impl Index {
    /// An index of no records.
    #[must_use]
    pub fn new(model: Arc<Model>, rails: Rails) -> Self {
        let table = Table::new(model.schema.clone());
        Self::of(model, table, rails, Decisions::default())
    }

    /// An index of the records of a table, built in one go. Of records of one name the last stands.
    #[must_use]
    pub fn of(model: Arc<Model>, table: Table, rails: Rails, decisions: Decisions) -> Self {
        Self::of_groups(model, table, rails, decisions, &[])
    }

    /// As [`Index::of`], with the groups that rows are given in; rows without one are given in none.
    #[must_use]
    pub fn of_groups(
        model: Arc<Model>,
        mut table: Table,
        rails: Rails,
        decisions: Decisions,
        group_of: &[Group],
    ) -> Self {
        table.freeze_words(&model.words);
        let mut rails = rails.under(&model).into_owned();
        decisions.guard(&mut rails);
        let mut aliases = Aliases::default();
        aliases.extend(&table);
        let rows = table.rows();
        let mut index = Self {
            blocks: LiveBlocks::new(&model.blocking),
            scorer: Scorer::new(model, &table),
            alive: vec![false; rows],
            row_of: HashMap::with_capacity(rows),
            edges: vec![SmallVec::new(); rows],
            entity_of: vec![0; rows],
            members: HashMap::with_capacity(rows),
            next_entity: 1,
            refused: HashMap::new(),
            group_of: (0..rows).map(|row| group_of.get(row).copied().unwrap_or_default()).collect(),
            groups: HashMap::new(),
            built: rows as Row,
            work: Work::default(),
            aliases,
            table,
            rails,
            decisions,
        };
        for row in 0..rows as Row {
            if let Some(before) = index.row_of.insert(index.table.key(row), row) {
                index.alive[before as usize] = false;
            }
            index.alive[row as usize] = true;
        }
        for row in 0..rows as Row {
            if index.alive[row as usize] {
                index.join_group(row);
            }
        }
        index.fill();
        index
    }

    /// Puts every living row in its blocks, weighs all pairs, and clusters them.
    fn fill(&mut self) {
        let Self { blocks, table, alive, scorer, aliases, edges, rails, .. } = self;
        let rows = || (0..table.rows() as Row).filter(|row| alive[*row as usize]);
        rows().for_each(|row| blocks.put(table, row));
        let view = View::new(table, aliases);
        for a in rows() {
            for b in blocks.partners(table, a) {
                if a < b && scorer.model().blocking.scope.pairs(table, a, b) {
                    let weight = scorer.weigh(view, a, b);
                    if weight >= rails.open {
                        edges[a as usize].push((b, weight));
                        edges[b as usize].push((a, weight));
                    }
                }
            }
        }
        let mut all: Vec<Edge> = Vec::new();
        for a in rows() {
            all.extend(edges[a as usize].iter().filter(|(b, _)| a < *b).map(|(b, weight)| Edge {
                a,
                b: *b,
                weight: *weight,
            }));
        }
        self.said(&mut all);
        self.groups.values().for_each(|rows| self.given(rows, &mut all));
        cluster::sort(&mut all, &self.table);
        let (view, scorer) = (View::new(&self.table, &self.aliases), &self.scorer);
        let clusters = Clusters::of(&self.table, &all, &self.rails, &mut |a, b| scorer.weigh(view, a, b));
        for group in clusters.groups() {
            let group: SmallVec<[Row; 4]> = group.into_iter().filter(|row| self.alive[*row as usize]).collect();
            if !group.is_empty() {
                let entity = self.new_entity();
                group.iter().for_each(|row| self.entity_of[*row as usize] = entity);
                self.members.insert(entity, group);
            }
        }
        for refused in clusters.refused {
            self.refused.entry(refused.edge.a).or_default().push(refused);
        }
    }

    /// Takes a record in, or takes it in anew: says what changed.
    pub fn put<V: AsRef<str>>(&mut self, record: &RecordName, values: &[V]) -> Vec<Change> {
        self.put_in(record, values, 0)
    }

    /// As [`Index::put`], in a group: its records are one entity, whatever they say.
    pub fn put_in<V: AsRef<str>>(&mut self, record: &RecordName, values: &[V], group: Group) -> Vec<Change> {
        // One that is taken in anew goes on being of the entity that it was of, unless it now belongs elsewhere.
        let held = self.entity(record).unwrap_or_default();
        let mut touched = self.forget(record.key());
        let row = self.table.push(&record.id, &record.system, values);
        self.aliases.extend(&self.table);
        self.scorer.extend(&self.table);
        self.alive.push(true);
        self.edges.push(SmallVec::new());
        self.entity_of.push(held);
        self.row_of.insert(self.table.key(row), row);
        self.group_of.push(group);
        self.join_group(row);
        let crowded = self.blocks.add(&self.table, row);
        self.close(&crowded, &mut touched);
        for other in self.blocks.partners(&self.table, row) {
            self.weigh(row, other);
        }
        touched.push(row);
        self.settle(touched)
    }

    /// Lets a record go: says what changed. An unknown one changes nothing.
    pub fn remove(&mut self, record: &RecordName) -> Vec<Change> {
        let held = self.entity(record);
        let touched = self.forget(record.key());
        let mut changes = self.settle(touched);
        let gone = held.filter(|entity| !self.members.contains_key(entity)).map(|entity| Change::Gone { entity });
        changes.extend(gone.filter(|gone| !changes.contains(gone)));
        changes
    }

    /// Holds two records apart, or no longer: only what they touch is clustered anew. A decision that [`Index::decide`] took in stands
    /// beside it.
    pub fn hold_apart(&mut self, a: &RecordName, b: &RecordName, apart: bool) -> Vec<Change> {
        let (a, b) = (a.key(), b.key());
        let pair = hash::mix(a.min(b), a.max(b));
        if apart {
            self.rails.apart.insert(pair)
        } else {
            self.rails.apart.remove(&pair)
        };
        let rows = [a, b].iter().filter_map(|key| self.row_of.get(key).copied()).collect();
        self.settle(rows)
    }

    /// Takes a decision in: only what the two records touch is clustered anew.
    pub fn decide(&mut self, decision: Decision) -> Vec<Change> {
        let rows =
            [decision.a.key(), decision.b.key()].iter().filter_map(|key| self.row_of.get(key).copied()).collect();
        self.decisions.add(decision);
        self.decisions.guard(&mut self.rails);
        self.settle(rows)
    }

    /// The entity of a record.
    #[must_use]
    pub fn entity(&self, record: &RecordName) -> Option<EntityNumber> {
        let row = self.row_of.get(&record.key())?;
        Some(self.entity_of[*row as usize])
    }

    /// The records of an entity.
    #[must_use]
    pub fn records(&self, entity: EntityNumber) -> Vec<RecordName> {
        self.members.get(&entity).map_or_else(Vec::new, |rows| rows.iter().map(|row| self.name(*row)).collect())
    }

    /// All entities, by number.
    #[must_use]
    pub fn entities(&self) -> Vec<EntityNumber> {
        let mut entities: Vec<EntityNumber> = self.members.keys().copied().collect();
        entities.sort_unstable();
        entities
    }

    /// Pairs that were strong enough, and were refused: cases for a person.
    #[must_use]
    pub fn refused(&self) -> Vec<Refused> {
        let mut refused: Vec<Refused> = self.refused.values().flatten().copied().collect();
        refused.sort_unstable_by_key(|refused| (refused.edge.a, refused.edge.b));
        refused
    }

    /// The records a record makes a pair with, and the weight of each, the strongest first.
    #[must_use]
    pub fn neighbours(&self, record: &RecordName) -> Vec<(RecordName, f32)> {
        let Some(row) = self.row_of.get(&record.key()) else { return Vec::new() };
        let mut found = self.edges[*row as usize].to_vec();
        found.sort_unstable_by(|x, y| y.1.total_cmp(&x.1).then(self.table.key(x.0).cmp(&self.table.key(y.0))));
        found.into_iter().map(|(row, weight)| (self.name(row), weight)).collect()
    }

    /// The rules by which a record is compared with nobody, as too many share what it says there and nothing tells them apart. Records
    /// that say the same in every column are compared all the same.
    #[must_use]
    pub fn left_out(&self, record: &RecordName) -> Vec<String> {
        let row = self.row_of(record);
        row.map_or_else(Vec::new, |row| self.blocks.left_out(&self.table, row).map(str::to_owned).collect())
    }

    /// What the last change cost: nothing before the first.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.work
    }

    /// The table, with rows of records that are no more among the others.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// The decisions that were taken in.
    #[must_use]
    pub const fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// The row that a record stands in.
    pub(crate) fn row_of(&self, record: &RecordName) -> Option<Row> {
        self.row_of.get(&record.key()).copied()
    }

    fn name(&self, row: Row) -> RecordName {
        let system = self.table.systems().get(self.table.system_of(row));
        RecordName { system: system.cloned().unwrap_or_default(), id: self.table.id(row).to_owned() }
    }

    fn new_entity(&mut self) -> EntityNumber {
        self.next_entity += 1;
        self.next_entity - 1
    }

    /// Weighs a pair, and keeps it unless it is closed.
    fn weigh(&mut self, a: Row, b: Row) {
        if !self.scorer.model().blocking.scope.pairs(&self.table, a, b) {
            return;
        }
        let weight = self.scorer.weigh(View::new(&self.table, &self.aliases), a.min(b), a.max(b));
        if weight >= self.rails.open && !self.edges[a as usize].iter().any(|(row, _)| *row == b) {
            self.edges[a as usize].push((b, weight));
            self.edges[b as usize].push((a, weight));
        }
    }

    /// Closes the pairs of blocks that grew too large, where no other block makes them.
    fn close(&mut self, crowded: &[Vec<Row>], touched: &mut Vec<Row>) {
        for block in crowded {
            for a in block {
                let (blocks, table) = (&self.blocks, &self.table);
                let lost: SmallVec<[Row; 8]> = self.edges[*a as usize]
                    .iter()
                    .map(|(b, _)| *b)
                    .filter(|b| block.contains(b) && !blocks.share(table, *a, *b))
                    .collect();
                for b in lost {
                    self.edges[*a as usize].retain(|(row, _)| *row != b);
                    self.edges[b as usize].retain(|(row, _)| row != a);
                    touched.extend([*a, b]);
                }
            }
        }
    }

    /// Takes a row out: gives the rows that were joined to it.
    fn forget(&mut self, key: u64) -> Vec<Row> {
        let Some(row) = self.row_of.remove(&key) else { return Vec::new() };
        let mut touched: Vec<Row> = Vec::new();
        for (other, _) in std::mem::take(&mut self.edges[row as usize]) {
            self.edges[other as usize].retain(|(at, _)| *at != row);
            touched.push(other);
        }
        self.alive[row as usize] = false;
        for thinned in self.blocks.take(&self.table, row) {
            // A block that is small again makes its pairs again.
            for (place, a) in thinned.iter().enumerate() {
                for b in &thinned[place + 1..] {
                    self.weigh(*a, *b);
                }
            }
            touched.extend(thinned);
        }
        touched.extend(self.leave_group(row));
        let entity = self.entity_of[row as usize];
        if let Some(members) = self.members.get_mut(&entity) {
            members.retain(|member| *member != row);
            touched.extend(members.iter());
            if members.is_empty() {
                self.members.remove(&entity);
            }
        }
        self.refused.remove(&row);
        touched
    }

    /// Adds what people hold together to the edges among some rows.
    fn said(&self, edges: &mut Vec<Edge>) {
        self.rails.hold_together(&self.table, &|key| self.row_of.get(&key).copied(), edges);
    }

    fn join_group(&mut self, row: Row) {
        let group = self.group_of[row as usize];
        if group != 0 {
            self.groups.entry(group).or_default().push(row);
        }
    }

    /// Takes a row out of its group: gives those that are left in it.
    fn leave_group(&mut self, row: Row) -> SmallVec<[Row; 2]> {
        let group = self.group_of[row as usize];
        let Some(rows) = self.groups.get_mut(&group) else { return SmallVec::new() };
        rows.retain(|member| *member != row);
        let left = rows.clone();
        if left.is_empty() {
            self.groups.remove(&group);
        }
        left
    }

    /// Adds what holds a group together: each of its rows with one of them.
    fn given(&self, rows: &[Row], edges: &mut Vec<Edge>) {
        let Some(first) = rows.iter().min_by_key(|row| self.table.key(**row)) else { return };
        let others = rows.iter().filter(|row| *row != first);
        edges.extend(others.map(|row| Edge { a: *first.min(row), b: *first.max(row), weight: GIVEN }));
    }
}
