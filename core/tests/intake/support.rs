//! A system that says what a test puts into its mouth, over surfaces that promise what the test wants.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use accordant::bytes::Bytes;
use accordant::chrono::{DateTime, TimeDelta};
use accordant::clock::{ManualClock, SeededEntropy};
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey,
    Says, Verified, Write, WriteReceipt,
};
use accordant::engine::{Accordant, Tenant};
use accordant::id::{RecordRef, SurfaceName};
use accordant::representation::{Life, Representation};
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::store::{MemoryStore, Row, Store as _, Table};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape,
};
use accordant::{Canonical, TenantId};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::{Value, json};

#[derive(Canonical)]
#[canonical(entity = "thing", system(crm, object = "things"))]
pub(crate) struct Thing {
    #[canonical(identity, at(crm = "key"))]
    pub(crate) key: String,
    #[canonical(at(crm = "name"))]
    pub(crate) name: Option<String>,
    #[canonical(hub)]
    pub(crate) note: Option<String>,
}

/// The place of `name` among what is mapped.
const NAME: u16 = 1;

/// Tokens that are the instants of changes.
pub(crate) const BY_TIME: Order =
    Order::By(Domain::Time(TimeScale { kind: TimeKind::RecordModified, precision_ms: 1, skew_ms: 0 }));

/// A surface of the object type `things`, named as its channel.
pub(crate) fn surface(channel: Channel, order: Order) -> Surface {
    let log = Guarantee::AtLeastOnceByCursor { retention: TimeDelta::days(1) };
    Surface {
        name: SurfaceName::new(name_of(channel)),
        object: "things".into(),
        channel,
        semantics: EventSemantics {
            delivery: if channel == Channel::Stream { log } else { Guarantee::Snapshot },
            order,
            completeness: Completeness::Full,
            deletes: Deletes::Absence,
            merges: Merges::NeverTold,
            lag: TimeDelta::zero(),
            unrecoverable_after: None,
        },
        shape: SurfaceShape { root: "fields".into(), id: "id".into(), token: "at".into(), ..SurfaceShape::default() },
    }
}

fn name_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Webhook => "webhook",
        Channel::Poll => "poll",
        Channel::Stream => "stream",
        Channel::Scan => "scan",
        _ => "read",
    }
}

/// The item in which a surface shows a record. Without a token, it carries none.
pub(crate) fn shows(channel: Channel, id: &str, token: Option<i64>, name: &str) -> Item {
    let mut body = json!({ "id": id, "fields": { "key": id, "name": name } });
    if let Some(token) = token {
        body["at"] = json!(token);
    }
    item(channel, Says::Record, &body)
}

/// The item in which a surface says that a record was deleted.
pub(crate) fn deleted(channel: Channel, id: &str, token: Option<i64>) -> Item {
    let body = token.map_or_else(|| json!({ "id": id }), |token| json!({ "id": id, "at": token }));
    item(channel, Says::Deleted { id: id.into() }, &body)
}

pub(crate) fn item(channel: Channel, says: Says, body: &Value) -> Item {
    Item::new(SurfaceName::new(name_of(channel)), says, Bytes::from(body.to_string()))
}

pub(crate) fn last_page(items: Vec<Item>) -> Page {
    Page { items, next: None, more: false }
}

pub(crate) fn page(items: Vec<Item>, next: &str) -> Page {
    Page { items, next: Some(Cursor(next.to_owned())), more: true }
}

/// Says what it is told to say. Clones share one state.
#[derive(Clone)]
pub(crate) struct Scripted {
    system: &'static str,
    surfaces: Arc<[Surface]>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) delivery: Vec<Item>,
    pub(crate) delivery_id: Option<String>,
    /// The next pages, per surface; then empty ones.
    pub(crate) pages: BTreeMap<&'static str, VecDeque<Result<Page, ConnectorError>>>,
    /// Behind which cursors pages were read, per surface.
    pub(crate) behind: BTreeMap<String, Vec<Option<Cursor>>>,
    /// The answers to reads by id; `Gone` for every other.
    pub(crate) answers: BTreeMap<String, ReadAnswer>,
    /// What every read fails with.
    pub(crate) down: Option<ConnectorError>,
    /// The record that no question may name.
    pub(crate) chokes_on: Option<String>,
    /// How many answers are left out at the end.
    pub(crate) short_by: usize,
    /// The ids that were asked for, read by read.
    pub(crate) asked: Vec<Vec<String>>,
}

impl Scripted {
    pub(crate) fn new(system: &'static str, surfaces: Vec<Surface>) -> Self {
        Self { system, surfaces: surfaces.into(), state: Arc::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the state")
    }

    /// The next page of a surface.
    pub(crate) fn gives(&self, channel: Channel, page: Page) {
        self.state().pages.entry(name_of(channel)).or_default().push_back(Ok(page));
    }

    /// From now on, a read of this record is answered so.
    pub(crate) fn answers(&self, id: &str, answer: ReadAnswer) {
        self.state().answers.insert(id.to_owned(), answer);
    }

    /// How often a record was read.
    pub(crate) fn reads_of(&self, id: &str) -> usize {
        self.state().asked.iter().flatten().filter(|asked| *asked == id).count()
    }
}

#[async_trait]
impl Connector for Scripted {
    fn system(&self) -> &str {
        self.system
    }
    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }
    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        let items = std::mem::take(&mut self.state().delivery);
        let delivery_id = self.state().delivery_id.take().map(Into::into);
        Ok(Verified { items, delivery_id, reply: http::Response::new(Bytes::new()) })
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        self.state().behind.entry(surface.as_str().to_owned()).or_default().push(after.clone());
        let next = self.state().pages.get_mut(surface.as_str()).and_then(VecDeque::pop_front);
        next.unwrap_or(Ok(Page { items: Vec::new(), next: after, more: false }))
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let mut state = self.state();
        state.asked.push(keys.iter().map(|key| key.id.to_string()).collect());
        if let Some(error) = &state.down {
            return Err(error.clone());
        }
        if keys.iter().any(|key| state.chokes_on.as_deref() == Some(key.id.as_str())) {
            return Err(ConnectorError::new(ConnectorErrorKind::Malformed, "the story says so"));
        }
        let answer = |key: &RecordKey| state.answers.get(key.id.as_str()).cloned().unwrap_or(ReadAnswer::Gone);
        let answers = keys.iter().map(answer);
        Ok(answers.take(keys.len().saturating_sub(state.short_by)).collect())
    }
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        panic!("nothing is written here: {writes:?}")
    }
}

/// A tenant of one or more scripted systems.
pub(crate) struct World {
    pub(crate) tenant: Tenant,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: MemoryStore,
}

impl World {
    pub(crate) fn of(crm: &Scripted) -> Self {
        Self::begin(|builder| builder.connect(crm.clone()).entity::<Thing>())
    }

    pub(crate) fn begin(connect: impl FnOnce(accordant::Builder) -> accordant::Builder) -> Self {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let store = MemoryStore::new();
        let builder =
            Accordant::builder().store(store.clone()).clock(Arc::clone(&clock)).entropy(SeededEntropy::new(3));
        let accordant = connect(builder).build().unwrap_or_else(|error| panic!("{error:?}"));
        Self { tenant: accordant.tenant("acme"), clock, store }
    }

    pub(crate) fn receive(&self, crm: &Scripted, items: Vec<Item>) {
        crm.state().delivery = items;
        let delivery = Delivery::new(Bytes::new());
        block_on(self.tenant.receive("crm", delivery)).expect("a delivery is taken in");
    }

    pub(crate) fn poll(&self) {
        block_on(self.tenant.poll("crm")).expect("the system can be polled");
    }

    pub(crate) fn scan(&self) {
        block_on(self.tenant.scan("crm")).expect("the system can be scanned");
    }

    /// What the system says of a record, from the journal.
    pub(crate) fn representation(&self, id: &str) -> Representation {
        let mut replayed = block_on(self.tenant.replay()).expect("the journal can be replayed");
        replayed.representations.remove(&RecordRef::new("crm", "things", id)).unwrap_or_default()
    }

    pub(crate) fn life(&self, id: &str) -> Life {
        self.representation(id).existence().life()
    }

    pub(crate) fn name(&self, id: &str) -> Option<String> {
        self.representation(id).cell(NAME)?.field().as_value().map(str::to_owned)
    }

    pub(crate) fn rows(&self, table: Table) -> Vec<Row> {
        let tenant = TenantId::new("acme");
        block_on(self.store.scan(&tenant, table, "", None, usize::MAX)).expect("memory answers")
    }
}
