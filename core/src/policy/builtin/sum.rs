//! The sum over distinct origins.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::fingerprint::Fingerprint;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy, RawCandidates};
use crate::value::{Additive, Currency, Money, Rates};

/// The sum of what the owners of an attribute say: each is a part of golden, whoever moved last, and is never written what all
/// come to. Every other system gets the sum. An attribute without owner is refused when the library is built: there each system
/// would be written the sum, and the next sum would add that again.
///
/// A value that we copied from one system to another counts once. Inconclusive if it overflows or the units differ. One summand
/// alone wins as it is. A record that is gone adds nothing; while an owner was not read yet, golden stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Sum;

impl<T: Additive> Policy<T> for Sum {
    fn name(&self) -> Cow<'static, str> {
        "sum".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(2);
    }

    fn adds_up(&self) -> bool {
        true
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let summands = match summands(candidates.raw()) {
            Ok(summands) => summands,
            Err(deciding) => return deciding.decide(SILENT),
        };
        if let [only] = summands.as_slice() {
            return Answer::Winner(*only);
        }
        let mut total: Option<T> = None;
        for index in summands {
            let Some(summand) = candidates.value(index) else {
                return Answer::Inconclusive("a value no longer reads as a value of its type");
            };
            total = match total {
                None => Some(summand),
                Some(total) => match total.add(&summand) {
                    Some(total) => Some(total),
                    None => return Answer::Inconclusive("the values cannot be added"),
                },
            };
        }
        total.map_or(Answer::Inconclusive(SILENT), Answer::Computed)
    }
}

/// The candidates that are added: one of each origin, in an order that does not depend on that of links.
fn summands<'a>(candidates: &'a RawCandidates<'a>) -> Result<Vec<usize>, Voices<'a>> {
    let deciding = Voices::deciding(candidates);
    let voices = deciding.keep(|candidate| candidate.field.is_value());
    if voices.is_empty() {
        return Err(deciding);
    }
    let origins: BTreeMap<u16, Voices<'_>> = voices
        .iter()
        .map(|candidate| (candidate.origin, voices.keep(|other| other.origin == candidate.origin)))
        .collect();
    let mut summands: Vec<usize> = Vec::new();
    for copies in origins.values() {
        // Where the system that said it still shows it, its spelling is the one that counts.
        let said = copies.keep(|candidate| candidate.is_original());
        summands.extend(if said.is_empty() { copies } else { &said }.spokesman());
    }
    // Overflow depends on the order of addition.
    summands.sort_by_key(|index| (candidates.all[*index].field, candidates.all[*index].record));
    Ok(summands)
}

/// The sum of amounts of several currencies, in one of them.
///
/// As [`Sum`], each origin once; each amount is converted by the rates of one day and rounded, then they are added exactly. One
/// amount alone in that currency wins as it is. Inconclusive without a rate for one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SumIn {
    currency: Currency,
    rates: Rates,
}

impl SumIn {
    pub(super) const fn new(currency: Currency, rates: Rates) -> Self {
        Self { currency, rates }
    }
}

impl Policy<Money> for SumIn {
    fn name(&self) -> Cow<'static, str> {
        "sum_in".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(2).text(self.currency.code());
        self.rates.fingerprint(fingerprint);
    }

    fn adds_up(&self) -> bool {
        true
    }

    fn resolve(&self, candidates: &Candidates<'_, Money>) -> Answer<Money> {
        let summands = match summands(candidates.raw()) {
            Ok(summands) => summands,
            Err(deciding) => return deciding.decide(SILENT),
        };
        let amounts: Option<Vec<Money>> = summands.iter().map(|index| candidates.value(*index)).collect();
        let Some(amounts) = amounts else {
            return Answer::Inconclusive("a value no longer reads as a value of its type");
        };
        if let ([only], [amount]) = (summands.as_slice(), amounts.as_slice())
            && amount.currency() == self.currency
        {
            return Answer::Winner(*only);
        }
        match self.rates.sum(amounts, self.currency) {
            Some(total) => Answer::Computed(total),
            None => Answer::Inconclusive("no rate of the day converts one of the amounts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{Number, clears, says, table};
    use crate::policy::builtin::{sum, sum_in};
    use crate::value::{Currency, Money, Rates};

    #[test]
    fn amounts_of_several_currencies_are_added_in_one() {
        let rates = Rates::of_day("2026-01-02".parse().expect("a day"));
        let rates = rates.rate(Currency::EUR, Currency::USD, "1.1".parse().expect("a number")).expect("a rate");
        table::<Money, _>(
            &sum_in(Currency::USD, rates),
            &[
                ("two currencies", &[says("a", "10.00 USD"), says("b", "10.00 EUR")], "= 21.00 USD"),
                ("one other", &[says("a", "10.00 EUR")], "= 11.00 USD"),
                ("one of its own", &[says("a", "10.505 USD")], "10.505 USD"),
                ("each is rounded", &[says("a", "0.05 EUR"), says("b", "0.05 EUR")], "= 0.12 USD"),
                (
                    "a copy is no summand",
                    &[says("a", "10.00 EUR").origin(9), says("b", "11.00 USD").copy_of("a", 9), says("c", "1.00 USD")],
                    "= 12.00 USD",
                ),
                (
                    "no rate",
                    &[says("a", "10.00 USD"), says("b", "10 JPY")],
                    "? no rate of the day converts one of the amounts",
                ),
                ("only clears", &[clears("a"), clears("b")], "(none)"),
            ],
        );
    }

    #[test]
    fn each_origin_is_added_once() {
        table::<Number, _>(
            &sum(),
            &[
                ("two origins", &[says("a", "3"), says("b", "4")], "= 7"),
                ("equal values of two origins", &[says("a", "3"), says("b", "3")], "= 6"),
                (
                    "a copy is no summand",
                    &[says("a", "3").origin(9), says("b", "3").copy_of("a", 9), says("c", "4")],
                    "= 7",
                ),
                ("records of one system", &[says("a", "3"), says("a", "5").id("2")], "= 8"),
                ("one summand", &[says("a", "3"), clears("b")], "3"),
                ("only clears", &[clears("a"), clears("b")], "(none)"),
                ("unlike units", &[says("a", "3"), says("b", "4 kg")], "? the values cannot be added"),
                ("overflow", &[says("a", "9223372036854775807"), says("b", "1")], "? the values cannot be added"),
                ("unreadable", &[says("a", "3"), says("b", "x")], "? a value no longer reads as a value of its type"),
            ],
        );
    }
}
