//! How a world spells words: the entity type that it is about, the object types that hold it, where each attribute stands
//! and as what. The built-in world spells them plainly; a user's own model spells them as its systems do.

pub mod own;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::bytes::Bytes;
use accordant::model::{EntityModel, Path};
use accordant::value::Native;

use crate::design::{ATTRIBUTES, Design, OBJECT};
use crate::key::Key;
use crate::server::body;
use crate::word::Word;
use own::Own;

/// What one leaf of a write says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Whom the record is about.
    Key(usize),
    /// An attribute.
    Set(usize, Word),
    /// Nothing of its own: the currency of an amount that another leaf holds.
    Beside,
}

/// How a world spells words.
#[derive(Debug, Clone, Default)]
pub enum Dialect {
    /// As they are: `{"key": "k0", "a0": "w1"}`.
    #[default]
    Plain,
    /// As the systems of a user's model do.
    Own(Arc<Own>),
}

impl Dialect {
    /// The models that the engine is given.
    #[must_use]
    pub fn models(&self, design: &Design) -> Vec<EntityModel> {
        match self {
            Dialect::Plain => vec![design.model()],
            Dialect::Own(own) => own.models(),
        }
    }

    /// The entity type that the world is about.
    #[must_use]
    pub fn entity(&self) -> &str {
        match self {
            Dialect::Plain => "thing",
            Dialect::Own(own) => own.entity(),
        }
    }

    /// The native object type in a system.
    #[must_use]
    pub fn object(&self, system: usize) -> &str {
        match self {
            Dialect::Plain => OBJECT,
            Dialect::Own(own) => own.object(system),
        }
    }

    /// The systems that the model names, each with the object types that the world is not about.
    #[must_use]
    pub fn beside(&self) -> BTreeMap<String, Vec<String>> {
        match self {
            Dialect::Plain => BTreeMap::new(),
            Dialect::Own(own) => own.beside(),
        }
    }

    /// The unit that an attribute of the world is to the engine.
    #[must_use]
    pub fn unit(&self, attribute: usize) -> &str {
        match self {
            Dialect::Plain => ATTRIBUTES[attribute],
            Dialect::Own(own) => own.unit(attribute),
        }
    }

    /// The attribute that a unit of the engine's is in the world.
    #[must_use]
    pub fn attribute(&self, unit: &str) -> Option<usize> {
        (0..ATTRIBUTES.len()).find(|attribute| match self {
            Dialect::Plain => ATTRIBUTES[*attribute] == unit,
            Dialect::Own(own) => own.unit(*attribute) == unit,
        })
    }

    /// Whether a system holds an attribute at all.
    #[must_use]
    pub fn holds(&self, system: usize, attribute: usize) -> bool {
        match self {
            Dialect::Plain => true,
            Dialect::Own(own) => own.holds(system, attribute),
        }
    }

    /// Whether no record is made without an attribute.
    #[must_use]
    pub fn needs(&self, attribute: usize) -> bool {
        match self {
            Dialect::Plain => false,
            Dialect::Own(own) => own.needs(attribute),
        }
    }

    /// The word that a canonical text is.
    #[must_use]
    pub fn word(&self, attribute: usize, canonical: &str) -> Option<Word> {
        match self {
            Dialect::Plain => Word::parse(canonical),
            Dialect::Own(own) => own.word(attribute, canonical),
        }
    }

    /// The canonical text of a word.
    #[must_use]
    pub fn canonical(&self, attribute: usize, word: Word) -> String {
        match self {
            Dialect::Plain => word.to_string(),
            Dialect::Own(own) => own.canonical(attribute, word),
        }
    }

    /// A record's body.
    #[must_use]
    pub fn record(&self, system: usize, place: usize, token: i64, subject: usize, fields: &[Word]) -> Bytes {
        match self {
            Dialect::Plain => body::record(place, token, subject, fields),
            Dialect::Own(own) => {
                let all = fields.iter().copied().enumerate();
                body::around(place, token, &own.record(system, Some(subject), all))
            }
        }
    }

    /// The body of a notice of what changed.
    #[must_use]
    pub fn changed(&self, system: usize, place: usize, token: i64, fields: &[Word], before: &[Word]) -> Bytes {
        match self {
            Dialect::Plain => body::changed(place, token, fields, Some(before)),
            Dialect::Own(own) => {
                let all = fields.iter().copied().enumerate();
                let changed = all.filter(|(attribute, word)| before[*attribute] != *word);
                body::around(place, token, &own.record(system, None, changed))
            }
        }
    }

    /// The same record, with its first attribute in a shape that no model knows.
    #[must_use]
    pub fn misshapen(&self, system: usize, body: &Bytes) -> Bytes {
        match self {
            Dialect::Plain => body::misshapen(body),
            Dialect::Own(own) => own.misshapen(system, body),
        }
    }

    /// What a leaf of a write says; `None`: what nobody can have said.
    #[must_use]
    pub fn change(&self, system: usize, path: &Path, native: &Native) -> Option<Change> {
        let Dialect::Own(own) = self else {
            let path = path.to_string();
            let text = match native {
                Native::Null => "",
                Native::Text(text) => text.as_str(),
                _ => return None,
            };
            if path == "key" {
                return Some(Change::Key(Key::parse(text)?.0));
            }
            let attribute = ATTRIBUTES.iter().position(|name| *name == path)?;
            return Some(Change::Set(attribute, Word::parse(text)?));
        };
        own.change(system, path, native)
    }
}
