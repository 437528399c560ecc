//! Unlearning: a trained model knows words of the records that it was learned from, so an erasure empties all models, and whoever needs
//! one next trains it anew on who is left.

use crate::engine::Tenant;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::matching::model::{ModelRow, model_row, text_row};
use crate::engine::tenant::matching::sweep::{Sweep, sweep_row};
use crate::error::Error;

impl Tenant {
    /// Empties every trained model, also of types that are matched no longer, and has all records looked at again by what is trained in its
    /// place.
    pub(in crate::engine::tenant) async fn unlearn_matchers(&self, changes: &mut Changes<'_>) -> Result<(), Error> {
        for (of, matching) in (0u16..).zip(&self.core.matching) {
            let name = &self.core.model.entity(of).name;
            let Some((row, revision)) = self.matcher_model(of).await?.filter(|(row, _)| !row.unlearned) else {
                continue;
            };
            changes.commit.expect.push((model_row(name), Some(revision)));
            changes.put(model_row(name), &ModelRow { unlearned: true, ..row });
            changes.delete(text_row(name));
            if matching.is_some() {
                changes.put(sweep_row(name), &Sweep::default());
            }
        }
        Ok(())
    }

    /// The model of an entity type, and the revision of its row; trained anew if an erasure emptied it; none if who is left tells nothing to be learned: then it is
    /// as if none had ever been trained.
    pub(super) async fn learned_model(&self, of: u16) -> Result<Option<(ModelRow, u64)>, Error> {
        let mut attempts = Attempts::default();
        loop {
            let Some((row, revision)) = self.matcher_model(of).await? else { return Ok(None) };
            let matching = self.core.matching.get(usize::from(of)).and_then(Option::as_ref);
            let Some(matching) = matching.filter(|_| row.unlearned) else { return Ok(Some((row, revision))) };
            match self.train(of, matching, &Self::engine()).await {
                Ok(_) => return self.matcher_model(of).await,
                Err(Error::Matcher { .. }) => {}
                Err(error) => return Err(error),
            }
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            let key = model_row(&self.core.model.entity(of).name);
            changes.commit.expect.push((key.clone(), Some(revision)));
            changes.delete(key);
            changes.delete(text_row(&self.core.model.entity(of).name));
            if attempts.commit(self, "drop a model of a matcher", changes.commit).await? {
                return Ok(None);
            }
        }
    }
}
