//! The oracle: a plain model of what is true, fed with every edit and every write, that judges what the engine did.
//!
//! It shares no code with the engine and sees nothing of its state but which units it says wait for a person.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::CreateSafety;

use crate::design::{ATTRIBUTES, Attribute, Design, Policy, System};
use crate::scene::By;
use crate::word::Word;

/// A unit of somebody: subject and attribute.
pub type Unit = (usize, usize);

/// What the oracle knows of one record.
#[derive(Debug, Clone)]
struct Known {
    subject: usize,
    live: bool,
    merged: bool,
    words: Vec<Word>,
    /// Who said each last, and when.
    last: Vec<(By, i64)>,
    /// What each was when the heal began.
    before: Vec<Word>,
    /// What each was when the world last rested: what was said and cleared since may never have been heard.
    rested: Vec<Word>,
    /// Writes of the engine since this round began.
    writes: Vec<usize>,
    /// What each has held, in order, and who put it there.
    history: Vec<Vec<(Word, By)>>,
}

/// Where a word was said.
#[derive(Debug, Clone, Default)]
struct Said {
    unit: Unit,
    systems: BTreeSet<usize>,
    /// When it was last said.
    at: i64,
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
    /// How often they have since the heal began.
    restored: usize,
    /// The records that people deleted, by subject and system.
    deleted: BTreeSet<(usize, usize)>,
    /// Archives since somebody confirmed, and how many were confirmed then, by system.
    archives: BTreeMap<usize, (usize, usize)>,
    existence: Option<usize>,
    limit: usize,
    /// Subjects with a record that cannot be read: nothing is promised of them.
    pub poisoned: BTreeSet<usize>,
    /// Attributes whose ownership changed under way.
    remodelled: BTreeSet<usize>,
    /// Units that a person ever decided.
    pub decided: BTreeSet<Unit>,
    /// Creates of the engine, and deaths of records, by subject and system.
    creates: BTreeMap<(usize, usize), (usize, usize)>,
    /// Replies lost, calls late, crashes, failed commits: what can make an honest engine do something twice.
    pub troubles: usize,
    /// Whether every system was read to its end once.
    pub looked: bool,
    /// Whether two workers run.
    pub two_workers: bool,
    healing: bool,
    /// How often the engine has written since the heal began.
    pub heal_writes: usize,
    noops: usize,
    /// Writes since the heal began that only tell a form from an edit: where nothing proves it, it must be met twice.
    rewrites: usize,
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
            existence: design.existence,
            limit: design.limit as usize,
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
        self.healing = false;
        self.moved.clear();
        self.edits.clear();
        self.disturbed.clear();
        self.noops = 0;
        self.troubles = 0;
        self.each(|known| known.writes.iter_mut().for_each(|writes| *writes = 0));
    }

    /// The heal begins, or goes on after people have decided: nobody but the engine changes anything.
    pub fn heal(&mut self) {
        self.healing = true;
        self.heal_writes = 0;
        self.rewrites = 0;
        self.restored = 0;
        self.each(|known| known.before.clone_from(&known.words));
    }

    fn each(&mut self, change: impl Fn(&mut Known)) {
        self.records.iter_mut().flatten().for_each(change);
    }

    /// A record was made.
    pub fn made(&mut self, system: usize, place: usize, subject: usize, words: &[Word], by: By, now: i64) {
        debug_assert_eq!(self.records[system].len(), place);
        self.disturbed.insert(subject);
        self.records[system].push(Known {
            subject,
            live: true,
            merged: false,
            words: words.to_vec(),
            last: vec![(by, now); words.len()],
            before: words.to_vec(),
            rested: vec![Word::NONE; words.len()],
            writes: vec![0; words.len()],
            history: words.iter().map(|word| vec![(*word, by)]).collect(),
        });
        for (attribute, word) in words.iter().enumerate() {
            let unit = (subject, attribute);
            if by == By::Person {
                self.hear(system, unit, *word, now);
            } else if word.is_some() {
                self.check_word(system, unit, *word, "created with");
            }
        }
        if by == By::Engine {
            // Whoever has lost a record may have been retired, and come anew as another entity.
            let deaths: usize =
                self.creates.iter().filter(|((of, _), _)| *of == subject).map(|(_, (_, died))| died).sum();
            let (creates, _) = self.creates.entry((subject, system)).or_default();
            *creates += 1;
            let allowed = 1 + deaths;
            let once = self.systems[system].safety != CreateSafety::DetectAndMerge;
            if *creates > allowed + if once { 0 } else { self.troubles } {
                self.accuse(format!("k{subject} was created {} times in {}", allowed + 1, self.systems[system].name));
            }
        }
    }

    fn hear(&mut self, system: usize, unit: Unit, word: Word, now: i64) {
        if word.is_some() {
            let said = self.said.entry(word.said()).or_default();
            said.unit = unit;
            said.systems.insert(system);
            said.at = now;
        } else {
            self.cleared.insert((unit, system));
        }
        self.moved.entry(unit).or_default().insert(system, word);
        *self.edits.entry(unit).or_default() += 1;
    }

    /// A person edited an attribute.
    pub fn said(&mut self, system: usize, place: usize, attribute: usize, word: Word, now: i64) {
        let known = &mut self.records[system][place];
        known.words[attribute] = word;
        known.last[attribute] = (By::Person, now);
        known.history[attribute].push((word, By::Person));
        let unit = (known.subject, attribute);
        self.hear(system, unit, word, now);
    }

    /// The engine wrote an attribute.
    pub fn wrote(&mut self, system: usize, place: usize, attribute: usize, word: Word, now: i64) {
        let name = self.systems[system].name;
        let known = &mut self.records[system][place];
        let before = std::mem::replace(&mut known.words[attribute], word);
        let (by, at) = std::mem::replace(&mut known.last[attribute], (By::Engine, now));
        let unit = (known.subject, attribute);
        known.writes[attribute] += 1;
        known.history[attribute].push((word, By::Engine));
        let writes = known.writes[attribute];
        self.heal_writes += 1;
        let System { capitals, answers, grain, .. } = self.systems[system];
        let remodelled = self.remodelled.contains(&attribute);
        // Where no token proves whose doing it was, the same value must meet the same form twice.
        let again = before == word && capitals && !answers && (grain > 1 || remodelled);
        self.rewrites += usize::from(again || (capitals && remodelled));
        if before == word && !again {
            // A person said the same, unheard, where nobody can be asked to compare.
            let raced = by == By::Person && !self.systems[system].compares;
            self.noops += usize::from(!raced);
            if self.noops > self.slack() && !self.two_workers {
                self.accuse(format!("{name} r{place} is written {word}, which it holds, for no reason"));
            }
        }
        // Each edit is worth one write in each other system; a decision another; a reply that was lost another.
        let worth = self.edits.get(&unit).copied().unwrap_or(0) + 1 + usize::from(self.decided.contains(&unit));
        if writes > worth + self.troubles && !self.two_workers {
            self.accuse(format!("{name} r{place} {}: {writes} writes for {worth} changes", ATTRIBUTES[attribute]));
        }
        if self.attributes[attribute].owner == Some(system) && !self.decided.contains(&unit) && !remodelled {
            self.accuse(format!("{name} owns {} and was written {word}", ATTRIBUTES[attribute]));
        }
        let weak = self.attributes[attribute].strength[system] == 0 && self.systems[system].compares && !remodelled;
        if weak && before.is_some() && !self.decided.contains(&unit) {
            self.accuse(format!("{name} only fills {}, and {before} was written over", ATTRIBUTES[attribute]));
        }
        self.check_word(system, unit, word, "written");
        let has_say = self.attributes[attribute].owner.is_none_or(|owner| owner == system);
        // Elsewhere nobody could have known: what was not compared may not have been seen.
        let seen = self.systems[system].compares;
        let older = self.said.get(&word.said()).is_some_and(|said| said.at < at);
        if by == By::Person && before.is_some() && before.said() != word.said() && older && has_say && seen {
            self.overwritten.push((before, system, place, unit));
        }
    }

    /// How much more often something may be written than it should: a call that was lost carried every attribute.
    fn slack(&self) -> usize {
        self.troubles * self.attributes.len()
    }

    /// A word may go only where it belongs, and only if somebody said it who may.
    fn check_word(&mut self, system: usize, unit: Unit, word: Word, verb: &str) {
        let name = self.systems[system].name;
        let attribute = ATTRIBUTES[unit.1];
        let decided = self.decided.contains(&unit) || self.remodelled.contains(&unit.1);
        let owner = self.attributes[unit.1].owner;
        if !word.is_some() {
            if owner.is_some_and(|owner| !self.cleared.contains(&(unit, owner))) && !decided {
                self.accuse(format!("{name} {attribute} of k{} was cleared; its owner never did", unit.0));
            }
            return;
        }
        match self.said.get(&word.said()) {
            None => self.accuse(format!("{name} was {verb} {word}, which nobody said")),
            Some(said) if said.unit != unit => {
                let whose = format!("k{} {}", said.unit.0, ATTRIBUTES[said.unit.1]);
                self.accuse(format!("{name} k{} {attribute} was {verb} {word}, which is {whose}", unit.0));
            }
            Some(said) => {
                if owner.is_some_and(|owner| !said.systems.contains(&owner)) && !decided {
                    self.accuse(format!("{name} {attribute} was {verb} {word}, which its owner never said"));
                }
            }
        }
    }

    /// A program put a word back: its system's people never said so, and it is heard as if they had.
    pub fn fought(&mut self, unit: Unit) {
        self.fought.insert(unit);
        self.restored += 1;
    }

    /// Whether a decision about a unit reaches every system: no weak mapping, no program, no question of presence.
    #[must_use]
    pub fn is_plain(&self, unit: Unit, waits: &BTreeSet<Unit>) -> bool {
        let weak = self.attributes[unit.1].strength.contains(&0) || self.systems.iter().any(|system| system.restores);
        !weak && !self.fought.contains(&unit) && !waits.contains(&(unit.0, ATTRIBUTES.len()))
    }

    /// A person deleted a record, or brought it back.
    pub fn deleted(&mut self, system: usize, place: usize, live: bool) {
        if !live {
            self.deleted.insert((self.records[system][place].subject, system));
        }
    }

    /// The engine archived a record: only where the system that owns existence has lost it, and only so many.
    pub fn archived(&mut self, system: usize, place: usize) {
        let (subject, name) = (self.records[system][place].subject, self.systems[system].name);
        if self.existence.is_none_or(|owner| !self.deleted.contains(&(subject, owner))) {
            self.accuse(format!("{name} r{place} was archived, and nobody who owns existence has deleted it"));
        }
        let (done, confirmed) = self.archives.entry(system).or_default();
        *done += 1;
        if *done > self.limit + *confirmed {
            self.accuse(format!("{} archives in {name}, and nobody confirmed so many", self.limit + 1));
        }
    }

    /// Somebody confirmed archives, one per name.
    pub fn confirmed(&mut self, places: &[String]) {
        for (system, design) in self.systems.iter().enumerate() {
            let here = places.iter().filter(|place| *place == design.name).count();
            if here > 0 {
                self.archives.insert(system, (0, here));
            }
        }
    }

    /// A record died, or came back.
    pub fn lived(&mut self, system: usize, place: usize, live: bool, _now: i64) {
        let known = &mut self.records[system][place];
        known.live = live;
        self.disturbed.insert(known.subject);
        if !live {
            self.creates.entry((known.subject, system)).or_default().1 += 1;
        }
    }

    /// A record was merged into another.
    pub fn merged(&mut self, system: usize, loser: usize, survivor: usize, now: i64) {
        self.records[system][loser].merged = true;
        self.lived(system, loser, false, now);
        self.disturbed.insert(self.records[system][survivor].subject);
    }

    /// Whether who owns an attribute changed under way: its units follow when they are next settled.
    #[must_use]
    pub fn is_remodelled(&self, attribute: usize) -> bool {
        self.remodelled.contains(&attribute)
    }

    /// The model changed: what it said of an attribute held until now.
    pub fn remodelled(&mut self, attribute: usize, now: Attribute) {
        self.attributes[attribute] = now;
        self.remodelled.insert(attribute);
    }

    /// The record that stands for a subject in a system: the one that lives, if only one does.
    fn stands(&self, system: usize, subject: usize) -> Option<&Known> {
        let mut alive = self.records[system].iter().filter(|known| known.live && known.subject == subject);
        alive.next().filter(|_| alive.next().is_none())
    }

    fn spoke(&self, unit: Unit, system: usize) -> bool {
        self.said.values().any(|said| said.unit == unit && said.systems.contains(&system))
    }

    fn subjects(&self) -> BTreeSet<usize> {
        self.records.iter().flatten().map(|known| known.subject).collect()
    }

    /// Judges a world at rest. `waits`: the units that, by the engine, wait for a person. `decided`: whether people have
    /// decided all that waited.
    pub fn judge(&mut self, waits: &BTreeSet<Unit>, decided: bool) {
        let mut found = Vec::new();
        for subject in self.subjects() {
            if self.poisoned.contains(&subject) {
                continue;
            }
            // Where a person must say whether the records are to be there at all, their values wait with them.
            if waits.contains(&(subject, ATTRIBUTES.len())) {
                if self.is_whole(subject) {
                    found.push(format!("presence of k{subject} waits for a person, and every record is there"));
                }
                continue;
            }
            // What is retired is written no more.
            if self.existence.is_some_and(|owner| self.deleted.contains(&(subject, owner))) {
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
        let owed: usize = self
            .records
            .iter()
            .flatten()
            .map(|known| known.words.iter().zip(&known.before).filter(|(now, then)| now != then).count())
            .sum();
        if self.heal_writes > owed + self.slack() + self.rewrites + self.restored * self.systems.len() {
            found.push(format!("{} writes in the heal, for {owed} differences", self.heal_writes));
        }
        self.open.clone_from(waits);
        self.each(|known| known.rested.clone_from(&known.words));
        found.into_iter().for_each(|what| self.accuse(what));
    }

    /// Whether a subject has had one record at most in each system, and none of them was ever lost.
    fn is_whole(&self, subject: usize) -> bool {
        self.records.iter().all(|records| {
            let mut of = records.iter().filter(|known| known.subject == subject);
            of.next().is_none_or(|known| known.live && !self.deleted_anywhere(subject)) && of.next().is_none()
        })
    }

    fn deleted_anywhere(&self, subject: usize) -> bool {
        self.creates.iter().any(|((of, _), (_, deaths))| *of == subject && *deaths > 0)
    }

    /// At rest, systems agree, except where the mapping says otherwise.
    fn judge_agreement(&self, unit: Unit, found: &mut Vec<String>) {
        let (subject, attribute) = unit;
        let Attribute { owner, strength, .. } = &self.attributes[attribute];
        let shown: Vec<(usize, &Known)> =
            (0..self.systems.len()).filter_map(|system| Some((system, self.stands(system, subject)?))).collect();
        let wanted = match owner {
            Some(owner) => match self.stands(*owner, subject) {
                // An owner who never said anything has nothing to enforce.
                Some(_) if !self.spoke(unit, *owner) => return,
                // What it cleared before anybody had heard it was never there to be cleared elsewhere.
                Some(known) if !known.words[attribute].is_some() && self.disturbed.contains(&subject) => return,
                Some(known) if !known.words[attribute].is_some() && !known.rested[attribute].is_some() => return,
                Some(known) => known.words[attribute],
                None => return,
            },
            None => {
                let say =
                    |(system, known): &&(usize, &Known)| strength[*system] > 0 && known.words[attribute].is_some();
                match shown.iter().find(say) {
                    Some((_, known)) => known.words[attribute],
                    None => return,
                }
            }
        };
        for (system, known) in &shown {
            let word = known.words[attribute];
            let theirs = known.last[attribute].0 == By::Person;
            let excused = match (owner, strength[*system]) {
                (_, 0) => true,
                (Some(_), 1) => theirs,
                (Some(_), _) => false,
                // A co-owner's clear is held.
                (None, _) => theirs && !word.is_some(),
            };
            if word.said() != wanted.said() && !excused {
                let name = self.systems[*system].name;
                found.push(format!("{name} holds {word} as {} of k{subject}, not {wanted}", ATTRIBUTES[attribute]));
            }
        }
    }

    /// Where only one system's people spoke, they are heard, and nobody is asked.
    fn judge_movers(&self, unit: Unit, waits: &BTreeSet<Unit>, found: &mut Vec<String>) {
        let (subject, attribute) = unit;
        let Attribute { owner, policy, strength } = &self.attributes[attribute];
        if self.disturbed.contains(&subject) || self.open.contains(&unit) || self.decided.contains(&unit) {
            return;
        }
        let none = BTreeMap::new();
        let moved = self.moved.get(&unit).unwrap_or(&none);
        let name = ATTRIBUTES[attribute];
        if self.fought.contains(&unit) {
            return;
        }
        if owner.is_none() {
            match policy {
                Policy::Undeclared => self.judge_conflict(unit, moved, found),
                Policy::Latest => self.judge_latest(unit, moved, found),
                Policy::Priority => self.judge_priority(unit, moved, found),
            }
        }
        let decide: Vec<_> = moved.iter().filter(|(system, _)| owner.is_none_or(|owner| owner == **system)).collect();
        if decide.len() <= 1 && waits.contains(&unit) && *policy == Policy::Undeclared && moved.len() == decide.len() {
            let cleared = decide.iter().any(|(_, word)| !word.is_some());
            // What a weak mapping does not write is for people.
            if !cleared && !strength.contains(&0) {
                found.push(format!("{name} of k{subject} waits for a person, and nobody disagrees"));
            }
        }
        let [(system, word)] = decide.as_slice() else { return };
        if !word.is_some() || *policy != Policy::Undeclared {
            return;
        }
        let Some(known) = self.stands(**system, subject) else { return };
        if known.words[attribute].said() != word.said() {
            let place = self.systems[**system].name;
            found.push(format!(
                "{place} said {word} of {name} of k{subject}, alone, and now holds {}",
                known.words[attribute]
            ));
        }
    }

    /// Of two people who did not know of each other's word, neither is overruled unasked.
    fn judge_conflict(&self, unit: Unit, moved: &BTreeMap<usize, Word>, found: &mut Vec<String>) {
        let once = |word: &Word| self.said.get(&word.said()).is_some_and(|said| said.systems.len() == 1);
        // Whether a system's people spoke their last word before it had held another.
        let unaware = |system: usize, word: Word| {
            let history = self.stands(system, unit.0).map(|known| known.history[unit.1].as_slice()).unwrap_or_default();
            let last = history.iter().rposition(|(_, by)| *by == By::Person).unwrap_or(0);
            !history[..last].iter().any(|(held, _)| held.said() == word.said())
        };
        for (winner, won) in moved.iter().filter(|(_, word)| word.is_some() && once(word)) {
            for (loser, lost) in moved.iter().filter(|(_, word)| word.is_some() && once(word)) {
                let holds = self.stands(*loser, unit.0).is_some_and(|known| {
                    known.words[unit.1].said() == won.said() && known.last[unit.1].0 == By::Engine
                });
                let concurrent = unaware(*winner, *lost) && unaware(*loser, *won);
                if winner != loser && holds && concurrent && self.systems[*loser].compares {
                    let (name, attribute) = (self.systems[*loser].name, ATTRIBUTES[unit.1]);
                    found.push(format!("{name} said {lost} of {attribute} of k{} and was overruled unasked", unit.0));
                }
            }
        }
    }

    /// Whoever spoke last by far is believed, where that is declared and every clock can tell.
    fn judge_latest(&self, unit: Unit, moved: &BTreeMap<usize, Word>, found: &mut Vec<String>) {
        // An edit of another attribute moves a record's time: with one attribute only, times are the words' own.
        if self.attributes.len() > 1 || self.systems.iter().any(|system| system.versions) {
            return;
        }
        let at = |word: &Word| self.said.get(&word.said()).map_or(0, |said| said.at);
        let Some((system, word)) = moved.iter().max_by_key(|(_, word)| at(word)) else { return };
        let by_far = |(other, earlier): (&usize, &Word)| {
            let skews = self.systems[*system].skew.abs() + self.systems[*other].skew.abs();
            other == system || (earlier.is_some() && at(word) - at(earlier) > 2 * skews + 4_000)
        };
        let once = self.said.get(&word.said()).is_some_and(|said| said.systems.len() == 1);
        let Some(known) = self.stands(*system, unit.0).filter(|_| word.is_some() && once) else { return };
        if moved.iter().all(by_far) && known.words[unit.1].said() != word.said() {
            let (name, attribute) = (self.systems[*system].name, ATTRIBUTES[unit.1]);
            found.push(format!("{name} said {word} of {attribute} of k{} last, and was not believed", unit.0));
        }
    }

    /// The first system of the list is believed, where that is declared.
    fn judge_priority(&self, unit: Unit, moved: &BTreeMap<usize, Word>, found: &mut Vec<String>) {
        let first = self.systems.len() - 1;
        let Some(word) = moved.get(&first).filter(|word| word.is_some()) else { return };
        let Some(known) = self.stands(first, unit.0).filter(|_| self.systems[first].compares) else { return };
        if known.words[unit.1].said() != word.said() {
            let (name, attribute) = (self.systems[first].name, ATTRIBUTES[unit.1]);
            found.push(format!("{name} comes first, said {word} of {attribute} of k{} and was overruled", unit.0));
        }
    }

    /// Where a record is required it exists, and only once if only we create.
    fn judge_presence(&self, subject: usize, found: &mut Vec<String>) {
        let alive = self.records.iter().flatten().any(|known| known.live && known.subject == subject);
        for (system, design) in self.systems.iter().enumerate() {
            let ever = self.records[system].iter().any(|known| known.subject == subject);
            if alive && design.required && !ever {
                found.push(format!("k{subject} is required in {}, and is not there", design.name));
            }
        }
    }

    /// The words of people that were written over and that no journaled resolution may fail to name.
    #[must_use]
    pub fn overwritten(&self) -> Vec<(Word, String)> {
        let decided = |unit: &Unit| {
            self.decided.contains(unit) || self.remodelled.contains(&unit.1) || self.fought.contains(unit)
        };
        let lost = self.overwritten.iter().filter(|(.., unit)| !decided(unit));
        lost.map(|(word, system, place, unit)| {
            (*word, format!("{} r{place} {} = {word}", self.systems[*system].name, ATTRIBUTES[unit.1]))
        })
        .collect()
    }
}
