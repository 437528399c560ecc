//! How common values are: that two records share a rare one tells more.
//!
//! What counts is how many *other entities* hold a value: one that a customer has in four systems is not common, nor is the
//! address of one household. So of all pairs of records that share a value, those are left out that a match or a relation explains.

use serde::{Deserialize, Serialize};

use crate::layout::Role;
use crate::table::Table;

/// The frequency of a field's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldFrequency {
    /// How likely two records of different entities that both have a value have the same, by chance.
    pub chance: f64,
    /// Records that have a value.
    pub records: f64,
    /// How many others are taken to hold a value of which nothing is known: as many as hold those that two records have.
    pub unseen: f64,
    /// Whether a value of it is given to few: a mailbox, a phone, a number. One that too many hold identifies nobody.
    pub given_to_few: bool,
    /// Values that records of several entities share: their hash and how many others hold it, by hash.
    pub common: Vec<(u64, f32)>,
}

/// The frequencies of all fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Frequencies {
    /// By field.
    pub fields: Vec<FieldFrequency>,
}

/// How many rows hold each value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Rows that have a value.
    records: u64,
    /// Values that one row holds: no two records share them.
    once: u64,
    /// Values that several rows hold, by code, and how many.
    several: Vec<(u32, u32)>,
}

impl Counts {
    /// The counts of all codes, none of which has no value.
    pub(crate) fn of(counts: &[u32]) -> Self {
        let held = || (0..).zip(counts).skip(1).map(|(code, count)| (code, *count));
        Self {
            records: held().map(|(_, count)| u64::from(count)).sum(),
            once: held().filter(|(_, count)| *count == 1).count() as u64,
            several: held().filter(|(_, count)| *count > 1).collect(),
        }
    }

    /// Rows that have a value.
    pub(crate) const fn records(&self) -> u64 {
        self.records
    }

    /// Rows whose value no other has.
    pub(crate) const fn unshared(&self) -> u64 {
        self.once
    }

    /// Calls `each` with every value that several rows have, and how many have it.
    pub(crate) fn each_shared(&self, mut each: impl FnMut(u32, u64)) {
        self.several.iter().for_each(|(code, count)| each(*code, u64::from(*count)));
    }
}

/// By field and code, how many pairs that share a value are explained otherwise than by chance.
pub(crate) type Explained = Vec<Vec<f32>>;

/// The least of what is taken to be held by others: that none was seen does not say that there is none.
const LEAST: f64 = 0.001;
/// Of what is given to few, a value that more others hold than this identifies nobody: a placeholder, a switchboard, the domain of a
/// provider. An entity of so many records is beyond what a cluster is let grow to without a person.
const TOO_MANY: f64 = 24.0;
/// Frequency moves a weight by at most so many bits.
const MOST_BITS: f64 = 8.0;

impl Frequencies {
    /// Counts the values of a table. `counts` are how many rows hold each code, by field.
    #[must_use]
    pub(crate) fn count(table: &Table, counts: &[Counts], explained: Option<&Explained>) -> Self {
        let of = |(field, counts): (usize, &Counts)| {
            FieldFrequency::count(table, field, counts, explained.map(|explained| explained[field].as_slice()))
        };
        Self { fields: counts.iter().enumerate().map(of).collect() }
    }

    /// How likely chance makes the values of a field the same.
    #[must_use]
    pub fn chance(&self, field: usize) -> Option<f64> {
        self.fields.get(field).filter(|of| of.records > 1.0).map(|of| of.chance)
    }

    /// By code of a field, by how many bits the frequency of a value moves a weight.
    #[must_use]
    pub fn bits(&self, table: &Table, field: usize) -> Vec<f32> {
        let dictionary = table.dictionary(field);
        let Some(of) = self.fields.get(field) else { return vec![0.0; dictionary.codes()] };
        // What few share is worth the same.
        let mut bits = vec![of.bits_of(None); dictionary.codes()];
        for (hash, others) in &of.common {
            if let Some(code) = dictionary.code_of(*hash) {
                bits[code as usize] = of.bits_of(Some(*others));
            }
        }
        bits
    }

    /// By how many bits the frequency of one value moves a weight.
    #[must_use]
    pub fn bits_of(&self, field: usize, hash: u64) -> f32 {
        self.fields.get(field).map_or(0.0, |of| of.bits(hash))
    }
}

impl FieldFrequency {
    fn count(table: &Table, field: usize, counts: &Counts, explained: Option<&[f32]>) -> Self {
        let dictionary = table.dictionary(field);
        let records = counts.records as f64;
        let mut common: Vec<(u64, f32)> = Vec::new();
        let mut shared = 0.0;
        let (mut rare, mut rare_shared) = (counts.once as f64, 0.0);
        for (code, count) in &counts.several {
            let count = f64::from(*count);
            let explained = explained.and_then(|explained| explained.get(*code as usize));
            let explained = explained.map_or(0.0, |pairs| f64::from(*pairs));
            let by_chance = (count * (count - 1.0) / 2.0 - explained).max(0.0);
            shared += 2.0 * by_chance;
            if count <= 2.0 {
                rare += count;
                rare_shared += 2.0 * by_chance;
            }
            // A pair is no evidence that its own value is common: one pair is left out.
            let others = (by_chance - 1.0).max(0.0) * 2.0 / count;
            if others > LEAST {
                common.push((dictionary.hash(*code), others as f32));
            }
        }
        common.sort_unstable_by_key(|(hash, _)| *hash);
        let unseen = ((rare_shared + LEAST) / (rare + 1.0)).max(LEAST);
        let chance = (shared + LEAST * records) / (records * (records - 1.0)).max(1.0);
        let role = table.layout().fields[field].role;
        let given_to_few = matches!(role, Role::Mailbox | Role::Phone | Role::Identifier | Role::Site | Role::Website);
        Self { chance: chance.clamp(1e-12, 1.0), records, unseen, given_to_few, common }
    }

    fn bits(&self, hash: u64) -> f32 {
        self.bits_of(self.others(hash))
    }

    /// How many others hold a value; none where nothing is known of it.
    pub(crate) fn others(&self, hash: u64) -> Option<f32> {
        let place = self.common.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
        self.common.get(place).map(|(_, others)| *others)
    }

    /// What a value is worth that so many others hold.
    fn bits_of(&self, others: Option<f32>) -> f32 {
        if self.records < 2.0 {
            return 0.0;
        }
        let others = others.map_or(0.0, f64::from);
        if self.given_to_few && others > TOO_MANY {
            // As if chance made everybody hold it.
            return -self.chance.log2() as f32;
        }
        let mean = self.chance * (self.records - 1.0);
        (others.max(self.unseen) / mean).log2().clamp(-MOST_BITS, MOST_BITS) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Kind, Schema};

    #[test]
    fn chance_is_the_share_of_pairs_that_hold_one_value() {
        let mut table = Table::new(Schema::new(&[("country", Kind::Country)]));
        let countries = ["NL", "NL", "NL", "DE", "DE", "FR", ""];
        countries.iter().zip(0..).for_each(|(country, id)| {
            let _ = table.push(&id.to_string(), "", &[country]);
        });
        let counts: Vec<Counts> = table.counts().iter().map(|counts| Counts::of(counts)).collect();
        assert_eq!(counts[0], Counts { records: 6, once: 1, several: vec![(1, 3), (2, 2)] });
        let plain = Frequencies::count(&table, &counts, None);
        // Of the fifteen pairs of the six that have a country three are of NL, and one is of DE.
        assert!((plain.fields[0].chance - 4.0 / 15.0).abs() < 0.001, "{plain:?}");
        // A match that explains a pair of NL leaves three.
        let explained = vec![vec![0.0, 1.0, 0.0, 0.0]];
        let learned = Frequencies::count(&table, &counts, Some(&explained));
        assert!((learned.fields[0].chance - 3.0 / 15.0).abs() < 0.001, "{learned:?}");
        // What is rare counts for more than what is common, and neither without end.
        let bits = plain.bits(&table, 0);
        assert!(bits[1] > bits[2] && bits[2] >= bits[3] && bits.iter().all(|bits| bits.abs() <= 8.0), "{bits:?}");
    }
}
