//! Which pairs are looked at: those that share a key of at least one rule.
//!
//! A rule's key is made of few values that seldom agree by chance. A block that grew too large is refined by one value more, and
//! again, until it is small; what is still too large is left out and reported, never silently. Records that say the same are paired
//! in a chain besides, so that nobody is left out for being written down too often.

mod blocks;
mod buckets;
mod declared;
mod equal;
mod keyed;
mod keys;
mod made_by;
mod pairs;
mod rule;
mod standard;

pub use blocks::{Dropped, Skew};
pub use declared::{DeclaredRule, RuleError, Rules};
pub use equal::Equal;
pub(crate) use equal::{hash as all_it_says, place as in_chain};
pub use made_by::MadeBy;
pub use pairs::Pairs;
pub use rule::{KeyForm, KeyPart, Rule};
pub use standard::{chosen, standard};

use blocks::Blocks;
use keyed::Keyed;
use keys::Keys;

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

/// Rules that make the pairs of a table.
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
    /// The rules that were declared, or thought of, and dropped: how each would have turned out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Skew>,
}

impl Blocking {
    /// The pairs of a table, each once, and how the blocks of each rule turned out, those that were dropped behind the others. `equal`
    /// are its records that say the same.
    /// `progress` is told after each rule.
    pub fn pairs(&self, table: &Table, equal: &Equal, progress: &mut dyn FnMut(usize)) -> (Pairs, Vec<Skew>) {
        let mut pairs = Pairs::default();
        let (mut keys, mut keyed) = (Keys::new(table, 1), Keyed::default());
        let blocks = Blocks { table, refinements: &self.refinements, most: self.limits.block };
        let mut skews = Vec::with_capacity(self.rules.len() + 1);
        for (place, rule) in self.rules.iter().enumerate() {
            keys.of(rule, &mut keyed);
            skews.push(blocks.of(rule, &mut keyed, &mut |block| {
                pairs.add(block.iter().map(|(_, row)| *row), |a, b| self.scope.pairs(table, a, b));
            }));
            progress(place + 1);
        }
        for group in equal.iter() {
            group.windows(2).for_each(|two| pairs.add(two.iter().copied(), |a, b| self.scope.pairs(table, a, b)));
        }
        skews.push(equal.skew());
        skews.extend(self.dropped.iter().cloned());
        drop((keys, keyed));
        (pairs.settled(), skews)
    }
}
