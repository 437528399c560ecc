//! Writes: a look, then one request for each record, guarded by `If-Match` where the system has it.

use accordant::connector::{Outcome, Write, WriteAction, WriteReceipt};
use accordant::model::Path;
use accordant::text::Text;
use accordant::value::Native;
use accordant_http::{Response, not_sent};
use futures::future::join_all;
use http::StatusCode;
use serde_json::value::RawValue;

use crate::address::{behind, filled};
use crate::answer;
use crate::body::Tree;
use crate::connector::Rest;
use crate::description::{Create, Object};
use crate::fault::refused;
use crate::read::{Looked, id_of, read_item};

/// What is sent to a record that is there.
struct Sent<'d> {
    method: &'d str,
    path: &'d str,
    if_match: bool,
    body: Option<String>,
    /// Where in the answer the record is, if it carries one.
    record: Option<&'d str>,
}

impl Rest {
    /// One receipt per write, in their order.
    pub(crate) async fn write(&self, writes: &[Write]) -> Vec<WriteReceipt> {
        let mut receipts = Vec::with_capacity(writes.len());
        for writes in writes.chunks(self.at_once(1)) {
            receipts.extend(join_all(writes.iter().map(|write| self.write_one(write))).await);
        }
        receipts
    }

    async fn write_one(&self, write: &Write) -> WriteReceipt {
        let Ok(object) = self.object(write.object.as_str()) else {
            return WriteReceipt::from(refused("the description has no such object type"));
        };
        match &write.action {
            WriteAction::Create { key } => match &object.create {
                Some(create) => self.create(object, create, key, write).await,
                None => WriteReceipt::from(refused("the description says nothing of creating such records")),
            },
            WriteAction::Update { id } => self.update(object, id, write).await,
            WriteAction::Archive { id } => self.delete(object, id, write).await,
            _ => WriteReceipt::from(refused("an action that this connector does not know")),
        }
    }

    async fn update(&self, object: &Object, id: &Text, write: &Write) -> WriteReceipt {
        let Some(update) = &object.update else {
            return WriteReceipt::from(refused("the description says nothing of changing such records"));
        };
        let looked = match self.expected(object, id, write).await {
            Ok(looked) => looked,
            Err(outcome) => return WriteReceipt::from(outcome),
        };
        let mut tree = if update.whole { Tree::of(&looked.record) } else { Tree::default() };
        for (path, leaf) in &write.changes {
            if let Err(why) = tree.set(path, leaf) {
                return WriteReceipt::from(refused(&why));
            }
        }
        let sent = Sent {
            method: &update.method,
            path: &update.path,
            if_match: update.if_match,
            body: Some(tree.within(&Path::new(&update.body))),
            record: update.record.as_deref(),
        };
        self.send(object, id, write, &looked, sent).await
    }

    async fn delete(&self, object: &Object, id: &Text, write: &Write) -> WriteReceipt {
        let Some(delete) = &object.delete else {
            return WriteReceipt::from(refused("the description says nothing of deleting such records"));
        };
        let looked = match self.expected(object, id, write).await {
            Ok(looked) => looked,
            Err(outcome) => return WriteReceipt::from(outcome),
        };
        let sent =
            Sent { method: &delete.method, path: &delete.path, if_match: delete.if_match, body: None, record: None };
        self.send(object, id, write, &looked, sent).await
    }

    /// The record, if it is as a write expects it: not deleted, and of the same version, or else with the same values. Where no
    /// values are expected, only the version says that nobody came in between.
    async fn expected(&self, object: &Object, id: &Text, write: &Write) -> Result<Looked, Outcome> {
        let looked = match self.look(object, id).await {
            Ok(Some(looked)) => looked,
            Ok(None) => return Err(Outcome::Stale),
            Err(error) => return Err(not_sent(&error)),
        };
        let deleted = object.record.deleted.as_ref();
        let flag = deleted.and_then(|deleted| answer::at(&looked.record, &deleted.at.as_str().into()));
        let same = |path: &Path, leaf: &Native| answer::holds(&looked.record, path, leaf);
        if flag.is_some_and(answer::is_set) || !write.holds(token(object, &looked.record), same) {
            return Err(Outcome::Stale);
        }
        Ok(looked)
    }

    async fn send(&self, object: &Object, id: &Text, write: &Write, looked: &Looked, sent: Sent<'_>) -> WriteReceipt {
        let address = filled(sent.path, "id", id).and_then(|path| behind(&self.base, &path));
        let Some(address) = address else {
            return WriteReceipt::from(refused("an id that cannot stand in an address"));
        };
        let key = write.idempotency_key.to_string();
        let mut headers: Vec<(&str, &str)> = self.idempotency(&key).into_iter().collect();
        if sent.if_match {
            match &looked.etag {
                Some(etag) => headers.push(("if-match", etag)),
                None => return WriteReceipt::from(refused("the record has no ETag, and is only to be written by one")),
            }
        }
        match self.ask(sent.method, &address, &headers, sent.body).await {
            Ok(answer) if answer.status().is_success() => self.receipt(object, write, id.clone(), &answer, sent.record),
            Ok(answer) => WriteReceipt::from(self.unwritten(&answer)),
            Err(error) => WriteReceipt::from(error.outcome()),
        }
    }

    /// Makes a record under its key, unless there is one: what people made of it since stays.
    async fn create(&self, object: &Object, create: &Create, key: &Text, write: &Write) -> WriteReceipt {
        if create.find.is_some() {
            match self.of_key(object, key).await {
                Ok(Some(record)) => return WriteReceipt::from(made(object, &record)),
                Ok(None) => {}
                Err(error) => return WriteReceipt::from(not_sent(&error)),
            }
        }
        let mut tree = Tree::default();
        let own = create.key.as_ref().map(|at| (Path::new(at), Native::Text(key.clone())));
        for (path, leaf) in write.changes.iter().chain(&own) {
            if let Err(why) = tree.set(path, leaf) {
                return WriteReceipt::from(refused(&why));
            }
        }
        let Some(address) = behind(&self.base, &create.path) else {
            return WriteReceipt::from(refused("the described path is no address"));
        };
        let body = tree.within(&Path::new(&create.body));
        let sent = write.idempotency_key.to_string();
        let headers: Vec<(&str, &str)> = self.idempotency(&sent).into_iter().collect();
        let answer = match self.ask(&create.method, &address, &headers, Some(body)).await {
            Ok(answer) => answer,
            Err(error) => return WriteReceipt::from(error.outcome()),
        };
        if answer.status().is_success() {
            let record = create.record.as_deref().and_then(|path| self.record_at(&answer, path).ok());
            let id = match &record {
                Some(record) => id_of(object, record),
                None => create
                    .id
                    .as_deref()
                    .and_then(|path| answer::text(answer::at(answer::whole(answer.body())?, &Path::new(path))?)),
            };
            return match id {
                Some(id) => self.receipt(object, write, id, &answer, create.record.as_deref()),
                // Made, and nobody said as what: it is found by its key.
                None => WriteReceipt::from(self.made_under(object, key).await.unwrap_or(Outcome::Unknown)),
            };
        }
        // Somebody was faster under the same key: perhaps this very write, at another attempt.
        if answer.status() == StatusCode::CONFLICT
            && let Some(made) = self.made_under(object, key).await
        {
            return WriteReceipt::from(made);
        }
        WriteReceipt::from(self.refused(&answer))
    }

    async fn made_under(&self, object: &Object, key: &str) -> Option<Outcome> {
        let record = self.of_key(object, key).await.ok()??;
        Some(made(object, &record))
    }

    fn idempotency<'h>(&'h self, key: &'h str) -> Option<(&'h str, &'h str)> {
        self.description.idempotency_header.as_deref().map(|name| (name, key))
    }

    /// Of a write that was done. What its answer carries of the record is told, if that is all of it.
    fn receipt(
        &self,
        object: &Object,
        write: &Write,
        id: Text,
        answer: &Response,
        record: Option<&str>,
    ) -> WriteReceipt {
        let record = record.and_then(|path| self.record_at(answer, path).ok());
        let token = record.as_ref().and_then(|record| token(object, record));
        let record = record.map(|record| read_item(write.object.as_str(), &record));
        WriteReceipt { outcome: Outcome::Applied { id }, record, token }
    }
}

/// Of a record that was there under the key, or is there now.
fn made(object: &Object, record: &RawValue) -> Outcome {
    id_of(object, record).map_or(Outcome::Unknown, |id| Outcome::Applied { id })
}

/// What orders the states of a record.
fn token(object: &Object, record: &RawValue) -> Option<i64> {
    match (&object.record.version, &object.record.modified) {
        (Some(version), _) => answer::text(answer::at(record, &Path::new(version))?)?.parse().ok(),
        (None, Some(modified)) => answer::instant(answer::at(record, &Path::new(&modified.at))?, modified.written),
        (None, None) => None,
    }
}
