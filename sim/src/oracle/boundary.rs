//! The boundary: who may be written what, and who may say so. They are judged as the engine writes, whatever else it knows.

use std::collections::BTreeSet;

use crate::design::{ATTRIBUTES, Attribute, Design, System};
use crate::house::{Guard, House};
use crate::oracle::{Cell, Oracle, Unit};
use crate::scene::By;
use crate::word::Word;

/// Who may retire whom, and what people allow.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    house: House,
    /// The system whose deletions retire an entity, if there is one.
    existence: Option<usize>,
    /// The records that people deleted, by subject and system.
    deleted: BTreeSet<(usize, usize)>,
    /// Living records of which a replica that was behind told the engine that they are gone.
    gone: BTreeSet<(usize, usize)>,
    /// Subjects that may be retired on such a word, and then wait for a person.
    misled: BTreeSet<usize>,
    /// What people chose: any word that the system held whose word they took.
    chosen: BTreeSet<(Unit, Word)>,
}

impl Boundary {
    pub(super) fn of(design: &Design) -> Self {
        Self { house: design.house.clone(), existence: design.existence, ..Self::default() }
    }

    pub(super) fn misled(&self, subject: usize) -> bool {
        self.misled.contains(&subject)
    }
}

impl Oracle {
    /// Nobody writes an owner unasked; a weak mapping only fills, unless it could not know; and a word goes where it belongs.
    pub(super) fn check_write(&mut self, system: usize, unit: Unit, word: Word, before: Word, seen: bool) {
        let (name, attribute) = (self.systems[system].name, ATTRIBUTES[unit.1]);
        let Attribute { owner, strength, .. } = &self.attributes[unit.1];
        let (owns, fills) = (*owner == Some(system), strength[system] == 0);
        if self.is_bound(unit) && owns {
            self.accuse(format!("{name} owns {attribute} and was written {word}"));
        }
        if self.is_bound(unit) && fills && seen && before.is_some() {
            self.accuse(format!("{name} only fills {attribute}, and {before} was written over"));
        }
        self.check_word(system, unit, word, "written");
    }

    /// Whether nobody ever decided a unit, nor changed the model of it.
    fn is_bound(&self, unit: Unit) -> bool {
        !self.decided.contains(&unit) && !self.remodelled.contains(&unit.1)
    }

    /// A word may go only where it belongs, and only if somebody said it who may.
    pub(super) fn check_word(&mut self, system: usize, unit: Unit, word: Word, verb: &str) {
        let (name, attribute) = (self.systems[system].name, ATTRIBUTES[unit.1]);
        let owner = self.attributes[unit.1].owner.filter(|_| self.is_bound(unit));
        let said = self.said.get(&word.said());
        let fault = match said {
            _ if !word.is_some() => owner
                .filter(|owner| !self.cleared.contains(&(unit, *owner)))
                .map(|_| format!("{name} {attribute} of k{} was cleared; its owner never did", unit.0)),
            None => Some(format!("{name} was {verb} {word}, which nobody said")),
            Some(said) if said.unit != unit => {
                let whose = format!("k{} {}", said.unit.0, ATTRIBUTES[said.unit.1]);
                Some(format!("{name} k{} {attribute} was {verb} {word}, which is {whose}", unit.0))
            }
            Some(said) => owner
                .filter(|owner| !said.systems.contains(owner))
                .map(|_| format!("{name} {attribute} was {verb} {word}, which its owner never said")),
        };
        let guard = self.boundary.house.guards(unit.1, word);
        let chosen = guard == Some(Guard::Hold) && self.boundary.chosen.contains(&(unit, word.said()));
        let held = guard.filter(|_| !chosen).map(|guard| match guard {
            Guard::Hold => format!("{name} {attribute} was {verb} {word}, which a rule holds and nobody chose"),
            Guard::Forbid => format!("{name} {attribute} was {verb} {word}, which a rule forbids"),
        });
        fault.into_iter().chain(held).for_each(|what| self.accuse(what));
    }

    /// Whether a rule guards anything that was said of a unit: it waits for people.
    pub(super) fn is_guarded(&self, unit: Unit) -> bool {
        let house = &self.boundary.house;
        house.rule.is_some()
            && self.said.iter().any(|(word, said)| said.unit == unit && house.guards(unit.1, *word).is_some())
    }

    /// A person decides that what a system says is to be, and nobody else need be asked: it is said anew.
    pub fn chose(&mut self, unit: Unit, system: usize, now: i64) {
        self.decided.insert(unit);
        self.decided_at.insert(unit, now);
        let of = self.records[system].iter().filter(|known| known.subject == unit.0);
        let words = of.flat_map(|known| &known.cells[unit.1].history).map(|(word, ..)| (unit, word.said()));
        for (unit, word) in words {
            self.boundary.chosen.insert((unit, word));
            self.said.entry(word).and_modify(|said| said.at = now);
        }
    }

    /// Whether a decision about a unit reaches every system: no weak mapping, no program, no question of presence, and no
    /// system that decides and keeps a form of its own, which is a word like any other where its answer is lost.
    #[must_use]
    pub fn is_plain(&self, unit: Unit, waits: &BTreeSet<Unit>) -> bool {
        let Attribute { owner, strength, .. } = &self.attributes[unit.1];
        let decides = |system: usize| owner.is_none_or(|owner| owner == system);
        let speaks = |(at, system): (usize, &System)| system.restores || (system.capitals && decides(at));
        let weak = strength.contains(&0) || self.systems.iter().enumerate().any(speaks);
        !weak && !self.is_guarded(unit) && !self.fought.contains(&unit) && !waits.contains(&(unit.0, ATTRIBUTES.len()))
    }

    /// Whether a decision about a unit may end only by what people say of it: nobody owns it, no program and no form of a
    /// system's own speaks, and all of it is known.
    pub fn outlives(&self, unit: Unit) -> bool {
        let Attribute { owner, .. } = &self.attributes[unit.1];
        let alone = !self.systems.iter().any(|system| system.restores || system.capitals);
        let known = self.is_promised(unit.0) && !self.is_retired(unit.0) && !self.is_guarded(unit);
        owner.is_none() && alone && known && !self.remodelled.contains(&unit.1)
    }

    /// Whether somebody has said something of a unit since this round began that still stands; `None`: nobody can know.
    #[must_use]
    pub fn news_of(&self, unit: Unit) -> Option<bool> {
        // Whoever is told that a record is gone has lost an input, whether or not that is so.
        let gone = self.boundary.gone.iter().any(|(at, place)| self.records[*at][*place].subject == unit.0);
        if !self.outlives(unit) || self.disturbed.contains(&unit.0) || self.fought.contains(&unit) || gone {
            return None;
        }
        let moved = self.moved.get(&unit).into_iter().flatten();
        let cell = |system: usize| self.stands(system, unit.0).map(|known| &known.cells[unit.1]);
        let held = |cell: &Cell, word: &Word| {
            cell.last().1 == By::Person && cell.word() == *word && cell.rested.said() != word.said()
        };
        let is_new =
            |(system, word): (&usize, &Word)| word.is_some() && cell(*system).is_some_and(|cell| held(cell, word));
        match self.edits.get(&unit) {
            None => Some(false),
            Some(_) => {
                moved.into_iter().any(|(system, word)| is_new((system, word)) && self.once(*word)).then_some(true)
            }
        }
    }

    /// A person deleted a record.
    pub fn deleted(&mut self, system: usize, place: usize) {
        self.boundary.deleted.insert((self.records[system][place].subject, system));
    }

    /// Whether the system that owns existence has lost somebody: what is retired is written no more.
    pub(super) fn is_retired(&self, subject: usize) -> bool {
        self.boundary.existence.is_some_and(|owner| self.boundary.deleted.contains(&(subject, owner)))
    }

    /// A replica that is behind tells the engine that a living record is gone. On its word somebody may be retired: where its
    /// system owns existence, and where nothing else is left of them.
    pub fn mislead(&mut self, system: usize, place: usize) {
        self.boundary.gone.insert((system, place));
        let subject = self.records[system][place].subject;
        let mut all =
            self.records.iter().enumerate().flat_map(|(at, of)| of.iter().enumerate().map(move |(n, of)| (at, n, of)));
        let left =
            all.any(|(at, n, known)| known.live && known.subject == subject && !self.boundary.gone.contains(&(at, n)));
        if self.boundary.existence == Some(system) || !left {
            self.boundary.misled.insert(subject);
        }
    }

    /// The engine archived a record: only where the system that owns existence has lost it, or was said to have.
    pub fn archived(&mut self, system: usize, place: usize) {
        let subject = self.records[system][place].subject;
        if !self.is_retired(subject) && !self.boundary.misled(subject) {
            let name = self.systems[system].name;
            self.accuse(format!("{name} r{place} was archived, and nobody who owns existence has deleted it"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Policy;
    use crate::fault::Faults;
    use crate::rng::Rng;

    /// Two records of one person, in a world of one attribute that nobody owns: the first system says the fourth word.
    fn told(house: House, strength: u8) -> Oracle {
        let mut design = Design::of(&mut Rng::new(1), Faults::default());
        let strength = vec![strength; design.systems.len()];
        design.attributes = vec![Attribute { owner: None, strength, policy: Policy::Undeclared }];
        design.house = house;
        let mut oracle = Oracle::new(&design);
        oracle.made(0, 0, &[Word::new(4)], By::Person, 1);
        oracle.made(1, 0, &[Word::NONE], By::Person, 1);
        oracle
    }

    fn write(oracle: &mut Oracle, expected: Word) -> Vec<String> {
        oracle.wrote((1, 0, 0), Word::new(4), (Word::new(4), Some(expected)), 2);
        std::mem::take(&mut oracle.violations)
    }

    #[test]
    fn what_a_rule_holds_is_written_where_somebody_chose_it() {
        let hold = House { rule: Some((0, Guard::Hold)), ..House::default() };
        let mut oracle = told(hold.clone(), 1);
        assert!(write(&mut oracle, Word::NONE)[0].ends_with("which a rule holds and nobody chose"));
        let mut oracle = told(hold, 1);
        oracle.chose((0, 0), 0, 2);
        assert_eq!(write(&mut oracle, Word::NONE), Vec::<String>::new());
    }

    #[test]
    fn what_a_rule_forbids_is_written_nowhere_whoever_chose_it() {
        let mut oracle = told(House { rule: Some((0, Guard::Forbid)), ..House::default() }, 1);
        oracle.chose((0, 0), 0, 2);
        assert!(write(&mut oracle, Word::NONE)[0].ends_with("which a rule forbids"));
    }

    #[test]
    fn a_weak_mapping_may_write_over_what_nobody_had_heard() {
        let edited = || {
            let mut oracle = told(House::default(), 0);
            oracle.said(1, 0, 0, Word::new(5), 1);
            oracle
        };
        assert_eq!(write(&mut edited(), Word::NONE), Vec::<String>::new(), "the edit was not heard of");
        assert!(write(&mut edited(), Word::new(5))[0].contains("only fills"), "it was");
    }
}
