//! Decisions: what a person chose, and how long it holds.

use serde::{Deserialize, Serialize};

use crate::fingerprint::{Digest, Fingerprint};
use crate::id::{Actor, RecordRef};
use crate::value::Field;

/// How long a decision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifetime {
    /// It settles the unit now and is then history.
    Once,
    /// Until a candidate says something that was not on the table.
    #[default]
    UntilInputsChange,
    /// Whatever anyone says.
    Pinned,
}

/// What a person chose for one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The value chosen.
    pub chosen: Field,
    /// Who chose it.
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: String,
    /// How long it holds.
    pub lifetime: Lifetime,
    /// What was on the table: every candidate with an origin of its own, sorted.
    pub inputs: Vec<(RecordRef, Field)>,
    /// The fingerprint of the unit's policy and equivalence.
    pub fingerprint: u64,
}

impl Decision {
    /// The hash over inputs and fingerprint: no base, no stamps, no echoes.
    #[must_use]
    pub fn basis(&self) -> Digest {
        let mut fingerprint = Fingerprint::new();
        for (record, field) in &self.inputs {
            fingerprint.text(&record.to_string()).number(i64::from(field.is_value()));
            fingerprint.text(field.as_value().unwrap_or(""));
        }
        fingerprint.bytes(&self.fingerprint.to_be_bytes());
        fingerprint.finish()
    }

    /// Whether a candidate brings something that was not on the table. Moving to the chosen value never does.
    #[must_use]
    pub fn is_news(&self, record: &RecordRef, field: &Field, same: &dyn Fn(&Field, &Field) -> bool) -> bool {
        !same(field, &self.chosen) && !self.inputs.iter().any(|(known, said)| known == record && same(field, said))
    }
}

/// A person's leave for one link to differ from golden in one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// What the link showed.
    pub shows: Field,
    /// What golden held.
    pub golden: Field,
    /// Who gave leave.
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: String,
    /// How long it holds. Unless it is pinned, until the link or golden moves on.
    pub lifetime: Lifetime,
}

impl Divergence {
    /// Whether both still are what the person saw.
    #[must_use]
    pub fn holds(&self, shows: &Field, golden: &Field, same: &dyn Fn(&Field, &Field) -> bool) -> bool {
        same(shows, &self.shows) && same(golden, &self.golden)
    }
}
