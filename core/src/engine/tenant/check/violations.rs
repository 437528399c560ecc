//! Violations: what checks find wrong with entities, counted, and as cases.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::caught::caught;
use crate::check::{EntityCheck, Examined, Violation};
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, Violated, case_key};
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, PART};
use crate::engine::tenant::PAGE;
use crate::engine::tenant::check::page::EntityPage;
use crate::engine::tenant::check::pass::{Examiners, Passed};
use crate::engine::tenant::check::{Checked, FailedCheck};
use crate::error::Error;
use crate::golden::GoldenLife;
use crate::id::{EntityId, EntityType};
use crate::model::CompiledEntity;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::view::EntityView;

/// How many cases a check opens at most: who has more to mend needs no list of them, but what is common to them.
const MOST_LISTED: u64 = 1_000;

/// Why a case stands about an entity of which a check says nothing.
const PANICKED: &str = "it panicked over this, and nobody knows what it would say";

/// What a check came to about an entity with which all is not well.
pub(super) enum Wrong {
    Violates(Vec<Violation>),
    /// It panicked, and says nothing.
    Panicked,
}

/// The same, by entity and check.
pub(super) type AllWrong = BTreeMap<(EntityId, Text), Wrong>;

impl Tenant {
    /// The cases of checks that stand about entities behind one id, up to another.
    pub(super) async fn standing_cases(
        &self,
        of: &EntityType,
        from: Option<&str>,
        until: Option<&str>,
    ) -> Result<Vec<Row>, Error> {
        let prefix = case_prefix(of);
        // Behind whatever begins with an id: what separates it from the check is less than a space.
        let behind = |id: &str| Text::of_parts(&[&prefix, id, " "]);
        let (mut after, until) = (from.map(behind), until.map(behind));
        let mut standing = Vec::new();
        loop {
            let rows = self.core.store.scan(&self.id, Table::Case, &prefix, after.as_deref(), PAGE).await;
            let rows = rows.map_err(Error::store("list what checks found"))?;
            let full = rows.len() == PAGE;
            after = rows.last().map(|row| row.key.clone());
            let before = standing.len() + rows.len();
            standing.extend(rows.into_iter().filter(|row| until.as_ref().is_none_or(|until| row.key < *until)));
            if !full || standing.len() < before {
                return Ok(standing);
            }
        }
    }
}

/// What a check says of entities, and over which it panicked. Of many over which it panics, each is examined alone; if it then panics over
/// none, what it makes of them together is not known, and it has panicked over all.
fn ask(check: &dyn EntityCheck, entities: &[Examined<'_>], at: DateTime<Utc>) -> (Vec<Violation>, BTreeSet<EntityId>) {
    if let Some(violations) = caught(|| check.examine(entities, at)) {
        return (violations, BTreeSet::new());
    }
    let (mut violations, mut panicked) = (Vec::new(), BTreeSet::new());
    for examined in entities {
        let id = examined.entity.id;
        match caught(|| check.examine(std::slice::from_ref(examined), at)) {
            Some(found) => violations.extend(found.into_iter().filter(|violation| violation.entity == id)),
            None => {
                panicked.insert(id);
            }
        }
    }
    if panicked.is_empty() {
        return (Vec::new(), entities.iter().map(|examined| examined.entity.id).collect());
    }
    (violations, panicked)
}

/// Asks every check, and adds every entity to the totals.
pub(super) fn found(
    model: &CompiledEntity,
    examiners: &Examiners<'_>,
    held: &EntityPage,
    passed: &mut Passed,
    now: i64,
    checked: &mut Checked,
) -> AllWrong {
    for view in &held.views {
        for (name, total) in &examiners.totals {
            if let Some(tally) = passed.tallies.get_mut(name) {
                total.add(tally, view);
            }
        }
    }
    // What was retired is not what it says any more.
    let stands = |(entity, _): &(&EntityView, _)| entity.life == GoldenLife::Live;
    let entities: Vec<Examined<'_>> = held
        .views
        .iter()
        .zip(&held.references)
        .filter(stands)
        .map(|(entity, references)| Examined { entity, references })
        .collect();
    let ids: BTreeSet<EntityId> = entities.iter().map(|examined| examined.entity.id).collect();
    let at = DateTime::from_timestamp_millis(now).unwrap_or_default();
    let (mut wrong, mut violating) = (AllWrong::new(), BTreeSet::new());
    for check in &examiners.checks {
        let name = check.name();
        let (violations, panicked) = ask(*check, &entities, at);
        if let Some(counted) = passed.counts.get_mut(&name) {
            counted.examined += (entities.len() - panicked.len()) as u64;
        }
        let mut found: BTreeMap<EntityId, Vec<Violation>> = BTreeMap::new();
        for violation in violations.into_iter().filter(|one| ids.contains(&one.entity)) {
            violating.insert(violation.entity);
            found.entry(violation.entity).or_default().push(violation);
        }
        if !panicked.is_empty() {
            let (entity_type, check, entities) = (model.name.clone(), name.clone(), panicked.len());
            checked.panicked.push(FailedCheck { entity_type, check, entities });
        }
        let found = found.into_iter().map(|(entity, violations)| (entity, Wrong::Violates(violations)));
        let all = found.chain(panicked.into_iter().map(|entity| (entity, Wrong::Panicked)));
        wrong.extend(all.map(|(entity, found)| ((entity, name.clone()), found)));
    }
    checked.examined += if examiners.checks.is_empty() { 0 } else { entities.len() };
    checked.violating += violating.len();
    wrong
}

/// Counts what is wrong, and gives the cases that it makes, as many as a check may open.
pub(super) fn cases_of(
    model: &CompiledEntity,
    wrong: AllWrong,
    passed: &mut Passed,
    now: i64,
) -> BTreeMap<RowKey, (EntityId, CaseRow)> {
    let mut cases = BTreeMap::new();
    for ((entity, check), wrong) in wrong {
        let Some(counted) = passed.counts.get_mut(&check) else { continue };
        let (violations, panicked) = match wrong {
            Wrong::Violates(violations) => (violations, false),
            Wrong::Panicked => (Vec::new(), true),
        };
        let units: BTreeSet<&Text> = violations.iter().filter_map(|violation| violation.unit.as_ref()).collect();
        counted.violating += u64::from(!panicked);
        counted.panicked += u64::from(panicked);
        for unit in &units {
            // The elements of a collection are counted together.
            let unit = unit.split('[').next().unwrap_or_default();
            *counted.units.entry(unit.into()).or_default() += 1;
        }
        if counted.listed == MOST_LISTED {
            continue;
        }
        counted.listed += 1;
        let personal = |unit: &Text| {
            let index = model.unit_key(unit).and_then(|key| key.index());
            index.and_then(|index| model.units.get(usize::from(index))).is_some_and(|unit| unit.pii)
        };
        let whole = violations.iter().any(|violation| violation.unit.is_none());
        let pii = units.iter().any(|unit| personal(unit)) || (whole && model.units.iter().any(|unit| unit.pii));
        let unit = units.first().filter(|_| units.len() == 1 && !whole).map(|unit| (*unit).clone());
        let say = |one: &Violation| match &one.unit {
            Some(unit) => format!("{unit} {}", one.why),
            None => one.why.to_string(),
        };
        let why = violations.iter().map(say).collect::<Vec<_>>().join("; ");
        let why = if panicked { PANICKED.to_owned() } else { why };
        // Whoever wrote the check may have quoted a value: no card number is kept, wherever it comes from.
        let why = crate::card::without_in_text(&why).unwrap_or(why);
        let violated = Violated { entity_type: Some(model.name.clone()), unit, pii };
        let case = CaseRow::new(Vec::new(), [entity], format!("\"{check}\": {why}"), now).violated(violated);
        let about = Text::of_parts(&[model.name.as_str(), PART, &entity.text(), PART, &check]);
        cases.insert(case_key(CaseKind::Violation, about), (entity, case));
    }
    cases
}

/// Opens a case, or leaves it as it stands if nothing changed but the instant.
pub(super) fn put_case(
    changes: &mut Changes<'_>,
    key: &RowKey,
    case: &CaseRow,
    standing: Option<Row>,
) -> Result<(), Error> {
    changes.commit.expect.push((key.clone(), standing.as_ref().map(|row| row.revision)));
    let before: Option<CaseRow> = standing.map(|row| parse(Table::Case, &row)).transpose()?;
    let case = CaseRow { since: before.as_ref().map_or(case.since, |before| before.since), ..case.clone() };
    if before.as_ref() != Some(&case) {
        changes.put(key.clone(), &case);
    }
    Ok(())
}

/// What the keys of the cases about entities of a type begin with.
pub(super) fn case_prefix(of: &EntityType) -> Text {
    Text::of_parts(&[CaseKind::Violation.prefix(), of.as_str(), PART])
}
