//! The fake system as a connector.

use async_trait::async_trait;
use bytes::Bytes;

use super::{FakeSystem, Fault, State, as_expected};
use crate::clock::Clock as _;
use crate::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Outcome, Page, ReadAnswer,
    RecordKey, Retry, Says, Verified, Write, WriteAction, WriteReceipt,
};
use crate::id::{ObjectType, SurfaceName};
use crate::schema::ObjectSchema;
use crate::surface::Surface;
use crate::testing::surfaces;
use crate::text::Text;

/// How many items a page holds: few, so that paging is always tried.
const PAGE: usize = 3;

#[async_trait]
impl Connector for FakeSystem {
    fn system(&self) -> &str {
        &self.name
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        self.state().safety.unwrap_or(CreateSafety::RemoteKey)
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let object = delivery.uri().path().rsplit('/').next().unwrap_or("");
        let says = delivery.headers().get("x-says").and_then(|says| says.to_str().ok()).unwrap_or("record");
        let mut words = says.split(' ');
        let says = match (words.next(), words.next(), words.next()) {
            (Some("hint"), Some(id), _) => Says::Hint { id: id.into() },
            (Some("deleted"), Some(id), _) => Says::Deleted { id: id.into() },
            (Some("merged"), Some(survivor), Some(loser)) => {
                Says::Merged { survivor: survivor.into(), losers: vec![loser.into()] }
            }
            _ => Says::Record,
        };
        let surface = surfaces::name(&object.into(), "webhooks");
        let denied = std::sync::Arc::clone(&self.state().denied);
        Ok(Verified {
            items: vec![Item::new(surface, says, delivery.body().clone()).denying(denied)],
            delivery_id: None,
            reply: http::Response::new(Bytes::new()),
        })
    }

    fn describes(&self) -> bool {
        self.state().described.is_some()
    }

    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        let described = self.reachable()?.described.clone().unwrap_or_default();
        Ok(described.into_iter().filter(|schema| objects.contains(&schema.object)).collect())
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let unsupported = || ConnectorError::new(ConnectorErrorKind::Unsupported, format!("no surface {surface}"));
        let (object, kind) = surfaces::parts(surface).ok_or_else(unsupported)?;
        let horizon = self.clock.now();
        let mut state = self.reachable()?;
        match kind {
            "changes" => Ok(state.changes_page(&object, surface, after, horizon)),
            "scan" => Ok(state.scan_page(&object, surface, after)),
            _ => Err(unsupported()),
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let state = self.reachable()?;
        Ok(keys.iter().map(|key| state.answer(key)).collect())
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let now = self.clock.now();
        let mut state = self.reachable()?;
        Ok(writes.into_iter().map(|write| state.write(&write, now)).collect())
    }
}

impl FakeSystem {
    fn reachable(&self) -> Result<std::sync::MutexGuard<'_, State>, ConnectorError> {
        let state = self.state();
        if state.unavailable {
            let error = ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so");
            return Err(error.retry(Retry::Backoff));
        }
        Ok(state)
    }
}

impl State {
    fn changes_page(&mut self, object: &ObjectType, surface: &SurfaceName, after: Option<Cursor>, now: i64) -> Page {
        let start: usize = after.and_then(|cursor| cursor.0.parse().ok()).unwrap_or(0);
        let mut items = Vec::new();
        let mut next = start;
        for (token, key) in &self.changes[start.min(self.changes.len())..] {
            if items.len() == PAGE || token.saturating_add(self.lag) > now && self.lag > 0 {
                break;
            }
            next += 1;
            if key.0 == *object {
                items.extend(self.item(key, surface));
            }
        }
        let more = items.len() == PAGE && next < self.changes.len();
        for (_, body) in self.raw.extract_if(.., |(of, _)| of == object) {
            items.push(Item::new(surface.clone(), Says::Record, body));
        }
        Page { items, next: Some(Cursor(next.to_string())), more }
    }

    fn scan_page(&self, object: &ObjectType, surface: &SurfaceName, after: Option<Cursor>) -> Page {
        let after = after.map(|cursor| Text::from(cursor.0));
        let mut alive = self
            .records
            .iter()
            .filter(|((of, id), record)| of == object && record.now().is_some() && after.as_ref() < Some(id));
        let page: Vec<_> = alive.by_ref().take(PAGE).map(|(key, _)| key).collect();
        let next = page.last().map(|(_, id)| Cursor(id.to_string()));
        let items = page.into_iter().filter_map(|key| self.item(key, surface)).collect();
        Page { items, next, more: alive.next().is_some() }
    }

    /// A record as a surface tells of it.
    fn item(&self, key: &super::RecordId, surface: &SurfaceName) -> Option<Item> {
        let record = self.records.get(key)?;
        let body = self.envelope(&key.1, record.token(), record.now());
        let says = match (record.now(), &record.merged_into) {
            (Some(_), _) => Says::Record,
            (None, Some(survivor)) => Says::Merged { survivor: survivor.clone(), losers: vec![key.1.clone()] },
            (None, None) => Says::Deleted { id: key.1.clone() },
        };
        Some(Item::new(surface.clone(), says, body).denying(std::sync::Arc::clone(&self.denied)))
    }

    fn answer(&self, key: &RecordKey) -> ReadAnswer {
        let mut found = self.records.iter().find(|((object, id), record)| {
            let named = if key.by_create_key { record.create_key.as_ref() } else { Some(id) };
            *object == key.object && named == Some(&key.id)
        });
        while let Some(((object, _), record)) = found
            && let Some(survivor) = &record.merged_into
        {
            found = self.records.get_key_value(&(object.clone(), survivor.clone()));
        }
        match found.filter(|(_, record)| record.now().is_some()) {
            Some((id, _)) => {
                self.item(id, &surfaces::name(&key.object, "read")).map_or(ReadAnswer::Gone, ReadAnswer::Found)
            }
            None => ReadAnswer::Gone,
        }
    }

    fn write(&mut self, write: &Write, now: i64) -> WriteReceipt {
        let without_effect = |outcome| WriteReceipt { outcome, record: None, token: None };
        let fault = self.faults.pop_front();
        match &fault {
            Some(Fault::Refused(reason)) => {
                return without_effect(Outcome::Refused { reason: reason.as_str().into() });
            }
            Some(Fault::Deferred(after)) => return without_effect(Outcome::Deferred { after: *after }),
            Some(Fault::Stale) => return without_effect(Outcome::Stale),
            Some(Fault::RequestLost) => return without_effect(Outcome::Unknown),
            Some(Fault::AnswerLost) | None => {}
        }
        let id = match &write.action {
            WriteAction::Create { key } => self.create(write, key, now),
            WriteAction::Update { id } | WriteAction::Archive { id } => {
                let place = (write.object.clone(), id.clone());
                let record = self.records.get(&place);
                let Some(held) = record.and_then(super::Record::now) else {
                    return without_effect(Outcome::Stale);
                };
                // An unchanged record is as expected; one that changed may be, where there are values to tell by.
                let unchanged = record.map(super::Record::token) == write.expect_token;
                if !unchanged && (write.rests_on_version() || !as_expected(held, &write.expect)) {
                    return without_effect(Outcome::Stale);
                }
                let mut value = Some(held.clone()).filter(|_| matches!(write.action, WriteAction::Update { .. }));
                if let Some(value) = &mut value {
                    self.fill(value, &write.changes);
                }
                self.change(place, now, |_| value);
                id.clone()
            }
        };
        self.writes.push(describe(write, &id));
        if fault == Some(Fault::AnswerLost) {
            return without_effect(Outcome::Unknown);
        }
        let key = (write.object.clone(), id.clone());
        let token = self.records.get(&key).map(super::Record::token);
        let surface = surfaces::name(&write.object, "read");
        let told = !self.silent && !matches!(write.action, WriteAction::Archive { .. });
        let record = if told { self.item(&key, &surface) } else { None };
        WriteReceipt { outcome: Outcome::Applied { id }, record, token }
    }

    /// Creates a record under a key. Where the system enforces keys, a second create under one has no effect.
    fn create(&mut self, write: &Write, key: &Text, now: i64) -> Text {
        let enforced = matches!(self.safety, None | Some(CreateSafety::RemoteKey));
        let known = self.records.iter().find(|(_, record)| enforced && record.create_key.as_ref() == Some(key));
        if let Some(((_, id), _)) = known {
            return id.clone();
        }
        self.created += 1;
        let id = Text::from(format!("new-{}", self.created));
        let mut value = serde_json::json!({});
        self.fill(&mut value, &write.changes);
        let place = (write.object.clone(), id.clone());
        self.change(place.clone(), now, |_| Some(value));
        if let Some(record) = self.records.get_mut(&place) {
            record.create_key = Some(key.clone());
        }
        id
    }
}

fn describe(write: &Write, id: &str) -> String {
    let verb = match write.action {
        WriteAction::Create { .. } => "creates",
        WriteAction::Update { .. } => "updates",
        WriteAction::Archive { .. } => "archives",
    };
    let changes: Vec<String> = write
        .changes
        .iter()
        .map(|(path, native)| format!("{path} = {}", crate::testing::json::of_native(native)))
        .collect();
    format!("{verb} {}/{id}: {}", write.object, changes.join(", "))
}
