//! The outbox: writes that were intended and are not settled. One row per record, and one per create of an entity.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::connector::Write;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, PART, record_key};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::footing::Lease;
use crate::engine::tenant::standing::Covered;
use crate::engine::{Core, Tenant};
use crate::error::Error;
use crate::id::{ConnectionName, EntityId, ObjectType, RecordRef, TenantId};
use crate::plan::{Operation, Target};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// What was intended and is not settled: one write, of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutboxRow {
    /// At least one, of one target.
    #[serde(deserialize_with = "at_least_one")]
    pub(crate) operations: Vec<Operation>,
    /// When it was intended, in milliseconds since the epoch.
    pub(crate) at: i64,
    /// Which attempt it is: a row that was settled and intended anew has its old revision, and is another attempt.
    #[serde(default)]
    pub(crate) attempt: u64,
    /// The ordering token of the record as it was last read: from there to the receipt reaches the window in which an edit
    /// of somebody else's would go unseen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read: Option<i64>,
    /// The standing approvals that operations rest on, by the keys of the operations.
    #[serde(default, skip_serializing_if = "Covered::is_empty")]
    pub(crate) standing: Covered,
    /// Whose it is while it is being sent or probed, where many processes work on one store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Lease>,
}

/// For how long the outcome of a write is waited for where that holds up something else, in milliseconds: a day. No call takes so long.
const GIVEN_UP: i64 = 24 * 3_600_000;

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Operation>, D::Error> {
    let operations = Vec::deserialize(deserializer)?;
    if operations.is_empty() { Err(D::Error::custom("a write has at least one operation")) } else { Ok(operations) }
}

impl OutboxRow {
    pub(super) fn key(&self) -> Option<RowKey> {
        self.operations.first().map(outbox_key)
    }

    /// Whether it has been unsettled for so long that nobody waits for its answer, and nobody could look up what came of it. Whoever has it
    /// in hand looks in vain: whoever drops it takes over from them ([`Lease::end`]).
    pub(crate) const fn is_given_up(&self, now: i64) -> bool {
        now.saturating_sub(self.at) >= GIVEN_UP
    }
}

/// An intent that is durable, and about to be sent.
pub(super) struct Intended {
    pub(super) row: OutboxRow,
    pub(super) write: Write,
    /// Until it is settled, nobody else in this process probes it.
    pub(super) _claim: Claim,
}

pub(crate) const fn create_prefix() -> &'static str {
    "create\u{1f}"
}

pub(crate) const fn write_prefix() -> &'static str {
    "write\u{1f}"
}

/// The row of a write: one per create of an entity, one per record otherwise, so that no two are under way at once.
pub(crate) fn outbox_key(operation: &Operation) -> RowKey {
    match &operation.target {
        Target::New { connection, object, generation } => create_row(connection, object, operation.entity, *generation),
        Target::Record(record) => write_row(record),
    }
}

/// The connection that a row's key names.
pub(super) fn outbox_connection(key: &str) -> Option<ConnectionName> {
    let rest = key.strip_prefix(write_prefix()).or_else(|| key.strip_prefix(create_prefix()))?;
    rest.split('\u{1f}').next().map(ConnectionName::new)
}

/// The row of a create under way.
pub(crate) fn create_row(
    connection: &ConnectionName,
    object: &ObjectType,
    entity: EntityId,
    generation: u32,
) -> RowKey {
    let (entity, generation) = (entity.text(), generation.to_string());
    let (connection, object) = (connection.as_str(), object.as_str());
    let key = Text::of_parts(&[create_prefix(), connection, PART, object, PART, &entity, PART, &generation]);
    RowKey::new(Table::Outbox, key)
}

/// The row of a write of a record under way.
pub(crate) fn write_row(record: &RecordRef) -> RowKey {
    RowKey::new(Table::Outbox, Text::of_parts(&[write_prefix(), &record_key(record)]))
}

/// The key that a created record carries, the same for every attempt.
pub(super) fn create_key(operation: &Operation) -> Text {
    match &operation.target {
        Target::New { generation: 0, .. } | Target::Record(_) => operation.entity.to_string().into(),
        Target::New { generation, .. } => format!("{}-{generation}", operation.entity).into(),
    }
}

/// The rows of the outbox that somebody in this process is working on. A row that nobody claims was left by a crash, or
/// belongs to another process.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<BTreeSet<(TenantId, Text)>>);

impl Claims {
    fn held(&self) -> MutexGuard<'_, BTreeSet<(TenantId, Text)>> {
        // An insertion or removal is whole or has not happened, so a poisoned lock guards a whole set.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One claimed row; dropping it gives it up, however its future ends.
pub(super) struct Claim {
    core: Arc<Core>,
    key: (TenantId, Text),
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.core.claims.held().remove(&self.key);
    }
}

impl Tenant {
    /// Claims a row of the outbox; `None`: somebody else in this process has it.
    pub(super) fn claim(&self, row: &RowKey) -> Option<Claim> {
        let key = (self.id.clone(), row.key.clone());
        let claimed = self.core.claims.held().insert(key.clone());
        claimed.then(|| Claim { core: Arc::clone(&self.core), key })
    }

    /// Whether a write of a record is under way in this process.
    #[cfg(accordant_zoo)]
    pub(crate) fn is_busy(&self, record: &RecordRef) -> bool {
        self.claim(&write_row(record)).is_none()
    }

    /// The row of an attempt in the outbox, if it still is that attempt's; whoever loaded it commits only if it stays so.
    pub(super) async fn is_own(&self, loader: &mut Loader<'_>, attempt: &OutboxRow) -> Result<bool, Error> {
        let Some(key) = attempt.key() else { return Ok(false) };
        let row = loader.rows(&[key]).await?.into_iter().next().flatten();
        let row: Option<OutboxRow> = row.map(|row| parse(Table::Outbox, &row)).transpose()?;
        Ok(row.is_some_and(|row| row.attempt == attempt.attempt))
    }

    /// Ends an attempt that is known to have written nothing: takes its row out of the outbox if it is still there, and back what was
    /// noted as sent, with what else belongs to the end, in one commit. The row of another attempt stays.
    pub(super) async fn close(
        &self,
        doing: &'static str,
        attempt: &OutboxRow,
        end: impl Fn(&mut Changes<'_>) + Send + Sync,
    ) -> Result<(), Error> {
        let Some(key) = attempt.key() else { return Ok(()) };
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let own = self.is_own(&mut loader, attempt).await?;
            let mut facts = Vec::new();
            self.withdraw_sent(&mut loader, attempt, &mut facts).await?;
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &facts))?;
            if own {
                changes.delete(key.clone());
            }
            end(&mut changes);
            if attempts.commit(self, doing, changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// The number of a new attempt.
    pub(crate) fn attempt(&self) -> u64 {
        let mut number = [0; 8];
        self.core.entropy.fill(&mut number);
        u64::from_be_bytes(number)
    }
}
