//! The sink against a receiver that answers from a script, verifies what it is sent, and keeps it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use accordant::alert::{Alert, AlertSink as _, Change, Measure, Severity, Threshold};
use accordant::chrono::TimeDelta;
use accordant::{Clock, ManualClock};
use accordant_alert_webhook::{SettingError, Webhook};
use accordant_http::{
    Encoding, Request, Response, Secrets, Signature, Sleep, Transport, TransportError, TransportErrorKind, Verifier,
    sleep_with,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::executor::block_on;
use http::HeaderName;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Answer = Result<Response, TransportErrorKind>;

/// The other side.
#[derive(Default)]
struct Receiver {
    answers: Mutex<VecDeque<Answer>>,
    heard: Mutex<Vec<Request>>,
    hangs: bool,
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        self.heard.lock().unwrap().push(request);
        if self.hangs {
            std::future::pending::<()>().await;
        }
        let answer = self.answers.lock().unwrap().pop_front().expect("an answer for every request");
        answer.map_err(|kind| TransportError::new(kind, &method, &uri))
    }
}

fn answers(status: u16) -> Answer {
    Ok(http::Response::builder().status(status).body(Bytes::new()).unwrap())
}

fn later(status: u16, seconds: u32) -> Answer {
    let answer = http::Response::builder().status(status).header("retry-after", seconds);
    Ok(answer.body(Bytes::new()).unwrap())
}

struct World {
    clock: Arc<ManualClock>,
    receiver: Arc<Receiver>,
    slept: Arc<Mutex<Vec<i64>>>,
    sink: Webhook,
}

impl World {
    fn of(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::with(Receiver { answers: Mutex::new(script.into_iter().collect()), ..Receiver::default() })
    }

    fn with(receiver: Receiver) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let receiver = Arc::new(receiver);
        let slept = Arc::new(Mutex::new(Vec::new()));
        let (timer, noted) = (Arc::clone(&clock), Arc::clone(&slept));
        let sleep: Arc<dyn Sleep> = Arc::new(sleep_with(move |time: TimeDelta| {
            timer.advance(time);
            noted.lock().unwrap().push(time.num_milliseconds());
            std::future::ready(())
        }));
        let address = "https://pager.example:8443/hooks/T0K3N?key=canary";
        let (to, at): (Arc<dyn Transport>, Arc<dyn Clock>) = (receiver.clone(), clock.clone());
        let sink = Webhook::new(address, &SECRET.into(), to, at, sleep).unwrap();
        Self { clock, receiver, slept, sink }
    }

    fn tell(&self) -> Result<(), String> {
        self.tell_of(1_200, self.clock.now())
    }

    fn tell_of(&self, value: u64, at: i64) -> Result<(), String> {
        let queue = Threshold::new(Measure::Queue, Severity::Critical, 1_000).unwrap();
        let place = ("acme".into(), "crm".into());
        let alert = Alert::new(place, &queue, Change::Raised, value, at);
        block_on(self.sink.tell(&alert)).map_err(|error| error.to_string())
    }

    fn heard(&self) -> Vec<Request> {
        std::mem::take(&mut *self.receiver.heard.lock().unwrap())
    }

    fn slept(&self) -> Vec<i64> {
        std::mem::take(&mut *self.slept.lock().unwrap())
    }
}

fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers().get(name).unwrap().to_str().unwrap()
}

#[test]
fn an_alert_is_one_signed_request_that_says_what_and_where() {
    let world = World::of([answers(204)]);
    world.tell().unwrap();
    let heard = world.heard();
    let request = heard.first().unwrap();
    assert_eq!((heard.len(), request.method().as_str()), (1, "POST"));
    assert_eq!(header(request, "content-type"), "application/json");
    let said: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let (raised, text) = (&said["change"], &said["text"]);
    assert_eq!((raised, text), (&"raised".into(), &"acme: critical: queue of crm is 1200, over 1000".into()));
    assert_eq!((&said["connection"], &said["value"], &said["limit"]), (&"crm".into(), &1200.into(), &1000.into()));

    // As a receiver verifies it that knows the scheme and the bytes of the secret.
    let scheme = Signature {
        message: |delivery, _| {
            let of = |name: &str| delivery.headers().get(name).unwrap().to_str().unwrap().to_owned();
            let mut message = format!("{}.{}.", of("webhook-id"), of("webhook-timestamp")).into_bytes();
            message.extend_from_slice(delivery.body());
            Cow::Owned(message)
        },
        ..Signature::of_body("webhook-signature", Encoding::Base64)
    };
    // The tests of the crate hold the bytes of this secret against the published signature; here they are text.
    let text = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh";
    let sink = {
        let (to, at): (Arc<dyn Transport>, Arc<dyn Clock>) = (world.receiver.clone(), world.clock.clone());
        Webhook::new("http://pager.example", &text.into(), to, at, Arc::new(sleep_with(|_| std::future::ready(()))))
            .unwrap()
    };
    world.receiver.answers.lock().unwrap().push_back(answers(200));
    let world = World { sink, ..world };
    world.tell().unwrap();
    let heard = world.heard();
    let verifier = Verifier::new(scheme, Secrets::new(&"aaaaaaaaaaaaaaaaaaaaaaaa".into()));
    let verifier = verifier.in_header(HeaderName::from_static("webhook-signature"), "v1,");
    assert!(verifier.verify(heard.first().unwrap(), world.clock.now()).is_ok());
    let mut tampered = heard.first().unwrap().clone();
    *tampered.body_mut() = Bytes::from_static(b"{}");
    assert!(verifier.verify(&tampered, world.clock.now()).is_err());
    assert_eq!(header(&tampered, "webhook-timestamp"), (world.clock.now() / 1000).to_string());
}

#[test]
fn who_does_not_answer_is_asked_again_under_the_same_id_and_no_more_than_so_often() {
    let world = World::of([Err(TransportErrorKind::NotSent), answers(503), answers(200)]);
    world.tell().unwrap();
    assert_eq!(world.slept(), [500, 1000]);
    let heard = world.heard();
    let ids: Vec<&str> = heard.iter().map(|request| header(request, "webhook-id")).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");

    let world = World::of([answers(500), Err(TransportErrorKind::NoAnswer), answers(502)]);
    assert_eq!(world.tell().unwrap_err(), "an alert could not be told: pager.example:8443 answered 502");
    assert_eq!(world.heard().len(), 3);
}

#[test]
fn an_alert_that_is_told_again_later_has_the_same_id_and_another_one_has_not() {
    let world = World::of([answers(204), answers(204), answers(204)]);
    let then = world.clock.now();
    world.tell_of(1_200, then).unwrap();
    world.clock.advance(TimeDelta::minutes(1));
    world.tell_of(1_300, then).unwrap();
    world.tell_of(1_300, world.clock.now()).unwrap();
    let heard = world.heard();
    let ids: Vec<&str> = heard.iter().map(|request| header(request, "webhook-id")).collect();
    assert_eq!(ids[0], ids[1], "whatever was measured last");
    assert_ne!(ids[1], ids[2]);
}

#[test]
fn who_hangs_is_given_up_when_it_is_too_late() {
    let world = World::with(Receiver { hangs: true, ..Receiver::default() });
    let error = "an alert could not be told: pager.example:8443: no answer within 10000 ms";
    assert_eq!(world.tell().unwrap_err(), error);
    assert_eq!((world.heard().len(), world.slept()), (1, vec![10_000]));
}

#[test]
fn who_says_when_is_asked_then_if_that_is_soon_enough() {
    let world = World::of([later(429, 4), answers(200)]);
    world.tell().unwrap();
    assert_eq!(world.slept(), [4000]);
    let world = World::of([later(503, 10)]);
    assert!(world.tell().unwrap_err().ends_with("answered 503"));
    assert_eq!((world.heard().len(), world.slept()), (1, vec![]), "it would be too late");
}

#[test]
fn who_refuses_is_not_asked_again_and_no_error_names_more_than_the_host() {
    for status in [301, 400, 401, 404, 410] {
        let world = World::of([answers(status)]);
        let error = world.tell().unwrap_err();
        assert_eq!(error, format!("an alert could not be told: pager.example:8443 answered {status}"));
        assert_eq!(world.heard().len(), 1);
    }
    let world = World::of([Err(TransportErrorKind::TooLarge)]);
    assert_eq!(world.tell().unwrap_err(), "an alert could not be told: pager.example:8443: the answer is too large");
    let shown = format!("{:?}", world.sink);
    assert!(!shown.contains("T0K3N") && !shown.contains("canary") && !shown.contains("whsec"), "{shown}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let world = World::of([]);
    let sink = |address: &str, secret: &str| {
        let (to, at): (Arc<dyn Transport>, Arc<dyn Clock>) = (world.receiver.clone(), world.clock.clone());
        Webhook::new(address, &secret.into(), to, at, Arc::new(sleep_with(|_| std::future::ready(())))).map(drop)
    };
    for address in ["", "pager.example", "/hooks", "ftp://pager.example", "mailto:ana@acme.test"] {
        assert_eq!(sink(address, SECRET), Err(SettingError::Address), "{address}");
    }
    assert_eq!(sink("https://pager.example", "short"), Err(SettingError::Secret));
    let of = |attempts| world.sink.clone().attempts(attempts).map(drop);
    assert_eq!((of(0), of(11), of(1)), (Err(SettingError::Attempts(0)), Err(SettingError::Attempts(11)), Ok(())));
    let within = |time| world.sink.clone().within(time).map(drop);
    assert_eq!(within(TimeDelta::zero()), Err(SettingError::Within(0)));
    assert_eq!(within(TimeDelta::minutes(2)), Err(SettingError::Within(120_000)));
    assert_eq!(within(TimeDelta::seconds(30)), Ok(()));
}
