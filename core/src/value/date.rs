//! Plain dates and instants. A plain date has no zone and is never converted; an instant always has one.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Value};

/// A plain date.
///
/// **Canonical form:** ISO 8601, `2026-11-21`. The mapping's `format` (`strftime`) reads and writes others.
impl Value for NaiveDate {
    const KIND: Kind = Kind { name: "date", version: 1 };

    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
        let text = leaf.as_text().ok_or(Malformed::new("not a date"))?.trim();
        let format = hints.format.as_deref().unwrap_or("%Y-%m-%d");
        NaiveDate::parse_from_str(text, format).map_err(|_| Malformed::new("not a date in the mapping's format"))
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse().map_err(|_| Malformed::new("not a date"))
    }

    fn native(&self, hints: &Hints) -> Native {
        match hints.format.as_deref() {
            Some(format) => Native::Text(self.format(format).to_string().into()),
            None => Native::Text(self.to_string().into()),
        }
    }
}

impl OneLeaf for NaiveDate {}

impl Ordered for NaiveDate {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An instant.
///
/// **Canonical form:** RFC 3339 in UTC, with a fraction only where there is one. Reads RFC 3339 with any offset,
/// milliseconds since the epoch, and local times in the mapping's `zone` and `format`. A local time that the zone skips or
/// repeats is refused: it names no one instant.
impl Value for DateTime<Utc> {
    const KIND: Kind = Kind { name: "instant", version: 1 };

    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
        const NOT_AN_INSTANT: Malformed = Malformed::new("not an instant");
        let text = leaf.as_text().ok_or(NOT_AN_INSTANT)?.trim();
        if let Some(zone) = hints.zone.as_deref() {
            let zone: Tz = zone.parse().map_err(|_| Malformed::new("the mapping's zone is not an IANA zone"))?;
            let format = hints.format.as_deref().unwrap_or("%Y-%m-%d %H:%M:%S");
            let local = NaiveDateTime::parse_from_str(text, format).map_err(|_| NOT_AN_INSTANT)?;
            let instant = zone.from_local_datetime(&local).single();
            return instant
                .map(|instant| instant.with_timezone(&Utc))
                .ok_or(Malformed::new("a local time that its zone skips or repeats"));
        }
        if text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) {
            let millis = text.parse().map_err(|_| NOT_AN_INSTANT)?;
            return DateTime::from_timestamp_millis(millis).ok_or(NOT_AN_INSTANT);
        }
        DateTime::parse_from_rfc3339(text).map(|instant| instant.with_timezone(&Utc)).map_err(|_| NOT_AN_INSTANT)
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| Malformed::new("not an instant"))?;
        Ok(instant.with_timezone(&Utc))
    }

    fn native(&self, hints: &Hints) -> Native {
        let zone = hints.zone.as_deref().and_then(|zone| zone.parse::<Tz>().ok());
        match zone {
            Some(zone) => {
                let format = hints.format.as_deref().unwrap_or("%Y-%m-%d %H:%M:%S");
                Native::Text(self.with_timezone(&zone).format(format).to_string().into())
            }
            None => Native::Text(self.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()),
        }
    }
}

impl OneLeaf for DateTime<Utc> {}

impl Ordered for DateTime<Utc> {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
