//! Polls, scans and reads, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use accordant::connector::{Connector as _, ConnectorErrorKind, ReadAnswer, Says};
use accordant_netsuite::{Mismatch, Settings};
use accordant_rehearsal::{json, key};
use chrono::TimeDelta;
use support::{Stage, connector, ids};

#[tokio::test]
async fn a_poll_gives_what_changed_in_the_zone_of_the_user() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test"), ("currency", "USD")]);
    stage.account.edit("customer", None, &[("isperson", "F"), ("custentity_domain", "acme.test")]);
    stage.clock.advance(TimeDelta::seconds(1));
    let (items, after) = stage.walk("customer.suiteql", None).await;
    assert_eq!(ids(&items), std::slice::from_ref(&ana), "and not the company, which is of the same table");
    let row = json(&items[0]);
    assert_eq!(
        (row["lastmodifieddate"].as_str(), row["currency"].as_str()),
        (Some("2026-11-21 01:00:00"), Some("USD"))
    );
    stage.clock.advance(TimeDelta::hours(1));
    let (_, after) = stage.walk("customer.suiteql", after).await;
    let (items, _) = stage.walk("customer.suiteql", after).await;
    assert!(items.is_empty(), "an hour later it is no news");
}

#[tokio::test]
async fn pages_by_key_miss_nothing_however_many_rows_share_a_second() {
    let stage = Stage::with(|settings| Settings { page: 50, ..settings }).await;
    let mut made = BTreeSet::new();
    for number in 0..700 {
        made.insert(stage.customer(None, &[("email", &format!("n{number}@acme.test"))]));
        if number % 300 == 0 {
            stage.clock.advance(TimeDelta::milliseconds(700));
        }
    }
    stage.clock.advance(TimeDelta::seconds(1));
    let (items, _) = stage.walk("customer.suiteql", None).await;
    assert_eq!((items.len(), ids(&items).into_iter().collect::<BTreeSet<_>>()), (700, made.clone()));
    let (items, _) = stage.walk("customer.scan", None).await;
    assert_eq!((items.len(), ids(&items).into_iter().collect::<BTreeSet<_>>()), (700, made));
}

#[tokio::test]
async fn what_a_long_script_commits_late_is_read_by_a_later_poll() {
    let stage = Stage::with(|settings| Settings { overlap: TimeDelta::minutes(31), ..settings }).await;
    stage.faults("index-lag");
    let (mut read, mut after, mut made) = (BTreeSet::new(), None, BTreeSet::new());
    for round in 0..40 {
        if round < 30 {
            made.insert(stage.customer(None, &[("email", &format!("n{round}@acme.test"))]));
        }
        let (items, next) = stage.walk("customer.suiteql", after).await;
        read.extend(ids(&items));
        after = next;
        stage.clock.advance(TimeDelta::minutes(4));
    }
    assert_eq!(read, made);
}

#[tokio::test]
async fn what_was_deleted_is_told_by_id() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test")]);
    let order = stage.account.edit("transaction", None, &[("type", "SalesOrd")]);
    stage.account.delete("customer", &ana);
    stage.account.delete("transaction", &order);
    stage.clock.advance(TimeDelta::seconds(1));
    let (items, _) = stage.walk("customer.deleted", None).await;
    let says: Vec<Says> = items.into_iter().map(|item| item.says).collect();
    assert_eq!(says, [Says::Deleted { id: ana.as_str().into() }]);
}

#[tokio::test]
async fn a_read_answers_in_the_order_of_keys() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test")]);
    let order = stage.account.edit("transaction", None, &[("type", "SalesOrd"), ("otherrefnum", "#1")]);
    let keys = [
        key("customer", "99"),
        key("salesorder", &order),
        key("customer", &ana),
        key("customer", "1 OR 1=1"),
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
    assert_eq!(said, ["gone", &order, &ana, "gone", "failed"]);
}

#[tokio::test]
async fn a_zone_that_is_another_or_has_an_hour_twice_is_found_at_the_start() {
    let stage = Stage::set().await;
    stage.customer(None, &[("email", "ana@acme.test")]);
    assert_eq!(stage.connector.prepare().await.unwrap(), vec![]);
    stage.account.moves_to(chrono_tz::Europe::Berlin);
    let found = stage.connector.prepare().await.unwrap();
    assert_eq!(found, [Mismatch::Zone { object: "customer".into(), later: 8 * 3_600 }]);
    let saving = Settings { zone: chrono_tz::Europe::Berlin, ..stage.settings.clone() };
    let found = connector(&saving, &stage.clock, "certificate-1").prepare().await.unwrap();
    assert_eq!(found, [Mismatch::DaylightSaving { zone: "Europe/Berlin".into() }]);
}

/// In another zone, all that is read would be of another time, and a poll would pass by what it was to find.
#[tokio::test]
async fn nothing_is_read_while_the_user_is_in_another_zone_and_nothing_is_missed_for_it() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test")]);
    stage.clock.advance(TimeDelta::minutes(1));
    let (_, after) = stage.walk("customer.suiteql", None).await;
    for zone in [chrono_tz::Pacific::Kiritimati, chrono_tz::Pacific::Honolulu] {
        stage.clock.advance(TimeDelta::hours(3));
        stage.account.moves_to(zone);
        stage.customer(Some(&ana), &[("firstname", zone.name())]);
        stage.clock.advance(TimeDelta::minutes(1));
        for surface in ["customer.suiteql", "customer.deleted", "customer.scan"] {
            let said =
                stage.connector.read_page(&surface.into(), after.clone().filter(|_| surface.ends_with("ql"))).await;
            let error = said.unwrap_err();
            assert!(error.kind == ConnectorErrorKind::Unavailable && error.to_string().contains("zone"), "{error}");
        }
        assert!(stage.connector.read_records(&[key("customer", &ana)]).await.is_err());
        stage.account.moves_to(chrono_tz::America::Phoenix);
        let (items, _) = stage.walk("customer.suiteql", after.clone()).await;
        assert_eq!(
            items.iter().map(|item| json(item)["firstname"].as_str().unwrap().to_owned()).next_back().unwrap(),
            zone.name()
        );
    }
}

#[tokio::test]
async fn a_token_is_had_by_the_right_certificate_only_and_had_again_after_an_hour() {
    let stage = Stage::set().await;
    stage.customer(None, &[("email", "ana@acme.test")]);
    let other = connector(&stage.settings, &stage.clock, "certificate-2");
    let denied = other.read_records(&[key("customer", "1")]).await.unwrap_err();
    assert_eq!(denied.kind, ConnectorErrorKind::Denied);
    for _ in 0..3 {
        assert!(stage.connector.read_records(&[key("customer", "1")]).await.is_ok());
        stage.clock.advance(TimeDelta::minutes(61));
    }
}
