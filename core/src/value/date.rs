//! Calendar dates as values: `chrono::NaiveDate`.

use std::cmp::Ordering;
use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime};

use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Value, exact};

const NOT_A_DATE: Malformed = Malformed::new("not a date");

/// A day of the calendar. It has no zone and is never converted: a birthday is the same day everywhere.
///
/// **Canonical form:** ISO 8601, `2026-11-21`.
///
/// Reads that form; or, where the mapping gives a `strftime` format, that format alone. A number, or a text of digits,
/// is milliseconds since the epoch if it is midnight UTC to the millisecond: so HubSpot spells dates in its webhooks.
/// Any other time of day is refused, because the day would depend on a zone; so is a year of less than four digits.
impl Value for NaiveDate {
    const KIND: Kind = Kind { name: "date", version: 1 };

    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
        let text = leaf.as_text().ok_or(NOT_A_DATE)?.trim();
        match hints.format.as_deref() {
            Some(format) => {
                let date =
                    Self::parse_from_str(text, format).map_err(|_| Malformed::new("not a date in its format"))?;
                if year_is_written(date.year(), text) { Ok(date) } else { Err(SHORT_YEAR) }
            }
            None if matches!(leaf, Leaf::Number(_)) || is_digits(text) => midnight(text),
            None => iso(text),
        }
    }

    fn canonical(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{self}");
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        iso(text)
    }

    fn native(&self, hints: &Hints) -> Native {
        let mut text = String::new();
        let written = hints.format.as_deref().map(|format| write!(text, "{}", self.format(format)));
        // A format that asks for more than a date has fails to write; the standard form says at least what was meant.
        if !matches!(written, Some(Ok(()))) {
            text = self.to_string();
        }
        Native::Text(text.into())
    }
}

impl OneLeaf for NaiveDate {}

impl Ordered for NaiveDate {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A `%Y` reads `26` as the year 26: two thousand years off, and nobody would see it.
pub(super) const SHORT_YEAR: Malformed = Malformed::new("a year of less than four digits");

/// Whether a year before 1000 stands in the text with its zeros.
pub(super) fn year_is_written(year: i32, text: &str) -> bool {
    year.unsigned_abs() >= 1000 || text.contains(&format!("{:04}", year.unsigned_abs()))
}

pub(super) fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Milliseconds since the epoch, as the text of a whole number.
pub(super) fn millis(text: &str) -> Option<i64> {
    let (negative, size) = exact::whole(text)?;
    let size = i64::try_from(size).ok()?;
    Some(if negative { -size } else { size })
}

fn midnight(text: &str) -> Result<NaiveDate, Malformed> {
    let time = millis(text).and_then(DateTime::from_timestamp_millis).ok_or(NOT_A_DATE)?;
    if time.time() == NaiveTime::MIN {
        Ok(time.date_naive())
    } else {
        Err(Malformed::new("a time of day where a date should be"))
    }
}

/// Four digits of year, two of month, two of day. Years beyond 9999 have a sign and more digits (ISO 8601, expanded).
fn iso(text: &str) -> Result<NaiveDate, Malformed> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    let [year @ .., b'-', _, _, b'-', _, _] = unsigned else { return Err(NOT_A_DATE) };
    let digits = unsigned.iter().filter(|byte| byte.is_ascii_digit()).count();
    if year.len() < 4 || digits != unsigned.len() - 2 {
        return Err(NOT_A_DATE);
    }
    text.parse().map_err(|_| NOT_A_DATE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    fn format(format: &str) -> Hints {
        Hints { format: Some(format.into()), ..Hints::default() }
    }

    #[test]
    fn equal_dates_have_one_form() {
        for (leaf, hints, expected) in [
            (Leaf::Text("2026-11-21"), Hints::default(), "2026-11-21"),
            (Leaf::Text("11/21/2026"), format("%m/%d/%Y"), "2026-11-21"),
            (Leaf::Text("20261121"), format("%Y%m%d"), "2026-11-21"),
            (Leaf::Number("20261121"), format("%Y%m%d"), "2026-11-21"),
            (Leaf::Number("1795219200000"), Hints::default(), "2026-11-21"),
            (Leaf::Text("-86400000"), Hints::default(), "1969-12-31"),
            (Leaf::Text("0026-11-21"), Hints::default(), "0026-11-21"),
        ] {
            assert_eq!(canonical::<NaiveDate>(leaf, &hints).as_deref(), Ok(expected), "{leaf:?}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["", "2026-02-30", "26-11-21", "2026-1-5", "20261121", "2026-11-21T00:00:00Z", "1795219200001", "tomorrow"]
        {
            assert!(NaiveDate::parse(Leaf::Text(text), &Hints::default()).is_err(), "{text}");
        }
        assert_eq!(NaiveDate::parse(Leaf::Text("11/21/26"), &format("%m/%d/%Y")), Err(SHORT_YEAR));
        assert!(NaiveDate::parse(Leaf::Number("99999999999999999999"), &Hints::default()).is_err());
    }

    #[test]
    fn the_ends_of_time_are_dates() {
        for date in [NaiveDate::MIN, NaiveDate::MAX] {
            holds::<NaiveDate>(&date.to_string(), &Hints::default());
            let mut text = String::new();
            date.canonical(&mut text);
            assert_eq!(NaiveDate::from_canonical(&text), Ok(date));
        }
    }

    #[test]
    fn a_format_that_a_date_cannot_fill_gives_the_standard_form() {
        let date = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day");
        for bad in ["%H:%M", "%", "%Q"] {
            assert_eq!(date.native(&format(bad)), Native::Text("2026-11-21".into()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "[-+]?[0-9]{1,7}-[0-9]{1,2}-[0-9]{1,2}|[-0-9]{1,20}|.{0,2000}") {
            holds::<NaiveDate>(&text, &Hints::default());
        }

        #[test]
        fn no_format_panics(text in ".{0,40}", written in "%?.{0,12}", days in -1_000_000..1_000_000_i64) {
            let _ = NaiveDate::parse(Leaf::Text(&text), &format(&written));
            let date = NaiveDate::default() + chrono::TimeDelta::days(days);
            drop(date.native(&format(&written)));
        }
    }
}
