//! Rules from conditions: `when(moved_by(money!(100 USD))).hold("a large change")`.

use crate::fingerprint::Fingerprint;
use crate::id::{AttributeId, EntityType};
use crate::rule::condition::{Condition, Met};
use crate::rule::{Change, Rule, Verdict};
use crate::text::Text;
use crate::value::Value;

/// Begins a rule: what happens when a change meets the condition is said next.
pub const fn when<T: Value>(condition: Condition<T>) -> When<T> {
    When { condition }
}

/// A condition that waits for its consequence.
#[derive(Debug, Clone)]
#[must_use = "say what happens: hold, review, forbid or warn"]
pub struct When<T> {
    condition: Condition<T>,
}

/// What a rule does with a change that meets its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consequence {
    Hold,
    Review,
    Forbid,
    Warn,
}

impl<T: Value> When<T> {
    /// The change is held until someone approves it.
    pub fn hold(self, reason: &str) -> ConditionalRule<T> {
        self.then(Consequence::Hold, reason)
    }

    /// The change is held until someone has looked.
    pub fn review(self, reason: &str) -> ConditionalRule<T> {
        self.then(Consequence::Review, reason)
    }

    /// The change does not happen, and nobody can accept it: neither what a system says nor what a person chooses.
    pub fn forbid(self, reason: &str) -> ConditionalRule<T> {
        self.then(Consequence::Forbid, reason)
    }

    /// The change happens, and is noted.
    pub fn warn(self, reason: &str) -> ConditionalRule<T> {
        self.then(Consequence::Warn, reason)
    }

    fn then(self, consequence: Consequence, reason: &str) -> ConditionalRule<T> {
        let Self { condition } = self;
        let word = match consequence {
            Consequence::Hold => "hold",
            Consequence::Review => "review",
            Consequence::Forbid => "forbid",
            Consequence::Warn => "warn",
        };
        let name = format!("{word} when {condition}");
        ConditionalRule { name, condition, consequence, reason: reason.to_owned(), four_eyes: false }
    }
}

/// A rule made of a condition and a consequence.
#[derive(Debug, Clone)]
pub struct ConditionalRule<T> {
    name: String,
    condition: Condition<T>,
    consequence: Consequence,
    reason: String,
    four_eyes: bool,
}

impl<T: Value> ConditionalRule<T> {
    /// The name that people read; without it, the condition in words.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// What it holds is accepted by two people: one proposes, another approves.
    #[must_use]
    pub const fn by_two(mut self) -> Self {
        self.four_eyes = true;
        self
    }
}

impl<T: Value> Rule<T> for ConditionalRule<T> {
    fn name(&self) -> Text {
        self.name.as_str().into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        // The words of a condition hold all its parameters.
        fingerprint.number(1).text(&self.condition.to_string()).number(self.consequence as i64);
        fingerprint.number(i64::from(self.four_eyes)).text(&self.reason);
    }

    fn judge(&self, change: &Change<'_, T>) -> Verdict {
        let reason = match self.condition.is_met(change) {
            Met::No => return Verdict::Pass,
            Met::Yes => self.reason.clone(),
            Met::Unknown => format!("{} (it cannot be told whether {})", self.reason, self.condition),
        };
        match self.consequence {
            Consequence::Hold => Verdict::Hold(reason),
            Consequence::Review => Verdict::Review(reason),
            Consequence::Forbid => Verdict::Forbid(reason),
            Consequence::Warn => Verdict::Warn(reason),
        }
    }

    fn four_eyes(&self) -> bool {
        self.four_eyes
    }

    fn looks_at(&self) -> Vec<(EntityType, AttributeId)> {
        self.condition.looks_at().to_vec()
    }
}
