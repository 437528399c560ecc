//! What a change costs, in counts: it is bounded by what the change reaches, however many records a value or a chain connects.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::hash;
use accordant_identity::index::{Index, NearPair, Work};
use accordant_identity::linkage;
use accordant_identity::model::Model;
use accordant_identity::sniff;
use accordant_identity::table::Table;
use accordant_identity::testing::{COLUMNS, customers};

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
    let records = customers(800, 65);
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
    let mut table = Table::new(sniff::schema(&names, &sample, &[]));
    records.iter().for_each(|record| assert!(table.push(&record.id, "", &record.values) < 10_000));
    let linkage = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {}).expect("it can be trained");
    Arc::clone(linkage.scorer.model())
});

fn most(one: Work, other: Work) -> Work {
    Work {
        records: one.records.max(other.records),
        pairs: one.pairs.max(other.pairs),
        weighed: one.weighed.max(other.weighed),
    }
}

#[test]
fn a_value_that_thousands_share_connects_no_thousands() {
    let records = customers(3_000, 66);
    let mut index = Index::new(Arc::clone(&MODEL), Rails::default());
    let mut cost = Work::default();
    for record in &records {
        let mut values = record.values.clone();
        // A switchboard, and the mailbox that whoever had none typed in.
        (values[4], values[5]) = ("info@example.com".into(), "+31 201234567".into());
        index.put(&RecordName { system: values[0].clone(), id: record.id.clone() }, &values);
        cost = most(cost, index.work());
    }
    // Measured: 36 records, and 240 pairs between them.
    assert!(cost.records <= 200 && cost.pairs <= 1_000 && cost.weighed <= 10_000, "{cost:?}");
}

#[test]
fn a_chain_of_thousands_is_clustered_anew_where_a_change_reaches_and_no_further() {
    let records = customers(1, 67);
    let mut index = Index::new(Arc::clone(&MODEL), Rails::default());
    let name = |id: usize| RecordName { system: "crm".into(), id: id.to_string() };
    let mut cost = [Work::default(); 2];
    for id in 0..1_200 {
        index.put(&name(id), &records[0].values);
        let half = usize::from(id >= 600);
        cost[half] = most(cost[half], index.work());
    }
    let near = index.near(&name(0));
    assert_eq!(near.clusters.iter().map(Vec::len).sum::<usize>(), 1_200, "one chain connects them all");
    let chained = |pair: &NearPair| pair.explanation.made_by.iter().all(|by| by.rule == "records that say the same");
    assert!(near.pairs.len() == 1_199 && near.pairs.iter().all(chained), "no block is small enough");
    for id in (0..1_200).step_by(9) {
        index.remove(&name(id));
        cost[1] = most(cost[1], index.work());
    }
    // Measured: 325 records in all rounds, and 4 104 pairs weighed, with a chain twice as long as the one before.
    assert!(cost[1].records <= 500 && cost[1].weighed <= 8_000, "{cost:?}");
}

/// Links of a chain: each shares its mailbox with the one before or its phone with the one behind, and the rest with whom chance has it.
fn links(many: usize, seed: u64) -> Vec<(RecordName, Vec<String>)> {
    let drawn = |id: usize, of: u64, most: u64| hash::mix(hash::mix(seed, of), id as u64) % most;
    (0..many)
        .map(|id| {
            let given = ["Anna", "Ana", "Anna", "A", "Anna", "Bob"][drawn(id, 1, 6) as usize];
            let street = if drawn(id, 2, 3) == 0 { String::new() } else { format!("{} Kerk Lane", id / 5 + 1) };
            let mailbox = if drawn(id, 3, 12) == 0 { String::new() } else { format!("zand{}@zandvliet.nl", id / 2) };
            let phone =
                if drawn(id, 4, 12) == 0 { String::new() } else { format!("+31 20{:07}", 7_000_000 + id.div_ceil(2)) };
            let system = ["crm", "erp", "shop"][drawn(id, 5, 3) as usize];
            let values = [system, "", given, "Zandvliet", &mailbox, &phone, "", &street, "Zaandam", "91234", "nl"];
            (RecordName { system: system.into(), id: id.to_string() }, values.map(str::to_owned).to_vec())
        })
        .collect()
}

/// The entities by their records, and what was refused.
fn told(index: &Index) -> (BTreeSet<BTreeSet<String>>, BTreeSet<String>) {
    let entities = index.entities().into_iter();
    let entities = entities.map(|of| index.records(of).into_iter().map(|record| record.id).collect());
    let refused = index.refused().into_iter().map(|refused| {
        let ends = BTreeSet::from([refused.edge.a, refused.edge.b].map(|row| index.table().id(row)));
        format!("{ends:?} {:.3} {}", refused.edge.weight, refused.because)
    });
    (entities.collect(), refused.collect())
}

#[test]
fn what_a_change_reaches_in_a_long_chain_is_all_that_comes_out_otherwise() {
    let model = &*MODEL;
    let rails = Rails { size: 6, per_system: vec![None, Some(2), None], ..Rails::default() };
    let (mut largest, mut refused) = (0, 0);
    for seed in 0..3 {
        let chain = links(160, seed);
        let mut table = Table::new(model.schema.clone());
        ["crm", "erp", "shop"].iter().for_each(|system| assert!(table.system(system) < 3));
        let mut index = Index::of(Arc::clone(model), table.clone(), rails.clone(), Decisions::default());
        let mut there: BTreeSet<usize> = BTreeSet::new();
        for step in 0..300_u64 {
            let id = (hash::mix(hash::mix(seed, 9), step) % 160) as usize;
            let (name, values) = &chain[id];
            if hash::mix(hash::mix(seed, 10), step).is_multiple_of(4) {
                index.remove(name);
                there.remove(&id);
            } else {
                index.put(name, values);
                there.insert(id);
            }
            if step % 75 == 74 {
                let mut batch = table.clone();
                for (name, values) in there.iter().map(|id| &chain[*id]) {
                    batch.push(&name.id, &name.system, values);
                }
                let at_once = Index::of(Arc::clone(model), batch, rails.clone(), Decisions::default());
                assert_eq!(told(&index), told(&at_once), "chain {seed}, step {step}");
                refused += told(&index).1.len();
            }
        }
        let of = |id: &usize| index.near(&chain[*id].0).clusters.iter().map(Vec::len).sum::<usize>();
        largest = largest.max(there.iter().step_by(40).map(of).max().unwrap_or_default());
    }
    assert!(largest > 64, "what is connected is more than is looked at once: {largest}");
    assert!(refused > 20, "{refused}");
}
