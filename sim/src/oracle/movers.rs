//! Movers: whose word of a round is to be heard, by the policy of its attribute.

use std::collections::{BTreeMap, BTreeSet};

use crate::design::{ATTRIBUTES, Attribute, Policy, System};
use crate::oracle::{Oracle, Unit};
use crate::scene::By;
use crate::word::Word;

impl Oracle {
    /// Where only one system's people spoke, they are heard, and nobody is asked.
    pub(super) fn judge_movers(&self, unit: Unit, waits: &BTreeSet<Unit>, found: &mut Vec<String>) {
        let Attribute { owner, policy, strength } = &self.attributes[unit.1];
        if self.disturbed.contains(&unit.0)
            || [&self.open, &self.decided, &self.fought].iter().any(|of| of.contains(&unit))
            || self.is_guarded(unit)
        {
            return;
        }
        let moved = &self.moved.get(&unit).cloned().unwrap_or_default();
        match (owner, policy) {
            (None, Policy::Undeclared) => self.judge_conflict(unit, moved, found),
            (None, Policy::Latest) => self.judge_latest(unit, moved, found),
            (None, Policy::Priority) => self.judge_priority(unit, moved, found),
            _ => {}
        }
        let decide: Vec<_> = moved.iter().filter(|(system, _)| owner.is_none_or(|owner| owner == **system)).collect();
        let undeclared = *policy == Policy::Undeclared;
        let alone = undeclared && decide.len() <= 1 && decide.iter().all(|(_, word)| word.is_some());
        // What a weak mapping does not write is for people.
        if alone
            && waits.contains(&unit)
            && moved.len() == decide.len()
            && !strength.contains(&0)
            && !self.doubted(unit)
            && !self.never_agreed(unit)
        {
            found.push(format!("{} of k{} waits for a person, and nobody disagrees", ATTRIBUTES[unit.1], unit.0));
        }
        for (system, word) in decide.iter().filter(|_| alone) {
            self.overruled(unit, **system, **word, "alone, and was overruled", found);
        }
    }

    /// Whether a system that keeps its own form was written what nobody heard of, or what no token proves, where nothing enforces
    /// it: what is found there may be somebody's edit.
    fn doubted(&self, (subject, attribute): Unit) -> bool {
        let doubted = |(system, design): (usize, &System)| {
            let Some(known) = self.stands(system, subject) else { return false };
            let cell = &known.cells[attribute];
            let own_form = cell.last().1 == By::Engine && cell.word() != cell.word().said();
            let proofs = cell.tries().count() - known.spoilt(attribute, i64::MAX);
            let unproven = !design.answers && proofs < 1 + usize::from(design.grain > 1);
            let enforced = self.attributes[attribute].strength[system] != 1;
            !enforced && own_form && (cell.unheard > 0 || unproven)
        };
        self.systems.iter().enumerate().any(doubted)
    }

    /// Whether an owner's record came empty in the place of one that was lost, and said nothing until the world last rested: it was
    /// never in agreement with what that one had said, so that its first word is for people (semantics, 5).
    fn never_agreed(&self, (subject, attribute): Unit) -> bool {
        let Some(owner) = self.attributes[attribute].owner else { return false };
        let of = self.records[owner].iter().filter(|known| known.subject == subject);
        let (mut lost, stands) = (of.filter(|known| !known.live), self.stands(owner, subject));
        lost.any(|known| known.cells[attribute].held) && stands.is_some_and(|known| !known.cells[attribute].held)
    }

    /// Whoever said a word that decides still holds it.
    fn overruled(&self, unit: Unit, system: usize, word: Word, how: &str, found: &mut Vec<String>) {
        let Some(known) = self.stands(system, unit.0) else { return };
        let held = known.cells[unit.1].word();
        // Whoever spoke later and knew of it answered it: a word that was said before may be said once more.
        let answered = self.said.get(&held.said()).is_some_and(|said| said.knows.contains(&word.said()));
        if held.said() != word.said() && !answered {
            let (name, attribute) = (self.systems[system].name, ATTRIBUTES[unit.1]);
            found.push(format!("{name} said {word} of {attribute} of k{}, {how}: it holds {held}", unit.0));
        }
    }

    /// Whether a word was said in one system only, and nobody wrote over it before it was heard.
    pub(super) fn once(&self, word: Word) -> bool {
        let once = self.said.get(&word.said()).is_some_and(|said| said.systems.len() == 1);
        once && word.is_some() && !self.unseen.contains(&word.said())
    }

    /// Of two people who did not know of each other's word, neither is overruled unasked.
    fn judge_conflict(&self, unit: Unit, moved: &BTreeMap<usize, Word>, found: &mut Vec<String>) {
        let once: Vec<(&usize, &Word)> = moved.iter().filter(|(_, word)| self.once(**word)).collect();
        for (winner, won) in &once {
            for (loser, lost) in once.iter().filter(|(loser, _)| loser != winner) {
                let unaware = !self.said[&lost.said()].knows.contains(&won.said());
                let holds = |(word, by, _): (Word, By, i64)| unaware && word.said() == won.said() && by == By::Engine;
                if self.stands(**loser, unit.0).is_some_and(|known| holds(known.cells[unit.1].last())) {
                    self.overruled(unit, **loser, **lost, "and was overruled unasked", found);
                }
            }
        }
    }

    /// Whoever spoke last by far is believed, where that is declared and every clock can tell.
    fn judge_latest(&self, unit: Unit, moved: &BTreeMap<usize, Word>, found: &mut Vec<String>) {
        if self.systems.iter().any(|system| system.versions) {
            return;
        }
        let at = |word: &Word| self.said.get(&word.said()).map_or(0, |said| said.at);
        let Some((system, word)) = moved.iter().max_by_key(|(_, word)| at(word)) else { return };
        let by_far = |(other, earlier): (&usize, &Word)| {
            let skews = self.systems[*system].skew.abs() + self.systems[*other].skew.abs();
            let before = self.shown_by(unit, *other, *earlier);
            other == system || (earlier.is_some() && at(word).saturating_sub(before) > 2 * skews + 4_000)
        };
        if self.once(*word) && moved.iter().all(by_far) {
            self.overruled(unit, *system, *word, "last, and was not believed", found);
        }
    }

    /// When a system may have shown a word for the first time, at the latest: an edit of another attribute moves its record's time.
    fn shown_by(&self, unit: Unit, system: usize, word: Word) -> i64 {
        let Some(known) = self.stands(system, unit.0) else { return i64::MAX };
        let history = &known.cells[unit.1].history;
        let said = history.iter().rposition(|(held, ..)| held.said() == word.said());
        let over = said.and_then(|said| history.get(said + 1)).map_or(i64::MAX, |(.., at)| *at);
        let changes = known.cells.iter().flat_map(|cell| &cell.history).map(|(.., at)| *at);
        changes.filter(|at| *at < over).max().unwrap_or(i64::MAX)
    }

    /// The first system of the list is believed, where that is declared.
    fn judge_priority(&self, unit: Unit, moved: &BTreeMap<usize, Word>, found: &mut Vec<String>) {
        let first = self.systems.len() - 1;
        if let Some(word) = moved.get(&first).filter(|word| word.is_some() && !self.unseen.contains(word)) {
            self.overruled(unit, first, *word, "comes first, and was overruled", found);
        }
    }

    /// Where a majority is asked for, whom two systems' people outvoted is overruled, and nobody whom one alone contradicts: what we
    /// wrote from one system into others is no vote. `before`: what was written over, knowingly, and when it was said.
    pub(super) fn check_votes(&mut self, system: usize, unit: Unit, word: Word, before: (Word, i64)) {
        let Attribute { owner, policy, .. } = &self.attributes[unit.1];
        let (over, at) = before;
        let decided = self.decided_at.get(&unit).is_some_and(|decided| *decided >= at);
        let asked = *policy == Policy::Consensus && owner.is_none() && !self.remodelled.contains(&unit.1);
        let said = self.said.get(&word.said());
        let outvoted = said.is_some_and(|said| said.systems.len() > 1 || said.knows.contains(&over.said()));
        if asked
            && !outvoted
            && !decided
            && over.said() != word.said()
            && self.once(over)
            && self.is_promised(unit.0)
            && !self.disturbed.contains(&unit.0)
            && !self.fought.contains(&unit)
            && !self.is_guarded(unit)
        {
            let (name, attribute) = (self.systems[system].name, ATTRIBUTES[unit.1]);
            self.accuse(format!(
                "{name} said {over} of {attribute} of k{}, and was overruled without a majority by {word}",
                unit.0
            ));
        }
    }
}
