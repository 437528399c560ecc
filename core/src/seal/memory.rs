//! Keys in memory: for tests, and the reference that other key stores are compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{KeyError, KeyId, SealKey, SealKeys, Secret};
use crate::id::TenantId;
use crate::text::Text;

/// Keeps keys in memory, and none beyond the last handle. Clones share one state.
#[derive(Clone, Default)]
pub struct MemoryKeys {
    tenants: Arc<Mutex<BTreeMap<TenantId, Tenant>>>,
}

#[derive(Default)]
struct Tenant {
    secrets: BTreeMap<KeyId, Secret>,
    current: BTreeMap<Text, KeyId>,
    old: BTreeMap<Text, BTreeSet<KeyId>>,
}

impl MemoryKeys {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<TenantId, Tenant>> {
        // Nothing below panics between two writes, so a poisoned lock guards a whole state.
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeys").finish_non_exhaustive()
    }
}

impl Tenant {
    fn current(&self, scope: &Text) -> Option<SealKey> {
        let id = *self.current.get(scope)?;
        Some(SealKey { id, secret: self.secrets.get(&id)?.clone() })
    }
}

#[async_trait]
impl SealKeys for MemoryKeys {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        let tenants = self.tenants();
        let tenant = tenants.get(tenant);
        Ok(scopes.iter().map(|scope| tenant?.current(scope)).collect())
    }

    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        let tenants = self.tenants();
        let tenant = tenants.get(tenant);
        Ok(keys.iter().map(|key| tenant?.secrets.get(key).cloned()).collect())
    }

    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        let mut tenants = self.tenants();
        let tenant = tenants.entry(tenant.clone()).or_default();
        let create = |(scope, key): (Text, SealKey)| {
            tenant.current(&scope).unwrap_or_else(|| {
                tenant.secrets.insert(key.id, key.secret.clone());
                tenant.current.insert(scope, key.id);
                key
            })
        };
        Ok(keys.into_iter().map(create).collect())
    }

    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        let mut tenants = self.tenants();
        let tenant = tenants.entry(tenant.clone()).or_default();
        let old = tenant.old.entry(scope.clone()).or_default();
        for SealKey { id, secret } in keys {
            tenant.secrets.entry(id).or_insert(secret);
            old.insert(id);
        }
        Ok(())
    }

    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        let mut tenants = self.tenants();
        let Some(tenant) = tenants.get_mut(tenant) else { return Ok(vec![Vec::new(); scopes.len()]) };
        let retire = |scope: &Text| {
            if let Some(key) = tenant.current.remove(scope) {
                tenant.old.entry(scope.clone()).or_default().insert(key);
            }
            tenant.old.get(scope).into_iter().flatten().copied().collect()
        };
        Ok(scopes.iter().map(retire).collect())
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        let mut tenants = self.tenants();
        let Some(tenant) = tenants.get_mut(tenant) else { return Ok(()) };
        let keys: BTreeSet<KeyId> = keys.iter().copied().collect();
        tenant.secrets.retain(|id, _| !keys.contains(id));
        tenant.current.retain(|_, id| !keys.contains(id));
        tenant.old.values_mut().for_each(|old| old.retain(|id| !keys.contains(id)));
        tenant.old.retain(|_, old| !old.is_empty());
        Ok(())
    }
}
