//! Lists without values, as an actor may see them: plans, connections and standing approvals, for whoever has a role.

use std::collections::BTreeMap;

use crate::engine::tenant::plans::PlanSummary;
use crate::engine::tenant::seen::Seen;
use crate::error::Error;
use crate::id::ConnectionName;
use crate::plan::{GivenStanding, PlanHash, StandingId};
use crate::role::Role;
use crate::rollout::ConnectionState;

impl Seen {
    /// As [`Tenant::plans`](crate::engine::Tenant::plans).
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::plans`](crate::engine::Tenant::plans).
    pub async fn plans(&self, after: Option<PlanHash>, limit: usize) -> Result<Vec<PlanSummary>, Error> {
        self.sight(Role::Viewer, "list plans").await?;
        self.tenant.plans(after, limit).await
    }

    /// As [`Tenant::connections`](crate::engine::Tenant::connections).
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::connections`](crate::engine::Tenant::connections).
    pub async fn connections(&self) -> Result<BTreeMap<ConnectionName, ConnectionState>, Error> {
        self.sight(Role::Viewer, "list connections").await?;
        self.tenant.connections().await
    }

    /// As [`Tenant::standing_approvals`](crate::engine::Tenant::standing_approvals).
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::standing_approvals`](crate::engine::Tenant::standing_approvals).
    pub async fn standing_approvals(
        &self,
        after: Option<StandingId>,
        limit: usize,
    ) -> Result<Vec<GivenStanding>, Error> {
        self.sight(Role::Viewer, "list standing approvals").await?;
        self.tenant.standing_approvals(after, limit).await
    }
}
