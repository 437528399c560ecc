//! Trust × freshness.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::fingerprint::Fingerprint;
use crate::id::SystemName;
use crate::policy::builtin::voices::Voices;
use crate::policy::{Answer, Candidate, Candidates, Policy};
use crate::value::Value;

/// Scores are points in units of 2⁻⁹⁶: ninety half-lives of age leave something to compare.
const SCALE: u32 = 96;
const DAY_MS: u64 = 86_400_000;

/// The value of the origin with the highest score: the points of its system, halved with every half-life of its age.
///
/// The idea is that of the trust framework of Informatica MDM: a maximum, a minimum and a decay per source, and a
/// downgrade for values that fail validation. Here all arithmetic is exact, on integers:
///
/// - **Age** runs from the origin's stamp to the journaled `as_of`; without one, to the freshest origin. No clock.
/// - **Decay** is `points / 2ⁿ` after `n` half-lives, and linear in between.
/// - **Doubt.** With a half-life, an origin has a score at both ends of its interval; a value wins only if its lowest
///   beats the highest of every other value. Instants of different kinds are inconclusive.
/// - A system that the table does not name has no points. A tie is inconclusive.
///
/// The table is data: its content is part of the fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Trust {
    points: BTreeMap<SystemName, u32>,
    half_life_days: u32,
    floor: u32,
    invalid: u32,
}

impl Trust {
    pub(super) fn new(points: &[(&str, u32)]) -> Self {
        let points = points.iter().map(|(system, points)| (SystemName::new(system), *points)).collect();
        Self { points, half_life_days: 0, floor: 0, invalid: 0 }
    }

    /// Halves the points of an origin for every so many days of its age. 0: they do not decay.
    pub const fn half_life_days(mut self, days: u32) -> Self {
        self.half_life_days = days;
        self
    }

    /// Lets no origin decay below so many points, or below its own where it started lower.
    pub const fn floor(mut self, points: u32) -> Self {
        self.floor = points;
        self
    }

    /// Takes so many points, before decay, from a value that no longer reads as a value of the attribute's type.
    ///
    /// Values are parsed when they are decoded; this concerns what an older version of the type let through.
    pub const fn downgrade_invalid(mut self, points: u32) -> Self {
        self.invalid = points;
        self
    }

    fn points<T: Value>(&self, candidate: &Candidate<'_>) -> u32 {
        let points = self.points.get(candidate.origin_system).copied().unwrap_or(0);
        let invalid =
            self.invalid > 0 && candidate.field.as_value().is_some_and(|text| T::from_canonical(text).is_err());
        if invalid { points.saturating_sub(self.invalid) } else { points }
    }

    /// The score at an age in milliseconds.
    fn score(&self, points: u32, age_ms: u64) -> u128 {
        let full = u128::from(points) << SCALE;
        let floor = u128::from(self.floor.min(points)) << SCALE;
        if self.half_life_days == 0 {
            return full;
        }
        let half_life = u64::from(self.half_life_days) * DAY_MS;
        let halvings = u32::try_from(age_ms / half_life).unwrap_or(u32::MAX);
        let start = full.checked_shr(halvings).unwrap_or(0);
        start.saturating_sub(part(start - start / 2, age_ms % half_life, half_life)).max(floor)
    }
}

/// `whole * numerator / denominator`, rounded down, for a proper fraction: no product exceeds `whole` or 2¹²⁸.
const fn part(whole: u128, numerator: u64, denominator: u64) -> u128 {
    let (numerator, denominator) = (numerator as u128, denominator as u128);
    whole / denominator * numerator + whole % denominator * numerator / denominator
}

impl<T: Value> Policy<T> for Trust {
    fn name(&self) -> Cow<'static, str> {
        "trust".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(super::count(self.points.len()));
        for (system, points) in &self.points {
            fingerprint.text(system.as_str()).number(i64::from(*points));
        }
        for parameter in [self.half_life_days, self.floor, self.invalid] {
            fingerprint.number(i64::from(parameter));
        }
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let raw = candidates.raw();
        let voices = Voices::deciding(raw);
        if voices.is_empty() || voices.agree() {
            return voices.decide("");
        }
        let most = if self.half_life_days == 0 {
            voices.beyond(|candidate| self.points::<T>(candidate), |candidate| self.points::<T>(candidate))
        } else {
            if let Err(reason) = voices.time_kind() {
                return Answer::Inconclusive(reason);
            }
            let freshest = voices.iter().map(|candidate| candidate.stamp.token).max();
            let now = raw.as_of.or(freshest).unwrap_or(i64::MAX);
            let age = |instant: i64| u64::try_from(now.saturating_sub(instant)).unwrap_or(0);
            let interval = |candidate: &Candidate<'_>| candidate.interval().unwrap_or((i64::MIN, i64::MAX));
            voices.beyond(
                |candidate| self.score(self.points::<T>(candidate), age(interval(candidate).0)),
                |candidate| self.score(self.points::<T>(candidate), age(interval(candidate).1)),
            )
        };
        most.map_or(Answer::Inconclusive("no value is trusted more than all others"), Answer::Winner)
    }
}

#[cfg(test)]
mod tests {
    use super::DAY_MS;
    use crate::policy::builtin::fixture::{Number, World, clears, says, table};
    use crate::policy::builtin::trust;
    use crate::value::Composite;

    const TIE: &str = "? no value is trusted more than all others";
    const DAY: i64 = 86_400_000;

    #[test]
    fn the_most_trusted_origin_wins() {
        table::<Composite, _>(
            &trust(&[("h", 90), ("n", 70), ("s", 70)]),
            &[
                ("more points", &[says("n", "y").at(9 * DAY), says("h", "x")], "x"),
                ("a tie", &[says("n", "y"), says("s", "z")], TIE),
                ("a tie below the top does not matter", &[says("n", "y"), says("s", "z"), says("h", "x")], "x"),
                ("those who agree do not add up", &[says("n", "y"), says("s", "y"), says("h", "x")], "x"),
                ("a copy has the trust of its origin", &[says("h", "x").copy_of("w", 9), says("n", "y")], "y"),
                ("unnamed systems have no points", &[says("w", "x"), says("n", "y")], "y"),
                ("two unnamed systems", &[says("w", "x"), says("v", "y")], TIE),
                ("no clock needed", &[says("h", "x").version(), says("n", "y")], "x"),
                ("a clear has its system's trust", &[clears("h"), says("n", "y")], "(none)"),
            ],
        );
    }

    #[test]
    fn trust_halves_with_age() {
        table::<Composite, _>(
            &trust(&[("h", 80), ("n", 40)]).half_life_days(10),
            &[
                ("younger than a half-life", &[says("h", "x").at(0), says("n", "y").at(9 * DAY)], "x"),
                ("exactly one half-life", &[says("h", "x").at(0), says("n", "y").at(10 * DAY)], TIE),
                ("older", &[says("h", "x").at(0), says("n", "y").at(10 * DAY + 1000)], "y"),
                ("within doubt", &[says("h", "x").at(0).scale(0, 2000), says("n", "y").at(10 * DAY + 1000)], TIE),
                (
                    "needs time",
                    &[says("h", "x").version(), says("n", "y")],
                    "? a source does not say when its value came to be",
                ),
            ],
        );
        let both_old = World::of(&[says("h", "x").at(0), says("n", "y").at(11 * DAY)]).with_as_of(400 * DAY);
        assert_eq!(both_old.ask::<Composite, _>(&trust(&[("h", 80), ("n", 40)]).half_life_days(10)), "y");
        let floored = trust(&[("h", 80), ("n", 40)]).half_life_days(10).floor(50);
        assert_eq!(both_old.ask::<Composite, _>(&floored), "x");
    }

    #[test]
    fn decay_is_exact_and_never_rises() {
        let policy = trust(&[]).half_life_days(1);
        assert_eq!(policy.score(80, 0), 80 << 96);
        assert_eq!(policy.score(80, DAY_MS), 40 << 96);
        assert_eq!(policy.score(80, DAY_MS / 2), 60 << 96);
        assert_eq!(policy.score(80, 3 * DAY_MS), 10 << 96);
        assert_eq!(policy.score(u32::MAX, u64::MAX), 0);
        let scores: Vec<u128> = (0..2000).map(|step| policy.score(77, step * DAY_MS / 37)).collect();
        assert!(scores.is_sorted_by(|earlier, later| earlier >= later));
    }

    #[test]
    fn what_no_longer_reads_as_a_value_is_downgraded() {
        let world = World::of(&[says("h", "not a number"), says("n", "7")]);
        let policy = trust(&[("h", 90), ("n", 70)]);
        assert_eq!(world.ask::<Number, _>(&policy), "not a number");
        assert_eq!(world.ask::<Number, _>(&policy.clone().downgrade_invalid(50)), "7");
        assert_eq!(world.ask::<Composite, _>(&policy.downgrade_invalid(50)), "not a number");
    }
}
