//! Tables from CSV: the id in the first column, the names of columns in the first line.
//!
//! One row is held at a time, beside a sample of the first rows, which ends after so many rows or so many bytes.

use std::borrow::Cow;
use std::io::Read;

use smallvec::SmallVec;

use crate::attribute::{Attribute, Kind, Schema};
use crate::columns;
use crate::sniff;
use crate::table::Table;

/// How many rows are looked at to see what columns hold.
const SAMPLE: usize = 2_000;
/// No further row is kept for the sample once it has so many bytes.
const SAMPLE_BYTES: usize = 16 << 20;
/// So many bytes of a value are looked at to see what its column holds.
const LOOKED_AT: usize = 1_024;

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
    /// The files have no column in common: none of one name, and none that holds the same kind of thing.
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

/// Reads files into one table; kinds are read off names and values unless `schema` says what they are.
///
/// Which columns of two files are one is said by [`columns::pair`]; the table has those that all files have, under the names of the first
/// file. With a `schema`, a column is found by its name, however that is written.
///
/// # Errors
///
/// [`ReadError`] names the file. Lines of too few or too many columns are read as far as they go.
pub fn read<R: Read>(sources: Vec<Source<R>>, schema: Option<Schema>) -> Result<Table, ReadError> {
    let mut opened = Vec::new();
    for source in sources {
        opened.push(open(source)?);
    }
    let (schema, places) = match schema {
        Some(schema) => {
            let places = opened.iter().map(|file| found(&schema, &file.columns)).collect();
            (schema, places)
        }
        None => sniffed(&opened)?,
    };
    let mut table = Table::new(schema);
    for (file, columns) in opened.into_iter().zip(places) {
        let attributes = &table.layout().schema.attributes;
        let of_system = attributes.iter().position(|attribute| attribute.kind == Kind::System);
        let Opened { name, mut reader, sample, .. } = file;
        let mut push = |record: &csv::ByteRecord| {
            // Nearly all records are in UTF-8, which is seen faster of all values at once.
            let whole = str::from_utf8(record.as_slice()).ok();
            let value = |place: usize| {
                let part = record.range(place).and_then(|range| whole?.get(range));
                part.map_or_else(|| read_text(record.get(place).unwrap_or_default()), Cow::Borrowed)
            };
            let id = value(0);
            let text: SmallVec<[Cow<'_, str>; 16]> =
                columns.iter().map(|column| column.map_or(Cow::Borrowed(""), |column| value(column + 1))).collect();
            let told = of_system.and_then(|place| text.get(place)).is_some_and(|system| !system.is_empty());
            table.push(&id, if told { "" } else { &name }, &text);
        };
        sample.iter().for_each(&mut push);
        drop(sample);
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
    let (mut sample, mut bytes) = (Vec::new(), 0);
    while sample.len() < SAMPLE && bytes < SAMPLE_BYTES {
        let mut record = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(fault)? {
            break;
        }
        bytes += record.as_slice().len();
        sample.push(record);
    }
    Ok(Opened { name, columns, reader, sample })
}

/// A value as text, what is not in UTF-8 replaced.
fn read_text(value: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(value)
}

/// By attribute of a schema, where a file has it: a column of the very same name, or else of the same plain one.
fn found(schema: &Schema, columns: &[String]) -> Vec<Option<usize>> {
    let plain: Vec<String> = columns.iter().map(|column| sniff::plain(column)).collect();
    let find = |attribute: &Attribute| {
        let same = columns.iter().position(|column| *column == attribute.name);
        same.or_else(|| plain.iter().position(|column| *column == sniff::plain(&attribute.name)))
    };
    schema.attributes.iter().map(find).collect()
}

/// By file and attribute of the schema, the column that holds it.
type Places = Vec<Vec<Option<usize>>>;

/// The columns that all files have, with the kinds that they look like.
fn sniffed<R>(opened: &[Opened<R>]) -> Result<(Schema, Places), ReadError> {
    let text = |record: &csv::ByteRecord, place: usize| {
        let value = record.get(place).unwrap_or_default();
        String::from_utf8_lossy(&value[..value.len().min(LOOKED_AT)]).into_owned()
    };
    let Some(first) = opened.first() else { return Ok((Schema::default(), Vec::new())) };
    let mut ids: Vec<String> =
        opened.iter().flat_map(|file| file.sample.iter().map(|record| text(record, 0))).collect();
    ids.sort_unstable();
    let rows = |file: &Opened<R>, places: &[usize]| -> Vec<Vec<String>> {
        let row = |record: &csv::ByteRecord| places.iter().map(|place| text(record, place + 1)).collect();
        file.sample.iter().map(row).collect()
    };
    let alone = |file: &Opened<R>| {
        let places: Vec<usize> = (0..file.columns.len()).collect();
        sniff::schema(&file.columns, &rows(file, &places), &ids).attributes
    };
    let paired = columns::pair(&opened.iter().map(alone).collect::<Vec<_>>());
    if let (true, Some(other)) = (paired.is_empty(), opened.get(1)) {
        return Err(ReadError::NothingInCommon { left: first.name.clone(), right: other.name.clone() });
    }
    let names: Vec<String> = paired.iter().map(|paired| first.columns[paired.places[0]].clone()).collect();
    let of_file = |file: usize| paired.iter().map(|paired| paired.places[file]).collect::<Vec<_>>();
    let all: Vec<Vec<String>> =
        opened.iter().enumerate().flat_map(|(number, file)| rows(file, &of_file(number))).collect();
    let mut schema = sniff::schema(&names, &all, &ids);
    for (attribute, paired) in schema.attributes.iter_mut().zip(&paired) {
        attribute.kind = paired.kind.unwrap_or(attribute.kind);
    }
    let places = (0..opened.len()).map(|file| of_file(file).into_iter().map(Some).collect()).collect();
    Ok((schema, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of so many bytes each, made as they are read.
    struct Rows {
        left: usize,
        bytes: usize,
        held: Vec<u8>,
    }

    impl Read for Rows {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            if self.held.is_empty() && self.left > 0 {
                self.left -= 1;
                self.held = format!("{},{}\n", self.left, "x".repeat(self.bytes)).into_bytes();
            }
            let many = self.held.len().min(out.len());
            out[..many].copy_from_slice(&self.held[..many]);
            self.held.drain(..many);
            Ok(many)
        }
    }

    #[test]
    fn a_sample_ends_after_so_many_rows_or_bytes() {
        for (bytes, left, sampled) in [(10, 9, 9), (10, 3_000, SAMPLE), (1 << 20, 40, 16), (20 << 20, 3, 1)] {
            let rows = Rows { left, bytes, held: b"id,text\n".to_vec() };
            let opened = open(Source { name: "rows".into(), bytes: rows }).expect("it can be read");
            assert_eq!(opened.sample.len(), sampled, "{left} rows of {bytes} bytes");
        }
        let rows = Rows { left: 30, bytes: 1 << 20, held: b"id,text\n".to_vec() };
        let table = read(vec![Source { name: "rows".into(), bytes: rows }], None).expect("it can be read");
        assert_eq!(table.rows(), 30, "what is no part of the sample is read all the same");
    }
}
