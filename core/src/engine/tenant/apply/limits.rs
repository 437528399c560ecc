//! Limits, checked again before any write: since a plan was made, others may have been carried out.

use crate::engine::Tenant;
use crate::engine::tenant::apply::Applied;
use crate::error::Error;
use crate::plan::{Counted, Operation, Parked};

impl Tenant {
    /// Keeps out, before any write, what limits keep out: all of a place that has no room for all of them.
    pub(super) async fn within_limits(
        &self,
        groups: Vec<Vec<Operation>>,
        applied: &mut Applied,
    ) -> Result<(Vec<Vec<Operation>>, Counted), Error> {
        let counted = self.counted(groups.iter().flatten()).await?;
        let kept_out = counted.kept_out(self.core.limits, groups.iter().flatten());
        let mut kept = Vec::with_capacity(groups.len());
        for group in groups {
            let (held, group): (Vec<_>, Vec<_>) = group.into_iter().partition(|o| kept_out.contains_key(&o.key));
            applied.held.extend(
                held.into_iter().filter_map(|o| Some(Parked::limited(o.clone(), kept_out.get(&o.key)?.clone()))),
            );
            kept.extend((!group.is_empty()).then_some(group));
        }
        Ok((kept, counted))
    }
}
