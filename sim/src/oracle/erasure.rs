//! Erasure: whoever was erased is kept nowhere and written nowhere. It is judged by words, in what is stored, shown and sent.

use std::collections::BTreeMap;

use crate::key::Key;
use crate::oracle::Oracle;
use crate::word::Word;

/// How it stands with somebody whose erasure was ever asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has begun, and nobody knows that it is done.
    Asked,
    /// They are gone.
    Gone,
    /// They may come back.
    Lifted,
}

/// Whose erasure was ever asked for.
#[derive(Debug, Default)]
pub(super) struct Erasures(BTreeMap<usize, Standing>);

impl Erasures {
    pub(super) fn concern(&self, subject: usize) -> bool {
        self.0.contains_key(&subject)
    }

    fn is_gone(&self, subject: usize) -> bool {
        self.0.get(&subject) == Some(&Standing::Gone)
    }
}

impl Oracle {
    /// Whether anything is promised of a subject's records: not of what nobody can read, nor of who was erased.
    #[must_use]
    pub fn is_promised(&self, subject: usize) -> bool {
        !self.poisoned.contains(&subject) && !self.erasures.concern(subject)
    }

    /// Whether the erasure of anybody was ever asked for.
    #[must_use]
    pub fn has_erased(&self) -> bool {
        !self.erasures.0.is_empty()
    }

    /// The erasure of a subject begins.
    pub fn asked_to_erase(&mut self, subject: usize) {
        self.erasures.0.insert(subject, Standing::Asked);
    }

    /// A subject was erased: what was ever said of them, and is said from now on, is to be nowhere.
    pub fn erased(&mut self, subject: usize) {
        self.erasures.0.insert(subject, Standing::Gone);
    }

    /// A subject may come back, with whatever their systems still hold.
    pub fn lifted(&mut self, subject: usize) {
        self.erasures.0.insert(subject, Standing::Lifted);
    }

    /// The subjects whose erasure has begun, and nobody knows that it is done.
    #[must_use]
    pub fn half_erased(&self) -> Vec<usize> {
        let asked = self.erasures.0.iter().filter(|(_, standing)| **standing == Standing::Asked);
        asked.map(|(subject, _)| *subject).collect()
    }

    /// The subjects that may come back.
    #[must_use]
    pub fn all_lifted(&self) -> Vec<usize> {
        let lifted = self.erasures.0.iter().filter(|(_, standing)| **standing == Standing::Lifted);
        lifted.map(|(subject, _)| *subject).collect()
    }

    /// Whether a subject is gone.
    #[must_use]
    pub fn is_gone(&self, subject: usize) -> bool {
        self.erasures.is_gone(subject)
    }

    /// What a text tells of anybody who is gone: the first key or word.
    #[must_use]
    pub fn told_of_gone<'t>(&self, text: &'t str) -> Option<&'t str> {
        spelled(text).find(|spelled| self.subject_of(spelled).is_some_and(|subject| self.erasures.is_gone(subject)))
    }

    /// The words of a subject that a text tells.
    pub fn told_of<'t>(&'t self, subject: usize, text: &'t str) -> impl Iterator<Item = &'t str> {
        spelled(text).filter(move |spelled| {
            let word = Word::parse(spelled).filter(|word| word.is_some());
            word.and_then(|word| self.whose(word)).is_some_and(|(of, _)| of == subject)
        })
    }

    /// Whether nobody ever asked to erase a subject: what nobody could read of them is kept.
    #[must_use]
    pub fn was_never_erased(&self, subject: usize) -> bool {
        !self.erasures.concern(subject)
    }

    /// Whom a key or word is of.
    fn subject_of(&self, spelled: &str) -> Option<usize> {
        Key::parse(spelled)
            .map(|key| key.0)
            .or_else(|| self.whose(Word::parse(spelled).filter(|word| word.is_some())?).map(|(subject, _)| subject))
    }

    /// A write sets out: whoever is gone is written nothing.
    pub fn sends(&mut self, system: usize, subject: usize, what: &str) {
        if self.erasures.is_gone(subject) && !self.two_workers {
            let name = self.systems[system].name;
            self.accuse(format!("{name} is sent {what} of k{subject}, who was erased"));
        }
    }

    /// Whose word it is, and of which attribute; `None`: nobody's.
    #[must_use]
    pub fn whose(&self, word: Word) -> Option<(usize, usize)> {
        self.said.get(&word.said()).map(|said| said.unit)
    }
}

/// The keys and words that a text may spell: whatever stands between signs, those of JSON's escapes included.
pub fn spelled(text: &str) -> impl Iterator<Item = &str> {
    text.split("\\u001f").flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Design;
    use crate::fault::Faults;
    use crate::rng::Rng;
    use crate::scene::By;

    #[test]
    fn a_text_tells_of_who_is_gone_by_key_and_by_word_and_of_nobody_else() {
        let design = Design::of(&mut Rng::new(1), Faults::default());
        let mut oracle = Oracle::new(&design);
        oracle.made(0, 0, &[Word::new(4)], By::Person, 1);
        oracle.made(0, 1, &[Word::new(5)], By::Person, 1);
        oracle.asked_to_erase(0);
        assert_eq!((oracle.told_of_gone("k0 w4"), oracle.half_erased()), (None, vec![0]), "it is not done");
        oracle.erased(0);
        assert_eq!(oracle.told_of_gone(r#"{"a0":"w5","key":"k1","of":"w44 k00x"}"#), None);
        assert_eq!(oracle.told_of_gone(r#"{"a0":"W4"}"#), Some("W4"), "in whatever form");
        assert_eq!(oracle.told_of_gone(r#"["thing\u001fkey\u001fk0"]"#), Some("k0"));
        assert!(oracle.all_lifted().is_empty());
        oracle.lifted(0);
        assert_eq!((oracle.told_of_gone("k0 w4"), oracle.all_lifted()), (None, vec![0]));
    }
}
