//! Records as rows of codes: every value normalised once, and held once.

mod draft;

use std::hint::black_box;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::attribute::{Entities, Kind, Schema};
use crate::dictionary::{Dictionary, NONE};
use crate::hash;
use crate::layout::{Layout, Recipe};
use crate::lexicon::{Lexicon, WordFrequencies};
use crate::normalize;

use draft::Draft;

/// A row's place in its table.
pub type Row = u32;

/// Records of one kind, from one or several systems.
#[derive(Debug, Clone)]
pub struct Table {
    layout: Layout,
    dictionaries: Vec<Dictionary>,
    lexicons: Vec<Lexicon>,
    codes: Vec<u32>,
    id_ends: Vec<u32>,
    ids: String,
    systems: Vec<String>,
    /// By name, the number of each system: one may be there for every row.
    system_numbers: HashMap<String, u32>,
    system_of: Vec<u32>,
    keys: Vec<u64>,
    draft: Draft,
}

impl Table {
    /// An empty table of a schema.
    #[must_use]
    pub fn new(schema: Schema) -> Self {
        let layout = Layout::of(schema);
        Self {
            dictionaries: vec![Dictionary::default(); layout.dictionaries],
            lexicons: vec![Lexicon::default(); layout.dictionaries],
            layout,
            codes: Vec::new(),
            id_ends: Vec::new(),
            ids: String::new(),
            systems: Vec::new(),
            system_numbers: HashMap::new(),
            system_of: Vec::new(),
            keys: Vec::new(),
            draft: Draft::default(),
        }
    }

    /// Says what its records are of: persons, unless its schema says otherwise.
    pub const fn hold(&mut self, entities: Entities) {
        self.layout.schema.entities = entities;
    }

    /// The fields that its columns make.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.id_ends.len()
    }

    /// The number of a system's name, which it gets if it is new.
    pub fn system(&mut self, name: &str) -> usize {
        if let Some(known) = self.system_numbers.get(name) {
            return *known as usize;
        }
        let number = self.systems.len();
        self.systems.push(name.to_owned());
        self.system_numbers.insert(name.to_owned(), number as u32);
        number
    }

    /// The names of the systems.
    #[must_use]
    pub fn systems(&self) -> &[String] {
        &self.systems
    }

    /// The number of a row's system.
    #[must_use]
    pub fn system_of(&self, row: Row) -> usize {
        self.system_of.get(row as usize).copied().unwrap_or_default() as usize
    }

    /// A row's id.
    #[must_use]
    pub fn id(&self, row: Row) -> &str {
        let row = row as usize;
        let start = row.checked_sub(1).and_then(|before| self.id_ends.get(before)).copied().unwrap_or_default();
        let end = self.id_ends.get(row).copied().unwrap_or(start);
        self.ids.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The hash of a row's system and id: what it is called wherever the order of rows must decide nothing.
    #[must_use]
    pub fn key(&self, row: Row) -> u64 {
        self.keys.get(row as usize).copied().unwrap_or_default()
    }

    /// Keeps the rarity of words as a model knows it, whatever is added.
    pub(crate) fn freeze_words(&mut self, known: &[WordFrequencies]) {
        self.lexicons.iter_mut().zip(known).for_each(|(lexicon, known)| lexicon.freeze(known));
    }

    /// How rare words are, by dictionary.
    #[must_use]
    pub(crate) fn word_frequencies(&self) -> Vec<WordFrequencies> {
        self.lexicons.iter().map(Lexicon::frequencies).collect()
    }

    /// A row's codes, one per field.
    #[must_use]
    pub fn codes(&self, row: Row) -> &[u32] {
        let width = self.layout.fields.len();
        let start = row as usize * width;
        self.codes.get(start..start + width).unwrap_or_default()
    }

    /// A row's code in a field.
    #[must_use]
    pub fn code(&self, row: Row, field: usize) -> u32 {
        self.codes(row).get(field).copied().unwrap_or(NONE)
    }

    /// The values of a field.
    #[must_use]
    pub fn dictionary(&self, field: usize) -> &Dictionary {
        &self.dictionaries[self.layout.fields[field].dictionary]
    }

    /// The words of a field's values.
    #[must_use]
    pub fn lexicon(&self, field: usize) -> &Lexicon {
        &self.lexicons[self.layout.fields[field].dictionary]
    }

    /// By field, how many rows hold each code.
    #[must_use]
    pub fn counts(&self) -> Vec<Vec<u32>> {
        let fields = 0..self.layout.fields.len();
        let mut counts: Vec<Vec<u32>> = fields.map(|field| vec![0; self.dictionary(field).codes()]).collect();
        for codes in self.codes.chunks_exact(self.layout.fields.len().max(1)) {
            counts.iter_mut().zip(codes).for_each(|(counts, code)| counts[*code as usize] += 1);
        }
        counts
    }

    /// Adds a record. `values` are its columns', in the order of the schema; what is missing at the end is empty. Where `system`
    /// is empty, the column that says it does.
    pub fn push<V: AsRef<str>>(&mut self, id: &str, system: &str, values: &[V]) -> Row {
        let value = |column: usize| values.get(column).map_or("", |value| value.as_ref());
        let column = self.layout.schema.attributes.iter().position(|attribute| attribute.kind == Kind::System);
        let named = column.map_or("", value);
        let system = self.system(if system.is_empty() { named } else { system });
        self.system_of.push(system as u32);
        let of = self.systems.get(system).map_or(0, |name| hash::bytes(name.as_bytes()));
        self.keys.push(hash::mix(of, hash::bytes(id.as_bytes())));
        self.ids.push_str(normalize::cut(id, normalize::LONGEST));
        self.id_ends.push(self.ids.len() as u32);
        let start = self.codes.len();
        self.codes.resize(start + self.layout.fields.len(), NONE);
        let Self { layout, dictionaries, lexicons, codes, draft, .. } = self;
        draft.write(layout, values);
        let of = |field: usize| layout.fields[field].dictionary;
        // Where the values are is waited for once, not one after the other.
        let guesses = draft.values().map(|value| (of(value.field), dictionaries[of(value.field)].guess(value.hash)));
        let guesses: SmallVec<[(usize, u32); 16]> = guesses.collect();
        black_box(guesses.iter().fold(0, |ahead, (of, code)| ahead ^ dictionaries[*of].ahead(*code)));
        for value in draft.values() {
            let dictionary = &mut dictionaries[of(value.field)];
            let known = dictionary.codes();
            let code = dictionary.intern_hashed(value.text, value.hash);
            codes[start + value.field] = code;
            if code as usize >= known && layout.fields[value.field].role.has_words() {
                lexicons[of(value.field)].note(code, value.text);
            }
        }
        self.site(start);
        (self.rows() - 1) as Row
    }

    /// The site of a record: the domain of its mailbox, or else of its website.
    fn site(&mut self, start: usize) {
        if let (Some(site), Some(mail)) = (self.layout.site, self.layout.mail_domain) {
            let website = self.layout.website.map_or(NONE, |field| self.codes[start + field]);
            let mail = self.codes[start + mail];
            self.codes[start + site] = if mail == NONE { website } else { mail };
        }
    }
}

impl Recipe {
    /// The recipe of a column on its own.
    pub(crate) const fn plain(kind: Kind, column: usize, field: usize) -> Self {
        Self { kind, column, with: None, field }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_codes_of_normalised_values() {
        let schema = Schema::new(&[
            ("name", Kind::FullName),
            ("email", Kind::Mailbox),
            ("website", Kind::Website),
            ("phone", Kind::Phone),
            ("country", Kind::Country),
            ("system", Kind::System),
        ]);
        let mut table = Table::new(schema);
        let a = table.push("1", "", &["Anna de Vries", "Anna@Acme.nl", "", "+31 20 123 4567", "NL", "hubspot"]);
        let b = table.push("1", "", &["DE VRIES, ANNA", "", "www.acme.nl", "020 1234567", "Netherlands", "netsuite"]);
        let same: Vec<bool> = table.codes(a).iter().zip(table.codes(b)).map(|(a, b)| a == b && *a != NONE).collect();
        let names: Vec<&str> = table.layout().fields.iter().map(|field| field.name.as_str()).collect();
        let of = |name: &str| same[names.iter().position(|named| *named == name).unwrap_or(99)];
        assert!(of("name.given") && of("name.surname") && of("phone") && of("country") && of("site"));
        assert!(!of("email"));
        assert_eq!((table.systems().len(), table.system_of(b), table.id(b)), (2, 1, "1"));
    }

    #[test]
    fn a_record_without_anything_is_a_row() {
        let mut table = Table::new(Schema::new(&[("name", Kind::FullName), ("price", Kind::Number)]));
        let row = table.push("", "", &[""; 0]);
        assert_eq!(table.codes(row), [NONE, NONE, NONE]);
        let row = table.push("x", "", &["n/a", "about 1e999"]);
        assert_eq!(table.code(row, 0), NONE);
    }
}
