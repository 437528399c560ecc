//! What may not happen: spouses merged, a chain through one false pair, a decision forgotten.

use std::collections::HashMap;

use accordant_identity::blocking::Scope;
use accordant_identity::cluster::{Clusters, Edge, Rails, Refusal};
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::explain::{self, Cause};
use accordant_identity::linkage::{self, Linkage};
use accordant_identity::model::{Model, ModelError};
use accordant_identity::review;
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

fn train(table: &Table, decisions: &Decisions) -> Linkage {
    linkage::train(table, Scope::Within, decisions, &mut |_| {}).expect("it can be trained")
}

/// Customers with two spouses among them, who share all but the given name and the mailbox.
fn with_spouses() -> Vec<Generated> {
    let mut records = customers(4_000, 11);
    let of = |id: &str, given: &str, mailbox: &str| Generated {
        id: id.into(),
        entity: u64::MAX,
        values: ["crm", "", given, "Zandvliet", mailbox, "+31 207654321", "", "12 Kerk Lane", "Zaandam", "91234", "nl"]
            .map(Into::into),
    };
    records.push(of("anna", "Anna", "anna.zandvliet77@gmail.com"));
    records.push(of("peter", "Peter", "pzandvliet1@outlook.com"));
    let mut again = of("anna2", "Ana", "anna.zandvliet77@gmail.com");
    again.values[0] = "shop".into();
    records.push(again);
    records
}

fn row(table: &Table, id: &str) -> u32 {
    (0..).take(table.rows()).find(|row| table.id(*row) == id).expect("a record")
}

#[test]
fn spouses_are_two_and_the_explanation_says_why() {
    let table = table(&with_spouses());
    let linkage = train(&table, &Decisions::default());
    let clusters = linkage.clusters(&table, &Rails::default());
    let [anna, peter, again] = ["anna", "peter", "anna2"].map(|id| row(&table, id));
    assert_ne!(clusters.of[anna as usize], clusters.of[peter as usize]);
    assert_eq!(clusters.of[anna as usize], clusters.of[again as usize]);
    let explained = explain::pair(&linkage.scorer, linkage.view(&table), anna, peter);
    assert!(explained.probability < 0.05, "{explained}");
    let household = explained.steps.iter().find(|step| step.cause == Cause::Relation && step.of == "a household");
    assert!(household.is_some_and(|step| step.bits < -5.0), "{explained}");
    let sum: f64 = explained.steps.iter().map(|step| step.bits).sum();
    assert!((sum - explained.weight).abs() < 0.01, "the steps add up: {sum} {explained}");
    let chart = explain::svg(&explained);
    assert!(chart.starts_with("<svg") && chart.ends_with("</svg>") && chart.contains("a household"));
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let records = customers(1_500, 12);
    let bytes = || train(&table(&records), &Decisions::default()).scorer.model().to_bytes();
    let first = bytes();
    assert_eq!(first, bytes());
    let read = Model::from_bytes(&first).expect("what was written can be read");
    assert_eq!(read.to_bytes(), first);
    assert!(matches!(Model::from_bytes(b"{\"format\":99}"), Err(ModelError::Format { found: 99 })));
    assert!(matches!(Model::from_bytes(b"[]"), Err(ModelError::Unreadable(_))));
}

#[test]
fn most_of_what_is_known_is_found_and_little_else() {
    let records = customers(6_000, 13);
    let table = table(&records);
    let linkage = train(&table, &Decisions::default());
    let clusters = linkage.clusters(&table, &Rails::default());
    let entity: HashMap<&str, u64> = records.iter().map(|record| (record.id.as_str(), record.entity)).collect();
    let (mut right, mut made) = (0_u32, 0_u32);
    for group in clusters.groups() {
        for (place, a) in group.iter().enumerate() {
            for b in &group[place + 1..] {
                made += 1;
                right += u32::from(entity[table.id(*a)] == entity[table.id(*b)]);
            }
        }
    }
    let mut sizes: HashMap<u64, u32> = HashMap::new();
    records.iter().for_each(|record| *sizes.entry(record.entity).or_default() += 1);
    let all: u32 = sizes.values().map(|size| size * (size - 1) / 2).sum();
    assert!(right * 1_000 >= made * 990, "{right} of {made} are right");
    assert!(right * 100 >= all * 90, "{right} of {all} are found");
}

#[test]
fn guard_rails_refuse_and_say_why() {
    let records: Vec<Generated> = customers(200, 14);
    let table = table(&records);
    let edge = |a, b, weight| Edge { a, b, weight };
    let edges = [edge(0, 1, 20.0), edge(1, 2, 15.0), edge(2, 3, 10.0)];
    let for_it = |_, _| 5.0;
    let all = |rails: &Rails| Clusters::of(&table, &edges, rails, &mut { for_it });
    assert_eq!(all(&Rails::default()).groups().iter().map(Vec::len).max(), Some(4));
    let because = |rails: &Rails| all(rails).refused.first().map(|refused| refused.because);
    assert_eq!(because(&Rails { size: 3, ..Rails::default() }), Some(Refusal::TooLarge));
    assert_eq!(because(&Rails { length: 2, ..Rails::default() }), Some(Refusal::TooLong));
    let once = (0..table.systems().len()).map(|_| Some(1)).collect();
    assert_eq!(because(&Rails { per_system: once, ..Rails::default() }), Some(Refusal::TwiceInOneSystem));
    let against = Clusters::of(&table, &edges, &Rails::default(), &mut |a, b| if a + 1 == b { 5.0 } else { -9.0 });
    assert_eq!(against.refused.first().map(|refused| refused.because), Some(Refusal::Outweighed));
}

#[test]
fn decisions_outlive_training_and_are_not_asked_again() {
    let records = customers(3_000, 15);
    let table = table(&records);
    let plain = train(&table, &Decisions::default());
    let rails = Rails::default();
    let clusters = plain.clusters(&table, &rails);
    let ask = |linkage: &Linkage, clusters: &Clusters, decisions: &Decisions| {
        review::questions(&table, linkage.scorer.model(), &linkage.candidates, &linkage.weights, clusters, decisions)
    };
    let asked = ask(&plain, &clusters, &Decisions::default());
    assert!(asked.windows(2).all(|pair| pair[0].tells >= pair[1].tells) && asked.len() > 3);
    let mut decisions = Decisions::default();
    let name =
        |row: u32| RecordName { system: table.systems()[table.system_of(row)].clone(), id: table.id(row).to_owned() };
    let together = clusters.bridges[0];
    decisions.add(Decision {
        a: name(asked[0].a),
        b: name(asked[0].b),
        same: true,
        by: "ana".into(),
        at: "now".into(),
    });
    decisions.add(Decision {
        a: name(together.a),
        b: name(together.b),
        same: false,
        by: "ana".into(),
        at: "now".into(),
    });
    let again = train(&table, &decisions);
    let mut guarded = rails;
    decisions.guard(&mut guarded);
    let clusters = again.clusters(&table, &guarded);
    assert_eq!(clusters.of[asked[0].a as usize], clusters.of[asked[0].b as usize]);
    assert_ne!(clusters.of[together.a as usize], clusters.of[together.b as usize]);
    let asked_again = ask(&again, &clusters, &decisions);
    let first = (asked[0].a, asked[0].b);
    assert!(asked_again.iter().all(|question| (question.a, question.b) != first));
}
