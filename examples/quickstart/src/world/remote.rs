//! One remote system: records in its native shape, and a log of everything that was done to them.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path as FilePath;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accordant::model::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dialect::{Dialect, Happened, Told, Webhook};
use super::log::Log;
use super::{WorldClock, leaf, put, same};

/// A system that outlives the process: its state is what the feed said at first, and the log since.
pub struct Remote {
    dialect: Box<dyn Dialect>,
    clock: WorldClock,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    records: BTreeMap<String, BTreeMap<u64, Held>>,
    lines: Vec<Line>,
    log: Option<Log>,
}

#[derive(Debug, Clone)]
struct Held {
    record: Value,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Live,
    Archived,
    Gone,
    MergedInto(u64),
}

/// One thing that was done to a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: i64,
    /// By whom.
    pub author: Author,
    /// What came of it. Empty: everything was so already.
    pub changes: Vec<Change>,
}

/// Who does something to a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A person, in this step of the script.
    Person {
        /// Their name.
        name: String,
        /// The step: after a restart it is not taken twice.
        step: u64,
    },
    /// Accordant, with the idempotency key of the operation.
    Accordant {
        /// The key.
        intent: String,
        /// The record that it addressed, or the key to create under: `contacts/1017`.
        target: String,
    },
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The object type.
    pub object: String,
    /// The record's number.
    pub id: u64,
    /// What it is now.
    pub becomes: Becomes,
}

/// What a record became.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Becomes {
    /// A new record.
    Created(Value),
    /// The same record, with other leaves at these paths.
    Changed(Value, Vec<String>),
    /// A record that is kept, but no longer listed.
    Archived(Value),
    /// Nothing.
    Gone,
    /// A part of this record.
    MergedInto(u64),
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.dialect.system()).finish()
    }
}

impl Remote {
    /// A system that lives in memory only: the generator rehearses the day in it.
    #[must_use]
    pub fn in_memory(dialect: Box<dyn Dialect>, clock: WorldClock) -> Self {
        let records = dialect.objects().iter().map(|object| ((*object).to_owned(), BTreeMap::new())).collect();
        Self { dialect, clock, inside: Mutex::new(Inside { records, ..Inside::default() }) }
    }

    /// Opens a system: its records from the feed (`<object>.jsonl`), then its log over them.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn open(dialect: Box<dyn Dialect>, clock: WorldClock, feed: &FilePath, log: &FilePath) -> io::Result<Self> {
        let remote = Self::in_memory(dialect, clock);
        for object in remote.dialect.objects() {
            let text = std::fs::read_to_string(feed.join(format!("{object}.jsonl")))?;
            for line in text.lines() {
                remote.seed(object, serde_json::from_str(line)?)?;
            }
        }
        let (log, lines) = Log::open::<Line>(log)?;
        let mut inside = remote.inside();
        for line in lines {
            remote.clock.reach(line.at);
            inside.play(line);
        }
        inside.log = Some(log);
        drop(inside);
        Ok(remote)
    }

    /// Puts in a record that was there before anybody looked.
    ///
    /// # Errors
    ///
    /// If it is not in the system's native shape.
    pub fn seed(&self, object: &str, record: Value) -> io::Result<()> {
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, format!("not a record of {object}"));
        let id = self.dialect.id(&record).ok_or_else(malformed)?;
        self.clock.reach(self.dialect.modified(&record).ok_or_else(malformed)?);
        self.inside().put(object, id, Held { record, state: State::Live });
        Ok(())
    }

    /// Lets time pass: what is written next is later than what was there.
    pub fn pass(&self, millis: i64) {
        let _now = self.clock.tick(millis);
    }

    /// The system's ways.
    #[must_use]
    pub fn dialect(&self) -> &dyn Dialect {
        self.dialect.as_ref()
    }

    /// Changes leaves of a record; answers with the record, or with nothing if there is none.
    ///
    /// # Errors
    ///
    /// If the log cannot be written: then nothing changed.
    pub fn edit(&self, object: &str, id: u64, set: &[(Path, Value)], author: &Author) -> io::Result<Option<Value>> {
        self.edit_if(object, id, &[], set, author).map(|edited| edited.ok())
    }

    /// As [`Remote::edit`], but only while the leaves that are expected are there.
    ///
    /// # Errors
    ///
    /// As [`Remote::edit`]; the inner error says why nothing was done.
    pub fn edit_if(
        &self,
        object: &str,
        id: u64,
        expect: &[(Path, Value)],
        set: &[(Path, Value)],
        author: &Author,
    ) -> io::Result<Result<Value, Untouched>> {
        let mut inside = self.inside();
        let Some((id, held)) = inside.follow(object, id) else { return Ok(Err(Untouched::NoSuchRecord)) };
        let mut record = held.record.clone();
        if expect.iter().any(|(path, value)| !same(leaf(&record, path), value)) {
            return Ok(Err(Untouched::NotAsExpected));
        }
        let paths = self.fill(object, &mut record, set);
        let at = self.clock.now();
        let changes = if paths.is_empty() {
            Vec::new()
        } else {
            self.dialect.touch(&mut record, at);
            vec![Change { object: object.into(), id, becomes: Becomes::Changed(record.clone(), paths) }]
        };
        inside.commit(Line { at, author: author.clone(), changes })?;
        Ok(Ok(record))
    }

    /// Creates a record. Under a key that the system knows already it creates nothing, and answers with that record.
    ///
    /// # Errors
    ///
    /// If the log cannot be written: then nothing was created.
    pub fn create(&self, object: &str, key: Option<&str>, set: &[(Path, Value)], author: &Author) -> io::Result<Value> {
        let mut inside = self.inside();
        let at = self.clock.now();
        if let Some(held) = key.and_then(|key| inside.of_key(object, key, self.dialect())) {
            let record = held.record.clone();
            inside.commit(Line { at, author: author.clone(), changes: Vec::new() })?;
            return Ok(record);
        }
        let id = inside.next_id(object);
        let mut record = self.dialect.blank(object, id, key, at);
        self.fill(object, &mut record, set);
        let changes = vec![Change { object: object.into(), id, becomes: Becomes::Created(record.clone()) }];
        inside.commit(Line { at, author: author.clone(), changes })?;
        Ok(record)
    }

    /// Deletes a record, or archives it where the system does that; `false` if there is none.
    ///
    /// # Errors
    ///
    /// If the log cannot be written: then nothing was deleted.
    pub fn delete(&self, object: &str, id: u64, author: &Author) -> io::Result<bool> {
        let mut inside = self.inside();
        let Some((id, held)) = inside.follow(object, id) else { return Ok(false) };
        let mut record = held.record.clone();
        let at = self.clock.now();
        let becomes = if self.dialect.archive(&mut record, at) { Becomes::Archived(record) } else { Becomes::Gone };
        let changes = vec![Change { object: object.into(), id, becomes }];
        inside.commit(Line { at, author: author.clone(), changes })?;
        Ok(true)
    }

    /// Merges two records into a new one, as HubSpot does: the primary's values live on, both old ids lead there.
    ///
    /// # Errors
    ///
    /// If the log cannot be written: then nothing was merged.
    pub fn merge(&self, object: &str, primary: u64, other: u64, author: &Author) -> io::Result<Option<u64>> {
        let mut inside = self.inside();
        let (Some((primary, held)), Some((other, _))) = (inside.follow(object, primary), inside.follow(object, other))
        else {
            return Ok(None);
        };
        let at = self.clock.now();
        let survivor = inside.next_id(object);
        let mut record = self.dialect.blank(object, survivor, None, at);
        if let (Some(new), Some(old)) = (record.as_object_mut(), held.record.as_object()) {
            for (key, value) in old.iter().filter(|(key, _)| key.as_str() == "properties") {
                new.insert(key.clone(), value.clone());
            }
        }
        self.dialect.touch(&mut record, at);
        self.dialect.absorb(&mut record, &[primary, other]);
        let merged = |id| Change { object: object.into(), id, becomes: Becomes::MergedInto(survivor) };
        let created = Change { object: object.into(), id: survivor, becomes: Becomes::Created(record) };
        inside.commit(Line { at, author: author.clone(), changes: vec![created, merged(primary), merged(other)] })?;
        Ok(Some(survivor))
    }

    /// Writes leaves into a record as the system takes them; the paths of those that it did not hold already.
    fn fill(&self, object: &str, record: &mut Value, set: &[(Path, Value)]) -> Vec<String> {
        let mut paths = Vec::new();
        for (path, value) in set {
            let dotted = path.to_string();
            let value = self.dialect.tidy(object, &dotted, value.clone());
            if !same(leaf(record, path), &value) {
                put(record, path, value, self.dialect.omits_null());
                paths.push(dotted);
            }
        }
        paths
    }

    /// A record by its id. The id of a merged record leads to the one that it became a part of.
    #[must_use]
    pub fn record(&self, object: &str, id: u64) -> Option<Value> {
        self.inside().follow(object, id).map(|(_, held)| held.record)
    }

    /// When a record last changed, as the system says it.
    #[must_use]
    pub fn modified(&self, object: &str, id: u64) -> Option<i64> {
        self.dialect.modified(&self.record(object, id)?)
    }

    /// A record by the external id that it was created under.
    #[must_use]
    pub fn record_of_key(&self, object: &str, key: &str) -> Option<Value> {
        self.inside().of_key(object, key, self.dialect()).map(|held| held.record.clone())
    }

    /// Live records behind `(modified, id)`, in that order.
    #[must_use]
    pub fn modified_after(&self, object: &str, after: (i64, u64), limit: usize) -> Vec<(i64, u64, Value)> {
        let inside = self.inside();
        let mut found: Vec<(i64, u64, &Value)> = inside
            .of(object)
            .filter(|(_, held)| held.state == State::Live)
            .filter_map(|(id, held)| Some((self.dialect.modified(&held.record)?, *id, &held.record)))
            .filter(|(modified, id, _)| (*modified, *id) > after)
            .collect();
        found.sort_by_key(|(modified, id, _)| (*modified, *id));
        found.into_iter().take(limit).map(|(modified, id, record)| (modified, id, record.clone())).collect()
    }

    /// Records behind an id, in the order of ids; either those that are live or those that are archived.
    #[must_use]
    pub fn listed_after(&self, object: &str, after: u64, archived: bool, limit: usize) -> Vec<(u64, Value)> {
        let wanted = if archived { State::Archived } else { State::Live };
        let inside = self.inside();
        let found = inside.of(object).filter(|(id, held)| **id > after && held.state == wanted);
        found.take(limit).map(|(id, held)| (*id, held.record.clone())).collect()
    }

    /// Everything that was done since the feed.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.inside().lines.clone()
    }

    /// What Accordant did here, intent by intent, in the order of first attempts.
    #[must_use]
    pub fn writes(&self) -> Vec<Written> {
        let mut writes: Vec<Written> = Vec::new();
        for line in &self.inside().lines {
            let Author::Accordant { intent, target } = &line.author else { continue };
            let effects = usize::from(!line.changes.is_empty());
            match writes.iter_mut().find(|written| written.intent == *intent && written.target == *target) {
                Some(written) => {
                    written.attempts += 1;
                    written.effects += effects;
                }
                None => {
                    writes.push(Written { target: target.clone(), intent: intent.clone(), attempts: 1, effects });
                }
            }
        }
        writes
    }

    /// The last step of the script that was taken here.
    #[must_use]
    pub fn last_step(&self) -> Option<u64> {
        let step = |line: &Line| match line.author {
            Author::Person { step, .. } => Some(step),
            Author::Accordant { .. } => None,
        };
        self.inside().lines.iter().filter_map(step).max()
    }

    /// How many live records there are of an object type.
    #[must_use]
    pub fn count(&self, object: &str) -> usize {
        self.inside().of(object).filter(|(_, held)| held.state == State::Live).count()
    }

    /// The webhooks that the system sends about a line of its log.
    #[must_use]
    pub fn webhooks(&self, line: &Line) -> Vec<Webhook> {
        let absorbed: Vec<u64> = line
            .changes
            .iter()
            .filter(|change| matches!(change.becomes, Becomes::MergedInto(_)))
            .map(|change| change.id)
            .collect();
        let by = match &line.author {
            Author::Person { name, .. } => name.as_str(),
            Author::Accordant { .. } => "accordant",
        };
        let told = line.changes.iter().filter_map(|change| {
            let what = match &change.becomes {
                Becomes::Created(_) if !absorbed.is_empty() => Happened::Absorbed(&absorbed),
                Becomes::Created(record) => Happened::Created(record),
                Becomes::Changed(record, paths) => Happened::Changed(record, paths),
                Becomes::Archived(_) | Becomes::Gone => Happened::Deleted,
                Becomes::MergedInto(_) => return None,
            };
            Some(Told { object: &change.object, id: change.id, what, at: line.at, by })
        });
        told.flat_map(|told| self.dialect.webhooks(&told)).collect()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of one intent of Accordant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The record, or the key to create under: `contacts/1017`.
    pub target: String,
    /// The idempotency key.
    pub intent: String,
    /// How often it was sent.
    pub attempts: usize,
    /// How often that changed anything. More than once is a doubled write.
    pub effects: usize,
}

/// Why an edit did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untouched {
    /// There is no such record.
    NoSuchRecord,
    /// It does not hold what was expected.
    NotAsExpected,
}

impl Inside {
    /// The records of an object type, by id.
    fn of(&self, object: &str) -> impl DoubleEndedIterator<Item = (&u64, &Held)> {
        self.records.get(object).into_iter().flatten()
    }

    /// The live record that an id leads to.
    fn follow(&self, object: &str, id: u64) -> Option<(u64, Held)> {
        let mut id = id;
        loop {
            let held = self.records.get(object)?.get(&id)?;
            match held.state {
                State::Live => return Some((id, held.clone())),
                State::MergedInto(survivor) => id = survivor,
                State::Archived | State::Gone => return None,
            }
        }
    }

    fn of_key(&self, object: &str, key: &str, dialect: &dyn Dialect) -> Option<&Held> {
        self.of(object)
            .map(|(_, held)| held)
            .find(|held| held.state == State::Live && dialect.key(&held.record) == Some(key))
    }

    fn next_id(&self, object: &str) -> u64 {
        self.of(object).next_back().map_or(1, |(id, _)| id + 1)
    }

    fn put(&mut self, object: &str, id: u64, held: Held) {
        self.records.entry(object.to_owned()).or_default().insert(id, held);
    }

    /// Makes a line durable, then true.
    fn commit(&mut self, line: Line) -> io::Result<()> {
        if let Some(log) = &mut self.log {
            log.append(&line)?;
        }
        self.play(line);
        Ok(())
    }

    fn play(&mut self, line: Line) {
        for Change { object, id, becomes } in &line.changes {
            let former = self.records.get(object).and_then(|records| records.get(id)).map(|held| held.record.clone());
            let former = former.unwrap_or_default();
            let (record, state) = match becomes {
                Becomes::Created(record) | Becomes::Changed(record, _) => (record.clone(), State::Live),
                Becomes::Archived(record) => (record.clone(), State::Archived),
                Becomes::Gone => (former, State::Gone),
                Becomes::MergedInto(survivor) => (former, State::MergedInto(*survivor)),
            };
            self.put(object, *id, Held { record, state });
        }
        self.lines.push(line);
    }
}
