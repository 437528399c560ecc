//! What may not happen: spouses merged, a chain through one false pair, a decision forgotten.

use std::collections::HashMap;

use accordant_identity::attribute::Entities;
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
    // Generated companies have several contacts, who are one customer.
    let mut table = Table::new(sniff::schema(&names, &sample, &[]).of(Entities::Accounts));
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

/// Two spouses who share all but the given name: without mailboxes, or with one.
fn spouses(mailbox: &str) -> [Generated; 2] {
    [("anna", "crm", "Anna"), ("peter", "erp", "Peter")].map(|(id, system, given)| Generated {
        id: id.into(),
        entity: u64::MAX,
        values: [
            system,
            "",
            given,
            "Zandvliet",
            mailbox,
            "+31 207654321",
            "",
            "12 Kerk Lane",
            "Zaandam",
            "91234",
            "nl",
        ]
        .map(Into::into),
    })
}

#[test]
fn spouses_without_mailboxes_or_with_one_are_asked_about_and_never_merged() {
    for entities in [Entities::Persons, Entities::Accounts] {
        for others in [60, 300, 1_000, 4_000] {
            for mailbox in ["", "zandvliet@gmail.com"] {
                let mut records = customers(others, 11);
                records.extend(spouses(mailbox));
                let mut table = table(&records);
                table.hold(entities);
                let linkage = train(&table, &Decisions::default());
                let clusters = linkage.clusters(&table, &Rails::default());
                let [anna, peter] = ["anna", "peter"].map(|id| row(&table, id));
                let explained = explain::pair(&linkage.scorer, linkage.view(&table), anna, peter);
                let case = format!("{entities:?}, beside {others}, {mailbox}: {explained}");
                assert_ne!(clusters.of[anna as usize], clusters.of[peter as usize], "{case}");
                assert!(explained.probability < 0.6, "{case}");
                let sum: f64 = explained.steps.iter().map(|step| step.bits).sum();
                assert!((sum - explained.weight).abs() < 0.01, "{case}");
                // Where too few were learned from, the two are a case, and the explanation says so.
                if let Some(step) = explained.steps.iter().find(|step| step.cause == Cause::Doubt) {
                    assert!(explained.probability > 0.5 && step.bits < 0.0, "{case}");
                }
            }
        }
    }
}

#[test]
fn colleagues_are_two_persons_and_one_account() {
    let mut records = customers(1_500, 16);
    let colleague = |id: &str, system: &str, given: &str, surname: &str| Generated {
        id: id.into(),
        entity: u64::MAX,
        values: [
            system,
            "Zandvliet Packaging",
            given,
            surname,
            &format!("{}@zandvlietpackaging.nl", given.to_lowercase()),
            "+31 207654321",
            "zandvlietpackaging.nl",
            "12 Kerk Lane",
            "Zaandam",
            "91234",
            "nl",
        ]
        .map(Into::into),
    };
    records.push(colleague("anna", "crm", "Anna", "Visser"));
    records.push(colleague("peter", "erp", "Peter", "Smit"));
    // Where nothing is known of sites yet, the two are asked about.
    let mut few = table(&records[1_460..]);
    few.hold(Entities::Persons);
    let linkage = train(&few, &Decisions::default());
    let [anna, peter] = ["anna", "peter"].map(|id| row(&few, id));
    let clusters = linkage.clusters(&few, &Rails::default());
    assert_ne!(clusters.of[anna as usize], clusters.of[peter as usize], "{:?}", linkage.scorer.model().classes);
    let mut table = table(&records);
    for (entities, one) in [(Entities::Persons, false), (Entities::Accounts, true)] {
        table.hold(entities);
        let linkage = train(&table, &Decisions::default());
        let clusters = linkage.clusters(&table, &Rails::default());
        let [anna, peter] = ["anna", "peter"].map(|id| row(&table, id));
        let explained = explain::pair(&linkage.scorer, linkage.view(&table), anna, peter);
        assert_eq!(clusters.of[anna as usize] == clusters.of[peter as usize], one, "{entities:?}: {explained}");
        // Not asked either: a site is known by what is shared, and by who differs.
        assert_eq!(explained.probability > 0.5, one, "{entities:?}: {explained}");
    }
}

#[test]
fn what_too_many_hold_identifies_nobody() {
    let mut records = customers(2_000, 17);
    // A placeholder that whoever had no number typed in.
    records.iter_mut().step_by(25).for_each(|record| record.values[5] = "+31 200000000".into());
    let table = table(&records);
    let linkage = train(&table, &Decisions::default());
    let explained = explain::pair(&linkage.scorer, linkage.view(&table), 0, 25);
    let phone = || explained.steps.iter().filter(|step| step.of == "phone");
    assert!(phone().any(|step| step.says == "same phone" && step.bits > 3.0), "{explained}");
    assert!(phone().map(|step| step.bits).sum::<f64>() <= 0.0, "{explained}");
}

#[test]
fn a_cluster_is_explained_by_what_holds_it_and_breaks_where_that_is_least() {
    let table = table(&customers(200, 14));
    let linkage = train(&table, &Decisions::default());
    let edge = |a, b, weight| Edge { a, b, weight };
    let edges = [edge(0, 1, 20.0), edge(1, 2, 15.0), edge(2, 3, 10.0), edge(7, 8, 6.0)];
    let clusters = Clusters::of(&table, &edges, &Rails::default(), &mut |_, _| 5.0);
    // Of two records there is nothing to choose.
    assert_eq!(review::weakest_bridges(&clusters), [edge(2, 3, 10.0)]);
    let explained = explain::cluster(&linkage.scorer, linkage.view(&table), &clusters, 1);
    let held: Vec<_> = explained.bridges.iter().map(|bridge| (bridge.weight, bridge.sides)).collect();
    assert_eq!(
        (explained.rows.as_slice(), held.as_slice()),
        // By system and id: the CRM comes first.
        (&[3, 0, 1, 2][..], &[(20.0, (1, 3)), (15.0, (2, 2)), (10.0, (1, 3))][..])
    );
    let weakest = explained.weakest().expect("there is one");
    assert_eq!((weakest.a, weakest.b), (3, 2));
    assert_eq!(weakest.explanation, explain::pair(&linkage.scorer, linkage.view(&table), 2, 3));
    let told = explained.to_string();
    assert!(told.starts_with("4 records, held together by 3 pairs:") && told.ends_with("(model 1)"), "{told}");
    // As a chart: a line for each record, a lane for each pair, and only the weakest in red.
    let chart = explain::cluster_svg(&explained, &table);
    assert!(chart.starts_with("<svg") && chart.ends_with("</svg>"), "{chart}");
    let many = |what: &str| chart.matches(what).count();
    assert_eq!((many("stroke=\"#ddd\""), many("stroke-width"), many("stroke=\"#c0392b\"")), (4, 3, 1), "{chart}");
    let lanes: Vec<usize> = ["+20.0<", "+15.0<", "+10.0<"].iter().filter_map(|bits| chart.find(bits)).collect();
    assert!(lanes.len() == 3 && lanes.is_sorted(), "{chart}");
    assert!([0, 1, 2, 3].iter().all(|row| chart.contains(table.id(*row))) && !chart.contains(table.id(7)), "{chart}");
    let alone = explain::cluster(&linkage.scorer, linkage.view(&table), &clusters, 5);
    assert_eq!(
        (alone.rows.as_slice(), alone.bridges.len(), alone.to_string().as_str()),
        (&[5][..], 0, "a record alone")
    );
}

#[test]
fn what_was_never_seen_is_said_to_be_supposed() {
    let records = customers(300, 18);
    let mut table = table(&records);
    let mut of = |id: &str, surname: &str, given: &str, mailbox: &str| {
        let values = ["crm", "", given, surname, mailbox, "", "", "", "", "", "nl"];
        table.push(id, "", &values)
    };
    let (one, other) =
        (of("one", "Qiu", "Zorba", "zorba.qiu@gmail.com"), of("other", "Zorba", "Qiu", "zorba.qiu@gmail.com"));
    let before: Vec<_> = records.iter().filter(|record| record.values[2] == "Zorba").collect();
    assert!(before.is_empty());
    let linkage = train(&table, &Decisions::default());
    let model = linkage.scorer.model();
    let step = |a, b| {
        let explained = explain::pair(&linkage.scorer, linkage.view(&table), a, b);
        let step = explained.steps.into_iter().find(|step| step.cause == Cause::Level && step.of == "name");
        step.expect("names are compared")
    };
    // What a class says of itself is what its explanation says.
    let best = model.classes.iter().find(|class| class.name == "the same").expect("there is one");
    let levels = &linkage.scorer.comparisons()[0].levels;
    for (a, b) in [(one, other), (0, 1), (0, 2), (1, 3), (2, 5)] {
        let step = step(a, b);
        assert_eq!(step.says.contains("(not trained"), !step.learned, "{step:?}");
    }
    let unseen: Vec<&str> = (0..)
        .zip(levels)
        .skip(1)
        .filter(|(place, _)| !model.has_seen(0, *place))
        .map(|(_, level)| level.name.as_str())
        .collect();
    assert!(!unseen.is_empty() && unseen.len() < levels.len() - 1, "{unseen:?}");
    let told = model.remarks().into_iter().find(|remark| remark.starts_with("`name`")).expect("some are");
    assert!(unseen.iter().all(|level| told.contains(level)), "{told}");
    // As many were seen as pairs are taken to be of the class, less those in which nothing is compared.
    assert!(best.seen.iter().all(|seen| (seen.iter().sum::<f64>() - best.pairs).abs() < 0.1), "{best:?}");
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
