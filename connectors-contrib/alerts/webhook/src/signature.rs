//! Signatures as [Standard Webhooks](https://www.standardwebhooks.com) has them: HMAC-SHA256 over `id.timestamp.body`, in Base64.

use std::fmt;

use accordant_http::{ExposeSecret as _, SecretString};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::SettingError;

/// What a secret may begin with; the rest is Base64.
const PREFIX: &str = "whsec_";

/// How many bytes a secret has.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that webhooks are signed with.
pub(crate) struct Signer(hmac::Key);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

impl Signer {
    /// Reads a secret: `whsec_` and 24 to 64 bytes in Base64.
    pub(crate) fn new(secret: &SecretString) -> Result<Self, SettingError> {
        let text = secret.expose_secret();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).map_err(|_| SettingError::Secret)?;
        if !BYTES.contains(&bytes.len()) {
            return Err(SettingError::Secret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature of a message that is sent at an instant, in seconds since the epoch.
    pub(crate) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut signed = hmac::Context::with_key(&self.0);
        signed.update(format!("{id}.{seconds}.").as_bytes());
        signed.update(body);
        format!("v1,{}", STANDARD.encode(signed.sign()))
    }
}

#[cfg(test)]
mod tests {
    use super::Signer;

    #[test]
    fn the_published_example_has_the_published_signature() {
        let signer = Signer::new(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).expect("a secret");
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused_and_never_shown() {
        for wrong in ["", "whsec_", "whsec_c2hvcnQ=", "hunter2 hunter2 hunter2"] {
            let error = Signer::new(&wrong.into()).expect_err("no secret");
            assert_eq!(error.to_string(), "the secret of a webhook is `whsec_` and 24 to 64 bytes in Base64");
        }
        let signer = Signer::new(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).expect("a secret");
        assert_eq!(format!("{signer:?}"), "a secret");
    }
}
