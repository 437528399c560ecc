//! Key stores: they pass their suite, a broken one does not, and what is in a file outlives its handles.
#![cfg(all(feature = "keys", feature = "sqlite"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use accordant::id::TenantId;
use accordant::seal::{KeyError, KeyId, MemoryKeys, SealKey, SealKeys, Secret, SqliteKeys, conformance};
use accordant::text::Text;
use async_trait::async_trait;
use futures::executor::block_on;

fn tenant() -> TenantId {
    TenantId::new("acme")
}

fn key(number: u8) -> SealKey {
    SealKey { id: KeyId([number; 16]), secret: Secret([number ^ 0x55; 32]) }
}

fn in_file(folder: &Path) -> SqliteKeys {
    SqliteKeys::open(folder.join("keys.db"), Secret([9; 32])).unwrap()
}

/// Two processes on one file, and clones of one handle.
#[test]
fn keys_in_a_file_pass_the_suite() {
    for seed in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (in_file(folder.path()), in_file(folder.path()));
        block_on(conformance::a_random_history_answers_as_in_memory(&[&one, &other, &one.clone()], seed, 12));
    }
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (in_file(folder.path()), in_file(folder.path()));
    block_on(conformance::of_racing_creates_one_wins(&[&one, &other, &one.clone()]));
}

#[test]
fn keys_in_memory_pass_the_suite() {
    for seed in 0..40 {
        let keys = MemoryKeys::new();
        block_on(conformance::a_random_history_answers_as_in_memory(&[&keys, &keys.clone()], seed, 30));
    }
    let keys = MemoryKeys::new();
    block_on(conformance::of_racing_creates_one_wins(&[&keys, &keys.clone()]));
}

/// Keys that remember what was current: what a client with a cache does.
struct Cached(MemoryKeys, Mutex<BTreeMap<(TenantId, Text), SealKey>>);

#[async_trait]
impl SealKeys for Cached {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        let mut found = self.0.current(tenant, scopes).await?;
        let mut known = self.1.lock().unwrap();
        for (scope, found) in scopes.iter().zip(&mut found) {
            let key = (tenant.clone(), scope.clone());
            match found {
                Some(found) => drop(known.insert(key, found.clone())),
                None => *found = known.get(&key).cloned(),
            }
        }
        Ok(found)
    }

    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        self.0.secrets(tenant, keys).await
    }

    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        self.0.create(tenant, keys).await
    }

    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        self.0.keep(tenant, scope, keys).await
    }

    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        self.0.retire(tenant, scopes).await
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        self.0.destroy(tenant, keys).await
    }
}

#[test]
#[should_panic(expected = "it was retired")]
fn a_key_store_that_answers_from_a_cache_does_not_pass() {
    let cached = Cached(MemoryKeys::new(), Mutex::default());
    block_on(conformance::of_racing_creates_one_wins(&[&cached]));
}

#[test]
fn what_a_file_holds_outlives_its_handles() {
    let folder = tempfile::tempdir().unwrap();
    let scopes: Vec<Text> = vec!["table/plan".into(), "subject/crm/contacts/1".into()];
    let new = scopes.iter().cloned().zip([key(1), key(2)]).collect();
    block_on(in_file(folder.path()).create(&tenant(), new)).unwrap();
    block_on(in_file(folder.path()).retire(&tenant(), &scopes[..1])).unwrap();
    block_on(in_file(folder.path()).keep(&tenant(), &scopes[0], vec![key(3)])).unwrap();
    block_on(in_file(folder.path()).destroy(&tenant(), &[key(1).id])).unwrap();
    let keys = in_file(folder.path());
    assert_eq!(block_on(keys.current(&tenant(), &scopes)).unwrap(), [None, Some(key(2))]);
    let all = [1, 2, 3].map(|number| key(number).id);
    let secrets = block_on(keys.secrets(&tenant(), &all)).unwrap();
    assert!(secrets == [None, Some(key(2).secret), Some(key(3).secret)]);
    assert_eq!(block_on(keys.retire(&tenant(), &scopes)).unwrap(), [vec![key(3).id], vec![key(2).id]]);
}

#[test]
fn a_file_of_something_else_and_another_master_key_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    let new = vec![("tenant".into(), key(1))];
    block_on(SqliteKeys::open(&path, Secret([9; 32])).unwrap().create(&tenant(), new)).unwrap();
    let refused = SqliteKeys::open(&path, Secret([8; 32])).unwrap_err();
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(why.contains("another master key"), "{refused}: {why}");
    accordant::SqliteStore::open(folder.path().join("store.db")).unwrap();
    SqliteKeys::open(folder.path().join("store.db"), Secret([9; 32])).unwrap_err();
    let kept = SqliteKeys::open(&path, Secret([9; 32])).unwrap();
    assert_eq!(block_on(kept.current(&tenant(), &["tenant".into()])).unwrap(), [Some(key(1))]);
    assert!(!format!("{:?} {kept:?}", key(1)).contains("84"), "a secret is shown");
}
