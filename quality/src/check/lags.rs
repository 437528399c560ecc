//! How long ago: ages, counted by their size.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Ages, counted in classes that are no wider than an eighth of what is in them. Two of them merge exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Lags {
    classes: BTreeMap<u16, u64>,
}

/// Classes as they were stored: those of somebody else may be none.
#[derive(Deserialize)]
struct Stored {
    classes: BTreeMap<u16, u64>,
}

impl TryFrom<Stored> for Lags {
    type Error = &'static str;

    fn try_from(Stored { classes }: Stored) -> Result<Self, Self::Error> {
        match classes.last_key_value() {
            Some((last, _)) if *last > LAST => Err("a class of ages that there is not"),
            _ => Ok(Self { classes }),
        }
    }
}

/// Where a share of the ages ends, in microseconds: not below the one, and below the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// Not below this.
    pub from: u64,
    /// Below this, or at it where it is the greatest number that there is.
    pub below: u64,
}

/// Ages below it have a class each.
const EACH: u64 = 8;

fn class(age: u64) -> u16 {
    if age < EACH {
        return u16::try_from(age).unwrap_or_default();
    }
    // The place of the highest bit, and the three bits behind it.
    let power = age.ilog2();
    let eighth = (age >> (power - 3)) & 7;
    u16::try_from(u64::from(power - 2) * 8 + eighth).unwrap_or(u16::MAX)
}

fn least(class: u16) -> u64 {
    let class = u64::from(class);
    if class < EACH {
        class
    } else {
        (8 + class % 8).checked_shl(u32::try_from(class / 8 - 1).unwrap_or(64)).unwrap_or(0)
    }
}

impl Lags {
    /// Takes them in.
    pub(crate) fn take(&mut self, ages: impl Iterator<Item = u64>) {
        let mut counts = [0u64; LAST as usize + 1];
        for age in ages {
            counts[usize::from(class(age))] += 1;
        }
        for (class, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
            let held = self.classes.entry(class).or_default();
            *held = held.saturating_add(count);
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        for (class, count) in other.classes {
            let held = self.classes.entry(class).or_default();
            *held = held.saturating_add(count);
        }
    }

    /// How many ages are counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.classes.values().fold(0, |all, count| all.saturating_add(*count))
    }

    /// Where the least `percent` of hundred of them end. Nothing of no ages, or of more than a hundred.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Option<Within> {
        let all = self.count();
        if all == 0 || percent > 100 {
            return None;
        }
        let rank = (u128::from(all) * u128::from(percent)).div_ceil(100).max(1);
        let mut counted = 0;
        self.classes.iter().find_map(|(class, count)| {
            counted += u128::from(*count);
            (counted >= rank).then(|| Within {
                from: least(*class),
                below: if *class == LAST { u64::MAX } else { least(class + 1) },
            })
        })
    }
}

/// The class of the greatest age.
const LAST: u16 = 61 * 8 + 7;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{LAST, Lags, class, least};

    #[test]
    fn each_age_is_in_a_class_that_is_no_wider_than_an_eighth() {
        let mut last = 0;
        for age in (0..5_000).chain((3..64).flat_map(|power| [(1u64 << power) - 1, 1 << power, (1 << power) + 1])) {
            let class = class(age);
            let from = least(class);
            assert!(from <= age, "{age}");
            if class < LAST {
                let below = least(class + 1);
                assert!(age < below && below - from <= (from / 8).max(1), "{age} {from} {below}");
            }
            last = last.max(class);
        }
        assert_eq!((class(u64::MAX), last <= LAST), (LAST, true));
    }

    #[test]
    fn percentiles_are_where_they_are_counted() {
        let mut lags = Lags::default();
        assert!(lags.percentile(50).is_none());
        lags.take(1..=1_000);
        for (percent, age) in [(0, 1), (50, 500), (95, 950), (100, 1_000)] {
            let within = lags.percentile(percent).unwrap();
            assert!(within.from <= age && age < within.below, "{percent} {within:?}");
        }
        assert!(lags.percentile(101).is_none());
    }
}
