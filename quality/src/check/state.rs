//! What a check has seen of some rows.

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::lags::Lags;
use super::tally::Tally;
use super::{Check, CheckError, Rule, Settings};

/// What a check has seen of some rows: all that is needed to go on from there, or to put it before what another has seen of the
/// rows behind them. It can be stored; one that keeps keys in files is stored with them.
///
/// The state of a check of uniqueness holds each key that it has seen, as it stands in the table: where keys are personal data,
/// what is stored of it is too.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// The name of the check.
    check: String,
    pub(crate) rows: u64,
    pub(crate) held: Held,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Held {
    /// The number of rows is all.
    Rows,
    Tally(Tally),
    Ages(Tally, Lags),
    Keys(Keys),
}

/// No table has more rows: a stored state of more is none.
const MOST: u64 = i64::MAX.cast_unsigned();

impl State {
    pub(crate) fn new(check: &Check) -> Self {
        let held = match check.rule {
            Rule::Rows { .. } => Held::Rows,
            Rule::Unique { .. } => Held::Keys(Keys::default()),
            Rule::Fresh { .. } => Held::Ages(Tally::default(), Lags::default()),
            _ => Held::Tally(Tally::default()),
        };
        Self { check: check.name.clone(), rows: 0, held }
    }

    /// How many rows it has seen, those that the check passes over included.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether such a state comes of the check: it has its name, and is what its rule makes.
    pub(crate) fn is_of(&self, check: &Check) -> bool {
        let sound = |tally: &Tally| tally.good <= tally.of && tally.of <= self.rows;
        if self.check != check.name || self.rows > MOST {
            return false;
        }
        match (&self.held, &check.rule) {
            (Held::Rows, Rule::Rows { .. }) => true,
            (Held::Keys(keys), Rule::Unique { .. }) => keys.rows() <= self.rows,
            (Held::Ages(tally, lags), Rule::Fresh { .. }) => sound(tally) && lags.count() <= tally.of,
            (Held::Tally(_), Rule::Rows { .. } | Rule::Unique { .. } | Rule::Fresh { .. }) => false,
            (Held::Tally(tally), _) => sound(tally),
            _ => false,
        }
    }

    /// How many rows there are with those of a state behind it; nothing if no table has so many.
    pub(crate) fn rows_with(&self, later: &Self) -> Option<u64> {
        self.rows.checked_add(later.rows).filter(|rows| *rows <= MOST)
    }

    /// Puts behind it what the same check has seen of the rows behind these. The order of merging does not matter: the parts
    /// of a table, merged as they stand, come to what one pass over it comes to.
    ///
    /// # Errors
    ///
    /// [`CheckError::OtherChecks`] if it is the state of another check, or of more rows than tables have, and neither has changed;
    /// [`CheckError::Spill`] if keys have no room, and this state is then not to be used any more.
    pub fn merge(&mut self, later: Self, settings: &Settings) -> Result<(), CheckError> {
        let before = self.rows;
        let rows = self.rows_with(&later).filter(|_| self.check == later.check).ok_or(CheckError::OtherChecks)?;
        match (&mut self.held, later.held) {
            (Held::Rows, Held::Rows) => {}
            (Held::Tally(held), Held::Tally(later)) => held.append(later, before, settings.examples),
            (Held::Ages(held, ages), Held::Ages(later, later_ages)) => {
                held.append(later, before, settings.examples);
                ages.append(later_ages);
            }
            (Held::Keys(held), Held::Keys(later)) => held.append(later, before, settings)?,
            _ => return Err(CheckError::OtherChecks),
        }
        self.rows = rows;
        Ok(())
    }
}
