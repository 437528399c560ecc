//! Several workers on one outbox, and connections that are gone.

use std::sync::Arc;

use accordant::connector::CreateSafety;
use accordant::store::{Store, Table};
use accordant::testing::FakeSystem;
use accordant::{Accordant, Canonical, SeededEntropy};
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
