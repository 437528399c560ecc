//! Money: an exact amount in a currency.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::rule::Measured;
use crate::text::Text;
use crate::value::currency::minor_units;
use crate::value::{Additive, Currency, Decimal, Hints, InCurrency, Kind, Leaf, Malformed, Native, Ordered, Value};

/// An amount in a currency (ISO 4217).
///
/// **Canonical form:** `10.50 USD`: as many digits behind the point as the currency has minor units, more only where the
/// amount has more. Amounts of two currencies are neither added nor compared.
///
/// ```
/// # use accordant::{money, value::Money};
/// assert_eq!(money!(10.5 USD).to_string(), "10.50 USD");
/// assert_eq!("1000 JPY".parse::<Money>(), Ok(money!(1_000 JPY)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// An amount in a currency.
    #[must_use]
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The amount.
    #[must_use]
    pub const fn amount(&self) -> &Decimal {
        &self.amount
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> &Currency {
        &self.currency
    }

    /// What [`money!`](crate::money!) expands to.
    ///
    /// # Panics
    ///
    /// If the literal is no amount, or the code no currency: the literal stands in the program's text.
    #[doc(hidden)]
    #[must_use]
    pub fn of_literal(amount: &str, currency: &str) -> Self {
        let amount = amount.replace('_', "");
        Self {
            amount: amount.parse().expect("the literal in money!(..) is an amount"),
            currency: currency.parse().expect("the code in money!(..) is a currency of ISO 4217"),
        }
    }

    fn amount_text(&self) -> String {
        self.amount.padded(minor_units(self.currency.as_str()).max(self.amount.scale()))
    }
}

/// Money from a literal, read from its text and never through a float: `money!(10.50 USD)`, `money!(10_000_000 USD)`.
#[macro_export]
macro_rules! money {
    (-$amount:literal $currency:ident) => {
        $crate::value::Money::of_literal(concat!("-", stringify!($amount)), stringify!($currency))
    };
    ($amount:literal $currency:ident) => {
        $crate::value::Money::of_literal(stringify!($amount), stringify!($currency))
    };
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.amount_text(), self.currency))
    }
}

impl FromStr for Money {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (amount, currency) = text.trim().split_once(' ').ok_or(Malformed::new("no currency behind the amount"))?;
        Ok(Self { amount: amount.parse()?, currency: currency.parse()? })
    }
}

impl Value for Money {
    const KIND: Kind = Kind { name: "money", version: 1 };

    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
        let text = leaf.as_text().ok_or(Malformed::new("not an amount"))?;
        let currency = hints.currency.as_deref().ok_or(Malformed::new("no currency beside the amount"))?;
        Ok(Self { amount: text.parse()?, currency: currency.parse()? })
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.amount_text());
        out.push(' ');
        out.push_str(self.currency.as_str());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        text.parse()
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.amount_text().into())
    }

    fn unit(&self) -> Option<Text> {
        Some(self.currency.as_str().into())
    }
}

impl InCurrency for Money {}

impl Additive for Money {
    fn add(&self, other: &Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { amount: self.amount.checked_add(&other.amount)?, currency: self.currency.clone() })
    }
}

impl Ordered for Money {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.amount.cmp(&other.amount))
    }
}

impl Measured for Money {
    fn differs_by_more_than(&self, other: &Self, limit: &Self) -> bool {
        self.currency != other.currency
            || self.currency != limit.currency
            || self.amount.differs_by_more_than(&other.amount, &limit.amount)
    }
}
