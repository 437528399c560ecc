//! Tables of a real server: streamed, beside files, gone on with, and compared where they are.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use accordant::equivalence::Equivalence;
use accordant::normalize::lowercase;
use accordant_sweep::postgres::{Database, Table, Within, sweep_within};
use accordant_sweep::source::Csv;
use accordant_sweep::{Attribute, Counts, Difference, Order, Side, SnapshotError, Step, Sweep, SweepError};
use accordant_test_servers::{Server, Trial};
use tokio_postgres::{Config, NoTls};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A schema of its own.
struct Stage {
    config: Config,
    schema: String,
}

impl Stage {
    fn new(address: &str) -> Self {
        let schema = format!("sweep{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let stage = Self { config: address.parse().unwrap(), schema };
        stage.sql(&format!("CREATE SCHEMA {}", stage.schema));
        stage
    }

    fn sql(&self, sql: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sql = sql.replace("$S", &self.schema);
        runtime.block_on(async {
            let (client, connection) = self.config.connect(NoTls).await.unwrap();
            drop(tokio::spawn(connection));
            client.batch_execute(&sql).await.unwrap();
        });
    }

    fn database(&self) -> Database {
        Database::new(self.config.clone())
    }

    fn table(&self, name: &str) -> Table {
        Table::new(&self.database(), name).schema(&self.schema)
    }

    /// Two tables with every kind of difference: `a` and `b`.
    fn tables(&self, key: &str) {
        self.sql(&format!(
            r#"CREATE TABLE $S.a (id {key} PRIMARY KEY, "Name" text, amount numeric, day date, note text);
               CREATE TABLE $S.b (id {key} PRIMARY KEY, name text, amount numeric, day date, seen timestamptz);
               INSERT INTO $S.a SELECT n, CASE WHEN n % 5 > 0 THEN 'Name ' || n END, n + 0.50, '2026-01-01'::date + n % 30,
                   E'tab\tand\\ line\n' || n FROM generate_series(0, 3999) n;
               INSERT INTO $S.b SELECT id, "Name", amount, day, 'epoch' FROM $S.a WHERE id::text NOT IN ('7', '70');
               INSERT INTO $S.b VALUES ('5000', 'new', 1, NULL, NULL);
               UPDATE $S.b SET name = upper(name) WHERE id::text LIKE '1%';
               UPDATE $S.b SET name = 'other', day = NULL WHERE id::text IN ('12', '1200', '399');
               UPDATE $S.b SET amount = 7.500 WHERE id::text = '7';
               UPDATE $S.b SET name = '' WHERE id::text IN ('10', '11');"#
        ));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.sql("DROP SCHEMA $S CASCADE");
        }
    }
}

fn attributes() -> [Attribute; 3] {
    let name = Attribute::new("name", Equivalence::Normalized(Arc::new(lowercase())));
    [name, Attribute::new("amount", Equivalence::Exact), Attribute::new("day", Equivalence::Exact)]
}

fn sweep(stage: &Stage, order: Order) -> Sweep {
    let sweep = Sweep::by(order).attributes(attributes());
    sweep
        .side(Side::new("one", stage.table("a")).column("name", "Name").sorted())
        .side(Side::new("other", stage.table("b")).sorted())
}

fn run(sweep: Sweep) -> (Vec<Difference>, Counts) {
    let mut found = Vec::new();
    let counts = sweep.start().unwrap().finish(|difference| found.push(difference.clone())).unwrap();
    (found, counts)
}

fn within(stage: &Stage, order: Order) -> Option<(Vec<Difference>, Counts)> {
    let column = |name: &str| Some(name.to_owned());
    let columns = |name| vec![column(name), column("amount"), column("day")];
    let one = Within::new("one", stage.table("a"), "id", columns("Name"));
    let other = Within::new("other", stage.table("b"), "id", columns("name"));
    let mut found = Vec::new();
    let show = |difference: &Difference| found.push(difference.clone());
    let counts = sweep_within(&stage.database(), &attributes(), order, [one, other], show).unwrap();
    counts.map(|counts| (found, counts))
}

fn a_sweep_within_the_database_says_what_the_merge_says(address: &str) {
    for (key, order) in [("bigint", Order::Number), ("text", Order::Bytes), ("text", Order::Number)] {
        let stage = Stage::new(address);
        stage.tables(key);
        let (found, counts) = run(sweep(&stage, order));
        let mut keys: Vec<&str> = found.iter().map(|found| found.key.as_str()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["11", "12", "1200", "399", "5000", "7", "70"], "{key} {order:?}");
        assert_eq!((counts.rows, counts.changed, counts.missing.clone()), (vec![4_000, 3_999], 4, vec![1, 2]));
        let (found, counts) = run(sweep(&stage, order));
        assert_eq!(within(&stage, order), Some((found, counts)), "{key} {order:?}");
    }
}

fn a_table_is_compared_with_a_file_and_gone_on_with(address: &str) {
    let stage = Stage::new(address);
    stage.tables("bigint");
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..4_000).map(|id| format!("{id},\"tab\tand\\ line\n{id}\"\n")).collect::<String>();
    fs::write(folder.path().join("a.csv"), format!("id,note\n{}", rows.replace("tab\tand\\ line\n37", "other")))
        .unwrap();
    let sweep = || {
        let sweep = Sweep::by(Order::Number).attribute("note", Equivalence::Exact);
        let file = Side::new("file", Csv::new(folder.path().join("a.csv"))).sorted();
        sweep.side(Side::new("table", stage.table("a")).sorted()).side(file)
    };
    let (expected, counted) = run(sweep());
    assert_eq!(expected.len(), 111, "whatever begins with 37");
    let mut begun = sweep().start().unwrap();
    let (mut checkpoints, mut before) = (vec![(begun.checkpoint().unwrap(), 0)], 0);
    loop {
        match begun.step().unwrap() {
            Step::Found(_) => before += 1,
            Step::Done => break,
            _ => {}
        }
        checkpoints.push((begun.checkpoint().unwrap(), before));
    }
    for (checkpoint, before) in checkpoints.into_iter().step_by(17) {
        let mut rest = Vec::new();
        let counts = sweep().resume(&checkpoint).unwrap().finish(|found| rest.push(found.clone())).unwrap();
        assert_eq!(rest, expected[before..]);
        assert_eq!(counts, counted);
    }
}

fn keys_that_are_repeated_are_not_joined(address: &str) {
    let stage = Stage::new(address);
    stage.tables("bigint");
    stage.sql("ALTER TABLE $S.b DROP CONSTRAINT b_pkey, ALTER id DROP NOT NULL; INSERT INTO $S.b SELECT * FROM $S.b WHERE id = 42");
    assert_eq!(within(&stage, Order::Number), None);
    // The index of a table says nothing of those that inherit from it.
    let heirs = Stage::new(address);
    heirs.tables("bigint");
    assert!(within(&heirs, Order::Number).is_some());
    heirs.sql("CREATE TABLE $S.heir () INHERITS ($S.b); INSERT INTO $S.heir SELECT * FROM $S.b WHERE id = 42");
    assert_eq!(within(&heirs, Order::Number), None);
    let (found, counts) = run(sweep(&stage, Order::Number));
    assert_eq!(counts.repeated, [0, 1]);
    assert!(found.iter().any(|found| found.key == "42" && found.rows == [1, 2] && found.changed.is_empty()));
    stage.sql("INSERT INTO $S.b (id) VALUES (NULL)");
    let told = sweep(&stage, Order::Number).start().unwrap().finish(|_| {}).unwrap_err();
    assert!(matches!(&told, SweepError::Snapshot { source: SnapshotError::NoKey { .. }, .. }), "{told}");
}

fn what_a_database_refuses_is_told_by_its_state(address: &str) {
    let stage = Stage::new(address);
    stage.sql("CREATE TABLE $S.a (id bigint, name text); CREATE VIEW $S.b AS SELECT 1 / 0 AS id, ''::text AS name");
    let sweep = |column: &str| {
        let sweep = Sweep::by(Order::Number).attribute("name", Equivalence::Exact);
        let one = Side::new("one", stage.table("a")).column("name", column).sorted();
        sweep.side(one).side(Side::new("other", stage.table("b")).sorted())
    };
    let told = sweep("gone").start().unwrap_err();
    assert_eq!(told.to_string(), "the snapshot of one: there is no column gone");
    let told = sweep("name").start().unwrap().finish(|_| {}).unwrap_err();
    assert_eq!(told.to_string(), "the snapshot of other: the database answers 22012");
    let mut nobody = stage.config.clone();
    nobody.dbname("there_is_no_such_database");
    let table = Table::new(&Database::new(nobody), "a");
    let told = Sweep::by(Order::Bytes).side(Side::new("a", table)).side(Side::new("b", stage.table("a"))).start();
    assert_eq!(told.unwrap_err().to_string(), "the snapshot of a: the database answers 3D000");
}

fn main() -> ExitCode {
    Server::POSTGRES.test(|address| {
        let trial = |name: &str, test: fn(&str)| {
            let address = address.to_owned();
            Trial::test(name, move || {
                test(&address);
                Ok(())
            })
        };
        vec![
            trial(
                "a_sweep_within_the_database_says_what_the_merge_says",
                a_sweep_within_the_database_says_what_the_merge_says,
            ),
            trial("a_table_is_compared_with_a_file_and_gone_on_with", a_table_is_compared_with_a_file_and_gone_on_with),
            trial("keys_that_are_repeated_are_not_joined", keys_that_are_repeated_are_not_joined),
            trial("what_a_database_refuses_is_told_by_its_state", what_a_database_refuses_is_told_by_its_state),
        ]
    })
}
