//! Taking in: inputs become durable state, in batches, each one commit.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::connector::Item;
use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::intake::{DeadLetter, Input, TakenIn, sort};
use crate::engine::persist::{Changes, record_key};
use crate::engine::tenant::{BATCH, MOST_ATTEMPTS};
use crate::entity::{Evidence, HUB_OBJECT};
use crate::error::Error;
use crate::fact::EntityFact;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName, RecordRef, SurfaceName};
use crate::observation::stored::StoredObservation;
use crate::observation::{Coverage, Observation, Sighting};
use crate::settle::Touched;
use crate::stamp::Stamp;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::{EntityIndex, Unlinked};

/// The row of a record that waits to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct WorkRow {
    /// Raised by every hint, so that one that comes while the record is being read is not lost.
    pub(crate) hints: u64,
}

/// A dead letter as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct StoredDeadLetter {
    /// The connection.
    pub connection: ConnectionName,
    /// The surface.
    pub surface: SurfaceName,
    /// The record, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordRef>,
    /// What was expected, and where.
    pub cause: String,
    /// When it came, in milliseconds since the epoch.
    pub at: i64,
    /// The bytes: text as it is, anything else in hexadecimal behind `hex:`.
    pub body: String,
}

/// The cases of records without entity, and of those that two entities claim.
pub(crate) const UNLINKED: &str = "unlinked/";
pub(crate) const MERGED: &str = "merged/";

/// The row of a case about a record.
pub(crate) fn case_key(kind: &'static str, record: &RecordRef) -> RowKey {
    RowKey::new(Table::Case, format!("{kind}{}", record_key(record)))
}

/// The row of a record that matches no entity, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct UnlinkedRow {
    pub(crate) record: RecordRef,
    pub(crate) why: Text,
    pub(crate) candidates: Vec<crate::id::EntityId>,
    pub(crate) since: i64,
}

impl Tenant {
    /// Takes in the items of one delivery, page or read.
    pub(crate) async fn take_items(&self, name: &ConnectionName, items: &[Item], read: u32) -> Result<TakenIn, Error> {
        let inputs = {
            let connection = self.core.connections.get(name).ok_or_else(|| Error::UnknownConnection(name.clone()))?;
            let mut batch = Batch::new();
            sort(name, connection, &self.core.model, items, read, &mut batch)
        };
        self.take_in(inputs, &Self::engine()).await
    }

    /// Takes in inputs, [`BATCH`] at a time.
    pub(crate) async fn take_in(&self, inputs: Vec<Input>, actor: &Actor) -> Result<TakenIn, Error> {
        let mut taken = TakenIn::default();
        for batch in inputs.chunks(BATCH) {
            taken += self.take_batch(batch, actor).await?;
        }
        Ok(taken)
    }

    async fn take_batch(&self, inputs: &[Input], actor: &Actor) -> Result<TakenIn, Error> {
        self.require_model().await?;
        let mut key = Text::default();
        for _ in 0..MOST_ATTEMPTS {
            let (taken, commit) = self.prepare(inputs, actor).await?;
            if commit.put.is_empty() && commit.journal.is_empty() {
                return Ok(taken);
            }
            if let Some((lost, _)) = commit.expect.first() {
                key = lost.key.clone();
            }
            if self.commit("take in what a system said", commit).await? {
                return Ok(taken);
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key })
    }

    /// Loads what a batch touches, decides, and collects the changes.
    async fn prepare(&self, inputs: &[Input], actor: &Actor) -> Result<(TakenIn, crate::store::Commit), Error> {
        let as_of = self.now();
        let mut taken = TakenIn::default();
        let mut loader = Loader::new(&self.core, &self.id);
        loader.records(&touched_records(inputs)).await?;
        let mut changes = Changes::new(&self.core, as_of, actor);
        let mut hints: BTreeSet<RecordRef> = BTreeSet::new();
        let mut facts = Vec::new();
        self.with_frame(|frame| {
            for input in inputs {
                self.fold_input(frame, input, &mut loader, &mut changes, &mut hints, &mut facts, &mut taken);
            }
        });
        // Records without an entity: who holds the same identity values?
        let unlinked: Vec<u32> = (0u32..)
            .zip(loader.loaded.set.records())
            .filter(|(_, state)| state.entity.is_none() && state.changed && state.representation.speaks())
            .map(|(index, _)| index)
            .collect();
        let changed: Vec<u32> = (0u32..)
            .zip(loader.loaded.set.records())
            .filter(|(_, state)| state.changed)
            .map(|(index, _)| index)
            .collect();
        let mut keys = self.with_frame(|frame| {
            changed.iter().flat_map(|record| loader.loaded.set.identity_keys(frame, *record)).collect::<Vec<_>>()
        });
        keys.extend(loader.loaded.keys_before.iter().filter(|(r, _)| changed.contains(r)).flat_map(|(_, k)| k.clone()));
        loader.identities(&keys).await?;
        let awaiting = self.creates_under_way().await?;
        let mut joined: Vec<(RecordRef, EntityIndex)> = Vec::new();
        self.with_frame(|frame| {
            for (place, record) in unlinked.into_iter().enumerate() {
                let state = loader.loaded.set.record(record);
                let reference = (*state.record).clone();
                let awaits = awaiting.contains(&(reference.connection.clone(), reference.object.clone()));
                let order = order(as_of, place);
                if state.object == HUB_OBJECT {
                    let entity = reference.id.parse().ok().and_then(|id| loader.loaded.set.find_entity(id));
                    if let Some(entity) = entity {
                        loader.loaded.set.link(entity, record, order, Evidence::Hub, &mut facts);
                    }
                    continue;
                }
                let mut new_id = || self.core.new_entity_id(as_of);
                match loader.loaded.set.join(frame, record, order, awaits, &mut new_id, &mut facts) {
                    Ok(entity) => joined.push((reference, entity)),
                    Err(Unlinked::Awaits) => {
                        hints.insert(reference);
                    }
                    Err(unlinked) => list_unlinked(&mut changes, &reference, &unlinked, as_of),
                }
            }
        });
        for (record, _) in &joined {
            changes.delete(case_key(UNLINKED, record));
            for (row, entity) in loader.waiting_for(record).await? {
                changes.delete(row);
                loader.loaded.set.touch(entity, Touched::Everything);
            }
        }
        loader.references().await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut facts);
            for state in loader.loaded.set.records().iter().filter(|state| state.must_read) {
                hints.insert((*state.record).clone());
            }
            changes.add_set(frame, &loader.loaded, &facts)
        })?;
        self.add_hints(&mut loader, &mut changes, hints, &mut taken).await?;
        Ok((taken, changes.commit))
    }

    #[expect(clippy::too_many_arguments, reason = "one step's state, and its input")]
    fn fold_input(
        &self,
        frame: &crate::working_set::Frame<'_>,
        input: &Input,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        hints: &mut BTreeSet<RecordRef>,
        facts: &mut Vec<EntityFact>,
        taken: &mut TakenIn,
    ) {
        match input {
            Input::Observed { observation, surface, body } => {
                if self.fold(frame, loader, changes, observation, surface, body) {
                    taken.observed += 1;
                } else {
                    taken.known += 1;
                }
            }
            Input::Gone { record, evidence, read, surface } => {
                let Some(index) = loader.loaded.set.find_record(record) else { return };
                let token = loader.loaded.set.record(index).representation.last_token();
                let observation = bare(record, Stamp { token, read: *read }, Sighting::Dead(*evidence));
                taken.observed += usize::from(self.fold(frame, loader, changes, &observation, surface, &[]));
            }
            Input::Absent { record, scan } => {
                let Some(index) = loader.loaded.set.find_record(record) else { return };
                let token = loader.loaded.set.record(index).representation.last_token();
                let observation = bare(record, Stamp::new(token), Sighting::Absent { scan: *scan });
                self.fold(frame, loader, changes, &observation, &SurfaceName::new("scan"), &[]);
                if loader.loaded.set.record(index).representation.existence().missed_scans() >= 2 {
                    hints.insert(record.clone());
                }
            }
            Input::Merged { loser, survivor, token } => {
                let Some(index) = loader.loaded.set.find_record(loser) else { return };
                let last = loader.loaded.set.record(index).representation.last_token();
                let stamp = Stamp::new(token.unwrap_or(last));
                loader.loaded.set.redirect(index, stamp, survivor.clone());
                changes.journal("merged", &loser.to_string(), &(loser, survivor, stamp));
                Self::follow_survivor(loader, changes, loser, survivor, facts);
                taken.observed += 1;
            }
            Input::Hint(record) => {
                hints.insert(record.clone());
            }
            Input::Dead(letter) => {
                bury(changes, letter, changes.as_of());
                taken.dead_letters += 1;
            }
        }
    }

    /// Folds one observation; journals it with its bytes if it changed anything. Says whether it did.
    fn fold(
        &self,
        frame: &crate::working_set::Frame<'_>,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        observation: &Observation,
        surface: &SurfaceName,
        body: &[u8],
    ) -> bool {
        let Some(index) = loader.loaded.set.find_record(&observation.record) else { return false };
        if !loader.loaded.set.fold(frame, index, observation) {
            return false;
        }
        let state = loader.loaded.set.record(index);
        let names = self.core.slot_names(state.entity_type, state.object);
        let stored = StoredObservation::new(observation, surface, body, names);
        changes.journal("observed", &observation.record.to_string(), &stored);
        true
    }

    /// A survivor without link takes the loser's place: the entity of the merged record goes on. A survivor that belongs
    /// to another entity is a case: whether the entities are one is a person's to say.
    fn follow_survivor(
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        loser: &RecordRef,
        survivor: &Text,
        facts: &mut Vec<EntityFact>,
    ) {
        let survivor = RecordRef { id: survivor.clone(), ..loser.clone() };
        let set = &mut loader.loaded.set;
        let (Some(from), Some(to)) = (set.find_record(loser), set.find_record(&survivor)) else { return };
        match (set.record(from).entity, set.record(to).entity) {
            (Some(entity), None) => {
                set.link(entity, to, order(changes.as_of(), facts.len()), Evidence::Survived, facts);
            }
            (Some(one), Some(other)) if one != other => {
                let candidates = vec![set.entity(one).entity.id, set.entity(other).entity.id];
                let why = "records of two entities were merged inside their system".into();
                let row = UnlinkedRow { record: survivor.clone(), why, candidates, since: changes.as_of() };
                changes.put(case_key(MERGED, &survivor), &row);
            }
            _ => {}
        }
    }

    async fn add_hints(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        hints: BTreeSet<RecordRef>,
        taken: &mut TakenIn,
    ) -> Result<(), Error> {
        let keys: Vec<RowKey> = hints.iter().map(|record| RowKey::new(Table::Work, record_key(record))).collect();
        let rows = loader.rows(&keys).await?;
        for (key, row) in keys.into_iter().zip(rows) {
            changes.commit.expect.push((key.clone(), row.as_ref().map(|row| row.revision)));
            let hints =
                row.and_then(|row| serde_json::from_slice::<WorkRow>(&row.value).ok()).map_or(0, |row| row.hints);
            changes.put(key, &WorkRow { hints: hints + 1 });
            taken.hinted += 1;
        }
        Ok(())
    }
}

/// The place of a link in the order of confirmation.
pub(crate) fn order(as_of: i64, place: usize) -> u64 {
    u64::try_from(as_of).unwrap_or(0) << 16 | u64::try_from(place).unwrap_or(u64::MAX) & 0xFFFF
}

fn touched_records(inputs: &[Input]) -> Vec<RecordRef> {
    inputs
        .iter()
        .flat_map(|input| match input {
            Input::Observed { observation, .. } => vec![observation.record.clone()],
            Input::Gone { record, .. } | Input::Absent { record, .. } => vec![record.clone()],
            Input::Merged { loser, survivor, .. } => {
                vec![loser.clone(), RecordRef { id: survivor.clone(), ..loser.clone() }]
            }
            Input::Hint(_) | Input::Dead(_) => Vec::new(),
        })
        .collect()
}

fn bare(record: &RecordRef, stamp: Stamp, sighting: Sighting) -> Observation {
    Observation {
        record: record.clone(),
        stamp,
        sighting,
        coverage: Coverage::Carried,
        cells: Vec::new(),
        denied: Vec::new(),
    }
}

fn list_unlinked(changes: &mut Changes<'_>, record: &RecordRef, unlinked: &Unlinked, as_of: i64) {
    let (why, candidates) = match unlinked {
        Unlinked::Ambiguous(entities) => ("it matches several entities", entities.clone()),
        Unlinked::NoMatch => ("it matches no entity, and its object type makes none", Vec::new()),
        Unlinked::Awaits => return,
    };
    let row = UnlinkedRow { record: record.clone(), why: why.into(), candidates, since: as_of };
    changes.put(case_key(UNLINKED, record), &row);
}

/// Keeps an input that could not be processed, whole. The same letter again is the same row.
pub(crate) fn bury(changes: &mut Changes<'_>, letter: &DeadLetter, at: i64) {
    let body = match std::str::from_utf8(&letter.body) {
        Ok(text) => text.to_owned(),
        Err(_) => letter.body.iter().map(|byte| format!("{byte:02x}")).fold("hex:".to_owned(), |hex, byte| hex + &byte),
    };
    let stored = StoredDeadLetter {
        connection: letter.connection.clone(),
        surface: letter.surface.clone(),
        record: letter.record.clone(),
        cause: letter.cause.clone(),
        at,
        body,
    };
    let identity = format!("{}/{}/{}/{}", letter.connection, letter.surface, stored.cause, stored.body);
    let key = Digest::of(identity.as_bytes()).to_string();
    changes.put(RowKey::new(Table::DeadLetter, key), &stored);
    let subject = letter.record.as_ref().map_or_else(|| letter.connection.to_string(), ToString::to_string);
    changes.journal("dead_letter", &subject, &stored);
}
