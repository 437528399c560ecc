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

/// How the values of one unit are compared: what classification asks. Every value is the same as itself.
pub trait Comparison {
    /// Whether a value is the same as the reference that stands: golden, or what was last accepted.
    fn same(&self, value: &Field, reference: &Field) -> bool;

    /// Whether two values are of one class, where neither is a reference. Must be transitive, or the order in which
    /// values are looked at would decide how many classes there are.
    fn alike(&self, a: &Field, b: &Field, golden: Option<&Field>) -> bool;
}

impl Comparison for Equivalence {
    fn same(&self, value: &Field, reference: &Field) -> bool {
        Equivalence::same(self, value, reference)
    }

    fn alike(&self, a: &Field, b: &Field, golden: Option<&Field>) -> bool {
        Equivalence::alike(self, a, b, golden)
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
    #[inline]
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

    /// Whether two values are of one class, where neither is the reference. Transitive, whatever the equivalence: values
    /// within tolerance of the same golden value are of one class, and any others only if they are equal.
    #[must_use]
    pub fn alike(&self, a: &Field, b: &Field, golden: Option<&Field>) -> bool {
        match self {
            Equivalence::Exact | Equivalence::Normalized(_) => self.same(a, b),
            Equivalence::Tolerance(_) => {
                Equivalence::Exact.same(a, b)
                    || golden.is_some_and(|golden| self.same(a, golden) && self.same(b, golden))
            }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Equivalence;
    use crate::value::Field;

    #[test]
    fn s06_all_but_tolerance_compare_a_canonical_form() {
        let all = [Equivalence::Exact, Equivalence::Normalized(Arc::new(crate::normalize::Lowercase))];
        let fields = ["a", "A", "b", "B"].map(Field::value);
        for equivalence in &all {
            for (a, b) in fields.iter().flat_map(|a| fields.iter().map(move |b| (a, b))) {
                assert_eq!(equivalence.same(a, b), equivalence.same(b, a), "{equivalence:?}: {a} and {b}");
                assert_eq!(equivalence.same(a, b), equivalence.alike(a, b, None), "{equivalence:?}: {a} and {b}");
                let thirds = fields.iter().filter(|c| equivalence.same(a, b) && equivalence.same(b, c));
                thirds.for_each(|c| assert!(equivalence.same(a, c), "{equivalence:?}: {a}, {b}, {c}"));
            }
        }
    }

    #[test]
    fn s06_null_and_empty_are_the_same() {
        for equivalence in [Equivalence::Exact, Equivalence::Tolerance(5.into())] {
            assert!(equivalence.same(&Field::Null, &Field::Empty));
            assert!(equivalence.alike(&Field::Empty, &Field::Null, Some(&Field::value("1"))));
            assert!(!equivalence.same(&Field::Null, &Field::value("0")));
        }
    }

    #[test]
    fn tolerance_classes_form_around_golden() {
        let within = Equivalence::Tolerance(5.into());
        let [low, mid, high] = ["10", "14", "18"].map(Field::value);
        assert!(within.same(&low, &mid));
        assert!(!within.alike(&low, &mid, None));
        assert!(within.alike(&low, &high, Some(&mid)));
        assert!(!within.alike(&low, &high, Some(&low)));
    }
}
