//! Stops at work: what is read at a stopped field is not believed, and nothing is written there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{SchemaRow, SchemaStop, schema_key};
use crate::connector::Item;
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::error::Error;
use crate::id::{ConnectionName, ObjectType, TenantId};
use crate::model::Path;
use crate::plan::{Intent, Operation};
use crate::rollout::Waiting;
use crate::store::Table;
use crate::text::Text;

/// How long what another process may have stopped is taken for what was read last, in milliseconds.
const FRESH: i64 = 60_000;

type Known = BTreeMap<(TenantId, ConnectionName), (i64, Arc<[SchemaStop]>)>;

/// What this process knows to stand still.
#[derive(Debug, Default)]
pub(crate) struct Stops(Mutex<Known>);

impl Stops {
    fn held(&self) -> MutexGuard<'_, Known> {
        // An insertion is whole or has not happened, so a poisoned lock guards a whole map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        now: i64,
        stops: &[SchemaStop],
    ) -> Arc<[SchemaStop]> {
        let stops: Arc<[SchemaStop]> = stops.into();
        self.held().insert((tenant.clone(), name.clone()), (now, Arc::clone(&stops)));
        stops
    }

    /// What stands still at a connection is looked up anew, before what is read there is believed or not.
    pub(crate) fn forget(&self, tenant: &TenantId, name: &ConnectionName) {
        self.held().remove(&(tenant.clone(), name.clone()));
    }

    fn fresh(&self, tenant: &TenantId, name: &ConnectionName, now: i64) -> Option<Arc<[SchemaStop]>> {
        let held = self.held();
        let (at, stops) = held.get(&(tenant.clone(), name.clone()))?;
        (0..FRESH).contains(&now.saturating_sub(*at)).then(|| Arc::clone(stops))
    }
}

impl Tenant {
    /// The items, of which what stands at a stopped field may not be believed.
    pub(crate) async fn believable<'i>(
        &self,
        name: &ConnectionName,
        items: &'i [Item],
    ) -> Result<Cow<'i, [Item]>, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        if items.is_empty() || !bound.connector.describes() {
            return Ok(Cow::Borrowed(items));
        }
        let now = self.now();
        let stops = match self.core.stops.fresh(&self.id, name, now) {
            Some(stops) => stops,
            None => {
                let (_, row) = self.schema_row(name).await?;
                self.core.stops.note(&self.id, name, now, &row.stopped)
            }
        };
        if stops.is_empty() {
            return Ok(Cow::Borrowed(items));
        }
        let paths = |object: &ObjectType| -> Arc<[Path]> {
            stops.iter().filter(|stop| stop.object == *object).map(|stop| Path::new(&stop.field)).collect()
        };
        let by_surface: BTreeMap<_, _> =
            bound.surfaces.iter().map(|bound| (bound.surface.name.clone(), paths(&bound.surface.object))).collect();
        let withheld = |item: &Item| match by_surface.get(&item.surface) {
            Some(stopped) if !stopped.is_empty() => {
                let denied: Vec<Path> = item.denied.iter().chain(stopped.iter()).cloned().collect();
                item.clone().denying(denied)
            }
            _ => item.clone(),
        };
        Ok(Cow::Owned(items.iter().map(withheld).collect()))
    }

    /// The same of one item.
    pub(crate) async fn believable_item(&self, name: &ConnectionName, item: &Item) -> Result<Item, Error> {
        let items = self.believable(name, std::slice::from_ref(item)).await?;
        Ok(items.first().unwrap_or(item).clone())
    }

    /// What of these operations waits because it would write to a stopped field, each with why. Whoever asked commits only if it
    /// stays so.
    pub(crate) async fn stopped_by_schema(
        &self,
        loader: &mut Loader<'_>,
        operations: &[Operation],
    ) -> Result<Vec<(Operation, Waiting)>, Error> {
        let Some(first) = operations.first() else { return Ok(Vec::new()) };
        let name = first.target.connection();
        let Some(bound) = self.core.connections.get(name) else { return Ok(Vec::new()) };
        if !bound.connector.describes() {
            return Ok(Vec::new());
        }
        let row = loader.rows(&[schema_key(name)]).await?.into_iter().next().flatten();
        let row: SchemaRow = row.map(|row| parse(Table::Meta, &row)).transpose()?.unwrap_or_default();
        let stopped = |operation: &Operation| {
            let why = self.why_stopped(&row.stopped, operation)?;
            Some((operation.clone(), Waiting { why, until: None }))
        };
        Ok(operations.iter().filter_map(stopped).collect())
    }

    /// What stands still at each connection that describes itself.
    pub(crate) async fn all_stops(&self) -> Result<BTreeMap<ConnectionName, Vec<SchemaStop>>, Error> {
        let mut all = BTreeMap::new();
        for (name, _) in self.core.connections.iter().filter(|(_, bound)| bound.connector.describes()) {
            let (_, row) = self.schema_row(name).await?;
            if !row.stopped.is_empty() {
                all.insert(name.clone(), row.stopped);
            }
        }
        Ok(all)
    }

    /// Why an operation waits, if it would write to a field that stands still: one that sets the attribute, and a create that gives
    /// it a value. Nothing is in the way of an archive.
    pub(crate) fn why_stopped(&self, stops: &[SchemaStop], operation: &Operation) -> Option<Text> {
        let model = self.core.model.entity(self.core.model.entity_index(operation.entity_type.as_str())?);
        let object = operation.target.object();
        let unit = model.unit_key(&operation.unit).and_then(|key| key.index());
        let writes = |stop: &&SchemaStop| {
            let (entity_type, attribute) = stop.attribute.split_once('.').unwrap_or_default();
            let of = || {
                let member = model.unit_of(attribute).map(|(unit, _)| unit);
                member.or_else(|| model.unit_index(attribute))
            };
            stop.object == *object
                && entity_type == model.name.as_str()
                && match &operation.intent {
                    Intent::Set(_) => unit.is_some() && of() == unit,
                    Intent::Create(fields) => of().is_some_and(|of| {
                        let index = |name: &Text| model.unit_key(name).and_then(|key| key.index());
                        fields.iter().any(|(name, _)| index(name) == Some(of))
                    }),
                    Intent::Archive => false,
                }
        };
        let stop = stops.iter().find(writes)?;
        let (connection, field, why) = (operation.target.connection(), &stop.field, &stop.why);
        Some(format!("{field} of {connection} stands still: {why}").into())
    }
}
