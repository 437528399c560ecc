//! The seal of a store: its keys, in memory and as brittle as the store. What was acknowledged survives a crash; a call that was
//! not acknowledged may have had its effect, or not.

use std::future::Future;
use std::sync::Arc;

use accordant::TenantId;
use accordant::seal::{KeyError, KeyId, SealKey, SealKeys, SealedStore, Secret};
use accordant::store::{Store, StoreFault};
use accordant::text::Text;
use async_trait::async_trait;

use crate::image::{fails, rest};
use crate::pause::may_die;
use crate::scene::Scene;

/// What is stored of a world, as whoever has its keys reads it: without faults.
#[must_use]
pub fn open(scene: &Scene) -> Arc<dyn Store> {
    match scene.lock().design.house.sealed {
        true => Arc::new(SealedStore::new(scene.image.clone(), scene.keys.clone())),
        false => Arc::new(scene.image.clone()),
    }
}

/// The keys, as the engine is given them.
#[derive(Debug, Clone)]
pub struct Keys(pub Arc<Scene>);

impl Keys {
    /// Changes the keys, in whatever weather.
    async fn change<T>(
        &self,
        doing: &'static str,
        change: impl Future<Output = Result<T, KeyError>> + Send,
    ) -> Result<T, KeyError> {
        rest(&self.0).await;
        may_die(&self.0, "before keys change").await;
        let broken = || KeyError::new(doing, StoreFault::Unavailable, "the weather says so");
        let fails = fails(&self.0, "a change of keys");
        if fails == Some(false) {
            return Err(broken());
        }
        let changed = change.await?;
        may_die(&self.0, "after keys changed").await;
        if fails == Some(true) { Err(broken()) } else { Ok(changed) }
    }
}

#[async_trait]
impl SealKeys for Keys {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        rest(&self.0).await;
        self.0.keys.current(tenant, scopes).await
    }

    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        rest(&self.0).await;
        self.0.keys.secrets(tenant, keys).await
    }

    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        self.change("create keys", self.0.keys.create(tenant, keys)).await
    }

    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        self.change("keep keys", self.0.keys.keep(tenant, scope, keys)).await
    }

    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        self.change("retire keys", self.0.keys.retire(tenant, scopes)).await
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        self.change("destroy keys", self.0.keys.destroy(tenant, keys)).await
    }
}
