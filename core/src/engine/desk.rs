//! What people note on a case: who has it, its labels, what was said about it. It is theirs, and no rule reads it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Actor;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The journal's kind for what people note.
pub(crate) const CASE_NOTED: &str = "case_noted";

/// What the keys of its rows begin with.
pub(crate) const PREFIX: &str = "desk/";

/// The longest comment, in bytes.
pub(crate) const LONGEST_COMMENT: usize = 16 << 10;
/// The longest label, in bytes.
pub(crate) const LONGEST_LABEL: usize = 100;
/// How many labels a case has, at most.
pub(crate) const MOST_LABELS: usize = 50;

/// One thing that a person notes on a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CaseNote {
    /// It is somebody's, or nobody's.
    Assigned(Option<Actor>),
    /// It has a label.
    Labelled(Text),
    /// It has a label no longer.
    Unlabelled(Text),
    /// Something was said about it.
    Commented(Text),
}

/// What somebody said about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Comment {
    /// Who.
    #[schemars(with = "String")]
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// What.
    #[schemars(with = "String")]
    pub text: Text,
}

/// All that people noted on a case, as its row holds it. It outlives the case: if that opens again, it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Desk {
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Actor>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<Text>,
    /// What was said about it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
}

impl Desk {
    /// Applies a note: the only way in which it changes, live and in replay.
    pub(crate) fn apply(&mut self, note: CaseNote, by: &Actor, at: i64) {
        match note {
            CaseNote::Assigned(to) => self.assignee = to,
            CaseNote::Labelled(label) => drop(self.labels.insert(label)),
            CaseNote::Unlabelled(label) => drop(self.labels.remove(&label)),
            CaseNote::Commented(text) => self.comments.push(Comment { by: by.clone(), at, text }),
        }
    }

    /// Why a note cannot be taken, if it cannot.
    pub(crate) fn refuses(&self, note: &CaseNote) -> Option<&'static str> {
        match note {
            CaseNote::Assigned(_) | CaseNote::Unlabelled(_) => None,
            CaseNote::Labelled(label) if label.trim().is_empty() => Some("a label is a word or a few"),
            CaseNote::Labelled(label) if label.len() > LONGEST_LABEL => {
                Some("a label has at most 100 bytes: say more in a comment")
            }
            CaseNote::Labelled(label) if self.labels.len() >= MOST_LABELS && !self.labels.contains(label) => {
                Some("it has fifty labels: take one off first")
            }
            CaseNote::Labelled(_) => None,
            CaseNote::Commented(text) if text.trim().is_empty() => Some("a comment says something"),
            CaseNote::Commented(text) if text.len() > LONGEST_COMMENT => {
                Some("a comment has at most 16 KiB: keep the document elsewhere, and name it")
            }
            CaseNote::Commented(_) => None,
        }
    }
}

/// The row of what people noted on a case.
pub(crate) fn desk_key(case: &str) -> RowKey {
    RowKey::new(Table::Case, format!("{PREFIX}{case}"))
}
