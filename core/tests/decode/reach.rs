//! Less than everything: what was not asked for, and what may not be read.

use accordant::decode::{Batch, DecodeTable, FaultKind, Reach};
use accordant::model::{At, EntityModel, Model, Path, SystemObject, TypedAttribute};
use accordant::observation::{Coverage, Observation};
use accordant::stamp::Stamp;
use accordant::value::Field;

use crate::support::*;

fn suite() -> DecodeTable {
    table(&model(), 2, &suiteql())
}

fn paths(dotted: &[&str]) -> Vec<Path> {
    dotted.iter().copied().map(Path::new).collect()
}

/// A full row, believed as far as `covers` and `denied` say.
fn observe(table: &DecodeTable, body: &str, covers: Option<&[&str]>, denied: &[&str]) -> (Observation, usize, bool) {
    let reach = table.reach(covers.map(paths).as_deref(), &paths(denied));
    let mut batch = Batch::new();
    table.decode_within(body.as_bytes(), true, &reach, &mut batch).unwrap();
    let record = batch.records().next().unwrap();
    let observation = record.to_observation(&"netsuite".into(), &"customer".into(), Stamp::new(1));
    (observation, record.faults().count(), record.incomplete())
}

fn said(observation: &Observation) -> Vec<(u16, Field)> {
    observation.cells.iter().map(|said| (said.slot, said.field.clone())).collect()
}

#[test]
fn what_was_not_asked_for_is_no_null() {
    let body = r#"{"id":"1","email":"a@b.c","phone":null,"companyname":"Acme"}"#;
    let (seen, faults, incomplete) = observe(&suite(), body, Some(&["email", "phone", "billcity"]), &[]);
    // Asked for and lacking, or null: Null. Not asked for and carried: what is carried. The rest: nothing.
    let expected = [(0, Field::value("a@b.c")), (3, Field::Null), (4, Field::value("Acme")), (5, Field::Null)];
    assert_eq!(said(&seen), expected);
    assert_eq!(seen.coverage, Coverage::AllBut(vec![1, 2, 6, 7]));
    assert_eq!((seen.denied.len(), faults, incomplete), (0, 0, false));
}

#[test]
fn what_may_not_be_read_is_denied_whatever_the_body_has_there() {
    let body = r#"{"id":"1","email":"a@b.c","phone":"","companyname":"Acme"}"#;
    let (seen, faults, _) = observe(&suite(), body, None, &["phone", "balance", "nothing.like.it"]);
    assert_eq!(seen.denied, [3, 7]);
    assert!(said(&seen).iter().all(|(slot, _)| ![3, 7].contains(slot)), "{seen:?}");
    assert_eq!(said(&seen).len(), 6);
    assert_eq!(faults, 0, "a lost permission is no dead letter");
}

#[test]
fn a_partial_record_says_what_is_denied_too() {
    let table = suite();
    let mut batch = Batch::new();
    let reach = table.reach(None, &paths(&["phone"]));
    table.decode_within(br#"{"id":"1","email":"a@b.c","phone":"1"}"#, false, &reach, &mut batch).unwrap();
    let record = batch.records().next().unwrap();
    let seen = record.to_observation(&"netsuite".into(), &"customer".into(), Stamp::new(1));
    assert_eq!((said(&seen), seen.denied), (vec![(0, Field::value("a@b.c"))], vec![3]));
    assert_eq!(seen.coverage, Coverage::Carried);
}

#[test]
fn a_path_stands_for_all_below_it_and_a_part_for_its_value() {
    let mut order = EntityModel::new("order");
    order.object(SystemObject::new("shop", "orders"));
    order.attribute(TypedAttribute::<Plain>::new("city").at(At::path("shop", "address.city")));
    order.attribute(
        TypedAttribute::<Plain>::new("tags").shape(accordant::model::Shape::Set).at(At::path("shop", "tags")),
    );
    let model = Model::compile(vec![order]).expect("the model has no mistakes");
    let shape = accordant::surface::SurfaceShape { id: "id".into(), ..Default::default() };
    let table = table(&model, 0, &shape);
    let reach = |covers: Option<&[&str]>, denied: &[&str]| table.reach(covers.map(paths).as_deref(), &paths(denied));
    assert_eq!(reach(Some(&["address"]), &[]), [Reach::Covered, Reach::Carried]);
    assert_eq!(reach(Some(&["address.city.name", "tags"]), &[]), [Reach::Carried, Reach::Covered]);
    assert_eq!(reach(None, &["address"]), [Reach::Denied, Reach::Covered]);
    assert_eq!(reach(None, &["address.city.name"]), [Reach::Denied, Reach::Covered]);
    assert_eq!(reach(Some(&[""]), &[""]), [Reach::Denied, Reach::Denied]);
    // A set that was not asked for and is carried empty was carried; one that is lacking is not there to be emptied.
    let (empty, ..) = observe(&table, r#"{"id":"1","tags":[]}"#, Some(&["address"]), &[]);
    assert_eq!(empty.coverage, Coverage::AllBut(Vec::new()));
    let (lacking, ..) = observe(&table, r#"{"id":"1"}"#, Some(&["address"]), &[]);
    assert_eq!(lacking.coverage, Coverage::AllBut(vec![1]));
}

#[test]
fn part_of_a_value_that_was_not_asked_for_is_no_reason_to_read() {
    let mut order = EntityModel::new("order");
    order.object(SystemObject::new("shop", "orders"));
    let total =
        TypedAttribute::<accordant::Money>::new("total").at(At::amount_with_currency_at("shop", "total", "currency"));
    order.attribute(total);
    let model = Model::compile(vec![order]).expect("the model has no mistakes");
    let shape = accordant::surface::SurfaceShape { id: "id".into(), ..Default::default() };
    let table = table(&model, 0, &shape);
    let (seen, faults, incomplete) = observe(&table, r#"{"id":"1","total":"5"}"#, Some(&["total"]), &[]);
    assert_eq!((said(&seen), faults, incomplete), (vec![], 0, false));
    assert_eq!(seen.coverage, Coverage::AllBut(vec![0]));
    let mut batch = Batch::new();
    table.decode(br#"{"id":"1","total":"5"}"#, false, &mut batch).unwrap();
    assert_eq!(batch.records().next().unwrap().faults().next().map(|fault| fault.kind), Some(FaultKind::Incomplete));
}
