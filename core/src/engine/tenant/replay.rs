//! Replay: folds a tenant's journal into an empty state in memory, without connectors and without deciding anything.
//!
//! Entries are read under today's model, as stored rows are. Where the model changed in between, replay drops what the
//! engine dropped: values read by another mapping are left out, and a row that was written under a model loses what that
//! model could not read.

mod epoch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::checkpoint::compaction_key;
use crate::engine::case::CaseRow;
use crate::engine::desk::{CASE_NOTED, CaseNote, Desk};
use crate::engine::hydrate::from_json;
use crate::engine::persist::row_name;
use crate::engine::suppression::{Heard, LIFTED, SUPPRESSED};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::cases::{CASE_CHANGED, CASE_GONE, CASE_OPENED};
use crate::engine::tenant::compact::{Beginning, STATE_TOLD};
use crate::engine::tenant::counts::{CONFIRMED, COUNTED, Count, count_row};
use crate::engine::tenant::dead_letter::{LETTER_BURIED, LETTER_EXPIRED, LETTER_REOPENED, LETTER_SETTLED, LetterState};
use crate::engine::tenant::erase::{DESK_RESTATED, ERASED, ErasureTold, RESTATED, Restated};
use crate::engine::tenant::model::{Accepted, MODEL, MODEL_ACCEPTED, clearing_where};
use crate::engine::tenant::roles::{Granted, ROLE_GRANTED};
use crate::engine::tenant::rollout::CONNECTION_SET;
use crate::engine::tenant::standing::{STANDING_APPROVED, STANDING_GIVEN, STANDING_USED, STANDING_WITHDRAWN};
use crate::engine::tenant::tombstone::TOMBSTONE_EXPIRED;
use crate::engine::{Core, Tenant};
use crate::entity::stored::{StoredEntity, object_name};
use crate::entity::{Entity, migrate};
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName, EntityId, RecordRef};
use crate::journal::{self, Entry, Head, Payload};
use crate::model::change::Step;
use crate::model::{CompiledEntity, Shape, UnitKey};
use crate::observation::stored::StoredObservation;
use crate::plan::{CountedPlace, GivenStanding, PlanHash, StandingId, WritePlace};
use crate::representation::Representation;
use crate::rollout::{Changed, ConnectionState};
use crate::seal::{SealError, mark};
use crate::stamp::Stamp;
use crate::text::Text;
use epoch::Epoch;

/// How many entries are read at once.
const PAGE: usize = 512;

/// What a journal adds up to.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Replayed {
    /// Golden records, links, bases, decisions and discrepancies.
    pub entities: BTreeMap<EntityId, Entity>,
    /// What systems say.
    pub representations: BTreeMap<RecordRef, Representation>,
    /// What operators allow each connection.
    pub connections: BTreeMap<ConnectionName, ConnectionState>,
    /// Standing approvals, as given, used and withdrawn.
    pub standing: BTreeMap<StandingId, GivenStanding>,
    /// What counts against limits, by the keys of the rows.
    pub(crate) counts: BTreeMap<Text, Count>,
    /// What became of dead letters, by key. Their bytes are in rows of their own.
    pub letters: BTreeMap<Text, LetterState>,
    /// What people noted on cases, by the cases' names.
    pub desks: BTreeMap<Text, Desk>,
    /// The roles that were granted, by actor.
    pub roles: BTreeMap<Actor, Granted>,
    /// By which hashes persons are known who were erased.
    pub suppressed: BTreeSet<Digest>,
    /// The cases about records and matches that stand open, by name.
    pub(crate) cases: BTreeMap<Text, CaseRow>,
    /// How many entries were read.
    pub entries: u64,
    /// How many bytes they hold, with what is left of their payloads ([`Entry::size`]).
    pub bytes: u64,
    /// How many of them have lost their payload to erasure.
    pub erased: u64,
    /// How many facts and observations are about what today's model does not know, or about entities whose beginning was
    /// erased. They are left out.
    pub left_out: u64,
    /// The end of the chain, which was verified on the way.
    pub head: Head,
}

/// A state being replayed.
pub(crate) struct Replay<'a> {
    core: &'a Core,
    epoch: Epoch,
    /// Looking back: the migrations since, by which what was known then is shown as today's attributes. Their own entries come
    /// later.
    since: Vec<Step>,
    /// The epoch in which each row was last written.
    written: BTreeMap<Row, u32>,
    /// Up to which place the state is taken as it is told: there, what led to it may be gone.
    told_until: u64,
    pub(crate) done: Replayed,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Record(RecordRef),
    Entity(EntityId),
}

impl Tenant {
    /// Folds the journal into an empty state, and verifies the chain on the way. Pages of entries are dropped as they
    /// are folded: memory holds the state alone.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] if the chain does not hold; [`Error::Row`] if an entry cannot be read by this version. What is compacted
    /// meanwhile begins it anew.
    pub async fn replay(&self) -> Result<Replayed, Error> {
        self.replay_until(u64::MAX).await
    }

    /// As [`Tenant::replay`], up to a place of the journal, where another model may have been in force. The chain is verified as far
    /// as it is read.
    ///
    /// # Errors
    ///
    /// As [`Tenant::replay`]; [`Error::Compacted`] if the journal tells no longer what was there.
    pub(crate) async fn replay_until(&self, place: u64) -> Result<Replayed, Error> {
        let mut attempts = Attempts::default();
        loop {
            match self.replay_once_until(place).await {
                Err(Error::Contended { key, .. }) => drop(attempts.won(Some(key))?),
                replayed => return replayed,
            }
        }
    }

    async fn replay_once_until(&self, place: u64) -> Result<Replayed, Error> {
        let beginning = self.beginning().await?;
        beginning.require(place, "look back to that instant")?;
        // At its end, today's model is.
        let models = if place == u64::MAX { Vec::new() } else { self.entries_about(MODEL, place).await? };
        let mut replay = Replay::new(&self.core, beginning.told_until()).looking_back(self, &models)?;
        let until = |entry: &Entry| entry.seq <= place;
        self.each_entry_behind(&beginning, until, |entry, payload| replay.entry(entry, payload)).await?;
        Ok(replay.done)
    }

    /// Walks the chain from its beginning, verifies it, and hands on every entry.
    pub(crate) async fn each_entry(
        &self,
        work: impl FnMut(&Entry, Option<&Payload>) -> Result<(), Error> + Send,
    ) -> Result<Head, Error> {
        self.each_entry_while(|_| true, work).await
    }

    /// As [`Tenant::each_entry`], as long as `goes_on` says so.
    pub(crate) async fn each_entry_while(
        &self,
        goes_on: impl Fn(&Entry) -> bool + Send,
        work: impl FnMut(&Entry, Option<&Payload>) -> Result<(), Error> + Send,
    ) -> Result<Head, Error> {
        let beginning = self.beginning().await?;
        self.each_entry_behind(&beginning, goes_on, work).await
    }

    /// As [`Tenant::each_entry_while`], from a beginning that is known.
    ///
    /// # Errors
    ///
    /// [`Error::Contended`] if the journal began elsewhere by the time it was read, or had lost observations: what was handed on by
    /// then is of no use, and the next call reads what is left.
    pub(crate) async fn each_entry_behind(
        &self,
        beginning: &Beginning,
        goes_on: impl Fn(&Entry) -> bool + Send,
        work: impl FnMut(&Entry, Option<&Payload>) -> Result<(), Error> + Send,
    ) -> Result<Head, Error> {
        let walked = self.walk(beginning, goes_on, work).await;
        if matches!(walked, Ok(_) | Err(Error::Journal(_))) && !self.beginning().await?.holds(beginning) {
            return Err(Error::Contended { attempts: 1, key: row_name(&compaction_key()) });
        }
        walked
    }

    async fn walk(
        &self,
        beginning: &Beginning,
        goes_on: impl Fn(&Entry) -> bool + Send,
        mut work: impl FnMut(&Entry, Option<&Payload>) -> Result<(), Error> + Send,
    ) -> Result<Head, Error> {
        let mut head = beginning.start();
        loop {
            let page = self.core.store.journal(&self.id, head.seq, PAGE).await;
            let page = page.map_err(Error::store("read the journal"))?;
            if page.is_empty() {
                beginning.ended(head)?;
                return Ok(head);
            }
            for (entry, payload) in &page {
                if !goes_on(entry) {
                    return Ok(head);
                }
                head = journal::verify(head, entry, payload.as_ref()).map_err(Error::Journal)?;
                beginning.reached(head)?;
                work(entry, payload.as_ref())?;
            }
        }
    }
}

impl<'a> Replay<'a> {
    /// An empty state. Up to the place `told_until`, what checkpoints tell of the state is taken for it; behind it, they only
    /// repeat what the other entries add up to.
    pub(crate) fn new(core: &'a Core, told_until: u64) -> Self {
        let (epoch, since, written) = (Epoch::default(), Vec::new(), BTreeMap::new());
        Self { core, epoch, since, written, told_until, done: Replayed::default() }
    }

    /// The same, to be folded up to a time before today's model: the last of `entries` about models tells which one held then.
    pub(crate) fn looking_back<'e>(
        mut self,
        tenant: &Tenant,
        entries: impl IntoIterator<Item = &'e (Entry, Option<Payload>)>,
    ) -> Result<Self, Error> {
        for (entry, payload) in entries {
            let Some(payload) = payload else { continue };
            match entry.kind.as_str() {
                MODEL_ACCEPTED => {
                    let accepted: Accepted = read(entry, payload)?;
                    self.since = tenant.steps_since(&accepted.model);
                }
                STATE_TOLD if &*entry.subject == MODEL => {
                    if let Restated::Model(model) = read(entry, payload)? {
                        self.since = tenant.steps_since(&model);
                    }
                }
                _ => {}
            }
        }
        Ok(self)
    }

    /// Folds an entry.
    pub(crate) fn entry(&mut self, entry: &Entry, payload: Option<&Payload>) -> Result<(), Error> {
        self.done.entries += 1;
        self.done.bytes += entry.size(payload);
        self.done.head = Head { seq: entry.seq, digest: entry.digest };
        let Some(payload) = payload else {
            self.done.erased += 1;
            return Ok(());
        };
        match entry.kind.as_str() {
            "observed" => self.observed(read(entry, payload)?),
            "merged" => self.merged(read(entry, payload)?),
            "facts" => {
                let facts: Vec<StoredFact> = read(entry, payload)?;
                match entry.subject.parse() {
                    Ok(id) => self.facts(id, facts),
                    Err(_) => self.done.left_out += 1,
                }
            }
            CONNECTION_SET => {
                let (connection, state) = read(entry, payload)?;
                self.done.connections.insert(connection, state);
            }
            STANDING_GIVEN => {
                let standing: GivenStanding = read(entry, payload)?;
                self.done.standing.insert(standing.id, standing);
            }
            STANDING_APPROVED => {
                let (id, approved): (StandingId, Changed) = read(entry, payload)?;
                if let Some(standing) = self.done.standing.get_mut(&id) {
                    standing.approved = Some(approved);
                }
            }
            STANDING_WITHDRAWN => {
                let (id, withdrawn): (StandingId, Changed) = read(entry, payload)?;
                if let Some(standing) = self.done.standing.get_mut(&id) {
                    standing.withdrawn = Some(withdrawn);
                }
            }
            STANDING_USED => {
                let (id, more, _): (StandingId, u32, Vec<Digest>) = read(entry, payload)?;
                if let Some(standing) = self.done.standing.get_mut(&id) {
                    standing.used = standing.used.saturating_add(more);
                }
            }
            COUNTED => {
                let counted: Vec<(CountedPlace, usize)> = read(entry, payload)?;
                for (place, more) in counted {
                    self.counted(&place, more, entry.at);
                }
            }
            CONFIRMED => {
                let (_, places, _): (PlanHash, Vec<CountedPlace>, Vec<Digest>) = read(entry, payload)?;
                for place in places {
                    self.done.counts.insert(count_row(&place).key, Count::begun(entry.at));
                }
            }
            // As earlier versions told of the limit on writes.
            "writes_counted" => {
                let counted: Vec<(WritePlace, usize)> = read(entry, payload)?;
                for (place, more) in counted {
                    self.counted(&CountedPlace::Writes(place), more, entry.at);
                }
            }
            "writes_confirmed" => {
                let (_, confirmed): (PlanHash, Vec<(WritePlace, usize)>) = read(entry, payload)?;
                for (place, _) in confirmed {
                    self.done.counts.insert(count_row(&CountedPlace::Writes(place)).key, Count::begun(entry.at));
                }
            }
            CASE_NOTED => {
                let (case, note): (Text, CaseNote) = read(entry, payload)?;
                self.done.desks.entry(case).or_default().apply(note, &entry.actor, entry.at);
            }
            CASE_OPENED | CASE_CHANGED => {
                let (case, row): (Text, CaseRow) = read(entry, payload)?;
                self.done.cases.insert(case, row);
            }
            CASE_GONE => {
                let (case,): (Text,) = read(entry, payload)?;
                self.done.cases.remove(&case);
            }
            LETTER_BURIED => {
                let (_, _, _, _, key): (IgnoredAny, IgnoredAny, IgnoredAny, IgnoredAny, Text) = read(entry, payload)?;
                self.done.letters.insert(key, LetterState::Waiting);
            }
            LETTER_REOPENED => {
                let (key, _): (Text, IgnoredAny) = read(entry, payload)?;
                self.done.letters.insert(key, LetterState::Waiting);
            }
            LETTER_SETTLED => {
                let (key, state): (Text, LetterState) = read(entry, payload)?;
                self.done.letters.insert(key, state);
            }
            LETTER_EXPIRED => {
                let (key, _): (Text, IgnoredAny) = read(entry, payload)?;
                self.done.letters.remove(&key);
            }
            TOMBSTONE_EXPIRED => {
                let (record, _): (RecordRef, IgnoredAny) = read(entry, payload)?;
                self.written.remove(&Row::Record(record.clone()));
                self.done.representations.remove(&record);
            }
            DESK_RESTATED => match read(entry, payload)? {
                (case, Some(desk)) => drop(self.done.desks.insert(case, desk)),
                (case, None) => drop(self.done.desks.remove::<Text>(&case)),
            },
            ROLE_GRANTED => {
                match read(entry, payload)? {
                    (actor, Some(granted)) => drop(self.done.roles.insert(actor, granted)),
                    (actor, None) => drop(self.done.roles.remove::<Actor>(&actor)),
                };
            }
            ERASED => self.erased(read(entry, payload)?),
            RESTATED => self.restated(read(entry, payload)?),
            STATE_TOLD if entry.seq <= self.told_until => self.restated(read(entry, payload)?),
            SUPPRESSED => {
                let (_, digest): Heard = read(entry, payload)?;
                self.done.suppressed.insert(digest);
            }
            LIFTED => {
                let (lifted, _): (BTreeSet<Digest>, IgnoredAny) = read(entry, payload)?;
                self.done.suppressed.retain(|digest| !lifted.contains(digest));
            }
            MODEL_ACCEPTED => {
                let accepted: Accepted = read(entry, payload)?;
                self.epoch.enter(accepted.model);
            }
            _ => {}
        }
        Ok(())
    }

    fn counted(&mut self, place: &CountedPlace, more: usize, at: i64) {
        let count = self.done.counts.entry(count_row(place).key).or_default();
        *count = count.and(place, more, at);
    }

    /// What was erased is gone, whether or not its entries have lost their payloads yet.
    fn erased(&mut self, told: ErasureTold) {
        self.done.entities.retain(|id, _| !told.entities.contains(id));
        self.done.representations.retain(|record, _| !told.records.contains(record));
        self.done.suppressed.extend(told.suppressed);
        told.merged.into_iter().for_each(|(record, stored)| self.restated(Restated::Record(record, stored)));
    }

    fn restated(&mut self, restated: Restated) {
        match restated {
            Restated::Record(record, mut stored) => {
                let Some((entity, object)) = self.core.place(&record) else {
                    self.done.left_out += 1;
                    return;
                };
                let name = object_name(self.core.model.entity(entity), object);
                for step in self.since.iter().filter(|step| step.entity == entity) {
                    // What nothing can be made of is left out.
                    let _ = stored.migrate(step, &name, &step.attribute);
                }
                let representation = Representation::from_stored(*stored, self.core.slot_names(entity, object));
                mark(&mut self.written, Row::Record(record.clone()), BEFORE);
                self.done.representations.insert(record, representation);
            }
            Restated::Entity(stored) => {
                let id = stored.id;
                // Looking back, it is asked once more what the row held.
                let told = (!self.since.is_empty()).then(|| stored.clone());
                match Entity::from_stored(*stored, &self.core.model) {
                    Some(mut entity) => {
                        if let Some(told) = &told {
                            self.migrate_told(told, &mut entity);
                        }
                        mark(&mut self.written, Row::Entity(id), BEFORE);
                        self.done.entities.insert(id, entity);
                    }
                    None => self.done.left_out += 1,
                }
            }
            // Where records were once is asked by erasures only.
            Restated::Once(..) => {}
            Restated::Connection(name, state) => drop(self.done.connections.insert(name, state)),
            Restated::Standing(standing) => drop(self.done.standing.insert(standing.id, *standing)),
            Restated::Count(row, count) => drop(self.done.counts.insert(row, count)),
            Restated::Letter(key, state) => drop(self.done.letters.insert(key, state)),
            Restated::Desk(case, desk) => drop(self.done.desks.insert(case, desk)),
            Restated::Case(case, row) => drop(self.done.cases.insert(case, *row)),
            Restated::Granted(actor, granted) => drop(self.done.roles.insert(actor, granted)),
            Restated::Suppressed(digests) => self.done.suppressed.extend(digests),
            Restated::Model(model) => self.epoch.enter(*model),
        }
    }

    /// What migrations since have made of an entity that is told as a row, as far as they make anything of it. What stands about it
    /// stays under its name: the entries that follow tell of it by that.
    fn migrate_told(&self, stored: &StoredEntity, entity: &mut Entity) {
        let index = entity.entity;
        let of = self.core.model.entity(index);
        for step in self.since.iter().filter(|step| step.entity == index) {
            let made = stored.values_migrated(step, entity, of).unwrap_or_default();
            let former = clearing_where(entity, |unit| *unit == UnitKey::Whole(step.unit));
            former.into_iter().chain(made).for_each(|fact| fact.apply(entity));
        }
    }

    fn observed(&mut self, mut stored: StoredObservation) {
        let Some((entity, object)) = self.core.place(&stored.record) else {
            self.done.left_out += 1;
            return;
        };
        let of = self.core.model.entity(entity);
        let names = self.core.slot_names(entity, object);
        let record = stored.record.clone();
        let representation = self.done.representations.entry(record.clone()).or_default();
        if let Some(then) = self.epoch.entity(of) {
            let mut alike = then.slots_read_alike(of, object, names);
            for step in self.since.iter().filter(|step| step.entity == entity && then.reads_for(step, of, object)) {
                stored.migrate(step);
                alike.extend(names.slot(step.attribute.as_str()));
            }
            if mark(&mut self.written, Row::Record(record), self.epoch.number) {
                representation.forget(|slot| !alike.contains(&slot));
            }
            stored.forget(|name| names.slot(name).is_none_or(|slot| !alike.contains(&slot)));
        }
        representation.fold(&stored.into_observation(names), &shapes(of, object));
        representation.trim();
    }

    fn merged(&mut self, (loser, survivor, stamp): (RecordRef, Text, Stamp)) {
        let Some((entity, object)) = self.core.place(&loser) else {
            self.done.left_out += 1;
            return;
        };
        let of = self.core.model.entity(entity);
        let representation = self.done.representations.entry(loser.clone()).or_default();
        if let Some(then) = self.epoch.entity(of)
            && mark(&mut self.written, Row::Record(loser), self.epoch.number)
        {
            let names = self.core.slot_names(entity, object);
            let mut alike = then.slots_read_alike(of, object, names);
            let made = self.since.iter().filter(|step| step.entity == entity && then.reads_for(step, of, object));
            alike.extend(made.filter_map(|step| names.slot(step.attribute.as_str())));
            representation.forget(|slot| !alike.contains(&slot));
        }
        representation.redirect(stamp, survivor);
    }

    fn facts(&mut self, id: EntityId, facts: Vec<StoredFact>) {
        let model = &self.core.model;
        if let Some(StoredFact::Entered { entity_type }) = facts.first()
            && let Some(entity) = model.entity_index(entity_type.as_str())
        {
            self.done.entities.entry(id).or_insert_with(|| Entity::new(id, entity));
        }
        let Some(entity) = self.done.entities.get_mut(&id) else {
            self.done.left_out += facts.len() as u64;
            return;
        };
        let of = model.entity(entity.entity);
        let then = self.epoch.entity(of);
        if let Some(then) = &then
            && mark(&mut self.written, Row::Entity(id), self.epoch.number)
        {
            let of_type = entity.entity;
            let made = self.since.iter().filter(|step| step.entity == of_type);
            let made: Vec<UnitKey> = made.map(|step| UnitKey::Whole(step.unit)).collect();
            then.forget_unread(of, entity, |unit| made.contains(unit));
        }
        let index = entity.entity;
        let of_then = facts.into_iter().flat_map(|fact| migrated(&self.since, index, of, fact));
        for fact in of_then {
            match fact.into_fact(model, of).filter(|fact| then.as_ref().is_none_or(|t| t.reads(of, entity, fact))) {
                Some(fact) => fact.apply(entity),
                None => self.done.left_out += 1,
            }
        }
    }
}

/// A fact of a time before migrations, and what they make of it. What they make nothing of is left out.
fn migrated(since: &[Step], entity: u16, of: &CompiledEntity, fact: StoredFact) -> Vec<StoredFact> {
    let (StoredFact::Settled { unit: name, .. }
    | StoredFact::Decided { unit: name, .. }
    | StoredFact::Lapsed { unit: name, .. }) = &fact
    else {
        return vec![fact];
    };
    let mut facts = Vec::new();
    let mut in_place = false;
    for step in since.iter().filter(|step| step.entity == entity && step.is_stored_as(name)) {
        let unit = of.unit_name(&UnitKey::Whole(step.unit));
        in_place |= step.is_stored_as(&unit);
        facts.extend(match &fact {
            StoredFact::Settled { cell, .. } => {
                let cell = cell.as_ref().map(|cell| migrate::golden(step, cell).map(Arc::new)).transpose();
                cell.ok().map(|cell| StoredFact::Settled { unit, cell })
            }
            StoredFact::Decided { decision, .. } => {
                let decision = decision.as_ref().map(|one| migrate::decision(step, one).map(Arc::new)).transpose();
                decision.ok().map(|decision| StoredFact::Decided { unit, decision })
            }
            StoredFact::Lapsed { lapse, .. } => {
                let lapse = lapse.as_ref().map(|lapse| migrate::lapse(step, lapse).map(Box::new)).transpose();
                lapse.ok().map(|lapse| StoredFact::Lapsed { unit, lapse })
            }
            _ => None,
        });
    }
    if !in_place {
        facts.push(fact);
    }
    facts
}
/// The epoch of a row that is told as it stands: it may have been written under a model before the one in force, and what that
/// one cannot read is dropped with the next write.
const BEFORE: u32 = u32::MAX;

/// Notes that a row is written in an epoch. Says whether it was written in another one before.
fn mark(written: &mut BTreeMap<Row, u32>, row: Row, epoch: u32) -> bool {
    written.insert(row, epoch).is_some_and(|before| before != epoch)
}

/// The shapes of an object type's slots; the hub's own records have one slot per attribute.
pub(crate) fn shapes(of: &CompiledEntity, object: u16) -> Vec<Shape> {
    match of.objects.get(usize::from(object)) {
        Some(object) => object.shapes.clone(),
        None => of.attributes.iter().map(|attribute| attribute.shape).collect(),
    }
}

/// Reads an entry's payload.
pub(crate) fn read<T: DeserializeOwned>(entry: &Entry, payload: &Payload) -> Result<T, Error> {
    if mark::is_sealed(&payload.bytes) {
        return Err(Error::store("read a payload")(SealError::Keyless.into()));
    }
    from_json(&payload.bytes).map_err(|source| Error::row(format!("journal entry {}", entry.seq).into(), &source))
}

/// A set of slots.
type Slots = BTreeSet<u16>;
