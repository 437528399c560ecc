//! Which pairs are looked at: those that share a key of at least one rule.
//!
//! A rule's key is made of few values that seldom agree by chance. A block that grew too large is refined by one value more, and
//! again, until it is small; what is still too large is left out and reported, never silently. Records that say the same are paired
//! in a chain besides, so that nobody is left out for being written down too often.

mod blocks;
mod equal;
mod rule;
mod standard;

pub use blocks::{Blocks, Skew};
pub use equal::Equal;
pub(crate) use equal::{hash as all_it_says, place as in_chain};
pub use rule::{KeyForm, KeyPart, Rule};
pub use standard::standard;

use hashbrown::HashSet;

use crate::table::{Row, Table};

/// The limits of blocking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// A block of more records than this is refined.
    pub block: u32,
    /// A rule that makes more pairs per record than this is refined as a whole.
    pub pairs_per_record: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { block: 16, pairs_per_record: 6 }
    }
}

/// Which pairs make sense at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Scope {
    /// Any two records.
    Within,
    /// Two records of different systems only.
    Across,
}

impl Scope {
    /// Whether two rows make a pair.
    #[must_use]
    pub fn pairs(self, table: &Table, a: Row, b: Row) -> bool {
        a != b && (self == Self::Within || table.system_of(a) != table.system_of(b))
    }
}

/// Rules that make the pairs of a table, each pair by the first rule that makes it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Blocking {
    /// The rules, the most telling first.
    pub rules: Vec<Rule>,
    /// By what an oversize block is refined.
    pub refinements: Vec<KeyPart>,
    /// The limits.
    pub limits: Limits,
    /// Which pairs make sense.
    pub scope: Scope,
}

impl Blocking {
    /// Calls `pair` with every pair of a table once; `equal` are its records that say the same. `progress` is told after each rule.
    pub fn pairs(
        &self,
        table: &Table,
        equal: &Equal,
        pair: &mut dyn FnMut(Row, Row),
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Skew> {
        let width = self.rules.len();
        let mut of_row: Vec<u32> = vec![0; table.rows() * width];
        // Records share several words: each pair is made by the first.
        let mut made: HashSet<(Row, Row)> = HashSet::new();
        let mut skews = Vec::with_capacity(width);
        for (place, rule) in self.rules.iter().enumerate() {
            let (blocks, skew) = Blocks::of(table, rule, &self.refinements, self.limits.block);
            let words = rule.words().is_some();
            for (number, members) in (1..).zip(blocks.iter()) {
                for row in members.iter().filter(|_| !words) {
                    of_row[*row as usize * width + place] = number;
                }
                for (nth, a) in members.iter().enumerate() {
                    let earlier_a = &of_row[*a as usize * width..][..place];
                    for b in &members[nth + 1..] {
                        let earlier_b = &of_row[*b as usize * width..][..place];
                        let seen = earlier_a.iter().zip(earlier_b).any(|(a, b)| a == b && *a != 0);
                        if !seen && self.scope.pairs(table, *a, *b) && (!words || made.insert((*a, *b))) {
                            pair(*a, *b);
                        }
                    }
                }
            }
            skews.push(skew);
            progress(place + 1);
        }
        for group in equal.iter() {
            for chained in group.windows(2) {
                let (a, b) = (chained[0].min(chained[1]), chained[0].max(chained[1]));
                let blocks = |row: Row| &of_row[row as usize * width..][..width];
                let seen = blocks(a).iter().zip(blocks(b)).any(|(a, b)| a == b && *a != 0);
                if !seen && self.scope.pairs(table, a, b) && !made.contains(&(a, b)) && !made.contains(&(b, a)) {
                    pair(a, b);
                }
            }
        }
        skews.push(equal.skew());
        skews
    }
}
