//! Normalizers: pure, idempotent rewritings of canonical text, by name in models and files.

use std::borrow::Cow;
use std::sync::Arc;

use crate::equivalence::Normalizer;
use crate::fingerprint::Fingerprint;

macro_rules! normalizers {
    ($($(#[$doc:meta])* $type:ident, $name:ident, $normal:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
            pub struct $type;

            $(#[$doc])*
            #[must_use]
            pub const fn $name() -> $type {
                $type
            }

            impl Normalizer for $type {
                fn name(&self) -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn fingerprint(&self, fingerprint: &mut Fingerprint) {
                    fingerprint.number(1);
                }

                fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
                    let normal: fn(&str) -> Cow<'_, str> = $normal;
                    normal(text)
                }
            }
        )*

        /// The names that files may use.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// The normalizer of a name.
        #[must_use]
        pub fn by_name(name: &str) -> Option<Arc<dyn Normalizer>> {
            match name {
                $(stringify!($name) => Some(Arc::new($type)),)*
                _ => None,
            }
        }
    };
}

normalizers! {
    /// Drops white space at both ends.
    Trim, trim, |text| Cow::Borrowed(text.trim());
    /// Lower case, by Unicode's rules.
    Lowercase, lowercase, |text| {
        if text.chars().any(|c| c.is_uppercase() || !c.is_ascii()) { text.to_lowercase().into() } else { text.into() }
    };
    /// Upper case, by Unicode's rules.
    Uppercase, uppercase, |text| {
        if text.chars().any(|c| c.is_lowercase() || !c.is_ascii()) { text.to_uppercase().into() } else { text.into() }
    };
    /// One space for every run of white space, none at the ends.
    CollapseSpaces, collapse_spaces, |text| {
        let normal = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) }
    };
    /// Digits only.
    Digits, digits, |text| keep(text, |c| c.is_ascii_digit());
    /// Letters and digits only.
    Alphanumeric, alphanumeric, |text| keep(text, char::is_alphanumeric);
    /// An e-mail address: trimmed, in lower case. Text that is no address is left as it is.
    Email, email, |text| rewritten::<crate::value::Email>(text);
    /// A domain: the host of a URL, in lower case, without `www.`. Text that is no domain is left as it is.
    Domain, domain, |text| rewritten::<crate::value::Domain>(text);
}

fn keep(text: &str, wanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&wanted) { text.into() } else { text.chars().filter(|c| wanted(*c)).collect::<String>().into() }
}

fn rewritten<T: std::str::FromStr + std::fmt::Display>(text: &str) -> Cow<'_, str> {
    match text.parse::<T>() {
        Ok(value) => {
            let normal = value.to_string();
            if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) }
        }
        Err(_) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rewrites_as_its_name_says() {
        let cases = [
            ("trim", " a b ", "a b"),
            ("lowercase", "ÄCME Ltd", "äcme ltd"),
            ("uppercase", "äcme", "ÄCME"),
            ("collapse_spaces", " a \t b\n", "a b"),
            ("digits", "+1 (555) 01", "155501"),
            ("alphanumeric", "AC-12/ü", "AC12ü"),
            ("email", " Ana@Acme.TEST ", "ana@acme.test"),
            ("email", "not an address", "not an address"),
            ("domain", "https://WWW.Acme.test/x", "acme.test"),
        ];
        for (name, text, normal) in cases {
            let normalizer = by_name(name).expect("a built-in name");
            assert_eq!(normalizer.normalize(text), normal, "{name}");
        }
        assert!(NAMES.iter().all(|name| by_name(name).is_some_and(|normalizer| normalizer.name() == *name)));
        assert!(by_name("shout").is_none());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1000))]

        #[test]
        fn normal_text_stays_as_it_is(text in "\\PC{0,24}") {
            for name in NAMES {
                let normalizer = by_name(name).expect("a built-in name");
                let once = normalizer.normalize(&text).into_owned();
                proptest::prop_assert_eq!(normalizer.normalize(&once), once.as_str(), "{}", name);
            }
        }
    }
}
