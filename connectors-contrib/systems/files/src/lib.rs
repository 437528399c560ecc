//! Files as a system that is only read: the export that another system writes every night.
//!
//! Each file is an object type ([`File`]), in CSV, JSON Lines or Parquet. It is read as a scan, a page of rows at a time; of
//! a large file never more than a page is in memory. The documented shape of a record is an object of its columns: in CSV all
//! values are text, and an empty cell is null; the model says what they are.
//!
//! What makes a scan of files dangerous is that what is missing in a complete one counts as deleted. So a scan is not complete
//! where the file shows that it did not end well. A file of lines that was cut off just behind a line break does not show it:
//! only a marker that its writer makes last says that such a file is whole ([`File::ready_when`]).
//!
//! - **A torn end** is an error: a last line without a line break, an open quote, a Parquet file without its footer. So is an
//!   empty file, unless it may be ([`File::may_be_empty`]), and a file whose marker is not there ([`File::ready_when`]).
//! - **A file that is replaced** while pages are read is begun anew, one that changes in its place is an error. Which file it
//!   was, each cursor says: by device, number, length and time. Write files beside and rename them.
//! - **A row that cannot be read** is a dead letter, and while the file has one nobody is said to be gone who was not found.
//! - **A column that is gone** or renamed stops its attribute, and in Parquet one of another type: the engine asks a file of CSV or
//!   Parquet what columns it has, which stands before its first row. JSON Lines does not say. [`Files::may_describe`] switches it off. A
//!   mapping escapes a point in the name of a column: `Tel\.`.
//!
//! Writes are refused: map these systems `read_only`. Reads of single records pass through the whole file. File systems are
//! waited for in place: a call takes as long as the disk does.

mod connector;
mod csv_rows;
mod identity;
mod json_lines;
#[cfg(feature = "parquet")]
mod parquet_rows;
mod rows;
mod schema;
mod settings;
mod surfaces;

pub use connector::Files;
pub use settings::File;
