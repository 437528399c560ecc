//! Lineage: what was ever a part of an entity, as the journal tells it.

use std::collections::BTreeSet;

use crate::engine::Tenant;
use crate::engine::tenant::erase::{Places, RESTATED, Restated};
use crate::engine::tenant::replay::read;
use crate::entity::Entity;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::id::{EntityId, RecordRef};
use crate::journal::{Entry, Payload};

/// How many entries are read at once.
const PAGE: usize = 256;

/// What was ever a part of an entity, and of what it was a part.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    /// The entity, and those that stand merged into it.
    pub(super) entities: BTreeSet<EntityId>,
    /// Every record that was ever linked to one of them, and the place at which it last left; 0: it did not.
    pub(super) ever: Places<RecordRef>,
    /// The entities that one of them was merged into and taken apart from, and the place at which that happened.
    pub(super) parted: Places<EntityId>,
}

impl Tenant {
    /// The lineage of an entity that is no alias.
    pub(super) async fn lineage(&self, standing: EntityId) -> Result<Lineage, Error> {
        let mut lineage = Lineage { entities: BTreeSet::from([standing]), ..Lineage::default() };
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
            let mut after = 0;
            loop {
                let page = self.core.store.journal_about(&self.id, &id.text(), after, PAGE).await;
                let page = page.map_err(Error::store("read the journal by subject"))?;
                let Some((last, _)) = page.last() else { break };
                after = last.seq;
                for (entry, payload) in &page {
                    self.follow(&mut lineage, entry, payload.as_ref())?;
                }
            }
        }
        let Lineage { entities, parted, .. } = &mut lineage;
        parted.retain(|id, _| !entities.contains(id));
        Ok(lineage)
    }

    fn follow(&self, lineage: &mut Lineage, entry: &Entry, payload: Option<&Payload>) -> Result<(), Error> {
        let Some(payload) = payload else { return Ok(()) };
        if entry.kind.as_str() == RESTATED {
            if let Restated::Entity(stored) = read(entry, payload)?
                && let Some(entity) = Entity::from_stored(*stored, &self.core.model)
            {
                lineage.ever.extend(entity.links.iter().map(|link| ((*link.record).clone(), 0)));
            }
            return Ok(());
        }
        if entry.kind.as_str() != "facts" {
            return Ok(());
        }
        let facts: Vec<StoredFact> = read(entry, payload)?;
        for fact in facts {
            match fact {
                StoredFact::Linked { record, .. } => drop(lineage.ever.insert((*record).clone(), 0)),
                StoredFact::Unlinked { record } => drop(lineage.ever.insert((*record).clone(), entry.seq)),
                StoredFact::Merged { into: Some(into) } => drop(lineage.parted.insert(into, 0)),
                StoredFact::Merged { into: None } => {
                    lineage.parted.values_mut().filter(|place| **place == 0).for_each(|place| *place = entry.seq);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
