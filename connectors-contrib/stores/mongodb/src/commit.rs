//! Commits: a group of one tenant's in one transaction.

use std::collections::BTreeMap;

use accordant::id::TenantId;
use accordant::journal::{Broken, Entry, Head, Payload, verify_all};
use accordant::store::group::{self, Combined, Raise};
use accordant::store::{Commit, Committed, RowKey, Table};
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR};
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection, Database};

use crate::content::{self, FIELDS};
use crate::entries::{self, binary, digest, signed};
use crate::rows::{self, foreign};
use crate::transaction;

/// The collection of the journals' ends.
pub(crate) const HEAD: &str = "journal_head";

/// How much one message carries at most: MongoDB takes 48 megabytes and 100 000 documents.
const MESSAGE_BYTES: usize = 16 << 20;
const MESSAGE_DOCUMENTS: usize = 10_000;

/// A group of commits that failed.
pub(crate) struct Undone {
    pub(crate) error: Error,
    /// Whether it is certain that none of them happened.
    pub(crate) certain: bool,
}

/// Carries out the commits of a group, and says how each ended.
pub(crate) async fn commit(
    database: &Database,
    tenant: &TenantId,
    commits: Vec<Commit>,
) -> std::result::Result<Vec<Committed>, Undone> {
    let mut session = transaction::begin(database).await.map_err(|error| Undone { error, certain: true })?;
    let done = in_transaction(database, &mut session, tenant, commits).await;
    let asked_to_end = done.is_ok();
    transaction::end(&mut session, done).await.map_err(|error| {
        // Labelled so, the end itself says that there was nothing to end any more.
        let certain = !asked_to_end || error.contains_label(TRANSIENT_TRANSACTION_ERROR);
        Undone { error, certain }
    })
}

/// Appends entries that were sealed elsewhere, if they follow the journal's end.
pub(crate) async fn take_over(
    database: &Database,
    tenant: &TenantId,
    start: Head,
    entries: &[(Entry, Option<Payload>)],
) -> Result<std::result::Result<Head, Broken>> {
    let mut session = transaction::begin(database).await?;
    let done = append_sealed(database, &mut session, tenant, start, entries).await;
    transaction::end(&mut session, done).await
}

async fn in_transaction(
    database: &Database,
    session: &mut ClientSession,
    tenant: &TenantId,
    commits: Vec<Commit>,
) -> Result<Vec<Committed>> {
    let head = hold(database, session, tenant).await?;
    let expected: Vec<RowKey> = group::expected(&commits).into_iter().cloned().collect();
    let revisions = rows::revisions(database, session, tenant, &expected).await?;
    let combined = group::combine(head, &revisions, commits);
    write(database, session, tenant, &combined).await?;
    move_head(database, session, tenant, head, combined.head).await?;
    Ok(combined.outcomes)
}

async fn append_sealed(
    database: &Database,
    session: &mut ClientSession,
    tenant: &TenantId,
    start: Head,
    entries: &[(Entry, Option<Payload>)],
) -> Result<std::result::Result<Head, Broken>> {
    let before = hold(database, session, tenant).await?;
    // A head at 0 is that of a journal without entries: a cut leaves the last one.
    let end = if before.seq == 0 { start } else { before };
    let verified = verify_all(end, entries);
    if let Ok(head) = verified
        && !entries.is_empty()
    {
        let documents = entries.iter().map(|(entry, payload)| entries::document(tenant, entry, payload.as_ref()));
        append(database, session, documents.collect()).await?;
        move_head(database, session, tenant, before, head).await?;
    }
    Ok(verified)
}

fn heads(database: &Database) -> Collection<Document> {
    database.collection(HEAD)
}

/// The end of the tenant's journal, held until the transaction ends: by a write, so that whoever else is in a transaction
/// of this tenant collides here, and what is read behind it stays so.
async fn hold(database: &Database, session: &mut ClientSession, tenant: &TenantId) -> Result<Head> {
    let held = heads(database)
        .find_one_and_update(doc! { "_id": tenant.as_str() }, doc! { "$inc": { "commits": 1_i64 } })
        .upsert(true)
        .return_document(ReturnDocument::After)
        .session(session)
        .await?
        .ok_or_else(foreign)?;
    match held.get_i64("seq") {
        Ok(seq) => Ok(Head { seq: seq.cast_unsigned(), digest: digest(&held, "digest").ok_or_else(foreign)? }),
        Err(_) => Ok(Head::default()),
    }
}

async fn move_head(
    database: &Database,
    session: &mut ClientSession,
    tenant: &TenantId,
    from: Head,
    to: Head,
) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let moved = doc! { "$set": { "seq": signed(to.seq), "digest": binary(&to.digest.0) } };
    heads(database).update_one(doc! { "_id": tenant.as_str() }, moved).session(session).await.map(drop)
}

async fn write(database: &Database, session: &mut ClientSession, tenant: &TenantId, combined: &Combined) -> Result<()> {
    // A row may be deleted and put again: the deletions come first.
    let mut deletions: BTreeMap<Table, Vec<Document>> = BTreeMap::new();
    for key in &combined.delete {
        let query = doc! { "_id": rows::id(tenant, &key.key) };
        deletions.entry(key.table).or_default().push(doc! { "q": query, "limit": 1 });
    }
    for (table, deletions) in deletions {
        send(database, session, "delete", table.name(), "deletes", deletions.into_iter().map(weighed).collect())
            .await?;
    }
    let mut puts: BTreeMap<Table, Vec<(Document, usize)>> = BTreeMap::new();
    for raise in &combined.put {
        puts.entry(raise.key.table).or_default().push((put(tenant, raise), raise.value.len()));
    }
    for (table, puts) in puts {
        send(database, session, "update", table.name(), "updates", puts).await?;
    }
    let documents = combined.journal.iter().map(|(entry, payload)| entries::document(tenant, entry, Some(payload)));
    append(database, session, documents.collect()).await
}

async fn append(database: &Database, session: &mut ClientSession, documents: Vec<Document>) -> Result<()> {
    let documents = documents.into_iter().map(weighed).collect();
    send(database, session, "insert", entries::JOURNAL, "documents", documents).await
}

/// A document with its size, as far as content makes it.
fn weighed(document: Document) -> (Document, usize) {
    let size = mongodb::bson::serialize_to_vec(&document).map_or(0, |bytes| bytes.len());
    (document, size)
}

fn put(tenant: &TenantId, raise: &Raise) -> Document {
    let (name, value) = content::field(&raise.value);
    let others = FIELDS.into_iter().filter(|field| *field != name);
    let others: Document = others.map(|field| (field.to_owned(), Bson::from(""))).collect();
    doc! {
        "q": { "_id": rows::id(tenant, &raise.key.key) },
        "u": { "$inc": { "revision": signed(raise.by) }, "$set": { name: value }, "$unset": others },
        "upsert": true,
    }
}

/// Sends a write of many documents to one collection, in as few messages as MongoDB takes.
async fn send(
    database: &Database,
    session: &mut ClientSession,
    command: &str,
    collection: &str,
    field: &str,
    statements: Vec<(Document, usize)>,
) -> Result<()> {
    let mut statements = statements.into_iter().peekable();
    while statements.peek().is_some() {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MESSAGE_DOCUMENTS
            && let Some((statement, size)) =
                statements.next_if(|(_, size)| batch.is_empty() || bytes + size <= MESSAGE_BYTES)
        {
            bytes += size;
            batch.push(statement);
        }
        let answer = database.run_command(doc! { command: collection, "ordered": true, field: batch });
        told(&answer.session(&mut *session).await?)?;
    }
    Ok(())
}

/// A command that was carried out may still say that one of its writes was not.
fn told(answer: &Document) -> Result<()> {
    let Ok(errors) = answer.get_array("writeErrors") else { return Ok(()) };
    let code = errors.first().and_then(Bson::as_document).and_then(|error| error.get_i32("code").ok());
    Err(Error::custom(Unwritten(code.unwrap_or_default())))
}

/// A write inside of a command that MongoDB refused, by its code. What it says of it may quote a value.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("MongoDB refused a write with code {0}")]
pub(crate) struct Unwritten(pub(crate) i32);
