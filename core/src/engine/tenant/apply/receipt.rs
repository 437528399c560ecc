//! Receipts: what a system answered becomes bases, links and observations, in one commit with the end of the intent.

use serde::Serialize;

use crate::connector::{Item, Outcome, WriteReceipt};
use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, case_key, case_of};
use crate::engine::hydrate::Loader;
use crate::engine::intake::{Input, sort};
use crate::engine::persist::Changes;
use crate::engine::tenant::apply::Applied;
use crate::engine::tenant::apply::bases::{Answer, Source};
use crate::engine::tenant::apply::outbox::{OutboxRow, outbox_key};
use crate::engine::tenant::approval::spend;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::work::hint;
use crate::entity::Evidence;
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::{EntityId, RecordRef, SurfaceName};
use crate::model::UnitKey;
use crate::observation::stored::StoredObservation;
use crate::observation::{Coverage, DeathEvidence, Observation, Said, Sighting};
use crate::plan::{Intent, Operation, Target};
use crate::settle::Touched;
use crate::spelling::form;
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::{Field, split};
use crate::working_set::{EntityIndex, Frame, RecordIndex};

impl Tenant {
    /// Settles one write by its receipt.
    pub(super) async fn settle_receipt(
        &self,
        intent: &OutboxRow,
        receipt: WriteReceipt,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        self.settle_by(intent, receipt, Source::Answer, applied).await
    }

    /// Settles one write that a probe found to have happened.
    pub(super) async fn settle_found(
        &self,
        intent: &OutboxRow,
        receipt: WriteReceipt,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        self.settle_by(intent, receipt, Source::Probe, applied).await
    }

    async fn settle_by(
        &self,
        intent: &OutboxRow,
        receipt: WriteReceipt,
        source: Source,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let operations = &intent.operations;
        let first = &operations[0];
        let done = || match &first.target {
            Target::Record(record) => Outcome::Applied { id: record.id.clone() },
            Target::New { .. } => receipt.outcome.clone(),
        };
        let outcome = match receipt.outcome {
            Outcome::Unknown if planted!(BaseBeforeReceipt) => done(),
            Outcome::Stale if planted!(StaleTakenForDone) => done(),
            Outcome::Deferred { .. } if planted!(DeferredTakenForDone) => done(),
            _ => receipt.outcome.clone(),
        };
        match outcome {
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
                self.confirm(intent, &record, receipt, source).await?;
                applied.done += operations.len();
            }
            Outcome::Stale => {
                self.end(intent, "stale", "the record was no longer as expected").await?;
                applied.superseded += operations.len();
            }
            Outcome::Deferred { after } => {
                if let Some(delay) = after {
                    applied.put_off(self.now(), delay);
                }
                self.end(intent, "deferred", "the system put it off").await?;
                applied.deferred += operations.len();
            }
            Outcome::Refused { reason } => self.refuse(intent, &reason, applied).await?,
            Outcome::Unknown => {
                self.keep_unknown(intent).await?;
                applied.unknown += operations.len();
            }
        }
        Ok(())
    }

    /// Keeps an attempt of unknown outcome, to be probed.
    async fn keep_unknown(&self, intent: &OutboxRow) -> Result<(), Error> {
        let Some(key) = intent.key() else { return Ok(()) };
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            if !self.is_own(&mut loader, intent).await? {
                return Ok(());
            }
            let as_of = self.now();
            let row = OutboxRow { at: as_of, lease: None, ..intent.clone() };
            let mut changes = Changes::new(&self.core, as_of, &Self::engine());
            changes.commit.expect.extend(loader.loaded.revisions);
            changes.put(key.clone(), &row);
            changes.journal("unknown", &intent.operations[0].entity.to_string(), &row);
            if attempts.commit(self, "keep a write of unknown outcome", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// The native id in a create's answer.
    fn id_in(&self, operation: &Operation, item: Option<&Item>) -> Option<Text> {
        let name = operation.target.connection();
        let (_, bound) = self.connection(name.as_str()).ok()?;
        let mut batch = Batch::new();
        sort(name, bound, &self.core.model, std::slice::from_ref(item?), 0, &mut batch).into_iter().find_map(|input| {
            match input {
                Input::Observed { observation, .. } => Some(observation.record.id),
                Input::Hint { record, .. } => Some(record.id),
                _ => None,
            }
        })
    }

    /// The write took effect: the record is as we sent it, or as the write's own answer shows it.
    async fn confirm(
        &self,
        intent: &OutboxRow,
        record: &RecordRef,
        receipt: WriteReceipt,
        source: Source,
    ) -> Result<(), Error> {
        let operations = &intent.operations;
        // The answer did not carry the record: what it holds now is an ordinary read.
        let read_back = receipt.record.is_none() && operations[0].intent != Intent::Archive;
        let read_back = read_back && !planted!(VersionTakenForRecord);
        let forgotten = planted!(ReadBackForgotten);
        let read_back = read_back && !forgotten;
        let read = self.read_number().await?;
        let answer = match &receipt.record {
            Some(item) => Some(self.believable_item(&record.connection, item).await?),
            None => None,
        };
        let own_answer = self.own_answer(record, answer.as_ref(), read)?;
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let entity = operations[0].entity;
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(std::slice::from_ref(record)).await?;
            loader.entities(&[entity]).await?;
            loader.merges().await?;
            let mut changes = Changes::new(&self.core, as_of, &Self::engine());
            let mut links = Links::default();
            let (Some(at), Some(of)) = (loader.loaded.set.find_record(record), loader.loaded.set.find_entity(entity))
            else {
                return self.end(intent, "unplaced", "the entity or the object type is gone").await;
            };
            let observation = match &own_answer {
                Some((observation, surface, body)) => (observation.clone(), surface.clone(), body.clone()),
                None => {
                    let sent = self.sent(&loader, at, operations, receipt.token, read);
                    (sent, SurfaceName::new("receipt"), bytes::Bytes::new())
                }
            };
            self.with_frame(|frame| self.fold_receipt(frame, &mut loader, &mut changes, at, &observation));
            // What the record held before it was written is in the index too.
            loader.identities_of(&[at]).await?;
            let linked = self.with_frame(|frame| {
                let linked = Self::link_created(&mut loader, of, at, as_of, &mut links);
                if linked {
                    let record = own_answer.as_ref().map(|(observation, ..)| observation);
                    // Sent before, it may have been made and edited since: its answer is no more than a find.
                    let sent_before = Self::settle_create_sent(&mut loader, of, &operations[0], &mut links.facts);
                    let answer = match sent_before {
                        true => Answer { record, token: None, source: Source::Probe },
                        false => Answer { record, token: receipt.token, source },
                    };
                    self.move_bases(frame, &mut loader, of, at, operations, answer, &mut links.facts);
                }
                linked
            });
            if !linked {
                return self.claimed_elsewhere(intent, record).await;
            }
            self.follow_links(&mut loader, &mut changes, &mut links).await?;
            if self.is_own(&mut loader, intent).await? {
                changes.delete(outbox_key(&operations[0]));
            }
            self.count_done(&mut loader, &mut changes, operations).await?;
            self.count_standing(&mut loader, &mut changes, intent).await?;
            self.end_approvals(&loader, &mut changes, operations).await?;
            for operation in operations {
                changes.delete(case_key(CaseKind::Refused, operation.key));
            }
            if read_back {
                Self::read_again(&mut changes, &Target::Record(record.clone()));
            }
            self.with_frame(|frame| {
                loader.loaded.set.touch(of, Touched::Everything);
                loader.loaded.set.settle(frame, as_of, &mut links.facts);
                changes.add_set(frame, &loader.loaded, &links.facts)
            })?;
            let keys: Vec<_> = operations.iter().map(|operation| operation.key).collect();
            changes.journal("received", &entity.to_string(), &(record, &keys, receipt.token, (intent.read, intent.at)));
            if attempts.commit(self, "store a receipt", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// The observation in a write's own answer, if it carried the whole record.
    fn own_answer(
        &self,
        record: &RecordRef,
        item: Option<&Item>,
        read: u64,
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
        read: u64,
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
        if planted!(VersionTakenForRecord) {
            let known = state.representation.slots().filter_map(|slot| Some((slot, state.representation.cell(slot)?)));
            let unsaid = known.filter(|(slot, _)| !cells.iter().any(|said| said.slot == *slot));
            let again: Vec<Said> =
                unsaid.map(|(slot, cell)| Said { slot, element: None, field: cell.field().clone() }).collect();
            cells.extend(again);
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
        let known = form(model, object, *unit, value);
        let value = known.as_ref().unwrap_or(value);
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

    /// What became of a create is known: no earlier attempt of it is open any more. Says whether there was one.
    fn settle_create_sent(
        loader: &mut Loader<'_>,
        of: EntityIndex,
        operation: &Operation,
        facts: &mut Vec<EntityFact>,
    ) -> bool {
        let Target::New { connection, object, .. } = &operation.target else { return false };
        let place = (connection.clone(), object.clone());
        if !loader.loaded.set.entity(of).entity.creates_sent.contains_key(&place) {
            return false;
        }
        let (connection, object) = place;
        let fact = Fact::CreateSent { connection, object, fields: None };
        loader.loaded.set.record_fact(of, fact, facts);
        true
    }

    /// Links a record that we created. `false`: it belongs to another entity already.
    fn link_created(loader: &mut Loader<'_>, of: EntityIndex, at: RecordIndex, as_of: i64, links: &mut Links) -> bool {
        match loader.loaded.set.record(at).entity {
            Some(linked) => linked == of,
            None => {
                links.link(loader, of, at, as_of, Evidence::Created);
                true
            }
        }
    }

    /// The created record turned out to belong to another entity: a case, and no second entity.
    async fn claimed_elsewhere(&self, intent: &OutboxRow, record: &RecordRef) -> Result<(), Error> {
        let operation = &intent.operations[0];
        let why = "the record that a create answered with belongs to another entity";
        self.close("open a case", intent, |changes| {
            let case = CaseRow::new(vec![record.clone()], [operation.entity], why, changes.as_of());
            changes.put(case_of(CaseKind::CreatedElsewhere, record), &case);
            spend(changes, &intent.operations);
            changes.journal("claimed_elsewhere", &record.to_string(), &operation.key);
        })
        .await
    }

    /// Ends an intent without effect; the approvals stand, and the record is read.
    async fn end(&self, intent: &OutboxRow, kind: &'static str, why: &str) -> Result<(), Error> {
        let first = &intent.operations[0];
        let keys: Vec<_> = intent.operations.iter().map(|operation| operation.key).collect();
        self.close("end an intent", intent, |changes| {
            changes.journal(kind, &first.entity.to_string(), &(&keys, why));
            Self::read_again(changes, &first.target);
        })
        .await
    }

    /// Nothing was sent: the intent is taken back, and the approvals stand.
    pub(super) async fn take_back<C>(&self, intent: &OutboxRow, cause: &C) -> Result<(), Error>
    where
        C: Serialize + Sync + ?Sized,
    {
        let keys: Vec<_> = intent.operations.iter().map(|operation| operation.key).collect();
        self.close("take back an intent", intent, |changes| {
            changes.journal("taken_back", &intent.operations[0].entity.to_string(), &(&keys, cause));
        })
        .await
    }

    /// The values are refused: the approvals are spent, and the operations stand among the cases.
    pub(super) async fn refuse(&self, intent: &OutboxRow, why: &Text, applied: &mut Applied) -> Result<(), Error> {
        let keys: Vec<_> = intent.operations.iter().map(|operation| operation.key).collect();
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let own = self.is_own(&mut loader, intent).await?;
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            if let Some(row) = intent.key().filter(|_| own) {
                changes.delete(row);
            }
            self.remember_refusals(&mut loader, &mut changes, &intent.operations).await?;
            let mut facts = Vec::new();
            self.withdraw_sent(&mut loader, intent, &mut facts).await?;
            self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &facts))?;
            for operation in &intent.operations {
                let record = match &operation.target {
                    Target::Record(record) => vec![record.clone()],
                    Target::New { .. } => Vec::new(),
                };
                let why = format!("{}: {why}", operation.unit);
                let mut case = CaseRow::new(record, [operation.entity], why, changes.as_of());
                case.operation = Some(Box::new(operation.clone()));
                changes.put(case_key(CaseKind::Refused, operation.key), &case);
            }
            spend(&mut changes, &intent.operations);
            changes.journal("refused", &intent.operations[0].entity.to_string(), &(&keys, why));
            if attempts.commit(self, "store a refusal", changes.commit).await? {
                break;
            }
        }
        applied.refused.extend(intent.operations.iter().map(|operation| (operation.clone(), why.to_string())));
        Ok(())
    }

    /// Puts a written record on the list of those to read, in the same commit as what makes it necessary.
    pub(super) fn read_again(changes: &mut Changes<'_>, target: &Target) {
        if let Target::Record(record) = target {
            hint(changes, record);
        }
    }
}
