//! Migrations over a filled store: what records say is made anew and told in the journal, after everything that is stored was
//! looked through for what nothing can be made of.

use std::collections::BTreeMap;

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, record_of_key, representation_key};
use crate::engine::tenant::BATCH;
use crate::engine::tenant::erase::{RESTATED, Restated};
use crate::engine::tenant::model::under_way::UnderWay;
use crate::entity::Entity;
use crate::entity::stored::{Obstacle, StoredEntity, object_name};
use crate::error::Error;
use crate::id::RecordRef;
use crate::model::change::{Progress, Step};
use crate::model::{Change, What};
use crate::representation::Representation;
use crate::representation::stored::StoredRepresentation;
use crate::store::{Row, Table};
use crate::text::Text;
use crate::value::Malformed;

/// What stands in the way of steps, by their places.
#[derive(Default)]
struct Survey {
    values: BTreeMap<usize, (usize, Text, Malformed)>,
    under_way: BTreeMap<usize, (usize, Text)>,
}

impl Survey {
    fn value(&mut self, step: usize, row: &str, why: Malformed) {
        self.values.entry(step).or_insert_with(|| (0, row.into(), why)).0 += 1;
    }

    fn under_way(&mut self, step: usize, row: &str) {
        self.under_way.entry(step).or_insert_with(|| (0, row.into())).0 += 1;
    }
}

impl Tenant {
    /// What stands in the way of these steps: all that is stored is looked through, and nothing changed.
    pub(super) async fn survey(&self, steps: &[Step]) -> Result<Vec<Change>, Error> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let mut survey = Survey::default();
        self.each_row(Table::Representation, |row| {
            let Some((record, stored)) = read_record(row)? else { return Ok(()) };
            for (place, step) in steps.iter().enumerate() {
                if let Err(why) = self.migrated_record(&record, stored.clone(), std::slice::from_ref(step)) {
                    survey.value(place, &record.to_string(), why);
                }
            }
            Ok(())
        })
        .await?;
        self.each_row(Table::Entity, |row| {
            let stored: StoredEntity = parse(Table::Entity, row)?;
            let id = stored.id.to_string();
            let Some(entity) = Entity::from_stored(stored.clone(), &self.core.model) else { return Ok(()) };
            let of = self.core.model.entity(entity.entity);
            for (place, step) in steps.iter().enumerate().filter(|(_, step)| step.entity == entity.entity) {
                match stored.migrated(step, &self.id, &entity, of) {
                    Ok(_) => {}
                    Err(Obstacle::Value(why)) => survey.value(place, &id, why),
                    Err(Obstacle::UnderWay) => survey.under_way(place, &id),
                }
            }
            Ok(())
        })
        .await?;
        let about = |place: usize, what: &dyn Fn(&Step) -> What| {
            let step = steps.get(place)?;
            Some(Change { entity: self.core.model.entity(step.entity).name.clone(), what: what(step) })
        };
        let values = survey.values.iter().filter_map(|(place, (rows, example, why))| {
            about(*place, &|step| What::Unmigratable {
                attribute: step.attribute.clone(),
                from: step.from.clone(),
                rows: *rows,
                example: example.clone(),
                why: why.reason.into(),
            })
        });
        let under_way = survey.under_way.iter().filter_map(|(place, (rows, example))| {
            about(*place, &|step| What::UnderWay {
                attribute: step.attribute.clone(),
                from: step.from.clone(),
                rows: *rows,
                example: example.clone(),
            })
        });
        Ok(values.chain(under_way).collect())
    }

    /// Makes anew what records say. `false`: somebody else goes on with it.
    pub(super) async fn migrate_records(&self, steps: &[Step], under_way: &mut UnderWay) -> Result<bool, Error> {
        let mut after = match under_way.progress() {
            None | Some(Progress::Entities(_)) => return Ok(true),
            Some(Progress::Begun) => None,
            Some(Progress::Records(after)) => Some(after.clone()),
        };
        loop {
            let rows = self.core.store.scan(&self.id, Table::Representation, "", after.as_deref(), BATCH).await;
            let rows = rows.map_err(Error::store("list records"))?;
            let Some(last) = rows.last() else { return Ok(true) };
            after = Some(last.key.clone());
            let mut changes = Changes::new(&self.core, self.now(), &under_way.by);
            for row in &rows {
                let Some((record, stored)) = read_record(row)? else { continue };
                let migrated = self.migrated_record(&record, stored, steps);
                // It was surveyed when nobody could write any more.
                let migrated = migrated
                    .map_err(|_| Error::ModelRefused { reasons: format!("{record} changed while it was migrated") })?;
                let Some(stored) = migrated else { continue };
                changes.commit.expect.push((representation_key(&record), Some(row.revision)));
                changes.put(representation_key(&record), &stored);
                changes.journal(RESTATED, &record.to_string(), &Restated::Record(record.clone(), Box::new(stored)));
            }
            let at = Progress::Records(last.key.clone());
            if !changes.commit.put.is_empty() && !under_way.commit(self, "migrate records", changes, at).await? {
                return Ok(false);
            }
        }
    }

    /// What a record says once these steps are made; `None`: they do not concern it.
    fn migrated_record(
        &self,
        record: &RecordRef,
        mut stored: StoredRepresentation,
        steps: &[Step],
    ) -> Result<Option<StoredRepresentation>, Malformed> {
        let Some((entity, object)) = self.core.place(record) else { return Ok(None) };
        let name = object_name(self.core.model.entity(entity), object);
        let mut migrated = false;
        for step in steps.iter().filter(|step| step.entity == entity) {
            migrated |= stored.migrate(step, &name, &step.attribute)?;
        }
        let names = self.core.slot_names(entity, object);
        Ok(migrated.then(|| Representation::from_stored(stored, names).to_stored(names)))
    }

    async fn each_row(
        &self,
        table: Table,
        mut work: impl FnMut(&Row) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let mut after: Option<Text> = None;
        loop {
            let rows = self.core.store.scan(&self.id, table, "", after.as_deref(), BATCH).await;
            let rows = rows.map_err(Error::store("read what is stored"))?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.key.clone());
            rows.iter().try_for_each(&mut work)?;
        }
    }
}

fn read_record(row: &Row) -> Result<Option<(RecordRef, StoredRepresentation)>, Error> {
    let Some(record) = record_of_key(&row.key) else { return Ok(None) };
    Ok(Some((record, parse(Table::Representation, row)?)))
}
