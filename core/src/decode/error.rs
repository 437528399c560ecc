//! Why the body of an item is no record.

use std::fmt;

use super::scan::Bad;
use crate::model::Path;

/// A body that could not be decoded at all. Says what and where, never what the payload held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{place}")]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where it is wrong.
    pub place: Place,
}

impl DecodeError {
    pub(super) const fn at(kind: DecodeErrorKind, offset: usize) -> Self {
        Self { kind, place: Place::Byte(offset) }
    }

    pub(super) fn of(kind: DecodeErrorKind, path: &Path) -> Self {
        Self { kind, place: Place::Path(path.clone()) }
    }
}

impl From<(Bad, usize)> for DecodeError {
    fn from((bad, offset): (Bad, usize)) -> Self {
        let kind = match bad {
            Bad::Truncated => DecodeErrorKind::Truncated,
            Bad::Syntax => DecodeErrorKind::Syntax,
            Bad::TooDeep => DecodeErrorKind::TooDeep,
        };
        Self::at(kind, offset)
    }
}

/// Where a body is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// At this byte.
    Byte(usize),
    /// At this path, from the root of the body.
    Path(Path),
    /// As a whole.
    Body,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Byte(offset) => write!(f, " at byte {offset}"),
            Place::Path(path) if path.keys().is_empty() => f.write_str(" at the root of the body"),
            Place::Path(path) => write!(f, " at `{path}`"),
            Place::Body => Ok(()),
        }
    }
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// It is longer than the table's limit.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// It is not UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// It ends inside a value.
    #[error("the JSON ends early")]
    Truncated,
    /// It is not JSON.
    #[error("not JSON")]
    Syntax,
    /// A mapped path leads deeper than the decoder goes.
    #[error("mapped values are nested too deep")]
    TooDeep,
    /// Where the surface's shape says that the record is, there is no object.
    #[error("no record")]
    NoRecord,
    /// It carries no native id.
    #[error("no id")]
    MissingId,
    /// What stands in place of the native id is neither text nor a number.
    #[error("the id is neither text nor a number")]
    UnreadableId,
    /// The ordering token is not written as the surface's shape says.
    #[error("the ordering token is not {0}")]
    UnreadableToken(&'static str),
    /// The batch holds 4 GiB of text: clear it.
    #[error("the batch is full")]
    BatchFull,
}
