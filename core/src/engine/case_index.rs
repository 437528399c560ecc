//! The index of open cases about entities: gravest first, the longest overdue before the others.
//!
//! Its rows are a function of entities and of how they are weighed. So whoever changes an entity files its cases anew in
//! the same commit, and where the weighing changed, all are filed anew before they are listed.

use std::collections::BTreeSet;

use crate::discrepancy::DiscrepancyState;
use crate::engine::Core;
use crate::engine::case::discrepancy_key;
use crate::engine::persist::PART;
use crate::entity::Entity;
use crate::fingerprint::Digest;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::triage::{Severity, Weight};

/// What the keys of its rows begin with. No identity value's row begins so.
pub(crate) const PREFIX: &str = "\u{1f}case\u{1f}";

/// The row that says by which triage a tenant's cases are filed.
pub(crate) fn filed_by() -> RowKey {
    RowKey::new(Table::Meta, "cases")
}

/// What the rows of a severity begin with, as it is before a case is overdue.
pub(crate) fn prefix_of(severity: Severity) -> String {
    format!("{PREFIX}{}", severity.digit())
}

/// The first key behind all cases of a severity that are due at this instant or before.
pub(crate) fn behind_due(severity: Severity, now: i64) -> String {
    // A digest is made of characters before the last separator.
    format!("{}{}\u{7f}", prefix_of(severity), sortable(now))
}

/// The keys under which an entity's cases are filed.
pub(crate) fn keys_of(core: &Core, entity: &Entity) -> BTreeSet<Text> {
    if entity.merged_into.is_some() {
        return BTreeSet::new();
    }
    let waiting = entity.discrepancies.values().filter(|one| one.state == DiscrepancyState::Waiting);
    waiting
        .map(|discrepancy| {
            let triage = core.triage.get(usize::from(entity.entity)).and_then(Option::as_ref);
            let weight = Weight::of(triage, core.model.entity(entity.entity), entity, discrepancy);
            key(weight, &discrepancy.id)
        })
        .collect()
}

fn key(weight: Weight, id: &Digest) -> Text {
    Text::of_parts(&[&prefix_of(weight.severity), &sortable(weight.due), PART, &id.text()])
}

/// The case that a row names.
pub(crate) fn case_of_key(key: &str) -> Option<Text> {
    let (_, id) = key.strip_prefix(PREFIX)?.split_once('\u{1f}')?;
    Some(discrepancy_key(id.parse().ok()?))
}

/// An instant as text that sorts as instants do, also before the epoch.
pub(crate) fn sortable(millis: i64) -> String {
    format!("{:016x}", i128::from(millis) - i128::from(i64::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_sorts_before_what_is_not() {
        let id = Digest::of(b"one");
        let filed = |due| key(Weight { severity: Severity::High, aged_from: 0, due }, &id);
        let dues = [i64::MIN, -1, 0, 1, 1_772_356_320_000, i64::MAX];
        assert!(dues.map(filed).is_sorted());
        for (place, now) in dues.into_iter().enumerate() {
            let behind = behind_due(Severity::High, now);
            let due = dues.into_iter().filter(|due| *filed(*due) < *behind.as_str()).count();
            assert_eq!(due, place + 1, "{now}");
        }
        assert_eq!(case_of_key(&filed(7)), Some(discrepancy_key(id)));
    }
}
