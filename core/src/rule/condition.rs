//! Conditions: what a rule asks of a change. Each says itself in words, which are its identity.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::id::{AttributeId, EntityType};
use crate::model::{Attribute, Canonical};
use crate::ownership::Authority;
use crate::rule::{Change, Measured};
use crate::value::{Field, Ordered, Value};
use crate::view::span;

/// Whether a condition is met, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Nobody can tell: amounts in two currencies, an age where the system gives no instants. A rule treats it as met: a
    /// guard that cannot see does not wave anyone through.
    Unknown,
}

impl Met {
    const fn of(holds: Option<bool>) -> Self {
        match holds {
            Some(true) => Met::Yes,
            Some(false) => Met::No,
            None => Met::Unknown,
        }
    }
}

type Holds<T> = Arc<dyn Fn(&Change<'_, T>) -> Met + Send + Sync>;

/// Something that a rule asks of a change of an attribute of type `T`. Combine them with [`Condition::and`],
/// [`Condition::or`] and [`not`].
pub struct Condition<T> {
    words: String,
    holds: Holds<T>,
    /// The other attributes that it looks at.
    looks_at: Vec<(EntityType, AttributeId)>,
}

impl<T> Clone for Condition<T> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), holds: Arc::clone(&self.holds), looks_at: self.looks_at.clone() }
    }
}

impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// What it asks, in words.
impl<T> fmt::Display for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl<T: Value> Condition<T> {
    /// A condition from a closure. The words are its identity: change them whenever the closure changes, or replay
    /// explains with the wrong rule.
    pub fn new(words: &str, holds: impl Fn(&Change<'_, T>) -> Met + Send + Sync + 'static) -> Self {
        Self { words: words.to_owned(), holds: Arc::new(holds), looks_at: Vec::new() }
    }

    /// Whether a change meets it.
    #[must_use]
    pub fn is_met(&self, change: &Change<'_, T>) -> Met {
        (self.holds)(change)
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (one, two) = (Arc::clone(&self.holds), Arc::clone(&other.holds));
        self.joined(&other, "and", move |change| match (one(change), two(change)) {
            (Met::No, _) | (_, Met::No) => Met::No,
            (Met::Yes, Met::Yes) => Met::Yes,
            _ => Met::Unknown,
        })
    }

    /// Either, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (one, two) = (Arc::clone(&self.holds), Arc::clone(&other.holds));
        self.joined(&other, "or", move |change| match (one(change), two(change)) {
            (Met::Yes, _) | (_, Met::Yes) => Met::Yes,
            (Met::No, Met::No) => Met::No,
            _ => Met::Unknown,
        })
    }

    /// Another attribute of the entity holds this canonical text, as golden has it. For files, which know no types.
    pub(super) fn other_text_is(entity: EntityType, id: AttributeId, text: &str) -> Self {
        let (words, text) = (format!("{id} is {text}"), text.to_owned());
        Self::looking_at(entity, id, &words, move |field| Met::of(Some(field.as_value() == Some(text.as_str()))))
    }

    /// Another attribute of the entity has no value, as golden has it. For files, which know no types.
    pub(super) fn other_text_missing(entity: EntityType, id: AttributeId) -> Self {
        let words = format!("{id} has no value");
        Self::looking_at(entity, id, &words, |field| Met::of(Some(!field.is_value())))
    }

    fn looking_at(
        entity: EntityType,
        id: AttributeId,
        words: &str,
        holds: impl Fn(&Field) -> Met + Send + Sync + 'static,
    ) -> Self {
        let of = id.clone();
        let condition = Self::new(words, move |change| {
            (change.around.golden)(of.as_str()).map_or(Met::Unknown, |field| holds(&field))
        });
        Self { looks_at: vec![(entity, id)], ..condition }
    }

    pub(super) fn looks_at(&self) -> &[(EntityType, AttributeId)] {
        &self.looks_at
    }

    fn joined(
        mut self,
        other: &Self,
        word: &str,
        holds: impl Fn(&Change<'_, T>) -> Met + Send + Sync + 'static,
    ) -> Self {
        self.looks_at.extend(other.looks_at.iter().cloned());
        Self { words: format!("({} {word} {})", self.words, other.words), holds: Arc::new(holds), ..self }
    }
}

/// Not that. What cannot be told stays untold.
#[must_use]
pub fn not<T: Value>(condition: Condition<T>) -> Condition<T> {
    let holds = Arc::clone(&condition.holds);
    Condition {
        words: format!("not {}", condition.words),
        holds: Arc::new(move |change| match holds(change) {
            Met::Yes => Met::No,
            Met::No => Met::Yes,
            Met::Unknown => Met::Unknown,
        }),
        ..condition
    }
}

/// Any change at all: a first value, another value, a clear.
#[must_use]
pub fn changes<T: Value>() -> Condition<T> {
    Condition::new("it changes", |_| Met::Yes)
}

/// A value that there was becomes another one, or goes. A first value is no such change; one that comes after a clear is.
#[must_use]
pub fn replaces<T: Value>() -> Condition<T> {
    Condition::new("a value that there was changes", |change| Met::of(Some(change.last.is_some())))
}

/// The value goes, and none comes.
#[must_use]
pub fn clears<T: Value>() -> Condition<T> {
    Condition::new("it is cleared", |change| Met::of(Some(change.before.is_some() && change.after.is_none())))
}

/// The new value is this one.
#[must_use]
pub fn becomes<T: Value>(value: T) -> Condition<T> {
    let words = format!("it becomes {}", canonical(&value));
    Condition::new(&words, move |change| Met::of(Some(change.after.as_ref() == Some(&value))))
}

/// The new value is more than this. An amount in another currency is one of which nobody can tell.
#[must_use]
pub fn above<T: Ordered>(limit: T) -> Condition<T> {
    let words = format!("it is above {}", canonical(&limit));
    Condition::new(&words, move |change| compared(change.after.as_ref(), &limit, Ordering::is_gt))
}

/// The new value is less than this. An amount in another currency is one of which nobody can tell.
#[must_use]
pub fn below<T: Ordered>(limit: T) -> Condition<T> {
    let words = format!("it is below {}", canonical(&limit));
    Condition::new(&words, move |change| compared(change.after.as_ref(), &limit, Ordering::is_lt))
}

/// The value moves by more than this, either way. A first value, and a clear, move by nothing that could be measured; what comes
/// after a clear moves from what stood before it.
#[must_use]
pub fn moved_by<T: Measured>(limit: T) -> Condition<T> {
    let words = format!("it moves by more than {}", canonical(&limit));
    Condition::new(&words, move |change: &Change<'_, T>| match (&change.last, &change.after) {
        (Some(before), Some(after)) => Met::of(Some(after.differs_by_more_than(before, &limit))),
        _ => Met::No,
    })
}

/// The value moves by more than so many hundredths of what it was, either way; after a clear, of what stood before it.
#[must_use]
pub fn moved_by_percent<T: Proportional>(percent: u32) -> Condition<T> {
    let words = format!("it moves by more than {percent} %");
    Condition::new(&words, move |change: &Change<'_, T>| match (&change.last, &change.after) {
        (Some(before), Some(after)) => Met::of(after.differs_by_more_than_percent(before, percent)),
        _ => Met::No,
    })
}

/// The value that is replaced has stood for at least this long, by the instant at which it was first said.
#[must_use]
pub fn stood_for<T: Value>(age: TimeDelta) -> Condition<T> {
    let words = format!("what it replaces has stood for {}", span(age.num_milliseconds()));
    Condition::new(&words, move |change| {
        if change.before.is_none() {
            return Met::No;
        }
        Met::of(change.around.before_said.map(|at| change.around.as_of.saturating_sub(at) >= age.num_milliseconds()))
    })
}

/// The new value was first said at least this long ago: it is old news.
#[must_use]
pub fn said_ago<T: Value>(age: TimeDelta) -> Condition<T> {
    let words = format!("it was said {} ago or more", span(age.num_milliseconds()));
    Condition::new(&words, move |change| {
        Met::of(change.around.said.map(|at| change.around.as_of.saturating_sub(at) >= age.num_milliseconds()))
    })
}

/// The new value was first said in this system or connection.
#[must_use]
pub fn said_by<T: Value>(system: &str) -> Condition<T> {
    let name = system.to_owned();
    Condition::new(&format!("{system} says it"), move |change| {
        Met::of(
            change
                .around
                .source
                .as_ref()
                .map(|source| source.system.as_str() == name || source.record.connection.as_str() == name),
        )
    })
}

/// The system that first said the new value is this to the attribute: its owner, a co-owner.
#[must_use]
pub fn said_as<T: Value>(role: Authority) -> Condition<T> {
    let words = match role {
        Authority::Owner => "an owner says it",
        Authority::CoOwner => "a co-owner says it",
        Authority::Observer => "an observer says it",
    };
    Condition::new(words, move |change| Met::of(change.around.source.as_ref().map(|source| source.role == role)))
}

/// Another attribute of the entity is this, as golden has it.
#[must_use]
pub fn other_is<T: Value, E: Canonical, U: Value>(attribute: Attribute<E, U>, value: U) -> Condition<T> {
    let words = format!("{} is {}", attribute.id(), canonical(&value));
    looking(attribute, &words, move |other| Met::of(Some(other == Some(&value))))
}

/// Another attribute of the entity is more than this, as golden has it.
#[must_use]
pub fn other_above<T: Value, E: Canonical, U: Ordered>(attribute: Attribute<E, U>, limit: U) -> Condition<T> {
    let words = format!("{} is above {}", attribute.id(), canonical(&limit));
    looking(attribute, &words, move |other| compared(other, &limit, Ordering::is_gt))
}

/// Another attribute of the entity has no value, as golden has it.
#[must_use]
pub fn other_missing<T: Value, E: Canonical, U: Value>(attribute: Attribute<E, U>) -> Condition<T> {
    let words = format!("{} has no value", attribute.id());
    looking(attribute, &words, |other: Option<&U>| Met::of(Some(other.is_none())))
}

fn looking<T: Value, E: Canonical, U: Value>(
    attribute: Attribute<E, U>,
    words: &str,
    holds: impl Fn(Option<&U>) -> Met + Send + Sync + 'static,
) -> Condition<T> {
    let id = attribute.id();
    let condition = Condition::new(words, move |change| {
        let Some(field) = (change.around.golden)(id) else { return Met::Unknown };
        match field.as_value().map(U::from_canonical).transpose() {
            Ok(value) => holds(value.as_ref()),
            // What cannot be read cannot be judged.
            Err(_) => Met::Unknown,
        }
    });
    Condition { looks_at: vec![(E::ENTITY.into(), id.into())], ..condition }
}

fn compared<T: Ordered>(value: Option<&T>, limit: &T, is: impl Fn(Ordering) -> bool) -> Met {
    match value {
        None => Met::No,
        Some(value) => Met::of(value.compare(limit).map(is)),
    }
}

fn canonical<T: Value>(value: &T) -> String {
    let mut text = String::new();
    value.canonical(&mut text);
    text
}

/// Values of which hundredths can be taken.
#[diagnostic::on_unimplemented(message = "nobody takes hundredths of values of type `{Self}`")]
pub trait Proportional: Value {
    /// Whether it lies more than so many hundredths of `before` away from it; `None`: they cannot be compared.
    #[must_use]
    fn differs_by_more_than_percent(&self, before: &Self, percent: u32) -> Option<bool>;
}

impl Proportional for crate::value::Decimal {
    fn differs_by_more_than_percent(&self, before: &Self, percent: u32) -> Option<bool> {
        // A difference that does not fit is one of which nobody can tell.
        let hundredfold = self.checked_sub(*before)?.abs().times(100)?;
        Some(hundredfold > before.abs().times(i64::from(percent))?)
    }
}

impl Proportional for crate::value::Money {
    fn differs_by_more_than_percent(&self, before: &Self, percent: u32) -> Option<bool> {
        let alike = self.currency() == before.currency();
        alike.then(|| self.amount().differs_by_more_than_percent(&before.amount(), percent))?
    }
}

impl Proportional for i64 {
    fn differs_by_more_than_percent(&self, before: &Self, percent: u32) -> Option<bool> {
        let (difference, whole) = (u128::from(self.abs_diff(*before)), u128::from(before.unsigned_abs()));
        Some(difference * 100 > whole * u128::from(percent))
    }
}

/// What is known of golden and of the change beside the two values.
pub struct Around<'a> {
    /// The journaled instant of the step, in milliseconds since the epoch.
    pub as_of: i64,
    /// Where the new value was first said; `None`: it was computed.
    pub source: Option<Source<'a>>,
    /// When the new value was first said, where its system gives instants, in milliseconds since the epoch.
    pub said: Option<i64>,
    /// When the value before was first said, where its system gives instants, in milliseconds since the epoch.
    pub before_said: Option<i64>,
    /// What golden holds of another attribute, by id; `None`: there is no such attribute.
    pub golden: &'a dyn Fn(&str) -> Option<Field>,
}

impl fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").field("as_of", &self.as_of).field("source", &self.source).finish_non_exhaustive()
    }
}

/// Where a value was first said.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// The system.
    pub system: &'a crate::id::SystemName,
    /// The record.
    pub record: &'a crate::id::RecordRef,
    /// What the system is to the attribute.
    pub role: Authority,
}
