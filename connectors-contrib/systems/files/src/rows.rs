//! Rows: a page of a file, whatever its format.

use std::fs;

use accordant::connector::{ConnectorError, Cursor};
use accordant::text::Text;
use bytes::Bytes;
use serde_json::Value;

use crate::identity::{Identity, malformed, open, unchanged};
use crate::settings::{File, Format};
use crate::{csv_rows, json_lines};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    /// A record, as JSON.
    Record(Bytes),
    /// Bytes that are none: a dead letter.
    Unreadable(Bytes),
}

impl Row {
    pub(crate) const fn bytes(&self) -> &Bytes {
        match self {
            Self::Record(bytes) | Self::Unreadable(bytes) => bytes,
        }
    }

    /// The id, if it can be read.
    pub(crate) fn id(&self, file: &File) -> Option<Text> {
        let Self::Record(json) = self else { return None };
        let record: Value = serde_json::from_slice(json).ok()?;
        match file.id.keys().iter().try_fold(&record, |value, key| value.get(key.as_str()))? {
            Value::String(id) => Some(id.as_str().into()),
            Value::Number(id) => Some(id.to_string().into()),
            _ => None,
        }
    }
}

/// A page.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    /// Where the next one is; `None`: the file ended here, and ended well.
    pub(crate) next: Option<u64>,
}

/// What is kept open from one page to the next.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    #[cfg(feature = "parquet")]
    parquet: Option<crate::parquet_rows::Standing>,
}

/// The page of a file behind a cursor: of the file that is there now, from its beginning if it is another than before.
pub(crate) fn page(
    file: &File,
    after: Option<&Cursor>,
    slot: &mut Slot,
) -> Result<(Rows, Option<Cursor>), ConnectorError> {
    let (mut opened, identity) = open(file)?;
    let position = identity.position(after)?;
    let rows = read(file, &mut opened, identity, position, slot);
    // A file that was written to meanwhile may have ended badly only for that.
    unchanged(file, &opened, identity)?;
    let rows = rows?;
    if position == 0 && rows.rows.is_empty() && rows.next.is_none() && !file.empty {
        return Err(malformed(
            file,
            "it has no rows, which would say that all are gone: is that right, say `may_be_empty`",
        ));
    }
    let next = rows.next.map(|next| identity.cursor(next));
    Ok((rows, next))
}

#[cfg_attr(not(feature = "parquet"), allow(unused_variables, reason = "lines are found by their place"))]
fn read(
    file: &File,
    opened: &mut fs::File,
    identity: Identity,
    position: u64,
    slot: &mut Slot,
) -> Result<Rows, ConnectorError> {
    match file.format {
        Format::Csv { delimiter } => csv_rows::read(file, opened, identity.length(), position, delimiter),
        Format::JsonLines => json_lines::read(file, opened, identity.length(), position),
        #[cfg(feature = "parquet")]
        Format::Parquet => {
            let cursor = |position| identity.cursor(position);
            crate::parquet_rows::read(file, opened, position, cursor, &mut slot.parquet)
        }
    }
}
