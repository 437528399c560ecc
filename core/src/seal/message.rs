//! Sealed bytes: what stands in them, and how they are made and opened.
//!
//! Each message has a key of its own, made of its scope's key and of 16 random bytes that stand in it: one block of
//! HKDF-Expand with SHA-256 ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869), section 2.3). Under that, AES-256-GCM
//! (NIST SP 800-38D) seals it. So no nonce is ever used twice under one key, and a single message can be kept readable when
//! its scope's key goes.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use super::{KeyId, SealKey, Secret, mark};
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::TenantId;
use crate::journal::Entry;
use crate::queue::{self, Topic};
use crate::store::RowKey;

/// What a message is bound to: opened as anything else, it does not open.
pub(super) struct About(Vec<u8>);

/// A message as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// The key of its scope.
    pub(super) key: KeyId,
    salt: [u8; 16],
    sealed: &'a [u8],
}

impl About {
    /// A row, by the key that it is stored under.
    pub(super) fn row(tenant: &TenantId, stored: &RowKey) -> Self {
        Self::of(&[b"row", tenant.as_str().as_bytes(), stored.table.name().as_bytes(), stored.key.as_bytes()])
    }

    /// A payload, by what is said of it beside the place of its entry, which only the store knows.
    pub(super) fn payload(tenant: &TenantId, kind: &str, subject: &str, commitment: &Digest) -> Self {
        Self::of(&[b"payload", tenant.as_str().as_bytes(), kind.as_bytes(), subject.as_bytes(), &commitment.0])
    }

    /// The payload of an entry.
    pub(super) fn entry(tenant: &TenantId, entry: &Entry) -> Self {
        Self::payload(tenant, &entry.kind, &entry.subject, &entry.commitment)
    }

    /// What a message of a queue says.
    pub(super) fn message(topic: Topic, message: &queue::Message) -> Self {
        let queue::Message { tenant, key, id, .. } = message;
        let named = [tenant.as_str(), topic.name(), key.as_str(), id.as_str()].map(str::as_bytes);
        let [tenant, topic, key, id] = named;
        Self::of(&[b"message", tenant, topic, key, id])
    }

    /// A key that is wrapped under a master key.
    #[cfg(feature = "sqlite")]
    pub(super) fn key(tenant: &TenantId, key: KeyId) -> Self {
        Self::of(&[b"key", tenant.as_str().as_bytes(), &key.0])
    }

    /// What only the master key opens.
    #[cfg(feature = "sqlite")]
    pub(super) fn master() -> Self {
        Self::of(&[b"master"])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut about = Vec::new();
        for part in parts {
            about.extend((part.len() as u64).to_be_bytes());
            about.extend_from_slice(part);
        }
        Self(about)
    }
}

/// Seals the value of a row. `None` if the cipher does not take so much at once.
pub(super) fn seal_row(key: &SealKey, salt: [u8; 16], about: &About, value: Vec<u8>) -> Option<Vec<u8>> {
    seal(mark::ROW, key, salt, about, value)
}

/// Seals a payload that an entry commits to.
pub(super) fn seal_payload(
    key: &SealKey,
    salt: [u8; 16],
    (about, commitment): (&About, &Digest),
    payload: Vec<u8>,
) -> Option<Vec<u8>> {
    let mut front = mark::PAYLOAD.to_vec();
    front.extend(commitment.0);
    seal(&front, key, salt, about, payload)
}

/// Seals what a message of a queue says.
pub(super) fn seal_body(key: &SealKey, salt: [u8; 16], about: &About, body: Vec<u8>) -> Option<Vec<u8>> {
    seal(mark::BODY, key, salt, about, body)
}

fn seal(front: &[u8], key: &SealKey, salt: [u8; 16], about: &About, mut plain: Vec<u8>) -> Option<Vec<u8>> {
    let (cipher, nonce) = cipher(&own_secret(&key.secret, &salt), &salt)?;
    cipher.seal_in_place_append_tag(nonce, Aad::from(&about.0), &mut plain).ok()?;
    Some([front, &key.id.0, &salt, &plain].concat())
}

/// Reads what is stored of a row. `None`: it is not sealed, or cut short.
pub(super) fn row(value: &[u8]) -> Option<Message<'_>> {
    Message::read(value.strip_prefix(mark::ROW)?)
}

/// Reads what is stored of a payload. `None`: it is not sealed, or cut short.
pub(super) fn payload(bytes: &[u8]) -> Option<Message<'_>> {
    let (_, rest) = bytes.strip_prefix(mark::PAYLOAD)?.split_first_chunk::<32>()?;
    Message::read(rest)
}

/// Reads what a queue delivers. `None`: it is not sealed, or cut short.
pub(super) fn body(bytes: &[u8]) -> Option<Message<'_>> {
    Message::read(bytes.strip_prefix(mark::BODY)?)
}

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk()?;
        let (salt, sealed) = rest.split_first_chunk()?;
        Some(Self { key: KeyId(*key), salt: *salt, sealed })
    }

    /// The name under which the message's own key is kept, where its scope's key is gone.
    pub(super) fn kept_key(&self) -> KeyId {
        let digest = Fingerprint::new().text("kept").bytes(&self.key.0).bytes(&self.salt).finish();
        KeyId(std::array::from_fn(|place| digest.0[place]))
    }

    /// The message's own key, made of its scope's.
    pub(super) fn own_secret(&self, of_scope: &Secret) -> Secret {
        own_secret(of_scope, &self.salt)
    }

    /// What was sealed. `None` if the message was altered, or is about something else, or the key is another.
    pub(super) fn open(&self, own: &Secret, about: &About) -> Option<Vec<u8>> {
        let (cipher, nonce) = cipher(own, &self.salt)?;
        let mut bytes = self.sealed.to_vec();
        let plain = cipher.open_in_place(nonce, Aad::from(&about.0), &mut bytes).ok()?.len();
        bytes.truncate(plain);
        Some(bytes)
    }
}

/// One block of HKDF-Expand. The secret is uniformly random, so that nothing has to be extracted before.
fn own_secret(of_scope: &Secret, salt: &[u8; 16]) -> Secret {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &of_scope.0);
    let block = hmac::sign(&key, &[b"accordant seal message", &salt[..], &[1]].concat());
    let bytes = block.as_ref();
    Secret(std::array::from_fn(|place| bytes[place]))
}

fn cipher(own: &Secret, salt: &[u8; 16]) -> Option<(LessSafeKey, Nonce)> {
    let key = UnboundKey::new(&AES_256_GCM, &own.0).ok()?;
    let nonce: [u8; NONCE_LEN] = std::array::from_fn(|place| salt[place]);
    Some((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
}

/// A secret for another purpose, made of a tenant's own in the same way.
pub(super) fn secret_for(purpose: &str, of_tenant: &Secret) -> Secret {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &of_tenant.0);
    let block = hmac::sign(&key, &[b"accordant seal ", purpose.as_bytes(), &[1]].concat());
    let bytes = block.as_ref();
    Secret(std::array::from_fn(|place| bytes[place]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::store::Table;

    fn key(byte: u8) -> SealKey {
        SealKey { id: KeyId([byte; 16]), secret: Secret([byte; 32]) }
    }

    fn about(key: &str) -> About {
        About::row(&TenantId::new("acme"), &RowKey::new(Table::Entity, key))
    }

    fn open(stored: &[u8], by: &SealKey, about: &About) -> Option<Vec<u8>> {
        let message = row(stored)?;
        (message.key == by.id).then_some(())?;
        message.open(&message.own_secret(&by.secret), about)
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_as_itself_and_as_nothing_else(
            value in vec(any::<u8>(), 0..200), salt: [u8; 16], cut in any::<proptest::sample::Index>(), flip in 1u8..,
        ) {
            let stored = seal_row(&key(1), salt, &about("a"), value.clone()).unwrap();
            prop_assert_eq!(open(&stored, &key(1), &about("a")), Some(value.clone()));
            prop_assert!(value.len() < 8 || !stored.windows(value.len()).any(|bytes| bytes == value));
            prop_assert_eq!(open(&stored, &key(1), &about("b")), None);
            let message = row(&stored).unwrap();
            prop_assert_eq!(message.open(&message.own_secret(&key(2).secret), &about("a")), None);
            let place = cut.index(stored.len());
            prop_assert_eq!(open(&stored[..place], &key(1), &about("a")), None);
            let mut altered = stored;
            altered[place] ^= flip;
            prop_assert_eq!(open(&altered, &key(1), &about("a")), None);
        }
    }

    #[test]
    fn a_payload_carries_its_commitment_and_is_bound_to_it() {
        let tenant = TenantId::new("acme");
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let about = |commitment| About::payload(&tenant, "observed", "crm/contacts/7", commitment);
        let stored = seal_payload(&key(1), [3; 16], (&about(&one), &one), b"{}".to_vec()).unwrap();
        assert_eq!(mark::commitment(&stored), Some(one));
        let message = payload(&stored).unwrap();
        let own = message.own_secret(&key(1).secret);
        assert_eq!(message.open(&own, &about(&one)).unwrap(), b"{}");
        assert_eq!(message.open(&own, &about(&other)), None);
        assert_ne!(message.kept_key(), message.key);
        assert_eq!(row(&stored), None);
    }
}
