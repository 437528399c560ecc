//! The rows of a table, read page by page: never all of them at once.

use std::collections::VecDeque;

use crate::engine::Tenant;
use crate::error::Error;
use crate::store::{Row, Table};
use crate::text::Text;

/// How many rows are read at once.
const PAGE: usize = 512;

/// The rows of a table whose keys begin with a prefix, in the order of their keys.
pub(super) struct Pages<'a> {
    tenant: &'a Tenant,
    table: Table,
    prefix: &'a str,
    after: Option<Text>,
    page: VecDeque<Row>,
}

impl<'a> Pages<'a> {
    /// All rows of a table.
    pub(super) const fn new(tenant: &'a Tenant, table: Table) -> Self {
        Self::of(tenant, table, "")
    }

    /// The rows of a table under a prefix.
    pub(super) const fn of(tenant: &'a Tenant, table: Table, prefix: &'a str) -> Self {
        Self { tenant, table, prefix, after: None, page: VecDeque::new() }
    }

    /// The next row; `None`: there are no more.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, Error> {
        if self.page.is_empty() {
            let Tenant { core, id } = self.tenant;
            let page = core.store.scan(id, self.table, self.prefix, self.after.as_deref(), PAGE).await;
            self.page = page.map_err(Error::store("read what is stored"))?.into();
        }
        let row = self.page.pop_front();
        if let Some(row) = &row {
            self.after = Some(row.key.clone());
        }
        Ok(row)
    }
}
