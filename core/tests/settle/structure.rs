//! Groups, collections, derived units, several records in one system, and existence, by example.

use accordant::discrepancy::DiscrepancyKind;
use accordant::fingerprint::Fingerprint;
use accordant::golden::{GoldenLife, Status};
use accordant::model::{At, Derivation, EntityModel, Inputs, Reduce, Shape, SystemObject, TypedAttribute, WriteTo};
use accordant::rule::{Change, Verdict, rule};
use accordant::settle::Touched;

use crate::universe::{Universe, Word, customer};
use crate::values::mapped;

const THREE: [&str; 3] = ["crm", "erp", "shop"];

fn linked(model: EntityModel) -> Universe {
    let mut universe = Universe::new(model);
    for system in THREE {
        universe.link(system);
        universe.read(system);
    }
    universe.settle();
    universe
}

fn address() -> EntityModel {
    let mut model = customer(&THREE);
    model.attribute(mapped("street", &THREE).group("address"));
    model.attribute(mapped("zip", &THREE).group("address"));
    model
}

#[test]
fn s01_a_group_moves_as_one_and_never_mixes_two_systems() {
    let mut universe = linked(address());
    universe.set("crm", "street", "Main");
    universe.set("crm", "zip", "1");
    universe.settle();
    assert_eq!(universe.golden("address"), r#"["Main","1"]"#);
    universe.write_all();
    universe.settle();
    universe.set("crm", "street", "Oak");
    universe.set("erp", "zip", "2");
    universe.settle();
    assert_eq!(universe.golden("address"), r#"["Main","1"]"#, "two moves of one unit");
    assert!(matches!(universe.cell("address").expect("a cell").status, Status::Parked { .. }));
}

#[test]
fn s01_a_group_with_one_hidden_member_is_hidden_on_that_link() {
    let mut universe = linked(address());
    universe.set("crm", "street", "Main");
    universe.settle();
    universe.deny("crm", "zip", true);
    universe.set("crm", "street", "Oak");
    universe.settle();
    assert_eq!(universe.golden("address"), r#"["Main",null]"#);
}

fn tags() -> EntityModel {
    let mut model = customer(&THREE);
    model.attribute(mapped("tags", &THREE).shape(Shape::Set));
    model
}

#[test]
fn s04_an_element_leaves_with_its_last_support() {
    let mut universe = linked(tags());
    universe.set("crm", "tags[x]", "x");
    universe.set("erp", "tags[x]", "x");
    universe.settle();
    assert_eq!(universe.golden("tags[x]"), "x");
    universe.set("crm", "tags[x]", "");
    universe.settle();
    assert_eq!(universe.golden("tags[x]"), "x", "erp said it by itself");
    universe.set("erp", "tags[x]", "");
    universe.settle();
    assert_eq!(universe.golden("tags[x]"), "");
}

#[test]
fn s04_what_we_wrote_supports_nothing() {
    let mut universe = linked(tags());
    universe.set("crm", "tags[x]", "x");
    universe.settle();
    assert_eq!(universe.write_all(), 2);
    universe.settle();
    universe.set("crm", "tags[x]", "");
    universe.settle();
    assert_eq!(universe.golden("tags[x]"), "", "erp and shop hold our echo only");
    assert_eq!(universe.write_all(), 2);
    universe.settle();
    assert_eq!(universe.open("tags[x]"), []);
}

#[test]
fn s01_elements_are_units_of_their_own() {
    let mut universe = linked(tags());
    universe.set("crm", "tags[x]", "x");
    universe.set("erp", "tags[y]", "y");
    universe.settle();
    assert_eq!((universe.golden("tags[x]").as_str(), universe.golden("tags[y]").as_str()), ("x", "y"));
}

/// Shouts the name.
#[derive(Debug)]
struct Shout;

impl Derivation<Word> for Shout {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "shout".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn derive(&self, inputs: &Inputs<'_>) -> Option<Word> {
        inputs.value::<Word>(0).map(|name| Word(name.0.to_uppercase()))
    }
}

fn with_derived() -> EntityModel {
    let mut model = customer(&THREE);
    model.attribute(mapped("label", &["crm"]).derived(&["name"], Shout));
    model.attribute(mapped("name", &THREE));
    model
}

#[test]
fn s08_a_derived_unit_follows_its_inputs() {
    let mut universe = linked(with_derived());
    let touched = universe.set("erp", "name", "ana");
    universe.settle_touched(&Touched::Units(touched));
    assert_eq!(universe.golden("label"), "ANA");
    universe.set("crm", "label", "something else");
    universe.settle();
    assert_eq!(universe.golden("label"), "ANA", "every system that maps it is an observer");
}

#[test]
fn s08_a_derived_unit_that_alone_was_touched_is_looked_at() {
    let mut universe = linked(with_derived());
    universe.set("erp", "name", "ana");
    universe.settle();
    universe.write_all();
    universe.settle();
    let touched = universe.set("crm", "label", "something else");
    let mut everything = universe.clone();
    everything.settle();
    universe.settle_touched(&Touched::Units(touched));
    assert_eq!(universe.open("label"), [(DiscrepancyKind::SoftDriftUnauthorized, true)]);
    assert_eq!(universe.entity, everything.entity);
}

#[test]
fn s07_the_primary_of_several_records_speaks_and_the_others_lose() {
    let mut model = EntityModel::new("customer");
    model.object(SystemObject::new("crm", "records").many(Reduce::Primary, WriteTo::All));
    model.object(SystemObject::new("erp", "records"));
    model.attribute(mapped("name", &["crm", "erp"]));
    let mut universe = Universe::new(model);
    for system in ["crm/1", "crm/2", "erp"] {
        universe.link(system);
        universe.set(system, "name", "A");
    }
    universe.settle();
    universe.set("crm/2", "name", "B");
    universe.settle();
    assert_eq!(universe.golden("name"), "A");
    assert_eq!(universe.settle(), []);
    assert_eq!(universe.write_all(), 1, "it was heard by the reducer, and lost: golden is owed to it");
    universe.settle();
    assert_eq!(universe.open("name"), []);
}

fn existence(owners: &[&str]) -> Universe {
    let mut model = customer(&THREE);
    model.attribute(mapped("name", &THREE));
    model.existence_owners = owners.iter().map(|owner| (*owner).into()).collect();
    let mut universe = Universe::new(model);
    for system in THREE {
        universe.link(system);
        universe.set(system, "name", "A");
    }
    universe.settle();
    universe
}

#[test]
fn s08_an_owner_of_existence_that_deletes_retires_the_entity() {
    let mut universe = existence(&["erp"]);
    universe.delete("erp");
    universe.settle();
    assert_eq!(universe.entity.life, GoldenLife::Retired);
    assert_eq!(universe.open("$exists"), [(DiscrepancyKind::SoftDriftAuthoritative, true); 2]);
    assert_eq!(universe.golden("name"), "A", "retired, never removed");
}

#[test]
fn s08_an_owners_deletion_does_not_wait_for_records_that_were_never_read() {
    let mut model = customer(&THREE);
    model.attribute(mapped("name", &THREE));
    model.existence_owners = vec!["erp".into()];
    let mut universe = Universe::new(model);
    universe.link("erp");
    universe.set("erp", "name", "A");
    universe.settle();
    universe.link("crm");
    universe.delete("erp");
    universe.settle();
    assert_eq!(universe.entity.life, GoldenLife::Retired);
}

#[test]
fn s08_a_co_owners_deletion_waits_and_an_observers_is_unauthorized() {
    let mut universe = existence(&[]);
    universe.delete("erp");
    universe.settle();
    assert_eq!(universe.entity.life, GoldenLife::Live);
    assert_eq!(universe.open("$exists"), [(DiscrepancyKind::SoftDriftAuthoritative, true)]);
    let mut universe = existence(&["crm"]);
    universe.delete("erp");
    universe.settle();
    assert_eq!(universe.entity.life, GoldenLife::Live);
    assert_eq!(universe.open("$exists"), [(DiscrepancyKind::SoftDriftUnauthorized, true)]);
}

#[test]
fn s08_delete_against_update_is_found_and_nothing_is_retired() {
    let mut universe = existence(&["erp"]);
    universe.set("crm", "name", "B");
    universe.delete("erp");
    universe.settle();
    assert_eq!(universe.entity.life, GoldenLife::Live);
    assert_eq!(universe.open("$exists"), [(DiscrepancyKind::DeleteAgainstUpdate, true)]);
    assert_eq!(universe.settle(), []);
}

#[test]
fn s08_delete_against_an_update_that_is_held_or_parked_is_found_too() {
    let hold = rule::<Word>("four eyes", 1, |change: &Change<'_, Word>| match &change.before {
        Some(_) => Verdict::Hold("moves".into()),
        None => Verdict::Pass,
    });
    let mut held = existence(&["erp"]).guard("name", hold);
    held.set("crm", "name", "B");
    let mut parked = existence(&["erp"]);
    parked.set("crm", "name", "B");
    parked.set("shop", "name", "C");
    for mut universe in [held, parked] {
        universe.delete("erp");
        universe.settle();
        assert_eq!(universe.entity.life, GoldenLife::Live);
        assert_eq!(universe.open("$exists"), [(DiscrepancyKind::DeleteAgainstUpdate, true)]);
    }
}

#[test]
fn s08_an_update_without_authority_does_not_contest_a_deletion() {
    let mut model = customer(&THREE);
    model.attribute(mapped("name", &THREE).owner("erp"));
    model.existence_owners = vec!["erp".into()];
    let mut universe = Universe::new(model);
    for system in THREE {
        universe.link(system);
        universe.set(system, "name", "A");
    }
    universe.settle();
    universe.set("crm", "name", "B");
    universe.delete("erp");
    universe.settle();
    assert_eq!(universe.entity.life, GoldenLife::Retired);
}

#[test]
fn s08_all_dead_converges_without_alarm() {
    let mut universe = existence(&[]);
    for system in THREE {
        universe.delete(system);
    }
    universe.settle();
    assert_eq!(universe.entity.life, GoldenLife::Retired);
    assert_eq!(universe.open("$exists"), []);
    assert_eq!(universe.settle(), []);
}

#[test]
fn s08_missing_is_where_no_record_ever_was() {
    let mut model = customer(&["crm"]);
    model.object(SystemObject::new("erp", "records").required());
    model.attribute(TypedAttribute::<Word>::new("name").at(At::path("crm", "name")).at(At::path("erp", "name")));
    let mut universe = Universe::new(model);
    universe.link("crm");
    universe.set("crm", "name", "A");
    universe.settle();
    assert_eq!(universe.open("$exists"), [(DiscrepancyKind::MissingRepresentation, false)]);
    universe.link("erp");
    universe.set("erp", "name", "A");
    universe.settle();
    assert_eq!(universe.open("$exists"), []);
    universe.delete("erp");
    universe.settle();
    assert_eq!(universe.open("$exists"), [(DiscrepancyKind::SoftDriftAuthoritative, true)], "deleted, not missing");
}
