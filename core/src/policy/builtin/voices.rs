//! The candidates that a built-in policy weighs, and what they have in common.

use std::cmp::Reverse;

use smallvec::SmallVec;

use crate::equivalence::Equivalence;
use crate::policy::{Answer, Candidate, RawCandidates};
use crate::stamp::TimeKind;

/// What a policy says when nobody whom it may hear has spoken.
pub(super) const SILENT: &str = "no system with authority has a say";

/// Some of the candidates, by index.
///
/// Built-in policies start from [`Voices::deciding`], so none of them lets an observer cross a truth boundary.
#[derive(Clone)]
pub(super) struct Voices<'a> {
    raw: &'a RawCandidates<'a>,
    picked: SmallVec<[usize; 8]>,
}

impl<'a> Voices<'a> {
    /// The candidates that satisfy `wanted`.
    pub(super) fn pick(raw: &'a RawCandidates<'a>, wanted: impl Fn(&Candidate<'a>) -> bool) -> Self {
        let picked = (0..raw.all.len()).filter(|index| wanted(&raw.all[*index])).collect();
        Self { raw, picked }
    }

    /// Owners and co-owners.
    pub(super) fn deciding(raw: &'a RawCandidates<'a>) -> Self {
        Self::pick(raw, |candidate| candidate.authority.decides())
    }

    /// Those of these that satisfy `wanted`.
    pub(super) fn keep(&self, wanted: impl Fn(&Candidate<'a>) -> bool) -> Self {
        let picked = self.picked.iter().copied().filter(|index| wanted(&self.raw.all[*index])).collect();
        Self { raw: self.raw, picked }
    }

    /// Those of these at the given indices.
    pub(super) fn only(&self, indices: &[usize]) -> Self {
        let picked = self.picked.iter().copied().filter(|index| indices.contains(index)).collect();
        Self { raw: self.raw, picked }
    }

    /// Those that have a value; if none has, all of these: then they clear.
    pub(super) fn with_value(&self) -> Self {
        let valued = self.keep(|candidate| candidate.field.is_value());
        if valued.is_empty() { self.clone() } else { valued }
    }

    /// Those of these that say something which golden does not settle: the movers, if golden has a value and any of
    /// these moved; else all.
    ///
    /// A system that did not move was heard when golden was chosen. A mover knew golden, or else whoever holds golden
    /// counts as a mover too; either way nothing is lost by leaving out those that stand still.
    pub(super) fn not_settled_by_golden(&self) -> Self {
        let movers = self.keep(|candidate| candidate.moved);
        let settled = self.raw.golden.is_some_and(crate::value::Field::is_value);
        if settled && !movers.is_empty() { movers } else { self.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.picked.is_empty()
    }

    /// Indices into the policy's candidates.
    pub(super) fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.picked.iter().copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Candidate<'a>> + '_ {
        let all: &'a [Candidate<'a>] = self.raw.all;
        self.picked.iter().map(move |index| &all[*index])
    }

    /// Whether two candidates are of one class: a relation that is transitive whatever the equivalence.
    ///
    /// Tolerance is not transitive, so it joins only what lies within tolerance of golden.
    pub(super) fn same(&self, a: &Candidate<'_>, b: &Candidate<'_>) -> bool {
        match (self.raw.equivalence, self.raw.golden) {
            (Equivalence::Tolerance(_), Some(golden)) => {
                Equivalence::Exact.same(a.field, b.field)
                    || (self.raw.equivalence.same(a.field, golden) && self.raw.equivalence.same(b.field, golden))
            }
            (Equivalence::Tolerance(_), None) => Equivalence::Exact.same(a.field, b.field),
            (equivalence, _) => equivalence.same(a.field, b.field),
        }
    }

    /// The classes of these, each with its members.
    pub(super) fn classes(&self) -> Vec<Voices<'a>> {
        let mut classes: Vec<Voices<'a>> = Vec::new();
        for index in self.indices() {
            let candidate = &self.raw.all[index];
            let known =
                classes.iter_mut().find(|class| class.iter().next().is_some_and(|one| self.same(one, candidate)));
            match known {
                Some(class) => class.picked.push(index),
                None => classes.push(Self { raw: self.raw, picked: SmallVec::from_slice(&[index]) }),
            }
        }
        classes
    }

    /// The one that speaks for a class: the latest stamp, then the first record in the order of their names.
    ///
    /// Stamps of unlike domains say nothing about time, but they order; members of a class differ in spelling at most.
    pub(super) fn spokesman(&self) -> Option<usize> {
        self.indices().max_by_key(|index| (self.raw.all[*index].stamp, Reverse(self.raw.all[*index].record)))
    }

    /// Whether all of these say the same. True of none.
    pub(super) fn agree(&self) -> bool {
        let mut rest = self.iter();
        rest.next().is_none_or(|first| rest.all(|other| self.same(first, other)))
    }

    /// The common value, or `apart` if there is none.
    pub(super) fn decide<T>(&self, apart: &'static str) -> Answer<T> {
        match self.spokesman() {
            None => Answer::Inconclusive(SILENT),
            Some(index) if self.agree() => Answer::Winner(index),
            Some(_) => Answer::Inconclusive(apart),
        }
    }

    /// Those for which `size` is greatest.
    pub(super) fn greatest<K: Ord>(&self, size: impl Fn(&Candidate<'a>) -> K) -> Self {
        let Some(greatest) = self.iter().map(&size).max() else { return self.clone() };
        self.keep(|candidate| size(candidate) == greatest)
    }

    /// How many distinct origins speak: copies of one origin are one witness.
    pub(super) fn origins(&self) -> usize {
        let mut origins: SmallVec<[u16; 8]> = self.iter().map(|candidate| candidate.origin).collect();
        origins.sort_unstable();
        origins.dedup();
        origins.len()
    }

    /// The kind of instants that all stamps are, or why they cannot be compared.
    pub(super) fn time_kind(&self) -> Result<TimeKind, &'static str> {
        if self.iter().any(|candidate| candidate.scale.is_none()) {
            return Err("a source does not say when its value came to be");
        }
        let mut kinds = self.iter().filter_map(|candidate| Some(candidate.scale?.kind));
        let first = kinds.next().ok_or(SILENT)?;
        if kinds.any(|kind| kind != first) {
            return Err("the sources report instants of different kinds");
        }
        Ok(first)
    }

    /// The class of which one member is beyond all others even at worst: its `low` above every `high` of theirs.
    ///
    /// There is at most one: its member has the greatest `low` of all.
    pub(super) fn beyond<K: Ord>(
        &self,
        low: impl Fn(&Candidate<'a>) -> K,
        high: impl Fn(&Candidate<'a>) -> K,
    ) -> Option<usize> {
        let first = self.iter().max_by_key(|candidate| low(candidate))?;
        let class = self.keep(|candidate| self.same(candidate, first));
        let rest = self.keep(|candidate| !self.same(candidate, first));
        let floor = low(first);
        if rest.iter().all(|other| high(other) < floor) { class.spokesman() } else { None }
    }
}
