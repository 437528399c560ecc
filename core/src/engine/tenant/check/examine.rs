//! Examinations: every entity of a type is looked at as it is held, page by page. What is wrong with one is a case, which goes when it is
//! right again; what all of them come to is counted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;

use crate::check::{Aggregate, Examined, Reaches, Reference, Violation};
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow, Violated, case_key};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, PART, entity_key};
use crate::engine::tenant::check::Checked;
use crate::engine::tenant::check::pass::{Examiners, PassRow, Passed, Running, Totalled, pass_key, totalled_key};
use crate::entity::Entity;
use crate::error::Error;
use crate::golden::GoldenLife;
use crate::id::{EntityId, EntityType};
use crate::model::{CompiledEntity, UnitKey};
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::view::EntityView;

/// How many rows of entities one page looks at.
const PAGE: usize = 200;

/// How many pages one call looks at, of each type.
const PAGES: usize = 10;

/// How many cases a check opens at most: who has more to mend needs no list of them, but what is common to them.
const MOST_LISTED: u64 = 1_000;

/// The kind of the journal's entries for passes that came to another result than the last.
const EXAMINED: &str = "examined";

/// The entities of a page, as they are held.
struct Held {
    views: Vec<EntityView>,
    /// By the place of the view.
    references: Vec<Vec<Reference>>,
    revisions: BTreeMap<EntityId, Option<u64>>,
}

/// What is wrong with an entity, by check.
type Wrong = BTreeMap<(EntityId, Text), Vec<Violation>>;

impl Tenant {
    /// Goes on with whatever is due of entities ([`Checks::check`](crate::engine::Checks::check)) and totals, some thousand
    /// entities of each type.
    pub(crate) async fn examine(&self) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for model in &self.core.model.entities {
            checked += self.examine_type(model).await?;
        }
        Ok(checked)
    }

    /// The same; says whether there is more to do at once.
    pub(crate) async fn examine_on(&self) -> Result<bool, Error> {
        let next = self.examine().await?.next;
        Ok(next.is_some_and(|next| next.timestamp_millis() <= self.now()))
    }

    async fn examine_type(&self, model: &CompiledEntity) -> Result<Checked, Error> {
        let examiners = Examiners::of(&self.core, &model.name);
        let mut checked = Checked::default();
        for _ in 0..PAGES {
            let (revision, row) = self.pass_row(&model.name).await?;
            if examiners.is_empty() && row.is_none() {
                return Ok(checked);
            }
            let now = self.now();
            let row = row.unwrap_or_default();
            let running = match &row.running {
                Some(running) if running.passed.by == examiners.by => running.clone(),
                Some(_) => examiners.begin(now),
                None => match self.next_pass(&model.name, &examiners, &row) {
                    Some(due) if due > now => {
                        checked.next = DateTime::from_timestamp_millis(due);
                        return Ok(checked);
                    }
                    _ => examiners.begin(now),
                },
            };
            let pass = (revision, row, running);
            let Some(page) = self.examine_page(model, &examiners, pass, now).await? else { break };
            checked.examined += page.examined;
            checked.violating += page.violating;
        }
        checked.next = DateTime::from_timestamp_millis(self.now());
        Ok(checked)
    }

    /// When a type is due to be gone through; `None`: now.
    fn next_pass(&self, of: &EntityType, examiners: &Examiners<'_>, row: &PassRow) -> Option<i64> {
        let last = row.last.as_ref().filter(|last| last.by == examiners.by)?;
        let priority = self.core.checks.priorities.get(of).copied().unwrap_or_default();
        Some(last.began.saturating_add(self.core.checks.cadence.of(priority).num_milliseconds()))
    }

    /// Looks at the next entities. `None`: others changed what it rests on, and it is looked at anew.
    async fn examine_page(
        &self,
        model: &CompiledEntity,
        examiners: &Examiners<'_>,
        (revision, row, mut running): (Option<u64>, PassRow, Running),
        now: i64,
    ) -> Result<Option<Checked>, Error> {
        let rows = self.core.store.scan(&self.id, Table::Entity, "", running.after.as_deref(), PAGE).await;
        let rows = rows.map_err(Error::store("go through entities"))?;
        let ended = rows.len() < PAGE;
        let held = self.held_views(model, &rows).await?;
        let mut checked = Checked::default();
        let wrong = found(examiners, &held, &mut running.passed, now, &mut checked);
        let cases = cases_of(model, wrong, &mut running.passed, now);

        let from = running.after.take();
        let until = rows.last().map(|row| row.key.clone()).filter(|_| !ended);
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        changes.commit.expect.push((pass_key(&model.name), revision));
        let mut standing = BTreeMap::new();
        for row in self.standing_cases(&model.name, from.as_deref(), until.as_deref()).await? {
            standing.insert(RowKey::new(Table::Case, row.key.clone()), row);
        }
        for (key, (entity, case)) in &cases {
            // Nobody who is erased meanwhile is told of.
            let revision = held.revisions.get(entity).copied().flatten();
            changes.commit.expect.push((entity_key(*entity), revision));
            put_case(&mut changes, key, case, standing.remove(key))?;
        }
        for (key, row) in standing {
            changes.commit.expect.push((key.clone(), Some(row.revision)));
            changes.delete(key);
        }
        // Two cases of one entity rest on one row of it.
        let mut expected = BTreeSet::new();
        changes.commit.expect.retain(|(key, _)| expected.insert(key.clone()));

        let became = if ended {
            self.note_totals(&model.name, &running.passed, &mut changes).await?;
            let news =
                |last: &Passed| (&last.counts, &last.tallies) != (&running.passed.counts, &running.passed.tallies);
            if row.last.as_ref().is_none_or(news) {
                changes.journal(EXAMINED, model.name.as_str(), &running.passed);
            }
            PassRow { running: None, last: Some(running.passed) }
        } else {
            PassRow { running: Some(Running { after: until, ..running }), ..row }
        };
        if ended && examiners.is_empty() {
            changes.delete(pass_key(&model.name));
        } else {
            changes.put(pass_key(&model.name), &became);
        }
        let took_effect = self.commit("note what was examined", changes.commit).await?;
        Ok(took_effect.then_some(checked))
    }

    /// The entities of a type among these rows, side by side.
    async fn held_views(&self, model: &CompiledEntity, rows: &[Row]) -> Result<Held, Error> {
        let ids: Vec<EntityId> = rows.iter().filter_map(|row| row.key.parse().ok()).collect();
        let mut loader = Loader::new(&self.core, &self.id);
        let mine: Vec<EntityId> = {
            let stored = self.stored_entities(&ids).await?;
            let of = |entity: &Entity| self.core.model.entity(entity.entity).name == model.name;
            let mine = stored.into_iter().flatten().filter(|entity| entity.merged_into.is_none() && of(entity));
            mine.map(|entity| entity.id).collect()
        };
        loader.entities(&mine).await?;
        loader.references().await?;
        let now = self.now();
        let set = &loader.loaded.set;
        let views: Vec<EntityView> = self.with_frame(|frame| {
            let places = mine.iter().filter_map(|id| set.find_entity(*id));
            let view = |place| set.with_ground(frame, place, now, EntityView::of);
            places.map(view).collect()
        });
        let revision =
            |view: &EntityView| (view.id, loader.loaded.revisions.get(&entity_key(view.id)).copied().flatten());
        let revisions = views.iter().map(revision).collect();
        let named: Vec<Vec<(Text, EntityId, EntityType)>> = views.iter().map(|view| names(model, view)).collect();
        let targets: BTreeSet<EntityId> = named.iter().flatten().map(|(_, id, _)| *id).collect();
        let reached = self.reached(targets).await?;
        let leads = |(unit, to, of): (Text, EntityId, EntityType)| {
            let reaches = reached.get(&to).cloned().unwrap_or(Reaches::Nothing);
            Reference::new(unit, to, of, reaches)
        };
        let references = named.into_iter().map(|of| of.into_iter().map(leads).collect()).collect();
        Ok(Held { views, references, revisions })
    }

    /// What is where these ids lead, merges followed; what leads nowhere is not among them.
    async fn reached(&self, ids: BTreeSet<EntityId>) -> Result<BTreeMap<EntityId, Reaches>, Error> {
        let mut reached = BTreeMap::new();
        // By what is asked for, where that is by now. A store that leads in a circle is not followed for ever.
        let mut open: Vec<(EntityId, EntityId)> = ids.into_iter().map(|id| (id, id)).collect();
        let mut seen: BTreeSet<(EntityId, EntityId)> = open.iter().copied().collect();
        while !open.is_empty() {
            let at: Vec<EntityId> = open.iter().map(|(_, at)| *at).collect();
            let found = self.stored_entities(&at).await?;
            let mut aliases = Vec::new();
            for ((asked, _), entity) in open.into_iter().zip(found) {
                let Some(entity) = entity else { continue };
                match entity.merged_into {
                    Some(into) if seen.insert((asked, into)) => aliases.push((asked, into)),
                    Some(_) => {}
                    None => {
                        let of = self.core.model.entity(entity.entity).name.clone();
                        reached.insert(asked, Reaches::Entity(of, entity.life));
                    }
                }
            }
            open = aliases;
        }
        Ok(reached)
    }

    /// The cases of checks that stand about entities behind one id, up to another.
    async fn standing_cases(
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

    /// Compares the totals that a pass added up with those that they are to agree with.
    async fn note_totals(&self, of: &EntityType, passed: &Passed, changes: &mut Changes<'_>) -> Result<(), Error> {
        for aggregate in &self.core.checks.aggregates {
            let Aggregate { left, right, .. } = aggregate;
            if left.entity_type != *of && right.entity_type != *of {
                continue;
            }
            let mut tallies = Vec::new();
            for total in [left, right] {
                let name: Text = total.to_string().into();
                let tally = if total.entity_type == *of {
                    passed.tallies.get(&name).cloned()
                } else {
                    let (_, other) = self.pass_row(&total.entity_type).await?;
                    other.and_then(|row| row.last).and_then(|mut last| last.tallies.remove(&name))
                };
                tallies.extend(tally);
            }
            // The other type was not gone through yet.
            let [ours, theirs] = tallies.as_slice() else { continue };
            let why = aggregate.differ(ours, theirs);
            let (revision, last) = self.totalled_row(aggregate).await?;
            changes.commit.expect.push((totalled_key(aggregate), revision));
            let differ = why.is_some();
            let totalled = Totalled { at: changes.as_of(), left: ours.clone(), right: theirs.clone(), differ };
            changes.put(totalled_key(aggregate), &totalled);
            let one_type = left.entity_type == right.entity_type;
            let key = total_case(aggregate);
            let rows = self.core.store.load(&self.id, std::slice::from_ref(&key)).await;
            let standing = rows.map_err(Error::store("load what a total came to"))?.into_iter().next().flatten();
            match why {
                Some(why) if one_type || standing.is_some() || last.is_some_and(|last| last.differ) => {
                    let personal = [left, right].into_iter().any(|total| self.is_personal(total));
                    let violated =
                        Violated { entity_type: one_type.then(|| left.entity_type.clone()), unit: None, pii: personal };
                    let why = format!("\"{}\": {why}", aggregate.name);
                    let case = CaseRow::new(Vec::new(), [], why, changes.as_of()).violated(violated);
                    put_case(changes, &key, &case, standing)?;
                }
                Some(_) => {}
                None if standing.is_some() => changes.delete(key),
                None => {}
            }
        }
        Ok(())
    }

    fn is_personal(&self, total: &crate::check::Total) -> bool {
        let model = self.core.model.entity_index(total.entity_type.as_str()).map(|of| self.core.model.entity(of));
        let attributes = model.into_iter().flat_map(|model| &model.attributes);
        let mut summed = attributes.filter(|one| total.sum.as_ref() == Some(&one.id));
        summed.any(|attribute| attribute.pii)
    }
}

/// Asks every check, and adds every entity to the totals.
fn found(examiners: &Examiners<'_>, held: &Held, passed: &mut Passed, now: i64, checked: &mut Checked) -> Wrong {
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
    let mut wrong = Wrong::new();
    for check in &examiners.checks {
        let name = check.name();
        if let Some(counted) = passed.counts.get_mut(&name) {
            counted.examined += entities.len() as u64;
        }
        for violation in check.examine(&entities, at).into_iter().filter(|one| ids.contains(&one.entity)) {
            wrong.entry((violation.entity, name.clone())).or_default().push(violation);
        }
    }
    let violating: BTreeSet<EntityId> = wrong.keys().map(|(entity, _)| *entity).collect();
    checked.examined += if examiners.checks.is_empty() { 0 } else { entities.len() };
    checked.violating += violating.len();
    wrong
}

/// Counts what is wrong, and gives the cases that it makes, as many as a check may open.
fn cases_of(
    model: &CompiledEntity,
    wrong: Wrong,
    passed: &mut Passed,
    now: i64,
) -> BTreeMap<RowKey, (EntityId, CaseRow)> {
    let mut cases = BTreeMap::new();
    for ((entity, check), violations) in wrong {
        let Some(counted) = passed.counts.get_mut(&check) else { continue };
        let units: BTreeSet<&Text> = violations.iter().filter_map(|violation| violation.unit.as_ref()).collect();
        counted.violating += 1;
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
fn put_case(changes: &mut Changes<'_>, key: &RowKey, case: &CaseRow, standing: Option<Row>) -> Result<(), Error> {
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

/// The case of totals that do not agree.
fn total_case(aggregate: &Aggregate) -> RowKey {
    case_key(CaseKind::Violation, Text::of_parts(&[PART, &aggregate.name]))
}

/// The entities that golden names, of which type they are to be, and by which unit.
fn names(model: &CompiledEntity, view: &EntityView) -> Vec<(Text, EntityId, EntityType)> {
    let mut named = Vec::new();
    for unit in &view.units {
        let Some(key) = model.unit_key(&unit.name) else { continue };
        let of = key.index().and_then(|index| model.units.get(usize::from(index)));
        let Some(expected) = of.and_then(|unit| unit.reference.as_ref()) else { continue };
        let text = match &key {
            // Of a set, each value is a unit: it is named by the value.
            UnitKey::Element(_, element) => unit.golden.is_value().then(|| element.as_str()),
            UnitKey::Whole(_) | UnitKey::Exists => unit.golden.as_value(),
        };
        named.extend(text.and_then(|text| text.parse().ok()).map(|id| (unit.name.clone(), id, expected.clone())));
    }
    named
}
