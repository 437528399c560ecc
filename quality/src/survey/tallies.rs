//! How many are good of how many, by what is measured.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use accordant::discrepancy::DiscrepancyKind;
use accordant::model::CompiledEntity;

use super::rows::Rows;
use super::{Disagreements, Survey, Surveyed};
use crate::check::CheckError;
use crate::score::{Cause, Measure};

/// What is measured of a system: attributes, by which check, and what is wrong with those that are not good.
type Measured = (String, Vec<String>, String, Cause);

/// A connection, and the key of an object type.
pub(super) type TableKey = (String, String);

/// The records of one entity type, counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) entities: u64,
    counts: BTreeMap<Measured, (u64, u64)>,
    kinds: BTreeMap<(String, Vec<String>, DiscrepancyKind), u64>,
    pub(super) tables: BTreeMap<TableKey, Rows>,
}

impl Counted {
    /// Nothing yet, of these tables.
    pub(super) fn of(tables: BTreeMap<TableKey, Rows>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// Counts one thing.
    pub(super) fn judge(&mut self, system: &str, attributes: &[String], check: &str, cause: Cause, good: bool) {
        self.add(system, attributes, check, cause, (u64::from(good), 1));
    }

    /// Counts several, so many of them good.
    pub(super) fn add(
        &mut self,
        system: &str,
        attributes: &[String],
        check: &str,
        cause: Cause,
        (good, of): (u64, u64),
    ) {
        let key = (system.to_owned(), attributes.to_vec(), check.to_owned(), cause);
        let counted = self.counts.entry(key).or_default();
        counted.0 = counted.0.saturating_add(good);
        counted.1 = counted.1.saturating_add(of);
    }

    /// Counts a disagreement of this kind.
    pub(super) fn disagrees(&mut self, system: &str, attributes: &[String], kind: DiscrepancyKind) {
        *self.kinds.entry((system.to_owned(), attributes.to_vec(), kind)).or_default() += 1;
    }

    /// Puts what was counted to what was surveyed.
    pub(super) fn tell(
        mut self,
        model: &CompiledEntity,
        survey: &Survey,
        surveyed: &mut Surveyed,
    ) -> Result<(), CheckError> {
        let entity = model.name.as_str();
        let mut asked: BTreeMap<Measured, Measure> = BTreeMap::new();
        for ((system, _), rows) in std::mem::take(&mut self.tables) {
            // Of a table without rows, only how many there are is told.
            for outcome in rows.outcomes()?.iter().filter(|outcome| outcome.rows > 0 || outcome.of > 0) {
                let measure = Measure::of(outcome, &system, entity);
                let key = (system.clone(), measure.attributes.clone(), measure.check.clone(), measure.cause);
                match asked.entry(key) {
                    Entry::Vacant(none) => {
                        none.insert(measure);
                    }
                    // Several object types of a connection hold the entity type: it is measured once.
                    Entry::Occupied(mut held) => {
                        let held = held.get_mut();
                        held.good = held.good.saturating_add(measure.good);
                        held.of = held.of.saturating_add(measure.of);
                    }
                }
            }
            for (attribute, shown) in rows.shown().filter(|(_, shown)| *shown > 0) {
                self.add(&system, &[attribute.to_owned()], &reads_as(attribute), Cause::Malformed, (shown, shown));
            }
        }
        let measures = self.counts.into_iter().map(|((system, attributes, check, cause), (good, of))| Measure {
            system,
            entity: entity.to_owned(),
            attributes,
            check,
            cause,
            good,
            of,
            at_least: survey.share_of(cause.dimension()),
        });
        surveyed.measures.extend(asked.into_values().chain(measures));
        let kinds = self.kinds.into_iter().map(|((system, attributes, kind), count)| Disagreements {
            system,
            entity: entity.to_owned(),
            attributes,
            kind,
            count,
        });
        surveyed.disagreements.extend(kinds);
        Ok(())
    }
}

/// The check of the model's own type.
pub(super) fn reads_as(attribute: &str) -> String {
    format!("{attribute} reads as its type")
}

/// The check of what the model requires.
pub(super) fn is_there(attribute: &str) -> String {
    format!("{attribute} is there")
}
