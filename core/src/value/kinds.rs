//! The built-in kinds by name, for whoever meets a kind in a file and needs its type.

use chrono::{DateTime, NaiveDate, Utc};

#[cfg(feature = "phone")]
use crate::value::Phone;
use crate::value::{
    Additive, Consent, Country, Currency, Decimal, Domain, Email, InCurrency, Money, OneLeaf, Ordered, Value, WebUrl,
};

/// The names of the built-in kinds that a file can declare an attribute of, in alphabetical order.
///
/// `ref` is not among them: the entity type that a reference names is a type of the user's.
pub const KIND_NAMES: &[&str] = &[
    "bool",
    "consent",
    "country",
    "currency",
    "date",
    "decimal",
    "domain",
    "email",
    "instant",
    "integer",
    "money",
    #[cfg(feature = "phone")]
    "phone",
    "text",
    "unsigned",
    "url",
];

/// Does something with a value type that is known by name only.
///
/// [`with_kind`] calls the one method that says the most about the type. What a visitor does not care for falls back on
/// the next weaker method.
///
/// ```
/// use accordant::value::{Additive, InCurrency, KindVisitor, OneLeaf, Ordered, with_kind};
///
/// struct Name;
/// impl KindVisitor for Name {
///     type Output = &'static str;
///     fn plain<T: OneLeaf>(self) -> &'static str {
///         T::KIND.name
///     }
///     fn amount<T: InCurrency + Ordered + Additive>(self) -> &'static str {
///         T::KIND.name
///     }
/// }
/// assert_eq!(with_kind("email", Name), Some("email"));
/// assert_eq!(with_kind("e-mail", Name), None);
/// ```
pub trait KindVisitor: Sized {
    /// What it gives.
    type Output;

    /// A type that has no size: a code, an address.
    fn plain<T: OneLeaf>(self) -> Self::Output;

    /// A type in a currency.
    fn amount<T: InCurrency + Ordered + Additive>(self) -> Self::Output;

    /// A type whose values have a size.
    fn ordered<T: OneLeaf + Ordered>(self) -> Self::Output {
        self.plain::<T>()
    }

    /// A type whose values have a size and can be added.
    fn additive<T: OneLeaf + Ordered + Additive>(self) -> Self::Output {
        self.ordered::<T>()
    }
}

/// Shows the type of a built-in kind to a visitor; `None` if there is no kind of that name.
pub fn with_kind<V: KindVisitor>(name: &str, visitor: V) -> Option<V::Output> {
    // Compared one by one rather than matched: the names stand with their types and nowhere else.
    let is = |kind: &str| kind == name;
    Some(if is(String::KIND.name) {
        visitor.ordered::<String>()
    } else if is(i64::KIND.name) {
        visitor.additive::<i64>()
    } else if is(u64::KIND.name) {
        visitor.additive::<u64>()
    } else if is(bool::KIND.name) {
        visitor.ordered::<bool>()
    } else if is(Decimal::KIND.name) {
        visitor.additive::<Decimal>()
    } else if is(Money::KIND.name) {
        visitor.amount::<Money>()
    } else if is(Currency::KIND.name) {
        visitor.plain::<Currency>()
    } else if is(Consent::KIND.name) {
        visitor.ordered::<Consent>()
    } else if is(Country::KIND.name) {
        visitor.plain::<Country>()
    } else if is(Email::KIND.name) {
        visitor.plain::<Email>()
    } else if is(WebUrl::KIND.name) {
        visitor.plain::<WebUrl>()
    } else if is(Domain::KIND.name) {
        visitor.plain::<Domain>()
    } else if is(NaiveDate::KIND.name) {
        visitor.ordered::<NaiveDate>()
    } else if is(<DateTime<Utc> as Value>::KIND.name) {
        visitor.ordered::<DateTime<Utc>>()
    } else {
        return phone(name, visitor);
    })
}

#[cfg(feature = "phone")]
fn phone<V: KindVisitor>(name: &str, visitor: V) -> Option<V::Output> {
    (name == Phone::KIND.name).then(|| visitor.plain::<Phone>())
}

#[cfg(not(feature = "phone"))]
fn phone<V: KindVisitor>(_: &str, _: V) -> Option<V::Output> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown;
    impl KindVisitor for Shown {
        type Output = (&'static str, &'static str);
        fn plain<T: OneLeaf>(self) -> Self::Output {
            (T::KIND.name, "plain")
        }
        fn amount<T: InCurrency + Ordered + Additive>(self) -> Self::Output {
            (T::KIND.name, "amount")
        }
        fn ordered<T: OneLeaf + Ordered>(self) -> Self::Output {
            (T::KIND.name, "ordered")
        }
    }

    #[test]
    fn every_name_has_its_type() {
        for name in KIND_NAMES {
            assert_eq!(with_kind(name, Shown).map(|(kind, _)| kind), Some(*name));
        }
        assert!(KIND_NAMES.is_sorted());
        assert_eq!(with_kind("ref", Shown), None);
        assert_eq!(with_kind("money", Shown), Some(("money", "amount")));
        assert_eq!(with_kind("integer", Shown), Some(("integer", "ordered")), "what is additive is ordered too");
        assert_eq!(with_kind("email", Shown), Some(("email", "plain")));
    }
}
