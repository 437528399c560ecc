//! Ownership: who may say what is true of a unit (the truth boundary), and who may write it.

use serde::{Deserialize, Serialize};

/// What a system is to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The unit names this system as owner. It is written only by a person's decision.
    Owner,
    /// The unit has no owner: every mapped system may move it.
    CoOwner,
    /// Another system owns the unit: this one's value never becomes golden.
    Observer,
}

impl Authority {
    /// Whether a move here may move the golden value.
    #[must_use]
    pub const fn decides(self) -> bool {
        matches!(self, Authority::Owner | Authority::CoOwner)
    }
}

/// How hard a mapping pushes the golden value into its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Fills what never had a value. Never overwrites, and never refills what was cleared.
    Weak,
    /// Propagates changes of the golden value.
    #[default]
    Normal,
    /// Enforces: a deviating observer is written back. Refused towards owners and co-owners.
    Strong,
}

/// Which way a mapping works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Reads and writes.
    #[default]
    Both,
    /// Reads only: computed fields, reports.
    ReadOnly,
    /// Writes only.
    WriteOnly,
}

/// Whether golden follows when an authority clears a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnClear {
    /// Golden is cleared too. The default for an owner.
    Propagate,
    /// Golden stays; the difference stays listed. The default for a co-owner.
    Hold,
}
