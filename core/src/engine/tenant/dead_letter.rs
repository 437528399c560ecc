//! Dead letters: inputs that could not be processed, kept whole.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::engine::intake::DeadLetter;
use crate::engine::persist::Changes;
use crate::fingerprint::Digest;
use crate::id::{ConnectionName, RecordRef, SurfaceName};
use crate::store::{RowKey, Table};

/// A dead letter as its row holds it. The journal names the row, and does not repeat the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDeadLetter {
    /// The connection.
    pub connection: ConnectionName,
    /// The surface.
    pub surface: SurfaceName,
    /// The record, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordRef>,
    /// What was expected, and where.
    pub cause: String,
    /// When it came, in milliseconds since the epoch.
    pub at: i64,
    /// The bytes: text as it is, anything else in hexadecimal. [`StoredDeadLetter::bytes`] gives them back.
    pub body: String,
    /// Whether `body` is in hexadecimal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hex: bool,
}

impl StoredDeadLetter {
    /// The bytes, as the system sent them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        if !self.hex {
            return self.body.as_bytes().to_vec();
        }
        let digits = self.body.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok());
        let digits: Vec<u8> = digits.collect();
        digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }
}

/// Keeps an input that could not be processed, whole. The same letter again is the same row.
pub(crate) fn bury(changes: &mut Changes<'_>, letter: &DeadLetter, at: i64) {
    let (body, hex) = match std::str::from_utf8(&letter.body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (hexadecimal(&letter.body), true),
    };
    let DeadLetter { connection, surface, record, cause, .. } = letter.clone();
    let identity = format!("{connection}/{surface}/{cause}/{hex}/{body}");
    let key = Digest::of(identity.as_bytes()).to_string();
    let subject = record.as_ref().map_or_else(|| connection.to_string(), ToString::to_string);
    changes.journal("dead_letter", &subject, &(&connection, &surface, &record, &cause, &key));
    let stored = StoredDeadLetter { connection, surface, record, cause, at, body, hex };
    changes.put(RowKey::new(Table::DeadLetter, key), &stored);
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
