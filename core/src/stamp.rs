//! Stamps: what decides which of two observations of one cell is later. Arrival order never does.

use serde::{Deserialize, Serialize};

/// The place of an observation in the ordering domain of its connection and object type.
///
/// Compared lexicographically: first the source's own token, then the number of the read that fetched it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// The source's token: milliseconds since the epoch, or a version number, as the [`Domain`] says.
    pub token: i64,
    /// Issued by the store when a read starts: of a record, or of a page of a scan or of a poll without tokens. 0 for push
    /// and for every other poll. A tenant never uses a number twice: at a million reads a second, they last half a million
    /// years.
    pub read: u64,
}

impl Stamp {
    /// A pushed or polled stamp.
    #[must_use]
    pub const fn new(token: i64) -> Self {
        Self { token, read: 0 }
    }
}

/// What the tokens of an ordering domain mean.
///
/// Each connection and object type declares **one** domain: the surfaces whose tokens can be compared. The others hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Domain {
    /// Tokens are instants of one kind, in milliseconds since the epoch.
    Time(TimeScale),
    /// Tokens are versions: they order one record's states and say nothing of time.
    Version,
    /// The source gives no order; the number of the read is all there is.
    ReadOrder,
}

impl Domain {
    /// The scale of the tokens, if they are instants.
    #[must_use]
    pub const fn scale(self) -> Option<TimeScale> {
        match self {
            Domain::Time(scale) => Some(scale),
            Domain::Version | Domain::ReadOrder => None,
        }
    }
}

/// What kind of instant a system reports, and how far to trust it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeScale {
    /// What happened at the instant. Kinds are never compared silently.
    pub kind: TimeKind,
    /// The grain of the instants, in milliseconds.
    pub precision_ms: u32,
    /// How far the system's clock may be off, in milliseconds, either way.
    pub skew_ms: u32,
}

/// What an instant is the time of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeKind {
    /// The field changed.
    FieldModified,
    /// Something in the record changed.
    RecordModified,
    /// The system published the change.
    Published,
    /// The event occurred.
    Occurred,
    /// We saw it.
    Observed,
}
