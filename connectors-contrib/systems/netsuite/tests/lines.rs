//! Lines of orders, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::connector::{Connector as _, ConnectorErrorKind, Item, Outcome, ReadAnswer, Says, WriteAction};
use accordant::value::{Element, Native};
use accordant::{Canonical, CanonicalPart};
use accordant_rehearsal::{Altered, json, key, write};
use chrono::TimeDelta;
use support::{Stage, connector_over, ids};

async fn stage() -> Stage {
    Stage::with(|mut settings| {
        let lines = ["item", "quantity"].map(str::to_owned);
        settings.objects.get_mut("salesorder").unwrap().lines.extend(lines);
        settings.page = 3;
        settings
    })
    .await
}

fn order(stage: &Stage, number: &str, lines: &[(&str, &str)]) -> String {
    let id = stage.account.edit("transaction", None, &[("type", "SalesOrd"), ("otherrefnum", number)]);
    // The main line stands for the order itself.
    stage.account.edit("transactionline", None, &[("transaction", &id), ("mainline", "T")]);
    for line in lines {
        add(stage, &id, *line);
    }
    id
}

fn add(stage: &Stage, order: &str, (item, quantity): (&str, &str)) -> String {
    let values = [("transaction", order), ("mainline", "F"), ("item", item), ("quantity", quantity)];
    stage.account.edit("transactionline", None, &values)
}

/// Item and quantity of each line of an order.
fn lines(item: &Item) -> Vec<(String, String)> {
    let record = json(item);
    let text = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap().to_owned();
    record["lines"].as_array().unwrap().iter().map(|line| (text(line, "item"), text(line, "quantity"))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(item, quantity)| ((*item).to_owned(), (*quantity).to_owned())).collect()
}

/// Seven lines in pages of three: none is lost, and each is its order's.
#[tokio::test]
async fn lines_come_with_their_order_wherever_it_comes_from() {
    let stage = stage().await;
    let all: [&[(&str, &str)]; 3] =
        [&[("1", "5"), ("2", "1")], &[], &[("1", "1"), ("2", "2"), ("3", "3"), ("4", "4"), ("5", "5")]];
    let orders: Vec<String> = all.iter().map(|lines| order(&stage, "PO", lines)).collect();
    for surface in ["salesorder.suiteql", "salesorder.scan"] {
        let (items, _) = stage.walk(surface, None).await;
        assert_eq!(ids(&items), orders, "{surface}");
        assert_eq!(items.iter().map(lines).collect::<Vec<_>>(), all.map(pairs), "{surface}");
    }
    let keys: Vec<_> = orders.iter().map(|id| key("salesorder", id)).collect();
    for (answer, expected) in stage.connector.read_records(&keys).await.unwrap().iter().zip(all) {
        let ReadAnswer::Found(item) = answer else { panic!("{answer:?}") };
        assert_eq!(lines(item), pairs(expected));
    }
}

/// An account that answers every page of lines with the first would be asked for ever.
#[tokio::test]
async fn lines_whose_pages_lead_nowhere_are_an_error() {
    let stage = stage().await;
    let first = order(&stage, "PO-1", &[("1", "5")]);
    let page = serde_json::json!({
        "items": [{ "transaction": first, "uniquekey": "9", "item": "1", "quantity": "5" }], "hasMore": true,
    });
    let again = Altered::new(move |request, answer| {
        if String::from_utf8_lossy(request.body()).contains("FROM transactionline") {
            *answer.body_mut() = page.to_string().into();
        }
    });
    let connector = connector_over(Arc::new(again), &stage.settings, &stage.clock, "certificate-1");
    let error = connector.read_records(&[key("salesorder", &first)]).await.unwrap_err();
    assert_eq!(error.kind, ConnectorErrorKind::Malformed);
}

/// The order does not say that it changed: its line does, and the order is read.
#[tokio::test]
async fn a_line_that_changes_has_its_order_read() {
    let stage = stage().await;
    let first = order(&stage, "PO-1", &[("1", "5")]);
    let line = add(&stage, &first, ("2", "1"));
    order(&stage, "PO-2", &[("1", "1")]);
    let (_, orders) = stage.walk("salesorder.suiteql", None).await;
    let (_, rest) = stage.walk("salesorder.lines", None).await;
    stage.clock.advance(TimeDelta::hours(2));
    let (_, orders) = stage.walk("salesorder.suiteql", orders).await;
    let (_, rest) = stage.walk("salesorder.lines", rest).await;
    stage.clock.advance(TimeDelta::hours(2));
    stage.account.edit("transactionline", Some(&line), &[("quantity", "7")]);
    assert_eq!(stage.walk("salesorder.suiteql", orders).await.0.len(), 0, "the order says nothing");
    let (hints, _) = stage.walk("salesorder.lines", rest).await;
    let said: Vec<Says> = hints.into_iter().map(|item| item.says).collect();
    assert_eq!(said, [Says::Hint { id: first.as_str().into() }]);
    let read = stage.connector.read_records(&[key("salesorder", &first)]).await.unwrap();
    let [ReadAnswer::Found(item)] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(lines(item), pairs(&[("1", "5"), ("2", "7")]));
}

#[tokio::test]
async fn lines_are_not_written_and_the_reason_is_said() {
    let stage = stage().await;
    let id = order(&stage, "PO-1", &[("1", "5")]);
    let mut change = write("salesorder", 1, WriteAction::Update { id: id.as_str().into() }, [("lines", "")]);
    let named = vec![("item".into(), Native::Text("1".into()))];
    change.changes[0].1 = Native::Elements(vec![Element { key: named, members: None }]);
    // As an engine sends it: what is changed is expected. Beside it, a write that can be made.
    change.expect = change.changes.clone();
    let mut good = write("salesorder", 2, WriteAction::Update { id: id.as_str().into() }, [("memo", "told")]);
    good.expect = vec![("otherrefnum".into(), Native::Text("PO-1".into()))];
    let said = stage.connector.write_batch(vec![change, good]).await.unwrap();
    let said: Vec<Outcome> = said.into_iter().map(|receipt| receipt.outcome).collect();
    let refused = Outcome::Refused { reason: "lines: netsuite takes no list there".into() };
    assert_eq!(said, [refused, Outcome::Applied { id: id.as_str().into() }]);
}

#[tokio::test]
async fn lines_are_in_the_schema_though_no_catalogue_of_records_has_them() {
    let stage = stage().await;
    let described = stage.settings.described("salesorder", br#"{"properties":{}}"#).unwrap();
    assert!(described.find(&"lines".into()).unwrap().read_only);
}

/// A line of another kind of transaction says nothing of orders.
#[tokio::test]
async fn the_line_of_an_invoice_hints_at_no_order() {
    let stage = stage().await;
    let first = order(&stage, "PO-1", &[("1", "5")]);
    let invoice = stage.account.edit("transaction", None, &[("type", "CustInvc"), ("otherrefnum", "PO-1")]);
    add(&stage, &invoice, ("1", "5"));
    let (hints, _) = stage.walk("salesorder.lines", None).await;
    let said: Vec<Says> = hints.into_iter().map(|item| item.says).collect();
    assert_eq!(said, [Says::Hint { id: first.as_str().into() }]);
}

#[derive(CanonicalPart, Clone, Debug, PartialEq)]
struct Address {
    #[canonical(at(netsuite = "label"))]
    label: String,
    #[canonical(at(netsuite = "city"))]
    city: Option<String>,
}

#[derive(Canonical)]
#[allow(dead_code, reason = "a model is declared")]
#[canonical(entity = "buyer", system(netsuite, object = "customer"))]
struct Buyer {
    #[canonical(identity, at(netsuite = "email"))]
    email: String,
    #[canonical(keyed = label, at(netsuite = "addressbook"))]
    addresses: Vec<Address>,
    #[canonical(keyed = label, at(netsuite = "lines"))]
    lines: Vec<Address>,
}

/// A collection that nothing can be asked for is not empty: of it nothing is believed. A customer has no lines, and those of
/// transactions that happen to have its number are none of its.
#[tokio::test]
async fn a_collection_that_is_not_read_is_not_empty() {
    let stage = Stage::with(|mut settings| {
        settings.objects.clear();
        settings.maps(&[Buyer::model()])
    })
    .await;
    let id = stage.customer(None, &[("email", "ana@acme.test")]);
    add(&stage, &id, ("1", "5"));
    let mut found = Vec::new();
    for surface in ["customer.suiteql", "customer.scan"] {
        found.extend(stage.walk(surface, None).await.0);
    }
    let ReadAnswer::Found(item) = stage.connector.read_records(&[key("customer", &id)]).await.unwrap().remove(0) else {
        panic!("it is there")
    };
    found.push(item);
    assert_eq!(ids(&found), [id.as_str(); 3]);
    for item in found {
        assert_eq!(item.denied.iter().map(ToString::to_string).collect::<Vec<_>>(), ["addressbook", "lines"]);
        assert!(json(&item)["lines"].is_null());
    }
    let catalogue = br#"{"properties":{"email":{"type":"string"},"addressBook":{"type":"object"}}}"#;
    let described = stage.settings.described("customer", catalogue).unwrap();
    assert!(described.find(&"email".into()).is_some() && described.find(&"addressbook".into()).is_none());
}
