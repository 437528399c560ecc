//! Training: a model of what agreement is worth, learned from the records of a tenant, and put in the place of the last.

use crate::engine::Tenant;
use crate::engine::match_index::subject_of;
use crate::engine::persist::Changes;
use crate::engine::suppression::suppression_key;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::matching::examples::{Lessons, lessons};
use crate::engine::tenant::matching::held::Everyone;
use crate::engine::tenant::matching::model::{Asked, ModelRow, model_row, text_row};
use crate::engine::tenant::matching::sweep::{Sweep, sweep_row};
use crate::error::{Error, Known};
use crate::fingerprint::Digest;
use crate::id::Actor;
use crate::matching::Matching;
use crate::role::Role;
use crate::text::Text;

/// The journal's kind for a model that was trained.
const TRAINED: &str = "matcher_trained";

/// A model that was trained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trained {
    /// Its version: the first is 1.
    pub version: u32,
    /// Its digest.
    pub digest: Digest,
    /// From how many records it was learned.
    pub records: usize,
    /// Of how many pairs of records people said that they are one entity, or none, as it was shown to the matcher with what the two say now:
    /// their answers to matches, and what they merged, took apart, linked and unlinked.
    pub judged: usize,
    /// How often people said something that stands and taught nothing: a record says nothing any more or is gone, or nobody knows which two
    /// records were meant, as where entities of several records were merged by hand.
    pub unused: usize,
    /// What it does not know, for people: [`Matcher::remarks`](crate::matching::Matcher::remarks).
    pub remarks: Vec<Text>,
}

impl Tenant {
    /// Trains the matcher of an entity type on all its records, and on what people said of them. From then on records are matched by the new
    /// model: all are looked at again by the steps that follow. What people said stands, whatever the model says.
    ///
    /// Journaled with its version and digest. It learns on the calling task, in memory: of a hundred thousand records, for some seconds.
    ///
    /// # Errors
    ///
    /// [`Error::NoMatcher`] if the builder was told of none for the entity type; [`Error::Matcher`] if the records tell nothing that could
    /// be learned; or a store that failed.
    pub async fn train_matcher(&self, entity_type: &str, by: &Actor) -> Result<Trained, Error> {
        self.require_role(by, Role::Admin, "train matchers").await?;
        let known = self.core.model.entity_index(entity_type);
        let matching = known.and_then(|of| Some((of, self.core.matching.get(usize::from(of))?.as_ref()?)));
        let Some((of, matching)) = matching else {
            let matched = self.core.matching.iter().flatten().map(|matching| matching.entity_type.as_str());
            return Err(Error::NoMatcher {
                entity_type: entity_type.into(),
                known: Known::beside(entity_type, matched),
            });
        };
        self.train(of, matching, by).await
    }

    /// Trains a matcher, whoever asks. Whoever is erased while it learns is not learned of: it begins anew.
    pub(super) async fn train(&self, of: u16, matching: &Matching, by: &Actor) -> Result<Trained, Error> {
        let name = &self.core.model.entity(of).name;
        let mut attempts = Attempts::default();
        loop {
            let (suppression, _) = self.suppression_anew().await?;
            let before = self.last_model(of).await?;
            let version = before.as_ref().map_or(0, |(row, _)| row.version).saturating_add(1);
            let everyone = self.everyone(of).await?;
            let Lessons { judged, unused } = lessons(&everyone, &self.examples(of).await?);
            let Everyone { records, .. } = everyone;
            let features: Vec<_> = records.into_iter().map(|(features, _)| features).collect();
            let subject = subject_of(&self.core, of);
            let model = matching.matcher.train(&subject, &features, &judged, version);
            let model = model.map_err(|why| self.matcher_failed(of, why))?;
            let digest = Digest::of(model.as_bytes());
            let remarks = matching.matcher.remarks(&model);
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((suppression_key(), suppression));
            changes.commit.expect.push((model_row(name), before.map(|(_, revision)| revision)));
            let (by, at, asked) = (by.clone(), changes.as_of(), Some(Asked::of(matching)));
            changes
                .put(model_row(name), &ModelRow { version, digest, by, at, asked, unlearned: false, dropped: false });
            changes.put(text_row(name), &model);
            changes.put(sweep_row(name), &Sweep::default());
            let trained = Trained { version, digest, records: features.len(), judged: judged.len(), unused, remarks };
            let told = (name, version, digest, trained.records, trained.judged);
            changes.journal(TRAINED, &format!("matcher/{name}"), &told);
            if attempts.commit(self, "store a model of a matcher", changes.commit).await? {
                return Ok(trained);
            }
        }
    }
}
