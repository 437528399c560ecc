//! How a transfer fails.

use std::io;
use std::path::PathBuf;

use crate::id::TenantId;
use crate::journal::Broken;
use crate::store::StoreError;

/// A tenant that could not be moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The store failed. What was moved by then stays; the same call goes on there.
    #[error("the store failed while a tenant was moved")]
    Store(#[source] StoreError),
    /// The file could not be read or written.
    #[error("the file {path} could not be {doing}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done with it.
        doing: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The journal's chain does not hold.
    #[error("the journal does not hold")]
    Journal(#[source] Broken),
    /// The row that says where the journal begins cannot be read.
    #[error("the row that says where the journal begins cannot be read by this version")]
    Beginning,
    /// Somebody wrote to the tenant while it was exported.
    #[error("the tenant {tenant} was written to while it was exported: stop its workers first")]
    Moving {
        /// The tenant.
        tenant: TenantId,
    },
    /// A line of the file is not what an export writes there.
    #[error("line {line} of the file {path} is not as it was exported: {why}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it. Never its content.
        why: &'static str,
    },
    /// The file was written by another version.
    #[error("the file has format {found}, this version reads {supported}")]
    Format {
        /// The format found.
        found: u32,
        /// The format that this version reads.
        supported: u32,
    },
    /// The file is about another tenant.
    #[error("the file holds the tenant {found}, not {expected}")]
    Tenant {
        /// The tenant that was asked for.
        expected: TenantId,
        /// The tenant of the file.
        found: TenantId,
    },
    /// The store holds something of the tenant that this import did not put there.
    #[error("the store already holds something of the tenant {tenant}")]
    NotEmpty {
        /// The tenant.
        tenant: TenantId,
    },
}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
