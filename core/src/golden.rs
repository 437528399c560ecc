//! Golden: the canonical entity, as journaled state. Only a journaled move changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::Origin;
use crate::id::Actor;
use crate::model::{UnitIndex, UnitKey};
use crate::text::Text;
use crate::value::Field;

/// The golden value of one unit, with all that explains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoldenCell {
    /// The value.
    pub field: Field,
    /// Where it was first said; `None`: computed, or entered by a decision.
    pub origin: Option<Origin>,
    /// How it came to be golden.
    pub resolution: Resolution,
    /// The fingerprint of ownership, equivalence and policy under which it was resolved.
    pub fingerprint: u64,
    /// Whether it stands, or a change waits.
    pub status: Status,
}

/// Whether a golden value stands, or a change waits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It stands.
    #[default]
    Settled,
    /// A rule holds a change: golden keeps its former value, and the unit is frozen on every link.
    Held {
        /// The value that waits.
        proposed: Field,
        /// Its origin.
        origin: Option<Origin>,
        /// How it would become golden.
        resolution: Resolution,
        /// The rule that holds it, and why.
        rule: Text,
        /// The rule's reason.
        reason: Text,
    },
    /// No policy could tell: the unit waits for a person.
    Parked {
        /// Why.
        reason: Text,
    },
    /// No owner can be read. A fallback's value is shown, and never written anywhere; golden itself has none.
    Provisional {
        /// The fallback's value.
        shown: Field,
        /// Where it was first said.
        origin: Option<Origin>,
    },
}

/// How a value was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resolution {
    /// The policy that decided: `latest`, or `decision`, `first contact`.
    pub policy: Text,
    /// The policies asked before it, each with its reason for not telling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<(Text, Text)>,
    /// What every candidate said, the winner first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Voice>,
    /// The person who decided, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}

/// What one candidate said when a value was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// What it said.
    pub field: Field,
    /// Where and when it was first said.
    pub origin: Origin,
    /// Whether it won.
    pub won: bool,
}

/// A map by unit: dense for whole units, sorted for elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerUnit<T> {
    whole: Vec<Option<Arc<T>>>,
    elements: BTreeMap<(UnitIndex, Text), Arc<T>>,
}

impl<T> Default for PerUnit<T> {
    fn default() -> Self {
        Self { whole: Vec::new(), elements: BTreeMap::new() }
    }
}

impl<T> PerUnit<T> {
    /// What is held for a unit. Presence holds nothing here.
    #[must_use]
    pub fn get(&self, key: &UnitKey) -> Option<&T> {
        match key {
            UnitKey::Exists => None,
            UnitKey::Whole(index) => self.whole.get(usize::from(*index))?.as_deref(),
            UnitKey::Element(index, element) => self.elements.get(&(*index, element.clone())).map(|value| &**value),
        }
    }

    /// What is held for a unit, shared.
    #[must_use]
    pub fn shared(&self, key: &UnitKey) -> Option<Arc<T>> {
        match key {
            UnitKey::Exists => None,
            UnitKey::Whole(index) => self.whole.get(usize::from(*index))?.clone(),
            UnitKey::Element(index, element) => self.elements.get(&(*index, element.clone())).cloned(),
        }
    }

    /// Sets or removes what is held for a unit.
    pub fn set(&mut self, key: &UnitKey, value: Option<Arc<T>>) {
        match key {
            UnitKey::Exists => {}
            UnitKey::Whole(index) => {
                let place = usize::from(*index);
                if place >= self.whole.len() {
                    self.whole.reserve_exact((place | 7) + 1 - self.whole.len());
                    self.whole.resize_with(place + 1, || None);
                }
                self.whole[place] = value;
            }
            UnitKey::Element(index, element) => {
                let key = (*index, element.clone());
                match value {
                    Some(value) => {
                        self.elements.insert(key, value);
                    }
                    None => {
                        self.elements.remove(&key);
                    }
                }
            }
        }
    }

    /// Everything held, in the order of units.
    pub fn iter(&self) -> impl Iterator<Item = (UnitKey, &T)> {
        let whole =
            self.whole.iter().enumerate().filter_map(|(index, value)| {
                Some((UnitKey::Whole(UnitIndex::try_from(index).ok()?), value.as_deref()?))
            });
        let elements =
            self.elements.iter().map(|((index, element), value)| (UnitKey::Element(*index, element.clone()), &**value));
        whole.chain(elements)
    }

    /// The keys of the elements held for a unit.
    pub fn element_keys(&self, unit: UnitIndex) -> impl Iterator<Item = &Text> {
        self.elements
            .range((unit, Text::default())..)
            .take_while(move |((of, _), _)| *of == unit)
            .map(|((_, key), _)| key)
    }
}

/// Whether golden says that the entity exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoldenLife {
    /// It exists.
    #[default]
    Live,
    /// It was retired. Never removed.
    Retired,
}
