//! A change of the model under way: who makes it, and how far it has come.

use crate::engine::Tenant;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::model::model_key;
use crate::error::Error;
use crate::id::Actor;
use crate::model::change::{Migrating, Progress, StoredModel};

/// A change under way. One that migrates values says in the commit of every batch how far it has come: whoever goes on with
/// it migrates nothing twice.
pub(super) struct UnderWay {
    pub(super) by: Actor,
    /// The revision of the model's row.
    pub(super) revision: u64,
    /// The former model, as the row holds it meanwhile.
    then: StoredModel,
    migrating: Option<Migrating>,
    attempts: Attempts,
}

impl UnderWay {
    pub(super) fn new(by: &Actor, revision: u64, then: StoredModel, migrating: Option<Migrating>) -> Self {
        Self { by: by.clone(), revision, then, migrating, attempts: Attempts::default() }
    }

    /// How far it has come, if it migrates values.
    pub(super) fn progress(&self) -> Option<&Progress> {
        self.migrating.as_ref().map(|migrating| &migrating.at)
    }

    /// Commits a batch. `false`: somebody else was faster.
    pub(super) async fn commit(
        &mut self,
        tenant: &Tenant,
        doing: &'static str,
        mut changes: Changes<'_>,
        at: Progress,
    ) -> Result<bool, Error> {
        let Some(migrating) = &self.migrating else {
            return self.attempts.commit_anyhow(tenant, doing, changes.commit).await;
        };
        let migrating = Migrating { toward: migrating.toward, at };
        changes.commit.expect.push((model_key(), Some(self.revision)));
        changes.put(model_key(), &self.then.clone().under_change(Some(migrating.clone())));
        let won = self.attempts.commit_anyhow(tenant, doing, changes.commit).await?;
        if won {
            self.revision += 1;
            self.migrating = Some(migrating);
        }
        Ok(won)
    }
}
