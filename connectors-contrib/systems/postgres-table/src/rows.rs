//! Rows as records: how they are asked for, and what of them stands beside the JSON.

use accordant::connector::{Item, Says};
use accordant::id::SurfaceName;
use accordant::text::Text;
use bytes::Bytes;
use tokio_postgres::Row;

use crate::quoted::quoted;
use crate::settings::Table;

/// The instant of a parameter, in milliseconds since the epoch, exact where a cast by way of a float is not.
pub(crate) fn instant(parameter: usize) -> String {
    format!("('epoch'::timestamptz + ${parameter}::bigint * interval '1 millisecond')")
}

/// What a table is called in statements: its own name, with its schema, stands for no row.
pub(crate) const ROW: &str = "r";

/// An instant as a number; that of no instant, `infinity`, is none.
pub(crate) fn stamp(column: &str) -> String {
    format!("CASE WHEN isfinite({column}) THEN floor(extract(epoch from {column}) * 1000)::bigint END")
}

/// What orders the states of a row, as a number: as decoders read it from the JSON.
pub(crate) fn token(table: &Table) -> String {
    match (table.counted(), &table.modified) {
        (Some(column), _) => format!("{}::bigint", quoted(column)),
        (None, Some(column)) => stamp(&quoted(column)),
        (None, None) => "NULL::bigint".to_owned(),
    }
}

/// The columns of a record: its id as text, the record as JSON, and its token. For `SELECT` and `RETURNING`.
/// The table is called [`ROW`] there.
pub(crate) fn record(table: &Table) -> String {
    let json = if table.columns.is_empty() {
        format!("row_to_json({ROW}.*)::text")
    } else {
        let deleted = table.deleted.iter().map(|(column, _)| column.as_str());
        let own = [Some(table.id.as_str()), table.ordered_by()].into_iter().flatten().chain(deleted);
        let mut columns: Vec<&str> = own.chain(table.columns.iter().map(String::as_str)).collect();
        columns.sort_unstable();
        columns.dedup();
        let columns: Vec<String> = columns.iter().map(|column| format!("{ROW}.{}", quoted(column))).collect();
        format!("(SELECT row_to_json(mapped.*) FROM (SELECT {}) mapped)::text", columns.join(", "))
    };
    format!("{}::text, {json}, {}", quoted(&table.id), token(table))
}

/// A row that was asked for as [`record()`] says.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: Text,
    pub(crate) token: Option<i64>,
    json: String,
}

impl Record {
    pub(crate) fn of(row: &Row) -> Self {
        Self { id: row.get::<_, String>(0).into(), json: row.get(1), token: row.get(2) }
    }

    pub(crate) fn item(&self, surface: &SurfaceName) -> Item {
        Item::new(surface.clone(), Says::Record, Bytes::copy_from_slice(self.json.as_bytes()))
    }
}
