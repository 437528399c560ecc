//! Decisions that wait for a second person, and decisions that are over, as people see them.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::decision::{Lapse, LapseCause, Lifetime, ProposedDecision};
use crate::id::{Actor, RecordRef};
use crate::model::UnitKey;
use crate::settle::Choice;
use crate::sight::Ground;
use crate::text::Text;
use crate::value::Field;
use crate::view::build::is_personal;
use crate::view::{RecordSchema, instant_of, lifetime_words, quoted, words};

/// A decision that one person proposed and a second has yet to approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ProposalView {
    /// The unit, by name.
    #[schemars(with = "String")]
    pub unit: Text,
    /// Whether the unit holds personal data.
    pub pii: bool,
    /// What is proposed.
    #[schemars(with = "serde_json::Value")]
    pub choice: Choice,
    /// Who proposed it.
    #[schemars(with = "String")]
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: String,
    /// How long it would hold.
    pub lifetime: Lifetime,
}

/// How a decision ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LapseView {
    /// The unit, by name.
    #[schemars(with = "String")]
    pub unit: Text,
    /// Whether the unit holds personal data.
    pub pii: bool,
    /// The value that had been chosen.
    #[schemars(with = "Option<String>")]
    pub chosen: Field,
    /// Who had chosen it.
    #[schemars(with = "String")]
    pub by: Actor,
    /// When it ended, in milliseconds since the epoch.
    pub at: i64,
    /// What was said that had not been on the table; none: its date came, or the model changed.
    pub changed: Vec<ChangeView>,
    /// Whether the model owns, compares or resolves the unit otherwise since it was decided.
    pub policy_changed: bool,
    /// Whether the unit waits for a person since: nothing else tells what golden should hold.
    pub waits: bool,
}

/// What one record said before, and what it says now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ChangeView {
    /// The record.
    #[schemars(with = "RecordSchema")]
    pub record: RecordRef,
    /// What it said; `None`: nothing of its own.
    #[schemars(with = "Option<String>")]
    pub from: Option<Field>,
    /// What it says now.
    #[schemars(with = "Option<String>")]
    pub to: Field,
}

impl ProposalView {
    pub(crate) fn of(ground: &Ground<'_>, key: &UnitKey, proposal: &ProposedDecision) -> Self {
        let ProposedDecision { ruling, at, .. } = proposal.clone();
        Self {
            unit: ground.model.unit_name(key),
            pii: is_personal(ground, key),
            choice: ruling.choice,
            by: ruling.by,
            at,
            reason: ruling.reason,
            lifetime: ruling.lifetime,
        }
    }
}

impl LapseView {
    pub(crate) fn of(ground: &Ground<'_>, key: &UnitKey, lapse: &Lapse) -> Self {
        let changed = match &lapse.cause {
            LapseCause::Over | LapseCause::PolicyChanged => Vec::new(),
            LapseCause::InputsChanged(news) => news
                .iter()
                .map(|news| ChangeView { record: news.record.clone(), from: news.from.clone(), to: news.to.clone() })
                .collect(),
        };
        Self {
            unit: ground.model.unit_name(key),
            pii: is_personal(ground, key),
            chosen: lapse.chosen.clone(),
            by: lapse.by.clone(),
            at: lapse.at,
            changed,
            policy_changed: lapse.cause == LapseCause::PolicyChanged,
            waits: lapse.waits,
        }
    }
}

impl fmt::Display for ProposalView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let choice = choice_words(&self.choice);
        let (at, holds) = (instant_of(self.at), lifetime_words(self.lifetime));
        write!(f, "{} proposed at {at} to {choice}, {holds}; a second person approves it: {}", self.by, self.reason)
    }
}

impl fmt::Display for LapseView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |field: &Field| quoted(&words(field, false));
        write!(f, "{} by {} ended at {}: ", said(&self.chosen), self.by, instant_of(self.at))?;
        if self.policy_changed {
            return f.write_str("the unit is owned, compared or resolved otherwise since");
        }
        if self.changed.is_empty() {
            return f.write_str("its date came");
        }
        let changed: Vec<String> = self
            .changed
            .iter()
            .map(|change| {
                let from = change.from.as_ref().map_or_else(|| "nothing".to_owned(), said);
                let to = if change.to.is_value() { said(&change.to) } else { "nothing".to_owned() };
                format!("input {} changed from {from} to {to}", change.record)
            })
            .collect();
        f.write_str(&changed.join(", "))
    }
}

/// A choice, in words.
pub(crate) fn choice_words(choice: &Choice) -> String {
    match choice {
        Choice::Accept => "accept the change that is held".to_owned(),
        Choice::Keep => "keep what golden holds".to_owned(),
        Choice::Take(connection) => format!("take what {connection} says"),
        Choice::Value(field) => format!("choose {}", quoted(&words(field, false))),
        Choice::LetDiffer(connection) => format!("let {connection} differ"),
        Choice::Retire => "retire the entity".to_owned(),
        Choice::Restore => "restore the entity".to_owned(),
    }
}
