//! How large the journal is, and what of: the measure of what a change that was heard costs to remember.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::error::Error;
use crate::journal::{Entry, Payload};
use crate::text::Text;

/// How much a stretch of the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JournalSize {
    /// Entries.
    pub entries: u64,
    /// Bytes, with what is left of payloads, and without what the store adds ([`Entry::size`]).
    pub bytes: u64,
}

impl JournalSize {
    pub(super) fn add(&mut self, entry: &Entry, payload: Option<&Payload>) {
        self.entries += 1;
        self.bytes += entry.size(payload);
    }

    /// How many bytes an entry holds on average; none where there is no entry.
    #[must_use]
    pub fn bytes_per_entry(&self) -> Option<u64> {
        self.bytes.checked_div(self.entries)
    }
}

/// How much the journal holds, and what of ([`Tenant::journal_sizes`]). Shown, it is a line for the whole and a line for each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JournalSizes {
    /// All of it.
    pub whole: JournalSize,
    /// Each kind of entry, by name.
    pub kinds: BTreeMap<Text, JournalSize>,
}

impl JournalSizes {
    /// How many bytes the journal holds for each change that a system told of, with all that it led to: facts, cases, plans, writes.
    /// A repetition leaves nothing. None where no system told of any.
    #[must_use]
    pub fn bytes_per_event(&self) -> Option<u64> {
        self.whole.bytes.checked_div(self.kinds.get("observed").map_or(0, |observed| observed.entries))
    }
}

impl fmt::Display for JournalSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries, {} bytes", self.whole.entries, self.whole.bytes)?;
        if let Some(bytes) = self.bytes_per_event() {
            write!(f, ", {bytes} for each event")?;
        }
        for (kind, size) in &self.kinds {
            write!(f, "\n{kind}: {} entries, {} bytes", size.entries, size.bytes)?;
        }
        Ok(())
    }
}

impl Tenant {
    /// How much the journal holds, by kinds of entries. Reads all of it that is left, and verifies its chain on the way.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] if the chain does not hold; [`Error::Contended`] if the journal was compacted meanwhile: ask again.
    pub async fn journal_sizes(&self) -> Result<JournalSizes, Error> {
        let mut sizes = JournalSizes::default();
        let walked = self.each_entry(|entry, payload| {
            sizes.whole.add(entry, payload);
            sizes.kinds.entry(entry.kind.clone()).or_default().add(entry, payload);
            Ok(())
        });
        walked.await?;
        Ok(sizes)
    }
}
