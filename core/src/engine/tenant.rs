//! A tenant's handle: every verb lives here.

mod alerting;
mod apply;
mod approval;
mod as_of;
mod ask;
mod attempts;
mod bulk;
mod cases;
mod check;
mod compact;
mod counts;
mod creates;
mod crosswalk;
mod dead_letter;
mod decide;
mod desk;
mod direct;
mod door;
mod due;
mod enter;
mod erase;
mod export_person;
pub mod feed;
mod footing;
mod four_eyes;
mod history;
mod linking;
mod listening;
mod matching;
mod merge;
mod model;
mod pages;
mod plans;
mod progress;
mod pulse;
mod purge;
mod read;
mod rederive;
mod reindex;
mod replay;
mod resume;
mod roles;
mod rollout;
pub(crate) mod run;
mod scan;
mod schema;
mod search;
mod seen;
mod standing;
mod status;
mod step;
mod suppressed;
mod take_in;
mod tombstone;
mod verify;
mod waiting;
mod what_if;
mod work;

pub use alerting::Alerted;
pub(crate) use alerting::Alerting;
pub(crate) use apply::connections_of;
pub(crate) use apply::outbox::Claims;
pub use apply::{Applied, Applying, FailedCall};
pub use approval::Approved;
pub use as_of::{AsOf, PlanThen};
pub use ask::{DiscrepancyFilter, UnlinkedRecord};
pub use bulk::{BulkDecided, BulkEffect, BulkPreview, MOST_AT_ONCE};
pub use cases::{Assigned, CaseCursor, CaseFilter, CasePage};
pub use check::{Ages, AggregateResult, CheckResult, Checked, FailedCheck, Finding, Verification};
pub use compact::{Compacted, JournalSize, JournalSizes};
#[cfg(feature = "keys")]
pub(crate) use counts::CONFIRMATIONS;
pub(crate) use dead_letter::LetterCounts;
pub use dead_letter::{LetterCause, LetterGroup, LetterState, Retried, StoredDeadLetter};
pub use erase::Erased;
pub use export_person::{EntryExport, PersonExport, RecordExport};
pub(crate) use footing::Footings;
pub(crate) use history::Histories;
pub use history::{Happening, HistoryPage};
#[cfg(feature = "keys")]
pub(crate) use matching::TRAINED_MODELS;
pub use matching::{Matched, Trained, Unmatched};
pub use plans::{PlanRequest, PlanSummary};
pub use progress::{Outstanding, PlanState, Progress};
pub use pulse::Pulse;
pub use resume::Resumed;
pub use roles::Granted;
pub use run::Ran;
pub(crate) use run::{Allowed, News, is_about_entity};
pub(crate) use scan::Scanned;
pub(crate) use schema::Stops;
pub use schema::{SchemaChecked, SchemaStop};
pub use search::{FoundEntity, Search, SearchPage};
pub use seen::{Seen, SeenAsOf};
#[cfg(feature = "keys")]
pub(crate) use standing::REFUSALS;
pub use status::{ConnectionStatus, Status};
pub use step::{Next, Stepped, Unread};

use std::sync::Arc;

use crate::card::{self, CardNumbers};
use crate::engine::persist::row_name;
use crate::engine::suppression::suppression_key;
use crate::engine::tenant::pages::Pages;
use crate::engine::{Connection, Core};
use crate::error::{Error, Known};
use crate::id::{Actor, ConnectionName, TenantId};
use crate::model::CompiledEntity;
use crate::store::{Commit, Committed, Row, RowKey, Table};
use crate::text::Text;
use crate::working_set::Frame;

pub use rederive::{Rederived, Reread};
pub use replay::Replayed;
pub use verify::{Compared, Difference, Integrity};
pub use what_if::{Changed, Looking, Otherwise, WhatIf, WouldBe, WouldWrite};

/// One client's data and verbs.
///
/// Cheap to clone. Every future is `Send` and runs on any executor; dropping one loses nothing: what it was doing has
/// been committed as a whole, or not at all.
///
/// # Errors
///
/// Beside what each verb names, every verb can fail with [`Error::Store`] and [`Error::Row`]; every verb that commits also with
/// [`Error::ModelChanged`], until [`Tenant::accept_model`] was called, and with [`Error::Contended`], where other workers kept
/// changing the same rows.
#[derive(Clone)]
pub struct Tenant {
    pub(crate) core: Arc<Core>,
    pub(crate) id: TenantId,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tenant").field(&self.id).finish()
    }
}

/// How many inputs one commit takes in: the granule of the engine.
pub(crate) const BATCH: usize = 64;

/// How many rows one scan asks for.
const PAGE: usize = 500;

impl Tenant {
    pub(crate) const fn new(core: Arc<Core>, id: TenantId) -> Self {
        Self { core, id }
    }

    /// The tenant's id.
    #[must_use]
    pub const fn id(&self) -> &TenantId {
        &self.id
    }

    pub(crate) fn now(&self) -> i64 {
        self.core.clock.now()
    }

    pub(crate) fn connection(&self, name: &str) -> Result<(ConnectionName, &Connection), Error> {
        let name = ConnectionName::new(name);
        match self.core.connections.get(&name) {
            Some(connection) => Ok((name, connection)),
            None => {
                let known = Known::beside(name.as_str(), self.core.connections.keys().map(ConnectionName::as_str));
                Err(Error::UnknownConnection { name, known })
            }
        }
    }

    /// Runs `work` with the frame of this tenant. Synchronous: nothing in it is held across a suspension.
    pub(crate) fn with_frame<R>(&self, work: impl FnOnce(&Frame<'_>) -> R) -> R {
        let core = &self.core;
        work(&Frame {
            tenant: &self.id,
            model: &core.model,
            rules: &core.rules,
            domain: &|record| core.domain(record),
            keep_voices: true,
        })
    }

    /// Commits, and says whether it took effect; a lost race is `false`. Refuses while the model is another one than the
    /// store was written under.
    pub(crate) async fn commit(&self, doing: &'static str, commit: Commit) -> Result<bool, Error> {
        Ok(self.commit_or_lost(doing, commit).await?.is_none())
    }

    /// As [`Tenant::commit`]; a lost race names the row that was changed meanwhile.
    pub(crate) async fn commit_or_lost(&self, doing: &'static str, commit: Commit) -> Result<Option<Text>, Error> {
        self.require_model().await?;
        self.suppression().await?;
        let mut commit = commit;
        self.journal_cases(&mut commit).await?;
        self.expect_footing(&mut commit);
        let suppression = suppression_key();
        let erases = commit.put.iter().any(|(key, _)| *key == suppression);
        let commit = if planted!(RevisionIgnored) { Commit { expect: Vec::new(), ..commit } } else { commit };
        let committed = self.core.store.commit(&self.id, commit).await.map_err(Error::store(doing))?;
        self.core.commits.ended(matches!(committed, Committed::Done { .. }));
        match committed {
            Committed::Done { .. } => {
                if erases {
                    self.forget_erased();
                }
                Ok(None)
            }
            Committed::Lost { key } => {
                self.note_lost(&key);
                Ok(Some(row_name(&key)))
            }
        }
    }

    /// Commits whatever the model is, and names the row by which it lost a race: for the change of the model itself.
    pub(crate) async fn commit_anyhow(&self, doing: &'static str, commit: Commit) -> Result<Option<Text>, Error> {
        let committed = self.core.store.commit(&self.id, commit).await.map_err(Error::store(doing))?;
        self.core.commits.ended(matches!(committed, Committed::Done { .. }));
        match committed {
            Committed::Done { .. } => Ok(None),
            Committed::Lost { key } => {
                self.note_lost(&key);
                Ok(Some(row_name(&key)))
            }
        }
    }

    /// One row, if it is there.
    pub(crate) async fn row(&self, key: &RowKey, doing: &'static str) -> Result<Option<Row>, Error> {
        let rows = self.core.store.load(&self.id, std::slice::from_ref(key)).await.map_err(Error::store(doing))?;
        Ok(rows.into_iter().next().flatten())
    }

    /// The rows of a table whose keys start with `prefix`, page by page.
    pub(crate) async fn all_rows(&self, table: Table, prefix: &str, doing: &'static str) -> Result<Vec<Row>, Error> {
        let (mut rows, mut pages) = (Vec::new(), Pages::of(self, table, prefix, doing));
        while let Some(page) = pages.page().await? {
            rows.extend(page);
        }
        Ok(rows)
    }

    /// Refuses what a person says of a unit if it holds a card number.
    fn refuse_cards<const N: usize>(&self, unit: &str, texts: [&str; N]) -> Result<(), Error> {
        let holds = |text: &&str| !card::find(text.as_bytes()).is_empty();
        if self.core.cards == CardNumbers::Kept || !texts.iter().any(holds) {
            return Ok(());
        }
        Err(Error::Value { attribute: unit.into(), reason: "it holds a card number, which is kept nowhere" })
    }

    /// The actor of what nobody in particular did.
    pub(crate) fn engine() -> Actor {
        Actor::new("accordant")
    }
}

/// That an entity type has no such attribute or unit, and which it has.
pub(crate) fn unknown_attribute(model: &CompiledEntity, found: &str) -> Error {
    let attributes = model.attributes.iter().map(|attribute| attribute.id.as_str());
    let known = Known::beside(found, attributes.chain(model.units.iter().map(|unit| unit.id.as_str())));
    Error::UnknownAttribute { entity: model.name.as_str().into(), attribute: found.into(), known }
}
