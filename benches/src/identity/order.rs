//! Orders of arrival against the batch run.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::index::Index;
use accordant_identity::linkage;
use accordant_identity::model::Model;
use accordant_identity::testing::{self, Draw};

use super::sets;

type Groups = BTreeSet<BTreeSet<String>>;

pub(super) fn run(orders: u64, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let set = sets::generated(500, 7);
    let trained = linkage::train(&set.read()?, Scope::Within, &Decisions::default(), &mut |_| {})?;
    let mut same = 0;
    // Half of the orders with blocks so small that many become too large on the way.
    for (block, of) in [(16, orders - orders / 2), (4, orders / 2)] {
        let mut model = Model::clone(trained.scorer.model());
        model.blocking.limits.block = block;
        let model = Arc::new(model);
        let mut table = set.read()?;
        let linked = linkage::link(&mut table, Arc::clone(&model), &mut |_| {});
        let clusters = linked.clusters(&table, &Rails::default());
        let batch: Groups =
            clusters.groups().iter().map(|group| group.iter().map(|row| table.id(*row).to_owned()).collect()).collect();
        for seed in 0..of {
            let mut records = testing::customers(500, 7);
            let mut draw = Draw::new(seed);
            for place in (1..records.len()).rev() {
                records.swap(place, draw.below(place + 1));
            }
            let mut index = Index::new(Arc::clone(&model), Rails::default());
            for record in &records {
                drop(
                    index.put(&RecordName { system: record.values[0].clone(), id: record.id.clone() }, &record.values),
                );
            }
            let groups: Groups = index
                .entities()
                .iter()
                .map(|entity| index.records(*entity).into_iter().map(|record| record.id).collect())
                .collect();
            same += u64::from(groups == batch);
        }
    }
    writeln!(out, "{same} of {orders} orders of 500 records gave the clusters of the batch run")?;
    if same == orders { Ok(()) } else { Err("the order of arrival made a difference".into()) }
}
