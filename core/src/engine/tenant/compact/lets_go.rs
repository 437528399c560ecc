//! Letting go: what stands before a checkpoint is noted as gone, and then deleted.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, Compaction, compaction_key};
use crate::engine::Tenant;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::compact::comes_to::ComesTo;
use crate::engine::tenant::compact::{COMPACTED, Compacted, JOURNAL, JournalSize, STATE_TOLD};
use crate::error::Error;
use crate::id::Actor;

/// How many places of the journal one deletion covers.
const AT_ONCE: u64 = 10_000;

/// What systems said, as the journal tells it.
const OBSERVED: &str = "observed";

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
    /// Asks whether the store can let go of what runs out. What is asked for does nothing.
    pub(super) async fn require_letting_go(&self) -> Result<(), Error> {
        let retention = self.core.retention;
        if retention.journal.is_some() {
            self.core.store.cut(&self.id, 0).await.map_err(Error::store("cut the journal"))?;
        }
        if retention.observations.is_some() {
            let expired = self.core.store.expire(&self.id, OBSERVED, 0).await;
            expired.map_err(Error::store("let observations expire"))?;
        }
        Ok(())
    }

    /// Lets the journal begin at a checkpoint, if it comes to the same.
    pub(super) async fn begin_at(&self, at: Checkpoint, by: &Actor, done: &mut Compacted) -> Result<(), Error> {
        let ComesTo { differences, gone, left } = self.comes_to(&at).await?;
        if !differences.is_empty() {
            done.kept = differences;
            return Ok(());
        }
        let told = CompactionTold { until: at.start.seq, told: at.end.seq, what: "entries".into(), gone };
        let noted = self.note_compaction(by, &told, |compaction| {
            // Who compared for longer, or keeps more, does not bring back what somebody else deleted by then.
            if compaction.start().seq >= at.start.seq {
                return false;
            }
            compaction.made.retain(|made| made.end.seq > at.end.seq);
            compaction.begins = Some(at.clone());
            true
        });
        if noted.await? {
            (done.gone, done.left, done.begins) = (gone, left, Some(at));
        }
        Ok(())
    }

    /// Lets what systems said before a checkpoint expire, if the rest comes to the same.
    pub(super) async fn expire_observations(
        &self,
        at: Checkpoint,
        by: &Actor,
        done: &mut Compacted,
    ) -> Result<(), Error> {
        let ComesTo { differences, .. } = self.comes_to(&at).await?;
        if !differences.is_empty() {
            done.kept = differences;
            return Ok(());
        }
        let gone = JournalSize::default();
        let told = CompactionTold { until: at.start.seq, told: at.end.seq, what: "observations".into(), gone };
        let between = self.core.retention.journal.map(|kept| kept.num_milliseconds() / 4);
        let noted = self.note_compaction(by, &told, |compaction| {
            if compaction.observations.max(compaction.start().seq) >= at.start.seq {
                return false;
            }
            compaction.observations = at.start.seq;
            (compaction.whole_from, compaction.whole_since) = (at.end.seq, at.at);
            compaction.thin(at.start.seq, between);
            true
        });
        noted.await.map(drop)
    }

    /// Notes that something is gone, and journals it. From this commit on nobody reads it. `note` says whether the row has not gone on
    /// beyond that; then nothing is noted, and neither is anything here.
    async fn note_compaction(
        &self,
        by: &Actor,
        told: &CompactionTold,
        note: impl Fn(&mut Compaction) -> bool + Send,
    ) -> Result<bool, Error> {
        let mut attempts = Attempts::default();
        loop {
            let (revision, mut compaction) = self.compaction().await?;
            if !note(&mut compaction) {
                return Ok(false);
            }
            compaction.unfinished = true;
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.journal(COMPACTED, JOURNAL, told);
            changes.commit.expect.push((compaction_key(), revision));
            changes.put(compaction_key(), &compaction);
            if attempts.commit(self, "note what the journal loses", changes.commit).await? {
                // What histories were left off at may rest on what is gone.
                self.core.memory.histories.forget(&self.id);
                return Ok(true);
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
        if until > 0 {
            let first = self.core.store.journal(&self.id, 0, 1).await.map_err(Error::store("read the journal"))?;
            let mut place = first.first().map_or(until, |(entry, _)| entry.seq);
            while place <= until {
                place = place.saturating_add(AT_ONCE);
                let cut = self.core.store.cut(&self.id, until.min(place)).await;
                cut.map_err(Error::store("cut the journal"))?;
            }
        }
        let mut expired = 0;
        if compaction.observations > 0 {
            let gone = self.core.store.expire(&self.id, OBSERVED, compaction.observations).await;
            expired = gone.map_err(Error::store("let observations expire"))?;
            if compaction.begins.is_none() {
                // What former checkpoints told, the one that tells it all tells again. Where the journal begins at one, histories
                // begin with it.
                let gone = self.core.store.expire(&self.id, STATE_TOLD, compaction.observations).await;
                gone.map_err(Error::store("let what was told expire"))?;
            }
        }
        let mut attempts = Attempts::default();
        loop {
            let (revision, now) = self.compaction().await?;
            // Somebody else let more go meanwhile: it is theirs to finish.
            if !now.lost_the_same(&compaction) || !now.unfinished {
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
}
