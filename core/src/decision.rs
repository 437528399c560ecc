//! Decisions: what a person chose, and how long it holds.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fingerprint::{Digest, Fingerprint};
use crate::id::{Actor, RecordRef};
use crate::settle::Ruling;
use crate::stamp::Stamp;
use crate::value::Field;

/// How long a decision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifetime {
    /// It settles the unit now and is then history.
    Once,
    /// Until a candidate says something that was not on the table.
    #[default]
    UntilInputsChange,
    /// Whatever anyone says, before this instant. Then it ends: what systems said meanwhile counts as if they said it then,
    /// and with no such word golden stays as it is, and the unit is settled as any other.
    Until(DateTime<Utc>),
    /// Whatever anyone says.
    Pinned,
}

impl Lifetime {
    /// Whether it ends when a candidate says something that was not on the table.
    #[must_use]
    pub const fn hears_news(self) -> bool {
        matches!(self, Lifetime::Once | Lifetime::UntilInputsChange)
    }

    /// Whether its date has come.
    #[must_use]
    pub const fn is_over(self, now: i64) -> bool {
        matches!(self, Lifetime::Until(date) if date.timestamp_millis() <= now)
    }
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
    /// Who approved it, where four eyes were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Actor>,
    /// Of a decision until a date: what systems said of their own meanwhile, the latest of each, in the order of records. It
    /// is overwritten while the decision holds, and is heard when it ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meanwhile: Vec<Word>,
}

/// What a record said of its own, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The record.
    pub record: RecordRef,
    /// What it said.
    pub field: Field,
    /// The stamp since which it said so.
    pub since: Stamp,
}

impl Decision {
    /// The hash over inputs and fingerprint: no base, no stamps, no echoes.
    #[must_use]
    pub fn basis(&self) -> Digest {
        let mut fingerprint = Fingerprint::new();
        for (record, field) in &self.inputs {
            fingerprint.text(&record.to_string());
            field.fingerprint(&mut fingerprint);
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

/// A decision that is over, until the unit is decided anew; one that news ended, until systems agree again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapse {
    /// The value that had been chosen.
    pub chosen: Field,
    /// Who had chosen it.
    pub by: Actor,
    /// When it was chosen, in milliseconds since the epoch.
    pub decided_at: i64,
    /// When it ended, in milliseconds since the epoch.
    pub at: i64,
    /// What ended it.
    pub cause: LapseCause,
    /// Whether the unit waits for a person since: what golden holds rests on a decision that no longer stands, and nothing
    /// tells what it should be instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// What ended a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LapseCause {
    /// Candidates said what had not been on the table, or took back what had been.
    InputsChanged(Vec<InputChange>),
    /// The model owns, compares or resolves the unit otherwise than when it was decided.
    PolicyChanged,
    /// Its date came.
    Over,
}

/// What one candidate said before, and what it says now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputChange {
    /// The record that says it.
    pub record: RecordRef,
    /// What it said when the decision was made; `None`: nothing of its own.
    pub from: Option<Field>,
    /// What it says now; Null also of a record that is gone, or belongs to the entity no longer.
    pub to: Field,
}

impl Lapse {
    /// The end of a decision.
    pub(crate) fn of(decision: &Decision, at: i64, cause: LapseCause) -> Self {
        Self {
            chosen: decision.chosen.clone(),
            by: decision.by.clone(),
            decided_at: decision.at,
            at,
            cause,
            waits: false,
        }
    }
}

/// A decision that one person proposes and a second one has yet to approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedDecision {
    /// The decision.
    #[serde(flatten)]
    pub ruling: Ruling,
    /// When it was proposed, in milliseconds since the epoch.
    pub at: i64,
    /// What was on the table: every candidate with an origin of its own, sorted.
    pub inputs: Vec<(RecordRef, Field)>,
    /// What golden held.
    pub golden: Field,
    /// The change that a rule held, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Field>,
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
    /// Who approved it, where four eyes were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Actor>,
}

impl Divergence {
    /// Whether both still are what the person saw.
    #[must_use]
    pub fn holds(&self, shows: &Field, golden: &Field, same: &dyn Fn(&Field, &Field) -> bool) -> bool {
        same(shows, &self.shows) && same(golden, &self.golden)
    }
}
