//! The engine's writes, as the systems carry them out.

use accordant::connector::{CreateSafety, Outcome, Write, WriteAction, WriteReceipt};
use accordant::model::Path;
use accordant::text::Text;
use accordant::value::Native;

use crate::agenda::{Event, TaskId};
use crate::approvals::Approved;
use crate::design::ATTRIBUTES;
use crate::dialect::Change;
use crate::fault::Fault;
use crate::oracle::Place;
use crate::scene::change::spell;
use crate::scene::{By, Inner};
use crate::server::{Server, id};
use crate::word::Word;

impl Inner {
    /// Carries out a batch, and answers it.
    /// `heard`: who will be told, if the engine is.
    pub fn carry_out(&mut self, system: usize, writes: &[Write], heard: Option<TaskId>) -> Vec<WriteReceipt> {
        let expires =
            if self.weather.strikes(Fault::TokenExpired) { self.weather.rng().below(writes.len()) } else { usize::MAX };
        let partial = self.weather.strikes(Fault::BatchPartial);
        let mut receipts = Vec::with_capacity(writes.len());
        for (place, write) in writes.iter().enumerate() {
            if place >= expires || (partial && self.weather.rng().chance(500)) {
                receipts.push(without_effect(Outcome::Deferred { after: None }));
                continue;
            }
            self.meanwhile(system, write);
            receipts.push(self.carry_out_one(system, write, heard));
            self.states.extend(receipts.last().map(|receipt| answer(&receipt.outcome)));
            if heard.is_none() {
                self.states.insert("no answer");
            }
        }
        receipts
    }

    /// What of each write took effect and is rightly written once more if nobody hears of it. Of a record that was made it is what
    /// its system keeps in a form of its own: what a probe finds there may be somebody's edit. `updates`: of updates too.
    pub fn took_effect(
        &self,
        system: usize,
        writes: &[Write],
        receipts: &[WriteReceipt],
        updates: bool,
    ) -> Vec<Vec<Place>> {
        let server = &self.servers[system];
        let effect = |(write, receipt): (&Write, &WriteReceipt)| match (&write.action, &receipt.outcome) {
            (WriteAction::Update { .. }, Outcome::Applied { id }) if updates => places(server, write, id),
            (WriteAction::Create { .. }, Outcome::Applied { id }) if server.design.capitals => {
                places(server, write, id)
            }
            _ => Vec::new(),
        };
        writes.iter().zip(receipts).map(effect).collect()
    }

    /// What updates write, if they take effect.
    pub fn updated(&self, system: usize, writes: &[Write]) -> Vec<Place> {
        let server = &self.servers[system];
        let updated = |write: &Write| match &write.action {
            WriteAction::Update { id } => places(server, write, id),
            _ => Vec::new(),
        };
        writes.iter().flat_map(updated).collect()
    }

    /// Counts a write against the limit on writes.
    fn count(&mut self, system: usize, attribute: usize, heard: Option<TaskId>) {
        let Some(limit) = self.design.house.writes.filter(|_| heard.is_some()) else { return };
        if self.allowance.is_exceeded_by(system, attribute, self.now, limit) {
            let (name, what) = (self.servers[system].design.name, ATTRIBUTES.get(attribute).unwrap_or(&"presence"));
            self.oracle.accuse(format!("{what} is written more often into {name} within a day than anybody confirmed"));
        }
    }

    /// Tells of what we changed ourselves, where a system does.
    fn publish_own(&mut self, system: usize, place: usize) {
        if !self.servers[system].design.mute {
            self.publish(system, place);
        }
    }

    /// People do not wait for our writes.
    fn meanwhile(&mut self, system: usize, write: &Write) {
        let (WriteAction::Update { id } | WriteAction::Archive { id }) = &write.action else { return };
        let Some(place) = self.servers[system].find(id) else { return };
        if self.weather.strikes(Fault::EditRaced) {
            let attribute = self.weather.rng().below(self.design.attributes.len());
            let word = self.new_word();
            self.person_edits(system, place, attribute, word);
        }
        if self.weather.strikes(Fault::RecordMoved) {
            self.person_deletes(system, place, false);
        }
    }

    /// Judges whom writes are about, as they set out.
    pub fn judge_sent(&mut self, system: usize, writes: &[Write]) {
        let server = &self.servers[system];
        let mut about: Vec<(usize, &'static str)> = Vec::new();
        for write in writes {
            let (id, what) = match &write.action {
                WriteAction::Update { id } => (Some(id), "an update"),
                WriteAction::Archive { id } => (Some(id), "an archive"),
                _ => (None, "a create"),
            };
            let place = id.and_then(|id| server.find(id));
            about.extend(place.map(|place| (server.records[place].subject, what)));
            for change in fields(server, &write.changes).into_iter().flatten() {
                about.extend(match change {
                    Change::Key(subject) => Some((subject, what)),
                    Change::Set(_, word) => self.oracle.whose(word).map(|(subject, _)| (subject, what)),
                    Change::Beside => None,
                });
            }
        }
        for (subject, what) in about {
            self.oracle.sends(system, subject, what);
        }
    }

    fn carry_out_one(&mut self, system: usize, write: &Write, heard: Option<TaskId>) -> WriteReceipt {
        let Some(changes) = fields(&self.servers[system], &write.changes) else {
            self.oracle.accuse(format!("a write carries what nobody said: {:?}", write.changes));
            return without_effect(Outcome::Refused { reason: "no such field".into() });
        };
        if self.permissions.is_observed(system) {
            let name = self.servers[system].design.name;
            self.oracle.accuse(format!("{name} is only observed, and was written"));
        }
        let place = match &write.action {
            WriteAction::Create { key } => match self.create(system, key, &changes, heard) {
                Ok(place) => place,
                Err(outcome) => return without_effect(outcome),
            },
            WriteAction::Update { id } => match self.update(system, id, write, &changes, heard) {
                Some(place) => place,
                None => return without_effect(Outcome::Stale),
            },
            WriteAction::Archive { id } => match self.archive(system, id, heard) {
                Some(place) => place,
                None => return without_effect(Outcome::Stale),
            },
            _ => return without_effect(Outcome::Refused { reason: "no such action".into() }),
        };
        let server = &self.servers[system];
        let record = &server.records[place];
        let told = server.design.answers && record.live;
        WriteReceipt {
            outcome: Outcome::Applied { id: id(place).into() },
            record: told.then(|| server.item(place, "read")),
            token: Some(record.token),
        }
    }

    /// Whatever takes effect was approved, and is approved once.
    fn spend(&mut self, system: usize, at: &str, changes: &[Change], whole: bool, heard: Option<TaskId>) {
        let Some(task) = heard else { return };
        let set = changes.iter().filter_map(|change| match change {
            Change::Set(attribute, word) => Some((Some(*attribute), *word)),
            Change::Key(_) | Change::Beside => None,
        });
        // Whoever is not told may carry it out once more; and what comes late was approved when it was sent.
        for (attribute, word) in set.chain(whole.then_some((None, Word::NONE))) {
            let approved = Approved { system, at: at.to_owned(), attribute, word };
            // Of two workers one may carry out what the other has just approved again.
            let asked = self.approvals.stands(&approved);
            let unasked = |attribute| self.permissions.uses(system, attribute, task);
            if !asked && !attribute.is_some_and(unasked) && !self.oracle.two_workers {
                let name = self.servers[system].design.name;
                let what = attribute.map_or("presence", |attribute| ATTRIBUTES[attribute]);
                self.oracle.accuse(format!("{name} {at} {what} is written {word}, which nobody approved"));
            }
            self.approvals.spend(&approved);
        }
    }

    fn create(
        &mut self,
        system: usize,
        key: &Text,
        changes: &[Change],
        heard: Option<TaskId>,
    ) -> Result<usize, Outcome> {
        let server = &self.servers[system];
        if server.design.safety == CreateSafety::RemoteKey
            && let Some(place) = server.create_keys.get(key)
        {
            return Ok(server.survivor(*place));
        }
        let Some(subject) = changes.iter().find_map(|change| match change {
            Change::Key(subject) => Some(*subject),
            Change::Set(..) | Change::Beside => None,
        }) else {
            return Err(Outcome::Refused { reason: "a record needs a key".into() });
        };
        if server.design.unique && server.about(subject).is_some() {
            return Err(Outcome::Refused { reason: "another record has this key".into() });
        }
        let capitals = server.design.capitals;
        let mut fields = vec![Word::NONE; self.design.attributes.len()];
        for change in changes {
            if let Change::Set(attribute, word) = change {
                fields[*attribute] = if capitals { word.capital() } else { *word };
            }
        }
        // Behind the entity's id, which is a UUID, may stand a generation.
        let at = key.get(..36).unwrap_or(key.as_str());
        self.spend(system, at, changes, true, heard);
        let now = self.now;
        let place = self.servers[system].make(now, subject, fields.clone());
        self.servers[system].create_keys.insert(key.clone(), place);
        self.oracle.made(system, subject, &fields, By::Engine, now);
        self.count(system, ATTRIBUTES.len(), heard);
        let (name, safety) = (self.servers[system].design.name, self.servers[system].design.safety);
        // Where an earlier attempt may have made it, what it is answered with may be somebody's edit, as if it had been found.
        let drains = matches!(safety, CreateSafety::DrainThenConsistentLookup { .. });
        if capitals && !drains && heard.is_some() && self.intents.are_doubtful(name, at) {
            let said = (0..fields.len()).filter(|attribute| fields[*attribute].is_some());
            let found: Vec<Place> = said.map(|attribute| (system, place, attribute)).collect();
            self.unheard(&found);
        }
        self.trace.mix(&[5, system as i64, place as i64, subject as i64]);
        self.say(|| format!("the engine creates {name} {} about k{subject}: {}", id(place), spell(&fields)));
        self.publish_own(system, place);
        Ok(place)
    }

    fn update(
        &mut self,
        system: usize,
        native: &str,
        write: &Write,
        changes: &[Change],
        heard: Option<TaskId>,
    ) -> Option<usize> {
        let server = &self.servers[system];
        let place = server.find(native)?;
        let record = &server.records[place];
        if !record.live {
            return None;
        }
        let expect = fields(server, &write.expect);
        if server.design.compares {
            let expected = expect.as_ref().is_some_and(|expect| {
                expect.iter().all(|change| match change {
                    Change::Key(subject) => *subject == record.subject,
                    Change::Set(attribute, word) => record.fields[*attribute] == *word,
                    Change::Beside => true,
                })
            });
            if !expected {
                let name = server.design.name;
                self.say(|| format!("{name} {native} is not as the engine expects: its write is refused"));
                return None;
            }
        }
        let capitals = server.design.capitals;
        let mut next = record.fields.clone();
        for change in changes {
            if let Change::Set(attribute, word) = change {
                next[*attribute] = if capitals { word.capital() } else { *word };
            }
        }
        self.spend(system, native, changes, false, heard);
        let now = self.now;
        if self.servers[system].design.restores {
            let before = self.servers[system].records[place].fields.clone();
            for (attribute, word) in before.into_iter().enumerate().filter(|(at, word)| next[*at] != *word) {
                let delay = self.weather.rng().between(5_000, 120_000);
                self.soon(delay, Event::Restore(system, place, attribute, word));
            }
        }
        self.servers[system].change(now, place, |record| record.fields.clone_from(&next));
        let expected = |attribute: usize| {
            expect.iter().flatten().find_map(|change| match change {
                Change::Set(of, word) if *of == attribute => Some(*word),
                _ => None,
            })
        };
        for change in changes {
            if let Change::Set(attribute, sent) = change {
                let of = (system, place, *attribute);
                self.oracle.wrote(of, next[*attribute], (*sent, expected(*attribute)), now);
                self.count(system, *attribute, heard);
            }
        }
        let name = self.servers[system].design.name;
        self.trace.mix(&[6, system as i64, place as i64, self.servers[system].records[place].token]);
        self.say(|| {
            let written = changes.iter().filter_map(|change| match change {
                Change::Set(attribute, _) => Some(format!("{} = {}", ATTRIBUTES[*attribute], next[*attribute])),
                Change::Key(_) | Change::Beside => None,
            });
            format!("the engine writes {name} {native}: {}", written.collect::<Vec<_>>().join(", "))
        });
        self.publish_own(system, place);
        if self.hurries() {
            let (attribute, delay) =
                (self.haste.below(self.design.attributes.len()), self.haste.between(1_000, 50_000));
            self.soon(delay, Event::Again(system, place, attribute));
        }
        Some(place)
    }

    fn archive(&mut self, system: usize, native: &str, heard: Option<TaskId>) -> Option<usize> {
        let place = self.servers[system].find(native)?;
        if !self.servers[system].records[place].live {
            return None;
        }
        let now = self.now;
        self.spend(system, native, &[], true, heard);
        if heard.is_some() {
            self.oracle.archived(system, place);
            if self.approvals.archived(&self.design, system, native) {
                let name = self.servers[system].design.name;
                self.oracle
                    .accuse(format!("{} archives in {name}, and nobody confirmed so many", self.design.limit + 1));
            }
        }
        self.servers[system].change(now, place, |record| record.live = false);
        self.oracle.lived(system, place, false);
        let name = self.servers[system].design.name;
        self.trace.mix(&[7, system as i64, place as i64]);
        self.say(|| format!("the engine archives {name} {native}"));
        self.publish_own(system, place);
        Some(place)
    }
}

/// What a write sets in a record.
fn places(server: &Server, write: &Write, id: &str) -> Vec<Place> {
    let Some(place) = server.find(id) else { return Vec::new() };
    let set =
        |change| if let Change::Set(attribute, _) = change { Some((server.place, place, attribute)) } else { None };
    fields(server, &write.changes).into_iter().flatten().filter_map(set).collect()
}

/// The leaves of a write; `None` if one is no field of this world or says what nobody can have said. What several leaves say
/// together is said once.
fn fields(server: &Server, leaves: &[(Path, Native)]) -> Option<Vec<Change>> {
    let mut changes = Vec::with_capacity(leaves.len());
    for (path, native) in leaves {
        let change = server.dialect.change(server.place, path, native)?;
        if change != Change::Beside && !changes.contains(&change) {
            changes.push(change);
        }
    }
    Some(changes)
}

const fn answer(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied { .. } => "answered: applied",
        Outcome::Stale => "answered: stale",
        Outcome::Deferred { .. } => "answered: put off",
        Outcome::Refused { .. } => "answered: refused",
        _ => "answered: unknown",
    }
}

const fn without_effect(outcome: Outcome) -> WriteReceipt {
    WriteReceipt { outcome, record: None, token: None }
}
