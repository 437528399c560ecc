//! Parquet: the columns that are looked at, decoded, and packed into rows.
//!
//! Instants are RFC 3339, in UTC where the file says so, dates are ISO 8601, decimals have all their digits, and numbers are as
//! short as they can be told apart.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use accordant::chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

use super::csv::place_of;
use super::file::Source;
use super::packed::{pack, unpack};
use crate::batch::Batch;
use crate::error::SnapshotError;
use crate::snapshot::{Cell, Resumes, Snapshot, Start, Wanted};

/// Rows that are decoded at once.
const ROWS: usize = 1_024;

/// A Parquet file.
pub struct Parquet {
    source: Source,
    wanted: Wanted,
    names: Vec<String>,
    rows: u64,
    reader: Option<(File, ParquetRecordBatchReader)>,
    /// What was decoded last, the columns as they are wanted, and the next row of it.
    decoded: Option<(Vec<Option<ArrayRef>>, usize, usize)>,
    row: u64,
    begun: u64,
}

impl std::fmt::Debug for Parquet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parquet").field("source", &self.source).field("row", &self.row).finish_non_exhaustive()
    }
}

impl Parquet {
    /// This file.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let wanted = Wanted::default();
        let source = Source::of(path);
        Self { source, wanted, names: Vec::new(), rows: 0, reader: None, decoded: None, row: 0, begun: 0 }
    }

    fn builder(
        &mut self,
        version: Option<&str>,
    ) -> Result<(File, ParquetRecordBatchReaderBuilder<File>), SnapshotError> {
        let file = self.source.open(version)?;
        let read = file.try_clone().map_err(SnapshotError::Read)?;
        // The types of Parquet itself: what another program kept besides does not change what a column is.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(read, options);
        Ok((file, builder.map_err(|error| malformed(0, error))?))
    }

    /// The key, and then the cells, in the order that is wanted.
    fn columns(&self) -> impl Iterator<Item = Option<&str>> {
        [Some(self.wanted.key.as_str())].into_iter().chain(self.wanted.columns.iter().map(Option::as_deref))
    }

    fn arrange(&self, decoded: &RecordBatch) -> Result<Vec<Option<ArrayRef>>, SnapshotError> {
        let column = |name: Option<&str>| {
            let none = |name: &str| SnapshotError::NoColumn { column: name.to_owned() };
            name.map(|name| decoded.column_by_name(name).cloned().ok_or_else(|| none(name))).transpose()
        };
        self.columns().map(column).collect()
    }
}

fn malformed(row: u64, error: impl std::error::Error + Send + Sync + 'static) -> SnapshotError {
    SnapshotError::Malformed { row, source: Box::new(error) }
}

impl Snapshot for Parquet {
    fn bind(&mut self, wanted: &Wanted) -> Result<Option<String>, SnapshotError> {
        let (_, builder) = self.builder(None)?;
        self.names = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        self.rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        self.wanted = wanted.clone();
        for column in self.columns().flatten() {
            let field = builder.schema().field(place_of(&self.names, column)?);
            if !is_told(field.data_type()) {
                return Err(SnapshotError::Unsupported { column: column.to_owned() });
            }
        }
        Ok(Some(format!("packed {}", self.wanted.columns.len())))
    }

    fn begin(&mut self, start: &Start<'_>) -> Result<(), SnapshotError> {
        let (file, builder) = self.builder(start.version)?;
        let places = self.columns().flatten().map(|column| place_of(&self.names, column));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), places);
        let offset = usize::try_from(start.place).map_err(|_| SnapshotError::Replaced)?;
        let reader = builder.with_projection(mask).with_batch_size(ROWS).with_offset(offset).build();
        self.reader = Some((file, reader.map_err(|error| malformed(start.row, error))?));
        (self.decoded, self.row, self.begun) = (None, start.place, start.place);
        Ok(())
    }

    fn next(&mut self, batch: &mut Batch) -> Result<bool, SnapshotError> {
        batch.begin(self.row);
        let (mut key, mut row) = (Vec::new(), Vec::new());
        loop {
            let Some((columns, next, len)) = &mut self.decoded else {
                let Some((file, reader)) = &mut self.reader else { return Ok(!batch.is_empty()) };
                match reader.next() {
                    Some(decoded) => {
                        let decoded = decoded.map_err(|error| malformed(self.row, error))?;
                        self.decoded = Some((self.arrange(&decoded)?, 0, decoded.num_rows()));
                        continue;
                    }
                    None => {
                        self.source.unchanged(file)?;
                        if self.row < self.rows {
                            return Err(SnapshotError::CutOff);
                        }
                        self.reader = None;
                        return Ok(!batch.is_empty());
                    }
                }
            };
            while *next < *len && !batch.is_full() {
                row.clear();
                let mut text = String::new();
                for (place, column) in columns.iter().enumerate() {
                    let told = match column.as_ref().filter(|column| column.is_valid(*next)) {
                        Some(column) => {
                            text.clear();
                            let name = || self.wanted.columns.get(place.wrapping_sub(1)).and_then(Clone::clone);
                            let name = || name().unwrap_or_else(|| self.wanted.key.clone());
                            tell(column, *next, &mut text)
                                .ok_or_else(|| SnapshotError::Unsupported { column: name() })?;
                            Some(text.as_bytes())
                        }
                        None => None,
                    };
                    if place > 0 {
                        pack(told, &mut row);
                        continue;
                    }
                    key.clear();
                    key.extend_from_slice(told.unwrap_or_default());
                    if key.is_empty() {
                        return Err(SnapshotError::NoKey { row: self.row, column: self.wanted.key.clone() });
                    }
                }
                if !batch.push(&key, &row) {
                    return Err(SnapshotError::TooLong { row: self.row, most: crate::batch::LONGEST });
                }
                *next += 1;
                self.row += 1;
            }
            if next == len {
                self.decoded = None;
            }
            if batch.is_full() {
                return Ok(true);
            }
        }
    }

    fn cut<'r>(&self, row: &'r [u8], number: u64, cells: &mut Vec<Cell<'r>>) -> Result<(), SnapshotError> {
        unpack(row, number, cells)
    }

    fn place(&self) -> u64 {
        self.row
    }

    fn resumes(&self) -> Resumes {
        Resumes::ByPlace
    }

    fn version(&self) -> String {
        self.source.version()
    }

    fn extent(&self) -> (u64, Option<u64>) {
        (self.row, Some(self.rows))
    }
}

/// Whether values of a type can be told.
const fn is_told(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal128(..)
            | DataType::Date32
            | DataType::Timestamp(..)
    )
}

/// Writes a value; nothing if it cannot be told.
fn tell(column: &ArrayRef, row: usize, into: &mut String) -> Option<()> {
    fn number<T: ArrowPrimitiveType<Native: std::fmt::Display>>(
        column: &ArrayRef,
        row: usize,
        into: &mut String,
    ) -> Option<()> {
        write!(into, "{}", column.as_primitive::<T>().value(row)).ok()
    }
    match column.data_type() {
        DataType::Utf8 => into.push_str(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => into.push_str(column.as_string::<i64>().value(row)),
        DataType::Boolean => into.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int8 => number::<Int8Type>(column, row, into)?,
        DataType::Int16 => number::<Int16Type>(column, row, into)?,
        DataType::Int32 => number::<Int32Type>(column, row, into)?,
        DataType::Int64 => number::<Int64Type>(column, row, into)?,
        DataType::UInt8 => number::<UInt8Type>(column, row, into)?,
        DataType::UInt16 => number::<UInt16Type>(column, row, into)?,
        DataType::UInt32 => number::<UInt32Type>(column, row, into)?,
        DataType::UInt64 => number::<UInt64Type>(column, row, into)?,
        DataType::Float32 => number::<Float32Type>(column, row, into)?,
        DataType::Float64 => number::<Float64Type>(column, row, into)?,
        DataType::Decimal128(..) => into.push_str(&column.as_primitive::<Decimal128Type>().value_as_string(row)),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            let since = Days::new(u64::from(days.unsigned_abs()));
            let epoch = NaiveDate::default();
            let date = if days < 0 { epoch.checked_sub_days(since) } else { epoch.checked_add_days(since) };
            write!(into, "{}", date?).ok()?;
        }
        DataType::Timestamp(unit, zone) => {
            let at = match unit {
                TimeUnit::Second => {
                    DateTime::from_timestamp(column.as_primitive::<TimestampSecondType>().value(row), 0)?
                }
                TimeUnit::Millisecond => {
                    DateTime::from_timestamp_millis(column.as_primitive::<TimestampMillisecondType>().value(row))?
                }
                TimeUnit::Microsecond => {
                    DateTime::from_timestamp_micros(column.as_primitive::<TimestampMicrosecondType>().value(row))?
                }
                TimeUnit::Nanosecond => {
                    DateTime::from_timestamp_nanos(column.as_primitive::<TimestampNanosecondType>().value(row))
                }
            };
            let text = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            // A time of no zone is told without one.
            into.push_str(if zone.is_some() { &text } else { text.trim_end_matches('Z') });
        }
        _ => return None,
    }
    Some(())
}
