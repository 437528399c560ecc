//! A signed assertion: who we are, proven with a key instead of a secret (RFC 7519, RFC 7523).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

/// How an assertion is signed (RFC 7518, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

/// What signs assertions. Cloning shares the key.
#[derive(Clone)]
pub struct Assertion {
    key: Arc<Key>,
    key_id: String,
    issuer: String,
    scope: String,
    lives: TimeDelta,
}

enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("key_id", &self.key_id).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A private key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No PKCS #8 key in PEM.
    #[error("the key is no PKCS #8 in PEM; `openssl pkcs8 -topk8 -nocrypt` makes one of it")]
    Unreadable,
    /// Another kind of key, or one of a size that is not taken.
    #[error("the key does not fit the algorithm: PS256 takes RSA of 2048 to 4096 bits, ES256 takes P-256")]
    Unfit,
}

impl Assertion {
    /// Assertions of `issuer`, the client id, with the private key whose certificate the system knows as `key_id`.
    ///
    /// # Errors
    ///
    /// If the key cannot be read or does not fit.
    pub fn new(
        pem: &SecretString,
        algorithm: Algorithm,
        key_id: impl Into<String>,
        issuer: impl Into<String>,
    ) -> Result<Self, KeyError> {
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| KeyError::Unreadable)?;
        let der = der.secret_pkcs8_der();
        let key = match algorithm {
            Algorithm::Ps256 => RsaKeyPair::from_pkcs8(der).map(Key::Rsa),
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new()).map(Key::Ec)
            }
        };
        Ok(Self {
            key: Arc::new(key.map_err(|_| KeyError::Unfit)?),
            key_id: key_id.into(),
            issuer: issuer.into(),
            scope: String::new(),
            lives: TimeDelta::minutes(5),
        })
    }

    /// Asks for these scopes, as the system separates them.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// The client id.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A signed assertion for `audience`, from `now` on, in milliseconds since the epoch: header, claims and signature,
    /// each in base64url, parted by dots (RFC 7515, 3.1).
    pub(super) fn sign(&self, audience: &str, now: i64) -> String {
        let algorithm = match *self.key {
            Key::Rsa(_) => "PS256",
            Key::Ec(_) => "ES256",
        };
        let issued = now.div_euclid(1_000);
        let header = json!({ "typ": "JWT", "alg": algorithm, "kid": self.key_id });
        let mut claims = json!({
            "iss": self.issuer, "aud": audience, "iat": issued, "exp": issued.saturating_add(self.lives.num_seconds()),
        });
        if let (false, Some(claims)) = (self.scope.is_empty(), claims.as_object_mut()) {
            claims.insert("scope".into(), self.scope.as_str().into());
        }
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.signature(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Empty if the operating system has no randomness: then the system refuses the assertion, and says so.
    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                match key.sign(&RSA_PSS_SHA256, &random, message, &mut signature) {
                    Ok(()) => signature,
                    Err(_) => Vec::new(),
                }
            }
            Key::Ec(key) => key.sign(&random, message).map_or_else(|_| Vec::new(), |signed| signed.as_ref().to_vec()),
        }
    }
}
