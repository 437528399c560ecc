//! Bases after a write: what the system was sent, and what it made of that.

use std::sync::Arc;

use crate::base::{Answered, Base, Origin, Sent as Unanswered};
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::tenant::apply::outbox::OutboxRow;
use crate::entity::Entity;
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::RecordRef;
use crate::model::{CompiledEntity, UnitKey};
use crate::observation::Observation;
use crate::plan::{Intent, Operation, Target};
use crate::representation::Representation;
use crate::sight::shown;
use crate::spelling::form;
use crate::value::Field;
use crate::working_set::{EntityIndex, Frame, RecordIndex, WorkingSet};
use crate::write_access::asks_owner;

/// What a write was answered with.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    /// The record, if the answer carried it.
    pub(super) record: Option<&'a Observation>,
    /// The version that the write returned.
    pub(super) token: Option<i64>,
    /// Who says so.
    pub(super) source: Source,
}

/// How the outcome of a write became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The write was answered: what the answer shows is what the write made.
    Answer,
    /// A probe found that it had taken effect. What it found may be somebody else's doing since.
    Probe,
}

/// One unit of a write.
struct Sent<'a> {
    key: UnitKey,
    value: &'a Field,
    /// What was there before; none in a record that was created.
    displaced: Option<&'a Field>,
}

impl Tenant {
    /// Moves bases to what the write's own answer shows, else to what was sent: what is read afterwards may be somebody
    /// else's doing already. An answer's version is remembered until it is read.
    #[expect(clippy::too_many_arguments, reason = "a write, its answer, and where both belong")]
    pub(super) fn move_bases(
        &self,
        frame: &Frame<'_>,
        loader: &mut Loader<'_>,
        of: EntityIndex,
        at: RecordIndex,
        operations: &[Operation],
        answer: Answer<'_>,
        facts: &mut Vec<EntityFact>,
    ) {
        let set = &loader.loaded.set;
        let record = Arc::clone(&set.record(at).record);
        let model = self.core.model.entity(set.entity(of).entity.entity);
        let object = model.objects.get(usize::from(set.record(at).object));
        let shapes = object.map_or(&[][..], |object| &object.shapes[..]);
        let alone = answer.record.map(|observation| {
            let mut alone = Representation::new();
            alone.fold(observation, shapes);
            alone
        });
        let mut moved: Vec<(UnitKey, Base)> = Vec::new();
        for operation in operations {
            let units: Vec<Sent<'_>> = match &operation.intent {
                Intent::Set(value) => model
                    .unit_key(&operation.unit)
                    .map(|key| Sent { key, value, displaced: Some(&operation.expect) })
                    .into_iter()
                    .collect(),
                Intent::Create(fields) => fields
                    .iter()
                    .filter_map(|(unit, value)| Some(Sent { key: model.unit_key(unit)?, value, displaced: None }))
                    .collect(),
                Intent::Archive => Vec::new(),
            };
            for sent in units {
                let unread = answer.record.is_none() && matches!(sent.key, UnitKey::Element(..));
                let known = alone.is_some() || unread;
                let held = known.then(|| self.held(frame, set, of, &record, &sent.key, alone.as_ref())).flatten();
                if let Some(base) = self.base_after(set, of, &record, &sent, held, answer) {
                    moved.push((sent.key, base));
                }
            }
        }
        for (key, base) in moved {
            let entity = &loader.loaded.set.entity(of).entity;
            if entity.link_of(&record).is_some_and(|link| entity.links[link].sent.contains_key(&key)) {
                let fact = Fact::Sent { record: Arc::clone(&record), unit: key.clone(), sent: None };
                loader.loaded.set.record_fact(of, fact, facts);
            }
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
    }

    /// What a write's own answer shows of a unit. `None`, of an element that nobody has read since: it is as it was, because
    /// what was sent of a collection is left to the read-back.
    fn held(
        &self,
        frame: &Frame<'_>,
        set: &WorkingSet,
        of: EntityIndex,
        record: &RecordRef,
        key: &UnitKey,
        alone: Option<&Representation>,
    ) -> Option<Field> {
        set.with_ground(frame, of, self.now(), |ground, entity, representations| {
            let place = entity.link_of(record)?;
            let object = ground.model.objects.get(usize::from(entity.links[place].object))?;
            // What is written and never read is known only by what was sent.
            object.unit_slots.get(usize::from(key.index()?)).filter(|slots| !slots.is_empty())?;
            let mut answered = vec![None; entity.links.len()];
            answered[place] = alone;
            let known = if alone.is_some() { &answered[..] } else { representations };
            let shown = shown(ground, entity, known, key);
            shown.iter().find(|shown| shown.link == place).and_then(|shown| shown.field().cloned())
        })
    }

    /// The base of a unit after it was written.
    fn base_after(
        &self,
        set: &WorkingSet,
        of: EntityIndex,
        record: &RecordRef,
        sent: &Sent<'_>,
        held: Option<Field>,
        answer: Answer<'_>,
    ) -> Option<Base> {
        let entity = &set.entity(of).entity;
        let model = self.core.model.entity(entity.entity);
        let unit = model.units.get(usize::from(sent.key.index()?))?;
        let link = entity.link_of(record)?;
        let before = entity.links[link].bases.get(&sent.key);
        let golden = entity.golden.get(&sent.key);
        // What a mapping that rounds makes of the value is known beforehand: it is no form of the system's own.
        let form = sent.key.index().and_then(|unit| form(model, entity.links[link].object, unit, sent.value));
        let form = form.as_ref().unwrap_or(sent.value);
        let answered = Answered::new(
            sent.value.clone(),
            answer.token.filter(|_| held.is_none()),
            before.and_then(|base| base.marks.answered.as_deref()),
        );
        // What a probe found may be the system's form of what it was sent, or somebody's edit of it since: whoever decides
        // or observes, it has moved, unless the same value meets the same form again.
        let proof = answer.source == Source::Answer;
        let answered = match &held {
            Some(held) if unit.same(held, sent.value) || unit.same(held, form) => None,
            Some(held) => Some(answered.read_back(held, proof, |a, b| unit.same(a, b))),
            None => answer.token.map(|_| answered),
        };
        let answered = answered.map(Box::new);
        let own_form = proof || answered.as_ref().is_some_and(|answered| answered.certain);
        let held = held.filter(|_| own_form);
        if asks_owner(model, entity, link, &sent.key) {
            // The owner was asked to follow a decision. That it did is a move of its own, which golden follows; whatever
            // else it made of it is remembered, so that it is not asked for the same without end.
            let displaced = sent.displaced.cloned().unwrap_or_default();
            let agreed = || golden.map(|cell| cell.field.clone()).unwrap_or_default();
            let base = before.cloned().unwrap_or_else(|| Base::accepted(displaced, agreed()));
            return Some(base.marked(|marks| marks.answered = answered));
        }
        let base = Base::accepted(held.unwrap_or_else(|| form.clone()), sent.value.clone());
        Some(base.marked(|marks| {
            marks.wrote = Some(Box::new(self.golden_origin(model, entity, &sent.key)));
            marks.displaced = sent.displaced.cloned().map(Box::new);
            marks.answered = answered;
        }))
    }

    /// Where golden was first said; a value that nobody said alone is the hub's.
    fn golden_origin(&self, model: &CompiledEntity, entity: &Entity, key: &UnitKey) -> Origin {
        let hub = || Arc::new(crate::hub::record(model.name.as_str(), entity.id));
        let origin = entity.golden.get(key).and_then(|cell| cell.origin.clone());
        origin.unwrap_or_else(|| Origin { record: hub(), stamp: crate::stamp::Stamp::new(self.now()) })
    }

    /// Notes what records are about to be sent: whoever shows it before the answer is settled shows our writing. An owner
    /// that is asked to follow a decision says for itself what it makes of it.
    /// What an earlier attempt sent that may still arrive is the same, and stays the earlier one's.
    pub(super) fn note_sent(&self, loader: &mut Loader<'_>, attempt: &OutboxRow, facts: &mut Vec<EntityFact>) {
        for operation in &attempt.operations {
            let (Intent::Set(value), Target::Record(record)) = (&operation.intent, &operation.target) else { continue };
            let Some(of) = loader.loaded.set.find_entity(operation.entity) else { continue };
            let entity = &loader.loaded.set.entity(of).entity;
            let model = self.core.model.entity(entity.entity);
            let (Some(unit), Some(link)) = (model.unit_key(&operation.unit), entity.link_of(record)) else { continue };
            if asks_owner(model, entity, link, &unit) {
                continue;
            }
            let form = unit.index().and_then(|unit| form(model, entity.links[link].object, unit, value));
            let (value, displaces) = (form.unwrap_or_else(|| value.clone()), operation.expect.clone());
            let link = &entity.links[link];
            let earlier = link.sent.get(&unit).filter(|sent| sent.value == value).map(|sent| sent.attempt);
            let attempt = earlier.unwrap_or(attempt.attempt);
            let sent = Unanswered { value, origin: self.golden_origin(model, entity, &unit), displaces, attempt };
            if link.sent.get(&unit) != Some(&sent) {
                let record = Arc::clone(&link.record);
                let fact = Fact::Sent { record, unit, sent: Some(Box::new(sent)) };
                loader.loaded.set.record_fact(of, fact, facts);
            }
        }
    }

    /// An attempt was answered, and wrote nothing: whoever shows what it sent from now on says so. What an earlier attempt sent, of
    /// which nobody knows whether it arrives, stays noted.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(super) async fn withdraw_sent(
        &self,
        loader: &mut Loader<'_>,
        attempt: &OutboxRow,
        facts: &mut Vec<EntityFact>,
    ) -> Result<(), Error> {
        let Some(Target::Record(record)) = attempt.operations.first().map(|operation| &operation.target) else {
            return Ok(());
        };
        loader.records(std::slice::from_ref(record)).await?;
        let set = &loader.loaded.set;
        let Some(of) = set.find_record(record).and_then(|at| set.record(at).entity) else { return Ok(()) };
        let entity = &set.entity(of).entity;
        let Some(link) = entity.link_of(record).map(|link| &entity.links[link]) else { return Ok(()) };
        let noted = link.sent.iter().filter(|(_, sent)| sent.attempt == attempt.attempt);
        let withdrawn: Vec<Fact> = noted
            .map(|(unit, _)| Fact::Sent { record: Arc::clone(&link.record), unit: unit.clone(), sent: None })
            .collect();
        for fact in withdrawn {
            loader.loaded.set.record_fact(of, fact, facts);
        }
        Ok(())
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
}
