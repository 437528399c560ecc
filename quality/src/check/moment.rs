//! Moments as texts.

use chrono::{DateTime, NaiveDate};

/// A moment in microseconds since 1970 in UTC, of RFC 3339 or of a date, which is its midnight in UTC. Nothing of another text, of
/// a leap second, or of what is finer than a microsecond.
#[must_use]
pub fn moment(text: &[u8]) -> Option<i64> {
    usual(text).or_else(|| any(std::str::from_utf8(text).ok()?))
}

/// `2026-07-31T09:30:00Z`, which nearly all are, at a tenth of the time.
fn usual(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let digits = |from: usize, count: usize| -> Option<i64> {
        text[from..from + count]
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if marks.iter().any(|(place, mark)| text[*place] != *mark) {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
    let (hour, minute, second) = (digits(11, 2)?, digits(14, 2)?, digits(17, 2)?);
    // Days that not every month has, and seconds that not every minute has, are left to the calendar.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years from March on, so that the day that comes and goes is the last of one.
    let (from_march, year) = if month > 2 { (month - 3, year) } else { (month + 9, year - 1) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days =
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000)
}

fn any(text: &str) -> Option<i64> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
    }
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    let nanos = moment.timestamp_subsec_nanos();
    (nanos < 1_000_000_000 && nanos % 1_000 == 0).then(|| moment.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::{any, moment, usual};

    #[test]
    fn moments_are_read() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1969-12-31T23:59:59Z", Some(-1_000_000)),
            ("2026-07-31T09:30:00Z", Some(1_785_490_200_000_000)),
            ("2026-07-31T11:30:00+02:00", Some(1_785_490_200_000_000)),
            ("2026-07-31T09:30:00.25Z", Some(1_785_490_200_250_000)),
            ("2026-07-31", Some(1_785_456_000_000_000)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-07-31T09:30:00", None),
            ("2026-07-31T24:00:00Z", None),
            ("2016-12-31T23:59:60Z", None),
            ("2026-07-31T09:30:00.0000001Z", None),
            ("31.07.2026", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(moment(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(moment(&[0xff; 20]), None);
    }

    /// The short way and the calendar agree on every day of four centuries.
    #[test]
    fn the_usual_form_is_read_as_any_other() {
        for year in 1900..2300 {
            for (month, day) in [(1, 1), (2, 28), (3, 1), (7, 15), (12, 28)] {
                let text = format!("{year}-{month:02}-{day:02}T23:59:58Z");
                let short = usual(text.as_bytes());
                assert!(short.is_some() && short == any(&text), "{text}");
            }
        }
    }
}
