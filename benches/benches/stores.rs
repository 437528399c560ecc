//! Sealing journal entries, and committing a step of a hundred rows and entries to each store.
//!
//! ```text
//! cargo bench -p accordant-bench --bench stores
//! ```

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark: a panic is a failed run")]

use std::hint::black_box;

use accordant::TenantId;
use accordant::journal::{Draft, Head, seal};
use accordant::store::{Commit, MemoryStore, RowKey, SqliteStore, Store, Table};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;

/// Rows, and entries, of one step.
const STEP: u64 = 100;

fn drafts() -> Vec<Draft> {
    let payload = br#"{"record":{"connection":"hubspot","object":"contacts","id":"10000000017"},"cells":{"email":["1735689600000","0","ada@example.com"]}}"#;
    (0..STEP)
        .map(|number| Draft {
            at: 1_735_689_600_000,
            actor: "accordant".into(),
            kind: "observed",
            subject: format!("hubspot/contacts/{number}").into(),
            payload: payload.to_vec(),
            salt: [7; 16],
        })
        .collect()
}

fn step(number: u64) -> Commit {
    let value =
        br#"{"format":1,"cells":{"email":[[1735689600000,0,"ada@example.com"]],"city":[[1735689600000,0,"Tulsa"]]}}"#;
    let key = |row: u64| RowKey::new(Table::Representation, format!("hubspot/contacts/{}", number * STEP / 2 + row));
    let put = (0..STEP).map(|row| (key(row), value.to_vec())).collect();
    Commit { put, journal: drafts(), ..Commit::default() }
}

fn journal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Elements(STEP));
    group.bench_function("seal", |bencher| {
        bencher.iter_batched(drafts, |drafts| black_box(seal(Head::default(), drafts)), BatchSize::SmallInput);
    });
    group.finish();
}

fn commit_to(criterion: &mut Criterion, name: &str, store: &impl Store) {
    let tenant = TenantId::new("bench");
    let mut group = criterion.benchmark_group("commit");
    group.throughput(Throughput::Elements(STEP));
    group.sample_size(20);
    let mut number = 0;
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            || {
                // Half of the rows are new, half are written again.
                number += 1;
                step(number)
            },
            |commit| block_on(store.commit(&tenant, commit)).expect("the store takes it"),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn commits(criterion: &mut Criterion) {
    commit_to(criterion, "memory", &MemoryStore::default());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(folder.path().join("bench.db")).expect("a new database");
    commit_to(criterion, "sqlite", &store);
}

criterion_group!(benches, journal, commits);
criterion_main!(benches);
