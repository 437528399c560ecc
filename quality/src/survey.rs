//! Quality of all that a tenant of `accordant` holds: measures of its records in six dimensions, system by system.
//!
//! A [`Survey`] goes through the entities of a tenant page by page and looks at each side by side. What the model asks for is asked of
//! every record (`docs/quality.md` has the table), and what [`Survey::ask`] adds. What it comes to are [`Measure`]s, for
//! [`report`](crate::score::report) and [`History`](crate::score::History).
//!
//! Memory holds a page of entities and the states of the checks, whatever the tenant holds.
//!
//! ```
//! use accordant_quality::check::{Check, Rule};
//! use accordant_quality::survey::Survey;
//!
//! let number = Rule::PresentWhen { column: "vat".into(), when: "country".into(), equals: Some("DE".into()) };
//! let survey = Survey::new().ask("customer", Check { name: "a number in Germany".into(), rule: number, at_least: 0.98 });
//! # let _ = survey;
//! ```

mod error;
mod kinds;
mod rows;
mod tallies;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use accordant::check::{Cadence, Priority};
use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::discrepancy::DiscrepancyKind;
use accordant::model::{AttributeModel, CompiledEntity, UnitShape};
use accordant::{Accordant, Tenant};

pub use self::error::SurveyError;
use self::kinds::fits;
use self::tallies::{is_there, reads_as};
use self::walk::Walk;
use crate::check::{Check, CheckError, Settings};
use crate::score::{Dimension, Measure};

/// What is asked of all that a tenant holds.
#[derive(Debug, Clone)]
pub struct Survey {
    asked: Vec<(String, Check)>,
    at_least: BTreeMap<Dimension, f64>,
    verified_within: TimeDelta,
    only: Vec<String>,
    settings: Settings,
}

impl Default for Survey {
    fn default() -> Self {
        Self::new()
    }
}

impl Survey {
    /// What the model asks for: of all entity types, with nothing left to mend, and verified as often as what is of normal priority
    /// ([`Cadence`]).
    #[must_use]
    pub fn new() -> Self {
        Self {
            asked: Vec::new(),
            at_least: BTreeMap::new(),
            verified_within: Cadence::default().of(Priority::Normal),
            only: Vec::new(),
            settings: Settings { examples: 0, ..Settings::default() },
        }
    }

    /// Asks this of the records of an entity type too, in every system that holds all the attributes. Its columns are attributes by
    /// their ids, as texts in canonical form; sets and keyed collections have none.
    #[must_use]
    pub fn ask(mut self, entity_type: &str, check: Check) -> Self {
        self.asked.push((entity_type.to_owned(), check));
        self
    }

    /// The least share that must be good of what the model asks for in a dimension; all where nothing is said.
    #[must_use]
    pub fn at_least(mut self, dimension: Dimension, share: f64) -> Self {
        self.at_least.insert(dimension, share);
        self
    }

    /// How long ago a record may have been verified.
    #[must_use]
    pub const fn verified_within(mut self, age: TimeDelta) -> Self {
        self.verified_within = age;
        self
    }

    /// Looks at this entity type only; of several calls, at these.
    #[must_use]
    pub fn only(mut self, entity_type: &str) -> Self {
        self.only.push(entity_type.to_owned());
        self
    }

    /// What a check of uniqueness may keep in memory, and where it writes what goes beyond.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Goes through what a tenant holds, entity type by entity type. `at` is now: verifications are as old as they are then. Who is
    /// merged or erased meanwhile is passed over, and what changes meanwhile is counted as it was met.
    ///
    /// # Errors
    ///
    /// [`SurveyError`] if it asks for what cannot be meant or what the model does not have, which is found before anything is read;
    /// if the store cannot be read; or if keys that memory has no room for cannot be kept.
    pub async fn of(&self, accordant: &Accordant, tenant: &Tenant, at: DateTime<Utc>) -> Result<Surveyed, SurveyError> {
        let entities = &accordant.model().entities;
        self.validate(entities)?;
        let mut surveyed = Surveyed::default();
        for model in entities.iter().filter(|model| self.looks_at(model.name.as_str())) {
            let asked = self.asked.iter().filter(|(of, _)| of == model.name.as_str()).map(|(_, check)| check);
            let (within, complete) = (self.verified_within, self.share_of(Dimension::Completeness));
            let walk = Walk { accordant, tenant, model, at, within, complete, settings: &self.settings };
            let counted = walk.through(asked.collect()).await?;
            surveyed.entities += counted.entities;
            counted.tell(model, self, &mut surveyed)?;
        }
        walk::add_checks(tenant, self, &mut surveyed).await?;
        surveyed.measures.sort_by(|one, other| {
            let key = |of: &Measure| (of.system.clone(), of.entity.clone(), of.attributes.clone(), of.check.clone());
            key(one).cmp(&key(other))
        });
        surveyed.violations.sort();
        Ok(surveyed)
    }

    fn looks_at(&self, entity_type: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == entity_type)
    }

    fn share_of(&self, dimension: Dimension) -> f64 {
        self.at_least.get(&dimension).copied().unwrap_or(1.0)
    }

    fn validate(&self, entities: &[CompiledEntity]) -> Result<(), SurveyError> {
        if let Some((dimension, share)) = self.at_least.iter().find(|(_, share)| !(0.0..=1.0).contains(*share)) {
            return Err(SurveyError::Threshold { dimension: *dimension, share: *share });
        }
        if self.verified_within <= TimeDelta::zero() {
            return Err(SurveyError::Age);
        }
        let model = |name: &str| entities.iter().find(|model| model.name.as_str() == name);
        for name in self.only.iter().chain(self.asked.iter().map(|(name, _)| name)) {
            model(name).ok_or_else(|| SurveyError::UnknownEntityType { entity: name.clone() })?;
        }
        let mut names = BTreeSet::new();
        for (entity, check) in &self.asked {
            let Some(model) = model(entity) else { continue };
            check.validate()?;
            let own = |attribute: &AttributeModel| {
                let id = attribute.id.as_str();
                attribute.required && check.name == is_there(id) || check.name == reads_as(id)
            };
            if !names.insert((entity, check.name.as_str())) || model.attributes.iter().any(own) {
                return Err(CheckError::TwiceNamed { name: check.name.clone() }.into());
            }
            let mut kinds = Vec::new();
            for column in check.rule.columns() {
                let unit = model.unit_of(column).and_then(|(unit, _)| model.units.get(usize::from(unit)));
                let one = unit.is_some_and(|unit| matches!(unit.shape, UnitShape::One | UnitShape::Group));
                let attribute = model.attributes.iter().find(|attribute| attribute.id.as_str() == column);
                let Some(attribute) = attribute.filter(|_| one) else {
                    let (entity, check) = (entity.clone(), check.name.clone());
                    return Err(SurveyError::NoColumn { entity, check, attribute: column.to_owned() });
                };
                kinds.push(attribute.kind.name);
            }
            if !fits(&check.rule, &kinds) {
                let (entity, check) = (entity.clone(), check.name.clone());
                return Err(SurveyError::Kind { entity, check, kinds: kinds.join(", ") });
            }
        }
        Ok(())
    }
}

/// What a tenant holds, measured.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Surveyed {
    /// How many entities exist of those that were looked at.
    pub entities: u64,
    /// In the order of systems, entity types, attributes and checks. What is golden is measured under the name `golden`.
    pub measures: Vec<Measure>,
    /// Of what kind the disagreements are, in the order of systems, entity types and attributes.
    pub disagreements: Vec<Disagreements>,
    /// Where what checks of golden values found is, in the order of entity types, checks and units.
    pub violations: Vec<Violations>,
}

/// How many entities a check of golden values found something wrong with at a unit. Of one entity several units may be wrong, or none by
/// itself: the measure of the check counts each entity once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Violations {
    /// The entity type.
    pub entity: String,
    /// The check.
    pub check: String,
    /// An attribute, or a group by its name.
    pub unit: String,
    /// How many.
    pub count: u64,
}

/// How many values of a system stand open against golden in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disagreements {
    /// The system.
    pub system: String,
    /// The entity type.
    pub entity: String,
    /// The attributes: several where they resolve as one.
    pub attributes: Vec<String>,
    /// In which way.
    pub kind: DiscrepancyKind,
    /// How many.
    pub count: u64,
}
