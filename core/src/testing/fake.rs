//! A system in memory: records as JSON, with the surfaces of a well-behaved system and, on demand, the habits of others.

mod answers;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::clock::{Clock as _, ManualClock};
use crate::connector::{CreateSafety, Delivery};
use crate::id::ObjectType;
use crate::model::{EntityModel, Path};
use crate::schema::ObjectSchema;
use crate::surface::{Channel, Surface};
use crate::testing::json::{change_elements, get, merge, remove, set};
use crate::testing::surfaces;
use crate::text::Text;

/// A system in memory. Records are JSON objects in the documented shape that the model's paths address.
///
/// Every object type has four surfaces: `contacts/changes` (a poll, complete records in the order of their changes),
/// `contacts/scan`, `contacts/read` and `contacts/webhooks`. Each carries a modification time per record, taken from the
/// clock that the system was made with and never the same twice for one record. It is taken for the time at which what
/// changed did: a fake system is as exact as a test wants it.
///
/// Clones share one state: keep one to play the people who work in the system.
#[derive(Clone)]
pub struct FakeSystem {
    name: Arc<str>,
    surfaces: Arc<[Surface]>,
    clock: Arc<ManualClock>,
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for FakeSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeSystem").field(&self.name).finish()
    }
}

type RecordId = (ObjectType, Text);
type Rewrite = Arc<dyn Fn(&str) -> String + Send + Sync>;

#[derive(Default)]
struct State {
    records: BTreeMap<RecordId, Record>,
    /// Every change, in order: the poll's log.
    changes: Vec<(i64, RecordId)>,
    created: u32,
    writes: Vec<String>,
    rewrites: Vec<(Path, Rewrite)>,
    /// What may not be read.
    denied: Arc<[Path]>,
    /// What becomes of the next writes, before any is carried out.
    faults: VecDeque<Fault>,
    /// Bytes that stand on the next page of changes.
    raw: Vec<(ObjectType, Bytes)>,
    lag: i64,
    silent: bool,
    untimed_deletions: bool,
    unavailable: bool,
    /// How it describes its object types; none: it does not.
    described: Option<Vec<ObjectSchema>>,
    safety: Option<CreateSafety>,
}

/// One record, with all that it ever was.
#[derive(Default)]
struct Record {
    /// By modification time; `None`: deleted.
    versions: Vec<(i64, Option<Value>)>,
    create_key: Option<Text>,
    merged_into: Option<Text>,
}

impl Record {
    fn now(&self) -> Option<&Value> {
        self.versions.last()?.1.as_ref()
    }

    fn token(&self) -> i64 {
        self.versions.last().map_or(0, |(token, _)| *token)
    }
}

/// What becomes of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It is lost on the way.
    RequestLost,
    Stale,
    /// It is put off for a while, if the system says how long.
    Deferred(Option<TimeDelta>),
    Refused(String),
}

impl FakeSystem {
    /// A system that holds the object types of `models` under its name.
    #[must_use]
    pub fn new(name: &str, models: &[EntityModel], clock: &Arc<ManualClock>) -> Self {
        let objects = models.iter().flat_map(|model| &model.objects).filter(|object| object.system.as_str() == name);
        let surfaces = objects.flat_map(|object| surfaces::of(&object.object)).collect();
        Self { name: name.into(), surfaces, clock: Arc::clone(clock), state: Arc::default() }
    }

    /// The same system, as one whose surfaces of a channel lose what nobody listened to for so long.
    #[must_use]
    pub fn forgets(&self, channel: Channel, after: TimeDelta) -> Self {
        let mut surfaces = self.surfaces.to_vec();
        for surface in surfaces.iter_mut().filter(|surface| surface.channel == channel) {
            surface.semantics.unrecoverable_after = Some(after);
        }
        Self { surfaces: surfaces.into(), ..self.clone() }
    }

    /// Rewrites every text that is written at a path: trims it, formats it, cuts it off. People's edits stay as they are.
    pub fn rewrites(&self, path: &str, rewrite: impl Fn(&str) -> String + Send + Sync + 'static) -> &Self {
        self.state().rewrites.push((Path::new(path), Arc::new(rewrite)));
        self
    }

    /// Keeps the values at a path from us from now on, and says so: a token lost the field's scope. People go on
    /// reading and editing them.
    pub fn denies(&self, path: &str) -> &Self {
        let mut state = self.state();
        state.denied = state.denied.iter().cloned().chain([Path::new(path)]).collect();
        drop(state);
        self
    }

    /// Lets everything be read again.
    pub fn denies_nothing(&self) -> &Self {
        self.state().denied = Arc::default();
        self
    }

    /// Refuses the next write.
    pub fn refuses(&self, reason: &str) -> &Self {
        self.fault(Fault::Refused(reason.to_owned()))
    }

    /// Puts off the next write.
    pub fn defers(&self) -> &Self {
        self.fault(Fault::Deferred(None))
    }

    /// Puts off the next write, and says for how long.
    pub fn defers_for(&self, delay: TimeDelta) -> &Self {
        self.fault(Fault::Deferred(Some(delay)))
    }

    /// Says of the next write that the record was no longer as expected.
    pub fn goes_stale(&self) -> &Self {
        self.fault(Fault::Stale)
    }

    /// Carries out the next write, and loses the answer.
    pub fn loses_answer(&self) -> &Self {
        self.fault(Fault::AnswerLost)
    }

    /// Loses the next write before it takes effect, without an answer.
    pub fn loses_request(&self) -> &Self {
        self.fault(Fault::RequestLost)
    }

    /// Shows changes to polls and scans only after this long.
    pub fn lags(&self, by: TimeDelta) -> &Self {
        self.state().lag = by.num_milliseconds();
        self
    }

    /// Answers writes without the record: what it holds then is only seen by reading it.
    pub fn answers_without_record(&self) -> &Self {
        self.state().silent = true;
        self
    }

    /// Says of deletions that they happened, and not when: Shopify's `customers/delete` carries an id and nothing else.
    pub fn deletes_without_time(&self) -> &Self {
        self.state().untimed_deletions = true;
        self
    }

    /// Describes its object types so from now on. That it describes itself at all is said before it is connected.
    pub fn describes_as(&self, described: impl IntoIterator<Item = ObjectSchema>) -> &Self {
        self.state().described = Some(described.into_iter().collect());
        self
    }

    /// Cannot be reached, or can again.
    pub fn unavailable(&self, unavailable: bool) -> &Self {
        self.state().unavailable = unavailable;
        self
    }

    /// Makes creates as safe as this. By default the system enforces our key.
    pub fn create_safety_is(&self, safety: CreateSafety) -> &Self {
        self.state().safety = Some(safety);
        self
    }

    /// A person edits a record, or makes it: objects are merged key by key. Nobody is told until the next poll or scan.
    pub fn edit(&self, object: &str, id: &str, edit: &Value) {
        self.change(object, id, |value| {
            let mut value = value.unwrap_or_else(|| json!({}));
            merge(&mut value, edit);
            Some(value)
        });
    }

    /// A person deletes a record.
    pub fn delete(&self, object: &str, id: &str) {
        self.change(object, id, |_| None);
    }

    /// A person merges one record into another. Reading the loser answers with the survivor.
    pub fn merge(&self, object: &str, survivor: &str, loser: &str) {
        self.delete(object, loser);
        let mut state = self.state();
        let record = state.records.entry((object.into(), loser.into())).or_default();
        record.merged_into = Some(survivor.into());
        drop(state);
        self.change(object, survivor, |value| value);
    }

    /// Puts any bytes among the items of the next page of an object type's changes.
    pub fn raw_page(&self, object: &str, body: Bytes) -> &Self {
        self.state().raw.push((object.into(), body));
        self
    }

    /// The record as it stands.
    #[must_use]
    pub fn record(&self, object: &str, id: &str) -> Option<Value> {
        self.state().records.get(&(object.into(), id.into()))?.now().cloned()
    }

    /// The ids of the living records of an object type, ascending.
    #[must_use]
    pub fn ids(&self, object: &str) -> Vec<String> {
        let state = self.state();
        let alive = state.records.iter().filter(|((of, _), record)| of.as_str() == object && record.now().is_some());
        alive.map(|((_, id), _)| id.to_string()).collect()
    }

    /// How many writes took effect.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.state().writes.len()
    }

    /// The writes that took effect, one line each.
    #[must_use]
    pub fn written(&self) -> Vec<String> {
        self.state().writes.clone()
    }

    /// How many versions a record has had.
    #[must_use]
    pub fn versions(&self, object: &str, id: &str) -> usize {
        self.state().records.get(&(object.into(), id.into())).map_or(0, |record| record.versions.len())
    }

    /// The webhook that tells of a record's version, counted from 0. Deliver it as often, and as late, as you like.
    ///
    /// # Panics
    ///
    /// If there is no such version.
    #[must_use]
    pub fn webhook(&self, object: &str, id: &str, version: usize) -> Delivery {
        let state = self.state();
        let record = state.records.get(&(object.into(), id.into())).expect("the record exists");
        let (token, value) = record.versions.get(version).expect("the record has had this version");
        let says = if value.is_some() { "record".to_owned() } else { format!("deleted {id}") };
        self.delivery(object, &says, state.envelope(id, *token, value.as_ref()))
    }

    /// The webhook that tells of a merge.
    #[must_use]
    pub fn merge_webhook(&self, object: &str, survivor: &str, loser: &str) -> Delivery {
        let token = self.state().records.get(&(object.into(), survivor.into())).map_or(0, Record::token);
        let body = Bytes::from(json!({ "id": survivor, "modified": token }).to_string());
        self.delivery(object, &format!("merged {survivor} {loser}"), body)
    }

    /// The webhook that only says: something happened to this record.
    #[must_use]
    pub fn hint_webhook(&self, object: &str, id: &str) -> Delivery {
        self.delivery(object, &format!("hint {id}"), Bytes::new())
    }

    /// A webhook with any body at all.
    #[must_use]
    pub fn raw_webhook(&self, object: &str, body: Bytes) -> Delivery {
        self.delivery(object, "record", body)
    }

    fn delivery(&self, object: &str, says: &str, body: Bytes) -> Delivery {
        http::Request::builder()
            .method("POST")
            .uri(format!("https://hooks.test/{}/{object}", self.name))
            .header("x-says", says)
            .body(body)
            .expect("names of systems and objects make an address")
    }

    fn fault(&self, fault: Fault) -> &Self {
        self.state().faults.push_back(fault);
        self
    }

    fn change(&self, object: &str, id: &str, change: impl FnOnce(Option<Value>) -> Option<Value>) -> i64 {
        let now = self.clock.now();
        self.state().change((object.into(), id.into()), now, change)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes of the state, so a poisoned lock guards a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Changes a record, and gives its new modification time.
    fn change(&mut self, key: RecordId, now: i64, change: impl FnOnce(Option<Value>) -> Option<Value>) -> i64 {
        let record = self.records.entry(key.clone()).or_default();
        let token = now.max(record.token() + 1);
        let value = change(record.now().cloned());
        record.versions.push((token, value));
        self.changes.push((token, key));
        token
    }

    /// The body of an item: id and modification time around the record.
    fn envelope(&self, id: &str, token: i64, value: Option<&Value>) -> Bytes {
        let body = match value {
            Some(value) => {
                let mut shown = value.clone();
                self.denied.iter().for_each(|path| remove(&mut shown, path));
                json!({ "id": id, "modified": token, "record": shown })
            }
            None if self.untimed_deletions => json!({ "id": id }),
            None => json!({ "id": id, "modified": token }),
        };
        Bytes::from(body.to_string())
    }

    fn rewritten(&self, path: &Path, value: Value) -> Value {
        let rewrite = self.rewrites.iter().find(|(at, _)| at == path);
        match (rewrite, &value) {
            (Some((_, rewrite)), Value::String(text)) => Value::String(rewrite(text)),
            _ => value,
        }
    }

    /// Writes leaves into a record's value.
    fn fill(&self, value: &mut Value, changes: &[(Path, crate::value::Native)]) {
        for (path, native) in changes {
            if let crate::value::Native::Elements(changed) = native {
                let mut elements = get(value, path).clone();
                change_elements(&mut elements, changed);
                set(value, path, elements);
                continue;
            }
            let leaf = self.rewritten(path, crate::testing::json::of_native(native));
            set(value, path, leaf);
        }
    }
}

/// Whether a record holds every leaf that a write expects.
fn as_expected(value: &Value, expect: &[(Path, crate::value::Native)]) -> bool {
    expect.iter().all(|(path, native)| crate::testing::json::holds(get(value, path), native))
}
