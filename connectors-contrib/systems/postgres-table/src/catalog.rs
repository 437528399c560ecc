//! What a database says of its tables, held against what the settings say: before the first page, so that no promise is
//! made that the table does not keep.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use deadpool_postgres::Object as Session;
use tokio_postgres::types::Oid;

use crate::fault::unread;
use crate::quoted::quoted;
use crate::rows::ROW;
use crate::settings::{Log, Settings, Table};

/// A table as the database has it.
#[derive(Debug)]
pub(crate) struct Known {
    /// Its name in statements, and what it is called in them.
    pub(crate) name: String,
    pub(crate) oid: Oid,
    columns: BTreeMap<String, Column>,
}

#[derive(Debug)]
struct Column {
    /// The type, without a length: what is too long is refused when it is assigned, and not cut off by a cast.
    kind: String,
    not_null: bool,
    unique: bool,
    /// Whether it is unique after each statement, and not only at the end of a transaction.
    at_once: bool,
    in_primary_key: bool,
}

const TABLE: &str = "SELECT c.oid, c.relreplident::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = $1 AND c.relname = $2";

const COLUMNS: &str = "SELECT a.attname::text, format_type(a.atttypid, -1), a.attnotnull, \
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid \
          AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL), \
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indimmediate \
          AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL), \
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY(i.indkey)) \
    FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped";

impl Known {
    /// Looks a table up, and holds it against the settings.
    pub(crate) async fn of(
        session: &Session,
        object: &str,
        table: &Table,
        log: Option<&Log>,
    ) -> Result<Self, ConnectorError> {
        let wrong = |told: &str| {
            let told = format!("table {}.{} ({object}): {told}", table.schema, table.name);
            ConnectorError::new(ConnectorErrorKind::Unsupported, told)
        };
        let found =
            session.query_opt(TABLE, &[&table.schema, &table.name]).await.map_err(unread("look for a table"))?;
        let found = found.ok_or_else(|| wrong("there is none, or it may not be seen"))?;
        let (oid, identity): (Oid, String) = (found.get(0), found.get(1));
        let rows = session.query(COLUMNS, &[&oid]).await.map_err(unread("look at a table's columns"))?;
        let columns = rows.iter().map(|row| {
            let column = Column {
                kind: row.get(1),
                not_null: row.get(2),
                unique: row.get(3),
                at_once: row.get(4),
                in_primary_key: row.get(5),
            };
            (row.get::<_, String>(0), column)
        });
        let known = Self {
            name: format!("{}.{} AS {ROW}", quoted(&table.schema), quoted(&table.name)),
            oid,
            columns: columns.collect(),
        };
        let column = |name: &str| known.columns.get(name).ok_or_else(|| wrong(&format!("it has no column `{name}`")));
        let id = column(&table.id)?;
        if !id.unique || !id.not_null {
            return Err(wrong(&format!("`{}` does not tell rows apart: it must be unique and not null", table.id)));
        }
        if log.is_some() && identity != "f" && !(identity == "d" && id.in_primary_key) {
            let told = "the log would not say which row was deleted: make the id its primary key, or set REPLICA IDENTITY FULL";
            return Err(wrong(told));
        }
        let whole = ["smallint", "integer", "bigint"];
        let of_kind = [
            (table.modified.as_deref(), &["timestamp with time zone"][..]),
            (table.version.as_deref(), &whole[..]),
            (table.sequence.as_deref(), &whole[..]),
            (table.deleted.as_ref().map(|(name, _)| name.as_str()), &["boolean"][..]),
            (table.key.as_deref(), &["text", "character varying"][..]),
        ];
        for (name, kinds) in of_kind.iter().filter_map(|(name, kinds)| Some(((*name)?, *kinds))) {
            let held = &column(name)?.kind;
            if !kinds.contains(&held.as_str()) {
                return Err(wrong(&format!("`{name}` is {held}, and must be {}", kinds.join(" or "))));
            }
        }
        for name in [&table.modified, &table.version, &table.sequence].into_iter().flatten() {
            if !column(name)?.not_null {
                return Err(wrong(&format!("`{name}` may be null, and a row without it would never be heard of")));
            }
        }
        if let Some(key) = &table.key {
            let held = column(key)?;
            if !held.unique {
                return Err(wrong(&format!("`{key}` is not unique, so a create could happen twice")));
            }
            if !held.at_once {
                return Err(wrong(&format!(
                    "`{key}` is unique only at the end of a transaction: make it NOT DEFERRABLE"
                )));
            }
        }
        for name in &table.columns {
            column(name)?;
        }
        Ok(known)
    }

    /// The type of a column, as a cast names it.
    pub(crate) fn kind(&self, column: &str) -> Option<&str> {
        self.columns.get(column).map(|column| column.kind.as_str())
    }
}

/// What is missing for the log to be read.
pub(crate) async fn check_log(session: &Session, settings: &Settings, log: &Log) -> Result<(), ConnectorError> {
    let wrong = |told: String| ConnectorError::new(ConnectorErrorKind::Unsupported, told);
    let level =
        session.query_one("SELECT current_setting('wal_level')", &[]).await.map_err(unread("look at the log"))?;
    if level.get::<_, &str>(0) != "logical" {
        return Err(wrong("the server's log has too little in it: set `wal_level = logical`".into()));
    }
    for (object, table) in &settings.tables {
        // A filter of rows is known from PostgreSQL 15 on: before, the row has no such column.
        let published = "SELECT p.pubinsert AND p.pubupdate AND p.pubdelete, to_jsonb(t) ->> 'rowfilter' IS NULL \
             FROM pg_publication p JOIN pg_publication_tables t USING (pubname) \
             WHERE pubname = $1 AND schemaname = $2 AND tablename = $3";
        let found = session.query_opt(published, &[&log.publication, &table.schema, &table.name]).await;
        let found = found.map_err(unread("look at the publication"))?;
        let named = format!("{}.{} ({object})", table.schema, table.name);
        let told = match found.map(|row| (row.get(0), row.get(1))) {
            None => format!("does not tell of {named}: CREATE PUBLICATION or ALTER PUBLICATION ... ADD TABLE"),
            Some((false, _)) => "does not tell of inserts, updates and deletes: ALTER PUBLICATION ... SET (publish = \
                                 'insert, update, delete')"
                .to_owned(),
            Some((true, false)) => format!("tells of some rows of {named} only: leave out its WHERE"),
            Some((true, true)) => continue,
        };
        return Err(wrong(format!("publication {} {told}", log.publication)));
    }
    Ok(())
}
