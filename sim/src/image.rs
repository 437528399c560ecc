//! The store as the engine is given it: in memory, and as brittle as a real one. What it acknowledged survives a crash;
//! a commit that was not acknowledged may have happened, or not.

use std::sync::Arc;

use accordant::TenantId;
use accordant::journal::{Entry, Payload};
use accordant::store::{Commit, Committed, Row, RowKey, Store, StoreError, StoreFault, Table};
use async_trait::async_trait;

use crate::fault::Fault;
use crate::pause::{Pause, may_die};
use crate::scene::Scene;

/// The store of one process: it dies with it, the image behind it does not.
#[derive(Debug, Clone)]
pub struct Image(pub Arc<Scene>);

/// Lets others go first, now and then.
pub async fn rest(scene: &Arc<Scene>) {
    let delay = {
        let mut inner = scene.lock();
        let restless = inner.restless;
        if inner.weather.has(Fault::TwoWorkers) && inner.weather.rng().chance(2) {
            // The process is stopped and goes on minutes later, as if nothing had been.
            inner.weather.hits.count(Fault::TwoWorkers);
            inner.weather.rng().between(60_000, 240_000)
        } else if restless > 0 && inner.weather.rng().chance(restless) {
            inner.weather.rng().between(1, 40)
        } else {
            0
        }
    };
    if delay > 0 {
        Pause::of(scene, delay).await;
    }
}

/// Whether something durable fails, and whether it has happened all the same.
pub fn fails(scene: &Scene, what: &'static str) -> Option<bool> {
    let mut inner = scene.lock();
    if !inner.weather.strikes(Fault::CommitFailed) {
        return None;
    }
    let happened = inner.weather.rng().chance(500);
    let inner = &mut *inner;
    inner.approvals.reopen(&inner.design);
    inner.say(|| format!("{what} fails{}", if happened { ", and has happened all the same" } else { "" }));
    Some(happened)
}

#[async_trait]
impl Store for Image {
    async fn load(&self, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        rest(&self.0).await;
        self.0.image.load(tenant, keys).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.0.image.scan(tenant, table, prefix, after, limit).await
    }

    async fn commit(&self, tenant: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        rest(&self.0).await;
        may_die(&self.0, "before a commit").await;
        let fails = fails(&self.0, "a commit");
        if fails == Some(false) {
            return Err(broken());
        }
        // What is intended has a row in the outbox; what came of it ends that.
        let outbox = |key: &&RowKey| key.table == Table::Outbox;
        let made: Vec<RowKey> = commit.put.iter().map(|(key, _)| key).filter(outbox).cloned().collect();
        let ended: Vec<RowKey> = commit.delete.iter().filter(outbox).cloned().collect();
        let committed = self.0.image.commit(tenant, commit).await?;
        if matches!(committed, Committed::Done { .. }) {
            let mut inner = self.0.lock();
            let task = inner.current;
            inner.unkept.kept(task, ended.len());
            ended.iter().for_each(|row| inner.intents.ended(&row.key, task));
            made.iter().for_each(|row| inner.intents.made(&row.key, task));
        }
        may_die(&self.0, "after a commit").await;
        if fails == Some(true) { Err(broken()) } else { Ok(committed) }
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.0.image.journal(tenant, after, limit).await
    }

    async fn journal_about(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        self.0.image.journal_about(tenant, subject, after, limit).await
    }

    async fn journal_place(&self, tenant: &TenantId, at: i64) -> Result<u64, StoreError> {
        self.0.image.journal_place(tenant, at).await
    }

    async fn cut(&self, tenant: &TenantId, until: u64) -> Result<u64, StoreError> {
        rest(&self.0).await;
        may_die(&self.0, "before the journal is cut").await;
        self.0.image.cut(tenant, until).await
    }

    async fn expire(&self, tenant: &TenantId, kind: &str, until: u64) -> Result<u64, StoreError> {
        self.0.image.expire(tenant, kind, until).await
    }

    async fn erase_until(&self, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
        self.0.image.erase_until(tenant, subject, until).await
    }
}

fn broken() -> StoreError {
    StoreError::database("commit", StoreFault::Unavailable, "the weather says so")
}
