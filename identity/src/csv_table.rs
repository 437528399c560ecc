//! Tables from CSV: the id in the first column, the names of columns in the first line.

use std::borrow::Cow;
use std::io::Read;

use crate::attribute::{Kind, Schema};
use crate::sniff;
use crate::table::Table;

/// How many rows are looked at to see what columns hold.
const SAMPLE: usize = 2_000;

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is no CSV, or cannot be read.
    #[error("{name} cannot be read as CSV")]
    Csv {
        /// The name of the file.
        name: String,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// The file has no column beside the id.
    #[error("{name} has no column beside the id")]
    NoColumns {
        /// The name of the file.
        name: String,
    },
    /// The files have no column in common.
    #[error("{left} and {right} have no column in common")]
    NothingInCommon {
        /// The name of the one file.
        left: String,
        /// The name of the other.
        right: String,
    },
}

/// A file to be read.
#[derive(Debug)]
pub struct Source<R> {
    /// Its name, which is the name of its system unless a column says otherwise.
    pub name: String,
    /// Its bytes.
    pub bytes: R,
}

struct Opened<R> {
    name: String,
    columns: Vec<String>,
    reader: csv::Reader<R>,
    sample: Vec<csv::ByteRecord>,
}

/// Reads one or two files into one table; kinds are read off names and values unless `schema` says what they are.
///
/// # Errors
///
/// [`ReadError`] names the file. Lines of too few or too many columns are read as far as they go.
pub fn read<R: Read>(sources: Vec<Source<R>>, schema: Option<Schema>) -> Result<Table, ReadError> {
    let mut opened = Vec::new();
    for source in sources {
        opened.push(open(source)?);
    }
    let schema = match schema {
        Some(schema) => schema,
        None => sniffed(&opened)?,
    };
    let mut table = Table::new(schema);
    for file in opened {
        let columns: Vec<Option<usize>> =
            table.layout().schema.attributes.iter().map(|attribute| find(&file.columns, &attribute.name)).collect();
        let attributes = &table.layout().schema.attributes;
        let of_system = attributes.iter().position(|attribute| attribute.kind == Kind::System);
        let Opened { name, mut reader, sample, .. } = file;
        let mut push = |record: &csv::ByteRecord| {
            let mut text = Vec::with_capacity(columns.len());
            let id = read_text(record.get(0).unwrap_or_default());
            for column in &columns {
                let value = column.and_then(|column| record.get(column + 1)).unwrap_or_default();
                text.push(read_text(value));
            }
            let told = of_system.and_then(|place| text.get(place)).is_some_and(|system| !system.is_empty());
            table.push(&id, if told { "" } else { &name }, &text);
        };
        sample.iter().for_each(&mut push);
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|source| ReadError::Csv { name: name.clone(), source })? {
            push(&record);
        }
    }
    Ok(table)
}

fn open<R: Read>(source: Source<R>) -> Result<Opened<R>, ReadError> {
    let Source { name, bytes } = source;
    let mut reader = csv::ReaderBuilder::new().flexible(true).buffer_capacity(1 << 18).from_reader(bytes);
    let fault = |source| ReadError::Csv { name: name.clone(), source };
    let header = reader.byte_headers().map_err(fault)?.clone();
    let columns: Vec<String> =
        header.iter().skip(1).map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    if columns.is_empty() {
        return Err(ReadError::NoColumns { name });
    }
    let mut sample = Vec::new();
    for record in reader.byte_records().take(SAMPLE) {
        sample.push(record.map_err(fault)?);
    }
    Ok(Opened { name, columns, reader, sample })
}

/// A value as text. Most are in UTF-8, which is seen faster than what to put in place of what is not.
fn read_text(value: &[u8]) -> Cow<'_, str> {
    str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed)
}

fn find(columns: &[String], name: &str) -> Option<usize> {
    columns.iter().position(|column| column == name)
}

/// The columns that all files have, with the kinds that they look like.
fn sniffed<R>(opened: &[Opened<R>]) -> Result<Schema, ReadError> {
    let text = |record: &csv::ByteRecord, place: usize| {
        let value = record.get(place).unwrap_or_default();
        String::from_utf8_lossy(&value[..value.len().min(1024)]).into_owned()
    };
    let Some((first, others)) = opened.split_first() else { return Ok(Schema::default()) };
    let shared: Vec<String> = first
        .columns
        .iter()
        .filter(|name| others.iter().all(|file| find(&file.columns, name).is_some()))
        .cloned()
        .collect();
    if let (true, Some(other)) = (shared.is_empty(), others.first()) {
        return Err(ReadError::NothingInCommon { left: first.name.clone(), right: other.name.clone() });
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for file in opened {
        let places: Vec<usize> = shared.iter().filter_map(|name| find(&file.columns, name)).collect();
        for record in &file.sample {
            rows.push(places.iter().map(|place| text(record, place + 1)).collect());
            ids.push(text(record, 0));
        }
    }
    ids.sort_unstable();
    Ok(sniff::schema(&shared, &rows, &ids))
}
