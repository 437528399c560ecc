//! Inventory levels, against the sandbox on loopback: found without a search of their own, and set by compare-and-set.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::Canonical;
use accordant::connector::{Connector as _, Outcome, ReadAnswer, Says, Write, WriteAction};
use accordant::model::Path;
use accordant::value::Native;
use accordant_rehearsal::{Rehearsal, json, key};
use accordant_sandbox::{Faults, Remote as _};
use chrono::TimeDelta;
use serde_json::json;
use support::{Stage, connector, ids};

/// A shop with two locations: one item at both, one at the first only. The ids of its levels.
fn stocked(stage: &Stage) -> [String; 3] {
    let merchant = stage.shop.merchant();
    let (_, items) = merchant.offers("Bolt", &[("B-1", "1.20"), ("B-2", "2.40")]);
    let [bonn, graz] = ["Bonn", "Graz"].map(|name| merchant.opens(name));
    [merchant.stocks(&items[0], &bonn, 5), merchant.stocks(&items[1], &bonn, 8), merchant.stocks(&items[0], &graz, 13)]
}

fn set(number: u8, level: &str, name: &str, from: i64, to: i64) -> Write {
    let action = WriteAction::Update { id: level.into() };
    let path = format!("quantities.{name}");
    let mut write = accordant_rehearsal::write("inventoryLevels", number, action, [(path.as_str(), "")]);
    let whole = |quantity: i64| (Path::new(&path), Native::Number(quantity.to_string().into()));
    (write.changes, write.expect) = (vec![whole(to)], vec![whole(from)]);
    write
}

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

async fn outcomes(stage: &Stage, writes: Vec<Write>) -> Vec<Outcome> {
    stage.connector.write_batch(writes).await.unwrap().into_iter().map(|receipt| receipt.outcome).collect()
}

#[tokio::test]
async fn levels_are_polled_scanned_and_read_by_the_whole_of_their_ids() {
    for page in [1, 100] {
        let stage = Stage::of_goods(page).await;
        let levels = stocked(&stage);
        let (polled, rest) = stage.walk("inventoryLevels.search", None).await;
        assert_eq!(ids(&polled), levels, "pages of {page}");
        assert_eq!(json(&polled[2])["quantity_available"]["quantity"], 13);
        let (scanned, _) = stage.walk("inventoryLevels.bulk", None).await;
        let mut found = ids(&scanned);
        found.sort();
        assert_eq!(found, levels, "a scan");
        assert_eq!(json(&scanned[0])["quantity_on_hand"]["quantity"], 5);

        let elsewhere = format!("{}?inventory_item_id=1", levels[0].split('?').next().unwrap());
        let keys =
            [levels[1].as_str(), &elsewhere, "12", "12?inventory_item_id=", ""].map(|id| key("inventoryLevels", id));
        let answers = stage.connector.read_records(&keys).await.unwrap();
        let ReadAnswer::Found(item) = &answers[0] else { panic!("{answers:?}") };
        assert_eq!(
            (&json(item)["quantity_available"]["quantity"], &json(item)["item"]["sku"]),
            (&json!(8), &json!("B-2"))
        );
        assert!(answers[1..].iter().all(|answer| matches!(answer, ReadAnswer::Gone)), "{answers:?}");

        // The overlap is read again; after that, what changes is all that is polled.
        stage.clock.advance(TimeDelta::hours(1));
        let (again, rest) = stage.walk("inventoryLevels.search", rest).await;
        assert_eq!(ids(&again), levels);
        stage.clock.advance(TimeDelta::hours(1));
        assert_eq!(stage.walk("inventoryLevels.search", rest.clone()).await.0.len(), 0);
        stage.shop.merchant().counts(&levels[2], 11);
        let (polled, _) = stage.walk("inventoryLevels.search", rest).await;
        assert_eq!(ids(&polled), levels[2..]);
    }
}

/// The window of a poll is fixed before its first page: what changes behind the reader's back is in the next one.
#[tokio::test]
async fn a_level_that_changes_while_its_location_is_read_is_in_the_next_window() {
    let stage = Stage::of_goods(1).await;
    let levels = stocked(&stage);
    let surface = "inventoryLevels.search".into();
    let first = stage.connector.read_page(&surface, None).await.unwrap();
    assert_eq!((ids(&first.items), first.more), (levels[..1].to_vec(), true));
    stage.clock.advance(TimeDelta::hours(2));
    stage.shop.merchant().counts(&levels[0], 4);
    stage.shop.merchant().counts(&levels[1], 7);
    let (behind, rest) = stage.walk("inventoryLevels.search", first.next).await;
    assert_eq!(ids(&behind), levels[2..]);
    stage.clock.advance(TimeDelta::minutes(1));
    let (next, _) = stage.walk("inventoryLevels.search", rest).await;
    assert_eq!(ids(&next), levels);
}

#[tokio::test]
async fn a_quantity_is_set_only_where_it_still_is_what_it_was() {
    let stage = Stage::of_goods(100).await;
    let [level, other, _] = stocked(&stage);
    // Both of the first two were planned while five were there; nothing but the server tells them apart.
    let writes = vec![
        set(1, &level, "available", 5, 7),
        set(2, &level, "available", 5, 9),
        set(3, &other, "on_hand", 8, 2),
        set(4, "1?inventory_item_id=2", "available", 5, 7),
    ];
    let said = outcomes(&stage, writes).await;
    assert_eq!(said, [applied(&level), Outcome::Stale, applied(&other), Outcome::Stale]);
    assert_eq!([stage.shop.available(&level), stage.shop.available(&other)], [Some(7), Some(2)]);
}

/// The key of the operation is the key of the mutation. So what is sent again has the first answer, whatever was counted
/// since; and what is unknown can be sent again.
#[tokio::test]
async fn a_set_that_is_repeated_has_no_second_effect() {
    let stage = Stage::of_goods(100).await;
    let [level, ..] = stocked(&stage);
    let write = || vec![set(1, &level, "available", 5, 7)];
    assert_eq!(outcomes(&stage, write()).await, [applied(&level)]);
    stage.shop.merchant().counts(&level, 5);
    assert_eq!(outcomes(&stage, write()).await, [applied(&level)]);
    assert_eq!(stage.shop.available(&level), Some(5), "the first answer again, and nothing done");
    // The same key for something else is an attempt of which nobody here knows.
    assert_eq!(outcomes(&stage, vec![set(1, &level, "available", 5, 6)]).await, [Outcome::Unknown]);
    assert_eq!(outcomes(&stage, vec![set(2, &level, "available", 5, 6)]).await, [applied(&level)]);
    assert_eq!(stage.shop.available(&level), Some(6));

    // The look before the write is answered, the write is not; it has happened all the same.
    let mut unknown = 0;
    for round in 10..60 {
        stage.faults("unanswered");
        let from = stage.shop.available(&level).unwrap();
        let write = || vec![set(round, &level, "available", from, from + 1)];
        let first = outcomes(&stage, write()).await;
        stage.shop.faults(Faults::default());
        if first == [Outcome::Unknown] {
            unknown += 1;
            assert_eq!(stage.shop.available(&level), Some(from + 1));
        }
        assert_eq!(outcomes(&stage, write()).await, [applied(&level)]);
        assert_eq!(stage.shop.available(&level), Some(from + 1));
    }
    assert!(unknown > 0, "no answer was lost");
}

#[tokio::test]
async fn the_shop_takes_no_quantity_without_a_key() {
    let stage = Stage::of_goods(100).await;
    let [level, ..] = stocked(&stage);
    let document = "mutation S($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) \
         { userErrors { code } } }";
    let answer = stage.post(document, &json!({ "input": { "name": "available", "quantities": [] } })).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("@idempotent"), "{answer}");
    assert_eq!(stage.shop.available(&level), Some(5));
}

#[tokio::test]
async fn what_is_no_quantity_that_can_be_set_is_refused_with_the_reason() {
    let stage = Stage::of_goods(100).await;
    let [level, ..] = stocked(&stage);
    let mut both = set(1, &level, "available", 5, 7);
    both.changes.extend(set(1, &level, "on_hand", 5, 7).changes);
    let mut part = set(2, &level, "available", 5, 7);
    part.changes[0].1 = Native::Number("7.5".into());
    let mut create = set(3, &level, "available", 5, 7);
    create.action = WriteAction::Create { key: "key-1".into() };
    let mut archive = set(4, &level, "available", 5, 7);
    archive.action = WriteAction::Archive { id: level.as_str().into() };
    let said = outcomes(&stage, vec![both, part, create, archive, set(5, &level, "incoming", 0, 1)]).await;
    let stocked = "shopify: an item is stocked, or no longer stocked, at a location by people";
    let reasons = [
        "shopify: the quantities of a level move together, so one is set at a time",
        "quantities.available: a quantity is a whole number",
        stocked,
        stocked,
        "quantities.incoming: of a level, quantities.available or quantities.on_hand are set",
    ];
    assert_eq!(said, reasons.map(|reason| Outcome::Refused { reason: reason.into() }));
    assert_eq!(stage.shop.available(&level), Some(5));
}

/// A webhook names the level to read. One that is no longer stocked is named by its parts only: the next scan lacks it.
#[tokio::test]
async fn webhooks_name_the_level_to_read() {
    let stage = Stage::of_goods(100).await;
    let [level, gone, _] = stocked(&stage);
    for topic in ["INVENTORY_LEVELS_UPDATE", "INVENTORY_LEVELS_DISCONNECT"] {
        stage.subscribe(topic).await;
    }
    stage.shop.merchant().counts(&level, 3);
    stage.shop.merchant().unstocks(&gone);
    let told: Vec<Vec<Says>> = stage
        .shop
        .due()
        .into_iter()
        .map(|outgoing| {
            let verified = stage.connector.verify(&outgoing.request).unwrap();
            verified.items.into_iter().map(|item| item.says).collect()
        })
        .collect();
    assert_eq!(told, [vec![Says::Hint { id: level.as_str().into() }], vec![]]);
    let (scanned, _) = stage.walk("inventoryLevels.bulk", None).await;
    assert!(!ids(&scanned).contains(&gone) && scanned.len() == 2);
    let read = stage.connector.read_records(&[key("inventoryLevels", &gone)]).await.unwrap();
    assert!(matches!(read[0], ReadAnswer::Gone), "{read:?}");
}

/// A write that expects a version and no value sets nothing where the level moved; what expects nothing never does.
#[tokio::test]
async fn a_set_that_does_not_say_what_was_there_rests_on_the_version() {
    let stage = Stage::of_goods(100).await;
    let [level, ..] = stocked(&stage);
    let ReadAnswer::Found(item) =
        stage.connector.read_records(&[key("inventoryLevels", &level)]).await.unwrap().remove(0)
    else {
        panic!("the level is there")
    };
    let token = chrono::DateTime::parse_from_rfc3339(json(&item)["updatedAt"].as_str().unwrap()).unwrap();
    let of = |number, token: Option<i64>| {
        let mut write = set(number, &level, "available", 0, 7);
        (write.expect, write.expect_token) = (Vec::new(), token);
        vec![write]
    };
    let token = Some(token.timestamp_millis());
    assert_eq!(outcomes(&stage, of(1, None)).await, [Outcome::Stale]);
    stage.clock.advance(TimeDelta::minutes(1));
    assert_eq!(outcomes(&stage, of(2, token)).await, [applied(&level)]);
    stage.shop.merchant().counts(&level, 4);
    assert_eq!(outcomes(&stage, of(3, token)).await, [Outcome::Stale]);
    assert_eq!(stage.shop.available(&level), Some(4));
}

/// What the warehouse's books say of an item, told to the shop.
#[derive(Canonical)]
#[allow(dead_code, reason = "a model is declared; the engine reads it")]
#[canonical(entity = "stock", system(hubspot, object = "stock"), system(shopify, object = "inventoryLevels"))]
struct Stock {
    #[canonical(identity, at(hubspot = "sku", shopify = "item.sku"))]
    sku: String,
    #[canonical(owner(hubspot), at(hubspot = "available", shopify("quantities.available", strong)))]
    available: Option<i64>,
}

/// 5 becomes 7, is sold down to 5, and becomes 7 again: the same write as before, and no repetition of it. The shop, which
/// answers a repetition with what it said the first time, sets it.
#[tokio::test]
async fn a_level_that_was_sold_back_is_set_again() {
    use accordant::model::Canonical as _;
    let models = [Stock::model()];
    let stage = Stage::with(|settings| settings.maps(&models)).await;
    let merchant = stage.shop.merchant();
    let (_, items) = merchant.offers("Bolt", &[("B-1", "1.20")]);
    let level = merchant.stocks(&items[0], &merchant.opens("Bonn"), 5);
    let world = Rehearsal::with(connector(&stage.settings, &stage.clock), &models, &stage.clock);
    world.beside("hubspot").edit("stock", "1", &json!({ "sku": "B-1", "available": 5 }));
    assert_eq!(world.hear(&*stage.shop, true).await.len(), 0);
    world.settle(&*stage.shop, true).await;
    stage.clock.advance(TimeDelta::hours(1));
    world.beside("hubspot").edit("stock", "1", &json!({ "available": 7 }));
    assert_eq!(world.hear(&*stage.shop, false).await.len(), 0);
    world.settle(&*stage.shop, false).await;
    assert_eq!(stage.shop.available(&level), Some(7));
    for _ in 0..2 {
        stage.clock.advance(TimeDelta::hours(1));
        merchant.counts(&level, 5);
        stage.clock.advance(TimeDelta::minutes(1));
        assert_eq!(world.hear(&*stage.shop, false).await.len(), 0);
        world.settle(&*stage.shop, false).await;
        assert_eq!(stage.shop.available(&level), Some(7));
    }
}
