//! A table as a snapshot: one `COPY` in the order of keys.

use super::copy::{Lines, cells};
use super::database::Database;
use super::quoted;
use crate::batch::Batch;
use crate::error::SnapshotError;
use crate::order::Order;
use crate::snapshot::{Cell, Resumes, Snapshot, Start, Wanted};

/// A table or view of PostgreSQL. Its rows are those of one moment, and come in the order of their keys: a side of it may be declared
/// [`sorted`](crate::Side::sorted).
///
/// Instants are told in UTC, numbers to their last digit. A sweep that goes on reads rows as they are then.
#[derive(Debug)]
pub struct Table {
    database: Database,
    schema: String,
    table: String,
    wanted: Wanted,
    known: Vec<Column>,
    lines: Option<Lines>,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type, as SQL writes it.
    pub(super) kind: String,
}

impl Table {
    /// A table of the schema `public`.
    #[must_use]
    pub fn new(database: &Database, table: &str) -> Self {
        let (database, schema) = (database.clone(), "public".to_owned());
        Self { database, schema, table: table.to_owned(), wanted: Wanted::default(), known: Vec::new(), lines: None }
    }

    /// It is in another schema.
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.schema);
        self
    }

    pub(super) fn name(&self) -> String {
        format!("{}.{}", quoted::name(&self.schema), quoted::name(&self.table))
    }

    /// Asks for the columns, and finds those that are wanted.
    pub(super) fn find(&mut self, wanted: &Wanted) -> Result<(), SnapshotError> {
        let statement = format!(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0 \
             AND NOT attisdropped ORDER BY attnum",
            quoted::text(&self.name())
        );
        let column = |row: Vec<Option<String>>| {
            let mut texts = row.into_iter();
            Some(Column { name: texts.next()??, kind: texts.next()?? })
        };
        self.known = self.database.ask(statement)?.into_iter().filter_map(column).collect();
        self.wanted = wanted.clone();
        let all = [Some(&self.wanted.key)].into_iter().chain(self.wanted.columns.iter().map(Option::as_ref));
        for name in all.flatten() {
            self.kind(name).ok_or_else(|| SnapshotError::NoColumn { column: name.clone() })?;
        }
        Ok(())
    }

    /// The type of a column.
    pub(super) fn kind(&self, column: &str) -> Option<&str> {
        self.known.iter().find(|known| known.name == column).map(|known| known.kind.as_str())
    }

    /// Whether an index lets each key stand only once. Of what inherits from a table, and is read with it, its index says nothing.
    pub(super) fn is_unique(&self) -> Result<bool, SnapshotError> {
        let statement = format!(
            "SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             WHERE i.indrelid = to_regclass({}) AND a.attname = {} AND i.indisunique AND i.indisvalid AND i.indimmediate \
             AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indexprs IS NULL \
             AND NOT EXISTS (SELECT 1 FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhparent \
             WHERE h.inhparent = i.indrelid AND c.relkind = 'r')",
            quoted::text(&self.name()),
            quoted::text(&self.wanted.key)
        );
        Ok(!self.database.ask(statement)?.is_empty())
    }

    /// In which order rows come, and which of them, by the key as it is written.
    fn statement(&self, reached: Option<&str>) -> String {
        let key = format!("{}::text COLLATE \"C\"", quoted::name(&self.wanted.key));
        let of = |text: &str| format!("{} COLLATE \"C\"", quoted::text(text));
        let (order, from) = match self.wanted.order {
            Order::Bytes => (key.clone(), reached.map(|reached| format!("{key} >= {}", of(reached)))),
            Order::Number => (
                format!("octet_length({key}), {key}"),
                reached.map(|reached| format!("(octet_length({key}), {key}) >= ({}, {})", reached.len(), of(reached))),
            ),
        };
        let cell = |column: &Option<String>| match column {
            Some(column) => format!("{}::text", quoted::name(column)),
            None => "NULL".to_owned(),
        };
        let cells = [cell(&Some(self.wanted.key.clone()))].into_iter().chain(self.wanted.columns.iter().map(cell));
        let cells = cells.collect::<Vec<_>>().join(", ");
        let from = from.map(|from| format!(" WHERE {from}")).unwrap_or_default();
        format!("COPY (SELECT {cells} FROM {}{from} ORDER BY {order}) TO STDOUT", self.name())
    }
}

impl Snapshot for Table {
    fn bind(&mut self, wanted: &Wanted) -> Result<Option<String>, SnapshotError> {
        self.find(wanted)?;
        let held: Vec<bool> = wanted.columns.iter().map(Option::is_some).collect();
        Ok(Some(format!("copy {held:?}")))
    }

    fn begin(&mut self, start: &Start<'_>) -> Result<(), SnapshotError> {
        let reached = start.reached.map(|reached| std::str::from_utf8(reached).map_err(|_| SnapshotError::Replaced));
        let statement = self.statement(reached.transpose()?);
        self.lines = Some(Lines::of(self.database.copy(statement), start.row));
        Ok(())
    }

    fn next(&mut self, batch: &mut Batch) -> Result<bool, SnapshotError> {
        match &mut self.lines {
            Some(lines) => lines.next(&self.wanted.key, batch),
            None => {
                batch.begin(0);
                Ok(false)
            }
        }
    }

    fn cut<'r>(&self, row: &'r [u8], _: u64, into: &mut Vec<Cell<'r>>) -> Result<(), SnapshotError> {
        into.extend(cells(row).skip(1));
        Ok(())
    }

    fn place(&self) -> u64 {
        self.lines.as_ref().map_or(0, |lines| lines.row)
    }

    fn resumes(&self) -> Resumes {
        Resumes::ByKey
    }

    /// Which table it is. What is in it has no name.
    fn version(&self) -> String {
        self.name()
    }

    fn extent(&self) -> (u64, Option<u64>) {
        (self.lines.as_ref().map_or(0, Lines::read), None)
    }
}
