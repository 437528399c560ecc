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
pub mod relation;

use serde::{Deserialize, Serialize};

use crate::attribute::Schema;
use crate::blocking::Blocking;
use crate::calibration::Calibration;
use crate::lexicon::WordFrequencies;

pub use chance::Chance;
pub(crate) use em::likely;
pub use em::{Judged, Training};
pub use frequency::{FieldFrequency, Frequencies};

/// The format of a stored model.
pub const FORMAT: u32 = 1;

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
    /// What chance makes.
    pub chance: Chance,
    /// The classes that were learned.
    pub classes: Vec<Class>,
    /// How common values are.
    pub frequencies: Frequencies,
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
