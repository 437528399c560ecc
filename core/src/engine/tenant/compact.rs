//! Compaction: the journal loses its beginning, and says where it begins.
//!
//! Nothing goes before it is told anew. A checkpoint tells the state as it stands, in entries of the chain, and is signed. When
//! what stood before is older than it has to be kept, the journal is read twice: as far as the checkpoint from its beginning, and
//! from the checkpoint alone. Only if both come to the same, one commit notes that the journal begins at the checkpoint, and what
//! stood before is deleted. Every step may be interrupted, and done again.

mod begins;
mod comes_to;
mod lets_go;
mod once;
mod size;
mod tell;

use crate::checkpoint::{Checkpoint, CheckpointKeys, Making, compaction_key};
use crate::engine::Tenant;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::verify::Difference;
use crate::error::Error;
use crate::hex::hex;
use crate::id::Actor;
use crate::journal::Head;
use crate::role::Role;
use crate::store::{Commit, Committed, RowKey};

pub(crate) use begins::Beginning;
pub use size::{JournalSize, JournalSizes};
pub(crate) use tell::STATE_TOLD;
use tell::{Former, Telling, parts_by_name};

/// The journal's kind for a checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The journal's kind for what expired of the journal itself.
pub(crate) const COMPACTED: &str = "compacted";
/// What both are about.
const JOURNAL: &str = "journal";

/// What a compaction came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Compacted {
    /// The checkpoint that was made, if one was due.
    pub made: Option<Checkpoint>,
    /// The checkpoint at which the journal begins from now on, if it lost anything.
    pub begins: Option<Checkpoint>,
    /// What went of the journal by whole entries.
    pub gone: JournalSize,
    /// What is left of it, if anything went.
    pub left: JournalSize,
    /// How many entries lost what a system said.
    pub observations: u64,
    /// Why nothing went: what the checkpoint tells otherwise than the journal adds up to. [`Tenant::verify`] says more.
    pub kept: Vec<Difference>,
}

impl Tenant {
    /// Makes a checkpoint: tells the whole state in entries of the journal, and signs where they begin and end. Nothing is
    /// deleted. The journal can begin there once what stands before has served its time ([`Tenant::compact`]).
    ///
    /// Others go on meanwhile: each row is told as it stands in the commit that tells it. Interrupted, it is gone on with by the
    /// next call; whoever calls at the same time tells a part of the same one.
    ///
    /// # Errors
    ///
    /// [`Error::NoCheckpointKey`] if the builder was given no key that signs; [`Error::Forbidden`] for whoever is no admin.
    pub async fn checkpoint(&self, by: &Actor) -> Result<Checkpoint, Error> {
        self.require_role(by, Role::Admin, "make checkpoints").await?;
        self.checkpoint_as(by).await
    }

    async fn checkpoint_as(&self, by: &Actor) -> Result<Checkpoint, Error> {
        // Asked before anything is written: a device may be locked, or hold the public half only.
        let keys = self.signing_keys()?;
        self.require_model().await?;
        let (_, before) = self.compaction().await?;
        let (mut former, mut attempts) = (Former::default(), Attempts::default());
        let mut come_to = before.making.clone();
        loop {
            let (revision, mut compaction) = self.compaction().await?;
            if compaction.newest() != before.newest() && compaction.making.is_none() {
                // Somebody else told the rest of it.
                if let Some(made) = compaction.newest() {
                    return Ok(made.clone());
                }
            }
            if compaction.making != come_to {
                // Whoever was faster did a part of it.
                (come_to, attempts) = (compaction.making.clone(), Attempts::default());
            }
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.push((compaction_key(), revision));
            let of = parts_by_name();
            // Where another version left off, this one cannot say what is left.
            if compaction.making.as_ref().is_none_or(|making| making.of != of) {
                compaction.making = Some(Making { start: self.journal_end().await?, of, parts: 0, after: None });
                changes.put(compaction_key(), &compaction);
                attempts.commit(self, "begin a checkpoint", changes.commit).await?;
                continue;
            }
            let telling = Telling { revision: revision.unwrap_or(0), compaction };
            let Telling { revision, mut compaction } = match self.tell_on(by, telling, &mut former).await? {
                Ok(told) => told,
                Err(lost) => {
                    attempts.won(Some(lost))?;
                    continue;
                }
            };
            let Some(Making { start, .. }) = compaction.making.take() else { continue };
            let end = self.journal_end().await?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            let mut made = Checkpoint { start, end, at: changes.as_of(), key: keys.name(), signature: "".into() };
            let signature = keys.sign(&made.message(&self.id)).ok_or(Error::NoCheckpointKey)?;
            made.signature = hex(&signature).into();
            compaction.made.push(made.clone());
            changes.journal(CHECKPOINT, JOURNAL, &made);
            changes.commit.expect.push((compaction_key(), Some(revision)));
            changes.put(compaction_key(), &compaction);
            if attempts.commit(self, "note a checkpoint", changes.commit).await? {
                return Ok(made);
            }
        }
    }

    /// The keys, if they sign.
    fn signing_keys(&self) -> Result<&dyn CheckpointKeys, Error> {
        let keys = self.core.checkpoint_keys.as_deref().ok_or(Error::NoCheckpointKey)?;
        keys.sign(b"").ok_or(Error::NoCheckpointKey)?;
        Ok(keys)
    }

    /// Lets go what the journal has to keep no longer ([`Retention`](crate::engine::Retention)), and makes a checkpoint where the
    /// newest is older than a quarter of that. Nothing goes that a feed has yet to publish. Where neither the journal nor observations run out, it does nothing. Finishes what
    /// was interrupted. `step` calls it once a day, if the builder was given keys that sign.
    ///
    /// What an erasure took from before a checkpoint, and told anew behind it, is taken as it was told: it does not keep the journal
    /// from beginning there.
    ///
    /// Reads the journal twice before anything goes, and holds the state twice meanwhile; and once more to tell a checkpoint, for the
    /// records that entities had once and for whom notes on closed cases are about, and keeps both meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Tenant::checkpoint`], whether or not one is due; [`Error::Checkpoint`] if the checkpoint that is to be begun at does not
    /// hold; [`Error::Journal`]; [`Error::Store`] from a store that cannot let go of what runs out: then nothing has changed.
    /// [`Error::Contended`] if somebody else let something go meanwhile: the next call goes on.
    pub async fn compact(&self, by: &Actor) -> Result<Compacted, Error> {
        self.require_role(by, Role::Admin, "compact the journal").await?;
        self.compact_as(by).await
    }

    async fn compact_as(&self, by: &Actor) -> Result<Compacted, Error> {
        // An erasure that was begun is found by its entry.
        self.finish_erasures().await?;
        let mut done = Compacted { observations: self.finish_compaction().await?, ..Compacted::default() };
        let retention = self.core.retention;
        let Some(between) = retention.between_checkpoints() else { return Ok(done) };
        // Who cannot sign cannot tell what to begin at either; and what cannot be deleted is not to be noted as gone.
        self.signing_keys()?;
        self.require_letting_go().await?;
        let (_, compaction) = self.compaction().await?;
        if compaction.newest().is_none_or(|newest| newest.at.saturating_add(between) <= self.now()) {
            done.made = Some(self.checkpoint_as(by).await?);
        }
        let (_, compaction) = self.compaction().await?;
        let now = self.now();
        let over = |kept: Option<chrono::TimeDelta>| {
            let kept = kept?.num_milliseconds();
            compaction.made.iter().rev().find(|made| made.at.saturating_add(kept) <= now).cloned()
        };
        // What a feed has yet to publish is not to go.
        let published = self.published().await?.unwrap_or(u64::MAX);
        if let Some(at) = over(retention.journal).filter(|at| at.start.seq <= published) {
            self.begin_at(at, by, &mut done).await?;
        }
        let (_, compaction) = self.compaction().await?;
        if let Some(at) = over(retention.observations).filter(|at| at.start.seq > compaction.observations) {
            self.expire_observations(at, by, &mut done).await?;
        }
        done.observations += self.finish_compaction().await?;
        Ok(done)
    }

    /// As [`Tenant::compact`], where something runs out and there are keys that sign. Says how many differences kept something from going.
    pub(in crate::engine::tenant) async fn compact_if_configured(&self) -> Result<usize, Error> {
        if self.signing_keys().is_ok() && self.core.retention.between_checkpoints().is_some() {
            return Ok(self.compact_as(&Self::engine()).await?.kept.len());
        }
        Ok(0)
    }

    /// The end of the journal, digest included.
    pub(in crate::engine::tenant) async fn journal_end(&self) -> Result<Head, Error> {
        let committed = self.core.store.commit(&self.id, Commit::default()).await;
        match committed.map_err(Error::store("look for the end of the journal"))? {
            Committed::Done { head } => Ok(head),
            Committed::Lost { key: RowKey { key, .. } } => Err(Error::Contended { attempts: 1, key }),
        }
    }
}
