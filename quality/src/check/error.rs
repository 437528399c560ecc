//! Why checks were not made.

use std::io;

use thiserror::Error;

/// Why checks were not made. Names checks and columns, never a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// There is nothing to check.
    #[error("there are no checks")]
    NoChecks,
    /// Two checks, or two columns, have one name.
    #[error("the name {name} is given twice")]
    TwiceNamed {
        /// The name.
        name: String,
    },
    /// The least share that a check asks for is none.
    #[error("check {check}: the least share is {at_least}, and a share is between 0 and 1")]
    Threshold {
        /// The check.
        check: String,
        /// What it asks for.
        at_least: f64,
    },
    /// The bounds of a check leave nothing between them, or there are none, or one of them is no number.
    #[error("check {check}: its bounds leave nothing between them, are none, or are no numbers")]
    Bounds {
        /// The check.
        check: String,
    },
    /// The set that a check allows, or the list of its columns, is empty.
    #[error("check {check}: it names nothing")]
    Empty {
        /// The check.
        check: String,
    },
    /// The pattern of a check is none, or needs a table of more than 4 MiB.
    #[error("check {check}: its pattern is none, or too large")]
    Pattern {
        /// The check.
        check: String,
    },
    /// The table has no such column.
    #[error("check {check}: there is no column {column}")]
    NoColumn {
        /// The check.
        check: String,
        /// The column.
        column: String,
    },
    /// The check says nothing about values of this kind.
    #[error("check {check}: column {column} holds values of another kind")]
    Kind {
        /// The check.
        check: String,
        /// The column.
        column: String,
    },
    /// A column is not as long as its batch.
    #[error("column {column} is not as long as its batch")]
    Lengths {
        /// The column.
        column: String,
    },
    /// States of other checks.
    #[error("these states are not of these checks")]
    OtherChecks,
    /// Keys did not fit into memory, and could not be kept in a file, or not be read again.
    #[error("keys that memory has no room for cannot be kept in a file")]
    Spill(#[source] io::Error),
    /// A former call failed on the way: what was counted since is not whole.
    #[error("an earlier batch was not taken whole")]
    Broken,
    /// The source of the rows cannot be read.
    #[error("row {row} and those behind it cannot be read")]
    Source {
        /// The first row that was not read; the first of a table is 0.
        row: u64,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A column of the source has values that no check knows, such as lists, or moments finer than a microsecond.
    #[error("column {column} has values of a kind that is not checked")]
    Unsupported {
        /// The column.
        column: String,
    },
}
