//! What keeps two clusters apart although a pair between them is strong.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Edge;
use crate::dictionary::NONE;
use crate::model::Model;
use crate::score::pair_hash;
use crate::table::{Row, Table};

/// The guard rails: what keeps two records apart however strong their pair is, unless a person says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rails {
    /// A pair of so many bits joins on its own.
    pub sure: f32,
    /// A pair of so many bits joins if all that is between the two clusters is sure together.
    pub open: f32,
    /// The most records of an entity.
    pub size: usize,
    /// The most pairs on the way between two records of an entity, those of records that say the same left out.
    pub length: usize,
    /// The most records of an entity in one system, by the number of the system; none for no limit.
    pub per_system: Vec<Option<u16>>,
    /// Fields of which an entity has one value: two records that hold different values are two entities.
    pub one_value: Vec<usize>,
    /// Whether the identifiers that the model found [reliable](crate::model::Identifier::is_reliable) are such fields as well: so unless
    /// it is said otherwise. Whoever has the model adds them: [`Rails::under`].
    #[serde(default = "yes")]
    pub identifiers: bool,
    /// Pairs that people hold apart, by [`pair_hash`].
    pub apart: BTreeSet<u64>,
    /// Pairs that people hold together: their hash, and the keys of the two records.
    pub together: BTreeMap<u64, (u64, u64)>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeldApart => "a person held them apart",
            Self::TwiceInOneSystem => "a system would hold the entity more often than it may",
            Self::OtherIdentifier => "they hold different values of what an entity has one of",
            Self::TooLarge => "the entity would have too many records",
            Self::TooLong => "the entity would be too long a chain of records",
            Self::Outweighed => "most of what is between the two entities speaks against it",
        })
    }
}

/// Why a pair joined nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// A person held two of the records apart.
    HeldApart,
    /// A system that holds an entity so often would hold it more often.
    TwiceInOneSystem,
    /// The records hold different values of what an entity has one of.
    OtherIdentifier,
    /// The cluster would be too large.
    TooLarge,
    /// The cluster would be too long a chain.
    TooLong,
    /// Most of what is between the two speaks against.
    Outweighed,
}

impl Default for Rails {
    fn default() -> Self {
        Self {
            // Nineteen to one.
            sure: 4.25,
            open: 0.0,
            size: 32,
            length: 6,
            per_system: Vec::new(),
            one_value: Vec::new(),
            identifiers: true,
            apart: BTreeSet::new(),
            together: BTreeMap::new(),
        }
    }
}

/// What a person said outweighs every pair.
pub(crate) const SAID: f32 = 128.0;
/// What is given as one entity outweighs that: nothing refuses it.
pub(crate) const GIVEN: f32 = 256.0;
/// One pair counts by at most so many bits, for or against: none outweighs all others.
const MOST: f32 = 12.0;
/// However many pairs there are between two clusters, together they weigh no more than this: it is less than any person's word.
const TOGETHER: f32 = SAID - 1.0;

const fn yes() -> bool {
    true
}

impl Rails {
    /// The rails under a model: of the identifiers that it found reliable an entity has one value, unless [`Rails::identifiers`] says no.
    #[must_use]
    pub fn under(&self, model: &Model) -> Cow<'_, Self> {
        let reliable =
            model.identifiers().into_iter().filter(|identifier| self.identifiers && identifier.is_reliable());
        let more: Vec<usize> =
            reliable.map(|identifier| identifier.field).filter(|field| !self.one_value.contains(field)).collect();
        if more.is_empty() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { one_value: [self.one_value.as_slice(), &more].concat(), ..self.clone() })
    }

    /// Whether rows hold different values of what an entity has one of.
    #[must_use]
    pub fn tell_apart(&self, table: &Table, rows: impl Iterator<Item = Row> + Clone) -> bool {
        self.one_value.iter().any(|field| {
            let codes = rows.clone().map(|row| table.code(row, *field)).filter(|code| *code != NONE);
            codes.clone().min() != codes.max()
        })
    }

    /// The pair as strong as it is together with all others between two clusters; none if that is not strong enough.
    pub(super) fn strong(
        &self,
        table: &Table,
        a: &[Row],
        b: &[Row],
        edge: Edge,
        weigh: &mut dyn FnMut(Row, Row) -> f32,
    ) -> Option<Edge> {
        let said = || !self.together.is_empty() && self.together.contains_key(&pair_hash(table, edge.a, edge.b));
        if edge.weight >= self.sure || said() {
            return Some(edge);
        }
        if a.len() + b.len() == 2 || a.len() + b.len() > self.size {
            return None;
        }
        let together: f32 =
            a.iter().flat_map(|a| b.iter().map(move |b| (*a, *b))).map(|(a, b)| weigh(a, b).clamp(-MOST, MOST)).sum();
        (together >= self.sure).then_some(Edge { weight: together.min(TOGETHER), ..edge })
    }

    /// Puts what people hold together in front of all pairs. `row_of` finds a row by its key.
    pub fn hold_together(&self, table: &Table, row_of: &dyn Fn(u64) -> Option<Row>, edges: &mut Vec<Edge>) {
        if self.together.is_empty() {
            return;
        }
        edges.retain(|edge| !self.together.contains_key(&pair_hash(table, edge.a, edge.b)));
        for (a, b) in self.together.values() {
            if let (Some(a), Some(b)) = (row_of(*a), row_of(*b)) {
                edges.push(Edge { a: a.min(b), b: a.max(b), weight: SAID });
            }
        }
    }

    pub(super) fn refuse(
        &self,
        table: &Table,
        a: &[Row],
        b: &[Row],
        edge: Edge,
        bridges: &dyn Fn() -> Vec<Edge>,
        weigh: &mut dyn FnMut(Row, Row) -> f32,
    ) -> Option<Refusal> {
        if edge.weight >= GIVEN {
            return None;
        }
        let hash = |a: Row, b: Row| pair_hash(table, a, b);
        let between = || a.iter().flat_map(|a| b.iter().map(move |b| (*a, *b)));
        if !self.apart.is_empty() && between().any(|(a, b)| self.apart.contains(&hash(a, b))) {
            return Some(Refusal::HeldApart);
        }
        if !self.together.is_empty() && self.together.contains_key(&hash(edge.a, edge.b)) {
            return None;
        }
        if a.len() + b.len() > self.size {
            return Some(Refusal::TooLarge);
        }
        for (system, most) in self.per_system.iter().enumerate() {
            let of = |row: &&Row| table.system_of(**row) == system;
            if most.is_some_and(|most| a.iter().chain(b).filter(of).count() > usize::from(most)) {
                return Some(Refusal::TwiceInOneSystem);
            }
        }
        if self.tell_apart(table, a.iter().chain(b).copied()) {
            return Some(Refusal::OtherIdentifier);
        }
        if a.len() + b.len() > self.length && self.too_long(table, a, edge, &bridges()) {
            return Some(Refusal::TooLong);
        }
        if a.len() + b.len() > 2 {
            let sum: f32 = between().map(|(a, b)| weigh(a, b).clamp(-MOST, MOST)).sum();
            if sum < 0.0 {
                return Some(Refusal::Outweighed);
            }
        }
        None
    }

    /// Whether two records would be more than the most bridges apart. Records that say the same are no way apart.
    fn too_long(&self, table: &Table, a: &[Row], edge: Edge, bridges: &[Edge]) -> bool {
        let length = |a: Row, b: Row| usize::from(table.codes(a) != table.codes(b));
        // Bridges make no cycles: every way is walked once.
        let farthest = |from: Row| -> usize {
            let mut farthest = 0;
            let mut open = vec![(from, from, 0)];
            while let Some((at, before, steps)) = open.pop() {
                farthest = farthest.max(steps);
                for bridge in bridges {
                    let next = if bridge.a == at {
                        bridge.b
                    } else if bridge.b == at {
                        bridge.a
                    } else {
                        continue;
                    };
                    if next != before {
                        open.push((next, at, steps + length(at, next)));
                    }
                }
            }
            farthest
        };
        let (of_a, of_b) = if a.contains(&edge.a) { (edge.a, edge.b) } else { (edge.b, edge.a) };
        farthest(of_a) + length(of_a, of_b) + farthest(of_b) > self.length
    }
}
