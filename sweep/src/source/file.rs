//! The file of a snapshot, and which one it was.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::error::SnapshotError;

/// A file that is read from the beginning to the end, and again.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    version: String,
    length: u64,
}

impl Source {
    pub(crate) fn of(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), version: String::new(), length: 0 }
    }

    /// Opens it. It is then what a checkpoint says it was, if there is one.
    pub(crate) fn open(&mut self, version: Option<&str>) -> Result<File, SnapshotError> {
        let file = File::open(&self.path).map_err(SnapshotError::Read)?;
        let metadata = file.metadata().map_err(SnapshotError::Read)?;
        self.version = version_of(&metadata);
        self.length = metadata.len();
        if version.is_some_and(|version| version != self.version) {
            return Err(SnapshotError::Replaced);
        }
        Ok(file)
    }

    /// Whether it is still what it was when it was opened: what was read of it is of one state.
    pub(crate) fn unchanged(&self, file: &File) -> Result<(), SnapshotError> {
        let metadata = file.metadata().map_err(SnapshotError::Read)?;
        if version_of(&metadata) == self.version { Ok(()) } else { Err(SnapshotError::Replaced) }
    }

    pub(crate) fn version(&self) -> String {
        self.version.clone()
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }
}

/// Length, and when it was written last.
fn version_of(metadata: &Metadata) -> String {
    let written = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{:x}.{:x}", metadata.len(), written.unwrap_or_default().as_nanos())
}
