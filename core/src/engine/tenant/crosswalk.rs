//! The crosswalk that people assert: which entity a record belongs to, and which it does not.

use std::sync::Arc;

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, case_of};
use crate::engine::hydrate::Loader;
use crate::engine::persist::Changes;
use crate::engine::tenant::apply::write_row;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::matching::only_record;
use crate::entity::{Entity, Evidence, HUB_OBJECT, HeldApart};
use crate::error::{Error, Known};
use crate::fact::Fact;
use crate::id::{Actor, EntityId, ObjectType, RecordRef};
use crate::role::Role;
use crate::text::Text;
use crate::working_set::{EntityIndex, RecordState};

impl Tenant {
    /// Asserts that a record belongs to an entity: a crosswalk that the client already has, or an operator's match.
    ///
    /// It holds whatever keys say, and undoes [`Tenant::unlink`]. A record that belongs to another entity moves; its bases start anew. Records that wait for one of its identity
    /// values are tried again, and references to it are resolved.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`], [`Error::UnknownConnection`], [`Error::UnknownObject`], [`Error::HubRecord`];
    /// [`Error::RecordOfOtherType`] if records of that object type are no such entities; [`Error::WriteUnderWay`] while a write of the record has no receipt; or a store that failed.
    pub async fn link(&self, id: EntityId, record: &RecordRef, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "link records").await?;
        self.require_place(record)?;
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(std::slice::from_ref(record)).await?;
            let to = self.decided_on(&mut loader, id, None).await?;
            loader.merges().await?;
            let Some(at) = loader.loaded.set.find_record(record) else { return Ok(()) };
            let set = &mut loader.loaded.set;
            self.require_linkable(&set.entity(to).entity, set.record(at))?;
            let from = set.record(at).entity;
            if from == Some(to) {
                // It is where it belongs: whoever asked that has the answer.
                for kind in [CaseKind::Unmerged, CaseKind::MergedInSystem] {
                    self.close_case(&case_of(kind, record).key, by, "it belongs where it is").await?;
                }
                return Ok(());
            }
            let write = loader.rows(&[write_row(record)]).await?;
            if write.into_iter().flatten().next().is_some() {
                // Its receipt is of the entity that it belongs to now.
                return Err(Error::WriteUnderWay { entity: id, place: record.to_string().into() });
            }
            let mut links = Links::default();
            let set = &mut loader.loaded.set;
            if let Some(from) = from {
                let record = Arc::clone(&set.record(at).record);
                set.record_fact(from, Fact::Unlinked { record }, &mut links.facts);
            }
            let mut changes = Changes::new(&self.core, as_of, by);
            if let Some(other) = only_record(&set.entity(to).entity) {
                self.note_example(&mut changes, (other, record), true);
            }
            links.link(&mut loader, to, at, as_of, Evidence::Asserted { by: by.clone() });
            // A person says where it belongs: that is no case any more.
            changes.delete(case_of(CaseKind::MergedInSystem, record));
            self.follow_links(&mut loader, &mut changes, &mut links).await?;
            self.with_frame(|frame| {
                loader.loaded.set.settle(frame, as_of, &mut links.facts);
                changes.add_set(frame, &loader.loaded, &links.facts)
            })?;
            if attempts.commit(self, "store a link", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Says that a record is not an entity: it is unlinked, and no key links it there again until a person does, by
    /// [`Tenant::link`] or [`Tenant::merge`]. What it said is kept.
    ///
    /// A record whose values lead to another entity is that one's from now on; one whose values lead back only to where it
    /// was unlinked is nobody's, and a case. Nothing is created in its place, and golden stays: what it had from the record
    /// is heard as ever when somebody says something new. Said twice, nothing changes.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`], [`Error::UnknownConnection`], [`Error::UnknownObject`], [`Error::HubRecord`];
    /// [`Error::NotLinked`] if the record belongs elsewhere, or nowhere; [`Error::WriteUnderWay`] while a write of the record
    /// has no receipt; or a store that failed.
    pub async fn unlink(&self, id: EntityId, record: &RecordRef, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "unlink records").await?;
        self.refuse_cards("reason", [reason])?;
        self.require_place(record)?;
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(std::slice::from_ref(record)).await?;
            let from = self.decided_on(&mut loader, id, None).await?;
            loader.merges().await?;
            let entity = &loader.loaded.set.entity(from).entity;
            if entity.link_of(record).is_none() || loader.loaded.set.find_record(record).is_none() {
                return match entity.held_apart.contains_key(record) {
                    true => Ok(()),
                    false => Err(Error::NotLinked { entity: entity.id, record: Box::new(record.clone()) }),
                };
            }
            let mut changes = Changes::new(&self.core, self.now(), by);
            let mut others = entity.links.iter().filter(|link| link.object != HUB_OBJECT && *link.record != *record);
            if let (Some(other), None) = (others.next(), others.next()) {
                self.note_example(&mut changes, (&other.record, record), false);
            }
            if attempts.won(self.unlink_loaded(&mut loader, changes, (from, record), reason).await?)? {
                return Ok(());
            }
        }
    }

    /// Unlinks a loaded record from its entity for good, and commits that with what the changes hold. A row: the race for it was lost.
    pub(super) async fn unlink_loaded(
        &self,
        loader: &mut Loader<'_>,
        mut changes: Changes<'_>,
        (from, record): (EntityIndex, &RecordRef),
        reason: &str,
    ) -> Result<Option<Text>, Error> {
        let (as_of, by) = (changes.as_of(), changes.actor().clone());
        let entity = &loader.loaded.set.entity(from).entity;
        let link = entity.link_of(record).map(|place| &entity.links[place]);
        let (Some(link), Some(at)) = (link, loader.loaded.set.find_record(record)) else { return Ok(None) };
        let (id, record) = (entity.id, Arc::clone(&link.record));
        let object = self.core.model.entity(entity.entity).objects.get(usize::from(link.object));
        let Some(object) = object.map(|object| object.declared.key.clone()) else { return Ok(None) };
        let write = loader.rows(&[write_row(&record)]).await?;
        if write.into_iter().flatten().next().is_some() {
            // Its receipt is of the entity that it belongs to now.
            return Err(Error::WriteUnderWay { entity: id, place: record.to_string().into() });
        }
        let mut links = Links::default();
        links.taken_off.insert((*record).clone());
        let held = HeldApart { object, by, at: as_of, reason: reason.to_owned() };
        let held = Fact::HeldApart { record: Arc::clone(&record), held: Some(Box::new(held)) };
        for fact in [Fact::Unlinked { record }, held] {
            loader.loaded.set.record_fact(from, fact, &mut links.facts);
        }
        loader.identities_of(&[at]).await?;
        self.join(loader, &[at], as_of, &mut links).await?;
        self.follow_links(loader, &mut changes, &mut links).await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut links.facts);
            changes.add_set(frame, &loader.loaded, &links.facts)
        })?;
        self.commit_or_lost("store that a record is unlinked", changes.commit).await
    }

    /// Refuses records that the model does not know, and the hub's own.
    fn require_place(&self, record: &RecordRef) -> Result<(), Error> {
        match self.core.place(record) {
            Some((_, HUB_OBJECT)) => return Err(Error::HubRecord(Box::new(record.clone()))),
            Some(_) => return Ok(()),
            None => {}
        }
        let (connection, bound) = self.connection(record.connection.as_str())?;
        let known = Known::beside(record.object.as_str(), bound.objects.keys().map(ObjectType::as_str));
        Err(Error::UnknownObject { connection, object: record.object.clone(), known })
    }

    fn require_linkable(&self, entity: &Entity, record: &RecordState) -> Result<(), Error> {
        if entity.entity == record.entity_type {
            return Ok(());
        }
        Err(Error::RecordOfOtherType {
            record: Box::new((*record.record).clone()),
            record_type: self.core.model.entity(record.entity_type).name.clone(),
            entity: entity.id,
            entity_type: self.core.model.entity(entity.entity).name.clone(),
        })
    }
}
