//! Rules: they guard outcomes. A guarded change is held, and golden keeps its former value.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::equivalence::Equivalence;
use crate::fingerprint::Fingerprint;
use crate::model::Unit;
use crate::text::Text;
use crate::value::{Field, Value, split_member};

/// A change of golden that is about to happen.
#[derive(Debug)]
pub struct Change<'a, T> {
    /// The value before; `None`: there was none.
    pub before: Option<T>,
    /// The value after; `None`: it is cleared.
    pub after: Option<T>,
    /// The policy that chose it.
    pub policy: &'a str,
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

    /// Lets the change pass, or holds it.
    fn judge(&self, change: &Change<'_, T>) -> Verdict;
}

/// A rule whose type parameter has been erased.
pub trait AnyRule: Send + Sync {
    /// As [`Rule::name`].
    fn name(&self) -> Text;
    /// As [`Rule::fingerprint`].
    fn fingerprint(&self, fingerprint: &mut Fingerprint);
    /// As [`Rule::judge`], in canonical form.
    fn judge(&self, before: Option<&Field>, after: &Field, policy: &str) -> Verdict;
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

    fn judge(&self, before: Option<&Field>, after: &Field, policy: &str) -> Verdict {
        // A value that cannot be read is not a missing one: to the rule it would look as if nothing were there.
        let typed = |field: &Field| field.as_value().map(T::from_canonical).transpose();
        let Ok(before) = before.map_or(Ok(None), typed) else { return unreadable("the value before") };
        let Ok(after) = typed(after) else { return unreadable("the value after") };
        self.0.judge(&Change { before, after, policy })
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
    pub fn judge(&self, unit: &Unit, before: Option<&Field>, after: &Field, policy: &str) -> Verdict {
        let Some(member) = self.member.filter(|_| unit.members.len() > 1) else {
            return self.rule.judge(before, after, policy);
        };
        let part = |field: &Field| split_member(field, unit.members.len(), member);
        let Ok(before) = before.map(|before| part(before).ok_or(())).transpose() else {
            return unreadable("the group before");
        };
        let Some(after) = part(after) else { return unreadable("the group after") };
        let equivalence = unit.equivalences.get(usize::from(member)).unwrap_or(&Equivalence::Exact);
        if equivalence.same(&after, before.as_ref().unwrap_or(&Field::Null)) {
            return Verdict::Pass;
        }
        self.rule.judge(before.as_ref().filter(|before| before.is_value()), &after, policy)
    }

    /// Adds place and rule.
    pub fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(self.member.map_or(-1, i64::from));
        self.rule.fingerprint(fingerprint);
    }
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

/// Holds a change that moves a number or an amount by more than a limit. A first value passes, and so does clearing.
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
        match (&change.before, &change.after) {
            (Some(before), Some(after)) if after.differs_by_more_than(before, &self.limit) => {
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
    use super::{Verdict, erase, rule};
    use crate::value::{Field, Money};

    #[test]
    fn what_cannot_be_read_is_held() {
        let lets_all_pass = erase::<Money, _>(rule("none", 1, |_| Verdict::Pass));
        let (amount, other) = (Field::value("1.00 USD"), Field::value("one dollar"));
        assert_eq!(lets_all_pass.judge(Some(&amount), &amount, "latest"), Verdict::Pass);
        assert_eq!(lets_all_pass.judge(Some(&amount), &Field::Null, "latest"), Verdict::Pass);
        assert!(matches!(lets_all_pass.judge(Some(&amount), &other, "latest"), Verdict::Hold(_)));
        assert!(matches!(lets_all_pass.judge(Some(&other), &amount, "latest"), Verdict::Hold(_)));
    }
}
