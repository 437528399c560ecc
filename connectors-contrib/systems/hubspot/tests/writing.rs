//! Writes, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accordant::connector::{Connector as _, Outcome, ReadAnswer, RecordKey, WriteAction};
use accordant::model::Path;
use accordant::value::Native;
use accordant_rehearsal::{Altered, json};
use accordant_sandbox::Faults;
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;
use support::{Stage, create, over, update, write};

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

#[tokio::test]
async fn a_record_that_is_as_expected_is_written_and_its_version_is_told() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test", "company": "Acme" }));
    stage.clock.advance(TimeDelta::seconds(9));
    let receipts =
        stage.connector.write_batch(vec![update(1, &ana, &[("firstname", "Ana"), ("company", "")])]).await.unwrap();
    assert_eq!(receipts[0].outcome, applied(&ana));
    let record = stage.account.record("contacts", &ana).unwrap();
    assert_eq!((&record["properties"]["firstname"], record["properties"].get("company")), (&json!("Ana"), None));
    let changed = record["updatedAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(receipts[0].token, Some(changed.timestamp_millis()));
    assert!(receipts[0].record.is_none(), "the answer carries what was written, and not all that is mapped");
}

#[tokio::test]
async fn a_record_that_moved_is_written_only_where_it_holds_what_is_expected() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test", "firstname": "Ana", "city": "Bonn" }));
    let token = chrono::DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z").unwrap().timestamp_millis();
    let expecting = |number, value: &str| {
        let mut write = update(number, &ana, &[("firstname", "Anna")]);
        write.expect = vec![(Path::new("properties.firstname"), Native::Text(value.into()))];
        write.expect_token = Some(token);
        write
    };
    stage.clock.advance(TimeDelta::minutes(1));
    stage.person().edits("contacts", &ana, &json!({ "city": "Köln" })).unwrap();
    let said = stage.connector.write_batch(vec![expecting(1, "Ann"), expecting(2, "Ana")]).await.unwrap();
    assert_eq!([&said[0].outcome, &said[1].outcome], [&Outcome::Stale, &applied(&ana)]);
    let gone = stage.connector.write_batch(vec![update(3, "77", &[("firstname", "x")])]).await.unwrap();
    assert_eq!(gone[0].outcome, Outcome::Stale);
}

#[tokio::test]
async fn a_create_that_is_repeated_makes_nothing_and_overwrites_nothing() {
    let stage = Stage::set().await;
    let made = stage
        .connector
        .write_batch(vec![create(1, "key-1", &[("email", "ana@acme.test"), ("firstname", "Ana"), ("city", "")])])
        .await
        .unwrap();
    let Outcome::Applied { id } = &made[0].outcome else { panic!("{made:?}") };
    stage.person().edits("contacts", id, &json!({ "firstname": "Anna" })).unwrap();
    let again = stage
        .connector
        .write_batch(vec![
            create(1, "key-1", &[("email", "ana@acme.test"), ("firstname", "Ana")]),
            create(2, "key-2", &[("firstname", "Bo")]),
        ])
        .await
        .unwrap();
    assert_eq!(again[0].outcome, applied(id));
    assert!(matches!(again[1].outcome, Outcome::Applied { .. }));
    assert_eq!(stage.account.ids("contacts").len(), 2);
    assert_eq!(stage.account.record("contacts", id).unwrap()["properties"]["firstname"], "Anna");
    let probe = RecordKey { object: "contacts".into(), id: "key-1".into(), by_create_key: true };
    let unknown = RecordKey { id: "key-9".into(), ..probe.clone() };
    let found = stage.connector.read_records(&[probe, unknown]).await.unwrap();
    let ReadAnswer::Found(item) = &found[0] else { panic!("{found:?}") };
    assert_eq!(json(item)["id"], id.as_str());
    assert!(matches!(found[1], ReadAnswer::Gone));
}

/// No values are expected of what is archived: only its version says that nobody came in between.
#[tokio::test]
async fn a_record_that_moved_is_not_archived() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    let archive = |number, minute: &str| {
        let mut write = write(number, WriteAction::Archive { id: ana.as_str().into() }, &[]);
        let at = chrono::DateTime::parse_from_rfc3339(&format!("2026-11-21T08:{minute}:00Z")).unwrap();
        write.expect_token = Some(at.timestamp_millis());
        write
    };
    stage.clock.advance(TimeDelta::minutes(1));
    stage.person().edits("contacts", &ana, &json!({ "city": "Köln" })).unwrap();
    let said = stage.connector.write_batch(vec![archive(1, "00")]).await.unwrap();
    assert_eq!((&said[0].outcome, stage.account.ids("contacts").len()), (&Outcome::Stale, 1));
    let said = stage.connector.write_batch(vec![archive(2, "01")]).await.unwrap();
    assert_eq!((&said[0].outcome, stage.account.ids("contacts").len()), (&applied(&ana), 0));
}

#[tokio::test]
async fn one_bad_item_leaves_the_others_their_own_end() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    let bo = stage.contact(&json!({ "email": "bo@acme.test" }));
    let writes = vec![
        update(1, &ana, &[("customer_status", "nonsense")]),
        create(2, "key-2", &[("email", "ana@acme.test")]),
        update(3, &bo, &[("firstname", "Bo")]),
        write(4, WriteAction::Archive { id: ana.as_str().into() }, &[]),
        create(5, "key-5", &[("email", "new@acme.test")]),
    ];
    let said = stage.connector.write_batch(writes).await.unwrap();
    let reason = |place: usize| match &said[place].outcome {
        Outcome::Refused { reason } => reason.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(reason(0), "VALIDATION_ERROR; customer_status INVALID_OPTION");
    assert_eq!(reason(1), "CONFLICT; email UNIQUE_VALUE_TAKEN");
    assert_eq!([&said[2].outcome, &said[3].outcome], [&applied(&bo), &applied(&ana)]);
    assert!(matches!(said[4].outcome, Outcome::Applied { .. }));
    assert_eq!(stage.account.ids("contacts").len(), 2);
}

/// Whatever is said of a write, it is so: what was applied is there, what was deferred or refused is not, and what is
/// unknown may be either.
#[tokio::test]
async fn under_faults_every_receipt_is_true() {
    let stage = Stage::set().await;
    let all = Faults { throttled: 100, failing: 100, unanswered: 150, refused_items: 100, ..Faults::default() };
    let mut ends = [0; 4];
    for round in 0..60u8 {
        stage.account.faults(all);
        let name = |number: u8| format!("key-{round}-{number}");
        let writes = (0..5).map(|number| create(number, &name(number), &[("firstname", &name(number))])).collect();
        let said = stage.connector.write_batch(writes).await.unwrap();
        stage.account.faults(Faults::default());
        for (number, receipt) in (0u8..).zip(said) {
            let key = RecordKey { object: "contacts".into(), id: name(number).into(), by_create_key: true };
            let there = match &stage.connector.read_records(&[key]).await.unwrap()[0] {
                ReadAnswer::Found(item) => Some(json(item)["id"].as_str().unwrap().to_owned()),
                _ => None,
            };
            match receipt.outcome {
                Outcome::Applied { id } => {
                    ends[0] += 1;
                    assert_eq!(there.as_deref(), Some(id.as_str()));
                }
                Outcome::Refused { .. } => {
                    ends[1] += 1;
                    assert_eq!(there, None);
                }
                Outcome::Deferred { .. } => {
                    ends[2] += 1;
                    assert_eq!(there, None);
                }
                Outcome::Unknown => ends[3] += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(ends.iter().all(|count| *count > 5), "{ends:?}");
}

#[tokio::test]
async fn what_is_no_property_is_refused_and_nothing_is_sent() {
    let stage = Stage::set().await;
    let mut odd = create(1, "key-1", &[]);
    odd.changes = vec![(Path::new("owner.name"), Native::Text("Ana".into()))];
    let said = stage.connector.write_batch(vec![odd]).await.unwrap();
    assert!(matches!(&said[0].outcome, Outcome::Refused { reason } if reason.contains("owner.name")), "{said:?}");
    assert!(stage.account.ids("contacts").is_empty());
}

/// An option with what stands between options would be two.
#[tokio::test]
async fn an_element_that_would_be_read_as_two_is_refused() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    let list = |number, elements: &[&str]| {
        let mut write = update(number, &ana, &[("city", "")]);
        write.changes[0].1 = Native::List(elements.iter().map(|text| Native::Text((*text).into())).collect());
        write
    };
    let said = stage.connector.write_batch(vec![list(1, &["Bonn", "Köln"]), list(2, &["Bonn;Köln"])]).await.unwrap();
    let reason = "properties.city: a property takes text or a list of options without `;`, and no collection by key";
    assert_eq!([&said[0].outcome, &said[1].outcome], [&applied(&ana), &Outcome::Refused { reason: reason.into() }]);
    assert_eq!(stage.account.record("contacts", &ana).unwrap()["properties"]["city"], "Bonn;Köln");
}

/// What cannot be read says nothing of the records: they are not stale, and nothing was sent.
#[tokio::test]
async fn a_look_that_cannot_be_read_puts_the_writes_off() {
    let stage = Stage::set().await;
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    for torn in [r#"{"results":[{"id":7}]}"#, "<html>"] {
        let way = Altered::new(move |request, answer| {
            if request.uri().path().ends_with("/batch/read") {
                *answer.body_mut() = torn.into();
            }
        });
        let connector = over(&stage.settings, &stage.clock, Arc::new(way));
        let said = connector.write_batch(vec![update(1, &ana, &[("firstname", "Ana")])]).await.unwrap();
        assert_eq!(said[0].outcome, Outcome::Deferred { after: None }, "{torn}");
    }
    assert_eq!(stage.account.record("contacts", &ana).unwrap()["properties"].get("firstname"), None);
}

/// An account that is locked, or moves, for some seconds says nothing of the writes: they wait, and are not sent one by one.
#[tokio::test]
async fn an_account_that_is_locked_puts_the_writes_off() {
    let stage = Stage::set().await;
    let ids = ["ana", "bo"].map(|name| stage.contact(&json!({ "email": format!("{name}@acme.test") })));
    for (status, after) in [(423, None), (421, None), (477, Some(TimeDelta::seconds(10)))] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let way = Altered::new(move |request, answer| {
            if request.uri().path().ends_with("/batch/update") {
                counted.fetch_add(1, Ordering::Relaxed);
                *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                *answer.body_mut() = r#"{"status":"error","category":"LOCKED"}"#.into();
                if after.is_some() {
                    answer.headers_mut().insert("retry-after", "10".parse().unwrap());
                }
            }
        });
        let connector = over(&stage.settings, &stage.clock, Arc::new(way));
        let writes = ids.iter().zip(1u8..).map(|(id, number)| update(number, id, &[("firstname", "Ana")])).collect();
        let said = connector.write_batch(writes).await.unwrap();
        assert!(said.iter().all(|one| one.outcome == Outcome::Deferred { after }), "{status} {said:?}");
        assert_eq!((said.len(), sent.load(Ordering::Relaxed)), (2, 1), "{status}");
    }
}
