//! Parquet files, column by column: no more is read than is looked at.

use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::chunks::Chunks;
use super::convert::{make, show};
use crate::check::{Batch, CheckError, Checker};

/// How many rows are shown to the checks at once.
const ROWS: usize = 8_192;

/// Checks all rows, on so many threads. Checks of the same columns are made together, and others beside them; the answer does
/// not depend on it.
///
/// # Errors
///
/// [`CheckError::Source`] if it is no Parquet file, or cannot be read; [`CheckError::NoColumn`] if it has not got a column that is
/// looked at, [`CheckError::TwiceNamed`] if it has two of its name, [`CheckError::Unsupported`] if one holds lists, structures, decimals, bytes, or moments finer than a microsecond;
/// and what [`Checker::take`] answers. The checker is gone then: what it had seen is not that of a table.
pub fn check(file: File, checker: Checker, threads: NonZeroUsize) -> Result<Checker, CheckError> {
    let chunks = Chunks::of(file).map_err(|error| failed(0, error))?;
    // The types of Parquet itself: what another program kept besides does not change what a column is.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = ArrowReaderMetadata::load(&chunks, options).map_err(|error| failed(0, error))?;
    let table = Table { chunks, metadata };
    let (checker, parts) = checker.apart();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // What takes longest begins first.
    order.sort_by_key(|part| std::cmp::Reverse(table.weight(&parts[*part].1)));
    let parts: Vec<Mutex<Option<Part>>> = parts.into_iter().map(|part| Mutex::new(Some(Ok(part)))).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(part) = order.get(next.fetch_add(1, Ordering::Relaxed)).and_then(|part| parts.get(*part)) {
            let taken = part.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(Ok((places, mut checker))) = taken {
                let checked = table.check(&mut checker).map(|()| (places, checker));
                *part.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
            }
        }
    };
    thread::scope(|scope| {
        let working: Vec<_> = (0..threads.get().min(parts.len())).map(|_| scope.spawn(work)).collect();
        for thread in working {
            // One that ended badly has left its part behind.
            let _ended = thread.join();
        }
    });
    let parts = parts.into_iter().map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner));
    // A part that is missing was taken by a thread that did not come back with it: it met pages that cannot be.
    let parts = parts.map(|part| part.unwrap_or(Err(CheckError::Broken))).collect::<Result<Vec<_>, _>>()?;
    checker.together(parts)
}

type Part = Result<(Vec<usize>, Checker), CheckError>;

fn failed(row: u64, error: impl std::error::Error + Send + Sync + 'static) -> CheckError {
    CheckError::Source { row, source: Box::new(error) }
}

struct Table {
    chunks: Chunks,
    metadata: ArrowReaderMetadata,
}

impl Table {
    fn roots(&self, column: &str) -> impl Iterator<Item = usize> {
        let fields = self.metadata.schema().fields().iter().enumerate();
        fields.filter(move |(_, field)| field.name() == column).map(|(place, _)| place)
    }

    /// How many bytes the checks look at. Keys are looked at again and again.
    fn weight(&self, checker: &Checker) -> i64 {
        let columns: Vec<_> = checker.columns().filter_map(|(_, column)| self.roots(column).next()).collect();
        let parquet = self.metadata.metadata();
        let size = |root: &usize| -> i64 {
            let leaf = (0..self.metadata.parquet_schema().num_columns())
                .find(|leaf| self.metadata.parquet_schema().get_column_root_idx(*leaf) == *root);
            let groups = parquet.row_groups().iter();
            // A footer may say anything.
            let sizes = |leaf| groups.map(move |group| group.column(leaf).uncompressed_size());
            leaf.map_or(0, |leaf| sizes(leaf).fold(0, i64::saturating_add))
        };
        let bytes = columns.iter().map(size).fold(0, i64::saturating_add);
        if checker.has_keys() { bytes.saturating_mul(4) } else { bytes }
    }

    fn check(&self, checker: &mut Checker) -> Result<(), CheckError> {
        let mut columns: Vec<(String, usize)> = Vec::new();
        for (check, column) in checker.columns() {
            let none = || CheckError::NoColumn { check: check.to_owned(), column: column.to_owned() };
            let mut roots = self.roots(column);
            let root = roots.next().ok_or_else(none)?;
            if roots.next().is_some() {
                return Err(CheckError::TwiceNamed { name: column.to_owned() });
            }
            if !columns.iter().any(|(held, _)| held == column) {
                columns.push((column.to_owned(), root));
            }
        }
        // Batches hold their columns in the order of the file.
        columns.sort_unstable_by_key(|(_, root)| *root);
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().map(|(_, root)| *root));
        let rows = self.metadata.metadata().file_metadata().num_rows();
        checker.expect(u64::try_from(rows).unwrap_or_default());
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(self.chunks.clone(), self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(ROWS)
            .build()
            .map_err(|error| failed(0, error))?;
        let mut row = 0;
        for batch in reader {
            let read = batch.map_err(|error| failed(row, error))?;
            row += read.num_rows() as u64;
            let made: Option<Vec<_>> = read.columns().iter().map(|array| make(array.as_ref())).collect();
            let unsupported = |place: usize| CheckError::Unsupported { column: columns[place].0.clone() };
            let Some(made) = made else {
                let place = read.columns().iter().position(|array| make(array.as_ref()).is_none());
                return Err(unsupported(place.unwrap_or_default()));
            };
            let mut batch = Batch::of(read.num_rows());
            for (place, ((name, _), (array, made))) in columns.iter().zip(read.columns().iter().zip(&made)).enumerate()
            {
                let column = show(array.as_ref(), made).ok_or_else(|| unsupported(place))?;
                batch = batch.with(name, column)?;
            }
            checker.take(&batch)?;
        }
        Ok(())
    }
}
