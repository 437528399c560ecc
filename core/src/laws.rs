//! The laws of mappings: what must hold of a model before data can be trusted to it.
//!
//! A model compiles when its names fit together. Whether a value survives its way into a system and back depends on
//! value types, normalizers and transforms, and only trying tells. [`laws!`](crate::laws!) is the one line of a test that
//! tries every mapping of a model:
//!
//! - **Round trip.** What a mapping wrote reads as the same value: a value type, an enum's spellings or a transform
//!   that loses something would make a discrepancy that no write can mend.
//! - **Stable.** Reading what was written, writing and reading it again changes nothing more: normalizers are idempotent.
//! - **Agreement.** Two systems that were written the same value read alike.
//! - **Known.** Every required attribute can be read somewhere, and no attribute is mapped nowhere by accident.
//!
//! Values are tried from a list that covers the built-in types, and all variants of an enum. A type that none of these
//! reads as is checked by what does not need values. References are not tried: the crosswalk translates them.

use std::collections::BTreeSet;

use crate::id::{AttributeId, ObjectKey};
use crate::model::{AttributeModel, Canonical, EntityModel, Mapping, Read};
use crate::ownership::Direction;
use crate::value::{Field, Leaf, Native};

/// Values of the built-in types, two of each, so that a mapping that tells no two values apart is found.
const SAMPLES: &[&str] = &[
    "Ana Weber",
    "GmbH & Co. KG",
    "ana.weber@acme.test",
    "kontakt@acme.test",
    "+4930123456",
    "+14155552671",
    "12",
    "-3",
    "0.5",
    "10.5 USD",
    "99 USD",
    "10.5 EUR",
    "1200 JPY",
    "true",
    "false",
    "2024-02-29",
    "1999-12-31",
    "2024-02-29T12:30:00Z",
    "1999-12-31T23:59:59Z",
    "USD",
    "EUR",
    "US",
    "DE",
    "en",
    "https://acme.test/",
    "0190b5a4-8a2f-7c3e-9d61-2f4b6a8c0e1d",
];

/// One law that a mapping, or an attribute, breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// A value cannot be written.
    #[error("{0} in `{1}`: `{2}` cannot be written: {3}")]
    Unwritable(AttributeId, ObjectKey, String, &'static str),
    /// The codec gives more or fewer leaves than there are paths.
    #[error("{0} in `{1}`: writing `{2}` gives {3} leaves for {4} paths")]
    Leaves(AttributeId, ObjectKey, String, usize, usize),
    /// What was written is not readable.
    #[error("{0} in `{1}`: `{2}` was written as {3:?}, which does not read: {4}")]
    Unreadable(AttributeId, ObjectKey, String, Vec<Native>, &'static str),
    /// What was written reads as something else.
    #[error("{0} in `{1}`: `{2}` was written as {3:?}, which reads as `{4}`")]
    RoundTrip(AttributeId, ObjectKey, String, Vec<Native>, Field),
    /// Reading twice what was written changes it twice.
    #[error("{0} in `{1}`: `{2}` reads back as `{3}`, and that as `{4}`; a normalizer is not idempotent")]
    Unstable(AttributeId, ObjectKey, String, Field, Field),
    /// All values read alike.
    #[error("{0} in `{1}`: every value that was tried reads back as `{2}`")]
    Collapsed(AttributeId, ObjectKey, Field),
    /// Two systems that hold the same value read differently.
    #[error("{0}: `{1}` reads back as `{3}` from `{2}` and as `{5}` from `{4}`")]
    Disagreement(AttributeId, String, ObjectKey, Field, ObjectKey, Field),
    /// A required attribute that nothing can tell us.
    #[error("{0}: required, but no system is read for it")]
    Unknowable(AttributeId),
    /// An attribute that is neither mapped, nor derived, nor the hub's own.
    #[error("{0}: mapped nowhere, not derived, and not marked as the hub's own")]
    MappedNowhere(AttributeId),
}

/// Checks the mapping laws of a model.
///
/// # Errors
///
/// Every law that is [`Broken`], with the value that shows it.
pub fn check(model: &EntityModel) -> Result<(), Vec<Broken>> {
    let mut broken = Vec::new();
    for attribute in &model.attributes {
        let read = |mapping: &Mapping| mapping.direction != Direction::WriteOnly;
        let placed = attribute.hub || attribute.derived.is_some();
        if attribute.mappings.is_empty() && !placed {
            broken.push(Broken::MappedNowhere(attribute.id.clone()));
        } else if attribute.required && !placed && !attribute.mappings.iter().any(read) {
            broken.push(Broken::Unknowable(attribute.id.clone()));
        }
        if attribute.members.is_empty() {
            check_values(attribute, attribute.id.clone(), &mut broken);
        }
        for member in &attribute.members {
            let id = AttributeId::from(format!("{}.{}", attribute.id, member.0.id));
            check_values(&member.0, id, &mut broken);
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}

/// Checks the mapping laws of an entity type. [`laws!`](crate::laws!) calls it.
///
/// # Panics
///
/// If a law is broken; the message lists all that are.
pub fn assert<E: Canonical>() {
    if let Err(broken) = check(&E::model()) {
        let list: Vec<String> = broken.iter().map(|broken| format!("\n  {}.{broken}", E::ENTITY)).collect();
        panic!("{} mapping laws broken:{}", broken.len(), list.concat());
    }
}

/// Values to try on an attribute, in canonical form, each once: all of a closed type, some of an open one.
pub(crate) fn samples_of(attribute: &AttributeModel) -> Vec<String> {
    let mut samples: Vec<String> = if attribute.samples.is_empty() {
        SAMPLES.iter().filter_map(|sample| (attribute.canonical)(sample)).collect()
    } else {
        attribute.samples.iter().map(|sample| (*sample).to_owned()).collect()
    };
    let mut seen = BTreeSet::new();
    samples.retain(|sample| seen.insert(sample.clone()));
    samples
}

/// Tries values on every mapping of one attribute that is both written and read.
fn check_values(attribute: &AttributeModel, id: AttributeId, broken: &mut Vec<Broken>) {
    if attribute.reference.is_some() {
        return;
    }
    let samples = samples_of(attribute);
    let mut first: Vec<Option<(&ObjectKey, Field)>> = vec![None; samples.len()];
    for mapping in attribute.mappings.iter().filter(|mapping| mapping.direction == Direction::Both) {
        let mut seen: BTreeSet<Field> = BTreeSet::new();
        let mut tried = 0;
        for (sample, first) in samples.iter().map(String::as_str).zip(&mut first) {
            if !in_currency(sample, mapping) {
                continue;
            }
            let exact = mapping.codec.is_exact();
            if !exact && mapping.codec.write(&Field::value(sample)).is_ok_and(|natives| natives.is_empty()) {
                // What it does not convert it does not write: planning parks it.
                continue;
            }
            let field = match survives(sample, mapping, &id) {
                Ok(field) => field,
                Err(error) => {
                    broken.push(*error);
                    continue;
                }
            };
            // The variants of an enum are its canonical texts: nothing may rewrite them.
            if !attribute.samples.is_empty() && field.as_value() != Some(sample) {
                let written = mapping.codec.write(&Field::value(sample)).unwrap_or_default();
                broken.push(Broken::RoundTrip(
                    id.clone(),
                    mapping.object.clone(),
                    sample.to_owned(),
                    written,
                    field.clone(),
                ));
            }
            match first {
                Some(_) | None if !exact => {}
                Some((object, other)) if *other != field => broken.push(Broken::Disagreement(
                    id.clone(),
                    sample.to_owned(),
                    object.clone(),
                    other.clone(),
                    mapping.object.clone(),
                    field.clone(),
                )),
                Some(_) => {}
                None => *first = Some((&mapping.object, field.clone())),
            }
            tried += 1;
            seen.insert(field);
        }
        if let (true, Some(only), 1) = (tried > 1, seen.first(), seen.len()) {
            broken.push(Broken::Collapsed(id.clone(), mapping.object.clone(), only.clone()));
        }
    }
}

/// Whether a mapping that holds one currency can hold the sample.
pub(crate) fn in_currency(sample: &str, mapping: &Mapping) -> bool {
    mapping.hints.currency.as_deref().is_none_or(|currency| sample.ends_with(currency))
}

/// What a sample reads as once it was written, if that stays so.
fn survives(sample: &str, mapping: &Mapping, id: &AttributeId) -> Result<Field, Box<Broken>> {
    let there = back(sample, &Field::value(sample), mapping, id)?;
    if !there.is_value() {
        return Ok(there);
    }
    let again = back(sample, &there, mapping, id)?;
    if again == there {
        return Ok(there);
    }
    Err(Box::new(Broken::Unstable(id.clone(), mapping.object.clone(), sample.to_owned(), there, again)))
}

/// Writes a field and reads what was written.
fn back(sample: &str, field: &Field, mapping: &Mapping, id: &AttributeId) -> Result<Field, Box<Broken>> {
    let place = || (id.clone(), mapping.object.clone(), sample.to_owned());
    let natives = mapping.codec.write(field).map_err(|malformed| {
        let (id, object, sample) = place();
        Box::new(Broken::Unwritable(id, object, sample, malformed.reason))
    })?;
    if natives.len() != mapping.write.len() {
        let (id, object, sample) = place();
        return Err(Box::new(Broken::Leaves(id, object, sample, natives.len(), mapping.write.len())));
    }
    let Some(leaves) = reread(&natives, sample, mapping) else { return Ok(Field::value(sample)) };
    let mut text = String::new();
    match mapping.codec.read(&leaves, &mut text) {
        Ok(Read::Null) => Ok(Field::Null),
        Ok(Read::Empty) => Ok(Field::Empty),
        Ok(Read::Value) => Ok(Field::value(&text)),
        Err(malformed) => {
            let (id, object, sample) = place();
            Err(Box::new(Broken::Unreadable(id, object, sample, natives, malformed.reason)))
        }
    }
}

/// The leaves that a record would show after the write. `None`: they cannot be known from what was written.
fn reread<'a>(natives: &'a [Native], sample: &'a str, mapping: &Mapping) -> Option<Vec<Leaf<'a>>> {
    if mapping.read.len() == mapping.write.len() {
        return Some(natives.iter().map(Native::as_leaf).collect());
    }
    // A path that is read and not written keeps what the record has: a row keeps its currency.
    let kept = || sample.rsplit_once(' ').map(|(_, currency)| Leaf::Text(currency));
    let leaf = |path| match mapping.write.iter().position(|written| written == path) {
        Some(place) => natives.get(place).map(Native::as_leaf),
        None => kept(),
    };
    mapping.read.iter().map(leaf).collect()
}

/// Makes one `#[test]` of the [mapping laws](mod@crate::laws) of one or several entity types.
///
/// ```
/// # use accordant::Canonical;
/// # use accordant::value::Composite;
/// #[derive(Canonical)]
/// #[canonical(entity = "customer", system(hubspot, object = "contacts"))]
/// struct Customer {
///     #[canonical(at(hubspot = "properties.name"))]
///     name: Composite,
/// }
///
/// accordant::laws!(Customer);
/// ```
#[macro_export]
macro_rules! laws {
    ($($entity:ty),+ $(,)?) => {
        #[test]
        fn mapping_laws() {
            $($crate::laws::assert::<$entity>();)+
        }
    };
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::equivalence::Normalizer;
    use crate::fingerprint::Fingerprint;
    use crate::model::{At, Transform, TypedAttribute};
    use crate::value::{Composite, Malformed, Value};

    struct Appends;
    impl Normalizer for Appends {
        fn name(&self) -> Cow<'static, str> {
            "appends".into()
        }
        fn fingerprint(&self, _: &mut Fingerprint) {}
        fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
            format!("{text}!").into()
        }
    }

    /// Writes `leaves` copies of what `write` makes of the text.
    struct Lossy {
        write: fn(&str) -> String,
        leaves: usize,
    }
    impl Transform<Composite> for Lossy {
        fn name(&self) -> Cow<'static, str> {
            "lossy".into()
        }
        fn fingerprint(&self, _: &mut Fingerprint) {}
        fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<Composite>, Malformed> {
            leaves.first().and_then(Leaf::as_text).map(Composite::from_canonical).transpose()
        }
        fn write(&self, value: &Composite) -> Vec<Native> {
            vec![Native::Text((self.write)(value.as_str()).into()); self.leaves]
        }
    }

    fn broken(attribute: TypedAttribute<Composite>) -> Vec<Broken> {
        let mut model = EntityModel::new("customer");
        model.attribute(attribute);
        check(&model).err().unwrap_or_default()
    }

    fn name() -> TypedAttribute<Composite> {
        TypedAttribute::new("name")
    }

    #[test]
    fn a_plain_mapping_keeps_the_laws() {
        assert_eq!(broken(name().required(true).at(At::path("crm", "name")).at(At::path("erp", "n"))), []);
    }

    #[test]
    fn a_normalizer_that_never_settles_is_found() {
        let found = broken(name().normalize(Appends).at(At::path("crm", "name")));
        assert!(matches!(&found[0], Broken::Unstable(..)), "{found:?}");
        assert_eq!(
            found[0].to_string(),
            "name in `crm`: `Ana Weber` reads back as `Ana Weber!`, and that as `Ana Weber!!`; a normalizer is not idempotent"
        );
    }

    #[test]
    fn a_transform_that_loses_is_found_beside_a_mapping_that_does_not() {
        let initials = Lossy { write: |text| text.chars().take(1).collect(), leaves: 1 };
        let found = broken(name().at(At::path("crm", "name")).at(At::via("erp", &["n"], initials)));
        assert!(matches!(&found[0], Broken::Disagreement(..)), "{found:?}");
    }

    #[test]
    fn a_transform_that_tells_nothing_apart_is_found() {
        let constant = Lossy { write: |_| "x".to_owned(), leaves: 1 };
        let found = broken(name().at(At::via("erp", &["n"], constant)));
        assert!(matches!(&found[..], [Broken::Collapsed(..)]), "{found:?}");
    }

    #[test]
    fn a_transform_with_more_leaves_than_paths_is_found() {
        let twice = Lossy { write: str::to_owned, leaves: 2 };
        let found = broken(name().at(At::via("erp", &["n"], twice)));
        assert!(matches!(&found[0], Broken::Leaves(_, _, _, 2, 1)), "{found:?}");
    }

    #[test]
    fn a_path_that_is_not_written_keeps_what_the_record_has() {
        let mapping = name().at(At::via("erp", &["amount", "currency"], Rejoined).write_to(&["amount"]));
        assert_eq!(broken(mapping), []);
    }

    /// An amount and a currency, of which the amount alone is written.
    struct Rejoined;
    impl Transform<Composite> for Rejoined {
        fn name(&self) -> Cow<'static, str> {
            "rejoined".into()
        }
        fn fingerprint(&self, _: &mut Fingerprint) {}
        fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<Composite>, Malformed> {
            let text: Vec<&str> = leaves.iter().filter_map(Leaf::as_text).collect();
            Composite::from_canonical(&text.join(" ")).map(Some)
        }
        fn write(&self, value: &Composite) -> Vec<Native> {
            let amount = value.as_str().rsplit_once(' ').map_or(value.as_str(), |(amount, _)| amount);
            vec![Native::Text(amount.into())]
        }
    }

    #[test]
    fn an_attribute_without_a_place_is_found() {
        assert_eq!(broken(name()), [Broken::MappedNowhere("name".into())]);
        assert_eq!(broken(name().hub()), []);
        let written = name().required(true).at(At::path("crm", "name").write_only());
        assert_eq!(broken(written), [Broken::Unknowable("name".into())]);
    }
}
