//! Golden and bases by example: one test for each sentence of `docs/semantics.md` 4 to 11 that settling keeps.

use std::sync::Arc;

use accordant::base::Base;
use accordant::decision::Lifetime;
use accordant::discrepancy::DiscrepancyKind;
use accordant::fact::Fact;
use accordant::fingerprint::Fingerprint;
use accordant::golden::Status;
use accordant::model::{At, EntityModel, TypedAttribute};
use accordant::ownership::OnClear;
use accordant::policy::builtin::latest;
use accordant::policy::{Answer, Candidates, Policy};
use accordant::rule::{Change, Verdict, rule};
use accordant::settle::Touched;
use accordant::stamp::TimeKind;

use crate::universe::{Universe, Word, customer, text};

pub(crate) fn mapped(id: &str, systems: &[&str]) -> TypedAttribute<Word> {
    systems.iter().fold(TypedAttribute::new(id), |attribute, system| attribute.at(At::path(system, id)))
}

const THREE: [&str; 3] = ["crm", "erp", "shop"];

fn model(attribute: TypedAttribute<Word>) -> EntityModel {
    let mut model = customer(&THREE);
    model.attribute(attribute);
    model
}

/// Three systems that agree on `name`, under the given attribute.
pub(crate) fn agreeing(attribute: TypedAttribute<Word>) -> Universe {
    agreeing_in(Universe::new(model(attribute)))
}

fn agreeing_in(mut universe: Universe) -> Universe {
    for system in THREE {
        universe.link(system);
        universe.set(system, "name", "A");
    }
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert_eq!(universe.open("name"), []);
    universe
}

pub(crate) fn co_owned() -> TypedAttribute<Word> {
    mapped("name", &THREE)
}

pub(crate) fn owned() -> TypedAttribute<Word> {
    co_owned().owner("erp")
}

#[test]
fn s08_a_co_owner_that_moved_alone_moves_golden_and_a_write_is_owed() {
    let mut universe = agreeing(co_owned());
    universe.set("crm", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "B");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::SoftDriftAuthoritative, false)]);
    assert_eq!(universe.base("crm", "name"), Some(Base::accepted(text("B"), text("B"))));
    assert_eq!(universe.base("erp", "name"), Some(Base::accepted(text("A"), text("A"))), "behind, not moved");
    assert_eq!(universe.write_all(), 2);
    universe.settle();
    assert_eq!(universe.open("name"), []);
}

/// Three systems that agree, where a stamp says only when something in the record changed, and the latest wins.
fn by_record_time() -> Universe {
    let mut universe = Universe::new(model(co_owned().resolve(latest())));
    universe.times = TimeKind::RecordModified;
    agreeing_in(universe)
}

#[test]
fn s08_a_lone_change_is_the_latest_though_only_the_record_has_a_time() {
    let mut universe = by_record_time();
    // The CRM was last heard before the others: its change may, by record time, be older than their first word.
    universe.set("crm", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "B");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::SoftDriftAuthoritative, false)]);
}

#[test]
fn s08_a_system_that_waits_for_its_write_does_not_contest_the_next_change() {
    let mut universe = Universe::new(model(co_owned().resolve(latest())));
    universe.times = TimeKind::RecordModified;
    for system in ["crm", "erp"] {
        universe.link(system);
        universe.set(system, "name", "A");
    }
    universe.settle();
    universe.set("crm", "name", "B");
    universe.settle();
    // Linked late, and behind: its record is younger than anything that the CRM was last heard to say.
    universe.link("shop");
    universe.set("shop", "name", "A");
    universe.settle();
    assert_eq!(universe.golden("name"), "B");
    universe.set("crm", "name", "C");
    universe.settle();
    assert_eq!(universe.golden("name"), "C");
}

#[test]
fn s08_two_changes_that_record_times_cannot_tell_apart_wait() {
    let mut universe = by_record_time();
    universe.set("crm", "name", "B");
    universe.set("erp", "name", "C");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::HardConflict, true)]);
}

#[test]
fn s08_hard_conflict_parks_without_a_chain_and_unparks_when_systems_agree() {
    let mut universe = agreeing(co_owned());
    universe.set("crm", "name", "B");
    universe.set("erp", "name", "C");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert!(matches!(universe.cell("name").expect("a cell").status, Status::Parked { .. }));
    assert_eq!(universe.open("name"), [(DiscrepancyKind::HardConflict, true)]);
    assert_eq!(universe.base("crm", "name"), Some(Base::accepted(text("A"), text("A"))), "no base moves");
    universe.set("erp", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "B");
    assert_eq!(universe.cell("name").expect("a cell").status, Status::Settled);
}

#[test]
fn s08_a_park_ends_when_the_systems_return_to_golden() {
    let mut universe = agreeing(co_owned());
    universe.set("crm", "name", "B");
    universe.set("erp", "name", "C");
    universe.settle();
    universe.set("crm", "name", "A");
    universe.set("erp", "name", "A");
    universe.settle();
    assert_eq!(universe.cell("name").expect("a cell").status, Status::Settled);
    assert_eq!((universe.golden("name").as_str(), universe.open("name")), ("A", vec![]));
}

#[test]
fn s07_an_observers_value_never_becomes_golden() {
    let mut universe = agreeing(owned());
    universe.set("crm", "name", "B");
    universe.set("shop", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::SoftDriftUnauthorized, true)]);
}

#[test]
fn s07_an_owner_that_cannot_be_read_freezes_golden() {
    let mut universe = agreeing(owned());
    universe.deny("erp", "name", true);
    universe.set("crm", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
}

/// A policy that may hear observers and computes from whatever it hears.
#[derive(Debug)]
struct Computes;

impl Policy<Word> for Computes {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "computes".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn hears_observers(&self) -> bool {
        true
    }
    fn resolve(&self, candidates: &Candidates<'_, Word>) -> Answer<Word> {
        candidates.value(0).map_or(Answer::Inconclusive("silent"), Answer::Computed)
    }
}

/// Answers with the first voice; an observer's is a fallback.
#[derive(Debug)]
struct AnyVoice;

impl Policy<Word> for AnyVoice {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "any voice".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn hears_observers(&self) -> bool {
        true
    }
    fn resolve(&self, _: &Candidates<'_, Word>) -> Answer<Word> {
        Answer::Winner(0)
    }
}

#[test]
fn s07_a_fallback_is_provisional_whatever_way_the_policy_answers() {
    for attribute in [owned().resolve(Computes), owned().resolve(AnyVoice)] {
        let mut universe = Universe::new(model(attribute));
        universe.link("crm");
        universe.set("crm", "name", "B");
        universe.settle();
        assert_eq!(universe.golden("name"), "", "invariant 3");
        let status = &universe.cell("name").expect("a cell").status;
        assert!(matches!(status, Status::Provisional(fallback) if fallback.shown == text("B")), "{status:?}");
        assert_eq!(universe.settle(), []);
    }
}

#[test]
fn s07_an_owner_that_holds_nothing_has_been_read_and_no_fallback_stands_in() {
    let mut universe = agreeing(owned().resolve(AnyVoice));
    universe.set("erp", "name", "");
    universe.settle();
    assert_eq!(universe.golden("name"), "");
    assert_eq!(universe.cell("name").expect("a cell").status, Status::Settled);
    assert_eq!(universe.settle(), []);
    assert_eq!(universe.cell("name").expect("a cell").status, Status::Settled);
}

#[test]
fn s08_clearing_propagates_for_an_owner_and_is_held_for_a_co_owner() {
    let golden_after = |attribute: TypedAttribute<Word>| {
        let mut universe = agreeing(attribute);
        universe.set("erp", "name", "");
        universe.settle();
        (universe.golden("name"), universe.open("name"))
    };
    let drift = |waits| vec![(DiscrepancyKind::SoftDriftAuthoritative, waits)];
    assert_eq!(golden_after(owned()), (String::new(), drift(false)));
    assert_eq!(golden_after(owned().on_clear(OnClear::Hold)), ("A".into(), drift(true)));
    assert_eq!(golden_after(co_owned()), ("A".into(), drift(true)));
    assert_eq!(golden_after(co_owned().on_clear(OnClear::Propagate)), (String::new(), drift(false)));
}

#[test]
fn s08_a_clear_that_is_held_stays_listed_though_all_cleared() {
    let mut universe = agreeing(co_owned());
    for system in THREE {
        universe.set(system, "name", "");
    }
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::SoftDriftAuthoritative, true)]);
}

#[test]
fn s08_a_clear_that_is_held_stops_nobody_else() {
    let mut universe = agreeing(co_owned());
    universe.set("crm", "name", "");
    universe.settle();
    universe.set("erp", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "B");
    assert_eq!(universe.settle(), [], "the clear stands, and parks nothing");
    assert_eq!(universe.cell("name").expect("a cell").status, Status::Settled);
}

#[test]
fn s08_a_conflict_without_base_blocks_its_link_only() {
    let mut universe = Universe::new(model(co_owned()));
    for system in ["crm", "erp"] {
        universe.link(system);
        universe.set(system, "name", "A");
    }
    universe.settle();
    universe.link("shop");
    universe.set("shop", "name", "Z");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::HardConflictNoBase, true)]);
    universe.set("crm", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "B", "nobody else is stopped");
    assert_eq!(universe.base("shop", "name"), None, "never overwritten: other plans refuse units without base");
    universe.set("shop", "name", "B");
    universe.settle();
    assert_eq!(universe.base("shop", "name"), Some(Base::accepted(text("B"), text("B"))));
}

#[test]
fn s08_a_conflict_without_base_does_not_fill_what_was_cleared() {
    let mut universe = Universe::new(model(co_owned().on_clear(OnClear::Propagate)));
    for system in ["crm", "erp"] {
        universe.link(system);
        universe.set(system, "name", "A");
    }
    universe.settle();
    universe.link("shop");
    universe.set("shop", "name", "Z");
    universe.settle();
    universe.set("crm", "name", "");
    universe.settle();
    assert_eq!(universe.settle(), []);
    assert_eq!(universe.golden("name"), "");
    assert!(universe.open("name").contains(&(DiscrepancyKind::HardConflictNoBase, true)));
}

#[test]
fn s05_a_value_that_lost_is_no_evidence_for_a_link_without_base() {
    let mut universe = Universe::new(model(co_owned().resolve(crate::story::Greatest)));
    for system in ["crm", "erp"] {
        universe.link(system);
        universe.set(system, "name", "M");
    }
    universe.settle();
    universe.link("shop");
    universe.set("shop", "name", "A");
    universe.settle();
    assert_eq!(universe.open("name"), [(DiscrepancyKind::HardConflictNoBase, true)]);
    universe.set("crm", "name", "A");
    universe.settle();
    assert_eq!(universe.golden("name"), "M", "A lost");
    let lost = Base::lost(text("A"), &Base::accepted(text("M"), text("M")));
    assert_eq!(universe.base("crm", "name"), Some(lost), "it last agreed with M");
    // The shop's A was never heard, and no A was ever golden: what the shop holds still waits for a person.
    let conflict = (DiscrepancyKind::HardConflictNoBase, true);
    assert_eq!(universe.open("name"), [conflict, (DiscrepancyKind::SoftDriftAuthoritative, false)]);
    assert_eq!(universe.base("shop", "name"), None);
    assert_eq!(universe.settle(), []);
    assert_eq!(universe.write_all(), 1, "golden is owed to the loser alone");
    universe.settle();
    assert_eq!(universe.open("name"), [conflict]);
    assert!(universe.holds("shop", "name", None));
}

#[test]
fn s05_a_clear_that_lost_is_nothing_that_a_weak_mapping_fills() {
    let attribute = TypedAttribute::<Word>::new("name")
        .at(At::path("crm", "name").weak())
        .at(At::path("erp", "name"))
        .at(At::path("shop", "name"))
        .on_clear(OnClear::Propagate)
        .resolve(crate::story::Greatest);
    let mut universe = agreeing(attribute);
    universe.set("crm", "name", "");
    universe.set("erp", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "B");
    let planned = universe.planned();
    assert!(planned.iter().all(|target| !target.contains("crm")), "{planned:?}");
    assert_eq!(planned.len(), 1, "{planned:?}");
}

#[test]
fn s09_a_held_unit_keeps_golden_and_every_base() {
    let hold = rule::<Word>("four eyes", 1, |change: &Change<'_, Word>| match &change.before {
        Some(_) => Verdict::Hold("moves".into()),
        None => Verdict::Pass,
    });
    let mut universe = agreeing_in(Universe::new(model(co_owned())).guard("name", hold));
    let bases = |universe: &Universe| THREE.map(|system| universe.base(system, "name"));
    let before = bases(&universe);
    universe.set("crm", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert_eq!(bases(&universe), before);
    let status = &universe.cell("name").expect("a cell").status;
    assert!(matches!(status, Status::Held(held) if held.proposed == text("B")), "{status:?}");
    assert_eq!(universe.open("name"), [(DiscrepancyKind::SoftDriftAuthoritative, true)]);
    assert_eq!(universe.settle(), []);
    universe.set("crm", "name", "A");
    universe.settle();
    assert_eq!(universe.cell("name").expect("a cell").status, Status::Settled, "nothing is held any more");
}

#[test]
fn s07_a_decision_on_an_owned_unit_is_addressed_to_the_owner() {
    let mut universe = agreeing(owned());
    universe.decide("name", "X", Lifetime::UntilInputsChange);
    universe.settle();
    assert_eq!(universe.golden("name"), "A", "golden moves when the owner is seen to hold it");
    universe.set("crm", "name", "X");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    universe.set("erp", "name", "X");
    universe.settle();
    assert_eq!(universe.golden("name"), "X");
}

#[test]
fn s04_our_echo_inherits_the_origin_of_what_we_wrote() {
    let mut universe = agreeing(co_owned());
    universe.set("crm", "name", "B");
    universe.settle();
    let origin = universe.cell("name").expect("a cell").origin.clone().expect("crm said it");
    universe.write("erp", "name");
    assert_eq!(universe.settle().iter().filter(|fact| matches!(fact, Fact::Settled { .. })).count(), 0);
    assert_eq!(universe.base("erp", "name").and_then(|base| base.marks.wrote.clone()), Some(Box::new(origin.clone())));
    assert_eq!(universe.cell("name").expect("a cell").origin, Some(origin));
}

#[test]
fn s05_a_system_that_keeps_its_own_form_owes_nothing() {
    let mut universe = agreeing(owned());
    let place = universe.entity.link_of(&crate::universe::record("crm")).expect("linked");
    let record = universe.entity.links[place].record.clone();
    let base = Some(Arc::new(Base::accepted(text("own form"), text("A"))));
    Fact::Rebased { record, unit: universe.key("name"), base }.apply(&mut universe.entity);
    universe.set("crm", "name", "own form");
    universe.settle();
    assert_eq!(universe.open("name"), [(DiscrepancyKind::Rewritten, false)]);
    assert_eq!(universe.write_all(), 0);
}

#[test]
fn s08_hidden_links_neither_move_nor_lose() {
    let mut universe = agreeing(co_owned());
    universe.deny("shop", "name", true);
    universe.set("crm", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "B");
    assert_eq!(universe.base("shop", "name"), Some(Base::accepted(text("A"), text("A"))));
    universe.deny("shop", "name", false);
    universe.settle_touched(&Touched::Units(vec![universe.unit("name")]));
    assert_eq!(universe.open("name"), [(DiscrepancyKind::SoftDriftAuthoritative, false)], "it is behind");
}
