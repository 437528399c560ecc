//! The journal's documents.

use accordant::fingerprint::Digest;
use accordant::id::{Actor, TenantId};
use accordant::journal::{Entry, Payload};
use accordant::text::Text;
use futures::TryStreamExt as _;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::error::Result;
use mongodb::{Collection, Database};

use crate::content::{self, FIELDS};
use crate::rows::foreign;

pub(crate) const JOURNAL: &str = "journal";

/// How many entries one deletion takes at most.
const AT_ONCE: u64 = 1_000;

pub(crate) fn journal(database: &Database) -> Collection<Document> {
    database.collection(JOURNAL)
}

fn id(tenant: &TenantId, seq: u64) -> Document {
    doc! { "tenant": tenant.as_str(), "seq": signed(seq) }
}

/// An entry as it is appended.
pub(crate) fn document(tenant: &TenantId, entry: &Entry, payload: Option<&Payload>) -> Document {
    let Entry { seq, format, at, actor, kind, subject, commitment, digest } = entry;
    let mut document = doc! {
        "_id": id(tenant, *seq),
        "format": i32::from(*format),
        "at": DateTime::from_millis(*at),
        "actor": actor.as_str(),
        "kind": kind.as_str(),
        "subject": subject.as_str(),
        "commitment": binary(&commitment.0),
        "digest": binary(&digest.0),
    };
    if let Some(payload) = payload {
        document.insert("salt", binary(&payload.salt));
        let (name, value) = content::field(&payload.bytes);
        document.insert(name, value);
    }
    document
}

/// A page of entries, with the payloads that are still there.
pub(crate) async fn page(
    database: &Database,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> Result<Vec<(Entry, Option<Payload>)>> {
    find(database, behind(tenant, after), limit).await
}

/// A page of the entries about a subject whose payloads are still there.
pub(crate) async fn about(
    database: &Database,
    tenant: &TenantId,
    subject: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<(Entry, Option<Payload>)>> {
    let filter = doc! {
        "_id.tenant": tenant.as_str(), "subject": subject, "_id.seq": { "$gt": signed(after) },
        "salt": { "$exists": true },
    };
    if limit == 0 {
        return Ok(Vec::new());
    }
    let found = journal(database).find(filter).sort(doc! { "_id.seq": 1 }).limit(signed(limit)).await?;
    found.and_then(async |document| entry(&document).ok_or_else(foreign)).try_collect().await
}

/// The place of the last entry before the first that is later.
pub(crate) async fn place(database: &Database, tenant: &TenantId, at: i64) -> Result<u64> {
    let mut later = behind(tenant, 0);
    later.insert("at", doc! { "$gt": DateTime::from_millis(at) });
    let first = journal(database).find_one(later).sort(doc! { "_id": 1 }).projection(doc! { "_id": 1 }).await?;
    if let Some(first) = first {
        return Ok(seq(&first).unwrap_or_default().saturating_sub(1));
    }
    let collection = journal(database);
    let last = collection.find_one(behind(tenant, 0)).sort(doc! { "_id": -1 }).projection(doc! { "_id": 1 }).await?;
    Ok(last.as_ref().and_then(seq).unwrap_or_default())
}

/// Destroys the payloads about a subject up to a place.
pub(crate) async fn erase(database: &Database, tenant: &TenantId, subject: &str, until: u64) -> Result<u64> {
    let until = doc! { "$lte": signed(until) };
    let filter = doc! {
        "_id.tenant": tenant.as_str(), "_id.seq": until, "subject": subject, "salt": { "$exists": true },
    };
    Ok(journal(database).update_many(filter, without_payload()).await?.modified_count)
}

/// Destroys the payloads of the entries of a kind up to a place.
pub(crate) async fn expire(database: &Database, tenant: &TenantId, kind: &str, until: u64) -> Result<u64> {
    let mut filter = up_to(tenant, until);
    filter.extend(doc! { "kind": kind, "salt": { "$exists": true } });
    Ok(journal(database).update_many(filter, without_payload()).await?.modified_count)
}

/// Deletes the entries up to a place, but for the last: from the beginning on, so that no gap is left where it ends early.
pub(crate) async fn cut(database: &Database, tenant: &TenantId, until: u64) -> Result<u64> {
    let collection = journal(database);
    let last = collection.find_one(behind(tenant, 0)).sort(doc! { "_id": -1 }).projection(doc! { "_id": 1 }).await?;
    let until = until.min(last.as_ref().and_then(seq).unwrap_or_default().saturating_sub(1));
    let mut deleted = 0;
    loop {
        // A deletion of many documents may stop halfway, and says not in which order it goes.
        let first =
            collection.find_one(behind(tenant, 0)).sort(doc! { "_id": 1 }).projection(doc! { "_id": 1 }).await?;
        let Some(first) = first.as_ref().and_then(seq).filter(|first| *first <= until) else { return Ok(deleted) };
        let part = until.min(first + AT_ONCE - 1);
        deleted += collection.delete_many(up_to(tenant, part)).await?.deleted_count;
    }
}

fn up_to(tenant: &TenantId, until: u64) -> Document {
    doc! { "_id": { "$gt": id(tenant, 0), "$lte": id(tenant, until) } }
}

fn without_payload() -> Document {
    let gone: Document = FIELDS.into_iter().chain(["salt"]).map(|field| (field.to_owned(), Bson::from(""))).collect();
    doc! { "$unset": gone }
}

fn behind(tenant: &TenantId, after: u64) -> Document {
    doc! { "_id": { "$gt": id(tenant, after), "$lt": { "tenant": tenant.as_str(), "seq": Bson::MaxKey } } }
}

async fn find(database: &Database, filter: Document, limit: usize) -> Result<Vec<(Entry, Option<Payload>)>> {
    if limit == 0 {
        // MongoDB reads no limit at all in it.
        return Ok(Vec::new());
    }
    let found = journal(database).find(filter).sort(doc! { "_id": 1 }).limit(signed(limit)).await?;
    found.and_then(async |document| entry(&document).ok_or_else(foreign)).try_collect().await
}

fn seq(document: &Document) -> Option<u64> {
    Some(document.get_document("_id").ok()?.get_i64("seq").ok()?.cast_unsigned())
}

fn entry(document: &Document) -> Option<(Entry, Option<Payload>)> {
    let entry = Entry {
        seq: seq(document)?,
        format: u16::try_from(document.get_i32("format").ok()?).ok()?,
        at: document.get_datetime("at").ok()?.timestamp_millis(),
        actor: Actor::new(document.get_str("actor").ok()?),
        kind: Text::new(document.get_str("kind").ok()?),
        subject: Text::new(document.get_str("subject").ok()?),
        commitment: digest(document, "commitment")?,
        digest: digest(document, "digest")?,
    };
    let salt = document.get_binary_generic("salt").ok().and_then(|salt| salt.as_slice().try_into().ok());
    let payload = salt.zip(content::of(document)).map(|(salt, bytes)| Payload { bytes, salt });
    Some((entry, payload))
}

pub(crate) fn digest(document: &Document, field: &str) -> Option<Digest> {
    document.get_binary_generic(field).ok()?.as_slice().try_into().ok().map(Digest)
}

pub(crate) fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// MongoDB's integers are signed. Places count up from 1 and never come near the sign.
pub(crate) fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
