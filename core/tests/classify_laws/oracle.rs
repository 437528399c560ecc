//! Section 8 of `docs/semantics.md`, said once more: from its words, over letters instead of fields. It looks at all
//! links at once and knows nothing of the way in which `classify` works.

use std::collections::BTreeSet;

use accordant::classify::{Drift, Hidden, LinkState, Verdict};
use accordant::ownership::Authority;

/// What a small world can hold. `Alike` is equivalent to `A`, but not equal to the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Letter {
    Null,
    Empty,
    A,
    Alike,
    B,
    C,
}

impl Letter {
    /// Two letters are the same iff their classes are.
    pub(crate) const fn class(self) -> char {
        match self {
            Letter::Null | Letter::Empty => '-',
            Letter::A | Letter::Alike => 'a',
            Letter::B => 'b',
            Letter::C => 'c',
        }
    }

    const fn is_value(self) -> bool {
        self.class() != '-'
    }
}

/// One link of a small world: what is seen, the base's `(seen, agreed)`, and what the system is to the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    pub(crate) sight: Result<Letter, Hidden>,
    pub(crate) base: Option<(Letter, Letter)>,
    pub(crate) authority: Authority,
    pub(crate) diverges: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) links: &'a [Link],
    pub(crate) golden: Option<Letter>,
    pub(crate) frozen: bool,
}

/// What section 8 says of a world.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) verdict: Verdict,
    pub(crate) states: Vec<LinkState>,
    /// Links whose base follows from what they show, with the class that it is accepted against.
    pub(crate) adopts: Vec<(usize, char)>,
    pub(crate) no_base_conflicts: Vec<usize>,
}

pub(crate) fn classified(world: World<'_>) -> Said {
    let states: Vec<LinkState> = world.links.iter().map(|link| state(link, world)).collect();
    Said {
        verdict: verdict(world, &states),
        adopts: (0..world.links.len()).filter_map(|at| Some((at, adopted(world, &states, at)?))).collect(),
        no_base_conflicts: no_base_conflicts(world, &states),
        states,
    }
}

/// Golden that was never settled is none, and whoever has none holds it.
fn golden_class(world: World<'_>) -> char {
    world.golden.unwrap_or(Letter::Null).class()
}

/// "Each link is Hidden, NoBase, Same or Moved. A Moved link whose value is golden sets its base and is Same."
/// "A link without base adopts one if its value is golden or any `agreed` of the unit": a value; none is no evidence.
/// "An owner's link adopts golden only."
fn state(link: &Link, world: World<'_>) -> LinkState {
    let seen = match link.sight {
        Err(why) => return LinkState::Hidden(why),
        Ok(seen) => seen,
    };
    let moved = link.base.is_some_and(|(accepted, _)| accepted.class() != seen.class());
    let at_golden = seen.class() == golden_class(world);
    match link.base {
        Some(_) if moved && !at_golden => LinkState::Moved,
        Some(_) => LinkState::Same,
        None if at_golden => LinkState::Same,
        None if link.authority != Authority::Owner
            && seen.is_value()
            && agreed_classes(world).contains(&seen.class()) =>
        {
            LinkState::Same
        }
        None => LinkState::NoBase,
    }
}

fn agreed_classes(world: World<'_>) -> BTreeSet<char> {
    world.links.iter().filter_map(|link| link.base).map(|(_, agreed)| agreed.class()).collect()
}

fn adopted(world: World<'_>, states: &[LinkState], at: usize) -> Option<char> {
    let link = &world.links[at];
    let seen = link.sight.ok()?.class();
    let follows = link.base.is_none_or(|(accepted, _)| accepted.class() != seen);
    (states[at] == LinkState::Same && follows).then_some(seen)
}

/// "NoBase among co-owners that differ is hard conflict (no base) and blocks that link only." They differ from golden,
/// cleared or not, or from each other while golden was never settled. A system without the value contradicts nobody.
fn no_base_conflicts(world: World<'_>, states: &[LinkState]) -> Vec<usize> {
    let contradicts = |at: &usize| {
        let link = &world.links[*at];
        states[*at] == LinkState::NoBase
            && link.authority != Authority::Observer
            && link.sight.is_ok_and(Letter::is_value)
    };
    let links: Vec<usize> = (0..world.links.len()).filter(contradicts).collect();
    let classes: BTreeSet<char> =
        links.iter().filter_map(|at| world.links[*at].sight.ok()).map(Letter::class).collect();
    if world.golden.is_some() || classes.len() > 1 { links } else { Vec::new() }
}

fn verdict(world: World<'_>, states: &[LinkState]) -> Verdict {
    if world.frozen {
        return Verdict::Frozen;
    }
    let owned = world.links.iter().any(|link| link.authority != Authority::CoOwner);
    let deciding = if owned { Authority::Owner } else { Authority::CoOwner };
    let movers = |authority: bool| -> BTreeSet<char> {
        let moved = world.links.iter().zip(states).filter(|(_, state)| **state == LinkState::Moved);
        let chosen = moved.filter(|(link, _)| (link.authority == deciding) == authority);
        chosen.filter_map(|(link, _)| link.sight.ok()).map(Letter::class).collect()
    };
    let visible: BTreeSet<char> = world.links.iter().filter_map(|link| link.sight.ok()).map(Letter::class).collect();
    let (authorities, others) = (movers(true), movers(false));
    // "An authority that moved from an agreement older than golden is concurrent with whoever holds golden."
    let unaware = world.links.iter().zip(states).any(|(link, state)| {
        *state == LinkState::Moved
            && link.authority == deciding
            && world.golden.is_some_and(Letter::is_value)
            && link.base.is_some_and(|(_, agreed)| agreed.class() != golden_class(world))
    });
    let held = world.links.iter().zip(states).any(|(link, state)| {
        *state == LinkState::Same
            && link.authority == deciding
            && link.sight.is_ok_and(|seen| seen.class() == golden_class(world))
    });
    // "Where nobody is seen to hold it, those of the co-owners who held it when they were last seen."
    let held_last = world.links.iter().any(|link| {
        !owned
            && link.sight.is_err_and(|why| why != Hidden::Duplicate)
            && link.base.is_some_and(|(accepted, _)| accepted.class() == golden_class(world))
    });
    let held = held || held_last;
    if authorities.len() > 1 || (unaware && held && !authorities.contains(&golden_class(world))) {
        return Verdict::HardConflict;
    }
    if authorities.len() == 1 {
        return if visible == authorities {
            Verdict::Converged
        } else if others.difference(&authorities).next().is_some() {
            Verdict::SoftDrift(Drift::Contested)
        } else {
            Verdict::SoftDrift(Drift::Authoritative)
        };
    }
    if !others.is_empty() {
        return Verdict::SoftDrift(Drift::Unauthorized);
    }
    quiet(world, states)
}

/// Rule 4: "nobody moved: pending, rewritten, diverged (by a decision), cosmetic, or in agreement"; "a unit has the
/// first that any link shows, in the order listed".
fn quiet(world: World<'_>, states: &[LinkState]) -> Verdict {
    let Some(golden) = world.golden else { return Verdict::InAgreement };
    let shows = |at: usize| -> Verdict {
        let link = &world.links[at];
        let (LinkState::Same, Ok(seen)) = (states[at], link.sight) else { return Verdict::InAgreement };
        let agreed = adopted(world, states, at).or(link.base.map(|(_, agreed)| agreed.class()));
        let at_golden = seen.class() == golden.class();
        match (at_golden, link.diverges, agreed == Some(golden.class())) {
            (true, _, _) if seen != golden && golden.is_value() => Verdict::Cosmetic,
            (true, _, _) => Verdict::InAgreement,
            (false, true, _) => Verdict::Diverged,
            // "agreed ~ golden, observed is not golden"
            (false, false, true) => Verdict::Rewritten,
            // "golden is not equivalent to `agreed`, and the observed value is not golden"
            (false, false, false) => Verdict::Pending,
        }
    };
    let shown: Vec<Verdict> = (0..world.links.len()).map(shows).collect();
    let order = [Verdict::Pending, Verdict::Rewritten, Verdict::Diverged, Verdict::Cosmetic];
    order.into_iter().find(|verdict| shown.contains(verdict)).unwrap_or(Verdict::InAgreement)
}
