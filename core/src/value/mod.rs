//! Canonical values: how a native leaf becomes one, and back.
//!
//! The canonical form of every value is short **text**: what is hashed, compared, stored, journaled and shown is the
//! same, and a person can read it in the store. Numbers go from the text of the payload to exact decimals, never
//! through a float.

mod composite;
mod compound;
mod consent;
mod country;
mod currency;
mod date;
mod decimal;
mod email;
mod exact;
mod exchange;
mod host;
mod instant;
mod integer;
mod kinds;
#[cfg(test)]
mod laws;
mod money;
#[cfg(feature = "phone")]
mod phone;
mod reference;
mod rounding;
mod text_form;
mod text_value;
mod web;

use std::fmt::{self, Debug};

use serde::{Deserialize, Serialize};

pub use composite::Composite;
pub use compound::{join, split, split_member};
pub use consent::Consent;
pub use country::Country;
pub use currency::Currency;
pub use decimal::Decimal;
pub use email::Email;
pub use exchange::{Converted, NotARate, Rates};
pub use kinds::{KIND_NAMES, KindVisitor, with_kind};
pub use money::Money;
#[doc(hidden)]
pub use money::literal as __money;
#[cfg(feature = "phone")]
pub use phone::Phone;
pub use reference::Ref;
pub use rounding::Rounding;
pub use web::{Domain, WebUrl};

pub(crate) use email::normal as normal_email;
pub(crate) use web::domain as normal_domain;

use crate::fingerprint::Fingerprint;
use crate::text::Text;

/// A native leaf, borrowed from the payload. Numbers keep their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf<'a> {
    /// `null`, or a path that leads nowhere in a record that covers it.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A string, with its escapes undone.
    Text(&'a str),
    /// A number, exactly as written.
    Number(&'a str),
}

impl<'a> Leaf<'a> {
    /// The leaf as text if it is a string or a number: systems differ on which they send.
    #[must_use]
    pub const fn as_text(&self) -> Option<&'a str> {
        match *self {
            Leaf::Text(text) | Leaf::Number(text) => Some(text),
            Leaf::Null | Leaf::Bool(_) => None,
        }
    }
}

/// A leaf to write to a system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Native {
    /// Clears the field.
    Null,
    /// A boolean.
    Bool(bool),
    /// A string.
    Text(Text),
    /// A number, as its text.
    Number(Text),
    /// The elements of a list or set: all of them.
    List(Vec<Native>),
    /// The elements of a keyed collection that change. What is not named stays: the other elements, and of these the
    /// members that no mapping names. A connector whose system only takes whole collections reads, merges and writes.
    Elements(Vec<Element>),
}

/// One element of a keyed collection in a system's own spelling, by paths within the element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Element {
    /// What tells it from the others.
    pub key: Vec<(Text, Native)>,
    /// The members to set, on the element of this key or on a new one; `None`: the element is to go. Where it is expected
    /// rather than written: the members that it holds, or that there is no such element.
    pub members: Option<Vec<(Text, Native)>>,
}

impl Native {
    /// The same leaf, borrowed, as a decoder would see it.
    #[must_use]
    pub fn as_leaf(&self) -> Leaf<'_> {
        match self {
            Native::Null => Leaf::Null,
            Native::Bool(value) => Leaf::Bool(*value),
            Native::Text(text) => Leaf::Text(text),
            Native::Number(text) => Leaf::Number(text),
            // A collection is no leaf.
            Native::List(_) | Native::Elements(_) => Leaf::Null,
        }
    }
}

/// What a system says of one attribute. The fourth state, *unobserved*, is the absence of a `Field`.
///
/// The order is total and part of the format: among equal stamps the greater field wins (`docs/semantics.md` 2). In JSON
/// a field is `null`, `""` or its canonical text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Field {
    /// The record has no value.
    #[default]
    Null,
    /// The record has the empty value, where the system tells it from none.
    Empty,
    /// A value in canonical form; never the empty text.
    Value(Text),
}

impl Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Null => serializer.serialize_none(),
            Field::Empty => serializer.serialize_str(""),
            Field::Value(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<Text>::deserialize(deserializer)? {
            None => Field::Null,
            Some(text) if text.is_empty() => Field::Empty,
            Some(text) => Field::Value(text),
        })
    }
}

impl Field {
    /// A value in canonical form.
    #[must_use]
    pub fn value(text: &str) -> Self {
        Field::Value(Text::new(text))
    }

    /// The canonical text, if there is a value.
    #[must_use]
    pub fn as_value(&self) -> Option<&str> {
        match self {
            Field::Value(text) => Some(text),
            Field::Null | Field::Empty => None,
        }
    }

    /// The same, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> FieldRef<'_> {
        match self {
            Field::Null => FieldRef::Null,
            Field::Empty => FieldRef::Empty,
            Field::Value(text) => FieldRef::Value(text),
        }
    }

    /// Whether there is a value.
    #[must_use]
    pub const fn is_value(&self) -> bool {
        matches!(self, Field::Value(_))
    }

    /// Adds the field: Null, Empty and every value are told apart.
    pub(crate) fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        let (state, text) = match self {
            Field::Null => (0, ""),
            Field::Value(text) => (1, text.as_str()),
            Field::Empty => (2, ""),
        };
        fingerprint.number(state).text(text);
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Null => f.pad("(none)"),
            Field::Empty => f.pad("(empty)"),
            Field::Value(text) => f.pad(text),
        }
    }
}

/// What one system says of one attribute, borrowed: from a batch, or from a [`Field`]. Ordered as fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldRef<'a> {
    /// The record has no value.
    Null,
    /// The record has the empty value.
    Empty,
    /// A value in canonical form.
    Value(&'a str),
}

impl FieldRef<'_> {
    /// The same, owned.
    #[must_use]
    pub fn to_field(self) -> Field {
        match self {
            FieldRef::Null => Field::Null,
            FieldRef::Empty => Field::Empty,
            FieldRef::Value(text) => Field::value(text),
        }
    }
}

/// The name of a value type and the version of its canonical form.
///
/// A stored value carries both; a value of an older version is decoded anew from what was retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The name that configuration files use: `money`.
    pub name: &'static str,
    /// Raised whenever the same leaf would give another canonical text.
    pub version: u16,
}

/// What a mapping tells a value type about the system it reads from or writes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Hints {
    /// The object key of the mapping: enums spell their variants by it.
    pub object: Option<Text>,
    /// The currency of an amount that carries none.
    pub currency: Option<Text>,
    /// The region (ISO 3166 alpha-2) that a national phone number belongs to.
    pub region: Option<Text>,
    /// The IANA zone of a local time without offset.
    pub zone: Option<Text>,
    /// The `strftime` format of dates and times, where it is not ISO 8601.
    pub format: Option<Text>,
}

/// A leaf that is not a value of its attribute's type. Says why, never what the leaf was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// What was expected: `not an e-mail address`.
    pub reason: &'static str,
}

impl Malformed {
    /// A leaf refused for `reason`.
    #[must_use]
    pub const fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

/// A canonical value type.
///
/// Built-in types cover what business records hold; `#[derive(CanonicalValue)]` makes one of an enum or a newtype.
///
/// # Contract
///
/// - **Round trip.** `from_canonical(canonical(v)) == v`, and parsing what `native` wrote gives `v` again.
/// - **One form.** Equal values have equal canonical text and the other way round.
/// - **Total.** No leaf makes it panic.
///
/// `accordant::laws!(Customer)` checks all three for every mapped attribute of a model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a canonical value",
    label = "not a canonical value",
    note = "derive `CanonicalValue` on an enum or newtype of your own"
)]
pub trait Value: Clone + Eq + Debug + Send + Sync + 'static {
    /// Name and version of the canonical form.
    const KIND: Kind;

    /// Reads a native leaf that is neither null nor the empty string.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the leaf is no value of this type.
    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed>;

    /// Appends the canonical text.
    fn canonical(&self, out: &mut String);

    /// Reads canonical text back.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the text was written by another version of the type.
    fn from_canonical(text: &str) -> Result<Self, Malformed>;

    /// The leaf to write into a system.
    fn native(&self, hints: &Hints) -> Native;

    /// What stands on a second path beside the value, for amounts: the currency.
    fn unit(&self) -> Option<Text> {
        None
    }

    /// The entity type that a value names, for references.
    #[must_use]
    fn reference() -> Option<&'static str> {
        None
    }

    /// Canonical texts that [`laws!`](crate::laws!) tries: all variants of an enum. Empty: those of the built-in types.
    #[must_use]
    fn samples() -> &'static [&'static str] {
        &[]
    }

    /// Appends the canonical text of a leaf: `parse` then `canonical`, which a type may shorten.
    ///
    /// # Errors
    ///
    /// As [`Value::parse`].
    fn canonical_of(leaf: Leaf<'_>, hints: &Hints, out: &mut String) -> Result<(), Malformed> {
        Self::parse(leaf, hints)?.canonical(out);
        Ok(())
    }
}

/// A value type that one leaf determines. Money is not: it needs a currency beside the amount.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from one path",
    label = "say where the currency is: `currency = \"path\"` or `currency = USD`"
)]
pub trait OneLeaf: Value {}

/// A value type whose amounts are in a currency.
#[diagnostic::on_unimplemented(message = "`{Self}` has no currency", label = "only `Money` takes `currency = ..`")]
pub trait InCurrency: Value {}

/// A value type that names records of an entity type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` refers to no entity",
    label = "only a `Ref` takes `via_object = ..`: it says which object type its ids are of"
)]
pub trait Refers: Value {}

/// Values that can be added: `sum` asks for it.
#[diagnostic::on_unimplemented(message = "`sum` cannot add values of type `{Self}`", label = "not additive")]
pub trait Additive: Value {
    /// The exact sum; `None` if it overflows or the units differ.
    #[must_use]
    fn add(&self, other: &Self) -> Option<Self>;
}

/// Values with a size: `minimum`, `maximum` and the lattice policies ask for it.
#[diagnostic::on_unimplemented(message = "values of type `{Self}` have no order", label = "not ordered")]
pub trait Ordered: Value {
    /// Compares two values; `None` if they cannot be compared (amounts of two currencies).
    #[must_use]
    fn compare(&self, other: &Self) -> Option<std::cmp::Ordering>;

    /// How much it is, whatever its sign: a credit of five million is as much as a debt of five million.
    #[must_use]
    fn magnitude(&self) -> Self {
        self.clone()
    }
}

/// A field of a canonical struct: `T` when the value is required, `Option<T>` when the entity can lack it.
///
/// Told apart by type, not by tokens, so aliases work.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a canonical value nor an `Option` of one",
    label = "not a canonical value",
    note = "derive `CanonicalValue` on an enum or newtype of your own; mark a nested struct `part`, a collection `set` or `list`",
    note = "a `Ref<T>` is one if `T` derives `Canonical`"
)]
pub trait Slot: Sized {
    /// The value type inside.
    type Value: Value;
    /// Whether a golden record without the value is incomplete.
    const REQUIRED: bool;
    /// Wraps what the golden record holds; `None` if it is required and missing.
    fn from_option(value: Option<Self::Value>) -> Option<Self>;
}

impl<T: Value> Slot for T {
    type Value = T;
    const REQUIRED: bool = true;
    fn from_option(value: Option<T>) -> Option<Self> {
        value
    }
}

impl<T: Value> Slot for Option<T> {
    type Value = T;
    const REQUIRED: bool = false;
    fn from_option(value: Option<T>) -> Option<Self> {
        Some(value)
    }
}
