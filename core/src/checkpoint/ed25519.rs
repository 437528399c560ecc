//! Signatures by Ed25519 ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032)): who has the public half checks, and cannot sign.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::{Checked, CheckpointKeys};
use crate::text::Text;

/// A key that signs checkpoints, and checks its own signatures and those of keys before it.
pub struct Ed25519Key {
    pair: Ed25519KeyPair,
    public: Ed25519PublicKey,
}

/// The public halves of keys: it checks, and signs nothing.
#[derive(Debug, Clone)]
pub struct Ed25519PublicKey {
    name: Text,
    known: Vec<(Text, [u8; 32])>,
}

/// Bytes that are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no key in PKCS #8")]
pub struct NoKey;

impl Ed25519Key {
    /// A key from its 32 secret bytes. The name is stored with every signature: give each key its own.
    ///
    /// # Errors
    ///
    /// None by today's rules: all bytes are a key. [`NoKey`] if the library refuses them.
    pub fn from_seed(name: impl Into<Text>, seed: &[u8; 32]) -> Result<Self, NoKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoKey)?;
        Self::of(name.into(), pair)
    }

    /// A key as tools write it: PKCS #8, with or without its public half.
    ///
    /// # Errors
    ///
    /// [`NoKey`].
    pub fn from_pkcs8(name: impl Into<Text>, document: &[u8]) -> Result<Self, NoKey> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| NoKey)?;
        Self::of(name.into(), pair)
    }

    fn of(name: Text, pair: Ed25519KeyPair) -> Result<Self, NoKey> {
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| NoKey)?;
        Ok(Self { public: Ed25519PublicKey::new(name, public), pair })
    }

    /// Checks what a key before this one signed, too.
    #[must_use]
    pub fn and_before(mut self, name: impl Into<Text>, public: [u8; 32]) -> Self {
        self.public = self.public.and_before(name, public);
        self
    }

    /// Its public half, for whoever only checks.
    #[must_use]
    pub fn public(&self) -> Ed25519PublicKey {
        self.public.clone()
    }
}

impl Ed25519PublicKey {
    /// The public half of the key of this name.
    #[must_use]
    pub fn new(name: impl Into<Text>, public: [u8; 32]) -> Self {
        let name = name.into();
        Self { known: vec![(name.clone(), public)], name }
    }

    /// Checks what a key before this one signed, too.
    #[must_use]
    pub fn and_before(mut self, name: impl Into<Text>, public: [u8; 32]) -> Self {
        self.known.push((name.into(), public));
        self
    }

    /// The 32 bytes of the newest key.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.known.first().map(|(_, public)| *public).unwrap_or_default()
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the secret half.
        f.debug_tuple("Ed25519Key").field(&self.public).finish()
    }
}

impl CheckpointKeys for Ed25519Key {
    fn name(&self) -> Text {
        self.public.name.clone()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.pair.sign(message).as_ref().to_vec())
    }

    fn check(&self, name: &str, message: &[u8], signature: &[u8]) -> Checked {
        self.public.check(name, message, signature)
    }
}

impl CheckpointKeys for Ed25519PublicKey {
    fn name(&self) -> Text {
        self.name.clone()
    }

    fn sign(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn check(&self, name: &str, message: &[u8], signature: &[u8]) -> Checked {
        let mut named = self.known.iter().filter(|(known, _)| **known == *name).peekable();
        if named.peek().is_none() {
            return Checked::UnknownKey;
        }
        let holds = |public: &[u8; 32]| UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok();
        if named.any(|(_, public)| holds(public)) { Checked::Holds } else { Checked::Forged }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn the_vector_of_the_standard_is_signed_and_checked() {
        let seed = hex(b"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let public = hex(b"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature: Vec<u8> = [
            hex(b"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"),
            hex(b"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        ]
        .concat();
        let key = Ed25519Key::from_seed("2026", &seed).unwrap();
        assert_eq!(key.public().bytes(), public);
        assert_eq!(key.sign(&[0x72]).unwrap(), signature);
        assert_eq!(key.check("2026", &[0x72], &signature), Checked::Holds);
        assert_eq!(key.check("2026", &[0x73], &signature), Checked::Forged);
        assert_eq!(key.check("2025", &[0x72], &signature), Checked::UnknownKey);
        assert_eq!(key.public().sign(&[0x72]), None);
        let later = Ed25519Key::from_seed("2027", &[7; 32]).unwrap().and_before("2026", public);
        assert_eq!(later.check("2026", &[0x72], &signature), Checked::Holds);
        assert_eq!(later.check("2027", &[0x72], &signature), Checked::Forged);
        assert!(!format!("{key:?}").contains("4ccd"));
    }

    fn hex(digits: &[u8; 64]) -> [u8; 32] {
        let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
        std::array::from_fn(|place| digit(digits[2 * place]) << 4 | digit(digits[2 * place + 1]))
    }

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        assert_eq!(Ed25519Key::from_pkcs8("2026", b"no key").map(drop), Err(NoKey));
    }
}
