//! What a weight turned out to be worth: an isotonic curve, from pairs that people judged or from rivals.

use serde::{Deserialize, Serialize};

/// A non-decreasing curve by its corners; none leaves probabilities as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Calibration {
    /// Weight in bits, and the probability there, both ascending.
    pub corners: Vec<(f64, f64)>,
}

/// Fewer judged pairs than this change nothing: a curve through few points says more about them than about the model.
pub const FEWEST_JUDGED: usize = 50;

/// No weight is more.
const MOST_BITS: f64 = 100.0;

impl Calibration {
    /// The curve of judged pairs: weight in bits, and whether the two are one entity.
    #[must_use]
    pub fn of_judged(judged: &[(f64, bool)]) -> Self {
        if judged.len() < FEWEST_JUDGED {
            return Self::default();
        }
        Self { corners: isotonic(judged.iter().map(|(bits, same)| (*bits, f64::from(u8::from(*same)), 1.0)).collect()) }
    }

    /// The least weight in bits that has a probability, within a hundred.
    #[must_use]
    pub fn bits(&self, probability: f64) -> f64 {
        let (mut least, mut most) = (-MOST_BITS, MOST_BITS);
        // The curve never falls: half of what is left is always out of question.
        for _ in 0..64 {
            let middle = f64::midpoint(least, most);
            if self.probability(middle) >= probability {
                most = middle;
            } else {
                least = middle;
            }
        }
        most
    }

    /// The probability of a weight in bits.
    #[must_use]
    pub fn probability(&self, bits: f64) -> f64 {
        let plain = 1.0 / (1.0 + (-bits).exp2());
        let after = self.corners.partition_point(|(at, _)| *at <= bits);
        match (after.checked_sub(1).and_then(|before| self.corners.get(before)), self.corners.get(after)) {
            (None, None) => plain,
            // Nobody is asked about what is sure: more than was judged is no less probable than the model says.
            (Some((_, last)), None) => plain.max(*last),
            (None, Some((_, first))) => plain.min(*first),
            (Some((from, low)), Some((to, high))) => {
                low + (high - low) * (bits - from) / (to - from).max(f64::MIN_POSITIVE)
            }
        }
    }
}

/// The non-decreasing curve nearest to points of place, value and weight, by pooling neighbours that are out of order.
#[must_use]
pub fn isotonic(mut points: Vec<(f64, f64, f64)>) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    // First place, last place, mean, weight.
    let mut pools: Vec<(f64, f64, f64, f64)> = Vec::new();
    for (place, value, weight) in points {
        let mut pool = (place, place, value, weight);
        while let Some(last) = pools.last().copied() {
            if last.2 < pool.2 && last.1 < pool.0 {
                break;
            }
            pools.pop();
            let weight = last.3 + pool.3;
            pool = (last.0, pool.1, (last.2 * last.3 + pool.2 * pool.3) / weight, weight);
        }
        pools.push(pool);
    }
    let ends = |pool: &(f64, f64, f64, f64)| [(pool.0, pool.2), (pool.1, pool.2)];
    let mut corners: Vec<(f64, f64)> = pools.iter().flat_map(ends).collect();
    corners.dedup();
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_never_falls() {
        let points = vec![(0.0, 0.0, 1.0), (1.0, 1.0, 1.0), (2.0, 0.0, 1.0), (3.0, 1.0, 1.0)];
        assert_eq!(isotonic(points), [(0.0, 0.0), (1.0, 0.5), (2.0, 0.5), (3.0, 1.0)]);
        assert_eq!(isotonic(Vec::new()), []);
    }

    #[test]
    fn judged_pairs_move_probabilities() {
        let judged: Vec<(f64, bool)> = (0..200).map(|n| (f64::from(n % 10), n % 10 >= 7)).collect();
        let curve = Calibration::of_judged(&judged);
        assert!(curve.probability(5.0) < 0.1 && curve.probability(9.0) > 0.9);
        let doubtful: Vec<(f64, bool)> = (0..200).map(|n| (f64::from(n % 5), n % 10 >= 4)).collect();
        assert!(Calibration::of_judged(&doubtful).probability(20.0) > 0.99, "what is sure is asked about by nobody");
        let plain = Calibration::default();
        assert!((plain.bits(0.5)).abs() < 1e-6 && (plain.bits(0.95) - 4.248).abs() < 1e-3);
        assert!((plain.bits(1.0) - 53.0).abs() < 1e-3, "certainty is where numbers of 53 bits end");
        assert!((plain.bits(1.5) - MOST_BITS).abs() < 1e-3, "what nothing reaches is not endlessly far");
        assert!(curve.probability(curve.bits(0.9)) >= 0.9 && curve.probability(curve.bits(0.9) - 0.01) < 0.9);
        let few = Calibration::of_judged(&judged[..10]);
        assert!((few.probability(0.0) - 0.5).abs() < 1e-9, "ten pairs change nothing");
    }
}
