//! The index of what ends by its date: decisions, and leave to differ. Its rows are a function of entities.

use std::collections::BTreeSet;

use crate::decision::Lifetime;
use crate::engine::case_index::sortable;
use crate::entity::Entity;
use crate::text::Text;

/// What the keys of its rows begin with. No identity value's row begins so.
pub(crate) const PREFIX: &str = "\u{1f}until\u{1f}";

/// The keys under which an entity stands: one for each instant at which something of it ends.
pub(crate) fn keys_of(entity: &Entity) -> BTreeSet<Text> {
    if entity.merged_into.is_some() {
        return BTreeSet::new();
    }
    let decided = entity.decisions.iter().map(|(_, decision)| decision.lifetime);
    let given = entity.links.iter().flat_map(|link| link.divergences.iter()).map(|(_, leave)| leave.lifetime);
    let until = decided.chain(given).filter_map(|lifetime| match lifetime {
        Lifetime::Until(date) => Some(date.timestamp_millis()),
        Lifetime::Once | Lifetime::UntilInputsChange | Lifetime::Pinned => None,
    });
    until.map(|date| format!("{PREFIX}{}\u{1f}{}", sortable(date), entity.id).into()).collect()
}

/// The instant that a row names, in milliseconds since the epoch.
pub(crate) fn instant_of_key(key: &str) -> Option<i64> {
    let (sortable, _) = key.strip_prefix(PREFIX)?.split_once('\u{1f}')?;
    let above = i128::from_str_radix(sortable, 16).ok()?;
    i64::try_from(above + i128::from(i64::MIN)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_instant() {
        for at in [i64::MIN, -1, 0, 1_772_356_320_000, i64::MAX] {
            assert_eq!(instant_of_key(&format!("{PREFIX}{}\u{1f}x", sortable(at))), Some(at));
        }
    }
}
