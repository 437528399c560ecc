//! Records one at a time give what the batch run gives, whatever the order.

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant_identity::blocking::{Limits, Scope};
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::index::Index;
use accordant_identity::linkage;
use accordant_identity::model::Model;
use accordant_identity::sniff;
use accordant_identity::table::Table;
use accordant_identity::testing::{COLUMNS, Draw, Generated, customers};

type Groups = BTreeSet<BTreeSet<String>>;

fn table(records: &[Generated]) -> Table {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
    let mut table = Table::new(sniff::schema(&names, &sample, &[]));
    for record in records {
        table.push(&record.id, "", &record.values);
    }
    table
}

fn model(records: &[Generated], block: u32) -> Arc<Model> {
    let linkage =
        linkage::train(&table(records), Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    let mut model = Model::clone(linkage.scorer.model());
    model.blocking.limits = Limits { block, ..model.blocking.limits };
    Arc::new(model)
}

fn batch(records: &[Generated], model: &Arc<Model>, rails: &Rails) -> Groups {
    let mut table = table(records);
    let linkage = linkage::link(&mut table, Arc::clone(model), &mut |_| {});
    let clusters = linkage.clusters(&table, rails);
    clusters.groups().iter().map(|group| group.iter().map(|row| table.id(*row).to_owned()).collect()).collect()
}

fn groups(index: &Index) -> Groups {
    index.entities().iter().map(|entity| index.records(*entity).into_iter().map(|record| record.id).collect()).collect()
}

fn name(record: &Generated) -> RecordName {
    RecordName { system: record.values[0].clone(), id: record.id.clone() }
}

fn shuffled(records: &[Generated], seed: u64) -> Vec<Generated> {
    let mut draw = Draw::new(seed);
    let mut records = records.to_vec();
    for place in (1..records.len()).rev() {
        records.swap(place, draw.below(place + 1));
    }
    records
}

#[test]
fn any_order_gives_the_clusters_of_the_batch_run() {
    let records = customers(500, 3);
    // Blocks of more than four are refined, so that blocks come to be too large on the way.
    for block in [4, Limits::default().block] {
        let model = model(&records, block);
        let expected = batch(&records, &model, &Rails::default());
        assert!(expected.iter().any(|group| group.len() > 2), "there is something to cluster");
        for seed in 0..20 {
            let mut index = Index::new(Arc::clone(&model), Rails::default());
            for record in shuffled(&records, seed) {
                index.put(&name(&record), &record.values);
            }
            assert_eq!(groups(&index), expected, "blocks of {block}, order {seed}");
        }
    }
}

#[test]
fn an_index_built_at_once_is_the_same() {
    let records = customers(500, 4);
    for block in [4, Limits::default().block] {
        let model = model(&records, block);
        let index = Index::of(Arc::clone(&model), table(&records), Rails::default(), Decisions::default());
        assert_eq!(groups(&index), batch(&records, &model, &Rails::default()));
    }
}

#[test]
fn what_came_and_went_leaves_no_trace() {
    let records = customers(400, 5);
    let (stay, go) = records.split_at(250);
    for block in [4, Limits::default().block] {
        let model = model(&records, block);
        let expected = batch(stay, &model, &Rails::default());
        for seed in 0..5 {
            let mut index = Index::new(Arc::clone(&model), Rails::default());
            for record in shuffled(&records, seed) {
                index.put(&name(&record), &record.values);
            }
            // Some are changed and changed back first.
            for record in &shuffled(stay, seed)[..40] {
                index.put(&name(record), &go[usize::from(seed as u8)].values);
                index.put(&name(record), &record.values);
            }
            for record in shuffled(go, seed) {
                index.remove(&name(&record));
            }
            assert_eq!(groups(&index), expected, "blocks of {block}, order {seed}");
        }
    }
}

#[test]
fn decisions_hold_in_any_order_and_can_be_taken_back() {
    let records = customers(300, 6);
    let model = model(&records, Limits::default().block);
    let plain = batch(&records, &model, &Rails::default());
    let pair: Vec<&String> = plain.iter().find(|group| group.len() > 1).expect("a cluster").iter().take(2).collect();
    let of = |id: &str| name(records.iter().find(|record| record.id == *id).expect("a record"));
    let decision = |same| Decision { a: of(pair[0]), b: of(pair[1]), same, by: "ana".into(), at: "2026-11-21".into() };
    let mut index = Index::new(Arc::clone(&model), Rails::default());
    index.decide(decision(false));
    records.iter().for_each(|record| drop(index.put(&name(record), &record.values)));
    assert_ne!(index.entity(&of(pair[0])), index.entity(&of(pair[1])), "held apart before they came");
    let mut decisions = Decisions::default();
    decisions.add(decision(false));
    let mut rails = Rails::default();
    decisions.guard(&mut rails);
    assert_eq!(groups(&index), batch(&records, &model, &rails));
    index.decide(decision(true));
    assert_eq!(index.entity(&of(pair[0])), index.entity(&of(pair[1])), "the later decision stands");
    assert_eq!(index.decisions().all().len(), 2, "both are kept");
}

#[test]
fn what_is_given_as_one_is_one_in_any_order_and_no_longer_than_that() {
    let records = customers(250, 8);
    let model = model(&records, Limits::default().block);
    let plain = batch(&records, &model, &Rails::default());
    // Two that are alone by what they say.
    let first = |group: &BTreeSet<String>| group.first().cloned().expect("a group has a record");
    let alone: Vec<String> = plain.iter().filter(|group| group.len() == 1).take(2).map(first).collect();
    let group = |record: &Generated| u64::from(alone.contains(&record.id)) * 7;
    let given: Vec<u64> = records.iter().map(group).collect();
    let at_once = Index::of_groups(Arc::clone(&model), table(&records), Rails::default(), Decisions::default(), &given);
    let expected = groups(&at_once);
    assert!(expected.contains(&alone.iter().cloned().collect()), "they are one");
    for seed in 0..5 {
        let mut index = Index::new(Arc::clone(&model), Rails::default());
        for record in shuffled(&records, seed) {
            index.put_in(&name(&record), &record.values, group(&record));
        }
        assert_eq!(groups(&index), expected, "order {seed}");
        for record in records.iter().filter(|record| group(record) != 0) {
            index.put(&name(record), &record.values);
        }
        assert_eq!(groups(&index), plain, "and no longer");
    }
}

#[test]
fn a_neighbourhood_is_the_same_in_any_order_and_knows_who_is_held_apart() {
    let records = customers(300, 9);
    let model = model(&records, Limits::default().block);
    let mut found = Vec::new();
    for seed in 0..3 {
        let mut index = Index::new(Arc::clone(&model), Rails::default());
        for record in shuffled(&records, seed) {
            index.put(&name(&record), &record.values);
        }
        found.push(records.iter().map(|record| index.near(&name(record))).collect::<Vec<_>>());
    }
    assert!(found[0] == found[1] && found[0] == found[2]);
    // A pair that holds a cluster of two together is between two clusters once it is held apart, and no pair is left of it.
    let near = found[0].iter().find(|near| near.clusters.len() == 1 && near.clusters[0].len() == 2).expect("a pair");
    let of = |key: u64| records.iter().map(name).find(|name| name.key() == key).expect("a record");
    let (a, b) = (of(near.clusters[0][0]), of(near.clusters[0][1]));
    assert!(near.pairs.len() == 1 && near.pairs[0].probability >= 0.95 && near.pairs[0].refused.is_none());
    let mut index = Index::of(model, table(&records), Rails::default(), Decisions::default());
    index.hold_apart(&a, &b, true);
    assert_ne!(index.entity(&a), index.entity(&b));
    let apart = index.near(&a);
    assert!(apart.pairs.is_empty() && apart.clusters.iter().all(|cluster| cluster.len() == 1), "{apart:?}");
    index.hold_apart(&a, &b, false);
    assert_eq!(index.near(&a).clusters, near.clusters);
}
