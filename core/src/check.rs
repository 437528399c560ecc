//! Checks: what is verified of entities though no event asked for it, and which of what is due is verified first. Pure:
//! instants, budgets and what was spent of them are arguments.
//!
//! Beside what systems are asked for, a check may look at what is held: of each entity ([`EntityCheck`]), and of all of them together
//! ([`Aggregate`]). That takes no calls, and is due as its priority says.
//!
//! A check is one dimension of one subject in one connection. Each priority has an interval ([`Cadence`]); a check is due when it
//! was last verified so long ago. [`choose`] takes the due checks that are most overdue *for their interval* until the budget
//! of their connection is spent: what is due every hour and waits for two goes before what is due every week and waits for
//! eight days, and after what waits for fifteen. So no priority starves; with too small a budget, the checks of every priority are
//! late by the same factor, and nothing is dropped. How old a verification can get is computed beforehand ([`age_bound`]).
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use accordant::check::{Account, Budget, Cadence, Check, Priority, choose};
//! use accordant::chrono::TimeDelta;
//! use accordant::id::ConnectionName;
//!
//! let crm = ConnectionName::new("crm");
//! let hour = 60 * 60 * 1000;
//! let due = |what: &'static str, priority, hours: i64| Check { what, connection: crm.clone(), priority, since: -hours * hour, cost: 1 };
//! let budget = Budget::new(2, TimeDelta::minutes(1))?;
//! let budgets = BTreeMap::from([(crm.clone(), (budget, Account::full(&budget, 0)))]);
//!
//! let checks = [
//!     due("a note of last week", Priority::Low, 8 * 24),
//!     due("a price", Priority::Critical, 2),
//!     due("an address", Priority::High, 4),
//!     due("a note that is forgotten", Priority::Low, 15 * 24),
//! ];
//! let chosen = choose(checks, &budgets, &Cadence::default(), 0)?;
//! assert_eq!(chosen.checks, ["a note that is forgotten", "a price"]);
//! assert_eq!(chosen.waiting, 1); // the address is not due before six hours
//! # Ok::<(), accordant::check::CheckError>(())
//! ```

mod account;
mod aggregate;
mod bound;
mod budget;
mod cadence;
mod entity;
mod reference;
mod schedule;
mod urgency;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::ConnectionName;
use crate::text::Text;
use crate::value::Decimal;

pub use account::Account;
pub use aggregate::{Aggregate, Tally, Total};
pub(crate) use bound::apart;
pub use bound::{Load, age_bound};
pub use budget::Budget;
pub use cadence::Cadence;
pub use entity::{EntityCheck, Examined, Reaches, Reference, Violation, batch, each};
pub use reference::References;
pub use schedule::{Check, Chosen, choose};
pub(crate) use urgency::{MostUrgent, Urgency};

/// What is verified.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dimension {
    /// That the record is there, where one is expected, and gone where it is.
    Presence,
    /// That the system says what is golden.
    Agreement,
    /// That what is held of the record is what the system says now: that no change was missed.
    Freshness,
    /// That what a reference names is there, and is what golden names.
    Reference,
    /// That counts and sums over many records agree.
    Aggregate,
    /// That the system still describes its fields as the mappings expect them.
    Schema,
    /// That values are what they should be.
    Quality,
    /// A check of the user's own, by name.
    Own(Text),
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dimension::Presence => "presence",
            Dimension::Agreement => "agreement",
            Dimension::Freshness => "freshness",
            Dimension::Reference => "reference",
            Dimension::Aggregate => "aggregate",
            Dimension::Schema => "schema",
            Dimension::Quality => "quality",
            Dimension::Own(name) => name,
        })
    }
}

/// How urgent something is: how soon it is verified again, and which of what waits to be read goes first. The most urgent is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// What loses money within hours.
    Critical,
    /// What people work with today.
    High,
    /// Everything that nothing else is said of.
    #[default]
    Normal,
    /// What can be wrong for days.
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Priority; 4] = [Priority::Critical, Priority::High, Priority::Normal, Priority::Low];
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Priority::Critical => "critical",
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        })
    }
}

/// A budget, an interval or a check that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A budget of no calls.
    #[error("a budget of no calls lets nothing be verified; disconnect the system, or pause it")]
    NoCalls,
    /// An interval that is zero, negative, or too long to be meant.
    #[error("{what} is {milliseconds} ms; it must be at least {least} ms and at most {most} ms")]
    Interval {
        /// Of what.
        what: &'static str,
        /// What it is.
        milliseconds: i64,
        /// The shortest that is taken.
        least: i64,
        /// The longest.
        most: i64,
    },
    /// A more urgent priority would be verified less often.
    #[error("{more} would be verified less often than {less}")]
    Disorder {
        /// The more urgent.
        more: Priority,
        /// The less urgent.
        less: Priority,
    },
    /// A share is at most 99 %: what is reserved whole leaves nothing to verify by.
    #[error("{percent} % are reserved; it must be below 100 %")]
    Reserved {
        /// What was asked for.
        percent: u8,
    },
    /// What is left beside the reserved share is less than one call.
    #[error("{calls} calls, of which {percent} % are reserved, leave none")]
    NothingLeft {
        /// How many calls there are.
        calls: u32,
        /// The share that is reserved.
        percent: u8,
    },
    /// A check costs more than its budget ever allows at once.
    #[error("a check costs {cost} calls, and the budget never allows more than {most} at once")]
    TooDear {
        /// How many calls it takes.
        cost: u32,
        /// How many are allowed.
        most: u32,
    },
    /// A budget so small that what is lost at the end of each day is all of it.
    #[error("the budget is too small for any bound on the age of a verification")]
    TooLittle,
    /// Totals that may differ by less than nothing.
    #[error("a tolerance of {tolerance} is less than nothing")]
    Tolerance {
        /// What was asked for.
        tolerance: Decimal,
    },
    /// A check in a connection that has no budget.
    #[error("connection `{connection}` has no budget")]
    NoBudget {
        /// Which connection.
        connection: ConnectionName,
    },
}
