use proptest::prelude::*;

use super::*;
use crate::value::laws::{canonical, holds};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a test's number is a number")
}

#[test]
fn a_quotient_is_rounded_once() {
    for (number, divisor, digits, expected) in [
        ("1", "3", 2, Some("0.33")),
        ("2", "3", 2, Some("0.67")),
        ("-2", "3", 2, Some("-0.67")),
        ("0.05", "2", 2, Some("0.02")),
        ("0.15", "2", 2, Some("0.08")),
        ("108.71", "1.0871", 2, Some("100")),
        ("1", "0", 2, None),
        ("1", "-2", 2, None),
        ("79228162514264337593543950335", "1", 10, None),
    ] {
        let [dividend, by]: [Decimal; 2] = [number, divisor].map(|text| text.parse().expect("a number"));
        let expected = expected.map(|text| text.parse().expect("a number"));
        assert_eq!(dividend.div_rounded(by, digits, Rounding::HalfToEven), expected, "{number} / {divisor}");
    }
}

#[test]
fn equal_numbers_have_one_form() {
    for (text, expected) in [
        ("10.50", "10.5"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("-0.00", "0"),
        ("+.5", "0.5"),
        ("5.", "5"),
        (" 007 ", "7"),
        ("79228162514264337593543950335", "79228162514264337593543950335"),
        ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
        ("0.50000000000000000000000000000000000000000000000000", "0.5"),
    ] {
        assert_eq!(canonical::<Decimal>(Leaf::Number(text), &Hints::default()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_kept_exactly_is_refused() {
    for text in [
        "79228162514264337593543950336",
        "0.00000000000000000000000000001",
        "1e29",
        "12345678901234567890123456789.5",
        "0.12345678901234567890123456789",
    ] {
        assert_eq!(Decimal::new(text), Err(TOO_MANY_DIGITS), "{text}");
    }
    for text in ["", "1,000", "1_000", "0x1f", "ten", "NaN", "1.2.3", "1e", "--1", "$5", "1e999999999999999999"] {
        assert_eq!(Decimal::new(text), Err(NOT_A_NUMBER), "{text}");
    }
}

#[test]
fn arithmetic_is_exact_or_nothing() {
    assert_eq!(decimal("0.1").checked_add(decimal("0.2")), Some(decimal("0.3")));
    let greatest = decimal("79228162514264337593543950335");
    assert_eq!(greatest.checked_add(decimal("1")), None);
    assert_eq!(greatest.checked_add(decimal("0.1")), None, "no silent rounding");
    assert_eq!(greatest.checked_sub(greatest), Some(Decimal::ZERO));
    assert_eq!(decimal("1.5").checked_mul(decimal("-2")), Some(decimal("-3")));
    assert_eq!(greatest.checked_mul(greatest), None);
    assert_eq!(decimal("19.9").times(-3), Some(decimal("-59.7")));
    assert_eq!(Decimal::from_parts(1050, 2), Some(decimal("10.5")));
    assert_eq!(Decimal::from_parts(0, 400), Some(Decimal::ZERO));
    assert_eq!(Decimal::from_parts(1, 29), None);
}

#[test]
fn rounding_is_as_stated() {
    for (text, even, away, cut) in [
        ("2.345", "2.34", "2.35", "2.34"),
        ("2.355", "2.36", "2.36", "2.35"),
        ("-2.345", "-2.34", "-2.35", "-2.34"),
        ("2.3451", "2.35", "2.35", "2.34"),
        ("0.001", "0", "0", "0"),
    ] {
        let round = |rounding| decimal(text).round(2, rounding).map(|number| number.to_string());
        assert_eq!(round(Rounding::HalfToEven).as_deref(), Some(even), "{text}");
        assert_eq!(round(Rounding::HalfAwayFromZero).as_deref(), Some(away), "{text}");
        assert_eq!(round(Rounding::TowardsZero).as_deref(), Some(cut), "{text}");
    }
    let tiny = decimal("0.0000000000000000000000000009");
    assert_eq!(tiny.mul_rounded(tiny, 0, Rounding::HalfToEven), Some(Decimal::ZERO));
}

#[test]
fn json_goes_through_the_parser() {
    assert_eq!(serde_json::to_string(&decimal("10.50")).ok().as_deref(), Some(r#""10.5""#));
    assert_eq!(serde_json::from_str::<Decimal>(r#""1e2""#).ok(), Some(decimal("100")));
    assert!(serde_json::from_str::<Decimal>(r#""ten""#).is_err());
}

#[test]
fn a_distance_beyond_the_range_is_more_than_any_limit() {
    let greatest = decimal("79228162514264337593543950335");
    let least = greatest.times(-1).expect("the range is symmetric");
    assert!(greatest.differs_by_more_than(&least, &greatest));
    assert!(!decimal("10.5").differs_by_more_than(&decimal("10"), &decimal("0.5")));
}

proptest! {
    #[test]
    fn any_text(text in "[-+]?[0-9]{0,20}\\.?[0-9]{0,20}([eE][-+]?[0-9]{1,3})?|.{0,2000}") {
        holds::<Decimal>(&text, &Hints::default());
    }

    #[test]
    fn sums_and_products_undo(a: i64, b: i64, scale in 0_u32..9, other in 0_u32..9) {
        let (a, b) = (
            Decimal::from_parts(a.into(), scale).expect("fits"),
            Decimal::from_parts(b.into(), other).expect("fits"),
        );
        let sum = a.checked_add(b).expect("fits");
        prop_assert_eq!(sum.checked_sub(b), Some(a));
        prop_assert_eq!(Some(sum), b.checked_add(a));
        prop_assert_eq!(a.checked_mul(b), b.checked_mul(a));
        prop_assert_eq!(a.cmp(&b), a.checked_sub(b).expect("fits").cmp(&Decimal::ZERO));
    }

    #[test]
    fn rounding_stays_within_one_unit(mantissa: i64, scale in 0_u32..12, digits in 0_u32..12) {
        let number = Decimal::from_parts(mantissa.into(), scale).expect("fits");
        let unit = Decimal::from_parts(1, digits).expect("fits");
        for rounding in [Rounding::HalfToEven, Rounding::HalfAwayFromZero, Rounding::TowardsZero] {
            let round = number.round(digits, rounding).expect("fits");
            prop_assert!(round.scale() <= digits);
            prop_assert!(round.checked_sub(number).expect("fits").abs() < unit);
        }
    }
}
