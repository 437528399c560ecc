//! The pure centre, stage by stage: fold, classify, resolve, settle, plan. Each figure is for one entity or one record.
//!
//! ```text
//! cargo bench -p accordant-bench --bench centre
//! ```

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark: a panic is a failed run")]

use std::hint::black_box;

use accordant::classify::{Classification, Standing, classify};
use accordant::decode::Batch;
use accordant::entity::Entity;
use accordant::model::UnitKey;
use accordant::representation::Representation;
use accordant::resolve::resolve;
use accordant::settle::{Touched, settle};
use accordant::sight::{Ground as Rules, shown, sides};
use accordant::stamp::Stamp;
use accordant::working_set::WorkingSet;
use accordant_bench::centre::{each, plan};
use accordant_bench::customer::{OBJECT_OF_SOURCE, carries_whole_records};
use accordant_bench::delivery::{Blocks, cut};
use accordant_bench::stream::{Intake, Stage, customers_in};
use accordant_bench::workload;
use accordant_bench::world::{Ground, linked, sources};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const DELIVERIES: u64 = 5_000;
const CUSTOMERS: u64 = 500;

fn deliveries() -> Vec<u8> {
    let mut bytes = Vec::new();
    workload::write(DELIVERIES, CUSTOMERS, 42, &mut bytes).expect("memory takes everything");
    bytes
}

fn crosswalk(ground: &Ground, bytes: &[u8]) -> WorkingSet {
    linked(ground, customers_in(ground, bytes).expect("memory can be read"))
}

/// The working set after all deliveries.
fn settled(ground: &Ground, bytes: &[u8]) -> WorkingSet {
    let mut intake = Intake::new(ground, crosswalk(ground, bytes), Stage::Settle);
    let mut blocks = Blocks::new(bytes);
    while let Some(block) = blocks.next_block().expect("memory can be read") {
        intake.take(block);
    }
    intake.finish()
}

fn fold(criterion: &mut Criterion) {
    let ground = Ground::default();
    let bytes = deliveries();
    let mut batch = Batch::new();
    let mut objects = Vec::new();
    let mut blocks = Blocks::new(bytes.as_slice());
    while let Some(block) = blocks.next_block().expect("memory can be read") {
        for delivery in block.lines().filter_map(cut) {
            let full = carries_whole_records(delivery.source);
            ground.tables[delivery.source].decode(delivery.body, full, &mut batch).expect("the workload decodes");
            objects.push(usize::from(OBJECT_OF_SOURCE[delivery.source]));
        }
    }
    let frame = ground.frame();
    let mut group = criterion.benchmark_group("fold");
    group.throughput(Throughput::Elements(DELIVERIES));
    group.sample_size(20);
    group.bench_function("record", |bencher| {
        bencher.iter_batched(
            || crosswalk(&ground, &bytes),
            |mut set| {
                let sources = sources(&ground, &mut set);
                for (record, object) in batch.records().zip(&objects) {
                    let index = set.find_native(sources[*object], record.id()).expect("the record is linked");
                    let token = record.token().expect("every surface has a token");
                    set.fold_decoded(&frame, index, &record, Stamp::new(token));
                }
                set
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn classification(
    rules: &Rules<'_>,
    entity: &Entity,
    seen: &[Option<&Representation>],
    key: &UnitKey,
) -> Classification {
    let unit = &rules.model.units[usize::from(key.index().unwrap_or_default())];
    let shown = shown(rules, entity, seen, key);
    let golden = entity.golden.get(key).map(|cell| &cell.field);
    let standing = Standing { golden, frozen: false, owned: !unit.owners.is_empty() };
    classify(&sides(rules.model, entity, unit, &shown, key, golden), standing, unit)
}

fn centre(criterion: &mut Criterion) {
    let ground = Ground::default();
    let set = settled(&ground, &deliveries());
    let frame = ground.frame();
    let entities = set.entities().len() as u64;
    let mut group = criterion.benchmark_group("entity");
    group.throughput(Throughput::Elements(entities));
    group.sample_size(20);
    group.bench_function("classify", |bencher| {
        bencher.iter(|| {
            each(&set, &frame, |rules, entity, seen| {
                for unit in (0..).take(rules.model.units.len()) {
                    black_box(classification(rules, entity, seen, &UnitKey::Whole(unit)));
                }
            });
        });
    });
    group.bench_function("resolve", |bencher| {
        bencher.iter(|| {
            each(&set, &frame, |rules, entity, seen| {
                for (index, unit) in (0..).zip(&rules.model.units) {
                    let key = UnitKey::Whole(index);
                    let shown = shown(rules, entity, seen, &key);
                    let states = classification(rules, entity, seen, &key).states;
                    black_box(resolve(rules, entity, unit, &key, &shown, &states, &[], &[]));
                }
            });
        });
    });
    for (name, again) in [("settle first contact", false), ("settle again", true)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                each(&set, &frame, |rules, entity, seen| {
                    let mut entity = entity.clone();
                    if !again {
                        forget(&mut entity);
                    }
                    let mut facts = Vec::new();
                    settle(rules, &mut entity, seen, &Touched::Everything, &mut facts);
                    black_box(facts);
                });
            });
        });
    }
    group.bench_function("plan", |bencher| {
        bencher.iter(|| black_box(plan(&set, &frame)));
    });
    group.finish();
}

/// Leaves an entity its links, and nothing that was ever agreed.
fn forget(entity: &mut Entity) {
    entity.golden = Default::default();
    entity.discrepancies.clear();
    for link in &mut entity.links {
        link.bases = Default::default();
    }
}

criterion_group!(benches, fold, centre);
criterion_main!(benches);
