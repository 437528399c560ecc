//! What was measured of the data of a system.

use serde::{Deserialize, Serialize};

use super::Dimension;
use crate::check::Outcome;

/// What is wrong with rows that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A value is missing.
    Missing,
    /// Rows are missing, or too many.
    RowCount,
    /// A key has more rows than one.
    Duplicate,
    /// A value is not of its form.
    Malformed,
    /// A value is none of those that are allowed.
    NotAllowed,
    /// A number is out of its range.
    OutOfRange,
    /// A row is older than it may be.
    Stale,
    /// Two values of a row contradict each other.
    Contradiction,
    /// A reference has nothing at its end.
    Dangling,
    /// Linked records of two systems hold different values.
    Disagreement,
    /// Evidence says that a value is wrong.
    Wrong,
}

impl Cause {
    /// The dimension that it lowers.
    #[must_use]
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Missing | Self::RowCount => Dimension::Completeness,
            Self::Duplicate => Dimension::Uniqueness,
            Self::Malformed | Self::NotAllowed | Self::OutOfRange => Dimension::Validity,
            Self::Stale => Dimension::Timeliness,
            Self::Contradiction | Self::Dangling | Self::Disagreement => Dimension::Consistency,
            Self::Wrong => Dimension::Accuracy,
        }
    }
}

/// So many good of so many, about the data that a system holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The system that holds it.
    pub system: String,
    /// The type of entity.
    pub entity: String,
    /// The attributes that it is about; none where it is about the table.
    pub attributes: Vec<String>,
    /// What measured it.
    pub check: String,
    /// What is wrong with those that are not good.
    pub cause: Cause,
    /// How many are good. Of [`Cause::Wrong`]: how many the evidence confirmed.
    pub good: u64,
    /// Of how many. Of [`Cause::Wrong`]: of how many there is evidence.
    pub of: u64,
    /// The least share that must be good.
    pub at_least: f64,
}

impl Measure {
    /// What a check came to, about the data of this system. What is missing is of its first column: another one only says when.
    #[must_use]
    pub fn of(outcome: &Outcome, system: &str, entity: &str) -> Self {
        let about = if outcome.cause == Cause::Missing { 1 } else { outcome.columns.len() };
        Self {
            system: system.to_owned(),
            entity: entity.to_owned(),
            attributes: outcome.columns.iter().take(about).cloned().collect(),
            check: outcome.check.clone(),
            cause: outcome.cause,
            good: outcome.good,
            of: outcome.of,
            at_least: outcome.at_least,
        }
    }

    /// The share that is good. Nothing of nothing, and of more good ones than there are.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        share(self.good, self.of)
    }

    /// Whether fewer are good than must be.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.share().is_some_and(|share| share < self.at_least)
    }

    /// How many are not good.
    #[must_use]
    pub const fn affected(&self) -> u64 {
        self.of.saturating_sub(self.good)
    }
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 rows, one more is not seen in a share")]
pub(super) fn share(good: u64, of: u64) -> Option<f64> {
    (of > 0 && good <= of).then(|| good as f64 / of as f64)
}
