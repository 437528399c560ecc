//! The owner decides; a fallback may be shown while no owner can be read.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::id::SystemName;
use crate::ownership::Authority;
use crate::policy::builtin::priority::first_to_speak;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy, RawCandidates};
use crate::value::Value;

/// Golden is what the first owner with a value holds; if all owners have cleared it, it is cleared.
///
/// Inconclusive if no owner has a say, or if records of that owner differ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Owner;

impl<T: Value> Policy<T> for Owner {
    fn name(&self) -> Cow<'static, str> {
        "owner".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        of_owners(candidates.raw())
    }
}

fn of_owners<T>(raw: &RawCandidates<'_>) -> Answer<T> {
    let owners = Voices::pick(raw, |candidate| candidate.authority == Authority::Owner).with_value();
    let Some(first) = owners.iter().map(|candidate| candidate.rank).min() else {
        return Answer::Inconclusive("no owner has a say");
    };
    owners.keep(|candidate| candidate.rank == first).decide("the owner's records differ")
}

/// As [`Owner`]; where no owner can be read at all, the first of the named systems with a value is shown as provisional.
///
/// An owner that says *nothing is there* has been read: it decides. The engine must therefore pass the clears of owners
/// to this policy even under `on_clear = hold`, or freeze the unit itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct OwnerWithFallback {
    systems: Vec<SystemName>,
}

impl OwnerWithFallback {
    pub(super) fn new(systems: &[&str]) -> Self {
        Self { systems: systems.iter().map(|system| SystemName::new(system)).collect() }
    }
}

impl<T: Value> Policy<T> for OwnerWithFallback {
    fn name(&self) -> Cow<'static, str> {
        "owner_with_fallback".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(super::count(self.systems.len()));
        for system in &self.systems {
            fingerprint.text(system.as_str());
        }
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let raw = candidates.raw();
        if raw.all.iter().any(|candidate| candidate.authority == Authority::Owner) {
            return of_owners(raw);
        }
        let valued = Voices::pick(raw, |candidate| candidate.field.is_value());
        match first_to_speak(&valued, &self.systems) {
            Answer::Winner(index) => Answer::Provisional(index),
            Answer::Inconclusive(SILENT) => Answer::Inconclusive("neither an owner nor a fallback can be read"),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{clears, says, table};
    use crate::policy::builtin::{owner, owner_with_fallback};
    use crate::value::Composite;

    #[test]
    fn the_first_owner_with_a_value_decides() {
        table::<Composite, _>(
            &owner(),
            &[
                ("one owner", &[says("a", "x").owner(0), says("b", "y").observer()], "x"),
                ("later owner is newer", &[says("a", "x").owner(0), says("b", "y").owner(1).at(9)], "x"),
                ("order of links is none", &[says("b", "y").owner(1), says("a", "x").owner(0)], "x"),
                ("first owner is empty", &[clears("a").owner(0), says("b", "y").owner(1)], "y"),
                ("all owners clear", &[clears("a").owner(0), clears("b").owner(1)], "(none)"),
                ("records agree", &[says("a", "x").owner(0), says("a", "x").id("2").owner(0)], "x"),
                (
                    "records differ",
                    &[says("a", "x").owner(0), says("a", "y").id("2").owner(0)],
                    "? the owner's records differ",
                ),
                ("no owner", &[says("a", "x"), says("b", "y")], "? no owner has a say"),
                ("observers only", &[says("a", "x").observer()], "? no owner has a say"),
            ],
        );
    }

    #[test]
    fn a_fallback_is_provisional_and_only_where_no_owner_can_be_read() {
        table::<Composite, _>(
            &owner_with_fallback(&["b", "c"]),
            &[
                ("owner speaks", &[says("a", "x").owner(0), says("b", "y").observer()], "x"),
                ("owner says nothing is there", &[clears("a").owner(0), says("b", "y").observer()], "(none)"),
                ("owner hidden", &[says("b", "y").observer(), says("c", "z").observer()], "~y"),
                ("first fallback has none", &[clears("b").observer(), says("c", "z").observer()], "~z"),
                ("nobody", &[says("d", "z").observer()], "? neither an owner nor a fallback can be read"),
            ],
        );
    }
}
