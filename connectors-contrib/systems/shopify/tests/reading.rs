//! Polls, bulk operations and reads, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use accordant::connector::{Connector as _, ConnectorErrorKind, Cursor, ReadAnswer};
use accordant::id::SurfaceName;
use accordant_rehearsal::{json, key};
use accordant_sandbox::Faults;
use accordant_sandbox::shopify::Lost;
use chrono::TimeDelta;
use serde_json::json;
use support::{Stage, ids};

#[tokio::test]
async fn a_poll_gives_what_changed_and_reaches_back() {
    let stage = Stage::set().await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test", "firstName": "Ana" }));
    stage.clock.advance(TimeDelta::seconds(1));
    let (items, after) = stage.walk("customers.search", None).await;
    assert_eq!(ids(&items), std::slice::from_ref(&ana));
    assert_eq!(json(&items[0])["defaultEmailAddress"]["emailAddress"], "ana@acme.test");
    stage.clock.advance(TimeDelta::hours(1));
    let (_, after) = stage.walk("customers.search", after).await;
    let (items, after) = stage.walk("customers.search", after).await;
    assert!(items.is_empty(), "an hour later it is no news");
    stage.shop.merchant().edits(&ana, &json!({ "firstName": "Anna" })).unwrap();
    stage.clock.advance(TimeDelta::milliseconds(1_700));
    let (items, _) = stage.walk("customers.search", after).await;
    assert_eq!(json(&items[0])["firstName"], "Anna");
}

#[tokio::test]
async fn two_thousand_customers_in_one_second_are_all_read_and_nothing_is_throttled() {
    let stage = Stage::set().await;
    for number in 0..2_000 {
        stage.customer(&json!({ "firstName": format!("n{number}") }));
    }
    stage.clock.advance(TimeDelta::seconds(1));
    let (items, _) = stage.walk("customers.search", None).await;
    assert_eq!(ids(&items).into_iter().collect::<BTreeSet<_>>().len(), 2_000);
    assert_eq!(stage.shop.throttled(), 0);
}

#[tokio::test]
async fn what_becomes_visible_late_is_read_by_a_later_poll() {
    let stage =
        Stage::with(|settings| accordant_shopify::Settings { overlap: TimeDelta::minutes(31), ..settings }).await;
    stage.faults("index-lag");
    let (mut read, mut after, mut made) = (BTreeSet::new(), None, BTreeSet::new());
    for round in 0..40 {
        if round < 30 {
            made.insert(stage.customer(&json!({ "firstName": format!("n{round}") })));
        }
        let (items, next) = stage.walk("customers.search", after).await;
        read.extend(ids(&items));
        after = next;
        stage.clock.advance(TimeDelta::minutes(4));
    }
    assert_eq!(read, made);
}

#[tokio::test]
async fn a_scan_runs_a_bulk_operation_and_reads_its_file_in_pages() {
    let stage = Stage::set().await;
    let (items, _) = stage.walk("customers.bulk", None).await;
    assert!(items.is_empty(), "of an empty shop there is no file");
    let made: BTreeSet<String> =
        (0..1_201).map(|number| stage.customer(&json!({ "firstName": format!("n{number}") }))).collect();
    let began = accordant::Clock::now(stage.clock.as_ref());
    let (items, _) = stage.walk("customers.bulk", None).await;
    assert_eq!(ids(&items).into_iter().collect::<BTreeSet<_>>(), made);
    assert!(accordant::Clock::now(stage.clock.as_ref()) - began >= 20_000, "it was waited for");
    let name = SurfaceName::from("orders.bulk");
    let first = stage.connector.read_page(&"customers.bulk".into(), None).await.unwrap();
    let busy = stage.connector.read_page(&name, None).await.unwrap_err();
    assert_eq!(busy.kind, ConnectorErrorKind::Unavailable, "one at a time");
    assert!(first.more && first.items.is_empty());
}

#[tokio::test]
async fn a_read_answers_in_the_order_of_keys() {
    let stage = Stage::set().await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test" }));
    let order = stage.shop.merchant().orders("#1001", "12.50", Some(&ana));
    let keys = [
        key("customers", "99"),
        key("orders", &order),
        key("customers", &ana),
        key("customers", "x/y"),
        key("nosuch", "1"),
    ];
    let answers = stage.connector.read_records(&keys).await.unwrap();
    let said: Vec<String> = answers
        .iter()
        .map(|answer| match answer {
            ReadAnswer::Found(item) => json(item)["id"].as_str().unwrap().to_owned(),
            ReadAnswer::Gone => "gone".to_owned(),
            _ => "failed".to_owned(),
        })
        .collect();
    assert_eq!(
        said,
        ["gone", &format!("gid://shopify/Order/{order}"), &format!("gid://shopify/Customer/{ana}"), "gone", "failed"]
    );
    let ReadAnswer::Found(item) = &answers[1] else { panic!("{answers:?}") };
    assert_eq!(json(item)["totalPriceSet"]["shopMoney"]["amount"], "12.50");
}

#[tokio::test]
async fn a_200_that_says_throttled_is_waited_for() {
    let stage = Stage::set().await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test" }));
    stage.shop.faults(Faults { throttled: 1_000, ..Faults::default() });
    let refused = stage.connector.read_records(&[key("customers", &ana)]).await.unwrap_err();
    assert_eq!(refused.kind, ConnectorErrorKind::Throttled);
    stage.shop.faults(Faults::default());
    let began = accordant::Clock::now(stage.clock.as_ref());
    assert!(matches!(stage.connector.read_records(&[key("customers", &ana)]).await.unwrap()[0], ReadAnswer::Found(_)));
    assert!(accordant::Clock::now(stage.clock.as_ref()) - began >= 1_000, "not at once");
}

/// Whatever becomes of a bulk operation's result: its cursor has expired, so that the scan is begun anew. It is never stuck,
/// and never complete with less than all.
#[tokio::test]
async fn a_scan_whose_result_is_lost_has_expired() {
    let surface = SurfaceName::from("customers.bulk");
    for (lost, amid) in [
        (Lost::Failed, false),
        (Lost::Forgotten, true),
        (Lost::Unnamed, false),
        (Lost::Unnamed, true),
        (Lost::Expired, false),
        (Lost::Expired, true),
    ] {
        let stage = Stage::set().await;
        let made: BTreeSet<String> =
            (0..600).map(|number| stage.customer(&json!({ "firstName": format!("n{number}") }))).collect();
        let mut page = stage.connector.read_page(&surface, None).await.unwrap();
        let mut read = 0;
        while amid && read == 0 {
            page = stage.connector.read_page(&surface, page.next).await.unwrap();
            read += page.items.len();
        }
        assert!(page.more && read < made.len());
        // What is kept in memory is another process's.
        let other = support::connector(&stage.settings, &stage.clock);
        stage.shop.loses_results(lost);
        let after = page.next.map(|Cursor(place)| Cursor(place.replace("wait 0 1 ", "wait 0 3 ")));
        stage.clock.advance(TimeDelta::minutes(1));
        let failed = other.read_page(&surface, after).await.unwrap_err();
        assert_eq!(failed.kind, ConnectorErrorKind::Expired, "{lost:?} {amid}: {failed}");
        let (items, _) = stage.walk("customers.bulk", None).await;
        assert_eq!(ids(&items).into_iter().collect::<BTreeSet<_>>(), made, "{lost:?}");
    }
}

/// A cursor that names a place within the file leads to a line's beginning, or nowhere.
#[tokio::test]
async fn a_page_of_a_file_begins_with_a_line() {
    let stage = Stage::set().await;
    for number in 0..600 {
        stage.customer(&json!({ "firstName": format!("n{number}") }));
    }
    let surface = SurfaceName::from("customers.bulk");
    let mut page = stage.connector.read_page(&surface, None).await.unwrap();
    while page.items.is_empty() {
        page = stage.connector.read_page(&surface, page.next).await.unwrap();
    }
    let Cursor(place) = page.next.unwrap();
    let [at, id] = place.strip_prefix("from ").unwrap().split(' ').collect::<Vec<_>>().try_into().unwrap();
    let at: usize = at.parse().unwrap();
    for nowhere in [at + 1, at - 1, usize::MAX] {
        let failed = stage.connector.read_page(&surface, Some(Cursor(format!("from {nowhere} {id}")))).await;
        assert_eq!(failed.unwrap_err().kind, ConnectorErrorKind::Expired, "{nowhere}");
    }
    let rest = stage.connector.read_page(&surface, Some(Cursor(place))).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.more), (500, 100, false));
}
