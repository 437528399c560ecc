//! Purging: what has served its time goes, a bounded number of rows at a step.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::retention::Sweep;
use crate::engine::tenant::apply::outbox::OutboxRow;
use crate::engine::tenant::approval::is_approval;
use crate::engine::tenant::approval::{ApprovalRow, approval_key, operation_of};
use crate::engine::tenant::counts::is_confirmation;
use crate::engine::tenant::dead_letter::{LETTER_EXPIRED, StoredDeadLetter};
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::Actor;
use crate::plan::{Operation, Plan};
use crate::store::{Row, RowKey, Table};

/// How many rows a step looks through.
const AT_ONCE: usize = 500;

/// The tables in which something runs out, in the order in which they are looked through: a plan waits for its approvals, and what is
/// kept of records that are gone for plans.
const TABLES: [Table; 5] = [Table::Dedup, Table::Approval, Table::Plan, Table::DeadLetter, Table::Representation];

/// When a plan was last made and by whom, beside it in its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// In milliseconds since the epoch. `None`: it was stored before this was noted.
    #[serde(default)]
    pub(crate) made: Option<i64>,
    /// Who asked for it first.
    #[serde(default)]
    pub(crate) by: Option<Actor>,
    /// Who asked for the very same since.
    #[serde(default)]
    pub(crate) also: BTreeSet<Actor>,
}

impl Made {
    /// Everybody who asked for it.
    pub(crate) fn makers(&self) -> impl Iterator<Item = &Actor> {
        self.by.iter().chain(&self.also)
    }
}

/// A plan as its row holds it.
#[derive(Debug, Serialize)]
pub(crate) struct PlanRow<'p> {
    #[serde(flatten)]
    pub(crate) plan: &'p Plan,
    pub(crate) made: i64,
    pub(crate) by: Actor,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) also: BTreeSet<Actor>,
    /// Whether the very plan was made before.
    #[serde(skip)]
    pub(crate) again: bool,
}

impl Tenant {
    /// Purges what has run out among the next rows, if the tables are due to be looked through. Says whether there are
    /// more to look through.
    pub(super) async fn purge(&self) -> Result<bool, Error> {
        let now = self.now();
        let Some((mut table, mut after)) = self.core.sweeps.due(&self.id, TABLES[0], now) else { return Ok(false) };
        let mut left = AT_ONCE;
        loop {
            let rows = self.core.store.scan(&self.id, table, "", after.as_deref(), left).await;
            let rows = rows.map_err(Error::store("look for what has run out"))?;
            if let Some(last) = rows.last() {
                after = Some(last.key.clone());
                left -= rows.len().min(left);
                match table {
                    Table::Dedup => self.purge_deliveries(rows, now).await?,
                    Table::Approval => self.purge_approvals(rows, now).await?,
                    Table::DeadLetter => self.purge_letters(rows, now).await?,
                    Table::Representation => self.purge_tombstones(rows, now).await?,
                    _ => self.purge_plans(rows, now).await?,
                }
            } else {
                let looked = |of: &&Table| **of != Table::Representation || self.core.retention.tombstones.is_some();
                let Some(next) = TABLES.iter().filter(looked).skip_while(|of| **of != table).nth(1) else {
                    self.core.sweeps.note(&self.id, Sweep::At(table, after));
                    return self.compact_at_last(now).await.map(|()| false);
                };
                (table, after) = (*next, None);
            }
            if left == 0 {
                self.core.sweeps.note(&self.id, Sweep::At(table, after));
                return Ok(true);
            }
        }
    }

    /// Compacts, after all else that has run out. What may pass is tried again with the next step, and anything else with the next look
    /// through the tables.
    async fn compact_at_last(&self, now: i64) -> Result<(), Error> {
        match self.compact_if_configured().await {
            // Others were faster: what was done by then stays.
            Err(Error::Contended { .. }) => Ok(()),
            Err(error) if error.may_pass() => Err(error),
            compacted => {
                let kept = compacted.as_ref().copied().unwrap_or_default();
                self.core.sweeps.note(&self.id, Sweep::Done { at: now, kept });
                compacted.map(drop)
            }
        }
    }

    async fn purge_deliveries(&self, rows: Vec<Row>, now: i64) -> Result<(), Error> {
        let oldest = now.saturating_sub(self.core.retention.deliveries.num_milliseconds());
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        for row in rows {
            let at: i64 = parse(Table::Dedup, &row)?;
            if at <= oldest {
                expire(&mut changes, Table::Dedup, &row);
            }
        }
        self.purged(changes).await
    }

    /// Letters that somebody dealt with. One that waits is nobody's to throw away but a person's.
    async fn purge_letters(&self, rows: Vec<Row>, now: i64) -> Result<(), Error> {
        let oldest = now.saturating_sub(self.core.retention.dead_letters.num_milliseconds());
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        for row in rows {
            let letter: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
            if letter.state.settled_at().is_some_and(|at| at <= oldest) {
                expire(&mut changes, Table::DeadLetter, &row);
                changes.journal(LETTER_EXPIRED, &letter.subject(), &(&row.key, letter.at));
            }
        }
        self.purged(changes).await
    }

    async fn purge_approvals(&self, rows: Vec<Row>, now: i64) -> Result<(), Error> {
        let oldest = now.saturating_sub(self.core.retention.plans.num_milliseconds());
        let mut expired = Vec::new();
        for row in rows.into_iter().filter(|row| is_approval(&row.key) || is_confirmation(&row.key)) {
            let approval: ApprovalRow = parse(Table::Approval, &row)?;
            if approval.at <= oldest {
                expired.push((row, approval));
            }
        }
        if expired.is_empty() {
            return Ok(());
        }
        let under_way: BTreeSet<String> = self.under_way().await?.iter().map(ToString::to_string).collect();
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        for (row, approval) in expired.into_iter().filter(|(row, _)| !under_way.contains(operation_of(&row.key))) {
            expire(&mut changes, Table::Approval, &row);
            let ApprovalRow { by, at, plan, .. } = &approval;
            let kind = if is_approval(&row.key) { "approval_expired" } else { "confirmation_expired" };
            changes.journal(kind, &plan.to_string(), &(&row.key, by, at));
        }
        self.purged(changes).await
    }

    async fn purge_plans(&self, rows: Vec<Row>, now: i64) -> Result<(), Error> {
        let oldest = now.saturating_sub(self.core.retention.plans.num_milliseconds());
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        let mut under_way = None;
        for row in rows {
            let Made { made, by, also } = parse(Table::Plan, &row)?;
            if made.is_some_and(|made| made > oldest) {
                continue;
            }
            let plan: Plan = parse(Table::Plan, &row)?;
            if made.is_none() {
                // Stored before this was noted: its time begins now.
                let key = RowKey::new(Table::Plan, row.key);
                changes.commit.expect.push((key.clone(), Some(row.revision)));
                let by = by.unwrap_or_else(Self::engine);
                changes.put(key, &PlanRow { plan: &plan, made: now, by, also, again: true });
                continue;
            }
            if under_way.is_none() {
                under_way = Some(self.under_way().await?);
            }
            let is_under_way =
                |operation: &Operation| under_way.as_ref().is_some_and(|keys| keys.contains(&operation.key));
            if !plan.operations.iter().any(is_under_way) && !self.is_approved(&plan).await? {
                expire(&mut changes, Table::Plan, &row);
            }
        }
        self.purged(changes).await
    }

    /// Whether an operation of a plan is approved.
    async fn is_approved(&self, plan: &Plan) -> Result<bool, Error> {
        for page in plan.operations.chunks(AT_ONCE) {
            let keys: Vec<RowKey> = page.iter().map(approval_key).collect();
            let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load approvals"))?;
            if rows.iter().any(Option::is_some) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The operations that were intended and are not settled.
    async fn under_way(&self) -> Result<BTreeSet<Digest>, Error> {
        let mut keys = BTreeSet::new();
        for row in self.all_rows(Table::Outbox, "", "list writes under way").await? {
            let row: OutboxRow = parse(Table::Outbox, &row)?;
            keys.extend(row.operations.iter().map(|operation| operation.key));
        }
        Ok(keys)
    }

    /// Commits what a page came to, whatever the model is: nothing of it is read by one. A row that somebody changed
    /// meanwhile is looked at again with the next sweep, and the page with it.
    async fn purged(&self, changes: Changes<'_>) -> Result<(), Error> {
        if !changes.commit.put.is_empty() || !changes.commit.delete.is_empty() {
            self.commit_anyhow("purge what has run out", changes.commit).await?;
        }
        Ok(())
    }

    /// Stores a plan, or that it was made again; `None`: it is stored and was made lately.
    pub(super) fn plan_row<'p>(
        &self,
        plan: &'p Plan,
        by: &Actor,
        stored: Option<Row>,
    ) -> Result<Option<PlanRow<'p>>, Error> {
        let now = self.now();
        let new = |by: &Actor| PlanRow { plan, made: now, by: by.clone(), also: BTreeSet::new(), again: false };
        let Some(stored) = stored else { return Ok(Some(new(by))) };
        let made: Made = parse(Table::Plan, &stored)?;
        let key = RowKey::new(Table::Plan, stored.key.clone());
        let stored =
            self.core.memory.plans.get(&self.id, &key, stored, |row| Ok(Arc::new(parse(Table::Plan, row)?)))?;
        if *stored != *plan {
            return Ok(Some(new(by)));
        }
        let known = made.makers().any(|maker| maker == by);
        let lately = made.made.is_some_and(|made| !self.core.retention.renews(made, now));
        let Made { by: first, mut also, .. } = made;
        let first = first.unwrap_or_else(|| by.clone());
        if !known && first != *by {
            also.insert(by.clone());
        }
        Ok((!known || !lately).then_some(PlanRow { plan, made: now, by: first, also, again: true }))
    }
}

/// Deletes a row as it was read.
fn expire(changes: &mut Changes<'_>, table: Table, row: &Row) {
    let key = RowKey::new(table, row.key.clone());
    changes.commit.expect.push((key.clone(), Some(row.revision)));
    changes.delete(key);
}
