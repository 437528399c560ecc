//! How far records depart from those that a model was trained on: a number to be alarmed by, and to train again.
//!
//! The frequency of values and the rarity of words are the model's until it is trained again, and what it says is right as long as the
//! records are like those that it saw. So every field's values are put into bands by how many others hold them, as the model knows it, and
//! what is in each band now is compared with what was in it then, by the *population stability index*: the sum over bands of
//! `(now - then) * ln(now / then)`, with shares of records. It is the symmetric divergence of S. Kullback and R. Leibler (1951); its use
//! and the thresholds of 0.1 and 0.25 are those of N. Siddiqi, *Credit Risk Scorecards*, Wiley (2006). What chance alone makes of it is
//! that of B. Yurdakul, *Statistical Properties of Population Stability Index*, Western Michigan University (2018).

use serde::{Deserialize, Serialize};

use crate::dictionary::NONE;
use crate::model::{Counts, FieldFrequency, Frequencies};
use crate::table::{Row, Table};

/// From here on a field is worth a look, as is usual.
pub const WATCHED: f64 = 0.1;
/// From here on a field has moved, as is usual: train again.
pub const MOVED: f64 = 0.25;

/// The band of records without a value.
const MISSING: usize = 0;
/// The band of values that the model knows nobody else to hold: it never saw them, or of one entity only.
const UNKNOWN: usize = 1;
/// From so many others on, the next band: each is four times as wide as the one before.
const BANDS: [f32; 6] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0];
/// How many bands there are.
const ALL: usize = 2 + BANDS.len();
/// A band in which nobody is counts as if half a record were in it, so that none is infinitely far.
const NOBODY: f64 = 0.5;
/// Chance alone is outdone by what is so many standard deviations above its mean.
const DEVIATIONS: f64 = 3.0;

/// How records spread over how common their values are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spread {
    /// By field and band, how many records.
    pub fields: Vec<[u64; ALL]>,
}

/// How far the records of a field departed.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDrift {
    /// The name of the field.
    pub field: String,
    /// The population stability index: 0 where nothing changed.
    pub index: f64,
    /// What chance alone would not reach, as few records as there are.
    pub by_chance: f64,
    /// The share of records without a value, then and now.
    pub missing: [f64; 2],
    /// The share of records whose value the model knows nobody else to hold, then and now.
    pub unknown: [f64; 2],
}

/// How far records departed from those that a model was trained on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drift {
    /// How many records were looked at.
    pub records: u64,
    /// By field. None of a model that was stored before spreads were kept.
    pub fields: Vec<FieldDrift>,
}

impl FieldDrift {
    /// Whether the field has moved: from [`MOVED`] on, and further than chance goes.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.index >= MOVED && self.index > self.by_chance
    }
}

impl Drift {
    /// The field that departed furthest; of two that did as far, the first.
    #[must_use]
    pub fn furthest(&self) -> Option<&FieldDrift> {
        self.fields.iter().reduce(|most, next| if next.index > most.index { next } else { most })
    }

    /// Whether any field has moved: the model is to be trained again.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.fields.iter().any(FieldDrift::has_moved)
    }
}

impl Spread {
    /// How some rows of a table spread under a model's frequencies: one pass over its values, and one over the rows.
    #[must_use]
    pub fn of(frequencies: &Frequencies, table: &Table, rows: impl Iterator<Item = Row>) -> Self {
        let mut spread = Self { fields: vec![[0; ALL]; frequencies.fields.len()] };
        let bands: Vec<Vec<u8>> =
            frequencies.fields.iter().enumerate().map(|(field, of)| bands(of, table, field)).collect();
        for row in rows {
            for ((counts, bands), code) in spread.fields.iter_mut().zip(&bands).zip(table.codes(row)) {
                counts[usize::from(bands[*code as usize])] += 1;
            }
        }
        spread
    }

    /// How all rows of a table spread, of which so many hold each value, those of `others` added, which are not counted there.
    pub(crate) fn counted(
        frequencies: &Frequencies,
        table: &Table,
        counts: &[Counts],
        others: impl ExactSizeIterator<Item = Row>,
    ) -> Self {
        let rows = (table.rows() - others.len()) as u64;
        let mut spread = Self::of(frequencies, table, others);
        for ((field, of), (counts, found)) in
            frequencies.fields.iter().enumerate().zip(counts.iter().zip(&mut spread.fields))
        {
            counts.each_shared(|code, count| found[of.band(table.dictionary(field).hash(code))] += count);
            found[UNKNOWN] += counts.unshared();
            found[MISSING] += rows - counts.records();
        }
        spread
    }

    /// How far `now` departed from it. `names` are those of the fields.
    #[must_use]
    pub fn drift<'n>(&self, now: &Self, names: impl Iterator<Item = &'n str>) -> Drift {
        let records = now.fields.first().map_or(0, |bands| bands.iter().sum());
        let fields = self.fields.iter().zip(&now.fields).zip(names).map(|((then, now), name)| drift(name, then, now));
        Drift { records, fields: fields.collect() }
    }
}

/// By code of a field, the band of its value.
fn bands(of: &FieldFrequency, table: &Table, field: usize) -> Vec<u8> {
    let dictionary = table.dictionary(field);
    let mut bands = vec![UNKNOWN as u8; dictionary.codes().max(1)];
    for (hash, others) in &of.common {
        if let Some(code) = dictionary.code_of(*hash) {
            bands[code as usize] = band(*others) as u8;
        }
    }
    bands[NONE as usize] = MISSING as u8;
    bands
}

/// The band of a value that so many others hold.
fn band(others: f32) -> usize {
    UNKNOWN + BANDS.iter().filter(|from| others > **from).count()
}

impl FieldFrequency {
    /// The band of a value.
    fn band(&self, hash: u64) -> usize {
        self.others(hash).map_or(UNKNOWN, band)
    }
}

fn drift(name: &str, then: &[u64; ALL], now: &[u64; ALL]) -> FieldDrift {
    let (all_then, all_now): (u64, u64) = (then.iter().sum(), now.iter().sum());
    let used = then.iter().zip(now).filter(|(then, now)| **then + **now > 0).count();
    let share = |count: u64, all: u64| (count as f64 + NOBODY) / (all as f64 + NOBODY * used as f64).max(NOBODY);
    let pairs = then.iter().zip(now).filter(|(then, now)| **then + **now > 0);
    let of = |(then, now): (&u64, &u64)| {
        let (then, now) = (share(*then, all_then), share(*now, all_now));
        (now - then) * (now / then).ln()
    };
    let one_in = |all: u64| 1.0 / (all as f64).max(1.0);
    let free = used.saturating_sub(1) as f64;
    let plain = |band: usize| [(then, all_then), (now, all_now)].map(|(of, all)| of[band] as f64 * one_in(all));
    FieldDrift {
        field: name.to_owned(),
        // Without records nothing departed.
        index: if all_now == 0 { 0.0 } else { pairs.map(of).sum() },
        by_chance: (free + DEVIATIONS * (2.0 * free).sqrt()) * (one_in(all_then) + one_in(all_now)),
        missing: plain(MISSING),
        unknown: plain(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_what_counting_by_hand_gives() {
        let (mut then, mut now) = ([0; ALL], [0; ALL]);
        (then[0], then[1]) = (500_000, 500_000);
        (now[0], now[1]) = (250_000, 750_000);
        // (0.25 - 0.5) ln 0.5 + (0.75 - 0.5) ln 1.5
        let by_hand = 0.25 * 2.0_f64.ln() + 0.25 * 1.5_f64.ln();
        let of = drift("city", &then, &now);
        assert!((of.index - by_hand).abs() < 1e-5 && of.has_moved(), "{of:?}");
        assert_eq!((of.missing, of.unknown), ([0.5, 0.25], [0.5, 0.75]));
        let same = drift("city", &then, &then);
        assert!(same.index == 0.0 && !same.has_moved());
        // Of four records that says nothing.
        (now[0], now[1]) = (1, 3);
        let few = drift("city", &then, &now);
        assert!(few.by_chance > few.index && !few.has_moved(), "{few:?}");
        let none = drift("city", &then, &[0; ALL]);
        assert!(none.index == 0.0 && !none.has_moved(), "{none:?}");
    }

    #[test]
    fn bands_are_by_how_many_others_hold_a_value() {
        let of = |others| band(others) - UNKNOWN;
        assert_eq!([0.001, 1.0, 1.5, 4.0, 5.0, 100.0, 1e6].map(of), [1, 1, 2, 2, 3, 5, 6]);
    }
}
