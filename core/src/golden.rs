//! Golden: the canonical entity, as journaled state. Only a journaled move changes it.

mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::Origin;
use crate::id::Actor;
use crate::model::{UnitIndex, UnitKey};
use crate::text::Text;
use crate::value::{Field, join, split};

/// The golden value of one unit, with all that explains it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "stored::StoredCell")]
pub struct GoldenCell {
    /// The value.
    pub field: Field,
    /// Where it was first said; `None`: computed, or entered by a decision.
    pub origin: Option<Origin>,
    /// How it came to be golden.
    pub resolution: Arc<Resolution>,
    /// The fingerprint of ownership, equivalence and policy under which it was resolved.
    pub fingerprint: u64,
    /// Whether it stands, or a change waits.
    pub status: Status,
    /// What stood last where nothing stands now, member by member: a clear is no way round a rule about how far a value moves.
    pub last: Option<Field>,
}

impl GoldenCell {
    /// What is to be remembered of a former cell of a unit with so many members when golden becomes `field`: of each member
    /// that has no value then, the last that it had.
    #[must_use]
    pub(crate) fn remembered(former: Option<&Self>, field: &Field, arity: usize) -> Option<Field> {
        let former = former?;
        if arity <= 1 && field.is_value() {
            return None;
        }
        let members = |field: &Field| match arity {
            0 | 1 => vec![field.clone()],
            _ => split(field, arity).unwrap_or_else(|| vec![Field::Null; arity]),
        };
        let last = former.last.as_ref().map(members).into_iter().flatten().chain(std::iter::repeat(Field::Null));
        let held = members(&former.field).into_iter().zip(last);
        let left = members(field).into_iter().zip(held).map(|(now, (before, last))| {
            let known = if before.is_value() { before } else { last };
            if now.is_value() { Field::Null } else { known }
        });
        let mut left: Vec<Field> = left.collect();
        let last = if left.len() == 1 { left.pop()? } else { join(&left) };
        last.is_value().then_some(last)
    }
}

/// Whether a golden value stands, or a change waits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It stands.
    #[default]
    Settled,
    /// A rule holds a change: golden keeps its former value, and the unit is frozen on every link.
    Held(Box<Held>),
    /// No policy could tell: the unit waits for a person.
    Parked {
        /// Why.
        reason: Text,
    },
    /// No owner can be read. A fallback's value is shown, and never written anywhere; golden itself has none.
    Provisional(Box<Provisional>),
}

/// A change that a rule holds. Boxed in [`Status`]: few cells wait, and all would be as large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The value that waits.
    pub proposed: Field,
    /// Its origin.
    pub origin: Option<Origin>,
    /// How it would become golden.
    pub resolution: Arc<Resolution>,
    /// The rule that holds it, and why.
    pub rule: Text,
    /// The rule's reason.
    pub reason: Text,
    /// Whether accepting it takes two people.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub four_eyes: bool,
    /// Whether a rule forbids it: nobody can accept it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forbidden: bool,
}

/// A fallback's value, shown while no owner can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisional {
    /// The fallback's value.
    pub shown: Field,
    /// Where it was first said.
    pub origin: Option<Origin>,
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
    /// Who approved that, where four eyes were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Box<Actor>>,
    /// The rules that found it worth a look, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<(Text, Text)>,
    /// What the value was made of when the model changed, and by which migration: `name by given_name`. Those who chose, chose
    /// then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated: Option<Text>,
}

impl Resolution {
    /// A policy decided, and there is no more to say.
    #[must_use]
    pub fn by_policy(name: &str) -> Self {
        Self { policy: name.into(), ..Self::default() }
    }
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
    /// Boxed, and never empty: most entities have whole units only.
    rest: Option<Box<Rest<T>>>,
}

/// What is held for units that are no whole units.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rest<T> {
    elements: BTreeMap<(UnitIndex, Text), Arc<T>>,
    /// Presence.
    exists: Option<Arc<T>>,
}

impl<T> Default for PerUnit<T> {
    fn default() -> Self {
        Self { whole: Vec::new(), rest: None }
    }
}

impl<T> Default for Rest<T> {
    fn default() -> Self {
        Self { elements: BTreeMap::new(), exists: None }
    }
}

impl<T> PerUnit<T> {
    /// What is held for a unit.
    #[must_use]
    #[inline]
    pub fn get(&self, key: &UnitKey) -> Option<&T> {
        self.at(key).map(|value| &**value)
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.rest.is_none()
    }

    /// Whether anything is held for a whole unit.
    pub(crate) fn holds_whole(&self, unit: UnitIndex) -> bool {
        self.whole.get(usize::from(unit)).is_some_and(Option::is_some)
    }

    #[inline(always)]
    fn at(&self, key: &UnitKey) -> Option<&Arc<T>> {
        match key {
            UnitKey::Exists => self.rest.as_ref()?.exists.as_ref(),
            UnitKey::Whole(index) => self.whole.get(usize::from(*index))?.as_ref(),
            UnitKey::Element(index, element) => self.rest.as_ref()?.elements.get(&(*index, element.clone())),
        }
    }

    /// What is held for a unit, shared.
    #[must_use]
    pub fn shared(&self, key: &UnitKey) -> Option<Arc<T>> {
        self.at(key).cloned()
    }

    /// Sets or removes what is held for a unit.
    pub fn set(&mut self, key: &UnitKey, value: Option<Arc<T>>) {
        match key {
            UnitKey::Exists => {
                if value.is_some() || self.rest.is_some() {
                    self.rest.get_or_insert_default().exists = value;
                }
            }
            UnitKey::Whole(index) => {
                let place = usize::from(*index);
                if place >= self.whole.len() {
                    if value.is_none() {
                        return;
                    }
                    self.whole.reserve_exact((place | 7) + 1 - self.whole.len());
                    self.whole.resize_with(place + 1, || None);
                }
                self.whole[place] = value;
                // What holds the same is equal, however it came to hold it.
                while self.whole.pop_if(|last| last.is_none()).is_some() {}
            }
            UnitKey::Element(index, element) => {
                let key = (*index, element.clone());
                match (value, &mut self.rest) {
                    (Some(value), rest) => {
                        rest.get_or_insert_default().elements.insert(key, value);
                    }
                    (None, Some(rest)) => {
                        rest.elements.remove(&key);
                    }
                    (None, None) => {}
                }
            }
        }
        self.rest.take_if(|rest| rest.elements.is_empty() && rest.exists.is_none());
    }

    /// Everything held, in the order of units.
    pub fn iter(&self) -> impl Iterator<Item = (UnitKey, &T)> {
        self.iter_shared().map(|(key, value)| (key, &**value))
    }

    /// Everything held, in the order of units, to be shared.
    pub(crate) fn iter_shared(&self) -> impl Iterator<Item = (UnitKey, &Arc<T>)> {
        let whole = self
            .whole
            .iter()
            .enumerate()
            .filter_map(|(index, value)| Some((UnitKey::Whole(UnitIndex::try_from(index).ok()?), value.as_ref()?)));
        let elements = self.rest.iter().flat_map(|rest| &rest.elements);
        let elements = elements.map(|((index, element), value)| (UnitKey::Element(*index, element.clone()), value));
        let exists = self.rest.as_ref().and_then(|rest| rest.exists.as_ref());
        whole.chain(elements).chain(exists.map(|value| (UnitKey::Exists, value)))
    }

    /// The keys of the elements held for a unit.
    pub fn element_keys(&self, unit: UnitIndex) -> impl Iterator<Item = &Text> {
        let elements = self.rest.iter().flat_map(move |rest| rest.elements.range((unit, Text::default())..));
        elements.take_while(move |((of, _), _)| *of == unit).map(|((_, key), _)| key)
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
