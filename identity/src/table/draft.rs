//! The values of one record, normalised, before they have codes.

use hashbrown::HashMap;

use crate::attribute::Kind;
use crate::hash;
use crate::layout::{Layout, Recipe};
use crate::lexicon;
use crate::normalize;

/// So many spellings of countries are remembered.
const MOST_COUNTRIES: usize = 4_096;

/// A record being written; one is used for all records, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    text: String,
    values: Vec<Drafted>,
    scratch: [String; 2],
    country: String,
    /// Countries as they were written, and normalised: few, and read for every record.
    countries: HashMap<String, String>,
}

/// A value: where it stands in the text, and its hash.
#[derive(Debug, Clone, Copy)]
struct Drafted {
    field: usize,
    start: usize,
    end: usize,
    hash: u64,
}

/// A normalised value of a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) field: usize,
    pub(super) text: &'a str,
    pub(super) hash: u64,
}

impl Draft {
    /// Writes a record in place of the one before. `values` are its columns', in the order of the schema.
    pub(super) fn write<V: AsRef<str>>(&mut self, layout: &Layout, values: &[V]) {
        let value = |column: usize| values.get(column).map_or("", |value| value.as_ref());
        self.text.clear();
        self.values.clear();
        self.country.clear();
        let [mut out, mut more] = std::mem::take(&mut self.scratch);
        for recipe in &layout.recipes {
            let raw = value(recipe.column);
            if normalize::says_nothing(raw) && recipe.with.is_none() {
                continue;
            }
            if recipe.kind == Kind::Country {
                self.write_country(recipe, raw, &mut out);
                continue;
            }
            match recipe.kind {
                Kind::GivenName | Kind::Surname => normalize::name(raw, &mut out),
                Kind::FullName => {
                    normalize::full_name(raw, &mut out, &mut more);
                    self.add(recipe.field + 1, &more);
                }
                Kind::Company => normalize::company(raw, &mut out),
                Kind::Mailbox => {
                    if !normalize::mailbox(raw, &mut out) {
                        continue;
                    }
                    self.add(recipe.field + 1, normalize::corporate_domain(&out).unwrap_or_default());
                }
                Kind::Website => normalize::website(raw, &mut out),
                Kind::Phone => normalize::phone(raw, &self.country, &mut out),
                Kind::Street => normalize::street(recipe.with.map_or("", value), raw, &mut out),
                Kind::Postcode => normalize::postcode(raw, &mut out),
                Kind::Date => normalize::date(raw, &mut out),
                Kind::Identifier => normalize::code(raw, &mut out),
                Kind::Number => normalize::number(raw, &mut out),
                Kind::City | Kind::Category | Kind::Text => normalize::fold(raw, &mut out),
                Kind::Title | Kind::Names | Kind::Description => lexicon::words(recipe.kind, raw, &mut out),
                Kind::Country | Kind::HouseNumber | Kind::System | Kind::Ignored => continue,
            }
            self.add(recipe.field, &out);
        }
        self.scratch = [out, more];
    }

    /// The values, in the order in which they get their codes.
    pub(super) fn values(&self) -> impl Iterator<Item = Value<'_>> + Clone {
        self.values.iter().map(|value| Value {
            field: value.field,
            text: &self.text[value.start..value.end],
            hash: value.hash,
        })
    }

    fn write_country(&mut self, recipe: &Recipe, raw: &str, out: &mut String) {
        if let Some(known) = self.countries.get(raw) {
            out.clone_from(known);
        } else {
            normalize::country(raw, out);
            if self.countries.len() < MOST_COUNTRIES && raw.len() <= normalize::LONGEST {
                self.countries.insert(raw.to_owned(), out.clone());
            }
        }
        self.country.clone_from(out);
        self.add(recipe.field, out);
    }

    fn add(&mut self, field: usize, text: &str) {
        if !text.is_empty() {
            let start = self.text.len();
            self.text.push_str(text);
            self.values.push(Drafted { field, start, end: self.text.len(), hash: hash::bytes(text.as_bytes()) });
        }
    }
}
