//! `Phone`: a telephone number.

use std::fmt;
use std::str::FromStr;

use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode, Type, country};

use crate::text::Text;
use crate::value::text_form::text_form;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};

/// A telephone number.
///
/// **Canonical form:** E.164, `+14155552671`; with an extension that of RFC 3966, `+14155552671;ext=12`. E.164 has no
/// extension, but to drop one is to lose the person, so it stays and is written as `+14155552671 ext. 12`, which CRMs
/// and people read.
///
/// A number without `+` needs the mapping's region; it may carry the region's prefixes for trunk and international
/// calls. The number must have a length that its country uses. Whether the range is assigned is not asked: numbering
/// plans change faster than tables of them.
///
/// Letters (`1-800-FLOWERS`), two numbers in one text, and more than 64 bytes are refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(Text);

const NOT_A_PHONE: Malformed = Malformed::new("not a telephone number");
const NO_REGION: Malformed = Malformed::new("a national telephone number without a region");
const WRONG_LENGTH: Malformed = Malformed::new("a telephone number of a length that its country does not use");

/// Longer than any number with its extension. The parser behind works with regular expressions, so it never sees more.
const LONGEST: usize = 64;

impl Phone {
    /// Reads a number that starts with `+`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is none.
    pub fn new(number: &str) -> Result<Self, Malformed> {
        Self::read(number, None)
    }

    /// Reads a number as it is dialled in a region (ISO 3166 alpha-2), or one that starts with `+`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is none, or if the region is.
    pub fn in_region(number: &str, region: &str) -> Result<Self, Malformed> {
        Self::read(number, Some(region))
    }

    /// The number, in canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number alone, in E.164.
    #[must_use]
    pub fn e164(&self) -> &str {
        self.parts().0
    }

    /// The extension, if there is one.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.parts().1
    }

    fn parts(&self) -> (&str, Option<&str>) {
        self.0.split_once(EXTENSION).map_or((&self.0, None), |(number, extension)| (number, Some(extension)))
    }

    fn read(number: &str, region: Option<&str>) -> Result<Self, Malformed> {
        let number = number.trim();
        if number.len() > LONGEST {
            return Err(NOT_A_PHONE);
        }
        let (digits, extension) = dialled(number).ok_or(NOT_A_PHONE)?;
        let region = match region {
            // Without the `+` nobody knows the country; with it, the region must not matter.
            _ if digits.starts_with('+') => None,
            None => return Err(NO_REGION),
            Some(code) => {
                let code = code.to_ascii_uppercase();
                Some(code.parse::<country::Id>().map_err(|_| Malformed::new("not a region of telephone numbers"))?)
            }
        };
        let mut text = e164(region, &digits)?;
        // Read once more from its own form: only what stays as it is can be a canonical form.
        if e164(None, &text)? != text {
            return Err(NOT_A_PHONE);
        }
        if let Some(extension) = extension {
            text.push_str(EXTENSION);
            text.push_str(&extension);
        }
        Ok(Self(text.into()))
    }
}

/// What separates the extension (RFC 3966, section 3).
const EXTENSION: &str = ";ext=";

/// The E.164 form of a number that is digits only, but for a plus in front.
fn e164(region: Option<country::Id>, digits: &str) -> Result<String, Malformed> {
    let number = phonenumber::parse(region, digits).map_err(|_| NOT_A_PHONE)?;
    let text = number.format().mode(Mode::E164).to_string();
    if !is_e164(&text) {
        return Err(NOT_A_PHONE);
    }
    let code = number.code().value();
    let national = text.len() - 1 - code.to_string().len();
    let countries = DATABASE.by_code(&code).ok_or(NOT_A_PHONE)?;
    let fits = countries.iter().any(|country| KINDS.iter().any(|kind| has_length(country, *kind, national)));
    if fits { Ok(text) } else { Err(WRONG_LENGTH) }
}

/// The kinds of numbers that a person or a company is called at.
const KINDS: [Type; 9] = [
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
];

fn has_length(country: &Metadata, kind: Type, length: usize) -> bool {
    // The metadata's general entry has no lengths of its own in this crate.
    let lengths = country.descriptors().get(kind).map_or(&[][..], |numbers| numbers.possible_length());
    lengths.iter().any(|possible| usize::from(*possible) == length)
}

/// The digits of a number as people write it, with its plus, and those of its extension.
fn dialled(number: &str) -> Option<(String, Option<String>)> {
    let number = number.strip_prefix("tel:").unwrap_or(number);
    let mut digits = String::new();
    let mut rest = number.char_indices();
    let extension = loop {
        let Some((at, letter)) = rest.next() else { break None };
        match letter {
            '0'..='9' => digits.push(letter),
            '+' if digits.is_empty() => digits.push('+'),
            '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            letter if letter.is_whitespace() => {}
            _ => break Some(extension(&number[at..])?),
        }
    };
    digits.bytes().any(|byte| byte != b'+').then_some((digits, extension))
}

/// The digits behind a word for extension. At most eleven: longer ones are second numbers.
fn extension(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let words = [EXTENSION, "extension", "ext.", "ext", "x", "#"];
    let digits = words.iter().find_map(|word| text.strip_prefix(word))?.trim_start_matches([' ', ':', '.']);
    let plain = (1..=11).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.to_owned())
}

/// A plus, a digit other than zero, and 15 digits at most (ITU-T E.164, section 6).
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (4..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

impl FromStr for Phone {
    type Err = Malformed;
    fn from_str(number: &str) -> Result<Self, Malformed> {
        Self::new(number)
    }
}

impl AsRef<str> for Phone {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

text_form!(Phone, "Phone", {
    "type": "string",
    "pattern": r"^\+[1-9][0-9]{3,14}(;ext=[0-9]{1,11})?$",
    "description": "A telephone number in E.164, with an extension as in RFC 3966",
});

impl Value for Phone {
    const KIND: Kind = Kind { name: "phone", version: 1 };

    fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
        Self::read(leaf.as_text().ok_or(NOT_A_PHONE)?, hints.region.as_deref())
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    /// Looks at the form only: what was read with last year's numbering plans stays readable.
    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        let (number, extension) = text.split_once(EXTENSION).map_or((text, None), |(number, ext)| (number, Some(ext)));
        let plain =
            extension.is_none_or(|ext| (1..=11).contains(&ext.len()) && ext.bytes().all(|byte| byte.is_ascii_digit()));
        if is_e164(number) && plain { Ok(Self(text.into())) } else { Err(NOT_A_PHONE) }
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(match self.parts() {
            (_, None) => self.0.clone(),
            (number, Some(extension)) => format!("{number} ext. {extension}").into(),
        })
    }
}

impl OneLeaf for Phone {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    fn region(code: &str) -> Hints {
        Hints { region: Some(code.into()), ..Hints::default() }
    }

    #[test]
    fn equal_numbers_have_one_form() {
        for (text, code, expected) in [
            ("+1 (415) 555-2671", "US", "+14155552671"),
            ("(415) 555-2671", "us", "+14155552671"),
            ("1-415-555-2671", "US", "+14155552671"),
            ("415.555.2671 x12", "US", "+14155552671;ext=12"),
            ("tel:+1-415-555-2671;ext=12", "US", "+14155552671;ext=12"),
            ("030 123456", "DE", "+4930123456"),
            ("0049 30 123456", "DE", "+4930123456"),
            ("+49 (0)30 123456", "US", "+4930123456"),
            ("+44 (0)20 7946 0018", "US", "+442079460018"),
            ("+39 06 698 12345", "US", "+390669812345"),
            ("02 1234 5678", "AU", "+61212345678"),
        ] {
            let read = canonical::<Phone>(Leaf::Text(text), &region(code));
            assert_eq!(read.as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(canonical::<Phone>(Leaf::Number("4155552671"), &region("US")).as_deref(), Ok("+14155552671"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(Phone::new("415 555 2671"), Err(NO_REGION));
        assert_eq!(Phone::new("+1 415 555"), Err(WRONG_LENGTH));
        assert!(Phone::in_region("415 555 2671", "ZZ").is_err());
        for text in [
            "",
            "+",
            "n/a",
            "1-800-FLOWERS",
            "+1 415 555 2671 / +1 415 555 2672",
            "+999 1234567",
            "+14155552671 x",
            "++1",
        ] {
            assert!(Phone::in_region(text, "US").is_err(), "{text}");
        }
        assert!(Phone::new(&"1".repeat(10_000)).is_err());
    }

    #[test]
    fn an_extension_stays_beside_the_number() {
        let phone = Phone::new("+14155552671 ext. 012").expect("a number with an extension");
        assert_eq!((phone.e164(), phone.extension()), ("+14155552671", Some("012")));
        assert_eq!(phone.native(&Hints::default()), Native::Text("+14155552671 ext. 012".into()));
    }

    proptest! {
        #[test]
        fn any_text(text in "\\+?[0-9() .-]{1,24}( ?(x|ext) ?[0-9]{1,5})?|.{0,2000}", code in "US|DE|IT|BR|GB|.{0,3}") {
            holds::<Phone>(&text, &region(&code));
        }

        #[test]
        fn any_digits(digits in "\\+?[0-9]{3,17}", code in "US|DE|IT|BR|GB|MX|AR|JP|CN|FR|NZ|RU|SM|VA|CI|GA") {
            holds::<Phone>(&digits, &region(&code));
        }
    }
}
