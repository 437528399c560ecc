//! A key for NetSuite's assertions, where nobody has one at hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

/// A key pair for ES256.
#[derive(Clone)]
pub struct KeyPair {
    /// The private key in PEM, as whoever signs has it.
    pub private: String,
    /// The public key, uncompressed, as the account knows it.
    pub public: Vec<u8>,
}

/// Without the private key.
impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

impl KeyPair {
    /// A new key, of the operating system's randomness.
    ///
    /// # Errors
    ///
    /// If it has none.
    pub fn generate() -> Result<Self, std::io::Error> {
        let failed = |_| std::io::Error::other("no key can be made");
        let random = SystemRandom::new();
        let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref(), &random)
            .map_err(|_| std::io::Error::other("no key can be made"))?;
        let text = STANDARD.encode(private.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----");
        Ok(Self { private: pem, public: pair.public_key().as_ref().to_vec() })
    }
}
