//! The sum over distinct origins.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::fingerprint::Fingerprint;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Additive;

/// The sum of what distinct origins say: a value that we copied from one system to another counts once.
///
/// Inconclusive if it overflows or the units differ. One summand alone wins as it is. It is asked like any policy: where values
/// meet for the first time, or several moved at once. It does not maintain a sum while summands move one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Sum;

impl<T: Additive> Policy<T> for Sum {
    fn name(&self) -> Cow<'static, str> {
        "sum".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let deciding = Voices::deciding(candidates.raw());
        let voices = deciding.keep(|candidate| candidate.field.is_value());
        if voices.is_empty() {
            return deciding.decide(SILENT);
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
        if let [only] = summands.as_slice() {
            return Answer::Winner(*only);
        }
        // Overflow depends on the order of addition, so that order must not depend on the order of links.
        summands.sort_by_key(|index| (candidates.all()[*index].field, candidates.all()[*index].record));
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

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{Number, clears, says, table};
    use crate::policy::builtin::sum;

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
