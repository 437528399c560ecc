//! Dead letters: inputs that could not be processed, kept whole.

mod by_cause;
mod counted;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::{Item, Says};
use crate::engine::intake::DeadLetter;
use crate::engine::persist::Changes;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName, RecordRef, SurfaceName};
use crate::model::Path;
use crate::store::{RowKey, Table};
use crate::text::Text;

pub(in crate::engine::tenant) use by_cause::settle_erased;
pub use by_cause::{LetterCause, LetterGroup, Retried};
pub(crate) use counted::LetterCounts;

/// The journal's kind for a letter that was buried.
pub(crate) const LETTER_BURIED: &str = "dead_letter";
/// The journal's kind for a letter that was tried again with success, or discarded.
pub(crate) const LETTER_REOPENED: &str = "dead_letter_reopened";
/// The kind of the journal entry of a letter that was tried again, or discarded.
pub(crate) const LETTER_SETTLED: &str = "dead_letter_settled";

/// The journal's kind for a letter that was dealt with, and has served its time: its key, and when it came.
pub(crate) const LETTER_EXPIRED: &str = "dead_letter_expired";

/// What became of a dead letter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LetterState {
    /// It waits for somebody to mend its cause, or to discard it.
    #[default]
    Waiting,
    /// It was tried again, and taken in.
    Retried {
        /// By whom.
        by: Actor,
        /// When, in milliseconds since the epoch.
        at: i64,
        /// The letters that it became, by key: what of it failed of another cause.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        became: BTreeSet<Text>,
    },
    /// It was discarded.
    Discarded {
        /// By whom.
        by: Actor,
        /// When, in milliseconds since the epoch.
        at: i64,
        /// Why, in the person's words.
        reason: String,
    },
    /// It told of a person who was erased: its bytes are gone.
    Erased {
        /// When, in milliseconds since the epoch.
        at: i64,
    },
}

impl LetterState {
    fn is_waiting(&self) -> bool {
        *self == LetterState::Waiting
    }

    /// When it was dealt with, in milliseconds since the epoch; none while it waits.
    pub(crate) const fn settled_at(&self) -> Option<i64> {
        match self {
            LetterState::Waiting => None,
            LetterState::Retried { at, .. } | LetterState::Discarded { at, .. } | LetterState::Erased { at } => {
                Some(*at)
            }
        }
    }
}

/// A dead letter as its row holds it. The journal names the row, and does not repeat the bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What kind of thing it was taken for.
    #[serde(default = "a_record", skip_serializing_if = "is_record")]
    pub says: Says,
    /// What was asked for, where that was less than the surface promises: paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<Vec<String>>,
    /// What the connection might not read: paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// The number of the read that answered with it; 0: it was pushed, or polled in the system's own order.
    #[serde(default)]
    pub read: u64,
    /// What became of it.
    #[serde(default, skip_serializing_if = "LetterState::is_waiting")]
    pub state: LetterState,
    /// How often the very same came again since it was discarded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

const fn a_record() -> Says {
    Says::Record
}

fn is_record(says: &Says) -> bool {
    *says == Says::Record
}

/// How long its body is, and not what is in it: who looks at the body asks for it.
impl fmt::Debug for StoredDeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, surface, record, cause, at, body, hex, says, covers, denied, read, state, repeated } =
            self;
        let mut shown = f.debug_struct("StoredDeadLetter");
        shown.field("connection", connection).field("surface", surface).field("record", record).field("cause", cause);
        shown
            .field("at", at)
            .field("body", &format_args!("{} letters", body.len()))
            .field("hex", hex)
            .field("says", says);
        shown
            .field("covers", covers)
            .field("denied", denied)
            .field("read", read)
            .field("state", state)
            .field("repeated", repeated)
            .finish()
    }
}

impl StoredDeadLetter {
    /// The bytes, as the system sent them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        bytes_of(&self.body, self.hex)
    }

    /// The cause, with where it occurred.
    #[must_use]
    pub fn group(&self) -> LetterCause {
        LetterCause { connection: self.connection.clone(), surface: self.surface.clone(), cause: self.cause.clone() }
    }

    /// The item as it came in.
    fn item(&self) -> Item {
        item_of(&self.surface, &self.says, (&self.body, self.hex), self.covers.as_deref(), &self.denied)
    }

    /// What the journal's entries about it are about.
    pub(in crate::engine::tenant) fn subject(&self) -> String {
        self.record.as_ref().map_or_else(|| self.connection.to_string(), ToString::to_string)
    }
}

/// Keeps an input that could not be processed, whole. The same letter again is the same row; one that was discarded stays so,
/// whoever sends it again: it is counted, and not journaled anew. `known` is the row as it stands.
pub(crate) fn bury(changes: &mut Changes<'_>, letter: &DeadLetter, at: i64, known: Option<&StoredDeadLetter>) {
    let (body, hex) = text_of(&letter.item.body);
    let key = letter_key(letter);
    if let Some(known) = known.filter(|known| is_for_good(&known.state)) {
        let repeated = known.repeated.saturating_add(1);
        changes.put(RowKey::new(Table::DeadLetter, key), &StoredDeadLetter { repeated, ..known.clone() });
        return;
    }
    let DeadLetter { connection, record, cause, item, read } = letter.clone();
    let paths = |paths: &[Path]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (covers, denied) = (item.covers.as_deref().map(paths), paths(&item.denied));
    let (surface, says) = (item.surface, item.says);
    let state = LetterState::Waiting;
    let stored = StoredDeadLetter {
        connection,
        surface,
        record,
        cause,
        at,
        body,
        hex,
        says,
        covers,
        denied,
        read,
        state,
        repeated: 0,
    };
    let StoredDeadLetter { connection, surface, record, cause, .. } = &stored;
    changes.journal(LETTER_BURIED, &stored.subject(), &(connection, surface, record, cause, &key));
    changes.put(RowKey::new(Table::DeadLetter, key), &stored);
}

/// Whether a letter that comes again stays what it is.
const fn is_for_good(state: &LetterState) -> bool {
    matches!(state, LetterState::Discarded { .. } | LetterState::Erased { .. })
}

/// The key of a letter's row: where it came from, what is wrong with it, and its bytes.
pub(crate) fn letter_key(letter: &DeadLetter) -> Text {
    let (body, hex) = text_of(&letter.item.body);
    let identity = format!("{}/{}/{}/{hex}/{body}", letter.connection, letter.item.surface, letter.cause);
    Digest::of(identity.as_bytes()).to_string().into()
}

/// An item as it came in, from how it is kept: its body as [`text_of`] gave it.
pub(crate) fn item_of(
    surface: &SurfaceName,
    says: &Says,
    (body, hex): (&str, bool),
    covers: Option<&[String]>,
    denied: &[String],
) -> Item {
    let paths = |texts: &[String]| texts.iter().map(|text| Path::new(text)).collect::<Arc<[Path]>>();
    Item {
        covers: covers.map(paths),
        denied: paths(denied),
        ..Item::new(surface.clone(), says.clone(), Bytes::from(bytes_of(body, hex)))
    }
}

fn bytes_of(body: &str, hex: bool) -> Vec<u8> {
    if !hex {
        return body.as_bytes().to_vec();
    }
    let digits = body.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok());
    let digits: Vec<u8> = digits.collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Bytes as text, and whether that is hexadecimal.
pub(crate) fn text_of(body: &[u8]) -> (String, bool) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (hexadecimal(body), true),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
