//! A fixed order of systems.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::id::SystemName;
use crate::policy::builtin::voices::{SILENT, Voices};
use crate::policy::{Answer, Candidates, Policy};
use crate::value::Value;

/// The first system of the list with a value.
///
/// A system's own word goes before what it merely repeats: else our own write into the first system would outrank the
/// next change where the value came from. Clears count only if nobody has a value. Records of one system that differ
/// make it inconclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SourcePriority {
    systems: Vec<SystemName>,
}

impl SourcePriority {
    pub(super) fn new(systems: &[&str]) -> Self {
        Self { systems: systems.iter().map(|system| SystemName::new(system)).collect() }
    }
}

impl<T: Value> Policy<T> for SourcePriority {
    fn name(&self) -> Cow<'static, str> {
        "source_priority".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(super::count(self.systems.len()));
        for system in &self.systems {
            fingerprint.text(system.as_str());
        }
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let deciding = Voices::deciding(candidates.raw());
        let listed = deciding.keep(|candidate| self.systems.contains(candidate.system)).with_value();
        match first_to_speak(&listed, &self.systems) {
            Answer::Inconclusive(SILENT) => Answer::Inconclusive("no system of the list has a say"),
            other => other,
        }
    }
}

/// The first of `systems` that speaks for itself; if none does, the first that repeats.
pub(super) fn first_to_speak<T>(voices: &Voices<'_>, systems: &[SystemName]) -> Answer<T> {
    let original = voices.keep(|candidate| candidate.is_original());
    for voices in [&original, voices] {
        if planted!(PriorityReversed)
            && let Some(system) = systems.iter().rev().find(|system| voices.iter().any(|one| one.system == *system))
        {
            return voices.keep(|candidate| candidate.system == system).decide("");
        }
        for system in systems {
            let own = voices.keep(|candidate| candidate.system == system);
            if !own.is_empty() {
                return own.decide("records of the first system with a value differ");
            }
        }
    }
    Answer::Inconclusive(SILENT)
}

#[cfg(test)]
mod tests {
    use crate::policy::builtin::fixture::{clears, says, table};
    use crate::policy::builtin::source_priority;
    use crate::value::Composite;

    #[test]
    fn the_first_listed_system_with_a_value_wins() {
        table::<Composite, _>(
            &source_priority(&["n", "h"]),
            &[
                ("first", &[says("h", "y").at(9), says("n", "x")], "x"),
                ("first clears", &[says("h", "y"), clears("n")], "y"),
                ("only clears", &[clears("h"), clears("n")], "(none)"),
                ("records agree", &[says("n", "x"), says("n", "x").id("2"), says("h", "y")], "x"),
                (
                    "records differ",
                    &[says("n", "x"), says("n", "z").id("2"), says("h", "y")],
                    "? records of the first system with a value differ",
                ),
                ("not listed", &[says("s", "z")], "? no system of the list has a say"),
                ("our echo does not outrank its source", &[says("n", "x").copy_of("h", 7), says("h", "y")], "y"),
                ("a copy speaks if nobody else does", &[says("n", "x").copy_of("hub", 7), clears("h")], "x"),
                ("observers never", &[says("n", "x").observer(), says("h", "y").owner(0)], "y"),
            ],
        );
    }
}
