//! Equivalence: when two values of a unit count as the same.
//!
//! Every equivalence but tolerance is a canonicalizer: two values are the same iff their keys are. Tolerance compares
//! only against a fixed reference (golden, or what was last accepted), because it is not transitive.

use std::borrow::Cow;
use std::sync::Arc;

use crate::fingerprint::Fingerprint;
use crate::value::{Decimal, Field};

/// Rewrites canonical text into the form that is stored or compared. Pure, and idempotent.
pub trait Normalizer: Send + Sync + 'static {
    /// The name that models and files use.
    fn name(&self) -> Cow<'static, str>;

    /// Adds version and parameters.
    fn fingerprint(&self, fingerprint: &mut Fingerprint);

    /// The normal form of `text`; borrowed where it is normal already. An empty result makes the field Empty.
    fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str>;
}

impl std::fmt::Debug for dyn Normalizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

/// When two values count as the same.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Equivalence {
    /// Their canonical text is equal.
    #[default]
    Exact,
    /// Their normal forms are equal.
    Normalized(Arc<dyn Normalizer>),
    /// They are numbers at most this far apart. Used against a fixed reference only.
    Tolerance(Decimal),
}

impl Equivalence {
    /// Whether a value is the same as the reference.
    ///
    /// Null and Empty are the same: systems differ in which of the two they report for a cleared field.
    #[must_use]
    pub fn same(&self, value: &Field, reference: &Field) -> bool {
        match (value, reference) {
            (Field::Value(a), Field::Value(b)) => {
                a == b
                    || match self {
                        Equivalence::Exact => false,
                        Equivalence::Normalized(normalizer) => normalizer.normalize(a) == normalizer.normalize(b),
                        Equivalence::Tolerance(within) => within_tolerance(a, b, *within),
                    }
            }
            (Field::Null | Field::Empty, Field::Null | Field::Empty) => true,
            (Field::Value(_), Field::Null | Field::Empty) | (Field::Null | Field::Empty, Field::Value(_)) => false,
        }
    }

    /// Adds kind and parameters.
    pub fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        match self {
            Equivalence::Exact => {
                fingerprint.text("exact");
            }
            Equivalence::Normalized(normalizer) => {
                fingerprint.text("normalized").text(&normalizer.name());
                normalizer.fingerprint(fingerprint);
            }
            Equivalence::Tolerance(within) => {
                fingerprint.text("tolerance").text(&within.to_string());
            }
        }
    }
}

/// Two numbers, or two amounts of one currency (`10.50 USD`), at most `within` apart.
fn within_tolerance(a: &str, b: &str, within: Decimal) -> bool {
    let number = |text: &str| -> Option<(Decimal, String)> {
        let (amount, unit) = text.split_once(' ').unwrap_or((text, ""));
        Some((amount.parse().ok()?, unit.to_owned()))
    };
    match (number(a), number(b)) {
        (Some((a, unit_a)), Some((b, unit_b))) if unit_a == unit_b => {
            a.checked_sub(b).is_some_and(|difference| difference.abs() <= within)
        }
        _ => false,
    }
}
