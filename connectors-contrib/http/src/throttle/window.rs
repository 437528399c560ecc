//! A number of requests in a rolling window.

use std::collections::VecDeque;

use chrono::TimeDelta;

use super::{Admission, Feedback, Throttle};

/// At most so many requests in any window of this length, as the system counts them: when they arrive.
///
/// A request counts from when it is sent until a window after its answer. It arrived before that answer, and whatever
/// takes its place is sent later than a window after it; so no window at the system ever holds more, however slow the
/// way is, which a count of sent requests does not guarantee. What that costs is the time of one answer per window.
#[derive(Debug)]
pub struct Window {
    limit: u32,
    length: i64,
    under_way: u32,
    /// When the place of an answered request is free again: ascending.
    free_at: VecDeque<i64>,
    paused_until: i64,
}

impl Window {
    /// At most `limit` requests per `length`; none is read as one.
    #[must_use]
    pub fn new(limit: u32, length: TimeDelta) -> Self {
        Self {
            limit: limit.max(1),
            length: length.num_milliseconds().max(0),
            under_way: 0,
            free_at: VecDeque::new(),
            paused_until: i64::MIN,
        }
    }
}

impl Throttle for Window {
    fn admit(&mut self, _: u32, now: i64) -> Admission {
        if now < self.paused_until {
            return Admission::At(self.paused_until);
        }
        while self.free_at.front().is_some_and(|at| *at <= now) {
            self.free_at.pop_front();
        }
        let taken = self.free_at.len().saturating_add(self.under_way as usize);
        if taken < self.limit as usize {
            self.under_way += 1;
            return Admission::Go;
        }
        self.free_at.front().map_or(Admission::AfterAnother, |at| Admission::At(*at))
    }

    fn settle(&mut self, _: u32, said: &Feedback, now: i64) {
        self.under_way = self.under_way.saturating_sub(1);
        // One more than the length: at the very instant the system may count both.
        let free = now.saturating_add(self.length).saturating_add(1);
        self.free_at.push_back(free.max(self.free_at.back().copied().unwrap_or(i64::MIN)));
        if let Some(wait) = said.refused {
            let wait = wait.map_or(self.length, |wait| wait.num_milliseconds());
            self.paused_until = self.paused_until.max(now.saturating_add(wait));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::super::{Admission, Feedback, Throttle as _};
    use super::Window;

    proptest! {
        /// Whatever time requests take to arrive and to be answered, no window at the system holds more than the limit;
        /// and where the way is short beside the window, at least 95 of 100 places are used.
        #[test]
        fn no_window_at_the_system_holds_more(
            limit in 1u32..40,
            ways in prop::collection::vec((0i64..80, 0i64..80), 400),
            at_once in 1usize..60,
        ) {
            let length = 10_000i64;
            let mut window = Window::new(limit, TimeDelta::milliseconds(length));
            let (mut now, mut arrived, mut under_way) = (0i64, Vec::new(), Vec::<i64>::new());
            for (there, back) in ways {
                loop {
                    under_way.sort_unstable();
                    while under_way.first().is_some_and(|answered| *answered <= now) {
                        window.settle(1, &Feedback::default(), under_way.remove(0));
                    }
                    if under_way.len() >= at_once { now = under_way[0]; continue }
                    match window.admit(1, now) {
                        Admission::Go => break,
                        Admission::At(at) => now = under_way.first().map_or(at, |answered| at.min(*answered)),
                        Admission::AfterAnother => now = under_way[0],
                        Admission::Never => prop_assert!(false),
                    }
                }
                arrived.push(now + there);
                under_way.push(now + there + back);
            }
            arrived.sort_unstable();
            for (at, first) in arrived.iter().enumerate() {
                let inside = arrived[at..].iter().take_while(|other| **other - first < length + 1).count();
                prop_assert!(inside <= limit as usize, "{inside} of {limit} from {first}");
            }
            let (first, last) = (arrived[0], arrived[arrived.len() - 1]);
            let windows = (last - first) / length;
            // Twice the way is lost in each window at the most: 320 of 10 000 ms.
            let could = i64::from(limit) * windows;
            prop_assert!(arrived.len() as i64 * 100 >= could * 95, "{} of {could}", arrived.len());
        }
    }

    #[test]
    fn a_refusal_pauses_for_what_the_system_asks_or_for_a_window() {
        let mut window = Window::new(100, TimeDelta::seconds(10));
        assert_eq!(window.admit(1, 0), Admission::Go);
        window.settle(1, &Feedback::refused(Some(TimeDelta::seconds(3))), 50);
        assert_eq!(window.admit(1, 60), Admission::At(3_050));
        assert_eq!(window.admit(1, 3_050), Admission::Go);
        window.settle(1, &Feedback::refused(None), 4_000);
        assert_eq!(window.admit(1, 4_000), Admission::At(14_000));
    }
}
