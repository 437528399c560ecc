//! Going through what a tenant holds.

use std::collections::BTreeMap;

use accordant::check::Dimension as Verified;
use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::classify::Hidden;
use accordant::discrepancy::DiscrepancyKind;
use accordant::engine::StoredDeadLetter;
use accordant::golden::GoldenLife;
use accordant::id::{ConnectionName, ObjectKey};
use accordant::model::{Cardinality, CompiledEntity, CompiledObject, Presence, UnitKey};
use accordant::text::Text;
use accordant::value::Field;
use accordant::view::{EntityView, GoldenStatus, LinkView, RecordPresence, Shows, UnitView};
use accordant::{Accordant, EntityId, Error, RecordRef, Tenant};

use super::rows::Rows;
use super::tallies::{Counted, TableKey, reads_as};
use super::{Survey, SurveyError, Surveyed, Violations};
use crate::check::{Check, CheckError, Settings};
use crate::score::{Cause, Measure};

/// How many entities, or letters, are asked for at a time.
const PAGE: usize = 200;

/// The name under which golden values are measured.
const GOLDEN: &str = "golden";

/// One entity type of a tenant.
pub(super) struct Walk<'w> {
    pub(super) accordant: &'w Accordant,
    pub(super) tenant: &'w Tenant,
    pub(super) model: &'w CompiledEntity,
    pub(super) at: DateTime<Utc>,
    pub(super) within: TimeDelta,
    pub(super) settings: &'w Settings,
    pub(super) complete: f64,
}

/// What is there, or nothing if it is gone meanwhile.
fn unless_gone<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Err(Error::UnknownEntity { .. }) => Ok(None),
        found => found.map(Some),
    }
}

impl Walk<'_> {
    /// Through all entities of the type, and the letters that wait about their records.
    pub(super) async fn through(&self, asked: Vec<&Check>) -> Result<Counted, SurveyError> {
        let mut counted = Counted::of(self.tables(&asked)?);
        let mut after: Option<EntityId> = None;
        loop {
            let page = self.tenant.entities(self.model.name.as_str(), after, PAGE).await?;
            after = page.last().copied().or(after);
            let mut records = Vec::new();
            for id in &page {
                let Some(view) = unless_gone(self.tenant.inspect_erased(*id).await)? else { continue };
                if view.life != GoldenLife::Live {
                    continue;
                }
                counted.entities += 1;
                self.take(&view, &mut counted)?;
                records.extend(view.links.into_iter().map(|link| link.record));
            }
            // Of a connection that is no longer there, nothing is verified.
            let connected =
                |record: &RecordRef| self.accordant.connections().any(|(name, _)| *name == record.connection);
            records.retain(connected);
            for (record, at) in records.iter().zip(self.tenant.last_verified(&records).await?) {
                let good = at.is_some_and(|at| self.at.signed_duration_since(at) <= self.within);
                counted.judge(record.connection.as_str(), &[], "verified lately", Cause::Stale, good);
            }
            for rows in counted.tables.values_mut() {
                rows.check()?;
            }
            if page.len() < PAGE {
                break;
            }
        }
        self.add_letters(&mut counted).await?;
        Ok(counted)
    }

    /// A table for each object type of each connection, whether or not it has rows: that there are none is an answer, too.
    fn tables(&self, asked: &[&Check]) -> Result<BTreeMap<TableKey, Rows>, CheckError> {
        let mut tables = BTreeMap::new();
        for object in &self.model.objects {
            let connections = self.accordant.connections().filter(|(_, system)| **system == object.declared.system);
            for (connection, _) in connections {
                let rows = Rows::of(self.model, object, asked, self.complete, self.settings)?;
                tables.insert(table_key(connection, &object.declared.key), rows);
            }
        }
        Ok(tables)
    }

    fn take(&self, view: &EntityView, counted: &mut Counted) -> Result<(), CheckError> {
        for (place, link) in view.links.iter().enumerate().filter(|(_, link)| is_there(link)) {
            let Some(object) = self.object(link) else { continue };
            let system = link.record.connection.as_str();
            if object.declared.cardinality == Cardinality::One {
                counted.judge(system, &[], "one record for an entity", Cause::Duplicate, link.primary);
                // What a second one says counts nowhere.
                if !link.primary {
                    continue;
                }
            }
            // Of a connection that is no longer there, nothing is asked.
            if let Some(rows) = counted.tables.get_mut(&table_key(&link.record.connection, &link.object)) {
                rows.push(view, place)?;
            }
        }
        self.take_expected(view, counted);
        for unit in &view.units {
            self.take_unit(view, unit, counted);
        }
        self.take_decisions(view, counted);
        Ok(())
    }

    fn object(&self, link: &LinkView) -> Option<&CompiledObject> {
        self.model.objects.iter().find(|object| object.declared.key == link.object)
    }

    /// Whether systems that are to have a record of the entity have one.
    fn take_expected(&self, view: &EntityView, counted: &mut Counted) {
        for object in &self.model.objects {
            let expected = match &object.declared.presence {
                Presence::Required => true,
                Presence::RequiredWhen { attribute, equals } => match view.golden(attribute.as_str()) {
                    Some(Field::Value(value)) => equals.as_ref().is_none_or(|equals| **equals == *value),
                    _ => false,
                },
                _ => false,
            };
            if expected {
                let has = view.links.iter().any(|link| link.object == object.declared.key && is_there(link));
                counted.judge(object.declared.system.as_str(), &[], "a record is there", Cause::Missing, has);
            }
        }
    }

    /// Whether systems agree with golden, and references lead somewhere.
    fn take_unit(&self, view: &EntityView, unit: &UnitView, counted: &mut Counted) {
        let attributes: Vec<String> = unit.members.iter().map(|member| member.as_str().to_owned()).collect();
        let Some(model) = self.model.unit_key(&unit.name).and_then(|key| key.index()) else { return };
        let Some(model) = self.model.units.get(usize::from(model)) else { return };
        let settled = !matches!(unit.status, GoldenStatus::Unsettled | GoldenStatus::Provisional { .. });
        for side in &unit.links {
            let Some(link) = view.links.get(side.link).filter(|link| self.object(link).is_some()) else { continue };
            let system = link.record.connection.as_str();
            if model.reference.is_some() {
                let dangles = side.shows == Shows::Hidden(Hidden::Unresolved);
                if dangles || matches!(&side.shows, Shows::Value(field) if field.is_value()) {
                    counted.judge(system, &attributes, "what it names is there", Cause::Dangling, !dangles);
                }
            }
            let Shows::Value(shown) = &side.shows else { continue };
            if !settled {
                continue;
            }
            let kind = standing(view, unit, link).filter(|_| !model.same(shown, &unit.golden));
            if let Some(kind) = kind {
                counted.disagrees(system, &attributes, kind);
            }
            counted.judge(system, &attributes, "agrees with golden", Cause::Disagreement, kind.is_none());
        }
    }

    /// What people decided, and what each record said before they did.
    fn take_decisions(&self, view: &EntityView, counted: &mut Counted) {
        for decision in &view.decisions {
            let Some(unit) = self.model.unit_key(&decision.unit).as_ref().and_then(UnitKey::index) else { continue };
            let Some(unit) = self.model.units.get(usize::from(unit)) else { continue };
            let members = unit.members.iter().filter_map(|member| self.model.attributes.get(usize::from(*member)));
            let attributes: Vec<String> = members.map(|attribute| attribute.id.as_str().to_owned()).collect();
            for on_table in &decision.on_table {
                let right = unit.same(&on_table.said, &decision.chosen);
                counted.judge(
                    on_table.record.connection.as_str(),
                    &attributes,
                    "what people decided",
                    Cause::Wrong,
                    right,
                );
            }
        }
    }

    /// What systems said that is no value of an attribute's type: it waits as a letter, and the rest of the record was read.
    async fn add_letters(&self, counted: &mut Counted) -> Result<(), Error> {
        let mut after = None;
        loop {
            let letters = self.tenant.dead_letters_of(None, after.as_deref(), PAGE).await?;
            for (_, letter) in &letters {
                if let Some((system, attribute)) = self.unread(letter, counted) {
                    let (attribute, check) = (attribute.to_owned(), reads_as(attribute));
                    counted.judge(system, &[attribute], &check, Cause::Malformed, false);
                }
            }
            if letters.len() < PAGE {
                return Ok(());
            }
            after = letters.last().map(|(key, _)| key.clone());
        }
    }

    /// The connection and the attribute that a letter is about: its cause names the attribute.
    fn unread<'l>(&self, letter: &'l StoredDeadLetter, counted: &Counted) -> Option<(&'l str, &'l str)> {
        let record = letter.record.as_ref()?;
        let (attribute, _) = letter.cause.split_once(": ")?;
        // Another system may call another object type the same.
        let holds = |object: &&CompiledObject| object.declared.object == record.object;
        let mut objects = self.model.objects.iter().filter(holds);
        let ours = objects.any(|of| counted.tables.contains_key(&table_key(&record.connection, &of.declared.key)));
        (ours && self.model.unit_of(attribute).is_some()).then(|| (record.connection.as_str(), attribute))
    }
}

fn table_key(connection: &ConnectionName, object: &ObjectKey) -> TableKey {
    (connection.as_str().to_owned(), object.as_str().to_owned())
}

fn is_there(link: &LinkView) -> bool {
    matches!(link.presence, RecordPresence::Live | RecordPresence::Resurrected)
}

/// What stands open about a unit, and of the record first of all.
fn standing(view: &EntityView, unit: &UnitView, link: &LinkView) -> Option<DiscrepancyKind> {
    let open = || {
        let of_unit = view.discrepancies.iter().filter(|of| of.unit == unit.name && !of.kind.is_noted());
        of_unit.filter(|of| of.kind != DiscrepancyKind::UnresolvedReference)
    };
    let record = link.record.to_string();
    let own = open().find(|of| of.link.as_ref().is_some_and(|link| **link == *record));
    own.or_else(|| open().find(|of| of.link.is_none())).map(|of| of.kind)
}

/// What checks of the user's own and of references found of golden values when they were last made.
pub(super) async fn add_checks(tenant: &Tenant, survey: &Survey, surveyed: &mut Surveyed) -> Result<(), SurveyError> {
    for result in tenant.check_results().await? {
        let cause = match &result.dimension {
            Verified::Own(_) => Cause::Wrong,
            Verified::Reference => Cause::Dangling,
            _ => continue,
        };
        if !survey.looks_at(result.entity_type.as_str()) {
            continue;
        }
        let (entity, check) = (result.entity_type.as_str().to_owned(), result.check.as_str().to_owned());
        let of_unit = |(unit, count): (&Text, &u64)| Violations {
            entity: entity.clone(),
            check: check.clone(),
            unit: unit.as_str().to_owned(),
            count: *count,
        };
        surveyed.violations.extend(result.units.iter().map(of_unit));
        // An entity counts once, whatever of it is wrong, and under one name on every day.
        surveyed.measures.push(Measure {
            system: GOLDEN.to_owned(),
            entity,
            attributes: Vec::new(),
            check,
            cause,
            good: result.examined.saturating_sub(result.violating),
            of: result.examined,
            at_least: survey.share_of(cause.dimension()),
        });
    }
    Ok(())
}
