//! Polls, scans and reads, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use accordant::connector::{Connector as _, ReadAnswer};
use accordant::model::Path;
use accordant::schema::Contract;
use accordant_rehearsal::{json, key, models};
use chrono::TimeDelta;
use serde_json::json;
use support::{Stage, ids};

#[tokio::test]
async fn a_poll_gives_what_changed_and_reaches_back() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test", "firstname": "Ana" }));
    let (items, after) = stage.walk("contacts.search", None).await;
    assert_eq!(ids(&items), std::slice::from_ref(&ana));
    assert_eq!(json(&items[0])["properties"]["firstname"], "Ana");
    stage.clock.advance(TimeDelta::hours(2));
    let (items, after) = stage.walk("contacts.search", after).await;
    assert_eq!(ids(&items), std::slice::from_ref(&ana), "an hour behind the end of the poll before");
    let (items, after) = stage.walk("contacts.search", after).await;
    assert_eq!(ids(&items), Vec::<String>::new(), "two hours later it is no news");
    stage.person().edits("contacts", &ana, &json!({ "firstname": "Anna" })).unwrap();
    let (items, _) = stage.walk("contacts.search", after).await;
    assert_eq!(json(&items[0])["properties"]["firstname"], "Anna");
}

/// More rows than a query may be paged through share one instant.
#[tokio::test]
async fn ten_thousand_rows_on_one_timestamp_are_all_read() {
    let stage = Stage::with(|settings| accordant_hubspot::Settings { search_page: 200, ..settings }).await;
    for number in 0..10_100 {
        stage.contact(&json!({ "firstname": format!("n{number}") }));
    }
    let (items, after) = stage.walk("contacts.search", None).await;
    let read: BTreeSet<String> = ids(&items).into_iter().collect();
    assert_eq!(read.len(), 10_100);
    let [_, searches] = stage.account.traffic();
    assert_eq!((searches.refused, searches.most), (0, 4), "the limit is used, and not passed");
    assert!(after.unwrap().0.starts_with("rest/"));
}

#[tokio::test]
async fn what_becomes_visible_late_is_read_by_a_later_poll() {
    let stage = Stage::set().await;
    stage.faults("index-lag");
    let (mut read, mut after, mut made) = (BTreeSet::new(), None, BTreeSet::new());
    for round in 0..40 {
        if round < 30 {
            made.insert(stage.contact(&json!({ "firstname": format!("n{round}") })));
        }
        let (items, next) = stage.walk("contacts.search", after).await;
        read.extend(ids(&items));
        after = next;
        stage.clock.advance(TimeDelta::minutes(4));
    }
    assert_eq!(read, made);
}

#[tokio::test]
async fn a_scan_gives_all_records_and_then_the_archived_ones() {
    let stage = Stage::with(|settings| accordant_hubspot::Settings { page: 7, ..settings }).await;
    let all: Vec<String> = (0..40).map(|number| stage.contact(&json!({ "firstname": format!("n{number}") }))).collect();
    for id in &all[10..20] {
        stage.person().archives("contacts", id).unwrap();
    }
    let (items, _) = stage.walk("contacts.scan", None).await;
    let archived: Vec<bool> = items.iter().map(|item| json(item)["archived"].as_bool().unwrap()).collect();
    assert_eq!(archived, [vec![false; 30], vec![true; 10]].concat());
    assert_eq!(ids(&items)[30..], all[10..20]);
}

#[tokio::test]
async fn a_read_by_the_id_of_a_merged_record_answers_with_another_id() {
    let stage = Stage::set().await;
    let one = stage.contact(&json!({ "email": "one@acme.test" }));
    let other = stage.contact(&json!({ "email": "other@acme.test" }));
    let third = stage.contact(&json!({ "email": "third@acme.test" }));
    stage.person().archives("contacts", &third).unwrap();
    let merged = stage.person().merges("contacts", &one, &other).unwrap();
    let keys = [
        key("contacts", &other),
        key("contacts", "99"),
        key("contacts", &merged),
        key("contacts", &third),
        key("contacts", &one),
        key("contacts", "../x"),
        key("nosuch", "1"),
    ];
    let said: Vec<String> = stage
        .connector
        .read_records(&keys)
        .await
        .unwrap()
        .iter()
        .map(|answer| match answer {
            ReadAnswer::Found(item) => json(item)["id"].as_str().unwrap().to_owned(),
            ReadAnswer::Gone => "gone".to_owned(),
            _ => "failed".to_owned(),
        })
        .collect();
    assert_eq!(said, [merged.as_str(), "gone", &merged, "gone", &merged, "gone", "failed"]);
}

#[tokio::test]
async fn a_property_that_the_token_may_not_see_is_denied_and_not_cleared() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test", "phone": "+1 212 555 0100" }));
    stage.account.hide("contacts", "phone", true);
    let answers = stage.connector.read_records(&[key("contacts", &ana)]).await.unwrap();
    let ReadAnswer::Found(item) = &answers[0] else { panic!("{answers:?}") };
    assert_eq!(*item.denied, [Path::new("properties.phone")]);
    let (items, _) = stage.walk("contacts.scan", None).await;
    assert_eq!(*items[0].denied, [Path::new("properties.phone")]);
    let mismatches = stage.connector.prepare().await.unwrap();
    assert_eq!(mismatches[0].to_string(), "hubspot/contacts properties.phone: there is none, or it is not seen");
}

#[tokio::test]
async fn an_account_describes_its_properties_where_the_engine_may_ask() {
    assert!(!Stage::set().await.connector.describes());
    let stage = Stage::with(|settings| accordant_hubspot::Settings { describes: true, ..settings }).await;
    assert!(stage.connector.describes());
    let objects = ["contacts".into(), "tickets".into()];
    let found = |described| Contract::of(&models()).describes("hubspot", described).mismatches();
    let described = stage.connector.describe(&objects).await.unwrap();
    assert_eq!(described.iter().map(|schema| schema.object.as_str()).collect::<Vec<_>>(), ["contacts"]);
    found(described).require_none();
    stage.account.hide("contacts", "phone", true);
    let found = found(stage.connector.describe(&objects).await.unwrap()).found;
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["hubspot/contacts properties.phone: there is none, or it is not seen"]);
}
