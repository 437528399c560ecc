//! A tenant whose seal was opened: by which names its rows are stored, and which keys are known.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::message::secret_for;
use super::names::Names;
use super::{KeyId, SealKey, Secret};
use crate::hex::hex;
use crate::text::Text;

/// How many keys of each kind are remembered at most. Beyond that, all are looked up anew.
const MOST_KEYS: usize = 20_000;

/// The versions of what is sealed: in the first, digests of values stand in the keys of rows in plain.
const FORMATS: [u32; 2] = [1, 2];

/// What the marker of a tenant's seal says. It holds no value and no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    format: u32,
    /// What only the tenant's own key comes to.
    check: String,
    /// How often keys were retired. Whoever seals by a key that was retired meanwhile loses their commit by it.
    retirements: u64,
}

impl Marker {
    pub(super) fn new(tenant: &Secret) -> Self {
        Self { format: FORMATS[1], check: hex(&secret_for("check", tenant).0), retirements: 0 }
    }

    /// What is stored; `None`: another version, or nothing that one of these would be.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok().filter(|marker: &Self| FORMATS.contains(&marker.format))
    }

    /// Whether it is of the tenant that has this key.
    pub(super) fn is_of(&self, tenant: &Secret) -> bool {
        self.check == Self::new(tenant).check
    }

    /// Whether digests of values are hidden in the keys of rows. A tenant that was sealed before goes on as it began.
    fn hides_digests(&self) -> bool {
        self.format > FORMATS[0]
    }

    pub(super) fn retired(self) -> Self {
        Self { retirements: self.retirements + 1, ..self }
    }

    pub(super) fn value(&self) -> Vec<u8> {
        crate::engine::json(self)
    }
}

/// What is known of a tenant for as long as its marker stays as it is.
pub(super) struct Opened {
    /// The marker's revision: every commit rests on it.
    pub(super) revision: u64,
    pub(super) names: Names,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    current: BTreeMap<Text, SealKey>,
    secrets: BTreeMap<KeyId, Secret>,
}

impl Opened {
    pub(super) fn new(revision: u64, marker: &Marker, tenant: &Secret) -> Self {
        let names = Names::new(&secret_for("names", tenant), marker.hides_digests());
        Self { revision, names, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // An insertion is whole or has not happened, so a poisoned lock guards whole maps.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key that seals a scope, if it is remembered.
    pub(super) fn current(&self, scope: &Text) -> Option<SealKey> {
        self.known().current.get(scope).cloned()
    }

    /// Remembers which keys seal scopes.
    pub(super) fn note_current(&self, keys: impl IntoIterator<Item = (Text, SealKey)>) {
        let known = &mut *self.known();
        for (scope, key) in keys {
            remember(&mut known.secrets, MOST_KEYS, key.id, key.secret.clone());
            remember(&mut known.current, MOST_KEYS, scope, key);
        }
    }

    /// The bytes of a key, if they are remembered.
    pub(super) fn secret(&self, key: KeyId) -> Option<Secret> {
        self.known().secrets.get(&key).cloned()
    }

    /// Remembers keys.
    pub(super) fn note_secrets(&self, keys: impl IntoIterator<Item = (KeyId, Secret)>) {
        let known = &mut *self.known();
        keys.into_iter().for_each(|(key, secret)| remember(&mut known.secrets, MOST_KEYS, key, secret));
    }
}

/// Remembers one more, and forgets all before where they are too many.
pub(super) fn remember<K: Ord, V>(known: &mut BTreeMap<K, V>, most: usize, key: K, value: V) {
    if known.len() >= most {
        known.clear();
    }
    known.insert(key, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut known = BTreeMap::new();
        for key in 0..10 {
            remember(&mut known, 4, key, ());
            assert!(known.len() <= 4 && known.contains_key(&key), "{known:?}");
        }
    }

    #[test]
    fn a_marker_of_an_earlier_version_is_read_and_of_a_later_one_is_not() {
        let of = |format| format!("{{\"format\":{format},\"check\":\"\",\"retirements\":3}}");
        let hides = |format| Marker::read(of(format).as_bytes()).map(|marker| marker.hides_digests());
        assert_eq!([0, 1, 2, 3].map(hides), [None, Some(false), Some(true), None]);
        assert_eq!(Marker::read(of(1).as_bytes()).map(Marker::retired).map(|marker| marker.format), Some(1));
        assert!(Marker::new(&Secret([1; 32])).hides_digests());
    }
}
