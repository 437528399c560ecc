//! Validators: whether a text is an e-mail address, a telephone number, an IBAN, and so on.
//!
//! They judge a text as it stands, white space around it included; nothing is looked up, and nothing is sent. A text that is valid
//! may still be nobody's.

mod card;
mod domain;
mod phone;
mod vin;

use std::str::FromStr as _;

use email_address::{EmailAddress, Options};
use iban::{Iban, ParseIbanError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a text is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Validator {
    /// An e-mail address (RFC 5321, RFC 6531), without a name or an IP address, at a domain of two labels at least.
    Email,
    /// A telephone number: one that starts with `+`, or as it is dialled in a region. Of a range that is in use, as libphonenumber's
    /// metadata knows it.
    Phone {
        /// The region (ISO 3166 alpha-2) of numbers without `+`.
        region: Option<Region>,
    },
    /// An international bank account number (ISO 13616), with or without a space behind each four letters: its country's form, and
    /// the check digits.
    Iban,
    /// A trade item number (GS1): 8, 12, 13 or 14 digits, the last of which checks the others.
    Gtin,
    /// A country, two letters in upper case (ISO 3166-1 alpha-2).
    Country,
    /// A currency, three letters in upper case (ISO 4217).
    Currency,
    /// A domain name in ASCII that somebody can have: below a suffix of the public list, or a suffix itself that is a private
    /// company's.
    Domain,
    /// A vehicle's number (ISO 3779): 17 digits and letters, without I, O and Q.
    Vin,
    /// The same, with the check digit at the ninth place that North America asks for (49 CFR 565).
    VinNorthAmerica,
    /// A payment card's number: 12 to 19 digits, in groups or not, the last of which checks the others (ISO/IEC 7812-1). For
    /// finding them where none must be.
    Card,
}

/// A region, by its two letters (ISO 3166-1 alpha-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region([u8; 2]);

impl Region {
    /// Reads it: two letters in upper case, of a country that has telephone numbers.
    ///
    /// # Errors
    ///
    /// [`Invalid::Unknown`] if there is no such region.
    pub fn new(code: &str) -> Result<Self, Invalid> {
        let letters = <[u8; 2]>::try_from(code.as_bytes()).map_err(|_| Invalid::Length)?;
        phone::region(code).map(|_| Self(letters)).ok_or(Invalid::Unknown)
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<String> for Region {
    type Error = Invalid;
    fn try_from(code: String) -> Result<Self, Invalid> {
        Self::new(&code)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
    }
}

/// What is wrong with a text. Never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Invalid {
    /// It is longer than any of its kind can be.
    #[error("longer than any of its kind")]
    TooLong,
    /// It has not the length of its kind.
    #[error("not of the length of its kind")]
    Length,
    /// It holds a character that its kind has not.
    #[error("a character that its kind does not have")]
    Character,
    /// It is not put together as its kind is.
    #[error("not of the form of its kind")]
    Form,
    /// Its check digits are others.
    #[error("its check digits are wrong")]
    CheckDigit,
    /// It is of the right form, and nobody gave such a code or range away.
    #[error("a code, country, suffix or range that is not known")]
    Unknown,
}

impl Validator {
    /// The most bytes that are looked at: a longer text is invalid unseen.
    #[must_use]
    pub const fn longest(self) -> usize {
        match self {
            Self::Email => 254,
            Self::Phone { .. } => 64,
            // 34 letters, and the spaces between them.
            Self::Iban => 42,
            Self::Gtin => 14,
            Self::Country => 2,
            Self::Currency => 3,
            Self::Domain => 253,
            Self::Vin | Self::VinNorthAmerica => 17,
            Self::Card => 37,
        }
    }

    /// Whether the text is one.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn check(self, text: &str) -> Result<(), Invalid> {
        if text.len() > self.longest() {
            return Err(Invalid::TooLong);
        }
        match self {
            Self::Email => email(text),
            Self::Phone { region } => phone::check(text, region),
            Self::Iban => iban(text),
            Self::Gtin => gtin(text),
            Self::Country => code(text, 2, |text| rust_iso3166::from_alpha2(text).is_some()),
            Self::Currency => code(text, 3, |text| iso_currency::Currency::from_code(text).is_some()),
            Self::Domain => domain::check(text),
            Self::Vin => vin::check(text),
            Self::VinNorthAmerica => vin::check_with_digit(text),
            Self::Card => card::check(text),
        }
    }
}

fn email(text: &str) -> Result<(), Invalid> {
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let address = EmailAddress::parse_with_options(text, options).map_err(|error| match error {
        email_address::Error::InvalidCharacter => Invalid::Character,
        email_address::Error::LocalPartTooLong
        | email_address::Error::DomainTooLong
        | email_address::Error::SubDomainTooLong => Invalid::TooLong,
        _ => Invalid::Form,
    })?;
    // The last label of a name is none of digits, or an IP address would be one.
    let numbers =
        address.domain().rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if numbers { Err(Invalid::Form) } else { Ok(()) }
}

fn iban(text: &str) -> Result<(), Invalid> {
    Iban::from_str(text).map(|_| ()).map_err(|error| match error {
        ParseIbanError::InvalidBaseIban { source } => match source {
            iban::ParseBaseIbanError::InvalidChecksum => Invalid::CheckDigit,
            iban::ParseBaseIbanError::InvalidFormat => Invalid::Form,
        },
        ParseIbanError::InvalidBban(_) => Invalid::Form,
        ParseIbanError::UnknownCountry(_) => Invalid::Unknown,
    })
}

fn gtin(text: &str) -> Result<(), Invalid> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::Character);
    }
    let fits = match text.len() {
        8 => gtin_validate::gtin8::check(text),
        12 => gtin_validate::gtin12::check(text),
        13 => gtin_validate::gtin13::check(text),
        14 => gtin_validate::gtin14::check(text),
        _ => return Err(Invalid::Length),
    };
    if fits { Ok(()) } else { Err(Invalid::CheckDigit) }
}

fn code(text: &str, length: usize, known: impl Fn(&str) -> bool) -> Result<(), Invalid> {
    if text.len() != length {
        Err(Invalid::Length)
    } else if !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Err(Invalid::Character)
    } else if !known(text) {
        Err(Invalid::Unknown)
    } else {
        Ok(())
    }
}
