//! Parquet files: their values as texts, beside the same values in CSV, and from any row on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use accordant::equivalence::Equivalence;
use accordant_sweep::source::{Csv, Parquet};
use accordant_sweep::{Difference, Order, Side, SnapshotError, Step, Sweep, SweepError};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

const ATTRIBUTES: [&str; 5] = ["name", "vip", "credit", "born", "seen"];

/// As many rows as need several batches; every seventh has no name.
fn write(folder: &Path, rows: i64) {
    let ids = || 0..rows;
    let name = |id: i64| (id % 7 > 0).then(|| format!("n{id}"));
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids()))),
        ("name", Arc::new(ids().map(name).collect::<StringArray>())),
        ("vip", Arc::new(ids().map(|id| Some(id % 2 == 0)).collect::<BooleanArray>())),
        ("credit", {
            let credits = Decimal128Array::from_iter_values(ids().map(|id| i128::from(id) * 5 - 200));
            Arc::new(credits.with_precision_and_scale(12, 2).unwrap())
        }),
        ("born", Arc::new(Date32Array::from_iter_values(ids().map(|id| i32::try_from(id).unwrap() - 2)))),
        ("seen", {
            let seen = TimestampMicrosecondArray::from_iter_values(ids().map(|id| id * 1_500_000));
            Arc::new(seen.with_timezone("UTC"))
        }),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1_500)).build();
    let file = File::create(folder.join("t.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mut text = "id,name,vip,credit,born,seen\n".to_owned();
    for id in ids().filter(|id| *id != 5) {
        let cents = id * 5 - 200;
        let sign = if cents < 0 { "-" } else { "" };
        let born = accordant::chrono::DateTime::from_timestamp((id - 2) * 86_400, 0).unwrap().format("%Y-%m-%d");
        let seen = accordant::chrono::DateTime::from_timestamp_micros(id * 1_500_000).unwrap();
        let seen = seen.to_rfc3339_opts(accordant::chrono::SecondsFormat::AutoSi, true);
        let name = if id == 9 { "other".to_owned() } else { name(id).unwrap_or_default() };
        let credit = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
        text.push_str(&format!("{id},{name},{},{credit},{born},{seen}\n", id % 2 == 0));
    }
    fs::write(folder.join("t.csv"), text).unwrap();
}

fn sweep(folder: &Path) -> Sweep {
    let mut sweep = Sweep::by(Order::Number);
    for attribute in ATTRIBUTES {
        sweep = sweep.attribute(attribute, Equivalence::Exact);
    }
    sweep
        .side(Side::new("parquet", Parquet::new(folder.join("t.parquet"))))
        .side(Side::new("csv", Csv::new(folder.join("t.csv"))).sorted())
}

#[test]
fn values_are_told_as_texts_and_from_any_row_on() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 40_000);
    let mut run = sweep(folder.path()).start().unwrap();
    let (mut found, mut checkpoints) = (Vec::new(), Vec::new());
    loop {
        match run.step().unwrap() {
            Step::Found(difference) => found.push(difference),
            Step::Done => break,
            _ => {}
        }
        checkpoints.push((run.checkpoint().unwrap(), found.len()));
    }
    let keys: Vec<(&str, &[u64])> = found.iter().map(|found| (found.key.as_str(), found.rows.as_slice())).collect();
    assert_eq!(keys, [("5", &[1, 0][..]), ("9", &[1, 1])]);
    assert_eq!(found[1].changed.len(), 1, "{found:?}");
    assert_eq!(run.counts().rows, [40_000, 39_999]);
    assert!(checkpoints.len() > 10);
    for (checkpoint, before) in checkpoints.into_iter().step_by(5) {
        let mut rest: Vec<Difference> = Vec::new();
        let counts =
            sweep(folder.path()).resume(&checkpoint).unwrap().finish(|found| rest.push(found.clone())).unwrap();
        assert_eq!(rest, found[before..]);
        assert_eq!(&counts, run.counts());
    }
}

/// Rows that say the same are told apart by their keys, which do not stand in them.
#[test]
fn two_files_are_compared_by_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, ids: &[i64]| {
        let cities = StringArray::from_iter_values(ids.iter().map(|_| "Bern"));
        let columns: [(&str, ArrayRef); 2] =
            [("id", Arc::new(Int64Array::from(ids.to_vec()))), ("city", Arc::new(cities))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = File::create(folder.path().join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        Side::new(name, Parquet::new(folder.path().join(name))).sorted()
    };
    let (one, other) = (put("a", &[1, 2, 3]), put("b", &[1, 3, 4]));
    let sweep = Sweep::by(Order::Number).attribute("city", Equivalence::Exact).side(one).side(other);
    let mut found = Vec::new();
    sweep.start().unwrap().finish(|difference| found.push((difference.key.clone(), difference.rows.clone()))).unwrap();
    assert_eq!(found, [("2".to_owned(), vec![1, 0]), ("4".to_owned(), vec![0, 1])]);
}

#[test]
fn what_is_no_table_of_texts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 10);
    let bytes = fs::read(folder.path().join("t.parquet")).unwrap();
    fs::write(folder.path().join("t.parquet"), &bytes[..bytes.len() - 9]).unwrap();
    let told = sweep(folder.path()).start().unwrap_err();
    assert!(matches!(told, SweepError::Snapshot { source: SnapshotError::Malformed { .. }, .. }), "{told}");
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(Int64Array::from(vec![1]))),
        ("name", Arc::new(BinaryArray::from_vec(vec![b"x"]))),
        ("vip", Arc::new(BooleanArray::from(vec![true]))),
        ("credit", Arc::new(Int64Array::from(vec![1]))),
        ("born", Arc::new(Int64Array::from(vec![1]))),
        ("seen", Arc::new(Int64Array::from(vec![1]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(folder.path().join("t.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let told = sweep(folder.path()).start().unwrap_err();
    assert_eq!(told.to_string(), "the snapshot of parquet: column name has values that are not compared");
}
