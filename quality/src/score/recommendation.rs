//! What to mend, and how.

use std::cmp::Reverse;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cause, Measure};

/// What to do about rows that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// Fill in what is missing, or make the system ask for it.
    FillIn,
    /// Read the system again from its start.
    ReadAgain,
    /// Merge what is one, and make the key unique where it is given.
    Merge,
    /// Put the values into their form, and make the system check it where they are entered.
    Reform,
    /// Map the values to those that are allowed, or allow them.
    MapValues,
    /// Mend the numbers, or the bounds.
    MendNumbers,
    /// Poll the system more often, or find out why it no longer writes.
    Refresh,
    /// Look which of the two values is wrong.
    Compare,
    /// Link what is referred to, or clear the reference.
    Relink,
    /// Name the system that owns the attribute, and settle the open cases.
    NameOwner,
    /// Let another system own the attribute, or verify its values at their source.
    Verify,
}

impl Remedy {
    /// The rule: a remedy for each cause.
    #[must_use]
    pub const fn of(cause: Cause) -> Self {
        match cause {
            Cause::Missing => Self::FillIn,
            Cause::RowCount => Self::ReadAgain,
            Cause::Duplicate => Self::Merge,
            Cause::Malformed => Self::Reform,
            Cause::NotAllowed => Self::MapValues,
            Cause::OutOfRange => Self::MendNumbers,
            Cause::Stale => Self::Refresh,
            Cause::Contradiction => Self::Compare,
            Cause::Dangling => Self::Relink,
            Cause::Disagreement => Self::NameOwner,
            Cause::Wrong => Self::Verify,
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FillIn => "fill in what is missing, or make the system ask for it",
            Self::ReadAgain => "read the system again from its start",
            Self::Merge => "merge what is one, and make the key unique where it is given",
            Self::Reform => "put the values into their form, and have it checked where they are entered",
            Self::MapValues => "map the values to those that are allowed, or allow them",
            Self::MendNumbers => "mend the numbers, or the bounds",
            Self::Refresh => "poll the system more often, or find out why it no longer writes",
            Self::Compare => "look which of the two values is wrong",
            Self::Relink => "link what is referred to, or clear the reference",
            Self::NameOwner => "name the system that owns the attribute, and settle the open cases",
            Self::Verify => "let another system own the attribute, or verify its values at their source",
        })
    }
}

/// Something to mend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recommendation {
    /// In this system.
    pub system: String,
    /// Of this type of entity.
    pub entity: String,
    /// These attributes; none where it is the table.
    pub attributes: Vec<String>,
    /// The check that fails.
    pub check: String,
    /// What is wrong.
    pub cause: Cause,
    /// What to do.
    pub remedy: Remedy,
    /// How many rows it is wrong of.
    pub affected: u64,
    /// Of how many.
    pub of: u64,
}

impl fmt::Display for Recommendation {
    /// One sentence, without values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, entity, check, remedy, affected, of, .. } = self;
        let attributes = if self.attributes.is_empty() { "all".to_owned() } else { self.attributes.join(", ") };
        write!(f, "{system}, {entity}, {attributes}: {affected} of {of} fail \"{check}\": {remedy}")
    }
}

/// Something to mend for each measure that fails, those that affect most rows first; where as many, in the order of their names.
#[must_use]
pub fn recommendations(measures: &[Measure]) -> Vec<Recommendation> {
    let failing = measures.iter().filter(|measure| measure.fails());
    let mut all: Vec<Recommendation> = failing
        .map(|measure| Recommendation {
            system: measure.system.clone(),
            entity: measure.entity.clone(),
            attributes: measure.attributes.clone(),
            check: measure.check.clone(),
            cause: measure.cause,
            remedy: Remedy::of(measure.cause),
            affected: measure.affected(),
            of: measure.of,
        })
        .collect();
    all.sort_by(|one, other| {
        let order = |of: &Recommendation| {
            (
                Reverse(of.affected),
                of.system.clone(),
                of.entity.clone(),
                of.attributes.clone(),
                of.check.clone(),
                of.cause,
            )
        };
        order(one).cmp(&order(other))
    });
    all
}
