//! Time: the latest origin, where clocks can tell.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::ownership::Authority;
use crate::policy::builtin::voices::Voices;
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Value;

/// The value whose origin is latest.
///
/// Every origin lies in an interval that precision, clock skew and record-level times widen ([`Candidate::interval`]).
/// The latest is decisive only if its interval lies wholly behind those of every other value; overlap means that the
/// changes were concurrent. Instants of different kinds are not compared. One value alone needs no clock.
///
/// Where golden has a value and some system moved, only those that moved compete. Whoever stands where it stood was heard
/// when golden was chosen; what it says is older by what golden already is, whatever a record-level time leaves open.
///
/// [`Candidate::interval`]: crate::policy::Candidate::interval
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Latest {
    within_ms: i64,
}

impl Latest {
    pub(super) const fn new() -> Self {
        Self { within_ms: 0 }
    }

    /// Treats changes within so many seconds of each other as concurrent, on top of precision and skew.
    pub const fn within(mut self, seconds: u32) -> Self {
        self.within_ms = seconds as i64 * 1000;
        self
    }

    fn of<T>(&self, voices: &Voices<'_>) -> Answer<T> {
        let voices = &voices.not_settled_by_golden();
        if voices.is_empty() || voices.agree() {
            return voices.decide("");
        }
        if let Err(reason) = voices.time_kind() {
            return Answer::Inconclusive(reason);
        }
        // `time_kind` found a scale on every voice, so each has an interval.
        let interval = |candidate: &crate::policy::Candidate<'_>| candidate.interval().unwrap_or((i64::MIN, i64::MAX));
        if planted!(LatestReversed) {
            let earliest = voices.beyond(|candidate| -interval(candidate).1, |candidate| -interval(candidate).0);
            return earliest.map_or(Answer::Inconclusive("too close"), Answer::Winner);
        }
        let latest = voices.beyond(
            |candidate| interval(candidate).0,
            |candidate| interval(candidate).1.saturating_add(self.within_ms),
        );
        latest.map_or(Answer::Inconclusive("the latest changes are too close together to tell"), Answer::Winner)
    }
}

impl<T: Value> Policy<T> for Latest {
    fn name(&self) -> Cow<'static, str> {
        "latest".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(self.within_ms);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        self.of(&Voices::deciding(candidates.raw()))
    }
}

/// The latest origin among the highest-ranked authorities that have a value: the first owner's, else the next one's;
/// co-owners where nobody owns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct MostRecentAuthoritative {
    latest: Latest,
}

impl MostRecentAuthoritative {
    pub(super) const fn new() -> Self {
        Self { latest: Latest::new() }
    }

    /// Treats changes within so many seconds of each other as concurrent, on top of precision and skew.
    pub const fn within(mut self, seconds: u32) -> Self {
        self.latest = self.latest.within(seconds);
        self
    }
}

impl<T: Value> Policy<T> for MostRecentAuthoritative {
    fn name(&self) -> Cow<'static, str> {
        "most_recent_authoritative".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(self.latest.within_ms);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let voices = Voices::deciding(candidates.raw()).with_value();
        let owners = voices.keep(|candidate| candidate.authority == Authority::Owner);
        let highest = match owners.iter().map(|candidate| candidate.rank).min() {
            Some(first) => owners.keep(|candidate| candidate.rank == first),
            None => voices,
        };
        self.latest.of(&highest)
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{World, clears, says, table};
    use crate::policy::builtin::{latest, most_recent_authoritative};
    use crate::stamp::TimeKind;
    use crate::value::Composite;

    const CLOSE: &str = "? the latest changes are too close together to tell";

    #[test]
    fn the_latest_origin_wins_where_clocks_can_tell() {
        table::<Composite, _>(
            &latest(),
            &[
                ("later", &[says("a", "x").at(10), says("b", "y").at(20)], "y"),
                ("equal stamps", &[says("a", "x").at(10), says("b", "y").at(10)], CLOSE),
                ("within precision", &[says("a", "x").at(1000).scale(1000, 0), says("b", "y").at(2000)], CLOSE),
                ("beyond precision", &[says("a", "x").at(1000).scale(999, 0), says("b", "y").at(2000)], "y"),
                (
                    "skews add up",
                    &[says("a", "x").at(1000).scale(0, 500), says("b", "y").at(2000).scale(0, 500)],
                    CLOSE,
                ),
                ("skews fit", &[says("a", "x").at(1000).scale(0, 499), says("b", "y").at(2000).scale(0, 500)], "y"),
                (
                    "record time: changed at some point since",
                    &[says("a", "x").at(10).record_time(5), says("b", "y").at(20).record_time(8)],
                    CLOSE,
                ),
                (
                    "record time: unchanged until later",
                    &[says("a", "x").at(10).record_time(5), says("b", "y").at(20).record_time(11)],
                    "y",
                ),
                (
                    "kinds are not mixed",
                    &[says("a", "x").at(10), says("b", "y").at(99).kind(TimeKind::Published)],
                    "? the sources report instants of different kinds",
                ),
                (
                    "versions are no time",
                    &[says("a", "x").at(10), says("b", "y").at(99).version()],
                    "? a source does not say when its value came to be",
                ),
                ("one value needs no clock", &[says("a", "x").version(), says("b", "x").at(9)], "x"),
                (
                    "a copy is as old as its origin",
                    &[says("a", "x").at(10).copy_of("c", 3), says("b", "y").at(20)],
                    "y",
                ),
                ("a clear is a value like any other", &[says("a", "x").at(10), clears("b").at(20)], "(none)"),
                ("observers never", &[says("a", "x").at(10).owner(0), says("b", "y").at(99).observer()], "x"),
                ("observers alone", &[says("b", "y").observer()], "? no system with authority has a say"),
                (
                    "the latest of several that agree carries them",
                    &[says("a", "y").at(1), says("b", "x").at(10), says("c", "y").at(20)],
                    "y",
                ),
            ],
        );
    }

    #[test]
    fn whoever_stands_still_does_not_compete_with_who_moved() {
        let over = |voices: &[_]| World::of(voices).golden("x").ask::<Composite, _>(&latest());
        let moved = |token, before| says("b", "y").at(token).record_time(before).moved();
        // By record time alone, the mover may have changed the field before the others were first read.
        assert_eq!(over(&[says("a", "x").at(10).record_time(9), moved(20, 5)]), "y");
        assert_eq!(over(&[says("a", "old").at(10).record_time(9), moved(20, 5)]), "y", "it waits for its write");
        assert_eq!(over(&[says("a", "x").at(10).record_time(9).moved(), moved(20, 5)]), CLOSE, "two that moved");
        assert_eq!(over(&[says("a", "x").at(10), says("b", "y").at(20)]), "y", "nobody moved: all compete");
        let first = World::of(&[says("a", "x").at(10).record_time(9), moved(20, 5)]);
        assert_eq!(first.ask::<Composite, _>(&latest()), CLOSE, "golden settles nothing before it has a value");
    }

    #[test]
    fn within_widens_what_counts_as_concurrent() {
        table::<Composite, _>(
            &latest().within(3),
            &[
                ("three seconds", &[says("a", "x").at(1000), says("b", "y").at(4000)], CLOSE),
                ("a little more", &[says("a", "x").at(1000), says("b", "y").at(4001)], "y"),
            ],
        );
    }

    #[test]
    fn the_most_recent_of_the_highest_authorities() {
        table::<Composite, _>(
            &most_recent_authoritative(),
            &[
                ("first owner, though older", &[says("a", "x").at(1).owner(0), says("b", "y").at(9).owner(1)], "x"),
                ("first owner is empty", &[clears("a").at(9).owner(0), says("b", "y").at(1).owner(1)], "y"),
                (
                    "records of one owner by time",
                    &[says("a", "x").at(1).owner(0), says("a", "z").id("2").at(9).owner(0)],
                    "z",
                ),
                ("co-owners by time", &[says("a", "x").at(1), says("b", "y").at(9)], "y"),
                ("a newer clear does not count", &[says("a", "x").at(1), clears("b").at(9)], "x"),
                ("only clears", &[clears("a").at(1), clears("b").at(9)], "(none)"),
            ],
        );
    }
}
