//! `Money`: an amount in a currency.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::rule::Measured;
use crate::text::Text;
use crate::value::{Additive, Currency, Decimal, Hints, InCurrency, Kind, Leaf, Malformed, Native, Ordered, Value};

/// An exact amount in a currency.
///
/// **Canonical form:** `10.50 USD`. The amount has the currency's minor digits, and more only where it needs them, then
/// none to spare: `10.5`, `10.50` and `10.500` are all `10.50 USD`; `10.505` is `10.505 USD`; a thousand yen are
/// `1000 JPY`. Nothing is rounded.
///
/// A leaf is the amount alone; its currency comes from the mapping. What is written is the amount, as text, so that no
/// system's JSON reader makes a float of it.
///
/// Amounts of two currencies cannot be added or compared: no rate is assumed, one to one least of all.
///
/// # Example
///
/// ```
/// use accordant::money;
/// use accordant::value::{Additive as _, Money};
///
/// let price = money!(10.50 USD);
/// assert_eq!(price.to_string(), "10.50 USD");
/// assert_eq!("10.5 usd".parse(), Ok(price));
/// assert_eq!(price.add(&money!(0.005 USD)), Some(money!(10.505 USD)));
/// assert_eq!(price.add(&money!(1 EUR)), None);
/// # let _: Money = price;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
pub struct Money {
    /// How much.
    amount: Decimal,
    /// Of what.
    currency: Currency,
}

impl Money {
    /// An amount in a currency.
    #[must_use]
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// An amount counted in minor units: 1050 cents.
    #[must_use]
    pub fn from_minor(units: i64, currency: Currency) -> Option<Self> {
        Decimal::from_parts(units.into(), currency.minor_digits()).map(|amount| Self { amount, currency })
    }

    /// How much.
    #[must_use]
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// Of what.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    fn amount_text(self) -> String {
        let mut text = String::new();
        self.write_amount(&mut text);
        text
    }

    fn write_amount(self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = self.amount.write_padded(self.currency.minor_digits(), out);
    }
}

/// Makes [`Money`](crate::value::Money) of a literal: `money!(10.50 USD)`, `money!(-10_000_000 EUR)`.
///
/// What is no exact amount, or no currency of ISO 4217, does not compile:
///
/// ```compile_fail
/// accordant::money!(10.50 XYQ);
/// ```
///
/// ```compile_fail
/// accordant::money!(0x10 USD);
/// ```
#[macro_export]
macro_rules! money {
    ($amount:literal $currency:ident) => {{
        const MONEY: $crate::value::Money =
            $crate::value::__money(::core::stringify!($amount), $crate::value::Currency::$currency);
        MONEY
    }};
}

impl FromStr for Money {
    type Err = Malformed;

    /// Reads an amount, white space and a currency.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (amount, currency) = text
            .trim()
            .rsplit_once(char::is_whitespace)
            .ok_or(Malformed::new("expected an amount and a currency: `10.50 USD`"))?;
        Ok(Self { amount: Decimal::new(amount)?, currency: Currency::new(currency)? })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.amount_text();
        text.push(' ');
        text.push_str(self.currency.code());
        f.pad(&text)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `{"amount": "10.50", "currency": "USD"}`.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut money = serializer.serialize_struct("Money", 2)?;
        money.serialize_field("amount", &self.amount_text())?;
        money.serialize_field("currency", &self.currency)?;
        money.end()
    }
}

impl Value for Money {
    const KIND: Kind = Kind { name: "money", version: 1 };

    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
        let currency = hints.currency.as_deref().ok_or(Malformed::new("no currency beside the amount"))?;
        let amount = leaf.as_text().ok_or(Malformed::new("not an amount"))?;
        Ok(Self { amount: Decimal::new(amount)?, currency: Currency::new(currency)? })
    }

    fn canonical(&self, out: &mut String) {
        self.write_amount(out);
        out.push(' ');
        out.push_str(self.currency.code());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse()
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.amount_text().into())
    }

    fn unit(&self) -> Option<Text> {
        Some(self.currency.code().into())
    }
}

impl InCurrency for Money {}

impl Additive for Money {
    fn add(&self, other: &Self) -> Option<Self> {
        let amount = (self.currency == other.currency).then(|| self.amount.checked_add(other.amount))??;
        Some(Self { amount, ..*self })
    }
}

impl Ordered for Money {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.amount.cmp(&other.amount))
    }

    fn magnitude(&self) -> Self {
        Self { amount: self.amount.abs(), ..*self }
    }
}

impl Measured for Money {
    fn differs_by_more_than(&self, other: &Self, limit: &Self) -> bool {
        self.currency != other.currency
            || self.currency != limit.currency
            || self.amount.differs_by_more_than(&other.amount, &limit.amount)
    }
}

/// What [`money!`](crate::money!) calls, at compile time only.
///
/// # Panics
///
/// If the literal is no exact amount: the compiler shows the message where the macro is called.
#[doc(hidden)]
#[must_use]
pub const fn literal(amount: &str, currency: Currency) -> Money {
    let written = amount.as_bytes();
    let (mut digits, mut length, mut at) = ([0; 64], 0, 0);
    while at < written.len() {
        // The compiler's own spelling: `10_000`, and a space behind the minus.
        if written[at] != b'_' && written[at] != b' ' {
            assert!(length < digits.len(), "an amount with too many digits");
            digits[length] = written[at];
            length += 1;
        }
        at += 1;
    }
    let (digits, _) = digits.split_at(length);
    let Ok(text) = std::str::from_utf8(digits) else { panic!("not an exact amount") };
    match Decimal::read(text) {
        Ok(amount) => Money { amount, currency },
        Err(_) => panic!("not an exact amount"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    fn in_currency(code: &str) -> Hints {
        Hints { currency: Some(code.into()), ..Hints::default() }
    }

    #[test]
    fn equal_amounts_have_one_form() {
        for (amount, currency, expected) in [
            ("10.5", "USD", "10.50 USD"),
            ("10.500", "usd", "10.50 USD"),
            ("10.505", "USD", "10.505 USD"),
            ("-0", "USD", "0.00 USD"),
            ("1e3", "JPY", "1000 JPY"),
            ("1000.00", "JPY", "1000 JPY"),
            ("0.1", "JPY", "0.1 JPY"),
            ("1.5", "KWD", "1.500 KWD"),
            ("79228162514264337593543950335", "USD", "79228162514264337593543950335.00 USD"),
        ] {
            let read = canonical::<Money>(Leaf::Text(amount), &in_currency(currency));
            assert_eq!(read.as_deref(), Ok(expected), "{amount}");
        }
    }

    #[test]
    fn an_amount_needs_a_currency() {
        let refused = |hints: &Hints, amount| Money::parse(Leaf::Text(amount), hints).map_err(|error| error.reason);
        assert_eq!(refused(&Hints::default(), "1"), Err("no currency beside the amount"));
        assert_eq!(refused(&in_currency("1"), "1"), Err("not an ISO 4217 currency code"));
        assert_eq!(refused(&in_currency("USD"), "10.50 USD"), Err("not a decimal number"));
        assert_eq!(refused(&in_currency("USD"), "1,000"), Err("not a decimal number"));
    }

    #[test]
    fn currencies_do_not_mix() {
        let (dollars, euros) = (money!(10 USD), money!(10 EUR));
        assert_eq!(dollars.add(&euros), None);
        assert_eq!(dollars.compare(&euros), None);
        assert!(dollars.differs_by_more_than(&euros, &money!(1_000 USD)));
        assert!(dollars.differs_by_more_than(&dollars, &money!(1_000 EUR)));
        assert!(!dollars.differs_by_more_than(&money!(11.00 USD), &money!(1 USD)));
        assert_eq!(dollars.compare(&money!(9.99 USD)), Some(Ordering::Greater));
    }

    #[test]
    fn a_literal_is_read_at_compile_time() {
        assert_eq!(money!(10_000_000 USD).to_string(), "10000000.00 USD");
        assert_eq!(money!(-10.50 EUR).to_string(), "-10.50 EUR");
        assert_eq!(Some(money!(10.50 USD)), Money::from_minor(1050, Currency::USD));
    }

    #[test]
    fn json_is_a_pair_of_texts() {
        let text = r#"{"amount":"10.50","currency":"USD"}"#;
        assert_eq!(serde_json::to_string(&money!(10.5 USD)).ok().as_deref(), Some(text));
        assert_eq!(serde_json::from_str::<Money>(text).ok(), Some(money!(10.50 USD)));
        assert!(serde_json::from_str::<Money>(r#"{"amount":"ten","currency":"USD"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":"10","currency":"?"}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_text(text in "[-+]?[0-9]{0,20}\\.?[0-9]{0,20}( [A-Z]{3})?|.{0,500}", code in "USD|JPY|KWD|XAU|.{0,4}") {
            holds::<Money>(&text, &in_currency(&code));
            holds::<Money>(&text, &Hints::default());
        }

        #[test]
        fn every_amount_reads_back(mantissa: i64, scale in 0_u32..10) {
            let amount = Decimal::from_parts(mantissa.into(), scale).expect("fits");
            for currency in [Currency::USD, Currency::JPY, Currency::KWD] {
                let money = Money::new(amount, currency);
                prop_assert_eq!(money.to_string().parse(), Ok(money));
            }
        }
    }
}
