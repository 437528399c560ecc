//! Points in time as values: `chrono::DateTime<Utc>`.

use std::cmp::Ordering;
use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, FixedOffset, MappedLocalTime, NaiveDateTime, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::value::date::{SHORT_YEAR, is_digits, millis, year_is_written};
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Value};

const NOT_AN_INSTANT: Malformed = Malformed::new("not a point in time");
const NO_ZONE: Malformed = Malformed::new("a local time without a zone");

/// Fewer digits are seconds, or a date without hyphens. As milliseconds they would all be in 1970, unseen.
const LEAST_DIGITS: usize = 12;

/// A point in time.
///
/// **Canonical form:** RFC 3339 in UTC, `2026-11-21T03:00:00Z`, with a fraction only if it is not zero, and then without
/// zeros at its end. Resolution: nanoseconds.
///
/// Reads, without a format: RFC 3339 with an offset; milliseconds since the epoch, as a number or a text of 12 digits
/// or more; ISO 8601 without an offset where the mapping gives the zone. With a `strftime` format, that format alone:
/// with an offset of its own, or in the mapping's zone. Seconds since the epoch are the format `%s` in the zone `UTC`.
/// A local time that the zone skips or repeats is refused: an hour is not guessed. So is a year of less than four
/// digits.
///
/// Writes what it reads: by the format, in the zone; without either, RFC 3339. A format without seconds loses them.
impl Value for DateTime<Utc> {
    const KIND: Kind = Kind { name: "instant", version: 1 };

    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
        let text = leaf.as_text().ok_or(NOT_AN_INSTANT)?.trim();
        if let Some(format) = hints.format.as_deref() {
            return formatted(text, format, hints);
        }
        if matches!(leaf, Leaf::Number(_)) || is_digits(text) {
            return epoch(text);
        }
        if !starts_with_a_year(text) {
            return Err(NOT_AN_INSTANT);
        }
        if let Ok(time) = text.parse::<DateTime<FixedOffset>>() {
            return Ok(time.to_utc());
        }
        let local = text
            .parse()
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
            .map_err(|_| NOT_AN_INSTANT)?;
        in_zone(local, hints)
    }

    fn canonical(&self, out: &mut String) {
        let nanos = self.nanosecond() % 1_000_000_000;
        // Writing to a string cannot fail.
        let _ = write!(out, "{}", self.format("%Y-%m-%dT%H:%M:%S"));
        if nanos != 0 {
            let _ = write!(out, ".{nanos:09}");
            out.truncate(out.trim_end_matches('0').len());
        }
        out.push('Z');
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        if !text.ends_with('Z') || !starts_with_a_year(text) {
            return Err(NOT_AN_INSTANT);
        }
        text.parse::<DateTime<FixedOffset>>().map(|time| time.to_utc()).map_err(|_| NOT_AN_INSTANT)
    }

    fn native(&self, hints: &Hints) -> Native {
        Native::Text(local_text(self, hints).unwrap_or_else(|| {
            let mut text = String::new();
            self.canonical(&mut text);
            text.into()
        }))
    }
}

impl OneLeaf for DateTime<Utc> {}

impl Ordered for DateTime<Utc> {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What the mapping's format and zone make of an instant; `None` if it has neither, or they cannot write it.
fn local_text(time: &DateTime<Utc>, hints: &Hints) -> Option<crate::text::Text> {
    let mut text = String::new();
    let iso = "%Y-%m-%dT%H:%M:%S%.f";
    match (hints.zone.as_deref(), hints.format.as_deref()) {
        (None, None) => return None,
        (None, Some(format)) => write!(text, "{}", time.format(format)).ok()?,
        (Some(zone), format) => {
            // Beyond that a local time may not exist: chrono's years end there.
            if !(-200_000..=200_000).contains(&time.year()) {
                return None;
            }
            let local = time.with_timezone(&zone.parse::<Tz>().ok()?);
            write!(text, "{}", local.format(format.unwrap_or(iso))).ok()?;
        }
    }
    Some(text.into())
}

fn epoch(text: &str) -> Result<DateTime<Utc>, Malformed> {
    if text.bytes().filter(u8::is_ascii_digit).count() < LEAST_DIGITS {
        return Err(Malformed::new("too few digits for milliseconds since the epoch"));
    }
    millis(text).and_then(DateTime::from_timestamp_millis).ok_or(NOT_AN_INSTANT)
}

fn formatted(text: &str, format: &str, hints: &Hints) -> Result<DateTime<Utc>, Malformed> {
    let wrong = |_| Malformed::new("not a point in time in its format");
    let (local, offset) = match DateTime::parse_from_str(text, format) {
        Ok(time) => (time.to_utc().naive_utc(), true),
        Err(_) => (NaiveDateTime::parse_from_str(text, format).map_err(wrong)?, false),
    };
    if !year_is_written(local.year(), text) {
        return Err(SHORT_YEAR);
    }
    if offset { Ok(local.and_utc()) } else { in_zone(local, hints) }
}

fn in_zone(local: NaiveDateTime, hints: &Hints) -> Result<DateTime<Utc>, Malformed> {
    let zone = hints.zone.as_deref().ok_or(NO_ZONE)?;
    let zone: Tz = zone.parse().map_err(|_| Malformed::new("not an IANA time zone"))?;
    if !(-200_000..=200_000).contains(&local.year()) {
        return Err(NOT_AN_INSTANT);
    }
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(time) => Ok(time.to_utc()),
        MappedLocalTime::Ambiguous(..) => Err(Malformed::new("a local time that occurs twice in its zone")),
        MappedLocalTime::None => Err(Malformed::new("a local time that its zone skips")),
    }
}

/// chrono reads `26-11-21` as the year 26.
fn starts_with_a_year(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).bytes().take_while(u8::is_ascii_digit).count();
    digits >= 4
}

#[cfg(test)]
mod tests;
