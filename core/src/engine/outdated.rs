//! Outdated findings: since an entity came back, was taken apart from another, or a person closed what a check found wrong with it, nothing
//! counts that checks found before: none of them has looked at it as it stands.

use crate::engine::persist::Changes;
use crate::id::{EntityId, EntityType};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The row that says since when what checks found of an entity before no longer counts.
pub(crate) fn outdated_key(id: EntityId) -> RowKey {
    RowKey::new(Table::Meta, Text::of_parts(&["outdated/", &id.text()]))
}

impl Changes<'_> {
    /// What checks found of an entity before this step no longer counts.
    pub(crate) fn outdate(&mut self, of: &EntityType, id: EntityId) {
        if self.core().checks.of_entities.iter().any(|(checked, _)| checked == of) {
            let now = self.as_of();
            self.put(outdated_key(id), &now);
        }
    }
}
