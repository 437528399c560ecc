//! Decisions and oscillation by example (`docs/semantics.md` 11).

use accordant::decision::Lifetime;
use accordant::discrepancy::DiscrepancyKind;

use crate::universe::{Universe, record};
use crate::values::{agreeing, co_owned, owned};

#[test]
fn s11_a_decision_lapses_on_news_only() {
    let mut universe = agreeing(co_owned());
    universe.set("crm", "name", "B");
    universe.set("erp", "name", "C");
    universe.settle();
    universe.decide("name", "C", Lifetime::UntilInputsChange);
    universe.settle();
    assert_eq!(universe.golden("name"), "C");
    let decided = |universe: &Universe| universe.entity.decisions.get(&universe.key("name")).is_some();
    universe.set("crm", "name", "C");
    universe.settle();
    assert!(decided(&universe), "moving to the chosen value never reopens it");
    universe.set("crm", "name", "B");
    universe.settle();
    assert!(decided(&universe), "B was on the table");
    assert_eq!(universe.golden("name"), "C");
    universe.set("crm", "name", "D");
    universe.settle();
    assert!(!decided(&universe));
    // Erp stands by C, and crm never knew of it: the case is open again, and a person is asked again.
    assert_eq!(universe.golden("name"), "C");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::HardConflict, true)]);
}

#[test]
fn s11_a_pin_hears_no_news() {
    let mut universe = agreeing(co_owned());
    universe.decide("name", "X", Lifetime::Pinned);
    universe.set("crm", "name", "N");
    universe.settle();
    assert_eq!(universe.golden("name"), "X");
}

#[test]
fn s11_three_reactions_freeze_the_unit() {
    let mut universe = agreeing(owned());
    universe.set("erp", "name", "B");
    universe.settle();
    for reaction in 1..=3 {
        universe.write("crm", "name");
        universe.settle();
        universe.set("crm", "name", "A");
        universe.settle();
        let place = universe.entity.link_of(&record("crm")).expect("linked");
        assert_eq!(universe.entity.links[place].reactions.get(&universe.key("name")), Some(&reaction));
        assert_eq!(universe.settle(), [], "one restoring counts once");
    }
    universe.set("erp", "name", "C");
    universe.settle();
    assert_eq!(universe.golden("name"), "B", "frozen: not even the owner moves it");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::HardConflict, true)]);
}

#[test]
fn s11_a_reaction_that_golden_does_not_follow_counts_all_the_same() {
    let mut universe = agreeing(co_owned());
    let reactions = |universe: &Universe| {
        let crm = universe.entity.link_of(&record("crm")).expect("linked");
        universe.entity.links[crm].reactions.get(&universe.key("name")).copied().unwrap_or(0)
    };
    universe.set("crm", "name", "");
    universe.settle();
    universe.write("crm", "name");
    universe.settle();
    universe.set("crm", "name", "");
    universe.settle();
    universe.settle();
    assert_eq!(reactions(&universe), 1, "the clear is held, and stands");
    universe.set("erp", "name", "B");
    universe.settle();
    assert_eq!(reactions(&universe), 0, "an authoritative move starts the count anew");
}

#[test]
fn s11_a_change_to_something_else_is_no_reaction() {
    let mut universe = agreeing(co_owned());
    universe.set("erp", "name", "B");
    universe.settle();
    universe.write("crm", "name");
    universe.settle();
    universe.set("crm", "name", "C");
    universe.settle();
    assert!(universe.entity.links.iter().all(|link| link.reactions.is_empty()));
    assert_eq!(universe.golden("name"), "C");
}
