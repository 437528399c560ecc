//! Merges into a survivor that came after one which is taken back: what they kept of the survivor is what it would have been without
//! that one, so that merges can be taken back in any order.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::tenant::merge::restore::{Written, way_back};
use crate::engine::tenant::merge::{MERGES, MergeRow};
use crate::engine::tenant::pages::Pages;
use crate::entity::{Entity, Link};
use crate::error::Error;
use crate::fact::Fact;
use crate::id::{EntityId, RecordRef};
use crate::model::CompiledEntity;
use crate::store::{RowKey, Table};

/// A merge into the same survivor that came after one which is taken back.
pub(super) struct Later {
    key: RowKey,
    revision: u64,
    row: MergeRow,
    /// What the survivor was before it.
    survivor: Entity,
    /// What was merged by it.
    pub(super) merged: Entity,
}

/// A merge that is taken back.
pub(super) struct Taken<'t> {
    /// What its survivor was before it.
    pub(super) survivor: &'t Entity,
    /// What was merged by it.
    pub(super) merged: &'t Entity,
    /// When, in milliseconds since the epoch.
    pub(super) at: i64,
    /// The records that came meanwhile and go with what was merged.
    pub(super) gone: &'t BTreeSet<Arc<RecordRef>>,
    /// What we wrote since on the survivor's records.
    pub(super) written: &'t Written,
}

/// The part of a merge's row that says into whom.
#[derive(Deserialize)]
struct Into {
    survivor: Survivor,
}

/// The part of an entity that says which it is.
#[derive(Deserialize)]
struct Survivor {
    id: EntityId,
}

impl Later {
    /// The records that it brought.
    pub(super) fn brought(&self) -> impl Iterator<Item = Arc<RecordRef>> {
        self.merged.links.iter().map(|link| Arc::clone(&link.record))
    }

    /// Keeps of the survivor what it would have been if the other merge had not been.
    pub(super) fn rewrite(self, taken: &Taken<'_>, model: &CompiledEntity, changes: &mut Changes<'_>) {
        let survivor = without(self.survivor, taken);
        changes.put(self.key.clone(), &MergeRow { survivor: survivor.to_stored(model), ..self.row });
        changes.commit.expect.push((self.key, Some(self.revision)));
    }
}

/// What an entity would have been without a merge that it was the survivor of.
fn without(entity: Entity, taken: &Taken<'_>) -> Entity {
    let Taken { survivor, merged, .. } = taken;
    // These are restored by no unmerge, and may quote what the other's records said.
    let (lapses, proposals) = (survivor.lapses.clone(), survivor.proposals.clone());
    let mut entity = Entity { lapses, proposals, discrepancies: survivor.discrepancies.clone(), ..entity };
    let theirs = |link: &&Link| merged.link_of(&link.record).is_some() || taken.gone.contains(&link.record);
    let gone = entity.links.iter().filter(theirs).map(|link| Fact::Unlinked { record: Arc::clone(&link.record) });
    let mut facts: Vec<Fact> = gone.collect();
    let inherited = merged.cannot_link.difference(&survivor.cannot_link);
    facts.extend(inherited.map(|other| Fact::CannotLink { other: *other, holds: false }));
    facts.push(Fact::CannotLink { other: merged.id, holds: true });
    let inherited = merged.held_apart.iter().filter(|(record, held)| {
        !survivor.held_apart.contains_key(*record) && entity.held_apart.get(*record) == Some(*held)
    });
    facts.extend(inherited.map(|(record, _)| Fact::HeldApart { record: Arc::clone(record), held: None }));
    facts.iter().for_each(|fact| fact.apply(&mut entity));
    // What was decided meanwhile is told of the entity as it is.
    let (back, _) = way_back(&entity, survivor, taken.at, taken.written);
    back.iter().for_each(|fact| fact.apply(&mut entity));
    entity
}

/// Whether an entity holds one of another's records.
fn holds_any(entity: &Entity, of: &Entity) -> bool {
    of.links.iter().any(|link| entity.link_of(&link.record).is_some())
}

impl Tenant {
    /// The merges into the same survivor that came after one, and were not taken back: their rows are read page by page.
    pub(super) async fn merges_after(
        &self,
        (was_survivor, was_merged): (&Entity, &Entity),
        at: i64,
    ) -> Result<Vec<Later>, Error> {
        let mut later = Vec::new();
        let mut rows = Pages::of(self, Table::Case, MERGES, "list merges");
        while let Some(stored) = rows.next().await? {
            if parse::<Into>(Table::Case, &stored)?.survivor.id != was_survivor.id {
                continue;
            }
            let row: MergeRow = parse(Table::Case, &stored)?;
            let survivor = Entity::from_stored(row.survivor.clone(), &self.core.model);
            let merged = Entity::from_stored(row.merged.clone(), &self.core.model);
            let Some((survivor, merged)) = survivor.zip(merged) else { continue };
            // Clocks of processes may differ: what the one found there already was there before.
            let earlier = merged.id == was_merged.id || holds_any(was_survivor, &merged);
            if !earlier && (row.at > at || holds_any(&survivor, was_merged)) {
                let key = RowKey::new(Table::Case, stored.key);
                later.push(Later { key, revision: stored.revision, row, survivor, merged });
            }
        }
        Ok(later)
    }
}
