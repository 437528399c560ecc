//! Rules: they guard outcomes. A guarded change is held, and golden keeps its former value.
//!
//! A rule is made of a [condition](Condition) and a consequence, or of any closure ([`rule()`]), or is any type that
//! implements [`Rule`]. Amounts carry their currency, and an amount in another one is one of which nobody can tell:
//! the rule then acts.
//!
//! **Precedence.** Every rule of an attribute is asked. Forbidding goes before holding, holding before reviewing, reviewing
//! before warning; among rules of one consequence the first that was declared speaks.
//!
//! Rules guard what systems say and policies choose. What a person decides is guarded by those that forbid, and by
//! [`Builder::four_eyes`](crate::Builder::four_eyes).
//!
//! ```
//! use accordant::rule::{above, moved_by, not, replaces, said_by, when};
//! use accordant::{Canonical, Email, Money, money, testing::Story};
//! use serde_json::json;
//!
//! #[derive(Canonical)]
//! #[canonical(entity = "customer", system(crm, object = "contacts"), system(erp, object = "customer"))]
//! struct Customer {
//!     #[canonical(identity, at(crm = "email", erp = "email"), resolve(latest))]
//!     email: Email,
//!     #[canonical(at(crm("revenue", currency = USD), erp("revenue", currency = USD)), resolve(latest))]
//!     revenue: Option<Money>,
//! }
//!
//! Story::of::<Customer>()
//!     .rule(Customer::REVENUE, when(above(money!(10_000_000 USD))).hold("revenue over ten million").by_two())
//!     .rule(Customer::REVENUE, when(moved_by(money!(1_000_000 USD))).warn("a large change"))
//!     .rule(Customer::EMAIL, when(replaces().and(not(said_by("erp")))).review("verify the new address"))
//!     .says("crm", "1", json!({ "email": "ana@acme.test", "revenue": "9000000" }))
//!     .says("erp", "7", json!({ "email": "ana@acme.test", "revenue": "9000000" }))
//!     .later(accordant::chrono::TimeDelta::hours(1))
//!     .says("crm", "1", json!({ "revenue": "10000001" }))
//!     .expect(Customer::REVENUE, "9000000 USD")
//!     .expect_held(Customer::REVENUE, "10000001.00 USD");
//! ```

mod condition;
pub(crate) mod named;
mod when;

use std::marker::PhantomData;
use std::sync::Arc;

use crate::caught::caught;
use crate::equivalence::Equivalence;
use crate::fingerprint::Fingerprint;
use crate::id::{AttributeId, EntityType};
use crate::model::Unit;
use crate::text::Text;
use crate::value::{Field, Value, split_member};

pub use condition::{
    Around, Condition, Met, Proportional, Source, above, becomes, below, changes, clears, moved_by, moved_by_percent,
    not, other_above, other_is, other_missing, replaces, said_ago, said_as, said_by, stood_for,
};
pub use when::{ConditionalRule, When, when};

/// A change of golden that is about to happen.
#[derive(Debug)]
pub struct Change<'a, T> {
    /// The value before; `None`: there was none.
    pub before: Option<T>,
    /// The last value that there was: the one before, or, where there is none, what stood there before it was cleared.
    pub last: Option<T>,
    /// The value after; `None`: it is cleared.
    pub after: Option<T>,
    /// The policy that chose it; `decision`: a person.
    pub policy: &'a str,
    /// What is known beside: who said it and when, and what golden holds of other attributes.
    pub around: &'a Around<'a>,
}

/// What a rule says of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Let it happen.
    Pass,
    /// Hold it until someone approves.
    Hold(String),
    /// Hold it until someone has looked.
    Review(String),
    /// It does not happen, and nobody can accept it.
    Forbid(String),
    /// Let it happen, and note why it was worth a look.
    Warn(String),
}

impl Verdict {
    /// Its place among others: the greatest counts.
    const fn weight(&self) -> u8 {
        match self {
            Verdict::Pass => 0,
            Verdict::Warn(_) => 1,
            Verdict::Review(_) => 2,
            Verdict::Hold(_) => 3,
            Verdict::Forbid(_) => 4,
        }
    }
}

/// Guards the changes of one attribute. Pure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a rule for attributes of type `{T}`",
    label = "no rule for `{T}`"
)]
pub trait Rule<T: Value>: Send + Sync + 'static {
    /// The name written in the journal.
    fn name(&self) -> Text;

    /// Adds version and parameters.
    fn fingerprint(&self, fingerprint: &mut Fingerprint);

    /// Lets the change pass, or holds it. If it panics, the change is held.
    fn judge(&self, change: &Change<'_, T>) -> Verdict;

    /// Whether accepting what it holds takes two people.
    fn four_eyes(&self) -> bool {
        false
    }

    /// The other attributes that it looks at: they are checked when the library is built.
    fn looks_at(&self) -> Vec<(EntityType, AttributeId)> {
        Vec::new()
    }
}

/// What golden holds before a change, in canonical form.
#[derive(Debug, Clone, Copy, Default)]
pub struct Before<'a> {
    /// What it holds; `None`: nothing.
    pub held: Option<&'a Field>,
    /// What it held last where it holds nothing; `None`: nothing ever.
    pub last: Option<&'a Field>,
}

/// A rule whose type parameter has been erased.
pub trait AnyRule: Send + Sync {
    /// As [`Rule::name`].
    fn name(&self) -> Text;
    /// As [`Rule::fingerprint`].
    fn fingerprint(&self, fingerprint: &mut Fingerprint);
    /// As [`Rule::judge`], in canonical form.
    fn judge(&self, before: Before<'_>, after: &Field, policy: &str, around: &Around<'_>) -> Verdict;
    /// As [`Rule::four_eyes`].
    fn four_eyes(&self) -> bool;
    /// As [`Rule::looks_at`].
    fn looks_at(&self) -> Vec<(EntityType, AttributeId)>;
}

impl std::fmt::Debug for dyn AnyRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

struct Erased<T, R>(R, PhantomData<fn() -> T>);

impl<T: Value, R: Rule<T>> AnyRule for Erased<T, R> {
    fn name(&self) -> Text {
        self.0.name()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(&self.0.name());
        self.0.fingerprint(fingerprint);
    }

    fn four_eyes(&self) -> bool {
        self.0.four_eyes()
    }

    fn looks_at(&self) -> Vec<(EntityType, AttributeId)> {
        self.0.looks_at()
    }

    fn judge(&self, before: Before<'_>, after: &Field, policy: &str, around: &Around<'_>) -> Verdict {
        // A value that cannot be read is not a missing one: to the rule it would look as if nothing were there.
        let typed = |field: &Field| field.as_value().map(T::from_canonical).transpose();
        let Ok(held) = before.held.map_or(Ok(None), typed) else { return unreadable("the value before") };
        let known = before.held.filter(|held| held.is_value()).or(before.last);
        let Ok(last) = known.map_or(Ok(None), typed) else { return unreadable("the last value before") };
        let Ok(after) = typed(after) else { return unreadable("the value after") };
        self.0.judge(&Change { before: held, last, after, policy, around })
    }
}

/// What a rule cannot read, it cannot let pass.
fn unreadable(what: &str) -> Verdict {
    Verdict::Hold(format!("{what} cannot be read as the type that the rule is for"))
}

/// A rule at its place.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The member of the unit whose changes it guards; `None`: the unit as a whole.
    pub member: Option<u16>,
    /// The rule.
    pub rule: Arc<dyn AnyRule>,
}

impl Guard {
    /// Judges a change of the unit. A change that leaves the guarded member as it was passes.
    #[must_use]
    pub fn judge(&self, unit: &Unit, before: Before<'_>, after: &Field, policy: &str, around: &Around<'_>) -> Verdict {
        let Some(member) = self.member.filter(|_| unit.members.len() > 1) else {
            return self.rule.judge(before, after, policy, around);
        };
        let part = |field: &Field| split_member(field, unit.members.len(), member);
        let parted = |field: Option<&Field>| field.map(|field| part(field).ok_or(())).transpose();
        let (Ok(held), Ok(last)) = (parted(before.held), parted(before.last)) else {
            return unreadable("the group before");
        };
        let Some(after) = part(after) else { return unreadable("the group after") };
        let equivalence = unit.equivalences.get(usize::from(member)).unwrap_or(&Equivalence::Exact);
        if equivalence.same(&after, held.as_ref().unwrap_or(&Field::Null)) {
            return Verdict::Pass;
        }
        let before = Before { held: held.as_ref().filter(|held| held.is_value()), last: last.as_ref() };
        self.rule.judge(before, &after, policy, around)
    }

    /// Adds place and rule.
    pub fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(self.member.map_or(-1, i64::from));
        self.rule.fingerprint(fingerprint);
    }
}

/// What the rules of a unit say of a change, together.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// What stops it, if anything does.
    pub(crate) stop: Option<Stop>,
    /// What is worth a look: the rules that warn, and why.
    pub(crate) warnings: Vec<(Text, Text)>,
}

/// Why a change does not happen now.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) rule: Text,
    pub(crate) reason: Text,
    /// Whether nobody can accept it.
    pub(crate) forbidden: bool,
    /// Whether accepting it takes two people: if any rule that stops it asks for two, whichever of them speaks.
    pub(crate) four_eyes: bool,
    weight: u8,
}

/// Asks every rule of a unit. The gravest consequence counts; among equals, what was declared first.
pub(crate) fn judge_all(
    guards: &[Guard],
    unit: &Unit,
    before: Before<'_>,
    after: &Field,
    policy: &str,
    around: &Around<'_>,
) -> Judged {
    let mut judged = Judged::default();
    let mut two = false;
    for guard in guards {
        let held = || Verdict::Hold("the rule panicked, and nobody knows what it would say".to_owned());
        let verdict = caught(|| guard.judge(unit, before, after, policy, around)).unwrap_or_else(held);
        let weight = verdict.weight();
        let (reason, forbidden) = match verdict {
            Verdict::Pass => continue,
            Verdict::Warn(reason) => {
                judged.warnings.push((guard.rule.name(), reason.into()));
                continue;
            }
            Verdict::Hold(reason) | Verdict::Review(reason) => (reason, false),
            Verdict::Forbid(reason) => (reason, true),
        };
        two |= guard.rule.four_eyes() && !forbidden;
        if judged.stop.as_ref().is_none_or(|stop| stop.weight < weight) {
            let (rule, reason) = (guard.rule.name(), reason.into());
            judged.stop = Some(Stop { rule, reason, forbidden, four_eyes: false, weight });
        }
    }
    if let Some(stop) = &mut judged.stop {
        stop.four_eyes = two;
    }
    judged
}

/// Erases a rule's type parameter.
pub fn erase<T: Value, R: Rule<T>>(rule: R) -> Arc<dyn AnyRule> {
    Arc::new(Erased(rule, PhantomData))
}

/// A rule from a closure, with the name and version that identify it.
///
/// The version stands for the closure's code: raise it whenever the code changes, or replay explains with the wrong rule.
pub fn rule<T: Value>(
    name: &'static str,
    version: u32,
    judge: impl Fn(&Change<'_, T>) -> Verdict + Send + Sync + 'static,
) -> impl Rule<T> {
    Closure { name, version, judge, _type: PhantomData }
}

struct Closure<T, F> {
    name: &'static str,
    version: u32,
    judge: F,
    _type: PhantomData<fn() -> T>,
}

impl<T: Value, F: Fn(&Change<'_, T>) -> Verdict + Send + Sync + 'static> Rule<T> for Closure<T, F> {
    fn name(&self) -> Text {
        self.name.into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(i64::from(self.version));
    }

    fn judge(&self, change: &Change<'_, T>) -> Verdict {
        (self.judge)(change)
    }
}

/// Values whose distance can be measured: [`RequireApproval`] asks for it.
#[diagnostic::on_unimplemented(message = "the distance between values of type `{Self}` is not defined")]
pub trait Measured: Value {
    /// Whether two values are more than `limit` apart. Values that cannot be compared (two currencies) are.
    #[must_use]
    fn differs_by_more_than(&self, other: &Self, limit: &Self) -> bool;
}

/// Holds a change that moves a number or an amount by more than a limit. A first value passes, and so does clearing; what comes
/// after a clear moves from what stood before it.
#[derive(Debug, Clone)]
pub struct RequireApproval<T> {
    limit: T,
}

impl<T: Measured> RequireApproval<T> {
    /// Holds changes by more than `limit`, either way.
    pub const fn when_moved_by(limit: T) -> Self {
        Self { limit }
    }
}

impl<T: Measured> Rule<T> for RequireApproval<T> {
    fn name(&self) -> Text {
        "require approval".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        let mut limit = String::new();
        self.limit.canonical(&mut limit);
        fingerprint.number(1).text(&limit);
    }

    fn judge(&self, change: &Change<'_, T>) -> Verdict {
        match (&change.last, &change.after) {
            (Some(last), Some(after)) if after.differs_by_more_than(last, &self.limit) => {
                let mut limit = String::new();
                self.limit.canonical(&mut limit);
                Verdict::Hold(format!("moves by more than {limit}"))
            }
            _ => Verdict::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Around, Before, Verdict, erase, rule};
    use crate::value::{Field, Money};

    #[test]
    fn what_cannot_be_read_is_held() {
        let lets_all_pass = erase::<Money, _>(rule("none", 1, |_| Verdict::Pass));
        let nothing = |_: &str| None;
        let around = Around { as_of: 0, source: None, said: None, before_said: None, golden: &nothing };
        let judge = |held, after| lets_all_pass.judge(Before { held, last: None }, after, "latest", &around);
        let (amount, other) = (Field::value("1.00 USD"), Field::value("one dollar"));
        assert_eq!(judge(Some(&amount), &amount), Verdict::Pass);
        assert_eq!(judge(Some(&amount), &Field::Null), Verdict::Pass);
        assert!(matches!(judge(Some(&amount), &other), Verdict::Hold(_)));
        assert!(matches!(judge(Some(&other), &amount), Verdict::Hold(_)));
    }
}
