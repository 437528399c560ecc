//! Bases: per link and unit, the common ancestor of what a system holds and what golden holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::RecordRef;
use crate::stamp::Stamp;
use crate::value::Field;

/// Where and when a value was first said.
///
/// A cell that equals what we wrote there inherits the origin of what we wrote: our own echo is no witness.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The record that said it first.
    pub record: Arc<RecordRef>,
    /// The stamp since which it says so.
    pub stamp: Stamp,
}

/// What a system last held and had accepted, and the golden value it was accepted against.
///
/// Both sides of the pair answer one question each. Has the system moved? Its value is not the same as `seen`. Is a
/// write owed? Golden is not the same as `agreed`, or the value lost; and the system does not hold golden.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Base {
    /// The system's last accepted value.
    pub seen: Field,
    /// The golden value against which it was accepted; for a value that lost a resolution, that of the value before it.
    pub agreed: Field,
    /// Whether `seen` was heard and lost: golden was never accepted against it, so a write is owed even where golden did
    /// not move.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// The origin of what we wrote there, if `seen` is our own writing. Boxed, as few are: there are more bases than
    /// anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<Box<Origin>>,
    /// What our last write there displaced: restoring it is a reaction, and counts towards the oscillation breaker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displaced: Option<Box<Field>>,
}

impl Base {
    /// A base for a value that was accepted into golden as it stands.
    #[must_use]
    pub fn accepted(seen: Field, golden: Field) -> Self {
        Self { seen, agreed: golden, lost: false, wrote: None, displaced: None }
    }

    /// A base for a value that lost a resolution, after what was accepted before: a write of golden is owed. What the
    /// system last agreed with stays known; the value itself never was golden, and is no evidence for anybody.
    #[must_use]
    pub fn lost(seen: Field, before: &Self) -> Self {
        Self { seen, agreed: before.agreed.clone(), lost: true, wrote: None, displaced: None }
    }

    /// Whether the system has not accepted golden: a write is owed, unless it holds golden. `same` is the unit's
    /// equivalence.
    #[must_use]
    pub fn is_behind(&self, golden: &Field, same: impl Fn(&Field, &Field) -> bool) -> bool {
        self.lost || !same(&self.agreed, golden)
    }
}
