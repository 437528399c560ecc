//! Fingerprints: the identity of a policy, rule, mapping or model is its name, version and parameters.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::text::{Text, read_from_text};

/// Accumulates what identifies a piece of configuration.
///
/// Every part is length-prefixed, so `("ab", "c")` and `("a", "bc")` differ.
#[derive(Debug, Clone, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Starts empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece of text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let length = (bytes.len() as u64).to_be_bytes();
        // What is short, as most parts are, is hashed together with its length: one call for both.
        let mut together = [0; 64];
        match together.get_mut(..length.len() + bytes.len()) {
            Some(part) => {
                part[..length.len()].copy_from_slice(&length);
                part[length.len()..].copy_from_slice(bytes);
                self.0.update(part);
            }
            None => {
                self.0.update(length);
                self.0.update(bytes);
            }
        }
        self
    }

    /// Adds a number.
    pub fn number(&mut self, number: i64) -> &mut Self {
        self.0.update(number.to_be_bytes());
        self
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(self.0.clone().finalize().into())
    }
}

/// A SHA-256 digest, shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes` alone.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first eight bytes as a number: what stored cells and bases carry to tell mappings apart.
    #[must_use]
    pub fn short_number(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The first twelve hexadecimal digits: enough to tell plans apart on a screen.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

/// The digits of a digest, as text.
struct Shown([u8; 64]);

impl Shown {
    fn as_str(&self) -> &str {
        // They are letters and digits of ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Digest {
    fn shown(&self) -> Shown {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        let (pairs, _) = text.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(&self.0) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        Shown(text)
    }

    /// The digest as it is shown.
    #[must_use]
    pub fn text(&self) -> Text {
        Text::new(self.shown().as_str())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown().as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = NotADigest;
    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let bytes: &[u8; 64] = text.as_bytes().try_into().map_err(|_| NotADigest)?;
        let digit = |letter: u8| match letter {
            b'0'..=b'9' => Some(letter - b'0'),
            b'a'..=b'f' => Some(letter - b'a' + 10),
            b'A'..=b'F' => Some(letter - b'A' + 10),
            _ => None,
        };
        let (pairs, _) = bytes.as_chunks::<2>();
        let mut digest = [0; 32];
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = digit(*high).ok_or(NotADigest)? << 4 | digit(*low).ok_or(NotADigest)?;
        }
        Ok(Self(digest))
    }
}

/// Text that is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest: expected 64 hexadecimal digits")]
pub struct NotADigest;

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown().as_str())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Fingerprint};

    #[test]
    fn a_part_is_its_length_and_its_bytes_however_long_it_is() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        for length in 0..bytes.len() {
            let part = &bytes[..length];
            let spelled = [&(length as u64).to_be_bytes()[..], part].concat();
            assert_eq!(Fingerprint::new().bytes(part).finish(), Digest::of(&spelled), "of {length} bytes");
        }
    }

    #[test]
    fn a_digest_is_read_as_it_is_shown() {
        let digest = Digest(std::array::from_fn(|place| u8::try_from(place * 7).expect("it is small")));
        let shown = digest.to_string();
        assert!(shown.starts_with("00070e151c232a31"), "{shown}");
        assert_eq!(shown.parse(), Ok(digest));
        assert_eq!(shown.to_uppercase().parse(), Ok(digest));
        for wrong in
            ["", &shown[1..], &shown.replace("00", "+0"), &shown.replace("00", "0g"), &shown.replace("00", "é")]
        {
            assert_eq!(wrong.parse::<Digest>(), Err(super::NotADigest), "{wrong}");
        }
    }
}
