//! Values for words: every word is another value of the attribute's type, and a value leads back to its word.

use std::collections::HashMap;

use accordant::model::{AttributeModel, Codec, Mapping, Path, Read, Shape};
use accordant::ownership::{Direction, Strength};
use accordant::value::{Field, Leaf, Native};

/// How many words an attribute can spell: more than any run says.
const WORDS: u32 = 4096;

/// Where one system holds a member of an attribute.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The object key of the mapping.
    pub(super) object: String,
    pub(super) mapping: Mapping,
}

impl Place {
    /// Whether the engine writes it.
    pub(super) fn is_written(&self) -> bool {
        self.mapping.direction != Direction::ReadOnly
    }

    /// How hard the mapping pushes: 0 weak or not at all, 1 normal, 2 strong.
    pub(super) fn strength(&self) -> u8 {
        match self.mapping.strength {
            _ if !self.is_written() => 0,
            Strength::Weak => 0,
            Strength::Strong => 2,
            Strength::Normal => 1,
        }
    }
}

/// One member of an attribute: its values by word, and where systems hold it.
#[derive(Debug, Clone)]
pub(super) struct Values {
    canonical: Vec<String>,
    words: HashMap<String, u32>,
    currency: Option<String>,
    pub(super) places: Vec<Place>,
}

impl Values {
    /// The values of an attribute, each word with its own letter before it.
    ///
    /// # Errors
    ///
    /// Why words cannot be told apart by it, or not in every system.
    pub(super) fn of(attribute: &AttributeModel, letter: char) -> Result<Self, &'static str> {
        if attribute.shape != Shape::One || attribute.derived.is_some() || attribute.hub {
            return Err("it is a collection, computed, or the hub's own");
        }
        let fixed = attribute.mappings.iter().find_map(|mapping| mapping.hints.currency.as_ref());
        let currency = fixed.map_or_else(|| "USD".to_owned(), ToString::to_string);
        let places: Vec<Place> = attribute
            .mappings
            .iter()
            .map(|mapping| Place { object: mapping.object.to_string(), mapping: mapping.clone() })
            .collect();
        if places.iter().any(|place| place.mapping.direction == Direction::WriteOnly) {
            return Err("a system does not tell it");
        }
        let first = places.first().ok_or("no system holds it")?;
        let mut values =
            Self { canonical: vec![String::new()], words: HashMap::new(), currency: None, places: Vec::new() };
        for number in 1..=WORDS {
            let text = text_of(attribute.kind.name, letter, number, &currency).ok_or("its type has too few values")?;
            let canonical = (attribute.canonical)(&text).ok_or("its type has too few values")?;
            // As the mapping reads it: with the attribute's normalizers.
            let canonical = read_back(&first.mapping, &canonical, &currency).unwrap_or(canonical);
            values.words.insert(canonical.clone(), number);
            values.canonical.push(canonical);
        }
        if values.words.len() != WORDS as usize {
            return Err("two words would be one value");
        }
        for place in &places {
            for canonical in [&values.canonical[1], &values.canonical[7], &values.canonical[4000]] {
                if read_back(&place.mapping, canonical, &currency).as_ref() != Some(canonical) {
                    return Err("a system does not read it as it was written");
                }
            }
        }
        values.currency = (attribute.kind.name == "money").then_some(currency);
        values.places = places;
        Ok(values)
    }

    pub(super) fn canonical(&self, number: u32) -> &str {
        &self.canonical[(number % (WORDS + 1)) as usize]
    }

    pub(super) fn number(&self, canonical: &str) -> Option<u32> {
        self.words.get(canonical).copied()
    }

    pub(super) fn place(&self, object: &str) -> Option<&Place> {
        self.places.iter().find(|place| place.object == object)
    }

    /// The leaves of a word, by the paths that are read.
    pub(super) fn leaves<'a>(&self, place: &'a Place, number: Option<u32>) -> Vec<(&'a Path, Native)> {
        let leaves = match number {
            None => Vec::new(),
            Some(number) => {
                written(&place.mapping, self.canonical(number), self.currency.as_deref()).unwrap_or_default()
            }
        };
        let padded = leaves.into_iter().chain(std::iter::repeat(Native::Null));
        place.mapping.read.iter().zip(padded).collect()
    }

    /// The number of the word that a written leaf holds: none for nothing.
    pub(super) fn read(&self, place: &Place, native: &Native) -> Option<Option<u32>> {
        let unit = (place.mapping.read.len() > 1).then_some(self.currency.as_deref()).flatten();
        let leaves: Vec<Leaf<'_>> = std::iter::once(native.as_leaf()).chain(unit.map(Leaf::Text)).collect();
        match read(&*place.mapping.codec, &leaves)? {
            None => Some(None),
            Some(text) => Some(Some(self.number(&text)?)),
        }
    }
}

/// A text that spells a number as a value of a kind, such that no two numbers are one value.
fn text_of(kind: &str, letter: char, number: u32, currency: &str) -> Option<String> {
    let day = || chrono::NaiveDate::from_ymd_opt(2000, 1, 1)?.checked_add_days(chrono::Days::new(u64::from(number)));
    Some(match kind {
        "text" => format!("{letter}{number}"),
        "email" => format!("{letter}{number}@example.com"),
        "domain" => format!("{letter}{number}.example.com"),
        "url" => format!("https://example.com/{letter}{number}"),
        "phone" => format!("+1202456{number:04}"),
        "integer" | "unsigned" | "decimal" => number.to_string(),
        "money" => format!("{number} {currency}"),
        "date" => day()?.format("%Y-%m-%d").to_string(),
        "instant" => day()?.format("%Y-%m-%dT00:00:00Z").to_string(),
        _ => return None,
    })
}

fn read(codec: &dyn Codec, leaves: &[Leaf<'_>]) -> Option<Option<String>> {
    let mut text = String::new();
    Some(match codec.read(leaves, &mut text).ok()? {
        Read::Value => Some(text),
        _ => None,
    })
}

/// The leaves of a canonical text by the paths that are read: what is not written stands there all the same.
fn written(mapping: &Mapping, canonical: &str, currency: Option<&str>) -> Option<Vec<Native>> {
    let mut leaves = mapping.codec.write(&Field::Value(canonical.into())).ok()?;
    if let Some(currency) = currency.filter(|_| leaves.len() < mapping.read.len()) {
        leaves.push(Native::Text(currency.into()));
    }
    Some(leaves)
}

fn read_back(mapping: &Mapping, canonical: &str, currency: &str) -> Option<String> {
    let leaves = written(mapping, canonical, Some(currency))?;
    let leaves: Vec<Leaf<'_>> = leaves.iter().map(Native::as_leaf).collect();
    read(&*mapping.codec, &leaves)?
}
