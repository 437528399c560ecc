//! What a check asks of the rows.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CheckError, Pattern, Reference};
use crate::score::Cause;
#[cfg(feature = "validators")]
use crate::validate::Validator;

/// A named demand on the rows of a table.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name, by which outcomes are told apart.
    pub name: String,
    /// What each row is asked.
    pub rule: Rule,
    /// The least share of rows that must pass, from 0 to 1.
    pub at_least: f64,
}

/// What each row is asked. Rows without a value are judged by [`Rule::Present`] and [`Rule::PresentWhen`] alone; the other rules pass
/// over them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Rule {
    /// The table has so many rows. One thing is judged: the table.
    Rows {
        /// At least.
        least: u64,
        /// At most.
        most: Option<u64>,
    },
    /// The row has a value.
    Present {
        /// The column.
        column: String,
    },
    /// The row has a value, if another of its columns has one, or has this very text. The other rows are passed over.
    PresentWhen {
        /// The column.
        column: String,
        /// The column that says whether a value is expected.
        when: String,
        /// The text that it then has: `when` is a column of texts; any value where none is named.
        equals: Option<String>,
    },
    /// No earlier row has the same values in these columns. Rows that lack one of them are passed over.
    Unique {
        /// The columns.
        columns: Vec<String>,
    },
    /// The whole text is of the pattern.
    Matches {
        /// The column, of texts.
        column: String,
        /// The pattern.
        pattern: Arc<Pattern>,
    },
    /// The text is one of these.
    OneOf {
        /// The column, of texts.
        column: String,
        /// Those that are allowed.
        values: BTreeSet<String>,
    },
    /// The number is between these, both included. A text that is no number fails.
    Between {
        /// The column, of numbers or of texts.
        column: String,
        /// The least number.
        least: Option<Bound>,
        /// The greatest.
        most: Option<Bound>,
    },
    /// The moment is not later than now, and not longer ago than this. A text that is no moment fails.
    Fresh {
        /// The column, of moments or of texts (RFC 3339, or a date).
        column: String,
        /// Now, in microseconds since 1970 in UTC.
        now: i64,
        /// The greatest age, in microseconds.
        within: i64,
    },
    /// The values of two columns, in this relation. Rows that lack one are passed over. Two texts are equal if they are the same text;
    /// which of them is less is asked of the moments or the numbers that they both are, and the row fails where they are not.
    Related {
        /// The one column.
        left: String,
        /// How it stands to the other.
        relation: Relation,
        /// The other, of the same kind.
        right: String,
    },
    /// The value is one of those that another table has.
    Refers {
        /// The column, of texts or whole numbers.
        column: String,
        /// What it may refer to.
        to: Arc<Reference>,
    },
    /// A validator takes the text.
    #[cfg(feature = "validators")]
    Valid {
        /// The column, of texts.
        column: String,
        /// The validator.
        validator: Validator,
    },
}

/// A bound of a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// A whole number.
    Whole(i64),
    /// Any number. It is the double that is meant, and doubles are compared.
    Real(f64),
}

/// How one value stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Less.
    Less,
    /// Less, or the same.
    AtMost,
    /// The same.
    Equal,
}

impl Relation {
    pub(crate) const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
        }
    }
}

impl Bound {
    /// How a whole number stands to it, exactly.
    pub(crate) fn of_whole(self, value: i64) -> Option<Ordering> {
        match self {
            Self::Whole(bound) => Some(value.cmp(&bound)),
            Self::Real(bound) => whole_to_real(value, bound),
        }
    }

    /// How a number stands to it. Nothing of what is none.
    pub(crate) fn of_real(self, value: f64) -> Option<Ordering> {
        match self {
            Self::Whole(bound) => whole_to_real(bound, value).map(Ordering::reverse),
            Self::Real(bound) => value.partial_cmp(&bound),
        }
    }
}

/// A whole number beside a double, without rounding either.
fn whole_to_real(whole: i64, real: f64) -> Option<Ordering> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if real.is_nan() {
        return None;
    }
    if real >= BEYOND {
        return Some(Ordering::Less);
    }
    if real < -BEYOND {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is within, and the part behind the point comes next")]
    let below = real.floor() as i64;
    Some(whole.cmp(&below).then(if real.floor() < real { Ordering::Less } else { Ordering::Equal }))
}

impl Rule {
    /// What is wrong with rows that do not pass.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Rows { .. } => Cause::RowCount,
            Self::Present { .. } | Self::PresentWhen { .. } => Cause::Missing,
            Self::Unique { .. } => Cause::Duplicate,
            Self::Matches { .. } => Cause::Malformed,
            #[cfg(feature = "validators")]
            Self::Valid { .. } => Cause::Malformed,
            Self::OneOf { .. } => Cause::NotAllowed,
            Self::Between { .. } => Cause::OutOfRange,
            Self::Fresh { .. } => Cause::Stale,
            Self::Related { .. } => Cause::Contradiction,
            Self::Refers { .. } => Cause::Dangling,
        }
    }

    /// The columns that it looks at.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Rows { .. } => Vec::new(),
            Self::Unique { columns } => columns.iter().map(String::as_str).collect(),
            Self::Related { left, right, .. } => vec![left, right],
            Self::PresentWhen { column, when, .. } => vec![column, when],
            Self::Present { column }
            | Self::Matches { column, .. }
            | Self::OneOf { column, .. }
            | Self::Between { column, .. }
            | Self::Fresh { column, .. }
            | Self::Refers { column, .. } => vec![column],
            #[cfg(feature = "validators")]
            Self::Valid { column, .. } => vec![column],
        }
    }
}

impl Check {
    /// Whether it asks for something that rows can do.
    pub(crate) fn validate(&self) -> Result<(), CheckError> {
        let check = || self.name.clone();
        if !(0.0..=1.0).contains(&self.at_least) {
            return Err(CheckError::Threshold { check: check(), at_least: self.at_least });
        }
        let fits = match &self.rule {
            Rule::Rows { least, most } => most.is_none_or(|most| *least <= most),
            Rule::Between { least, most, .. } => {
                let number = |bound: &Bound| !matches!(bound, Bound::Real(real) if real.is_nan());
                let ordered = match (least, most) {
                    (Some(Bound::Whole(least)), Some(most)) => most.of_whole(*least).is_some_and(Ordering::is_le),
                    (Some(Bound::Real(least)), Some(most)) => most.of_real(*least).is_some_and(Ordering::is_le),
                    (None, None) => false,
                    _ => true,
                };
                ordered && least.iter().chain(most).all(number)
            }
            Rule::Fresh { within, .. } => *within >= 0,
            _ => true,
        };
        if !fits {
            return Err(CheckError::Bounds { check: check() });
        }
        let empty = match &self.rule {
            Rule::Unique { columns } => columns.is_empty(),
            Rule::OneOf { values, .. } => values.is_empty(),
            _ => false,
        };
        if empty {
            return Err(CheckError::Empty { check: check() });
        }
        let columns = self.rule.columns();
        for (place, column) in columns.iter().enumerate() {
            if columns[..place].contains(column) {
                return Err(CheckError::TwiceNamed { name: (*column).to_owned() });
            }
        }
        Ok(())
    }
}
