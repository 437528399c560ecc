//! Approving, and approvals: what a person allowed and nobody has carried out yet. An approval names a target, a unit, what is expected
//! there and what is intended; it ends when the unit is written, by whatever operation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, case_key};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, PART, SEPARATOR, entity_key};
use crate::engine::tenant::apply::outbox::{create_prefix, outbox_key, write_prefix};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::progress::Sorted;
use crate::engine::tenant::standing::{Covered, forget_refusals};
use crate::error::Error;
use crate::id::Actor;
use crate::plan::{Intent, Operation, Plan, PlanHash, Target};
use crate::role::Role;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::value::Field;

/// How many approvals are loaded at a time.
const PAGE: usize = 500;

/// What an approval came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Approved {
    /// How many operations are approved now.
    pub approved: usize,
    /// How many were in effect already: there is nothing to carry out.
    pub in_effect: usize,
    /// How many are not what would be done today, and are not approved.
    pub moved: usize,
    /// How many the plan keeps out, each with the reason: no approval is of those.
    pub parked: usize,
}

/// `3 approved`, and what else there is.
impl std::fmt::Display for Approved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} approved", self.approved)?;
        for (count, what) in [(self.in_effect, "in effect already"), (self.moved, "moved"), (self.parked, "kept out")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// An approval as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApprovalRow {
    pub(crate) by: Actor,
    /// When it was given, in milliseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) plan: PlanHash,
    /// The unit that may be written, by name.
    #[serde(default)]
    unit: Text,
    /// What the unit must still hold there.
    #[serde(default)]
    expect: Field,
}

impl ApprovalRow {
    /// An operation of a plan is approved.
    pub(crate) fn new(operation: &Operation, by: &Actor, at: i64, plan: PlanHash) -> Self {
        Self { by: by.clone(), at, plan, unit: operation.unit.clone(), expect: operation.expect.clone() }
    }
}

/// The row of an operation's approval, beside all others of its target.
pub(crate) fn approval_key(operation: &Operation) -> RowKey {
    let key = Text::of_parts(&[&of_target(operation), &operation.unit, PART, &operation.key.text()]);
    RowKey::new(Table::Approval, key)
}

/// Whether a row among the approvals approves an operation.
pub(crate) fn is_approval(key: &str) -> bool {
    key.starts_with(write_prefix()) || key.starts_with(create_prefix())
}

/// What the keys of all approvals of an operation's target begin with.
fn of_target(operation: &Operation) -> Text {
    Text::of_parts(&[&outbox_key(operation).key, PART])
}

/// The key of the operation that a row's key names.
pub(crate) fn operation_of(row: &str) -> &str {
    row.rsplit(SEPARATOR).next().unwrap_or(row)
}

/// Spends the approvals of operations: what was carried out is not approved for another day.
pub(crate) fn spend(changes: &mut Changes<'_>, operations: &[Operation]) {
    if planted!(ApprovalNotSpent) {
        return;
    }
    for operation in operations {
        changes.delete(approval_key(operation));
    }
}

impl Tenant {
    /// Approves every operation of a plan, durably: another process may apply it.
    ///
    /// An approval names an operation by target, unit, expectation and intent. Planned again, the same operation stays
    /// approved; one that changed does not. Carried out, it is spent: the same edit another day asks again. So is whatever
    /// else was approved of the unit, once it is written there: it was given for what stood there before. What is in
    /// effect already is not approved, because there is nothing to carry out.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`]; [`Error::PlanExpired`]; [`Error::PlanMoved`] if any of it is not what would be done today;
    /// [`Error::OwnPlan`] if it writes what takes two people ([`Builder::four_eyes`](crate::Builder::four_eyes)) and nobody else
    /// asked for it. Then nothing is approved: the plan that is made anew says what differs ([`Plan::diff`]), and
    /// [`Tenant::approve_unmoved`] approves the rest.
    pub async fn approve(&self, hash: PlanHash, by: &Actor) -> Result<Approved, Error> {
        self.require_role(by, Role::Approver, "approve plans").await?;
        self.approve_unless(hash, by, Self::require_unmoved).await
    }

    /// As [`Tenant::approve`], for those operations of a plan that are still what would be done today: of a large plan in
    /// live traffic some have always moved. What moved is not approved; the answer says how many, and the plan that is made
    /// anew has them.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`]; [`Error::PlanExpired`]; [`Error::OwnPlan`].
    pub async fn approve_unmoved(&self, hash: PlanHash, by: &Actor) -> Result<Approved, Error> {
        self.require_role(by, Role::Approver, "approve plans").await?;
        self.approve_unless(hash, by, |_, _, _| Ok(())).await
    }

    /// Approves what of a plan is to be done still, unless `refuse` does.
    ///
    /// What is approved is what was looked at: the commit rests on the entities and on the writes under way. Otherwise one that
    /// another worker carries out in between would leave an approval behind that nothing spends, and that wakes when the same
    /// write is owed another day.
    async fn approve_unless(
        &self,
        hash: PlanHash,
        by: &Actor,
        refuse: impl Fn(&Plan, &[Operation], &Sorted<'_>) -> Result<(), Error> + Send,
    ) -> Result<Approved, Error> {
        let plan = self.stored_plan(hash).await?;
        self.require_standing(hash).await?;
        let mut attempts = Attempts::default();
        loop {
            let sorted = self.sort_by_standing(&plan, &plan.operations).await?;
            refuse(&plan, &plan.operations, &sorted)?;
            let approved = || sorted.owed.iter().chain(&sorted.under_way).copied();
            self.require_to_write(by, approved()).await?;
            self.require_other_maker(&plan, approved(), by).await?;
            let answer = Approved {
                approved: approved().count(),
                in_effect: sorted.in_effect,
                moved: sorted.moved.len(),
                parked: plan.parked.len(),
            };
            let as_of = self.now();
            let mut changes = Changes::new(&self.core, as_of, by);
            for operation in approved() {
                changes.put(approval_key(operation), &ApprovalRow::new(operation, by, as_of, hash));
                changes.delete(case_key(CaseKind::Refused, operation.key));
                for key in [entity_key(operation.entity), outbox_key(operation)] {
                    changes
                        .commit
                        .expect
                        .extend(sorted.seen.get_key_value(&key).map(|(key, seen)| (key.clone(), *seen)));
                }
            }
            forget_refusals(&mut changes, approved());
            let keys: Vec<_> = approved().map(|operation| operation.key).collect();
            if keys.is_empty() {
                return Ok(answer);
            }
            changes.journal("approved", &hash.to_string(), &(hash, keys));
            if attempts.commit(self, "store an approval", changes.commit).await? {
                self.core.bells.ring(&self.id);
                return Ok(answer);
            }
        }
    }

    /// Takes those operations off `operations` that rest on an approval by name which may be used no longer: since it was
    /// looked up, another worker carried it out and spent it, or it ran out. Whoever asked commits only if the others stay.
    pub(crate) async fn keep_to_approvals(
        &self,
        loader: &mut Loader<'_>,
        operations: &mut Vec<Operation>,
        covered: &Covered,
    ) -> Result<(), Error> {
        if planted!(ApprovalNotAsked) {
            return Ok(());
        }
        let named = |operation: &&Operation| !covered.contains_key(&operation.key);
        let keys: Vec<RowKey> = operations.iter().filter(named).map(approval_key).collect();
        let rows = loader.rows(&keys).await?;
        let mut gone = BTreeSet::new();
        for (key, row) in keys.into_iter().zip(rows) {
            if self.usable(row.as_ref())?.is_none() {
                gone.insert(key);
            }
        }
        operations.retain(|operation| !gone.contains(&approval_key(operation)));
        Ok(())
    }

    /// The approvals of operations that may be used now, in their order: one that was given too long ago is none, whether or
    /// not it was purged yet.
    pub(crate) async fn approvals(
        &self,
        operations: impl IntoIterator<Item = &Operation> + Send,
    ) -> Result<Vec<Option<ApprovalRow>>, Error> {
        let keys: Vec<RowKey> = operations.into_iter().map(approval_key).collect();
        let mut approvals = Vec::with_capacity(keys.len());
        for page in keys.chunks(PAGE) {
            let rows = self.core.store.load(&self.id, page).await.map_err(Error::store("load approvals"))?;
            for row in rows {
                approvals.push(self.usable(row.as_ref())?);
            }
        }
        Ok(approvals)
    }

    /// The approval that a row holds, unless it was given too long ago.
    fn usable(&self, row: Option<&Row>) -> Result<Option<ApprovalRow>, Error> {
        let oldest = self.now().saturating_sub(self.core.retention.plans.num_milliseconds());
        let approval: Option<ApprovalRow> = row.map(|row| parse(Table::Approval, row)).transpose()?;
        Ok(approval.filter(|approval| approval.at > oldest))
    }

    /// Spends the approvals of operations that took effect, and ends what else was approved of the units that they wrote:
    /// it was given for what stood there before, and must not wake when that comes back another day. What goes on from
    /// what the units hold now stays approved.
    pub(crate) async fn end_approvals(
        &self,
        loader: &Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &[Operation],
    ) -> Result<(), Error> {
        spend(changes, operations);
        forget_refusals(changes, operations);
        let Some(first) = operations.first() else { return Ok(()) };
        let own: Vec<RowKey> = operations.iter().map(approval_key).collect();
        // Of a record that was made or archived nothing is left as it was.
        let whole = !matches!(first.intent, Intent::Set(_));
        for row in self.all_rows(Table::Approval, &of_target(first), "list approvals of a record").await? {
            let approval: ApprovalRow = parse(Table::Approval, &row)?;
            let written = operations.iter().find(|operation| operation.unit == approval.unit);
            let key = RowKey::new(Table::Approval, row.key);
            if (written.is_none() && !whole) || own.contains(&key) {
                continue;
            }
            let holds = written.and_then(|operation| match &operation.target {
                Target::Record(record) => self.shows(loader, operation.entity, record, &operation.unit),
                Target::New { .. } => None,
            });
            if holds.is_some_and(|holds| holds == approval.expect) {
                continue;
            }
            let ApprovalRow { by, at, plan, .. } = &approval;
            changes.journal("approval_overtaken", &plan.to_string(), &(&key.key, by, at));
            changes.delete(key);
        }
        Ok(())
    }
}
