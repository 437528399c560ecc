//! Tables from CSV and Parquet: the same rows are the same answer, and a file that is none is an error.
#![cfg(all(feature = "csv", feature = "parquet"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{Read, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use accordant_quality::check::{Bound, Check, CheckError, Checker, Outcome, Pattern, Relation, Rule, Settings, moment};
use accordant_quality::source;
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int64Array,
    ListArray, RecordBatch, StringArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

const NOW: &[u8] = b"2026-07-31T12:00:00Z";

fn named(rules: impl IntoIterator<Item = Rule>) -> Vec<Check> {
    let check = |(place, rule): (usize, Rule)| Check { name: place.to_string(), rule, at_least: 1.0 };
    rules.into_iter().enumerate().map(check).collect()
}

fn checks() -> Vec<Check> {
    let column = |name: &str| name.to_owned();
    let within = 86_400_000_000;
    named([
        Rule::Rows { least: 1, most: None },
        Rule::Present { column: column("name") },
        Rule::Unique { columns: vec![column("id")] },
        Rule::Unique { columns: vec![column("id"), column("name")] },
        Rule::Matches { column: column("name"), pattern: Arc::new(Pattern::new("[a-z]+").unwrap()) },
        Rule::Between { column: column("id"), least: Some(Bound::Whole(0)), most: Some(Bound::Whole(99)) },
        Rule::Between { column: column("price"), least: None, most: Some(Bound::Real(9.5)) },
        Rule::Fresh { column: column("to"), now: moment(NOW).unwrap(), within },
        Rule::Related { left: column("from"), relation: Relation::Less, right: column("to") },
    ])
}

fn checker(checks: Vec<Check>) -> Checker {
    Checker::new(checks, Settings { show: true, ..Settings::default() }).unwrap()
}

fn from_csv(text: &str) -> Result<Vec<Outcome>, CheckError> {
    source::csv::check(text.as_bytes(), checker(checks()))?.outcomes()
}

fn from_parquet(file: &Path, checks: Vec<Check>, threads: usize) -> Result<Vec<Outcome>, CheckError> {
    let threads = NonZeroUsize::new(threads).unwrap();
    source::parquet::check(File::open(file).unwrap(), checker(checks), threads)?.outcomes()
}

/// Of each check, how many pass, of how many.
fn counts(outcomes: &[Outcome]) -> Vec<(u64, u64)> {
    outcomes.iter().map(|outcome| (outcome.good, outcome.of)).collect()
}

const TABLE: [(&str, &str, &str, &str, &str); 5] = [
    ("7", "ana", "9.5", "2026-07-30T00:00:00Z", "2026-07-31T00:00:00Z"),
    ("8", "", "9.75", "2026-07-31T00:00:00Z", "2026-07-30T00:00:00Z"),
    ("7", "Ben", "1", "2026-07-30T00:00:00Z", "2026-07-31T12:00:00Z"),
    ("", "eve", "", "2026-07-30T00:00:00Z", ""),
    ("100", "eve", "-3.25", "", "2026-07-31T12:00:01Z"),
];

const COUNTS: [(u64, u64); 9] = [(1, 1), (4, 5), (3, 4), (3, 3), (3, 4), (3, 4), (3, 4), (2, 4), (2, 3)];

fn csv(times: usize) -> String {
    let mut text = String::from("\u{feff}id,unused,name,price,from,to\n");
    for (id, name, price, from, to) in TABLE.iter().cycle().take(TABLE.len() * times) {
        text.push_str(&format!("{id},\"a, \"\"b\"\"\",{name},{price},{from},{to}\n"));
    }
    text
}

fn parquet(times: usize, into: &Path) {
    let rows: Vec<_> = TABLE.iter().cycle().take(TABLE.len() * times).collect();
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let millis = |text: &str| moment(text.as_bytes()).map(|micros| micros / 1_000);
    let columns: [(&str, ArrayRef); 5] = [
        (
            "to",
            Arc::new(TimestampMillisecondArray::from_iter(rows.iter().map(|row| millis(row.4))).with_timezone("UTC")),
        ),
        (
            "from",
            Arc::new(TimestampMillisecondArray::from_iter(rows.iter().map(|row| millis(row.3))).with_timezone("UTC")),
        ),
        ("price", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.2.parse::<f64>().ok())))),
        ("id", Arc::new(Int16Array::from_iter(rows.iter().map(|row| row.0.parse::<i16>().ok())))),
        ("name", Arc::new(StringArray::from_iter(rows.iter().map(|row| some(row.1))))),
    ];
    write(into, columns.map(|(name, array)| (name, array, true)));
}

fn write(into: &Path, columns: impl IntoIterator<Item = (&'static str, ArrayRef, bool)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1_000)).build();
    let mut writer = ArrowWriter::try_new(File::create(into).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn csv_and_parquet_are_the_same_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.parquet");
    parquet(1, &file);
    let (one, other) = (from_csv(&csv(1)).unwrap(), from_parquet(&file, checks(), 1).unwrap());
    assert_eq!(counts(&one), COUNTS);
    assert_eq!(counts(&other), COUNTS);
    let rows = |outcomes: &[Outcome]| -> Vec<Vec<u64>> {
        outcomes.iter().map(|outcome| outcome.examples.iter().map(|example| example.row).collect()).collect()
    };
    assert_eq!(rows(&one), rows(&other));
    assert_eq!(rows(&one)[7], [1, 4]);
    assert_eq!(one[4].examples[0].value.as_deref(), Some("Ben"));
    assert_eq!(one[7].lags, other[7].lags);
}

/// Many batches, row groups and threads.
#[test]
fn threads_and_batches_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.parquet");
    parquet(4_001, &file);
    let one = from_parquet(&file, checks(), 1).unwrap();
    for threads in [2, 3, 16] {
        assert_eq!(from_parquet(&file, checks(), threads).unwrap(), one, "{threads}");
    }
    let text = from_csv(&csv(4_001)).unwrap();
    assert_eq!(counts(&text), counts(&one));
    assert_eq!(text[0].rows, 20_005);
    assert_eq!(counts(&one)[1], (4 * 4_001, 5 * 4_001));
    assert_eq!(counts(&one)[2], (3, 4 * 4_001));
}

#[test]
fn a_header_alone_is_an_empty_table() {
    let empty = from_csv("id,name,price,from,to\n").unwrap();
    assert_eq!(empty.iter().skip(1).map(Outcome::share).collect::<Vec<_>>(), [None; 8]);
    assert_eq!(empty[0].passed(), Some(false));
}

#[test]
fn rows_that_are_none_are_an_error() {
    let ragged = csv(1_000) + "1,2\n";
    assert!(matches!(from_csv(&ragged), Err(CheckError::Source { row: 5_000, .. })));
    assert!(matches!(from_csv(""), Err(CheckError::NoColumn { .. })));
    let twice = "id,name,price,from,to,id\n1,a,1,,,2\n";
    assert!(matches!(from_csv(twice), Err(CheckError::TwiceNamed { name }) if name == "id"));
    let missing = from_csv("id,name,price,from\n").unwrap_err();
    assert_eq!(missing.to_string(), "check 7: there is no column to");
}

/// A quote that is never closed makes one row of all that follows: it is refused long before that.
#[test]
fn a_row_without_end_is_an_error_and_takes_no_memory() {
    struct Counted<'c>(std::io::Chain<&'static [u8], std::io::Repeat>, &'c AtomicU64);
    impl Read for Counted<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let taken = self.0.read(into)?;
            self.1.fetch_add(taken as u64, Ordering::Relaxed);
            Ok(taken)
        }
    }
    let read = AtomicU64::new(0);
    let endless = Counted(b"id,name,price,from,to\n7,\"".chain(std::io::repeat(b'a')), &read);
    assert!(matches!(source::csv::check(endless, checker(checks())), Err(CheckError::Source { row: 0, .. })));
    assert!(read.load(Ordering::Relaxed) < 32 << 20);
    // A row of a mebibyte is one.
    let long = format!("id,name,price,from,to\n7,{},1,,\n", "a".repeat(1 << 20));
    assert_eq!(from_csv(&long).unwrap()[0].rows, 1);
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.parquet");
    parquet(300, &file);
    let bytes = std::fs::read(&file).unwrap();
    for length in [0, 3, 11, bytes.len() / 2, bytes.len() - 1] {
        File::create(&file).unwrap().write_all(&bytes[..length]).unwrap();
        assert!(matches!(from_parquet(&file, checks(), 2), Err(CheckError::Source { .. })), "{length}");
    }
    // One whose footer is whole, and whose pages are not.
    let mut torn = bytes.clone();
    torn[4..400].fill(0xff);
    File::create(&file).unwrap().write_all(&torn).unwrap();
    assert!(from_parquet(&file, checks(), 2).is_err());
}

#[test]
fn each_kind_of_parquet_is_itself_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kinds.parquet");
    let lists: ListArray = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None]);
    let decimals = Decimal128Array::from(vec![Some(1), None]).with_precision_and_scale(9, 2).unwrap();
    let day = 86_400_000_000;
    let columns: [(&str, ArrayRef, Option<Rule>); 9] = [
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None])), Some(whole("bool", 1))),
        ("u64", Arc::new(UInt64Array::from(vec![Some(7), None])), Some(whole("u64", 7))),
        ("beyond", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None])), None),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None])), Some(whole("i64", i64::MIN))),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.5), None])), Some(between("f32", Bound::Real(0.5)))),
        ("date", Arc::new(Date32Array::from(vec![Some(3), None])), Some(at("date", 3 * day))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![Some(5_000), None])), Some(at("nanos", 5))),
        ("finer", Arc::new(TimestampNanosecondArray::from(vec![Some(5_001), None])), None),
        ("list", Arc::new(lists), None),
    ];
    fn between(column: &str, bound: Bound) -> Rule {
        Rule::Between { column: column.to_owned(), least: Some(bound), most: Some(bound) }
    }
    fn whole(column: &str, bound: i64) -> Rule {
        between(column, Bound::Whole(bound))
    }
    fn at(column: &str, micros: i64) -> Rule {
        Rule::Fresh { column: column.to_owned(), now: micros, within: 0 }
    }
    write(&file, columns.iter().map(|(name, array, _)| (*name, Arc::clone(array), true)));
    for (name, _, rule) in columns {
        match rule {
            Some(rule) => assert_eq!(counts(&from_parquet(&file, named([rule]), 1).unwrap()), [(1, 1)], "{name}"),
            None => {
                let rule = Rule::Present { column: name.to_owned() };
                let refused = from_parquet(&file, named([rule]), 1);
                assert!(matches!(refused, Err(CheckError::Unsupported { column }) if column == name), "{name}");
            }
        }
    }
    write(&file, [("decimal", Arc::new(decimals) as ArrayRef, true)]);
    let refused = from_parquet(&file, named([Rule::Present { column: "decimal".to_owned() }]), 1);
    assert!(matches!(refused, Err(CheckError::Unsupported { .. })));
    // Which of two columns of one name is meant, nobody knows.
    let twice = |value| ("twice", Arc::new(Int64Array::from(vec![value])) as ArrayRef, true);
    write(&file, [twice(1), twice(2)]);
    let refused = from_parquet(&file, named([whole("twice", 1)]), 1);
    assert!(matches!(refused, Err(CheckError::TwiceNamed { name }) if name == "twice"));
    write(&file, [("i64", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef, true)]);
    // Rows alone are counted without any column.
    let rows = from_parquet(&file, named([Rule::Rows { least: 2, most: Some(2) }]), 1).unwrap();
    assert_eq!((rows[0].rows, rows[0].passed()), (2, Some(true)));
}
