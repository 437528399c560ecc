//! The key of a record under a rule.

use serde::{Deserialize, Serialize};

use crate::dictionary::NONE;
use crate::hash;
use crate::layout::{Layout, Role};
use crate::table::{Row, Table};

/// How much of a value a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyForm {
    /// All of it.
    Whole,
    /// Its first letters.
    Prefix(u8),
    /// What stands before the last `@`.
    Local,
    /// Its first word.
    FirstWord,
    /// Its consonants, doubled ones once: what most slips leave.
    Sound,
    /// Its letters without blanks; where there is no value, the name that the record's site goes by.
    Brand,
    /// Each of its rarest words, so many of them: records that share one are compared. A rule of this form has no other part.
    Words(u8),
}

/// A value that a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// The field.
    pub field: usize,
    /// How much of its value.
    pub form: KeyForm,
}

/// A rule: records with the same values in all its parts are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it blocks by, for people.
    pub name: String,
    /// The parts.
    pub parts: Vec<KeyPart>,
    /// Whether the parts may come in any order: given name and surname that changed places.
    pub unordered: bool,
}

impl KeyPart {
    /// A part of a record's key; 0 where it has none.
    #[must_use]
    pub fn of(self, table: &Table, row: Row) -> u64 {
        match (table.code(row, self.field), self.or_else(table)) {
            (NONE, Some(site)) => site.of_code(table, table.code(row, site.field)),
            (code, _) => self.of_code(table, code),
        }
    }

    /// What is taken where a record has no such value: the site speaks of a company.
    pub(super) fn or_else(self, table: &Table) -> Option<Self> {
        let site = table.layout().site.filter(|_| self.form == KeyForm::Brand)?;
        Some(Self { field: site, ..self })
    }

    /// What it makes of a value; 0 if nothing.
    pub(super) fn of_code(self, table: &Table, code: u32) -> u64 {
        if code == NONE {
            return 0;
        }
        let dictionary = table.dictionary(self.field);
        match self.form {
            KeyForm::Whole => dictionary.hash(code),
            KeyForm::Prefix(letters) => {
                let bytes = dictionary.bytes(code);
                let letters = usize::from(letters);
                if bytes.len() < letters { 0 } else { hash::bytes(&bytes[..letters]) }
            }
            KeyForm::Local => {
                let bytes = dictionary.bytes(code);
                let at = bytes.iter().rposition(|byte| *byte == b'@').unwrap_or(bytes.len());
                if at < 5 { 0 } else { hash::bytes(&bytes[..at]) }
            }
            KeyForm::FirstWord => {
                let word = dictionary.bytes(code).split(|byte| *byte == b' ').next().unwrap_or_default();
                if word.len() < 3 { 0 } else { hash::bytes(word) }
            }
            KeyForm::Sound => sound(dictionary.bytes(code)),
            KeyForm::Brand => brand(dictionary.bytes(code), table.layout().site == Some(self.field)),
            // Where one word has to do, the rarest that is not the only one of its kind.
            KeyForm::Words(_) => rare_words(table, self.field, code).next().unwrap_or_default(),
        }
    }
}

impl Rule {
    /// A rule of parts, called by their fields. Given name and surname may change places.
    pub(super) fn of(layout: &Layout, parts: Vec<KeyPart>) -> Self {
        let field = |part: &KeyPart| &layout.fields[part.field];
        let both = |part: &KeyPart| matches!(field(part).role, Role::GivenName | Role::Surname);
        let name = parts.iter().map(|part| field(part).name.as_str()).collect::<Vec<_>>().join(" + ");
        let unordered = parts.len() == 2 && parts.iter().all(both);
        Self { name, parts, unordered }
    }

    /// Of how many words each makes a key, if it is a rule of words.
    #[must_use]
    pub fn words(&self) -> Option<(usize, u8)> {
        match self.parts.as_slice() {
            [KeyPart { field, form: KeyForm::Words(most) }] => Some((*field, *most)),
            _ => None,
        }
    }

    /// The keys of a record, sorted: one, none, or as many as it has words.
    #[must_use]
    pub fn keys(&self, table: &Table, row: Row) -> smallvec::SmallVec<[u64; 8]> {
        let mut keys: smallvec::SmallVec<[u64; 8]> = match self.words() {
            Some((field, most)) => rare_words(table, field, table.code(row, field)).take(usize::from(most)).collect(),
            None => std::iter::once(self.key(table, row)).filter(|key| *key != 0).collect(),
        };
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The key of a record; 0 where it has none.
    #[must_use]
    pub fn key(&self, table: &Table, row: Row) -> u64 {
        self.key_of(self.parts.iter().map(|part| part.of(table, row)))
    }

    /// The key that parts make; 0 where one of them is.
    pub(super) fn key_of(&self, parts: impl Iterator<Item = u64>) -> u64 {
        let mut key = 0;
        if self.unordered {
            let mut all: smallvec::SmallVec<[u64; 4]> = parts.collect();
            all.sort_unstable();
            if all.first() == Some(&0) {
                return 0;
            }
            key = all.into_iter().fold(key, hash::mix);
        } else {
            for part in parts {
                if part == 0 {
                    return 0;
                }
                key = hash::mix(key, part);
            }
        }
        key.max(1)
    }
}

fn sound(bytes: &[u8]) -> u64 {
    let mut kept: smallvec::SmallVec<[u8; 24]> = smallvec::SmallVec::new();
    for (place, byte) in bytes.iter().enumerate() {
        let vowel = matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y' | b'h' | b'w' | b' ');
        if (place == 0 || !vowel) && kept.last() != Some(byte) {
            kept.push(*byte);
        }
    }
    if kept.len() < 2 { 0 } else { hash::bytes(&kept) }
}

/// The hashes of a value's words, the rarest first; what only this value has leads nowhere.
fn rare_words(table: &Table, field: usize, code: u32) -> impl Iterator<Item = u64> {
    let lexicon = table.lexicon(field);
    let mut words: smallvec::SmallVec<[(u32, u64); 16]> = lexicon
        .words_of(code)
        .iter()
        .map(|word| (lexicon.values_with(*word), lexicon.words().hash(*word)))
        .filter(|(values, _)| *values > 1)
        .collect();
    words.sort_unstable();
    words.into_iter().map(|(_, hash)| hash)
}

/// The letters of a company's name, or of what stands in front of the first point of a site.
fn brand(value: &[u8], is_site: bool) -> u64 {
    let name = if is_site { value.split(|byte| *byte == b'.').next().unwrap_or_default() } else { value };
    let letters: smallvec::SmallVec<[u8; 64]> =
        name.iter().filter(|byte| byte.is_ascii_alphanumeric()).copied().collect();
    if letters.len() < 4 { 0 } else { hash::bytes(&letters) }
}
