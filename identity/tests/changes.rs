//! What an index tells of entities: who came, grew, merged, split and went, numbers that stay, and orders of arrival that make no
//! difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::Scope;
use accordant_identity::cluster::{Rails, Refusal};
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::index::{Change, EntityNumber, Index};
use accordant_identity::linkage;
use accordant_identity::model::Model;
use accordant_identity::table::Table;
use proptest::prelude::*;

const COLUMNS: [(&str, Kind); 4] =
    [("first", Kind::GivenName), ("last", Kind::Surname), ("email", Kind::Mailbox), ("city", Kind::City)];
const FIRST: [&str; 6] = ["Anna", "Peter", "Robert", "Maria", "Zoe", "Carl"];
const LAST: [&str; 6] = ["Visser", "Smit", "Bakker", "Jansen", "Mulder", "Bos"];

/// What the record of a number says of a person: four spellings of each of thirty-six.
fn values(person: usize, spelling: usize) -> [String; 4] {
    let (first, last) = (FIRST[person % 6], LAST[person / 6 % 6]);
    let mailbox = format!("{first}.{last}{person}@mail{}.example", person % 3);
    let city = ["Delft", "Leiden", "Utrecht", "Gouda"][person % 4];
    let given = if spelling == 1 { &first[..1] } else { first };
    let mailbox = if spelling == 2 { String::new() } else { mailbox };
    let city = if spelling == 3 { "" } else { city };
    [given.to_owned(), last.to_owned(), mailbox, city.to_owned()]
}

fn name(record: usize) -> RecordName {
    RecordName { system: ["crm", "erp"][record % 2].to_owned(), id: record.to_string() }
}

/// A model of all persons in all spellings, with blocks that come to be too large.
static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
    let mut table = Table::new(Schema::new(&COLUMNS));
    for record in 0..144 {
        table.push(&record.to_string(), ["crm", "erp"][record % 2], &values(record / 4, record % 4));
    }
    let trained = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    let mut model = Model::clone(trained.scorer.model());
    model.blocking.limits.block = 5;
    Arc::new(model)
});

type Entities = BTreeMap<RecordName, EntityNumber>;

fn entities(index: &Index) -> Entities {
    let of = |entity: EntityNumber| index.records(entity).into_iter().map(move |record| (record, entity));
    index.entities().into_iter().flat_map(of).collect()
}

/// Records by entity, whatever its number.
fn groups(entities: &Entities) -> BTreeSet<BTreeSet<RecordName>> {
    let mut groups: BTreeMap<EntityNumber, BTreeSet<RecordName>> = BTreeMap::new();
    for (record, entity) in entities {
        groups.entry(*entity).or_default().insert(record.clone());
    }
    groups.into_values().collect()
}

#[derive(Debug, Clone)]
enum Event {
    Put { record: usize, person: usize, spelling: usize },
    Remove { record: usize },
    Decide { one: usize, other: usize, same: bool },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_usize..16, 0_usize..5, 0_usize..4)
            .prop_map(|(record, person, spelling)| Event::Put { record, person, spelling }),
        2 => (0_usize..16).prop_map(|record| Event::Remove { record }),
        1 => (0_usize..16, 0_usize..16, any::<bool>()).prop_map(|(one, other, same)| Event::Decide { one, other, same }),
    ]
}

fn decision(one: usize, other: usize, same: bool) -> Decision {
    Decision { a: name(one), b: name(other), same, by: "ana".into(), at: "2026-11-21".into() }
}

fn take(index: &mut Index, event: &Event) -> Vec<Change> {
    match *event {
        Event::Put { record, person, spelling } => index.put(&name(record), &values(person, spelling)),
        Event::Remove { record } => index.remove(&name(record)),
        Event::Decide { one, other, same } if one != other => index.decide(decision(one, other, same)),
        Event::Decide { .. } => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every move of a record between entities is told; numbers come to be and go as told, and none comes again.
    #[test]
    fn changes_tell_what_became_of_every_entity(events in prop::collection::vec(event(), 1..50)) {
        let mut index = Index::new(Arc::clone(&MODEL), Rails { size: 6, ..Rails::default() });
        let mut ever: BTreeSet<EntityNumber> = BTreeSet::new();
        for event in &events {
            let before = entities(&index);
            let changes = take(&mut index, event);
            let after = entities(&index);
            let (held, holds): (BTreeSet<_>, BTreeSet<_>) =
                (before.values().copied().collect(), after.values().copied().collect());
            let born: BTreeSet<EntityNumber> = holds.difference(&held).copied().collect();
            prop_assert!(born.iter().all(|entity| !ever.contains(entity)), "a number is used again: {changes:?}");
            ever.extend(&holds);
            let told: BTreeSet<EntityNumber> = changes.iter().filter_map(|change| match change {
                Change::Created { entity } => Some(*entity),
                Change::Split { into, .. } => Some(*into),
                _ => None,
            }).collect();
            prop_assert_eq!(&born, &told, "{:?}", &changes);
            // A record that is put anew leaves its entity first: of one that had no other, nothing need be told.
            let moved = match event {
                Event::Put { record, .. } | Event::Remove { record } => Some(name(*record)),
                Event::Decide { .. } => None,
            };
            let gone: BTreeSet<EntityNumber> = changes.iter().filter_map(|change| match change {
                Change::Gone { entity } => Some(*entity),
                _ => None,
            }).collect();
            for entity in held.difference(&holds) {
                let alone = before.iter().filter(|(_, of)| *of == entity).all(|(record, _)| Some(record) == moved.as_ref());
                prop_assert!(gone.contains(entity) || alone, "{entity} went without a word: {changes:?}");
            }
            prop_assert!(gone.iter().all(|entity| !holds.contains(entity)));
            for (record, from) in before.iter().filter(|(record, _)| Some(*record) != moved.as_ref()) {
                let Some(into) = after.get(record) else { panic!("{record:?} is lost") };
                let said = changes.iter().any(|change| match change {
                    Change::Merged { into: to, from: of } | Change::Split { from: of, into: to } => (to, of) == (into, from),
                    _ => false,
                });
                prop_assert!(into == from || said, "{record:?} went from {from} to {into}: {changes:?}");
            }
            // The number goes with most of an entity, unless an entity that it became part of has more of its own. A record that is taken
            // in anew stays of it.
            for entity in &held {
                let stayed: Vec<&RecordName> =
                    before.iter().filter(|(r, of)| *of == entity && after.contains_key(*r)).map(|(r, _)| r).collect();
                let mut parts: BTreeMap<EntityNumber, usize> = BTreeMap::new();
                stayed.iter().for_each(|record| *parts.entry(after[*record]).or_default() += 1);
                let Some(most) = parts.values().max() else { continue };
                if let Some(kept) = parts.get(entity) {
                    let larger = parts.iter().filter(|(part, many)| *many > kept && *part != entity);
                    for (part, _) in larger {
                        prop_assert!(held.contains(part), "{entity} stayed with {kept} of {most}: {changes:?}");
                    }
                }
            }
        }
    }

    /// Whatever records there are, in whatever order they come, with blocks that overflow on the way: the batch run says the same.
    #[test]
    fn random_records_in_random_orders_give_the_batch_run(
        drawn in prop::collection::vec((0_usize..5, 0_usize..4), 1..40).prop_flat_map(|drawn| {
            let order: Vec<usize> = (0..drawn.len()).collect();
            (Just(drawn), Just(order).prop_shuffle())
        }),
        block in 2_u32..9,
        once in any::<bool>(),
    ) {
        let (records, order) = drawn;
        let mut model = Model::clone(&MODEL);
        model.blocking.limits.block = block;
        let model = Arc::new(model);
        let per_system = if once { vec![Some(1), Some(2)] } else { Vec::new() };
        let rails = Rails { per_system, ..Rails::default() };
        let mut table = Table::new(Schema::new(&COLUMNS));
        ["crm", "erp"].into_iter().for_each(|system| drop(table.system(system).to_string()));
        for (record, (person, spelling)) in records.iter().enumerate() {
            let RecordName { system, id } = name(record);
            table.push(&id, &system, &values(*person, *spelling));
        }
        let at_once = entities(&Index::of(Arc::clone(&model), table.clone(), rails.clone(), Decisions::default()));
        let linkage = linkage::link(&mut table, Arc::clone(&model), &mut |_| {});
        let batch: BTreeSet<BTreeSet<RecordName>> = linkage
            .clusters(&table, &rails)
            .groups()
            .into_iter()
            .map(|group| group.into_iter().map(|row| name(row as usize)).collect())
            .collect();
        let mut empty = Table::new(Schema::new(&COLUMNS));
        ["crm", "erp"].into_iter().for_each(|system| drop(empty.system(system).to_string()));
        let mut index = Index::of(model, empty, rails, Decisions::default());
        for record in order {
            let (person, spelling) = records[record];
            index.put(&name(record), &values(person, spelling));
        }
        prop_assert_eq!(groups(&entities(&index)), batch.clone());
        prop_assert_eq!(groups(&at_once), batch);
    }
}

/// An index of three records of one person, and what was told of each.
fn three() -> (Index, Vec<Vec<Change>>) {
    let mut index = Index::new(Arc::clone(&MODEL), Rails::default());
    let told = [0, 1, 2].map(|record| index.put(&name(record), &values(7, 0))).to_vec();
    (index, told)
}

#[test]
fn an_entity_keeps_its_number_where_most_of_it_stays() {
    let (mut index, told) = three();
    let entity = index.entity(&name(0)).expect("it is there");
    assert_eq!(told[0], [Change::Created { entity }]);
    assert_eq!(told[1], [Change::Joined { entity, records: 1 }]);
    assert_eq!((index.entity(&name(1)), index.entity(&name(2))), (Some(entity), Some(entity)));
    // One of another person comes, and a person says that it is the same.
    index.put(&name(3), &values(20, 0));
    let other = index.entity(&name(3)).expect("it is there");
    assert_ne!(other, entity);
    let merged = index.decide(decision(0, 3, true));
    assert_eq!(merged, [Change::Merged { into: entity, from: other }, Change::Gone { entity: other }]);
    // Taken back, the smaller part is new.
    let split = index.decide(decision(0, 3, false));
    let new = index.entity(&name(3)).expect("it is there");
    assert_eq!(split, [Change::Split { from: entity, into: new }]);
    assert!(new > other && index.entity(&name(0)) == Some(entity));
    assert_eq!(index.remove(&name(3)), [Change::Gone { entity: new }]);
    assert_eq!(index.entity(&name(3)), None);
    assert_eq!(index.remove(&name(3)), [], "an unknown one changes nothing");
}

#[test]
fn two_held_apart_are_two_until_that_is_taken_back_and_the_last_of_an_entity_keeps_its_number() {
    let mut index = Index::new(Arc::clone(&MODEL), Rails::default());
    index.put(&name(0), &values(7, 0));
    index.put(&name(1), &values(7, 0));
    let both = index.entity(&name(0)).expect("it is there");
    let split = index.hold_apart(&name(0), &name(1), true);
    let [Change::Split { from, into: new }] = split[..] else { panic!("it is two: {split:?}") };
    assert_eq!(from, both);
    let again = index.hold_apart(&name(0), &name(1), false);
    assert_eq!(again, [Change::Merged { into: both, from: new }, Change::Gone { entity: new }]);
    index.remove(&name(0));
    assert_eq!((index.entity(&name(1)), index.records(both)), (Some(both), vec![name(1)]));
    // Taken in anew it is who it was, though it says something else.
    assert_eq!(index.put(&name(1), &values(7, 2)), []);
    assert_eq!(index.entity(&name(1)), Some(both));
    assert_eq!(index.remove(&name(1)), [Change::Gone { entity: both }]);
}

#[test]
fn what_a_rail_refused_is_a_case_until_the_rail_is_gone() {
    let rails = Rails { per_system: vec![Some(1)], ..Rails::default() };
    let mut index = Index::new(Arc::clone(&MODEL), rails);
    // Both of the first system: 0 and 2 are in the same.
    index.put(&name(0), &values(7, 0));
    index.put(&name(2), &values(7, 0));
    assert_ne!(index.entity(&name(0)), index.entity(&name(2)));
    let refused: Vec<Refusal> = index.refused().iter().map(|refused| refused.because).collect();
    assert_eq!(refused, [Refusal::TwiceInOneSystem]);
    let near = index.near(&name(0));
    let seen: Vec<Option<Refusal>> = near.pairs.iter().map(|pair| pair.refused).collect();
    assert_eq!(seen, [Some(Refusal::TwiceInOneSystem)], "a person is to see it, with the reason");
    assert!(near.pairs[0].probability > 0.5);
    // A person who holds them apart has answered: there is no case left.
    index.decide(decision(0, 2, false));
    assert!(index.near(&name(0)).pairs.is_empty());
    index.remove(&name(2));
    assert!(index.refused().is_empty());
}
