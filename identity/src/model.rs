//! The model: what agreement is worth.
//!
//! After Fellegi and Sunter, a pair is weighed by how likely its pattern is among pairs of one entity, against how likely it is
//! among pairs of two. Pairs of two entities are not all alike, though: most agree by chance, each value on its own; but a
//! household shares surname, address and phone *together*, and a site its address. So what is not a match is a mixture: chance,
//! in closed form, and [relations](relation::Relation), learned, within which those values depend on each other. A match is a
//! mixture as well: the same person, or another contact of the same company.

mod chance;
mod em;
mod fit;
mod frequency;
mod identifiers;
pub mod relation;

use serde::{Deserialize, Serialize};

use crate::attribute::Schema;
use crate::blocking::{Blocking, Skew};
use crate::calibration::Calibration;
use crate::comparison::{Comparison, Level};
use crate::drift::Spread;
use crate::layout::Layout;
use crate::lexicon::WordFrequencies;

pub use chance::Chance;
pub(crate) use em::likely;
pub use em::{Judged, Training};
pub(crate) use frequency::Counts;
pub use frequency::{FieldFrequency, Frequencies};
pub use identifiers::Identifier;

/// The format of a stored model.
pub const FORMAT: u32 = 3;

/// A class of pairs: why two records look alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// What makes them look alike.
    pub name: String,
    /// Whether they are one entity.
    pub matches: bool,
    /// The share of all pairs that are of this class.
    pub share: f64,
    /// The probability of each level of each comparison, within the level's group.
    pub levels: Vec<Vec<f64>>,
    /// From how many pairs it was learned: how many of those that were looked at are taken to be of it.
    pub pairs: f64,
    /// How many of them showed each level. Where none did, its probability is what was supposed before any pair was seen.
    pub seen: Vec<Vec<f64>>,
}

/// Of fewer pairs than this a class is not learned, only supposed.
const LEARNED_PAIRS: f64 = 20.0;
/// A level that fewer pairs of a class showed is only supposed...
const LEARNED_LEVEL: f64 = 1.0;
/// ... unless so many could have shown it: then that none did tells that it is rare.
const COULD_HAVE: f64 = 300.0;

impl Class {
    /// Whether pairs of it showed a level of a comparison: what it is worth there is learned, and not only supposed.
    #[must_use]
    pub fn knows(&self, comparison: usize, level: u8) -> bool {
        let seen = self.seen.get(comparison).and_then(|levels| levels.get(usize::from(level)));
        seen.is_some_and(|seen| *seen >= LEARNED_LEVEL)
    }

    /// Whether enough pairs of it were seen to tell how likely each of these levels is, one per comparison; the first of a comparison
    /// says that nothing is compared.
    #[must_use]
    pub fn is_learned(&self, comparisons: &[Comparison], levels: &[u8]) -> bool {
        let could_have = |place: usize, level: u8| {
            let (of, seen) = (&comparisons[place].levels, self.seen.get(place));
            let same = |other: &Level| other.group == of[usize::from(level)].group;
            let within = of.iter().zip(seen.into_iter().flatten()).filter(|(other, _)| same(other));
            within.map(|(_, seen)| seen).sum::<f64>() >= COULD_HAVE
        };
        let told = |(place, level): (usize, &u8)| *level == 0 || self.knows(place, *level) || could_have(place, *level);
        self.pairs >= LEARNED_PAIRS && levels.iter().enumerate().all(told)
    }
}

/// A trained model: all that scoring needs beside the records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The format it is stored in.
    pub format: u32,
    /// Counts up whenever it is trained again.
    pub version: u32,
    /// The columns it is for.
    pub schema: Schema,
    /// Whether the system of a record is looked at.
    pub systems: bool,
    /// Which pairs are looked at.
    pub blocking: Blocking,
    /// How the blocks of the records that it was learned from turned out.
    pub skew: Vec<Skew>,
    /// What chance makes.
    pub chance: Chance,
    /// The classes that were learned.
    pub classes: Vec<Class>,
    /// How common values are.
    pub frequencies: Frequencies,
    /// How the records that it was learned from spread over that: what others depart from.
    #[serde(default)]
    pub spread: Spread,
    /// How rare words are, by dictionary of the table.
    pub words: Vec<WordFrequencies>,
    /// What a probability turned out to be worth.
    pub calibration: Calibration,
}

/// Why a stored model cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// It is no model, or a damaged one.
    #[error("not a stored model")]
    Unreadable(#[source] serde_json::Error),
    /// It was stored in another format.
    #[error("a model of format {found}, where {FORMAT} is read")]
    Format {
        /// Its format.
        found: u32,
    },
    /// Its parts do not fit each other: it was damaged, or written by hand.
    #[error("a model of which {part} does not fit the rest")]
    Unfit {
        /// The part.
        part: &'static str,
    },
}

impl Model {
    /// The model as bytes: the same model, the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Only texts, numbers and lists: nothing that could not be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What it does not know, for people, without a value of a record: the records that a rule compared with nobody, the rules that were
    /// dropped, the levels of each comparison that no pair showed, so that what they are worth is only supposed, and the identifiers that
    /// cannot be relied on.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let left_out = self.skew.iter().filter(|skew| skew.left_out > 0).map(|skew| {
            let Skew { rule, records, left_out, .. } = skew;
            format!("{left_out} of {records} records are compared with nobody by `{rule}`: too many share it, and nothing tells them apart")
        });
        let dropped = self
            .skew
            .iter()
            .filter_map(|skew| Some(format!("`{}` is no rule of blocking: {}", skew.rule, skew.dropped?)));
        let comparisons = Comparison::standard(&Layout::of(self.schema.clone()), self.systems);
        let supposed = comparisons.iter().enumerate().filter_map(|(place, comparison)| {
            let levels = (0_u8..).zip(&comparison.levels).skip(1);
            let unseen =
                levels.filter(|(level, _)| !self.has_seen(place, *level)).map(|(_, level)| level.name.as_str());
            let unseen: Vec<&str> = unseen.collect();
            (!unseen.is_empty()).then(|| {
                format!(
                    "`{}`: no pair showed {}; what that is worth is only supposed",
                    comparison.name,
                    unseen.join("; ")
                )
            })
        });
        let unreliable = self.identifiers().into_iter().filter(|identifier| !identifier.is_reliable()).map(|identifier| {
            let (all, Identifier { name, other, .. }) = (identifier.matches(), identifier);
            format!("`{name}` differs in {other:.0} of {all:.0} matches: records that hold different ones are not kept apart")
        });
        left_out.chain(dropped).chain(supposed).chain(unreliable).collect()
    }

    /// Whether any pair that was looked at, or drawn by chance, showed a level of a comparison.
    #[must_use]
    pub fn has_seen(&self, comparison: usize, level: u8) -> bool {
        let drawn = self.chance.seen.get(comparison).and_then(|levels| levels.get(usize::from(level)));
        drawn.is_some_and(|drawn| *drawn > 0.0) || self.classes.iter().any(|class| class.knows(comparison, level))
    }

    /// A stored model.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if the bytes are no model of this format, or one whose parts do not fit each other: what is read here scores any
    /// table of its schema.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        #[derive(Deserialize)]
        struct Header {
            format: u32,
        }
        let header: Header = serde_json::from_slice(bytes).map_err(ModelError::Unreadable)?;
        if header.format != FORMAT {
            return Err(ModelError::Format { found: header.format });
        }
        let model: Self = serde_json::from_slice(bytes).map_err(ModelError::Unreadable)?;
        model.fits()?;
        Ok(model)
    }
}
