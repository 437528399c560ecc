//! The systems: in the process that runs the others, so that they outlive any worker. Workers reach them by loopback, one request
//! and one answer a line.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::place::SYSTEMS;

/// How many records a page carries.
const PAGE: usize = 200;

/// What a worker asks a system.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// The changes behind a place.
    Changes { system: String, after: usize },
    /// The living records behind an id: whoever comes or goes meanwhile hides nobody else.
    Living { system: String, after: String },
    /// Records by id, or by the key that made them.
    Read { system: String, keys: Vec<(String, bool)> },
    /// Writes.
    Write { system: String, writes: Vec<Wish> },
}

/// A write.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Wish {
    /// The key of a create, or the id of a record.
    pub(crate) target: Target,
    pub(crate) changes: Map<String, Value>,
    pub(crate) expect: Map<String, Value>,
    pub(crate) expect_token: Option<i64>,
}

/// What a write is of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Target {
    Create(String),
    Update(String),
    Archive(String),
}

/// A record as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) modified: i64,
    pub(crate) record: Option<Map<String, Value>>,
}

/// What a system answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Page {
        records: Vec<Shown>,
        next: String,
        more: bool,
    },
    Records(Vec<Option<Shown>>),
    /// `None`: it was not as expected.
    Written(Vec<Option<Shown>>),
}

/// One change, as it happened.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: String,
    /// What it held before.
    pub(crate) before: Option<Map<String, Value>>,
    pub(crate) record: Option<Map<String, Value>>,
    /// Whether it was a write of ours.
    pub(crate) ours: bool,
}

#[derive(Debug, Default)]
struct Held {
    record: Option<Map<String, Value>>,
    modified: i64,
    key: Option<String>,
}

#[derive(Debug, Default)]
struct System {
    records: BTreeMap<String, Held>,
    changes: Vec<Change>,
    created: usize,
}

/// Both systems.
#[derive(Debug, Clone)]
pub(crate) struct Systems(Arc<BTreeMap<&'static str, Mutex<System>>>);

impl Systems {
    /// Begins empty, and answers on a port of loopback.
    pub(crate) fn serve() -> io::Result<(Self, u16)> {
        let systems = Self(Arc::new(SYSTEMS.iter().map(|(name, _)| (*name, Mutex::default())).collect()));
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = systems.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // A worker that is killed breaks its connection: nobody waits for the answer.
                thread::spawn(move || drop(shared.answer_all(&stream)));
            }
        });
        Ok((systems, port))
    }

    fn answer_all(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        for (place, line) in BufReader::new(stream).lines().enumerate() {
            let request: Request = serde_json::from_str(&line?)?;
            let slow = matches!(request, Request::Write { .. }) && place % 7 == 0;
            let mut answer = serde_json::to_vec(&self.answer(request))?;
            answer.push(b'\n');
            if slow {
                // What was done is told late: whoever is killed meanwhile never hears of it.
                thread::sleep(Duration::from_millis(120));
            }
            writer.write_all(&answer)?;
        }
        Ok(())
    }

    fn of(&self, system: &str) -> MutexGuard<'_, System> {
        // Every request names one of the two, and a change of a system is whole or has not happened.
        let (_, first) = self.0.iter().next().expect("there are two systems");
        self.0.get(system).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: Request) -> Answer {
        match request {
            Request::Changes { system, after } => {
                let system = self.of(&system);
                let page = system.changes.get(after..).unwrap_or_default();
                let next = after + page.len().min(PAGE);
                let records = page.iter().take(PAGE).filter_map(|change| system.shown(&change.id)).collect();
                Answer::Page { records, next: next.to_string(), more: next < system.changes.len() }
            }
            Request::Living { system, after } => {
                let system = self.of(&system);
                let behind = (Bound::Excluded(after.as_str()), Bound::Unbounded);
                let living = system.records.range::<str, _>(behind).filter(|(_, held)| held.record.is_some());
                let records: Vec<Shown> = living.take(PAGE).filter_map(|(id, _)| system.shown(id)).collect();
                let next = records.last().map_or(after, |last| last.id.clone());
                Answer::Page { more: records.len() == PAGE, next, records }
            }
            Request::Read { system, keys } => {
                let system = self.of(&system);
                let find = |(id, by_key): &(String, bool)| {
                    let named = |(known, held): &(&String, &Held)| match by_key {
                        true => held.key.as_ref() == Some(id),
                        false => *known == id,
                    };
                    let (found, _) = system.records.iter().find(named)?;
                    system.shown(found).filter(|shown| shown.record.is_some())
                };
                Answer::Records(keys.iter().map(find).collect())
            }
            Request::Write { system, writes } => {
                let mut system = self.of(&system);
                Answer::Written(writes.into_iter().map(|wish| system.write(wish)).collect())
            }
        }
    }

    /// A person edits a record, or makes it. Gives it as it stands then.
    pub(crate) fn edit(&self, system: &str, id: &str, changes: Map<String, Value>) -> Shown {
        let mut system = self.of(system);
        let mut record = system.records.get(id).and_then(|held| held.record.clone()).unwrap_or_default();
        record.extend(changes);
        system.set(id, Some(record), None, false)
    }

    /// A person deletes a record.
    pub(crate) fn delete(&self, system: &str, id: &str) -> Shown {
        self.of(system).set(id, None, None, false)
    }

    /// The living records.
    pub(crate) fn living(&self, system: &str) -> BTreeMap<String, Map<String, Value>> {
        let system = self.of(system);
        system.records.iter().filter_map(|(id, held)| Some((id.clone(), held.record.clone()?))).collect()
    }

    /// Every change, in order.
    pub(crate) fn changes(&self, system: &str) -> Vec<Change> {
        self.of(system).changes.clone()
    }

    /// How many records every create key made: more than one is one too many.
    pub(crate) fn keys(&self, system: &str) -> BTreeMap<String, usize> {
        let mut keys = BTreeMap::new();
        for key in self.of(system).records.values().filter_map(|held| held.key.clone()) {
            *keys.entry(key).or_default() += 1;
        }
        keys
    }
}

impl System {
    fn shown(&self, id: &str) -> Option<Shown> {
        let held = self.records.get(id)?;
        Some(Shown { id: id.to_owned(), modified: held.modified, record: held.record.clone() })
    }

    fn set(&mut self, id: &str, record: Option<Map<String, Value>>, key: Option<String>, ours: bool) -> Shown {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let held = self.records.entry(id.to_owned()).or_default();
        held.modified = i64::try_from(now).unwrap_or(i64::MAX).max(held.modified + 1);
        let before = std::mem::replace(&mut held.record, record.clone());
        if key.is_some() {
            held.key = key;
        }
        let modified = held.modified;
        self.changes.push(Change { id: id.to_owned(), before, record: record.clone(), ours });
        Shown { id: id.to_owned(), modified, record }
    }

    /// A write: conditional, and a create under a key that the system enforces.
    fn write(&mut self, wish: Wish) -> Option<Shown> {
        match wish.target {
            Target::Create(key) => {
                let made = self.records.iter().find(|(_, held)| held.key.as_ref() == Some(&key));
                if let Some((id, _)) = made {
                    return self.shown(&id.clone());
                }
                self.created += 1;
                let id = format!("n{}", self.created);
                Some(self.set(&id, Some(wish.changes), Some(key), true))
            }
            Target::Update(id) | Target::Archive(id) if !self.is_as_expected(&id, &wish.expect, wish.expect_token) => {
                None
            }
            Target::Update(id) => {
                let mut record = self.records.get(&id)?.record.clone()?;
                record.extend(wish.changes);
                Some(self.set(&id, Some(record), None, true))
            }
            Target::Archive(id) => Some(self.set(&id, None, None, true)),
        }
    }

    fn is_as_expected(&self, id: &str, expect: &Map<String, Value>, token: Option<i64>) -> bool {
        let Some(held) = self.records.get(id) else { return false };
        let Some(record) = &held.record else { return false };
        let same = |(name, value): (&String, &Value)| record.get(name).unwrap_or(&Value::Null) == value;
        token == Some(held.modified) || expect.iter().all(same)
    }
}

/// What a system's bytes say of a record.
pub(crate) fn body(shown: &Shown) -> Vec<u8> {
    json!({ "id": shown.id, "modified": shown.modified, "record": shown.record }).to_string().into_bytes()
}
