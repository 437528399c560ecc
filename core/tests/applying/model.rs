//! What the tests of applying are about: accounts that the CRM owns, and that the shop must have.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use accordant::clock::ManualClock;
use accordant::connector::{Connector, ConnectorError, ReadAnswer, RecordKey, Write, WriteReceipt};
use accordant::fingerprint::{Digest, Fingerprint};
use accordant::id::Actor;
use accordant::model::Transform;
use accordant::plan::{Plan, PlanHash, Scope};
use accordant::surface::Surface;
use accordant::testing::{FakeSystem, Habits};
use accordant::value::{Leaf, Malformed, Native};
use accordant::{Accordant, Applied, Canonical, Email, MemoryStore, Money, SeededEntropy, Tenant};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "account", existence(crm), on_delete = archive)]
#[canonical(system(crm, object = "accounts"), system(shop, object = "customers", required, create_needs(email)))]
pub(crate) struct Account {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    pub email: Email,
    /// The shop's has no place for a currency.
    #[canonical(owner(crm), at(crm("balance", currency = "currency"), shop("balance", strong, currency = USD)))]
    pub balance: Option<Money>,
    #[canonical(at(crm = "phone", shop = "phone"))]
    pub phone: Option<String>,
    #[canonical(owner(crm), at(crm = "tier", shop(("tier"), strong, via = Tier)))]
    pub tier: Option<String>,
}

/// The shop's tiers: `L:old` is read, and no longer taken.
pub(crate) struct Tier;

impl Transform<String> for Tier {
    fn name(&self) -> Cow<'static, str> {
        "tier".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<String>, Malformed> {
        Ok(leaves.first().and_then(Leaf::as_text).map(str::to_owned))
    }

    fn write(&self, value: &String) -> Vec<Native> {
        if value.starts_with("L:") { Vec::new() } else { vec![Native::Text(value.as_str().into())] }
    }
}

/// An account as the CRM tells of it.
pub(crate) fn account(number: usize) -> Json {
    json!({ "email": format!("a{number}@acme.test"), "balance": "100.00", "currency": "USD", "phone": "1" })
}

pub(crate) fn approver() -> Actor {
    Actor::new("ana")
}

pub(crate) fn plan(tenant: &Tenant) -> Plan {
    block_on(tenant.plan(Scope::default()).into_future()).unwrap()
}

pub(crate) fn approve(tenant: &Tenant, hash: PlanHash) {
    block_on(tenant.approve(hash, &approver())).unwrap();
}

pub(crate) fn apply(tenant: &Tenant, hash: PlanHash) -> Applied {
    block_on(tenant.apply(hash)).unwrap()
}

pub(crate) fn step(tenant: &Tenant) {
    while block_on(tenant.step()).unwrap().more() {}
}

/// How many journal entries of a kind there are.
pub(crate) fn journaled(store: &MemoryStore, tenant: &Tenant, kind: &str) -> usize {
    use accordant::store::Store;
    let entries = block_on(store.journal(tenant.id(), 0, usize::MAX)).unwrap();
    entries.iter().filter(|(entry, _)| entry.kind.as_str() == kind).count()
}

/// Two systems, a store, and as many processes on them as a test opens.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: MemoryStore,
    pub(crate) crm: FakeSystem,
    pub(crate) shop: FakeSystem,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let models = [Account::model()];
        Self {
            store: MemoryStore::new(),
            crm: FakeSystem::new("crm", &models, &clock),
            shop: FakeSystem::new("shop", &models, &clock),
            clock,
        }
    }

    /// A process with connectors of its own. The shop was read to its end once: records may be created there.
    pub(crate) fn open(&self, seed: u64, crm: impl Connector, shop: impl Connector) -> Tenant {
        let builder = Accordant::builder()
            .clock(Arc::clone(&self.clock))
            .entropy(SeededEntropy::new(seed))
            .store(self.store.clone())
            .connect(crm)
            .connect(shop)
            .entity::<Account>();
        let tenant = builder.build().unwrap().tenant("acme");
        block_on(tenant.poll("shop")).unwrap();
        tenant
    }

    pub(crate) fn tenant(&self) -> Tenant {
        self.open(1, self.crm.clone(), self.shop.clone())
    }
}

pub(crate) type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A system in which something happens between the intent of a write and its call.
#[derive(Clone)]
pub(crate) struct Between {
    pub(crate) fake: FakeSystem,
    pub(crate) meanwhile: Arc<Mutex<VecDeque<Meanwhile>>>,
    pub(crate) before_the_answer: Arc<Mutex<VecDeque<Meanwhile>>>,
    pub(crate) before_the_read: Arc<Mutex<VecDeque<Meanwhile>>>,
    /// What it promises: what the fake does, unless a test has it otherwise.
    pub(crate) surfaces: Vec<Surface>,
    /// The keys of the writes that came, in their order.
    pub(crate) keys: Arc<Mutex<Vec<Digest>>>,
}

impl Between {
    pub(crate) fn new(fake: &FakeSystem) -> Self {
        Self {
            fake: fake.clone(),
            meanwhile: Arc::default(),
            before_the_answer: Arc::default(),
            before_the_read: Arc::default(),
            surfaces: fake.surfaces().to_vec(),
            keys: Arc::default(),
        }
    }

    pub(crate) fn happens(&self, meanwhile: impl Future<Output = ()> + Send + 'static) {
        self.meanwhile.lock().unwrap().push_back(Box::pin(meanwhile));
    }

    /// Happens after the next read by id was answered, and before its answer is heard.
    pub(crate) fn happens_before_the_read_is_heard(&self, meanwhile: impl Future<Output = ()> + Send + 'static) {
        self.before_the_read.lock().unwrap().push_back(Box::pin(meanwhile));
    }

    /// Happens after the next write took effect, and before its answer is heard.
    pub(crate) fn happens_before_the_answer(&self, meanwhile: impl Future<Output = ()> + Send + 'static) {
        self.before_the_answer.lock().unwrap().push_back(Box::pin(meanwhile));
    }
}

#[async_trait]
impl Habits for Between {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let answers = self.fake.read_records(keys).await;
        let next = self.before_the_read.lock().unwrap().pop_front();
        if let Some(meanwhile) = next {
            meanwhile.await;
        }
        answers
    }
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        self.keys.lock().unwrap().extend(writes.iter().map(|write| write.idempotency_key));
        let next = self.meanwhile.lock().unwrap().pop_front();
        if let Some(meanwhile) = next {
            meanwhile.await;
        }
        let receipts = self.fake.write_batch(writes).await;
        let next = self.before_the_answer.lock().unwrap().pop_front();
        if let Some(meanwhile) = next {
            meanwhile.await;
        }
        receipts
    }
}
