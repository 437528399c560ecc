//! The rules by example. Each line is a world: what golden holds, and per system what is seen and its base.

use accordant::base::Base;
use accordant::classify::{Drift, Hidden, LinkState, Side, Sight, Standing, Verdict, classify};
use accordant::ownership::Authority::{self, CoOwner, Observer, Owner};
use accordant::value::Field;

use crate::Letters;
use Verdict::{Converged, Cosmetic, Diverged, Frozen, HardConflict, InAgreement, Pending, Rewritten, SoftDrift};

/// One system: what it is to the unit, what is seen there, and its base as `(seen, agreed)`. `""`: no value.
#[derive(Clone)]
struct System {
    authority: Authority,
    sight: Result<Field, Hidden>,
    base: Option<Base>,
    diverges: bool,
}

fn text(text: &str) -> Field {
    if text.is_empty() { Field::Null } else { Field::value(text) }
}

/// A system that was in agreement at `from` and shows `now`.
fn at(authority: Authority, from: &str, now: &str) -> System {
    accepted(authority, from, from, now)
}

/// A system whose value `seen` was accepted against the golden value `agreed`, and that shows `now`.
fn accepted(authority: Authority, seen: &str, agreed: &str, now: &str) -> System {
    let base = Some(Base::accepted(text(seen), text(agreed)));
    System { authority, sight: Ok(text(now)), base, diverges: false }
}

/// A system that agreed on `agreed`, then said `seen` and lost, and shows `now`.
fn lost(authority: Authority, agreed: &str, seen: &str, now: &str) -> System {
    let base = Some(Base::lost(text(seen), &Base::accepted(text(agreed), text(agreed))));
    System { base, ..at(authority, agreed, now) }
}

/// A system that was never in agreement.
fn new(authority: Authority, now: &str) -> System {
    System { authority, sight: Ok(text(now)), base: None, diverges: false }
}

/// A system that was in agreement at `from`, and of which nothing can be seen.
fn hidden(authority: Authority, from: &str, why: Hidden) -> System {
    System { sight: Err(why), ..at(authority, from, from) }
}

/// A system that a person allowed to differ.
fn apart(authority: Authority, golden: &str, now: &str) -> System {
    System { diverges: true, ..accepted(authority, now, golden, now) }
}

struct Unit {
    golden: Option<Field>,
    frozen: bool,
    systems: Vec<System>,
}

fn unit(golden: &str, systems: &[System]) -> Unit {
    Unit { golden: Some(text(golden)), frozen: false, systems: systems.to_vec() }
}

fn first_contact(systems: &[System]) -> Unit {
    Unit { golden: None, frozen: false, systems: systems.to_vec() }
}

fn held(unit: Unit) -> Unit {
    Unit { frozen: true, ..unit }
}

#[track_caller]
fn case(story: &str, unit: &Unit, verdict: Verdict) {
    assert_eq!(classification(unit).verdict, verdict, "{story}");
}

#[track_caller]
fn state(story: &str, unit: &Unit, last: LinkState) {
    assert_eq!(classification(unit).states.last(), Some(&last), "{story}");
}

#[track_caller]
fn blocked(story: &str, unit: &Unit, places: &[usize]) {
    assert_eq!(classification(unit).no_base_conflicts.as_slice(), places, "{story}");
}

fn classification(unit: &Unit) -> accordant::classify::Classification {
    let sides: Vec<Side<'_>> = unit
        .systems
        .iter()
        .map(|system| Side {
            sight: system.sight.as_ref().map_or_else(|why| Sight::Hidden(*why), Sight::Seen),
            base: system.base.as_ref(),
            authority: system.authority,
            diverges: system.diverges,
            spelled: false,
        })
        .collect();
    let owned = unit.systems.iter().any(|system| system.authority != CoOwner);
    classify(&sides, Standing { golden: unit.golden.as_ref(), frozen: unit.frozen, owned }, &Letters)
}

const AUTHORITATIVE: Verdict = SoftDrift(Drift::Authoritative);
const CONTESTED: Verdict = SoftDrift(Drift::Contested);
const UNAUTHORIZED: Verdict = SoftDrift(Drift::Unauthorized);

#[test]
#[rustfmt::skip]
fn s08_rule_0_a_held_unit_is_frozen_whatever_else() {
    case("quiet, but held", &held(unit("A", &[at(CoOwner, "A", "A"), at(CoOwner, "A", "A")])), Frozen);
    case("two moved apart", &held(unit("A", &[at(CoOwner, "A", "B"), at(CoOwner, "A", "C")])), Frozen);
    case("a write is owed", &held(unit("B", &[at(CoOwner, "A", "A"), at(CoOwner, "B", "B")])), Frozen);
}

#[test]
#[rustfmt::skip]
fn s08_rule_1_each_link_has_one_state() {
    let agreeing = at(CoOwner, "A", "A");
    let with = |last: System| unit("A", &[agreeing.clone(), last]);
    state("as it was accepted", &with(at(CoOwner, "A", "A")), LinkState::Same);
    state("not as it was accepted", &with(at(CoOwner, "A", "B")), LinkState::Moved);
    state("cleared is moved", &with(at(CoOwner, "A", "")), LinkState::Moved);
    state("it came to golden by itself", &with(at(CoOwner, "B", "A")), LinkState::Same);
    state("it keeps its own form", &with(accepted(CoOwner, "a-form", "A", "a-form")), LinkState::Same);
    state("new, and different", &with(new(CoOwner, "B")), LinkState::NoBase);
    state("new, and without the value", &with(new(CoOwner, "")), LinkState::NoBase);
    state("new, and at golden", &with(new(CoOwner, "A")), LinkState::Same);
    state("alike is not moved", &with(at(CoOwner, "A", "a")), LinkState::Same);
    for why in [Hidden::Unobserved, Hidden::Denied, Hidden::Gone, Hidden::Unresolved, Hidden::Duplicate] {
        state("not to be compared", &with(hidden(CoOwner, "B", why)), LinkState::Hidden(why));
    }
}

#[test]
#[rustfmt::skip]
fn s05_a_link_without_base_adopts_a_value_that_was_golden() {
    state("another still stands where it stands", &unit("B", &[at(CoOwner, "A", "A"), new(CoOwner, "A")]), LinkState::Same);
    case("so it is behind, not in conflict", &unit("B", &[at(CoOwner, "B", "B"), at(CoOwner, "A", "A"), new(CoOwner, "A")]), Pending);
    state("what lost never was golden", &unit("B", &[lost(CoOwner, "B", "A", "A"), new(CoOwner, "A")]), LinkState::NoBase);
    state("without a value nothing is proven", &unit("B", &[at(CoOwner, "", ""), new(CoOwner, "")]), LinkState::NoBase);
}

#[test]
#[rustfmt::skip]
fn s08_rule_2_who_never_knew_of_golden_is_concurrent_with_it() {
    case("two people at once, heard one after the other", &unit("B", &[at(CoOwner, "B", "B"), at(CoOwner, "A", "C")]), HardConflict);
    case("who had accepted golden moves on from it", &unit("B", &[at(CoOwner, "B", "B"), at(CoOwner, "B", "C")]), AUTHORITATIVE);
    case("who lost has not accepted golden", &unit("B", &[at(CoOwner, "B", "B"), lost(CoOwner, "B", "A", "C")]), HardConflict);
    case("two people at once say the same", &unit("B", &[at(CoOwner, "B", "B"), at(CoOwner, "A", "B")]), InAgreement);
    case("nobody stands by golden any more", &unit("B", &[at(CoOwner, "A", "C"), at(CoOwner, "A", "A")]), AUTHORITATIVE);
    case("the owner alone decides", &unit("B", &[at(Owner, "B", "B"), at(Observer, "A", "C")]), SoftDrift(Drift::Unauthorized));
}

#[test]
#[rustfmt::skip]
fn s08_rule_1_hidden_links_stop_nobody() {
    let denied = hidden(CoOwner, "A", Hidden::Denied);
    case("it is no mover", &unit("B", &[at(CoOwner, "B", "B"), denied.clone()]), InAgreement);
    case("the other moved alone", &unit("A", &[at(CoOwner, "A", "B"), denied.clone(), at(CoOwner, "A", "A")]), AUTHORITATIVE);
    case("all that can be seen agree", &unit("A", &[at(CoOwner, "A", "B"), denied]), Converged);
    case("nothing can be seen", &unit("A", &[hidden(Owner, "A", Hidden::Gone), hidden(Observer, "B", Hidden::Unobserved)]), InAgreement);
}

#[test]
#[rustfmt::skip]
fn s08_rule_1_without_a_common_ancestor() {
    blocked("a new co-owner contradicts", &unit("A", &[at(CoOwner, "A", "A"), new(CoOwner, "B")]), &[1]);
    case("beside the unit's verdict", &unit("A", &[at(CoOwner, "A", "A"), new(CoOwner, "B")]), InAgreement);
    case("which is what the others did", &unit("A", &[at(CoOwner, "A", "C"), at(CoOwner, "A", "A"), new(CoOwner, "B")]), AUTHORITATIVE);
    blocked("golden was cleared", &unit("", &[at(CoOwner, "", ""), new(CoOwner, "B")]), &[1]);
    blocked("two at first contact", &first_contact(&[new(CoOwner, "A"), new(CoOwner, "B")]), &[0, 1]);
    blocked("alike at first contact", &first_contact(&[new(CoOwner, "A"), new(CoOwner, "a")]), &[]);
    blocked("one alone", &first_contact(&[new(CoOwner, "A"), new(CoOwner, "")]), &[]);
    blocked("none contradicts nobody", &unit("A", &[at(CoOwner, "A", "A"), new(CoOwner, "")]), &[]);
    blocked("ownership resolves it", &first_contact(&[new(Owner, "A"), new(Observer, "B")]), &[]);
    blocked("an observer", &unit("A", &[at(Owner, "A", "A"), new(Observer, "B")]), &[]);
}

#[test]
#[rustfmt::skip]
fn s08_rule_2_authorities_that_moved() {
    let (hubspot, shopify, netsuite) = (at(CoOwner, "A", "B"), at(CoOwner, "A", "A"), at(CoOwner, "A", "A"));
    case("hubspot moved alone", &unit("A", &[hubspot.clone(), shopify.clone(), netsuite.clone()]), AUTHORITATIVE);
    case("two moved apart", &unit("A", &[hubspot.clone(), at(CoOwner, "A", "C"), netsuite.clone()]), HardConflict);
    case("two moved alike", &unit("A", &[hubspot.clone(), at(CoOwner, "A", "b"), netsuite.clone()]), AUTHORITATIVE);
    case("all moved alike", &unit("A", &[hubspot.clone(), at(CoOwner, "A", "B"), at(CoOwner, "A", "b")]), Converged);
    case("one cleared, one changed", &unit("A", &[hubspot, at(CoOwner, "A", ""), netsuite]), HardConflict);
    case("one cleared", &unit("A", &[at(CoOwner, "A", ""), shopify]), AUTHORITATIVE);
    case("the owner moved", &unit("A", &[at(Owner, "A", "B"), at(Observer, "A", "A")]), AUTHORITATIVE);
    case("the owner moved, an observer elsewhere", &unit("A", &[at(Owner, "A", "B"), at(Observer, "A", "C")]), CONTESTED);
    case("an observer moved along", &unit("A", &[at(Owner, "A", "B"), at(Observer, "A", "B"), at(Observer, "A", "A")]), AUTHORITATIVE);
    case("owner and observer moved alike", &unit("A", &[at(Owner, "A", "B"), at(Observer, "A", "B")]), Converged);
    case("two owners moved apart", &unit("A", &[at(Owner, "A", "B"), at(Owner, "A", "C"), at(Observer, "A", "A")]), HardConflict);
    case("the others never agreed", &unit("A", &[at(CoOwner, "A", "B"), new(CoOwner, "C")]), AUTHORITATIVE);
}

#[test]
#[rustfmt::skip]
fn s08_rule_3_only_observers_moved() {
    case("an observer moved", &unit("A", &[at(Owner, "A", "A"), at(Observer, "A", "B")]), UNAUTHORIZED);
    case("an observer cleared it", &unit("A", &[at(Owner, "A", "A"), at(Observer, "A", "")]), UNAUTHORIZED);
    case("two observers moved apart", &unit("A", &[at(Owner, "A", "A"), at(Observer, "A", "B"), at(Observer, "A", "C")]), UNAUTHORIZED);
    case("the owner cannot be read", &unit("A", &[hidden(Owner, "A", Hidden::Denied), at(Observer, "A", "B")]), UNAUTHORIZED);
    case("it outranks what is owed", &unit("B", &[at(Observer, "A", "C"), at(Observer, "A", "A"), at(Owner, "B", "B")]), UNAUTHORIZED);
}

#[test]
#[rustfmt::skip]
fn s08_rule_4_nobody_moved() {
    case("one is behind golden", &unit("B", &[at(CoOwner, "B", "B"), at(CoOwner, "A", "A")]), Pending);
    case("its value lost, and golden stayed", &unit("A", &[at(CoOwner, "A", "A"), lost(CoOwner, "A", "B", "B")]), Pending);
    case("golden was cleared", &unit("", &[at(CoOwner, "", ""), at(CoOwner, "A", "A")]), Pending);
    case("it keeps its own form", &unit("A", &[at(CoOwner, "A", "A"), accepted(Observer, "own form", "A", "own form")]), Rewritten);
    case("a person let it differ", &unit("A", &[at(CoOwner, "A", "A"), apart(CoOwner, "A", "B")]), Diverged);
    case("alike", &unit("A", &[at(CoOwner, "A", "A"), at(CoOwner, "a", "a")]), Cosmetic);
    case("equal", &unit("A", &[at(CoOwner, "A", "A"), at(CoOwner, "A", "A")]), InAgreement);
    case("none and empty are one", &unit("", &[at(CoOwner, "", ""), at(CoOwner, "", "")]), InAgreement);
    case("never settled", &first_contact(&[new(CoOwner, ""), new(CoOwner, "")]), InAgreement);
}

#[test]
#[rustfmt::skip]
fn s08_rule_4_the_first_that_any_link_shows() {
    let (behind, own_form) = (at(Observer, "B", "B"), accepted(Observer, "own form", "A", "own form"));
    let (apart, alike, owner) = (apart(Observer, "A", "C"), at(Observer, "a", "a"), at(Owner, "A", "A"));
    case("pending first", &unit("A", &[alike.clone(), apart.clone(), own_form.clone(), behind, owner.clone()]), Pending);
    case("then rewritten", &unit("A", &[alike.clone(), apart.clone(), own_form, owner.clone()]), Rewritten);
    case("then diverged", &unit("A", &[alike.clone(), apart, owner.clone()]), Diverged);
    case("then cosmetic", &unit("A", &[alike, owner.clone()]), Cosmetic);
    case("else in agreement", &unit("A", &[owner]), InAgreement);
}
