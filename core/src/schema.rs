//! Schemas: what a system says of its own object types, exported by a person or asked for, and what of a model's mappings
//! it cannot keep. Pure: each connector reads its vendor's export into this vocabulary, and the comparison is the same.
//!
//! ```
//! use accordant::model::{At, EntityModel, Path, SystemObject, TypedAttribute};
//! use accordant::schema::{Contract, FieldKind, FieldSchema, ObjectSchema};
//!
//! let mut model = EntityModel::new("customer");
//! model.object(SystemObject::new("crm", "contacts").required());
//! model.attribute(TypedAttribute::<String>::new("name").at(At::path("crm", "full_name")));
//!
//! let mut contacts = ObjectSchema::new("contacts");
//! contacts.field(FieldSchema::new(Path::new("name"), FieldKind::Text).at_most(80));
//! let found = Contract::of(&[model]).describes("crm", [contacts]).mismatches();
//! assert_eq!(
//!     found.to_string(),
//!     "system  object    field      attribute      what is wrong                     what to do\n\
//!      crm     contacts  full_name  customer.name  there is none, or it is not seen  map another field, or let the integration see it\n\
//!      1 mismatch in 1 object type"
//! );
//! ```

mod contract;
mod drift;
mod mismatch;

use std::collections::BTreeSet;

use crate::id::ObjectType;
use crate::model::Path;
use crate::text::Text;
use crate::value::Native;

pub use contract::Contract;
pub(crate) use drift::{KnownFields, MOST_FIELDS, drifts};
pub use mismatch::{Mismatch, MismatchKind, Mismatches};

/// One object type, as its system describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSchema {
    /// The native object type.
    pub object: ObjectType,
    /// Its fields, by path of the connector's documented shape.
    pub fields: Vec<FieldSchema>,
}

impl ObjectSchema {
    /// An object type without fields.
    #[must_use]
    pub fn new(object: &str) -> Self {
        Self { object: object.into(), fields: Vec::new() }
    }

    /// Adds a field.
    pub fn field(&mut self, field: FieldSchema) -> &mut Self {
        self.fields.push(field);
        self
    }

    /// The field of a path; of a path that leads into a field whose inside is not described, that field.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<&FieldSchema> {
        let exact = self.fields.iter().find(|field| field.path == *path);
        let into =
            |field: &&FieldSchema| matches!(field.kind, FieldKind::Other(_)) && path.strip(&field.path).is_some();
        exact.or_else(|| self.fields.iter().find(into))
    }
}

/// One field of an object type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldSchema {
    /// Where it is in the documented shape.
    pub path: Path,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether its values are the system's own.
    pub read_only: bool,
    /// Whether a record cannot be made without it.
    pub required: bool,
    /// Whether no two records share a value of it; `None`: nothing is said.
    pub unique: Option<bool>,
    /// How many characters fit.
    pub max_length: Option<usize>,
    /// Values as the connector's bodies carry them: by these it is tried whether a mapping reads the field.
    pub examples: Vec<Native>,
}

impl FieldSchema {
    /// A field that may be read and written, with the examples of its kind in JSON.
    #[must_use]
    pub fn new(path: Path, kind: FieldKind) -> Self {
        let examples = kind.examples();
        Self { path, kind, read_only: false, required: false, unique: None, max_length: None, examples }
    }

    /// The same, whose values are the system's own.
    #[must_use]
    pub fn read_only(self, read_only: bool) -> Self {
        Self { read_only, ..self }
    }

    /// The same, without which no record is made.
    #[must_use]
    pub fn required(self, required: bool) -> Self {
        Self { required, ..self }
    }

    /// The same, of which it is said whether values are unique.
    #[must_use]
    pub fn unique(self, unique: bool) -> Self {
        Self { unique: Some(unique), ..self }
    }

    /// The same, of which so many characters fit.
    #[must_use]
    pub fn at_most(self, characters: usize) -> Self {
        Self { max_length: Some(characters), ..self }
    }

    /// The same, of a system that carries every value as text.
    #[must_use]
    pub fn as_text(mut self) -> Self {
        for example in &mut self.examples {
            match example {
                Native::Bool(value) => *example = Native::Text(value.to_string().into()),
                Native::Number(text) => *example = Native::Text(text.clone()),
                Native::Null | Native::Text(_) | Native::List(_) | Native::Elements(_) => {}
            }
        }
        self
    }

    /// The same, with other examples of how its values are carried.
    #[must_use]
    pub fn carried_as(self, examples: impl IntoIterator<Item = Native>) -> Self {
        Self { examples: examples.into_iter().collect(), ..self }
    }
}

/// Whole numbers as columns of them hold: amounts, flags, small codes, a country by number (ISO 3166-1), a day as digits, a midnight in
/// milliseconds since the epoch.
const WHOLE: &[&str] = &["12", "-3", "0", "1", "2", "276", "20240229", "1709164800000"];

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// Any text.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Yes or no.
    Bool,
    /// A day.
    Date,
    /// An instant.
    Instant,
    /// One of these, or several: what is written as one.
    Choice(BTreeSet<Text>),
    /// The id of another record.
    Reference,
    /// What is none of these, by the system's own word. Nothing is presumed of it.
    Other(Text),
}

impl FieldKind {
    /// Its name, as people read it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            FieldKind::Text => "text",
            FieldKind::Integer => "a whole number",
            FieldKind::Number => "a number",
            FieldKind::Bool => "yes or no",
            FieldKind::Date => "a day",
            FieldKind::Instant => "an instant",
            FieldKind::Choice(_) => "a choice",
            FieldKind::Reference => "a reference",
            FieldKind::Other(name) => name,
        }
    }

    fn examples(&self) -> Vec<Native> {
        let texts = |texts: &[&str]| texts.iter().map(|text| Native::Text((*text).into())).collect();
        let numbers = |numbers: &[&str]| numbers.iter().map(|number| Native::Number((*number).into())).collect();
        match self {
            FieldKind::Text | FieldKind::Other(_) => Vec::new(),
            FieldKind::Integer => numbers(WHOLE),
            FieldKind::Number => numbers(&["10.5"]).into_iter().chain(numbers(WHOLE)).collect(),
            FieldKind::Bool => vec![Native::Bool(true), Native::Bool(false)],
            FieldKind::Date => texts(&["2024-02-29"]),
            FieldKind::Instant => texts(&["2024-02-29T12:30:00Z"]),
            FieldKind::Choice(options) => options.iter().cloned().map(Native::Text).collect(),
            FieldKind::Reference => texts(&["12"]),
        }
    }
}
