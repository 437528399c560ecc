//! Why records are one entity, as the matcher of their type says now.

use crate::engine::Tenant;
use crate::error::Error;
use crate::id::RecordRef;
use crate::matching::HeldTogether;

impl Tenant {
    /// Why a record is one entity with others, as the matcher of its type says now: the pairs that hold them together, why each weighs what
    /// it weighs, and where it would break first. `None`: the record is none of a matched type, no model was trained, an erasure emptied it
    /// and no step has learned another yet, or the matcher was never shown the record.
    ///
    /// What is linked is in the entity, with the waterfall of its day in the journal; this is what the model would say of it today. As
    /// nothing is taken apart by itself, the two may differ. It reads what [`Tenant::match_records`] keeps in memory, and builds that first
    /// where this process has not matched yet: then it reads all records of the type.
    ///
    /// # Errors
    ///
    /// [`Error::Matcher`] if the matcher cannot read the model; [`Error::Contended`] while it is trained again and again; or a store that
    /// failed.
    pub async fn explain_match(&self, record: &RecordRef) -> Result<Option<HeldTogether>, Error> {
        let Some((of, _)) = self.core.place(record) else { return Ok(None) };
        if self.core.matching.get(usize::from(of)).is_none_or(Option::is_none) {
            return Ok(None);
        }
        // Whoever only asks has nobody learn.
        if self.matcher_model(of).await?.is_none_or(|(model, _)| model.unlearned) {
            return Ok(None);
        }
        let held = self.core.match_indexes.of(&self.id, of);
        let mut held = held.lock().await;
        Ok(self.hold_index(of, &mut held).await?.and_then(|held| held.index.held_together(record)))
    }
}
