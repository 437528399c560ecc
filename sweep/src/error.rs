//! Why a sweep, or the reading of a snapshot, ended early. Names systems, rows and columns, never a value.

use std::io;

use thiserror::Error;

/// Why a snapshot cannot be read. Rows are counted from 0 on, from the beginning of the snapshot or from where a sweep went on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file cannot be opened or read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It does not end as a whole file ends: with a line break, and outside of quotes.
    #[error("it was cut off: its last row does not end")]
    CutOff,
    /// It is another than the one that a checkpoint was taken of, or was written to while it was read.
    #[error("it is not what it was when it was first read")]
    Replaced,
    /// There is no such column.
    #[error("there is no column {column}")]
    NoColumn {
        /// The column.
        column: String,
    },
    /// Two columns have one name.
    #[error("two columns are called {column}")]
    TwiceNamed {
        /// The name.
        column: String,
    },
    /// A row has more or fewer cells than there are columns.
    #[error("row {row} has not one cell for each of {columns} columns")]
    Width {
        /// The row.
        row: u64,
        /// How many columns there are.
        columns: usize,
    },
    /// A row is longer than any may be.
    #[error("row {row} is longer than {most} bytes: is a quote not closed?")]
    TooLong {
        /// The row.
        row: u64,
        /// How long it may be.
        most: usize,
    },
    /// A row has no key: it is null, empty, or neither a text nor a number.
    #[error("row {row} has no key in column {column}")]
    NoKey {
        /// The row.
        row: u64,
        /// The column of keys.
        column: String,
    },
    /// A line is no JSON object.
    #[error("row {row} is no JSON object")]
    NotJson {
        /// The row.
        row: u64,
    },
    /// A cell that has to be shown is not UTF-8.
    #[error("column {column} of row {row} is not UTF-8")]
    NotText {
        /// The row.
        row: u64,
        /// The column.
        column: String,
    },
    /// It is no file of its format.
    #[error("row {row} and those behind it cannot be read")]
    Malformed {
        /// The first row that cannot be read.
        row: u64,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A column holds lists, structures, bytes or something else that is not one text.
    #[error("column {column} has values that are not compared")]
    Unsupported {
        /// The column.
        column: String,
    },
    /// A database does not answer, or answers otherwise than it was asked.
    #[error("the database answers {state}")]
    Database {
        /// The state that it names (SQLSTATE), or that there is no connection.
        state: String,
    },
}

/// Why a sweep ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A snapshot cannot be read.
    #[error("the snapshot of {system}: {source}")]
    Snapshot {
        /// The system.
        system: String,
        /// Why.
        source: SnapshotError,
    },
    /// A snapshot that was declared sorted, or was found sorted before, is not.
    #[error("the snapshot of {system} is not sorted: row {row} comes too late")]
    Unsorted {
        /// The system.
        system: String,
        /// The row that should have come before.
        row: u64,
    },
    /// There are fewer than two snapshots, or more than 65 535.
    #[error("a sweep compares two snapshots or more, and these are {snapshots}")]
    Snapshots {
        /// How many there are.
        snapshots: usize,
    },
    /// Two snapshots, or two attributes, have one name.
    #[error("the name {name} is given twice")]
    TwiceNamed {
        /// The name.
        name: String,
    },
    /// A side maps an attribute that the sweep does not compare.
    #[error("{system} maps {attribute}, which is not compared")]
    NoAttribute {
        /// The system.
        system: String,
        /// The attribute.
        attribute: String,
    },
    /// The checkpoint is of a sweep of other snapshots, attributes or keys.
    #[error("the checkpoint is of another sweep")]
    OtherSweep,
    /// What memory has no room for cannot be kept in a file, or not be read again.
    #[error("rows that memory has no room for cannot be kept in a file")]
    Spill(#[source] io::Error),
    /// It failed before: go on from a checkpoint that was taken until then.
    #[error("the sweep has failed before")]
    Failed,
}
