//! Quality of golden values: checks of entities, made by the engine of `accordant`.
//!
//! What [`check`](crate::check) counts in tables, these look for in the entities of a tenant: what is wrong with one is a case there, and
//! how many are is counted by attribute.
//!
//! ```
//! use accordant::engine::Checks;
//! use accordant_quality::golden::Complete;
#![cfg_attr(feature = "validators", doc = "use accordant_quality::golden::Valid;")]
#![cfg_attr(feature = "validators", doc = "use accordant_quality::validate::Validator;")]
//!
//! let checks = Checks::new().check("supplier", Complete::of(["name", "iban"]));
#![cfg_attr(
    feature = "validators",
    doc = r#"let checks = checks.check("supplier", Valid::of("iban", Validator::Iban));"#
)]
//! # let _ = checks;
//! ```

use accordant::check::{Dimension, EntityCheck, Examined, Violation};
use accordant::chrono::{DateTime, Utc};
use accordant::fingerprint::Fingerprint;
use accordant::text::Text;

#[cfg(feature = "validators")]
use crate::validate::Validator;

/// That golden has a value of each of these attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete(Vec<Text>);

impl Complete {
    /// Of these, by their ids: attributes that are no collections.
    #[must_use]
    pub fn of<'a>(attributes: impl IntoIterator<Item = &'a str>) -> Self {
        Self(attributes.into_iter().map(Text::from).collect())
    }
}

impl EntityCheck for Complete {
    fn name(&self) -> Text {
        "complete".into()
    }

    fn dimension(&self) -> Dimension {
        Dimension::Quality
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
        for attribute in &self.0 {
            fingerprint.text(attribute);
        }
    }

    fn looks_at(&self) -> Vec<Text> {
        self.0.clone()
    }

    fn examine(&self, entities: &[Examined<'_>], _: DateTime<Utc>) -> Vec<Violation> {
        let missing = |examined: &Examined<'_>| {
            let missing = self.0.iter().filter(|attribute| examined.golden(attribute).is_none());
            missing.map(|attribute| examined.violates(attribute, "is missing")).collect::<Vec<_>>()
        };
        entities.iter().flat_map(missing).collect()
    }
}

/// That the golden value of an attribute, where there is one, is what a validator takes.
#[cfg(feature = "validators")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    attribute: Text,
    validator: Validator,
}

#[cfg(feature = "validators")]
impl Valid {
    /// Of this attribute, by its id. Its canonical text is judged.
    #[must_use]
    pub fn of(attribute: &str, validator: Validator) -> Self {
        Self { attribute: attribute.into(), validator }
    }
}

#[cfg(feature = "validators")]
impl EntityCheck for Valid {
    fn name(&self) -> Text {
        format!("valid {}", self.attribute).into()
    }

    fn dimension(&self) -> Dimension {
        Dimension::Quality
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).text(&self.attribute).text(&format!("{:?}", self.validator));
    }

    fn looks_at(&self) -> Vec<Text> {
        vec![self.attribute.clone()]
    }

    fn examine(&self, entities: &[Examined<'_>], _: DateTime<Utc>) -> Vec<Violation> {
        let invalid = |examined: &Examined<'_>| {
            let why = self.validator.check(&examined.golden(&self.attribute)?).err()?;
            Some(examined.violates(&self.attribute, format!("is not valid: {why}")))
        };
        entities.iter().filter_map(invalid).collect()
    }
}
