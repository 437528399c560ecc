//! Every order of delivery: whatever order the notices of a history come in, the same is true, stands open and is planned.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use accordant::bytes::Bytes;
use accordant::chrono::DateTime;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey,
    Says, Verified, Write, WriteReceipt,
};
use accordant::engine::DiscrepancyFilter;
use accordant::id::SurfaceName;
use accordant::store::{Store as _, Table};
use accordant::surface::Surface;
use accordant::{Accordant, DiscrepancyState, Error, ManualClock, MemoryStore, Scope, SeededEntropy, Tenant, http};
use async_trait::async_trait;

use crate::design::{Attribute, Design, OBJECT, Policy, System, Told, name_of};
use crate::dialect::Dialect;
use crate::house::House;
use crate::job::steps;
use crate::server::{Server, body, surfaces};
use crate::trace::EPOCH;
use crate::word::Word;

/// What happens once, somewhere: a person edits one attribute of the record there.
#[derive(Debug, Clone, Copy)]
pub struct Edit {
    /// Where.
    pub system: usize,
    /// What.
    pub attribute: usize,
    /// The new word; 0 clears.
    pub word: u32,
    /// When, in seconds after the beginning.
    pub at: i64,
}

/// A history of one customer in three systems that agree at first.
#[derive(Debug, Clone)]
pub struct History {
    /// What it shows.
    pub name: &'static str,
    /// What happens.
    pub edits: Vec<Edit>,
}

const fn edit(system: usize, attribute: usize, word: u32, at: i64) -> Edit {
    Edit { system, attribute, word, at }
}

/// The histories that are told in every order.
#[must_use]
pub fn histories() -> Vec<History> {
    let told = |name, edits: &[Edit]| History { name, edits: edits.to_vec() };
    vec![
        told(
            "one person edits seven times",
            &[
                edit(1, 0, 11, 10),
                edit(1, 0, 12, 20),
                edit(1, 1, 13, 30),
                edit(1, 0, 14, 40),
                edit(1, 2, 15, 50),
                edit(1, 0, 0, 60),
                edit(1, 0, 16, 70),
            ],
        ),
        told(
            "three people disagree about what nobody owns",
            &[
                edit(0, 0, 11, 10),
                edit(1, 0, 12, 20),
                edit(2, 0, 13, 30),
                edit(0, 0, 14, 40),
                edit(1, 0, 15, 50),
                edit(2, 0, 16, 60),
                edit(0, 0, 17, 70),
            ],
        ),
        told(
            "observers contradict an owner who moves on",
            &[
                edit(0, 1, 11, 10),
                edit(1, 1, 12, 20),
                edit(2, 1, 13, 30),
                edit(0, 1, 14, 40),
                edit(1, 1, 18, 50),
                edit(0, 1, 0, 60),
                edit(0, 1, 15, 70),
            ],
        ),
        told(
            "the latest wins, far apart",
            &[
                edit(0, 2, 11, 10),
                edit(1, 2, 12, 20),
                edit(2, 2, 13, 30),
                edit(1, 2, 14, 40),
                edit(0, 2, 15, 50),
                edit(2, 2, 16, 60),
                edit(1, 2, 17, 70),
            ],
        ),
        told(
            "clears and returns in three systems",
            &[
                edit(0, 0, 0, 10),
                edit(1, 0, 11, 20),
                edit(2, 1, 0, 30),
                edit(0, 1, 0, 40),
                edit(0, 0, 11, 50),
                edit(1, 2, 0, 60),
                edit(2, 2, 12, 70),
            ],
        ),
    ]
}

/// A fake system that only tells and answers.
struct Desk {
    name: &'static str,
    surfaces: Vec<Surface>,
    server: Arc<Mutex<Server>>,
}

impl Desk {
    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connector for Desk {
    fn system(&self) -> &str {
        self.name
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let item = Item::new(surfaces::name(OBJECT, "webhooks"), Says::Record, delivery.body().clone());
        Ok(Verified { items: vec![item], delivery_id: None, reply: http::Response::new(Bytes::new()) })
    }

    async fn read_page(&self, _: &SurfaceName, _: Option<Cursor>) -> Result<Page, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nobody asks"))
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let server = self.server();
        Ok(keys.iter().map(|key| server.answer(key, EPOCH + 1_000_000, None)).collect())
    }

    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "nobody writes"))
    }
}

fn design() -> Design {
    let system = |place: usize| System {
        name: name_of(place).unwrap_or("system"),
        told: Told::Full,
        safety: CreateSafety::RemoteKey,
        required: false,
        compares: true,
        answers: true,
        versions: false,
        grain: 1,
        skew: 0,
        capitals: false,
        unique: false,
        tells_deletes: true,
        restores: false,
        mute: false,
    };
    let attribute = |owner, policy| Attribute { owner, strength: vec![1, 1, 1], policy };
    Design {
        systems: (0..3).map(system).collect(),
        attributes: vec![
            attribute(None, Policy::Undeclared),
            attribute(Some(0), Policy::Undeclared),
            attribute(None, Policy::Latest),
        ],
        subjects: 1,
        existence: None,
        limit: 25,
        hasty: 0,
        house: House::default(),
        dialect: Dialect::Plain,
    }
}

/// Nothing here waits for anything.
fn ready<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

/// Tells a history in every order of its first `length` events. Says how many orders there are, and every different end
/// that they come to: there should be one.
///
/// # Errors
///
/// If the engine fails.
pub fn tell(history: &History, length: usize) -> Result<(usize, BTreeSet<String>), Error> {
    let design = design();
    let server = |place, system: &System| Arc::new(Mutex::new(Server::new(place, system.clone(), Dialect::Plain)));
    let servers: Vec<Arc<Mutex<Server>>> =
        design.systems.iter().enumerate().map(|(place, system)| server(place, system)).collect();
    let at = |place: usize| servers[place].lock().unwrap_or_else(PoisonError::into_inner);
    let first: Vec<Word> = (1..4).map(Word::new).collect();
    let mut notices: Vec<(usize, Bytes)> = Vec::new();
    for place in 0..servers.len() {
        at(place).make(EPOCH, 0, first.clone());
    }
    let whole = |place: usize| {
        let server = at(place);
        body::record(0, server.records[0].token, 0, &server.records[0].fields)
    };
    let beginning: Vec<Bytes> = (0..servers.len()).map(whole).collect();
    for Edit { system, attribute, word, at: seconds } in history.edits.iter().take(length) {
        let word = if *word == 0 { Word::NONE } else { Word::new(*word) };
        at(*system).change(EPOCH + seconds * 1000, 0, |record| record.fields[*attribute] = word);
        notices.push((*system, whole(*system)));
    }
    let clock = DateTime::from_timestamp_millis(EPOCH + 600_000).unwrap_or_default();
    let store = MemoryStore::new();
    let mut builder = Accordant::builder()
        .store(store.clone())
        .clock(Arc::new(ManualClock::at(clock)))
        .entropy(SeededEntropy::new(1))
        .entity_model(design.model());
    for (system, server) in design.systems.iter().zip(&servers) {
        let surfaces = surfaces::of(OBJECT, system);
        builder = builder.connect(Desk { name: system.name, surfaces, server: Arc::clone(server) });
    }
    let accordant = builder.build()?;
    let mut order: Vec<usize> = (0..notices.len()).collect();
    let mut ends = BTreeSet::new();
    let mut orders = 0;
    loop {
        let tenant = accordant.tenant(&format!("order-{orders}"));
        let told = beginning.iter().enumerate().chain(order.iter().map(|next| (notices[*next].0, &notices[*next].1)));
        for (place, body) in told {
            let name = design.systems[place].name;
            ready(tenant.receive(name, Delivery::new(body.clone())))?;
            ready(steps(&tenant))?;
        }
        ends.insert(ready(end(&store, &tenant))?);
        orders += 1;
        if !next(&mut order) {
            return Ok((orders, ends));
        }
    }
}

/// What each system says, what is true and what waits for a person, what stands open, and what would be written. Where a
/// person is asked, golden stays what it was first moved to: that is the question, not the answer. The kind of what stands
/// open tells what happened on the way, and two ways to one end may be told apart by it.
async fn end(store: &MemoryStore, tenant: &Tenant) -> Result<String, Error> {
    let mut text = String::new();
    let rows = store.scan(tenant.id(), Table::Representation, "", None, usize::MAX).await;
    for row in rows.unwrap_or_default() {
        text.push_str(&format!("{}: {}\n", row.key, String::from_utf8_lossy(&row.value)));
    }
    let standing = tenant.discrepancies(DiscrepancyFilter::default()).await?;
    let waits = |unit: &str| {
        standing.iter().any(|standing| standing.state == DiscrepancyState::Waiting && *standing.unit == *unit)
    };
    for id in tenant.entities("thing", None, 9).await? {
        for unit in tenant.inspect_erased(id).await?.units {
            let golden = if waits(&unit.name) { "a question".to_owned() } else { unit.golden.to_string() };
            text.push_str(&format!("{} is {golden}\n", unit.name));
        }
    }
    for standing in &standing {
        let link = standing.link.as_deref().unwrap_or("everywhere");
        text.push_str(&format!("{} {link}: {:?}\n", standing.unit, standing.state));
    }
    text.push_str(&tenant.plan(Scope::default()).await?.to_string());
    text.push_str(&tenant.plan(Scope::default()).bootstrap().await?.to_string());
    Ok(text)
}

/// The next order, in the order of orders (Narayana Pandita, 14th century). Says whether there was one.
fn next(order: &mut [usize]) -> bool {
    let Some(place) = (1..order.len()).rev().find(|place| order[place - 1] < order[*place]) else { return false };
    let greater = (place..order.len()).rev().find(|other| order[*other] > order[place - 1]).unwrap_or(place);
    order.swap(place - 1, greater);
    order[place..].reverse();
    true
}
