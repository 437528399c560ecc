//! Moving a tenant: everything that a store holds of it, as a file, and back into any store.
//!
//! The file is text, a line for each thing, in an order that is always the same: the journal first, then the rows. The
//! same content gives the same bytes, whichever store it comes from. Revisions of rows are the store's own and are not in
//! it. What the file ends with says how much it holds and gives the digest of all before it; the journal is checked by
//! its chain when it is written and when it is read.
//!
//! A backup is an export that is kept. Workers have to be stopped meanwhile, or their tenant moved to where nobody
//! writes: an export that finds that the journal went on says so and is worth nothing.
//!
//! ```
//! # use accordant::{MemoryStore, TenantId};
//! # use accordant::transfer::{export, import};
//! # futures::executor::block_on(async {
//! # let (here, there) = (MemoryStore::new(), MemoryStore::new());
//! # let folder = tempfile::tempdir()?;
//! let (acme, file) = (TenantId::new("acme"), folder.path().join("acme.export"));
//! export(&here, &acme, &file, |_| {}).await?;
//! import(&there, &acme, &file, |_| {}).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod error;
mod export;
mod import;
mod line;
mod reading;

use crate::journal::Head;

pub use error::TransferError;
pub use export::export;
pub use import::{check, import};

/// The version of the file's format.
pub const FORMAT: u32 = 1;

/// The version of a file whose journal was compacted: versions that know no compaction refuse it, and read any other.
pub const COMPACTED: u32 = 2;

/// How far an export or import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Entries of the journal that were moved, or were there already.
    pub entries: u64,
    /// Rows that were moved.
    pub rows: u64,
    /// How many entries there are in all, where that is known.
    pub of_entries: Option<u64>,
    /// How many rows there are in all, where that is known.
    pub of_rows: Option<u64>,
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Transferred {
    /// Entries of the journal.
    pub entries: u64,
    /// Rows.
    pub rows: u64,
    /// The end of the journal.
    pub head: Head,
}
