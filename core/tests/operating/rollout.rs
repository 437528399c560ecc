//! Stages, holds, pauses and windows: what waits is written nowhere, and is owed afterwards.

use accordant::plan::Scope;
use accordant::rollout::{ApplyWindow, Flow, Stage};
use accordant::store::{Store as _, Table};
use accordant::{Accordant, Actor, Error, Next, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, World, account, apply, approve, journaled, plan, step};

/// An account in both systems, of which the shop is owed a new balance.
fn owed() -> (World, Tenant) {
    let world = World::new();
    world.crm.edit("accounts", "1", &account(1));
    let tenant = world.tenant();
    block_on(tenant.poll("crm")).unwrap();
    let first = plan(&tenant);
    approve(&tenant, first.hash);
    assert_eq!(apply(&tenant, first.hash).done, 1, "{first}");
    world.crm.edit("accounts", "1", &json!({ "balance": "200.00" }));
    block_on(tenant.poll("crm")).unwrap();
    step(&tenant);
    (world, tenant)
}

fn ana() -> Actor {
    Actor::new("ana")
}

#[test]
fn an_observed_connection_is_shown_what_it_is_owed_and_never_written() {
    let (world, tenant) = owed();
    let proposed = plan(&tenant);
    approve(&tenant, proposed.hash);
    block_on(tenant.set_stage("shop", Stage::Observe, &ana(), "the new shop is being tried out")).unwrap();

    let applied = apply(&tenant, proposed.hash);
    assert_eq!((applied.done, applied.held.len()), (0, 1), "what was approved before is not carried out either");
    let observed = plan(&tenant);
    assert_eq!((observed.operations.len(), observed.parked.len()), (0, 1), "{observed}");
    assert!(observed.parked[0].why.contains("shop is only observed"), "{observed}");
    assert_eq!(world.shop.writes(), 1, "the create alone");

    block_on(tenant.set_stage("shop", Stage::Propose, &ana(), "it went well")).unwrap();
    assert_eq!(apply(&tenant, plan(&tenant).hash).done, 1, "the same intent is approved still");
}

#[test]
fn what_a_hold_keeps_back_is_written_once_it_is_resumed() {
    let (world, tenant) = owed();
    let proposed = plan(&tenant);
    approve(&tenant, proposed.hash);
    block_on(tenant.hold("shop", &ana(), "stocktaking")).unwrap();
    let applied = apply(&tenant, proposed.hash);
    assert_eq!(applied.held[0].why.as_str(), "shop is held by ana: stocktaking");
    world.shop.edit("customers", &world.shop.ids("customers")[0], &json!({ "phone": "2" }));
    assert_eq!(block_on(tenant.poll("shop")).unwrap().observed, 1, "a held connection is read");
    assert_eq!(world.shop.writes(), 1);

    block_on(tenant.resume("shop", &ana(), "counted")).unwrap();
    assert_eq!(apply(&tenant, proposed.hash).done, 1);
    assert_eq!(world.shop.writes(), 2);
}

#[test]
fn a_paused_connection_is_not_called_and_what_it_pushes_is_kept() {
    let (world, tenant) = owed();
    let proposed = plan(&tenant);
    approve(&tenant, proposed.hash);
    block_on(tenant.pause("shop", &ana(), "a sandbox refresh")).unwrap();
    let id = world.shop.ids("customers")[0].clone();
    world.shop.edit("customers", &id, &json!({ "phone": "7" }));
    assert!(matches!(block_on(tenant.poll("shop")), Err(Error::Paused { .. })));
    assert!(matches!(block_on(tenant.scan("shop")), Err(Error::Paused { .. })));
    // A call would fail: none is made.
    world.shop.unavailable(true);
    block_on(tenant.receive("shop", world.shop.hint_webhook("customers", &id))).unwrap();
    let stepped = block_on(tenant.step()).unwrap();
    assert_eq!((stepped.unread.len(), stepped.more()), (0, false));
    assert_eq!(apply(&tenant, proposed.hash).held.len(), 1);

    world.shop.unavailable(false);
    block_on(tenant.resume("shop", &ana(), "it is back")).unwrap();
    step(&tenant);
    let phone = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
    assert!(phone.to_string().contains(r#"phone: "1" -> "7""#), "the hint was kept, and is read now: {phone}");
}

#[test]
fn a_write_whose_answer_was_lost_is_probed_after_the_pause() {
    let (world, tenant) = owed();
    let proposed = plan(&tenant);
    approve(&tenant, proposed.hash);
    world.shop.loses_answer();
    assert_eq!(apply(&tenant, proposed.hash).unknown, 1);
    block_on(tenant.pause("shop", &ana(), "an outage")).unwrap();
    let stepped = block_on(tenant.step()).unwrap();
    assert!(matches!(stepped.next, Next::At(_)), "it is still to be looked at: {stepped:?}");
    assert_eq!(apply(&tenant, proposed.hash).unknown, 1);
    block_on(tenant.resume("shop", &ana(), "over")).unwrap();
    step(&tenant);
    assert!(plan(&tenant).is_empty());
    assert_eq!(world.shop.writes(), 2);
}

#[test]
fn outside_its_window_nothing_begins_and_the_result_says_when() {
    let (world, tenant) = owed();
    let nights = ApplyWindow::daily("22:00", "04:00", "Europe/Berlin").unwrap();
    block_on(tenant.set_windows("shop", vec![nights], &ana(), "not while people shop")).unwrap();
    let proposed = plan(&tenant);
    assert_eq!(proposed.operations.len(), 1, "a plan is made at any time");
    approve(&tenant, proposed.hash);
    let applied = apply(&tenant, proposed.hash);
    assert_eq!((applied.done, applied.held.len()), (0, 1));
    let opens = applied.retry_at.unwrap();
    assert_eq!(opens.to_rfc3339(), "2026-01-05T21:00:00+00:00");
    world.clock.set(opens);
    assert_eq!(apply(&tenant, proposed.hash).done, 1);
}

#[test]
fn how_a_connection_stands_is_journaled_and_replayed() {
    let (world, tenant) = owed();
    block_on(tenant.set_stage("shop", Stage::Act, &ana(), "two quiet weeks")).unwrap();
    block_on(tenant.hold("shop", &Actor::new("noah"), "month end")).unwrap();
    assert_eq!(journaled(&world.store, &tenant, "connection_set"), 2);
    let states = block_on(tenant.connections()).unwrap();
    let shop = &states["shop"];
    assert_eq!((shop.stage, shop.flow), (Stage::Act, Flow::Held));
    assert_eq!(shop.to_string(), "act, held (by noah: month end)");
    assert_eq!(states["crm"].to_string(), "propose", "the beginning");
    assert_eq!(block_on(tenant.replay()).unwrap().connections["shop"], *shop);
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}");

    let rows = block_on(world.store.scan(tenant.id(), Table::Meta, "connection", None, 9)).unwrap();
    assert_eq!(rows.len(), 1);
    let key = accordant::store::RowKey::new(Table::Meta, rows[0].key.clone());
    let lost = accordant::store::Commit { delete: vec![key], ..Default::default() };
    block_on(world.store.commit(tenant.id(), lost)).unwrap();
    assert_eq!(block_on(tenant.verify()).unwrap().differences.len(), 1);
}

#[test]
fn another_tenants_connection_is_not_held() {
    let world = World::new();
    let accordant = Accordant::builder()
        .store(world.store.clone())
        .connect(world.crm.clone())
        .connect(world.shop.clone())
        .entity::<Account>()
        .build()
        .unwrap();
    let (here, there) = (accordant.tenant("here"), accordant.tenant("there"));
    block_on(here.pause("shop", &ana(), "ours alone")).unwrap();
    assert_eq!(block_on(here.connections()).unwrap()["shop"].flow, Flow::Paused);
    assert_eq!(block_on(there.connections()).unwrap()["shop"].flow, Flow::Open);
    block_on(there.poll("shop")).unwrap();
}

#[test]
fn an_unknown_connection_is_refused_with_those_that_there_are() {
    let (_, tenant) = owed();
    let refused = block_on(tenant.hold("shopp", &ana(), "")).unwrap_err();
    assert!(refused.to_string().contains("did you mean `shop`"), "{refused}");
}
