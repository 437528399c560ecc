//! Words of titles, names and descriptions, and how rare each is.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::attribute::Kind;
use crate::dictionary::Dictionary;
use crate::normalize;

/// Values are looked at up to this many words.
const MOST_WORDS: usize = 64;

/// The words of each value of a dictionary.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    words: Dictionary,
    /// By code of the value, where its words end.
    ends: Vec<u32>,
    /// The words of all values, one behind the other.
    of_values: Vec<u32>,
    /// By code of the word: in how many values it is.
    values_with: Vec<u32>,
    values: usize,
    frozen: Option<Frozen>,
}

/// How many values have each word, as a model knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WordFrequencies {
    /// How many values there were.
    pub values: usize,
    /// Words that more than one value has: their hash, and how many do, by hash.
    pub words: Vec<(u64, u32)>,
}

#[derive(Debug, Clone)]
struct Frozen {
    values: usize,
    known: HashMap<u64, u32>,
}

/// A word that a model does not know is taken to be in so many values: it may lead to another.
const UNKNOWN: u32 = 2;

impl Lexicon {
    /// Keeps rarity as it is known, whatever values are noted.
    pub(crate) fn freeze(&mut self, known: &WordFrequencies) {
        self.frozen = Some(Frozen { values: known.values, known: known.words.iter().copied().collect() });
        for word in 0..self.values_with.len() {
            self.values_with[word] = self.frozen_count(word as u32);
        }
    }

    fn frozen_count(&self, word: u32) -> u32 {
        let hash = self.words.hash(word);
        self.frozen.as_ref().and_then(|frozen| frozen.known.get(&hash)).copied().unwrap_or(UNKNOWN)
    }

    /// How many values have each word.
    #[must_use]
    pub fn frequencies(&self) -> WordFrequencies {
        let mut words: Vec<(u64, u32)> = (1..self.values_with.len())
            .map(|word| (self.words.hash(word as u32), self.values_with[word]))
            .filter(|(_, values)| *values > 1)
            .collect();
        words.sort_unstable();
        WordFrequencies { values: self.values(), words }
    }

    /// Notes the words of a value, once. Values come in the order of their codes.
    pub(crate) fn note(&mut self, code: u32, value: &str) {
        let place = code as usize;
        if place < self.ends.len().max(1) {
            return;
        }
        // Codes that were left out have no words.
        self.ends.resize(place, self.of_values.len() as u32);
        let mut words: SmallVec<[u32; 8]> = value
            .split(' ')
            .filter(|word| !word.is_empty())
            .take(MOST_WORDS)
            .map(|word| self.words.intern(word))
            .collect();
        words.sort_unstable();
        words.dedup();
        let known = self.values_with.len();
        self.values_with.resize(self.words.codes(), 0);
        if self.frozen.is_some() {
            for word in known..self.values_with.len() {
                self.values_with[word] = self.frozen_count(word as u32);
            }
        } else {
            words.iter().for_each(|word| self.values_with[*word as usize] += 1);
        }
        self.of_values.extend_from_slice(&words);
        self.ends.push(self.of_values.len() as u32);
        self.values += 1;
    }

    /// The words of a value: codes, sorted.
    #[must_use]
    pub fn words_of(&self, code: u32) -> &[u32] {
        let start =
            (code as usize).checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(code as usize).copied().unwrap_or(start);
        self.of_values.get(start as usize..end as usize).unwrap_or_default()
    }

    /// How many values have words.
    #[must_use]
    pub fn values(&self) -> usize {
        self.frozen.as_ref().map_or(self.values, |frozen| frozen.values)
    }

    /// The words.
    #[must_use]
    pub const fn words(&self) -> &Dictionary {
        &self.words
    }

    /// How many values have a word.
    #[must_use]
    pub fn values_with(&self, word: u32) -> u32 {
        self.values_with.get(word as usize).copied().unwrap_or_default()
    }
}

/// Writes the words of a value of a kind, separated by blanks.
pub(crate) fn words(kind: Kind, text: &str, out: &mut String) {
    match kind {
        Kind::Title => title(text, out),
        Kind::Names => {
            normalize::fold(text, out);
            // Initials tell little, and are often left out.
            let kept: Vec<&str> = out.split(' ').filter(|word| word.len() > 1).collect();
            if !kept.is_empty() {
                *out = kept.join(" ");
            }
        }
        _ => normalize::fold(text, out),
    }
}

/// Words of a title. What has a digit, or is joined by a hyphen, is one word, as a code of a model is written.
fn title(text: &str, out: &mut String) {
    let mut word = String::new();
    let mut words = String::new();
    for part in normalize::cut(text, normalize::LONGEST).split_whitespace() {
        normalize::fold(part, &mut word);
        let coded = word.contains(' ') && word.bytes().any(|byte| byte.is_ascii_digit());
        if coded && !part.contains('/') {
            word.retain(|letter| letter != ' ');
        }
        if !word.is_empty() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(&word);
        }
    }
    *out = words;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_knows_its_values() {
        let (mut lexicon, mut values) = (Lexicon::default(), Dictionary::default());
        for value in ["sony turntable pslx350h", "sony switcher", "sony sony", ""] {
            let code = values.intern(value);
            lexicon.note(code, value);
            lexicon.note(code, value);
        }
        let sony = lexicon.words_of(3)[0];
        assert_eq!((lexicon.words().text(sony), lexicon.values_with(sony)), ("sony", 3));
        assert_eq!((lexicon.words_of(1).len(), lexicon.words_of(0).len(), lexicon.words_of(99).len()), (3, 0, 0));
    }
}
