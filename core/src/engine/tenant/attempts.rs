//! Attempts: a step that loses a race is decided anew from what is stored by then, and not for ever.

use crate::engine::Tenant;
use crate::error::Error;
use crate::store::Commit;
use crate::text::Text;

/// How often a step that loses is decided anew.
const MOST: u32 = 64;

/// The attempts of one step. Each loads what it rests on anew.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    made: u32,
}

impl Attempts {
    /// Commits what an attempt came to, and says whether it took effect; if not, the step is decided anew.
    ///
    /// # Errors
    ///
    /// [`Error::Contended`] after too many; and as [`Tenant::commit_or_lost`].
    pub(crate) async fn commit(&mut self, tenant: &Tenant, doing: &'static str, commit: Commit) -> Result<bool, Error> {
        self.won(tenant.commit_or_lost(doing, commit).await?)
    }

    /// As [`Self::commit`], whatever the model is: for the change of the model itself.
    ///
    /// # Errors
    ///
    /// [`Error::Contended`] after too many; and as [`Tenant::commit_anyhow`].
    pub(crate) async fn commit_anyhow(
        &mut self,
        tenant: &Tenant,
        doing: &'static str,
        commit: Commit,
    ) -> Result<bool, Error> {
        self.won(tenant.commit_anyhow(doing, commit).await?)
    }

    /// Whether an attempt took effect that was lost to nobody, or to this row.
    ///
    /// # Errors
    ///
    /// [`Error::Contended`] after too many.
    pub(crate) fn won(&mut self, lost_to: Option<Text>) -> Result<bool, Error> {
        let Some(key) = lost_to else { return Ok(true) };
        self.made += 1;
        if self.made == MOST { Err(Error::Contended { attempts: MOST, key }) } else { Ok(false) }
    }
}
