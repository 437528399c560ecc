//! How many rows pass, of how many, and a few of those that do not.

use serde::{Deserialize, Serialize};

/// A row that does not pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Example {
    /// The row, counted from 0. Of rows that share a key, the first.
    pub row: u64,
    /// How many rows it stands for: those that share the key, and 1 otherwise.
    pub rows: u64,
    /// The value, cut off at 64 bytes, where [`Settings::show`](super::Settings::show) asks for it.
    pub value: Option<String>,
}

/// How many rows pass, of how many that are judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many pass.
    pub good: u64,
    /// How many are judged.
    pub of: u64,
    /// The first that do not pass.
    pub examples: Vec<Example>,
}

/// How much of a value an example shows, in bytes.
const SHOWN: usize = 64;

/// A value as an example shows it.
pub(crate) fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(&value[..value.len().min(SHOWN)]).into_owned();
    if value.len() > SHOWN { text + "…" } else { text }
}

/// Takes rows into a tally.
pub(crate) struct Taking<'t> {
    pub(crate) tally: &'t mut Tally,
    /// The rows before the batch.
    pub(crate) before: u64,
    /// How many examples are kept.
    pub(crate) examples: usize,
}

impl Taking<'_> {
    /// Judges the rows that are present: whether each passes, and how its value reads where an example shows it.
    pub(crate) fn judge(
        self,
        rows: usize,
        present: impl Fn(usize) -> bool,
        passes: impl Fn(usize) -> bool,
        value: impl Fn(usize) -> Option<String>,
    ) {
        let (mut of, mut good) = (0u64, 0u64);
        for row in 0..rows {
            if !present(row) {
                continue;
            }
            of += 1;
            if passes(row) {
                good += 1;
            } else if self.tally.examples.len() < self.examples {
                let row_in_all = self.before + row as u64;
                self.tally.examples.push(Example { row: row_in_all, rows: 1, value: value(row) });
            }
        }
        self.tally.of += of;
        self.tally.good += good;
    }
}

impl Tally {
    /// Appends the tally of rows behind these.
    pub(crate) fn append(&mut self, later: Self, before: u64, examples: usize) {
        self.good = self.good.saturating_add(later.good);
        self.of = self.of.saturating_add(later.of);
        let room = examples.saturating_sub(self.examples.len());
        let later = later.examples.into_iter().take(room);
        self.examples.extend(later.map(|example| Example { row: example.row.saturating_add(before), ..example }));
    }
}
