//! Exact decimals.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal as Inner;
use serde::{Deserialize, Serialize};

use crate::rule::Measured;
use crate::value::{Additive, Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Value};

/// An exact decimal of up to 28 significant digits. Never a float, never rounded in silence.
///
/// **Canonical form:** without exponent, without trailing zeros, without `-0`: `10.50` is `10.5`.
///
/// ```
/// # use accordant::value::Decimal;
/// let sum = "0.1".parse::<Decimal>()?.checked_add(&"0.2".parse()?);
/// assert_eq!(sum.map(|sum| sum.to_string()), Some("0.3".to_owned()));
/// # Ok::<(), accordant::value::Malformed>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Decimal(Inner);

impl Decimal {
    /// `mantissa × 10^-scale`.
    #[must_use]
    pub fn from_parts(mantissa: i64, scale: u32) -> Option<Self> {
        Inner::try_new(mantissa, scale).ok().map(Self::normal)
    }

    /// Zero.
    #[must_use]
    pub const fn zero() -> Self {
        Self(Inner::ZERO)
    }

    /// The exact sum; `None` if it has more digits than fit.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        exact_sum(self.0, other.0).map(Self::normal)
    }

    /// The exact difference; `None` if it has more digits than fit.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        exact_sum(self.0, -other.0).map(Self::normal)
    }

    /// The product; `None` if it overflows. Beyond 28 digits it is rounded half to even.
    #[must_use]
    pub fn checked_mul(&self, other: &Self) -> Option<Self> {
        self.0.checked_mul(other.0).map(Self::normal)
    }

    /// The size without the sign.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self(self.0.abs())
    }

    /// Digits behind the point.
    pub(super) const fn scale(&self) -> u32 {
        self.0.scale()
    }

    /// The text with at least `digits` digits behind the point.
    pub(super) fn padded(&self, digits: u32) -> String {
        let mut number = self.0;
        if number.scale() < digits {
            number.rescale(digits);
        }
        number.to_string()
    }

    fn normal(inner: Inner) -> Self {
        let normal = inner.normalize();
        Self(if normal.is_zero() { Inner::ZERO } else { normal })
    }
}

/// `rust_decimal` rounds a sum that needs more digits than it has: then the sum is not exact, and there is none.
fn exact_sum(a: Inner, b: Inner) -> Option<Inner> {
    let sum = a.checked_add(b)?;
    (sum.scale() >= a.normalize().scale().max(b.normalize().scale()) || sum.checked_sub(b)? == a).then_some(sum)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Decimal {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        const NOT_A_NUMBER: Malformed = Malformed::new("not a number of up to 28 digits");
        let exact = crate::value::exact::read(text.trim()).ok_or(NOT_A_NUMBER)?;
        let mantissa = i128::try_from(exact.mantissa).map_err(|_| NOT_A_NUMBER)?;
        let (mantissa, scale) = match u32::try_from(-exact.exponent) {
            Ok(scale) => (mantissa, scale),
            Err(_) => {
                let power = u32::try_from(exact.exponent).map_err(|_| NOT_A_NUMBER)?;
                let factor = 10_i128.checked_pow(power).ok_or(NOT_A_NUMBER)?;
                (mantissa.checked_mul(factor).ok_or(NOT_A_NUMBER)?, 0)
            }
        };
        let signed = if exact.negative { -mantissa } else { mantissa };
        Inner::try_from_i128_with_scale(signed, scale).map(Self::normal).map_err(|_| NOT_A_NUMBER)
    }
}

impl TryFrom<String> for Decimal {
    type Error = Malformed;
    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(value: Decimal) -> Self {
        value.to_string()
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self(value.into())
    }
}

impl Value for Decimal {
    const KIND: Kind = Kind { name: "decimal", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        leaf.as_text().ok_or(Malformed::new("not a number"))?.parse()
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0.to_string());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse()
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Number(self.0.to_string().into())
    }
}

impl OneLeaf for Decimal {}

impl Additive for Decimal {
    fn add(&self, other: &Self) -> Option<Self> {
        self.checked_add(other)
    }
}

impl Ordered for Decimal {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Measured for Decimal {
    fn differs_by_more_than(&self, other: &Self, limit: &Self) -> bool {
        self.checked_sub(other).is_none_or(|difference| difference.abs() > limit.abs())
    }
}
