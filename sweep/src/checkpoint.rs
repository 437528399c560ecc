//! Where a sweep stands.

use serde::{Deserialize, Serialize};

use crate::difference::Counts;

/// Where a sweep stands: up to which key everything was compared, and told. Keep it with what was made of the differences until
/// then; [`Sweep::resume`](crate::Sweep::resume) goes on behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What is compared: another sweep does not go on here.
    pub(crate) of: String,
    /// The last key; `None`: it has only begun.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex")]
    pub(crate) reached: Option<Vec<u8>>,
    pub(crate) sides: Vec<Standing>,
    pub(crate) counts: Counts,
}

/// Where the reading of one snapshot stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) version: String,
    /// Whether its rows are known to be in order; `None`: not yet.
    pub(crate) sorted: Option<bool>,
    pub(crate) place: u64,
    pub(crate) row: u64,
}

impl Checkpoint {
    /// Of a sweep that ended, nobody goes on behind the last key; it may be somebody's.
    pub(crate) fn forget_key(&mut self) {
        self.reached = None;
    }

    /// How many there were until then.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// Keys are bytes: in JSON, digits.
mod hex {
    use std::fmt::Write as _;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks so")]
    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, into: S) -> Result<S::Ok, S::Error> {
        let mut digits = String::new();
        for byte in bytes.iter().flatten() {
            write!(digits, "{byte:02x}").map_err(serde::ser::Error::custom)?;
        }
        into.serialize_str(&digits)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        let digits = String::deserialize(from)?;
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |pair: &[u8]| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
        bytes.map(Some).ok_or_else(|| D::Error::custom("a key is told in pairs of hexadecimal digits"))
    }
}
