//! Records as rows of codes: every value normalised once, and held once.

use hashbrown::HashMap;

use crate::attribute::{Entities, Kind, Schema};
use crate::dictionary::{Dictionary, NONE};
use crate::hash;
use crate::layout::{Layout, Recipe};
use crate::lexicon::{self, Lexicon, WordFrequencies};
use crate::normalize;

/// A row's place in its table.
pub type Row = u32;

/// So many spellings of countries are remembered.
const MOST_COUNTRIES: usize = 4_096;

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
    scratch: [String; 3],
    /// Countries as they were written, and their codes: few, and read for every record.
    countries: HashMap<String, u32>,
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
            scratch: Default::default(),
            countries: HashMap::new(),
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

    /// How many rows hold each code of a field.
    #[must_use]
    pub fn counts(&self, field: usize) -> Vec<u32> {
        let mut counts = vec![0; self.dictionary(field).codes()];
        let width = self.layout.fields.len();
        for code in self.codes.iter().skip(field).step_by(width) {
            counts[*code as usize] += 1;
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
        let Self { layout, dictionaries, lexicons, codes, scratch: [out, more, country], countries, .. } = self;
        let row = &mut codes[start..];
        country.clear();
        for recipe in &layout.recipes {
            let raw = value(recipe.column);
            if normalize::says_nothing(raw) && recipe.with.is_none() {
                continue;
            }
            let mut set =
                |field: usize, value: &str| row[field] = dictionaries[layout.fields[field].dictionary].intern(value);
            match recipe.kind {
                Kind::GivenName | Kind::Surname => normalize::name(raw, out),
                Kind::FullName => {
                    normalize::full_name(raw, out, more);
                    set(recipe.field + 1, more);
                }
                Kind::Company => normalize::company(raw, out),
                Kind::Mailbox => {
                    if !normalize::mailbox(raw, out) {
                        continue;
                    }
                    set(recipe.field + 1, normalize::corporate_domain(out).unwrap_or_default());
                }
                Kind::Website => normalize::website(raw, out),
                Kind::Phone => normalize::phone(raw, country, out),
                Kind::Street => normalize::street(recipe.with.map_or("", value), raw, out),
                Kind::Postcode => normalize::postcode(raw, out),
                Kind::Country => {
                    if let Some(code) = countries.get(raw) {
                        row[recipe.field] = *code;
                        country.clear();
                        country.push_str(dictionaries[layout.fields[recipe.field].dictionary].text(*code));
                        continue;
                    }
                    normalize::country(raw, out);
                    country.clone_from(out);
                    let code = dictionaries[layout.fields[recipe.field].dictionary].intern(out);
                    row[recipe.field] = code;
                    if countries.len() < MOST_COUNTRIES && raw.len() <= normalize::LONGEST {
                        countries.insert(raw.to_owned(), code);
                    }
                    continue;
                }
                Kind::Date => normalize::date(raw, out),
                Kind::Identifier => normalize::code(raw, out),
                Kind::Number => number(raw, out),
                Kind::City | Kind::Category | Kind::Text => normalize::fold(raw, out),
                Kind::Title | Kind::Names | Kind::Description => lexicon::words(recipe.kind, raw, out),
                Kind::HouseNumber | Kind::System | Kind::Ignored => continue,
            }
            set(recipe.field, out);
            if Layout::has_words(recipe.kind) {
                let dictionary = layout.fields[recipe.field].dictionary;
                lexicons[dictionary].note(row[recipe.field], out);
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

/// Writes a number: digits, sign and point only.
fn number(text: &str, out: &mut String) {
    out.clear();
    let text = normalize::cut(text.trim(), 48);
    out.extend(text.chars().filter(|letter| letter.is_ascii_digit() || matches!(letter, '.' | '-')));
    match out.parse::<f64>() {
        Ok(number) if number.is_finite() => *out = number.to_string(),
        _ => out.clear(),
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
