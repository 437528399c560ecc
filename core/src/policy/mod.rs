//! Policies: each chooses one unit's value among candidates, or says that it cannot.
//!
//! Policies form a chain. Each answers or is inconclusive; when all are, the unit is parked for a person.

pub mod builtin;
mod registry;
pub(crate) mod suggest;

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::equivalence::Equivalence;
use crate::fingerprint::Fingerprint;
use crate::id::{RecordRef, SystemName};
use crate::ownership::Authority;
use crate::stamp::{Stamp, TimeScale};
use crate::value::{Field, Value};

pub use registry::{NotAPolicySpec, Parameter, PolicyMistake, PolicySpec, Registry, UnknownPolicy};

/// One system's voice in a resolution.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The system that says it.
    pub system: &'a SystemName,
    /// The record that says it.
    pub record: &'a RecordRef,
    /// What it says. Null and Empty stand here only if clearing takes part (`on_clear = propagate`).
    pub field: &'a Field,
    /// What the system is to the unit.
    pub authority: Authority,
    /// The system's place among the unit's owners: 0 is the first; `u16::MAX` if it is none of them.
    pub rank: u16,
    /// Whether the value moved since it was last accepted.
    pub moved: bool,
    /// Where the value was first said: equal numbers are copies of one origin.
    pub origin: u16,
    /// The system of that origin. It differs from `system` where the value is a copy that we wrote: trust, weights and
    /// priorities belong to who said it, not to who repeats it.
    pub origin_system: &'a SystemName,
    /// The stamp of the origin: when the value came to be, not when it was last seen.
    pub stamp: Stamp,
    /// What the stamp's token means, if it is an instant.
    pub scale: Option<TimeScale>,
    /// The token of the last observation in which the value was *not* yet there: with record-level times, the change
    /// lies in `(not_before, stamp.token]`. `None`: not known.
    pub not_before: Option<i64>,
}

impl Candidate<'_> {
    /// The earliest and latest instant, in milliseconds, at which the value can have come to be, widened by precision
    /// and skew. `None` if the source's tokens are not instants.
    #[must_use]
    pub fn interval(&self) -> Option<(i64, i64)> {
        let scale = self.scale?;
        let late =
            self.stamp.token.saturating_add(i64::from(scale.precision_ms)).saturating_add(i64::from(scale.skew_ms));
        let from = match scale.kind {
            crate::stamp::TimeKind::RecordModified => {
                self.not_before.map_or(self.stamp.token, |before| before.min(self.stamp.token))
            }
            _ => self.stamp.token,
        };
        Some((from.saturating_sub(i64::from(scale.skew_ms)), late))
    }

    /// Whether the system said the value itself, rather than repeat what we wrote there.
    #[must_use]
    pub fn is_original(&self) -> bool {
        self.system == self.origin_system
    }
}

/// All that a policy may know. No clock: age is measured between stamps, or against a journaled `as_of`.
#[derive(Debug, Clone, Copy)]
pub struct RawCandidates<'a> {
    /// The voices, in the order of links.
    ///
    /// Observers stand among them for `owner_with_fallback` alone: no other built-in policy lets one win.
    pub all: &'a [Candidate<'a>],
    /// The value that golden holds now.
    pub golden: Option<&'a Field>,
    /// How values of the unit are compared.
    pub equivalence: &'a Equivalence,
    /// The journaled instant that freshness is measured against, in milliseconds since the epoch.
    pub as_of: Option<i64>,
}

impl<'a> RawCandidates<'a> {
    /// Whether two candidates say the same.
    #[must_use]
    pub fn agree(&self, a: usize, b: usize) -> bool {
        match (self.all.get(a), self.all.get(b)) {
            (Some(a), Some(b)) => self.equivalence.alike(a.field, b.field, self.golden),
            _ => false,
        }
    }
}

/// The candidates for an attribute of type `T`. A typed value is built only when a policy asks for it.
#[derive(Debug)]
pub struct Candidates<'a, T> {
    raw: RawCandidates<'a>,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Value> Candidates<'a, T> {
    pub(crate) const fn new(raw: RawCandidates<'a>) -> Self {
        Self { raw, _type: PhantomData }
    }

    /// The candidates, in the order of links.
    #[must_use]
    pub const fn all(&self) -> &'a [Candidate<'a>] {
        self.raw.all
    }

    /// Everything, untyped.
    #[must_use]
    pub const fn raw(&self) -> &RawCandidates<'a> {
        &self.raw
    }

    /// The typed value of candidate `index`; `None` if it clears, or if there is no such candidate.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<T> {
        T::from_canonical(self.raw.all.get(index)?.field.as_value()?).ok()
    }

    /// The typed value that golden holds now.
    #[must_use]
    pub fn golden(&self) -> Option<T> {
        T::from_canonical(self.raw.golden?.as_value()?).ok()
    }
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer<T> {
    /// The candidate of this index wins.
    Winner(usize),
    /// The candidate of this index stands in for an owner that cannot be read: shown as provisional, never written.
    Provisional(usize),
    /// No candidate's value, but one computed from them.
    Computed(T),
    /// The policy cannot tell, and why; the next one in the chain is asked.
    Inconclusive(&'static str),
    /// A person must decide, whatever later policies would say.
    Park(&'static str),
}

/// Chooses one value among candidates.
///
/// Implement it for a rule of your own; name it in the model as an expression: `resolve(Stickiest { days: 30 }, latest)`.
///
/// # Contract
///
/// - **Pure.** The same candidates get the same answer: no clock, no I/O, no randomness. Replay relies on it.
/// - **Symmetric.** The order of candidates does not change which value wins.
/// - **Identified.** [`Policy::fingerprint`] covers the version and every parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy for attributes of type `{T}`",
    label = "no policy for `{T}`"
)]
pub trait Policy<T: Value>: Send + Sync + 'static {
    /// The name written in the journal beside every resolution.
    fn name(&self) -> Cow<'static, str>;

    /// Adds version and parameters to the model's fingerprint.
    fn fingerprint(&self, fingerprint: &mut Fingerprint);

    /// Whether the policy may be shown observers of an owned unit. Its answer is then a fallback at most: shown as
    /// provisional, never written. Only [`builtin::owner_with_fallback`] needs it.
    fn hears_observers(&self) -> bool {
        false
    }

    /// Whether it adds up what every owner says. Golden is then what all come to, whoever moved, and no owner is ever
    /// written: it would be added again. A unit of such a policy has owners, and no other policy.
    fn adds_up(&self) -> bool {
        false
    }

    /// Whether it also hears records that differ from golden and were never in agreement, and may move golden by them. Elsewhere
    /// these wait for a person: nobody knows which of the two is newer. Only [`builtin::most_restrictive`] needs it, which
    /// does not ask. A unit of such a policy has no owners, and no policy that does not hear them.
    fn hears_newcomers(&self) -> bool {
        false
    }

    /// Answers, or says why it cannot. There is at least one candidate. If it panics, the unit waits for a person, whatever stands behind
    /// it in the chain.
    fn resolve(&self, candidates: &Candidates<'_, T>) -> Answer<T>;
}

/// A policy whose type parameter has been erased, as the engine holds it.
pub trait AnyPolicy: Send + Sync {
    /// As [`Policy::name`].
    fn name(&self) -> Cow<'static, str>;
    /// As [`Policy::fingerprint`].
    fn fingerprint(&self, fingerprint: &mut Fingerprint);
    /// As [`Policy::hears_observers`].
    fn hears_observers(&self) -> bool;
    /// As [`Policy::adds_up`].
    fn adds_up(&self) -> bool;
    /// As [`Policy::hears_newcomers`].
    fn hears_newcomers(&self) -> bool;
    /// As [`Policy::resolve`], in canonical form.
    fn resolve(&self, candidates: &RawCandidates<'_>) -> Answer<Field>;
}

impl std::fmt::Debug for dyn AnyPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

struct Erased<T, P>(P, PhantomData<fn() -> T>);

impl<T: Value, P: Policy<T>> AnyPolicy for Erased<T, P> {
    fn name(&self) -> Cow<'static, str> {
        self.0.name()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(&self.0.name());
        self.0.fingerprint(fingerprint);
    }

    fn hears_observers(&self) -> bool {
        self.0.hears_observers()
    }

    fn adds_up(&self) -> bool {
        self.0.adds_up()
    }

    fn hears_newcomers(&self) -> bool {
        self.0.hears_newcomers()
    }

    fn resolve(&self, candidates: &RawCandidates<'_>) -> Answer<Field> {
        match self.0.resolve(&Candidates::new(*candidates)) {
            Answer::Winner(index) => Answer::Winner(index),
            Answer::Provisional(index) => Answer::Provisional(index),
            Answer::Computed(value) => {
                let mut text = String::new();
                value.canonical(&mut text);
                Answer::Computed(if text.is_empty() { Field::Empty } else { Field::Value(text.into()) })
            }
            Answer::Inconclusive(reason) => Answer::Inconclusive(reason),
            Answer::Park(reason) => Answer::Park(reason),
        }
    }
}

/// Erases a policy's type parameter.
pub fn erase<T: Value, P: Policy<T>>(policy: P) -> Arc<dyn AnyPolicy> {
    Arc::new(Erased(policy, PhantomData))
}
