//! Restoring what an entity was before a merge, and parting what came while it lasted.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::Base;
use crate::decision::Decision;
use crate::entity::{Entity, HUB_OBJECT, Link};
use crate::fact::{EntityFact, Fact};
use crate::id::RecordRef;
use crate::model::UnitKey;
use crate::settle::Touched;
use crate::value::Field;
use crate::working_set::{EntityIndex, Frame, IdentityKey, WorkingSet};

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
    let mut restored = BTreeSet::new();
    for unit in units {
        let cell = was.golden.get(&unit);
        if cell != now.golden.get(&unit) {
            let cell = cell.cloned().map(Arc::new);
            set.record_fact(index, Fact::Settled { unit: unit.clone(), cell }, facts);
            restored.insert(unit);
        }
    }
    // What a record that joined meanwhile was accepted against is golden no more: it is heard anew.
    for link in now.links.iter().filter(|link| was.link_of(&link.record).is_none()) {
        for unit in link.bases.iter().map(|(key, _)| key).filter(|unit| restored.contains(unit)) {
            let record = Arc::clone(&link.record);
            set.record_fact(index, Fact::Rebased { record, unit, base: None }, facts);
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
        set.record_fact(index, Fact::Decided { unit, decision: before.cloned().map(Arc::new) }, facts);
    }
    for link in &was.links {
        let Some(held) = set.entity(index).entity.link_of(&link.record) else { continue };
        let held = set.entity(index).entity.links[held].clone();
        let units: BTreeSet<UnitKey> = link.bases.iter().chain(held.bases.iter()).map(|(key, _)| key).collect();
        for unit in units {
            let before = link.bases.get(&unit);
            let ours = written.iter().find(|(record, key, _)| *record == link.record && *key == unit);
            let base = match (before, ours) {
                (Some(base), Some((_, _, value))) if *value != base.seen => Some(Base::lost(value.clone(), base)),
                (base, _) => base.cloned(),
            };
            if base.as_ref() != held.bases.get(&unit) {
                let record = Arc::clone(&link.record);
                set.record_fact(index, Fact::Rebased { record, unit, base: base.map(Arc::new) }, facts);
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
        let given: BTreeSet<&UnitKey> = link.divergences.keys().chain(held.divergences.keys()).collect();
        for unit in given.into_iter().filter(|unit| link.divergences.get(unit) != held.divergences.get(unit)) {
            let divergence = link.divergences.get(unit).cloned().map(Box::new);
            let record = Arc::clone(&link.record);
            set.record_fact(index, Fact::Diverged { record, unit: unit.clone(), divergence }, facts);
        }
        let sent: BTreeSet<&UnitKey> = link.sent.keys().chain(held.sent.keys()).collect();
        for unit in sent.into_iter().filter(|unit| link.sent.get(unit) != held.sent.get(unit)) {
            let sent = link.sent.get(unit).cloned().map(Box::new);
            let record = Arc::clone(&link.record);
            set.record_fact(index, Fact::Sent { record, unit: unit.clone(), sent }, facts);
        }
        if held.to_restore != link.to_restore {
            let record = Arc::clone(&link.record);
            set.record_fact(index, Fact::ToRestore { record, holds: link.to_restore }, facts);
        }
        if held.existed != link.existed {
            let record = Arc::clone(&link.record);
            set.record_fact(index, Fact::Existed { record, existed: link.existed }, facts);
        }
    }
    set.touch(index, Touched::Everything);
    decided
}

/// Records that were linked while two entities were one go where their identity values lead: to the part whose records
/// held one of them. Gives those that lead to neither part, or to both; they stay with the survivor.
pub(super) fn part_newcomers(
    frame: &Frame<'_>,
    set: &mut WorkingSet,
    (into, was_survivor): (EntityIndex, &Entity),
    (from, was_merged): (EntityIndex, &Entity),
    facts: &mut Vec<EntityFact>,
) -> Vec<RecordRef> {
    let held_by = |set: &WorkingSet, was: &Entity| -> BTreeSet<IdentityKey> {
        let records = was.links.iter().filter_map(|link| set.find_record(&link.record));
        records.flat_map(|record| set.identity_keys(frame, record)).collect()
    };
    let (of_survivor, of_merged) = (held_by(set, was_survivor), held_by(set, was_merged));
    let newcomers: Vec<Link> = set
        .entity(into)
        .entity
        .links
        .iter()
        .filter(|link| link.object != HUB_OBJECT)
        .filter(|link| was_survivor.link_of(&link.record).is_none() && was_merged.link_of(&link.record).is_none())
        .cloned()
        .collect();
    let mut unclear = Vec::new();
    for link in newcomers {
        let Some(record) = set.find_record(&link.record) else { continue };
        let keys = set.identity_keys(frame, record);
        // A person who unlinked it from a part said more than its values do.
        let leads_to = |part: &BTreeSet<IdentityKey>, was: &Entity| {
            !was.held_apart.contains_key(&link.record) && keys.iter().any(|key| part.contains(key))
        };
        match (leads_to(&of_survivor, was_survivor), leads_to(&of_merged, was_merged)) {
            (true, false) => {}
            (false, true) => {
                set.record_fact(into, Fact::Unlinked { record: Arc::clone(&link.record) }, facts);
                set.link(from, record, link.order, link.evidence, facts);
            }
            (true, true) | (false, false) => unclear.push((*link.record).clone()),
        }
    }
    unclear
}
