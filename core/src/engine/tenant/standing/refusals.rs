//! What standing approvals cover no longer: what a system refused, or somebody else changed again, until a person looks.
//!
//! It is kept beside the cases, which people may close: closing one permits nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, PART};
use crate::engine::tenant::apply::outbox::outbox_key;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::plan::Operation;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// So many different values of a unit are sent under standing approvals and refused in a row; then a person is asked.
const MOST: usize = 3;

/// What was refused of a unit of a record since anything was last written there, or approved by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Refusals {
    keys: BTreeSet<Digest>,
}

impl Refusals {
    fn stop(&self, operation: &Operation) -> bool {
        self.keys.len() >= MOST || self.keys.contains(&operation.key)
    }
}

/// What the keys of rows begin with that say what was refused.
pub(crate) const REFUSALS: &str = "refusals\u{1f}";

/// One row per unit of a record: values come and go.
fn refusals_row(operation: &Operation) -> RowKey {
    RowKey::new(Table::Meta, Text::of_parts(&[REFUSALS, &outbox_key(operation).key, PART, &operation.unit]))
}

/// What was refused of the units of these operations counts no more: it was written, or a person approved it.
pub(crate) fn forget_refusals<'o>(changes: &mut Changes<'_>, operations: impl IntoIterator<Item = &'o Operation>) {
    for operation in operations {
        changes.delete(refusals_row(operation));
    }
}

impl Tenant {
    /// Remembers operations that standing approvals are not to carry out once more.
    pub(crate) async fn remember_refusals(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &[Operation],
    ) -> Result<(), Error> {
        for operation in operations {
            let mut refusals = self.refusals(loader, operation).await?;
            if !refusals.stop(operation) {
                refusals.keys.insert(operation.key);
            }
            changes.put(refusals_row(operation), &refusals);
        }
        Ok(())
    }

    /// Which of the operations no standing approval covers, because of what was refused there; whoever loaded it commits
    /// only if it stays so.
    pub(super) async fn stopped_by_refusals(
        &self,
        loader: &mut Loader<'_>,
        operations: &[&Operation],
    ) -> Result<BTreeSet<Digest>, Error> {
        let keys: Vec<RowKey> = operations.iter().map(|operation| refusals_row(operation)).collect();
        let mut stopped = BTreeSet::new();
        for (operation, row) in operations.iter().zip(loader.rows(&keys).await?) {
            let Some(row) = row else { continue };
            let refusals: Refusals = parse(Table::Meta, &row)?;
            stopped.extend(refusals.stop(operation).then_some(operation.key));
        }
        Ok(stopped)
    }

    async fn refusals(&self, loader: &mut Loader<'_>, operation: &Operation) -> Result<Refusals, Error> {
        let row = loader.rows(&[refusals_row(operation)]).await?.into_iter().next().flatten();
        Ok(row.map(|row| parse(Table::Meta, &row)).transpose()?.unwrap_or_default())
    }
}
