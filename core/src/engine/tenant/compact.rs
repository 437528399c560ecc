//! Compaction: the journal loses its beginning, and says where it begins.
//!
//! Nothing goes before it is told anew. A checkpoint tells the state as it stands, in entries of the chain, and is signed. When
//! what stood before is older than it has to be kept, the journal is read twice: as far as the checkpoint from its beginning, and
//! from the checkpoint alone. Only if both come to the same, one commit notes that the journal begins at the checkpoint, and what
//! stood before is deleted. Every step may be interrupted, and done again.

mod begins;
mod size;
mod tell;

use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, Compaction, compaction_key};
use crate::engine::Tenant;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::replay::{Replay, Replayed};
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

/// The journal's kind for a checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The journal's kind for what expired of the journal itself.
pub(crate) const COMPACTED: &str = "compacted";
/// What both are about.
const JOURNAL: &str = "journal";

/// How many places of the journal one deletion covers.
const AT_ONCE: u64 = 10_000;

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

/// The payload of [`COMPACTED`].
#[derive(Debug, Serialize, Deserialize)]
struct CompactionTold {
    /// The last place that is gone, or whose observations are.
    until: u64,
    /// The checkpoint's last place.
    told: u64,
    /// What went: `entries`, or `observations`.
    what: String,
    gone: JournalSize,
}

impl Tenant {
    /// Makes a checkpoint: tells the whole state in entries of the journal, and signs where they begin and end. Nothing is
    /// deleted. The journal can begin there once what stands before has served its time ([`Tenant::compact`]).
    ///
    /// Others go on meanwhile: each row is told as it stands in the commit that tells it. Interrupted, it is begun anew by the
    /// next call, and what was told by then stays, and says nothing new.
    ///
    /// # Errors
    ///
    /// [`Error::NoCheckpointKey`] if the builder was given no key that signs; [`Error::Forbidden`] for whoever is no admin.
    pub async fn checkpoint(&self, by: &Actor) -> Result<Checkpoint, Error> {
        self.require_role(by, Role::Admin, "make checkpoints").await?;
        self.checkpoint_as(by).await
    }

    async fn checkpoint_as(&self, by: &Actor) -> Result<Checkpoint, Error> {
        let keys = self.core.checkpoint_keys.as_ref().ok_or(Error::NoCheckpointKey)?;
        // Asked before anything is written: a device may be locked, or hold the public half only.
        keys.sign(b"").ok_or(Error::NoCheckpointKey)?;
        let (start, end) = self.tell_state(by).await?;
        let mut attempts = Attempts::default();
        loop {
            let (revision, mut compaction) = self.compaction().await?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            let mut made = Checkpoint { start, end, at: changes.as_of(), key: keys.name(), signature: "".into() };
            let signature = keys.sign(&made.message(&self.id)).ok_or(Error::NoCheckpointKey)?;
            made.signature = hex(&signature).into();
            compaction.made.push(made.clone());
            changes.journal(CHECKPOINT, JOURNAL, &made);
            changes.commit.expect.push((compaction_key(), revision));
            changes.put(compaction_key(), &compaction);
            if attempts.commit(self, "note a checkpoint", changes.commit).await? {
                return Ok(made);
            }
        }
    }

    /// Lets go what the journal has to keep no longer ([`Retention`](crate::engine::Retention)), and makes a checkpoint where the
    /// newest is older than a quarter of that. Nothing goes that a feed has yet to publish. Where neither the journal nor observations run out, it does nothing. Finishes what
    /// was interrupted. `step` calls it once a day, if the builder was given keys that sign.
    ///
    /// Reads the journal twice before anything goes, and holds the state twice meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Tenant::checkpoint`]; [`Error::Checkpoint`] if the checkpoint that is to be begun at does not hold; [`Error::Journal`].
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
        let (_, compaction) = self.compaction().await?;
        let newest = compaction.made.last().or(compaction.begins.as_ref());
        if newest.is_none_or(|newest| newest.at.saturating_add(between) <= self.now()) {
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

    /// As [`Tenant::compact`], where something runs out and there are keys that sign.
    pub(in crate::engine::tenant) async fn compact_if_configured(&self) -> Result<(), Error> {
        let signs = self.core.checkpoint_keys.as_ref().is_some_and(|keys| keys.sign(b"").is_some());
        if signs && self.core.retention.between_checkpoints().is_some() {
            self.compact_as(&Self::engine()).await?;
        }
        Ok(())
    }

    /// Lets the journal begin at a checkpoint, if it comes to the same.
    async fn begin_at(&self, at: Checkpoint, by: &Actor, done: &mut Compacted) -> Result<(), Error> {
        let (differences, gone, left) = self.comes_to(&at).await?;
        if !differences.is_empty() {
            done.kept = differences;
            return Ok(());
        }
        let told = CompactionTold { until: at.start.seq, told: at.end.seq, what: "entries".into(), gone };
        let noted = self.note_compaction(by, &told, |compaction| {
            compaction.made.retain(|made| made.end.seq > at.end.seq);
            compaction.begins = Some(at.clone());
        });
        noted.await?;
        (done.gone, done.left, done.begins) = (gone, left, Some(at));
        Ok(())
    }

    /// Lets what systems said before a checkpoint expire, if the rest comes to the same.
    async fn expire_observations(&self, at: Checkpoint, by: &Actor, done: &mut Compacted) -> Result<(), Error> {
        let (differences, ..) = self.comes_to(&at).await?;
        if !differences.is_empty() {
            done.kept = differences;
            return Ok(());
        }
        let gone = JournalSize::default();
        let told = CompactionTold { until: at.start.seq, told: at.end.seq, what: "observations".into(), gone };
        let noted = self.note_compaction(by, &told, |compaction| {
            compaction.observations = at.start.seq;
            (compaction.whole_from, compaction.whole_since) = (at.end.seq, at.at);
        });
        noted.await
    }

    /// Notes that something is gone, and journals it. From this commit on nobody reads it.
    async fn note_compaction(
        &self,
        by: &Actor,
        told: &CompactionTold,
        note: impl Fn(&mut Compaction) + Send,
    ) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let (revision, mut compaction) = self.compaction().await?;
            note(&mut compaction);
            compaction.unfinished = true;
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.journal(COMPACTED, JOURNAL, told);
            changes.commit.expect.push((compaction_key(), revision));
            changes.put(compaction_key(), &compaction);
            if attempts.commit(self, "note what the journal loses", changes.commit).await? {
                // What histories were left off at may rest on what is gone.
                self.core.memory.histories.forget(&self.id);
                return Ok(());
            }
        }
    }

    /// Deletes what the row says is gone, where that was not finished. Says how many observations went.
    pub(in crate::engine::tenant) async fn finish_compaction(&self) -> Result<u64, Error> {
        let (_, compaction) = self.compaction().await?;
        if !compaction.unfinished {
            return Ok(0);
        }
        let until = compaction.start().seq;
        let first = self.core.store.journal(&self.id, 0, 1).await.map_err(Error::store("read the journal"))?;
        let mut place = first.first().map_or(until, |(entry, _)| entry.seq);
        while place <= until {
            place = place.saturating_add(AT_ONCE);
            let cut = self.core.store.cut(&self.id, until.min(place)).await;
            cut.map_err(Error::store("cut the journal"))?;
        }
        let mut expired = 0;
        if compaction.observations > 0 {
            let gone = self.core.store.expire(&self.id, "observed", compaction.observations).await;
            expired = gone.map_err(Error::store("let observations expire"))?;
        }
        let mut attempts = Attempts::default();
        loop {
            let (revision, now) = self.compaction().await?;
            // Somebody else let more go meanwhile: it is theirs to finish.
            if now != compaction {
                return Ok(expired);
            }
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.commit.expect.push((compaction_key(), revision));
            changes.put(compaction_key(), &Compaction { unfinished: false, ..now });
            if attempts.commit_anyhow(self, "finish a compaction", changes.commit).await? {
                return Ok(expired);
            }
        }
    }

    /// What a checkpoint tells otherwise than the journal adds up to there, without what checkpoints tell; how much stands before
    /// it, and how much from it on.
    async fn comes_to(&self, at: &Checkpoint) -> Result<(Vec<Difference>, JournalSize, JournalSize), Error> {
        let beginning = self.beginning().await?;
        self.require_signed(at)?;
        let alone = Beginning { compaction: Compaction { begins: Some(at.clone()), ..Compaction::default() } };
        let mut whole = Replay::new(&self.core, beginning.told_until());
        let mut from = Replay::new(&self.core, at.end.seq);
        let (mut gone, mut left) = (JournalSize::default(), JournalSize::default());
        let walked = self.each_entry_behind(
            &beginning,
            |_| true,
            |entry, payload| {
                alone.reached(Head { seq: entry.seq, digest: entry.digest })?;
                if entry.seq <= at.start.seq {
                    gone.add(entry, payload);
                } else {
                    left.add(entry, payload);
                }
                if entry.seq <= at.end.seq {
                    whole.entry(entry, payload)?;
                    if entry.seq > at.start.seq {
                        from.entry(entry, payload)?;
                    }
                }
                Ok(())
            },
        );
        alone.ended(walked.await?)?;
        let (whole, from): (Replayed, Replayed) = (whole.done, from.done);
        Ok((whole.differing_from(&self.core, &from), gone, left))
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
