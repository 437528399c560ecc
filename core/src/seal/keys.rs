//! Where the keys of a seal are kept.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

#[cfg(feature = "keys")]
use crate::clock::Entropy;
use crate::hex::hex;
use crate::id::TenantId;
use crate::store::StoreFault;
use crate::text::Text;

/// Names a key. It is made at random, or from another key's name, and stands in front of whatever is sealed under the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

/// The 32 bytes of a key. They are shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

/// A key with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealKey {
    /// Its name.
    pub id: KeyId,
    /// Its bytes.
    pub secret: Secret,
}

#[cfg(feature = "keys")]
impl SealKey {
    /// A key that nobody has.
    pub(super) fn random(entropy: &dyn Entropy) -> Self {
        let (mut id, mut secret) = ([0; 16], [0; 32]);
        entropy.fill(&mut id);
        entropy.fill(&mut secret);
        Self { id: KeyId(id), secret: Secret(secret) }
    }
}

/// Keeps the keys by which a [`SealedStore`](crate::seal::SealedStore) seals, apart from what is sealed.
///
/// Implement this to keep keys in a key management service, or a database of its own. It must not be in the store that is
/// sealed, and not in the backups of that: a key that was destroyed has to be gone from everywhere, soon. Whoever backs keys
/// up keeps those backups for as short a time as an erasure may take to reach them.
///
/// A scope is what a key is for: a record, an entity, a table. It has at most one key that seals, its current one, and any
/// number of old ones, which only open: those that were retired, and those that were kept for a single row or payload.
///
/// # Contract
///
/// - **Durable.** What a call did outlives a crash when it returns.
/// - **Atomic per key.** Calls race: of two that create a key of one scope, one wins, and both are told its key.
/// - **Linearizable.** Whoever asks after a call returned is told what it did, whichever process they are: after
///   [`retire`](Self::retire), nobody is told a retired key as current, and nobody creates one over it unseen. What was sealed by a key
///   that was retired before is lost otherwise. Let nothing answer from a cache, or from a replica that lags.
/// - **Tenants.** No call sees a key of another tenant.
/// - **Repeatable.** Every call may be made again, whether or not the one before it took effect.
///
/// The suite `accordant::seal::conformance` (feature `conformance`) tries it.
#[async_trait]
pub trait SealKeys: Send + Sync + 'static {
    /// The current keys of these scopes, in their order; `None`: it has none.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError>;

    /// The secrets of these keys, current or old, in their order; `None`: there is no such key.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError>;

    /// Makes each key the current one of its scope, unless that has one. Gives the current keys afterwards, in their order.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError>;

    /// Adds old keys to a scope. One that is there stays as it is.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError>;

    /// Makes the current keys of these scopes old ones. Gives all old keys of each, in the order of scopes.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError>;

    /// Destroys keys, so that nobody has them any more: here, and as far as the key store can promise it, in its files. A key that
    /// is not there is no error.
    ///
    /// # Errors
    ///
    /// If they cannot be destroyed.
    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError>;
}

/// A key store that could not do its work.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the key store could not {doing}: {fault}")]
pub struct KeyError {
    /// What was being done.
    pub doing: &'static str,
    /// What stood in the way, as far as it matters to whoever asked.
    pub fault: StoreFault,
    /// The driver's error. It must name no secret.
    #[source]
    pub source: Arc<dyn Error + Send + Sync>,
}

impl KeyError {
    /// A key store that failed.
    pub fn new(doing: &'static str, fault: StoreFault, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing, fault, source: Arc::from(source.into()) }
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
