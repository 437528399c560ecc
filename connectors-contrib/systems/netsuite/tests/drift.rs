//! An administrator takes a field away: the attribute stops, loudly, and the rest goes on; and it goes on when the field is back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::connector::{Connector as _, Item, Outcome};
use accordant::id::ObjectType;
use accordant::schema::Contract;
use accordant_rehearsal::{Rehearsal, json, key, models};
use chrono::TimeDelta;
use support::{Stage, connector, ids, update};

/// An account that may be asked for its fields, and has those that the quickstart's model maps.
async fn stage() -> Stage {
    let stage = Stage::with(|settings| accordant_netsuite::Settings { describes: true, ..settings }).await;
    stage.account.defines("customer", "custentity_domain", "string");
    stage.account.defines("customer", "custentity_annual_revenue", "number");
    stage
}

#[tokio::test]
async fn an_account_describes_its_fields_where_the_engine_may_ask() {
    assert!(!Stage::set().await.connector.describes());
    let stage = stage().await;
    assert!(stage.connector.describes());
    let objects = ["customer", "company", "salesorder", "teapot"].map(ObjectType::from);
    let described = stage.connector.describe(&objects).await.unwrap();
    let names: Vec<&str> = described.iter().map(|schema| schema.object.as_str()).collect();
    assert_eq!(names, ["customer", "company", "salesorder"], "those that are read and written");
    Contract::of(&models()).describes("netsuite", described).mismatches().require_none();
}

#[tokio::test]
async fn a_query_is_asked_again_without_the_column_that_is_gone() {
    let stage = stage().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test"), ("phone", "1"), ("mobilephone", "2")]);
    stage.account.retires("customer", "phone");
    stage.account.retires("customer", "mobilePhone");
    let (items, _) = stage.walk("customer.suiteql", None).await;
    assert_eq!(ids(&items), [ana.as_str()]);
    let denied = |item: &Item| item.denied.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(denied(&items[0]), "mobilephone phone", "nothing is believed of them");
    for surface in ["customer.scan", "customer.suiteql"] {
        assert_eq!(denied(&stage.walk(surface, None).await.0[0]), "mobilephone phone");
    }
    // A process that begins anew finds out by a read, too.
    let again = connector(&stage.settings, &stage.clock, "certificate-1");
    again.read_records(&[key("customer", &ana)]).await.unwrap();
    for connector in [&stage.connector, &again] {
        let receipts = connector.write_batch(vec![update(1, &ana, &[("phone", "3")])]).await.unwrap();
        let Outcome::Refused { reason } = &receipts[0].outcome else { panic!("{receipts:?}") };
        assert_eq!(reason.as_str(), "phone cannot be asked for in this account");
    }
    // A field that is back is asked for again as soon as the account describes it.
    stage.connector.describe(&[ObjectType::from("customer")]).await.unwrap();
    stage.account.defines("customer", "phone", "string");
    stage.connector.describe(&[ObjectType::from("customer")]).await.unwrap();
    assert_eq!(denied(&stage.walk("customer.scan", None).await.0[0]), "mobilephone");
}

/// Nobody would hear that it is not read.
#[tokio::test]
async fn where_the_engine_may_not_ask_a_query_fails_until_the_column_is_back() {
    let stage = Stage::set().await;
    stage.account.defines("customer", "phone", "string");
    let ana = stage.customer(None, &[("email", "ana@acme.test"), ("phone", "1")]);
    stage.account.retires("customer", "phone");
    let surface = "customer.scan".into();
    for _ in 0..2 {
        assert!(stage.connector.read_page(&surface, None).await.is_err());
        assert!(stage.connector.read_records(&[key("customer", &ana)]).await.is_err());
    }
    stage.account.defines("customer", "phone", "string");
    let (items, _) = stage.walk("customer.scan", None).await;
    assert!(items[0].denied.is_empty() && json(&items[0])["phone"] == "1", "{items:?}");
}

#[tokio::test]
async fn what_was_away_between_two_looks_at_the_catalogue_is_asked_for_again() {
    let mut stage = stage().await;
    stage.settings.objects.get_mut("salesorder").unwrap().lines.extend(["item", "quantity"].map(str::to_owned));
    stage.connector = connector(&stage.settings, &stage.clock, "certificate-1");
    stage.customer(None, &[("email", "ana@acme.test"), ("phone", "1")]);
    let order = stage.account.edit("transaction", None, &[("type", "SalesOrd"), ("otherrefnum", "PO")]);
    let line = [("transaction", order.as_str()), ("mainline", "F"), ("item", "1"), ("quantity", "5")];
    stage.account.edit("transactionline", None, &line);
    stage.account.retires("customer", "phone");
    stage.account.retires("transactionline", "quantity");
    let of = async |surface: &str| stage.walk(surface, None).await.0.remove(0);
    assert_eq!(of("customer.scan").await.denied.len(), 1);
    assert_eq!(of("salesorder.scan").await.denied.len(), 1);
    stage.account.defines("customer", "phone", "string");
    stage.account.defines("transactionline", "quantity", "string");
    stage.connector.describe(&["customer", "salesorder"].map(ObjectType::from)).await.unwrap();
    assert_eq!(json(&of("customer.scan").await)["phone"], "1");
    assert_eq!(json(&of("salesorder.scan").await)["lines"][0]["quantity"], "5");
}

#[tokio::test]
async fn an_attribute_stops_where_its_field_is_gone_and_the_rest_goes_on() {
    let stage = stage().await;
    let world = Rehearsal::of(connector(&stage.settings, &stage.clock, "certificate-1"), &stage.clock);
    let hear = async |scan| {
        let failed = world.hear(&*stage.account, scan).await;
        assert!(failed.is_empty(), "{failed:?}");
    };
    let beside = || {
        let hubspot = world.beside("hubspot");
        hubspot.record("contacts", &hubspot.ids("contacts")[0]).unwrap()["properties"].clone()
    };
    let own =
        [("email", "ana@acme.test"), ("lastname", "Lopez"), ("firstname", "Ana"), ("mobilephone", "+12125550100")];
    let ana = stage.customer(None, &own);
    hear(true).await;
    world.settle(&*stage.account, true).await;
    assert_eq!(world.tenant.check_schema("netsuite").await.unwrap().stopped, []);
    assert_eq!(beside()["mobilephone"], "+12125550100");

    stage.account.retires("customer", "mobilePhone");
    stage.clock.advance(TimeDelta::hours(1));
    stage.customer(Some(&ana), &[("firstname", "Anna"), ("mobilephone", "+12125550111")]);
    hear(true).await;
    let found = world.tenant.check_schema("netsuite").await.unwrap();
    let stopped: Vec<&str> = found.stopped.iter().map(|stop| stop.attribute.as_str()).collect();
    assert_eq!(stopped, ["customer.mobile"]);
    world.settle(&*stage.account, false).await;
    assert_eq!(beside()["firstname"], "Anna", "the rest goes on");
    assert_eq!(beside()["mobilephone"], "+12125550100", "what was known last stays");

    stage.account.defines("customer", "mobilePhone", "string");
    let found = world.tenant.check_schema("netsuite").await.unwrap();
    assert_eq!((found.stopped.len(), found.mended.len()), (0, 1));
    hear(true).await;
    world.settle(&*stage.account, false).await;
    assert_eq!(beside()["mobilephone"], "+12125550111", "what was said meanwhile is believed");
}
