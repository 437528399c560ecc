//! The blocks of one rule.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::keyed::{Keyed, KeyedRow};
use super::rule::{KeyPart, Rule};
use crate::hash;
use crate::table::Table;

/// How a rule's blocks turned out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Skew {
    /// The rule.
    pub rule: String,
    /// Records that have a key.
    pub records: u64,
    /// Blocks of two records or more.
    pub blocks: u64,
    /// Pairs in them.
    pub pairs: u64,
    /// Blocks that were too large and refined.
    pub refined: u64,
    /// Records left out, as no refinement made their block small enough.
    pub left_out: u64,
    /// The largest block before refinement.
    pub largest: u64,
    /// Why it makes no pairs; none of a rule that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
}

/// Why a rule that was thought of, or declared, makes no pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dropped {
    /// It is not selective: of the blocks that are small enough it would make so many pairs, by what a sample of the records makes, and
    /// with those that are not so many in all, where so many are the most.
    TooManyPairs {
        /// Of blocks that are small enough.
        pairs: u64,
        /// Of all blocks.
        in_all: u64,
        /// The most of the first.
        most: u64,
    },
    /// Fewer than two records have a key.
    NobodyHasAKey,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyPairs { pairs, in_all, most } => {
                write!(
                    f,
                    "it would make {pairs} pairs, {in_all} with blocks that are too large, where {most} are the most"
                )
            }
            Self::NobodyHasAKey => f.write_str("fewer than two records have what it looks at"),
        }
    }
}

/// Who is in one block: rows by key, refined until blocks are small enough.
pub(super) struct Blocks<'a> {
    pub(super) table: &'a Table,
    /// By what a block is refined that is too large.
    pub(super) refinements: &'a [KeyPart],
    /// The most records of a block.
    pub(super) most: u32,
}

impl Blocks<'_> {
    /// Calls `block` with the rows of each block of a rule, two at least, ascending.
    pub(super) fn of(&self, rule: &Rule, keyed: &mut Keyed, block: &mut dyn FnMut(&[KeyedRow])) -> Skew {
        // A word that is in too many titles is no key; what else they share is.
        let refinements = if rule.words().is_some() { &[] } else { self.refinements };
        let mut skew = Skew { rule: rule.name.clone(), records: keyed.len() as u64, ..Skew::default() };
        keyed.groups(|group| {
            skew.largest = skew.largest.max(group.len() as u64);
            self.refine(group, refinements, &mut skew, block);
        });
        skew
    }

    fn refine(
        &self,
        group: &mut [KeyedRow],
        refinements: &[KeyPart],
        skew: &mut Skew,
        block: &mut dyn FnMut(&[KeyedRow]),
    ) {
        if group.len() < 2 {
            return;
        }
        if group.len() <= self.most as usize {
            skew.blocks += 1;
            skew.pairs += (group.len() * (group.len() - 1) / 2) as u64;
            block(group);
            return;
        }
        skew.refined += 1;
        let Some((part, rest)) = refinements.split_first() else {
            skew.left_out += group.len() as u64;
            return;
        };
        for (key, row) in group.iter_mut() {
            let refined = part.of(self.table, *row);
            *key = if refined == 0 { 0 } else { hash::mix(*key, refined) };
        }
        group.sort_unstable();
        for refined in group.chunk_by_mut(|a, b| a.0 == b.0) {
            if refined[0].0 == 0 {
                skew.left_out += refined.len() as u64;
            } else {
                self.refine(refined, rest, skew, block);
            }
        }
    }
}
