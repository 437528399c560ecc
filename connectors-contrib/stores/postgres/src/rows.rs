//! Rows of state, read.

use std::collections::BTreeMap;

use accordant::id::TenantId;
use accordant::store::{KeyRange, Row, RowKey, Table};
use deadpool_postgres::ClientWrapper;
use futures::future::try_join_all;
use tokio_postgres::{Error, Statement};

use crate::call::Call;
use crate::session::Session;
use crate::spelling::{Arguments, Key, Keys, content_of, signed, spell, unsigned};
use crate::statements::Statements;

/// Keys by table, each with its place in the question.
pub(crate) fn by_table<'k>(keys: impl IntoIterator<Item = &'k RowKey>) -> BTreeMap<Table, (Keys, Vec<usize>)> {
    let mut tables: BTreeMap<Table, (Keys, Vec<usize>)> = BTreeMap::new();
    for (place, key) in keys.into_iter().enumerate() {
        let (keys, places) = tables.entry(key.table).or_default();
        keys.push(&key.key);
        places.push(place);
    }
    tables
}

/// A question about rows of several tables, prepared: to be asked without another round trip in between.
pub(crate) struct Asked(Vec<(Statement, Keys, Vec<usize>)>);

impl Asked {
    /// Asks each table that `keys` are in by the statement that `of` names for it.
    pub(crate) async fn of<'s>(
        client: &ClientWrapper,
        keys: &[RowKey],
        of: impl Fn(Table) -> &'s str + Send,
    ) -> Result<Self, Error> {
        let mut asked = Vec::new();
        for (table, (keys, places)) in by_table(keys) {
            asked.push((client.prepare_cached(of(table)).await?, keys, places));
        }
        Ok(Self(asked))
    }

    /// The rows that were found, each with the place of its key in the question.
    pub(crate) async fn query(
        &self,
        client: &ClientWrapper,
        tenant: &str,
    ) -> Result<Vec<(usize, tokio_postgres::Row)>, Error> {
        let answers = self.0.iter().map(async |(statement, keys, places)| {
            let arguments: &Arguments<'_> = &[&tenant, &keys.keys, &keys.tails];
            Ok::<_, Error>((places, client.query(statement, arguments).await?))
        });
        let mut found = Vec::new();
        for (places, rows) in try_join_all(answers).await? {
            for row in rows {
                // Ordinality counts from 1.
                let ordinal: i64 = row.try_get(0)?;
                let place = usize::try_from(ordinal - 1).ok().and_then(|index| places.get(index));
                found.extend(place.map(|place| (*place, row)));
            }
        }
        Ok(found)
    }
}

/// The rows of `keys`, at their places.
pub(crate) struct Load {
    pub(crate) tenant: TenantId,
    pub(crate) keys: Vec<RowKey>,
}

impl Call for Load {
    type Answer = Vec<Option<Row>>;
    const DOING: &'static str = "load rows";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let asked = Asked::of(session, &self.keys, |table| &statements.table(table).load).await?;
        let tenant = spell(self.tenant.as_str());
        let mut rows = vec![None; self.keys.len()];
        for (place, row) in session.snapshot(&self.tenant, asked.query(session, &tenant)).await? {
            let value = content_of(&row, 2)?.unwrap_or_default();
            rows[place] = Some(Row { key: self.keys[place].key.clone(), revision: unsigned(row.try_get(1)?), value });
        }
        Ok(rows)
    }
}

/// A page of a table.
pub(crate) struct Scan {
    pub(crate) tenant: TenantId,
    pub(crate) table: Table,
    pub(crate) range: KeyRange,
    pub(crate) limit: usize,
}

impl Call for Scan {
    type Answer = Vec<Row>;
    const DOING: &'static str = "scan a table";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let (from, until) = (Key::of(&self.range.from), self.range.until.as_deref().map(Key::of));
        let scans = &statements.table(self.table).scan;
        let statement = &scans[usize::from(self.range.behind)][usize::from(until.is_some())];
        let statement = session.prepare_cached(statement).await?;
        let (tenant, limit) = (spell(self.tenant.as_str()), signed(self.limit));
        let mut arguments: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
            vec![&tenant, &from.key, &from.rest, &limit];
        if let Some(until) = &until {
            arguments.push(&until.key);
            arguments.push(&until.rest);
        }
        let found = session.snapshot(&self.tenant, session.query(&statement, &arguments)).await?;
        found.iter().map(row).collect()
    }
}

fn row(row: &tokio_postgres::Row) -> Result<Row, Error> {
    Ok(Row {
        key: Key::read(row.try_get(0)?, row.try_get(1)?),
        revision: unsigned(row.try_get(2)?),
        value: content_of(row, 3)?.unwrap_or_default(),
    })
}
