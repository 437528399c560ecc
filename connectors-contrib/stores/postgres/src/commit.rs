//! Commits: a group of one tenant's in one transaction.

use std::collections::BTreeMap;

use accordant::id::TenantId;
use accordant::journal::{Broken, Entry, Head, Payload, verify_all};
use accordant::store::group::{self, Combined, Raise};
use accordant::store::{Commit, Committed, RowKey, Table};
use deadpool_postgres::ClientWrapper;
use futures::future::{try_join, try_join_all};
use tokio_postgres::{Error, Row};

use crate::entries::{self, digest};
use crate::rows::{Asked, by_table};
use crate::session::Session;
use crate::spelling::{Arguments, Keys, content, signed, spell, unsigned};
use crate::statements::Statements;

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// A commit that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// Its transaction was asked to end: it may have happened. Otherwise it has not.
    pub(crate) asked_to_end: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, asked_to_end: false }
    }
}

/// Carries out the commits of a group, and says how each ended.
pub(crate) async fn commit(
    session: &Session,
    statements: &Statements,
    tenant: &TenantId,
    commits: Vec<Commit>,
) -> Result<Vec<Committed>, Failed> {
    let spelt = spell(tenant.as_str());
    let expected: Vec<RowKey> = group::expected(&commits).into_iter().cloned().collect();
    let asked = Asked::of(session, &expected, |table| &statements.table(table).revisions).await?;
    let lock_head = session.prepare_cached(&statements.lock_head).await?;

    // The revisions are read behind the lock of the head, by a statement that sees all that was committed before the lock
    // was had: nobody else can change them now.
    let read = async {
        let arguments: &Arguments<'_> = &[&spelt];
        try_join(session.query_opt(&lock_head, arguments), revisions(session, &spelt, &asked, &expected)).await
    };
    let (mut head, mut known) = session.begin(BEGIN, tenant, read).await?;
    if head.is_none() {
        // The tenant's first commit. Another may be making the head at this moment, so all is read again behind it.
        head = first_head(session, statements, &spelt).await?;
        known = revisions(session, &spelt, &asked, &expected).await?;
    }
    let head = head.as_ref().map(read_head).transpose()?.unwrap_or_default();

    let combined = group::combine(head, &known, commits);
    write(session, statements, &spelt, head, &combined).await?;
    // Only now, and not along with what it ends: a statement that could not be sent must not be missing from it.
    session.end().await.map_err(|error| Failed { error, asked_to_end: true })?;
    Ok(combined.outcomes)
}

/// Appends entries that were sealed elsewhere, if they follow the journal's end.
pub(crate) async fn take_over(
    session: &Session,
    statements: &Statements,
    tenant: &TenantId,
    start: Head,
    entries: &[(Entry, Option<Payload>)],
) -> Result<Result<Head, Broken>, Failed> {
    let spelt = spell(tenant.as_str());
    let lock_head = session.prepare_cached(&statements.lock_head).await?;
    let arguments: &Arguments<'_> = &[&spelt];
    let mut head = session.begin(BEGIN, tenant, session.query_opt(&lock_head, arguments)).await?;
    if head.is_none() {
        head = first_head(session, statements, &spelt).await?;
    }
    let before = head.as_ref().map(read_head).transpose()?.unwrap_or_default();
    // A head at 0 is that of a journal without entries: a cut leaves the last one.
    let end = if before.seq == 0 { start } else { before };
    let verified = verify_all(end, entries);
    if let Ok(head) = verified
        && !entries.is_empty()
    {
        let sealed: Vec<_> = entries.iter().map(|(entry, payload)| (entry, payload.as_ref())).collect();
        entries::append(session, statements, &spelt, &sealed).await?;
        move_head(session, statements, &spelt, before, head).await?;
    }
    session.end().await.map_err(|error| Failed { error, asked_to_end: true })?;
    Ok(verified)
}

/// Makes the head of a tenant that has none, and locks it.
async fn first_head(client: &ClientWrapper, statements: &Statements, tenant: &str) -> Result<Option<Row>, Error> {
    let first = client.prepare_cached(&statements.first_head).await?;
    client.execute(&first, &[&tenant, &Head::default().digest.0.as_slice()]).await?;
    let lock_head = client.prepare_cached(&statements.lock_head).await?;
    client.query_opt(&lock_head, &[&tenant]).await
}

async fn move_head(
    client: &ClientWrapper,
    statements: &Statements,
    tenant: &str,
    from: Head,
    to: Head,
) -> Result<(), Error> {
    if from == to {
        return Ok(());
    }
    let statement = client.prepare_cached(&statements.move_head).await?;
    let arguments: &Arguments<'_> = &[&tenant, &signed(to.seq), &to.digest.0.as_slice()];
    client.execute(&statement, arguments).await.map(drop)
}

fn read_head(row: &Row) -> Result<Head, Error> {
    Ok(Head { seq: unsigned(row.try_get(0)?), digest: digest(row.try_get(1)?) })
}

/// The revisions of those of the rows that there are.
async fn revisions(
    client: &ClientWrapper,
    tenant: &str,
    asked: &Asked,
    expected: &[RowKey],
) -> Result<BTreeMap<RowKey, u64>, Error> {
    let found = asked.query(client, tenant).await?;
    found.iter().map(|(place, row)| Ok((expected[*place].clone(), unsigned(row.try_get(1)?)))).collect()
}

async fn write(
    client: &ClientWrapper,
    statements: &Statements,
    tenant: &str,
    before: Head,
    combined: &Combined,
) -> Result<(), Error> {
    // A row may be deleted and put again: the deletions come first.
    let deletions = by_table(&combined.delete).into_iter().map(async |(table, (keys, _))| {
        let statement = client.prepare_cached(&statements.table(table).delete).await?;
        client.execute(&statement, &[&tenant, &keys.keys, &keys.tails]).await
    });
    try_join_all(deletions).await?;
    let mut tables: BTreeMap<Table, Vec<&Raise>> = BTreeMap::new();
    for raise in &combined.put {
        tables.entry(raise.key.table).or_default().push(raise);
    }
    let puts = tables.into_iter().map(|(table, raises)| put(client, statements, tenant, table, raises));
    let sealed: Vec<_> = combined.journal.iter().map(|(entry, payload)| (entry, Some(payload))).collect();
    let journal = async {
        entries::append(client, statements, tenant, &sealed).await?;
        move_head(client, statements, tenant, before, combined.head).await
    };
    try_join(try_join_all(puts), journal).await.map(drop)
}

async fn put(
    client: &ClientWrapper,
    statements: &Statements,
    tenant: &str,
    table: Table,
    raises: Vec<&Raise>,
) -> Result<(), Error> {
    let mut keys = Keys::default();
    raises.iter().for_each(|raise| keys.push(&raise.key.key));
    let by: Vec<i64> = raises.iter().map(|raise| signed(raise.by)).collect();
    let (values, bytes): (Vec<_>, Vec<_>) = raises.iter().map(|raise| content(&raise.value)).unzip();
    let statement = client.prepare_cached(&statements.table(table).put).await?;
    let arguments: &Arguments<'_> = &[&tenant, &keys.keys, &keys.rests, &keys.tails, &by, &values, &bytes];
    client.execute(&statement, arguments).await.map(drop)
}
