//! What would differ, in counts and examples.

use std::collections::BTreeMap;
use std::fmt;

use chrono::DateTime;
use serde::Serialize;

use crate::discrepancy::DiscrepancyKind;
use crate::id::{ConnectionName, EntityId, EntityType};
use crate::plan::Operation;
use crate::text::Text;
use crate::value::Field;

/// How many examples of each difference are kept.
const EXAMPLES: usize = 5;

/// How far a look at history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Looking {
    /// How many entries of the journal were read.
    pub entries: u64,
    /// Of how many.
    pub of: u64,
    /// The instant of the last of them, in milliseconds since the epoch.
    pub at: i64,
    /// How much of what was read is held in memory: what was said, facts by entity, and writes that were not answered yet. It does
    /// not grow with the history.
    pub held: usize,
}

/// What would differ under a proposal.
///
/// Values stand in it as they are: mask it for readers who may not see personal data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct WhatIf {
    /// Entries of the journal that were read.
    pub entries: u64,
    /// Observations among them.
    pub observations: u64,
    /// Bodies that the proposal's mappings cannot decode: what was read of them then is taken.
    pub undecodable: u64,
    /// Entries whose payload was erased.
    pub erased: u64,
    /// Observations and facts about what the proposal does not know.
    pub left_out: u64,
    /// Entities that were compared.
    pub entities: u64,
    /// Whether it was stopped before the end of the history: what was not read by then is not in the counts.
    pub stopped: bool,
    /// Golden values that would differ, by entity type and unit.
    #[serde(serialize_with = "listed")]
    pub golden: BTreeMap<(EntityType, Text), Changed<WouldBe>>,
    /// Discrepancies that would stand and do not, and that stand and would not, by entity type and kind.
    #[serde(serialize_with = "listed")]
    pub discrepancies: BTreeMap<(EntityType, DiscrepancyKind), Otherwise>,
    /// Writes that would be owed otherwise, by connection and unit.
    #[serde(serialize_with = "listed")]
    pub writes: BTreeMap<(ConnectionName, Text), Changed<WouldWrite>>,
}

/// A map whose keys are no text, as a list of pairs.
fn listed<K: Serialize, V: Serialize, S: serde::Serializer>(map: &BTreeMap<K, V>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(map)
}

/// How often something differs, with some examples: the first by entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Changed<T> {
    /// How often.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<T>,
}

impl<T> Default for Changed<T> {
    fn default() -> Self {
        Self { count: 0, examples: Vec::new() }
    }
}

impl<T> Changed<T> {
    pub(super) fn add(&mut self, example: impl FnOnce() -> T) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// A golden value that would differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WouldBe {
    /// The entity.
    pub entity: EntityId,
    /// The unit, by name: an element of a collection by its key.
    pub unit: Text,
    /// What is golden, and how it stands: `held`, `parked`, ...; `None`: nothing is.
    pub is: Option<(Field, Text)>,
    /// What would be.
    pub would_be: Option<(Field, Text)>,
}

/// How many discrepancies would come and go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Otherwise {
    /// Those that would stand, and do not: entity and unit.
    pub opened: Changed<(EntityId, Text)>,
    /// Those that stand, and would not.
    pub resolved: Changed<(EntityId, Text)>,
    /// Those that would wait for a person, and stand without.
    pub asked: Changed<(EntityId, Text)>,
    /// Those that wait for a person, and would stand without.
    pub freed: Changed<(EntityId, Text)>,
}

/// A write that would be owed otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WouldWrite {
    /// What is owed; `None`: nothing is.
    pub is: Option<Operation>,
    /// What would be owed.
    pub would_be: Option<Operation>,
}

impl WhatIf {
    /// Whether nothing would differ.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.golden.is_empty() && self.discrepancies.is_empty() && self.writes.is_empty()
    }
}

/// Counts, each with its examples below it.
impl fmt::Display for WhatIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, observations, entities, .. } = self;
        write!(f, "{observations} observations in {entries} entries, {entities} entities compared")?;
        if self.stopped {
            f.write_str("; stopped before the end")?;
        }
        for (count, what) in [
            (self.undecodable, "bodies cannot be decoded by the proposal"),
            (self.erased, "entries were erased"),
            (self.left_out, "observations and facts are about what the proposal does not know"),
        ] {
            if count > 0 {
                write!(f, "\n{count} {what}")?;
            }
        }
        if self.is_same() {
            return f.write_str("\nnothing would differ");
        }
        for ((entity, unit), changed) in &self.golden {
            write!(f, "\n{entity}.{unit}: {} golden values would differ", changed.count)?;
            for WouldBe { entity, unit, is, would_be } in &changed.examples {
                write!(f, "\n  {entity} {unit}: {} -> {}", Shown(is.as_ref()), Shown(would_be.as_ref()))?;
            }
        }
        for ((entity, kind), otherwise) in &self.discrepancies {
            let Otherwise { opened, resolved, asked, freed } = otherwise;
            for (changed, what) in [
                (opened, "would open"),
                (resolved, "would be gone"),
                (asked, "would wait for a person"),
                (freed, "would not wait for a person any more"),
            ] {
                if changed.count == 0 {
                    continue;
                }
                write!(f, "\n{entity}, {}: {} {what}", kind.title(), changed.count)?;
                for (entity, unit) in &changed.examples {
                    write!(f, "\n  {entity} {unit}")?;
                }
            }
        }
        for ((connection, unit), changed) in &self.writes {
            write!(f, "\n{connection}, {unit}: {} writes would be owed otherwise", changed.count)?;
            for WouldWrite { is, would_be } in &changed.examples {
                for (sign, operation) in [("-", is), ("+", would_be)] {
                    if let Some(operation) = operation {
                        write!(f, "\n  {sign} {operation}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A golden value, and how it stands if not simply so.
struct Shown<'a>(Option<&'a (Field, Text)>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("nothing"),
            Some((field, status)) => {
                match field.as_value() {
                    Some(value) => write!(f, "{value:?}")?,
                    None => write!(f, "{field}")?,
                }
                if status.is_empty() { Ok(()) } else { write!(f, " ({status})") }
            }
        }
    }
}

/// `412 of 9000 entries, up to 2026-01-05 08:00 UTC`.
impl fmt::Display for Looking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = DateTime::from_timestamp_millis(self.at).unwrap_or_default();
        write!(f, "{} of {} entries, up to {}", self.entries, self.of, at.format("%F %H:%M UTC"))
    }
}
