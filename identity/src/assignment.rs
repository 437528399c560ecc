//! One-to-one linkage: a record has at most one partner, so the pairs it is in exclude each other.
//!
//! Pairs are taken greedily by weight, each record once. How often a taken pair is wrong is read off the rivals that were not
//! taken: what stood second was certainly wrong where the first was right, so its weights show what wrong pairs look like (as
//! decoys show it in the search of spectra). No weight has to be believed for that, only their order.

use hashbrown::HashMap;

use crate::calibration::isotonic;
use crate::resolution::Pair;
use crate::table::Row;

/// A pair that was not taken keeps at most this probability.
const LEFT_OVER: f64 = 0.04;

/// Takes pairs greedily, and gives each the probability that it is right. All pairs must have a weight.
pub fn one_to_one(pairs: &mut [Pair]) {
    let weight = |pair: &Pair| pair.weight.unwrap_or(f32::NEG_INFINITY);
    pairs.sort_unstable_by(|x, y| weight(y).total_cmp(&weight(x)).then((x.a, x.b).cmp(&(y.a, y.b))));
    let mut taken: HashMap<Row, usize> = HashMap::new();
    let mut second: HashMap<Row, f64> = HashMap::new();
    let mut rights: Vec<usize> = Vec::new();
    for (place, pair) in pairs.iter().enumerate() {
        let (a, b) = (taken.contains_key(&pair.a), taken.contains_key(&pair.b));
        if !a && !b {
            taken.insert(pair.a, place);
            taken.insert(pair.b, place);
            rights.push(place);
            continue;
        }
        for (row, has) in [(pair.a, a), (pair.b, b)] {
            if has {
                second.entry(row).or_insert_with(|| f64::from(weight(pair)));
            }
        }
    }
    let mut points: Vec<(f64, f64, f64)> =
        rights.iter().map(|place| (f64::from(weight(&pairs[*place])), 1.0, 2.0)).collect();
    points.extend(second.values().map(|weight| (*weight, 0.0, 1.0)));
    let curve = isotonic(points);
    let share = |bits: f64| {
        let after = curve.partition_point(|(at, _)| *at <= bits);
        curve.get(after.saturating_sub(1)).map_or(0.5, |(_, share)| *share).clamp(1e-6, 1.0 - 1e-6)
    };
    // Where taken pairs are rarest among all, they are taken to be wrong: what else is wrong has the same shape.
    let least = curve.iter().map(|(_, share)| *share).find(|share| *share > 0.0).unwrap_or(0.5).clamp(1e-6, 0.5);
    let wrong = least / (1.0 - least);
    for (place, pair) in pairs.iter_mut().enumerate() {
        let bits = f64::from(weight(pair));
        let share = share(bits);
        let right = (1.0 - wrong * (1.0 - share) / share).clamp(0.0, 1.0);
        let own = pair.probability;
        let is_taken = taken.get(&pair.a) == Some(&place);
        pair.probability = if is_taken { right.max(own.min(0.5)) } else { own.min(LEFT_OVER) };
    }
    pairs.sort_unstable_by(|x, y| {
        y.probability.total_cmp(&x.probability).then(weight(y).total_cmp(&weight(x))).then((x.a, x.b).cmp(&(y.a, y.b)))
    });
}
