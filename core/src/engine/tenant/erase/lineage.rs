//! Lineage: what was ever a part of an entity, as the journal tells it.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tenant;
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::erase::{ERASED, ErasureTold, Places, RESTATED, Restated, subject_of};
use crate::engine::tenant::replay::read;
use crate::entity::Entity;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::id::{EntityId, RecordRef};
use crate::journal::{Entry, Payload};

/// How many entries are read at once.
const PAGE: usize = 256;

/// What the facts have that link a record.
const LINKED: &[u8] = b"\"linked\"";

/// What was ever a part of an entity, and of what it was a part. Each of the entities is followed by itself, so places are kept
/// by entity: what left one for another of them has not left them.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    /// The entity, and those that stand merged into it.
    pub(super) entities: BTreeSet<EntityId>,
    /// The records that each of them was ever linked to, and the place at which they last left it; 0: they did not.
    held: BTreeMap<EntityId, Places<RecordRef>>,
    /// The entities that each of them was merged into, and the place at which it was taken apart again; 0: it was not.
    joined: BTreeMap<EntityId, Places<EntityId>>,
}

impl Lineage {
    pub(super) fn of(entity: EntityId) -> Self {
        Self { entities: BTreeSet::from([entity]), ..Self::default() }
    }

    /// Every record that was ever linked to one of them, and the place at which it last left; 0: it did not.
    pub(super) fn ever(&self) -> Places<RecordRef> {
        last(self.held.values())
    }

    /// The entities that one of them was merged into and taken apart from, and the place at which that last happened.
    pub(super) fn parted(&self) -> Places<EntityId> {
        let mut parted = last(self.joined.values());
        parted.retain(|id, _| !self.entities.contains(id));
        parted
    }
}

/// By what left, the last place at which it did; 0: it is still there.
fn last<'a, K: Ord + Clone + 'a>(places: impl Iterator<Item = &'a Places<K>>) -> Places<K> {
    let mut last = Places::new();
    for (key, place) in places.flatten() {
        let of = last.entry(key.clone()).or_insert(*place);
        *of = if *of == 0 || *place == 0 { 0 } else { (*of).max(*place) };
    }
    last
}

impl Tenant {
    /// Follows the entities of a lineage to all that belongs to it.
    pub(super) async fn trace(&self, lineage: &mut Lineage) -> Result<(), Error> {
        let merged = self.merged_pairs().await?;
        loop {
            let of = merged.iter().filter(|(_, into)| lineage.entities.contains(into)).map(|(merged, _)| *merged);
            let more: Vec<EntityId> = of.filter(|merged| !lineage.entities.contains(merged)).collect();
            if more.is_empty() {
                break;
            }
            lineage.entities.extend(more);
        }
        for id in lineage.entities.clone() {
            self.follow_all(lineage, id).await?;
        }
        Ok(())
    }

    /// The records that an entity had once and has no more, and the places at which they left.
    pub(super) async fn once_held(&self, id: EntityId) -> Result<Vec<(RecordRef, u64)>, Error> {
        let mut lineage = Lineage::default();
        self.follow_all(&mut lineage, id).await?;
        Ok(lineage.ever().into_iter().filter(|(_, place)| *place > 0).collect())
    }

    /// Follows what the journal tells of an entity.
    async fn follow_all(&self, lineage: &mut Lineage, id: EntityId) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let page = self.core.store.journal_about(&self.id, &id.text(), after, PAGE).await;
            let page = page.map_err(Error::store("read the journal by subject"))?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = last.seq;
            for (entry, payload) in &page {
                self.follow(lineage, id, entry, payload.as_ref())?;
            }
        }
    }

    /// The records that erasures of an entity took, as far as the journal still tells.
    pub(in crate::engine::tenant) async fn records_erased(&self, of: EntityId) -> Result<BTreeSet<RecordRef>, Error> {
        let (mut records, mut after) = (BTreeSet::new(), 0);
        loop {
            let page = self.core.store.journal_about(&self.id, &subject_of(of), after, PAGE).await;
            let page = page.map_err(Error::store("read the journal by subject"))?;
            let Some((last, _)) = page.last() else { return Ok(records) };
            after = last.seq;
            for (entry, payload) in page.iter().filter(|(entry, _)| entry.kind.as_str() == ERASED) {
                let told: Option<ErasureTold> = payload.as_ref().map(|payload| read(entry, payload)).transpose()?;
                records.extend(told.into_iter().flat_map(|told| told.records));
            }
        }
    }

    /// The entities, but for these, that one of the records was ever linked to. Each call reads the journal.
    pub(super) async fn former_entities(
        &self,
        records: &BTreeSet<RecordRef>,
        but: &BTreeSet<EntityId>,
    ) -> Result<BTreeSet<EntityId>, Error> {
        let mut former = BTreeSet::new();
        let mut after = 0;
        loop {
            let page = self.core.store.journal(&self.id, after, PAGE).await;
            let page = page.map_err(Error::store("read the journal"))?;
            let Some((last, _)) = page.last() else { return Ok(former) };
            after = last.seq;
            for (entry, payload) in &page {
                let (Some(payload), Ok(id)) = (payload, entry.subject.parse::<EntityId>()) else { continue };
                if but.contains(&id) || former.contains(&id) {
                    continue;
                }
                let linked = self.linked_by(entry, payload)?;
                if linked.iter().any(|record| records.contains(record)) {
                    former.insert(id);
                }
            }
        }
    }

    /// The records that an entry links to the entity that it is about.
    fn linked_by(&self, entry: &Entry, payload: &Payload) -> Result<Vec<RecordRef>, Error> {
        match entry.kind.as_str() {
            "facts" if payload.bytes.windows(LINKED.len()).any(|bytes| bytes == LINKED) => {
                let facts: Vec<StoredFact> = read(entry, payload)?;
                let linked = facts.into_iter().filter_map(|fact| match fact {
                    StoredFact::Linked { record, .. } => Some((*record).clone()),
                    _ => None,
                });
                Ok(linked.collect())
            }
            RESTATED | STATE_TOLD => {
                let stored = match read(entry, payload)? {
                    Restated::Entity(stored) => stored,
                    Restated::Once(_, once) => return Ok(once.into_iter().map(|(record, _)| record).collect()),
                    _ => return Ok(Vec::new()),
                };
                let entity = Entity::from_stored(*stored, &self.core.model);
                let links = entity.into_iter().flat_map(|entity| entity.links);
                Ok(links.map(|link| (*link.record).clone()).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn follow(
        &self,
        lineage: &mut Lineage,
        id: EntityId,
        entry: &Entry,
        payload: Option<&Payload>,
    ) -> Result<(), Error> {
        let Some(payload) = payload else { return Ok(()) };
        let held = lineage.held.entry(id).or_default();
        if [RESTATED, STATE_TOLD].contains(&entry.kind.as_str()) {
            match read(entry, payload)? {
                Restated::Entity(stored) => {
                    let entity = Entity::from_stored(*stored, &self.core.model);
                    let links = entity.iter().flat_map(|entity| &entity.links);
                    held.extend(links.map(|link| ((*link.record).clone(), 0)));
                }
                Restated::Once(_, once) => held.extend(once),
                _ => {}
            }
            return Ok(());
        }
        if entry.kind.as_str() != "facts" {
            return Ok(());
        }
        let facts: Vec<StoredFact> = read(entry, payload)?;
        let joined = lineage.joined.entry(id).or_default();
        for fact in facts {
            match fact {
                StoredFact::Linked { record, .. } => drop(held.insert((*record).clone(), 0)),
                StoredFact::Unlinked { record } => drop(held.insert((*record).clone(), entry.seq)),
                StoredFact::Merged { into: Some(into) } => drop(joined.insert(into, 0)),
                StoredFact::Merged { into: None } => {
                    joined.values_mut().filter(|place| **place == 0).for_each(|place| *place = entry.seq);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
