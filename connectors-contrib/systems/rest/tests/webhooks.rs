//! Webhooks: signed or refused, and never more than a hint.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Connector as _, ConnectorErrorKind, Delivery, Says};
use accordant_http::{ReqwestTransport, SecretString};
use accordant_rehearsal::Asleep;
use accordant_rest::{Description, Rest};
use bytes::Bytes;
use ring::hmac;

const WEBHOOKS: &str = r#"
[webhooks]
header = "X-Hub-Signature-256"
prefix = "sha256="
delivery_id = "X-Delivery"
events = "events"
object = "kind"
id = "user.id"
objects = { person = "users" }
"#;

fn connector() -> Rest {
    let text = format!("{}{WEBHOOKS}", include_str!("fourth/zendesk.toml"));
    let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let transport = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
    let sleep = Arc::new(Asleep(clock.clone()));
    let description = Description::parse(&text).unwrap();
    let rest = Rest::new(description, &SecretString::from("t"), transport, clock, sleep).unwrap();
    rest.receiving(&SecretString::from("new"), Some(&SecretString::from("former"))).unwrap()
}

fn signed(secret: &str, id: &str, body: &str) -> Delivery {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    http::Request::post("/hooks")
        .header("x-hub-signature-256", format!("sha256={tag}"))
        .header("x-delivery", id)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

const BODY: &str = r#"{"events":[{"kind":"person","user":{"id":7,"email":"x"}},{"kind":"group","id":1}]}"#;

#[test]
fn a_signed_webhook_names_records_to_read() {
    for secret in ["new", "former"] {
        let verified = connector().verify(&signed(secret, "d1", BODY)).unwrap();
        let said: Vec<_> = verified.items.iter().map(|item| (item.surface.as_str(), &item.says)).collect();
        assert_eq!(said, [("users.webhooks", &Says::Hint { id: "7".into() })]);
    }
}

/// A header is not signed: whoever sends another delivery under an id that is to come does not keep the real one out.
#[test]
fn an_id_marks_a_repetition_only_together_with_what_it_marks() {
    let id = |delivery| connector().verify(&delivery).unwrap().delivery_id.unwrap();
    let other = r#"{"events":[]}"#;
    assert_eq!(id(signed("new", "d1", BODY)), id(signed("new", "d1", BODY)));
    assert_ne!(id(signed("new", "d1", BODY)), id(signed("new", "d1", other)));
    assert_ne!(id(signed("new", "d1", BODY)), id(signed("new", "d2", BODY)));
}

#[test]
fn what_is_not_signed_or_not_shaped_is_refused() {
    let refused = |delivery| connector().verify(&delivery).unwrap_err().kind;
    let mut changed = signed("new", "d1", BODY);
    *changed.body_mut() = Bytes::from_static(br#"{"events":[]}"#);
    assert_eq!(refused(changed), ConnectorErrorKind::Denied);
    assert_eq!(refused(signed("other", "d1", BODY)), ConnectorErrorKind::Denied);
    for body in ["", "[", r#"{"events":7}"#, r#"{"events":[{"kind":"person"}]}"#, r#"{"events":[{}]}"#] {
        assert_eq!(refused(signed("new", "d1", body)), ConnectorErrorKind::Malformed, "{body}");
    }
}

#[test]
fn without_a_secret_nothing_is_let_in() {
    let text = format!("{}{WEBHOOKS}", include_str!("fourth/zendesk.toml"));
    let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let transport = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
    let sleep = Arc::new(Asleep(clock.clone()));
    let rest =
        Rest::new(Description::parse(&text).unwrap(), &SecretString::from("t"), transport, clock, sleep).unwrap();
    assert_eq!(rest.verify(&signed("new", "d1", BODY)).unwrap_err().kind, ConnectorErrorKind::Denied);
}
