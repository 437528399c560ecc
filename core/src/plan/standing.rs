//! Standing approvals: permissions for writes that nobody has planned yet.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Intent, Operation, PlanKind};
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::{ConnectionName, EntityType, SystemName, TenantId};
use crate::model::{Attribute, Canonical, EXISTS};
use crate::rollout::Changed;
use crate::text::Text;

/// The hash that names a standing approval.
pub type StandingId = Digest;

/// A standing approval being written: what it covers, how much of it, and until when. It has no effect before
/// [`Tenant::give_standing`](crate::engine::Tenant::give_standing) takes it, which refuses one without limits.
///
/// It covers changes of one attribute, or creates, of one entity type in one connection or system. It never covers archives,
/// nor plans of first contact, nor what the system has refused before: those ask a person each time.
///
/// ```
/// # use accordant::{Canonical, Email};
/// # #[derive(Canonical)]
/// # #[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
/// # struct Customer {
/// #     #[canonical(identity, at(crm = "email", shop = "email"))]
/// #     email: Email,
/// #     #[canonical(at(crm = "phone", shop = "phone"))]
/// #     phone: Option<String>,
/// # }
/// use accordant::plan::StandingApproval;
///
/// let month = "2026-02-01T00:00:00Z".parse().unwrap();
/// let phones = StandingApproval::of(Customer::PHONE).toward("shop").at_most(200).until(month);
/// assert_eq!(phones.to_string(), "up to 200 writes of customer.phone into shop until 2026-02-01 00:00 UTC");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingApproval {
    pub(crate) entity_type: EntityType,
    /// The unit; `$exists` for creates.
    pub(crate) unit: Text,
    /// The connection or system.
    pub(crate) toward: Option<Text>,
    pub(crate) limit: Option<u32>,
    pub(crate) until: Option<DateTime<Utc>>,
}

impl StandingApproval {
    /// Covers changes of an attribute, or of the group that it belongs to.
    #[must_use]
    pub fn of<E: Canonical, T>(attribute: Attribute<E, T>) -> Self {
        Self::of_unit(E::ENTITY, attribute.id())
    }

    /// The same, by name.
    #[must_use]
    pub fn of_unit(entity_type: &str, attribute: &str) -> Self {
        Self { entity_type: entity_type.into(), unit: attribute.into(), toward: None, limit: None, until: None }
    }

    /// Covers creates of records for entities of a type.
    #[must_use]
    pub fn of_creates(entity_type: &str) -> Self {
        Self::of_unit(entity_type, EXISTS)
    }

    /// In this connection, or in every connection of this system.
    #[must_use]
    pub fn toward(mut self, name: &str) -> Self {
        self.toward = Some(name.into());
        self
    }

    /// So many writes, over all plans.
    #[must_use]
    pub const fn at_most(mut self, writes: u32) -> Self {
        self.limit = Some(writes);
        self
    }

    /// Until this instant.
    #[must_use]
    pub const fn until(mut self, until: DateTime<Utc>) -> Self {
        self.until = Some(until);
        self
    }

    /// The name that it is given under. `nonce` tells it from the same one given at the same instant.
    pub(crate) fn id(&self, tenant: &TenantId, given: &Changed, nonce: u64) -> StandingId {
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(tenant.as_str()).text(self.entity_type.as_str()).text(&self.unit);
        fingerprint.text(self.toward.as_deref().unwrap_or_default()).number(self.limit.map_or(-1, i64::from));
        fingerprint.number(self.until.map_or(-1, |until| until.timestamp_millis()));
        fingerprint.text(given.by.as_str()).number(given.at).bytes(&nonce.to_be_bytes());
        fingerprint.finish()
    }
}

/// `up to 200 writes of customer.phone into shop until 2026-02-01 00:00 UTC`.
impl fmt::Display for StandingApproval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Some(limit) => write!(f, "up to {limit} ")?,
            None => f.write_str("any number of ")?,
        }
        match self.unit.as_str() {
            EXISTS => write!(f, "creates for {}", self.entity_type)?,
            unit => write!(f, "writes of {}.{unit}", self.entity_type)?,
        }
        write!(f, " into {}", self.toward.as_deref().unwrap_or("anything"))?;
        match self.until {
            Some(until) => write!(f, " until {}", until.format("%F %H:%M UTC")),
            None => f.write_str(" for ever"),
        }
    }
}

/// A standing approval as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GivenStanding {
    /// Its name.
    pub id: StandingId,
    /// What it covers.
    pub approval: StandingApproval,
    /// Who gave it, when and why.
    pub given: Changed,
    /// How many writes took effect under it.
    pub used: u32,
    /// Whether it permits what takes two people, so that it covers nothing before a second person approved it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_two: bool,
    /// The second person, when and why; `None`: nobody yet, or none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Changed>,
    /// Who withdrew it, when and why; `None`: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Changed>,
}

impl GivenStanding {
    /// How many more writes it covers at an instant: none once it is withdrawn, used up or over.
    #[must_use]
    pub fn room(&self, now: DateTime<Utc>) -> u32 {
        self.approval.limit.filter(|_| self.is_open(now)).map_or(0, |limit| limit.saturating_sub(self.used))
    }

    /// Whether it stands at an instant, used up or not: it was not withdrawn, is not over, and waits for no second person.
    #[must_use]
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        let approved = !self.by_two || self.approved.is_some();
        approved && self.withdrawn.is_none() && self.approval.until.is_some_and(|until| now < until)
    }

    /// Whether it covers an operation of a plan into a system, as long as it has room.
    #[must_use]
    pub fn covers(&self, operation: &Operation, kind: PlanKind, system: &SystemName) -> bool {
        let StandingApproval { entity_type, unit, toward, .. } = &self.approval;
        let connection: &ConnectionName = operation.target.connection();
        let there = toward.as_ref().is_some_and(|name| **name == *connection.as_str() || **name == *system.as_str());
        // An element stands for its collection.
        let whole = operation.unit.split_once('[').map_or(&*operation.unit, |(whole, _)| whole);
        let what = operation.intent != Intent::Archive && operation.entity_type == *entity_type && **unit == *whole;
        there && what && kind == PlanKind::Regular
    }
}

/// `customer.phone ..., 3 used (by noah: numbers follow sales), withdrawn by mia: too many`.
impl fmt::Display for GivenStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changed { by, reason, .. } = &self.given;
        write!(f, "{}, {} used (by {by}: {reason})", self.approval, self.used)?;
        match &self.approved {
            Some(Changed { by, .. }) => write!(f, ", approved by {by}")?,
            None if self.by_two => f.write_str(", waits for a second person")?,
            None => {}
        }
        match &self.withdrawn {
            Some(Changed { by, reason, .. }) => write!(f, ", withdrawn by {by}: {reason}"),
            None => Ok(()),
        }
    }
}
