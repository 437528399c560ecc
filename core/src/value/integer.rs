//! Whole numbers and booleans: `i64`, `u64`, `bool`.

use std::cmp::Ordering;
use std::fmt::Write as _;

use crate::rule::Measured;
use crate::value::{Additive, Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Value, exact};

/// A whole number that fits in `i64`.
///
/// **Canonical form:** decimal digits with a minus if negative. `12.0` and `1.2e1` are 12; `12.5` is malformed.
impl Value for i64 {
    const KIND: Kind = Kind { name: "integer", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        let (negative, magnitude) =
            leaf.as_text().and_then(|text| exact::whole(text.trim())).ok_or(Malformed::new("not a whole number"))?;
        i128::try_from(magnitude)
            .ok()
            .and_then(|magnitude| i64::try_from(if negative { -magnitude } else { magnitude }).ok())
            .ok_or(Malformed::new("a whole number outside 64 bits"))
    }

    fn canonical(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{self}");
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse().map_err(|_| Malformed::new("not a whole number"))
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Number(self.to_string().into())
    }
}

impl OneLeaf for i64 {}

impl Ordered for i64 {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    fn magnitude(&self) -> Self {
        self.saturating_abs()
    }
}

impl Additive for i64 {
    fn add(&self, other: &Self) -> Option<Self> {
        self.checked_add(*other)
    }
}

impl Measured for i64 {
    fn differs_by_more_than(&self, other: &Self, limit: &Self) -> bool {
        i128::from(self.abs_diff(*other)) > i128::from(*limit)
    }
}

/// A whole number from zero that fits in `u64`. **Canonical form:** decimal digits.
impl Value for u64 {
    const KIND: Kind = Kind { name: "unsigned", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        match leaf.as_text().and_then(|text| exact::whole(text.trim())) {
            Some((false, magnitude)) => {
                u64::try_from(magnitude).map_err(|_| Malformed::new("a whole number outside 64 bits"))
            }
            Some((true, _)) => Err(Malformed::new("a negative number")),
            None => Err(Malformed::new("not a whole number")),
        }
    }

    fn canonical(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{self}");
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse().map_err(|_| Malformed::new("not a whole number"))
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Number(self.to_string().into())
    }
}

impl OneLeaf for u64 {}

impl Ordered for u64 {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Additive for u64 {
    fn add(&self, other: &Self) -> Option<Self> {
        self.checked_add(*other)
    }
}

impl Measured for u64 {
    fn differs_by_more_than(&self, other: &Self, limit: &Self) -> bool {
        self.abs_diff(*other) > *limit
    }
}

/// Yes or no. Reads booleans, `true`/`false` in any case, `T`/`F` (NetSuite) and `1`/`0`.
///
/// **Canonical form:** `true` or `false`.
impl Value for bool {
    const KIND: Kind = Kind { name: "bool", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        let text = match leaf {
            Leaf::Bool(value) => return Ok(value),
            Leaf::Text(text) | Leaf::Number(text) => text.trim(),
            Leaf::Null => return Err(Malformed::new("not a boolean")),
        };
        if text.eq_ignore_ascii_case("true") || text == "T" || text == "1" {
            Ok(true)
        } else if text.eq_ignore_ascii_case("false") || text == "F" || text == "0" {
            Ok(false)
        } else {
            Err(Malformed::new("not a boolean"))
        }
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse().map_err(|_| Malformed::new("not a boolean"))
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Bool(*self)
    }
}

impl OneLeaf for bool {}

/// `false` before `true`: the maximum is "any", the minimum "all".
impl Ordered for bool {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    #[test]
    fn reads_whole_numbers() {
        let read = |text| canonical::<i64>(Leaf::Text(text), &Hints::default()).ok();
        for (text, expected) in [("12", "12"), ("12.0", "12"), ("-0", "0"), (" +7 ", "7"), ("1e3", "1000")] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read("-9223372036854775808").as_deref(), Some("-9223372036854775808"));
        for text in ["9223372036854775808", "12.5", "1e-1", "twelve", "1,000"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(u64::parse(Leaf::Number("18446744073709551615"), &Hints::default()), Ok(u64::MAX));
        assert!(u64::parse(Leaf::Number("-1"), &Hints::default()).is_err());
    }

    #[test]
    fn reads_booleans() {
        for (text, expected) in [("TRUE", true), ("T", true), ("1", true), ("False", false), ("F", false), ("0", false)]
        {
            assert_eq!(bool::parse(Leaf::Text(text), &Hints::default()), Ok(expected), "{text}");
        }
        assert!(bool::parse(Leaf::Text("yes"), &Hints::default()).is_err());
    }

    #[test]
    fn measures_and_adds() {
        assert!(i64::MIN.differs_by_more_than(&i64::MAX, &i64::MAX));
        assert!(!10_i64.differs_by_more_than(&7, &3));
        assert!(10_u64.differs_by_more_than(&6, &3));
        assert_eq!(i64::MAX.add(&1), None);
        assert_eq!(2_u64.add(&3), Some(5));
    }

    proptest! {
        #[test]
        fn any_text(text in "[-+]?[0-9.eE]{0,12}|.*") {
            holds::<i64>(&text, &Hints::default());
            holds::<u64>(&text, &Hints::default());
            holds::<bool>(&text, &Hints::default());
        }

        #[test]
        fn any_number(number: i64) {
            holds::<i64>(&number.to_string(), &Hints::default());
        }
    }
}
