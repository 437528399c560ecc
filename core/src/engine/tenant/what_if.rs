//! What if: recorded history under another model, other policies, rules or mappings, and what would differ.
//!
//! The history is read from the journal, a page at a time, and folded into the empty store of the proposal; what that comes
//! to is compared with what is stored, a page at a time. So memory holds a page of either, however long the history is.

mod compare;
mod history;
mod report;
mod shadow;

use crate::engine::tenant::replay::read;
use crate::engine::{Accordant, Tenant};
use crate::error::Error;
use crate::journal::{self, Head};
use crate::store::{Commit, Table};
use history::Groups;
use shadow::Shadow;

pub use report::{Changed, Looking, Otherwise, WhatIf, WouldBe, WouldWrite};

/// How many entries are read at once.
const PAGE: usize = 512;

impl Tenant {
    /// Replays this tenant's recorded history under a proposal, and says which golden values, discrepancies and writes would
    /// differ had it been in force from the beginning. Nothing of this tenant is changed, and no system is called.
    ///
    /// The proposal is built like the real thing, with another model, other policies, rules or mappings, over an **empty store
    /// of its own**, which is left filled with what the history comes to: `inspect` and `explain` work there. In memory by
    /// default; for a long history give it a file, and memory stays as it is however long that is.
    ///
    /// What systems said is read anew by the proposal's mappings, as far as bodies were kept. What people did stays what it
    /// was: their decisions, links and merges; and so does what was written: a write that the proposal would have made
    /// otherwise shows as a write that is owed.
    ///
    /// # Errors
    ///
    /// [`Error::ScratchNotEmpty`] if the proposal's store holds anything of this tenant; [`Error::Journal`] if the chain does
    /// not hold.
    pub async fn what_if(&self, proposal: &Accordant) -> Result<WhatIf, Error> {
        self.what_if_while(proposal, |_| true).await
    }

    /// As [`Tenant::what_if`], for long histories: after every page `go_on` is told how far the look is, and says whether it
    /// goes on. Stopped, the result covers what was read by then, and says so.
    ///
    /// # Errors
    ///
    /// As [`Tenant::what_if`].
    pub async fn what_if_while(
        &self,
        proposal: &Accordant,
        mut go_on: impl FnMut(Looking) -> bool + Send,
    ) -> Result<WhatIf, Error> {
        let shadow = Tenant::new(std::sync::Arc::clone(&proposal.0), self.id.clone());
        shadow.require_scratch().await?;
        self.beginning().await?.require(0, "look what would have been from the first entry on")?;
        let mut would = WhatIf::default();
        let of = self.head().await?;
        let mut shadow = Shadow::new(&shadow);
        let mut groups = Groups::default();
        let mut head = Head::default();
        loop {
            let page = self.core.store.journal(&self.id, head.seq, PAGE).await;
            let page = page.map_err(Error::store("read the journal"))?;
            let Some((last, _)) = page.last() else { break };
            let at = last.at;
            for (entry, payload) in &page {
                head = journal::verify(head, entry, payload.as_ref()).map_err(Error::Journal)?;
                match payload {
                    Some(payload) => groups.add(entry, payload)?,
                    None => would.erased += 1,
                }
            }
            would.entries = head.seq;
            let held = groups.held();
            shadow.take(groups.complete(), &mut would).await?;
            if !go_on(Looking { entries: head.seq, of: of.max(head.seq), at, held }) {
                would.stopped = true;
                break;
            }
        }
        shadow.take(groups.all(), &mut would).await?;
        self.compare_with(&shadow, &mut would).await?;
        Ok(would)
    }

    /// Refuses a store that holds anything of this tenant: it may be the one that everybody works on.
    async fn require_scratch(&self) -> Result<(), Error> {
        for table in Table::ALL {
            let rows = self.core.store.scan(&self.id, table, "", None, 1).await;
            if !rows.map_err(Error::store("look whether a store is empty"))?.is_empty() {
                return Err(Error::ScratchNotEmpty);
            }
        }
        match self.head().await? {
            0 => Ok(()),
            _ => Err(Error::ScratchNotEmpty),
        }
    }

    /// Stores rows of a shadow: no journal, no race, no model to accept.
    async fn store_shadow(&self, commit: Commit) -> Result<(), Error> {
        self.commit_anyhow("store what a proposal comes to", commit).await?;
        Ok(())
    }
}
