//! Connections that do not answer are asked less and less. Pure: the instant is an argument.

use std::collections::{BTreeMap, BTreeSet};

use crate::connector::Retry;
use crate::id::ConnectionName;

/// The longest pause after failures, in milliseconds.
const LONGEST: i64 = 60 * 60 * 1000;

/// The first pause, where the system names none, in milliseconds.
const FIRST: i64 = 30 * 1000;

/// The shortest pause, whatever a system says, in milliseconds.
const SOONEST: i64 = 1000;

/// How long to wait after so many failures in a row, in milliseconds: at least `first`, and twice as long each time; or as long
/// as the system asks for.
pub(super) fn pause_after(failures: u32, first: i64, retry: Retry) -> i64 {
    match retry {
        Retry::After(delay) => delay.num_milliseconds().max(first),
        Retry::Never | Retry::Backoff => {
            let doubled = first.saturating_mul(1_i64.checked_shl(failures.min(30)).unwrap_or(i64::MAX));
            doubled.min(LONGEST.max(first))
        }
    }
}

/// The connections that did not answer lately, each with how often in a row and until when it is left alone.
#[derive(Debug, Default)]
pub(super) struct Silence(BTreeMap<ConnectionName, (u32, i64)>);

impl Silence {
    /// A connection did not answer.
    pub(super) fn failed(&mut self, connection: &ConnectionName, retry: Retry, now: i64) {
        let (failures, until) = self.0.entry(connection.clone()).or_default();
        // Who says when is asked then: a limit that is over in a second holds nothing up for longer.
        let first = if matches!(retry, Retry::After(_)) { SOONEST } else { FIRST };
        *until = now.saturating_add(pause_after(*failures, first, retry));
        *failures = failures.saturating_add(1);
    }

    /// It answered.
    pub(super) fn answered(&mut self, connection: &ConnectionName) {
        self.0.remove(connection);
    }

    /// Those that are left alone at an instant.
    pub(super) fn left_alone(&self, now: i64) -> BTreeSet<ConnectionName> {
        self.0.iter().filter(|(_, (_, until))| *until > now).map(|(connection, _)| connection.clone()).collect()
    }

    /// When the first of those that are left alone is asked again.
    pub(super) fn next(&self, now: i64) -> Option<i64> {
        self.0.values().map(|(_, until)| *until).filter(|until| *until > now).min()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn who_does_not_answer_is_left_alone_twice_as_long_each_time_and_asked_as_ever_once_it_answers() {
        let (shop, mut silence, mut now) = (ConnectionName::new("shop"), Silence::default(), 0);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            silence.failed(&shop, Retry::Backoff, now);
            assert_eq!(silence.left_alone(now), BTreeSet::from([shop.clone()]));
            let until = silence.next(now).unwrap_or_default();
            pauses.push((until - now) / 1000);
            now = until;
            assert!(silence.left_alone(now).is_empty());
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        silence.answered(&shop);
        silence.failed(&shop, Retry::After(TimeDelta::hours(5)), now);
        assert_eq!(silence.next(now), Some(now + 5 * 60 * 60 * 1000));
        silence.failed(&shop, Retry::After(TimeDelta::seconds(2)), now);
        assert_eq!(silence.next(now), Some(now + 2_000), "as soon as it says");
        silence.failed(&shop, Retry::After(TimeDelta::zero()), now);
        assert_eq!(silence.next(now), Some(now + 1_000), "and never at once");
    }
}
