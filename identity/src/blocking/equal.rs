//! Records that say the same: paired in a chain, each with the next, however many there are.
//!
//! They agree in every refinement, so that no block of them ever becomes small; as a chain they make no more pairs than records.

use hashbrown::HashSet;

use super::blocks::Skew;
use super::keyed::Keyed;
use crate::dictionary::NONE;
use crate::hash;
use crate::table::{Row, Table};

/// What the rule is called that pairs records which say the same.
pub(super) const NAME: &str = "records that say the same";

/// Each word is multiplied by so many times what the word before was.
const TIMES: u64 = 0xd134_2543_de82_ef95;

/// Groups of records that say the same, each in the order of what they are called.
#[derive(Debug, Default)]
pub struct Equal {
    ends: Vec<u32>,
    rows: Vec<Row>,
}

/// The hash of all that a row says within its table; 0 where it says nothing.
pub(crate) fn hash(table: &Table, row: Row) -> u64 {
    let codes = table.codes(row);
    if codes.iter().all(|code| *code == NONE) {
        return 0;
    }
    // Two codes make a word, and words are multiplied side by side, each by another number.
    let words = codes.chunks(2).map(|two| two.iter().fold(0, |word, code| word << 32 | u64::from(*code)));
    let (sum, _) = words.fold((0_u64, hash::mix(0, 1)), |(sum, times), word| {
        let folded = u128::from(word ^ times) * u128::from(times | 1);
        (sum.rotate_left(1) ^ (folded >> 64) as u64 ^ folded as u64, times.wrapping_mul(TIMES))
    });
    hash::mix(sum, codes.len() as u64).max(1)
}

/// Where a row stands in the chain of those that say the same, whatever the order of rows.
pub(crate) fn place(table: &Table, row: Row) -> (u64, Row) {
    (table.key(row), row)
}

impl Equal {
    /// The groups of a table.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let mut keyed = Keyed::of((0..table.rows() as Row).map(|row| hash(table, row)).collect());
        let mut equal = Self::default();
        keyed.groups(|group| {
            let start = equal.rows.len();
            equal.rows.extend(group.iter().map(|(_, row)| *row));
            equal.rows[start..].sort_unstable_by_key(|row| place(table, *row));
            equal.ends.push(equal.rows.len() as u32);
        });
        equal
    }

    /// The groups.
    pub fn iter(&self) -> impl Iterator<Item = &[Row]> {
        self.ends.iter().scan(0_usize, |start, end| {
            let group = &self.rows[*start..*end as usize];
            *start = *end as usize;
            Some(group)
        })
    }

    /// All but one of every group of more records than a block may hold: what is said so often is learned from once.
    #[must_use]
    pub fn repeats(&self, most: u32) -> HashSet<Row> {
        self.iter().filter(|group| group.len() > most as usize).flat_map(|group| &group[1..]).copied().collect()
    }

    pub(super) fn skew(&self) -> Skew {
        let (records, blocks) = (self.rows.len() as u64, self.ends.len() as u64);
        let largest = self.iter().map(|group| group.len() as u64).max().unwrap_or_default();
        Skew { rule: NAME.to_owned(), records, blocks, pairs: records - blocks, largest, ..Skew::default() }
    }
}
