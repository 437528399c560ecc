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
                .filter(|(_, base)| base.marks.wrote.is_some())
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
    let (back, decided) = way_back(&set.entity(index).entity, was, merged_at, written);
    back.into_iter().for_each(|fact| set.record_fact(index, fact, facts));
    set.touch(index, Touched::Everything);
    decided
}

/// What makes an entity of today the one that it was; and what was decided since.
pub(super) fn way_back(
    now: &Entity,
    was: &Entity,
    merged_at: i64,
    written: &Written,
) -> (Vec<Fact>, Vec<(UnitKey, Decision)>) {
    let mut facts = Vec::new();
    let units: BTreeSet<UnitKey> = was.golden.iter().chain(now.golden.iter()).map(|(key, _)| key).collect();
    let mut restored = BTreeSet::new();
    for unit in units {
        let cell = was.golden.get(&unit);
        if cell != now.golden.get(&unit) {
            facts.push(Fact::Settled { unit: unit.clone(), cell: cell.cloned().map(Arc::new) });
            restored.insert(unit);
        }
    }
    // What a record that joined meanwhile was accepted against is golden no more: it is heard anew.
    for link in now.links.iter().filter(|link| was.link_of(&link.record).is_none()) {
        let units = link.bases.iter().map(|(key, _)| key).filter(|unit| restored.contains(unit));
        facts.extend(units.map(|unit| Fact::Rebased { record: Arc::clone(&link.record), unit, base: None }));
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
        facts.push(Fact::Decided { unit, decision: before.cloned().map(Arc::new) });
    }
    for link in &was.links {
        if let Some(held) = now.link_of(&link.record).and_then(|place| now.links.get(place)) {
            way_back_of_link(held, link, written, &mut facts);
        }
    }
    (facts, decided)
}

/// What makes a link of today the one that it was.
fn way_back_of_link(held: &Link, link: &Link, written: &Written, facts: &mut Vec<Fact>) {
    let record = || Arc::clone(&link.record);
    let units: BTreeSet<UnitKey> = link.bases.iter().chain(held.bases.iter()).map(|(key, _)| key).collect();
    for unit in units {
        let before = link.bases.get(&unit);
        let ours = written.iter().find(|(record, key, _)| *record == link.record && *key == unit);
        let base = match (before, ours) {
            (Some(base), Some((_, _, value))) if *value != base.seen => Some(Base::lost(value.clone(), base)),
            (base, _) => base.cloned(),
        };
        if base.as_ref() != held.bases.get(&unit) {
            facts.push(Fact::Rebased { record: record(), unit, base: base.map(Arc::new) });
        }
    }
    let counted: BTreeSet<&UnitKey> = link.reactions.keys().chain(held.reactions.keys()).collect();
    for unit in counted {
        let count = link.reactions.get(unit).copied().unwrap_or(0);
        if count != held.reactions.get(unit).copied().unwrap_or(0) {
            facts.push(Fact::Reacted { record: record(), unit: unit.clone(), count });
        }
    }
    let given: BTreeSet<&UnitKey> = link.divergences.keys().chain(held.divergences.keys()).collect();
    for unit in given.into_iter().filter(|unit| link.divergences.get(unit) != held.divergences.get(unit)) {
        let divergence = link.divergences.get(unit).cloned().map(Box::new);
        facts.push(Fact::Diverged { record: record(), unit: unit.clone(), divergence });
    }
    let sent: BTreeSet<&UnitKey> = link.sent.keys().chain(held.sent.keys()).collect();
    for unit in sent.into_iter().filter(|unit| link.sent.get(unit) != held.sent.get(unit)) {
        let sent = link.sent.get(unit).cloned().map(Box::new);
        facts.push(Fact::Sent { record: record(), unit: unit.clone(), sent });
    }
    if held.to_restore != link.to_restore {
        facts.push(Fact::ToRestore { record: record(), holds: link.to_restore });
    }
    if held.existed != link.existed {
        facts.push(Fact::Existed { record: record(), existed: link.existed });
    }
}

/// What became of records that were linked while two entities were one.
#[derive(Debug, Default)]
pub(super) struct Parted {
    /// They went with the one that was merged.
    pub(super) gone: BTreeSet<Arc<RecordRef>>,
    /// They lead to neither part, or to both, and stay with the survivor: whose they are, only a person can say.
    pub(super) unclear: Vec<RecordRef>,
}

/// Records that were linked while two entities were one go where their identity values lead: to the part whose records
/// held one of them. Those of `brought`, which came with a merge that stands, stay where that brought them.
pub(super) fn part_newcomers(
    frame: &Frame<'_>,
    set: &mut WorkingSet,
    (into, was_survivor): (EntityIndex, &Entity),
    (from, was_merged): (EntityIndex, &Entity),
    brought: &BTreeSet<Arc<RecordRef>>,
    facts: &mut Vec<EntityFact>,
) -> Parted {
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
        .filter(|link| !brought.contains(&link.record))
        .cloned()
        .collect();
    let mut parted = Parted::default();
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
                parted.gone.insert(link.record);
            }
            (true, true) | (false, false) => parted.unclear.push((*link.record).clone()),
        }
    }
    parted
}
