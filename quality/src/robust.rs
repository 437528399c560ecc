//! Location and scale that a few wild values do not move (Huber, *Robust Estimation of a Location Parameter*, 1964; Rousseeuw
//! and Croux, *Alternatives to the Median Absolute Deviation*, 1993).

/// What makes the median absolute deviation of a normal sample its standard deviation.
const NORMAL: f64 = 1.4826;

/// How far values count, in standard deviations, in a mean that wild ones do not move.
const WINSOR: f64 = 1.5;

/// The middle value; between the two in the middle where there are two. 0 of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if even { below.iter().copied().fold(f64::NEG_INFINITY, f64::max).midpoint(*upper) } else { *upper }
}

/// The standard deviation about `center`, as the median absolute deviation tells it.
pub(crate) fn scale(values: impl IntoIterator<Item = f64>, center: f64) -> f64 {
    NORMAL * median(values.into_iter().map(|value| (value - center).abs()))
}

/// The mean of values that count no farther than 1.5 standard deviations from `center`: nearly as steady as a mean where
/// all is normal, and no farther off than a median where it is not.
pub(crate) fn winsorized_mean(values: impl IntoIterator<Item = f64>, center: f64, scale: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += (value - center).clamp(-WINSOR * scale, WINSOR * scale);
        count += 1.0;
    }
    if count > 0.0 { center + sum / count } else { center }
}

#[cfg(test)]
mod tests {
    use super::{median, scale, winsorized_mean};

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn one_wild_value_moves_none_of_them() {
        let tame = [1.0, 2.0, 3.0, 4.0, 5.0];
        let wild = [1.0, 2.0, 3.0, 4.0, 5e9];
        for values in [tame, wild] {
            assert!(near(median(values), 3.0));
            assert!(near(scale(values, 3.0), 1.4826));
        }
        let (one, other) = (winsorized_mean(tame, 3.0, 1.0), winsorized_mean(wild, 3.0, 1.0));
        assert!(near(one, 3.0) && near(other, 3.0), "{one} {other}");
        assert!(near(median([4.0, 1.0, 3.0, 2.0]), 2.5));
        assert!(near(median([]), 0.0));
    }
}
