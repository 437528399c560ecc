//! The life of an alert: quiet, about to be raised, raised, about to resolve.

use serde::{Deserialize, Serialize};

use super::Threshold;

/// Where one threshold of one connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is wrong.
    #[default]
    Quiet,
    /// It is wrong, and has not lasted yet.
    Wrong {
        /// Since when, in milliseconds since the epoch.
        since: i64,
    },
    /// An alert was raised, and it is not right again.
    Raised,
    /// An alert was raised, it is right again, and that has not lasted yet.
    Right {
        /// Since when, in milliseconds since the epoch.
        since: i64,
    },
}

/// What somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Something is wrong.
    Raised,
    /// It is right again.
    Resolved,
}

impl State {
    /// Whether an alert stands.
    #[must_use]
    pub const fn stands(self) -> bool {
        matches!(self, State::Raised | State::Right { .. })
    }

    /// What a measurement makes of it, and what somebody is to be told. A gap (`None`: nothing was measured) says neither that something
    /// is wrong nor that it is right: the state stays, and what was about to change begins to last anew. A clock that was set back
    /// does the same.
    #[must_use]
    pub const fn observe(self, threshold: &Threshold, value: Option<u64>, now: i64) -> (Self, Option<Change>) {
        let Some(value) = value else { return (self.interrupted(), None) };
        let (wrong, right) = (threshold.is_wrong(value), threshold.is_right(value));
        match self {
            State::Quiet | State::Wrong { .. } if !wrong => (State::Quiet, None),
            State::Quiet | State::Wrong { .. } => {
                let since = begun(self, now);
                if now - since >= threshold.lasts() {
                    (State::Raised, Some(Change::Raised))
                } else {
                    (State::Wrong { since }, None)
                }
            }
            State::Raised | State::Right { .. } if !right => (State::Raised, None),
            State::Raised | State::Right { .. } => {
                let since = begun(self, now);
                if now - since >= threshold.lasts() {
                    (State::Quiet, Some(Change::Resolved))
                } else {
                    (State::Right { since }, None)
                }
            }
        }
    }

    /// When what this measurement has told came to be so: when it had lasted as long as it must. However late somebody is told, it is the
    /// same instant.
    pub(crate) const fn turned(self, threshold: &Threshold, now: i64) -> i64 {
        begun(self, now).saturating_add(threshold.lasts())
    }

    /// Where it stands if nobody could be told what this measurement makes of it: it goes on lasting, and is told with the next.
    pub(crate) const fn untold(self, now: i64) -> Self {
        let since = begun(self, now);
        if self.stands() { State::Right { since } } else { State::Wrong { since } }
    }

    const fn interrupted(self) -> Self {
        if self.stands() { State::Raised } else { State::Quiet }
    }
}

/// Since when what is about to change lasts.
const fn begun(state: State, now: i64) -> i64 {
    match state {
        State::Wrong { since } | State::Right { since } if since <= now => since,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::alert::{Measure, Severity};

    fn threshold(limit: u64, right: u64, lasting: i64) -> Threshold {
        Threshold::new(Measure::Queue, Severity::Error, limit)
            .and_then(|threshold| threshold.right_again_at(right))
            .and_then(|threshold| threshold.lasting(TimeDelta::milliseconds(lasting)))
            .expect("a threshold")
    }

    fn told(threshold: &Threshold, series: &[(Option<u64>, i64)]) -> Vec<Option<Change>> {
        let mut state = State::default();
        let step = |&(value, now): &(Option<u64>, i64)| {
            let (next, change) = state.observe(threshold, value, now);
            state = next;
            change
        };
        series.iter().map(step).collect()
    }

    #[test]
    fn what_trembles_at_a_threshold_is_told_once() {
        let at_once = threshold(100, 80, 0);
        let values = [90, 101, 99, 101, 85, 120, 81, 101, 80, 99, 100, 101];
        let series: Vec<(Option<u64>, i64)> = (0..).zip(values).map(|(at, value)| (Some(value), at)).collect();
        let told: Vec<(usize, Change)> = told(&at_once, &series)
            .into_iter()
            .enumerate()
            .filter_map(|(place, change)| Some((place, change?)))
            .collect();
        assert_eq!(told, [(1, Change::Raised), (8, Change::Resolved), (11, Change::Raised)]);
    }

    #[test]
    fn a_gap_and_a_clock_that_was_set_back_neither_raise_nor_resolve() {
        let lasting = threshold(100, 80, 10);
        let (wrong, right, gap) = (Some(200), Some(0), None);
        let none = |series: &[(Option<u64>, i64)]| told(&lasting, series).iter().all(Option::is_none);
        assert!(none(&[(wrong, 0), (gap, 5), (wrong, 10), (wrong, 19)]), "it begins to last anew after the gap");
        assert!(none(&[(wrong, 0), (wrong, -50), (wrong, -41)]), "and after the clock was set back");
        let raised = [(wrong, 0), (wrong, 10), (right, 11), (gap, 21), (right, 22), (right, 31), (right, 32)];
        let expected = [None, Some(Change::Raised), None, None, None, None, Some(Change::Resolved)];
        assert_eq!(told(&lasting, &raised), expected);
    }

    proptest! {
        /// Whatever is measured: what is told alternates, begins with something wrong, and was true for as long as it must last.
        #[test]
        fn what_is_told_alternates_and_has_lasted(
            values in proptest::collection::vec((proptest::option::weighted(0.9, 0_u64..200), 1_i64..30), 0..120),
            right in 0_u64..=100,
            lasting in 0_i64..60,
        ) {
            let threshold = threshold(100, right, lasting);
            let mut now = 0;
            let series: Vec<(Option<u64>, i64)> = values.into_iter().map(|(value, after)| { now += after; (value, now) }).collect();
            let changes = told(&threshold, &series);
            let mut expected = Change::Raised;
            for (place, change) in changes.iter().enumerate() {
                let Some(change) = change else { continue };
                prop_assert_eq!(*change, expected);
                let held = |value: u64| match change {
                    Change::Raised => value > 100,
                    Change::Resolved => value <= right,
                };
                let run = series[..=place].iter().rev().take_while(|(value, _)| value.is_some_and(held)).last();
                let began = run.map_or(i64::MAX, |(_, at)| *at);
                prop_assert!(series[place].1 - began >= lasting);
                expected = if expected == Change::Raised { Change::Resolved } else { Change::Raised };
            }
        }

        /// What is wrong for long enough without a gap is told, whatever was before.
        #[test]
        fn what_lasts_is_told(before in proptest::collection::vec(0_u64..200, 0..40), lasting in 0_i64..50) {
            let threshold = threshold(100, 50, lasting);
            let mut state = State::default();
            let mut now = 0;
            for value in before {
                now += 1;
                state = state.observe(&threshold, Some(value), now).0;
            }
            for _ in 0..=lasting {
                now += 1;
                state = state.observe(&threshold, Some(150), now).0;
            }
            prop_assert!(state.stands());
            for _ in 0..=lasting {
                now += 1;
                state = state.observe(&threshold, Some(50), now).0;
            }
            prop_assert_eq!(state, State::Quiet);
        }
    }
}
