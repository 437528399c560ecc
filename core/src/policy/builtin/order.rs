//! Policies over values with an order: minimum, maximum, and the lattice of states that only move forward.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::fingerprint::Fingerprint;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Ordered;

const UNREADABLE: &str = "a value no longer reads as a value of its type";
const INCOMPARABLE: &str = "the values cannot be compared";

/// The smallest value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Minimum;

/// The greatest value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Maximum;

/// The highest state among the candidates and golden: golden never goes back, and a clear does not count.
///
/// For lifecycles such as the status of an order, where a late event must not undo a later state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Monotone;

/// The values furthest in one direction: all of one size.
enum Extreme<'a, T> {
    /// Nobody has a value; those who clear, or nobody at all.
    NoValue(Voices<'a>),
    Found(Voices<'a>, T),
    CannotTell(&'static str),
}

fn extreme<'a, T: Ordered>(candidates: &'a Candidates<'_, T>, direction: Ordering) -> Extreme<'a, T> {
    let voices = Voices::deciding(candidates.raw());
    let valued = voices.keep(|candidate| candidate.field.is_value());
    if valued.is_empty() {
        return Extreme::NoValue(voices);
    }
    let mut values: Vec<(usize, T)> = Vec::new();
    for index in valued.indices() {
        match candidates.value(index) {
            Some(value) => values.push((index, value)),
            None => return Extreme::CannotTell(UNREADABLE),
        }
    }
    // Partial orders have no maximum unless one element is above all others: compare each with each.
    for (_, value) in &values {
        let mut furthest = Vec::new();
        let mut beyond_all = true;
        for (index, other) in &values {
            match value.compare(other) {
                Some(Ordering::Equal) => furthest.push(*index),
                Some(side) => beyond_all &= side == direction,
                None => return Extreme::CannotTell(INCOMPARABLE),
            }
        }
        if beyond_all {
            return Extreme::Found(valued.only(&furthest), value.clone());
        }
    }
    Extreme::CannotTell(INCOMPARABLE)
}

fn furthest<T: Ordered>(candidates: &Candidates<'_, T>, direction: Ordering) -> Answer<T> {
    match extreme(candidates, direction) {
        Extreme::NoValue(clearing) => clearing.decide(SILENT),
        Extreme::Found(voices, _) => voices.decide("values of one size differ"),
        Extreme::CannotTell(reason) => Answer::Inconclusive(reason),
    }
}

impl<T: Ordered> Policy<T> for Minimum {
    fn name(&self) -> Cow<'static, str> {
        "minimum".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        furthest(candidates, Ordering::Less)
    }
}

impl<T: Ordered> Policy<T> for Maximum {
    fn name(&self) -> Cow<'static, str> {
        "maximum".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        furthest(candidates, Ordering::Greater)
    }
}

impl<T: Ordered> Policy<T> for Monotone {
    fn name(&self) -> Cow<'static, str> {
        "monotone".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let golden_has_value = candidates.raw().golden.is_some_and(crate::value::Field::is_value);
        let golden = candidates.golden();
        if golden_has_value && golden.is_none() {
            return Answer::Inconclusive(UNREADABLE);
        }
        match (extreme(candidates, Ordering::Greater), golden) {
            (Extreme::CannotTell(reason), _) => Answer::Inconclusive(reason),
            (Extreme::NoValue(clearing), None) => clearing.decide(SILENT),
            (Extreme::NoValue(clearing), Some(_)) if clearing.is_empty() => Answer::Inconclusive(SILENT),
            (Extreme::NoValue(_), Some(golden)) => Answer::Computed(golden),
            (Extreme::Found(voices, _), None) => voices.decide("values of one size differ"),
            (Extreme::Found(voices, highest), Some(golden)) => match highest.compare(&golden) {
                None => Answer::Inconclusive(INCOMPARABLE),
                Some(Ordering::Less) => Answer::Computed(golden),
                Some(Ordering::Equal | Ordering::Greater) => voices.decide("values of one size differ"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{INCOMPARABLE, UNREADABLE};
    use crate::policy::builtin::fixture::{Number, World, clears, says, table};
    use crate::policy::builtin::{maximum, minimum, monotone};

    #[test]
    fn the_smallest_and_the_greatest() {
        table::<Number, _>(
            &minimum(),
            &[
                ("smallest", &[says("a", "10"), says("b", "9"), says("c", "11")], "9"),
                ("a clear is no value", &[says("a", "10"), clears("b")], "10"),
                ("only clears", &[clears("a")], "(none)"),
                ("unlike units", &[says("a", "10"), says("b", "9 kg")], &format!("? {INCOMPARABLE}")),
                ("unreadable", &[says("a", "10"), says("b", "ten")], &format!("? {UNREADABLE}")),
                ("observers never", &[says("a", "10").owner(0), says("b", "1").observer()], "10"),
            ],
        );
        table::<Number, _>(
            &maximum(),
            &[
                ("greatest", &[says("a", "10"), says("b", "9"), says("c", "11")], "11"),
                ("numbers, not text", &[says("a", "10"), says("b", "9")], "10"),
                ("twice", &[says("a", "10"), says("b", "10")], "10"),
            ],
        );
    }

    #[test]
    fn golden_never_goes_back() {
        let over = |golden: &str, voices: &[_]| World::of(voices).golden(golden).ask::<Number, _>(&monotone());
        assert_eq!(over("3", &[says("a", "2"), says("b", "4")]), "4");
        assert_eq!(over("3", &[says("a", "3"), says("b", "2")]), "3");
        assert_eq!(over("3", &[says("a", "2"), says("b", "1")]), "= 3", "nobody holds it any more");
        assert_eq!(over("3", &[clears("a")]), "= 3");
        assert_eq!(over("3 kg", &[says("a", "4")]), format!("? {INCOMPARABLE}"));
        assert_eq!(over("three", &[says("a", "4")]), format!("? {UNREADABLE}"));
        assert_eq!(World::of(&[says("a", "2"), says("b", "1")]).ask::<Number, _>(&monotone()), "2");
        assert_eq!(World::of(&[clears("a")]).ask::<Number, _>(&monotone()), "(none)");
    }
}
