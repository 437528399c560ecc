//! `Country`: ISO 3166-1.

use std::fmt;
use std::str::FromStr;

use crate::value::text_form::text_form;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};

/// A country of ISO 3166-1.
///
/// **Canonical form:** the alpha-2 code, `DE`. Also read, in any case: the alpha-3 code, the numeric code (three
/// digits; a number may lack the leading zeros), the English short name of the standard, and the names that English
/// speakers use instead (`United States`, `South Korea`). `UK` is read as `GB`, for which ISO reserves it. States,
/// misspellings and other languages are refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// The code, out of the table of the standard.
pub struct Country(&'static str);

const NOT_A_COUNTRY: Malformed = Malformed::new("not a country of ISO 3166");

/// Names in use that are not the short names of the standard.
const ALSO: &[(&str, &str)] = &[
    ("Bolivia", "BO"),
    ("British Virgin Islands", "VG"),
    ("Brunei", "BN"),
    ("Cape Verde", "CV"),
    ("Cote d'Ivoire", "CI"),
    ("Curacao", "CW"),
    ("Czech Republic", "CZ"),
    ("Democratic Republic of the Congo", "CD"),
    ("East Timor", "TL"),
    ("Falkland Islands", "FK"),
    ("Great Britain", "GB"),
    ("Iran", "IR"),
    ("Ivory Coast", "CI"),
    ("Laos", "LA"),
    ("Macau", "MO"),
    ("Micronesia", "FM"),
    ("Moldova", "MD"),
    ("Netherlands", "NL"),
    ("North Korea", "KP"),
    ("Palestine", "PS"),
    ("Republic of the Congo", "CG"),
    ("Reunion", "RE"),
    ("Russia", "RU"),
    ("South Korea", "KR"),
    ("Swaziland", "SZ"),
    ("Syria", "SY"),
    ("Taiwan", "TW"),
    ("Tanzania", "TZ"),
    ("The Netherlands", "NL"),
    ("Turkey", "TR"),
    ("U.S. Virgin Islands", "VI"),
    ("United Kingdom", "GB"),
    ("United States", "US"),
    ("Vatican City", "VA"),
    ("Venezuela", "VE"),
    ("Vietnam", "VN"),
];

impl Country {
    /// Reads a code or an English name.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if ISO 3166 has no such country.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let found = match text.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9'] => rust_iso3166::from_numeric_str(text),
            &[a, b] => upper(&[a, b], |code| rust_iso3166::from_alpha2(if code == "UK" { "GB" } else { code })),
            &[a, b, c] => upper(&[a, b, c], rust_iso3166::from_alpha3),
            _ => named(text),
        };
        found.map(|country| Self(country.alpha2)).ok_or(NOT_A_COUNTRY)
    }

    /// The alpha-2 code: `DE`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// The alpha-3 code: `DEU`.
    #[must_use]
    pub fn alpha3(self) -> &'static str {
        rust_iso3166::from_alpha2(self.0).map_or("", |country| country.alpha3)
    }

    /// The English short name of the standard: `Germany`.
    #[must_use]
    pub fn name(self) -> &'static str {
        rust_iso3166::from_alpha2(self.0).map_or("", |country| country.name)
    }
}

type Entry = rust_iso3166::CountryCode;

/// Looks an ASCII code up in upper case, without an allocation.
fn upper<const N: usize>(code: &[u8; N], find: impl Fn(&str) -> Option<Entry>) -> Option<Entry> {
    let upper = code.map(|letter| letter.to_ascii_uppercase());
    std::str::from_utf8(&upper).ok().and_then(find)
}

fn named(text: &str) -> Option<Entry> {
    let same = |name: &str| name.chars().flat_map(char::to_lowercase).eq(text.chars().flat_map(char::to_lowercase));
    let also = || ALSO.iter().find(|(name, _)| same(name)).and_then(|(_, code)| rust_iso3166::from_alpha2(code));
    rust_iso3166::ALL.iter().find(|country| same(country.name)).copied().or_else(also)
}

impl FromStr for Country {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::new(text)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

text_form!(Country, "Country", {
    "type": "string",
    "pattern": "^[A-Z]{2}$",
    "description": "A country code of ISO 3166-1 alpha-2",
});

impl Value for Country {
    const KIND: Kind = Kind { name: "country", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        match leaf {
            Leaf::Text(text) => Self::new(text),
            Leaf::Number(text) => {
                let code = text.parse().map_err(|_| NOT_A_COUNTRY)?;
                rust_iso3166::from_numeric(code).map(|country| Self(country.alpha2)).ok_or(NOT_A_COUNTRY)
            }
            Leaf::Bool(_) | Leaf::Null => Err(NOT_A_COUNTRY),
        }
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(self.0);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        rust_iso3166::from_alpha2(text).map(|country| Self(country.alpha2)).ok_or(NOT_A_COUNTRY)
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.into())
    }
}

impl OneLeaf for Country {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    #[test]
    fn reads_codes_and_names() {
        for (text, expected) in [
            ("de", "DE"),
            ("DEU", "DE"),
            ("276", "DE"),
            (" germany ", "DE"),
            ("United States", "US"),
            ("united states of america", "US"),
            ("USA", "US"),
            ("UK", "GB"),
            ("036", "AU"),
            ("CÔTE D'IVOIRE", "CI"),
            ("åland islands", "AX"),
        ] {
            let read = canonical::<Country>(Leaf::Text(text), &Hints::default());
            assert_eq!(read.as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(canonical::<Country>(Leaf::Number("36"), &Hints::default()).as_deref(), Ok("AU"));
        for text in ["", "D", "ZZ", "XK", "36", "999", "Bavaria", "Deutschland", "é", "日本"] {
            assert!(Country::new(text).is_err(), "{text}");
        }
        assert!(Country::parse(Leaf::Number("-36"), &Hints::default()).is_err());
    }

    #[test]
    fn every_country_is_found_by_all_its_names() {
        for entry in rust_iso3166::ALL {
            let country = Country::new(entry.alpha2).expect("the table's own code");
            assert_eq!(Country::new(entry.alpha3), Ok(country));
            assert_eq!(Country::new(entry.name), Ok(country));
            assert_eq!(Country::new(&format!("{:03}", entry.numeric)), Ok(country));
            assert_eq!((country.alpha3(), country.name()), (entry.alpha3, entry.name));
        }
        for (name, code) in ALSO {
            assert_eq!(Country::new(name).map(Country::code), Ok(*code), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "[a-zA-Z]{2,3}|[0-9]{1,4}|.{0,500}") {
            holds::<Country>(&text, &Hints::default());
        }
    }
}
