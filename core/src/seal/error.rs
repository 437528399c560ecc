//! How a seal fails.

use crate::id::TenantId;
use crate::seal::KeyError;
use crate::text::Text;

/// A seal that could not be made, or not be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// What is stored is sealed, and who reads it has no keys.
    #[error("what is stored is sealed: open it with the keys that it was sealed with (`Builder::sealed`)")]
    Keyless,
    /// The tenant was written without a seal.
    #[error("tenant `{tenant}` was written without a seal: export it, and import it into a sealed store that is empty")]
    Unsealed {
        /// The tenant.
        tenant: TenantId,
    },
    /// The tenant was sealed with other keys.
    #[error("tenant `{tenant}` was sealed with other keys: open it with those")]
    OtherKeys {
        /// The tenant.
        tenant: TenantId,
    },
    /// The marker of the tenant's seal was written by another version, or altered.
    #[error("the seal of tenant `{tenant}` is of another version, or was altered")]
    Marker {
        /// The tenant.
        tenant: TenantId,
    },
    /// The key of a row is not there: it was destroyed, or the key store lost it.
    #[error("the key of {scope} is gone: it was destroyed, or lost")]
    KeyGone {
        /// What was sealed under it: a record, an entity, a table.
        scope: Text,
    },
    /// What is stored was altered, cut short, put in another's place, or was never sealed.
    #[error("what is stored of {scope} is not what was sealed")]
    Altered {
        /// What was sealed: a record, an entity, a table.
        scope: Text,
    },
    /// What is put into a sealed store was sealed before, as an export of the store below is: nobody could open it twice.
    #[error(
        "what is put into the sealed store of tenant `{tenant}` is sealed already: put it into the store below, and open that with \
         the keys that it was sealed with"
    )]
    SealedAlready {
        /// The tenant.
        tenant: TenantId,
    },
    /// Rows were asked for by how an identity value begins: under the seal, they are found by whole values.
    #[error("under the seal, identity values are found whole, and not by how they begin")]
    Beginning,
    /// More than the cipher takes at once.
    #[error("what is to be sealed of {scope} is too large")]
    TooLarge {
        /// What it is of.
        scope: Text,
    },
    /// The key store failed.
    #[error(transparent)]
    Keys(#[from] KeyError),
}
