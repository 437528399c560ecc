//! Sets of records with their truth.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use accordant_identity::attribute::Entities;
use accordant_identity::blocking::Scope;
use accordant_identity::csv_table::{self, Source};
use accordant_identity::table::Table;
use accordant_identity::testing;

use super::splink::Yardsticks;
use super::truth::Known;

/// Records and what is known of them.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) files: Vec<(String, Bytes)>,
    /// Read once the linking is over: what is known is no part of what linking takes.
    pub(super) truth: ReadTruth,
    pub(super) scope: Scope,
    /// What its records are of: those who generate customers count the contacts of a company as one.
    pub(super) entities: Entities,
    /// Whether predicting with a stored model is timed as well.
    pub(super) again: bool,
    /// The script of the yardsticks that links the same set, and its arguments.
    pub(super) script: Vec<String>,
}

/// Reads what is known to be true of a set.
pub(super) type ReadTruth = Box<dyn Fn() -> Result<Known, Box<dyn Error>>>;

/// The bytes of a file.
pub(super) enum Bytes {
    Held(Vec<u8>),
    At(PathBuf),
}

impl Bytes {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Held(bytes) => Box::new(bytes.as_slice()),
            Self::At(path) => Box::new(File::open(path)?),
        })
    }
}

impl Set {
    /// Its records.
    pub(super) fn read(&self) -> Result<Table, Box<dyn Error>> {
        let sources = self.files.iter().map(|(name, bytes)| Ok(Source { name: name.clone(), bytes: bytes.open()? }));
        let sources = sources.collect::<io::Result<Vec<_>>>()?;
        let mut table = csv_table::read(sources, None)?;
        table.hold(self.entities);
        Ok(table)
    }
}

/// A public set of two files.
pub(super) fn public(yardsticks: &Yardsticks, name: &str) -> Result<Set, Box<dyn Error>> {
    let (folder, left, right, truth, script): (_, _, _, _, &[&str]) = match name {
        "febrl4" => ("febrl", "febrl4a", "febrl4b", "febrl4_truth", &["splink_febrl4.py", "detailed", "1e6"]),
        "dblp_acm" => ("dblp_acm", "dblp", "acm", "truth", &["splink_pair.py", "dblp_acm", "2e5"]),
        _ => ("abt_buy", "abt", "buy", "truth", &["splink_pair.py", "abt_buy"]),
    };
    let folder = yardsticks.records().join("data").join(folder);
    let file = |name: &str| folder.join(format!("{name}.csv"));
    let truth = file(truth);
    Ok(Set {
        name: name.to_owned(),
        files: vec![(left.to_owned(), Bytes::At(file(left))), (right.to_owned(), Bytes::At(file(right)))],
        truth: Box::new(move || Ok(Known::Pairs(two_columns(&truth)?.into_iter().collect::<HashSet<_>>()))),
        scope: Scope::Across,
        entities: Entities::Persons,
        again: false,
        script: script.iter().map(|word| (*word).to_owned()).collect(),
    })
}

/// Customers as the yardsticks generate them.
pub(super) fn customers(yardsticks: &Yardsticks, records: usize, seed: u64) -> Result<Set, Box<dyn Error>> {
    let folder = yardsticks.generate(records, seed)?;
    // That a record names another is no value of its own; Splink is not shown it either.
    let plain = folder.join(format!("customers_{records}_plain.csv"));
    copy_without_column(&folder.join(format!("customers_{records}.csv")), "xref", &plain)?;
    let truth = folder.join(format!("customers_{records}_truth.csv"));
    Ok(Set {
        name: format!("customers of the yardsticks, seed {seed}"),
        files: vec![("customers".to_owned(), Bytes::At(plain))],
        truth: Box::new(move || Ok(Known::Entities(two_columns(&truth)?.into_iter().collect()))),
        scope: Scope::Within,
        entities: Entities::Accounts,
        again: true,
        script: vec!["splink_customers.py".to_owned(), records.to_string(), "1e7".to_owned()],
    })
}

/// Customers that this library generates.
pub(super) fn generated(records: usize, seed: u64) -> Set {
    let mut out = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    drop(out.write_record(std::iter::once("id").chain(testing::COLUMNS)));
    for record in testing::customers(records, seed) {
        drop(out.write_record(std::iter::once(&record.id).chain(&record.values)));
    }
    let entities =
        move || testing::customers(records, seed).into_iter().map(|record| (record.id, record.entity.to_string()));
    Set {
        name: format!("customers of our own, seed {seed}"),
        files: vec![("customers".to_owned(), Bytes::Held(out.into_inner().unwrap_or_default()))],
        truth: Box::new(move || Ok(Known::Entities(entities().collect::<HashMap<_, _>>()))),
        scope: Scope::Within,
        entities: Entities::Accounts,
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

fn copy_without_column(from: &Path, column: &str, to: &Path) -> Result<(), Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(from)?;
    let mut out = csv::Writer::from_path(to)?;
    let mut place = None;
    for record in reader.byte_records() {
        let record = record?;
        let place = *place
            .get_or_insert_with(|| record.iter().position(|name| name == column.as_bytes()).unwrap_or(record.len()));
        out.write_record(record.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, value)| value))?;
    }
    Ok(out.flush()?)
}
