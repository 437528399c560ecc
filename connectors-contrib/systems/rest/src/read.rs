//! Reads by id, and by the key that a record was made under.

use accordant::connector::{ConnectorError, Item, ReadAnswer, RecordKey, Says};
use accordant::model::Path;
use accordant::surface::Channel;
use accordant::text::Text;
use accordant_http::Response;
use bytes::Bytes;
use futures::future::join_all;
use http::StatusCode;
use http::header::ETAG;
use serde_json::value::RawValue;

use crate::address::{behind, filled};
use crate::answer::{self, malformed};
use crate::connector::Rest;
use crate::description::{Create, Object};
use crate::surfaces;

/// How many reads go at a time, unless the description says how many requests may.
const AT_ONCE: usize = 8;

/// A record that was looked at.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) record: Box<RawValue>,
    /// What `If-Match` asks for.
    pub(crate) etag: Option<String>,
}

impl Rest {
    /// One answer per key, in their order.
    pub(crate) async fn read(&self, keys: &[RecordKey]) -> Vec<ReadAnswer> {
        let mut answers = Vec::with_capacity(keys.len());
        for keys in keys.chunks(self.at_once(AT_ONCE)) {
            answers.extend(join_all(keys.iter().map(|key| self.read_one(key))).await);
        }
        answers
    }

    async fn read_one(&self, key: &RecordKey) -> ReadAnswer {
        let name = key.object.as_str();
        let found = match self.object(name) {
            Ok(object) if key.by_create_key => self.of_key(object, &key.id).await,
            Ok(object) => self.look(object, &key.id).await.map(|looked| looked.map(|looked| looked.record)),
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(record)) => ReadAnswer::Found(read_item(name, &record)),
            Ok(None) => ReadAnswer::Gone,
            Err(error) => ReadAnswer::Failed(error),
        }
    }

    /// A record as it is now; `None`: there is none of this id.
    pub(crate) async fn look(&self, object: &Object, id: &str) -> Result<Option<Looked>, ConnectorError> {
        let one = object.one.as_ref().ok_or_else(|| self.unsupported())?;
        let Some(path) = filled(&one.path, "id", id) else { return Ok(None) };
        let address = behind(&self.base, &path).ok_or_else(|| self.unsupported())?;
        let answer = self.ask("GET", &address, &[], None).await?;
        match answer.status() {
            StatusCode::OK => {
                let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
                Ok(Some(Looked { record: self.record_at(&answer, &one.record)?, etag }))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            _ => Err(self.unread(&answer, "read a record")),
        }
    }

    /// The record that was made under a key; `None`: there is none.
    pub(crate) async fn of_key(&self, object: &Object, key: &str) -> Result<Option<Box<RawValue>>, ConnectorError> {
        let Some(Create { key: Some(at), find: Some(find), .. }) = &object.create else {
            return Err(self.unsupported());
        };
        let Some(path) = filled(&find.path, "key", key) else { return Ok(None) };
        let address = behind(&self.base, &path).ok_or_else(|| self.unsupported())?;
        let answer = self.ask("GET", &address, &[], None).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            _ => return Err(self.unread(&answer, "find the record of a key")),
        }
        let system = &self.description.system;
        let body = answer::whole(answer.body()).ok_or_else(|| malformed(system, "no JSON"))?;
        let records = answer::list(body, &Path::new(&find.records));
        let records = records.ok_or_else(|| malformed(system, &format!("no list at `{}`", find.records)))?;
        // A search may find what only looks alike.
        let at = Path::new(at);
        let of = |record: &&RawValue| {
            answer::at(record, &at).and_then(answer::text).is_some_and(|held| held.as_str() == key)
        };
        Ok(records.into_iter().find(of).map(RawValue::to_owned))
    }

    /// The record at a path of an answer.
    pub(crate) fn record_at(&self, answer: &Response, path: &str) -> Result<Box<RawValue>, ConnectorError> {
        let record = answer::whole(answer.body()).and_then(|body| answer::at(body, &Path::new(path)));
        let record = record.filter(|record| record.get().starts_with('{'));
        let missing = || malformed(&self.description.system, &format!("no record at `{path}`"));
        record.map(RawValue::to_owned).ok_or_else(missing)
    }
}

/// A record, as the surface of reads carries it.
pub(crate) fn read_item(object: &str, record: &RawValue) -> Item {
    let surface = surfaces::name(object, Channel::Read);
    Item::new(surface.as_str().into(), Says::Record, Bytes::copy_from_slice(record.get().as_bytes()))
}

/// The id of a record.
pub(crate) fn id_of(object: &Object, record: &RawValue) -> Option<Text> {
    answer::at(record, &object.record.id.as_str().into()).and_then(answer::text).filter(|id| !id.is_empty())
}
