//! What ends by its date: entities of which a decision, or leave to differ, is over are settled anew.

use crate::engine::Tenant;
use crate::engine::due_index::{PREFIX, instant_of_key};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, LinkRow};
use crate::engine::tenant::attempts::Attempts;
use crate::error::Error;
use crate::fact::EntityFact;
use crate::id::EntityId;
use crate::settle::Touched;
use crate::store::Table;

/// How many entities one step settles.
const AT_ONCE: usize = 50;

/// What a look at the dates came to.
pub(super) struct Ended {
    /// Whether more is over.
    pub(super) more: bool,
    /// When the next is over, in milliseconds since the epoch.
    pub(super) next: Option<i64>,
}

impl Tenant {
    /// Ends decisions and leave whose date has come, up to a bound. Each entity is a commit of its own.
    pub(super) async fn end_by_date(&self) -> Result<Ended, Error> {
        let rows = self.core.store.scan(&self.id, Table::Index, PREFIX, None, AT_ONCE).await;
        let rows = rows.map_err(Error::store("look for decisions that are over"))?;
        let full = rows.len() == AT_ONCE;
        for row in rows {
            let Some(at) = instant_of_key(&row.key) else { continue };
            if at > self.now() {
                return Ok(Ended { more: false, next: Some(at) });
            }
            let link: LinkRow = parse(Table::Index, &row)?;
            self.settle_anew(link.entity).await?;
        }
        Ok(Ended { more: full, next: None })
    }

    /// Settles an entity as it stands, now.
    pub(super) async fn settle_anew(&self, id: EntityId) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            let Some(index) = loader.standing(id).await? else { return Ok(()) };
            loader.references().await?;
            let mut changes = Changes::new(&self.core, as_of, &Self::engine());
            let mut facts: Vec<EntityFact> = Vec::new();
            loader.loaded.set.touch(index, Touched::Everything);
            self.with_frame(|frame| {
                loader.loaded.set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            if changes.commit.put.is_empty() && changes.commit.journal.is_empty() {
                return Ok(());
            }
            if attempts.commit(self, "end what is over", changes.commit).await? {
                return Ok(());
            }
        }
    }
}
