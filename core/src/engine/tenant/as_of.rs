//! Looking back: a tenant as it was at an instant, from the journal.
//!
//! What is shown is what the journal adds up to there, under today's model. Nothing is written down for it beforehand, so
//! that every instant can be asked for.

mod lists;
pub(super) mod past;

use chrono::{DateTime, Utc};

use crate::engine::Tenant;
use crate::engine::tenant::ask::explained;
use crate::engine::tenant::replay::Replayed;
use crate::entity::Entity;
use crate::error::Error;
use crate::explain::Explanation;
use crate::id::{EntityId, Id};
use crate::model::{Attribute, Canonical};
use crate::representation::Representation;
use crate::sight::Ground;
use crate::value::Value;
use crate::view::{EntityView, View};

pub use lists::PlanThen;

/// A tenant as it was. Asked for with [`Tenant::as_of`]; nothing is read before it is asked.
///
/// An entity is put together from the journal's entries about it and its records. Where the clock stepped back, an instant
/// names the state before the first entry that is later than it: the same however the journal goes on.
///
/// Every question fails with [`Error::Compacted`] for an instant before which the journal was compacted ([`Tenant::compact`]).
#[derive(Debug, Clone)]
pub struct AsOf {
    tenant: Tenant,
    at: DateTime<Utc>,
}

impl Tenant {
    /// This tenant as it was at an instant.
    #[must_use]
    pub fn as_of(&self, at: DateTime<Utc>) -> AsOf {
        AsOf { tenant: self.clone(), at }
    }
}

impl AsOf {
    /// The instant.
    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// As [`Tenant::inspect`], then.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if there was no such entity yet, or it is of another type.
    pub async fn inspect<E: Canonical>(&self, id: Id<E>) -> Result<View<E>, Error> {
        self.look(id.erase(), Some(E::ENTITY), |ground, entity, representations| {
            let View { golden, entity } = View::of(ground, entity, representations);
            Ok(View { golden, entity: self.tenant.offered(entity) })
        })
        .await
    }

    /// As [`Tenant::inspect_erased`], then.
    ///
    /// # Errors
    ///
    /// As [`AsOf::inspect`].
    pub async fn inspect_erased(&self, id: EntityId) -> Result<EntityView, Error> {
        let view =
            self.look(id, None, |ground, entity, representations| Ok(EntityView::of(ground, entity, representations)));
        Ok(self.tenant.offered(view.await?))
    }

    /// As [`Tenant::explain`], then.
    ///
    /// # Errors
    ///
    /// As [`AsOf::inspect`]; [`Error::UnknownAttribute`].
    pub async fn explain<E: Canonical, T: Value>(
        &self,
        id: Id<E>,
        attribute: Attribute<E, T>,
    ) -> Result<Explanation, Error> {
        self.explain_as(id.erase(), Some(E::ENTITY), attribute.id()).await
    }

    /// As [`Tenant::explain_erased`], then.
    ///
    /// # Errors
    ///
    /// As [`AsOf::explain`].
    pub async fn explain_erased(&self, id: EntityId, unit: &str) -> Result<Explanation, Error> {
        self.explain_as(id, None, unit).await
    }

    /// Everything as it was: folds the journal up to that place into memory, and verifies the chain on the way.
    ///
    /// # Errors
    ///
    /// As [`Tenant::replay`].
    pub async fn replay(&self) -> Result<Replayed, Error> {
        let place = self.tenant.journal_place(self.at).await?;
        self.tenant.replay_until(place).await
    }

    async fn explain_as(&self, id: EntityId, expected: Option<&'static str>, unit: &str) -> Result<Explanation, Error> {
        self.look(id, expected, |ground, entity, representations| explained(ground, entity, representations, unit))
            .await
    }

    async fn look<R>(
        &self,
        id: EntityId,
        expected: Option<&'static str>,
        work: impl FnOnce(&Ground<'_>, &Entity, &[Option<&Representation>]) -> Result<R, Error> + Send,
    ) -> Result<R, Error> {
        let unknown = || Error::UnknownEntity { expected: expected.unwrap_or("entity").into(), id };
        let past = loop {
            let beginning = self.tenant.beginning().await?;
            let place = self.tenant.journal_place(self.at).await?;
            let past = self.tenant.past_of(id, place).await?;
            // What was compacted meanwhile is missing in it.
            if self.tenant.beginning().await?.holds(&beginning) {
                break past;
            }
        };
        let (set, index) = past.into_set(&self.tenant).await?.ok_or_else(unknown)?;
        let name = &self.tenant.core.model.entity(set.entity(index).entity.entity).name;
        if expected.is_some_and(|expected| expected != name.as_str()) {
            return Err(unknown());
        }
        let as_of = self.at.timestamp_millis();
        self.tenant.with_frame(|frame| set.with_ground(frame, index, as_of, work))
    }
}

impl Tenant {
    /// The place in the journal that an instant names.
    ///
    /// # Errors
    ///
    /// [`Error::Compacted`] if the journal tells no longer what was then.
    async fn journal_place(&self, at: DateTime<Utc>) -> Result<u64, Error> {
        let place = self.core.store.journal_place(&self.id, at.timestamp_millis()).await;
        let place = place.map_err(Error::store("find a place in the journal"))?;
        self.beginning().await?.require(place, "look back to that instant")?;
        Ok(place)
    }
}
