//! Where the journal begins, and from where on it is whole.

use chrono::DateTime;

use crate::checkpoint::{Checkpoint, CheckpointFault, Compaction, compaction_key};
use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::tenant::verify::Integrity;
use crate::error::Error;
use crate::journal::{Entry, Head};
use crate::store::Table;

/// Where reading the journal begins, as its row says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beginning {
    pub(crate) compaction: Compaction,
}

impl Beginning {
    /// The end of the journal before its first entry.
    pub(crate) fn start(&self) -> Head {
        self.compaction.start()
    }

    /// Up to which place the state is taken as checkpoints tell it.
    pub(crate) fn told_until(&self) -> u64 {
        self.compaction.whole().map_or(0, |(place, _)| place)
    }

    /// Refuses what needs the journal at a place where it is not whole any more.
    ///
    /// # Errors
    ///
    /// [`Error::Compacted`].
    pub(crate) fn require(&self, place: u64, doing: &'static str) -> Result<(), Error> {
        match self.compaction.whole() {
            Some((from, since)) if place < from => {
                Err(Error::Compacted { doing, since: DateTime::from_timestamp_millis(since).unwrap_or_default() })
            }
            _ => Ok(()),
        }
    }

    /// Whether reading still begins here, by another row.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        self.compaction.lost_the_same(&other.compaction)
    }

    /// Notes that reading came to a place: where the checkpoint ends, it must be what was signed.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`].
    pub(crate) fn reached(&self, head: Head) -> Result<(), Error> {
        let begins = self.compaction.begins.as_ref();
        match begins.filter(|begins| begins.end.seq == head.seq && begins.end.digest != head.digest) {
            Some(begins) => Err(refused(begins, CheckpointFault::Elsewhere)),
            None => Ok(()),
        }
    }

    /// Notes that the journal ended: not before its checkpoint does.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`].
    pub(crate) fn ended(&self, head: Head) -> Result<(), Error> {
        match self.compaction.begins.as_ref().filter(|begins| head.seq < begins.end.seq) {
            Some(begins) => Err(refused(begins, CheckpointFault::Elsewhere)),
            None => Ok(()),
        }
    }
}

fn refused(checkpoint: &Checkpoint, fault: CheckpointFault) -> Error {
    Error::Checkpoint { place: checkpoint.end.seq, key: checkpoint.key.clone(), fault }
}

impl Tenant {
    /// As [`Tenant::verify`], of a journal that must lead through a checkpoint that is known from elsewhere: one that was kept where
    /// nobody can write who can write the store ([`Tenant::checkpoint`], [`Integrity::begins`]).
    ///
    /// The journal itself is chained by hashes that anybody can compute, and where it begins by the signature alone: who writes the store
    /// may put another journal in its place, that begins at its first entry and verifies. Up to the checkpoint that is known here, they
    /// cannot. Of a journal that begins behind it by now, the checkpoint at which it does must be signed.
    ///
    /// # Errors
    ///
    /// As [`Tenant::verify`]; [`Error::Checkpoint`] if the journal does not lead through it; [`Error::NoCheckpointKey`] if it begins
    /// behind it, and there are no keys to say whether it was one of theirs that let it.
    pub async fn verify_through(&self, known: &Checkpoint) -> Result<Integrity, Error> {
        self.require_signed(known)?;
        loop {
            let verified = self.verify().await?;
            let Some(before) = known.end.seq.checked_sub(1) else { return Ok(verified) };
            if verified.begins.as_ref().is_some_and(|begins| begins.start.seq > before) {
                return if verified.signature_checked { Ok(verified) } else { Err(Error::NoCheckpointKey) };
            }
            let page = self.core.store.journal(&self.id, before, 1).await.map_err(Error::store("read the journal"))?;
            let leads = |entry: &Entry| (entry.seq, entry.digest) == (known.end.seq, known.end.digest);
            if page.first().is_some_and(|(entry, _)| leads(entry)) {
                return Ok(verified);
            }
            // What was there when it was verified may be gone since, by right: it begins behind the checkpoint then.
            if self.beginning().await?.compaction.begins == verified.begins {
                return Err(refused(known, CheckpointFault::Elsewhere));
            }
        }
    }

    /// Where reading the journal begins. Its signature is checked, if there are keys to check it with.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] if the signature does not hold.
    pub(crate) async fn beginning(&self) -> Result<Beginning, Error> {
        let (_, compaction) = self.compaction().await?;
        compaction.begins.as_ref().map_or(Ok(()), |begins| self.require_signed(begins))?;
        Ok(Beginning { compaction })
    }

    /// Refuses a checkpoint whose signature does not hold. Without keys, it is not looked at.
    pub(super) fn require_signed(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let Some(keys) = &self.core.checkpoint_keys else { return Ok(()) };
        checkpoint.check(&self.id, &**keys).map_err(|fault| refused(checkpoint, fault))
    }

    /// The row that says what the journal lost, and its revision.
    pub(super) async fn compaction(&self) -> Result<(Option<u64>, Compaction), Error> {
        let row = self.row(&compaction_key(), "see where the journal begins").await?;
        match row {
            Some(row) => Ok((Some(row.revision), parse(Table::Meta, &row)?)),
            None => Ok((None, Compaction::default())),
        }
    }
}
