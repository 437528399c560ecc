//! The rows of a table, read page by page: never all of them at once.

use crate::engine::Tenant;
use crate::error::Error;
use crate::store::{Row, Table};
use crate::text::Text;

/// How many rows are read at once.
const PAGE: usize = 256;

/// The rows of a table whose keys begin with a prefix, in the order of their keys.
pub(super) struct Pages<'a> {
    tenant: &'a Tenant,
    table: Table,
    prefix: &'a str,
    doing: &'static str,
    /// The key of the last row that was read.
    after: Option<Text>,
    /// Whether that was the last one.
    ended: bool,
    /// What is left of a page.
    rest: std::vec::IntoIter<Row>,
}

impl<'a> Pages<'a> {
    /// All rows of a table. `doing` says in an error what they were read for.
    pub(super) fn new(tenant: &'a Tenant, table: Table, doing: &'static str) -> Self {
        Self::of(tenant, table, "", doing)
    }

    /// The rows of a table under a prefix.
    pub(super) fn of(tenant: &'a Tenant, table: Table, prefix: &'a str, doing: &'static str) -> Self {
        Self { tenant, table, prefix, doing, after: None, ended: false, rest: Vec::new().into_iter() }
    }

    /// From behind this key on.
    pub(super) fn after(self, key: Option<Text>) -> Self {
        Self { after: key, ..self }
    }

    /// The next row; `None`: there are no more.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, Error> {
        if let Some(row) = self.rest.next() {
            return Ok(Some(row));
        }
        self.rest = self.page().await?.unwrap_or_default().into_iter();
        Ok(self.rest.next())
    }

    /// What is left of the last page, or the next one; `None`: there are no more.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<Row>>, Error> {
        let rest: Vec<Row> = std::mem::take(&mut self.rest).collect();
        if !rest.is_empty() {
            return Ok(Some(rest));
        }
        if self.ended {
            return Ok(None);
        }
        let Tenant { core, id } = self.tenant;
        let page = core.store.scan(id, self.table, self.prefix, self.after.as_deref(), PAGE).await;
        let page = page.map_err(Error::store(self.doing))?;
        self.ended = page.len() < PAGE;
        self.after = page.last().map(|row| row.key.clone());
        Ok((!page.is_empty()).then_some(page))
    }
}
