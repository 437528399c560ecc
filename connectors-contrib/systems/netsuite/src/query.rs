//! Queries: SuiteQL of columns and bound parameters, and instants as the account writes them.

use std::collections::BTreeSet;

use accordant::model::Path;
use accordant_http::{Ask, Order};
use chrono::{DateTime, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::settings::{Object, Settings};

/// How instants are written: by `strftime`, and by SuiteQL.
pub(crate) const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
const ORACLE: &str = "YYYY-MM-DD HH24:MI:SS";

/// The table of the lines of all transactions.
pub(crate) const LINES_TABLE: &str = "transactionline";

/// A query and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// The table whose columns it names.
    pub(crate) table: String,
    text: String,
    params: Vec<String>,
}

impl Query {
    pub(crate) fn body(&self) -> Value {
        json!({ "q": self.text, "params": self.params })
    }
}

/// An instant, in whole seconds of a zone.
pub(crate) fn local(at: i64, zone: Tz) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().with_timezone(&zone).format(FORMAT).to_string()
}

/// The instant of a local time.
pub(crate) fn instant(text: &str, zone: Tz) -> Option<i64> {
    let local = NaiveDateTime::parse_from_str(text, FORMAT).ok()?;
    Some(zone.from_local_datetime(&local).earliest()?.timestamp_millis())
}

/// The columns of a row that the account knows, and always its id and when it changed.
fn select(object: &Object, columns: &BTreeSet<String>, settings: &Settings) -> String {
    let mut asked = vec!["id".to_owned(), format!("TO_CHAR(lastmodifieddate, '{ORACLE}') AS lastmodifieddate")];
    let is_known = |column: &&String| !object.unasked.contains(&Path::new(column.as_str()));
    for column in columns.iter().filter(is_known).filter(|column| !matches!(column.as_str(), "id" | "lastmodifieddate"))
    {
        asked.push(match settings.expressions.get(column) {
            Some(expression) => format!("{expression} AS {column}"),
            None => column.clone(),
        });
    }
    format!("SELECT {} FROM {}", asked.join(", "), object.table)
}

/// The rest of a query: its conditions, and its order.
fn rest(object: Option<&Object>, conditions: Vec<String>, order: &str) -> String {
    let own = object.and_then(|object| object.condition.clone());
    let all: Vec<String> = own.into_iter().chain(conditions).collect();
    let all = if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
    format!("{all} ORDER BY {order}")
}

/// What a window asks, of rows that carry a time and an id.
fn window(ask: &Ask, time: &str, id: &str, zone: Tz) -> (Vec<String>, Vec<String>) {
    let date = format!("TO_DATE(?, '{ORACLE}')");
    let mut conditions = vec![format!("{time} <= {date}")];
    let mut params = vec![local(ask.until, zone)];
    match (ask.from, &ask.order) {
        (Some(from), Order::Time { behind: Some(row) }) => {
            conditions.push(format!("({time} > {date} OR ({time} = {date} AND {id} > ?))"));
            params.extend([local(from, zone), local(from, zone), row.to_string()]);
        }
        (Some(from), _) => {
            conditions.push(format!("{time} >= {date}"));
            params.push(local(from, zone));
        }
        (None, _) => {}
    }
    if let Order::Id { behind: Some(row), .. } = &ask.order {
        conditions.push(format!("{id} > ?"));
        params.push(row.to_string());
    }
    (conditions, params)
}

/// The rows that changed.
pub(crate) fn changed(object: &Object, settings: &Settings, ask: &Ask) -> Query {
    let (conditions, params) = window(ask, "lastmodifieddate", "id", settings.zone);
    let text = select(object, &object.columns, settings) + &rest(Some(object), conditions, "lastmodifieddate, id");
    Query { table: object.table.clone(), text, params }
}

/// The records that were deleted.
pub(crate) fn deleted(object: &Object, settings: &Settings, ask: &Ask) -> Query {
    let (mut conditions, mut params) = window(ask, "deleteddate", "recordid", settings.zone);
    conditions.push("recordtypeid = ?".into());
    params.push(object.deleted_as.clone());
    let select = format!("SELECT recordid AS id, TO_CHAR(deleteddate, '{ORACLE}') AS deleteddate FROM deletedrecord");
    let text = select + &rest(None, conditions, "deleteddate, recordid");
    Query { table: "deletedrecord".into(), text, params }
}

/// All rows behind an id.
pub(crate) fn behind(object: &Object, settings: &Settings, id: &str) -> Query {
    let text = select(object, &object.columns, settings) + &rest(Some(object), vec!["id > ?".into()], "id");
    Query { table: object.table.clone(), text, params: vec![id.to_owned()] }
}

/// The rows whose `key`, the id or the external id, is one of these. With these columns.
pub(crate) fn named(object: &Object, settings: &Settings, columns: &BTreeSet<String>, key: &str, of: &[&str]) -> Query {
    let places = vec!["?"; of.len()].join(", ");
    let text = select(object, columns, settings) + &rest(Some(object), vec![format!("{key} IN ({places})")], "id");
    let params = of.iter().map(|one| (*one).to_owned()).collect();
    Query { table: object.table.clone(), text, params }
}

/// The lines of transactions, behind a line: in the order of transactions and lines.
pub(crate) fn lines(object: &Object, transactions: &[&str], behind: Option<(&str, &str)>) -> Query {
    let own = ["transaction", "uniquekey"];
    let columns = own.into_iter().chain(object.lines.iter().map(String::as_str).filter(|column| !own.contains(column)));
    let columns = columns.collect::<Vec<&str>>().join(", ");
    let places = vec!["?"; transactions.len()].join(", ");
    let mut text = format!("SELECT {columns} FROM transactionline WHERE mainline = 'F' AND transaction IN ({places})");
    let mut params: Vec<String> = transactions.iter().map(|id| (*id).to_owned()).collect();
    if let Some((transaction, line)) = behind {
        text.push_str(" AND (transaction > ? OR (transaction = ? AND uniquekey > ?))");
        params.extend([transaction, transaction, line].map(str::to_owned));
    }
    text.push_str(" ORDER BY transaction, uniquekey");
    Query { table: LINES_TABLE.into(), text, params }
}

/// The lines that changed, with their transactions: those of an object type.
pub(crate) fn changed_lines(object: &Object, settings: &Settings, ask: &Ask) -> Query {
    let (mut conditions, params) = window(ask, "linelastmodifieddate", "uniquekey", settings.zone);
    let own = object.condition.as_ref().map(|own| format!(" WHERE {own}")).unwrap_or_default();
    conditions.insert(0, "mainline = 'F'".into());
    conditions.push(format!("transaction IN (SELECT id FROM {}{own})", object.table));
    let select = format!(
        "SELECT uniquekey AS id, transaction, TO_CHAR(linelastmodifieddate, '{ORACLE}') AS lastmodifieddate FROM transactionline"
    );
    let text = select + &rest(None, conditions, "linelastmodifieddate, uniquekey");
    Query { table: LINES_TABLE.into(), text, params }
}

/// The rows that changed since, oldest first.
pub(crate) fn since(object: &Object, settings: &Settings, since: i64) -> Query {
    let conditions = vec![format!("lastmodifieddate >= TO_DATE(?, '{ORACLE}')")];
    let text = select(object, &BTreeSet::new(), settings) + &rest(Some(object), conditions, "lastmodifieddate, id");
    Query { table: object.table.clone(), text, params: vec![local(since, settings.zone)] }
}
