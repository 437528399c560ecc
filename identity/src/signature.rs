//! What can be said of two values without reading them: at least how many letters the one has that the other has not.
//!
//! The letters of a value are put into one word, and two words bound both edit distance and Jaro-Winkler similarity: an edit changes
//! at most two elements of the bag of letters (the bag distance of I. Bartolini, P. Ciaccia and M. Patella, *String Matching with
//! Metric Trees Using an Approximate Distance*, SPIRE 2002), and no letter matches that the other value has not. Most values that
//! are compared are not alike, and are told apart by this; what may be alike is read.

/// The letters of a value: how many there are, which, which of them twice, and what it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signature(u64);

/// Bits of the bag: 37 of letters, digits and the rest, and 11 of those that come twice.
const BAG: u32 = 48;
const TWICE_FROM: u32 = 37;
const TWICE: u64 = (1 << (BAG - TWICE_FROM)) - 1;
const LENGTH_FROM: u32 = BAG;
const HEAD_FROM: u32 = 56;
/// What stands before the first `@` or blank is hashed by this.
const HEAD_TIMES: u64 = 0x9e37_79b9_7f4a_7c15;
/// Lengths from this on are not told apart.
const LONG: u64 = 255;
/// By byte, its bit in the bag.
const BITS: [u64; 256] = bits();
const LETTERS: u64 = (1 << 26) - 1;
const DIGITS: u64 = 0x3ff << 26;
/// What rounding may add to a bound.
const ROUNDED: f64 = 1e-9;

const fn bits() -> [u64; 256] {
    let mut bits = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let place = match byte as u8 {
            letter @ b'a'..=b'z' => letter - b'a',
            digit @ b'0'..=b'9' => 26 + digit - b'0',
            _ => 36,
        };
        bits[byte] = 1 << place;
        byte += 1;
    }
    bits
}

impl Signature {
    /// The signature of a value.
    #[must_use]
    pub fn of(value: &[u8]) -> Self {
        let (mut once, mut twice) = (0_u64, 0_u64);
        let (mut read, mut head) = (0_u64, None);
        for byte in value {
            if matches!(byte, b'@' | b' ') {
                head = head.or(Some(read));
            }
            read = read.wrapping_mul(HEAD_TIMES).wrapping_add(u64::from(*byte));
            let bit = BITS[usize::from(*byte)];
            twice |= once & bit;
            once |= bit;
        }
        // Letters share the bits of what comes twice: two bags then differ in fewer bits, never in more.
        let folded = (twice | twice >> 11 | twice >> 22 | twice >> 33) & TWICE;
        let head = head.unwrap_or(read).wrapping_mul(HEAD_TIMES) >> HEAD_FROM;
        Self(once | folded << TWICE_FROM | (value.len() as u64).min(LONG) << LENGTH_FROM | head << HEAD_FROM)
    }

    /// How long the value is: from 255 bytes on, 255.
    #[must_use]
    pub const fn length(self) -> usize {
        (self.0 >> LENGTH_FROM & LONG) as usize
    }

    /// Whether the same may stand before the first `@` or blank of two values.
    #[must_use]
    pub const fn may_begin_as(self, other: Self) -> bool {
        self.0 >> HEAD_FROM == other.0 >> HEAD_FROM
    }

    /// Whether two values may have the same letters from a to z, each as often.
    #[must_use]
    pub const fn may_have_letters_of(self, other: Self) -> bool {
        (self.0 ^ other.0) & LETTERS == 0
    }

    /// Whether two values may have the same digits, each as often.
    #[must_use]
    pub const fn may_have_digits_of(self, other: Self) -> bool {
        (self.0 ^ other.0) & DIGITS == 0
    }

    /// Whether at most `most` edits may lead from one value to the other, as [`within_edits`](crate::similarity::within_edits) counts
    /// them.
    #[must_use]
    pub const fn may_be_within_edits(self, other: Self, most: u32) -> bool {
        let (long, apart) = (self.is_long() || other.is_long(), self.length().abs_diff(other.length()));
        (long || apart <= most as usize) && (self.bag() ^ other.bag()).count_ones() <= 2 * most
    }

    /// Whether one value may be part of the other.
    #[must_use]
    pub const fn may_be_within(self, other: Self) -> bool {
        self.only_here(other) == 0 || other.only_here(self) == 0
    }

    /// Whether the Jaro-Winkler similarity of two values may be `least` or more, which is above 0.
    #[must_use]
    pub fn may_be_alike(self, other: Self, least: f64) -> bool {
        if self.is_long() || other.is_long() {
            return true;
        }
        let (a, b) = (self.length(), other.length());
        // What the other has not matches nothing.
        let matches = (a.saturating_sub(self.only_here(other))).min(b.saturating_sub(other.only_here(self))) as f64;
        if matches == 0.0 {
            return a + b == 0;
        }
        is_likely(matches / a as f64, matches / b as f64, least)
    }

    /// Whether at most `most` edits may lead from the letters from a to z of one value to those of the other, or their Jaro-Winkler
    /// similarity may be `least` or more.
    #[must_use]
    pub fn letters_may_be_alike(self, other: Self, most: u32, least: f64) -> bool {
        if ((self.0 ^ other.0) & LETTERS).count_ones() <= 2 * most || self.is_long() || other.is_long() {
            return true;
        }
        // Of fewer letters than the whole value has, as many that match nothing are a greater share.
        let share = |here: Self, there: Self| {
            let only_here = (here.0 & !there.0 & LETTERS).count_ones() as usize;
            here.length().saturating_sub(only_here) as f64 / here.length().max(1) as f64
        };
        is_likely(share(self, other), share(other, self), least)
    }

    /// All that is known, as one number.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// The signature that [`Self::bits`] gave.
    pub(crate) const fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    const fn bag(self) -> u64 {
        self.0 & ((1 << BAG) - 1)
    }

    const fn is_long(self) -> bool {
        self.0 >> LENGTH_FROM & LONG == LONG
    }

    /// At least so many letters are here and not there.
    const fn only_here(self, there: Self) -> usize {
        (self.bag() & !there.bag()).count_ones() as usize
    }
}

/// Whether the Jaro-Winkler similarity of two values may be `least` or more, of which such shares match at most.
fn is_likely(of_one: f64, of_other: f64, least: f64) -> bool {
    let jaro = (of_one + of_other + 1.0) / 3.0;
    // What begins alike adds at most four tenths of what is missing.
    jaro + 0.4 * (1.0 - jaro) + ROUNDED >= least
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::similarity::{jaro_winkler, within_edits};

    /// Values that are often alike: few letters, and some long ones.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof!["[ab0 ]{0,6}", "[a-e@.é]{0,12}", "[a-d]{0,6}[0-9]{0,6}", "[a-z]{3,9}", "(ab){120,140}"]
    }

    fn letters(text: &str, of: fn(&u8) -> bool) -> Vec<u8> {
        let mut letters: Vec<u8> = text.bytes().filter(of).collect();
        letters.sort_unstable();
        letters
    }

    proptest! {
        #[test]
        fn what_is_alike_is_never_ruled_out(a in value(), b in value(), at in 0_usize..12, put in "[a-z0]?") {
            let mut slip = a.clone();
            let at = (0..=at.min(a.len())).rev().find(|at| a.is_char_boundary(*at)).unwrap_or_default();
            slip.insert_str(at, &put);
            for other in [&b, &slip] {
                let (left, right) = (Signature::of(a.as_bytes()), Signature::of(other.as_bytes()));
                let (x, y) = (a.as_bytes(), other.as_bytes());
                for most in 0..3 {
                    prop_assert!(!within_edits(x, y, most as usize) || left.may_be_within_edits(right, most));
                }
                for least in [0.8, 0.88, 0.9, 0.92, 0.95] {
                    prop_assert!(jaro_winkler(x, y, least) <= 0.0 || left.may_be_alike(right, least));
                }
                prop_assert!(!(x.ends_with(y) || y.ends_with(x)) || left.may_be_within(right));
                let head = |text: &'_ str| text.split(['@', ' ']).next().map(str::to_owned);
                prop_assert!(head(&a) != head(other) || left.may_begin_as(right));
                let same = |of: fn(&u8) -> bool| letters(&a, of) == letters(other, of);
                prop_assert!(!same(u8::is_ascii_lowercase) || left.may_have_letters_of(right));
                prop_assert!(!same(u8::is_ascii_digit) || left.may_have_digits_of(right));
                let of = |text: &str| -> Vec<u8> { text.bytes().filter(u8::is_ascii_lowercase).collect() };
                let (p, q) = (of(&a), of(other));
                for (most, least) in [(0, 0.8), (1, 0.88), (2, 0.92)] {
                    let alike = within_edits(&p, &q, most) || jaro_winkler(&p, &q, least) > 0.0;
                    prop_assert!(!alike || left.letters_may_be_alike(right, most as u32, least));
                }
                prop_assert_eq!(left.length(), x.len().min(255));
            }
        }
    }

    #[test]
    fn what_is_not_alike_is_told_apart() {
        let of = |text: &str| Signature::of(text.as_bytes());
        assert!(
            of("anna@acme.nl").may_begin_as(of("anna@bolt.com"))
                && !of("anna@acme.nl").may_begin_as(of("anne@acme.nl"))
        );
        for (a, b) in [("jansen", "visser"), ("fischer", "moreau"), ("smith", "jones"), ("2079460958", "3315826601")] {
            assert!(!of(a).may_be_alike(of(b), 0.9) && !of(a).may_be_within_edits(of(b), 1), "{a} {b}");
        }
    }
}
