//! Taking in: inputs become durable state, in batches, each one commit.

pub(crate) mod merges;

use std::collections::{BTreeMap, BTreeSet};

use crate::connector::Item;
use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::intake::{Input, TakenIn, sort};
use crate::engine::persist::{Changes, record_of_key};
use crate::engine::tenant::BATCH;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::dead_letter::{StoredDeadLetter, bury, letter_key};
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::work::{Hints, add_hints};
use crate::error::Error;
use crate::id::{Actor, ConnectionName, RecordRef, SurfaceName};
use crate::observation::stored::StoredObservation;
use crate::observation::{Coverage, DeathEvidence, Observation, Sighting};
use crate::representation::Life;
use crate::stamp::Stamp;
use crate::store::{Commit, RowKey, Table};
use crate::text::Text;

impl Tenant {
    /// Takes in the items of one delivery, page or read.
    pub(crate) async fn take_items(&self, name: &ConnectionName, items: &[Item], read: u64) -> Result<TakenIn, Error> {
        let items = &*self.believable(name, items).await?;
        let inputs = {
            let (_, connection) = self.connection(name.as_str())?;
            let mut batch = Batch::new();
            sort(name, connection, &self.core.model, items, read, &mut batch)
        };
        let told = items.len();
        let taken = self.take_in(inputs, &Self::engine()).await?;
        let (_, connection) = self.connection(name.as_str())?;
        connection.vitals.note_told(self.now(), told, taken.dead_letters);
        connection.instruments.taken(&taken);
        Ok(taken)
    }

    /// Takes in inputs, [`BATCH`] at a time.
    pub(crate) async fn take_in(&self, inputs: Vec<Input>, actor: &Actor) -> Result<TakenIn, Error> {
        self.take_in_read(inputs, actor, &BTreeSet::new()).await
    }

    /// Takes in what a read of the records `reading` answered.
    pub(crate) async fn take_in_read(
        &self,
        inputs: Vec<Input>,
        actor: &Actor,
        reading: &BTreeSet<RecordRef>,
    ) -> Result<TakenIn, Error> {
        let mut taken = TakenIn::default();
        for batch in inputs.chunks(BATCH) {
            taken += self.take_batch(batch, actor, reading).await?;
        }
        Ok(taken)
    }

    async fn take_batch(
        &self,
        inputs: &[Input],
        actor: &Actor,
        reading: &BTreeSet<RecordRef>,
    ) -> Result<TakenIn, Error> {
        self.require_model().await?;
        let mut attempts = Attempts::default();
        loop {
            let (taken, commit) = self.prepare(inputs, actor, reading).await?;
            if commit.put.is_empty() && commit.journal.is_empty() {
                return Ok(taken);
            }
            let listed = newly_listed(&commit);
            if attempts.commit(self, "take in what a system said", commit).await? {
                for (name, more) in listed {
                    self.core.backlogs.moved(&self.id, &name, more, 0);
                }
                return Ok(taken);
            }
        }
    }

    /// Loads what a batch touches, decides, and collects the changes.
    pub(in crate::engine::tenant) async fn prepare(
        &self,
        inputs: &[Input],
        actor: &Actor,
        reading: &BTreeSet<RecordRef>,
    ) -> Result<(TakenIn, Commit), Error> {
        // Before anything is read: what was read rests on who was erased by then.
        self.suppression().await?;
        let as_of = self.now();
        let mut taken = TakenIn::default();
        let mut loader = Loader::new(&self.core, &self.id);
        loader.records(&touched_records(inputs)).await?;
        let mut changes = Changes::new(&self.core, as_of, actor);
        let inputs = &*self.unsuppressed(inputs, &mut loader, &mut changes, &mut taken).await?;
        loader.merges().await?;
        let letters = known_letters(&mut loader, inputs).await?;
        let cycles = merges::cycles(&loader.loaded.set);
        let mut hints = Hints::default();
        let mut links = Links::default();
        self.with_frame(|frame| {
            for input in inputs {
                self.fold_input(frame, input, &letters, &mut loader, &mut changes, &mut hints, &mut taken);
            }
        });
        let restood = self.follow_merges(&mut loader, &mut changes, &mut links, &mut hints, inputs, &cycles).await?;
        let state = |index: u32| loader.loaded.set.record(index);
        let changed: Vec<u32> = (0u32..)
            .zip(loader.loaded.set.records())
            .filter(|(index, state)| state.changed || restood.contains(index))
            .map(|(index, _)| index)
            .collect();
        // Records without an entity: who holds the same identity values?
        let unlinked: Vec<u32> = changed.iter().copied().filter(|index| state(*index).entity.is_none()).collect();
        loader.identities_of(&changed).await?;
        self.join(&mut loader, &unlinked, as_of, &mut links).await?;
        self.follow_links(&mut loader, &mut changes, &mut links).await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut links.facts);
            for state in loader.loaded.set.records().iter().filter(|state| state.must_read) {
                hints.insert((*state.record).clone());
            }
            changes.add_set(frame, &loader.loaded, &links.facts)
        })?;
        taken.hinted += add_hints(&mut loader, &mut changes, &hints, &links.awaited, reading).await?;
        Ok((taken, changes.commit))
    }

    #[expect(clippy::too_many_arguments, reason = "an input, what is known, and all that it may change")]
    fn fold_input(
        &self,
        frame: &crate::working_set::Frame<'_>,
        input: &Input,
        letters: &BTreeMap<Text, StoredDeadLetter>,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        hints: &mut Hints,
        taken: &mut TakenIn,
    ) {
        match input {
            Input::Observed { observation, .. } if planted!(BusyRecordSkipped && self.is_busy(&observation.record)) => {
            }
            Input::Observed { observation, surface, body } => {
                if self.fold(frame, loader, changes, observation, surface, body) {
                    taken.observed += 1;
                } else {
                    taken.known += 1;
                }
                if outlived(loader, observation) || came_back_in_part(loader, observation) {
                    hints.insert(observation.record.clone());
                }
            }
            Input::Gone { record, evidence, read, surface } => {
                let Some(index) = loader.loaded.set.find_record(record) else { return };
                let token = loader.loaded.set.record(index).representation.last_token();
                let observation = bare(record, Stamp { token, read: *read }, Sighting::Dead(*evidence));
                taken.observed += usize::from(self.fold(frame, loader, changes, &observation, surface, &[]));
            }
            Input::Entered { observation, entry } => {
                let Some(index) = loader.loaded.set.find_record(&observation.record) else { return };
                let last = loader.loaded.set.record(index).representation.last_token();
                let mut observation = observation.clone();
                observation.stamp.token = observation.stamp.token.max(last);
                let surface = SurfaceName::new("entry");
                if self.fold(frame, loader, changes, &observation, &surface, &[]) {
                    taken.observed += 1;
                    // The hub's record has the id of its entity.
                    changes.journal("entered", &observation.record.id, entry);
                }
            }
            Input::Absent { record, scan } if planted!(AbsenceTakenForDeletion) => {
                let (evidence, surface) = (DeathEvidence::Gone, SurfaceName::new("scan"));
                let gone = Input::Gone { record: record.clone(), evidence, read: *scan, surface };
                self.fold_input(frame, &gone, letters, loader, changes, hints, taken);
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
                if loser.id != *survivor && loader.loaded.set.redirect(index, stamp, survivor.clone()) {
                    changes.journal("merged", &loser.to_string(), &(loser, survivor, stamp));
                    taken.observed += 1;
                } else {
                    taken.known += 1;
                }
            }
            Input::Hint { .. } if planted!(HintDropped) => {}
            Input::Hint { record, by_scan: true, .. } => hints.insert(record.clone()),
            Input::Hint { record, .. } => hints.told(record.clone()),
            Input::Dead(_) if planted!(DeadLetterDropped) => {}
            Input::Dead(letter) => {
                bury(changes, letter, changes.as_of(), letters.get(&letter_key(letter)));
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
        if planted!(EchoByTimeWindow && crate::zoo::written_lately(&loader.loaded.set, index, changes.as_of())) {
            return false;
        }
        if !loader.loaded.set.fold(frame, index, observation) && !planted!(DedupeSkipped) {
            return false;
        }
        let state = loader.loaded.set.record(index);
        let names = self.core.slot_names(state.entity_type, state.object);
        if planted!(ObservationNotJournaled) {
            return true;
        }
        let stored = StoredObservation::new(observation, surface, body, names);
        changes.journal("observed", &observation.record.to_string(), &stored);
        true
    }
}

/// How many records a commit puts on the list of those to be read that were not there, by connection.
fn newly_listed(commit: &Commit) -> BTreeMap<ConnectionName, u64> {
    let mut listed = BTreeMap::new();
    let new = commit.expect.iter().filter(|(key, revision)| key.table == Table::Work && revision.is_none());
    for record in new.filter_map(|(key, _)| record_of_key(&key.key)) {
        *listed.entry(record.connection).or_default() += 1;
    }
    listed
}

fn touched_records(inputs: &[Input]) -> Vec<RecordRef> {
    inputs
        .iter()
        .flat_map(|input| match input {
            Input::Observed { observation, .. } | Input::Entered { observation, .. } => {
                vec![observation.record.clone()]
            }
            Input::Gone { record, .. } | Input::Absent { record, .. } => vec![record.clone()],
            Input::Merged { loser, survivor, .. } => {
                vec![loser.clone(), RecordRef { id: survivor.clone(), ..loser.clone() }]
            }
            Input::Hint { .. } | Input::Dead(_) => Vec::new(),
        })
        .collect()
}

/// Whether a death and a sighting that a read found carry one token: the system may count in seconds, and which was first
/// is not said. The record must be read.
fn outlived(loader: &Loader<'_>, observation: &Observation) -> bool {
    let dead = matches!(observation.sighting, Sighting::Dead(_)) && observation.stamp.read == 0;
    let Some(index) = loader.loaded.set.find_record(&observation.record).filter(|_| dead) else { return false };
    let existence = loader.loaded.set.record(index).representation.existence();
    let last = existence.last().unwrap_or_default();
    last > observation.stamp && last.token == observation.stamp.token && !matches!(existence.life(), Life::Dead(_))
}

/// Whether what was told leaves a record that came back without a full view of it: its cells stay hidden until it is read.
fn came_back_in_part(loader: &Loader<'_>, observation: &Observation) -> bool {
    let told = observation.stamp.read == 0;
    let index = loader.loaded.set.find_record(&observation.record).filter(|_| told);
    index.is_some_and(|index| loader.loaded.set.record(index).representation.existence().life() == Life::Resurrected)
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

/// The dead letters among inputs that came before, by key.
async fn known_letters(loader: &mut Loader<'_>, inputs: &[Input]) -> Result<BTreeMap<Text, StoredDeadLetter>, Error> {
    let dead = inputs.iter().filter_map(|input| match input {
        Input::Dead(letter) => Some(letter_key(letter)),
        _ => None,
    });
    let keys: Vec<RowKey> = dead.map(|key| RowKey::new(Table::DeadLetter, key)).collect();
    let mut known = BTreeMap::new();
    for (key, row) in keys.iter().zip(loader.rows(&keys).await?) {
        if let Some(row) = row {
            known.insert(key.key.clone(), parse(Table::DeadLetter, &row)?);
        }
    }
    Ok(known)
}
