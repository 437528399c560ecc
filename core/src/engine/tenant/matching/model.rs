//! The rows of a matcher's model: which it is and under what all records were put before it, and its text beside that, so that whoever
//! rests a decision on the model does not read all of it.

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::error::{Error, Known};
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityType};
use crate::matching::{MatcherError, Matching, Probability};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The row of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModelRow {
    /// The first is 1.
    pub(super) version: u32,
    /// The digest of its text.
    pub(super) digest: Digest,
    pub(super) by: Actor,
    /// When it was trained, in milliseconds since the epoch.
    pub(super) at: i64,
    /// Under what all records were put before it; none: its type is matched no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<Asked>,
    /// Whether an erasure took its text. Its version stays: the next is another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unlearned: bool,
    /// Whether who was left then told nothing to be learned: there is no model until somebody trains one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) dropped: bool,
}

/// What the keys of the rows of models begin with.
pub(super) const MODELS: &str = "matcher\u{1f}";

/// What the keys of the rows of texts begin with: what they say was learned of records.
pub(crate) const TRAINED_MODELS: &str = "matcher-text\u{1f}";

/// What is linked and what is asked, as the builder was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    link: Probability,
    review: Probability,
    always: bool,
}

impl Asked {
    pub(super) fn of(matching: &Matching) -> Self {
        let thresholds = matching.thresholds;
        Self { link: thresholds.link, review: thresholds.review, always: matching.always_ask }
    }
}

/// The row of an entity type's model.
pub(super) fn model_row(entity_type: &EntityType) -> RowKey {
    RowKey::new(Table::Meta, format!("{MODELS}{entity_type}"))
}

/// The row of its text.
pub(super) fn text_row(entity_type: &EntityType) -> RowKey {
    RowKey::new(Table::Meta, format!("{TRAINED_MODELS}{entity_type}"))
}

impl Tenant {
    /// The model of an entity type, and the revision of its row; `None`: none was trained, or it was dropped.
    pub(super) async fn matcher_model(&self, of: u16) -> Result<Option<(ModelRow, u64)>, Error> {
        Ok(self.last_model(of).await?.filter(|(row, _)| !row.dropped))
    }

    /// The model of an entity type that was trained last, and the revision of its row, also where it was dropped.
    pub(super) async fn last_model(&self, of: u16) -> Result<Option<(ModelRow, u64)>, Error> {
        let key = model_row(&self.core.model.entity(of).name);
        let rows = self.core.store.load(&self.id, &[key]).await.map_err(Error::store("load a model of a matcher"))?;
        let row = rows.into_iter().next().flatten();
        row.map(|row| Ok((parse(Table::Meta, &row)?, row.revision))).transpose()
    }

    /// The text of a model; `None`: another was trained meanwhile.
    pub(super) async fn model_text(&self, of: u16, row: &ModelRow) -> Result<Option<Text>, Error> {
        let key = text_row(&self.core.model.entity(of).name);
        let rows = self.core.store.load(&self.id, &[key]).await.map_err(Error::store("load a model of a matcher"))?;
        let text: Option<Text> = rows.into_iter().flatten().next().map(|row| parse(Table::Meta, &row)).transpose()?;
        Ok(text.filter(|text| Digest::of(text.as_bytes()) == row.digest))
    }

    pub(super) fn no_matcher(&self, of: u16) -> Error {
        let entity_type = Text::from(self.core.model.entity(of).name.as_str());
        Error::NoMatcher { entity_type, known: Known::beside("", std::iter::empty()) }
    }

    pub(super) fn matcher_failed(&self, of: u16, source: MatcherError) -> Error {
        Error::Matcher { entity_type: self.core.model.entity(of).name.clone(), source }
    }
}
