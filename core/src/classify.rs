//! Classification: what happened to a unit, as one verdict, and to each of its links, as one state.
//!
//! This file is the whole of `docs/semantics.md` 8. It takes values and gives values. The order of the rules is total
//! and does not depend on the order of links; `tests/classify.rs` walks through every small world to show it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::Base;
use crate::equivalence::Comparison;
use crate::ownership::Authority;
use crate::value::Field;

/// What one link shows of a unit.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What is seen there.
    pub sight: Sight<'a>,
    /// The common ancestor, if there is one.
    pub base: Option<&'a Base>,
    /// What the system is to the unit.
    pub authority: Authority,
    /// Whether a person decided that this link may differ.
    pub diverges: bool,
    /// Whether what is seen is the form that golden has there by a mapping that rounds: to write golden would change nothing.
    pub spelled: bool,
}

/// What is seen of a unit on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight<'a> {
    /// Nothing that could be compared.
    Hidden(Hidden),
    /// The observed value.
    Seen(&'a Field),
}

/// Why a unit is hidden on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hidden {
    /// Never said.
    Unobserved,
    /// The link may not read it.
    Denied,
    /// The record is gone, redirected, or not read since it came back.
    Gone,
    /// It names a record that is not linked yet.
    Unresolved,
    /// A second record where the system holds one: only the primary counts.
    Duplicate,
    /// It is a part of golden, which is the sum of several, and is not compared with it.
    Summand,
}

/// The state of one link in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkState {
    /// Not comparable: never a mover, candidate, loser or target, and stops nobody else.
    Hidden(Hidden),
    /// Seen, but without a common ancestor.
    NoBase,
    /// As it was accepted.
    Same,
    /// Not as it was accepted.
    Moved,
}

/// What happened to a unit. In order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Held by a rule, parked, or oscillating: no write, no revert, on any link.
    Frozen,
    /// Authorities moved to different values.
    HardConflict,
    /// Authorities moved, and every visible link has the new value.
    Converged,
    /// Systems differ because some moved.
    SoftDrift(Drift),
    /// A write is owed.
    Pending,
    /// A system keeps its own form of what we wrote.
    Rewritten,
    /// A system differs by a person's decision.
    Diverged,
    /// Values are equivalent, but not equal to the letter.
    Cosmetic,
    /// All the same.
    InAgreement,
}

/// Who moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Drift {
    /// Systems that decide, and nobody contradicts.
    Authoritative,
    /// Systems that decide, while observers moved elsewhere.
    Contested,
    /// Observers only.
    Unauthorized,
}

/// The answer for one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classification {
    /// What happened.
    pub verdict: Verdict,
    /// Each link's state, in the order of sides.
    pub states: SmallVec<[LinkState; 4]>,
    /// Links whose base follows from what is seen: they hold golden, or a value that golden was accepted against.
    pub adopts: SmallVec<[(usize, Field); 4]>,
    /// Links at golden that count as movers: another authority moved on from an older agreement, without knowing of
    /// golden, so that the two moves are concurrent whichever of them was heard first. Where none is seen to hold golden,
    /// these are the hidden ones that held it last: what they speak for is golden.
    pub contemporaries: SmallVec<[usize; 2]>,
    /// Links without base whose value differs from golden although both decide: **hard conflict (no base)**. It blocks
    /// that link only and stands beside the verdict.
    pub no_base_conflicts: SmallVec<[usize; 2]>,
}

/// What a unit is, beyond its links.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The golden value; `None`: never settled.
    pub golden: Option<&'a Field>,
    /// Whether the unit is held, parked or oscillating.
    pub frozen: bool,
    /// Whether the unit names an owner.
    pub owned: bool,
}

/// Classifies one unit. `by.same(value, reference)` is the unit's equivalence.
#[must_use]
pub fn classify<C: Comparison + ?Sized>(sides: &[Side<'_>], standing: Standing<'_>, by: &C) -> Classification {
    let mut adopts = SmallVec::new();
    let mut states: SmallVec<[LinkState; 4]> = SmallVec::new();
    for (link, side) in sides.iter().enumerate() {
        states.push(state_of(link, side, sides, standing.golden, by, &mut adopts));
    }
    // Where nobody moved and nobody is new, as in most units, both are empty.
    let any = |state: LinkState| states.contains(&state);
    let new = any(LinkState::NoBase);
    let no_base_conflicts = if new { no_base_conflicts(sides, &states, standing, by) } else { SmallVec::new() };
    let moved = any(LinkState::Moved);
    let contemporaries = if moved { contemporaries(sides, &states, standing, by) } else { SmallVec::new() };
    let verdict = verdict_of(sides, &states, &adopts, &contemporaries, standing, by);
    Classification { verdict, states, adopts, contemporaries, no_base_conflicts }
}

/// Whether a side has authority over the unit: an owner if there is one, else every co-owner.
fn decides(side: &Side<'_>, standing: Standing<'_>) -> bool {
    side.authority == if standing.owned { Authority::Owner } else { Authority::CoOwner }
}

/// Rule 2, concurrency: whoever moved from an agreement older than golden did not know of golden. Without this, the
/// order of arrival would decide between two people: latest by silence.
fn contemporaries<C: Comparison + ?Sized>(
    sides: &[Side<'_>],
    states: &[LinkState],
    standing: Standing<'_>,
    by: &C,
) -> SmallVec<[usize; 2]> {
    let mut found = SmallVec::new();
    let Some(golden) = standing.golden.filter(|golden| golden.is_value()) else { return found };
    let unaware = |link: usize| {
        states[link] == LinkState::Moved
            && decides(&sides[link], standing)
            && sides[link].base.is_some_and(|base| base.is_behind(golden, |a, b| by.same(a, b)))
    };
    if !(0..sides.len()).any(unaware) || planted!(LatestBySilence) {
        return found;
    }
    for (link, side) in sides.iter().enumerate() {
        let holds = states[link] == LinkState::Same
            && decides(side, standing)
            && seen(side).is_some_and(|field| by.same(field, golden));
        if holds {
            found.push(link);
        }
    }
    if found.is_empty() && !standing.owned {
        // Golden does not yield to who never knew of it because a record is gone, or may not be read. An owner's own word
        // needs nobody's leave.
        let held_last = |side: &Side<'_>| {
            let gone = !matches!(side.sight, Sight::Seen(_) | Sight::Hidden(Hidden::Duplicate));
            gone && decides(side, standing) && side.base.is_some_and(|base| !base.lost && by.same(&base.seen, golden))
        };
        found.extend((0..sides.len()).filter(|link| held_last(&sides[*link])));
    }
    found
}

static NONE: Field = Field::Null;

/// Rule 1. A link that moved to golden is not a mover: it agrees, and its base follows.
fn state_of<C: Comparison + ?Sized>(
    link: usize,
    side: &Side<'_>,
    sides: &[Side<'_>],
    golden: Option<&Field>,
    by: &C,
    adopts: &mut SmallVec<[(usize, Field); 4]>,
) -> LinkState {
    let field = match side.sight {
        Sight::Hidden(why) => return LinkState::Hidden(why),
        Sight::Seen(field) => field,
    };
    if side.base.is_some_and(|base| by.same(field, &base.seen)) {
        // What was the form of the former golden is that of this one too: nothing is owed.
        if let (Some(golden), Some(base)) = (golden.filter(|_| side.spelled), side.base)
            && base.is_behind(golden, |a, b| by.same(a, b))
        {
            adopts.push((link, golden.clone()));
        }
        return LinkState::Same;
    }
    // Golden that was never settled is none, and a system without the value agrees with that.
    let golden = golden.or((!field.is_value()).then_some(&NONE));
    if let Some(golden) = golden.filter(|golden| side.spelled || by.same(field, golden)) {
        adopts.push((link, golden.clone()));
        return LinkState::Same;
    }
    if side.base.is_some() {
        return LinkState::Moved;
    }
    // Golden may have moved on since this value was golden: then the link is behind, not in conflict. An owner is never
    // behind: nobody writes it up to golden.
    let others = sides.iter().filter(|_| side.authority != Authority::Owner);
    let former = others.filter_map(|other| other.base).map(|base| &base.agreed);
    let former = former.filter(|agreed| agreed.is_value() && by.same(field, agreed));
    // Several may be within tolerance: the equal one, else the least, whatever the order of links.
    match former.min_by_key(|agreed| (*agreed != field, *agreed)) {
        Some(agreed) => {
            adopts.push((link, agreed.clone()));
            LinkState::Same
        }
        None => LinkState::NoBase,
    }
}

/// Links without base that contradict golden, or each other where there is no golden yet.
fn no_base_conflicts<C: Comparison + ?Sized>(
    sides: &[Side<'_>],
    states: &[LinkState],
    standing: Standing<'_>,
    by: &C,
) -> SmallVec<[usize; 2]> {
    let mut links = SmallVec::new();
    for (link, side) in sides.iter().enumerate() {
        // Null takes part in no conflict: it is what a system says that never had the value.
        let has_value = states[link] == LinkState::NoBase && seen(side).is_some_and(Field::is_value);
        if has_value && side.authority.decides() {
            links.push(link);
        }
    }
    // Golden that was cleared is settled too: a value that was never in agreement contradicts it.
    if standing.golden.is_none() && !links.is_empty() {
        let values = links.iter().filter_map(|link: &usize| seen(&sides[*link]));
        if classes(values, None, by) <= 1 {
            links.clear();
        }
    }
    links
}

fn verdict_of<C: Comparison + ?Sized>(
    sides: &[Side<'_>],
    states: &[LinkState],
    adopts: &[(usize, Field)],
    contemporaries: &[usize],
    standing: Standing<'_>,
    by: &C,
) -> Verdict {
    // Rule 0.
    if standing.frozen {
        return Verdict::Frozen;
    }
    let decides = |link: usize| decides(&sides[link], standing);
    let movers = || (0..sides.len()).filter(|link| states[*link] == LinkState::Moved);
    let authorities = || movers().filter(|link| decides(*link));
    // Rule 2. The class of the first mover stands for all where there is only one.
    if let Some(value) = authorities().next().and_then(|link| seen(&sides[link])) {
        let moved = authorities().filter_map(|link| seen(&sides[link]));
        let all = moved.chain(contemporaries.iter().filter_map(|link| seen(&sides[*link]).or(standing.golden)));
        if classes(all, standing.golden, by) > 1 {
            return Verdict::HardConflict;
        }
        let agrees = |side: &Side<'_>| match side.sight {
            Sight::Hidden(_) => true,
            Sight::Seen(field) => by.alike(field, value, standing.golden),
        };
        if sides.iter().all(agrees) {
            return Verdict::Converged;
        }
        let contradicted = movers().any(|link| !decides(link) && !agrees(&sides[link]));
        return Verdict::SoftDrift(if contradicted { Drift::Contested } else { Drift::Authoritative });
    }
    // Rule 3. Nobody who decides moved; whoever moved is an observer.
    if movers().next().is_some() {
        return Verdict::SoftDrift(Drift::Unauthorized);
    }
    // Rule 4. Nobody moved. The first that any link shows, in the order of `Verdict`.
    let Some(golden) = standing.golden else { return Verdict::InAgreement };
    let mut verdict = Verdict::InAgreement;
    for (link, side) in sides.iter().enumerate() {
        let Sight::Seen(field) = side.sight else { continue };
        let adopted = || adopts.iter().find(|(adopting, _)| *adopting == link).map(|(_, agreed)| agreed);
        if states[link] == LinkState::NoBase {
            continue;
        }
        let shows = if field == golden {
            Verdict::InAgreement
        } else if by.same(field, golden) {
            if field.is_value() { Verdict::Cosmetic } else { Verdict::InAgreement }
        } else if side.diverges {
            Verdict::Diverged
        } else {
            let behind = match (adopted(), side.base) {
                (Some(agreed), _) => !by.same(agreed, golden),
                (None, Some(base)) => base.is_behind(golden, |a, b| by.same(a, b)),
                (None, None) => false,
            };
            if behind { Verdict::Pending } else { Verdict::Rewritten }
        };
        verdict = verdict.min(shows);
    }
    verdict
}

fn seen<'a>(side: &Side<'a>) -> Option<&'a Field> {
    match side.sight {
        Sight::Hidden(_) => None,
        Sight::Seen(field) => Some(field),
    }
}

/// How many classes the values fall into, counting no further than two.
fn classes<'a, C: Comparison + ?Sized>(
    mut values: impl Iterator<Item = &'a Field>,
    golden: Option<&Field>,
    by: &C,
) -> usize {
    let Some(first) = values.next() else { return 0 };
    if values.all(|value| by.alike(value, first, golden)) { 1 } else { 2 }
}
