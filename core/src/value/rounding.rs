//! `Rounding`: what becomes of the digits that a result has no room for.

/// What becomes of the digits that a result has no room for. There is no default: whoever rounds says how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rounding {
    /// To the nearest; halves to the even neighbour. Sums of many rounded values do not drift.
    HalfToEven,
    /// To the nearest; halves away from zero: what invoices and tax offices do.
    HalfAwayFromZero,
    /// Towards zero: the digits are cut off.
    TowardsZero,
}

impl Rounding {
    /// `number / divisor`, rounded; the divisor is positive.
    pub(super) const fn divide(self, number: i128, divisor: i128) -> i128 {
        let (quotient, rest) = (number / divisor, (number % divisor).unsigned_abs());
        // Compared with what is missing, not doubled: doubling could overflow.
        let missing = divisor.unsigned_abs() - rest;
        let away = match self {
            Rounding::TowardsZero => false,
            Rounding::HalfAwayFromZero => rest >= missing,
            Rounding::HalfToEven => rest > missing || (rest == missing && quotient % 2 != 0),
        };
        if away { quotient + number.signum() } else { quotient }
    }
}
