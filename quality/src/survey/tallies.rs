//! How many are good of how many, by what is measured.

use std::collections::BTreeMap;

use accordant::discrepancy::DiscrepancyKind;
use accordant::model::CompiledEntity;

use super::rows::Rows;
use super::{Disagreements, Survey, Surveyed};
use crate::check::CheckError;
use crate::score::{Cause, Measure};

/// What is measured of a system: attributes, by which check, and what is wrong with those that are not good.
type Measured = (String, Vec<String>, String, Cause);

/// The records of one entity type, counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) entities: u64,
    counts: BTreeMap<Measured, (u64, u64)>,
    kinds: BTreeMap<(String, Vec<String>, DiscrepancyKind), u64>,
    /// By connection and the key of the object type.
    pub(super) tables: BTreeMap<(String, String), Rows>,
}

impl Counted {
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
        for ((system, _), rows) in std::mem::take(&mut self.tables) {
            surveyed.measures.extend(rows.outcomes()?.iter().map(|outcome| Measure::of(outcome, &system, entity)));
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
        surveyed.measures.extend(measures);
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
