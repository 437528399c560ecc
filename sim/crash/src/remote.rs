//! A remote system whose state is a log in a file: every change is one line, flushed before it is answered for.
//!
//! It stands for a machine of its own: it outlives the process, and a loss of power of ours is none of its.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accordant::clock::{Clock as _, ManualClock};
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Outcome, Page, ReadAnswer,
    RecordKey, Says, Verified, Write, WriteAction, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::model::EntityModel;
use accordant::surface::Surface;
use accordant::testing::FakeSystem;
use accordant::value::Native;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How many records a page carries.
const PAGE: usize = 500;

/// One change, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The record.
    pub id: String,
    /// When: never the same twice for one record.
    pub modified: i64,
    /// What it holds from then on; `None`: it is deleted.
    pub record: Option<Map<String, Value>>,
    /// The key of the create that made it, if one did.
    pub key: Option<String>,
    /// Whether it was a write of ours, not a person's edit.
    pub ours: bool,
}

/// A system in a file. Clones share one state.
#[derive(Clone)]
pub struct Remote {
    name: Arc<str>,
    object: Arc<str>,
    surfaces: Arc<[Surface]>,
    safety: CreateSafety,
    clock: Arc<ManualClock>,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Remote").field(&self.name).finish()
    }
}

#[derive(Default)]
struct State {
    log: Option<File>,
    changes: Vec<Change>,
    records: BTreeMap<String, Held>,
}

#[derive(Default)]
struct Held {
    now: Option<Map<String, Value>>,
    modified: i64,
    key: Option<String>,
}

impl State {
    fn take(&mut self, change: Change) {
        let held = self.records.entry(change.id.clone()).or_default();
        held.now.clone_from(&change.record);
        held.modified = change.modified;
        if change.key.is_some() {
            held.key.clone_from(&change.key);
        }
        self.changes.push(change);
    }
}

impl Remote {
    /// Opens the system's file, or makes it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or read.
    pub fn open(
        path: &Path,
        model: &EntityModel,
        name: &str,
        safety: CreateSafety,
        clock: &Arc<ManualClock>,
    ) -> io::Result<Self> {
        let mut text = String::new();
        let mut log = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        log.read_to_string(&mut text)?;
        let mut state = State { log: Some(log), ..State::default() };
        for line in text.lines() {
            state.take(serde_json::from_str(line)?);
        }
        let object = model.objects.iter().find(|object| object.system.as_str() == name);
        let object = object.map_or("", |object| object.object.as_str()).into();
        let surfaces = FakeSystem::new(name, std::slice::from_ref(model), clock).surfaces().to_vec();
        Ok(Self {
            name: name.into(),
            object,
            surfaces: surfaces.into(),
            safety,
            clock: Arc::clone(clock),
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// A person edits a record, or makes it. Says when.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn edit(&self, id: &str, fields: &[(&str, Value)]) -> io::Result<i64> {
        let mut state = self.state();
        let mut record = state.records.get(id).and_then(|held| held.now.clone()).unwrap_or_default();
        record.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.append(&mut state, id, Some(record), None, false)
    }

    /// A person deletes a record. Says when.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn delete(&self, id: &str) -> io::Result<i64> {
        self.append(&mut self.state(), id, None, None, false)
    }

    /// The webhook that tells of a record as it stands.
    #[must_use]
    pub fn webhook(&self, id: &str) -> Delivery {
        let state = self.state();
        let held = state.records.get(id);
        let says = if held.is_some_and(|held| held.now.is_some()) { "record" } else { "deleted" };
        let mut delivery = Delivery::new(held.map_or_else(Bytes::new, |held| body(id, held)));
        delivery.headers_mut().insert("x-says", http::HeaderValue::from_static(says));
        if let Ok(id) = id.parse() {
            delivery.headers_mut().insert("x-id", id);
        }
        delivery
    }

    /// The living records.
    #[must_use]
    pub fn living(&self) -> BTreeMap<String, Map<String, Value>> {
        let state = self.state();
        let living = state.records.iter().filter_map(|(id, held)| Some((id.clone(), held.now.clone()?)));
        living.collect()
    }

    /// Every change, in order.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.state().changes.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A change of the state is whole or has not happened, so a poisoned lock guards a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(
        &self,
        state: &mut State,
        id: &str,
        record: Option<Map<String, Value>>,
        key: Option<String>,
        ours: bool,
    ) -> io::Result<i64> {
        let modified = self.clock.now().max(state.records.get(id).map_or(0, |held| held.modified + 1));
        let change = Change { id: id.to_owned(), modified, record, key, ours };
        let mut line = serde_json::to_vec(&change)?;
        line.push(b'\n');
        if let Some(log) = &mut state.log {
            // One call: a kill leaves the whole line or nothing.
            log.write_all(&line)?;
            log.sync_data()?;
        }
        state.take(change);
        Ok(modified)
    }

    fn item(&self, surface: &str, id: &str, held: &Held) -> Item {
        let says = if held.now.is_some() { Says::Record } else { Says::Deleted { id: id.into() } };
        Item { surface: format!("{}/{surface}", self.object).as_str().into(), says, body: body(id, held) }
    }

    fn write(&self, state: &mut State, write: &Write) -> io::Result<WriteReceipt> {
        let stale = WriteReceipt { outcome: Outcome::Stale, record: None, token: None };
        let id = match &write.action {
            WriteAction::Create { key } => {
                let made = state.records.iter().find(|(_, held)| held.key.as_deref() == Some(key.as_str()));
                let known = made.filter(|_| self.safety == CreateSafety::RemoteKey).map(|(id, _)| id.clone());
                match known {
                    Some(known) => known,
                    None => {
                        let id = format!("n{}", state.records.len() + 1);
                        let record = filled(Map::new(), write);
                        self.append(state, &id, Some(record), Some(key.to_string()), true)?;
                        id
                    }
                }
            }
            WriteAction::Update { id } | WriteAction::Archive { id } => {
                let Some(held) = state.records.get(id.as_str()) else { return Ok(stale) };
                let Some(now) = held.now.clone() else { return Ok(stale) };
                let as_expected = write
                    .expect
                    .iter()
                    .all(|(path, native)| now.get(&path.to_string()).unwrap_or(&Value::Null) == &json_of(native));
                if write.expect_token != Some(held.modified) && !as_expected {
                    return Ok(stale);
                }
                let record = matches!(write.action, WriteAction::Update { .. }).then(|| filled(now, write));
                self.append(state, id, record, None, true)?;
                id.to_string()
            }
            _ => return Ok(stale),
        };
        let held = state.records.get(&id);
        Ok(WriteReceipt {
            outcome: Outcome::Applied { id: id.as_str().into() },
            record: held.filter(|held| held.now.is_some()).map(|held| self.item("read", &id, held)),
            token: held.map(|held| held.modified),
        })
    }
}

fn body(id: &str, held: &Held) -> Bytes {
    let body = match &held.now {
        Some(record) => json!({ "id": id, "modified": held.modified, "record": record }),
        None => json!({ "id": id, "modified": held.modified }),
    };
    Bytes::from(body.to_string())
}

fn filled(mut record: Map<String, Value>, write: &Write) -> Map<String, Value> {
    record.extend(write.changes.iter().map(|(path, native)| (path.to_string(), json_of(native))));
    record
}

fn json_of(native: &Native) -> Value {
    match native {
        Native::Bool(value) => Value::Bool(*value),
        Native::Text(text) | Native::Number(text) => Value::String(text.to_string()),
        Native::Null | Native::List(_) | Native::Record(_) => Value::Null,
    }
}

#[async_trait]
impl Connector for Remote {
    fn system(&self) -> &str {
        &self.name
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        self.safety
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let header =
            |name: &str| delivery.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let says = match header("x-says") {
            "deleted" => Says::Deleted { id: header("x-id").into() },
            _ => Says::Record,
        };
        let surface = format!("{}/webhooks", self.object).as_str().into();
        Ok(Verified {
            items: vec![Item { surface, says, body: delivery.body().clone() }],
            delivery_id: None,
            reply: http::Response::new(Bytes::new()),
        })
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let state = self.state();
        let start: usize = after.and_then(|cursor| cursor.0.parse().ok()).unwrap_or(0);
        if surface.as_str().ends_with("/changes") {
            let changes = state.changes.get(start..).unwrap_or_default();
            let end = start + changes.len().min(PAGE);
            let items = changes
                .iter()
                .take(PAGE)
                .filter_map(|change| Some(self.item("changes", &change.id, state.records.get(&change.id)?)));
            return Ok(Page {
                items: items.collect(),
                next: Some(Cursor(end.to_string())),
                more: end < state.changes.len(),
            });
        }
        let living = state.records.iter().filter(|(_, held)| held.now.is_some());
        let items = living.skip(start).take(PAGE).map(|(id, held)| self.item("scan", id, held)).collect::<Vec<_>>();
        let more = items.len() == PAGE;
        Ok(Page { next: Some(Cursor((start + items.len()).to_string())), items, more })
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let state = self.state();
        let answer = |key: &RecordKey| {
            let found = state.records.iter().find(|(id, held)| {
                let named = if key.by_create_key { held.key.as_deref() } else { Some(id.as_str()) };
                named == Some(key.id.as_str()) && held.now.is_some()
            });
            found.map_or(ReadAnswer::Gone, |(id, held)| ReadAnswer::Found(self.item("read", id, held)))
        };
        Ok(keys.iter().map(answer).collect())
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let mut state = self.state();
        let written: io::Result<Vec<_>> = writes.iter().map(|write| self.write(&mut state, write)).collect();
        // The system's own disk is full: a real one would not answer.
        written.map_err(|_| ConnectorError::new(ConnectorErrorKind::Unavailable, "the system keeps no log"))
    }
}
