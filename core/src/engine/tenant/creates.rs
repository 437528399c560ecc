//! What is known of creates that no entity tells: those under way, and where nobody has looked yet.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow};
use crate::engine::hydrate::parse;
use crate::engine::tenant::apply::outbox::{OutboxRow, create_prefix};
use crate::engine::tenant::matching::Unasked;
use crate::engine::tenant::read::position_key;
use crate::error::Error;
use crate::id::{ConnectionName, EntityId, ObjectType};
use crate::store::Table;
use crate::surface::Channel;

/// The creates that are under way, and the object types in which, and entities for which, none may begin.
#[derive(Debug, Default)]
pub(crate) struct Creates {
    under_way: BTreeSet<(EntityId, ObjectType)>,
    unread: BTreeSet<(ConnectionName, ObjectType)>,
    shared: BTreeSet<EntityId>,
    /// What those of matched types wait for, once one is planned.
    pub(super) unasked: OnceLock<Unasked>,
}

const WHY_SHARED: &str =
    "another entity holds the same identity value: merge the two, or correct the one that is wrong";

/// What is asked of a surface's position before every plan, of every surface: the rest is not read.
#[derive(Deserialize)]
struct Ended {
    /// Whether the surface was ever read to its end.
    #[serde(default)]
    ended: bool,
}

impl Creates {
    /// Whether a create for an entity has been intended and not settled.
    pub(crate) fn under_way(&self, entity: EntityId, object: &ObjectType) -> bool {
        self.under_way.contains(&(entity, object.clone()))
    }

    /// Whether an object type has surfaces that list its records, and none was ever read to its end.
    pub(crate) fn is_unread(&self, connection: &ConnectionName, object: &ObjectType) -> bool {
        self.unread.contains(&(connection.clone(), object.clone()))
    }

    /// Why an entity may be another one, where nobody has said yet whether it is: it shares an identity value with it.
    pub(crate) fn may_be_another(&self, entity: EntityId) -> Option<&'static str> {
        self.shared.contains(&entity).then_some(WHY_SHARED)
    }
}

impl Tenant {
    pub(crate) async fn creates(&self) -> Result<Creates, Error> {
        let mut creates = Creates { unread: self.unread().await?, ..Creates::default() };
        let rows = self.create_rows().await?;
        let operations = rows.iter().flat_map(|row| &row.operations);
        creates.under_way = operations.map(|operation| (operation.entity, operation.target.object().clone())).collect();
        for row in self.all_rows(Table::Case, CaseKind::SharedIdentity.prefix(), "list shared identities").await? {
            let case: CaseRow = parse(Table::Case, &row)?;
            creates.shared.extend(case.entities);
        }
        Ok(creates)
    }

    /// The connections and object types in which a create is under way.
    pub(crate) async fn creates_under_way(&self) -> Result<BTreeSet<(ConnectionName, ObjectType)>, Error> {
        let rows = self.create_rows().await?;
        let targets = rows.iter().flat_map(|row| &row.operations).map(|operation| &operation.target);
        Ok(targets.map(|target| (target.connection().clone(), target.object().clone())).collect())
    }

    async fn create_rows(&self) -> Result<Vec<OutboxRow>, Error> {
        let rows = self.all_rows(Table::Outbox, create_prefix(), "list creates under way").await?;
        rows.iter().map(|row| parse(Table::Outbox, row)).collect()
    }

    async fn unread(&self) -> Result<BTreeSet<(ConnectionName, ObjectType)>, Error> {
        // A stream is no list: it begins when somebody follows it, and tells of what changes from then on.
        let lists = |channel| matches!(channel, Channel::Poll | Channel::Scan);
        let mut places = Vec::new();
        let mut keys = Vec::new();
        for (name, connection) in &self.core.connections {
            for bound in connection.surfaces.iter().filter(|bound| lists(bound.surface.channel)) {
                places.push((name, &bound.surface.object));
                keys.push(position_key(name, &bound.surface.name));
            }
        }
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load cursors"))?;
        let mut unread: BTreeSet<_> = places.iter().copied().collect();
        for (place, row) in places.iter().zip(rows) {
            let position: Option<Ended> = row.as_ref().map(|row| parse(Table::Cursor, row)).transpose()?;
            if position.is_some_and(|position| position.ended) {
                unread.remove(place);
            }
        }
        Ok(unread.into_iter().map(|(name, object)| (name.clone(), object.clone())).collect())
    }
}
