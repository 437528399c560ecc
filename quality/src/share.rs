//! Shares of few rows: how surprising a count of hits is, exactly.

use statrs::function::gamma::ln_gamma;

/// What was seen of a share before: hits and misses, in the number of rows that they are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Hits.
    pub hits: f64,
    /// Misses.
    pub misses: f64,
}

impl Seen {
    /// Of these days, each `(hits, of)`, on top of half a hit and half a miss (Jeffreys' prior). Days vary more than rows do:
    /// `worth` says how many rows the whole past counts for at most.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 rows, the past counts for its limit")]
    pub fn of(days: impl IntoIterator<Item = (u64, u64)>, worth: f64) -> Self {
        let (hits, of) =
            days.into_iter().fold((0.0, 0.0), |(hits, all), (hit, of)| (hits + hit.min(of) as f64, all + of as f64));
        let counts = if of > worth && worth > 0.0 { worth / of } else { 1.0 };
        Self { hits: 0.5 + counts * hits, misses: 0.5 + counts * (of - hits) }
    }

    /// The share that is expected, between 0 and 1.
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.hits / (self.hits + self.misses)
    }

    /// How probable it is that of `of` rows so few are hits, or so many, whichever is less; times two. By the beta-binomial
    /// distribution (Skellam, *A Probability Distribution Derived from the Binomial*, 1948), summed and not approximated.
    ///
    /// Takes time in proportion to `of`: for shares of few rows. 1 where there are no rows, or more hits than rows.
    #[must_use]
    pub fn surprise(&self, hits: u64, of: u64) -> f64 {
        if of == 0 || hits > of {
            return 1.0;
        }
        let (mut at_most, mut all) = (0.0, 0.0);
        for k in 0..=of {
            let chance = self.ln_chance(k, of).exp();
            all += chance;
            if k <= hits {
                at_most += chance;
            }
        }
        let at_least = all - at_most + self.ln_chance(hits, of).exp();
        (2.0 * at_most.min(at_least) / all).clamp(0.0, 1.0)
    }

    #[expect(clippy::cast_precision_loss, reason = "the sum over so many rows would never end")]
    fn ln_chance(&self, hits: u64, of: u64) -> f64 {
        let (hits, of) = (hits as f64, of as f64);
        let ln_choose = ln_gamma(of + 1.0) - ln_gamma(hits + 1.0) - ln_gamma(of - hits + 1.0);
        let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        ln_choose + ln_beta(hits + self.hits, of - hits + self.misses) - ln_beta(self.hits, self.misses)
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn the_chances_of_all_counts_are_one() {
        let seen = Seen::of([(90, 100), (45, 50)], 1e9);
        for of in [1, 7, 40] {
            let all: f64 = (0..=of).map(|hits| seen.ln_chance(hits, of).exp()).sum();
            assert!((all - 1.0).abs() < 1e-9, "{all}");
        }
    }

    /// Without a past, the prior alone: of one row, hit and miss are as probable.
    #[test]
    fn what_is_known_decides_what_surprises() {
        let nothing = Seen::of([], 1e9);
        assert!((nothing.surprise(0, 1) - 1.0).abs() < 1e-9 && (nothing.expected() - 0.5).abs() < 1e-12);
        let good = Seen::of([(990, 1_000)], 1e9);
        // Two bad rows of five, where one of a hundred was bad.
        assert!(good.surprise(3, 5) < 0.003, "{}", good.surprise(3, 5));
        assert!(good.surprise(5, 5) > 0.9, "{}", good.surprise(5, 5));
        // The same past, worth ten rows.
        assert!(Seen::of([(990, 1_000)], 10.0).surprise(3, 5) > 0.01);
        for (hits, of) in [(0, 0), (3, 2)] {
            assert!((good.surprise(hits, of) - 1.0).abs() < f64::EPSILON);
        }
    }
}
