//! How far a plan is: what of it took effect, and what is outstanding and why. Read from what is stored, so that any process
//! can ask, also after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, case_key};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::tenant::apply::outbox::{OutboxRow, outbox_key};
use crate::error::Error;
use crate::id::{Actor, EntityId};
use crate::plan::{Operation, Plan, PlanDraft, PlanHash, Scope, StandingId, Target, still_planned};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// How many operations are looked at at a time.
const PAGE: usize = 200;

/// How far a plan is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// The plan.
    pub plan: PlanHash,
    /// How many operations it has.
    pub of: usize,
    /// How many of them are in effect.
    pub done: usize,
    /// All others, in the order of the plan, each with why it is outstanding.
    pub outstanding: Vec<(Operation, Outstanding)>,
}

/// How far a plan is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlanState {
    /// Nothing of it was begun.
    Proposed,
    /// Some of it took effect, was refused or is under way; [`Progress::outstanding`] names the rest.
    PartiallyApplied,
    /// All of it is in effect.
    Applied,
}

/// Why an operation of a plan is not in effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outstanding {
    /// Nobody approved it.
    Unapproved,
    /// It is approved, and waits to be applied.
    Approved {
        /// Who approved it.
        by: Actor,
    },
    /// A standing approval covers it; it waits to be applied.
    Covered {
        /// The standing approval.
        standing: StandingId,
    },
    /// Its connection is held, paused, only observed, or outside its windows.
    Waits {
        /// Why.
        why: Text,
    },
    /// It was sent, and its outcome is not known yet.
    UnderWay,
    /// The system refused it.
    Refused {
        /// Why.
        why: Text,
    },
    /// It is not what would be done today: its target or golden moved. It belongs to the next plan, or is owed no more.
    Moved,
}

impl Progress {
    /// How far the plan is, in a word.
    #[must_use]
    pub fn state(&self) -> PlanState {
        let begun = |(_, why): &(_, Outstanding)| matches!(why, Outstanding::UnderWay | Outstanding::Refused { .. });
        match (self.outstanding.is_empty(), self.done > 0 || self.outstanding.iter().any(begun)) {
            (true, _) => PlanState::Applied,
            (false, true) => PlanState::PartiallyApplied,
            (false, false) => PlanState::Proposed,
        }
    }
}

impl fmt::Display for PlanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PlanState::Proposed => "proposed",
            PlanState::PartiallyApplied => "partially applied",
            PlanState::Applied => "applied",
        })
    }
}

impl fmt::Display for Outstanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outstanding::Unapproved => f.write_str("not approved"),
            Outstanding::Approved { by } => write!(f, "approved by {by}, not applied"),
            Outstanding::Covered { standing } => {
                write!(f, "covered by standing approval {}, not applied", standing.short())
            }
            Outstanding::Waits { why } => write!(f, "waits: {why}"),
            Outstanding::UnderWay => f.write_str("sent, and not answered"),
            Outstanding::Refused { why } => write!(f, "refused: {why}"),
            Outstanding::Moved => f.write_str("not what would be done today"),
        }
    }
}

/// `partially applied: 3 of 5`, then a line per outstanding operation.
///
/// Values stand in it as they are: mask it for readers who may not see personal data.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {}", self.state(), self.done, self.of)?;
        for (operation, why) in &self.outstanding {
            write!(f, "\n{why}: {operation}")?;
        }
        Ok(())
    }
}

/// Operations by how they stand.
#[derive(Debug, Default)]
pub(crate) struct Sorted<'o> {
    /// What is to be done still.
    pub(crate) owed: Vec<&'o Operation>,
    /// What was sent, and is not answered.
    pub(crate) under_way: Vec<&'o Operation>,
    /// How many are in effect.
    pub(crate) in_effect: usize,
    /// What is not what would be done today.
    pub(crate) moved: Vec<&'o Operation>,
    /// The revisions of entities and of writes under way that were looked at; `None`: there was no row.
    pub(crate) seen: BTreeMap<RowKey, Option<u64>>,
}

/// How an operation stands, whoever approved it.
enum Stands {
    InEffect,
    UnderWay,
    Planned,
    Moved,
}

impl Tenant {
    /// How far a plan is: what took effect, and what is outstanding and why. Changes nothing.
    ///
    /// What took effect and was changed again by somebody is not what would be done today: it is counted as moved.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`].
    pub async fn progress(&self, hash: PlanHash) -> Result<Progress, Error> {
        let plan = self.stored_plan(hash).await?;
        let mut progress = Progress { plan: hash, of: plan.operations.len(), done: 0, outstanding: Vec::new() };
        for page in plan.operations.chunks(PAGE) {
            let stands = self.how_stand(&plan, page, &mut BTreeMap::new()).await?;
            let approvals = self.approvals(page).await?;
            let refusals: Vec<RowKey> =
                page.iter().map(|operation| case_key(CaseKind::Refused, operation.key)).collect();
            let refusals = self.core.store.load(&self.id, &refusals).await.map_err(Error::store("load refusals"))?;
            let covered = self.covered(&page.iter().collect::<Vec<_>>(), plan.kind).await?;
            for (((operation, stands), approval), refusal) in page.iter().zip(stands).zip(approvals).zip(refusals) {
                let why = match (stands, refusal, approval) {
                    (Stands::InEffect, ..) => {
                        progress.done += 1;
                        continue;
                    }
                    (Stands::UnderWay, ..) => Outstanding::UnderWay,
                    (Stands::Moved, ..) => Outstanding::Moved,
                    (Stands::Planned, Some(row), _) => {
                        let case: CaseRow = parse(Table::Case, &row)?;
                        Outstanding::Refused { why: case.reason }
                    }
                    (Stands::Planned, None, approval) => {
                        let mut loader = Loader::new(&self.core, &self.id);
                        let waits = match self.writes_wait(&mut loader, operation.target.connection()).await? {
                            Some(waiting) => Some(waiting),
                            None => {
                                let stopped =
                                    self.stopped_by_schema(&mut loader, std::slice::from_ref(operation)).await?;
                                stopped.into_iter().next().map(|(_, waiting)| waiting)
                            }
                        };
                        match (waits, approval) {
                            (Some(waiting), _) => Outstanding::Waits { why: waiting.why },
                            (None, Some(approval)) => Outstanding::Approved { by: approval.by },
                            (None, None) => match covered.get(&operation.key) {
                                Some(standing) => Outstanding::Covered { standing: *standing },
                                None => Outstanding::Unapproved,
                            },
                        }
                    }
                };
                progress.outstanding.push((operation.clone(), why));
            }
        }
        Ok(progress)
    }

    /// Those of the operations that are to be done still: not in effect, and not under way.
    ///
    /// # Errors
    ///
    /// [`Error::PlanMoved`] if any of them is not what would be done today, and is neither in effect nor under way.
    pub(crate) async fn still_owed<'o>(
        &self,
        plan: &Plan,
        operations: &'o [Operation],
    ) -> Result<Vec<&'o Operation>, Error> {
        let sorted = self.sort_by_standing(plan, operations).await?;
        Self::require_unmoved(plan, operations, &sorted)?;
        Ok(sorted.owed)
    }

    /// Refuses operations of which any moved.
    pub(crate) fn require_unmoved(plan: &Plan, operations: &[Operation], sorted: &Sorted<'_>) -> Result<(), Error> {
        let moved = &sorted.moved;
        let Some(first) = moved.first() else { return Ok(()) };
        let place = match &first.target {
            Target::Record(record) => record.to_string(),
            Target::New { connection, object, .. } => format!("{connection}/{object}"),
        };
        let first = format!("{place} {}", first.unit).into();
        Err(Error::PlanMoved { plan: plan.hash, moved: moved.len(), of: operations.len(), first })
    }

    /// Which of the operations are to be done still, and which are not what would be done today.
    pub(crate) async fn sort_by_standing<'o>(
        &self,
        plan: &Plan,
        operations: &'o [Operation],
    ) -> Result<Sorted<'o>, Error> {
        let mut sorted = Sorted::default();
        for page in operations.chunks(PAGE) {
            let stands = self.how_stand(plan, page, &mut sorted.seen).await?;
            for (operation, stands) in page.iter().zip(stands) {
                match stands {
                    Stands::Planned => sorted.owed.push(operation),
                    Stands::Moved => sorted.moved.push(operation),
                    Stands::UnderWay => sorted.under_way.push(operation),
                    Stands::InEffect => sorted.in_effect += 1,
                }
            }
        }
        Ok(sorted)
    }

    /// How operations of a plan stand today, in their order. Adds to `seen` what that rests on.
    async fn how_stand(
        &self,
        plan: &Plan,
        operations: &[Operation],
        seen: &mut BTreeMap<RowKey, Option<u64>>,
    ) -> Result<Vec<Stands>, Error> {
        let entities: BTreeSet<EntityId> = operations.iter().map(|operation| operation.entity).collect();
        let entities: Vec<EntityId> = entities.into_iter().collect();
        let creates = self.creates().await?;
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(&entities).await?;
        loader.references().await?;
        loader.golden_references().await?;
        let mut draft = PlanDraft::new(plan.kind, Scope::default());
        self.plan_loaded(&loader.loaded.set, &entities, &creates, &mut draft).await?;
        let keys: Vec<RowKey> = operations.iter().map(outbox_key).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("list writes under way"))?;
        seen.extend(keys.into_iter().zip(rows.iter().map(|row| row.as_ref().map(|row| row.revision))));
        seen.extend(
            loader.loaded.revisions.iter().filter(|(key, _)| key.table == Table::Entity).map(|(k, r)| (k.clone(), *r)),
        );
        let set = &loader.loaded.set;
        operations
            .iter()
            .zip(rows)
            .map(|(operation, row)| {
                let under_way: Option<OutboxRow> = row.map(|row| parse(Table::Outbox, &row)).transpose()?;
                if under_way.is_some_and(|row| row.operations.iter().any(|sent| sent.key == operation.key)) {
                    return Ok(Stands::UnderWay);
                }
                if self.holds(&loader, operation) {
                    return Ok(Stands::InEffect);
                }
                let Some(index) = set.find_entity(operation.entity) else { return Ok(Stands::Moved) };
                let model = self.core.model.entity(set.entity(index).entity.entity);
                let planned = still_planned(model, operation, draft.operations());
                Ok(if planned.is_some() { Stands::Planned } else { Stands::Moved })
            })
            .collect()
    }
}
