//! What every commit rests on beside the rows that it read: the accepted model, that nobody took over from this process, and that
//! nobody was erased meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::json;
use crate::engine::suppression::{Suppression, suppression_key};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::model::model_key;
use crate::error::Error;
use crate::id::TenantId;
use crate::seal::{SealError, mark};
use crate::store::{Commit, RowKey, Table};
use crate::text::Text;

/// What this process knows of tenants that their commits rest on.
#[derive(Debug, Default)]
pub(crate) struct Footings {
    known: RwLock<BTreeMap<TenantId, Footing>>,
    /// Held while this process takes an id: two of its tasks share one.
    registering: futures::lock::Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Footing {
    /// The revision of the accepted model's row.
    model: Option<u64>,
    /// The id of this process in the tenant, if it ever needed one.
    worker: Option<Text>,
    /// Who is suppressed, and the revision of the row that says so.
    suppression: Option<(Option<u64>, Arc<Suppression>)>,
}

/// Who has something in hand, and until when others leave it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    worker: Text,
    /// In milliseconds since the epoch.
    pub(crate) until: i64,
}

/// The row of a worker that was ever given a lease: it is there until somebody takes over from it.
#[derive(Debug, Serialize, Deserialize)]
struct WorkerRow {
    /// Since when, in milliseconds since the epoch.
    since: i64,
}

const WORKERS: &str = "worker\u{1f}";

/// How long the row of a worker is kept, in milliseconds. One that lives longer takes another id.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// How many rows of workers are looked at when another comes.
const PAGE: usize = 100;

fn worker_key(worker: &str) -> RowKey {
    RowKey::new(Table::Meta, format!("{WORKERS}{worker}"))
}

/// It was put once, and nobody changes it: it is there, or somebody took over.
fn expected(worker: &str) -> (RowKey, Option<u64>) {
    (worker_key(worker), Some(1))
}

impl Footings {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<TenantId, Footing>> {
        // A change of the map is whole or has not happened, so a poisoned lock guards a whole one.
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What must still be as it is when what is read from now on is committed: the row that says that nobody took over from this
    /// process in a tenant, if it ever had a lease there, and the one that says who was erased, if it was looked at.
    pub(crate) fn expected(&self, tenant: &TenantId) -> Vec<(RowKey, Option<u64>)> {
        let known = self.read();
        let Some(footing) = known.get(tenant) else { return Vec::new() };
        let suppression = footing.suppression.as_ref().map(|(revision, _)| (suppression_key(), *revision));
        footing.worker.as_deref().map(expected).into_iter().chain(suppression).collect()
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<TenantId, Footing>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Whether others leave it alone still.
    pub(crate) const fn lasts(&self, now: i64) -> bool {
        self.until > now
    }

    /// Lets a commit take effect only if nobody took over from whoever has it.
    pub(crate) fn expect(&self, commit: &mut Commit) {
        commit.expect.push(expected(&self.worker));
    }

    /// Takes over from whoever had it, for a commit that goes on in its place: nothing that it had read before can be
    /// committed any more.
    pub(crate) fn end(&self, commit: &mut Commit) {
        commit.delete.push(worker_key(&self.worker));
    }
}

impl Tenant {
    /// The revision of the accepted model's row, as far as this process knows.
    pub(super) fn accepted_model(&self) -> Option<u64> {
        self.core.footings.read().get(&self.id).and_then(|footing| footing.model)
    }

    /// Notes under which revision of its row the model was accepted.
    pub(super) fn note_accepted(&self, revision: u64) {
        self.core.footings.write().entry(self.id.clone()).or_default().model = Some(revision);
    }

    /// What a commit expects beside what was read for it.
    pub(super) fn expect_footing(&self, commit: &mut Commit) {
        let Some(footing) = self.core.footings.read().get(&self.id).cloned() else { return };
        commit.expect.extend(footing.model.map(|revision| (model_key(), Some(revision))));
        commit.expect.extend(footing.worker.as_deref().map(expected));
        commit.expect.extend(footing.suppression.map(|(revision, _)| (suppression_key(), revision)));
    }

    /// Who is suppressed, and the revision of the row that says so, as far as this process knows.
    pub(super) async fn suppression(&self) -> Result<(Option<u64>, Arc<Suppression>), Error> {
        let known = self.core.footings.read().get(&self.id).and_then(|footing| footing.suppression.clone());
        match known {
            Some(known) => Ok(known),
            None => self.suppression_anew().await,
        }
    }

    /// An erasure began or ended: who is suppressed is looked up anew before the next commit, and no row is remembered.
    pub(super) fn forget_erased(&self) {
        self.core.footings.write().entry(self.id.clone()).or_default().suppression = None;
        self.core.memory.forget(&self.id);
        self.forget_match_indexes();
    }

    /// Lets go of the indexes of its matchers that this process holds: what asks next builds them anew.
    pub(crate) fn forget_match_indexes(&self) {
        self.core.match_indexes.forget(&self.id);
    }

    /// As [`Tenant::suppression`], as it is stored now.
    pub(super) async fn suppression_anew(&self) -> Result<(Option<u64>, Arc<Suppression>), Error> {
        let rows = self.core.store.load(&self.id, &[suppression_key(), mark::marker()]).await;
        let mut rows = rows.map_err(Error::store("look who is suppressed"))?.into_iter();
        let (row, sealed) = (rows.next().flatten(), rows.next().flatten());
        if sealed.is_some() {
            // A store that has the keys keeps this row to itself.
            return Err(Error::store("look who is suppressed")(SealError::Keyless.into()));
        }
        let suppression = row.as_ref().map(|row| parse::<Suppression>(Table::Meta, row)).transpose()?;
        let known = (row.map(|row| row.revision), Arc::new(suppression.unwrap_or_default()));
        self.core.footings.write().entry(self.id.clone()).or_default().suppression = Some(known.clone());
        Ok(known)
    }

    /// A commit was lost by a row: what it says of our footing is looked up anew.
    pub(super) fn note_lost(&self, key: &RowKey) {
        if key.table != Table::Meta {
            return;
        }
        let mut known = self.core.footings.write();
        let Some(footing) = known.get_mut(&self.id) else { return };
        if *key == model_key() {
            footing.model = None;
        }
        if *key == suppression_key() {
            footing.suppression = None;
        }
        footing.worker.take_if(|worker| *key == worker_key(worker));
    }

    /// A lease from now on, for what this process takes in hand; none where one process works alone.
    pub(crate) async fn lease(&self) -> Result<Option<Lease>, Error> {
        let Some(length) = self.core.lease else { return Ok(None) };
        let worker = self.worker().await?;
        Ok(Some(Lease { worker, until: self.now().saturating_add(length) }))
    }

    /// Whether so little of a lease is left that no call is begun under it.
    pub(crate) fn runs_out(&self, lease: Option<&Lease>) -> bool {
        let (Some(lease), Some(length)) = (lease, self.core.lease) else { return false };
        lease.until.saturating_sub(self.now()) < length / 2
    }

    /// The id of this process in the tenant. Its row is durable before anything names it.
    async fn worker(&self) -> Result<Text, Error> {
        let _registering = self.core.footings.registering.lock().await;
        let known = self.core.footings.read().get(&self.id).and_then(|footing| footing.worker.clone());
        if let Some(worker) = known {
            return Ok(worker);
        }
        let mut attempts = Attempts::default();
        loop {
            let id = format!("{:016x}{:016x}", self.attempt(), self.attempt());
            let now = self.now();
            let mut commit = Commit {
                expect: vec![(worker_key(&id), None)],
                put: vec![(worker_key(&id), json(&WorkerRow { since: now }))],
                ..Commit::default()
            };
            let old = self.core.store.scan(&self.id, Table::Meta, WORKERS, None, PAGE).await;
            for row in old.map_err(Error::store("list workers"))? {
                let worker: WorkerRow = parse(Table::Meta, &row)?;
                if now.saturating_sub(worker.since) > KEPT {
                    commit.delete.push(RowKey::new(Table::Meta, row.key));
                }
            }
            if attempts.commit(self, "register a worker", commit).await? {
                let worker = Text::from(id);
                self.core.footings.write().entry(self.id.clone()).or_default().worker = Some(worker.clone());
                return Ok(worker);
            }
        }
    }
}
