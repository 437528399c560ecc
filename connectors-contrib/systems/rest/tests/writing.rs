//! Writes, against a help desk on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Connector as _, CreateSafety, Outcome, ReadAnswer, RecordKey, Write, WriteAction};
use accordant::model::Path;
use accordant::value::Native;
use accordant_http::{ReqwestTransport, SecretString};
use accordant_rehearsal::{Asleep, json};
use accordant_rest::{Description, Object, Rest};
use accordant_sandbox::{Served, serve};
use chrono::TimeDelta;
use serde_json::{Value, json};
use support::{Desk, Fault};

struct Stage {
    desk: Desk,
    connector: Rest,
    _served: Served,
}

impl Stage {
    async fn set() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Object)) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let desk = Desk::new(&clock);
        let served = serve(Arc::new(desk.clone()), 0).await.unwrap();
        let mut description = Description::parse(include_str!("fourth/zendesk.toml")).unwrap();
        description.base.clone_from(&served.base);
        change(description.objects.get_mut("users").unwrap());
        let transport = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
        let sleep = Arc::new(Asleep(clock.clone()));
        let connector = Rest::new(description, &SecretString::from("t"), transport, clock.clone(), sleep).unwrap();
        Self { desk, connector, _served: served }
    }

    async fn write(&self, write: Write) -> Outcome {
        self.connector.write_batch(vec![write]).await.unwrap().remove(0).outcome
    }
}

fn write(number: u8, action: WriteAction, changes: &[(&str, &str)]) -> Write {
    accordant_rehearsal::write("users", number, action, changes.iter().copied())
}

fn update(number: u8, id: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Update { id: id.into() }, changes)
}

fn create(number: u8, key: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Create { key: key.into() }, changes)
}

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

#[tokio::test]
async fn leaves_are_written_at_their_paths_and_the_answer_is_the_record() {
    let stage = Stage::set().await;
    stage.desk.edit(7, &json!({ "email": "ana@acme.test", "user_fields": { "city": "Oakland" } }));
    let mut change = update(1, "7", &[("user_fields.first_name", "Ana"), ("email", "")]);
    change.changes.push((Path::new("limit"), Native::Number("1234567890.12".into())));
    change.changes.push((Path::new("vip"), Native::Bool(true)));
    let said = stage.connector.write_batch(vec![change]).await.unwrap().remove(0);
    assert_eq!(said.outcome, applied("7"));
    let held = &stage.desk.users()[0];
    assert_eq!(held["user_fields"], json!({ "city": "Oakland", "first_name": "Ana" }));
    assert_eq!(
        (&held["email"], &held["vip"], held["limit"].to_string().as_str()),
        (&Value::Null, &json!(true), "1234567890.12")
    );
    assert_eq!(json(&said.record.unwrap())["user_fields"]["first_name"], "Ana");
    assert_eq!(
        said.token,
        Some("2026-11-21T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis())
    );
    assert!(stage.desk.saw_header("idempotency-key") && stage.desk.saw_header("authorization"));
}

#[tokio::test]
async fn a_record_that_moved_is_written_only_where_it_holds_what_is_expected() {
    let stage = Stage::set().await;
    stage.desk.edit(7, &json!({ "email": "ana@acme.test", "name": "Ana" }));
    let expecting = |number, value: &str, token| {
        let mut write = update(number, "7", &[("name", "Anna")]);
        write.expect = vec![(Path::new("name"), Native::Text(value.into()))];
        write.expect_token = token;
        write
    };
    assert_eq!(stage.write(expecting(1, "Ann", Some(1))).await, Outcome::Stale);
    assert_eq!(stage.write(expecting(2, "Ana", Some(1))).await, applied("7"), "the same values");
    let held = "2026-11-21T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis();
    assert_eq!(stage.write(expecting(3, "spelled otherwise", Some(held))).await, applied("7"), "the same version");
    assert_eq!(stage.write(update(4, "77", &[("name", "x")])).await, Outcome::Stale);
    let mut archive = write(5, WriteAction::Archive { id: "7".into() }, &[]);
    archive.expect = vec![(Path::new("name"), Native::Text("Ana".into()))];
    assert_eq!(stage.write(archive.clone()).await, Outcome::Stale);
    archive.expect.clear();
    assert_eq!(stage.write(archive).await, applied("7"));
    assert!(stage.desk.users().is_empty());
}

/// Somebody writes between our look and our write. With `If-Match` that is a lost race; without, it is written over.
#[tokio::test]
async fn if_match_leaves_no_moment_between_look_and_write() {
    for (guarded, outcome, notes) in
        [(true, Outcome::Stale, json!("somebody was here")), (false, applied("7"), json!("ours"))]
    {
        let stage = Stage::with(|users| users.update.as_mut().unwrap().if_match = guarded).await;
        stage.desk.edit(7, &json!({ "notes": "was" }));
        stage.desk.fault(Fault::Overtaken);
        assert_eq!(stage.write(update(1, "7", &[("notes", "ours")])).await, outcome);
        assert_eq!(stage.desk.users()[0]["notes"], notes);
    }
}

#[tokio::test]
async fn a_record_that_is_only_taken_whole_keeps_what_was_not_named() {
    let stage = Stage::with(|users| {
        let update = users.update.as_mut().unwrap();
        update.path = "/users/{id}.json?whole=1".into();
        update.whole = true;
    })
    .await;
    stage.desk.edit(7, &json!({ "email": "ana@acme.test", "user_fields": { "city": "Oakland", "zip": "1" } }));
    assert_eq!(stage.write(update(1, "7", &[("user_fields.zip", "2")])).await, applied("7"));
    let held = &stage.desk.users()[0];
    assert_eq!(
        (&held["email"], &held["user_fields"]),
        (&json!("ana@acme.test"), &json!({ "city": "Oakland", "zip": "2" }))
    );
}

#[tokio::test]
async fn a_create_that_is_repeated_makes_nothing_and_overwrites_nothing() {
    let stage = Stage::set().await;
    assert_eq!(stage.connector.create_safety(), CreateSafety::RemoteKey);
    stage.desk.edit(3, &json!({ "external_id": "key-12" }));
    let made = create(1, "key-1", &[("email", "ana@acme.test")]);
    assert_eq!(stage.write(made.clone()).await, applied("4"), "what only looks alike is not it");
    stage.desk.edit(4, &json!({ "email": "anna@acme.test" }));
    assert_eq!(stage.write(made).await, applied("4"));
    assert_eq!((stage.desk.users().len(), &stage.desk.users()[1]["email"]), (2, &json!("anna@acme.test")));
    let probe = RecordKey { object: "users".into(), id: "key-1".into(), by_create_key: true };
    let found = stage.connector.read_records(&[probe]).await.unwrap().remove(0);
    assert!(matches!(found, ReadAnswer::Found(item) if json(&item)["id"] == 4));
}

#[tokio::test]
async fn what_became_of_a_write_is_told_as_it_is() {
    let stage = Stage::set().await;
    stage.desk.edit(7, &json!({ "name": "Ana" }));
    stage.desk.fault(Fault::Throttled);
    let later = Outcome::Deferred { after: Some(TimeDelta::seconds(7)) };
    assert_eq!(stage.write(update(1, "7", &[("name", "a")])).await, later);
    stage.desk.fault(Fault::Failed);
    assert_eq!(stage.write(update(2, "7", &[("name", "b")])).await, Outcome::Unknown);
    stage.desk.fault(Fault::AnswerLost);
    assert_eq!(stage.write(update(3, "7", &[("name", "c")])).await, Outcome::Unknown);
    assert_eq!(stage.desk.users()[0]["name"], "c");
    stage.desk.fault(Fault::AnswerLost);
    let made = create(4, "key-4", &[("name", "d")]);
    assert_eq!(stage.write(made.clone()).await, Outcome::Unknown);
    assert_eq!(stage.write(made).await, applied("8"), "it was made, and is found");
    assert_eq!(stage.desk.users().len(), 2);
}

#[tokio::test]
async fn a_refusal_tells_the_systems_code_and_no_value() {
    let stage = Stage::set().await;
    let refused = stage.write(create(1, "key-1", &[("email", "ill")])).await;
    assert_eq!(refused, Outcome::Refused { reason: "422 Unprocessable Entity: RecordInvalid".into() });
    let mut elements = update(2, "7", &[]);
    elements.changes.push((Path::new("tags"), Native::Elements(Vec::new())));
    stage.desk.edit(7, &json!({ "name": "Ana" }));
    let Outcome::Refused { reason } = stage.write(elements).await else { panic!("it was sent") };
    assert_eq!(reason.as_str(), "tags: this connector writes no such value");
}

#[tokio::test]
async fn what_is_not_described_is_not_tried() {
    let stage = Stage::with(|users| {
        users.create = None;
        users.delete = None;
    })
    .await;
    stage.desk.edit(7, &json!({ "name": "Ana" }));
    for action in [WriteAction::Create { key: "k".into() }, WriteAction::Archive { id: "7".into() }] {
        assert!(matches!(stage.write(write(1, action, &[])).await, Outcome::Refused { .. }));
    }
    assert_eq!(stage.desk.requests().len(), 0);
}

/// A record that was deleted and is still shown is written no more: it is not what was expected.
#[tokio::test]
async fn a_record_that_is_deleted_and_still_shown_is_not_written() {
    let deleted = |users: &mut Object| {
        users.record.deleted = Some(accordant_rest::Deleted { at: "deleted_at".into(), kept_days: 30 });
    };
    for (value, outcome) in [
        (json!("2026-11-21T07:00:00Z"), Outcome::Stale),
        (json!(true), Outcome::Stale),
        (json!(null), applied("7")),
        (json!(false), applied("7")),
        (json!(0), applied("7")),
        (json!(""), applied("7")),
    ] {
        let stage = Stage::with(deleted).await;
        stage.desk.edit(7, &json!({ "name": "Ana", "deleted_at": value }));
        assert_eq!(stage.write(update(1, "7", &[("name", "Anna")])).await, outcome, "{value}");
    }
}

/// What a system says of a request that it did not take, or not to its end.
#[tokio::test]
async fn a_write_that_waits_or_that_nobody_knows_of_is_told_so() {
    let cases = [
        (408, Outcome::Unknown),
        (423, Outcome::Deferred { after: None }),
        (425, Outcome::Deferred { after: None }),
        (409, Outcome::Stale),
        (422, Outcome::Refused { reason: "422 Unprocessable Entity".into() }),
    ];
    for (status, outcome) in cases {
        let stage = Stage::set().await;
        stage.desk.edit(7, &json!({ "name": "Ana" }));
        stage.desk.fault(Fault::Answered(status));
        assert_eq!(stage.write(update(1, "7", &[("name", "Anna")])).await, outcome, "{status}");
        if status != 409 {
            stage.desk.fault(Fault::Answered(status));
            assert_eq!(stage.write(create(2, "key-1", &[("name", "Bo")])).await, outcome, "a create, {status}");
        }
    }
}
