//! Applying: intents are durable before a call, receipts after it. What a crash leaves in between is probed, never
//! blindly sent again.

mod receipt;
mod writes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::connector::{CreateSafety, Outcome, ReadAnswer, RecordKey, WriteReceipt};
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::engine::tenant::read::hint;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::ConnectionName;
use crate::plan::{Intent, Operation, PlanDraft, PlanHash, PlanKind, Scope, Target};
use crate::store::{Commit, RowKey, Table};

/// How a plan's application ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Operations that took effect.
    pub done: usize,
    /// Operations that had taken effect before: nothing was written.
    pub already: usize,
    /// Operations that no approval names.
    pub unapproved: usize,
    /// Operations whose target or golden value had moved: they belong to the successor.
    pub superseded: usize,
    /// Operations that the system refused, each with its reason.
    pub refused: Vec<(Operation, String)>,
    /// Operations that the system put off.
    pub deferred: usize,
    /// Operations whose outcome is not known yet; the next application or step probes them.
    pub unknown: usize,
    /// The plan for what is still owed, if anything is.
    pub successor: Option<PlanHash>,
}

/// What was intended and is not settled: one write, of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutboxRow {
    pub(crate) operations: Vec<Operation>,
    /// When it was intended, in milliseconds since the epoch.
    pub(crate) at: i64,
    /// Whether a call ended without an answer.
    pub(crate) unknown: bool,
}

/// How many writes one call carries.
const WRITES_AT_ONCE: usize = 50;

pub(crate) const fn create_prefix() -> &'static str {
    "create\u{1f}"
}

/// The row of a write: one per create of an entity, one per record otherwise, so that no two are under way at once.
fn outbox_key(operation: &Operation) -> RowKey {
    let key = match &operation.target {
        Target::New { connection, object, generation } => {
            format!("{}{connection}\u{1f}{object}\u{1f}{}\u{1f}{generation}", create_prefix(), operation.entity)
        }
        Target::Record(record) => format!("write\u{1f}{}", crate::engine::persist::record_key(record)),
    };
    RowKey::new(Table::Outbox, key)
}

/// The key that a created record carries, the same for every attempt.
pub(crate) fn create_key(operation: &Operation) -> crate::text::Text {
    match &operation.target {
        Target::New { generation: 0, .. } | Target::Record(_) => operation.entity.to_string().into(),
        Target::New { generation, .. } => format!("{}-{generation}", operation.entity).into(),
    }
}

impl Tenant {
    /// Applies the approved operations of a plan.
    ///
    /// Each is checked again: if its target or golden moved, it is not run but belongs to the successor plan, whose hash
    /// the result names. Dropping the future loses nothing; applying the plan again goes on where it stopped.
    ///
    /// # Errors
    ///
    /// If the plan is unknown, or the store fails. A system that cannot be called defers its operations.
    pub async fn apply(&self, hash: PlanHash) -> Result<Applied, Error> {
        let plan = self.stored_plan(hash).await?;
        self.recover().await?;
        let mut applied = Applied::default();
        let approved = self.approved(&plan.operations, &mut applied).await?;
        for (connection, operations) in by_connection(approved) {
            for writes in operations.chunks(WRITES_AT_ONCE) {
                self.run(&connection, writes, plan.kind, &mut applied).await?;
            }
        }
        // Planned again after whatever leaves or makes something to do: a create gives others a record to refer to.
        let left = applied.superseded + applied.deferred + applied.unapproved + applied.unknown > 0;
        let created = plan.operations.iter().any(|operation| matches!(operation.intent, Intent::Create(_)));
        if left || created {
            let request = self.plan(plan.scope.clone());
            let successor = if plan.kind == PlanKind::Bootstrap { request.bootstrap() } else { request }.await?;
            applied.successor = (successor.hash != hash && !successor.operations.is_empty()).then_some(successor.hash);
        }
        Ok(applied)
    }

    /// The operations that approvals name, in order, those of one record together.
    async fn approved(&self, operations: &[Operation], applied: &mut Applied) -> Result<Vec<Vec<Operation>>, Error> {
        let keys: Vec<RowKey> =
            operations.iter().map(|operation| RowKey::new(Table::Approval, operation.key.to_string())).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load approvals"))?;
        let mut groups: Vec<Vec<Operation>> = Vec::new();
        for (operation, row) in operations.iter().zip(rows) {
            if row.is_none() {
                applied.unapproved += 1;
                continue;
            }
            let together = |group: &&mut Vec<Operation>| {
                matches!(operation.intent, Intent::Set(_))
                    && group
                        .last()
                        .is_some_and(|last| last.target == operation.target && matches!(last.intent, Intent::Set(_)))
            };
            match groups.last_mut().filter(together) {
                Some(group) => group.push(operation.clone()),
                None => groups.push(vec![operation.clone()]),
            }
        }
        Ok(groups)
    }

    /// Runs writes into one connection: intents, one call, receipts.
    async fn run(
        &self,
        name: &ConnectionName,
        groups: &[Vec<Operation>],
        kind: PlanKind,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let mut intended = Vec::new();
        let mut writes = Vec::new();
        for group in groups {
            if let Some((operations, write)) = self.intend(group, kind, applied).await? {
                intended.push(operations);
                writes.push(write);
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        let (_, bound) = self.connection(name.as_str())?;
        match bound.connector.write_batch(writes).await {
            Ok(receipts) => {
                let mut receipts = receipts.into_iter();
                for operations in &intended {
                    // A write without receipt may have taken effect: its intent stays, and is probed.
                    let unknown = WriteReceipt { outcome: Outcome::Unknown, record: None, token: None };
                    self.settle_receipt(operations, receipts.next().unwrap_or(unknown), applied).await?;
                }
            }
            // Nothing was sent at all: the intents are taken back, the approvals stand.
            Err(_) => {
                for operations in &intended {
                    let commit = Commit { delete: vec![outbox_key(&operations[0])], ..Commit::default() };
                    self.commit("take back an intent", commit).await?;
                    applied.deferred += operations.len();
                }
            }
        }
        Ok(())
    }

    /// Checks operations against today's state and makes the intent durable. `None`: there is nothing to send.
    async fn intend(
        &self,
        group: &[Operation],
        kind: PlanKind,
        applied: &mut Applied,
    ) -> Result<Option<(Vec<Operation>, crate::connector::Write)>, Error> {
        let entity = group[0].entity;
        let creating = self.creating().await?;
        let mut key = crate::text::Text::default();
        for _ in 0..MOST_ATTEMPTS {
            let mut loader = Loader::new(&self.core, &self.id);
            loader.entities(&[entity]).await?;
            loader.references().await?;
            loader.golden_references().await?;
            // Planning is level-triggered: what is still planned today, with the same expectation, is still right.
            let mut draft = PlanDraft::new(kind, Scope::from(entity));
            self.plan_loaded(&loader.loaded.set, &[entity], &creating, &mut draft);
            let today = draft.operations();
            let valid: Vec<Operation> = group
                .iter()
                .filter_map(|operation| {
                    let found = today.iter().find(|today| today.key == operation.key)?;
                    (found.basis == operation.basis).then(|| found.clone())
                })
                .collect();
            let outbox = outbox_key(&group[0]);
            let under_way = loader.rows(std::slice::from_ref(&outbox)).await?.into_iter().any(|row| row.is_some());
            if valid.is_empty() || under_way {
                let done = group.iter().filter(|operation| self.holds(&loader, operation)).count();
                applied.already += done;
                applied.superseded += group.len() - done;
                return Ok(None);
            }
            let write = match self.write_of(&loader.loaded.set, &valid) {
                Ok(write) => write,
                Err(reason) => {
                    applied.refused.extend(valid.into_iter().map(|operation| (operation, reason.to_string())));
                    return Ok(None);
                }
            };
            let as_of = self.now();
            let mut changes = Changes::new(&self.core, as_of, &Self::engine());
            changes
                .commit
                .expect
                .extend(loader.loaded.revisions.iter().map(|(key, revision)| (key.clone(), *revision)));
            changes.put(outbox, &OutboxRow { operations: valid.clone(), at: as_of, unknown: false });
            changes.journal("intended", &entity.to_string(), &valid);
            if let Some((lost, _)) = changes.commit.expect.first() {
                key = lost.key.clone();
            }
            if self.commit("store an intent", changes.commit).await? {
                applied.superseded += group.len() - valid.len();
                return Ok(Some((valid, write)));
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key })
    }

    /// Settles what earlier runs left without a receipt: each is probed, and only then planned again.
    ///
    /// # Errors
    ///
    /// If the store fails. A system that cannot be read leaves its operations as they are.
    pub async fn recover(&self) -> Result<Applied, Error> {
        let rows = self
            .core
            .store
            .scan(&self.id, Table::Outbox, "", None, usize::MAX)
            .await
            .map_err(Error::store("list unsettled writes"))?;
        let mut applied = Applied::default();
        for row in rows {
            let intent: OutboxRow = parse(Table::Outbox, &row)?;
            self.probe(&intent, &mut applied).await?;
        }
        Ok(applied)
    }

    /// Looks whether a write took effect.
    async fn probe(&self, intent: &OutboxRow, applied: &mut Applied) -> Result<(), Error> {
        let Some(first) = intent.operations.first() else { return Ok(()) };
        let (_, bound) = self.connection(first.target.connection().as_str())?;
        let safety = bound.connector.create_safety();
        let key = match &first.target {
            Target::New { object, .. } => {
                RecordKey { object: object.clone(), id: create_key(first), by_create_key: true }
            }
            Target::Record(record) => {
                RecordKey { object: record.object.clone(), id: record.id.clone(), by_create_key: false }
            }
        };
        let Ok(answers) = bound.connector.read_records(std::slice::from_ref(&key)).await else {
            applied.unknown += intent.operations.len();
            return Ok(());
        };
        let outcome = match (answers.into_iter().next(), &first.intent) {
            (Some(ReadAnswer::Found(item)), Intent::Create(_)) => Some(item),
            (Some(ReadAnswer::Found(item)), Intent::Set(_)) => {
                // Taken in as an ordinary read; whether the write is still owed is then planning's to say.
                let record = match &first.target {
                    Target::Record(record) => record.clone(),
                    Target::New { .. } => return Ok(()),
                };
                return self.settle_probe(intent, &record, item, applied).await;
            }
            (Some(ReadAnswer::Gone), Intent::Create(_)) => {
                let drained = match safety {
                    CreateSafety::DrainThenConsistentLookup { drain_seconds } => {
                        self.now() >= intent.at.saturating_add(i64::from(drain_seconds) * 1000)
                    }
                    CreateSafety::RemoteKey | CreateSafety::DetectAndMerge => true,
                };
                if !drained {
                    applied.unknown += 1;
                    return Ok(());
                }
                None
            }
            (Some(ReadAnswer::Gone), _) => None,
            (Some(ReadAnswer::Found(_)), Intent::Archive) => None,
            (Some(ReadAnswer::Failed(_)) | None, _) => {
                applied.unknown += intent.operations.len();
                return Ok(());
            }
        };
        match outcome {
            Some(item) => {
                let receipt = WriteReceipt {
                    outcome: Outcome::Applied { id: crate::text::Text::default() },
                    record: Some(item),
                    token: None,
                };
                self.settle_receipt(&intent.operations, receipt, applied).await
            }
            None => self.forget(intent, applied).await,
        }
    }

    /// A probe found no effect: the intent is dropped, and planned again if it is still owed.
    async fn forget(&self, intent: &OutboxRow, applied: &mut Applied) -> Result<(), Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.delete(outbox_key(&intent.operations[0]));
        let keys: Vec<Digest> = intent.operations.iter().map(|operation| operation.key).collect();
        changes.journal("without_effect", &intent.operations[0].entity.to_string(), &keys);
        if let Target::Record(record) = &intent.operations[0].target {
            hint(&mut changes, record);
        }
        self.commit("drop an intent without effect", changes.commit).await?;
        applied.deferred += intent.operations.len();
        Ok(())
    }
}

fn by_connection(groups: Vec<Vec<Operation>>) -> Vec<(ConnectionName, Vec<Vec<Operation>>)> {
    // Runs of one connection, in plan order: creates before what refers to them.
    let mut runs: Vec<(u8, ConnectionName, Vec<Vec<Operation>>)> = Vec::new();
    let mut places: BTreeMap<(u8, ConnectionName), usize> = BTreeMap::new();
    for group in groups {
        let rank = match group[0].intent {
            Intent::Create(_) => 0,
            Intent::Set(_) => 1,
            Intent::Archive => 2,
        };
        let connection = group[0].target.connection().clone();
        let place = *places.entry((rank, connection.clone())).or_insert_with(|| {
            runs.push((rank, connection.clone(), Vec::new()));
            runs.len() - 1
        });
        runs[place].2.push(group);
    }
    runs.sort_by_key(|(rank, _, _)| *rank);
    runs.into_iter().map(|(_, connection, groups)| (connection, groups)).collect()
}
