//! What turns out to be an erased person's only after the erasure: what a record of nobody said before it told whose it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::persist::{Changes, representation_key};
use crate::engine::suppression::{Suppression, suppression_key};
use crate::engine::tenant::erase::{ERASED, ErasureTold, subject_of};
use crate::id::{EntityId, RecordRef};
use crate::working_set::identity_values;

/// What the journal gives as the reason: nobody asked for this one.
const TOLD_LATER: &str = "it was told afterwards whose this is";

impl Tenant {
    /// Whether anything is kept of what a record said that belongs to nobody and told nobody whose it is.
    pub(in crate::engine::tenant) fn said_without_a_name(&self, loader: &Loader<'_>, record: &RecordRef) -> bool {
        let stored = loader.loaded.revisions.get(&representation_key(record)).is_some_and(Option::is_some);
        let Some(state) = loader.loaded.set.find_record(record).map(|index| loader.loaded.set.record(index)) else {
            return false;
        };
        let representation = &*state.representation;
        let merged_only = representation.merges_alone().is_some_and(|alone| alone == *representation);
        let model = self.core.model.entity(state.entity_type);
        let named = || !identity_values(model, state.object, representation).is_empty();
        stored && state.entity.is_none() && !merged_only && !named()
    }

    /// Begins to erase what such records said until now, each with the entity of the erased person whose it is. A step finishes it.
    pub(in crate::engine::tenant) fn begin_afterwards(
        &self,
        loader: &Loader<'_>,
        changes: &mut Changes<'_>,
        (revision, suppression): (Option<u64>, &Suppression),
        late: &BTreeMap<RecordRef, EntityId>,
    ) {
        let mut theirs: BTreeMap<EntityId, BTreeSet<RecordRef>> = BTreeMap::new();
        for (record, of) in late {
            theirs.entry(*of).or_default().insert(record.clone());
        }
        let mut suppression = suppression.clone();
        for (of, records) in theirs {
            let merged = records.iter().filter_map(|record| self.drop_record(loader, changes, record)).collect();
            let told = ErasureTold {
                entities: BTreeSet::new(),
                records: records.clone(),
                merged,
                suppressed: BTreeSet::new(),
                reason: TOLD_LATER.to_owned(),
            };
            changes.journal(ERASED, &subject_of(of), &told);
            suppression.pending.entry(of).or_default().records.extend(records);
        }
        changes.commit.expect.push((suppression_key(), revision));
        changes.put(suppression_key(), &suppression);
    }
}
