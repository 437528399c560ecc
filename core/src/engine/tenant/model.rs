//! The model over time: a store remembers the model that it was written under, and a change of it is accepted before
//! anything is written.

mod migrate;
mod reform;
mod under_way;

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, json};
use crate::engine::tenant::attempts::Attempts;
use crate::error::Error;
use crate::fingerprint::Fingerprint;
use crate::id::Actor;
use crate::model::change::{Migrating, Progress, Step, StoredModel, compare, join, steps, tell_migrations};
use crate::model::{Change, ModelChange, What};
use crate::role::Role;
use crate::store::{Row, RowKey, Table};
use reform::Reform;
use under_way::UnderWay;

pub(super) use reform::clearing_where;

/// The journal's kind for the model that holds from an entry on.
pub(crate) const MODEL_ACCEPTED: &str = "model_accepted";

/// The payload of [`MODEL_ACCEPTED`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) model: StoredModel,
    pub(crate) changes: Vec<String>,
}

/// What a store remembers, beside today's.
struct Remembered {
    revision: Option<u64>,
    now: StoredModel,
    /// What the row holds.
    then: Option<StoredModel>,
    /// Whether a change is under way, or was cut off.
    changing: bool,
    /// How far that has come, if values are migrated.
    migrating: Option<Migrating>,
    /// None for a tenant that nothing was ever journaled of.
    change: Option<ModelChange>,
}

/// The key of the row that remembers the model, and what entries about models are about.
pub(super) const MODEL: &str = "model";

pub(super) fn model_key() -> RowKey {
    RowKey::new(Table::Meta, MODEL)
}

impl Tenant {
    /// What differs between the model that this tenant's store was written under and today's; where values are migrated, what
    /// stands in the way among all that is stored. Changes nothing.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn model_change(&self) -> Result<ModelChange, Error> {
        let remembered = self.remembered().await?;
        let steps = self.steps_of(&remembered);
        let mut change = remembered.change.unwrap_or_default();
        if remembered.migrating.is_none() {
            change.changes.extend(self.survey(&steps).await?);
        }
        Ok(change)
    }

    /// Accepts today's model: journals the change, makes values of migrated attributes of those that they are migrated from,
    /// clears golden values, bases and decisions of units whose stored values would mean something else today, and brings the
    /// index of identity values up to date. From then on writes go on.
    ///
    /// An interrupted call is finished by the next one; if values were being migrated, under the same model alone. Workers that
    /// still run under the former model write nothing from the moment at which the change begins: they fail with
    /// [`Error::ModelChanged`].
    ///
    /// # Errors
    ///
    /// [`Error::ModelRefused`] if stored values would be taken for something they are not, or be lost by mistake, or if nothing
    /// can be made of them; with what to do instead, and before anything is changed.
    pub async fn accept_model(&self, by: &Actor) -> Result<ModelChange, Error> {
        self.require_role(by, Role::Admin, "accept models").await?;
        let mut attempts = Attempts::default();
        loop {
            let remembered = self.remembered().await?;
            let steps = self.steps_of(&remembered);
            let Remembered { mut revision, now, then, changing, migrating, change } = remembered;
            let change = change.unwrap_or_default();
            if change.refused().next().is_some() {
                return Err(Error::ModelRefused { reasons: join(change.refused()) });
            }
            let toward = toward(&now, &change);
            if migrating.as_ref().is_some_and(|migrating| migrating.toward != toward) {
                let reasons =
                    "a change that migrates values was cut off; finish it first, under the model that it began with";
                return Err(Error::ModelRefused { reasons: reasons.into() });
            }
            let then = then.unwrap_or_else(|| now.clone());
            if !steps.is_empty() && migrating.is_none() {
                self.refuse_obstacles(&steps).await?;
                // What was looked through must stay so: from here on whoever works under the former model commits nothing.
                let mut fence = Changes::new(&self.core, self.now(), by);
                fence.commit.expect.push((model_key(), revision));
                fence.put(model_key(), &then.clone().under_change(None));
                if !attempts.commit_anyhow(self, "begin a change of the model", fence.commit).await? {
                    continue;
                }
                revision = Some(revision.unwrap_or(0) + 1);
                if let Err(refused) = self.refuse_obstacles(&steps).await {
                    // A change that was cut off before stays so, and who could not look does not know: the next call goes on.
                    if changing || !matches!(refused, Error::ModelRefused { .. }) {
                        return Err(refused);
                    }
                    let mut lifted = Changes::new(&self.core, self.now(), by);
                    lifted.commit.expect.push((model_key(), revision));
                    lifted.put(model_key(), &then);
                    attempts.commit_anyhow(self, "give up a change of the model", lifted.commit).await?;
                    return Err(refused);
                }
            }
            let mut migrates = migrating;
            if migrates.is_none() {
                // The entry comes first: from it on, replay reads and drops what the new model reads and drops.
                let mut changes = Changes::new(&self.core, self.now(), by);
                let lines = change.changes.iter().map(ToString::to_string).collect();
                changes.journal(MODEL_ACCEPTED, "model", &Accepted { model: now.clone(), changes: lines });
                changes.commit.expect.push((model_key(), revision));
                if change.is_empty() && !changing {
                    changes.put(model_key(), &now);
                    if attempts.commit_anyhow(self, "remember the model", changes.commit).await? {
                        self.note_accepted(revision.unwrap_or(0) + 1);
                        return Ok(change);
                    }
                    continue;
                }
                migrates = (!steps.is_empty()).then_some(Migrating { toward, at: Progress::Begun });
                // Whoever works under the former model finds the row changed with its next commit, and does not go on.
                changes.put(model_key(), &then.clone().under_change(migrates.clone()));
                if !attempts.commit_anyhow(self, "journal a change of the model", changes.commit).await? {
                    continue;
                }
                revision = Some(revision.unwrap_or(0) + 1);
            }
            let mut under_way = UnderWay::new(by, revision.unwrap_or(0), then, migrates);
            let reform = Reform::of(&change, steps, &self.core.model);
            if !self.reform(&reform, &mut under_way).await? {
                continue;
            }
            // A change to another model that was cut off may have moved what this one indexes.
            if moves_identity(&change) || changing {
                self.reindex(by).await?;
            }
            let revision = under_way.revision;
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((model_key(), Some(revision)));
            changes.put(model_key(), &now);
            if attempts.commit_anyhow(self, "remember the model", changes.commit).await? {
                self.note_accepted(revision + 1);
                return Ok(change);
            }
        }
    }

    /// The migrations that a change calls for.
    fn steps_of(&self, remembered: &Remembered) -> Vec<Step> {
        let (Some(then), Some(change)) = (&remembered.then, &remembered.change) else { return Vec::new() };
        steps(change, then, &remembered.now, &self.core.model)
    }

    /// The migrations that lead from a former model to today's: looking back to its time shows by them what they would have
    /// made.
    pub(super) fn steps_since(&self, then: &StoredModel) -> Vec<Step> {
        let now = StoredModel::of(&self.core.model, &self.core.rules);
        let mut change = compare(then, &now);
        tell_migrations(&mut change, then, &self.core.model);
        steps(&change, then, &now, &self.core.model)
    }

    async fn refuse_obstacles(&self, steps: &[Step]) -> Result<(), Error> {
        let obstacles = self.survey(steps).await?;
        if obstacles.is_empty() { Ok(()) } else { Err(Error::ModelRefused { reasons: join(obstacles.iter()) }) }
    }

    /// Refuses while the model differs from the one that the store was written under. A tenant without entries takes up
    /// today's. Every path that commits asks; after the first time it costs a look into a set.
    pub(crate) async fn require_model(&self) -> Result<(), Error> {
        if self.accepted_model().is_some() {
            return Ok(());
        }
        let mut attempts = Attempts::default();
        loop {
            let Remembered { revision, now, changing, change, .. } = self.remembered().await?;
            if let Some(change) = change {
                if !change.is_empty() {
                    return Err(Error::ModelChanged { changes: change.line() });
                }
                if changing {
                    let changes = "a change to another model is under way, or was cut off".into();
                    return Err(Error::ModelChanged { changes });
                }
                self.note_accepted(revision.unwrap_or(0));
                return Ok(());
            }
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.journal(MODEL_ACCEPTED, "model", &Accepted { model: now.clone(), changes: Vec::new() });
            changes.commit.expect.push((model_key(), revision));
            changes.put(model_key(), &now);
            if attempts.commit_anyhow(self, "remember the model", changes.commit).await? {
                self.note_accepted(1);
                return Ok(());
            }
        }
    }

    async fn model_row(&self) -> Result<Option<Row>, Error> {
        self.row(&model_key(), "load the model").await
    }

    async fn remembered(&self) -> Result<Remembered, Error> {
        let mut now = StoredModel::of(&self.core.model, &self.core.rules);
        let (mut row, mut change) = (self.model_row().await?, None);
        if row.is_none() {
            let entries = self.core.store.journal(&self.id, 0, 1).await.map_err(Error::store("read the journal"))?;
            if !entries.is_empty() {
                // Whoever began meanwhile put the row there with the first entry.
                row = self.model_row().await?;
                let unrecorded = Change { entity: "".into(), what: What::Unrecorded };
                change = Some(ModelChange { changes: vec![unrecorded] });
            }
        }
        let Some(row) = row else {
            return Ok(Remembered { revision: None, now, then: None, changing: false, migrating: None, change });
        };
        let (then, changing, migrating) = parse::<StoredModel>(Table::Meta, &row)?.settled();
        now.keep_retired(&then);
        let mut change = if then == now { ModelChange::default() } else { compare(&then, &now) };
        tell_migrations(&mut change, &then, &self.core.model);
        let (revision, then, change) = (Some(row.revision), Some(then), Some(change));
        Ok(Remembered { revision, now, then, changing, migrating, change })
    }
}

/// The identity of a change to a model.
fn toward(now: &StoredModel, change: &ModelChange) -> u64 {
    let mut fingerprint = Fingerprint::new();
    fingerprint.bytes(&json(now)).text(&change.line());
    fingerprint.finish().short_number()
}

/// Whether the index of identity values must be built anew.
fn moves_identity(change: &ModelChange) -> bool {
    change.changes.iter().any(|change| {
        !matches!(
            change.what,
            What::EntityAdded
                | What::EntityRemoved
                | What::OnDelete { .. }
                | What::Added { .. }
                | What::Owner { .. }
                | What::Rules { .. }
        )
    })
}
