//! When something was said: an instant where the system's stamps are instants, a version or a read number otherwise.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Origin;
use crate::id::RecordRef;
use crate::sight::Ground;
use crate::stamp::{Domain, Stamp, TimeKind};
use crate::view::RecordSchema;

/// When a system said something, as far as its stamps tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum When {
    /// The system reports instants.
    At {
        /// The instant.
        #[schemars(with = "String")]
        at: DateTime<Utc>,
        /// What happened at it. Instants of different kinds are not compared.
        #[schemars(with = "String")]
        kind: TimeKind,
    },
    /// The system reports versions: they order one record's states and say nothing of time.
    Version(i64),
    /// The system gives no order; this is the number of our own read.
    Read(u64),
}

impl When {
    /// What a stamp of this ordering domain says.
    #[must_use]
    pub fn of(stamp: Stamp, domain: Domain) -> Self {
        match domain {
            Domain::Time(scale) => match DateTime::from_timestamp_millis(stamp.token) {
                Some(at) => When::At { at, kind: scale.kind },
                None => When::Version(stamp.token),
            },
            Domain::Version => When::Version(stamp.token),
            Domain::ReadOrder => When::Read(stamp.read),
        }
    }

    /// The instant and its kind, if it is one.
    #[must_use]
    pub const fn instant(&self) -> Option<(DateTime<Utc>, TimeKind)> {
        match self {
            When::At { at, kind } => Some((*at, *kind)),
            When::Version(_) | When::Read(_) => None,
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::At { at, .. } => f.write_str(&instant(*at)),
            When::Version(version) => write!(f, "version {version}"),
            When::Read(number) => write!(f, "read {number}"),
        }
    }
}

/// An instant as people read it: to the minute, unless it says more.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    let millis = at.timestamp_millis();
    let format = if millis % 60_000 == 0 {
        "%Y-%m-%d %H:%M UTC"
    } else if millis % 1000 == 0 {
        "%Y-%m-%d %H:%M:%S UTC"
    } else {
        "%Y-%m-%d %H:%M:%S%.3f UTC"
    };
    at.format(format).to_string()
}

/// Milliseconds since the epoch, as people read them.
pub(crate) fn instant_of(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis).map_or_else(|| format!("{millis} ms"), instant)
}

/// A span as people read it: its two largest units.
pub(crate) fn span(millis: i64) -> String {
    const UNITS: [(i64, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms")];
    let mut rest = millis.max(0);
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count} {name}"));
        }
        if parts.len() == 2 || (count == 0 && !parts.is_empty()) {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// Where and when a value was first said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct FirstSaid {
    /// The record that said it first. Of our own writing it is the record whose value we wrote.
    #[schemars(with = "RecordSchema")]
    pub record: RecordRef,
    /// When.
    pub when: When,
}

impl FirstSaid {
    pub(crate) fn of(ground: &Ground<'_>, origin: &Origin) -> Self {
        let when = When::of(origin.stamp, (ground.domain)(&origin.record));
        Self { record: (*origin.record).clone(), when }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_shows_its_two_largest_units() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(1500), "1 s 500 ms");
        assert_eq!(span(86_400_000 + 61_000), "1 d");
        assert_eq!(span(3 * 86_400_000 + 2 * 3_600_000 + 5), "3 d 2 h");
    }

    #[test]
    fn an_instant_is_shown_as_exactly_as_it_was_said() {
        assert_eq!(instant_of(1_772_356_320_000), "2026-03-01 09:12 UTC");
        assert_eq!(instant_of(1_772_356_321_000), "2026-03-01 09:12:01 UTC");
        assert_eq!(instant_of(1_772_356_321_007), "2026-03-01 09:12:01.007 UTC");
    }
}
