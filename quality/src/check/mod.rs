//! Checks of tables: how many rows pass, of how many, and which do not.
//!
//! A [`Checker`] takes rows batch by batch and holds a [`State`] for each [`Check`]. How rows are split into batches does not
//! matter, nor into parts: the state of one part [merges](State::merge) with that of the part behind it. Counts are exact.

mod batch;
mod checker;
mod error;
mod judge;
mod key_table;
mod keys;
mod lags;
mod moment;
mod pattern;
mod reference;
mod rule;
mod runs;
mod state;
mod tally;

pub use batch::{Batch, Bits, Column, Texts, Values};
pub use checker::{Checker, Outcome};
pub use error::CheckError;
pub use lags::{Lags, Within};
pub use moment::moment;
pub use pattern::Pattern;
pub use reference::Reference;
pub use rule::{Bound, Check, Relation, Rule};
pub use state::State;
pub use tally::{Example, Tally};

/// What checking may take, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many bytes of keys each check of uniqueness keeps in memory. What goes beyond is kept in temporary files, sorted.
    pub memory: usize,
    /// The folder for those files; the system's where none is named.
    pub spill: Option<std::path::PathBuf>,
    /// How many rows that fail are kept as examples, of each check.
    pub examples: usize,
    /// Whether examples show values. They may be personal data: rows alone are the default.
    pub show: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { memory: 256 << 20, spill: None, examples: 5, show: false }
    }
}
