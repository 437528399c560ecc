//! The HubSpot account, as a client meets it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use accordant::ManualClock;
use accordant_http::{ReqwestTransport, Settings as Wire, Transport as _};
use accordant_sandbox::{Faults, HubSpot, Remote, deliver, hubspot, serve};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::TimeDelta;
use http::Request;
use ring::hmac;
use serde_json::{Value, json};

struct Account {
    remote: Arc<HubSpot>,
    clock: Arc<ManualClock>,
}

impl Account {
    fn new() -> Self {
        Self::with(hubspot::Settings::default())
    }

    fn with(settings: hubspot::Settings) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        Self { remote: Arc::new(HubSpot::new(settings, clock.clone())), clock }
    }

    /// Status and body of the answer.
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(format!("http://hubspot.test{path}"))
            .header("authorization", "Bearer pat-sandbox")
            .body(body)
            .unwrap();
        let answer = self.remote.answer(&request).expect("an answer");
        let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        (answer.status().as_u16(), body)
    }

    fn contact(&self, email: &str) -> String {
        self.remote.person("ana").creates("contacts", &json!({ "email": email })).unwrap()
    }

    fn search(&self, body: &Value) -> Vec<String> {
        let (status, body) = self.ask("POST", "/crm/v3/objects/contacts/search", body);
        assert_eq!(status, 200, "{body}");
        ids(&body)
    }
}

fn ids(body: &Value) -> Vec<String> {
    body["results"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_record_is_made_read_changed_archived_listed_and_restored() {
    let account = Account::new();
    let (status, made) =
        account.ask("POST", "/crm/v3/objects/contacts", &json!({ "properties": { "email": "Ana@Acme.test" } }));
    assert_eq!((status, made["properties"]["email"].as_str()), (201, Some("ana@acme.test")));
    let at = format!("/crm/v3/objects/contacts/{}", made["id"].as_str().unwrap());
    account.clock.advance(TimeDelta::seconds(5));
    assert_eq!(account.ask("PATCH", &at, &json!({ "properties": { "firstname": "Ana", "company": "" } })).0, 200);
    let (_, read) = account.ask("GET", &format!("{at}?properties=firstname,company,nosuch"), &Value::Null);
    assert_eq!(read["properties"]["firstname"], "Ana");
    assert_eq!(read["properties"]["company"], Value::Null);
    assert!(!read["properties"].as_object().unwrap().contains_key("nosuch"), "{read}");
    assert_eq!(read["updatedAt"], "2026-11-21T08:00:05.000Z");
    assert_eq!(account.ask("DELETE", &at, &Value::Null).0, 204);
    assert_eq!(account.ask("GET", &at, &Value::Null).0, 404);
    let (_, archived) = account.ask("GET", "/crm/v3/objects/contacts?archived=true", &Value::Null);
    assert_eq!((ids(&archived).len(), &archived["results"][0]["archived"]), (1, &json!(true)));
    account.remote.person("ana").restores("contacts", made["id"].as_str().unwrap()).unwrap();
    assert_eq!(account.ask("GET", &at, &Value::Null).0, 200);
}

#[test]
fn values_that_properties_do_not_take_are_refused_by_name() {
    let account = Account::new();
    account.remote.define("contacts", "tier", &["gold", "tin"]);
    let cases = [
        (json!({ "nosuch": "1" }), 400, "PROPERTY_DOESNT_EXIST"),
        (json!({ "email": "ana" }), 400, "INVALID_EMAIL"),
        (json!({ "tier": "wood" }), 400, "INVALID_OPTION"),
        (json!({ "createdate": "2026-01-01" }), 400, "READ_ONLY_VALUE"),
        (json!({ "associatedcompanyid": "acme" }), 400, "INVALID_NUMBER"),
        (json!({ "email": "taken@acme.test" }), 409, "UNIQUE_VALUE_TAKEN"),
    ];
    account.contact("taken@acme.test");
    for (values, status, code) in cases {
        let (said, body) = account.ask("POST", "/crm/v3/objects/contacts", &json!({ "properties": values }));
        assert_eq!((said, body["errors"][0]["code"].as_str()), (status, Some(code)), "{body}");
    }
    assert_eq!(account.remote.ids("contacts").len(), 1);
}

#[test]
fn a_batch_is_answered_item_by_item() {
    let account = Account::new();
    let known = account.contact("known@acme.test");
    let input = |trace: &str, email: &str| json!({ "objectWriteTraceId": trace, "properties": { "email": email } });
    let batch = json!({ "inputs": [input("a", "new@acme.test"), input("b", "known@acme.test"), input("c", "ill")] });
    let (status, body) = account.ask("POST", "/crm/v3/objects/contacts/batch/create", &batch);
    assert_eq!((status, body["numErrors"].as_u64()), (207, Some(2)));
    assert_eq!(body["results"][0]["objectWriteTraceId"], "a");
    assert_eq!(body["errors"][0]["context"]["objectWriteTraceId"], json!(["b"]));

    let untraced =
        json!({ "inputs": [{ "properties": { "email": "fine@acme.test" } }, { "properties": { "email": "ill" } }] });
    assert_eq!(account.ask("POST", "/crm/v3/objects/contacts/batch/create", &untraced).0, 400);
    assert_eq!(account.remote.ids("contacts").len(), 2, "without names for items none is taken");

    let read =
        json!({ "inputs": [{ "id": known }, { "id": "9" }], "properties": ["email"], "propertiesWithHistory": [] });
    let (status, body) = account.ask("POST", "/crm/v3/objects/contacts/batch/read", &read);
    assert_eq!((status, ids(&body), &body["errors"][0]["context"]["ids"]), (207, vec![known], &json!(["9"])));

    let many: Vec<Value> = (0..101).map(|id| json!({ "id": id.to_string() })).collect();
    assert_eq!(account.ask("POST", "/crm/v3/objects/contacts/batch/archive", &json!({ "inputs": many })).0, 400);
}

#[test]
fn an_upsert_finds_by_a_unique_property_and_says_whether_it_made_anything() {
    let account = Account::new();
    let input = |name: &str| json!({ "inputs": [{ "id": "ana@acme.test", "idProperty": "email", "properties": { "firstname": name } }] });
    for (name, new) in [("Ana", true), ("Anna", false)] {
        let (status, body) = account.ask("POST", "/crm/v3/objects/contacts/batch/upsert", &input(name));
        assert_eq!((status, &body["results"][0]["new"]), (200, &json!(new)), "{body}");
    }
    assert_eq!(account.remote.ids("contacts").len(), 1);
}

#[test]
fn merged_records_get_a_new_id_and_both_old_ones_lead_there() {
    let account = Account::new();
    let (one, other) = (account.contact("one@acme.test"), account.contact("other@acme.test"));
    let body = json!({ "primaryObjectId": one, "objectIdToMerge": other });
    let (status, merged) = account.ask("POST", "/crm/v3/objects/contacts/merge", &body);
    let id = merged["id"].as_str().unwrap();
    assert!(status == 200 && id != one && id != other, "{merged}");
    for old in [&one, &other] {
        let path = format!("/crm/v3/objects/contacts/{old}?properties=email,hs_merged_object_ids");
        let (_, read) = account.ask("GET", &path, &Value::Null);
        assert_eq!((&read["id"], &read["properties"]["email"]), (&json!(id), &json!("one@acme.test")));
        assert_eq!(read["properties"]["hs_merged_object_ids"], format!("{one};{other}"));
    }
}

#[test]
fn searches_filter_sort_and_page_up_to_ten_thousand() {
    let account =
        Account::with(hubspot::Settings { searches_per_second: 1_000, per_ten_seconds: 1_000, ..Default::default() });
    for number in 0..10_050 {
        account.remote.person("import").creates("contacts", &json!({ "firstname": format!("n{number}") })).unwrap();
    }
    let instant = json!({ "filters": [{ "propertyName": "lastmodifieddate", "operator": "GTE", "value": "0" }] });
    let page = |after: usize| {
        let body =
            json!({ "filterGroups": [instant], "sorts": ["hs_object_id"], "limit": 200, "after": after.to_string() });
        account.ask("POST", "/crm/v3/objects/contacts/search", &body)
    };
    let (_, first) = page(0);
    assert_eq!((&first["total"], &first["paging"]["next"]["after"]), (&json!(10_050), &json!("200")));
    assert_eq!((page(9_800).0, page(9_801).0), (200, 400));

    let filtered =
        |filters: Value| account.search(&json!({ "filterGroups": [{ "filters": filters }], "limit": 200 })).len();
    let of =
        |name: &str, operator: &str, value: &str| json!({ "propertyName": name, "operator": operator, "value": value });
    assert_eq!(filtered(json!([of("firstname", "EQ", "n7")])), 1);
    assert_eq!(filtered(json!([of("hs_object_id", "GT", "11049")])), 1, "as a number");
    assert_eq!(filtered(json!([of("hs_object_id", "LTE", "1002"), of("firstname", "NEQ", "n0")])), 1);
    assert_eq!(filtered(json!([{ "propertyName": "firstname", "operator": "IN", "values": ["n1", "n2"] }])), 2);
    assert_eq!(filtered(json!([{ "propertyName": "email", "operator": "HAS_PROPERTY" }])), 0);
}

#[test]
fn what_changes_becomes_visible_to_searches_late_and_to_reads_at_once() {
    let account = Account::new();
    account.remote.faults(Faults { index_lag: TimeDelta::minutes(30), ..Faults::default() });
    let id = account.contact("ana@acme.test");
    let all = json!({ "limit": 200 });
    assert!(account.search(&all).is_empty());
    assert_eq!(account.ask("GET", &format!("/crm/v3/objects/contacts/{id}"), &Value::Null).0, 200);
    account.clock.advance(TimeDelta::minutes(30));
    assert_eq!(account.search(&all), std::slice::from_ref(&id));
    account.remote.person("ana").archives("contacts", &id).unwrap();
    assert_eq!(account.search(&all), [id], "what is gone is seen for a while");
    account.clock.advance(TimeDelta::minutes(30));
    assert!(account.search(&all).is_empty());
}

#[test]
fn too_many_requests_are_refused_by_the_policy_that_they_break() {
    let account = Account::with(hubspot::Settings {
        per_ten_seconds: 6,
        searches_per_second: 2,
        per_day: 9,
        ..Default::default()
    });
    let search = || account.ask("POST", "/crm/v3/objects/contacts/search", &json!({}));
    let list = || account.ask("GET", "/crm/v3/objects/contacts", &Value::Null);
    assert_eq!([search().0, search().0], [200, 200]);
    assert_eq!(search().1["policyName"], "SECONDLY");
    assert_eq!([list().0, list().0, list().0], [200, 200, 200]);
    assert_eq!((list().0, &list().1["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    account.clock.advance(TimeDelta::seconds(10));
    let day: Vec<u16> = (0..5).map(|_| list().0).collect();
    assert_eq!(day, [200, 200, 200, 200, 429]);
    assert_eq!(list().1["policyName"], "DAILY");
    let [all, searches] = account.remote.traffic();
    assert_eq!((all.most, all.limit, searches.refused), (6, 6, 1));
}

#[test]
fn associations_are_seen_from_both_ends_and_follow_a_merge() {
    let account = Account::new();
    let (one, other) = (account.contact("one@acme.test"), account.contact("other@acme.test"));
    let company = account.remote.person("ana").creates("companies", &json!({ "name": "Acme" })).unwrap();
    let put = format!("/crm/v4/objects/contacts/{one}/associations/companies/{company}");
    let kind = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1 }]);
    assert_eq!(account.ask("PUT", &put, &kind).0, 201);
    let merged = account.remote.person("ana").merges("contacts", &one, &other).unwrap();
    let (_, found) =
        account.ask("GET", &format!("/crm/v4/objects/companies/{company}/associations/contacts"), &Value::Null);
    assert_eq!(found["results"][0]["toObjectId"], merged);
    let read = json!({ "inputs": [{ "id": merged }] });
    let (_, found) = account.ask("POST", "/crm/v4/associations/contacts/companies/batch/read", &read);
    assert_eq!(found["results"][0]["to"][0]["toObjectId"], company);
    let path = format!("/crm/v3/objects/contacts/{merged}?associations=companies");
    assert_eq!(account.ask("GET", &path, &Value::Null).1["associations"]["companies"]["results"][0]["id"], company);
}

/// A server of the test's own, that signs nothing and checks everything.
#[derive(Debug, Default)]
struct Receiver {
    taken: std::sync::Mutex<Vec<(Request<Bytes>, Value)>>,
    refuses: std::sync::atomic::AtomicBool,
}

impl Remote for Receiver {
    fn answer(&self, request: &Request<Bytes>) -> Option<http::Response<Bytes>> {
        if self.refuses.load(std::sync::atomic::Ordering::SeqCst) {
            return None;
        }
        let body = serde_json::from_slice(request.body()).unwrap();
        self.taken.lock().unwrap().push((request.clone(), body));
        Some(http::Response::new(Bytes::new()))
    }
    fn due(&self) -> Vec<accordant_sandbox::Outgoing> {
        Vec::new()
    }
    fn answered(&self, _: accordant_sandbox::Outgoing, _: bool) {}
    fn next_due(&self) -> Option<i64> {
        None
    }
    fn sent(&self) -> accordant_sandbox::Sent {
        accordant_sandbox::Sent::default()
    }
}

#[tokio::test]
async fn webhooks_are_signed_batched_and_sent_again_for_a_day() {
    let account = Account::new();
    let receiver = Arc::new(Receiver::default());
    let served = serve(receiver.clone(), 0).await.unwrap();
    let target = format!("{}/hooks?tenant=acme", served.base);
    let settings = json!({ "targetUrl": target, "throttling": { "maxConcurrentRequests": 5 } });
    assert_eq!(account.ask("PUT", "/webhooks/v3/77001/settings", &settings).0, 200);
    for (event, property) in [("contact.creation", None), ("contact.propertyChange", Some("email"))] {
        let mut body = json!({ "eventType": event, "active": true });
        if let Some(property) = property {
            body["propertyName"] = property.into();
        }
        assert_eq!(account.ask("POST", "/webhooks/v3/77001/subscriptions", &body).0, 201);
    }
    account.remote.person("ana").creates("contacts", &json!({ "email": "ana@acme.test", "firstname": "Ana" })).unwrap();

    let transport = ReqwestTransport::new(Wire::default()).unwrap();
    receiver.refuses.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(deliver(account.remote.as_ref(), &transport).await, 1, "both events in one request");
    assert_eq!(deliver(account.remote.as_ref(), &transport).await, 0, "not before the wait is over");
    receiver.refuses.store(false, std::sync::atomic::Ordering::SeqCst);
    account.clock.advance(TimeDelta::minutes(1));
    assert_eq!(deliver(account.remote.as_ref(), &transport).await, 1);

    let taken = receiver.taken.lock().unwrap();
    let (request, events) = taken.first().unwrap();
    assert_eq!(events.as_array().unwrap().len(), 2, "the first name was not asked for");
    assert_eq!((&events[1]["propertyName"], &events[1]["attemptNumber"]), (&json!("email"), &json!(1)));
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    let message =
        [b"POST", target.as_bytes(), request.body(), header("x-hubspot-request-timestamp").as_bytes()].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"hubspot-client-secret");
    let tag = STANDARD.decode(header("x-hubspot-signature-v3")).unwrap();
    assert!(hmac::verify(&key, &message, &tag).is_ok());
    assert_eq!((account.remote.sent().accepted, account.remote.sent().refused), (1, 1));
}

#[tokio::test]
async fn webhooks_that_nobody_takes_are_given_up() {
    let account = Account::new();
    let settings = json!({ "targetUrl": "http://127.0.0.1:1/", "throttling": { "maxConcurrentRequests": 5 } });
    account.ask("PUT", "/webhooks/v3/77001/settings", &settings);
    account.ask(
        "POST",
        "/webhooks/v3/77001/subscriptions",
        &json!({ "eventType": "contact.creation", "active": true }),
    );
    account.contact("ana@acme.test");
    let transport = ReqwestTransport::new(Wire::default()).unwrap();
    while account.remote.next_due().is_some() {
        deliver(account.remote.as_ref(), &transport).await;
        account.clock.advance(TimeDelta::hours(1));
    }
    assert_eq!((account.remote.sent().refused, account.remote.sent().given_up), (10, 1));
}

#[test]
fn faults_of_a_seed_are_the_same_every_time() {
    let run = || {
        let account = Account::with(hubspot::Settings { per_ten_seconds: 500, ..Default::default() });
        account.remote.faults(Faults { throttled: 100, failing: 100, unanswered: 100, ..Faults::default() });
        let request = |number: usize| {
            Request::post("http://hubspot.test/crm/v3/objects/contacts")
                .header("authorization", "Bearer pat-sandbox")
                .body(Bytes::from(json!({ "properties": { "email": format!("n{number}@acme.test") } }).to_string()))
                .unwrap()
        };
        let said: Vec<Option<u16>> = (0..300)
            .map(|number| account.remote.answer(&request(number)).map(|answer| answer.status().as_u16()))
            .collect();
        (said, account.remote.ids("contacts").len())
    };
    let (said, made) = run();
    assert_eq!(run(), (said.clone(), made));
    let count = |status: Option<u16>| said.iter().filter(|said| **said == status).count();
    assert!(count(Some(429)) > 10 && count(Some(503)) > 10 && count(None) > 10, "{said:?}");
    assert_eq!(made, count(Some(201)) + count(None), "what was not answered has happened, what was refused has not");
}

#[tokio::test]
async fn the_account_answers_on_loopback() {
    let account = Account::new();
    let served = serve(account.remote.clone(), 0).await.unwrap();
    let transport = ReqwestTransport::new(Wire::default()).unwrap();
    let ask = |token: &str| {
        let request = Request::get(format!("{}/crm/v3/objects/contacts", served.base));
        request.header("authorization", format!("Bearer {token}")).body(Bytes::new()).unwrap()
    };
    assert_eq!(transport.send(ask("pat-sandbox")).await.unwrap().status(), 200);
    assert_eq!(transport.send(ask("other")).await.unwrap().status(), 401);
}
