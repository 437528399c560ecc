//! Sets of records with their truth.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use accordant_identity::blocking::Scope;
use accordant_identity::testing;

use super::splink::Yardsticks;
use super::truth::Known;

/// Records and what is known of them.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) truth: Known,
    pub(super) scope: Scope,
    /// Whether predicting with a stored model is timed as well.
    pub(super) again: bool,
    /// The script of the yardsticks that links the same set, and its arguments.
    pub(super) script: Vec<String>,
}

/// A public set of two files.
pub(super) fn public(yardsticks: &Yardsticks, name: &str) -> Result<Set, Box<dyn Error>> {
    let (folder, left, right, truth, script): (_, _, _, _, &[&str]) = match name {
        "febrl4" => ("febrl", "febrl4a", "febrl4b", "febrl4_truth", &["splink_febrl4.py", "detailed", "1e6"]),
        "dblp_acm" => ("dblp_acm", "dblp", "acm", "truth", &["splink_pair.py", "dblp_acm", "2e5"]),
        _ => ("abt_buy", "abt", "buy", "truth", &["splink_pair.py", "abt_buy"]),
    };
    let folder = yardsticks.records().join("data").join(folder);
    let read = |file: &str| fs::read(folder.join(format!("{file}.csv")));
    let mut pairs = HashSet::new();
    for (a, b) in two_columns(&folder.join(format!("{truth}.csv")))? {
        pairs.insert((a, b));
    }
    Ok(Set {
        name: name.to_owned(),
        files: vec![(left.to_owned(), read(left)?), (right.to_owned(), read(right)?)],
        truth: Known::Pairs(pairs),
        scope: Scope::Across,
        again: false,
        script: script.iter().map(|word| (*word).to_owned()).collect(),
    })
}

/// Customers as the yardsticks generate them.
pub(super) fn customers(yardsticks: &Yardsticks, records: usize, seed: u64) -> Result<Set, Box<dyn Error>> {
    let folder = yardsticks.generate(records, seed)?;
    // That a record names another is no value of its own; Splink is not shown it either.
    let bytes = without_column(&fs::read(folder.join(format!("customers_{records}.csv")))?, "xref")?;
    let truth = two_columns(&folder.join(format!("customers_{records}_truth.csv")))?.into_iter().collect();
    Ok(Set {
        name: format!("customers of the yardsticks, seed {seed}"),
        files: vec![("customers".to_owned(), bytes)],
        truth: Known::Entities(truth),
        scope: Scope::Within,
        again: true,
        script: vec!["splink_customers.py".to_owned(), records.to_string(), "1e7".to_owned()],
    })
}

/// Customers that this library generates.
pub(super) fn generated(records: usize, seed: u64) -> Set {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut truth = HashMap::new();
    // Writing to memory does not fail.
    drop(out.write_record(std::iter::once("id").chain(testing::COLUMNS)));
    for record in testing::customers(records, seed) {
        drop(out.write_record(std::iter::once(&record.id).chain(&record.values)));
        truth.insert(record.id, record.entity.to_string());
    }
    Set {
        name: format!("customers of our own, seed {seed}"),
        files: vec![("customers".to_owned(), out.into_inner().unwrap_or_default())],
        truth: Known::Entities(truth),
        scope: Scope::Within,
        again: true,
        script: Vec::new(),
    }
}

fn two_columns(path: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for record in csv::Reader::from_path(path)?.records() {
        let record = record?;
        rows.push((record.get(0).unwrap_or_default().to_owned(), record.get(1).unwrap_or_default().to_owned()));
    }
    Ok(rows)
}

fn without_column(bytes: &[u8], column: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut out = csv::Writer::from_writer(Vec::with_capacity(bytes.len()));
    let mut place = usize::MAX;
    for record in reader.byte_records() {
        let record = record?;
        if out.get_ref().is_empty() && place == usize::MAX {
            place = record.iter().position(|name| name == column.as_bytes()).unwrap_or(record.len());
        }
        out.write_record(record.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, value)| value))?;
    }
    Ok(out.into_inner()?)
}
