//! The client and its credentials against a transport that answers from a script, on a clock that is moved by waiting.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use accordant::connector::{ConnectorErrorKind, Outcome, Retry};
use accordant::{Clock, ManualClock};
use accordant_http::oauth::{Algorithm, Assertion, Grant, KeyError, OAuth2};
use accordant_http::throttle::{Account, Window};
use accordant_http::{
    Bearer, Client, Gate, Request, Response, SecretString, Sleep, Transport, TransportError, TransportErrorKind,
};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::TimeDelta;
use futures::executor::block_on;
use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair as _, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

/// What the other side answers, one after the other.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Result<Response, TransportErrorKind>>>,
    asked: Mutex<Vec<Request>>,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Result<Response, TransportErrorKind>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }

    fn authorizations(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let of =
            |request: &Request| request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        asked.iter().filter_map(of).collect()
    }

    fn body(&self, at: usize) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.asked.lock().unwrap()[at].body()).into_owned().collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        self.asked.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("the script has an answer for every request");
        answer.map_err(|kind| TransportError::new(kind, &method, &uri))
    }
}

fn answer(status: u16, body: &Value) -> Result<Response, TransportErrorKind> {
    let answer = http::Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(Bytes::from(body.to_string())).unwrap())
}

fn token(name: &str, lives: i64) -> Result<Response, TransportErrorKind> {
    answer(200, &json!({ "access_token": name, "token_type": "bearer", "expires_in": lives }))
}

fn request() -> Request {
    http::Request::get("https://api.example/things?email=ana@acme.example").body(Bytes::new()).unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()))
}

fn client(script: &Arc<Script>, clock: &Arc<ManualClock>) -> Client {
    let bearer = Bearer::new(&SecretString::from("pat")).unwrap();
    Client::new(script.clone(), Arc::new(bearer), clock.clone())
}

/// Whoever sleeps moves the clock.
struct Asleep(Arc<ManualClock>);

#[async_trait]
impl Sleep for Asleep {
    async fn sleep(&self, time: TimeDelta) {
        self.0.advance(time);
    }
}

#[test]
fn what_may_have_happened_is_told_from_what_has_not() {
    let cases = [
        (Err(TransportErrorKind::NotSent), Outcome::Deferred { after: None }, ConnectorErrorKind::Unavailable),
        (Err(TransportErrorKind::NoAnswer), Outcome::Unknown, ConnectorErrorKind::Unavailable),
        (Err(TransportErrorKind::TooLarge), Outcome::Unknown, ConnectorErrorKind::Malformed),
        (answer(503, &json!({})), Outcome::Unknown, ConnectorErrorKind::Unavailable),
        (answer(401, &json!({})), Outcome::Deferred { after: None }, ConnectorErrorKind::Denied),
        (answer(429, &json!({})), Outcome::Deferred { after: None }, ConnectorErrorKind::Throttled),
    ];
    for (said, outcome, kind) in cases {
        let script = Script::of([said]);
        let error = block_on(client(&script, &clock()).call(request(), 1)).unwrap_err();
        assert_eq!((error.outcome(), error.error.kind), (outcome, kind), "{error}");
        assert!(!error.to_string().contains("ana@"), "{error}");
    }
}

#[test]
fn an_answer_about_the_request_is_an_answer() {
    for status in [200, 201, 204, 207, 302, 400, 403, 404, 409, 422] {
        let script = Script::of([answer(status, &json!({}))]);
        let answer = block_on(client(&script, &clock()).call(request(), 1)).unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
}

#[test]
fn a_gate_keeps_to_its_window_and_to_what_the_system_asks() {
    let clock = clock();
    let began = clock.now();
    let refused = http::Response::builder().status(429).header("retry-after", "7").body(Bytes::new()).unwrap();
    let script = Script::of((0..5).map(|_| answer(200, &json!({}))).chain([Ok(refused), answer(200, &json!({}))]));
    let window = Window::new(2, TimeDelta::seconds(10));
    let gate = Gate::new(window, clock.clone(), Arc::new(Asleep(clock.clone())));
    let client = client(&script, &clock).through(Arc::new(gate));
    let mut at = Vec::new();
    for _ in 0..7 {
        let called = block_on(client.call(request(), 1));
        at.push((clock.now() - began, called.map_err(|error| error.error.retry).err()));
    }
    let after = Retry::After(TimeDelta::seconds(7));
    let expected =
        [(0, None), (0, None), (10_001, None), (10_001, None), (20_002, None), (20_002, Some(after)), (30_003, None)];
    assert_eq!(at, expected);
}

#[test]
fn who_would_wait_too_long_is_told_to_come_back() {
    let clock = clock();
    let script = Script::of([answer(200, &json!({}))]);
    let gate = Gate::new(Window::new(1, TimeDelta::days(1)), clock.clone(), Arc::new(Asleep(clock.clone())));
    let client = client(&script, &clock).through(Arc::new(gate));
    assert!(block_on(client.call(request(), 1)).is_ok());
    let error = block_on(client.call(request(), 1)).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Deferred { after: Some(TimeDelta::milliseconds(86_400_001)) });
}

#[test]
fn a_call_that_was_given_up_frees_its_place() {
    let clock = clock();
    let gate = Gate::new(Account::new(1), clock.clone(), Arc::new(Asleep(clock.clone())));
    block_on(async {
        drop(gate.enter(1).await.unwrap());
        let one = gate.enter(1).await.unwrap();
        let mut other = Box::pin(gate.enter(1));
        assert!(futures::poll!(&mut other).is_pending(), "one at once");
        drop(one);
        assert!(futures::poll!(&mut other).is_ready());
    });
}

#[test]
fn a_token_is_had_once_kept_and_had_again_before_it_runs_out() {
    let clock = clock();
    let script = Script::of([
        token("a", 600),
        answer(200, &json!({})),
        answer(200, &json!({})),
        token("b", 600),
        answer(200, &json!({})),
    ]);
    let grant = Grant::ClientCredentials { client_id: "app".into(), client_secret: SecretString::from("hunter2") };
    let oauth = OAuth2::new(grant, "https://id.example/token", script.clone(), clock.clone()).unwrap();
    assert!(!format!("{oauth:?}").contains("hunter2"));
    let client = Client::new(script.clone(), Arc::new(oauth), clock.clone());
    block_on(client.call(request(), 1)).unwrap();
    clock.advance(TimeDelta::seconds(479));
    block_on(client.call(request(), 1)).unwrap();
    clock.advance(TimeDelta::seconds(1));
    block_on(client.call(request(), 1)).unwrap();
    assert_eq!(script.authorizations(), ["Bearer a", "Bearer a", "Bearer b"]);
    let sent = script.body(0);
    assert!(sent.contains(&("grant_type".into(), "client_credentials".into())), "{sent:?}");
    assert!(sent.contains(&("client_secret".into(), "hunter2".into())), "{sent:?}");
}

#[test]
fn a_refused_token_is_renewed_once_and_the_new_refresh_token_kept() {
    let clock = clock();
    let mut rotated = token("b", 600).unwrap();
    *rotated.body_mut() = Bytes::from(
        json!({ "access_token": "b", "token_type": "bearer", "expires_in": 600, "refresh_token": "r2" }).to_string(),
    );
    let script = Script::of([
        token("a", 600),
        answer(401, &json!({})),
        Ok(rotated),
        answer(200, &json!({})),
        answer(401, &json!({})),
        token("c", 600),
        answer(401, &json!({})),
    ]);
    let grant = Grant::Refresh {
        client_id: "app".into(),
        client_secret: SecretString::from("s"),
        refresh_token: SecretString::from("r1"),
    };
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    let oauth = OAuth2::new(grant, "https://id.example/token", script.clone(), clock.clone()).unwrap();
    let oauth = oauth.on_rotation(move |token| {
        keep.lock().unwrap().push(accordant_http::ExposeSecret::expose_secret(token).to_owned());
    });
    let client = Client::new(script.clone(), Arc::new(oauth), clock);
    assert!(block_on(client.call(request(), 1)).is_ok());
    let error = block_on(client.call(request(), 1)).unwrap_err();
    assert_eq!((error.error.kind, error.may_have_happened), (ConnectorErrorKind::Denied, false));
    assert_eq!(*kept.lock().unwrap(), ["r2"]);
    assert!(script.body(2).contains(&("refresh_token".into(), "r1".into())));
    assert!(script.body(5).contains(&("refresh_token".into(), "r2".into())));
}

#[test]
fn a_token_endpoint_that_refuses_is_told_of_without_its_words() {
    let said = json!({ "error": "invalid_client", "error_description": "hunter2 is wrong" });
    let script = Script::of([answer(400, &said)]);
    let grant = Grant::ClientCredentials { client_id: "app".into(), client_secret: SecretString::from("hunter2") };
    let oauth = OAuth2::new(grant, "https://id.example/token", script.clone(), clock()).unwrap();
    let error = block_on(Client::new(script, Arc::new(oauth), clock()).call(request(), 1)).unwrap_err();
    assert_eq!(error.to_string(), "denied: the token endpoint refuses: invalid_client");
}

/// Made for this test by `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`; nothing else knows it.
const KEY: &str = include_str!("p256.pem");

#[test]
fn an_assertion_is_signed_so_that_its_certificate_proves_it() {
    let clock = clock();
    let script = Script::of([token("a", 3_600), answer(200, &json!({}))]);
    let assertion = Assertion::new(&SecretString::from(KEY), Algorithm::Es256, "certificate-7", "app")
        .unwrap()
        .scope("rest_webservices");
    let endpoint = "https://1.suitetalk.example/services/rest/auth/oauth2/v1/token";
    let oauth = OAuth2::new(Grant::Assertion(assertion), endpoint, script.clone(), clock.clone()).unwrap();
    block_on(Client::new(script.clone(), Arc::new(oauth), clock.clone()).call(request(), 1)).unwrap();

    let sent = script.body(0);
    let of = |name: &str| sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!(of("grant_type"), "client_credentials");
    assert_eq!(of("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let assertion = of("client_assertion");
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let pkcs8 = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let random = ring::rand::SystemRandom::new();
    let pair = ring::signature::EcdsaKeyPair::from_pkcs8(
        &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        pkcs8.secret_pkcs8_der(),
        &random,
    )
    .unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
    public.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();

    let parts: Vec<Value> = message
        .split('.')
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts[0], json!({ "typ": "JWT", "alg": "ES256", "kid": "certificate-7" }));
    let issued = clock.now() / 1_000;
    let claims = json!({
        "iss": "app", "aud": endpoint, "scope": "rest_webservices", "iat": issued, "exp": issued + 300,
    });
    assert_eq!(parts[1], claims);
}

/// Made for this test by `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`; nothing else knows it.
const RSA: &str = include_str!("rsa2048.pem");

#[test]
fn an_assertion_with_an_rsa_key_is_signed_with_pss() {
    let script = Script::of([token("a", 3_600), answer(200, &json!({}))]);
    let assertion = Assertion::new(&SecretString::from(RSA), Algorithm::Ps256, "certificate-7", "app").unwrap();
    let oauth = OAuth2::new(Grant::Assertion(assertion), "https://id.example/token", script.clone(), clock()).unwrap();
    block_on(Client::new(script.clone(), Arc::new(oauth), clock()).call(request(), 1)).unwrap();
    let (_, assertion) = script.body(0).into_iter().find(|(name, _)| name == "client_assertion").unwrap();
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    assert!(message.starts_with(&URL_SAFE_NO_PAD.encode(r#"{"alg":"PS256""#)[..16]), "{message}");
    let pkcs8 = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(RSA.as_bytes()).unwrap();
    let pair = ring::signature::RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der()).unwrap();
    let public =
        UnparsedPublicKey::new(&ring::signature::RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref().to_vec());
    public.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

#[test]
fn a_key_that_does_not_fit_is_told_of() {
    let new = |pem: &str, algorithm| Assertion::new(&SecretString::from(pem), algorithm, "k", "app").err();
    assert_eq!(new(KEY, Algorithm::Ps256), Some(KeyError::Unfit));
    assert_eq!(new(RSA, Algorithm::Es256), Some(KeyError::Unfit));
    assert_eq!(new("-----BEGIN NOTHING-----", Algorithm::Es256), Some(KeyError::Unreadable));
}

#[test]
fn a_lifetime_that_is_written_as_text_counts() {
    let clock = clock();
    let token = |name: &str| answer(200, &json!({ "access_token": name, "token_type": "bearer", "expires_in": "600" }));
    let fine = || answer(200, &json!({}));
    let script = Script::of([token("one"), fine(), fine(), token("two"), fine()]);
    let grant = Grant::ClientCredentials { client_id: "app".into(), client_secret: "secret".into() };
    let oauth = OAuth2::new(grant, "https://api.example/token", script.clone(), clock.clone()).unwrap();
    let client = Client::new(script.clone(), Arc::new(oauth), clock.clone());
    for minutes in [0, 7, 2] {
        clock.advance(TimeDelta::minutes(minutes));
        block_on(client.call(request(), 1)).unwrap();
    }
    assert_eq!(script.authorizations(), ["Bearer one", "Bearer one", "Bearer two"]);
}
