//! Writes, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::connector::{Connector as _, Outcome, ReadAnswer, RecordKey, WriteAction};
use accordant::model::Path;
use accordant::value::Native;
use accordant_rehearsal::{Altered, json};
use accordant_sandbox::Faults;
use chrono::TimeDelta;
use serde_json::{Value, json};
use support::{Stage, create, over, update, write};

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

#[tokio::test]
async fn a_write_is_answered_with_the_whole_record() {
    let stage = Stage::set().await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test", "note": "a friend" }));
    stage.clock.advance(TimeDelta::seconds(9));
    let change = update(1, &ana, &[("firstName", "Ana"), ("defaultPhoneNumber.phoneNumber", "+12125550100")]);
    let said = stage.connector.write_batch(vec![change]).await.unwrap();
    assert_eq!(said[0].outcome, applied(&ana));
    let record = json(said[0].record.as_ref().unwrap());
    assert_eq!(
        (&record["firstName"], &record["defaultPhoneNumber"]["phoneNumber"]),
        (&json!("Ana"), &json!("+12125550100"))
    );
    let at = chrono::DateTime::parse_from_rfc3339("2026-11-21T08:00:09Z").unwrap().timestamp_millis();
    assert_eq!(said[0].token, Some(at));
    assert_eq!(stage.shop.node("Customer", &ana).unwrap()["note"], "a friend");
}

/// A list in an input replaces the list: an address is changed by its own mutation, and keeps what is not named.
#[tokio::test]
async fn an_address_is_changed_and_not_replaced() {
    let stage = Stage::set().await;
    let ana =
        stage.customer(&json!({ "email": "ana@acme.test", "addresses": [{ "city": "Bonn", "phone": "+49228" }] }));
    let bo = stage.customer(&json!({ "email": "bo@acme.test" }));
    let to = [("defaultAddress.city", "Köln"), ("defaultAddress.countryCodeV2", "DE")];
    let said = stage.connector.write_batch(vec![update(1, &ana, &to), update(2, &bo, &to)]).await.unwrap();
    assert_eq!([&said[0].outcome, &said[1].outcome], [&applied(&ana), &applied(&bo)]);
    let address = |id: &str| stage.shop.node("Customer", id).unwrap()["defaultAddress"].clone();
    let (anas, bos) = (address(&ana), address(&bo));
    assert_eq!(
        [&anas["city"], &anas["countryCodeV2"], &anas["phone"]],
        [&json!("Köln"), &json!("DE"), &json!("+49228")]
    );
    assert_eq!((&bos["city"], &bos["phone"]), (&json!("Köln"), &Value::Null));
}

#[tokio::test]
async fn a_record_that_moved_is_written_only_where_it_holds_what_is_expected() {
    let stage = Stage::set().await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test", "firstName": "Ana" }));
    let expecting = |number, value: &str| {
        let mut write = update(number, &ana, &[("firstName", "Anna")]);
        write.expect = vec![(Path::new("firstName"), Native::Text(value.into()))];
        write.expect_token = Some(1);
        write
    };
    let writes = vec![expecting(1, "Ann"), expecting(2, "Ana"), update(3, "77", &[("firstName", "x")])];
    let said = stage.connector.write_batch(writes).await.unwrap();
    let outcomes: Vec<&Outcome> = said.iter().map(|receipt| &receipt.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Stale, &applied(&ana), &Outcome::Stale]);
}

/// No values are expected of what is deleted: only its version says that nobody came in between.
#[tokio::test]
async fn a_record_that_moved_is_not_deleted() {
    let stage = Stage::set().await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test" }));
    let now = accordant::Clock::now(&*stage.clock);
    let delete = |number, token| {
        let mut write = write(number, WriteAction::Archive { id: ana.as_str().into() }, &[]);
        write.expect_token = Some(token);
        write
    };
    let said = stage.connector.write_batch(vec![delete(1, now - 60_000)]).await.unwrap();
    assert_eq!((&said[0].outcome, stage.shop.ids("Customer").len()), (&Outcome::Stale, 1));
    let said = stage.connector.write_batch(vec![delete(2, now)]).await.unwrap();
    assert_eq!((&said[0].outcome, stage.shop.ids("Customer").len()), (&applied(&ana), 0));
}

#[tokio::test]
async fn a_metafield_is_set_only_where_it_still_is_what_it_was() {
    let stage = Stage::with(|mut settings| {
        let paths = &mut settings.objects.get_mut("customers").unwrap().paths;
        paths.insert(Path::new("metafields.crm.tier"));
        settings
    })
    .await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test" }));
    let set = |number, value: &str, before: Native| {
        let mut write = update(number, &ana, &[("metafields.crm.tier", value)]);
        write.expect = vec![(Path::new("metafields.crm.tier"), before)];
        write
    };
    let text = |text: &str| Native::Text(text.into());
    let first = stage.connector.write_batch(vec![set(1, "gold", Native::Null)]).await.unwrap();
    assert_eq!(first[0].outcome, applied(&ana));
    // Both looked at gold; the one that comes second finds another digest.
    let both =
        stage.connector.write_batch(vec![set(2, "tin", text("gold")), set(3, "iron", text("gold"))]).await.unwrap();
    assert_eq!([&both[0].outcome, &both[1].outcome], [&applied(&ana), &Outcome::Stale]);
    assert_eq!(stage.shop.node("Customer", &ana).unwrap()["metafields"]["crm.tier"]["value"], "tin");
}

#[tokio::test]
async fn a_create_that_is_repeated_makes_nothing_and_overwrites_nothing() {
    let stage = Stage::set().await;
    let changes = [
        ("defaultEmailAddress.emailAddress", "ana@acme.test"),
        ("firstName", "Ana"),
        ("defaultAddress.city", "Bonn"),
        ("defaultAddress.zip", ""),
    ];
    let made = stage.connector.write_batch(vec![create(1, "key-1", &changes)]).await.unwrap();
    let Outcome::Applied { id } = &made[0].outcome else { panic!("{made:?}") };
    assert_eq!(json(made[0].record.as_ref().unwrap())["defaultAddress"]["city"], "Bonn");
    stage.shop.merchant().edits(id, &json!({ "firstName": "Anna" })).unwrap();
    let again = stage.connector.write_batch(vec![create(1, "key-1", &changes)]).await.unwrap();
    assert_eq!(again[0].outcome, applied(id));
    assert_eq!(stage.shop.node("Customer", id).unwrap()["firstName"], "Anna");
    let probe = RecordKey { object: "customers".into(), id: "key-1".into(), by_create_key: true };
    assert!(matches!(&stage.connector.read_records(&[probe]).await.unwrap()[0], ReadAnswer::Found(_)));
    let gone = stage.connector.write_batch(vec![write(5, WriteAction::Archive { id: id.clone() }, &[])]).await.unwrap();
    assert_eq!((&gone[0].outcome, stage.shop.ids("Customer").len()), (&applied(id), 0));
}

#[tokio::test]
async fn a_refusal_inside_a_200_names_the_field_and_no_value() {
    let stage = Stage::set().await;
    stage.customer(&json!({ "email": "taken@acme.test" }));
    let said = stage
        .connector
        .write_batch(vec![
            create(1, "key-1", &[("defaultEmailAddress.emailAddress", "taken@acme.test")]),
            create(2, "key-2", &[("defaultPhoneNumber.phoneNumber", "555")]),
            create(3, "key-3", &[("amountSpent.amount", "9")]),
        ])
        .await
        .unwrap();
    let reasons: Vec<String> = said
        .iter()
        .map(|receipt| match &receipt.outcome {
            Outcome::Refused { reason } => reason.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        reasons,
        ["email TAKEN", "phone INVALID", "amountSpent.amount is nothing that shopify takes of a customer"]
    );
}

/// An error about a field stands beside the data of a mutation that took effect: nobody may say that it was not sent.
#[tokio::test]
async fn a_mutation_whose_record_may_not_be_read_may_have_happened() {
    let stage = Stage::set().await;
    let ana = stage.customer(&json!({ "email": "ana@acme.test" }));
    let unread = Altered::new(|request, answer| {
        if !String::from_utf8_lossy(request.body()).contains("mutation Update") {
            return;
        }
        let mut told: Value = serde_json::from_slice(answer.body()).unwrap();
        told["data"]["did"]["record"]["note"] = Value::Null;
        told["errors"] = json!([{ "path": ["did", "record", "note"], "extensions": { "code": "ACCESS_DENIED" } }]);
        *answer.body_mut() = told.to_string().into();
    });
    let connector = over(&stage.settings, &stage.clock, Arc::new(unread));
    let said = connector.write_batch(vec![update(1, &ana, &[("firstName", "Ana")])]).await.unwrap();
    assert_eq!(said[0].outcome, Outcome::Unknown);
    assert_eq!(stage.shop.node("Customer", &ana).unwrap()["firstName"], "Ana");
}

/// A customer who is found by the key and cannot be read is no customer who is not there: nothing is written over.
#[tokio::test]
async fn a_customer_of_the_key_who_cannot_be_read_is_not_written_over() {
    let stage = Stage::set().await;
    let made = stage.connector.write_batch(vec![create(1, "key-1", &[("firstName", "Ana")])]).await.unwrap();
    let Outcome::Applied { id } = &made[0].outcome else { panic!("{made:?}") };
    let torn = Altered::new(|request, answer| {
        if String::from_utf8_lossy(request.body()).contains("query OfKey") {
            let mut told: Value = serde_json::from_slice(answer.body()).unwrap();
            assert!(told["data"]["found"].is_object());
            told["data"]["found"]["id"] = json!(7);
            *answer.body_mut() = told.to_string().into();
        }
    });
    let connector = over(&stage.settings, &stage.clock, Arc::new(torn));
    let said = connector.write_batch(vec![create(1, "key-1", &[("firstName", "Eva")])]).await.unwrap();
    assert_eq!(said[0].outcome, Outcome::Unknown);
    assert_eq!(stage.shop.node("Customer", id).unwrap()["firstName"], "Ana");
}

/// Whatever is said of a write, it is so.
#[tokio::test]
async fn under_faults_every_receipt_is_true() {
    let stage = Stage::set().await;
    let all = Faults { throttled: 60, failing: 100, unanswered: 150, refused_items: 100, ..Faults::default() };
    let mut ends = [0; 4];
    for round in 0..60u8 {
        stage.shop.faults(all);
        let name = |number: u8| format!("key-{round}-{number}");
        let writes = (0..4).map(|number| create(number, &name(number), &[("firstName", &name(number))])).collect();
        let said = stage.connector.write_batch(writes).await.unwrap();
        stage.shop.faults(Faults::default());
        for (number, receipt) in (0u8..).zip(said) {
            let key = RecordKey { object: "customers".into(), id: name(number).into(), by_create_key: true };
            let there = match &stage.connector.read_records(&[key]).await.unwrap()[0] {
                ReadAnswer::Found(item) => json(item)["id"].as_str().unwrap().rsplit('/').next().map(str::to_owned),
                ReadAnswer::Gone => None,
                other => panic!("{other:?}"),
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
