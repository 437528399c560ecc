//! Triage: how grave an open case is, by what it is about, what is at stake, and for how long it has been due.
//!
//! Pure: a case's severity is a function of its kind, of golden values of its entity, and of an instant that is given.
//!
//! ```
//! use accordant::engine::CaseFilter;
//! use accordant::triage::{Severity, Triage};
//! use accordant::chrono::{NaiveDate, TimeDelta};
//! use accordant::{Actor, Canonical, Email, Money, money, testing::Story};
//! use serde_json::json;
//!
//! #[derive(Canonical)]
//! #[canonical(entity = "invoice", system(crm, object = "invoices"), system(erp, object = "invoice"))]
//! struct Invoice {
//!     #[canonical(identity, at(crm = "number", erp = "number"))]
//!     number: String,
//!     #[canonical(at(crm("amount", currency = USD), erp("amount", currency = USD)))]
//!     amount: Option<Money>,
//!     #[canonical(at(crm = "due", erp = "due"))]
//!     due: Option<NaiveDate>,
//! }
//!
//! let triage = Triage::of::<Invoice>()
//!     .at_stake(Invoice::AMOUNT, money!(10_000 USD), money!(1_000_000 USD))
//!     .ages_from(Invoice::DUE)
//!     .overdue_after(TimeDelta::days(3));
//!
//! let mut story = Story::of::<Invoice>()
//!     .configure(|builder| builder.triage(triage))
//!     .says("crm", "1", json!({ "number": "A-1", "amount": "20000", "due": "2026-01-02" }))
//!     .says("erp", "7", json!({ "number": "A-1", "amount": "20000", "due": "2026-01-02" }))
//!     .says("crm", "1", json!({ "amount": "21000" }))
//!     .says("erp", "7", json!({ "amount": "22000" })); // two people at once
//! # futures::executor::block_on(async {
//! let acme = story.tenant();
//! let page = acme.open_cases(&CaseFilter::default(), None, 50).await?;
//! let case = &page.cases[0];
//! // Twenty thousand dollars are at stake, and the invoice was due three days ago.
//! assert_eq!((case.severity, case.overdue), (Severity::Critical, true));
//!
//! let ana = Actor::new("ana");
//! acme.assign(&case.key, Some(&Actor::new("ben")), &ana).await?;
//! acme.comment(&case.key, "the customer will call back", &ana).await?;
//! assert_eq!(acme.case(&case.key).await?.assignee, Some(Actor::new("ben")));
//! # Ok::<(), accordant::Error>(())
//! # }).expect("the desk answers");
//! ```

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discrepancy::{Discrepancy, DiscrepancyKind};
use crate::entity::Entity;
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::Status;
use crate::id::{AttributeId, EntityType};
use crate::model::{Attribute, Canonical, CompiledEntity, UnitKey};
use crate::text::Text;
use crate::value::{Ordered, Value, split_member};

/// How grave a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It can wait.
    #[default]
    Low,
    /// Somebody should look at it this week.
    Medium,
    /// Systems that decide contradict each other, or much is at stake.
    High,
    /// Drop everything else.
    Critical,
}

impl Severity {
    /// Every severity, the gravest first.
    pub const ALL: [Severity; 4] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

    /// What a kind of discrepancy is worth by itself.
    #[must_use]
    pub const fn of_kind(kind: DiscrepancyKind) -> Self {
        match kind {
            DiscrepancyKind::HardConflict
            | DiscrepancyKind::HardConflictNoBase
            | DiscrepancyKind::DeleteAgainstUpdate => Severity::Medium,
            DiscrepancyKind::MissingRepresentation
            | DiscrepancyKind::DuplicateRepresentation
            | DiscrepancyKind::SoftDriftAuthoritative
            | DiscrepancyKind::SoftDriftContested
            | DiscrepancyKind::SoftDriftUnauthorized
            | DiscrepancyKind::Unfilled
            | DiscrepancyKind::Pending
            | DiscrepancyKind::UnresolvedReference
            | DiscrepancyKind::Warned
            | DiscrepancyKind::Rewritten
            | DiscrepancyKind::Diverged
            | DiscrepancyKind::Cosmetic => Severity::Low,
        }
    }

    /// One step graver, at most [`Severity::Critical`].
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Severity::Low => Severity::Medium,
            Severity::Medium => Severity::High,
            Severity::High | Severity::Critical => Severity::Critical,
        }
    }

    /// One step less grave; `None` below [`Severity::Low`].
    #[must_use]
    pub(crate) const fn lowered(self) -> Option<Self> {
        match self {
            Severity::Low => None,
            Severity::Medium => Some(Severity::Low),
            Severity::High => Some(Severity::Medium),
            Severity::Critical => Some(Severity::High),
        }
    }

    /// The name that people read.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The digit under which it is filed: the gravest sorts first.
    pub(crate) const fn digit(self) -> char {
        match self {
            Severity::Critical => '0',
            Severity::High => '1',
            Severity::Medium => '2',
            Severity::Low => '3',
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// A date or an instant that a case can age from: an invoice's due date, an order's promise.
#[diagnostic::on_unimplemented(message = "`{Self}` is no date: a case ages from a `NaiveDate` or a `DateTime<Utc>`")]
pub trait BusinessDate: Value {
    /// Milliseconds since the epoch. A date begins at midnight UTC.
    fn millis(&self) -> i64;
}

impl BusinessDate for NaiveDate {
    fn millis(&self) -> i64 {
        self.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
    }
}

impl BusinessDate for DateTime<Utc> {
    fn millis(&self) -> i64 {
        self.timestamp_millis()
    }
}

/// How long a case may wait unless [`Triage::overdue_after`] says otherwise.
const OVERDUE_AFTER: TimeDelta = TimeDelta::days(7);

type Weigh = Arc<dyn Fn(&str) -> Option<Severity> + Send + Sync>;
type Dates = Arc<dyn Fn(&str) -> Option<i64> + Send + Sync>;

/// How the cases of one entity type are weighed. The [module](self) shows one.
#[derive(Clone)]
pub struct Triage {
    entity: EntityType,
    at_stake: Option<(AttributeId, Weigh, String)>,
    ages_from: Option<(AttributeId, Dates)>,
    overdue_after: TimeDelta,
    /// Whether what is high is more than what is critical, or cannot be compared with it.
    limits_cross: bool,
}

impl fmt::Debug for Triage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Triage").field("entity", &self.entity).finish_non_exhaustive()
    }
}

impl Triage {
    /// The triage of an entity type: by kind alone, aged from first sight, overdue after seven days.
    #[must_use]
    pub fn of<E: Canonical>() -> Self {
        Self::of_type(E::ENTITY)
    }

    /// As [`Triage::of`], for a type that the compiler does not know.
    #[must_use]
    pub fn of_type(entity: &str) -> Self {
        Self {
            entity: entity.into(),
            at_stake: None,
            ages_from: None,
            overdue_after: OVERDUE_AFTER,
            limits_cross: false,
        }
    }

    /// What is at stake: a value of `high` or more makes a case of its entity at least high, one of `critical` or more makes it
    /// critical. The greatest counts of all that is on the table, whatever its sign: what golden holds, what a rule holds, what
    /// systems had accepted, and what is in dispute in the case itself. A value that cannot be compared with the limits, as an
    /// amount in another currency, counts as high: nobody knows how much it is.
    ///
    /// `high` above `critical` is a mistake of the configuration.
    #[must_use]
    pub fn at_stake<E: Canonical, T: Ordered>(mut self, attribute: Attribute<E, T>, high: T, critical: T) -> Self {
        let (mut limits, mut text) = (String::new(), String::new());
        high.canonical(&mut limits);
        critical.canonical(&mut text);
        limits.push('\u{1f}');
        limits.push_str(&text);
        self.limits_cross =
            !matches!(high.compare(&critical), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal));
        let weigh = move |text: &str| {
            let value = T::from_canonical(text).ok()?.magnitude();
            let reaches = |limit: &T| value.compare(limit).map(std::cmp::Ordering::is_ge);
            match (reaches(&high), reaches(&critical)) {
                (_, Some(true)) => Some(Severity::Critical),
                (Some(false), Some(false)) => None,
                _ => Some(Severity::High),
            }
        };
        self.at_stake = Some((attribute.id().into(), Arc::new(weigh), limits));
        self
    }

    /// Cases age from this golden date of their entity, and not from the day on which they were first seen. Where it has
    /// no value, from first sight after all.
    #[must_use]
    pub fn ages_from<E: Canonical, T: BusinessDate>(mut self, attribute: Attribute<E, T>) -> Self {
        let dates = |text: &str| T::from_canonical(text).ok().map(|date| date.millis());
        self.ages_from = Some((attribute.id().into(), Arc::new(dates)));
        self
    }

    /// For how long a case may wait, counted from where it ages from. After that it is one step graver. By default seven
    /// days.
    #[must_use]
    pub const fn overdue_after(mut self, span: TimeDelta) -> Self {
        self.overdue_after = span;
        self
    }

    pub(crate) const fn entity_type(&self) -> &EntityType {
        &self.entity
    }

    pub(crate) const fn limits_cross(&self) -> bool {
        self.limits_cross
    }

    /// The attributes that it looks at.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &AttributeId> {
        let at_stake = self.at_stake.iter().map(|(id, ..)| id);
        at_stake.chain(self.ages_from.iter().map(|(id, _)| id))
    }

    pub(crate) fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(self.entity.as_str()).number(self.overdue_after.num_milliseconds());
        let (at_stake, limits) = self.at_stake.as_ref().map_or(("", ""), |(id, _, limits)| (id.as_str(), limits));
        let ages_from = self.ages_from.as_ref().map_or("", |(id, _)| id.as_str());
        fingerprint.text(at_stake).text(limits).text(ages_from);
    }
}

/// How a case weighs, whatever the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight {
    /// Before it is overdue.
    pub(crate) severity: Severity,
    /// From when it ages, in milliseconds since the epoch.
    pub(crate) aged_from: i64,
    /// From when on it is overdue.
    pub(crate) due: i64,
}

impl Weight {
    /// Of a case that concerns no single entity.
    pub(crate) const fn by_kind(severity: Severity, since: i64) -> Self {
        Self { severity, aged_from: since, due: since.saturating_add(OVERDUE_AFTER.num_milliseconds()) }
    }

    /// Of a discrepancy of an entity.
    pub(crate) fn of(
        triage: Option<&Triage>,
        model: &CompiledEntity,
        entity: &Entity,
        discrepancy: &Discrepancy,
    ) -> Self {
        let by_kind = Self::by_kind(Severity::of_kind(discrepancy.kind), discrepancy.first_seen);
        let Some(triage) = triage else { return by_kind };
        let golden = |id: &AttributeId| {
            let (unit, member) = model.unit_of(id.as_str())?;
            let arity = model.units.get(usize::from(unit))?.members.len();
            let field = split_member(&entity.golden.get(&UnitKey::Whole(unit))?.field, arity, member)?;
            field.as_value().map(Text::new)
        };
        let at_stake = triage.at_stake.as_ref().and_then(|(id, weigh, _)| {
            on_the_table(model, entity, discrepancy, id).iter().filter_map(|text| weigh(text)).max()
        });
        let date = triage.ages_from.as_ref().and_then(|(id, dates)| dates(&golden(id)?));
        let aged_from = date.unwrap_or(discrepancy.first_seen);
        Self {
            severity: by_kind.severity.max(at_stake.unwrap_or_default()),
            aged_from,
            due: aged_from.saturating_add(triage.overdue_after.num_milliseconds()),
        }
    }

    /// Whether it has waited too long.
    pub(crate) const fn overdue(self, now: i64) -> bool {
        self.due <= now
    }

    /// How grave it is now.
    pub(crate) const fn now(self, now: i64) -> Severity {
        if self.overdue(now) { self.severity.raised() } else { self.severity }
    }
}

/// The values of an attribute that a case may be about: what golden holds, what a rule holds, what systems had accepted, and
/// what is in dispute in the case itself.
fn on_the_table(model: &CompiledEntity, entity: &Entity, discrepancy: &Discrepancy, id: &AttributeId) -> Vec<Text> {
    let Some((unit, member)) = model.unit_of(id.as_str()) else { return Vec::new() };
    let arity = model.units.get(usize::from(unit)).map_or(1, |unit| unit.members.len());
    let key = UnitKey::Whole(unit);
    let golden = entity.golden.get(&key);
    let held = golden.and_then(|cell| match &cell.status {
        Status::Held(held) => Some(&held.proposed),
        Status::Settled | Status::Parked { .. } | Status::Provisional(_) => None,
    });
    let accepted = entity.links.iter().filter_map(|link| Some(&link.bases.get(&key)?.seen));
    let in_dispute = discrepancy.said.iter().filter(|_| model.unit_key(&discrepancy.unit).as_ref() == Some(&key));
    let all = golden.map(|cell| &cell.field).into_iter().chain(held).chain(accepted).chain(in_dispute);
    all.filter_map(|field| split_member(field, arity, member)?.as_value().map(Text::new)).collect()
}

/// What identifies a whole configuration of triages: rows that are filed by another one are filed anew.
pub(crate) fn fingerprint<'a>(triages: impl Iterator<Item = &'a Triage>) -> Digest {
    let mut fingerprint = Fingerprint::new();
    fingerprint.number(2);
    triages.for_each(|triage| triage.fingerprint(&mut fingerprint));
    fingerprint.finish()
}

#[cfg(test)]
mod tests {
    use super::{Severity, Weight};

    #[test]
    fn what_waits_too_long_is_one_step_graver() {
        let weight = Weight { severity: Severity::High, aged_from: 0, due: 10 };
        assert_eq!([weight.now(9), weight.now(10)], [Severity::High, Severity::Critical]);
        for severity in Severity::ALL {
            let once = Weight { severity, ..weight }.now(10);
            assert!(once > severity || severity == Severity::Critical, "{severity}");
            assert!(once.lowered() == Some(severity) || severity == Severity::Critical, "{severity}");
        }
    }

    #[test]
    fn the_gravest_is_filed_first() {
        assert!(Severity::ALL.is_sorted_by(|a, b| a > b && a.digit() < b.digit()));
    }
}
