//! Rows of sources that have no bytes of their own for them: cell after cell, each with its length.

use std::borrow::Cow;

use crate::error::SnapshotError;
use crate::snapshot::Cell;

/// The length of a cell that is null.
const NULL: u32 = u32::MAX;

/// Adds a cell.
pub(crate) fn pack(cell: Option<&[u8]>, row: &mut Vec<u8>) {
    let length = cell.map_or(NULL, |cell| u32::try_from(cell.len()).unwrap_or(NULL));
    row.extend_from_slice(&length.to_le_bytes());
    row.extend_from_slice(cell.unwrap_or_default());
}

/// Takes all cells apart.
pub(crate) fn unpack<'r>(row: &'r [u8], number: u64, cells: &mut Vec<Cell<'r>>) -> Result<(), SnapshotError> {
    let mut rest = row;
    while !rest.is_empty() {
        let broken = || SnapshotError::Width { row: number, columns: cells.len() };
        let (length, behind) = rest.split_first_chunk().ok_or_else(broken)?;
        let length = u32::from_le_bytes(*length);
        if length == NULL {
            cells.push(None);
            rest = behind;
        } else {
            let (cell, behind) = behind.split_at_checked(length as usize).ok_or_else(broken)?;
            cells.push(Some(Cow::Borrowed(cell)));
            rest = behind;
        }
    }
    Ok(())
}
