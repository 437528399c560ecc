//! What is verified of a tenant though no event asked for it: how often, of which priority, and by how many calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::check::{Aggregate, Budget, Cadence, CheckError, EntityCheck, Priority, apart};
use crate::id::{ConnectionName, EntityType};
use crate::model::Canonical;

/// What is verified of a tenant though no event asked for it ([`Tenant::check`](crate::engine::Tenant::check)).
///
/// A connection with a budget is verified record by record; one without is not, and its pulses verify it whole. What is held is
/// examined beside, entity by entity and in total, by whatever is declared here: that takes no calls.
///
/// ```
/// use accordant::check::{Aggregate, Budget, Priority, References, Total};
/// use accordant::chrono::{NaiveTime, TimeDelta};
/// use accordant::engine::Checks;
///
/// // HubSpot reads a hundred records by a call, so that a tenth of a daily quota of 250 000 calls reads two and a half million.
/// let hubspot = Budget::new(1_000, TimeDelta::seconds(10))?.daily(2_500_000, NaiveTime::MIN)?;
/// let checks = Checks::new().budget("hubspot", hubspot).priority("invoice", Priority::Critical);
///
/// // Every invoice names a customer that is there, and the books have as much of them as the shop.
/// let owed = Aggregate::new("owed", Total::sum("invoice", "total").at("netsuite"), Total::sum("invoice", "total").at("shopify"));
/// let checks = checks.check("invoice", References).agree(owed);
/// # let _ = checks;
/// # Ok::<(), accordant::check::CheckError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Checks {
    pub(crate) cadence: Cadence,
    pub(crate) budgets: BTreeMap<ConnectionName, Budget>,
    pub(crate) priorities: BTreeMap<EntityType, Priority>,
    pub(crate) every: TimeDelta,
    pub(crate) schema_every: TimeDelta,
    pub(crate) of_entities: Vec<(EntityType, Arc<dyn EntityCheck>)>,
    pub(crate) aggregates: Vec<Aggregate>,
}

impl Default for Checks {
    fn default() -> Self {
        Self::new()
    }
}

impl Checks {
    /// Nothing is verified beside pulses; what gets a budget, every minute, by the intervals of [`Cadence::default`].
    #[must_use]
    pub fn new() -> Self {
        let every = TimeDelta::minutes(1);
        Self {
            cadence: Cadence::default(),
            budgets: BTreeMap::new(),
            priorities: BTreeMap::new(),
            every,
            schema_every: TimeDelta::hours(6),
            of_entities: Vec::new(),
            aggregates: Vec::new(),
        }
    }

    /// How often what is of which priority is verified.
    #[must_use]
    pub fn cadence(self, cadence: Cadence) -> Self {
        Self { cadence, ..self }
    }

    /// How many calls a connection allows. Checks leave it the reserved share, and what everything else takes is counted: hints that are
    /// read, polls, scans, and writes. A record counts as a call, whether it is read, stands on a page, or is written; and so does a
    /// page of nothing. Where a system reads a hundred records by one call, the budget is a hundred times as many.
    ///
    /// Each tenant has it for itself: where several tenants call one account of a system, divide what the account allows among them (a
    /// thousand calls an hour and four tenants: 250 each).
    #[must_use]
    pub fn budget(mut self, connection: &str, budget: Budget) -> Self {
        self.budgets.insert(ConnectionName::new(connection), budget);
        self
    }

    /// Examines every entity of a type, as often as its priority says: of what is held, without a call. What is wrong with one is a
    /// case, which goes when it is right again. A type that is not declared is a mistake, and so are two checks of one name on it, and a
    /// check that looks at a collection as if it were one value.
    #[must_use]
    pub fn check(mut self, entity_type: &str, check: impl EntityCheck) -> Self {
        self.of_entities.push((entity_type.into(), Arc::new(check)));
        self
    }

    /// The same, of a type that the compiler knows.
    #[must_use]
    pub fn check_of<E: Canonical>(self, check: impl EntityCheck) -> Self {
        self.check(E::ENTITY, check)
    }

    /// Two totals are to agree. They are added up as often as the more urgent of their types is gone through. Types, attributes and connections
    /// that are not there are mistakes, and so are an attribute that holds no one number, and one that is not read at the connection where
    /// it is added up.
    #[must_use]
    pub fn agree(mut self, aggregate: Aggregate) -> Self {
        self.aggregates.push(aggregate);
        self
    }

    /// Whether anything that is held is examined.
    pub(crate) fn examine(&self) -> bool {
        !self.of_entities.is_empty() || !self.aggregates.is_empty()
    }

    /// Of which priority the entities of a type are. By default all are normal.
    #[must_use]
    pub fn priority(mut self, entity_type: &str, priority: Priority) -> Self {
        self.priorities.insert(entity_type.into(), priority);
        self
    }

    /// The same, of a type that the compiler knows.
    #[must_use]
    pub fn priority_of<E: Canonical>(self, priority: Priority) -> Self {
        self.priority(E::ENTITY, priority)
    }

    /// How often systems that describe themselves are asked to ([`Tenant::check_schema`](crate::engine::Tenant::check_schema)). By
    /// default every six hours.
    ///
    /// # Errors
    ///
    /// [`CheckError::Interval`] for less than a minute, or more than 31 days.
    pub fn schema_every(self, every: TimeDelta) -> Result<Self, CheckError> {
        let (least, most) = (60 * 1000, 31 * 24 * 60 * 60 * 1000);
        let milliseconds = every.num_milliseconds();
        if !(least..=most).contains(&milliseconds) {
            return Err(CheckError::Interval {
                what: "the time between two looks at a schema",
                milliseconds,
                least,
                most,
            });
        }
        Ok(Self { schema_every: every, ..self })
    }

    /// How often [`Tenant::run`](crate::engine::Tenant::run) and workers choose what to verify. By default every minute.
    ///
    /// # Errors
    ///
    /// [`CheckError::Interval`] for less than a second, or more than twelve hours.
    pub fn every(self, every: TimeDelta) -> Result<Self, CheckError> {
        apart(every, 1000)?;
        Ok(Self { every, ..self })
    }
}
