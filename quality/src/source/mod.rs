//! Tables from files, batch by batch, with bounded memory.

#[cfg(feature = "parquet")]
mod chunks;
#[cfg(feature = "parquet")]
mod convert;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "parquet")]
pub mod parquet;
