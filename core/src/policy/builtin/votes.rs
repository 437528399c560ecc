//! Counting witnesses: weighted scores and consensus. One origin has one vote, however often it was copied.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::fingerprint::Fingerprint;
use crate::id::SystemName;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Value;

/// The value for which origins of the greatest total weight speak. A tie is inconclusive; unnamed systems weigh nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Weighted {
    weights: BTreeMap<SystemName, u32>,
}

impl Weighted {
    pub(super) fn new(weights: &[(&str, u32)]) -> Self {
        Self { weights: weights.iter().map(|(system, weight)| (SystemName::new(system), *weight)).collect() }
    }

    fn weight(&self, class: &Voices<'_>) -> u64 {
        let origins: BTreeSet<(u16, &SystemName)> =
            class.iter().map(|candidate| (candidate.origin, candidate.origin_system)).collect();
        origins.iter().map(|(_, system)| u64::from(self.weights.get(*system).copied().unwrap_or(0))).sum()
    }
}

impl<T: Value> Policy<T> for Weighted {
    fn name(&self) -> Cow<'static, str> {
        "weighted".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(super::count(self.weights.len()));
        for (system, weight) in &self.weights {
            fingerprint.text(system.as_str()).number(i64::from(*weight));
        }
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let classes = Voices::deciding(candidates.raw()).classes();
        let Some(most) = classes.iter().map(|class| self.weight(class)).max() else {
            return Answer::Inconclusive(SILENT);
        };
        the_one(classes.iter().filter(|class| self.weight(class) == most), "several values have the greatest weight")
    }
}

/// The value that enough distinct origins say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Consensus {
    /// How many; `None`: more than half of all.
    at_least: Option<u16>,
}

impl Consensus {
    pub(super) const fn new(at_least: Option<u16>) -> Self {
        Self { at_least }
    }
}

impl<T: Value> Policy<T> for Consensus {
    fn name(&self) -> Cow<'static, str> {
        if self.at_least.is_some() { "consensus_of" } else { "consensus" }.into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(self.at_least.map_or(-1, i64::from));
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let voices = Voices::deciding(candidates.raw());
        if voices.is_empty() {
            return Answer::Inconclusive(SILENT);
        }
        let (classes, all) = (voices.classes(), voices.origins());
        let enough = |class: &&Voices<'_>| match self.at_least {
            Some(at_least) => class.origins() >= usize::from(at_least),
            None => class.origins() * 2 > all,
        };
        the_one(classes.iter().filter(enough), "no single value has enough witnesses")
    }
}

fn the_one<'v, 'a: 'v, T>(mut classes: impl Iterator<Item = &'v Voices<'a>>, otherwise: &'static str) -> Answer<T> {
    match (classes.next(), classes.next()) {
        (Some(class), None) => class.decide(otherwise),
        _ => Answer::Inconclusive(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{says, table};
    use crate::policy::builtin::{consensus, consensus_of, weighted};
    use crate::value::Composite;

    const FEW: &str = "? no single value has enough witnesses";
    const TIE: &str = "? several values have the greatest weight";

    #[test]
    fn weights_of_distinct_origins_add_up() {
        table::<Composite, _>(
            &weighted(&[("h", 3), ("n", 2), ("s", 2)]),
            &[
                ("two beat one", &[says("h", "x"), says("n", "y"), says("s", "y")], "y"),
                ("one beats one", &[says("h", "x"), says("n", "y")], "x"),
                ("a tie", &[says("n", "x"), says("s", "y")], TIE),
                (
                    "a copy is no witness",
                    &[says("h", "x"), says("n", "y").origin(5), says("s", "y").copy_of("n", 5)],
                    "x",
                ),
                ("a copy weighs as its origin", &[says("h", "x").copy_of("w", 9), says("n", "y")], "y"),
                ("two without weight", &[says("v", "x"), says("w", "y")], TIE),
                ("one without weight", &[says("v", "x")], "x"),
            ],
        );
    }

    #[test]
    fn consensus_is_more_than_half_of_the_origins() {
        table::<Composite, _>(
            &consensus(),
            &[
                ("two of three", &[says("a", "x"), says("b", "x"), says("c", "y")], "x"),
                ("one of two", &[says("a", "x"), says("b", "y")], FEW),
                ("one of one", &[says("a", "x")], "x"),
                (
                    "our copies do not vote",
                    &[says("a", "x").origin(5), says("b", "x").copy_of("a", 5), says("c", "y")],
                    FEW,
                ),
                (
                    "observers do not vote",
                    &[says("a", "x").owner(0), says("b", "y").observer(), says("c", "y").observer()],
                    "x",
                ),
            ],
        );
    }

    #[test]
    fn consensus_of_a_number_asks_for_that_many() {
        table::<Composite, _>(
            &consensus_of(2),
            &[
                ("two", &[says("a", "x"), says("b", "x"), says("c", "y")], "x"),
                ("twice two", &[says("a", "x"), says("b", "x"), says("c", "y"), says("d", "y")], FEW),
                ("one", &[says("a", "x")], FEW),
            ],
        );
    }
}
