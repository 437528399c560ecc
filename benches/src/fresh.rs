//! A policy of the workload's own: an order of systems, of which those that fell behind are passed over.

use std::borrow::Cow;

use accordant::fingerprint::Fingerprint;
use accordant::policy::{Answer, Candidate, Candidates, Policy};
use accordant::value::Value;

/// The first of `systems` with a value that is not too far behind the freshest one.
///
/// It shows what a policy outside the library looks like, and costs what one costs.
#[derive(Debug, Clone)]
pub struct FreshPriority {
    systems: [&'static str; 3],
    behind_ms: i64,
}

impl FreshPriority {
    /// In this order; what is more than five days behind is passed over.
    #[must_use]
    pub const fn of(systems: [&'static str; 3]) -> Self {
        Self { systems, behind_ms: 5 * 24 * 3_600_000 }
    }
}

impl<T: Value> Policy<T> for FreshPriority {
    fn name(&self) -> Cow<'static, str> {
        "fresh_priority".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).number(self.behind_ms);
        for system in self.systems {
            fingerprint.text(system);
        }
    }

    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T> {
        let valued = || (0..).zip(candidates.all()).filter(|(_, candidate)| candidate.field.is_value());
        let Some(freshest) = valued().map(|(_, candidate)| candidate.stamp.token).max() else {
            // Nobody has a value any more: whoever cleared it last says so.
            let cleared = (0..).zip(candidates.all()).max_by_key(|(_, candidate)| newest(candidate));
            return cleared.map_or(Answer::Inconclusive("nobody speaks"), |(index, _)| Answer::Winner(index));
        };
        let fresh = |system: &str| {
            valued().find(|(_, candidate)| {
                candidate.system.as_str() == system && candidate.stamp.token.saturating_add(self.behind_ms) >= freshest
            })
        };
        match self.systems.iter().find_map(|system| fresh(system)) {
            Some((index, _)) => Answer::Winner(index),
            None => Answer::Inconclusive("no system of the list has a fresh value"),
        }
    }
}

/// The latest stamp, and among equal ones the same record whatever the order of candidates.
fn newest<'a>(candidate: &Candidate<'a>) -> (accordant::stamp::Stamp, std::cmp::Reverse<&'a accordant::RecordRef>) {
    (candidate.stamp, std::cmp::Reverse(candidate.record))
}
