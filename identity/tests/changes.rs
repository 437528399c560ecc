//! What an index says that a record changed: entities come, grow, merge, split and go, and no number is used again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::index::{Change, EntityNumber, Index};
use accordant_identity::linkage;
use accordant_identity::table::Table;
use accordant_identity::testing::{COLUMNS, Draw, customers};

fn name(id: &str) -> RecordName {
    RecordName { system: "records".into(), id: id.into() }
}

/// An index of persons by name, mailbox and phone, with a model that was learned from a hundred of them.
fn index() -> Index {
    let schema = Schema::new(&[
        ("first_name", Kind::GivenName),
        ("last_name", Kind::Surname),
        ("email", Kind::Mailbox),
        ("phone", Kind::Phone),
    ]);
    let mut table = Table::new(schema);
    for id in 0..200 {
        let person = id / 2;
        let values = [
            format!("Given{person}"),
            format!("Sur{person}name"),
            format!("p{person}@mail{person}.nl"),
            format!("+31 20{:07}", 1_234_567 + person * 7_919),
        ];
        table.push(&id.to_string(), "records", &values);
    }
    let linkage = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    Index::new(Arc::clone(linkage.scorer.model()), Rails::default())
}

#[test]
fn an_index_says_what_came_grew_merged_split_and_went() {
    let mut index = index();
    let one = ["Anna", "Zandvliet", "anna@zandvliet.nl", ""];
    let other = ["Anna", "Zandvliet", "", "+31 207654321"];
    let both = ["Anna", "Zandvliet", "anna@zandvliet.nl", "+31 207654321"];
    let [Change::Created { entity: first }] = index.put(&name("1"), &one)[..] else { panic!("it is new") };
    let put = index.put(&name("2"), &one);
    assert_eq!(put, [Change::Joined { entity: first, records: 1 }]);
    index.hold_apart(&name("1"), &name("2"), true);
    let apart = index.entity(&name("2")).expect("it is there");
    let of_one = index.entity(&name("1")).expect("it is there");
    assert_ne!(apart, of_one);
    let again = index.hold_apart(&name("1"), &name("2"), false);
    let (into, from) = (of_one.min(apart), of_one.max(apart));
    assert_eq!(again, [Change::Merged { into, from }, Change::Gone { entity: from }]);
    let split = index.hold_apart(&name("1"), &name("2"), true);
    let [Change::Split { from, into: third }] = split[..] else { panic!("it is two: {split:?}") };
    assert!(from == into && ![first, apart, of_one].contains(&third), "a number of its own: {third}");
    index.hold_apart(&name("1"), &name("2"), false);
    // What is alone stays alone until a third says that they are one.
    index.put(&name("3"), &other);
    index.put(&name("4"), &both);
    let entities: BTreeSet<_> = ["1", "2", "3", "4"].iter().map(|id| index.entity(&name(id))).collect();
    assert_eq!(entities.len(), 1);
    for id in ["1", "2", "3"] {
        index.remove(&name(id));
    }
    let last = index.entity(&name("4")).expect("it is left");
    assert_eq!(index.records(last), [name("4")]);
    // Taken in anew it is who it was.
    assert_eq!(index.put(&name("4"), &one), []);
    assert_eq!(index.entity(&name("4")), Some(last));
    assert_eq!(index.remove(&name("4")), [Change::Gone { entity: last }]);
    assert_eq!(index.remove(&name("4")), []);
}

#[test]
fn no_number_is_used_again_and_changes_add_up() {
    let mut index = {
        let records = customers(400, 21);
        let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
        let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
        let mut table = Table::new(accordant_identity::sniff::schema(&names, &sample, &[]));
        records.iter().for_each(|record| {
            let _ = table.push(&record.id, "", &record.values);
        });
        let linkage =
            linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
        Index::new(Arc::clone(linkage.scorer.model()), Rails::default())
    };
    let records = customers(400, 21);
    let mut draw = Draw::new(3);
    let (mut known, mut ever): (BTreeSet<EntityNumber>, BTreeSet<EntityNumber>) = Default::default();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1_500 {
        let record = &records[draw.below(records.len())];
        let of = RecordName { system: record.values[0].clone(), id: record.id.clone() };
        let changes = if draw.happens(0.3) { index.remove(&of) } else { index.put(&of, &record.values) };
        for change in changes {
            let (new, what) = match change {
                Change::Created { entity } => (Some(entity), "created"),
                Change::Split { into, .. } => (Some(into), "split"),
                Change::Joined { .. } => (None, "joined"),
                Change::Merged { .. } => (None, "merged"),
                Change::Gone { .. } => (None, "gone"),
                _ => (None, "other"),
            };
            *seen.entry(what).or_default() += 1;
            if let Some(new) = new {
                assert!(known.contains(&new) || ever.insert(new), "{new} was used before");
                known.insert(new);
            }
        }
        known = index.entities().into_iter().collect();
        assert!(known.is_subset(&ever), "every entity was told of");
    }
    assert!(["created", "joined", "gone"].iter().all(|what| seen.contains_key(what)), "{seen:?}");
}
