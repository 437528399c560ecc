//! Apply windows: the hours of the week in which writes into a connection may begin.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::text::Text;

/// Hours of the week, by the wall clock of a time zone. One that ends before it begins ends on the next day.
///
/// ```
/// use accordant::rollout::ApplyWindow;
///
/// let nights = ApplyWindow::daily("22:00", "04:00", "Europe/Berlin")?;
/// assert!(nights.contains("2026-01-05T22:30:00Z".parse().unwrap()));
/// assert!(!nights.contains("2026-01-05T12:00:00Z".parse().unwrap()));
/// # Ok::<(), accordant::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyWindow {
    /// The days on which it opens, Monday first; none: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    days: Vec<Weekday>,
    from: NaiveTime,
    until: NaiveTime,
    /// A name of the IANA database.
    zone: Text,
}

impl ApplyWindow {
    /// Opens every day at `from` and closes at `until`, both `HH:MM` by the wall clock of `zone`, an IANA name. At the
    /// same time: open around the clock.
    ///
    /// # Errors
    ///
    /// [`Error::Window`] if a time or the zone is none.
    pub fn daily(from: &str, until: &str, zone: &str) -> Result<Self, Error> {
        let time = |text: &str| {
            let refused =
                || Error::Window { found: text.into(), reason: "a window opens and closes at times like 22:30" };
            NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| refused())
        };
        if zone.parse::<Tz>().is_err() {
            return Err(Error::Window { found: zone.into(), reason: "a time zone is named like Europe/Berlin or UTC" });
        }
        Ok(Self { days: Vec::new(), from: time(from)?, until: time(until)?, zone: zone.into() })
    }

    /// Opens on these days only.
    #[must_use]
    pub fn on(mut self, days: &[Weekday]) -> Self {
        self.days.extend_from_slice(days);
        self.days.sort_by_key(Weekday::num_days_from_monday);
        self.days.dedup();
        self
    }

    /// Whether writes may begin at this instant.
    #[must_use]
    pub fn contains(&self, now: DateTime<Utc>) -> bool {
        // One that opened yesterday may be open still.
        self.spans(now, -1..=0).any(|(opens, closes)| opens <= now && now < closes)
    }

    /// The first instant after `now` at which it opens; `None`: never.
    #[must_use]
    pub fn opens_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // A week, another for a day on which the clock skips the whole of it, and a day for an opening that has passed.
        self.spans(now, 0..=15).map(|(opens, _)| opens).find(|opens| *opens > now)
    }

    /// From when to when it is open, by the days on which it opens, counted from today. A zone that this version's database
    /// lacks keeps it closed: nothing is written by a guess.
    fn spans(
        &self,
        now: DateTime<Utc>,
        days: RangeInclusive<i64>,
    ) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let zone: Option<Tz> = self.zone.parse().ok();
        let ends_next_day = i64::from(self.until <= self.from);
        zone.into_iter().flat_map(move |zone| {
            let today = now.with_timezone(&zone).date_naive();
            days.clone().filter_map(move |day| {
                let opens = today.checked_add_signed(TimeDelta::days(day))?;
                let closes = opens.checked_add_signed(TimeDelta::days(ends_next_day))?;
                let opens_on = self.days.is_empty() || self.days.contains(&opens.weekday());
                let span = (instant(&zone, opens.and_time(self.from), Twice::First)?, {
                    instant(&zone, closes.and_time(self.until), Twice::Second)?
                });
                (opens_on && span.0 < span.1).then_some(span)
            })
        })
    }
}

/// Which of the two instants is meant, where the clock tells one time twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Twice {
    First,
    Second,
}

/// The instant of a wall-clock time. One that is skipped when the clock is put on is where the skipped time ends.
fn instant(zone: &Tz, local: NaiveDateTime, twice: Twice) -> Option<DateTime<Utc>> {
    let skipped = (0..=180).map(|minutes| zone.from_local_datetime(&(local + TimeDelta::minutes(minutes))));
    let told = skipped.into_iter().find(|told| told.earliest().is_some())?;
    let told = if twice == Twice::First { told.earliest() } else { told.latest() };
    told.map(|at| at.with_timezone(&Utc))
}

/// `Mon Tue 22:00-04:00 Europe/Berlin`.
impl fmt::Display for ApplyWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for day in &self.days {
            write!(f, "{day} ")?;
        }
        write!(f, "{}-{} {}", self.from.format("%H:%M"), self.until.format("%H:%M"), self.zone)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn nights() -> ApplyWindow {
        ApplyWindow::daily("22:00", "04:00", "Europe/Berlin").expect("a window")
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
        let fridays = nights().on(&[Weekday::Fri]);
        for (instant, open) in [
            ("2026-01-09T20:59:59Z", false),
            ("2026-01-09T21:00:00Z", true),
            ("2026-01-10T02:59:59Z", true),
            ("2026-01-10T03:00:00Z", false),
            ("2026-01-10T22:00:00Z", false),
        ] {
            assert_eq!(fridays.contains(at(instant)), open, "{instant}");
        }
        assert_eq!(fridays.opens_after(at("2026-01-09T21:00:00Z")), Some(at("2026-01-16T21:00:00Z")));
    }

    #[test]
    fn what_the_clock_skips_opens_where_the_skipped_hour_ends() {
        let window = ApplyWindow::daily("02:30", "05:00", "Europe/Berlin").expect("a window");
        assert_eq!(window.opens_after(at("2026-03-28T12:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        assert!(window.contains(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn what_is_no_time_and_no_zone_is_refused() {
        for (from, zone) in [("25:00", "UTC"), ("8", "UTC"), ("08:00", "Mars/Olympus")] {
            assert!(ApplyWindow::daily(from, "09:00", zone).is_err(), "{from} {zone}");
        }
    }

    proptest! {
        /// Nobody waits in vain, and nobody is let in early: it is open where it opens, and closed from now until then
        /// unless it is open now.
        #[test]
        fn it_is_open_where_it_opens(
            now in 0..4_000_000_000_i64, from in 0..1440_u32, until in 0..1440_u32,
            days in proptest::collection::vec(0..7_u8, 0..3), zone in 0..3_usize, minutes in 1..600_i64,
        ) {
            let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let zone = ["UTC", "America/New_York", "Asia/Kolkata"][zone];
            let days: Vec<Weekday> = days.into_iter().filter_map(|day| Weekday::try_from(day).ok()).collect();
            let window = ApplyWindow::daily(&clock(from), &clock(until), zone).expect("a window").on(&days);
            let now = DateTime::from_timestamp(now, 0).expect("an instant");
            let opens = window.opens_after(now).expect("a week has an opening");
            prop_assert!(opens > now && window.contains(opens), "{window} opens at {opens}");
            let between = now + TimeDelta::minutes(minutes);
            if !window.contains(now) && between < opens {
                prop_assert!(!window.contains(between), "{window} is open at {between}, before {opens}");
            }
        }
    }
}
