//! Why a cluster holds, and by which rules its pairs were compared: an index says what the batch run says, in whatever order records came.

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::{MadeBy, Scope};
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::explain::{self, ClusterExplanation, Hold};
use accordant_identity::index::Index;
use accordant_identity::linkage::{self, Linkage};
use accordant_identity::sniff;
use accordant_identity::table::Table;
use accordant_identity::testing::{COLUMNS, Generated, customers};

fn table(records: &[Generated]) -> Table {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
    let mut table = Table::new(sniff::schema(&names, &sample, &[]));
    records.iter().for_each(|record| assert!(table.push(&record.id, "", &record.values) < 10_000));
    table
}

fn train(table: &Table) -> Linkage {
    linkage::train(table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained")
}

fn name(record: &Generated) -> RecordName {
    RecordName { system: record.values[0].clone(), id: record.id.clone() }
}

/// All that an explanation says, by what records are called and not by the rows that they stand in.
fn told(explained: &ClusterExplanation, table: &Table) -> String {
    let name = |row: &u32| format!("{} {}", table.systems()[table.system_of(*row)], table.id(*row));
    let rows: Vec<String> = explained.rows.iter().map(name).collect();
    let bridges: Vec<String> = explained
        .bridges
        .iter()
        .map(|bridge| {
            format!(
                "{} {} {:?} {:?}\n{}",
                name(&bridge.a),
                name(&bridge.b),
                bridge.hold,
                bridge.sides,
                bridge.explanation
            )
        })
        .collect();
    format!("{rows:?}\n{}\n{explained}\n{}", bridges.join("\n"), explain::cluster_svg(explained, table))
}

#[test]
fn an_index_explains_a_cluster_as_the_batch_run_does_in_any_order() {
    let records = customers(600, 23);
    let table = table(&records);
    // Small blocks, so that some are refined.
    let mut model = accordant_identity::model::Model::clone(train(&table).scorer.model());
    model.blocking.limits.block = 5;
    let model = Arc::new(model);
    let mut again = table.clone();
    let linkage = linkage::link(&mut again, Arc::clone(&model), &mut |_| {});
    let clusters = linkage.clusters(&again, &Rails::default());
    let built = Index::of(Arc::clone(&model), table.clone(), Rails::default(), Decisions::default());
    let mut one_by_one = Index::new(model, Rails::default());
    for record in records.iter().rev() {
        one_by_one.put(&name(record), &record.values);
    }
    let larger: Vec<u32> = (0..).zip(&clusters.of).filter(|(row, first)| row != *first).map(|(row, _)| row).collect();
    assert!(larger.len() > 50, "{}", larger.len());
    let mut refined = 0;
    for row in larger.into_iter().chain(0..20) {
        let record = name(&records[row as usize]);
        let batch = explain::cluster(&linkage.scorer, linkage.view(&again), &clusters, row);
        let expected = told(&batch, &again);
        for index in [&built, &one_by_one] {
            let explained = index.cluster(&record).expect("it is there");
            assert_eq!(told(&explained, index.table()), expected);
        }
        let weakest = batch.weakest().map(|bridge| bridge.explanation.made_by.clone()).unwrap_or_default();
        refined += weakest.iter().filter(|by| !by.refined_by.is_empty()).count();
    }
    assert!(refined > 0, "some were compared by a refined block");
    assert!(built.cluster(&RecordName { system: "crm".into(), id: "nobody".into() }).is_none());
}

#[test]
fn what_a_person_said_and_what_is_given_is_told_as_such() {
    let records = customers(300, 24);
    let table = table(&records);
    let model = Arc::clone(train(&table).scorer.model());
    let groups: Vec<u64> = (0..records.len()).map(|row| u64::from(row < 2)).collect();
    let mut index = Index::of_groups(model, table, Rails::default(), Decisions::default(), &groups);
    let (a, b) = (name(&records[0]), name(&records[200]));
    index.decide(Decision { a: a.clone(), b, same: true, by: "ana".into(), at: "2026-11-23".into() });
    let held = index.cluster(&a).expect("it is there");
    let holds: BTreeSet<String> = held.bridges.iter().map(|bridge| format!("{:?}", bridge.hold)).collect();
    assert!(holds.contains("Given") && holds.contains("Said"), "{held}");
    assert_eq!(held.bridges.first().map(|bridge| bridge.hold), Some(Hold::Given), "nothing is stronger");
    let chart = explain::cluster_svg(&held, index.table());
    assert!(chart.contains(">given<") && chart.contains(">said<"), "{chart}");
    assert!(held.to_string().contains("given as one") && held.to_string().contains("as a person said"), "{held}");
}

/// Six records of one phone; four of them of one city, two of which say the same.
fn phones() -> Table {
    let mut table = Table::new(Schema::new(&[("email", Kind::Mailbox), ("phone", Kind::Phone), ("city", Kind::City)]));
    let of = |email: &str, phone: &str, city: &str| [email.to_owned(), phone.to_owned(), city.to_owned()];
    let shared = "+31 20 7654321";
    let mut rows = vec![
        of("ana@one.nl", shared, "Delft"),
        of("ana@one.nl", shared, "Delft"),
        of("bo@two.nl", shared, "Delft"),
        of("cy@three.nl", shared, "Utrecht"),
        of("ana@one.nl", "+31 20 1111111", "Breda"),
    ];
    rows.extend(
        (0..60)
            .map(|id| of(&format!("p{}@mail{}.nl", id / 2, id / 2), &format!("+31 20 {:07}", 2_000_000 + id), "Delft")),
    );
    rows.iter().zip(0..).for_each(|(row, id)| assert_eq!(table.push(&id.to_string(), "", row), id));
    table
}

#[test]
fn the_rules_that_made_a_pair_are_told_with_their_refinements() {
    let table = phones();
    let mut model = accordant_identity::model::Model::clone(train(&table).scorer.model());
    assert!(model.blocking.rules.iter().any(|rule| rule.name == "phone"), "{:?}", model.blocking.rules);
    // A block of three: four have the phone, of whom three live in one city.
    model.blocking.limits.block = 3;
    let blocking = model.blocking.clone();
    let made_by = |a, b| blocking.made_by(&table, a, b).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(made_by(0, 4), ["email", "site"], "the values they share");
    assert_eq!(made_by(0, 2), ["phone, refined by city"]);
    assert_eq!(made_by(0, 3), [""; 0], "the refined block is another");
    let same = made_by(0, 1);
    assert!(same.iter().any(|by| by == "records that say the same") && same.len() == 4, "{same:?}");
    // So in words, and on the chart.
    let index =
        Index::of(Arc::new(model), table.clone(), Rails { open: -90.0, ..Rails::default() }, Decisions::default());
    let near = index.near(&RecordName { system: String::new(), id: "2".into() });
    let by_phone = [MadeBy { rule: "phone".into(), refined_by: vec!["city".into()] }];
    let found = near.pairs.iter().map(|pair| &pair.explanation).find(|explained| explained.made_by == by_phone);
    let explained = found.expect("it is compared by nothing else");
    assert!(explained.to_string().contains("\ncompared by phone, refined by city\n"), "{explained}");
    assert!(explain::svg(explained).contains(">compared by phone, refined by city</text>"));
}
