//! Snapshots: what a sweep asks of whatever holds all records of a system.

use std::borrow::Cow;

use crate::batch::Batch;
use crate::error::SnapshotError;
use crate::order::Order;

/// All records of one system, as they were at some moment.
///
/// Implement it for another format or database. A [`Sweep`](crate::Sweep) is the only caller: first `bind`, once; then `begin`,
/// and `next` until it says that there is no more; perhaps `begin` and `next` again.
///
/// # Contract
///
/// - **Whole.** Every row comes once, or `next` answers with an error: a snapshot that was cut off is none.
/// - **Again.** From the same place on, the same rows come in the same order; where that cannot be, `begin` answers
///   [`SnapshotError::Replaced`].
/// - **Rows.** The bytes of a row say all that [`Snapshot::cut`] makes of it. Of two snapshots with the same layout, rows of the
///   same bytes have the same cells, or both are none. A row that is not the same everywhere is cut; of others nobody may find out.
pub trait Snapshot: Send {
    /// Finds the columns that are looked at. The layout that rows have then, if it can be told: no value, but where cells stand
    /// and how they are written.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::NoColumn`] and [`SnapshotError::TwiceNamed`] if it has not got them, [`SnapshotError::Unsupported`] if it
    /// cannot show them, and whatever keeps it from looking.
    fn bind(&mut self, wanted: &Wanted) -> Result<Option<String>, SnapshotError>;

    /// Begins at a place.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Replaced`] if it is another than [`Start::version`] says, and whatever keeps it from being read.
    fn begin(&mut self, start: &Start<'_>) -> Result<(), SnapshotError>;

    /// Fills the batch with the next rows. Whether there were any: then the batch has some.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from being read: the run is over then.
    fn next(&mut self, batch: &mut Batch) -> Result<bool, SnapshotError>;

    /// Cuts a row into the cells that are wanted, in their order. A column that is not held has none.
    ///
    /// # Errors
    ///
    /// If the row is none. `number` is that of the row, for errors.
    fn cut<'r>(&self, row: &'r [u8], number: u64, cells: &mut Vec<Cell<'r>>) -> Result<(), SnapshotError>;

    /// Where the next batch begins.
    fn place(&self) -> u64;

    /// How places are found again.
    fn resumes(&self) -> Resumes;

    /// What tells it from any other, once it is bound: a checkpoint leads on only in the same.
    fn version(&self) -> String;

    /// How far it was read, and how far that is from its end, if it knows: in bytes, else in rows.
    fn extent(&self) -> (u64, Option<u64>);
}

/// A value of a row, as bytes. `None`: it is null.
pub type Cell<'r> = Option<Cow<'r, [u8]>>;

/// What is looked at of a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The column of keys.
    pub key: String,
    /// The columns of values: of each attribute, where the system holds it; last, the column of native ids, if it is not that
    /// of keys.
    pub columns: Vec<Option<String>>,
    /// The order that rows should come in, if whoever holds them can bring them into one.
    pub order: Order,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start<'k> {
    /// The place, as [`Snapshot::place`] told it, or that of a row of a batch.
    pub place: u64,
    /// How many rows stand before it.
    pub row: u64,
    /// The last key that was compared. Who finds places by keys begins at it, or behind it.
    pub reached: Option<&'k [u8]>,
    /// What the snapshot was when it was begun; `None`: it is begun now.
    pub version: Option<&'k str>,
}

/// How places are found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumes {
    /// A place is as good as ever.
    ByPlace,
    /// Rows are asked for by their keys, and may be others.
    ByKey,
}
