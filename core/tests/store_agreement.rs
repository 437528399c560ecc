//! Random histories end alike in memory and in SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::id::{Actor, TenantId};
use accordant::journal::{Draft, Head, verify};
use accordant::store::{Commit, Committed, MemoryStore, Row, RowKey, SqliteStore, Store, Table};
use futures::executor::block_on;
use futures::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const TENANTS: [&str; 2] = ["acme", "b%"];
const TABLES: [Table; 2] = [Table::Entity, Table::Index];
/// Few, so that steps meet; odd, so that prefixes matter.
const KEYS: [&str; 9] = ["", "a", "a%", "a_", "a/", "a\0", "aé", "a\u{10ffff}", "b"];
const SUBJECTS: [&str; 3] = ["r", "r1", "%"];

#[derive(Debug, Clone)]
enum Step {
    /// Commits that are under way together.
    Commit(Vec<(TenantId, Plan)>),
    Load(TenantId, Vec<RowKey>),
    Scan {
        tenant: TenantId,
        table: Table,
        prefix: String,
        after: Option<String>,
        limit: usize,
    },
    Journal {
        tenant: TenantId,
        after: u64,
        limit: usize,
    },
    Erase(TenantId, &'static str),
}

/// A commit whose expectations are filled in when it is run: mostly right ones, so that most commits are done.
#[derive(Debug, Clone)]
struct Plan {
    expect: Vec<(RowKey, Option<Option<u64>>)>,
    commit: Commit,
}

fn tenant() -> impl Strategy<Value = TenantId> {
    select(&TENANTS[..]).prop_map(TenantId::new)
}

fn row_key() -> impl Strategy<Value = RowKey> {
    (select(&TABLES[..]), select(&KEYS[..])).prop_map(|(table, key)| RowKey::new(table, key))
}

fn draft() -> impl Strategy<Value = Draft> {
    let parts = (any::<i64>(), select(&SUBJECTS[..]), vec(any::<u8>(), 0..12), any::<[u8; 16]>());
    parts.prop_map(|(at, subject, payload, salt)| Draft {
        at,
        actor: Actor::new("test"),
        kind: "observed",
        subject: subject.into(),
        payload,
        salt,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let wrong =
        prop_oneof![8 => Just(None), 1 => (0..4_u64).prop_map(|revision| Some(Some(revision))), 1 => Just(Some(None))];
    let value = prop_oneof![vec(any::<u8>(), 0..6), "[{}a-zé\\x00]{0,6}".prop_map(String::into_bytes)];
    let parts =
        (vec((row_key(), wrong), 0..3), vec((row_key(), value), 0..5), vec(row_key(), 0..3), vec(draft(), 0..3));
    parts.prop_map(|(expect, put, delete, journal)| Plan {
        expect,
        commit: Commit { expect: Vec::new(), put, delete, journal },
    })
}

fn step() -> impl Strategy<Value = Step> {
    let bound = || select(&KEYS[..]).prop_map(str::to_owned);
    let limit = || prop_oneof![0..4_usize, Just(usize::MAX)];
    prop_oneof![
        5 => vec((tenant(), plan()), 1..5).prop_map(Step::Commit),
        1 => (tenant(), vec(row_key(), 0..6)).prop_map(|(tenant, keys)| Step::Load(tenant, keys)),
        3 => (tenant(), select(&TABLES[..]), bound(), proptest::option::of(bound()), limit())
            .prop_map(|(tenant, table, prefix, after, limit)| Step::Scan { tenant, table, prefix, after, limit }),
        1 => (tenant(), 0..8_u64, limit()).prop_map(|(tenant, after, limit)| Step::Journal { tenant, after, limit }),
        1 => (tenant(), select(&SUBJECTS[..])).prop_map(|(tenant, subject)| Step::Erase(tenant, subject)),
    ]
}

/// What a step answered, in a form that can be compared.
async fn run(store: &dyn Store, step: Step) -> String {
    match step {
        Step::Commit(plans) => {
            let mut commits = Vec::new();
            for (tenant, Plan { expect, mut commit }) in plans {
                let keys: Vec<_> = expect.iter().map(|(key, _)| key.clone()).collect();
                let rows = store.load(&tenant, &keys).await.unwrap();
                let now = rows.into_iter().map(|row| row.map(|row| row.revision));
                commit.expect =
                    expect.into_iter().zip(now).map(|((key, wrong), now)| (key, wrong.unwrap_or(now))).collect();
                commits.push((tenant, commit));
            }
            // All are sent before any is answered: they meet in the queue, and some of them in one transaction.
            let outcomes = join_all(commits.iter().map(|(tenant, commit)| store.commit(tenant, commit.clone()))).await;
            format!("{:?}", outcomes.into_iter().map(Result::unwrap).collect::<Vec<Committed>>())
        }
        Step::Load(tenant, keys) => format!("{:?}", store.load(&tenant, &keys).await.unwrap()),
        Step::Scan { tenant, table, prefix, after, limit } => {
            format!("{:?}", store.scan(&tenant, table, &prefix, after.as_deref(), limit).await.unwrap())
        }
        Step::Journal { tenant, after, limit } => format!("{:?}", store.journal(&tenant, after, limit).await.unwrap()),
        Step::Erase(tenant, subject) => format!("{}", store.erase(&tenant, subject).await.unwrap()),
    }
}

/// Everything in a store, after checking that its chains hold.
async fn everything(store: &dyn Store) -> Vec<(Vec<Vec<Row>>, Head, usize)> {
    let mut all = Vec::new();
    for tenant in TENANTS.map(TenantId::new) {
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push(store.scan(&tenant, table, "", None, usize::MAX).await.unwrap());
        }
        let entries = store.journal(&tenant, 0, usize::MAX).await.unwrap();
        let chain =
            entries.iter().try_fold(Head::default(), |head, (entry, payload)| verify(head, entry, payload.as_ref()));
        let payloads = entries.iter().filter(|(_, payload)| payload.is_some()).count();
        all.push((tables, chain.unwrap(), payloads));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_agree(steps in vec(step(), 1..24)) {
        let (memory, sqlite) = (MemoryStore::new(), SqliteStore::open_in_memory().unwrap());
        block_on(async {
            for step in steps {
                prop_assert_eq!(run(&memory, step.clone()).await, run(&sqlite, step).await);
            }
            prop_assert_eq!(everything(&memory).await, everything(&sqlite).await);
            Ok(())
        })?;
    }
}
