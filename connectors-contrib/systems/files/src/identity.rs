//! Which file it was: one that is replaced or written to is another.

use std::fs::{self, Metadata};
use std::io;
use std::time::UNIX_EPOCH;

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Retry};

use crate::settings::File;

/// A file as it was when it was opened: device and number, where the operating system has them, length, and when it was
/// written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
    length: u64,
    written: u128,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let written = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let (device, number) = place(metadata);
        Self { device, number, length: metadata.len(), written: written.unwrap_or_default().as_nanos() }
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Where reading stands in this file.
    pub(crate) fn cursor(&self, position: u64) -> Cursor {
        let Self { device, number, length, written } = self;
        Cursor(format!("{device:x}.{number:x}.{length:x}.{written:x}/{position}"))
    }

    /// The position of a cursor, if it stands in this file; the beginning, if it stands in another.
    pub(crate) fn position(&self, cursor: Option<&Cursor>) -> Result<u64, ConnectorError> {
        let Some(Cursor(text)) = cursor else { return Ok(0) };
        let position = text.rsplit_once('/').and_then(|(_, position)| position.parse().ok());
        let position: u64 = position.ok_or_else(Cursor::foreign)?;
        Ok(if self.cursor(position) == Cursor(text.clone()) { position } else { 0 })
    }
}

#[cfg(unix)]
fn place(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
const fn place(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// Opens a file that is ready.
pub(crate) fn open(file: &File) -> Result<(fs::File, Identity), ConnectorError> {
    if let Some(marker) = &file.marker
        && !marker.exists()
    {
        let told = format!("{} is not ready: {} is not there", file.path.display(), marker.display());
        return Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff));
    }
    let opened = fs::File::open(&file.path).map_err(|error| failed(file, &error))?;
    let identity = identity(file, &opened)?;
    Ok((opened, identity))
}

fn identity(file: &File, opened: &fs::File) -> Result<Identity, ConnectorError> {
    opened.metadata().map(|metadata| Identity::of(&metadata)).map_err(|error| failed(file, &error))
}

/// Says whether a file is still what it was when it was opened: what was read of it is of one state.
pub(crate) fn unchanged(file: &File, opened: &fs::File, was: Identity) -> Result<(), ConnectorError> {
    if identity(file, opened)? == was {
        return Ok(());
    }
    let told = format!("{} was written to while it was read", file.path.display());
    Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff))
}

/// A file that cannot be read.
pub(crate) fn failed(file: &File, error: &io::Error) -> ConnectorError {
    let told = format!("{} cannot be read: {}", file.path.display(), error.kind());
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ConnectorErrorKind::Denied,
        io::ErrorKind::InvalidData => ConnectorErrorKind::Malformed,
        _ => ConnectorErrorKind::Unavailable,
    };
    ConnectorError::new(kind, told).retry(Retry::Backoff)
}

/// A file that did not end well, or is none of its format. Another may come.
pub(crate) fn malformed(file: &File, told: &str) -> ConnectorError {
    let told = format!("{}: {told}", file.path.display());
    ConnectorError::new(ConnectorErrorKind::Malformed, told).retry(Retry::Backoff)
}
