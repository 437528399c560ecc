//! What the derived code calls. Not part of the public interface: it changes with the macros.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::equivalence::{Equivalence, Normalizer};
use crate::model::{GoldenReader, Incomplete, MemberModel, Part};
use crate::value::{Composite, Decimal, Field, Hints, Leaf, Malformed, Native, Slot, Value};

/// A field of a part's type: `P` when some member is required, `Option<P>` when the entity can lack it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a part nor an `Option` of one",
    label = "not a part: derive `CanonicalPart` on it"
)]
pub trait PartSlot: Sized {
    /// The part inside.
    type Part: Part;
    /// Whether a golden record without its required members is incomplete.
    const REQUIRED: bool;
    /// Wraps what the golden record holds.
    fn from_part(part: Option<Self::Part>) -> Option<Self>;
}

impl<P: Part> PartSlot for P {
    type Part = P;
    const REQUIRED: bool = true;
    fn from_part(part: Option<P>) -> Option<Self> {
        part
    }
}

impl<P: Part> PartSlot for Option<P> {
    type Part = P;
    const REQUIRED: bool = false;
    fn from_part(part: Option<P>) -> Option<Self> {
        Some(part)
    }
}

/// Reads a part from the attributes that its members are. Names every required member that is missing, but for an
/// optional part of which nothing is there at all.
pub fn part<S: PartSlot>(golden: &GoldenReader<'_>, id: &str, missing: &mut Incomplete) -> Option<S> {
    let members = S::Part::members();
    let fields: Vec<Field> = members
        .iter()
        .map(|MemberModel(member)| {
            let found = golden.values::<Composite>(&format!("{id}.{}", member.id));
            found.first().map_or(Field::Null, |text| Field::value(text.as_str()))
        })
        .collect();
    if !S::REQUIRED && !fields.iter().any(Field::is_value) {
        return S::from_part(None);
    }
    let part = S::Part::from_fields(&fields);
    if part.is_none() {
        let lacking = members.iter().zip(&fields).filter(|(member, field)| member.0.required && !field.is_value());
        missing.missing.extend(lacking.map(|(member, _)| format!("{id}.{}", member.0.id).into()));
        return None;
    }
    S::from_part(part)
}

/// Reads a keyed collection. Elements hold their key first; parts hold their members in the order of declaration.
#[must_use]
pub fn keyed<P: Part>(golden: &GoldenReader<'_>, id: &str, key: &str) -> Vec<P> {
    let members = P::members();
    let place = members.iter().position(|member| member.0.id.as_str() == key).unwrap_or_default();
    golden
        .elements(id, members.len())
        .into_iter()
        .filter_map(|mut fields| {
            fields.get_mut(..=place)?.rotate_left(1);
            P::from_fields(&fields)
        })
        .collect()
}

/// Reads member `index` of a part.
#[must_use]
pub fn member<S: Slot>(fields: &[Field], index: usize) -> Option<S> {
    let value = fields.get(index).and_then(Field::as_value).and_then(|text| S::Value::from_canonical(text).ok());
    S::from_option(value)
}

/// A slot's value as a field.
pub trait AsField {
    /// The field.
    fn as_field(&self) -> Field;
}

impl<T: Value> AsField for T {
    fn as_field(&self) -> Field {
        let mut text = String::new();
        self.canonical(&mut text);
        if text.is_empty() { Field::Empty } else { Field::Value(text.into()) }
    }
}

impl<T: Value> AsField for Option<T> {
    fn as_field(&self) -> Field {
        self.as_ref().map_or(Field::Null, AsField::as_field)
    }
}

/// A tolerance of `digits` with `scale` of them behind the point.
#[must_use]
pub fn tolerance(digits: i64, scale: u32) -> Equivalence {
    // More digits than a `Decimal` has: no difference is that small, so only equal values are the same.
    Decimal::from_parts(digits.into(), scale).map_or(Equivalence::Exact, Equivalence::Tolerance)
}

/// Reads a value whose canonical text is normalized.
///
/// # Errors
///
/// [`Malformed`] if the leaf is no value, or nothing is left of it.
pub fn normalized<T: Value>(leaf: Leaf<'_>, hints: &Hints, normalizers: &[&dyn Normalizer]) -> Result<T, Malformed> {
    let mut text = String::new();
    T::canonical_of(leaf, hints, &mut text)?;
    for normalizer in normalizers {
        if let Cow::Owned(normal) = normalizer.normalize(&text) {
            text = normal;
        }
    }
    if text.is_empty() { Err(Malformed::new("nothing left after normalization")) } else { T::from_canonical(&text) }
}

/// The variants of an enum, in order of declaration.
#[derive(Debug)]
pub struct Variants<T: 'static> {
    /// The reason given for a text that is none of them.
    pub unknown: &'static str,
    /// All of them.
    pub all: &'static [Variant<T>],
}

/// One variant of an enum.
#[derive(Debug)]
pub struct Variant<T: 'static> {
    /// The variant.
    pub value: T,
    /// Its canonical text.
    pub id: &'static str,
    /// Former canonical texts.
    pub was: &'static [&'static str],
    /// How objects spell it, by key; the first spelling is written. An object without an entry uses the canonical text.
    pub at: &'static [(&'static str, &'static [Leaf<'static>])],
}

impl<T> Variant<T> {
    fn spelled(&self, hints: &Hints) -> Option<&'static [Leaf<'static>]> {
        let object = hints.object.as_deref()?;
        self.at.iter().find(|(key, _)| *key == object).map(|(_, spellings)| *spellings)
    }

    fn is_spelled(&self, leaf: Leaf<'_>, hints: &Hints) -> bool {
        match self.spelled(hints) {
            Some(spellings) => spellings.iter().any(|spelling| same(*spelling, leaf)),
            None => same(Leaf::Text(self.id), leaf),
        }
    }
}

/// Whether two leaves say the same. Systems differ in whether a code is a number or a string.
fn same(a: Leaf<'_>, b: Leaf<'_>) -> bool {
    a == b || a.as_text().is_some_and(|text| b.as_text().is_some_and(|other| other.trim() == text))
}

impl<T: Value> Variants<T> {
    /// As [`Value::parse`].
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the object spells no variant so.
    pub fn parse(&self, leaf: Leaf<'_>, hints: &Hints) -> Result<T, Malformed> {
        let found = self.all.iter().find(|variant| variant.is_spelled(leaf, hints));
        found.map(|variant| variant.value.clone()).ok_or(Malformed::new(self.unknown))
    }

    /// As [`Value::canonical`].
    pub fn canonical(&self, value: &T, out: &mut String) {
        out.push_str(self.of(value).map_or("", |variant| variant.id));
    }

    /// As [`Value::from_canonical`].
    ///
    /// # Errors
    ///
    /// [`Malformed`] if no variant is, or was, written so.
    pub fn from_canonical(&self, text: &str) -> Result<T, Malformed> {
        let found = self.all.iter().find(|variant| variant.id == text || variant.was.contains(&text));
        found.map(|variant| variant.value.clone()).ok_or(Malformed::new(self.unknown))
    }

    /// As [`Value::native`].
    #[must_use]
    pub fn native(&self, value: &T, hints: &Hints) -> Native {
        let Some(variant) = self.of(value) else { return Native::Null };
        match variant.spelled(hints).and_then(|spellings| spellings.first().copied()) {
            None => Native::Text(variant.id.into()),
            Some(Leaf::Null) => Native::Null,
            Some(Leaf::Bool(value)) => Native::Bool(value),
            Some(Leaf::Text(text)) => Native::Text(text.into()),
            Some(Leaf::Number(text)) => Native::Number(text.into()),
        }
    }

    /// The order of declaration.
    #[must_use]
    pub fn compare(&self, a: &T, b: &T) -> Option<Ordering> {
        let place = |value: &T| self.all.iter().position(|variant| variant.value == *value);
        Some(place(a)?.cmp(&place(b)?))
    }

    fn of(&self, value: &T) -> Option<&'static Variant<T>> {
        self.all.iter().find(|variant| variant.value == *value)
    }
}
