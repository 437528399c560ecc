//! Outages: times in which nobody listened to a surface, and what they were too long for. Pure: instants are arguments.
//!
//! A system that pushes tries again for some hours, and then no more; a log is kept for some days. Whoever was away for
//! longer has missed something, and no surface will say what: only a scan of everything finds it
//! ([`EventSemantics::unrecoverable_after`](crate::surface::EventSemantics::unrecoverable_after)).

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::id::SurfaceName;
use crate::surface::{Channel, Surface};

/// How many times within a horizon it is noted that somebody listens.
const NOTES: i32 = 24;

/// How many times within a horizon a surface is asked at the least.
const ASKED: i32 = 4;

/// The longest time between two such notes.
const SELDOM: TimeDelta = TimeDelta::minutes(10);

/// Nobody listened to a surface for longer than its events can be recovered after: what it told meanwhile may be lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outage {
    /// The surface.
    pub surface: SurfaceName,
    /// Until when it was listened to, in milliseconds since the epoch. What is older was heard.
    pub from: i64,
    /// When this was noticed.
    pub until: i64,
    /// For how long its events can be recovered, in milliseconds, as the surface declared then.
    pub horizon: i64,
}

/// When a surface was last listened to, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listened<'s> {
    pub(crate) surface: &'s Surface,
    /// `None`: never, and so nothing of it was missed.
    pub(crate) last: Option<i64>,
    /// When a scan of the same records began that came to its end: what it met is not lost.
    pub(crate) scanned: Option<i64>,
}

/// The surfaces that were not listened to for longer than their horizon, in their order. What was missed until `noticed` is not
/// told twice.
pub(crate) fn outages<'s>(
    listened: impl IntoIterator<Item = Listened<'s>>,
    noticed: Option<i64>,
    now: i64,
) -> Vec<Outage> {
    let outage = |Listened { surface, last, scanned }: Listened<'s>| {
        let horizon = surface.semantics.unrecoverable_after?.num_milliseconds();
        let from = last?.max(scanned.unwrap_or(i64::MIN));
        let untold = from.max(noticed.unwrap_or(i64::MIN));
        let missed = now.saturating_sub(untold) > horizon;
        missed.then(|| Outage { surface: surface.name.clone(), from, until: now, horizon })
    };
    listened.into_iter().filter_map(outage).collect()
}

/// How often surfaces that are asked are to be asked at the least, so that one that is late loses nothing; `None`: however seldom.
pub(crate) fn asked_every<'s>(surfaces: impl IntoIterator<Item = &'s Surface>) -> Option<TimeDelta> {
    let asked = surfaces.into_iter().filter(|surface| matches!(surface.channel, Channel::Poll | Channel::Stream));
    let shortest = asked.filter_map(|surface| surface.semantics.unrecoverable_after).min()?;
    Some((shortest / ASKED).max(TimeDelta::milliseconds(1)))
}

/// How often it is to be noted that somebody listens, so that what was noted last is never much older than what was heard
/// last; `None`: never, since no surface has a horizon.
pub(crate) fn noted_every<'s>(surfaces: impl IntoIterator<Item = &'s Surface>) -> Option<TimeDelta> {
    let shortest = surfaces.into_iter().filter_map(|surface| surface.semantics.unrecoverable_after).min()?;
    Some((shortest / NOTES).clamp(TimeDelta::milliseconds(1), SELDOM))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::surface::{Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, SurfaceShape};

    fn surface(name: &str, horizon: Option<TimeDelta>) -> Surface {
        Surface {
            name: name.into(),
            object: "contacts".into(),
            channel: Channel::Webhook,
            semantics: EventSemantics {
                delivery: Guarantee::AtMostOnce,
                order: Order::None,
                completeness: Completeness::IdOnly,
                deletes: Deletes::Explicit,
                merges: Merges::Explicit,
                lag: TimeDelta::zero(),
                unrecoverable_after: horizon,
            },
            shape: SurfaceShape::default(),
        }
    }

    const HOUR: i64 = 60 * 60 * 1000;

    #[test]
    fn who_was_away_for_longer_than_a_horizon_has_missed_something() {
        let (short, long, none) = (
            surface("four hours", Some(TimeDelta::hours(4))),
            surface("a day", Some(TimeDelta::days(1))),
            surface("kept", None),
        );
        let missed = |last: Option<i64>, scanned, now| -> Vec<String> {
            let listened = [&short, &long, &none].map(|surface| Listened { surface, last, scanned });
            outages(listened, None, now).into_iter().map(|outage| outage.surface.to_string()).collect()
        };
        let nothing: [&str; 0] = [];
        // Last listened, last scanned, now: what was missed.
        assert_eq!(missed(None, None, 99 * HOUR), nothing, "who never listened has lost nothing");
        assert_eq!(missed(Some(0), None, 4 * HOUR), nothing, "to the last moment");
        assert_eq!(missed(Some(0), None, 4 * HOUR + 1), ["four hours"]);
        assert_eq!(missed(Some(0), None, 24 * HOUR), ["four hours"]);
        assert_eq!(missed(Some(0), None, 24 * HOUR + 1), ["four hours", "a day"]);
        assert_eq!(missed(Some(0), Some(21 * HOUR), 24 * HOUR + 1), nothing, "a scan met it since");
        assert_eq!(missed(Some(0), Some(20 * HOUR), 24 * HOUR + 1), ["four hours"]);
        assert_eq!(missed(Some(9 * HOUR), None, HOUR), nothing, "a clock that was set back");
    }

    #[test]
    fn an_outage_says_which_surface_and_since_when() {
        let short = surface("hooks", Some(TimeDelta::hours(4)));
        let told =
            |noticed, now| outages([Listened { surface: &short, last: Some(7), scanned: Some(9) }], noticed, now);
        let expected = |until| [Outage { surface: "hooks".into(), from: 9, until, horizon: 4 * HOUR }];
        assert_eq!(told(None, 5 * HOUR), expected(5 * HOUR));
        // Once for each horizon; and nobody listened since the beginning of the first.
        assert_eq!(told(Some(5 * HOUR), 9 * HOUR), []);
        assert_eq!(told(Some(5 * HOUR), 10 * HOUR), expected(10 * HOUR));
    }

    proptest! {
        /// What was noted last is at most a 24th of the horizon old, so an outage is found if it was longer than the horizon,
        /// and perhaps if it was nearly as long.
        #[test]
        fn every_outage_is_found_and_none_that_was_much_shorter(
            horizon in 1i64..10_000_000,
            stopped in 0i64..10_000_000,
            away in 0i64..30_000_000,
        ) {
            let surface = surface("hooks", Some(TimeDelta::milliseconds(horizon)));
            let every = noted_every([&surface]).map_or(0, |every| every.num_milliseconds());
            let noted = stopped - stopped % every.max(1);
            let listened = Listened { surface: &surface, last: Some(noted), scanned: None };
            let found = !outages([listened], None, stopped + away).is_empty();
            if away > horizon { prop_assert!(found) }
            if away + every <= horizon { prop_assert!(!found) }
        }
    }

    #[test]
    fn the_shortest_horizon_says_how_often_it_is_noted() {
        let (short, long) = (surface("short", Some(TimeDelta::minutes(24))), surface("long", Some(TimeDelta::days(3))));
        assert_eq!(noted_every([&short, &long]), Some(TimeDelta::minutes(1)));
        assert_eq!(noted_every([&long]), Some(SELDOM));
        let log = Surface { channel: Channel::Stream, ..short.clone() };
        assert_eq!(asked_every([&log, &long]), Some(TimeDelta::minutes(6)), "what is asked, and not what is pushed");
        assert_eq!(asked_every([&short]), None);
        assert_eq!(noted_every([&surface("kept", None)]), None);
    }
}
