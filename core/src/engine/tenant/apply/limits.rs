//! Limits, checked again before any write: since a plan was made, others may have been carried out.

use std::collections::BTreeMap;

use crate::engine::Tenant;
use crate::engine::tenant::apply::Applied;
use crate::engine::tenant::deletes::DeletesByPlace;
use crate::error::Error;
use crate::plan::{Intent, Operation, Parked, WritePlace, archives};
use crate::text::Text;

impl Tenant {
    /// Keeps out, before any write, the archives of every place where they would exceed a limit: since a plan was made,
    /// others may have been carried out.
    pub(super) async fn within_limits(
        &self,
        groups: Vec<Vec<Operation>>,
        applied: &mut Applied,
    ) -> Result<(Vec<Vec<Operation>>, DeletesByPlace), Error> {
        let place = |operation: &Operation| {
            let place = || (operation.target.connection().clone(), operation.target.object().clone());
            (operation.intent == Intent::Archive).then(place)
        };
        let planned = archives(groups.iter().flatten());
        let deletes = self.deletes_of(&planned).await?;
        let mut exceeded = BTreeMap::new();
        for (place, planned) in planned {
            let of = deletes.get(&place).copied().unwrap_or_default();
            if let Some(why) = self.core.limits.exceeded(of, planned.len()) {
                exceeded.insert(place, why);
            }
        }
        let mut kept = Vec::with_capacity(groups.len());
        for group in groups {
            match group.first().and_then(place).and_then(|place| exceeded.get(&place)) {
                None => kept.push(group),
                Some(why) => applied.held.extend(group.into_iter().map(|o| Parked::limited(o, why.clone()))),
            }
        }
        let kept = self.within_write_limit(kept, applied).await?;
        Ok((kept, deletes))
    }

    /// Keeps out, before any write, all writes of every attribute that would exceed the limit on writes.
    async fn within_write_limit(
        &self,
        groups: Vec<Vec<Operation>>,
        applied: &mut Applied,
    ) -> Result<Vec<Vec<Operation>>, Error> {
        let mut planned: BTreeMap<WritePlace, usize> = BTreeMap::new();
        for place in groups.iter().flatten().filter_map(WritePlace::of) {
            *planned.entry(place).or_default() += 1;
        }
        let writes = self.writes_of(groups.iter().flatten()).await?;
        let exceeded: BTreeMap<WritePlace, Text> = planned
            .into_iter()
            .filter_map(|(place, planned)| {
                let why = self.core.limits.writes_exceeded(&place, *writes.get(&place)?, planned)?;
                Some((place, why))
            })
            .collect();
        if exceeded.is_empty() {
            return Ok(groups);
        }
        let why = |operation: &Operation| exceeded.get(&WritePlace::of(operation)?);
        let mut kept = Vec::with_capacity(groups.len());
        for group in groups {
            let (held, group): (Vec<_>, Vec<_>) = group.into_iter().partition(|operation| why(operation).is_some());
            let held = held.into_iter().filter_map(|o| Some(Parked::limited(o.clone(), why(&o)?.clone())));
            applied.held.extend(held);
            kept.extend((!group.is_empty()).then_some(group));
        }
        Ok(kept)
    }
}
