//! A bucket of points.

use super::{Admission, Feedback, Points, Throttle};

/// A bucket that a request must find full enough, and that refills by the second: Shopify's calculated query cost.
///
/// What the server tells of it counts; between answers it is reckoned. Requests under way are taken off what the server
/// told last, whether it has counted them or not, so that what was reckoned is never more than what is there.
#[derive(Debug)]
pub struct Bucket {
    capacity: u32,
    per_second: u32,
    /// Thousandths of points at `told_at`.
    left: i64,
    told_at: i64,
    /// The costs of requests under way.
    under_way: i64,
    paused_until: i64,
}

impl Bucket {
    /// A full bucket, until the server tells of it; a rate of none is read as one.
    #[must_use]
    pub fn new(capacity: u32, per_second: u32) -> Self {
        Self {
            capacity,
            per_second: per_second.max(1),
            left: i64::from(capacity).saturating_mul(1_000),
            told_at: i64::MIN,
            under_way: 0,
            paused_until: i64::MIN,
        }
    }

    fn refill(&mut self, now: i64) {
        if self.told_at == i64::MIN {
            self.told_at = now;
        }
        let came = now.saturating_sub(self.told_at).max(0).saturating_mul(i64::from(self.per_second));
        self.left = self.left.saturating_add(came).min(i64::from(self.capacity).saturating_mul(1_000));
        self.told_at = self.told_at.max(now);
    }
}

impl Throttle for Bucket {
    fn admit(&mut self, cost: u32, now: i64) -> Admission {
        if cost > self.capacity {
            return Admission::Never;
        }
        if now < self.paused_until {
            return Admission::At(self.paused_until);
        }
        self.refill(now);
        let missing = i64::from(cost).saturating_add(self.under_way).saturating_mul(1_000).saturating_sub(self.left);
        if missing <= 0 {
            self.under_way = self.under_way.saturating_add(i64::from(cost));
            return Admission::Go;
        }
        if self.under_way.saturating_add(i64::from(cost)) > i64::from(self.capacity) {
            return Admission::AfterAnother;
        }
        let rate = i64::from(self.per_second);
        Admission::At(now.saturating_add(missing.saturating_add(rate - 1) / rate))
    }

    fn settle(&mut self, cost: u32, said: &Feedback, now: i64) {
        self.refill(now);
        self.under_way = self.under_way.saturating_sub(i64::from(cost)).max(0);
        match said.points {
            Some(Points { available, capacity, per_second }) => {
                self.capacity = capacity;
                self.per_second = per_second.max(1);
                self.left = i64::from(available).saturating_mul(1_000);
                self.told_at = now;
            }
            // Nobody told: all that it may have cost is gone.
            None if said.refused.is_none() => {
                self.left = self.left.saturating_sub(i64::from(cost).saturating_mul(1_000));
            }
            None => {}
        }
        if let Some(wait) = said.refused {
            let missing = i64::from(cost).saturating_mul(1_000).saturating_sub(self.left).max(0);
            let reckoned = (missing / i64::from(self.per_second)).max(1_000);
            let wait = wait.map_or(reckoned, |wait| wait.num_milliseconds());
            self.paused_until = self.paused_until.max(now.saturating_add(wait));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Admission, Feedback, Points, Throttle as _};
    use super::Bucket;

    /// The server's bucket: takes what was asked for, gives back what was not needed.
    struct Server {
        capacity: i64,
        per_second: i64,
        left: i64,
        at: i64,
    }

    impl Server {
        fn refill(&mut self, now: i64) {
            self.left = (self.left + (now - self.at) * self.per_second).min(self.capacity * 1_000);
            self.at = now;
        }
    }

    proptest! {
        /// One after the other, no request is ever refused, whatever it costs in the end; and the bucket does not stay
        /// full while somebody waits.
        #[test]
        fn nothing_is_refused(
            per_second in 1u32..200,
            wants in prop::collection::vec((1u32..=1_000, 0u32..=100, 0i64..300), 60),
        ) {
            let (capacity, rate) = (1_000u32, i64::from(per_second));
            let mut server = Server { capacity: 1_000, per_second: rate, left: 1_000_000, at: 0 };
            let mut bucket = Bucket::new(capacity, per_second);
            let mut now = 0;
            for (cost, used, way) in wants {
                loop {
                    match bucket.admit(cost, now) {
                        Admission::Go => break,
                        Admission::At(at) => { prop_assert!(at > now); now = at }
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
                now += way;
                server.refill(now);
                prop_assert!(server.left >= i64::from(cost) * 1_000, "{} left of {cost}", server.left);
                server.left -= i64::from(cost) * 10 * i64::from(used);
                let points = Points {
                    available: u32::try_from(server.left / 1_000).unwrap_or(0), capacity, per_second,
                };
                bucket.settle(cost, &Feedback { refused: None, points: Some(points) }, now);
            }
        }
    }

    #[test]
    fn what_can_never_be_paid_is_refused_at_once() {
        let mut bucket = Bucket::new(1_000, 50);
        assert_eq!(bucket.admit(1_001, 0), Admission::Never);
        assert_eq!(bucket.admit(700, 0), Admission::Go);
        assert_eq!(bucket.admit(700, 0), Admission::AfterAnother, "one after the other");
        bucket.settle(700, &Feedback::default(), 0);
        assert_eq!(bucket.admit(700, 0), Admission::At(8_000), "400 points, 50 a second");
    }
}
