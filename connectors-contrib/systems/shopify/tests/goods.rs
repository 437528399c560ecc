//! Products with their variants and orders with their lines, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::connector::{Connector as _, Item, Outcome, ReadAnswer, WriteAction};
use accordant::model::Path;
use accordant::value::{Element, Native};
use accordant_rehearsal::{json, key, write};
use accordant_shopify::Settings;
use serde_json::{Value, json};
use support::{Stage, connector, ids};

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

/// SKU and the other value of each element of a record's list.
fn elements(item: &Item, list: &str, value: &str) -> Vec<(String, Value)> {
    let record = json(item);
    let nodes = record[list]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| (node["sku"].as_str().unwrap().to_owned(), node[value].clone())).collect()
}

async fn read(stage: &Stage, object: &str, id: &str) -> Item {
    match stage.connector.read_records(&[key(object, id)]).await.unwrap().remove(0) {
        ReadAnswer::Found(item) => item,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn variants_and_lines_come_with_their_records_wherever_these_come_from() {
    let stage = Stage::of_goods(100).await;
    let merchant = stage.shop.merchant();
    let (bolt, _) = merchant.offers("Bolt", &[("B-1", "1.20"), ("B-2", "2.40")]);
    let (nut, _) = merchant.offers("Nut", &[]);
    let order = merchant.orders("#1001", "12.00", None);
    merchant.adds_line(&order, "B-1", 10);
    let other = merchant.orders("#1002", "2.40", None);
    merchant.adds_line(&other, "B-2", 1);
    merchant.adds_line(&other, "B-1", 2);
    let prices = vec![("B-1".to_owned(), json!("1.20")), ("B-2".to_owned(), json!("2.40"))];
    for surface in ["products.search", "products.bulk"] {
        let (items, _) = stage.walk(surface, None).await;
        assert_eq!(ids(&items), [bolt.clone(), nut.clone()], "{surface}");
        assert_eq!(elements(&items[0], "variants", "price"), prices, "{surface}");
        assert_eq!(elements(&items[1], "variants", "price"), [], "{surface}");
        assert_eq!((&json(&items[0])["title"], items[0].denied.len()), (&json!("Bolt"), 0));
    }
    assert_eq!(elements(&read(&stage, "products", &bolt).await, "variants", "price"), prices);
    for surface in ["orders.search", "orders.bulk"] {
        let (items, _) = stage.walk(surface, None).await;
        let lines: Vec<_> = items.iter().map(|item| elements(item, "lineItems", "quantity")).collect();
        let line = |sku: &str, quantity: i64| (sku.to_owned(), json!(quantity));
        assert_eq!(lines, [vec![line("B-1", 10)], vec![line("B-2", 1), line("B-1", 2)]], "{surface}");
    }
}

/// A file is as long as a shop is large: it is fetched in pieces, and no order is cut from its lines, however short a piece is.
#[tokio::test]
async fn a_file_in_pieces_says_what_the_whole_file_says() {
    let whole = Stage::of_goods(100).await;
    for number in 0..7 {
        let order = whole.shop.merchant().orders(&format!("#100{number}"), "12.00", None);
        for line in 0..number {
            whole.shop.merchant().adds_line(&order, &format!("B-{line}"), 1);
        }
    }
    let said = |items: &[Item]| items.iter().map(json).collect::<Vec<_>>();
    let (expected, _) = whole.walk("orders.bulk", None).await;
    assert_eq!((expected.len(), elements(&expected[6], "lineItems", "quantity").len()), (7, 6));
    for length in [1, 7, 200, 350, 900] {
        let settings = Settings { bulk_piece: length, ..whole.settings.clone() };
        let pieces = connector(&settings, &whole.clock);
        let (items, _) = accordant_rehearsal::walk(&pieces, "orders.bulk", None).await;
        assert_eq!(said(&items), said(&expected), "pieces of {length} bytes");
    }
}

/// Of a list that has more than was asked for, nothing is believed: what is not there would be taken for gone.
#[tokio::test]
async fn of_a_list_that_is_longer_than_a_page_only_a_scan_tells() {
    let stage = Stage::of_goods(100).await;
    let order = stage.shop.merchant().orders("#1001", "12.00", None);
    for _ in 0..50 {
        stage.shop.merchant().adds_line(&order, "B-1", 1);
    }
    assert_eq!(read(&stage, "orders", &order).await.denied.len(), 0, "fifty of fifty");
    stage.shop.merchant().adds_line(&order, "B-51", 1);
    let item = read(&stage, "orders", &order).await;
    assert_eq!((&*item.denied, &json(&item)["name"]), (&[Path::new("lineItems")][..], &json!("#1001")));
    let (polled, _) = stage.walk("orders.search", None).await;
    assert_eq!(&*polled[0].denied, [Path::new("lineItems")]);
    let (scanned, _) = stage.walk("orders.bulk", None).await;
    assert_eq!((elements(&scanned[0], "lineItems", "quantity").len(), scanned[0].denied.len()), (51, 0));
    // The answer to a write is no whole record then.
    let note = write("orders", 1, WriteAction::Update { id: order.as_str().into() }, [("note", "ring twice")]);
    let said = stage.connector.write_batch(vec![note]).await.unwrap();
    assert_eq!((&said[0].outcome, said[0].record.is_none()), (&applied(&order), true));
}

#[tokio::test]
async fn products_and_orders_take_single_values() {
    let stage = Stage::of_goods(100).await;
    let (bolt, _) = stage.shop.merchant().offers("Bolt", &[("B-1", "1.20")]);
    let order = stage.shop.merchant().orders("#1001", "12.00", None);
    let update = |object: &str, number, id: &str, changes: &[(&str, &str)]| {
        write(object, number, WriteAction::Update { id: id.into() }, changes.iter().copied())
    };
    let mut stale = update("products", 3, &bolt, &[("title", "Screw")]);
    stale.expect = vec![(Path::new("title"), Native::Text("Nail".into()))];
    let writes = vec![
        update("products", 1, &bolt, &[("status", "DRAFT"), ("vendor", "Ajax"), ("metafields.erp.id", "77")]),
        update("orders", 2, &order, &[("note", "ring twice"), ("poNumber", "PO-9")]),
        stale,
        update("products", 4, &bolt, &[("status", "SOLD")]),
    ];
    let said = stage.connector.write_batch(writes).await.unwrap();
    let outcomes: Vec<Outcome> = said.iter().map(|receipt| receipt.outcome.clone()).collect();
    let refused = Outcome::Refused { reason: "status refused".into() };
    assert_eq!(outcomes, [applied(&bolt), applied(&order), Outcome::Stale, refused]);
    assert_eq!(elements(said[0].record.as_ref().unwrap(), "variants", "price"), [("B-1".to_owned(), json!("1.20"))]);
    let (product, order) = (stage.shop.node("Product", &bolt).unwrap(), stage.shop.node("Order", &order).unwrap());
    assert_eq!([&product["status"], &product["vendor"], &product["title"]], ["DRAFT", "Ajax", "Bolt"]);
    assert_eq!(product["metafields"]["erp.id"]["value"], "77");
    assert_eq!([&order["note"], &order["poNumber"]], ["ring twice", "PO-9"]);
}

#[tokio::test]
async fn what_would_replace_a_list_or_make_or_delete_goods_is_refused_with_the_reason() {
    let stage = Stage::of_goods(100).await;
    let (bolt, _) = stage.shop.merchant().offers("Bolt", &[("B-1", "1.20")]);
    let order = stage.shop.merchant().orders("#1001", "12.00", None);
    let update = |object: &str, id: &str, path: &str, native: Native| {
        let mut write = write(object, 1, WriteAction::Update { id: id.into() }, [(path, "")]);
        write.changes[0].1 = native;
        write
    };
    let member = |value: &str| vec![("sku".into(), Native::Text(value.into()))];
    let element = Element { key: member("B-1"), members: None };
    let writes = vec![
        update("products", &bolt, "variants.nodes", Native::Elements(vec![element.clone()])),
        update("products", &bolt, "tags", Native::List(vec![Native::Text("new".into())])),
        update("orders", &order, "lineItems.nodes", Native::Elements(vec![element])),
        update("orders", &order, "name", Native::Text("#1".into())),
        write("products", 2, WriteAction::Create { key: "key-1".into() }, [("title", "Nut")]),
        write::<&str>("orders", 3, WriteAction::Archive { id: order.as_str().into() }, [] as [(&str, &str); 0]),
    ];
    let said = stage.connector.write_batch(writes).await.unwrap();
    let reasons = [
        "variants.nodes: a list in an input would replace the list, so none of a product is written",
        "tags: a list in an input would replace the list, so none of a product is written",
        "lineItems.nodes: a list in an input would replace the list, so none of an order is written",
        "name is nothing that shopify takes of an order",
        "shopify: nothing but a customer can be made under a key, so nothing else is made",
        "shopify: products and orders are not deleted through this connector",
    ];
    let outcomes: Vec<Outcome> = said.into_iter().map(|receipt| receipt.outcome).collect();
    assert_eq!(outcomes, reasons.map(|reason| Outcome::Refused { reason: reason.into() }));
    assert_eq!((stage.shop.ids("Product").len(), stage.shop.ids("Order").len()), (1, 1));
}

/// A mutation costs what it may bring back: an order with fifty lines is no bare ten points, and the bucket is not found empty.
#[tokio::test]
async fn many_orders_are_changed_and_nothing_is_throttled() {
    let stage = Stage::of_goods(100).await;
    let merchant = stage.shop.merchant();
    let orders: Vec<String> = (0..150).map(|number| merchant.orders(&format!("#{number}"), "1.00", None)).collect();
    let update = |(number, order): (u8, &String)| {
        let action = WriteAction::Update { id: order.as_str().into() };
        let mut write = write("orders", number, action, [("note", "told")]);
        write.expect = vec![(Path::new("note"), Native::Null)];
        write
    };
    let said = stage.connector.write_batch((0..).zip(&orders).map(update).collect()).await.unwrap();
    assert!(said.iter().zip(&orders).all(|(said, order)| said.outcome == applied(order)), "{said:?}");
    assert_eq!(stage.shop.throttled(), 0);
}
