//! `Decimal`: exact numbers.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::rule::Measured;
use crate::value::text_form::text_form;
use crate::value::{Additive, Hints, Kind, Leaf, Malformed, Native, OneLeaf, Ordered, Rounding, Value, exact};

/// An exact decimal number: up to 28 digits behind the point, and a size below 2⁹⁶ without it (28 digits always fit).
///
/// **Canonical form:** `10.5` for `10.50`: no exponent, no superfluous zero, no `-0`, a digit on both sides of the
/// point. `1e3` is read, exactly. Nothing rounds unless [`Rounding`] says how: what does not fit is [`Malformed`] when
/// read, and `None` when computed. In JSON it is a string, because many readers take JSON numbers for floats.
///
/// # Example
///
/// ```
/// use accordant::value::{Decimal, Rounding};
///
/// let price: Decimal = "19.90".parse()?;
/// assert_eq!(price.to_string(), "19.9");
/// assert_eq!(price.times(3), Some("59.7".parse()?));
///
/// let rate: Decimal = "0.085".parse()?;
/// assert_eq!(price.checked_mul(rate), Some("1.6915".parse()?));
/// assert_eq!(price.mul_rounded(rate, 2, Rounding::HalfAwayFromZero), Some("1.69".parse()?));
/// # Ok::<(), accordant::value::Malformed>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
// In lowest terms always: the mantissa ends in a zero only if the scale is zero.
pub struct Decimal(rust_decimal::Decimal);

/// The greatest mantissa: 96 bits.
const GREATEST: u128 = (1 << 96) - 1;

const NOT_A_NUMBER: Malformed = Malformed::new("not a decimal number");
const TOO_MANY_DIGITS: Malformed = Malformed::new("a number with more digits than are kept exactly");

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(rust_decimal::Decimal::ZERO);

    /// The most digits behind the point.
    pub const MAX_SCALE: u32 = 28;

    /// Reads a number: sign, digits with a point, exponent; white space around it is ignored.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is none, or cannot be kept exactly.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        Self::read(text.trim())
    }

    /// `mantissa × 10^-scale`, which is exact; `None` if it does not fit.
    #[must_use]
    pub const fn from_parts(mut mantissa: i128, mut scale: u32) -> Option<Self> {
        while scale > 0 && mantissa % 10 == 0 {
            if mantissa == 0 {
                return Some(Self::ZERO);
            }
            mantissa /= 10;
            scale -= 1;
        }
        let size = mantissa.unsigned_abs();
        if scale > Self::MAX_SCALE || size > GREATEST {
            return None;
        }
        // Truncation is meant: three words of 32 bits.
        let (low, middle, high) = (size as u32, (size >> 32) as u32, (size >> 64) as u32);
        Some(Self(rust_decimal::Decimal::from_parts(low, middle, high, mantissa < 0, scale)))
    }

    /// The digits without the point. They end in a zero only if [`scale`](Self::scale) is zero.
    #[must_use]
    pub const fn mantissa(self) -> i128 {
        self.0.mantissa()
    }

    /// The number of digits behind the point.
    #[must_use]
    pub const fn scale(self) -> u32 {
        self.0.scale()
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa() == 0
    }

    /// The number without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// The exact sum; `None` if it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        let scale = if self.scale() > other.scale() { self.scale() } else { other.scale() };
        // A sum of two scales ends in the last digit of the finer one, so it has no zeros to drop: where aligning
        // overflows 127 bits, the sum would not fit in 96.
        match (self.aligned(scale), other.aligned(scale)) {
            (Some(a), Some(b)) => match a.checked_add(b) {
                Some(sum) => Self::from_parts(sum, scale),
                None => None,
            },
            _ => None,
        }
    }

    /// The exact difference; `None` if it does not fit.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match Self::from_parts(-other.mantissa(), other.scale()) {
            Some(negative) => self.checked_add(negative),
            None => None,
        }
    }

    /// The exact product; `None` if it does not fit, or has more than 38 digits before its last zeros are dropped.
    #[must_use]
    pub const fn checked_mul(self, other: Self) -> Option<Self> {
        match self.mantissa().checked_mul(other.mantissa()) {
            Some(product) => Self::from_parts(product, self.scale() + other.scale()),
            None => None,
        }
    }

    /// The exact multiple; `None` if it does not fit.
    #[must_use]
    pub const fn times(self, factor: i64) -> Option<Self> {
        // An `i64` widens without loss.
        match self.mantissa().checked_mul(factor as i128) {
            Some(product) => Self::from_parts(product, self.scale()),
            None => None,
        }
    }

    /// The product, rounded once, to at most `digits` behind the point; `None` if the exact one has more than 38 digits.
    #[must_use]
    pub const fn mul_rounded(self, other: Self, digits: u32, rounding: Rounding) -> Option<Self> {
        match self.mantissa().checked_mul(other.mantissa()) {
            Some(product) => rounded(product, self.scale() + other.scale(), digits, rounding),
            None => None,
        }
    }

    /// The quotient, rounded once, to at most `digits` behind the point; `None` of a divisor that is not above zero, or if the
    /// exact dividend does not fit at that scale.
    #[must_use]
    pub const fn div_rounded(self, other: Self, digits: u32, rounding: Rounding) -> Option<Self> {
        if other.mantissa() <= 0 || digits > Self::MAX_SCALE {
            return None;
        }
        // a·10^-s ÷ b·10^-t = (a·10^(t + digits)) ÷ (b·10^s), counted in units of 10^-digits.
        let Some(up) = 10_i128.checked_pow(other.scale() + digits) else { return None };
        let Some(down) = 10_i128.checked_pow(self.scale()) else { return None };
        match (self.mantissa().checked_mul(up), other.mantissa().checked_mul(down)) {
            (Some(number), Some(divisor)) => Self::from_parts(rounding.divide(number, divisor), digits),
            _ => None,
        }
    }

    /// The number with at most `digits` behind the point. `None` if it no longer fits, as the greatest ones do not.
    #[must_use]
    pub const fn round(self, digits: u32, rounding: Rounding) -> Option<Self> {
        rounded(self.mantissa(), self.scale(), digits, rounding)
    }

    /// The mantissa that the number has at a finer scale.
    const fn aligned(self, scale: u32) -> Option<i128> {
        self.mantissa().checked_mul(10_i128.pow(scale - self.scale()))
    }

    /// Reads a number without white space around it, at compile time too.
    pub(super) const fn read(text: &str) -> Result<Self, Malformed> {
        let Some(number) = exact::read(text) else { return Err(NOT_A_NUMBER) };
        let (mantissa, scale) = if number.exponent < 0 {
            (Some(number.mantissa), number.exponent.unsigned_abs())
        } else {
            (exact::times_ten_to(number.mantissa, number.exponent), 0)
        };
        match mantissa {
            // Both were compared first: nothing is cut off.
            Some(size) if size <= GREATEST && scale <= Self::MAX_SCALE as u64 => {
                let signed = if number.negative { -(size as i128) } else { size as i128 };
                match Self::from_parts(signed, scale as u32) {
                    Some(decimal) => Ok(decimal),
                    None => Err(TOO_MANY_DIGITS),
                }
            }
            _ => Err(TOO_MANY_DIGITS),
        }
    }

    /// Appends the number with at least `digits` behind the point.
    pub(super) fn write_padded(self, digits: u32, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{}", self.0)?;
        if digits > self.scale() {
            if self.scale() == 0 {
                out.write_char('.')?;
            }
            for _ in self.scale()..digits {
                out.write_char('0')?;
            }
        }
        Ok(())
    }
}

/// `number × 10^-scale` with at most `digits` behind the point.
const fn rounded(number: i128, scale: u32, digits: u32, rounding: Rounding) -> Option<Decimal> {
    if scale <= digits {
        return Decimal::from_parts(number, scale);
    }
    match 10_i128.checked_pow(scale - digits) {
        Some(divisor) => Decimal::from_parts(rounding.divide(number, divisor), digits),
        // Less than a fifth of the last digit, since no `i128` has 39 nines.
        None => Some(Decimal::ZERO),
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self(number.into())
    }
}

impl FromStr for Decimal {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::new(text)
    }
}

/// The canonical text; padded and aligned as a number.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

text_form!(Decimal, "Decimal", {
    "type": "string",
    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    "description": "An exact decimal number",
});

impl Value for Decimal {
    const KIND: Kind = Kind { name: "decimal", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        Self::new(leaf.as_text().ok_or(NOT_A_NUMBER)?)
    }

    fn canonical(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{}", self.0);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Self::read(text)
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Number(self.to_string().into())
    }
}

impl OneLeaf for Decimal {}

impl Additive for Decimal {
    fn add(&self, other: &Self) -> Option<Self> {
        self.checked_add(*other)
    }
}

impl Ordered for Decimal {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    fn magnitude(&self) -> Self {
        self.abs()
    }
}

impl Measured for Decimal {
    fn differs_by_more_than(&self, other: &Self, limit: &Self) -> bool {
        // A difference that does not fit is held: better one approval too many.
        self.checked_sub(*other).is_none_or(|difference| difference.abs() > *limit)
    }
}

#[cfg(test)]
mod tests;
