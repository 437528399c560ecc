//! Exchange rates of one day, and amounts that a system holds in another currency.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::fingerprint::Fingerprint;
use crate::model::Transform;
use crate::text::Text;
use crate::value::{Additive as _, Currency, Decimal, Hints, Leaf, Malformed, Money, Native, Rounding, Value as _};

/// The exchange rates of one day: an argument, never looked up. Whoever wants those of another day makes another one, which
/// is a change of the model, and can be looked at before ([`Tenant::what_if`](crate::engine::Tenant::what_if)): no amount
/// moves by the passing of time.
///
/// An amount is converted by the rate between the two currencies, or by its reverse, and rounded once, to the minor digits
/// of the currency that it is converted into. No rate is assumed: not one to one, and none by way of a third currency.
///
/// ```
/// use accordant::money;
/// use accordant::value::{Currency, Rates};
///
/// let rates = Rates::of_day("2026-01-02".parse().unwrap());
/// let rates = rates.rate(Currency::EUR, Currency::USD, "1.0871".parse().unwrap())?;
/// assert_eq!(rates.convert(money!(100 EUR), Currency::USD), Some(money!(108.71 USD)));
/// assert_eq!(rates.convert(money!(108.71 USD), Currency::EUR), Some(money!(100.00 EUR)));
/// assert_eq!(rates.convert(money!(100 EUR), Currency::JPY), None);
/// assert_eq!(rates.sum([money!(100 EUR), money!(1.29 USD)], Currency::USD), Some(money!(110.00 USD)));
/// # Ok::<(), accordant::value::NotARate>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Rates {
    day: NaiveDate,
    rounding: Rounding,
    /// How much of the second currency one unit of the first is worth, by their codes.
    rates: BTreeMap<(&'static str, &'static str), Decimal>,
}

/// Why a rate is refused: it is no rate, or contradicts one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotARate {
    /// It is not above zero.
    #[error("one {} is worth {rate} {}: a rate is above zero", .from.code(), .to.code())]
    NotPositive {
        /// The currency of which one unit is worth something.
        from: Currency,
        /// The currency in which.
        to: Currency,
        /// The rate.
        rate: Decimal,
    },
    /// It is between a currency and itself.
    #[error("a rate is between two currencies, and both are {}", .0.code())]
    OneCurrency(Currency),
    /// The day has another rate between these two, in this direction or in the other. An amount converted there and back would
    /// come to something else.
    #[error(
        "one {} is worth {rate} {}, which another rate of the day contradicts: give one, and the other direction is its reverse",
        .from.code(), .to.code()
    )]
    Contradicts {
        /// The currency of which one unit is worth something.
        from: Currency,
        /// The currency in which.
        to: Currency,
        /// The rate.
        rate: Decimal,
    },
}

impl Rates {
    /// No rates yet, of this day. Halves are rounded to the even neighbour, so that sums do not drift.
    pub const fn of_day(day: NaiveDate) -> Self {
        Self { day, rounding: Rounding::HalfToEven, rates: BTreeMap::new() }
    }

    /// One unit of `from` is worth `rate` units of `to`. It holds in both directions: there is one rate between two currencies.
    ///
    /// # Errors
    ///
    /// [`NotARate`] if it is not above zero, is between a currency and itself, or contradicts another of the day.
    pub fn rate(mut self, from: Currency, to: Currency, rate: Decimal) -> Result<Self, NotARate> {
        if from == to {
            return Err(NotARate::OneCurrency(from));
        }
        if rate <= Decimal::ZERO {
            return Err(NotARate::NotPositive { from, to, rate });
        }
        let another = self.rates.get(&(from.code(), to.code())).is_some_and(|known| *known != rate);
        if another || self.rates.contains_key(&(to.code(), from.code())) {
            return Err(NotARate::Contradicts { from, to, rate });
        }
        self.rates.insert((from.code(), to.code()), rate);
        Ok(self)
    }

    /// How halves are rounded.
    pub const fn rounding(mut self, rounding: Rounding) -> Self {
        self.rounding = rounding;
        self
    }

    /// The day.
    #[must_use]
    pub const fn day(&self) -> NaiveDate {
        self.day
    }

    /// An amount in another currency; `None` without a rate, or if it does not fit. What is in that currency already stays as
    /// it is, unrounded.
    #[must_use]
    pub fn convert(&self, money: Money, to: Currency) -> Option<Money> {
        let from = money.currency();
        if from == to {
            return Some(money);
        }
        let digits = to.minor_digits();
        let direct = self.rates.get(&(from.code(), to.code()));
        let amount = match direct {
            Some(rate) => money.amount().mul_rounded(*rate, digits, self.rounding),
            None => {
                let rate = self.rates.get(&(to.code(), from.code()))?;
                money.amount().div_rounded(*rate, digits, self.rounding)
            }
        };
        Some(Money::new(amount?, to))
    }

    /// The sum in one currency: each amount is converted and rounded, then they are added exactly, so that the sum is that of
    /// the amounts that people see. `None` of nothing, without a rate for one of them, or if it does not fit.
    #[must_use]
    pub fn sum(&self, amounts: impl IntoIterator<Item = Money>, to: Currency) -> Option<Money> {
        let mut total: Option<Money> = None;
        for amount in amounts {
            let amount = self.convert(amount, to)?;
            total = Some(match total {
                None => amount,
                Some(total) => total.add(&amount)?,
            });
        }
        total
    }

    /// Adds day, rounding and rates.
    pub fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(&self.day.to_string()).text(&format!("{:?}", self.rounding));
        for ((from, to), rate) in &self.rates {
            fingerprint.text(from).text(to).text(&rate.to_string());
        }
    }
}

/// A mapping to a system that holds an attribute's amounts in another currency: read and written by the rates of one day.
///
/// `at(shop("total", via = Converted::new(Currency::EUR, Currency::USD, rates())))`: the attribute is in dollars, the shop in
/// euros. What is less than the smallest unit of either is rounded away, once: the form that a written amount has in the
/// system is known before it is written, so that reading it back is no change, and nothing moves by a cent for ever.
#[derive(Debug, Clone)]
pub struct Converted {
    there: Currency,
    here: Currency,
    rates: Rates,
}

impl Converted {
    /// The system holds amounts in `there`, the attribute is in `here`.
    #[must_use]
    pub const fn new(there: Currency, here: Currency, rates: Rates) -> Self {
        Self { there, here, rates }
    }
}

impl Transform<Money> for Converted {
    fn name(&self) -> Cow<'static, str> {
        "converted".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).text(self.there.code()).text(self.here.code());
        self.rates.fingerprint(fingerprint);
    }

    fn undated(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).text(self.there.code()).text(self.here.code());
    }

    /// Where a unit there is worth less than one here, several amounts there are read as one here.
    fn between(&self, value: &Money) -> Option<(Native, Native)> {
        let written = self.rates.convert(*value, self.there)?;
        let unit = Money::from_minor(1, self.there)?.amount();
        let reads_alike = |steps: i64| {
            let amount = unit.checked_mul(steps.into()).and_then(|far| written.amount().checked_add(far))?;
            let there = Money::new(amount, self.there);
            (self.rates.convert(there, self.here) == Some(*value)).then_some(there)
        };
        reads_alike(0)?;
        // What is read grows with what is there, so that those which read alike lie in one stretch.
        let furthest = |sign: i64| {
            let (mut inside, mut outside) = (0_i64, 1_i64);
            while reads_alike(sign * outside).is_some() && outside < i64::MAX / 4 {
                (inside, outside) = (outside, outside * 2);
            }
            while outside - inside > 1 {
                let middle = inside + (outside - inside) / 2;
                if reads_alike(sign * middle).is_some() { inside = middle } else { outside = middle }
            }
            reads_alike(sign * inside).map(|there| there.native(&Hints::default()))
        };
        Some((furthest(-1)?, furthest(1)?))
    }

    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<Money>, Malformed> {
        let hints = Hints { currency: Some(Text::new(self.there.code())), ..Hints::default() };
        let amount = Money::parse(leaves.first().copied().unwrap_or(Leaf::Null), &hints)?;
        let converted = self.rates.convert(amount, self.here);
        converted.map(Some).ok_or(Malformed::new("an amount that no rate of the day converts"))
    }

    /// What no rate converts has no spelling: it is parked, and never guessed.
    fn write(&self, value: &Money) -> Vec<Native> {
        let converted = self.rates.convert(*value, self.there);
        converted.map(|amount| amount.native(&Hints::default())).into_iter().collect()
    }

    fn is_exact(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 2).expect("a day")
    }

    fn rates(rate: &str) -> Rates {
        Rates::of_day(day()).rate(Currency::EUR, Currency::USD, rate.parse().expect("a number")).expect("a rate")
    }

    #[test]
    fn amounts_are_rounded_once_to_the_minor_digits_of_what_they_become() {
        let rates = rates("1.1").rate(Currency::USD, Currency::JPY, "155.5".parse().expect("a number"));
        let rates = rates.expect("a rate");
        for (amount, to, expected) in [
            (money!(0.05 EUR), Currency::USD, Some(money!(0.06 USD))),
            (money!(0.15 EUR), Currency::USD, Some(money!(0.16 USD))),
            (money!(-0.05 EUR), Currency::USD, Some(money!(-0.06 USD))),
            (money!(1.00 USD), Currency::EUR, Some(money!(0.91 EUR))),
            (money!(1.00 USD), Currency::JPY, Some(money!(156 JPY))),
            (money!(1 JPY), Currency::USD, Some(money!(0.01 USD))),
            (money!(10.505 USD), Currency::USD, Some(money!(10.505 USD))),
            (money!(1 EUR), Currency::JPY, None),
        ] {
            assert_eq!(rates.convert(amount, to), expected, "{amount} in {}", to.code());
        }
        let half_away = rates.clone().rounding(Rounding::HalfAwayFromZero);
        assert_eq!(half_away.convert(money!(0.05 EUR), Currency::USD), Some(money!(0.06 USD)));
        assert_eq!(half_away.convert(money!(0.15 EUR), Currency::USD), Some(money!(0.17 USD)));
    }

    #[test]
    fn a_rate_that_is_none_or_contradicts_another_is_refused_and_says_why() {
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        let (eur, usd) = (Currency::EUR, Currency::USD);
        for none in ["0", "-1"] {
            let refused = Rates::of_day(day()).rate(eur, usd, number(none));
            assert_eq!(refused, Err(NotARate::NotPositive { from: eur, to: usd, rate: number(none) }));
        }
        assert_eq!(Rates::of_day(day()).rate(eur, eur, number("1")), Err(NotARate::OneCurrency(eur)));
        for (from, to, rate) in [(eur, usd, "1.2"), (usd, eur, "0.9"), (usd, eur, "1.1")] {
            let refused = rates("1.1").rate(from, to, number(rate));
            assert_eq!(refused, Err(NotARate::Contradicts { from, to, rate: number(rate) }));
        }
        let why = rates("1.1").rate(usd, eur, number("0.9")).expect_err("it contradicts").to_string();
        assert!(why.starts_with("one USD is worth 0.9 EUR, which another rate of the day contradicts"), "{why}");
        assert_eq!(rates("1.1").rate(eur, usd, number("1.10")), Ok(rates("1.1")), "the same again is no contradiction");
    }

    #[test]
    fn the_day_and_every_rate_are_part_of_the_name() {
        let name = |rates: &Rates| {
            let mut fingerprint = Fingerprint::new();
            rates.fingerprint(&mut fingerprint);
            fingerprint.finish()
        };
        let base = rates("1.1");
        let tomorrow = Rates { day: day().succ_opt().expect("a day"), ..base.clone() };
        let others = [tomorrow, rates("1.2"), base.clone().rounding(Rounding::TowardsZero)];
        assert!(others.iter().all(|other| name(other) != name(&base)));
        assert_eq!(name(&rates("1.10")), name(&base));
    }

    proptest! {
        /// Of the amounts there that are read as one here, the least and the greatest are known, and none beyond them is.
        #[test]
        fn the_amounts_that_are_read_as_one_lie_between_two(
            there in -1_000_000_i64..1_000_000, cents in 1_u64..100_000, reverse in any::<bool>(),
        ) {
            let (from, to) = if reverse { (Currency::USD, Currency::EUR) } else { (Currency::EUR, Currency::USD) };
            let rate = Decimal::from_parts(cents.into(), 2).expect("a rate");
            let rates = Rates::of_day(day()).rate(from, to, rate).expect("a rate");
            let converted = Converted::new(Currency::EUR, Currency::USD, rates.clone());
            let euros = |cents: i64| Money::from_minor(cents, Currency::EUR).expect("an amount");
            let value = rates.convert(euros(there), Currency::USD).expect("it is converted");
            // What is written of it may be read as something else, where a unit there is worth more than one here.
            let Some((least, most)) = converted.between(&value) else { return Ok(()) };
            let read = |native: &Native| {
                let hints = Hints { currency: Some(Text::new("EUR")), ..Hints::default() };
                Money::parse(native.as_leaf(), &hints).expect("an amount")
            };
            let (least, most) = (read(&least), read(&most));
            prop_assert!(least.amount() <= euros(there).amount() && euros(there).amount() <= most.amount());
            let cent = euros(1).amount();
            let beyond = [least.amount().checked_sub(cent), most.amount().checked_add(cent)].map(|a| Money::new(a.expect("it fits"), Currency::EUR));
            for (amount, alike) in [(least, true), (most, true), (beyond[0], false), (beyond[1], false)] {
                prop_assert_eq!(rates.convert(amount, Currency::USD) == Some(value), alike, "{} as {}", amount, value);
            }
        }

        /// Written and read again, an amount has a form that stays: whatever the rate, whatever the digits of the currencies.
        #[test]
        fn an_amount_that_was_written_once_stays(
            amount in -1_000_000_000_i64..1_000_000_000, rate in 1_u64..100_000_000, scale in 0_u32..8,
            currencies in (0..4_usize, 0..4_usize), reverse in any::<bool>(),
        ) {
            let all = [Currency::USD, Currency::EUR, Currency::JPY, Currency::KWD];
            let (here, there) = (all[currencies.0], all[currencies.1]);
            prop_assume!(here != there);
            let rate = Decimal::from_parts(rate.into(), scale).expect("a rate");
            let (from, to) = if reverse { (here, there) } else { (there, here) };
            let rates = Rates::of_day(day()).rate(from, to, rate).expect("a rate");
            let converted = Converted::new(there, here, rates);
            let money = Money::from_minor(amount, here).expect("an amount");
            let round = |money: Money| {
                let natives = converted.write(&money);
                converted.read(&natives.iter().map(Native::as_leaf).collect::<Vec<_>>()).expect("it reads back")
            };
            let once = round(money).expect("an amount");
            prop_assert_eq!(round(once), Some(once));
        }
    }
}
