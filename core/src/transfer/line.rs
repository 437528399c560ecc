//! The lines of an export.

use serde::{Deserialize, Serialize};

use crate::hex::{hex, unhex};
use crate::journal::{Entry, Head, Payload};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// One line, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one. Where the journal was compacted, it says behind which place that begins.
    Accordant {
        format: u32,
        tenant: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<HeadLine>,
    },
    Entry {
        #[serde(flatten)]
        entry: Entry,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<SaltedLine>,
    },
    /// Behind the last entry.
    Journal { head: HeadLine },
    Row {
        table: Text,
        key: Text,
        #[serde(flatten)]
        value: Content,
    },
    /// The last one.
    End {
        entries: u64,
        rows: u64,
        /// Of all bytes before this line.
        sha256: crate::fingerprint::Digest,
    },
}

/// What was not erased of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SaltedLine {
    salt: String,
    #[serde(flatten)]
    content: Content,
}

/// The end of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeadLine {
    seq: u64,
    digest: crate::fingerprint::Digest,
}

/// Bytes: as text wherever they are text, so that people and their tools can read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    Text(String),
    Hex(String),
}

impl Line {
    pub(super) fn entry(entry: Entry, payload: Option<Payload>) -> Self {
        let payload =
            payload.map(|payload| SaltedLine { salt: hex(&payload.salt), content: Content::of(payload.bytes) });
        Self::Entry { entry, payload }
    }

    pub(super) fn row(table: Table, key: Text, value: Vec<u8>) -> Self {
        Self::Row { table: Text::fixed(table.name()), key, value: Content::of(value) }
    }
}

impl SaltedLine {
    pub(super) fn payload(self) -> Option<Payload> {
        let salt = unhex(&self.salt)?.try_into().ok()?;
        Some(Payload { bytes: self.content.bytes()?, salt })
    }
}

impl From<Head> for HeadLine {
    fn from(Head { seq, digest }: Head) -> Self {
        Self { seq, digest }
    }
}

impl From<HeadLine> for Head {
    fn from(HeadLine { seq, digest }: HeadLine) -> Self {
        Self { seq, digest }
    }
}

impl Content {
    fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Hex(hex(error.as_bytes())),
        }
    }

    /// The bytes; `None` if they are not spelt as they would have been.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Hex(text) => unhex(&text).filter(|bytes| std::str::from_utf8(bytes).is_err()),
        }
    }
}

/// The row that a line names; `None` if there is no such table.
pub(super) fn row_key(table: &str, key: Text) -> Option<RowKey> {
    let table = Table::ALL.into_iter().find(|known| known.name() == table)?;
    Some(RowKey { table, key })
}
