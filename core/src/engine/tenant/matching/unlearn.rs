//! Unlearning: a trained model knows words of the records that it was learned from, so an erasure empties all models, and whoever needs
//! one next trains it anew on who is left.

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::matching::model::{MODELS, ModelRow, model_row, text_row};
use crate::engine::tenant::matching::sweep::{Sweep, sweep_row};
use crate::error::Error;
use crate::id::EntityType;
use crate::matching::MatcherError;
use crate::store::Table;

/// The journal's kind for a model that was emptied, and of which nothing was left to be learned anew.
const DROPPED: &str = "matcher_dropped";

impl Tenant {
    /// Empties every trained model, also of types that are matched no longer or left the schema, and has all records looked at again by
    /// what is trained in its place.
    pub(in crate::engine::tenant) async fn unlearn_matchers(&self, changes: &mut Changes<'_>) -> Result<(), Error> {
        for row in self.all_rows(Table::Meta, MODELS, "list models of matchers").await? {
            let model: ModelRow = parse(Table::Meta, &row)?;
            let Some(name) = row.key.strip_prefix(MODELS).filter(|_| !model.unlearned) else { continue };
            let name = EntityType::new(name);
            changes.commit.expect.push((model_row(&name), Some(row.revision)));
            changes.put(model_row(&name), &ModelRow { unlearned: true, ..model });
            changes.delete(text_row(&name));
            let of = self.core.model.entity_index(name.as_str()).map(usize::from);
            if of.and_then(|of| self.core.matching.get(of)).is_some_and(Option::is_some) {
                changes.put(sweep_row(&name), &Sweep::default());
            }
        }
        Ok(())
    }

    /// The model of an entity type, and the revision of its row; trained anew if an erasure emptied it; none if who is left tells nothing
    /// to be learned: then it is dropped, and it is as if none had ever been trained.
    ///
    /// # Errors
    ///
    /// [`Error::Matcher`] if the matcher refuses for another reason: the row stays, and whoever asks next tries again.
    pub(super) async fn learned_model(&self, of: u16) -> Result<Option<(ModelRow, u64)>, Error> {
        let mut attempts = Attempts::default();
        loop {
            let Some((row, revision)) = self.matcher_model(of).await? else { return Ok(None) };
            let matching = self.core.matching.get(usize::from(of)).and_then(Option::as_ref);
            let Some(matching) = matching.filter(|_| row.unlearned) else { return Ok(Some((row, revision))) };
            match self.train(of, matching, &Self::engine()).await {
                Ok(_) => return self.matcher_model(of).await,
                Err(Error::Matcher { source: MatcherError::NothingToLearn(_), .. }) => {}
                Err(error) => return Err(error),
            }
            let name = &self.core.model.entity(of).name;
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.commit.expect.push((model_row(name), Some(revision)));
            changes.journal(DROPPED, &format!("matcher/{name}"), &(name, row.version));
            changes.put(model_row(name), &ModelRow { dropped: true, ..row });
            changes.delete(text_row(name));
            changes.delete(sweep_row(name));
            if attempts.commit(self, "drop a model of a matcher", changes.commit).await? {
                return Ok(None);
            }
        }
    }
}
