//! Ordering tokens: the system's own times and versions as whole numbers.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;

use crate::surface::TokenFormat;
use crate::value::Leaf;

/// How one surface's tokens are read: [`TokenFormat`] with its zone looked up.
#[derive(Debug, Clone)]
pub(super) enum TokenReader {
    Millis,
    Rfc3339,
    /// [`PLAIN`], in UTC.
    PlainUtc,
    Local {
        format: String,
        zone: Tz,
    },
    Integer,
    /// The shape names a zone that the IANA database does not have.
    UnknownZone,
}

/// The local format that SuiteQL's `TO_CHAR` is asked for: read by hand.
const PLAIN: &str = "%Y-%m-%d %H:%M:%S";
const NOT_LOCAL: &str = "a local time of the format and zone given";

impl TokenReader {
    pub(super) fn of(format: &TokenFormat) -> Self {
        match format {
            TokenFormat::Millis => Self::Millis,
            TokenFormat::Rfc3339 => Self::Rfc3339,
            TokenFormat::Local { format, zone } => match zone.parse() {
                Ok(Tz::UTC) if format == PLAIN => Self::PlainUtc,
                Ok(zone) => Self::Local { format: format.clone(), zone },
                Err(_) => Self::UnknownZone,
            },
            TokenFormat::Integer => Self::Integer,
        }
    }

    /// The token, or what it is not.
    ///
    /// Of a local time that the zone has twice the earlier is taken: what comes after it is then read once more rather
    /// than missed. A local time that the zone skips shows that the zone is not the system's, and is refused.
    pub(super) fn read(&self, leaf: Leaf<'_>) -> Result<i64, &'static str> {
        let text = leaf.as_text().map(str::trim);
        match self {
            Self::Millis => text.and_then(millis).ok_or("a number of milliseconds"),
            Self::Rfc3339 => text.and_then(rfc3339).ok_or("a time as in RFC 3339"),
            Self::PlainUtc => text.and_then(plain_utc).ok_or(NOT_LOCAL),
            Self::Local { format, zone } => text.and_then(|text| local(text, format, *zone)).ok_or(NOT_LOCAL),
            Self::Integer => text.and_then(|text| text.parse().ok()).ok_or("a whole number"),
            Self::UnknownZone => Err("in a zone that is known"),
        }
    }
}

/// Whole milliseconds; a fraction of one is cut off.
fn millis(text: &str) -> Option<i64> {
    match text.split_once('.') {
        None => text.parse().ok(),
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            whole.parse().ok()
        }
        Some(_) => None,
    }
}

/// `count` decimal digits from `from`.
#[inline]
fn digits(text: &[u8], from: usize, count: usize) -> Option<i64> {
    text.get(from..from + count)?.iter().try_fold(0, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + i64::from(digit))
    })
}

/// Milliseconds since the epoch of `YYYY-MM-DD?HH:MM:SS` at the start of `text`, as if it were UTC.
///
/// `None` for everything unusual (other separators, leap seconds, dates that do not exist): chrono then decides.
fn civil(text: &[u8], separators: &[u8]) -> Option<i64> {
    let (year, month, day) = (digits(text, 0, 4)?, digits(text, 5, 2)?, digits(text, 8, 2)?);
    let (hour, minute, second) = (digits(text, 11, 2)?, digits(text, 14, 2)?, digits(text, 17, 2)?);
    let punctuated = text.get(4) == Some(&b'-')
        && text.get(7) == Some(&b'-')
        && separators.contains(text.get(10)?)
        && text.get(13) == Some(&b':')
        && text.get(16) == Some(&b':');
    // Day 29 and later need the calendar's exceptions: from_ymd_opt knows them, and is asked for those days alone.
    let exists = (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    if !punctuated || !exists {
        return None;
    }
    // Days since the epoch, with years that begin in March so that a leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000)
}

fn rfc3339(text: &str) -> Option<i64> {
    fixed_rfc3339(text.as_bytes())
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis()))
}

/// The layouts that systems send: whole seconds or milliseconds, `Z` or an offset.
fn fixed_rfc3339(text: &[u8]) -> Option<i64> {
    let time = civil(text, b"Tt ")?;
    let (fraction, zone) = match text.get(19)? {
        b'.' => (digits(text, 20, 3)?, text.get(23..)?),
        _ => (0, text.get(19..)?),
    };
    let offset = match zone {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(zone, 1, 2)?, digits(zone, 4, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(time + fraction - offset * 1_000)
}

fn plain_utc(text: &str) -> Option<i64> {
    let fixed = if text.len() == 19 { civil(text.as_bytes(), b" ") } else { None };
    fixed.or_else(|| local(text, PLAIN, Tz::UTC))
}

fn local(text: &str, format: &str, zone: Tz) -> Option<i64> {
    let time = NaiveDateTime::parse_from_str(text, format)
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, format).ok()?.and_hms_opt(0, 0, 0))?;
    // At the ends of time a zone's offset leads outside what a date can say.
    let offset = zone.offset_from_local_datetime(&time).earliest()?;
    let seconds = i64::from(chrono::Offset::fix(&offset).local_minus_utc());
    Some(time.and_utc().timestamp_millis() - seconds * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc(text: &str) -> Option<i64> {
        TokenReader::Rfc3339.read(Leaf::Text(text)).ok()
    }

    #[test]
    fn the_fast_path_says_what_chrono_says() {
        for (year, month, day) in
            [(1, 1, 1), (1969, 12, 28), (1970, 1, 1), (2000, 2, 28), (2024, 2, 29), (9999, 12, 31)]
        {
            for rest in ["T00:00:00Z", "T23:59:59.999Z", "T12:34:56+14:00", "t01:02:03.004-23:59", " 05:06:07Z"] {
                let text = format!("{year:04}-{month:02}-{day:02}{rest}");
                let slow = DateTime::parse_from_rfc3339(&text).map(|time| time.timestamp_millis()).ok();
                assert_eq!(rfc(&text), slow, "{text}");
                if day <= 28 {
                    assert_eq!(fixed_rfc3339(text.as_bytes()), slow, "{text}");
                }
            }
        }
    }

    #[test]
    fn unusual_times_are_read_and_impossible_ones_refused() {
        assert_eq!(rfc("1970-01-01T00:00:00.0019Z"), Some(1));
        assert_eq!(rfc("2016-12-31T23:59:60Z"), Some(1_483_228_800_000));
        for text in ["2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-01-01T24:00:00Z", "2023-01-01", "", "é"] {
            assert_eq!(rfc(text), None, "{text}");
        }
    }

    #[test]
    fn local_times_follow_their_zone() {
        let read = |text: &str, format: &str, zone: &str| {
            let format = TokenFormat::Local { format: format.to_owned(), zone: zone.to_owned() };
            TokenReader::of(&format).read(Leaf::Text(text)).ok()
        };
        assert_eq!(read("1970-01-02 00:00:00", PLAIN, "UTC"), Some(86_400_000));
        assert_eq!(read("1970-01-31 00:00:00", PLAIN, "UTC"), Some(30 * 86_400_000));
        assert_eq!(read("2026-07-01 02:00:00", PLAIN, "Europe/Berlin"), rfc("2026-07-01T00:00:00Z"));
        assert_eq!(read("7/1/2026", "%m/%d/%Y", "UTC"), rfc("2026-07-01T00:00:00Z"));
        // Twice: the earlier. Never: refused. A zone that is not one: refused.
        assert_eq!(read("2026-10-25 02:30:00", PLAIN, "Europe/Berlin"), rfc("2026-10-25T00:30:00Z"));
        assert_eq!(read("2026-03-29 02:30:00", PLAIN, "Europe/Berlin"), None);
        assert_eq!(read("2026-03-29 02:30:00", PLAIN, "Europe/Atlantis"), None);
        assert_eq!(read("2026", "%Q", "UTC"), None);
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for zone in [Tz::UTC, Tz::Pacific__Kiritimati, Tz::America__New_York] {
            for time in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
                let text = time.format("%Y-%m-%d %H:%M:%S").to_string();
                let _ = local(&text, PLAIN, zone);
            }
        }
        assert_eq!(millis("9223372036854775807"), Some(i64::MAX));
        assert_eq!(millis("9223372036854775808"), None);
    }

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        assert_eq!(TokenReader::Millis.read(Leaf::Number("1735689600123")), Ok(1_735_689_600_123));
        assert_eq!(TokenReader::Millis.read(Leaf::Text(" 1735689600123.9 ")), Ok(1_735_689_600_123));
        assert_eq!(TokenReader::Integer.read(Leaf::Number("-1")), Ok(-1));
        for text in ["1e3", "", ".", "1.", "1.x", "--1", "1.2.3"] {
            assert_eq!(millis(text), None, "{text}");
        }
        assert!(TokenReader::Integer.read(Leaf::Number("1.0")).is_err());
        assert!(TokenReader::Millis.read(Leaf::Bool(true)).is_err());
    }
}
