//! Records that hold different identifiers are two entities, where the model found that the identifier can be relied on.
#![expect(clippy::float_arithmetic, reason = "weights and probabilities are estimates; nothing here is an amount")]

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant_identity::attribute::{Attribute, Kind};
use accordant_identity::blocking::Scope;
use accordant_identity::cluster::{Clusters, Rails, Refusal};
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::hash;
use accordant_identity::index::Index;
use accordant_identity::linkage::{self, Linkage};
use accordant_identity::sniff;
use accordant_identity::table::{Row, Table};
use accordant_identity::testing::{COLUMNS, Generated, customers};

/// Generated customers, each with the number of its entity; in so many of a hundred records it is another.
fn numbered(records: &[Generated], wrong: u64) -> Table {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
    let mut schema = sniff::schema(&names, &sample, &[]);
    schema.attributes.push(Attribute::new("vat_number", Kind::Identifier));
    let mut table = Table::new(schema);
    for (place, record) in (0_u64..).zip(records) {
        let is_wrong = hash::mix(9, place) % 100 < wrong;
        let number = hash::mix(7, if is_wrong { place << 32 } else { record.entity }) % 1_000_000_000;
        let values = record.values.iter().cloned().chain([format!("NL{number:09}B01")]);
        table.push(&record.id, "", &values.collect::<Vec<_>>());
    }
    table
}

fn train(table: &Table, scope: Scope) -> Linkage {
    linkage::train(table, scope, &Decisions::default(), &mut |_| {}).expect("it can be trained")
}

fn name(table: &Table, row: Row) -> RecordName {
    RecordName { system: table.systems()[table.system_of(row)].clone(), id: table.id(row).to_owned() }
}

/// Two rows that say the same but for their numbers.
fn twins(table: &mut Table, systems: [&str; 2]) -> [Row; 2] {
    let of = |number: &str, system: &str| {
        [
            system,
            "Zandvliet BV",
            "Anna",
            "Zandvliet",
            "anna@zandvlietbv.nl",
            "+31 207654321",
            "zandvlietbv.nl",
            "12 Kerk Lane",
        ]
        .into_iter()
        .chain(["Zaandam", "91234", "nl", number])
        .map(str::to_owned)
        .collect::<Vec<String>>()
    };
    [("one", "NL111111111B01", systems[0]), ("other", "NL222222222B01", systems[1])]
        .map(|(id, number, system)| table.push(id, "", &of(number, system)))
}

fn refusals(clusters: &Clusters, two: [Row; 2]) -> Vec<Refusal> {
    let about = clusters.refused.iter().filter(|of| BTreeSet::from([of.edge.a, of.edge.b]) == BTreeSet::from(two));
    about.map(|refused| refused.because).collect()
}

#[test]
fn who_holds_another_number_is_another_however_strong_the_pair_is() {
    // Also where there are too few to learn from.
    for others in [30, 1_500] {
        let mut table = numbered(&customers(others, 41), 0);
        let [one, other] = twins(&mut table, ["crm", "shop"]);
        let linkage = train(&table, Scope::Within);
        let weight = linkage.scorer.weigh(linkage.view(&table), one, other);
        assert!(weight > Rails::default().sure, "all else says that they are one: {weight}");
        let clusters = linkage.clusters(&table, &Rails::default());
        assert_ne!(clusters.of[one as usize], clusters.of[other as usize], "beside {others}");
        assert_eq!(refusals(&clusters, [one, other]), [Refusal::OtherIdentifier]);
        // Unless it is said that numbers keep nobody apart.
        let all = linkage.clusters(&table, &Rails { identifiers: false, ..Rails::default() });
        assert_eq!(all.of[one as usize], all.of[other as usize]);
        // The index is the same, until a person says otherwise.
        let model = Arc::clone(linkage.scorer.model());
        let mut index = Index::of(model, table.clone(), Rails::default(), Decisions::default());
        let [a, b] = [name(&table, one), name(&table, other)];
        assert_ne!(index.entity(&a), index.entity(&b));
        let near = index.near(&a);
        assert!(near.pairs.iter().any(|pair| pair.refused == Some(Refusal::OtherIdentifier)), "a person is to see it");
        index.decide(Decision { a: a.clone(), b: b.clone(), same: true, by: "ana".into(), at: "2026-11-23".into() });
        assert_eq!(index.entity(&a), index.entity(&b));
    }
}

#[test]
fn of_two_files_who_holds_another_number_is_no_partner() {
    let mut table = numbered(&customers(1_500, 42), 0);
    let [one, other] = twins(&mut table, ["crm", "shop"]);
    let linkage = train(&table, Scope::Across);
    let is_theirs = |a: Row, b: Row| BTreeSet::from([a, b]) == BTreeSet::from([one, other]);
    let found = linkage.one_to_one(&table, &Rails::default(), 0.01);
    assert!(!found.pairs.iter().any(|pair| is_theirs(pair.a, pair.b)));
    let refused: Vec<_> = found.refused.iter().filter(|of| is_theirs(of.edge.a, of.edge.b)).collect();
    assert!(matches!(refused[..], [of] if of.because == Refusal::OtherIdentifier), "{refused:?}");
    let all = linkage.one_to_one(&table, &Rails { identifiers: false, ..Rails::default() }, 0.01);
    assert!(all.pairs.iter().any(|pair| is_theirs(pair.a, pair.b) && pair.probability > 0.9));
}

/// Precision, recall and F1 of the pairs within clusters.
fn judged(table: &Table, records: &[Generated], clusters: &Clusters) -> [f64; 3] {
    let pairs = |of: &dyn Fn(Row) -> u64| {
        let mut by: std::collections::BTreeMap<u64, Vec<Row>> = std::collections::BTreeMap::new();
        (0..records.len() as Row).for_each(|row| by.entry(of(row)).or_default().push(row));
        let two = |rows: Vec<Row>| {
            (0..rows.len()).flat_map(move |n| rows[n + 1..].iter().map(|b| (rows[n], *b)).collect::<Vec<_>>())
        };
        by.into_values().flat_map(two).collect::<BTreeSet<(Row, Row)>>()
    };
    assert_eq!(table.rows(), records.len());
    let truth = pairs(&|row| records[row as usize].entity);
    let found = pairs(&|row| u64::from(clusters.of[row as usize]));
    let right = found.intersection(&truth).count() as f64;
    let (precision, recall) = (right / found.len() as f64, right / truth.len() as f64);
    [precision, recall, 2.0 * precision * recall / (precision + recall)]
}

#[test]
fn an_identifier_that_differs_within_matches_keeps_nobody_apart() {
    let records = customers(3_000, 43);
    // In the last every record has a number of its own, as a system gives it.
    for (wrong, reliable) in [(0, true), (1, true), (15, false), (100, false)] {
        let table = numbered(&records, wrong);
        let linkage = train(&table, Scope::Within);
        let model = linkage.scorer.model();
        let [identifier] = &model.identifiers()[..] else { panic!("there is one") };
        let share = identifier.other / identifier.matches();
        assert!(identifier.name == "vat_number" && identifier.matches() > 500.0, "{identifier:?}");
        assert_eq!(identifier.is_reliable(), reliable, "{wrong} of a hundred: {identifier:?}");
        // Either of two records may be wrong.
        let expected = 1.0 - (1.0 - wrong as f64 / 100.0).powi(2);
        assert!((share - expected).abs() < 0.05, "{wrong} of a hundred: {identifier:?}");
        let remark = model.remarks().iter().any(|remark| remark.starts_with("`vat_number` differs in "));
        assert_eq!(remark, !reliable, "{:?}", model.remarks());
        let with = judged(&table, &records, &linkage.clusters(&table, &Rails::default()));
        let without = Rails { identifiers: false, ..Rails::default() };
        let without = judged(&table, &records, &linkage.clusters(&table, &without));
        // A rail costs at most what is written down wrongly, and nothing where it is none.
        let least = if reliable { without[2] - 0.03 } else { without[2] };
        assert!(with[2] >= least && with[0] >= without[0], "{wrong} of a hundred: {with:?} and {without:?}");
    }
}
