//! What stood open at an instant, and what was allowed then: cases, connections, standing approvals, plans.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::discrepancy::DiscrepancyState;
use crate::engine::case::{Case, CaseKind};
use crate::engine::tenant::as_of::AsOf;
use crate::engine::tenant::cases::{CaseFilter, is_desk};
use crate::engine::tenant::replay::read;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName};
use crate::plan::{GivenStanding, PlanHash, Scope};
use crate::rollout::ConnectionState;

/// A plan as the journal knows it: what it was called, what it covered, and which of its operations were approved. What each of
/// them would have written is in the plan itself, while that is kept ([`Tenant::stored_plan`](crate::engine::Tenant::stored_plan)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanThen {
    /// Its name.
    pub hash: PlanHash,
    /// What it covered.
    pub scope: Scope,
    /// Who made it first.
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Its operations, by key.
    pub operations: Vec<Digest>,
    /// Those that somebody had approved by then, by key.
    pub approved: Vec<Digest>,
}

impl AsOf {
    /// The cases that were open then, discrepancies and those about records and matches, with all that people had noted on them:
    /// the gravest first, as they weighed at that instant, then by name. What earlier versions opened about records and matches
    /// is not among them: they did not journal it.
    ///
    /// Folds the journal up to the instant, as [`AsOf::replay`] does.
    ///
    /// # Errors
    ///
    /// As [`AsOf::replay`].
    pub async fn open_cases(&self, filter: &CaseFilter) -> Result<Vec<Case>, Error> {
        let replayed = self.replay().await?;
        let (core, now) = (&self.tenant.core, self.at.timestamp_millis());
        let mut cases = Vec::new();
        for entity in replayed.entities.values().filter(|entity| entity.merged_into.is_none()) {
            let waiting = entity.discrepancies.values().filter(|one| one.state == DiscrepancyState::Waiting);
            for discrepancy in waiting {
                let case = Case::of_discrepancy(core, entity, discrepancy, now);
                if !self.tenant.lists(filter, &case, Some(discrepancy), now) {
                    continue;
                }
                let desk = replayed.desks.get(&case.key).cloned().unwrap_or_default();
                cases.push(case.with_desk(desk));
            }
        }
        for (key, row) in replayed.cases {
            let Some(kind) = CaseKind::of_key(&key) else { continue };
            let case = self.tenant.case_of(key, kind, row).at(now);
            if self.tenant.lists(filter, &case, None, now) {
                let desk = replayed.desks.get(&case.key).cloned().unwrap_or_default();
                cases.push(case.with_desk(desk));
            }
        }
        cases.retain(|case| is_desk(filter, case));
        cases.sort_by(|a, b| (Reverse(a.severity), &a.key).cmp(&(Reverse(b.severity), &b.key)));
        Ok(cases)
    }

    /// How every connection stood then, by name: as [`Tenant::connections`](crate::engine::Tenant::connections).
    ///
    /// # Errors
    ///
    /// As [`AsOf::replay`].
    pub async fn connections(&self) -> Result<BTreeMap<ConnectionName, ConnectionState>, Error> {
        let mut then = self.replay().await?.connections;
        let names = self.tenant.core.connections.keys();
        Ok(names.map(|name| (name.clone(), then.remove(name).unwrap_or_default())).collect())
    }

    /// The standing approvals that had been given by then, withdrawn and used up ones included, in the order of their ids.
    ///
    /// # Errors
    ///
    /// As [`AsOf::replay`].
    pub async fn standing_approvals(&self) -> Result<Vec<GivenStanding>, Error> {
        Ok(self.replay().await?.standing.into_values().collect())
    }

    /// The plans that had been made by then, in the order of their names, and what of each was approved. Those that ran out since
    /// are among them; those that were made before the journal was compacted are not.
    ///
    /// # Errors
    ///
    /// As [`AsOf::replay`]; [`Error::Contended`] if the journal was compacted meanwhile: ask again.
    pub async fn plans(&self) -> Result<Vec<PlanThen>, Error> {
        let place = self.tenant.journal_place(self.at).await?;
        let mut plans: BTreeMap<PlanHash, PlanThen> = BTreeMap::new();
        let until = |entry: &crate::journal::Entry| entry.seq <= place;
        let told = self.tenant.each_entry_while(until, |entry, payload| {
            let Some(payload) = payload else { return Ok(()) };
            match entry.kind.as_str() {
                "planned" => {
                    let (hash, scope, operations): (PlanHash, Scope, Vec<Digest>) = read(entry, payload)?;
                    let approved = plans.remove(&hash).map(|before| before.approved).unwrap_or_default();
                    let (by, at) = (entry.actor.clone(), entry.at);
                    plans.insert(hash, PlanThen { hash, scope, by, at, operations, approved });
                }
                "approved" => {
                    let (hash, keys): (PlanHash, Vec<Digest>) = read(entry, payload)?;
                    if let Some(plan) = plans.get_mut(&hash) {
                        plan.approved.extend(keys);
                        plan.approved.sort_unstable();
                        plan.approved.dedup();
                    }
                }
                _ => {}
            }
            Ok(())
        });
        told.await?;
        Ok(plans.into_values().collect())
    }
}
