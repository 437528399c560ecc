//! Several workers on one outbox, and connections that are gone.

use std::sync::{Arc, Mutex};

use accordant::clock::ManualClock;
use accordant::connector::{
    Connector as _, ConnectorError, CreateSafety, Outcome, ReadAnswer, RecordKey, Write, WriteReceipt,
};
use accordant::error::Error;
use accordant::plan::Scope;
use accordant::store::{Commit, RowKey, Store, Table};
use accordant::testing::{FakeSystem, Habits};
use accordant::{Accordant, Canonical, SeededEntropy};
use async_trait::async_trait;
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, Between, World, account, apply, approve, plan, step};

#[test]
fn two_applications_in_one_process_send_a_create_once() {
    let world = World::new();
    world.shop.create_safety_is(CreateSafety::DetectAndMerge);
    let shop = Between::new(&world.shop);
    let tenant = world.open(1, world.crm.clone(), shop.clone());
    world.crm.edit("accounts", "1", &account(1));
    block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    let other = tenant.clone();
    shop.happens(async move {
        other.step().await.unwrap();
        let applied = other.apply(owed.hash).await.unwrap();
        assert_eq!((applied.done, applied.superseded), (0, 1));
    });
    assert_eq!(apply(&tenant, owed.hash).done, 1);
    assert_eq!(world.shop.ids("customers").len(), 1);
    assert!(plan(&tenant).is_empty());
}

#[test]
fn a_receipt_leaves_the_intent_of_another_process_alone() {
    let world = World::new();
    let shop = Between::new(&world.shop);
    let one = world.open(1, world.crm.clone(), shop.clone());
    let other = world.open(2, world.crm.clone(), world.shop.clone());
    world.crm.edit("accounts", "1", &account(1));
    block_on(one.poll("crm")).unwrap();
    let owed = plan(&one);
    approve(&one, owed.hash);
    let (theirs, fake) = (other.clone(), world.shop.clone());
    shop.happens(async move {
        // The other process finds the create without effect, and sends it again; that request is lost.
        fake.loses_request();
        assert_eq!(theirs.apply(owed.hash).await.unwrap().unknown, 1);
    });
    assert_eq!(apply(&one, owed.hash).done, 1);
    let outbox = || block_on(world.store.scan(one.id(), Table::Outbox, "", None, 9)).unwrap().len();
    assert_eq!(outbox(), 1, "the other process has not heard of its request yet");
    step(&other);
    assert_eq!(outbox(), 0);
    assert_eq!(world.shop.ids("customers").len(), 1);
    assert!(plan(&other).is_empty());
}

/// A shop whose requests stay on their way, and arrive while it answers a look-up.
#[derive(Clone)]
struct Slow {
    fake: FakeSystem,
    clock: Arc<ManualClock>,
    under_way: Arc<Mutex<Vec<Write>>>,
}

const DRAIN: u32 = 30;

#[async_trait]
impl Habits for Slow {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::DrainThenConsistentLookup { drain_seconds: DRAIN }
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let answers = self.fake.read_records(keys).await;
        let late = std::mem::take(&mut *self.under_way.lock().unwrap());
        self.fake.write_batch(late).await?;
        self.clock.advance(TimeDelta::seconds(i64::from(DRAIN) + 1));
        answers
    }
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let lost = |_: &Write| WriteReceipt { outcome: Outcome::Unknown, record: None, token: None };
        let receipts = writes.iter().map(lost).collect();
        self.under_way.lock().unwrap().extend(writes);
        Ok(receipts)
    }
}

#[test]
fn a_look_that_began_before_the_drain_ended_proves_nothing() {
    let world = World::new();
    world.shop.create_safety_is(CreateSafety::DetectAndMerge);
    let slow = Slow { fake: world.shop.clone(), clock: Arc::clone(&world.clock), under_way: Arc::default() };
    let tenant = world.open(1, world.crm.clone(), slow);
    world.crm.edit("accounts", "1", &account(1));
    block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    approve(&tenant, owed.hash);
    assert_eq!(apply(&tenant, owed.hash).unknown, 1);
    // The answer comes when the time is up, and says what was so before.
    assert_eq!(block_on(tenant.recover()).unwrap().unknown, 1);
    assert_eq!(block_on(tenant.recover()).unwrap().done, 1);
    step(&tenant);
    assert_eq!(world.shop.ids("customers").len(), 1);
    assert!(plan(&tenant).is_empty());
}

#[test]
fn a_stored_write_without_operations_is_an_error() {
    let world = World::new();
    let tenant = world.tenant();
    world.crm.edit("accounts", "1", &account(1));
    block_on(tenant.poll("crm")).unwrap();
    let key = RowKey::new(Table::Outbox, "create\u{1f}shop\u{1f}customers\u{1f}x\u{1f}0");
    let put = vec![(key, br#"{"operations":[],"at":0}"#.to_vec())];
    block_on(world.store.commit(tenant.id(), Commit { put, ..Commit::default() })).unwrap();
    let failed = block_on(tenant.recover()).unwrap_err();
    assert!(matches!(failed, Error::Row { ref row, .. } if row.starts_with("outbox")), "{failed}");
    assert!(block_on(tenant.plan(Scope::default()).into_future()).is_err());
}

#[test]
fn what_is_heard_before_the_answer_is_an_edit_and_not_the_systems_form() {
    for silent in [false, true] {
        let world = World::new();
        let shop = Between::new(&world.shop);
        let tenant = world.open(1, world.crm.clone(), shop.clone());
        if silent {
            world.shop.answers_without_record();
        }
        world.crm.edit("accounts", "1", &account(1));
        world.shop.edit("customers", "8", &json!({ "email": "a1@acme.test", "balance": "100.00", "phone": "1" }));
        for connection in ["crm", "shop"] {
            block_on(tenant.poll(connection)).unwrap();
        }
        world.clock.advance(TimeDelta::minutes(1));
        world.crm.edit("accounts", "1", &json!({ "phone": "2" }));
        block_on(tenant.poll("crm")).unwrap();
        let owed = plan(&tenant);
        approve(&tenant, owed.hash);
        let (other, fake) = (tenant.clone(), world.shop.clone());
        shop.happens_before_the_answer(async move {
            fake.edit("customers", "8", &json!({ "phone": "5" }));
            other.poll("shop").await.unwrap();
        });
        assert_eq!(apply(&tenant, owed.hash).done, 1);
        step(&tenant);
        let owed = plan(&tenant).to_string();
        assert_eq!(owed, "crm/accounts/1 phone: \"2\" -> \"5\" (propagates the golden value)\n");
    }
}

#[test]
fn a_connection_that_is_gone_holds_up_nobody_else() {
    let world = World::new();
    let models = [Account::model()];
    let eu = FakeSystem::new("shop", &models, &world.clock);
    let open = |with_eu: bool, seed| {
        let builder = Accordant::builder()
            .clock(Arc::clone(&world.clock))
            .entropy(SeededEntropy::new(seed))
            .store(world.store.clone())
            .connect(world.crm.clone())
            .connect(world.shop.clone())
            .entity::<Account>();
        let builder = if with_eu { builder.connect_as("shop-eu", eu.clone()) } else { builder };
        builder.build().unwrap().tenant("acme")
    };
    let tenant = open(true, 1);
    for number in 1..=2 {
        world.crm.edit("accounts", &number.to_string(), &account(number));
    }
    eu.edit("customers", "9", &json!({ "email": "a1@acme.test", "balance": "100.00", "phone": "1" }));
    world.shop.edit("customers", "8", &json!({ "email": "a2@acme.test", "balance": "100.00", "phone": "1" }));
    for connection in ["crm", "shop", "shop-eu"] {
        block_on(tenant.poll(connection)).unwrap();
    }
    assert!(plan(&tenant).is_empty());
    world.clock.advance(TimeDelta::minutes(1));
    for number in 1..=2 {
        world.crm.edit("accounts", &number.to_string(), &json!({ "phone": "2" }));
    }
    block_on(tenant.poll("crm")).unwrap();
    let owed = plan(&tenant);
    assert_eq!(owed.operations.len(), 2);
    approve(&tenant, owed.hash);
    eu.loses_request();
    assert_eq!(apply(&tenant, owed.hash).unknown, 1);

    let without = open(false, 2);
    step(&without);
    world.shop.edit("customers", "8", &json!({ "balance": "7.00" }));
    block_on(without.poll("shop")).unwrap();
    let owed = plan(&without);
    approve(&without, owed.hash);
    let applied = apply(&without, owed.hash);
    assert_eq!((applied.done, applied.unknown), (1, 1), "what cannot be asked is counted as unknown");
    // Connected again, the write is looked for, found to be missing, and planned again under the same approval.
    let again = open(true, 3);
    step(&again);
    let owed = plan(&again);
    assert_eq!(apply(&again, owed.hash).done, 1);
    assert_eq!(eu.record("customers", "9").unwrap()["phone"], json!("2"));
    assert!(plan(&again).is_empty());
}
