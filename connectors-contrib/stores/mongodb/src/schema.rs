//! The collections: their versions, and how another version is recognised.

use accordant::store::{StoreError, Table};
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind, Result};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};

use crate::commit::HEAD;
use crate::entries::JOURNAL;
use crate::fault::refused;

const FORMATS: &str = "format";

/// The version that this program reads and writes: how many steps there are. A step that was released is never changed:
/// another is added. MongoDB makes no collection inside of a transaction that others wait for, so a step may be carried
/// out in part, or twice, and has to come to the same.
pub(crate) const FORMAT: u32 = 2;

/// Creates the collections where there are none, upgrades those of an earlier version, refuses those of a newer one.
pub(crate) async fn prepare(database: &Database) -> std::result::Result<(), StoreError> {
    const DOING: &str = "recognise its collections";
    let found = found(database).await.map_err(refused(DOING))?;
    if found > FORMAT {
        return Err(StoreError::Format { found, supported: FORMAT });
    }
    upgrade(database, found, FORMAT).await.map_err(refused("create or upgrade its collections"))
}

async fn upgrade(database: &Database, from: u32, to: u32) -> Result<()> {
    for version in from + 1..=to {
        match version {
            1 => collections(database).await?,
            _ => questions(database).await?,
        }
        // Never back: another may have come further.
        let raise = doc! { "$max": { "version": i64::from(version) } };
        formats(database).find_one_and_update(doc! { "_id": "accordant" }, raise).upsert(true).await?;
    }
    Ok(())
}

/// Version 1: the collections, and the index by which entries about a subject are found.
async fn collections(database: &Database) -> Result<()> {
    for name in Table::ALL.map(Table::name).into_iter().chain([JOURNAL, HEAD]) {
        match database.create_collection(name).await {
            Err(error) if exists(&error) => {}
            other => other?,
        }
    }
    index(database, JOURNAL, "by_subject", doc! { "_id.tenant": 1, "subject": 1, "_id.seq": 1 }).await
}

/// Version 2: the index for people's questions.
async fn questions(database: &Database) -> Result<()> {
    let by = doc! { "_id.tenant": 1, "value.state": 1, "value.kind": 1 };
    index(database, Table::Discrepancy.name(), "by_state", by).await
}

async fn index(database: &Database, collection: &str, name: &str, keys: Document) -> Result<()> {
    let options = IndexOptions::builder().name(name.to_owned()).build();
    let model = IndexModel::builder().keys(keys).options(options).build();
    database.collection::<Document>(collection).create_index(model).await.map(drop)
}

fn formats(database: &Database) -> mongodb::Collection<Document> {
    database.collection(FORMATS)
}

/// The version of the collections; 0 if there are none.
async fn found(database: &Database) -> Result<u32> {
    let format = formats(database).find_one(doc! { "_id": "accordant" }).await?;
    let version = format.map_or(Ok(0), |format| format.get_i64("version"));
    Ok(version.ok().and_then(|version| u32::try_from(version).ok()).unwrap_or(u32::MAX))
}

/// Whether an error says that a collection exists already.
fn exists(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == 48)
}
