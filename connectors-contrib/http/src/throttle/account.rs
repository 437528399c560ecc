//! A number of requests at once.

use super::{Admission, Feedback, Throttle};

/// At most so many requests at once: NetSuite's concurrency, which all that talk to an account share, whatever their
/// surface. One [`Gate`](super::Gate) around it, given to each of them, is the account.
#[derive(Debug)]
pub struct Account {
    at_once: u32,
    under_way: u32,
    paused_until: i64,
}

/// How long nothing is sent after a refusal that names no delay.
const PAUSE_MS: i64 = 2_000;

impl Account {
    /// At most `at_once` requests; none is read as one.
    #[must_use]
    pub fn new(at_once: u32) -> Self {
        Self { at_once: at_once.max(1), under_way: 0, paused_until: i64::MIN }
    }
}

impl Throttle for Account {
    fn admit(&mut self, _: u32, now: i64) -> Admission {
        if now < self.paused_until {
            return Admission::At(self.paused_until);
        }
        if self.under_way >= self.at_once {
            return Admission::AfterAnother;
        }
        self.under_way += 1;
        Admission::Go
    }

    fn settle(&mut self, _: u32, said: &Feedback, now: i64) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(wait) = said.refused {
            let wait = wait.map_or(PAUSE_MS, |wait| wait.num_milliseconds());
            self.paused_until = self.paused_until.max(now.saturating_add(wait));
        }
    }
}
