//! How a store fails.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::seal::SealError;

/// A store that could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("the store could not {doing}: {fault}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What stood in the way, as far as it matters to whoever asked.
        fault: StoreFault,
        /// The driver's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file or schema was written by another version.
    #[error("the store has format {found}, this version reads {supported}")]
    Format {
        /// The format found.
        found: u32,
        /// The format that this version reads.
        supported: u32,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// What is stored is sealed, and could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What stood in a database's way. Each is for somebody else to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// Credentials were wrong or missing, or do not allow it.
    #[error("it was denied")]
    Denied,
    /// It takes no writes: a replica, a file or a session that is read-only.
    #[error("it is read-only")]
    ReadOnly,
    /// It has no room left.
    #[error("it is full")]
    Full,
    /// A key or value is larger than it can hold.
    #[error("something is too large for it")]
    TooLarge,
    /// It was not there, went away, or was kept busy for too long by others. The same call may succeed later.
    #[error("it is not available")]
    Unavailable,
    /// Anything else.
    #[error("it refused")]
    Refused,
}

impl StoreError {
    /// A database that failed.
    pub fn database(doing: &'static str, fault: StoreFault, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Database { doing, fault, source: source.into() }
    }

    /// What stood in the way, where it was the database, or the key store.
    #[must_use]
    pub const fn fault(&self) -> Option<StoreFault> {
        match self {
            Self::Database { fault, .. } => Some(*fault),
            Self::Seal(SealError::Keys(error)) => Some(error.fault),
            Self::Format { .. } | Self::Closed | Self::Seal(_) => None,
        }
    }

    /// Whether the same call may succeed later though nobody mends anything. Back off, load anew and decide anew.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self.fault(), Some(StoreFault::Unavailable))
    }

    /// One error for everybody whom it hit: as many as are asked for.
    pub(super) fn for_each(self) -> impl Iterator<Item = StoreError> {
        let shared = match self {
            Self::Database { doing, fault, source } => Err((doing, fault, Arc::from(source))),
            other => Ok(other),
        };
        std::iter::repeat_with(move || match &shared {
            Err((doing, fault, source)) => Self::database(doing, *fault, Shared(Arc::clone(source))),
            Ok(Self::Format { found, supported }) => Self::Format { found: *found, supported: *supported },
            Ok(Self::Seal(error)) => Self::Seal(error.clone()),
            Ok(Self::Closed | Self::Database { .. }) => Self::Closed,
        })
    }
}

/// A driver's error that several calls were told.
#[derive(Debug)]
struct Shared(Arc<dyn Error + Send + Sync>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
