//! Restoring what an entity was before a merge.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::Base;
use crate::decision::Decision;
use crate::entity::Entity;
use crate::fact::{EntityFact, Fact};
use crate::id::RecordRef;
use crate::model::UnitKey;
use crate::settle::Touched;
use crate::value::Field;
use crate::working_set::{EntityIndex, WorkingSet};

/// The units that we wrote on an entity's records, with what we wrote there: `(record, unit, value)`.
pub(super) type Written = Vec<(Arc<RecordRef>, UnitKey, Field)>;

pub(super) fn written_meanwhile(set: &WorkingSet, entity: EntityIndex) -> Written {
    let links = &set.entity(entity).entity.links;
    links
        .iter()
        .flat_map(|link| {
            link.bases
                .iter()
                .filter(|(_, base)| base.wrote.is_some())
                .map(|(key, base)| (Arc::clone(&link.record), key, base.seen.clone()))
        })
        .collect()
}

/// Gives an entity the golden values, bases and decisions that it had. A value that we wrote meanwhile is no move: golden
/// is owed there. Gives what was decided meanwhile, since `merged_at`: whose part it is, only a person can say.
pub(super) fn restore(
    set: &mut WorkingSet,
    index: EntityIndex,
    was: &Entity,
    merged_at: i64,
    written: &Written,
    facts: &mut Vec<EntityFact>,
) -> Vec<(UnitKey, Decision)> {
    let now = set.entity(index).entity.clone();
    let units: BTreeSet<UnitKey> = was.golden.iter().chain(now.golden.iter()).map(|(key, _)| key).collect();
    for unit in units {
        let cell = was.golden.get(&unit);
        if cell != now.golden.get(&unit) {
            let cell = cell.cloned().map(Box::new);
            set.record_fact(index, Fact::Settled { unit, cell }, facts);
        }
    }
    let mut decided = Vec::new();
    let units: BTreeSet<UnitKey> = was.decisions.iter().chain(now.decisions.iter()).map(|(key, _)| key).collect();
    for unit in units {
        let (before, meanwhile) = (was.decisions.get(&unit), now.decisions.get(&unit));
        if before == meanwhile {
            continue;
        }
        if let Some(decision) = meanwhile.filter(|decision| decision.at >= merged_at) {
            decided.push((unit.clone(), decision.clone()));
        }
        set.record_fact(index, Fact::Decided { unit, decision: before.cloned().map(Box::new) }, facts);
    }
    for link in &was.links {
        let Some(held) = set.entity(index).entity.link_of(&link.record) else { continue };
        let held = set.entity(index).entity.links[held].clone();
        let units: BTreeSet<UnitKey> = link.bases.iter().chain(held.bases.iter()).map(|(key, _)| key).collect();
        for unit in units {
            let before = link.bases.get(&unit);
            let ours = written.iter().find(|(record, key, _)| *record == link.record && *key == unit);
            let base = match (before, ours) {
                (Some(base), Some((_, _, value))) if *value != base.seen => Some(Base::lost(value.clone())),
                (base, _) => base.cloned(),
            };
            if base.as_ref() != held.bases.get(&unit) {
                let record = Arc::clone(&link.record);
                set.record_fact(index, Fact::Rebased { record, unit, base: base.map(Box::new) }, facts);
            }
        }
        let counted: BTreeSet<&UnitKey> = link.reactions.keys().chain(held.reactions.keys()).collect();
        for unit in counted {
            let count = link.reactions.get(unit).copied().unwrap_or(0);
            if count != held.reactions.get(unit).copied().unwrap_or(0) {
                let record = Arc::clone(&link.record);
                set.record_fact(index, Fact::Reacted { record, unit: unit.clone(), count }, facts);
            }
        }
        if held.existed != link.existed {
            let record = Arc::clone(&link.record);
            set.record_fact(index, Fact::Existed { record, existed: link.existed }, facts);
        }
    }
    set.touch(index, Touched::Everything);
    decided
}
