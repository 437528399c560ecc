//! The schema: its versions, and how another version is recognised.

use accordant::store::{StoreError, Table};
use deadpool_postgres::{Client, Pool};
use tokio_postgres::Error;

use crate::fault::{no_connection, refused};

/// What leads from one version to the next: statements, and statements for each of the tables of rows. `{schema}` and
/// `{table}` stand for the names.
struct Step {
    once: &'static str,
    each_table: &'static str,
    /// Whether the journal's tables are treated like those of rows.
    journal_too: bool,
}

/// Every version's step, from the first. A step that was released is never changed: another is added.
const STEPS: [Step; 3] = [
    Step {
        once: include_str!("../migrations/0001-rows-and-journal.sql"),
        each_table: include_str!("../migrations/0001-each-table.sql"),
        journal_too: false,
    },
    Step {
        once: include_str!("../migrations/0002-row-security.sql"),
        each_table: include_str!("../migrations/0002-each-table.sql"),
        journal_too: true,
    },
    Step { once: include_str!("../migrations/0003-views.sql"), each_table: "", journal_too: false },
];

/// The version that this program reads and writes.
pub(crate) const FORMAT: u32 = STEPS.len() as u32;

/// A name as SQL quotes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// Creates the tables where there are none, upgrades those of an earlier version, and refuses those of a newer one.
pub(crate) async fn prepare(pool: &Pool, name: &str) -> Result<(), StoreError> {
    const DOING: &str = "recognise its tables";
    let mut client = pool.get().await.map_err(no_connection(DOING))?;
    if supported(found(&client, name).await.map_err(refused(DOING))?)? == FORMAT {
        return Ok(());
    }
    upgrade(&mut client, name, FORMAT).await
}

/// Leads to version `to`, in one transaction.
async fn upgrade(client: &mut Client, name: &str, to: u32) -> Result<(), StoreError> {
    const DOING: &str = "create or upgrade its tables";
    let transaction = client.transaction().await.map_err(refused(DOING))?;
    // Others may be opening it, too: one of them upgrades, the rest find that it was done.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    transaction.execute(lock, &[&format!("accordant {name}")]).await.map_err(refused(DOING))?;
    let from = supported(found(transaction.client(), name).await.map_err(refused(DOING))?)?;
    let mut sql = String::new();
    if from == 0 {
        // Where the schema is there, the role may be one that must not create any.
        let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
        let there = transaction.query_one(there, &[&name]).await.and_then(|row| row.try_get(0));
        if !there.map_err(refused(DOING))? {
            sql.push_str("CREATE SCHEMA {schema};");
        }
        sql.push_str(
            "CREATE TABLE {schema}.format (version integer NOT NULL); INSERT INTO {schema}.format VALUES (0);",
        );
    }
    for step in STEPS.iter().take(to as usize).skip(from as usize) {
        sql.push_str(step.once);
        let journal = ["journal_head", "journal"].into_iter().filter(|_| step.journal_too);
        for table in Table::ALL.map(Table::name).into_iter().chain(journal) {
            sql.push_str(&step.each_table.replace("{table}", table));
        }
    }
    sql.push_str(&format!("UPDATE {{schema}}.format SET version = {};", to.max(from)));
    transaction.batch_execute(&sql.replace("{schema}", &quoted(name))).await.map_err(refused(DOING))?;
    transaction.commit().await.map_err(refused(DOING))
}

/// The version of the tables; 0 if there are none.
async fn found(client: &tokio_postgres::Client, name: &str) -> Result<u32, Error> {
    // Asked of the catalogue's tables, and not by `to_regclass`: a session remembers that a table was not there, also
    // while it waits for whoever creates it.
    let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON \
        pg_namespace.oid = relnamespace WHERE nspname = $1 AND relname = 'format')";
    let there: bool = client.query_one(there, &[&name]).await?.try_get(0)?;
    if !there {
        return Ok(0);
    }
    let row = client.query_one(&format!("SELECT version FROM {}.format", quoted(name)), &[]).await?;
    Ok(u32::try_from(row.try_get::<_, i32>(0)?).unwrap_or(u32::MAX))
}

fn supported(found: u32) -> Result<u32, StoreError> {
    if found > FORMAT { Err(StoreError::Format { found, supported: FORMAT }) } else { Ok(found) }
}
