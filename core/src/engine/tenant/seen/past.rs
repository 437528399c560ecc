//! The past as an actor may see it: what was, by the role that they have today.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::engine::case::Case;
use crate::engine::tenant::as_of::{AsOf, PlanThen};
use crate::engine::tenant::cases::CaseFilter;
use crate::engine::tenant::seen::Seen;
use crate::error::Error;
use crate::explain::Explanation;
use crate::id::{ConnectionName, EntityId, Id};
use crate::model::Canonical;
use crate::plan::GivenStanding;
use crate::role::Role;
use crate::rollout::ConnectionState;
use crate::view::{EntityView, View};

/// A tenant as it was, as an actor may see it today: [`Seen::as_of`].
#[derive(Debug, Clone)]
pub struct SeenAsOf {
    seen: Seen,
    then: AsOf,
}

impl Seen {
    /// As [`Tenant::as_of`](crate::engine::Tenant::as_of): what was, as the actor may see it by the role that they have today. What was
    /// personal data then and is none by today's model is shown as today's.
    #[must_use]
    pub fn as_of(&self, at: DateTime<Utc>) -> SeenAsOf {
        SeenAsOf { seen: self.clone(), then: self.tenant.as_of(at) }
    }
}

impl SeenAsOf {
    /// As [`AsOf::inspect`]. The struct cannot be masked: it is given to those who may see all of it.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`], also where one attribute may not be seen; and as [`AsOf::inspect`].
    pub async fn inspect<E: Canonical>(&self, id: Id<E>) -> Result<View<E>, Error> {
        let of = self.seen.tenant.entity_model(E::ENTITY)?;
        let sight = self.seen.sight(self.seen.for_all_of(of), "see every attribute of this type").await?;
        let view = self.then.inspect(id).await?;
        sight.note(&view.entity.id.text(), "inspect", view.entity.units.iter().any(|unit| unit.pii)).await?;
        Ok(view)
    }

    /// As [`AsOf::inspect_erased`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`AsOf::inspect_erased`].
    pub async fn inspect_erased(&self, id: EntityId) -> Result<EntityView, Error> {
        let sight = self.seen.sight(Role::Viewer, "look at entities").await?;
        let view = self.then.inspect_erased(id).await?;
        sight.masked(view, "inspect").await
    }

    /// As [`AsOf::explain_erased`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`AsOf::explain_erased`].
    pub async fn explain_erased(&self, id: EntityId, unit: &str) -> Result<Explanation, Error> {
        let sight = self.seen.sight(Role::Viewer, "look at entities").await?;
        let explained = self.then.explain_erased(id, unit).await?;
        sight.hidden(explained).await
    }

    /// As [`AsOf::open_cases`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`AsOf::open_cases`].
    pub async fn open_cases(&self, filter: &CaseFilter) -> Result<Vec<Case>, Error> {
        let sight = self.seen.sight(Role::Viewer, "look at cases").await?;
        let mut cases = self.then.open_cases(filter).await?;
        let mut shown_of = BTreeSet::new();
        sight.mask_cases(&mut cases, &mut shown_of);
        sight.note_of(&shown_of, "open_cases").await?;
        Ok(cases)
    }

    /// As [`AsOf::connections`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`AsOf::connections`].
    pub async fn connections(&self) -> Result<BTreeMap<ConnectionName, ConnectionState>, Error> {
        self.seen.sight(Role::Viewer, "list connections").await?;
        self.then.connections().await
    }

    /// As [`AsOf::standing_approvals`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`AsOf::standing_approvals`].
    pub async fn standing_approvals(&self) -> Result<Vec<GivenStanding>, Error> {
        self.seen.sight(Role::Viewer, "list standing approvals").await?;
        self.then.standing_approvals().await
    }

    /// As [`AsOf::plans`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`AsOf::plans`].
    pub async fn plans(&self) -> Result<Vec<PlanThen>, Error> {
        self.seen.sight(Role::Viewer, "list plans").await?;
        self.then.plans().await
    }
}
