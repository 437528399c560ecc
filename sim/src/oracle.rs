//! The oracle: a plain model of what is true, fed with every edit and every write, that judges what the engine did.
//!
//! It shares no code with the engine and sees nothing of its state but which units it says wait for a person.

mod boundary;
mod erasure;
mod movers;
mod presence;

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::CreateSafety;

use crate::design::{ATTRIBUTES, Attribute, Design, System};
use crate::oracle::boundary::Boundary;
use crate::oracle::erasure::Erasures;
pub use crate::oracle::erasure::spelled;
use crate::scene::By;
use crate::word::Word;

/// A unit of somebody: subject and attribute.
pub type Unit = (usize, usize);

/// An attribute of a record: system, place and attribute.
pub type Place = (usize, usize, usize);

/// What an attribute of a record has been.
#[derive(Debug, Clone, Default)]
struct Cell {
    /// What it held, in order, who put it there, and when.
    history: Vec<(Word, By, i64)>,
    /// What it was when the heal began.
    before: Word,
    /// What it was when the world last rested: what was said and cleared since may never have been heard.
    rested: Word,
    /// Whether it had ever held anything when the world last rested.
    held: bool,
    /// Writes of the engine since this round began, but those that a form which nothing proves was met anew by.
    writes: usize,
    /// Writes that changed nothing since this round began, and that no form explains.
    noops: usize,
    /// Writes since this round began that took effect and that the engine was not told of, or told of and could not keep.
    unheard: usize,
    /// When writes arrived that had been given up, and may have been repeated since.
    late: BTreeSet<i64>,
}

impl Cell {
    fn last(&self) -> (Word, By, i64) {
        self.history.last().copied().unwrap_or((Word::NONE, By::Person, 0))
    }

    fn word(&self) -> Word {
        self.last().0
    }

    /// When the engine wrote what it holds, the last time first, if nobody said anything in between; none: the engine did not.
    fn tries(&self) -> impl Iterator<Item = i64> + '_ {
        let (word, ..) = self.last();
        let repeats = self.history.iter().rev().take_while(move |(held, by, _)| (*held, *by) == (word, By::Engine));
        repeats.map(|(.., at)| *at)
    }

    /// How many differences there are since it was last settled: 1 or none.
    fn settle(&mut self) -> usize {
        let word = self.word();
        usize::from(std::mem::replace(&mut self.before, word) != word)
    }
}

/// What the oracle knows of one record.
#[derive(Debug, Clone)]
struct Known {
    subject: usize,
    live: bool,
    cells: Vec<Cell>,
}

impl Known {
    /// How many of the writes that made an attribute what it is, up to an instant, prove nothing: what it held at the version of a
    /// write is read no more where something else of the record was changed since, or an earlier attempt arrived late, of whose
    /// version nobody is told.
    fn spoilt(&self, attribute: usize, now: i64) -> usize {
        let cell = &self.cells[attribute];
        let changes: BTreeSet<i64> = self.cells.iter().flat_map(|cell| &cell.history).map(|(.., at)| *at).collect();
        let (mut until, mut spoilt) = (now, 0);
        for at in cell.tries() {
            spoilt += usize::from(changes.range(at + 1..until.max(at + 1)).next().is_some());
            until = at + i64::from(cell.late.contains(&at));
        }
        spoilt
    }
}

/// Where a word was said.
#[derive(Debug, Clone, Default)]
struct Said {
    unit: Unit,
    systems: BTreeSet<usize>,
    /// When it was last said.
    at: i64,
    /// The words that whoever said it could know: what the record had held, and what was known when that was said.
    knows: BTreeSet<Word>,
}

/// The judge of one run.
#[derive(Debug, Default)]
pub struct Oracle {
    systems: Vec<System>,
    attributes: Vec<Attribute>,
    records: Vec<Vec<Known>>,
    said: BTreeMap<Word, Said>,
    /// The units that somebody ever cleared, by system.
    cleared: BTreeSet<(Unit, usize)>,
    /// The last word of people this round, by system.
    moved: BTreeMap<Unit, BTreeMap<usize, Word>>,
    /// How often people edited a unit this round.
    edits: BTreeMap<Unit, usize>,
    /// Subjects whose records came, went or were merged this round.
    disturbed: BTreeSet<usize>,
    /// Units that were not settled when the last round ended.
    open: BTreeSet<Unit>,
    /// Units that a person just decided, and that were in conflict.
    pub settled: BTreeSet<Unit>,
    /// Units that programs put back.
    fought: BTreeSet<Unit>,
    /// Differences that writes had mended, since the heal began, by when a program put one of their unit back.
    mended: usize,
    /// Subjects with a record that cannot be read: nothing is promised of them.
    pub poisoned: BTreeSet<usize>,
    /// Who may retire whom, and what people allow.
    boundary: Boundary,
    /// Who was erased.
    erasures: Erasures,
    /// Attributes whose ownership changed under way: their units follow when they are next settled.
    pub remodelled: BTreeSet<usize>,
    /// Units that a person ever decided.
    pub decided: BTreeSet<Unit>,
    /// When a person last did.
    decided_at: BTreeMap<Unit, i64>,
    /// Creates of the engine, and deaths of records, by subject and system.
    creates: BTreeMap<(usize, usize), (usize, usize)>,
    /// Replies lost, calls late, crashes, failed commits: what can make an honest engine do something twice.
    pub troubles: usize,
    /// Writes this round that took effect and that the engine was not told of, or told of and could not keep.
    unheard: usize,
    /// Words of people that were written over before the engine had heard them.
    unseen: BTreeSet<Word>,
    /// Whether two workers run.
    pub two_workers: bool,
    /// How often the engine has written since the heal began.
    pub heal_writes: usize,
    /// Writes since the heal began beside those that mend a difference, and rightly.
    rewrites: usize,
    /// Where something was written since the heal began whose model had changed.
    early: BTreeSet<Place>,
    /// Words of people that the engine wrote over, with where.
    overwritten: Vec<(Word, usize, usize, Unit)>,
    /// What it found.
    pub violations: Vec<String>,
}

impl Oracle {
    /// An oracle for a design.
    #[must_use]
    pub fn new(design: &Design) -> Self {
        Self {
            systems: design.systems.clone(),
            attributes: design.attributes.clone(),
            records: vec![Vec::new(); design.systems.len()],
            boundary: Boundary::of(design),
            ..Self::default()
        }
    }

    /// Finds fault.
    pub fn accuse(&mut self, what: String) {
        if self.violations.len() < 20 {
            self.violations.push(what);
        }
    }

    /// A round begins: people act, and things go wrong.
    pub fn round(&mut self) {
        self.moved.clear();
        self.edits.clear();
        self.disturbed.clear();
        (self.troubles, self.unheard) = (0, 0);
        self.each(|cell| (cell.writes, cell.noops, cell.unheard) = (0, 0, 0));
    }

    /// The heal begins, or goes on after people have decided: nobody but the engine changes anything.
    pub fn heal(&mut self) {
        (self.heal_writes, self.rewrites, self.mended) = (0, 0, 0);
        self.early.clear();
        self.each(|cell| cell.before = cell.word());
    }

    fn each(&mut self, change: impl Fn(&mut Cell)) {
        self.records.iter_mut().flatten().flat_map(|known| &mut known.cells).for_each(change);
    }

    /// A record was made.
    pub fn made(&mut self, system: usize, subject: usize, words: &[Word], by: By, now: i64) {
        self.disturbed.insert(subject);
        let cell = |word: &Word| Cell { history: vec![(*word, by, now)], before: *word, ..Cell::default() };
        self.records[system].push(Known { subject, live: true, cells: words.iter().map(cell).collect() });
        for (attribute, word) in words.iter().enumerate() {
            let unit = (subject, attribute);
            if by == By::Person {
                self.hear(system, unit, *word, BTreeSet::new(), now);
            } else if word.is_some() {
                self.check_word(system, unit, *word, "created with");
            }
        }
        if by == By::Engine {
            // Whoever has lost a record may have been retired, and come anew as another entity.
            let allowed = 1 + self.deaths(subject);
            let (creates, _) = self.creates.entry((subject, system)).or_default();
            *creates += 1;
            let once = self.systems[system].safety != CreateSafety::DetectAndMerge;
            if *creates > allowed + if once { 0 } else { self.troubles } && self.is_promised(subject) {
                self.accuse(format!("k{subject} was created {} times in {}", allowed + 1, self.systems[system].name));
            }
        }
    }

    fn deaths(&self, subject: usize) -> usize {
        self.creates.iter().filter(|((of, _), _)| *of == subject).map(|(_, (_, died))| died).sum()
    }

    fn hear(&mut self, system: usize, unit: Unit, word: Word, knows: BTreeSet<Word>, now: i64) {
        if word.is_some() {
            let said = self.said.entry(word.said()).or_default();
            (said.unit, said.at) = (unit, now);
            said.systems.insert(system);
            said.knows.extend(knows);
        } else {
            self.cleared.insert((unit, system));
        }
        self.moved.entry(unit).or_default().insert(system, word);
        *self.edits.entry(unit).or_default() += 1;
    }

    /// A person edited an attribute.
    pub fn said(&mut self, system: usize, place: usize, attribute: usize, word: Word, now: i64) {
        let known = &mut self.records[system][place];
        let (cell, unit) = (&mut known.cells[attribute], (known.subject, attribute));
        let held: BTreeSet<Word> = cell.history.iter().map(|(held, ..)| held.said()).collect();
        let known = held.iter().filter_map(|held| self.said.get(held)).flat_map(|said| &said.knows).copied();
        let knows = known.chain(held.iter().copied()).collect();
        cell.history.push((word, By::Person, now));
        cell.before = word;
        self.hear(system, unit, word, knows, now);
    }

    /// Writes took effect, and the engine was not told, or told and could not keep it: it may have to repeat them.
    pub fn unheard(&mut self, places: &[Place]) {
        self.unheard += places.len();
        for (system, place, attribute) in places {
            self.records[*system][*place].cells[*attribute].unheard += 1;
        }
    }

    /// Writes arrive that were given up, and may have been repeated since.
    pub fn arrives_late(&mut self, places: &[Place], now: i64) {
        for (system, place, attribute) in places {
            self.records[*system][*place].cells[*attribute].late.insert(now);
        }
    }

    /// The engine wrote an attribute: `word` is what its system made of what was sent, where it said that it expects another.
    pub fn wrote(&mut self, written: Place, word: Word, (sent, expected): (Word, Option<Word>), now: i64) {
        let (system, place, attribute) = written;
        let System { name, capitals, answers, grain, .. } = self.systems[system];
        let known = &mut self.records[system][place];
        let (unit, said) = ((known.subject, attribute), self.said.get(&word.said()).map(|said| said.at));
        let spoilt = known.spoilt(attribute, now);
        let cell = &mut known.cells[attribute];
        let (made, (before, by, at), started) = (cell.history.len() == 1, cell.last(), cell.before);
        let seen = expected.is_none_or(|expected| expected == before);
        let tries: Vec<i64> = if (before, by) == (word, By::Engine) { cell.tries().collect() } else { Vec::new() };
        let (remodelled, decided) = (self.remodelled.contains(&attribute), self.decided.contains(&unit));
        // Where no token proves whose doing it was, the same value must meet the same form twice.
        let proofs = 1 + usize::from(grain > 1 || remodelled) + spoilt + cell.noops;
        // And whoever says a word anew says it to a system too that keeps a form of it.
        let anew = said > tries.first().copied();
        let again = !tries.is_empty() && capitals && (anew || (!answers && tries.len() < proofs));
        // A person may have said the same, unheard.
        let raced = before == word && by == By::Person && !seen;
        cell.noops += usize::from(before == word && !again && !raced);
        cell.writes += usize::from(!again);
        let (writes, vain) = (cell.writes, before == word && !again && cell.noops > cell.unheard);
        // Who came back, before anybody looked, to what we had written last has said nothing that anybody can know of.
        let ours = cell.history.iter().rfind(|(_, by, _)| *by == By::Engine).is_some_and(|(held, ..)| *held == before);
        cell.history.push((word, By::Engine, now));
        // Of who cannot be read nothing is promised.
        self.heal_writes += usize::from(self.is_promised(unit.0));
        // Where the model changed, what was true by the former may be written before the unit is settled anew.
        // What puts that right is a second write, and no difference is left of the two.
        let early = remodelled && (self.early.insert(written) || word == started);
        self.rewrites += usize::from(again || raced || early);
        if vain && !self.two_workers && self.is_promised(unit.0) {
            self.accuse(format!("{name} r{place} is written {word}, which it holds, for no reason"));
        }
        // A system that decides and keeps a form of its own has said that form: each edit is worth one write elsewhere.
        if word != sent && word != before && self.attributes[attribute].owner.is_none_or(|owner| owner == system) {
            let others = self.records.iter().enumerate().filter(|(at, _)| *at != system).flat_map(|(_, all)| all);
            self.rewrites += others.filter(|known| known.live && known.subject == unit.0).count();
            *self.edits.entry(unit).or_default() += 1;
        }
        // Each edit is worth one write in each other system; a decision another; a reply that was lost another.
        let worth = self.edits.get(&unit).copied().unwrap_or(0) + 1 + usize::from(decided);
        if writes > worth + self.troubles && !self.two_workers && self.is_promised(unit.0) {
            self.accuse(format!("{name} r{place} {}: {writes} writes for {worth} changes", ATTRIBUTES[attribute]));
        }
        self.check_write(system, unit, word, before, seen);
        if seen && by == By::Person {
            self.check_votes(system, unit, word, (before, at));
        }
        self.unseen.extend((!seen).then(|| before.said()));
        let has_say = self.attributes[attribute].owner.is_none_or(|owner| owner == system) && seen;
        let copied = made || !self.once(before);
        // A new record or a copy that brings a word which was followed knowingly is behind (semantics, 5): nobody said it anew.
        let said = self.said.get(&word.said());
        let older = said.is_some_and(|said| said.at < at && !(copied && said.knows.contains(&before.said())));
        if by == By::Person && before.is_some() && before.said() != word.said() && older && has_say && !ours {
            self.overwritten.push((before, system, place, unit));
        }
    }

    /// A program put a word back: its system's people never said so, and it is heard as if they had.
    pub fn fought(&mut self, unit: Unit) {
        self.fought.insert(unit);
        // What is mended anew from here on is counted anew.
        let of = self.records.iter_mut().flatten().filter(|known| known.subject == unit.0);
        self.mended += of.map(|known| known.cells[unit.1].settle()).sum::<usize>();
    }

    /// A record died, or came back.
    pub fn lived(&mut self, system: usize, place: usize, live: bool) {
        let known = &mut self.records[system][place];
        known.live = live;
        self.disturbed.insert(known.subject);
        self.creates.entry((known.subject, system)).or_default().1 += usize::from(!live);
    }

    /// The model changed: what it said of an attribute held until now.
    pub fn remodel(&mut self, attribute: usize, now: Attribute) {
        self.attributes[attribute] = now;
        self.remodelled.insert(attribute);
    }

    /// The record that stands for a subject in a system: the one that lives, if only one does.
    fn stands(&self, system: usize, subject: usize) -> Option<&Known> {
        let mut alive = self.records[system].iter().filter(|known| known.live && known.subject == subject);
        alive.next().filter(|_| alive.next().is_none())
    }

    /// Judges a world at rest. `waits`: the units that, by the engine, wait for a person. `decided`: whether people have
    /// decided all that waited.
    pub fn judge(&mut self, waits: &BTreeSet<Unit>, decided: bool) {
        let mut found = Vec::new();
        let subjects: BTreeSet<usize> = self.records.iter().flatten().map(|known| known.subject).collect();
        for subject in subjects.into_iter().filter(|subject| self.is_promised(*subject)) {
            let asked = waits.contains(&(subject, ATTRIBUTES.len()));
            if asked && self.is_whole(subject) {
                found.push(format!("presence of k{subject} waits for a person, and every record is there"));
            }
            // Where a person must say whether the records are to be there at all, their values wait with them.
            if asked || self.is_retired(subject) {
                continue;
            }
            for attribute in (0..self.attributes.len()).filter(|attribute| !self.remodelled.contains(attribute)) {
                let unit = (subject, attribute);
                if !waits.contains(&unit) {
                    self.judge_agreement(unit, &mut found);
                }
                if !decided {
                    self.judge_movers(unit, waits, &mut found);
                }
            }
            self.judge_presence(subject, &mut found);
        }
        // What was written and archived then was written all the same.
        let silent = |of: &usize| self.poisoned.contains(of) || self.erasures.concern(*of);
        let promised = self.records.iter_mut().flatten().filter(|known| !silent(&known.subject));
        let owed: usize = promised.flat_map(|known| &mut known.cells).map(Cell::settle).sum();
        if self.heal_writes > owed + self.mended + self.unheard + self.rewrites {
            found.push(format!("{} writes in the heal, for {owed} differences", self.heal_writes));
        }
        self.open.clone_from(waits);
        self.each(|cell| {
            cell.rested = cell.word();
            cell.held = cell.history.iter().any(|(word, ..)| word.is_some());
        });
        found.into_iter().for_each(|what| self.accuse(what));
    }

    /// At rest, systems agree, except where the mapping says otherwise.
    fn judge_agreement(&self, unit: Unit, found: &mut Vec<String>) {
        let (subject, attribute) = unit;
        let Attribute { owner, strength, .. } = &self.attributes[attribute];
        let cell = |system: usize| self.stands(system, subject).map(|known| &known.cells[attribute]);
        let shown = || (0..self.systems.len()).filter_map(|system| Some((system, cell(system)?)));
        let wanted = match owner {
            // An owner who never said anything has nothing to enforce. What it cleared before anybody had heard it was
            // never there to be cleared elsewhere.
            Some(owner) => cell(*owner).filter(|cell| {
                let heard = !self.disturbed.contains(&subject) && cell.rested.is_some();
                let spoke = self.said.values().any(|said| said.unit == unit && said.systems.contains(owner));
                spoke && (cell.word().is_some() || heard)
            }),
            None => {
                let mut say = shown().filter(|(system, cell)| strength[*system] > 0 && cell.word().is_some());
                say.next().map(|(_, cell)| cell)
            }
        };
        let Some(wanted) = wanted.map(Cell::word) else { return };
        for (system, cell) in shown() {
            let word = cell.word();
            let excused = match (owner, strength[system]) {
                (_, 0) => true,
                (Some(_), 1) => cell.last().1 == By::Person,
                (Some(_), _) => false,
                // A co-owner's clear is held, until a person decides.
                (None, _) => cell.last().1 == By::Person && !word.is_some() && !self.settled.contains(&unit),
            };
            if word.said() != wanted.said() && !excused {
                let name = self.systems[system].name;
                found.push(format!("{name} holds {word} as {} of k{subject}, not {wanted}", ATTRIBUTES[attribute]));
            }
        }
    }

    /// The words of people that were written over and that no journaled resolution may fail to name.
    #[must_use]
    pub fn overwritten(&self) -> Vec<(usize, Word, String)> {
        let excused = [&self.decided, &self.fought];
        let decided = |unit: &Unit| excused.iter().any(|of| of.contains(unit)) || self.remodelled.contains(&unit.1);
        let lost = self.overwritten.iter().filter(|(.., unit)| !decided(unit) && !self.erasures.concern(unit.0));
        let place = |system: usize, place: usize| format!("{} r{place}", self.systems[system].name);
        lost.map(|(word, system, at, unit)| (unit.1, *word, format!("{} {}", place(*system, *at), ATTRIBUTES[unit.1])))
            .collect()
    }
}
