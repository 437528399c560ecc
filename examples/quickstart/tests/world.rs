//! The stage of the quickstart: native shapes, a world that outlives its process, a feed that is always the same.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

use std::collections::BTreeSet;
use std::path::Path as FilePath;

use accordant::connector::{
    Connector, Cursor, Outcome, Page, ReadAnswer, RecordKey, Says, Write, WriteAction, WriteReceipt,
};
use accordant::fingerprint::Fingerprint;
use accordant::model::Path;
use accordant::value::Native;
use futures::executor::block_on;
use quickstart::generate::{Feed, SEED, first_id};
use quickstart::systems::{HubSpot, NetSuite, Shopify};
use quickstart::world::{Delivery, Happens, Moment, World, text};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Raise it with a changed generator, and say in the commit what changed.
const FEED: &str = "91cdb4883b5821213fdb9c32b1f52b9a11382e1590799e9b6191126cd140888b";

fn world(directory: &FilePath) -> World {
    Feed::of(SEED).unwrap().write(directory).unwrap();
    World::open(directory).unwrap()
}

fn digest(feed: &Feed) -> String {
    let mut hash = Sha256::new();
    for (path, text) in feed.files().unwrap() {
        hash.update(path);
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that the three systems say now.
fn state(world: &World) -> Vec<(u64, Value)> {
    let all = |archived| {
        world.remotes().into_iter().flat_map(move |remote| {
            let listed = move |object: &&str| remote.listed_after(object, 0, archived, usize::MAX);
            remote.dialect().objects().iter().flat_map(listed)
        })
    };
    all(false).chain(all(true)).collect()
}

fn update(object: &str, id: u64, path: &str, value: &str, expect: &str) -> Write {
    let leaf = |value: &str| vec![(Path::new(path), Native::Text(value.into()))];
    Write {
        object: object.into(),
        action: WriteAction::Update { id: id.to_string().into() },
        changes: leaf(value),
        expect: if expect.is_empty() { Vec::new() } else { leaf(expect) },
        expect_token: None,
        idempotency_key: Fingerprint::new().finish(),
    }
}

fn one(connector: &dyn Connector, write: Write) -> WriteReceipt {
    block_on(connector.write_batch(vec![write])).unwrap().remove(0)
}

fn walk(connector: &dyn Connector, surface: &str, mut after: Option<Cursor>) -> (Vec<Value>, Option<Cursor>) {
    let mut records = Vec::new();
    loop {
        let Page { items, next, more } = block_on(connector.read_page(&surface.into(), after)).unwrap();
        records.extend(items.iter().map(|item| serde_json::from_slice::<Value>(&item.body).unwrap()));
        after = next;
        if !more {
            return (records, after);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let feed = Feed::of(SEED).unwrap();
    assert_eq!(digest(&feed), digest(&Feed::of(SEED).unwrap()));
    assert_eq!(digest(&feed), FEED);
    assert_ne!(digest(&feed), digest(&Feed::of(SEED + 1).unwrap()));
}

#[test]
fn the_feed_has_every_scene() {
    let feed = Feed::of(SEED).unwrap();
    let emails: BTreeSet<&str> = feed.records[&("netsuite", "customer")].iter().map(|row| text(row, "email")).collect();
    assert_eq!(emails.len(), 300);
    assert_eq!(feed.records[&("shopify", "customers")].len(), 298);
    assert_eq!(feed.records[&("hubspot", "contacts")].len(), 301);
    let deliveries: Vec<&Delivery> = feed
        .steps
        .iter()
        .filter_map(|step| if let Happens::Deliver(delivery) = &step.happens { Some(delivery) } else { None })
        .collect();
    let ids: BTreeSet<&str> = deliveries.iter().map(|delivery| delivery.webhook_id.as_str()).collect();
    assert!(ids.len() < deliveries.len(), "some are repeated");
    let has = |what: fn(&Happens) -> bool| feed.steps.iter().any(|step| what(&step.happens));
    assert!(has(|happens| matches!(happens, Happens::Merge { .. })));
    assert!(has(|happens| matches!(happens, Happens::Delete { .. })));
    let grace = format!("\"id\":{},", first_id::SHOPIFY_CUSTOMER + 6);
    let names: Vec<String> = deliveries
        .iter()
        .filter(|delivery| delivery.connection == "shopify" && delivery.body.to_string().contains(&grace))
        .map(|delivery| text(&delivery.body, "last_name").to_owned())
        .collect();
    assert_eq!(names.first().map(String::as_str), Some("Lee-Park"));
    assert_eq!(names.last().map(String::as_str), Some("Lee-Prak"), "the older state arrives last");
}

#[test]
fn a_world_that_is_opened_again_is_the_same_world() {
    let directory = tempfile::tempdir().unwrap();
    let world_before = world(directory.path());
    let hubspot = HubSpot::new(&world_before.hubspot);
    let receipt = one(&hubspot, update("contacts", 1_020, "properties.phone", "+1 212 555 0199", ""));
    assert!(matches!(receipt.outcome, Outcome::Applied { .. }));
    for moment in world_before.day().take(100) {
        world_before.answered(&moment.unwrap()).unwrap();
    }
    let unanswered = world_before.day().next().unwrap().unwrap();
    let (before, left, now) = (state(&world_before), world_before.moments_left(), world_before.clock.now());
    drop(world_before);

    // What a killed process leaves: half a line.
    let log = directory.path().join("log/hubspot.jsonl");
    let mut torn = std::fs::read(&log).unwrap();
    torn.extend_from_slice(br#"{"at":17,"author":{"per"#);
    std::fs::write(&log, torn).unwrap();

    let world_after = world(directory.path());
    assert_eq!(state(&world_after), before);
    assert_eq!(world_after.moments_left(), left);
    assert!(world_after.clock.now() <= now);
    assert_eq!(world_after.day().next().unwrap().unwrap().name(), unanswered.name(), "it comes again");
    assert_eq!(state(&world_after), before, "no step is taken twice");
}

#[test]
fn hubspot_batches_become_hints_merges_and_deletions() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let hubspot = HubSpot::new(&world.hubspot);
    let (mut hints, mut merged, mut deleted) = (0, Vec::new(), Vec::new());
    for moment in world.day() {
        let Moment::Delivery(delivery) = moment.unwrap() else { continue };
        if delivery.connection != "hubspot" {
            continue;
        }
        let mut request = delivery.request().unwrap();
        for item in hubspot.verify(&request).unwrap().items {
            match item.says {
                Says::Hint { .. } => hints += 1,
                Says::Merged { survivor, losers } => merged.push((survivor, losers)),
                Says::Deleted { id } => deleted.push(id),
                _ => panic!("HubSpot's webhooks do not carry records"),
            }
        }
        request.headers_mut().clear();
        assert!(hubspot.verify(&request).is_err(), "a request without signature is refused");
    }
    assert!(hints > 40);
    assert_eq!(deleted.first().map(|id| id.as_str()), Some("1009"));
    let (survivor, losers) = merged.first().unwrap();
    assert_eq!(losers.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["1008", "1301"]);
    let old = RecordKey { object: "contacts".into(), id: "1008".into(), by_create_key: false };
    let gone = RecordKey { id: "1009".into(), ..old.clone() };
    let answers = block_on(hubspot.read_records(&[old, gone])).unwrap();
    let ReadAnswer::Found(item) = &answers[0] else { panic!("the old id leads to the survivor") };
    assert_eq!(text(&serde_json::from_slice(&item.body).unwrap(), "id"), survivor.as_str());
    assert!(matches!(answers[1], ReadAnswer::Gone));
    let (scanned, _) = walk(&hubspot, "contacts.scan", None);
    assert_eq!(scanned.len(), 300);
    assert_eq!(scanned.iter().filter(|record| record["archived"] == true).count(), 1);
}

#[test]
fn shopify_tells_one_customer_in_two_shapes() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let shopify = Shopify::new(&world.shopify);
    let (nodes, _) = walk(&shopify, "customers.poll", None);
    assert_eq!(nodes.len(), 298);
    assert!(text(&nodes[0], "id").starts_with("gid://shopify/Customer/"));
    let updates = world.day().map(Result::unwrap).filter_map(|moment| match moment {
        Moment::Delivery(delivery) if delivery.topic == "customers/update" => Some(delivery),
        _ => None,
    });
    for delivery in updates {
        let verified = shopify.verify(&delivery.request().unwrap()).unwrap();
        assert_eq!(verified.items[0].says, Says::Record);
        assert_eq!(verified.delivery_id.as_deref(), Some(delivery.webhook_id.as_str()));
        let body: Value = serde_json::from_slice(&verified.items[0].body).unwrap();
        assert!(body["id"].is_u64() && body["default_address"].is_object() | body["default_address"].is_null());
        let local = text(&body, "updated_at");
        assert!(local.ends_with("-04:00"), "{local} is in the zone of the shop");
        let node = world.shopify.record("customers", body["id"].as_u64().unwrap()).unwrap();
        assert_eq!(body["email"], node["defaultEmailAddress"]["emailAddress"]);
    }
}

#[test]
fn netsuite_polls_reach_back_and_skip_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let netsuite = NetSuite::new(&world.netsuite);
    let (rows, mut cursor) = walk(&netsuite, "customer.suiteql", None);
    assert_eq!(rows.len(), 300);
    assert!(rows.iter().all(|row| row.as_object().unwrap().values().all(|leaf| leaf.is_string() || leaf.is_array())));
    let mut seen = BTreeSet::new();
    for moment in world.day() {
        if matches!(moment.unwrap(), Moment::Poll { connection, .. } if connection == "netsuite") {
            let (rows, next) = walk(&netsuite, "customer.suiteql", cursor);
            seen.extend(rows.iter().map(|row| (text(row, "id").to_owned(), text(row, "lastmodifieddate").to_owned())));
            cursor = next;
        }
    }
    for line in world.netsuite.lines() {
        for change in line.changes.iter().filter(|change| change.object == "customer") {
            let row = world.netsuite.record("customer", change.id).unwrap();
            assert!(seen.contains(&(change.id.to_string(), text(&row, "lastmodifieddate").to_owned())));
        }
    }
}

#[test]
fn systems_keep_their_own_form_of_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let phone = "+1 415 555 0123 ext. 12";
    let (hubspot, shopify, netsuite) =
        (HubSpot::new(&world.hubspot), Shopify::new(&world.shopify), NetSuite::new(&world.netsuite));
    let body = |receipt: &WriteReceipt| -> Value {
        serde_json::from_slice(&receipt.record.as_ref().expect("the write answers with the record").body).unwrap()
    };
    let kept = one(&hubspot, update("contacts", 1_001, "properties.phone", phone, ""));
    assert_eq!(body(&kept)["properties"]["phone"], phone);
    let path = "defaultPhoneNumber.phoneNumber";
    let kept = one(&shopify, update("customers", first_id::SHOPIFY_CUSTOMER, path, phone, ""));
    assert_eq!(text(&body(&kept), path), "+14155550123");
    let kept = one(&netsuite, update("customer", 3_001, "phone", phone, ""));
    assert!(kept.record.is_none() && kept.token.is_none(), "NetSuite answers 204");
    assert_eq!(text(&world.netsuite.record("customer", 3_001).unwrap(), "phone"), "(415) 555-0123 ext. 12");
    let stale = one(&netsuite, update("customer", 3_001, "phone", "x", "(415) 555-0100"));
    assert_eq!(stale.outcome, Outcome::Stale);
}

#[test]
fn a_create_that_is_sent_twice_takes_effect_once() {
    let directory = tempfile::tempdir().unwrap();
    let shopify = |world: &World| Shopify::new(&world.shopify);
    let create = Write {
        action: WriteAction::Create { key: "acme-1".into() },
        ..update("customers", 0, "firstName", "Elena", "")
    };
    let before = world(directory.path());
    let first = one(&shopify(&before), create.clone());
    drop(before);
    let after = world(directory.path());
    let second = one(&shopify(&after), create);
    assert_eq!(first.outcome, second.outcome);
    assert_eq!(after.shopify.count("customers"), 299);
    let writes = after.shopify.writes();
    assert_eq!(writes.iter().map(|written| (written.attempts, written.effects)).collect::<Vec<_>>(), [(2, 1)]);
    let probe = RecordKey { object: "customers".into(), id: "acme-1".into(), by_create_key: true };
    assert!(matches!(block_on(shopify(&after).read_records(&[probe])).unwrap()[0], ReadAnswer::Found(_)));
    assert_eq!(after.echoes().len(), 1, "the shop tells us of our own customer");
}
