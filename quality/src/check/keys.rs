//! Keys: how many rows have each, exactly. In memory up to a bound, and in sorted files beyond it.

use std::collections::BinaryHeap;

use serde::de::Error as _;
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key_table::KeyTable;
use super::runs::{Counted, Run, Sorted};
use super::tally::{Example, Tally, shown};
use super::{CheckError, Settings};

/// How many files are read as one. More are made one first.
const RUNS: usize = 32;

/// The keys of some rows.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    memory: KeyTable,
    /// Keys that memory had no room for; each run in order, and each with some keys that others have too.
    spilled: Vec<Run>,
    rows: u64,
}

impl Keys {
    /// Makes room for keys that are expected, as far as the bound allows.
    pub(crate) fn expect(&mut self, rows: u64, settings: &Settings) {
        self.memory.reserve(usize::try_from(rows).unwrap_or(usize::MAX).min(settings.memory / 64));
    }

    /// How many rows had a key.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes a key that `rows` rows have, of which `first` is the first.
    ///
    /// # Errors
    ///
    /// [`CheckError::Spill`] if there is no room for it, neither in memory nor in a file.
    pub(crate) fn take(&mut self, key: &[u8], first: u64, rows: u64, settings: &Settings) -> Result<(), CheckError> {
        self.rows = self.rows.saturating_add(rows);
        if self.memory.take(key, first, rows, settings.memory) {
            return Ok(());
        }
        self.spill(settings)?;
        self.memory.begin(first);
        // The first key of an empty table is taken however long it is, unless no number reaches so far.
        if !self.memory.take(key, first, rows, usize::MAX) {
            let alone = Counted { key: key.to_vec(), first, rows };
            self.spilled.push(Run::write([Ok(alone)], settings)?);
        }
        Ok(())
    }

    fn spill(&mut self, settings: &Settings) -> Result<(), CheckError> {
        if self.spilled.len() >= RUNS {
            let one = Run::write(Sorted::new(&self.spilled, std::iter::empty())?, settings)?;
            self.spilled = vec![one];
        }
        if !self.memory.is_empty() {
            self.spilled.push(Run::write(self.memory.sorted().map(Ok), settings)?);
            self.memory.clear();
        }
        Ok(())
    }

    /// Appends the keys of rows that stand behind `before` others.
    pub(crate) fn append(&mut self, later: Self, before: u64, settings: &Settings) -> Result<(), CheckError> {
        let Self { memory, spilled, rows } = later;
        let in_memory: u64 = memory.in_order().map(|(_, _, rows)| rows).sum();
        for (key, first, rows) in memory.in_order() {
            self.take(key, first.saturating_add(before), rows, settings)?;
        }
        self.rows = self.rows.saturating_add(rows.saturating_sub(in_memory));
        for run in spilled {
            if self.spilled.len() >= RUNS {
                self.spill(settings)?;
            }
            self.spilled.push(run.shifted(before));
        }
        Ok(())
    }

    /// All of them, in order.
    fn sorted(&self) -> Result<Sorted<'_, impl Iterator<Item = Counted>>, CheckError> {
        Sorted::new(&self.spilled, self.memory.sorted())
    }

    /// A row passes if it is the first of its key. The examples are the keys that several rows have, by their first rows.
    pub(crate) fn tally(&self, settings: &Settings) -> Result<Tally, CheckError> {
        let mut least: BinaryHeap<Example> = BinaryHeap::new();
        let mut example = |key: &[u8], first: u64, rows: u64| {
            if least.len() == settings.examples && least.peek().is_none_or(|last| last.row <= first) {
                return;
            }
            let value = settings.show.then(|| shown(key));
            least.push(Example { row: first, rows, value });
            if least.len() > settings.examples {
                least.pop();
            }
        };
        let mut good = 0;
        if self.spilled.is_empty() {
            good = self.memory.len() as u64;
            self.memory.shared().for_each(|(key, first, rows)| example(key, first, rows));
        } else {
            for counted in self.sorted()? {
                let Counted { key, first, rows } = counted?;
                good += 1;
                if rows > 1 {
                    example(&key, first, rows);
                }
            }
        }
        Ok(Tally { good, of: self.rows, examples: least.into_sorted_vec() })
    }
}

impl Serialize for Keys {
    /// One after the other, whether they are in memory or in files.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(None)?;
        for counted in self.sorted().map_err(S::Error::custom)? {
            let Counted { key, first, rows } = counted.map_err(S::Error::custom)?;
            all.serialize_element(&(key, first, rows))?;
        }
        all.end()
    }
}

impl<'de> Deserialize<'de> for Keys {
    /// Into memory, all of them: the bound is kept from the next that is taken on.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Vec::<(Vec<u8>, u64, u64)>::deserialize(deserializer)?;
        all.sort_unstable_by_key(|(_, first, _)| *first);
        let mut keys = Self::default();
        keys.memory.begin(all.first().map_or(0, |(_, first, _)| *first));
        for (key, first, rows) in all {
            if rows == 0 || keys.rows.checked_add(rows).is_none() || !keys.memory.take(&key, first, rows, usize::MAX) {
                return Err(D::Error::custom("a key of no rows, or rows or bytes beyond what is counted"));
            }
            keys.rows += rows;
        }
        Ok(keys)
    }
}
