//! Receipts: what a system answered becomes bases, links and observations, in one commit with the end of the intent.

use std::sync::Arc;

use crate::base::{Base, Origin};
use crate::connector::{Item, Outcome, WriteReceipt};
use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::intake::{Input, sort};
use crate::engine::persist::{Changes, record_key};
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::engine::tenant::apply::{Applied, OutboxRow, outbox_key};
use crate::engine::tenant::read::hint;
use crate::engine::tenant::take_in::order;
use crate::entity::Evidence;
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::{EntityId, RecordRef, SurfaceName};
use crate::model::UnitKey;
use crate::observation::stored::StoredObservation;
use crate::observation::{Coverage, DeathEvidence, Observation, Said, Sighting};
use crate::plan::{Intent, Operation, Target};
use crate::settle::Touched;
use crate::stamp::Stamp;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::value::{Field, split};
use crate::working_set::{EntityIndex, Frame, RecordIndex};
use crate::write_access::{WriteAccess, write_access};

impl Tenant {
    /// Settles one write by its receipt.
    pub(super) async fn settle_receipt(
        &self,
        operations: &[Operation],
        receipt: WriteReceipt,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let first = &operations[0];
        match receipt.outcome.clone() {
            Outcome::Applied { id } => {
                let record = match (&first.target, &receipt.record) {
                    (Target::Record(record), _) => record.clone(),
                    (Target::New { connection, object, .. }, item) => {
                        let id = if id.is_empty() { self.id_in(first, item.as_ref()) } else { Some(id) };
                        let Some(id) = id else {
                            applied.unknown += operations.len();
                            return Ok(());
                        };
                        RecordRef { connection: connection.clone(), object: object.clone(), id }
                    }
                };
                let read_back = receipt.record.is_none() && !matches!(first.intent, Intent::Archive);
                self.confirm(operations, &record, receipt, read_back).await?;
                applied.done += operations.len();
            }
            Outcome::Stale => {
                self.end(operations, "stale", "the record was no longer as expected").await?;
                applied.superseded += operations.len();
            }
            Outcome::Deferred { .. } => {
                self.end(operations, "deferred", "the system put it off").await?;
                applied.deferred += operations.len();
            }
            Outcome::Refused { reason } => {
                self.refuse(operations, &reason).await?;
                let refused = operations.iter().map(|operation| (operation.clone(), reason.to_string()));
                applied.refused.extend(refused);
            }
            Outcome::Unknown => {
                let row = OutboxRow { operations: operations.to_vec(), at: self.now(), unknown: true };
                let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
                changes.put(outbox_key(first), &row);
                changes.journal("unknown", &first.entity.to_string(), &row);
                self.commit("keep a write of unknown outcome", changes.commit).await?;
                applied.unknown += operations.len();
            }
        }
        Ok(())
    }

    /// A probe of an update found the record: it is taken in as a read. If it holds what was sent, the write is confirmed.
    pub(super) async fn settle_probe(
        &self,
        intent: &OutboxRow,
        record: &RecordRef,
        item: Item,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let read = self.read_number().await?;
        self.take_items(&record.connection, std::slice::from_ref(&item), read).await?;
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(&[intent.operations[0].entity]).await?;
        loader.references().await?;
        if intent.operations.iter().all(|operation| self.holds(&loader, operation)) {
            let receipt =
                WriteReceipt { outcome: Outcome::Applied { id: record.id.clone() }, record: None, token: None };
            self.confirm(&intent.operations, record, receipt, false).await?;
            applied.done += intent.operations.len();
            return Ok(());
        }
        self.forget(intent, applied).await
    }

    /// The native id in a create's answer.
    fn id_in(&self, operation: &Operation, item: Option<&Item>) -> Option<Text> {
        let name = operation.target.connection();
        let (_, bound) = self.connection(name.as_str()).ok()?;
        let mut batch = Batch::new();
        sort(name, bound, &self.core.model, std::slice::from_ref(item?), 0, &mut batch).into_iter().find_map(|input| {
            match input {
                Input::Observed { observation, .. } => Some(observation.record.id),
                Input::Hint(record) => Some(record.id),
                _ => None,
            }
        })
    }

    /// The write took effect: the record is as we sent it, or as the write's own answer shows it.
    /// `read_back`: its answer did not carry the record; what that holds now is an ordinary read.
    async fn confirm(
        &self,
        operations: &[Operation],
        record: &RecordRef,
        receipt: WriteReceipt,
        read_back: bool,
    ) -> Result<(), Error> {
        let read = self.read_number().await?;
        let own_answer = self.own_answer(record, receipt.record.as_ref(), read)?;
        let mut key = Text::default();
        for _ in 0..MOST_ATTEMPTS {
            let as_of = self.now();
            let entity = operations[0].entity;
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(std::slice::from_ref(record)).await?;
            loader.entities(&[entity]).await?;
            let mut changes = Changes::new(&self.core, as_of, &Self::engine());
            let mut facts = Vec::new();
            let (Some(at), Some(of)) = (loader.loaded.set.find_record(record), loader.loaded.set.find_entity(entity))
            else {
                return self.end(operations, "unplaced", "the entity or the object type is gone").await;
            };
            let observation = match &own_answer {
                Some((observation, surface, body)) => (observation.clone(), surface.clone(), body.clone()),
                None => {
                    let sent = self.sent(&loader, at, operations, receipt.token, read);
                    (sent, SurfaceName::new("receipt"), bytes::Bytes::new())
                }
            };
            let identity = self.with_frame(|frame| {
                self.fold_receipt(frame, &mut loader, &mut changes, at, &observation);
                loader.loaded.set.identity_keys(frame, at)
            });
            loader.identities(&identity).await?;
            let linked = self.with_frame(|frame| {
                self.link_created(frame, &mut loader, of, at, as_of, &mut facts)
                    && self.move_bases(frame, &mut loader, of, at, operations, &mut facts)
            });
            if !linked {
                return self.claimed_elsewhere(operations, record, as_of).await;
            }
            for (row, waiting) in loader.waiting_for(record).await? {
                changes.delete(row);
                loader.loaded.set.touch(waiting, Touched::Everything);
            }
            loader.references().await?;
            self.with_frame(|frame| {
                loader.loaded.set.touch(of, Touched::Everything);
                loader.loaded.set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            changes.delete(outbox_key(&operations[0]));
            let keys: Vec<_> = operations.iter().map(|operation| operation.key).collect();
            changes.journal("received", &entity.to_string(), &(record, &keys, receipt.token));
            if read_back {
                hint(&mut changes, record);
            }
            if let Some((lost, _)) = changes.commit.expect.first() {
                key = lost.key.clone();
            }
            if self.commit("store a receipt", changes.commit).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key })
    }

    /// The observation in a write's own answer, if it carried the whole record.
    fn own_answer(
        &self,
        record: &RecordRef,
        item: Option<&Item>,
        read: u32,
    ) -> Result<Option<(Observation, SurfaceName, bytes::Bytes)>, Error> {
        let Some(item) = item else { return Ok(None) };
        let (name, bound) = self.connection(record.connection.as_str())?;
        let mut batch = Batch::new();
        let inputs = sort(&name, bound, &self.core.model, std::slice::from_ref(item), read, &mut batch);
        Ok(inputs.into_iter().find_map(|input| match input {
            Input::Observed { observation, surface, body } if observation.record == *record => {
                Some((observation, surface, body))
            }
            _ => None,
        }))
    }

    /// What we sent, as a partial observation: it moves the stamps of what it carries, and of nothing else.
    fn sent(
        &self,
        loader: &Loader<'_>,
        at: RecordIndex,
        operations: &[Operation],
        token: Option<i64>,
        read: u32,
    ) -> Observation {
        let state = loader.loaded.set.record(at);
        let model = self.core.model.entity(state.entity_type);
        let mut cells = Vec::new();
        let mut sighting = Sighting::Live { full: false };
        for operation in operations {
            let units: Vec<(&Text, &Field)> = match &operation.intent {
                Intent::Set(value) => vec![(&operation.unit, value)],
                Intent::Create(fields) => fields.iter().map(|(unit, value)| (unit, value)).collect(),
                Intent::Archive => {
                    sighting = Sighting::Dead(DeathEvidence::Archived);
                    Vec::new()
                }
            };
            for (name, value) in units {
                let Some(key) = model.unit_key(name) else { continue };
                cells.extend(self.cells_of(loader, state.object, model, &key, value, &state.record));
            }
        }
        cells.sort_by(|a, b| (a.slot, &a.element).cmp(&(b.slot, &b.element)));
        let token = token.unwrap_or_else(|| state.representation.last_token());
        Observation {
            record: (*state.record).clone(),
            stamp: Stamp { token, read },
            sighting,
            coverage: Coverage::Carried,
            cells,
            denied: Vec::new(),
        }
    }

    /// The cells that a unit's value fills on an object type. References are cells of native ids. A collection is left to
    /// the read-back: a partial observation of it would claim to be the whole.
    fn cells_of(
        &self,
        loader: &Loader<'_>,
        object: u16,
        model: &crate::model::CompiledEntity,
        key: &UnitKey,
        value: &Field,
        record: &RecordRef,
    ) -> Vec<Said> {
        let UnitKey::Whole(unit) = key else { return Vec::new() };
        let Some(compiled) = model.objects.get(usize::from(object)) else { return Vec::new() };
        let Some(slots) = compiled.unit_slots.get(usize::from(*unit)) else { return Vec::new() };
        if let Some(native_type) = crate::sight::reference_object(model, object, key) {
            let target = value.as_value().and_then(|id| id.parse::<EntityId>().ok());
            let native = target
                .and_then(|id| super::super::plans::native(&loader.loaded.set, id, &record.connection, native_type));
            let field = native.map_or(Field::Null, |native| Field::Value(native.id));
            return slots.iter().map(|slot| Said { slot: *slot, element: None, field: field.clone() }).collect();
        }
        let fields = if slots.len() > 1 { split(value, slots.len()).unwrap_or_default() } else { vec![value.clone()] };
        slots.iter().zip(fields).map(|(slot, field)| Said { slot: *slot, element: None, field }).collect()
    }

    fn fold_receipt(
        &self,
        frame: &Frame<'_>,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        at: RecordIndex,
        (observation, surface, body): &(Observation, SurfaceName, bytes::Bytes),
    ) {
        if loader.loaded.set.fold(frame, at, observation) {
            let state = loader.loaded.set.record(at);
            let names = self.core.slot_names(state.entity_type, state.object);
            let stored = StoredObservation::new(observation, surface, body, names);
            changes.journal("observed", &observation.record.to_string(), &stored);
        }
    }

    /// Links a record that we created. `false`: it belongs to another entity already.
    fn link_created(
        &self,
        _frame: &Frame<'_>,
        loader: &mut Loader<'_>,
        of: EntityIndex,
        at: RecordIndex,
        as_of: i64,
        facts: &mut Vec<EntityFact>,
    ) -> bool {
        let set = &mut loader.loaded.set;
        match set.record(at).entity {
            Some(linked) => linked == of,
            None => {
                set.link(of, at, order(as_of, 0), Evidence::Created, facts);
                true
            }
        }
    }

    /// Moves bases to what the system holds by its own answer, else to what we sent.
    fn move_bases(
        &self,
        frame: &Frame<'_>,
        loader: &mut Loader<'_>,
        of: EntityIndex,
        at: RecordIndex,
        operations: &[Operation],
        facts: &mut Vec<EntityFact>,
    ) -> bool {
        let record = Arc::clone(&loader.loaded.set.record(at).record);
        let model = self.core.model.entity(loader.loaded.set.entity(of).entity.entity);
        let hub = Arc::new(crate::hub::record(model.name.as_str(), loader.loaded.set.entity(of).entity.id));
        let as_of = self.now();
        let mut moved: Vec<(UnitKey, Base)> = Vec::new();
        for operation in operations {
            let units: Vec<(&Text, &Field, Option<&Field>)> = match &operation.intent {
                Intent::Set(value) => vec![(&operation.unit, value, Some(&operation.expect))],
                Intent::Create(fields) => fields.iter().map(|(unit, value)| (unit, value, None)).collect(),
                Intent::Archive => Vec::new(),
            };
            for (name, value, displaced) in units {
                let Some(key) = model.unit_key(name) else { continue };
                let set = &loader.loaded.set;
                let entity = &set.entity(of).entity;
                let link = entity.link_of(&record);
                if link.is_some_and(|link| write_access(model, entity, link, &key) == WriteAccess::ByDecision) {
                    // The owner was asked to follow a decision. That it did is a move of its own, which golden follows.
                    continue;
                }
                let held = set.with_ground(frame, of, as_of, |ground, entity, representations| {
                    let shown = crate::sight::shown(ground, entity, representations, &key);
                    let shown = shown.iter().find(|shown| entity.links[shown.link].record == record);
                    shown.and_then(|shown| shown.field().cloned())
                });
                let origin = set.entity(of).entity.golden.get(&key).and_then(|cell| cell.origin.clone());
                let origin = origin.unwrap_or_else(|| Origin { record: Arc::clone(&hub), stamp: Stamp::new(as_of) });
                moved.push((
                    key,
                    Base {
                        seen: held.unwrap_or_else(|| value.clone()),
                        agreed: value.clone(),
                        lost: false,
                        wrote: Some(origin),
                        displaced: displaced.cloned(),
                    },
                ));
            }
        }
        for (key, base) in moved {
            let base = Some(Arc::new(base));
            loader.loaded.set.record_fact(of, Fact::Rebased { record: Arc::clone(&record), unit: key, base }, facts);
        }
        if operations.iter().any(|operation| operation.intent == Intent::Archive) {
            let fact = Fact::Existed { record: Arc::clone(&record), existed: false };
            loader.loaded.set.record_fact(of, fact, facts);
        }
        if matches!(operations[0].intent, Intent::Create(_)) {
            self.accept_what_was_left_out(loader, of, &record, operations, facts);
        }
        true
    }

    /// What a create left out (a reference that led nowhere yet) is accepted as missing: it follows as a change.
    fn accept_what_was_left_out(
        &self,
        loader: &mut Loader<'_>,
        of: EntityIndex,
        record: &Arc<RecordRef>,
        operations: &[Operation],
        facts: &mut Vec<EntityFact>,
    ) {
        let Intent::Create(sent) = &operations[0].intent else { return };
        let entity = &loader.loaded.set.entity(of).entity;
        let model = self.core.model.entity(entity.entity);
        let left_out: Vec<UnitKey> = entity
            .golden
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !sent.iter().any(|(name, _)| *name == model.unit_name(key)))
            .collect();
        for unit in left_out {
            let base = Some(Arc::new(Base::accepted(Field::Null, Field::Null)));
            loader.loaded.set.record_fact(of, Fact::Rebased { record: Arc::clone(record), unit, base }, facts);
        }
    }

    /// The created record turned out to belong to another entity: a case, and no second entity.
    async fn claimed_elsewhere(&self, operations: &[Operation], record: &RecordRef, as_of: i64) -> Result<(), Error> {
        let mut changes = Changes::new(&self.core, as_of, &Self::engine());
        changes.put(
            RowKey::new(Table::Case, format!("created/{}", record_key(record))),
            &(record, operations[0].entity, "the record that a create answered with belongs to another entity"),
        );
        changes.delete(outbox_key(&operations[0]));
        changes.journal("claimed_elsewhere", &record.to_string(), &operations[0].key);
        self.commit("open a case", changes.commit).await?;
        Ok(())
    }

    /// Ends an intent without effect; the approvals stand.
    async fn end(&self, operations: &[Operation], kind: &'static str, why: &str) -> Result<(), Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.delete(outbox_key(&operations[0]));
        let keys: Vec<_> = operations.iter().map(|operation| operation.key).collect();
        changes.journal(kind, &operations[0].entity.to_string(), &(keys, why));
        if let Target::Record(record) = &operations[0].target {
            hint(&mut changes, record);
        }
        self.commit("end an intent", changes.commit).await?;
        Ok(())
    }

    /// The system refuses: the approvals are spent, and the operations stand among the dead letters.
    async fn refuse(&self, operations: &[Operation], reason: &Text) -> Result<(), Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        let mut commit_deletes: Vec<RowKey> = vec![outbox_key(&operations[0])];
        for operation in operations {
            commit_deletes.push(RowKey::new(Table::Approval, operation.key.to_string()));
            changes.put(RowKey::new(Table::Case, format!("refused/{}", operation.key)), &(operation, reason));
        }
        for key in commit_deletes {
            changes.delete(key);
        }
        let keys: Vec<_> = operations.iter().map(|operation| operation.key).collect();
        changes.journal("refused", &operations[0].entity.to_string(), &(keys, reason));
        self.commit("store a refusal", changes.commit).await?;
        Ok(())
    }
}
