//! Webhooks: what the sandbox signs is taken, and nothing else is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, OnceLock};

use accordant::ManualClock;
use accordant::connector::{Connector as _, ConnectorErrorKind, Delivery, Says};
use accordant_hubspot::{HubSpot, Settings};
use accordant_sandbox::{Remote as _, hubspot};
use bytes::Bytes;
use chrono::TimeDelta;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::connector;

struct Wired {
    account: accordant_sandbox::HubSpot,
    connector: HubSpot,
    clock: Arc<ManualClock>,
}

impl Wired {
    /// An account of this portal that tells of everything, and our connector to portal 4242001.
    fn new(portal: u64) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let settings = hubspot::Settings { portal, ..Default::default() };
        let account = accordant_sandbox::HubSpot::new(settings, clock.clone());
        let ask = |method: &str, path: &str, body: Value| {
            let request = Request::builder().method(method).uri(path).header("authorization", "Bearer pat-sandbox");
            let answer = account.answer(&request.body(Bytes::from(body.to_string())).unwrap()).unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
        };
        let target = "https://hooks.acme.test/in/hubspot?tenant=acme%20inc";
        let throttling = json!({ "maxConcurrentRequests": 5 });
        ask("PUT", "/webhooks/v3/77001/settings", json!({ "targetUrl": target, "throttling": throttling }));
        for event in ["creation", "deletion", "merge", "restore", "privacyDeletion"] {
            let body = json!({ "eventType": format!("contact.{event}"), "active": true });
            ask("POST", "/webhooks/v3/77001/subscriptions", body);
        }
        let body = json!({ "eventType": "contact.propertyChange", "propertyName": "email", "active": true });
        ask("POST", "/webhooks/v3/77001/subscriptions", body);
        let mut ours = Settings::new(4_242_001);
        ours.objects.insert("contacts".into(), accordant_hubspot::Object::new("contacts"));
        ours.webhook_secrets = vec!["hubspot-client-secret".into(), "the-former-one".into()];
        ours.public_address = Some("https://hooks.acme.test/in".parse().unwrap());
        Self { connector: connector(&ours, &clock), account, clock }
    }

    /// What is due, as it arrives behind a proxy that takes off host and `/in`.
    fn due(&self) -> Vec<Delivery> {
        let behind = |mut request: Delivery| {
            *request.uri_mut() = "/hubspot?tenant=acme%20inc".parse().unwrap();
            request
        };
        self.account.due().into_iter().map(|outgoing| behind(outgoing.request)).collect()
    }
}

#[test]
fn every_event_says_what_happened_to_which_record() {
    let wired = Wired::new(4_242_001);
    let ana = wired.account.person("ana");
    let one = ana.creates("contacts", &json!({ "email": "one@acme.test" })).unwrap();
    let two = ana.creates("contacts", &json!({ "email": "two@acme.test" })).unwrap();
    let three = ana.creates("contacts", &json!({})).unwrap();
    ana.archives("contacts", &three).unwrap();
    ana.restores("contacts", &three).unwrap();
    let merged = ana.merges("contacts", &one, &two).unwrap();
    let deliveries = wired.due();
    assert_eq!(deliveries.len(), 1);
    let verified = wired.connector.verify(&deliveries[0]).unwrap();
    let says: Vec<Says> = verified.items.into_iter().map(|item| item.says).collect();
    let hint = |id: &str| Says::Hint { id: id.into() };
    let expected = [
        hint(&one),
        hint(&one),
        hint(&two),
        hint(&two),
        hint(&three),
        Says::Deleted { id: three.as_str().into() },
        hint(&three),
        Says::Merged { survivor: merged.as_str().into(), losers: vec![one.as_str().into(), two.as_str().into()] },
    ];
    assert_eq!(says, expected);
    assert!(verified.reply.status().is_success() && verified.delivery_id.is_none());
}

#[test]
fn events_of_other_portals_in_the_same_batch_are_not_ours() {
    let (ours, theirs) = (Wired::new(4_242_001), Wired::new(9));
    theirs.account.person("eve").creates("contacts", &json!({ "email": "eve@other.test" })).unwrap();
    let denied = ours.connector.verify(&theirs.due()[0]).unwrap_err();
    assert_eq!(denied.kind, ConnectorErrorKind::Denied, "well signed, and of another tenant");
}

#[test]
fn an_address_with_escapes_may_be_signed_as_it_is_documented() {
    use base64::Engine as _;
    let wired = Wired::new(4_242_001);
    let body = json!([{ "portalId": 4_242_001, "subscriptionType": "contact.creation", "objectId": 5 }]).to_string();
    let sent = "1795248000000";
    let now: chrono::DateTime<chrono::Utc> = chrono::DateTime::from_timestamp_millis(sent.parse().unwrap()).unwrap();
    wired.clock.set(now);
    let sign = |address: &str| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"the-former-one");
        let tag = ring::hmac::sign(&key, format!("POST{address}{body}{sent}").as_bytes());
        Request::post("/h?to=a%3Ab%2fc")
            .header("x-hubspot-signature-v3", base64::engine::general_purpose::STANDARD.encode(tag))
            .header("x-hubspot-request-timestamp", sent)
            .body(Bytes::from(body.clone()))
            .unwrap()
    };
    let base = "https://hooks.acme.test/in/h?to=";
    for (address, taken) in [("a%3Ab%2fc", true), ("a:b/c", true), ("a:b%2fc", false)] {
        assert_eq!(wired.connector.verify(&sign(&format!("{base}{address}"))).is_ok(), taken, "{address}");
    }
}

/// A delivery that is well signed, of each kind.
fn originals() -> &'static [Delivery] {
    static ORIGINALS: OnceLock<Vec<Delivery>> = OnceLock::new();
    ORIGINALS.get_or_init(|| {
        let wired = Wired::new(4_242_001);
        let ana = wired.account.person("ana");
        let mut all = Vec::new();
        for number in 0..5 {
            let id = ana.creates("contacts", &json!({ "email": format!("n{number}@acme.test") })).unwrap();
            if number % 2 == 0 {
                ana.archives("contacts", &id).unwrap();
            }
            all.extend(wired.due());
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Mutated, replayed, stale, from the future, of another tenant: none is taken.
    #[test]
    fn no_forged_delivery_is_taken(
        which in 0usize..5,
        how in 0u8..9,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        minutes in 6i64..100_000,
        text in "[ -~]{0,50}",
    ) {
        static OURS: OnceLock<Wired> = OnceLock::new();
        static THEIRS: OnceLock<Delivery> = OnceLock::new();
        let ours = OURS.get_or_init(|| Wired::new(4_242_001));
        let original = &originals()[which];
        let at = chrono::DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z").unwrap().to_utc();
        let mut forged = original.clone();
        let header = |text: &str| http::HeaderValue::from_str(text).unwrap();
        // Each case has the clock to itself: proptest runs them one after the other.
        ours.clock.set(at);
        prop_assert!(ours.connector.verify(original).is_ok());
        match how {
            0 => {
                let mut body = forged.body().to_vec();
                let place = place.index(body.len());
                if body[place] == byte { return Ok(()) }
                body[place] = byte;
                *forged.body_mut() = body.into();
            }
            1 => {
                let cut = place.index(forged.body().len());
                *forged.body_mut() = forged.body().slice(..cut);
            }
            2 => { forged.headers_mut().insert("x-hubspot-signature-v3", header(&text)); }
            3 => { forged.headers_mut().insert("x-hubspot-request-timestamp", header(&(at.timestamp_millis() + minutes).to_string())); }
            4 => { forged.headers_mut().remove("x-hubspot-signature-v3"); }
            5 => ours.clock.set(at + TimeDelta::minutes(minutes)),
            6 => ours.clock.set(at - TimeDelta::minutes(minutes)),
            7 => *forged.uri_mut() = "/hubspot?tenant=other".parse().unwrap(),
            _ => forged = THEIRS.get_or_init(|| {
                let theirs = Wired::new(9);
                theirs.account.person("eve").creates("contacts", &json!({})).unwrap();
                theirs.due().remove(0)
            }).clone(),
        }
        let refused = ours.connector.verify(&forged).unwrap_err();
        prop_assert_eq!(refused.kind, ConnectorErrorKind::Denied);
    }
}
