//! Erasure: nothing of a person is left, and nothing brings them back unnoticed (`docs/decisions/0023-erasure.md`).
//!
//! It begins with one commit: the rows of the entities and records go, the journal says so, and hashes keep the person away.
//! What is left to do is noted in the same commit, and finished at once or by the next step: what other tables hold, and last
//! the payloads of the journal.

mod afterwards;
mod finish;
mod lineage;
mod retell;
mod silent;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::Origin;
use crate::discrepancy::Discrepancy;
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::identity_index::Holders;
use crate::engine::match_queue::queue_key;
use crate::engine::outdated::outdated_key;
use crate::engine::persist::{
    Changes, entity_key, identity_row, link_key, record_key, record_of_key, representation_key,
};
use crate::engine::suppression::{
    ErasedRow, Pending, Suppressed, Suppression, erased_key, suppressed_key, suppression_key,
};
use crate::engine::tenant::apply::outbox::OutboxRow;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::footing::Lease;
use crate::engine::tenant::model::clearing_where;
use crate::engine::{case_index, due_index};
use crate::entity::{Entity, HUB_OBJECT};
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId, RecordRef};
use crate::model::UnitKey;
use crate::plan::Target;
use crate::representation::stored::StoredRepresentation;
use crate::role::Role;
use crate::settle::Touched;
use crate::store::{Row, RowKey, Table};
use crate::value::split_member;
use crate::working_set::{EntityIndex, IdentityKey, RecordIndex, identity_key, identity_values};
use lineage::Lineage;

pub(crate) use retell::{DESK_RESTATED, RESTATED, Restated};

/// The journal's kind for an erasure.
pub(crate) const ERASED: &str = "erased";

/// What an erasure came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// The entity, and those that had been merged into it.
    pub entities: BTreeSet<EntityId>,
    /// The records of which nothing is kept.
    pub records: BTreeSet<RecordRef>,
    /// Records that were theirs once and are another's, or are said not to be theirs: what they say now stays, and what the
    /// journal tells of the time when they were theirs is gone.
    pub elsewhere: BTreeSet<RecordRef>,
    /// Entities of others that one of these records was linked to once: what they had settled on from it was settled anew from
    /// what their own records say.
    pub touched: BTreeSet<EntityId>,
    /// How many entries of the journal lost their payload.
    pub payloads: u64,
    /// Whether it had been erased before: then nothing else was done but to finish that.
    pub already: bool,
}

/// The payload of [`ERASED`]: ids, and hashes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErasureTold {
    pub(crate) entities: BTreeSet<EntityId>,
    pub(crate) records: BTreeSet<RecordRef>,
    /// Of records that their system merged, where to: ids, by which others are resolved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) merged: Vec<(RecordRef, Box<StoredRepresentation>)>,
    pub(crate) suppressed: BTreeSet<Digest>,
    pub(crate) reason: String,
}

/// What the entry of an erasure is about: nothing that is ever erased.
fn subject_of(id: EntityId) -> String {
    format!("erasure/{id}")
}

/// What is held on a person, loaded: what an erasure takes.
pub(super) struct Concerned {
    /// The entity, those that were merged into it, and those of which nothing else is left.
    pub(super) entities: BTreeSet<EntityId>,
    /// Their records, those that were theirs once and are nobody's now included.
    pub(super) records: BTreeSet<RecordRef>,
    /// Records that were theirs once and are another's now, and up to where the journal tells of them what it told of the
    /// person.
    pub(super) elsewhere: Vec<(RecordRef, u64)>,
    /// Records of nobody that hold a value of theirs which somebody else holds too.
    shared: BTreeSet<RecordRef>,
}

/// Who an entity is, as the journal tells it: what is theirs, and whom that touches.
pub(super) struct Whose {
    pub(super) concerned: Concerned,
    lineage: Lineage,
    /// Entities of others that held one of their records once.
    touched: Vec<EntityId>,
}

impl Tenant {
    /// Erases a person: their entity with all that was merged into it, its records, and whatever else is kept of them: cases
    /// and notes, decisions, dead letters, plans and approvals, hints, rows of indexes, and the payloads of the journal, whose
    /// chain holds as before. Ids stay: those of entities and records are what the chain is about.
    ///
    /// Their records and identity values are remembered as keyed hashes. What systems say of them from then on is counted
    /// ([`TakenIn::suppressed`](crate::engine::TakenIn::suppressed)), once told in the journal, and not kept, until
    /// [`Tenant::lift_suppression`]. An identity value that somebody else holds too is no mark of the person.
    ///
    /// A record that belonged to them once and belongs to another now stays as it is; what the journal told of it until then
    /// goes. Interrupted, it is finished by the next [`Tenant::step`], or by the next call. Repeated, it does nothing.
    ///
    /// `reason` is kept in the journal: a reference to the request, and no name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`]; [`Error::WriteUnderWay`] while a write of theirs has no receipt, or one of an entity that one of
    /// their records belonged to: nothing has changed then. A write of theirs that nobody could look up for a day is waited for no
    /// longer, and forgotten; or a store that failed.
    pub async fn erase(&self, id: EntityId, by: &Actor, reason: &str) -> Result<Erased, Error> {
        self.require_role(by, Role::Admin, "erase persons").await?;
        self.refuse_cards("reason", [reason])?;
        self.require_model().await?;
        let mut attempts = Attempts::default();
        loop {
            let (revision, suppression) = self.suppression().await?;
            if let Some(row) = self.erased(id).await? {
                let payloads = self.finish_erasures().await?;
                let entities = BTreeSet::from([row.of]);
                return Ok(Erased { entities, payloads, already: true, ..Erased::default() });
            }
            let mut loader = Loader::new(&self.core, &self.id);
            let standing = loader.standing(id).await?;
            let Some(standing) = standing else {
                return Err(Error::UnknownEntity { expected: "entity".into(), id });
            };
            let of = loader.loaded.set.entity(standing).entity.id;
            let mut erased = Erased::default();
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((suppression_key(), revision));
            self.begin(&mut loader, &mut changes, (of, reason), &suppression, &mut erased).await?;
            if attempts.commit(self, "begin an erasure", changes.commit).await? {
                erased.payloads = self.finish_erasures().await?;
                return Ok(erased);
            }
        }
    }

    /// What is held on whoever an entity is that is no alias, and whom that touches.
    pub(super) async fn held_on(&self, loader: &mut Loader<'_>, of: EntityId) -> Result<Whose, Error> {
        let mut lineage = Lineage::of(of);
        loop {
            self.trace(&mut lineage).await?;
            let concerned = self.concerned(loader, &lineage).await?;
            let former = self.former_entities(&concerned.records, &lineage.entities).await?;
            loader.entities(&former.iter().copied().collect::<Vec<_>>()).await?;
            // One that has no record left is what is left of them, and so is an alias of theirs of whose merge no row stands.
            let is_theirs = |id: &EntityId| is_left_over(loader, *id) || is_alias_of(loader, *id, &lineage.entities);
            let (left, touched): (Vec<EntityId>, Vec<EntityId>) = former.into_iter().partition(is_theirs);
            if left.is_empty() {
                return Ok(Whose { concerned, lineage, touched });
            }
            lineage.entities.extend(left);
        }
    }

    /// The identity values that nobody but them holds: what they are known by.
    pub(super) async fn own_values(
        &self,
        loader: &mut Loader<'_>,
        concerned: &Concerned,
    ) -> Result<Vec<IdentityKey>, Error> {
        let mut own = self.identities(loader, &concerned.records);
        // Of records of which nothing is kept any more, the entity has what became golden.
        let golden = self.golden_identities(loader, &concerned.entities);
        own.extend(golden.iter().cloned());
        loader.identities(&golden).await?;
        // A value that only their deleted records had is in no row.
        own.retain(|key| {
            let row = loader.loaded.identity_rows.get(key);
            row.is_none_or(|row| {
                let mut left = row.clone();
                concerned.records.iter().for_each(|record| left.place(&record_key(record), None));
                left.is_empty()
            })
        });
        Ok(own.into_iter().collect())
    }

    /// The row of an id that was erased.
    pub(super) async fn erased(&self, id: EntityId) -> Result<Option<ErasedRow>, Error> {
        let rows = self.core.store.load(&self.id, &[erased_key(id)]).await;
        let row = rows.map_err(Error::store("look for an erasure"))?.into_iter().next().flatten();
        row.as_ref().map(|row| parse(Table::Meta, row)).transpose()
    }

    async fn begin(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        (of, reason): (EntityId, &str),
        suppression: &Suppression,
        erased: &mut Erased,
    ) -> Result<(), Error> {
        let Whose { concerned, lineage, touched } = self.held_on(loader, of).await?;
        let given_up = self.require_no_write(loader, &concerned, &touched).await?;
        let at = changes.as_of();
        let mut suppression = suppression.clone();
        if suppression.secret.is_empty() {
            let mut random = [0; 32];
            self.core.entropy.fill(&mut random);
            suppression.secret = Digest(random).to_string();
        }
        let mut marks: BTreeSet<Digest> = concerned
            .records
            .iter()
            .filter(|record| record.connection.as_str() != crate::hub::SYSTEM)
            .map(|record| suppression.of_record(record))
            .collect();
        for identity in self.own_values(loader, &concerned).await? {
            marks.insert(suppression.of_identity(&identity));
            marks.extend(suppression.of_word(&identity.value));
        }
        for (key, left) in self.left_of_values(loader, &concerned) {
            if left.is_empty() {
                changes.delete(identity_row(&key));
            } else {
                changes.put(identity_row(&key), &left);
            }
        }
        for (row, lease) in given_up {
            lease.iter().for_each(|lease| lease.end(&mut changes.commit));
            finish::delete(changes, Table::Outbox, row);
        }
        let mut discrepancies = BTreeSet::new();
        for index in indexes(loader, &concerned.entities) {
            let entity = &loader.loaded.set.entity(index).entity;
            discrepancies.extend(entity.discrepancies.values().map(|standing| standing.id));
            let mut filed = case_index::keys_of(&self.core, entity);
            filed.append(&mut due_index::keys_of(entity));
            filed.into_iter().for_each(|key| changes.delete(RowKey::new(Table::Index, key)));
        }
        discrepancies.iter().for_each(|id| changes.delete(RowKey::new(Table::Discrepancy, id.text())));
        let mut merged = Vec::new();
        for record in &concerned.records {
            merged.extend(self.drop_record(loader, changes, record));
        }
        for id in &concerned.entities {
            changes.delete(entity_key(*id));
            changes.delete(outdated_key(*id));
            changes.put(erased_key(*id), &ErasedRow { of, at, by: changes.actor().clone() });
        }
        for mark in &marks {
            changes.put(suppressed_key(*mark), &Suppressed { of, at, heard: None });
        }
        let Concerned { entities, records, elsewhere, shared } = concerned;
        erased.elsewhere = elsewhere.iter().map(|(record, _)| record.clone()).collect();
        (erased.entities, erased.records) = (entities.clone(), records.clone());
        let told = ErasureTold {
            entities: entities.clone(),
            records: records.clone(),
            merged,
            suppressed: marks,
            reason: reason.to_owned(),
        };
        changes.journal(ERASED, &subject_of(of), &told);
        let facts = self.hear_anew(loader, at, &touched, &records).await?;
        self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &facts))?;
        erased.touched = touched.iter().copied().collect();
        let mut parted = lineage.parted();
        parted.extend(touched.into_iter().map(|id| (id, u64::MAX)));
        let parted = parted.into_iter().collect();
        suppression.pending.insert(of, Pending { entities, records, discrepancies, elsewhere, parted, shared });
        changes.put(suppression_key(), &suppression);
        Ok(())
    }

    /// Clears what entities of others settled on from records that go, and settles those units from what is left.
    async fn hear_anew(
        &self,
        loader: &mut Loader<'_>,
        as_of: i64,
        touched: &[EntityId],
        records: &BTreeSet<RecordRef>,
    ) -> Result<Vec<EntityFact>, Error> {
        let mut facts = Vec::new();
        if touched.is_empty() {
            return Ok(facts);
        }
        loader.references().await?;
        self.with_frame(|frame| {
            for id in touched {
                let Some(index) = loader.loaded.set.find_entity(*id) else { continue };
                let entity = &loader.loaded.set.entity(index).entity;
                // What was once said in a disagreement is of no use to the others, and may be theirs.
                let disputes = entity.discrepancies.values().filter(|standing| !standing.said.is_empty());
                let disputes: Vec<Fact> = disputes
                    .map(|standing| Discrepancy { said: Vec::new(), ..(**standing).clone() })
                    .map(|standing| Fact::Disputed { discrepancy: Arc::new(standing) })
                    .collect();
                for fact in clearing_where(entity, |unit| rests_on(entity, unit, records)).into_iter().chain(disputes) {
                    loader.loaded.set.record_fact(index, fact, &mut facts);
                }
                loader.loaded.set.touch(index, Touched::Everything);
            }
            loader.loaded.set.settle(frame, as_of, &mut facts);
        });
        Ok(facts)
    }

    /// Deletes the rows of a record. Where its system merged it, that is kept, and given.
    fn drop_record(
        &self,
        loader: &Loader<'_>,
        changes: &mut Changes<'_>,
        record: &RecordRef,
    ) -> Option<(RecordRef, Box<StoredRepresentation>)> {
        if let Some((entity, _)) = self.core.place(record) {
            changes.delete(queue_key(&self.core.model.entity(entity).name, record));
        }
        changes.delete(link_key(record));
        let merged = self.merges_alone(loader, record);
        match &merged {
            Some(stored) => changes.put(representation_key(record), stored),
            None => changes.delete(representation_key(record)),
        }
        Some((record.clone(), Box::new(merged?)))
    }

    fn merges_alone(&self, loader: &Loader<'_>, record: &RecordRef) -> Option<StoredRepresentation> {
        let state = loader.loaded.set.record(loader.loaded.set.find_record(record)?);
        let names = self.core.slot_names(state.entity_type, state.object);
        Some(state.representation.merges_alone()?.to_stored(names))
    }

    /// Loads the entities and all records that were ever theirs, and tells those that are to go from those that belong
    /// elsewhere now.
    async fn concerned(&self, loader: &mut Loader<'_>, lineage: &Lineage) -> Result<Concerned, Error> {
        let ids: Vec<EntityId> = lineage.entities.iter().copied().collect();
        loader.entities(&ids).await?;
        let mut linked: BTreeSet<RecordRef> = BTreeSet::new();
        let mut apart: BTreeSet<RecordRef> = BTreeSet::new();
        for index in indexes(loader, &lineage.entities) {
            let entity = &loader.loaded.set.entity(index).entity;
            linked.extend(entity.links.iter().map(|link| (*link.record).clone()));
            apart.extend(entity.held_apart.keys().map(|record| (**record).clone()));
        }
        let mut ever = lineage.ever();
        ever.retain(|record, _| !linked.contains(record));
        loader.records(&ever.keys().cloned().collect::<Vec<_>>()).await?;
        let mut concerned = Concerned {
            entities: lineage.entities.clone(),
            records: linked,
            elsewhere: Vec::new(),
            shared: BTreeSet::new(),
        };
        for (record, left) in ever {
            match loader.loaded.set.entity_of(&record) {
                Some(entity) if !lineage.entities.contains(&entity) => concerned.elsewhere.push((record, left)),
                None if apart.contains(&record) => concerned.elsewhere.push((record, left)),
                _ => drop(concerned.records.insert(record)),
            }
        }
        // Records that wait in vain for whom they name go with them; and what those name in turn. One that may be somebody
        // else's as well does not: who holds a value too may be whom it waits for.
        loop {
            let records: Vec<RecordIndex> =
                concerned.records.iter().filter_map(|record| loader.loaded.set.find_record(record)).collect();
            loader.identities_of(&records).await?;
            let (mut theirs, mut shared) = (BTreeSet::new(), BTreeSet::new());
            let mut values = self.identities(loader, &concerned.records);
            values.retain(|key| {
                let Some(row) = loader.loaded.identity_rows.get(key) else { return true };
                let waiting = row.waiting.iter().filter_map(|key| record_of_key(key));
                let alone = row.holders.values().all(|holder| concerned.entities.contains(holder));
                if alone {
                    theirs.extend(waiting);
                } else {
                    shared.extend(waiting);
                }
                alone
            });
            // One that is gone waits for nobody.
            theirs.append(&mut self.silent_records(&values).await?);
            let known = |record: &RecordRef| apart.contains(record) || concerned.records.contains(record);
            theirs.retain(|record| !known(record));
            shared.retain(|record| !known(record));
            loader.records(&theirs.iter().cloned().collect::<Vec<_>>()).await?;
            theirs.retain(|record| loader.loaded.set.entity_of(record).is_none());
            if theirs.is_empty() {
                return Ok(Concerned { shared, ..concerned });
            }
            concerned.records.append(&mut theirs);
        }
    }

    /// The identity values that records hold, or would if they spoke.
    fn identities(&self, loader: &Loader<'_>, records: &BTreeSet<RecordRef>) -> BTreeSet<IdentityKey> {
        let found = records.iter().filter_map(|record| loader.loaded.set.find_record(record));
        let states = found.map(|index| loader.loaded.set.record(index)).filter(|state| state.object != HUB_OBJECT);
        states
            .flat_map(|state| {
                identity_values(self.core.model.entity(state.entity_type), state.object, &state.representation)
            })
            .collect()
    }

    /// The identity values that are golden of entities, or were where nothing is now.
    fn golden_identities(&self, loader: &Loader<'_>, entities: &BTreeSet<EntityId>) -> Vec<IdentityKey> {
        let mut keys = BTreeSet::new();
        for index in indexes(loader, entities) {
            let entity = &loader.loaded.set.entity(index).entity;
            let model = self.core.model.entity(entity.entity);
            for (key, cell) in entity.golden.iter() {
                let Some(unit) = key.index().and_then(|unit| model.units.get(usize::from(unit))) else { continue };
                for (place, attribute) in (0u16..).zip(&unit.members) {
                    if !model.attributes.get(usize::from(*attribute)).is_some_and(|attribute| attribute.identity) {
                        continue;
                    }
                    let fields = [Some(&cell.field), cell.last.as_ref()].into_iter().flatten();
                    let members = fields.filter_map(|field| split_member(field, unit.members.len(), place));
                    keys.extend(members.filter_map(|field| Some(identity_key(model, *attribute, field.as_value()?))));
                }
            }
        }
        keys.into_iter().collect()
    }

    /// Who else holds or waits for the identity values of what is theirs: the rows that change, without their records.
    fn left_of_values(&self, loader: &Loader<'_>, concerned: &Concerned) -> Vec<(IdentityKey, Holders)> {
        let without = |key: IdentityKey| {
            let stored = loader.loaded.identity_rows.get(&key)?;
            let mut row = stored.clone();
            concerned.records.iter().for_each(|record| row.place(&record_key(record), None));
            (row != *stored).then_some((key, row))
        };
        self.identities(loader, &concerned.records).into_iter().filter_map(without).collect()
    }

    /// Refuses while a write of theirs has no receipt, or one of an entity that may have a value from them: it may be in its
    /// system, and its answer would bring it back. Gives the writes of theirs that nobody waits for any more: they go too, whoever has
    /// them in hand.
    async fn require_no_write(
        &self,
        loader: &mut Loader<'_>,
        concerned: &Concerned,
        touched: &[EntityId],
    ) -> Result<Vec<(Row, Option<Lease>)>, Error> {
        let writing: BTreeSet<EntityId> = concerned.entities.iter().chain(touched).copied().collect();
        let places = indexes(loader, &writing).into_iter().flat_map(|index| {
            let entity = &loader.loaded.set.entity(index).entity;
            self.places_of_writes(entity).into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        });
        // From here on nobody begins one unnoticed.
        let places: Vec<RowKey> = places.collect();
        loader.rows(&places).await?;
        let mut given_up = Vec::new();
        for row in self.all_rows(Table::Outbox, "", "list writes under way").await? {
            let intent: OutboxRow = parse(Table::Outbox, &row)?;
            let under_way = intent.operations.iter().find_map(|operation| {
                let place = match &operation.target {
                    Target::Record(record) if concerned.records.contains(record) => record.to_string(),
                    _ if !writing.contains(&operation.entity) => return None,
                    Target::Record(record) => record.to_string(),
                    Target::New { connection, object, .. } => format!("{connection}/{object}"),
                };
                Some((operation.entity, place))
            });
            let Some((entity, place)) = under_way else { continue };
            let theirs = intent.operations.iter().all(|operation| concerned.entities.contains(&operation.entity));
            if !theirs || !intent.is_given_up(self.now()) {
                return Err(Error::WriteUnderWay { entity, place: place.into() });
            }
            given_up.push((row, intent.lease));
        }
        Ok(given_up)
    }
}

/// Whether an entity stands for itself and has no record.
fn is_left_over(loader: &Loader<'_>, id: EntityId) -> bool {
    let index = loader.loaded.set.find_entity(id);
    let entity = index.map(|index| &loader.loaded.set.entity(index).entity);
    entity.is_some_and(|entity| entity.links.is_empty() && entity.merged_into.is_none())
}

/// Whether an entity was merged into one of these.
fn is_alias_of(loader: &Loader<'_>, id: EntityId, entities: &BTreeSet<EntityId>) -> bool {
    let index = loader.loaded.set.find_entity(id);
    let into = index.and_then(|index| loader.loaded.set.entity(index).entity.merged_into);
    into.is_some_and(|into| entities.contains(&into))
}

/// Whether what an entity settled on, or remembers to have written, was ever said by one of these records.
fn rests_on(entity: &Entity, unit: &UnitKey, records: &BTreeSet<RecordRef>) -> bool {
    let is_theirs = |origin: Option<&Origin>| origin.is_some_and(|origin| records.contains(&*origin.record));
    let golden = entity.golden.get(unit).is_some_and(|cell| {
        is_theirs(cell.origin.as_ref())
            || cell.last.is_some()
            || cell.resolution.candidates.iter().any(|voice| is_theirs(Some(&voice.origin)))
    });
    golden
        || entity
            .links
            .iter()
            .filter_map(|link| link.bases.get(unit))
            .any(|base| is_theirs(base.marks.wrote.as_deref()))
}

fn indexes(loader: &Loader<'_>, entities: &BTreeSet<EntityId>) -> Vec<EntityIndex> {
    entities.iter().filter_map(|id| loader.loaded.set.find_entity(*id)).collect()
}

/// Places of the journal, by what they are of.
type Places<K> = BTreeMap<K, u64>;
