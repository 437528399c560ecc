//! Which rules made a pair: worked out anew for the one pair that is explained, so that looking at pairs carries none of it.

use std::fmt;

use super::rule::{KeyPart, Rule};
use super::{Blocking, equal};
use crate::table::{Row, Table};

/// A rule that made a pair, and by what its block was refined until it was small enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    /// The rule.
    pub rule: String,
    /// The fields by which the block was refined; none where it was small enough as it was.
    pub refined_by: Vec<String>,
}

impl fmt::Display for MadeBy {
    /// `phone`, or `phone, refined by postcode and surname`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refined_by.as_slice() {
            [] => f.write_str(&self.rule),
            refined => write!(f, "{}, refined by {}", self.rule, refined.join(" and ")),
        }
    }
}

impl MadeBy {
    /// A rule, with as many of the refinements as its block took.
    pub(crate) fn of(table: &Table, rule: &Rule, refined_by: &[KeyPart]) -> Self {
        let field = |part: &KeyPart| table.layout().fields[part.field].name.clone();
        Self { rule: rule.name.clone(), refined_by: refined_by.iter().map(field).collect() }
    }

    /// What stands for records that say the same.
    pub(crate) fn saying_the_same() -> Self {
        Self { rule: equal::NAME.to_owned(), refined_by: Vec::new() }
    }
}

impl Blocking {
    /// The rules that make a pair of two rows of a table, in their order; none of a pair that follows from others only.
    ///
    /// For each rule whose key the two share it goes through all rows once: it is for a pair that is explained, and not for many.
    #[must_use]
    pub fn made_by(&self, table: &Table, a: Row, b: Row) -> Vec<MadeBy> {
        if !self.scope.pairs(table, a, b) {
            return Vec::new();
        }
        let mut made: Vec<MadeBy> = Vec::new();
        for rule in &self.rules {
            let (of_a, of_b) = (rule.keys(table, a), rule.keys(table, b));
            let block =
                of_a.iter().filter(|key| of_b.contains(key)).find_map(|key| self.block(table, rule, *key, (a, b)));
            made.extend(block.map(|refined_by| MadeBy::of(table, rule, refined_by)));
        }
        made.extend(in_one_chain(table, a, b).then(MadeBy::saying_the_same));
        made
    }

    /// The refinements after which a block of two rows is small enough; none if they are in none.
    fn block(&self, table: &Table, rule: &Rule, key: u64, (a, b): (Row, Row)) -> Option<&[KeyPart]> {
        let has_key = |row: &Row| rule.keys(table, *row).contains(&key);
        let mut rows: Vec<Row> = (0..table.rows() as Row).filter(has_key).collect();
        let refinements = if rule.words().is_some() { &[] } else { self.refinements.as_slice() };
        for (place, part) in refinements.iter().enumerate() {
            if rows.len() <= self.limits.block as usize {
                return Some(&refinements[..place]);
            }
            let of_a = part.of(table, a);
            if of_a == 0 || part.of(table, b) != of_a {
                return None;
            }
            rows.retain(|row| part.of(table, *row) == of_a);
        }
        (rows.len() <= self.limits.block as usize).then_some(refinements)
    }
}

/// Whether two rows say the same and stand side by side among those that do.
fn in_one_chain(table: &Table, a: Row, b: Row) -> bool {
    let says = equal::hash(table, a);
    if says == 0 || says != equal::hash(table, b) {
        return false;
    }
    let (of_a, of_b) = (equal::place(table, a), equal::place(table, b));
    let (first, last) = (of_a.min(of_b), of_a.max(of_b));
    let between = |row: Row| {
        let place = equal::place(table, row);
        first < place && place < last && equal::hash(table, row) == says
    };
    !(0..table.rows() as Row).any(between)
}
