//! How far records depart from those that a model was trained on.

use std::sync::Arc;

use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::drift::{Drift, MOVED};
use accordant_identity::index::Index;
use accordant_identity::linkage;
use accordant_identity::model::Model;
use accordant_identity::sniff;
use accordant_identity::table::Table;
use accordant_identity::testing::{COLUMNS, Generated, customers};

fn table(records: &[Generated]) -> Table {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
    let mut table = Table::new(sniff::schema(&names, &sample, &[]));
    for record in records {
        table.push(&record.id, "", &record.values);
    }
    table
}

fn model(records: &[Generated]) -> Arc<Model> {
    let table = table(records);
    let linkage = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    let model = Arc::clone(linkage.scorer.model());
    Arc::new(Model::from_bytes(&model.to_bytes()).expect("it can be read back"))
}

fn name(record: &Generated) -> RecordName {
    RecordName { system: record.values[0].clone(), id: record.id.clone() }
}

fn index(model: &Arc<Model>, records: &[Generated]) -> Index {
    Index::of(Arc::clone(model), table(records), Rails::default(), Decisions::default())
}

fn of(drift: &Drift, field: &str) -> (f64, bool) {
    let of = drift.fields.iter().find(|of| of.field == field).expect("a field");
    (of.index, of.has_moved())
}

#[test]
fn records_like_those_of_the_training_have_not_moved() {
    let records = customers(3_000, 61);
    let model = model(&records);
    // The very same: nothing departed.
    let same = index(&model, &records).drift();
    assert_eq!((same.records, same.fields.len()), (3_000, table(&records).layout().fields.len()));
    assert!(
        same.fields.iter().all(|field| field.index.abs() < 1e-12 && field.missing[0] == field.missing[1]),
        "{same:?}"
    );
    // In any order.
    let mut shuffled = Index::new(Arc::clone(&model), Rails::default());
    records.iter().rev().for_each(|record| drop(shuffled.put(&name(record), &record.values)));
    assert_eq!(shuffled.drift(), same);
    assert_eq!(shuffled.drift_of_newcomers(), same, "all came since");
    assert_eq!(index(&model, &records).drift_of_newcomers().records, 0);
    // Others of the same kind, and a few that say nothing.
    let others = index(&model, &customers(2_000, 62)).drift();
    assert!(!of(&others, "country").1 && !of(&others, "city").1 && !of(&others, "email").1, "{others:?}");
}

#[test]
fn what_was_never_seen_and_what_is_missing_moves_its_field_and_no_other() {
    let records = customers(3_000, 63);
    let model = model(&records);
    let mut index = index(&model, &records);
    // A market is opened, whose records come without mailboxes.
    for (place, record) in customers(600, 64).iter().enumerate() {
        let mut values = record.values.clone();
        (values[4], values[8]) = (String::new(), format!("Neustadt {}", place % 40));
        index.put(&RecordName { system: "new".into(), id: format!("n{place}") }, &values);
    }
    let newcomers = index.drift_of_newcomers();
    assert_eq!(newcomers.records, 600);
    for field in ["city", "email"] {
        let (index, moved) = of(&newcomers, field);
        assert!(moved && index > 2.0 * MOVED, "{field}: {newcomers:?}");
    }
    assert!(newcomers.has_moved() && !of(&newcomers, "country").1 && !of(&newcomers, "postcode").1, "{newcomers:?}");
    let city = newcomers.fields.iter().find(|field| field.field == "city").expect("a field");
    assert!(city.unknown[1] > 0.9 && city.unknown[0] < 0.3, "{city:?}");
    let email = newcomers.fields.iter().find(|field| field.field == "email").expect("a field");
    assert!(email.missing[1] == 1.0 && email.missing[0] < 0.5, "{email:?}");
    assert!(
        newcomers
            .furthest()
            .is_some_and(|field| ["city", "email", "email.domain", "site"].contains(&field.field.as_str()))
    );
    // Among all it is less, and what goes takes it along.
    let all = index.drift();
    assert!(all.records == 3_600 && of(&all, "city").0 < of(&newcomers, "city").0);
    (0..600).for_each(|place| drop(index.remove(&RecordName { system: "new".into(), id: format!("n{place}") })));
    assert!(index.drift().fields.iter().all(|field| field.index.abs() < 1e-12), "what is gone is not counted");
}
