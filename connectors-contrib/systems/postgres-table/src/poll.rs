//! Polls: rows that changed, by the column that says when or as which.

use accordant::connector::{ConnectorError, Cursor, Page};
use accordant::surface::Surface;
use accordant::text::Text;
use accordant_http::{Ask, Keyset, Order, Window};
use chrono::TimeDelta;

use crate::connector::{Bound, PostgresTable, unsupported};
use crate::fault::unread;
use crate::quoted::quoted;
use crate::rows::{Record, instant, record, stamp};

/// Before all instants of PostgreSQL but a few decades: January 4685 BC.
const EARLIEST: i64 = -210_000_000_000_000;

impl PostgresTable {
    /// A page of what changed.
    pub(crate) async fn poll(
        &self,
        surface: &Surface,
        bound: &Bound,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        match (&bound.table.sequence, &bound.table.modified) {
            (Some(column), _) => self.by_number(surface, bound, column, after).await,
            (None, Some(column)) => self.by_time(surface, bound, column, after).await,
            (None, None) => Err(unsupported(&self.settings.system)),
        }
    }

    /// By the instant of the change. The column is finer than a millisecond, so rows of one are told apart by id alone.
    async fn by_time(
        &self,
        surface: &Surface,
        bound: &Bound,
        column: &str,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let window = Window {
            trail: TimeDelta::zero(),
            overlap: bound.table.overlap,
            page: self.settings.page,
            precision: TimeDelta::milliseconds(1),
            keyset: Keyset::Time,
        };
        let ask = window.ask(after.as_ref(), self.clock.now())?;
        let (from, until) = (ask.from.unwrap_or(EARLIEST), ask.until.saturating_add(1));
        let column = quoted(column);
        let stamp = stamp(&column);
        let bounds = format!("{column} >= {} AND {column} < {}", instant(2), instant(3));
        self.ask(surface, bound, &window, &ask, (&stamp, &bounds, &column), (from, until)).await
    }

    /// By the number of the change: the highest there is stands for now.
    async fn by_number(
        &self,
        surface: &Surface,
        bound: &Bound,
        column: &str,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let window = Window {
            trail: TimeDelta::zero(),
            overlap: TimeDelta::milliseconds(bound.table.reach),
            page: self.settings.page,
            precision: TimeDelta::milliseconds(1),
            keyset: Keyset::Time,
        };
        let column = quoted(column);
        let highest = format!("SELECT coalesce(max({column}), 0)::bigint FROM {}", bound.known.name);
        let session = self.session().await?;
        let highest: i64 = session.query_one(&highest, &[]).await.map_err(unread("poll a table"))?.get(0);
        drop(session);
        let ask = window.ask(after.as_ref(), highest)?;
        let (from, until) = (ask.from.unwrap_or(i64::MIN), ask.until);
        let stamp = format!("{column}::bigint");
        let bounds = format!("{column} >= $2::bigint AND {column} <= $3::bigint");
        self.ask(surface, bound, &window, &ask, (&stamp, &bounds, &column), (from, until)).await
    }

    async fn ask(
        &self,
        surface: &Surface,
        bound: &Bound,
        window: &Window,
        ask: &Ask,
        (stamp, bounds, column): (&str, &str, &str),
        (from, until): (i64, i64),
    ) -> Result<Page, ConnectorError> {
        let (id, kind) = bound.id();
        let id = quoted(id);
        let (behind, order): (Option<&str>, String) = match &ask.order {
            Order::Time { .. } => (None, format!("{column}, {id}")),
            Order::Id { behind, .. } => (behind.as_ref().map(|id| id.as_str()), id.clone()),
        };
        let behind_it = format!("($4::text IS NULL OR {id} > CAST($4::text AS {kind}))");
        let columns = record(&bound.table);
        let statement = format!(
            "SELECT {columns}, {stamp} FROM {} WHERE {bounds} AND {behind_it} ORDER BY {order} LIMIT $1",
            bound.known.name
        );
        let limit = i64::try_from(ask.limit).unwrap_or(i64::MAX);
        let session = self.session().await?;
        let statement = session.prepare_cached(&statement).await.map_err(unread("poll a table"))?;
        let rows = session.query(&statement, &[&limit, &from, &until, &behind]).await;
        let rows = rows.map_err(unread("poll a table"))?;
        let records: Vec<Record> = rows.iter().map(Record::of).collect();
        let places: Vec<(i64, Text)> =
            rows.iter().zip(&records).map(|(row, record)| (row.get(3), record.id.clone())).collect();
        let turn = window.turn(ask, &places)?;
        let items = turn.keep.iter().filter_map(|place| Some(records.get(*place)?.item(&surface.name))).collect();
        Ok(Page { items, next: Some(turn.next), more: turn.more })
    }
}
