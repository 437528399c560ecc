use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::value::laws::{canonical, holds};

type Instant = DateTime<Utc>;

fn hints(zone: &str, format: &str) -> Hints {
    let some = |text: &str| (!text.is_empty()).then(|| text.into());
    Hints { zone: some(zone), format: some(format), ..Hints::default() }
}

#[test]
fn equal_instants_have_one_form() {
    for (leaf, hints, expected) in [
        (Leaf::Text("2026-11-21T03:00:00Z"), hints("", ""), "2026-11-21T03:00:00Z"),
        (Leaf::Text("2026-11-21T04:00:00.000+01:00"), hints("", ""), "2026-11-21T03:00:00Z"),
        (Leaf::Text("2026-11-21 03:00:00.250Z"), hints("", ""), "2026-11-21T03:00:00.25Z"),
        (Leaf::Text("1969-12-31T23:59:59.000000001Z"), hints("", ""), "1969-12-31T23:59:59.000000001Z"),
        (Leaf::Number("1795230000000"), hints("", ""), "2026-11-21T03:00:00Z"),
        (Leaf::Text("1795230000001"), hints("", ""), "2026-11-21T03:00:00.001Z"),
        (Leaf::Text("2026-11-20T19:00:00"), hints("America/Los_Angeles", ""), "2026-11-21T03:00:00Z"),
        (Leaf::Text("2026-11-20 19:00:00"), hints("America/Los_Angeles", ""), "2026-11-21T03:00:00Z"),
        (Leaf::Text("11/20/2026 7:00 pm"), hints("America/Los_Angeles", "%m/%d/%Y %-I:%M %P"), "2026-11-21T03:00:00Z"),
        (Leaf::Text("20.11.2026 22:00 -0500"), hints("", "%d.%m.%Y %H:%M %z"), "2026-11-21T03:00:00Z"),
        (Leaf::Number("1795230000"), hints("UTC", "%s"), "2026-11-21T03:00:00Z"),
        (Leaf::Text("2016-12-31T23:59:60Z"), hints("", ""), "2016-12-31T23:59:60Z"),
    ] {
        assert_eq!(canonical::<Instant>(leaf, &hints).as_deref(), Ok(expected), "{leaf:?}");
    }
}

#[test]
fn an_hour_is_not_guessed() {
    let berlin = |text| Instant::parse(Leaf::Text(text), &hints("Europe/Berlin", "")).map_err(|error| error.reason);
    assert_eq!(berlin("2026-10-25T02:30:00"), Err("a local time that occurs twice in its zone"));
    assert_eq!(berlin("2026-03-29T02:30:00"), Err("a local time that its zone skips"));
    assert_eq!(Instant::parse(Leaf::Text("2026-10-25T02:30:00"), &Hints::default()), Err(NO_ZONE));
    assert!(berlin("2026-10-25T02:30:00+01:00").is_ok(), "an offset says which");
}

#[test]
fn what_is_no_instant_is_refused() {
    for text in ["", "2026-11-21", "20261121", "1795230000", "0", "26-11-21T03:00:00Z", "noon", "99999999999999999999"]
    {
        assert!(Instant::parse(Leaf::Text(text), &hints("UTC", "")).is_err(), "{text}");
    }
    let short = Instant::parse(Leaf::Text("11/21/26 03:00"), &hints("UTC", "%m/%d/%Y %H:%M"));
    assert_eq!(short, Err(SHORT_YEAR));
    assert!(Instant::parse(Leaf::Text("2026-11-21T03:00:00"), &hints("Mars/Olympus", "")).is_err());
}

#[test]
fn the_ends_of_time_are_instants() {
    for time in [Instant::MIN_UTC, Instant::MAX_UTC] {
        let mut text = String::new();
        time.canonical(&mut text);
        assert_eq!(Instant::from_canonical(&text), Ok(time), "{text}");
        for zone in ["Pacific/Kiritimati", "Etc/GMT+12", "UTC", ""] {
            for format in ["", "%Y-%m-%d %H:%M:%S%.f", "%+", "%c", "%Q", "%"] {
                let native = time.native(&hints(zone, format));
                let _ = Instant::parse(native.as_leaf(), &hints(zone, format));
            }
        }
        for offset in ["+23:59", "-23:59"] {
            let shifted = text.replace('Z', offset);
            let _ = Instant::parse(Leaf::Text(&shifted), &Hints::default());
        }
    }
}

proptest! {
    #[test]
    fn any_text(
        text in "[-+]?[0-9]{4,7}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,10})?(Z|[-+][0-9]{2}:[0-9]{2})?|[-0-9]{1,20}|.{0,2000}"
    ) {
        holds::<Instant>(&text, &Hints::default());
        holds::<Instant>(&text, &hints("UTC", ""));
    }

    #[test]
    fn every_instant_reads_back(seconds in -8_000_000_000_000_i64..8_000_000_000_000, nanos in 0_u32..2_000_000_000) {
        if let Some(time) = DateTime::from_timestamp(seconds, nanos) {
            let mut text = String::new();
            time.canonical(&mut text);
            prop_assert_eq!(Instant::from_canonical(&text), Ok(time));
            prop_assert_eq!(Instant::parse(time.native(&Hints::default()).as_leaf(), &Hints::default()), Ok(time));
        }
    }

    #[test]
    fn no_format_panics(text in ".{0,40}", format in "%?.{0,12}", seconds in -10_000_000_000_000..10_000_000_000_000_i64) {
        let hints = hints("Asia/Kathmandu", &format);
        let _ = Instant::parse(Leaf::Text(&text), &hints);
        drop(DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::seconds(seconds)).map(|time| time.native(&hints)));
    }
}
