//! The past of one entity: the journal's entries about it, its records, and whatever these lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::Tenant;
use crate::engine::hydrate::{parse, reference_targets};
use crate::engine::persist::{LinkRow, link_key};
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::erase::{RESTATED, Restated};
use crate::engine::tenant::replay::{Replay, Replayed, read};
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::id::{EntityId, RecordRef};
use crate::journal::{Entry, Payload};
use crate::store::Table;
use crate::text::Text;
use crate::working_set::{EntityIndex, WorkingSet};

/// How many entries are read at once.
const PAGE: usize = 256;

/// The journal's entries about one entity and its records, up to a place.
pub(in crate::engine::tenant) struct Past {
    /// The entity that was asked for.
    id: EntityId,
    place: u64,
    /// Up to which place the state is taken as it is told.
    told_until: u64,
    /// By place.
    pub(in crate::engine::tenant) entries: BTreeMap<u64, (Entry, Option<Payload>)>,
    subjects: BTreeSet<Text>,
    pub(in crate::engine::tenant) replayed: Replayed,
}

impl Tenant {
    /// Gathers the past of an entity up to a place of the journal.
    pub(in crate::engine::tenant) async fn past_of(&self, id: EntityId, place: u64) -> Result<Past, Error> {
        let mut past = Past {
            id,
            place,
            told_until: self.beginning().await?.told_until(),
            entries: BTreeMap::new(),
            subjects: BTreeSet::new(),
            replayed: Replayed::default(),
        };
        // The models under which entries were written are entries of their own.
        let mut wanted: BTreeSet<Text> = [Text::fixed("model"), id.to_string().into()].into();
        while !wanted.is_empty() {
            for subject in wanted {
                past.gather(self, subject).await?;
            }
            past.fold(self)?;
            wanted = past.leads_to();
        }
        Ok(past)
    }

    /// The entity that a record was linked to at a place of the journal.
    async fn linked_then(&self, record: &RecordRef, place: u64) -> Result<Option<EntityId>, Error> {
        let row = self.row(&link_key(record), "look for a link").await?;
        let now: Option<LinkRow> = row.map(|row| parse(Table::Link, &row)).transpose()?;
        if let Some(LinkRow { entity }) = now {
            let mut held = false;
            for (entry, payload) in self.entries_about(&entity.to_string(), place).await? {
                held = links(&entry, payload.as_ref(), record)?.unwrap_or(held);
            }
            if held {
                return Ok(Some(entity));
            }
        }
        // It moved since, or is linked no longer: whose it was is in nobody's history that is known. The journal knows.
        let (mut holder, mut after) = (None, 0);
        loop {
            let page = self.core.store.journal(&self.id, after, PAGE).await;
            let page = page.map_err(Error::store("read the journal"))?;
            if page.is_empty() {
                return Ok(holder);
            }
            for (entry, payload) in page {
                if entry.seq > place {
                    return Ok(holder);
                }
                after = entry.seq;
                let Ok(entity) = entry.subject.parse::<EntityId>() else { continue };
                match links(&entry, payload.as_ref(), record)? {
                    Some(true) => holder = Some(entity),
                    Some(false) if holder == Some(entity) => holder = None,
                    Some(false) | None => {}
                }
            }
        }
    }

    /// The entries about a subject, up to a place.
    pub(in crate::engine::tenant) async fn entries_about(
        &self,
        subject: &str,
        place: u64,
    ) -> Result<Vec<(Entry, Option<Payload>)>, Error> {
        let mut about: Vec<(Entry, Option<Payload>)> = Vec::new();
        loop {
            let after = about.last().map_or(0, |(entry, _)| entry.seq);
            let page = self.core.store.journal_about(&self.id, subject, after, PAGE).await;
            let page = page.map_err(Error::store("read the journal by subject"))?;
            let full = page.len() == PAGE;
            let before = about.len() + page.len();
            about.extend(page.into_iter().filter(|(entry, _)| entry.seq <= place));
            if !full || about.len() < before {
                return Ok(about);
            }
        }
    }
}

/// Whether an entry links a record (`true`) or unlinks it, if it says anything of it.
fn links(entry: &Entry, payload: Option<&Payload>, record: &RecordRef) -> Result<Option<bool>, Error> {
    if let Some(payload) = payload.filter(|_| [RESTATED, STATE_TOLD].contains(&&*entry.kind)) {
        return Ok(match read(entry, payload)? {
            Restated::Entity(stored) => Some(stored.records().any(|linked| linked == record)),
            _ => None,
        });
    }
    let Some(payload) = payload.filter(|_| *entry.kind == *"facts") else { return Ok(None) };
    let facts: Vec<StoredFact> = read(entry, payload)?;
    let said = facts.into_iter().filter_map(|fact| match fact {
        StoredFact::Linked { record: linked, .. } => (*linked == *record).then_some(true),
        StoredFact::Unlinked { record: unlinked } => (*unlinked == *record).then_some(false),
        _ => None,
    });
    Ok(said.last())
}

impl Past {
    async fn gather(&mut self, tenant: &Tenant, subject: Text) -> Result<(), Error> {
        let about = tenant.entries_about(&subject, self.place).await?;
        self.entries.extend(about.into_iter().map(|(entry, payload)| (entry.seq, (entry, payload))));
        self.subjects.insert(subject);
        Ok(())
    }

    /// Folds what was gathered so far, in the order of the journal.
    fn fold(&mut self, tenant: &Tenant) -> Result<(), Error> {
        let mut replay = Replay::new(&tenant.core, self.told_until).looking_back(tenant, self.entries.values())?;
        for (entry, payload) in self.entries.values() {
            replay.entry(entry, payload.as_ref())?;
        }
        self.replayed = replay.done;
        Ok(())
    }

    /// The entity that the id stands for, as far as it is gathered.
    fn standing(&self) -> EntityId {
        let (mut id, mut aliases) = (self.id, BTreeSet::new());
        while let Some(into) = self.replayed.entities.get(&id).and_then(|entity| entity.merged_into) {
            if !aliases.insert(id) {
                break;
            }
            id = into;
        }
        id
    }

    /// What has yet to be gathered: the entity that the id stands for, its records, and those that they were merged into.
    fn leads_to(&self) -> BTreeSet<Text> {
        let standing = self.standing();
        let mut leads: BTreeSet<Text> = [standing.to_string().into()].into();
        if let Some(entity) = self.replayed.entities.get(&standing) {
            leads.extend(entity.links.iter().map(|link| Text::from(link.record.to_string())));
        }
        for (record, representation) in &self.replayed.representations {
            if let Some((_, survivor)) = representation.latest_merge() {
                leads.insert(RecordRef { id: survivor.clone(), ..record.clone() }.to_string().into());
            }
        }
        leads.difference(&self.subjects).cloned().collect()
    }

    /// The entity with its records, as a step would have loaded them; `None`: there was none.
    pub(in crate::engine::tenant) async fn into_set(
        self,
        tenant: &Tenant,
    ) -> Result<Option<(WorkingSet, EntityIndex)>, Error> {
        let standing = self.standing();
        let Some(entity) = self.replayed.entities.get(&standing).cloned() else { return Ok(None) };
        let mut set = WorkingSet::new();
        let linked = entity.links.iter().map(|link| (*link.record).clone());
        let records: BTreeSet<RecordRef> = linked.chain(self.replayed.representations.keys().cloned()).collect();
        for record in records {
            let Some((of, object)) = tenant.core.place(&record) else { continue };
            let representation = self.replayed.representations.get(&record).cloned().unwrap_or_default();
            set.add_record(Arc::new(record), of, object, representation);
        }
        let index = set.add_entity(entity);
        set.resolve_merges();
        for target in reference_targets(&tenant.core, &set) {
            if let Some(entity) = tenant.linked_then(&target, self.place).await? {
                set.add_crosswalk(target, entity);
            }
        }
        Ok(Some((set, index)))
    }
}
