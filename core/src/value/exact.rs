//! Numbers from text, exactly: no float anywhere.

/// A number `± mantissa × 10^exponent`. The mantissa does not end in a zero, so equal numbers are equal fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) negative: bool,
    pub(super) mantissa: u128,
    pub(super) exponent: i64,
}

/// Exponents beyond this are refused: no business number needs them, and sums of them stay far from overflow.
const GREATEST_EXPONENT: i64 = 1_000_000;

/// Reads `-12`, `+1.50`, `.5`, `1e3`. `None` if the text is no number or has more than 38 significant digits.
///
/// A `const fn`, so that literals are checked when they are compiled.
pub(super) const fn read(text: &str) -> Option<Exact> {
    let bytes = text.as_bytes();
    let (negative, mut at) = match bytes {
        [b'-', ..] => (true, 1),
        [b'+', ..] => (false, 1),
        _ => (false, 0),
    };
    let mut mantissa: u128 = 0;
    // Zeros read but not yet part of the mantissa: they are if a digit follows.
    let mut zeros: i64 = 0;
    let mut fraction: i64 = 0;
    let mut digits = false;
    let mut point = false;
    while at < bytes.len() {
        match bytes[at] {
            b'0' => {
                digits = true;
                fraction += point as i64;
                if mantissa != 0 {
                    zeros += 1;
                }
            }
            digit @ b'1'..=b'9' => {
                digits = true;
                fraction += point as i64;
                mantissa = match times_ten_to(mantissa, zeros + 1) {
                    Some(shifted) => match shifted.checked_add((digit - b'0') as u128) {
                        Some(mantissa) => mantissa,
                        None => return None,
                    },
                    None => return None,
                };
                zeros = 0;
            }
            b'.' if !point => point = true,
            b'e' | b'E' => break,
            _ => return None,
        }
        at += 1;
    }
    if !digits {
        return None;
    }
    let written = if at < bytes.len() {
        match exponent(bytes, at + 1) {
            Some(exponent) => exponent,
            None => return None,
        }
    } else {
        0
    };
    if mantissa == 0 {
        return Some(Exact { negative: false, mantissa: 0, exponent: 0 });
    }
    if written > GREATEST_EXPONENT || written < -GREATEST_EXPONENT {
        return None;
    }
    Some(Exact { negative, mantissa, exponent: written + zeros - fraction })
}

/// The digits after `e`, with a sign; saturated just above the greatest exponent.
const fn exponent(bytes: &[u8], mut at: usize) -> Option<i64> {
    let mut negative = false;
    if at < bytes.len() && (bytes[at] == b'-' || bytes[at] == b'+') {
        negative = bytes[at] == b'-';
        at += 1;
    }
    if at >= bytes.len() {
        return None;
    }
    let mut value: i64 = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            return None;
        }
        if value <= GREATEST_EXPONENT {
            value = value * 10 + (bytes[at] - b'0') as i64;
        }
        at += 1;
    }
    Some(if negative { -value } else { value })
}

/// `number × 10^power`; `None` if it does not fit.
pub(super) const fn times_ten_to(number: u128, power: i64) -> Option<u128> {
    if number == 0 {
        return Some(0);
    }
    if power < 0 || power > 38 {
        return None;
    }
    number.checked_mul(10_u128.pow(power as u32))
}

/// The whole number that the text is; `None` if it has a fraction other than zero.
pub(super) const fn whole(text: &str) -> Option<(bool, u128)> {
    match read(text) {
        Some(Exact { negative, mantissa, exponent }) => match times_ten_to(mantissa, exponent) {
            Some(magnitude) => Some((negative, magnitude)),
            None => None,
        },
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exactly() {
        let number = |negative, mantissa, exponent| Some(Exact { negative, mantissa, exponent });
        assert_eq!(read("1200.50"), number(false, 12_005, -1));
        assert_eq!(read("-0.00"), number(false, 0, 0));
        assert_eq!(read("-.5"), number(true, 5, -1));
        assert_eq!(read("12E2"), number(false, 12, 2));
        assert_eq!(read("1.0e-3"), number(false, 1, -3));
        for text in ["", "-", ".", "e5", "1e", "1e+", "1,000", "0x10", "1.2.3", "NaN", "inf", "1 ", "1e9999999"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(whole("12.0"), Some((false, 12)));
        assert_eq!(whole("1.2e1"), Some((false, 12)));
        assert_eq!(whole("12.5"), None);
    }
}
