//! Erasures of a sealed tenant that are interrupted anywhere, and others at work meanwhile.

use std::sync::{Arc, Mutex};

use accordant::id::TenantId;
use accordant::seal::{KeyError, KeyId, MemoryKeys, SealKey, SealKeys, Secret};
use accordant::store::{MemoryStore, StoreFault};
use accordant::testing::{FailsOnce, Turns, Watched};
use accordant::text::Text;
use async_trait::async_trait;
use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::json;

use super::{Copy, of_crm, seal, sealed};
use crate::erasure::{canaries, town};
use crate::support::{assert_clean, by, clock, dump, record, says};

/// Keys that fail at one call, before or after it took effect: the same count as the store's.
#[derive(Clone)]
struct Failing {
    keys: MemoryKeys,
    fails: FailsOnce,
}

impl Failing {
    fn fails(&self, after: bool) -> Result<(), KeyError> {
        let failed = |error| KeyError::new("do as told", StoreFault::Unavailable, error);
        self.fails.call(after).map_err(failed)
    }
}

#[async_trait]
impl SealKeys for Failing {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        self.keys.current(tenant, scopes).await
    }

    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        self.keys.secrets(tenant, keys).await
    }

    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        self.fails(false)?;
        let made = self.keys.create(tenant, keys).await?;
        self.fails(true)?;
        Ok(made)
    }

    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        self.fails(false)?;
        self.keys.keep(tenant, scope, keys).await?;
        self.fails(true)
    }

    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        self.fails(false)?;
        let old = self.keys.retire(tenant, scopes).await?;
        self.fails(true)?;
        Ok(old)
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        self.fails(false)?;
        self.keys.destroy(tenant, keys).await?;
        self.fails(true)
    }
}

#[test]
fn an_erasure_that_is_interrupted_anywhere_leaves_no_copy_readable_once_it_is_finished() {
    for after in [false, true] {
        for call in 0.. {
            let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
            let tenant = sealed(store.clone(), keys.clone(), &clock, 7);
            let done = block_on(async {
                let (one, _) = town(&tenant).await;
                let copy = Copy::of(&store).await;
                let fails = FailsOnce::at(call, after);
                let watched = Watched::new(store.clone(), fails.clone());
                let failing = sealed(watched, Failing { keys: keys.clone(), fails }, &clock, 8);
                let outcome = failing.erase(one, &by(), "request 7").await;
                // The next process does what is left, and everything that stands is read.
                let next = sealed(store.clone(), keys.clone(), &clock, 9);
                while next.step().await.unwrap().more() {}
                if next.replay().await.unwrap().entities.len() > 1 {
                    next.erase(one, &by(), "request 7").await.unwrap();
                }
                assert_clean(&next, &format!("call {call}, after: {after}")).await;
                let (left, _) = copy.read(&keys).await;
                assert_eq!(canaries(&left), Vec::<&String>::new(), "call {call}, after: {after}");
                assert!(left.iter().any(|line| line.contains("ben@acme.test")));
                outcome.is_ok()
            });
            if done {
                assert!(call > 20, "{call} calls");
                break;
            }
        }
    }
}

/// Whoever seals while keys are retired and destroyed loses nothing, wherever in between.
#[test]
fn what_another_process_writes_while_keys_go_stays_readable() {
    for calls in 0.. {
        let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
        let other = sealed(store.clone(), keys.clone(), &clock, 6);
        let watched = Watched::new(store.clone(), Turns::default());
        let tenant = sealed(watched.clone(), keys.clone(), &clock, 7);
        let passed = block_on(async {
            let (one, _) = town(&tenant).await;
            // The other one remembers the keys of before.
            says(&other, "crm", &[record("2", 2, json!({ "email": "ben@acme.test", "name": "Benedict" }))])
                .await
                .unwrap();
            let writes = other.clone();
            watched.watch().happens_after(calls, async move {
                let said = json!({ "email": "ben@acme.test", "name": "Benjamin" });
                says(&writes, "crm", &[record("2", 3, said)]).await.unwrap();
                let new = json!({ "email": "cy@acme.test", "name": "Cy" });
                says(&writes, "crm", &[record("3", 3, new)]).await.unwrap();
            });
            tenant.erase(one, &by(), "request 7").await.unwrap();
            let passed = watched.watch().have_passed();
            if passed {
                let somebody_new = sealed(store.clone(), keys.clone(), &clock, 8);
                for reader in [&tenant, &other, &somebody_new] {
                    assert_clean(reader, &format!("after {calls} calls")).await;
                }
                let plain = dump(&seal(&store, &keys)).await;
                assert!(plain.iter().any(|line| line.contains("Benjamin")));
                assert!(plain.iter().any(|line| line.contains("cy@acme.test")));
                assert_eq!(canaries(&plain), Vec::<&String>::new());
            }
            passed
        });
        if !passed {
            assert!(calls > 20, "{calls} calls");
            break;
        }
    }
}

/// Keys at one call of which somebody else has a turn.
#[derive(Clone)]
struct Stalling {
    keys: MemoryKeys,
    meanwhile: Arc<Mutex<(usize, Option<BoxFuture<'static, ()>>)>>,
}

impl Stalling {
    async fn turn(&self) {
        let due = {
            let mut meanwhile = self.meanwhile.lock().unwrap();
            let due = meanwhile.0 == 0;
            meanwhile.0 = meanwhile.0.saturating_sub(1);
            if due { meanwhile.1.take() } else { None }
        };
        if let Some(due) = due {
            due.await;
        }
    }
}

#[async_trait]
impl SealKeys for Stalling {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        self.keys.current(tenant, scopes).await
    }

    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        self.keys.secrets(tenant, keys).await
    }

    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        self.keys.create(tenant, keys).await
    }

    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        self.turn().await;
        self.keys.keep(tenant, scope, keys).await
    }

    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        self.turn().await;
        self.keys.retire(tenant, scopes).await
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        self.turn().await;
        self.keys.destroy(tenant, keys).await
    }
}

/// Two erasures at once, one of them wholly within the other, between the reading of what stands and the keeping of its keys too: the
/// slower keeps no key of what the faster took.
#[test]
fn of_two_erasures_at_once_neither_brings_back_a_key_of_the_other() {
    for calls in 0.. {
        let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
        let other = sealed(store.clone(), keys.clone(), &clock, 6);
        let meanwhile = Arc::new(Mutex::new((calls, None)));
        let stalling = Stalling { keys: keys.clone(), meanwhile: Arc::clone(&meanwhile) };
        let tenant = sealed(store.clone(), stalling, &clock, 7);
        let passed = block_on(async {
            let (one, _) = town(&tenant).await;
            let ben = of_crm(&tenant, "2").await;
            let copy = Copy::of(&store).await;
            let erases = other.clone();
            let faster = async move { drop(erases.erase(ben, &by(), "request 8").await.unwrap()) };
            meanwhile.lock().unwrap().1 = Some(faster.boxed());
            tenant.erase(one, &by(), "request 7").await.unwrap();
            let passed = meanwhile.lock().unwrap().1.is_none();
            if passed {
                let (left, _) = copy.read(&keys).await;
                let of_ben = |line: &&String| line.to_lowercase().contains("ben@");
                assert_eq!(left.iter().filter(of_ben).collect::<Vec<_>>(), Vec::<&String>::new(), "at call {calls}");
                assert_eq!(canaries(&left), Vec::<&String>::new(), "at call {calls}");
                assert_clean(&other, &format!("at call {calls}")).await;
            }
            passed
        });
        if !passed {
            assert!(calls > 5, "{calls} calls");
            break;
        }
    }
}
