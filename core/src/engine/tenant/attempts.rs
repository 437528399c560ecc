//! Attempts: a step that loses a race is decided anew from what is stored by then, and not for ever.

use crate::engine::Tenant;
use crate::error::Error;
use crate::store::Commit;

/// How often a step that lost a race is decided anew before it gives up.
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
        let Some(key) = tenant.commit_or_lost(doing, commit).await? else { return Ok(true) };
        self.made += 1;
        if self.made == MOST { Err(Error::Contended { attempts: MOST, key }) } else { Ok(false) }
    }
}
