//! Records that are gone, and told whose they were when they were nobody's: they stand in no row of a value.

use std::collections::BTreeSet;

use crate::engine::Tenant;
use crate::engine::hydrate::look_at_representation;
use crate::engine::persist::record_of_key;
use crate::engine::tenant::pages::Pages;
use crate::error::Error;
use crate::id::RecordRef;
use crate::store::Table;
use crate::working_set::{IdentityKey, identity_values};

impl Tenant {
    /// The records that say nothing any more, and said one of these identity values. Each call reads what all records say.
    pub(super) async fn silent_records(&self, values: &BTreeSet<IdentityKey>) -> Result<BTreeSet<RecordRef>, Error> {
        let mut silent = BTreeSet::new();
        let mut rows = Pages::new(self, Table::Representation, "look for records that are gone");
        while !values.is_empty()
            && let Some(row) = rows.next().await?
        {
            let Some(record) = record_of_key(&row.key) else { continue };
            let Some((entity, object)) = self.core.place(&record) else { continue };
            let said = look_at_representation(&self.core, &self.id, &row, (entity, object))?;
            let values_said = || identity_values(self.core.model.entity(entity), object, &said);
            if !said.speaks() && values_said().iter().any(|value| values.contains(value)) {
                silent.insert(record);
            }
        }
        Ok(silent)
    }
}
