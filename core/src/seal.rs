//! The seal: what a store keeps is encrypted under a key of whom it is about, and unreadable in every copy once that key is
//! destroyed (`docs/decisions/0028-sealed-stores.md`).
//!
//! [`SealedStore`] stands between an engine and any [`Store`](crate::store::Store)
//! ([`Builder::sealed`](crate::engine::Builder::sealed)). [`SealKeys`] keeps the keys, apart from the store and its backups.
//! An erasure ends with [`Store::forget`](crate::store::Store::forget), which destroys them.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
#[cfg(feature = "keys")]
mod forget;
mod keys;
pub(crate) mod mark;
mod memory;
#[cfg(feature = "keys")]
mod message;
#[cfg(feature = "keys")]
mod names;
#[cfg(feature = "keys")]
mod opened;
#[cfg(feature = "keys")]
mod queue;
#[cfg(feature = "keys")]
mod scope;
#[cfg(all(feature = "keys", feature = "sqlite"))]
mod sqlite;
#[cfg(feature = "keys")]
mod store;
#[cfg(feature = "keys")]
mod unreadable;
#[cfg(feature = "keys")]
mod unseal;

pub use error::SealError;
pub use keys::{KeyError, KeyId, SealKey, SealKeys, Secret};
pub use memory::MemoryKeys;
#[cfg(feature = "keys")]
pub use queue::SealedQueue;
#[cfg(all(feature = "keys", feature = "sqlite"))]
pub use sqlite::SqliteKeys;
#[cfg(feature = "keys")]
pub use store::SealedStore;
