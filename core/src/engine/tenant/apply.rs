//! Applying: intents are durable before a call, receipts after it. What a crash leaves in between is probed, never
//! blindly sent again.

mod applied;
mod bases;
mod limits;
pub(crate) mod outbox;
mod receipt;
mod recover;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

pub use applied::{Applied, Applying, FailedCall};

use crate::connector::{ConnectorError, ConnectorErrorKind, Retry};
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::creates::Creates;
use crate::engine::tenant::matching::waits_for_matching;
use crate::engine::tenant::standing::Covered;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{ConnectionName, EntityId};
use crate::plan::{Counted, Intent, Operation, Plan, PlanDraft, PlanHash, PlanKind, Scope, still_planned};
use crate::rollout::Waiting;
use crate::telemetry::in_span;
use crate::text::Text;
use outbox::{Intended, OutboxRow, outbox_key};
pub(crate) use outbox::{create_row, write_row};

/// How many writes one call carries.
const WRITES_AT_ONCE: usize = 50;

/// How many entities are looked at at a time.
const PAGE: usize = 200;

/// What an application goes by.
struct Allowed {
    kind: PlanKind,
    /// What the limits were measured against when it began.
    counted: Counted,
    /// Which operations rest on standing approvals.
    covered: Covered,
}

impl Tenant {
    /// Applies the approved operations of a plan.
    ///
    /// Each is checked again: if its target or golden moved, it is not run but belongs to the successor plan, whose hash
    /// the result names. Limits are checked again too. Dropping the future loses nothing; applying the plan again goes on
    /// where it stopped. First, what earlier applications left without a receipt in the plan's connections is settled, and
    /// counted.
    ///
    /// An approval runs out ([`Retention::plans`](crate::engine::Retention::plans)), and so does a plan: what was approved of
    /// it in time is carried out however old the plan is, and what only a standing approval covers is not.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`]; [`Error::PlanExpired`] if nothing of it was approved in time. A system that cannot be called
    /// defers its operations.
    pub async fn apply(&self, hash: PlanHash) -> Result<Applied, Error> {
        self.apply_while(hash, |_| true).await
    }

    /// As [`Tenant::apply`], for applications that take long: before every call to a system `go_on` is told how far the
    /// application is, and says whether it goes on. What it is stopped before stays approved; applying the plan again goes
    /// on there, and [`Tenant::progress`] says what is outstanding.
    ///
    /// # Errors
    ///
    /// As [`Tenant::apply`].
    pub async fn apply_while(
        &self,
        hash: PlanHash,
        go_on: impl FnMut(Applying) -> bool + Send,
    ) -> Result<Applied, Error> {
        let plan = self.stored_plan(hash).await?;
        let recovered = self.recover_in(&connections_of(&plan)).await?;
        self.apply_plan(&plan, recovered, go_on).await
    }

    /// Applies a plan, after what earlier applications left was seen to.
    pub(crate) async fn apply_plan(
        &self,
        plan: &Plan,
        recovered: Applied,
        go_on: impl FnMut(Applying) -> bool + Send,
    ) -> Result<Applied, Error> {
        in_span!("apply", { tenant = self.id, plan = plan.hash }, self.carry_out(plan, recovered, go_on))
    }

    async fn carry_out(
        &self,
        plan: &Plan,
        recovered: Applied,
        mut go_on: impl FnMut(Applying) -> bool + Send,
    ) -> Result<Applied, Error> {
        let (hash, mut applied) = (plan.hash, recovered);
        let (approved, covered) = self.approved(plan, &mut applied).await?;
        if approved.is_empty() && applied.unapproved > 0 {
            self.require_standing(hash).await?;
        }
        let (approved, counted) = self.within_limits(approved, &mut applied).await?;
        let allowed = Allowed { kind: plan.kind, counted, covered };
        let mut applying = Applying { begun: 0, of: approved.iter().map(Vec::len).sum() };
        'calls: for (connection, groups) in by_connection(approved) {
            for groups in groups.chunks(WRITES_AT_ONCE) {
                if !go_on(applying) {
                    applied.stopped = applying.of - applying.begun;
                    break 'calls;
                }
                self.call(&connection, groups, &allowed, &mut applied).await?;
                applying.begun += groups.iter().map(Vec::len).sum::<usize>();
            }
        }
        if applied.stopped > 0 {
            // The plan itself goes on where it was stopped.
            return Ok(applied);
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

    /// The operations that approvals name, or standing approvals cover, in order, those of one record together; and which
    /// rest on which standing approval.
    async fn approved(&self, plan: &Plan, applied: &mut Applied) -> Result<(Vec<Vec<Operation>>, Covered), Error> {
        let operations = &plan.operations;
        let rows = self.approvals(operations).await?;
        let named = |row: &Option<_>| row.is_some() || planted!(ApprovalNotAsked);
        let unnamed = operations.iter().zip(&rows).filter(|(_, row)| !named(row)).map(|(operation, _)| operation);
        let unnamed: Vec<&Operation> = unnamed.collect();
        // An approval is spent by what it approved: without one, the operation may have been carried out.
        let in_effect = self.in_effect(unnamed.clone()).await?;
        let left: Vec<&Operation> = unnamed.into_iter().filter(|o| !in_effect.contains(&o.key)).collect();
        // A plan that ran out is carried out as far as people approved it in time.
        let covered = match self.require_standing(plan.hash).await {
            Ok(()) => self.covered(&left, plan.kind).await?,
            Err(Error::PlanExpired { .. }) => Covered::new(),
            Err(error) => return Err(error),
        };
        applied.already += in_effect.len();
        applied.unapproved += left.len() - covered.len();
        let mut groups: Vec<Vec<Operation>> = Vec::new();
        for (operation, row) in operations.iter().zip(&rows) {
            if !named(row) && !covered.contains_key(&operation.key) {
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
        Ok((groups, covered))
    }

    /// Those of the operations whose targets hold already what they would write, by key.
    pub(crate) async fn in_effect(&self, operations: Vec<&Operation>) -> Result<BTreeSet<Digest>, Error> {
        let mut found = BTreeSet::new();
        for page in operations.chunks(PAGE) {
            let entities: BTreeSet<EntityId> = page.iter().map(|operation| operation.entity).collect();
            let mut loader = Loader::new(&self.core, &self.id);
            loader.entities(&entities.into_iter().collect::<Vec<_>>()).await?;
            loader.references().await?;
            let holding = page.iter().filter(|operation| self.holds(&loader, operation));
            found.extend(holding.map(|operation| operation.key));
        }
        Ok(found)
    }

    /// Runs writes into one connection: intents, one call, receipts.
    async fn call(
        &self,
        name: &ConnectionName,
        groups: &[Vec<Operation>],
        allowed: &Allowed,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let Ok((_, bound)) = self.connection(name.as_str()) else {
            // The connection was taken out since: nothing is planned for it any more.
            applied.superseded += groups.iter().map(Vec::len).sum::<usize>();
            return Ok(());
        };
        let creates = self.creates().await?;
        let mut intended = Vec::new();
        for group in groups {
            intended.extend(self.intend(group, &creates, allowed, applied).await?);
        }
        let intended = self.still_allowed(name, intended, applied).await?;
        if intended.is_empty() {
            return Ok(());
        }
        if intended.iter().any(|intent| self.runs_out(intent.row.lease.as_ref())) {
            // Others may take them over before an answer could be here: they are asked for anew.
            let cause = ConnectorError::new(ConnectorErrorKind::Unavailable, "the lease was half over before the call");
            return self.take_all_back(&intended, &cause, applied).await;
        }
        self.note_live(name, intended.len());
        match bound.connector.write_batch(intended.iter().map(|intent| intent.write.clone()).collect()).await {
            Ok(receipts) => {
                let mut receipts = receipts;
                if planted!(ReceiptsSwapped) {
                    receipts.reverse();
                }
                let mut receipts = receipts.into_iter();
                for intent in &intended {
                    match receipts.next() {
                        Some(receipt) => self.settle_receipt(&intent.row, receipt, applied).await?,
                        // A write without a receipt may have happened.
                        None => applied.unknown += intent.row.operations.len(),
                    }
                }
            }
            // Nothing was sent at all: the intents are taken back, the approvals stand.
            Err(cause) => {
                if let Retry::After(delay) = cause.retry {
                    applied.put_off(self.now(), delay);
                }
                self.take_all_back(&intended, &cause, applied).await?;
                applied.failed.push(FailedCall { connection: name.clone(), doing: "write records", cause });
            }
        }
        Ok(())
    }

    /// Takes back what was intended and not sent: the approvals stand.
    async fn take_all_back(
        &self,
        intended: &[Intended],
        cause: &ConnectorError,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        for intent in intended {
            self.take_back(&intent.row, cause).await?;
            applied.deferred += intent.row.operations.len();
        }
        Ok(())
    }

    /// Looks once more, directly before a call, whether it is allowed: intents are made durable one after the other, and an
    /// operator may have stopped the connection since the first. Takes back the others. The call that has begun is not stopped.
    async fn still_allowed(
        &self,
        name: &ConnectionName,
        intended: Vec<Intended>,
        applied: &mut Applied,
    ) -> Result<Vec<Intended>, Error> {
        if intended.is_empty() {
            return Ok(intended);
        }
        let resting = intended.iter().flat_map(|intent| intent.row.standing.values().copied()).collect();
        let (waiting, over) = self.stops_now(name, &resting).await?;
        let mut allowed = Vec::with_capacity(intended.len());
        for intent in intended {
            let operations = &intent.row.operations;
            if let Some(waiting) = &waiting {
                self.take_back(&intent.row, &waiting.why).await?;
                applied.wait(operations, waiting.clone());
            } else if intent.row.standing.values().any(|id| over.contains(id)) {
                self.take_back(&intent.row, "a standing approval that it rests on covers it no longer").await?;
                let covered = operations.iter().filter(|o| intent.row.standing.contains_key(&o.key)).count();
                applied.unapproved += covered;
                applied.deferred += operations.len() - covered;
            } else {
                allowed.push(intent);
            }
        }
        Ok(allowed)
    }

    /// Checks operations against today's state and makes the intent durable. `None`: there is nothing to send.
    async fn intend(
        &self,
        group: &[Operation],
        creates: &Creates,
        allowed: &Allowed,
        applied: &mut Applied,
    ) -> Result<Option<Intended>, Error> {
        let entity = group[0].entity;
        let outbox = outbox_key(&group[0]);
        let Some(claim) = self.claim(&outbox) else {
            // Another application has a write of this record under way.
            applied.superseded += group.len();
            applied.busy += group.len();
            return Ok(None);
        };
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            if let Some(waiting) = self.writes_wait(&mut loader, group[0].target.connection()).await? {
                applied.wait(group, waiting);
                return Ok(None);
            }
            loader.entities(&[entity]).await?;
            loader.references().await?;
            loader.golden_references().await?;
            // Planning is level-triggered: what is still planned today, with the same expectation, is still right.
            let mut draft = PlanDraft::new(allowed.kind, Scope::from(entity));
            self.plan_loaded(&loader.loaded.set, &[entity], creates, &mut draft).await?;
            let mut valid: Vec<Operation> = match loader.loaded.set.find_entity(entity) {
                None => Vec::new(),
                Some(index) => {
                    let model = self.core.model.entity(loader.loaded.set.entity(index).entity.entity);
                    let today = draft.operations();
                    let still = |operation| match planted!(SupersededCarriedOut) {
                        true => Some(Operation::clone(operation)),
                        false => still_planned(model, operation, today),
                    };
                    group.iter().filter_map(still).collect()
                }
            };
            if let Some(why) = unasked(group, &draft) {
                applied.wait(group, Waiting { why, until: None });
                return Ok(None);
            }
            let under_way = loader.rows(std::slice::from_ref(&outbox)).await?.into_iter().any(|row| row.is_some());
            let under_way = under_way && !planted!(SentBeside);
            let as_of = self.now();
            let mut changes = Changes::new(&self.core, as_of, &Self::engine());
            if valid.is_empty() || under_way {
                let done: Vec<Operation> =
                    group.iter().filter(|operation| self.holds(&loader, operation)).cloned().collect();
                if !done.is_empty() && !under_way {
                    let keys: Vec<_> = done.iter().map(|operation| operation.key).collect();
                    self.end_approvals(&loader, &mut changes, &done).await?;
                    changes.commit.expect.extend(loader.loaded.revisions);
                    changes.journal("in_effect", &entity.to_string(), &keys);
                    if !attempts.commit(self, "spend an approval", changes.commit).await? {
                        continue;
                    }
                }
                applied.already += done.len();
                applied.superseded += group.len() - done.len();
                applied.busy += if under_way { group.len() - done.len() } else { 0 };
                return Ok(None);
            }
            let superseded = group.len() - valid.len();
            let stopped = self.stopped_by_schema(&mut loader, &valid).await?;
            if !stopped.is_empty() {
                valid.retain(|operation| stopped.iter().all(|(other, _)| other.key != operation.key));
                if valid.is_empty() {
                    stopped.into_iter().for_each(|(operation, waiting)| applied.wait(&[operation], waiting));
                    applied.superseded += superseded;
                    return Ok(None);
                }
            }
            let planned = valid.len();
            self.keep_to_approvals(&mut loader, &mut valid, &allowed.covered).await?;
            let mut standing = self.keep_to_standing(&mut loader, &mut changes, &mut valid, &allowed.covered).await?;
            let unapproved = planned - valid.len();
            let beyond = self.keep_to_limits(&mut loader, &mut changes, &mut valid, &allowed.counted).await?;
            standing.retain(|key, _| valid.iter().any(|operation| operation.key == *key));
            if valid.is_empty() {
                stopped.into_iter().for_each(|(operation, waiting)| applied.wait(&[operation], waiting));
                applied.held.extend(beyond);
                applied.unapproved += unapproved;
                applied.superseded += superseded;
                return Ok(None);
            }
            let attempt = self.attempt();
            let mut row =
                OutboxRow { operations: valid, at: as_of, attempt, read: None, standing, lease: self.lease().await? };
            let write = match self.write_of(&loader.loaded.set, &row.operations) {
                Ok(write) => write,
                // Planning asks the same first: this is for what only applying can see.
                Err(reason) => {
                    self.refuse(&row, &reason.to_string().into(), applied).await?;
                    return Ok(None);
                }
            };
            row.read = write.expect_token;
            if planted!(IntentNotDurable) {
                return Ok(Some(Intended { row, write, _claim: claim }));
            }
            let mut facts = Vec::new();
            self.note_sent(&mut loader, &row, &mut facts);
            self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &facts))?;
            changes.put(outbox.clone(), &row);
            changes.journal("intended", &entity.to_string(), &row.operations);
            if !row.standing.is_empty() {
                // Who allowed it, of what nobody approved by hand.
                changes.journal("standing_applied", &entity.to_string(), &row.standing);
            }
            if attempts.commit(self, "store an intent", changes.commit).await? {
                stopped.into_iter().for_each(|(operation, waiting)| applied.wait(&[operation], waiting));
                applied.superseded += superseded;
                applied.unapproved += unapproved;
                applied.held.extend(beyond);
                return Ok(Some(Intended { row, write, _claim: claim }));
            }
        }
    }
}

/// Why a create waits that a matcher or a person is to be asked about first.
fn unasked(group: &[Operation], draft: &PlanDraft) -> Option<Text> {
    let [Operation { intent: Intent::Create(_), target, .. }] = group else { return None };
    let parked = draft.parked().iter().find(|parked| parked.operation.target == *target)?;
    waits_for_matching(&parked.why).then(|| parked.why.clone())
}

/// The connections that a plan writes into.
pub(crate) fn connections_of(plan: &Plan) -> BTreeSet<ConnectionName> {
    plan.operations.iter().map(|operation| operation.target.connection().clone()).collect()
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
