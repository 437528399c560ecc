//! Two systems, a store in memory, and a short history in them: where the stateful targets begin.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use accordant::chrono::TimeDelta;
use accordant::clock::{ManualClock, SeededEntropy};
use accordant::id::{Actor, TenantId};
use accordant::journal::{self, Draft, Entry, Head, Payload};
use accordant::model::EntityModel;
use accordant::plan::{Limits, Scope};
use accordant::policy::Registry;
use accordant::store::{Commit, Committed, MemoryStore, Row, RowKey, Store, StoreError, Table};
use accordant::testing::FakeSystem;
use accordant::text::Text;
use accordant::{Accordant, Tenant};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

/// What the two systems are to agree on.
pub const MODEL: &str = r#"
entity = "customer"
existence = ["crm"]
on_delete = "archive"

[system.crm]
object = "people"

[system.shop]
object = "clients"
required = true
create_needs = ["email"]

[attribute.email]
kind = "email"
identity = true
at.crm = "email"
at.shop = "email"

[attribute.company]
kind = "text"
owner = ["crm"]
at.crm = "company"
at.shop = { path = "note", strong = true }

[attribute.balance]
kind = "money"
at.crm = { path = "balance", currency = "USD" }
at.shop = { path = "balance", currency = "USD" }

[attribute.tier]
kind = "text"
at.crm = "tier"
at.shop = "tier"
resolve = ["latest"]

[attribute.manager]
kind = "ref"
to = "customer"
at.crm = "manager"
at.shop = "manager"

[attribute.tags]
kind = "text"
shape = "set"
at.crm = { path = "tags", separator = ";" }
at.shop = { path = "tags", separator = ";" }

[attribute.street]
kind = "text"
group = "address"
at.crm = "street"
at.shop = "street"

[attribute.zip]
kind = "text"
group = "address"
at.crm = "zip"
at.shop = "zip"
"#;

static DECLARED: LazyLock<EntityModel> =
    LazyLock::new(|| EntityModel::from_toml(MODEL, &Registry::builtin()).expect("the model has no mistakes"));

/// Two systems and a tenant of them.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub fakes: [FakeSystem; 2],
    pub tenant: Tenant,
}

pub const OBJECTS: [&str; 2] = ["people", "clients"];

impl World {
    /// A world on a store.
    pub fn on(store: impl Store, at: &str) -> Self {
        let clock = Arc::new(ManualClock::at(at.parse().expect("an instant")));
        let fakes = ["crm", "shop"].map(|name| FakeSystem::new(name, std::slice::from_ref(&*DECLARED), &clock));
        let builder = Accordant::builder()
            .clock(Arc::clone(&clock))
            .entropy(SeededEntropy::new(7))
            .store(store)
            .limits(Limits { deletes: 25, delete_percent: 100, ..Limits::default() })
            .connect(fakes[0].clone())
            .connect(fakes[1].clone())
            .entity_model(DECLARED.clone());
        Self { clock, fakes, tenant: builder.build().expect("the model builds").tenant("acme") }
    }

    /// Takes steps until there is nothing to do at once; a store that cannot be read ends them.
    pub fn steps(&self) {
        for _ in 0..20 {
            if !block_on(self.tenant.step()).is_ok_and(|stepped| stepped.more()) {
                return;
            }
        }
    }
}

/// What a tenant's store holds.
#[derive(Clone, Default)]
pub struct Held {
    pub rows: BTreeMap<RowKey, Row>,
    pub journal: Vec<(Entry, Payload)>,
}

/// What a short history left: links, a plan that is approved in part, a write without receipt, a conflict, a dead letter,
/// a merge, a case.
pub static HISTORY: LazyLock<Held> = LazyLock::new(|| {
    let store = MemoryStore::new();
    let world = World::on(store.clone(), "2026-01-05T08:00:00Z");
    let [crm, shop] = &world.fakes;
    let poll = || {
        for connection in ["crm", "shop"] {
            block_on(world.tenant.poll(connection)).expect("it polls");
        }
        world.steps();
    };
    for number in 0..3 {
        crm.edit(
            "people",
            &number.to_string(),
            &json!({ "email": format!("p{number}@acme.test"), "company": "Acme", "balance": "5.00", "tags": "a;b",
                "street": "1 High St", "zip": "10115", "manager": "0" }),
        );
    }
    shop.edit("clients", "s1", &json!({ "email": "p1@acme.test", "note": "ACME", "tier": "gold", "tags": "b" }));
    shop.edit("clients", "s9", &json!({ "email": "nobody", "tier": "gold" }));
    poll();
    let plan = block_on(world.tenant.plan(Scope::default()).bootstrap().into_future()).expect("it plans");
    block_on(world.tenant.approve(plan.hash, &Actor::new("ana"))).expect("it is approved");
    shop.loses_answer();
    block_on(world.tenant.apply(plan.hash)).expect("it is applied");
    world.clock.advance(TimeDelta::minutes(5));
    crm.edit("people", "1", &json!({ "tier": "blue", "company": "Acme Inc." }));
    shop.edit("clients", "s1", &json!({ "tier": "red", "balance": "7.00" }));
    crm.edit("people", "2", &json!({ "balance": "not money" }));
    poll();
    let plan = block_on(world.tenant.plan(Scope::default()).into_future()).expect("it plans");
    block_on(world.tenant.approve(plan.hash, &Actor::new("ana"))).expect("it is approved");
    shop.loses_answer();
    block_on(world.tenant.apply(plan.hash)).expect("it is applied");
    shop.refuses("not today");
    crm.edit("people", "0", &json!({ "company": "Zeta", "street": "2 Low St" }));
    poll();
    let plan = block_on(world.tenant.plan(Scope::default()).into_future()).expect("it plans");
    block_on(world.tenant.approve(plan.hash, &Actor::new("ana"))).expect("it is approved");
    let ids = block_on(world.tenant.entities("customer", None, 10)).expect("it lists");
    if let [one, .., other] = ids[..] {
        block_on(world.tenant.merge(one, other, &Actor::new("ana"))).unwrap_or_default();
    }
    shop.loses_request();
    block_on(world.tenant.apply(plan.hash)).expect("it is applied");
    let tenant = TenantId::new("acme");
    let mut held = Held::default();
    for table in Table::ALL {
        let rows = block_on(store.scan(&tenant, table, "", None, usize::MAX)).expect("memory answers");
        held.rows.extend(rows.into_iter().map(|row| (RowKey::new(table, row.key.clone()), row)));
    }
    let journal = block_on(store.journal(&tenant, 0, usize::MAX)).expect("memory answers");
    held.journal = journal.into_iter().filter_map(|(entry, payload)| Some((entry, payload?))).collect();
    held
});

/// A store of one tenant that begins with whatever it is given.
pub struct Given(Mutex<Held>);

impl Given {
    pub fn new(held: Held) -> Self {
        Self(Mutex::new(held))
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Given {
    async fn load(&self, _: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        let held = self.held();
        Ok(keys.iter().map(|key| held.rows.get(key).cloned()).collect())
    }

    async fn scan(
        &self,
        _: &TenantId,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let from = after.filter(|after| *after >= prefix).unwrap_or(prefix);
        let held = self.held();
        let rows = held.rows.range(RowKey::new(table, from)..).take_while(|(key, _)| key.table == table);
        let rows =
            rows.filter(|(key, _)| key.key.starts_with(prefix) && after.is_none_or(|after| key.key.as_str() > after));
        Ok(rows.take(limit).map(|(_, row)| row.clone()).collect())
    }

    async fn commit(&self, _: &TenantId, commit: Commit) -> Result<Committed, StoreError> {
        let mut held = self.held();
        for (key, revision) in commit.expect {
            if held.rows.get(&key).map(|row| row.revision) != revision {
                return Ok(Committed::Lost { key });
            }
        }
        for (key, value) in Commit::changes(commit.put, commit.delete) {
            match value {
                None => drop(held.rows.remove(&key)),
                Some(value) => {
                    let revision = held.rows.get(&key).map_or(1, |row| row.revision + 1);
                    held.rows.insert(key.clone(), Row { key: key.key, revision, value });
                }
            }
        }
        let head = held.journal.last().map(|(entry, _)| Head { seq: entry.seq, digest: entry.digest });
        let (head, sealed) = journal::seal(head.unwrap_or_default(), commit.journal);
        held.journal.extend(sealed);
        Ok(Committed::Done { head })
    }

    async fn journal(
        &self,
        _: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let held = self.held();
        let entries = held.journal.iter().filter(|(entry, _)| entry.seq > after).take(limit);
        Ok(entries.map(|(entry, payload)| (entry.clone(), Some(payload.clone()))).collect())
    }

    async fn erase_until(&self, _: &TenantId, _: &str, _: u64) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// An entry that can be sealed anew.
pub fn draft(entry: &Entry, payload: Vec<u8>) -> Draft {
    const KINDS: [&str; 4] = ["observed", "facts", "merged", "model_accepted"];
    Draft {
        at: entry.at,
        actor: entry.actor.clone(),
        kind: KINDS.into_iter().find(|kind| *kind == entry.kind.as_str()).unwrap_or("other"),
        subject: entry.subject.clone(),
        payload,
        salt: [0; 16],
    }
}

/// Changes bytes as the head of `data` says: replaces them, or puts the rest of `data` in their midst.
pub fn spliced(bytes: &[u8], data: &[u8]) -> Vec<u8> {
    let [how, at, more, cut, rest @ ..] = data else { return data.to_vec() };
    if how & 1 == 0 {
        return data[1..].to_vec();
    }
    let start = usize::from(u16::from_be_bytes([*at, *more])) % (bytes.len() + 1);
    let end = (start + usize::from(*cut)).min(bytes.len());
    let mut spliced = bytes[..start].to_vec();
    spliced.extend_from_slice(rest);
    spliced.extend_from_slice(&bytes[end..]);
    spliced
}

/// Asks and does what `which` picks of all that needs no person, whatever the store holds; 7 is everything.
pub fn exercise(world: &World, which: u8) {
    let tenant = &world.tenant;
    let does = |verb: u8| which % 8 == verb || which % 8 == 7;
    if does(0) {
        drop(block_on(tenant.model_change()));
        drop(block_on(tenant.recover()));
        world.steps();
    }
    if does(1) {
        drop(block_on(tenant.cases(None, 50)));
        drop(block_on(tenant.dead_letters()));
        drop(block_on(tenant.unlinked()));
        drop(block_on(tenant.discrepancies(accordant::engine::DiscrepancyFilter::default())));
        drop(block_on(tenant.find_erased("customer", "email", "p1@acme.test")));
    }
    if does(2) {
        for id in block_on(tenant.entities("customer", None, 10)).unwrap_or_default() {
            if let Ok(view) = block_on(tenant.inspect_erased(id)) {
                assert!(!view.to_string().is_empty());
            }
            for unit in ["company", "address", "tags"] {
                drop(block_on(tenant.explain_erased(id, unit)).map(|explained| explained.to_string()));
            }
        }
    }
    if does(3)
        && let Ok(plan) = block_on(tenant.plan(Scope::default()).into_future())
    {
        drop(plan.to_string());
        drop(block_on(tenant.approve(plan.hash, &Actor::new("ana"))));
        drop(block_on(tenant.apply(plan.hash)));
    }
    if does(4) {
        world.fakes[0].edit(OBJECTS[0], "1", &json!({ "email": "p1@acme.test", "tags": "c" }));
        drop(block_on(tenant.poll("crm")));
        drop(block_on(tenant.scan("shop")));
    }
    if does(5) {
        drop(block_on(tenant.rederive()));
    }
    if does(6) {
        drop(block_on(tenant.verify()));
    }
}

/// The name of a row, to pick one by number.
pub fn nth_key(held: &Held, number: usize) -> Option<(RowKey, Text)> {
    let key = held.rows.keys().nth(number % held.rows.len().max(1))?;
    Some((key.clone(), key.key.clone()))
}
