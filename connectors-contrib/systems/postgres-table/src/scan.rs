//! Scans: all rows in the order of their ids, each page behind the last row of the one before.

use accordant::connector::{ConnectorError, Cursor, Page};
use accordant::surface::Surface;

use crate::connector::{Bound, PostgresTable};
use crate::fault::unread;
use crate::quoted::quoted;
use crate::rows::{Record, record};

impl PostgresTable {
    /// A page of everything.
    pub(crate) async fn scan(
        &self,
        surface: &Surface,
        bound: &Bound,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let (id, kind) = bound.id();
        let columns = record(&bound.table);
        let name = &bound.known.name;
        let limit = i64::try_from(self.settings.page).unwrap_or(i64::MAX);
        let session = self.session().await?;
        let rows = match &after {
            None => {
                let statement = format!("SELECT {columns} FROM {name} ORDER BY {} LIMIT $1", quoted(id));
                let statement = session.prepare_cached(&statement).await.map_err(unread("scan a table"))?;
                session.query(&statement, &[&limit]).await
            }
            Some(Cursor(behind)) => {
                let id = quoted(id);
                let statement = format!(
                    "SELECT {columns} FROM {name} WHERE {id} > CAST($2::text AS {kind}) ORDER BY {id} LIMIT $1"
                );
                let statement = session.prepare_cached(&statement).await.map_err(unread("scan a table"))?;
                session.query(&statement, &[&limit, behind]).await
            }
        };
        let records: Vec<Record> = rows.map_err(unread("scan a table"))?.iter().map(Record::of).collect();
        let items = records.iter().map(|record| record.item(&surface.name)).collect();
        let full = records.len() >= self.settings.page.max(1);
        let next = records.last().filter(|_| full).map(|record| Cursor(record.id.to_string()));
        Ok(Page { items, more: next.is_some(), next })
    }
}
