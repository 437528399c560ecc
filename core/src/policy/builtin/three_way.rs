//! Three-way merge: what moved since it was last accepted.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Value;

/// The one value to which systems moved; if none moved, what golden holds already.
///
/// The base of each system is what was last accepted there, so *moved* means changed on that side (`diff3`; Khanna,
/// Kunal, Pierce: A Formal Investigation of Diff3, 2007). Moves to different values are inconclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ThreeWay;

impl<T: Value> Policy<T> for ThreeWay {
    fn name(&self) -> Cow<'static, str> {
        "three_way".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let raw = candidates.raw();
        let voices = Voices::deciding(raw);
        if voices.is_empty() {
            return Answer::Inconclusive(SILENT);
        }
        let moved = voices.keep(|candidate| candidate.moved);
        if !moved.is_empty() {
            return moved.decide("several systems moved apart");
        }
        let unmoved = "nothing moved, and no system holds what golden holds";
        let Some(golden) = raw.golden else { return Answer::Inconclusive(unmoved) };
        let holding = voices.keep(|candidate| raw.equivalence.same(candidate.field, golden));
        // The very text of golden first: to settle what did not move must not respell it.
        let exact = holding.keep(|candidate| candidate.field == golden);
        if let Some(index) = exact.spokesman().or_else(|| holding.spokesman()) {
            return Answer::Winner(index);
        }
        Answer::Inconclusive(unmoved)
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{World, clears, says};
    use crate::policy::builtin::three_way;
    use crate::value::Composite;

    #[test]
    fn one_moved_value_wins() {
        let over = |voices: &[_]| World::of(voices).golden("g").ask::<Composite, _>(&three_way());
        assert_eq!(over(&[says("a", "x").moved(), says("b", "g")]), "x");
        assert_eq!(over(&[says("a", "x").moved(), says("b", "x").moved()]), "x");
        assert_eq!(over(&[says("a", "x").moved(), says("b", "y")]), "x", "b differed before");
        assert_eq!(over(&[says("a", "x").moved(), says("b", "y").moved()]), "? several systems moved apart");
        assert_eq!(over(&[clears("a").moved(), says("b", "g")]), "(none)");
        assert_eq!(over(&[says("a", "g"), says("b", "y")]), "g");
        assert_eq!(over(&[says("a", "x"), says("b", "y")]), "? nothing moved, and no system holds what golden holds");
        assert_eq!(over(&[says("a", "x").moved().observer(), says("b", "g").owner(0)]), "g");
        let none = World::of(&[says("a", "x")]);
        assert_eq!(none.ask::<Composite, _>(&three_way()), "? nothing moved, and no system holds what golden holds");
    }
}
