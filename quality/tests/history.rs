//! Measures day by day: what is unusual, where it leads, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant_quality::score::{Cause, History, HistoryError, Measure, OutlookError, Risk};
use accordant_quality::{Kind, SeriesError};

fn measure(attribute: &str, good: u64, of: u64) -> Measure {
    Measure {
        system: "crm".to_owned(),
        entity: "customer".to_owned(),
        attributes: vec![attribute.to_owned()],
        check: format!("{attribute} is there"),
        cause: Cause::Missing,
        good,
        of,
        at_least: 0.9,
    }
}

/// So many days, on which a phone is lost every day, and e-mail stays.
fn history(days: i64) -> History {
    let mut history = History::default();
    for day in 0..days {
        let lost = u64::try_from(day).unwrap();
        let unusual = history.take(day, &[measure("phone", 980 - lost, 1_000), measure("email", 999, 1_000)]).unwrap();
        assert!(unusual.iter().all(|(name, _)| name.check != "email is there"), "day {day} {unusual:?}");
    }
    history
}

#[test]
fn the_next_breach_is_forecast_of_what_falls_and_of_nothing_else() {
    let outlooks = history(30).outlooks(60).unwrap();
    let names: Vec<&str> = outlooks.iter().map(|(name, _)| name.check.as_str()).collect();
    assert_eq!(names, ["email is there", "phone is there"]);
    let (email, phone) = (&outlooks[0].1, &outlooks[1].1);
    assert_eq!((email.risk, email.breach), (Risk::Low, None));
    // 0.951 on the last day, a thousandth less each day: below 0.9 in 51 days.
    let breach = phone.breach.unwrap();
    assert!(phone.risk == Risk::High && (breach.likely - 51.0).abs() < 1e-6, "{phone:?}");
    assert_eq!(history(30).outlooks(40).unwrap()[1].1.risk, Risk::Low, "farther off than the horizon");
    assert_eq!(history(30).outlooks(0), Err(OutlookError::Horizon { days: 0 }));
}

#[test]
fn a_day_far_from_the_others_is_told_by_its_measure() {
    let mut history = History::default();
    for day in 0..40 {
        let good = 990 + u64::try_from(day % 3).unwrap();
        assert_eq!(history.take(day, &[measure("email", good, 1_000)]).unwrap(), []);
    }
    let unusual = history.take(40, &[measure("email", 700, 1_000)]).unwrap();
    assert_eq!(unusual.len(), 1);
    assert!(unusual[0].0.attributes == ["email"] && unusual[0].1.kind == Kind::Spike, "{unusual:?}");
}

#[test]
fn what_was_stored_goes_on_and_what_is_no_measure_changes_nothing() {
    let mut history = history(40);
    let mut stored: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
    assert_eq!(stored, history);
    let before = history.clone();
    let twice = history.take(40, &[measure("email", 1, 2), measure("email", 1, 2)]).unwrap_err();
    assert!(matches!(&twice, HistoryError::Twice { check, .. } if check == "email is there"), "{twice}");
    let late = history.take(39, &[measure("address", 1, 2), measure("phone", 1, 2)]).unwrap_err();
    assert!(matches!(late, HistoryError::Series { source: SeriesError::NotLater { day: 39, last: 39 }, .. }), "{late}");
    let more = history.take(40, &[measure("address", 1, 2), measure("phone", 3, 2)]).unwrap_err();
    assert!(matches!(more, HistoryError::Series { source: SeriesError::NotMeasured { day: 40 }, .. }), "{more}");
    assert_eq!(history, before);
    let today = [measure("phone", 900, 1_000)];
    assert_eq!(history.take(40, &today), stored.take(40, &today));
    assert_eq!(history, stored);
}

/// Whatever is measured, a series keeps eight weeks, and one that ended is forgotten after four hundred days.
#[test]
fn what_is_kept_is_bounded() {
    let mut history = History::default();
    for day in 0..500 {
        history.take(day, &[measure("email", 999, 1_000)]).unwrap();
    }
    assert_eq!(history.outlooks(7).unwrap()[0].1.days, 56);
    history.take(899, &[measure("phone", 1, 1)]).unwrap();
    assert_eq!(history.outlooks(7).unwrap().len(), 2, "not yet");
    history.take(900, &[]).unwrap();
    let left = history.outlooks(7).unwrap();
    assert_eq!((left.len(), left[0].0.check.as_str()), (1, "phone is there"));
}
