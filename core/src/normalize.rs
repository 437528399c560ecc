//! Built-in normalizers: what `normalize = ..` names in a derive and in a file.
//!
//! Each is idempotent and borrows what is normal already. None guesses: a text that a normalizer for addresses cannot
//! read is kept, trimmed and in lower case, so a bad value stays visible and stays the same.

use std::borrow::Cow;
use std::sync::Arc;

use crate::equivalence::Normalizer;
use crate::fingerprint::Fingerprint;
#[cfg(feature = "phone")]
use crate::text::Text;
#[cfg(feature = "phone")]
use crate::value::Phone as PhoneNumber;
use crate::value::{normal_domain, normal_email};

macro_rules! normalizer {
    ($(#[$doc:meta])* $type:ident $function:ident $normalize:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $type;

        $(#[$doc])*
        #[must_use]
        pub const fn $function() -> $type {
            $type
        }

        impl Normalizer for $type {
            fn name(&self) -> Cow<'static, str> {
                stringify!($function).into()
            }

            fn fingerprint(&self, fingerprint: &mut Fingerprint) {
                fingerprint.number(1);
            }

            fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
                $normalize(text)
            }
        }
    };
}

normalizer! {
    /// Drops white space around the text.
    Trim trim trimmed
}
normalizer! {
    /// Lower case, by Unicode's rules for no language in particular.
    Lowercase lowercase lowered
}
normalizer! {
    /// Upper case, by Unicode's rules for no language in particular: `ß` becomes `SS`.
    Uppercase uppercase raised
}
normalizer! {
    /// Drops white space around the text, and makes one space of any within.
    CollapseSpaces collapse_spaces collapsed
}
normalizer! {
    /// Keeps the digits `0` to `9` only.
    Digits digits only_digits
}
normalizer! {
    /// Keeps letters and digits only, of any script: for product codes that one system hyphenates.
    Alphanumeric alphanumeric only_alphanumeric
}
normalizer! {
    /// The canonical form of [`Email`](crate::value::Email); other text is trimmed and put in lower case.
    Email email as_email
}
normalizer! {
    /// The canonical form of [`Domain`](crate::value::Domain), of a web address too; other text is trimmed and put in
    /// lower case.
    Domain domain as_domain
}

fn trimmed(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    // A part of the text is no longer the text: `normalize` appends in place, so it must be told of the change.
    if trimmed.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(trimmed.to_owned()) }
}

fn lowered(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    changed(text, text.to_lowercase())
}

fn raised(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(text);
    }
    changed(text, text.to_uppercase())
}

fn collapsed(text: &str) -> Cow<'_, str> {
    let mut words = text.split_whitespace();
    let mut collapsed = String::new();
    // Normal already unless two kinds of white space meet, or another than the space is there.
    let plain = !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
        && !text.contains("  ")
        && !text.contains(|letter: char| letter.is_whitespace() && letter != ' ');
    if plain {
        return Cow::Borrowed(text);
    }
    if let Some(first) = words.next() {
        collapsed.push_str(first);
    }
    for word in words {
        collapsed.push(' ');
        collapsed.push_str(word);
    }
    Cow::Owned(collapsed)
}

fn only_digits(text: &str) -> Cow<'_, str> {
    kept(text, |letter| letter.is_ascii_digit())
}

fn only_alphanumeric(text: &str) -> Cow<'_, str> {
    kept(text, char::is_alphanumeric)
}

fn as_email(text: &str) -> Cow<'_, str> {
    normal_email(text).map_or_else(|_| plain(text), |normal| whole(text, normal))
}

fn as_domain(text: &str) -> Cow<'_, str> {
    normal_domain(text).map_or_else(|_| plain(text), |normal| whole(text, normal))
}

/// Trimmed and in lower case.
fn plain(text: &str) -> Cow<'_, str> {
    whole(text, lowered(text.trim()))
}

fn kept(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&keep) { Cow::Borrowed(text) } else { Cow::Owned(text.chars().filter(|&c| keep(c)).collect()) }
}

fn changed(text: &str, normal: String) -> Cow<'_, str> {
    if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) }
}

/// Borrowed only if it is the whole text: `Cow::Borrowed` tells the caller that nothing changed.
fn whole<'a>(text: &'a str, normal: Cow<'a, str>) -> Cow<'a, str> {
    if normal.len() == text.len() { normal } else { Cow::Owned(normal.into_owned()) }
}

/// The canonical form of [`Phone`](crate::value::Phone), national numbers read in a region; other text is trimmed.
#[cfg(feature = "phone")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phone {
    region: Option<Text>,
}

/// The canonical form of [`Phone`](crate::value::Phone), national numbers read in `region` (ISO 3166 alpha-2); other
/// text is trimmed.
#[cfg(feature = "phone")]
#[must_use]
pub fn phone(region: &str) -> Phone {
    Phone { region: Some(region.into()) }
}

#[cfg(feature = "phone")]
impl Normalizer for Phone {
    /// `phone(US)`, or `phone` if it knows no region.
    fn name(&self) -> Cow<'static, str> {
        self.region.as_ref().map_or("phone".into(), |region| format!("phone({region})").into())
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1).text(self.region.as_deref().unwrap_or_default());
    }

    fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let number = match &self.region {
            Some(region) => PhoneNumber::in_region(text, region),
            None => PhoneNumber::new(text),
        };
        number.map_or_else(|_| trimmed(text), |number| changed(text, number.as_str().to_owned()))
    }
}

/// The names that [`by_name`] knows. `phone` also takes a region: `phone(US)`.
pub const NAMES: &[&str] = &[
    "alphanumeric",
    "collapse_spaces",
    "digits",
    "domain",
    "email",
    "lowercase",
    #[cfg(feature = "phone")]
    "phone",
    "trim",
    "uppercase",
];

/// The normalizer that a file names.
#[must_use]
pub fn by_name(name: &str) -> Option<Arc<dyn Normalizer>> {
    Some(match name {
        "alphanumeric" => Arc::new(Alphanumeric),
        "collapse_spaces" => Arc::new(CollapseSpaces),
        "digits" => Arc::new(Digits),
        "domain" => Arc::new(Domain),
        "email" => Arc::new(Email),
        "lowercase" => Arc::new(Lowercase),
        "trim" => Arc::new(Trim),
        "uppercase" => Arc::new(Uppercase),
        #[cfg(feature = "phone")]
        "phone" => Arc::new(Phone::default()),
        #[cfg(feature = "phone")]
        _ => {
            let region = name.strip_prefix("phone(")?.strip_suffix(')')?;
            region.parse::<phonenumber::country::Id>().ok()?;
            Arc::new(phone(region))
        }
        #[cfg(not(feature = "phone"))]
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_does_what_its_name_says() {
        for (name, text, expected) in [
            ("trim", "\u{a0} Ada  Lovelace\n", "Ada  Lovelace"),
            ("lowercase", "GROẞE Äpfel", "große äpfel"),
            ("uppercase", "große", "GROSSE"),
            ("collapse_spaces", " Ada \t\u{a0} Lovelace ", "Ada Lovelace"),
            ("digits", "(415) 555-2671", "4155552671"),
            ("alphanumeric", "AB-12/ü_3", "AB12ü3"),
            ("email", " Ana@ACME.test", "ana@acme.test"),
            ("email", " Not An Address ", "not an address"),
            ("domain", "https://www.Acme.com/x", "acme.com"),
            ("domain", " ACME ", "acme"),
            ("digits", "none", ""),
        ] {
            let normalizer = by_name(name).expect("a known name");
            assert_eq!(normalizer.normalize(text), expected, "{name}");
        }
    }

    #[cfg(feature = "phone")]
    #[test]
    fn a_region_belongs_to_the_name() {
        let normalizer = by_name("phone(US)").expect("a known name");
        assert_eq!(normalizer.name(), "phone(US)");
        assert_eq!(normalizer.normalize("(415) 555-2671"), "+14155552671");
        assert_eq!(normalizer.normalize(" ask Ana "), "ask Ana");
        assert!(by_name("phone(ZZ)").is_none() && by_name("phone()").is_none());
    }

    #[test]
    fn every_name_is_its_own() {
        assert!(NAMES.is_sorted());
        for name in NAMES {
            assert_eq!(by_name(name).map(|normalizer| normalizer.name().into_owned()).as_deref(), Some(*name));
        }
        assert!(by_name("soundex").is_none());
    }

    #[test]
    fn what_is_normal_is_borrowed() {
        for (name, text) in [
            ("trim", "Ada"),
            ("lowercase", "ada ü"),
            ("uppercase", "ADA Ü"),
            ("collapse_spaces", "Ada Lovelace"),
            ("digits", "123"),
            ("alphanumeric", "AB12ü"),
            ("email", "ana@acme.test"),
            ("domain", "acme.com"),
        ] {
            let normalizer = by_name(name).expect("a known name");
            assert!(matches!(normalizer.normalize(text), Cow::Borrowed(_)), "{name}");
        }
    }

    proptest! {
        #[test]
        fn normal_text_stays(text in "[ a-zA-Z0-9@.+()/:ßİΣ\\t-]{0,24}|.{0,1000}") {
            for name in NAMES.iter().chain(cfg!(feature = "phone").then_some(&"phone(US)")) {
                let normalizer = by_name(name).expect("a known name");
                let once = normalizer.normalize(&text);
                if let Cow::Borrowed(same) = once {
                    prop_assert_eq!(same, text.as_str(), "{} borrowed something else", name);
                }
                prop_assert_eq!(normalizer.normalize(&once), once.as_ref(), "{} is not idempotent", name);
            }
        }
    }
}
