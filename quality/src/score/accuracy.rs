//! How much of the data is true, as far as evidence says.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF as _};

/// How much of the data is true, by what people decided and reference data confirmed. Never a guess: without evidence there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Accuracy {
    /// The share that is expected: the mean of what is plausible after the evidence, between 0 and 1.
    pub mean: f64,
    /// The share is above this, 39 times of 40.
    pub least: f64,
    /// The share is below this, 39 times of 40.
    pub most: f64,
}

impl Accuracy {
    /// Of so many values that were found right, of so many that there is evidence of. On top of half a right and half a wrong one
    /// (Jeffreys' prior). Nothing where there is no evidence, or more right ones than there are.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 values, the interval is a point")]
    pub fn of(right: u64, of: u64) -> Option<Self> {
        let wrong = of.checked_sub(right).filter(|_| of > 0)?;
        let (right, wrong) = (right as f64 + 0.5, wrong as f64 + 0.5);
        let plausible = Beta::new(right, wrong).ok()?;
        let mean = right / (right + wrong);
        Some(Self { mean, least: plausible.inverse_cdf(0.025).min(mean), most: plausible.inverse_cdf(0.975).max(mean) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Accuracy;

    /// Figures of another program: the incomplete beta function by its continued fraction, bisected.
    #[test]
    fn the_interval_is_that_of_the_posterior() {
        for (right, of, mean, least, most) in [
            (9, 10, 9.5 / 11.0, 0.618_685_2, 0.988_988_3),
            (0, 1, 0.25, 0.000_385_6, 0.853_253_7),
            (950, 1_000, 950.5 / 1_001.0, 0.935_171_5, 0.962_229_9),
        ] {
            let accuracy = Accuracy::of(right, of).unwrap();
            assert!((accuracy.mean - mean).abs() < 1e-12, "{accuracy:?}");
            assert!(
                (accuracy.least - least).abs() < 1e-4 && (accuracy.most - most).abs() < 1e-4,
                "{right} {accuracy:?}"
            );
        }
    }

    #[test]
    fn more_evidence_says_more_and_none_says_nothing() {
        let width = |right, of| Accuracy::of(right, of).map(|accuracy| accuracy.most - accuracy.least).unwrap();
        assert!(width(9, 10) > width(90, 100) && width(90, 100) > width(900, 1_000));
        assert_eq!(Accuracy::of(0, 0), None);
        assert_eq!(Accuracy::of(3, 2), None);
    }
}
