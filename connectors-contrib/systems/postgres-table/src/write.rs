//! Writes: one statement for each record, whose condition is what the write expects.

use accordant::connector::{Outcome, Write, WriteAction, WriteReceipt};
use accordant::id::SurfaceName;
use accordant::model::Path;
use accordant::text::Text;
use accordant::value::Native;
use accordant_http::not_sent;
use deadpool_postgres::Object as Session;
use futures::future::join_all;
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use crate::connector::{Bound, PostgresTable};
use crate::fault::unwritten;
use crate::quoted::quoted;
use crate::read::rows_of;
use crate::rows::{Record, record, token};
use crate::settings::column;
use crate::surfaces::{self, Way};

/// How many writes are under way on one connection.
const AT_ONCE: usize = 16;

/// Stands for the number in a statement until its place is known: nothing that is quoted holds it.
const TOKEN: char = '\0';

/// A statement as it grows: its parameters are texts, cast to the types of their columns, and one number.
#[derive(Debug, Default)]
struct Statement {
    texts: Vec<Option<String>>,
    token: Option<i64>,
}

impl Statement {
    /// A parameter for a value of a column.
    ///
    /// # Errors
    ///
    /// If the column is none, or takes no such value.
    fn value(&mut self, bound: &Bound, path: &Path, leaf: &Native) -> Result<(String, String), String> {
        let unknown = || format!("{path} is no column of the table");
        let name = column(path).ok_or_else(unknown)?;
        let kind = bound.known.kind(name).ok_or_else(unknown)?;
        self.texts.push(match leaf {
            Native::Null => None,
            Native::Bool(value) => Some(value.to_string()),
            Native::Text(text) | Native::Number(text) => Some(text.to_string()),
            Native::List(_) | Native::Elements(_) => return Err(format!("{path}: a column takes no list")),
        });
        Ok((quoted(name), format!("CAST(${}::text AS {kind})", self.texts.len())))
    }

    /// A parameter for a text that is cast to the type of a column.
    fn text(&mut self, kind: &str, text: &str) -> String {
        self.texts.push(Some(text.to_owned()));
        format!("CAST(${}::text AS {kind})", self.texts.len())
    }

    /// What a write expects of the row, as a condition: the version, or else the values. Where no values are expected, only
    /// the version says that nobody came in between.
    fn expected(&mut self, bound: &Bound, write: &Write) -> Result<String, String> {
        let mut leaves = Vec::with_capacity(write.expect.len());
        for (path, leaf) in &write.expect {
            let (column, value) = self.value(bound, path, leaf)?;
            leaves.push(format!("{column} IS NOT DISTINCT FROM {value}"));
        }
        self.token = write.expect_token.filter(|_| bound.table.ordered_by().is_some());
        let held = if leaves.is_empty() { None } else { Some(format!("({})", leaves.join(" AND "))) };
        // The number stands behind all texts: `run` puts it there.
        let same = self.token.map(|_| format!("{} = {TOKEN}::bigint", token(&bound.table)));
        Ok(match (same, held) {
            (Some(same), Some(held)) => format!(" AND ({same} OR {held})"),
            (Some(one), None) | (None, Some(one)) => format!(" AND {one}"),
            (None, None) => String::new(),
        })
    }

    /// Runs it; the row that it wrote, if there was one.
    async fn run(&self, session: &Session, text: &str) -> Result<Option<Record>, Error> {
        let text = text.replace(TOKEN, &format!("${}", self.texts.len().saturating_add(1)));
        let mut parameters: Vec<&(dyn ToSql + Sync)> =
            self.texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        if let Some(token) = &self.token {
            parameters.push(token);
        }
        let statement = session.prepare_cached(&text).await?;
        Ok(session.query_opt(&statement, &parameters).await?.as_ref().map(Record::of))
    }
}

impl PostgresTable {
    /// One receipt per write, in their order.
    pub(crate) async fn write(&self, writes: &[Write]) -> Vec<WriteReceipt> {
        let session = match self.session().await {
            Ok(session) => session,
            Err(error) => return writes.iter().map(|_| not_sent(&error).into()).collect(),
        };
        let mut receipts = Vec::with_capacity(writes.len());
        for writes in writes.chunks(AT_ONCE) {
            receipts.extend(join_all(writes.iter().map(|write| self.write_one(&session, write))).await);
        }
        receipts
    }

    /// A statement without an answer may have had its effect.
    async fn write_one(&self, session: &Session, write: &Write) -> WriteReceipt {
        let written = tokio::time::timeout(self.longest(), self.written(session, write)).await;
        written.unwrap_or_else(|_| Outcome::Unknown.into())
    }

    async fn written(&self, session: &Session, write: &Write) -> WriteReceipt {
        let Some(bound) = self.tables.get(write.object.as_str()) else { return refused("no such object type") };
        let surface = SurfaceName::from(surfaces::name(write.object.as_str(), Way::One));
        let written = match &write.action {
            WriteAction::Create { key } => create(session, bound, key, write).await,
            WriteAction::Update { id } => update(session, bound, id, write).await,
            WriteAction::Archive { id } => archive(session, bound, id, write).await,
            _ => return refused("an action that this connector does not know"),
        };
        match written {
            Ok(Ok(Some((record, ours)))) => WriteReceipt {
                outcome: Outcome::Applied { id: record.id.clone() },
                token: record.token.filter(|_| ours),
                record: ours.then(|| record.item(&surface)),
            },
            // The statement met no row that is as the write expects it.
            Ok(Ok(None)) => Outcome::Stale.into(),
            Ok(Err(error)) => unwritten(&error).into(),
            Err(why) => refused(&why),
        }
    }
}

/// The row, and whether this write made it what it is. The outer error: the write cannot be said in SQL.
type Written = Result<Result<Option<(Record, bool)>, Error>, String>;

async fn update(session: &Session, bound: &Bound, id: &Text, write: &Write) -> Written {
    let mut statement = Statement::default();
    let mut set = Vec::with_capacity(write.changes.len());
    for (path, leaf) in &write.changes {
        let (column, value) = statement.value(bound, path, leaf)?;
        set.push(format!("{column} = {value}"));
    }
    run_on(session, bound, id, write, statement, set).await
}

/// Sets columns of a row, and those that say that it changed.
async fn run_on(
    session: &Session,
    bound: &Bound,
    id: &Text,
    write: &Write,
    mut statement: Statement,
    mut set: Vec<String>,
) -> Written {
    set.extend(bound.stamps(&set));
    if set.is_empty() {
        return Err("the write changes nothing".to_owned());
    }
    let (column, kind) = bound.id();
    let id = statement.text(kind, id);
    let expected = statement.expected(bound, write)?;
    // What is deleted, and still there, is no more what was expected.
    let alive = bound.table.deleted.iter().map(|(flag, _)| format!(" AND {} IS NOT TRUE", quoted(flag)));
    let text = format!(
        "UPDATE {} SET {} WHERE {} = {id}{expected}{} RETURNING {}",
        bound.known.name,
        set.join(", "),
        quoted(column),
        alive.collect::<String>(),
        record(&bound.table)
    );
    Ok(statement.run(session, &text).await.map(|row| row.map(|row| (row, true))))
}

async fn archive(session: &Session, bound: &Bound, id: &Text, write: &Write) -> Written {
    let mut statement = Statement::default();
    if let Some((column, _)) = &bound.table.deleted {
        return run_on(session, bound, id, write, statement, vec![format!("{} = TRUE", quoted(column))]).await;
    }
    let (column, kind) = bound.id();
    let id = statement.text(kind, id);
    let expected = statement.expected(bound, write)?;
    let text = format!(
        "DELETE FROM {} WHERE {} = {id}{expected} RETURNING {}",
        bound.known.name,
        quoted(column),
        record(&bound.table)
    );
    // The row that is returned is the one that is no more.
    Ok(statement.run(session, &text).await.map(|row| row.map(|row| (row, false))))
}

/// Makes a row under its key, unless there is one: what people made of it since stays.
async fn create(session: &Session, bound: &Bound, key: &Text, write: &Write) -> Written {
    let mut statement = Statement::default();
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for (path, leaf) in &write.changes {
        let (column, value) = statement.value(bound, path, leaf)?;
        columns.push(column);
        values.push(value);
    }
    let conflict = match &bound.table.key {
        Some(of) => {
            columns.push(quoted(of));
            values.push(statement.text("text", key));
            format!(" ON CONFLICT ({}) DO NOTHING", quoted(of))
        }
        None => String::new(),
    };
    let filled = if columns.is_empty() {
        "DEFAULT VALUES".to_owned()
    } else {
        format!("({}) VALUES ({})", columns.join(", "), values.join(", "))
    };
    let text = format!("INSERT INTO {} {filled}{conflict} RETURNING {}", bound.known.name, record(&bound.table));
    let made = match statement.run(session, &text).await {
        Ok(made) => made,
        Err(error) => return Ok(Err(error)),
    };
    Ok(match (made, &bound.table.key) {
        (Some(made), _) => Ok(Some((made, true))),
        (None, Some(of)) => {
            let found = rows_of(session, bound, of, &[key.as_str()]).await;
            found.map(|rows| rows.into_values().next().map(|row| (row, false)))
        }
        (None, None) => Ok(None),
    })
}

fn refused(why: &str) -> WriteReceipt {
    Outcome::Refused { reason: why.into() }.into()
}
