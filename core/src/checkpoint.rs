//! Checkpoints: from where a journal can be read when what stood before was deleted.
//!
//! A checkpoint is a stretch of the journal in which the whole state is told as it stood. Whoever reads from its first entry
//! on has, behind its last, what they would have had from the beginning. It is signed by a key of the embedder: who can write
//! the store, and has not the key, cannot make a journal begin anywhere but at its first entry. That is all that it says: whoever kept
//! a checkpoint elsewhere can ask whether the journal leads through it
//! ([`Tenant::verify_through`](crate::engine::Tenant::verify_through)).

#[cfg(feature = "keys")]
mod ed25519;

use serde::{Deserialize, Serialize};

use crate::hex::unhex;
use crate::id::TenantId;
use crate::journal::Head;
use crate::store::{RowKey, Table};
use crate::text::Text;

#[cfg(feature = "keys")]
pub use ed25519::{Ed25519Key, Ed25519PublicKey, NoKey};

/// What a signed message begins with, so that no signature of anything else is taken for one of a checkpoint.
const CONTEXT: &[u8] = b"accordant checkpoint 1\0";

/// A stretch of the journal that tells the whole state, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The end of the journal before its first entry.
    #[serde(with = "head")]
    pub start: Head,
    /// The last entry that tells of the state. From here on, what is read is whole.
    #[serde(with = "head")]
    pub end: Head,
    /// When it was made, in milliseconds since the epoch.
    pub at: i64,
    /// The name of the key that signed it.
    pub key: Text,
    /// The signature of [`Checkpoint::message`], in hexadecimal.
    pub signature: Text,
}

impl Checkpoint {
    /// What is signed: the tenant, both ends with their digests, the instant and the name of the key, each with its length.
    #[must_use]
    pub fn message(&self, tenant: &TenantId) -> Vec<u8> {
        let Self { start, end, at, key, signature: _ } = self;
        let mut message = CONTEXT.to_vec();
        let mut part = |bytes: &[u8]| {
            message.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            message.extend_from_slice(bytes);
        };
        part(tenant.as_str().as_bytes());
        for head in [start, end] {
            part(&head.seq.to_be_bytes());
            part(&head.digest.0);
        }
        part(&at.to_be_bytes());
        part(key.as_bytes());
        message
    }

    /// Whether its signature holds.
    ///
    /// # Errors
    ///
    /// [`CheckpointFault::Forged`]; [`CheckpointFault::UnknownKey`].
    pub fn check(&self, tenant: &TenantId, keys: &dyn CheckpointKeys) -> Result<(), CheckpointFault> {
        let signature = unhex(&self.signature).ok_or(CheckpointFault::Forged)?;
        match keys.check(&self.key, &self.message(tenant), &signature) {
            Checked::Holds => Ok(()),
            Checked::Forged => Err(CheckpointFault::Forged),
            Checked::UnknownKey => Err(CheckpointFault::UnknownKey),
        }
    }
}

/// What a key says of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The key made it, of this message.
    Holds,
    /// It did not.
    Forged,
    /// No key of this name is known.
    UnknownKey,
}

/// Why a checkpoint does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointFault {
    /// The signature is not of what the checkpoint says.
    #[error("its signature is not of what it says")]
    Forged,
    /// The configured keys do not know the one that signed.
    #[error("that key is not among those that the builder was given")]
    UnknownKey,
    /// The journal does not lead where the checkpoint was signed.
    #[error("the journal does not lead to what was signed")]
    Elsewhere,
}

/// Signs checkpoints, and checks signatures. The embedder keeps the key: in a file, a vault or a device.
///
/// Keys that were replaced should still check: a journal is signed by the key of its day.
pub trait CheckpointKeys: Send + Sync + 'static {
    /// The name of the key that signs now. It is stored beside the signature, and is no secret.
    fn name(&self) -> Text;

    /// Signs a message; `None`: this side holds no key to sign with, and only checks.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>>;

    /// Whether the key of this name made a signature of a message.
    fn check(&self, name: &str, message: &[u8], signature: &[u8]) -> Checked;
}

/// What a journal has lost of its beginning, as its row holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Compaction {
    /// Where the journal begins; none: at its first entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begins: Option<Checkpoint>,
    /// Checkpoints behind that, oldest first, at which it may begin one day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) made: Vec<Checkpoint>,
    /// Up to which place what systems said has expired; 0: nowhere.
    #[serde(default)]
    pub(crate) observations: u64,
    /// The end of the checkpoint that tells what that came to.
    #[serde(default)]
    pub(crate) whole_from: u64,
    /// When that was, in milliseconds since the epoch.
    #[serde(default)]
    pub(crate) whole_since: i64,
    /// Whether what goes by this row may still be there.
    #[serde(default)]
    pub(crate) unfinished: bool,
    /// The checkpoint that is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) making: Option<Making>,
}

/// A checkpoint that is being made, and how far it has come: whoever is there goes on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Making {
    /// The end of the journal before its first entry.
    #[serde(with = "head")]
    pub(crate) start: Head,
    /// The parts that it is told in, by the version that began it: another one may tell others, or in another order.
    #[serde(default)]
    pub(crate) of: Text,
    /// How many of them were told.
    pub(crate) parts: usize,
    /// The last row that was of the part after those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Text>,
}

impl Compaction {
    /// The end of the journal before its first entry.
    pub(crate) fn start(&self) -> Head {
        self.begins.as_ref().map(|begins| begins.start).unwrap_or_default()
    }

    /// Whether the journal has lost the same by another row.
    pub(crate) fn lost_the_same(&self, other: &Self) -> bool {
        let lost = |row: &Self| (row.begins.clone(), row.observations, row.whole());
        lost(self) == lost(other)
    }

    /// The last checkpoint that was made, wherever the journal begins.
    pub(crate) fn newest(&self) -> Option<&Checkpoint> {
        self.made.last().or(self.begins.as_ref())
    }

    /// Forgets the checkpoints before a place that the journal will not begin at: of those on which only observations rested that
    /// are gone, it may still begin at one for every `between` milliseconds; none: at none.
    pub(crate) fn thin(&mut self, before: u64, between: Option<i64>) {
        let mut kept = self.begins.as_ref().map(|begins| begins.at);
        self.made.retain(|made| {
            let stays = made.start.seq >= before
                || between.is_some_and(|between| kept.is_none_or(|kept| kept.saturating_add(between) <= made.at));
            if stays {
                kept = Some(made.at);
            }
            stays
        });
    }

    /// The first place at which the state is known, and when that was; `None`: it is from the beginning on.
    pub(crate) fn whole(&self) -> Option<(u64, i64)> {
        let begins = self.begins.as_ref().map(|begins| (begins.end.seq, begins.at));
        let expired = (self.whole_from > 0).then_some((self.whole_from, self.whole_since));
        begins.max(expired)
    }
}

/// The row of a tenant's [`Compaction`].
pub(crate) fn compaction_key() -> RowKey {
    RowKey::new(Table::Meta, "compaction")
}

/// A [`Head`] as JSON.
mod head {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::fingerprint::Digest;
    use crate::journal::Head;

    #[derive(Serialize, Deserialize)]
    struct Stored {
        seq: u64,
        digest: Digest,
    }

    pub(super) fn serialize<S: Serializer>(head: &Head, to: S) -> Result<S::Ok, S::Error> {
        Stored { seq: head.seq, digest: head.digest }.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Head, D::Error> {
        Stored::deserialize(from).map(|Stored { seq, digest }| Head { seq, digest })
    }
}
