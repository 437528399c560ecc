//! Sweeps: all records of an entity type are put in the queue of its matcher, page by page, because it has a new model, or because it is
//! told to link and to ask otherwise. Types that are matched no longer are let go.

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::match_queue::{Queued, queue_key, queue_prefix};
use crate::engine::persist::{Changes, LinkRow, link_key, record_of_key};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::matching::model::{Asked, ModelRow, model_row};
use crate::entity::HUB_OBJECT;
use crate::error::Error;
use crate::id::{EntityType, RecordRef};
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// How far records have been put in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sweep {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Text>,
}

/// How many records a sweep puts in the queue by one commit.
const AT_ONCE: usize = 200;

pub(super) fn sweep_row(entity_type: &EntityType) -> RowKey {
    RowKey::new(Table::Meta, format!("matcher-sweep\u{1f}{entity_type}"))
}

impl Tenant {
    /// Begins a sweep where all records were put before the model under other thresholds than today's. `false`: somebody else changed the
    /// model's row meanwhile.
    pub(super) async fn sweep_if_asked_otherwise(
        &self,
        of: u16,
        (model, revision): (ModelRow, u64),
        asked: Asked,
    ) -> Result<bool, Error> {
        if model.asked == Some(asked) {
            return Ok(true);
        }
        let name = &self.core.model.entity(of).name;
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.commit.expect.push((model_row(name), Some(revision)));
        changes.put(model_row(name), &ModelRow { asked: Some(asked), ..model });
        changes.put(sweep_row(name), &Sweep::default());
        self.commit("look at records again", changes.commit).await
    }

    /// Puts the next records in the queue. `false`: no sweep is under way.
    pub(super) async fn sweep_matches(&self, of: u16) -> Result<bool, Error> {
        let name = &self.core.model.entity(of).name;
        let key = sweep_row(name);
        let mut attempts = Attempts::default();
        loop {
            let rows = self.core.store.load(&self.id, std::slice::from_ref(&key)).await;
            let row = rows.map_err(Error::store("see what was matched"))?.into_iter().next().flatten();
            let Some(row) = row else { return Ok(false) };
            let Sweep { after } = parse(Table::Meta, &row)?;
            let found = self.core.store.scan(&self.id, Table::Representation, "", after.as_deref(), AT_ONCE).await;
            let found = found.map_err(Error::store("go through records"))?;
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.commit.expect.push((key.clone(), Some(row.revision)));
            match found.last().filter(|_| found.len() == AT_ONCE) {
                Some(last) => changes.put(key.clone(), &Sweep { after: Some(last.key.clone()) }),
                None => changes.delete(key.clone()),
            }
            let records: Vec<RecordRef> = found.iter().filter_map(|row| record_of_key(&row.key)).collect();
            let is_of = |record: &&RecordRef| {
                self.core.place(record).is_some_and(|(entity, object)| entity == of && object != HUB_OBJECT)
            };
            let records: Vec<&RecordRef> = records.iter().filter(is_of).collect();
            let links: Vec<RowKey> = records.iter().map(|record| link_key(record)).collect();
            let links = match links.is_empty() {
                true => Vec::new(),
                false => self.core.store.load(&self.id, &links).await.map_err(Error::store("look for links"))?,
            };
            for (record, link) in records.into_iter().zip(links) {
                let link: Option<LinkRow> = link.map(|row| parse(Table::Link, &row)).transpose()?;
                changes.put(queue_key(name, record), &Queued { entity: link.map(|link| link.entity) });
            }
            if attempts.commit(self, "look at records again", changes.commit).await? {
                return Ok(true);
            }
        }
    }

    /// Empties the queue of an entity type that has no model, by the revision of the row of the last one: whoever trains one looks at all
    /// records.
    pub(super) async fn empty_match_queue(
        &self,
        (of, last): (u16, Option<u64>),
        rows: Vec<Row>,
    ) -> Result<bool, Error> {
        self.take_off_the_queue((model_row(&self.core.model.entity(of).name), last), rows).await
    }

    /// Takes rows off the queue, if the row of the model is as it was read.
    async fn take_off_the_queue(&self, model: (RowKey, Option<u64>), rows: Vec<Row>) -> Result<bool, Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.commit.expect.push(model);
        for row in rows {
            let key = RowKey::new(Table::Index, row.key);
            changes.commit.expect.push((key.clone(), Some(row.revision)));
            changes.delete(key);
        }
        self.commit("empty the queue of a matcher", changes.commit).await
    }

    /// Lets types go that this process does not match, once: what is queued of them goes, and whoever matches them again asks about all
    /// records. Open cases stay, for a person to answer.
    pub(super) async fn let_go_of_unmatched(&self) -> Result<(), Error> {
        if self.core.match_indexes.has_let_go(&self.id) {
            return Ok(());
        }
        for (of, _) in (0u16..).zip(&self.core.matching).filter(|(_, matching)| matching.is_none()) {
            let name = &self.core.model.entity(of).name;
            let Some((model, revision)) = self.matcher_model(of).await? else { continue };
            let mut revision = revision;
            if model.asked.is_some() {
                let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
                changes.commit.expect.push((model_row(name), Some(revision)));
                changes.put(model_row(name), &ModelRow { asked: None, ..model });
                changes.delete(sweep_row(name));
                if !self.commit("let go of what is matched no longer", changes.commit).await? {
                    return Ok(());
                }
                revision += 1;
            }
            let prefix = queue_prefix(name);
            loop {
                let rows = self.core.store.scan(&self.id, Table::Index, &prefix, None, AT_ONCE).await;
                let rows = rows.map_err(Error::store("list records to be matched"))?;
                if rows.is_empty() {
                    break;
                }
                // Whoever was faster is heard by the next step.
                if !self.take_off_the_queue((model_row(name), Some(revision)), rows).await? {
                    return Ok(());
                }
            }
        }
        self.core.match_indexes.note_let_go(&self.id);
        Ok(())
    }
}
