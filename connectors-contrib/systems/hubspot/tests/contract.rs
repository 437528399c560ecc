//! Every request that the connector sends, and every answer of the sandbox, against HubSpot's own contract: an `OpenAPI`
//! document derived from the vendor's published client. Its path is in `ACCORDANT_HUBSPOT_OPENAPI`; without it the test
//! says that it was skipped, and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};

use accordant::ManualClock;
use accordant_http::{Request, Response, Transport, TransportError};
use accordant_hubspot::{HubSpot, private_app};
use accordant_rehearsal::Asleep;
use accordant_sandbox::{Remote as _, hubspot};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use support::drive;

/// What of JSON Schema an OpenAPI 3.0 document uses.
struct Contract(Value);

impl Contract {
    fn load() -> Option<Self> {
        let Some(path) = std::env::var_os("ACCORDANT_HUBSPOT_OPENAPI") else {
            eprintln!("skipped: ACCORDANT_HUBSPOT_OPENAPI names no contract");
            return None;
        };
        Some(Self(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()))
    }

    /// The operation of a request. A path that is spelled out counts before one with places in it.
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let asked: Vec<&str> = path.split('/').collect();
        let places = |template: &str| template.matches('{').count();
        let fits = |template: &&String| {
            let parts: Vec<&str> = template.split('/').collect();
            parts.len() == asked.len()
                && parts.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked)
        };
        let paths = self.0["paths"].as_object()?;
        let template = paths.keys().filter(fits).min_by_key(|template| places(template))?;
        paths[template].get(method.to_lowercase())
    }

    /// What of a value is not as its schema says.
    fn faults(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        if let Some(name) = schema["$ref"].as_str() {
            let schema = self.0.pointer(name.trim_start_matches('#')).expect("references lead somewhere");
            return self.faults(schema, value, at);
        }
        if value.is_null() && schema["nullable"] == true {
            return Vec::new();
        }
        let wrong = |what: &str| vec![format!("{at}: {what}: {value}")];
        let right = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        if !right {
            return wrong(&format!("is no {}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|one_of| !one_of.contains(value)) {
            return wrong("is none of those allowed");
        }
        if let (Some("date-time"), Some(text)) = (schema["format"].as_str(), value.as_str())
            && chrono::DateTime::parse_from_rfc3339(text).is_err()
        {
            return wrong("is no instant");
        }
        let mut faults = Vec::new();
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(name).is_none() {
                faults.push(format!("{at}: lacks {name}"));
            }
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let known = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
            match known {
                Some(known) if known.is_object() => faults.extend(self.faults(known, member, &format!("{at}.{name}"))),
                Some(_) => {}
                // A member that the contract does not know is one that we made up.
                // The vendor's pages have these in errors; its client does not read them.
                None if at == "answer" && ["status", "errorType", "policyName"].contains(&name.as_str()) => {}
                None if schema["type"] == "object" => faults.push(format!("{at}: has a {name} of its own")),
                None => {}
            }
        }
        for (place, element) in value.as_array().into_iter().flatten().enumerate() {
            faults.extend(self.faults(&schema["items"], element, &format!("{at}[{place}]")));
        }
        faults
    }
}

/// The sandbox without a network, and the contract in between.
struct Between {
    account: accordant_sandbox::HubSpot,
    contract: Contract,
    said: Mutex<Vec<String>>,
    checked: Mutex<std::collections::BTreeSet<String>>,
}

impl Between {
    fn ask(&self, request: &Request) -> Response {
        let (method, path) = (request.method().as_str(), request.uri().path());
        let mut said = Vec::new();
        let operation = self.contract.operation(method, path);
        let json = |body: &Bytes| serde_json::from_slice::<Value>(body).unwrap_or(Value::Null);
        match operation {
            None => said.push("no such operation".to_owned()),
            Some(operation) => {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                if schema.is_object() {
                    said.extend(self.contract.faults(schema, &json(request.body()), "request"));
                } else if !request.body().is_empty() {
                    said.push("takes no body".to_owned());
                }
                let known = operation["parameters"].as_array().cloned().unwrap_or_default();
                for (name, _) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
                    if !known.iter().any(|known| known["in"] == "query" && known["name"] == *name) {
                        said.push(format!("takes no parameter {name}"));
                    }
                }
            }
        }
        let answer = self.account.answer(request).expect("an answer");
        if let Some(operation) = operation {
            let status = answer.status().as_str().to_owned();
            let response = operation["responses"].get(&status).unwrap_or(&operation["responses"]["default"]);
            let schema = &response["content"]["application/json"]["schema"];
            if schema.is_object() {
                said.extend(self.contract.faults(schema, &json(answer.body()), "answer"));
            } else if !answer.body().is_empty() {
                said.push("answers without a body".to_owned());
            }
            self.checked.lock().unwrap().insert(format!("{} {status}", operation["operationId"].as_str().unwrap()));
        }
        let place = format!("{method} {path} {}", answer.status());
        self.said.lock().unwrap().extend(said.into_iter().map(|what| format!("{place}: {what}")));
        answer
    }
}

#[derive(Clone)]
struct Through(Arc<Between>);

#[async_trait]
impl Transport for Through {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        Ok(self.0.ask(&request))
    }
}

#[tokio::test]
async fn every_request_and_every_answer_is_as_the_vendor_says() {
    let Some(contract) = Contract::load() else { return };
    let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let account = accordant_sandbox::HubSpot::new(hubspot::Settings::default(), clock.clone());
    let between = Arc::new(Between { account, contract, said: Mutex::default(), checked: Mutex::default() });
    let settings = support::small_pages();
    let credentials = private_app(&"pat-sandbox".into()).unwrap();
    let asleep = Arc::new(Asleep(clock.clone()));
    let connector = HubSpot::new(settings, Arc::new(Through(between.clone())), credentials, clock.clone(), asleep);

    let ids = drive(&connector, &between.account).await;
    // What other clients ask of the sandbox.
    let ask = |method: &str, path: &str, body: Value| {
        let request = http::Request::builder().method(method).uri(path).header("authorization", "Bearer pat-sandbox");
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        between.ask(&request.body(body).unwrap()).status().as_u16()
    };
    clock.advance(chrono::TimeDelta::minutes(1));
    let company = between.account.person("ana").creates("companies", &json!({ "name": "Acme" })).unwrap();
    let contact = &ids[2];
    let kind = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1 }]);
    let of = |id: &str| json!({ "id": id });
    let upsert = json!({ "inputs": [{ "id": "u@a.test", "idProperty": "email", "properties": { "firstname": "U" } }] });
    let object = json!({ "properties": { "firstname": "Z" } });
    let settings = json!({ "targetUrl": "https://a.test/", "throttling": { "maxConcurrentRequests": 3 } });
    let said = [
        ask("PUT", &format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}"), kind.clone()),
        ask(
            "PUT",
            &format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}"),
            Value::Null,
        ),
        ask("GET", &format!("/crm/v4/objects/contacts/{contact}/associations/companies"), Value::Null),
        ask("POST", "/crm/v4/associations/contacts/companies/batch/read", json!({ "inputs": [of(contact), of("5")] })),
        ask(
            "POST",
            "/crm/v4/associations/contacts/companies/batch/create",
            json!({ "inputs": [{ "from": of(contact), "to": of(&company), "types": kind }] }),
        ),
        ask(
            "POST",
            "/crm/v4/associations/contacts/companies/batch/archive",
            json!({ "inputs": [{ "from": of(contact), "to": [of(&company)] }] }),
        ),
        ask("GET", &format!("/crm/v3/objects/contacts/{contact}?properties=email&associations=companies"), Value::Null),
        ask("POST", "/crm/v3/objects/contacts/batch/upsert", upsert),
        ask("POST", "/crm/v3/objects/contacts", object.clone()),
        ask("PATCH", &format!("/crm/v3/objects/contacts/{contact}"), object),
        ask("POST", "/crm/v3/objects/contacts/merge", json!({ "primaryObjectId": ids[2], "objectIdToMerge": ids[3] })),
        ask("POST", "/crm/v3/objects/contacts/gdpr-delete", json!({ "objectId": "u@a.test", "idProperty": "email" })),
        ask("DELETE", "/crm/v3/objects/contacts/404", Value::Null),
        ask("GET", "/crm/v3/properties/contacts/email", Value::Null),
        ask("PUT", "/webhooks/v3/77001/settings", settings),
        ask("POST", "/webhooks/v3/77001/subscriptions", json!({ "eventType": "contact.creation", "active": true })),
        ask("GET", "/webhooks/v3/77001/subscriptions", Value::Null),
    ];
    assert_eq!(said, [201, 200, 200, 207, 201, 204, 200, 200, 201, 200, 200, 204, 404, 200, 200, 201, 200]);

    let faults = between.said.lock().unwrap();
    assert!(faults.is_empty(), "{} are not:\n{}", faults.len(), faults.join("\n"));
    let checked = between.checked.lock().unwrap();
    assert!(checked.len() >= 28, "{checked:?}");
}
