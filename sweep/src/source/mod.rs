//! Snapshots in files.

mod csv;
mod file;
mod json_lines;
mod lines;
#[cfg(feature = "parquet")]
mod packed;
#[cfg(feature = "parquet")]
mod parquet;

pub use self::csv::Csv;
pub use self::json_lines::JsonLines;
#[cfg(feature = "parquet")]
pub use self::parquet::Parquet;
