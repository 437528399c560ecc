//! Every request that the connector sends, and every answer of the sandbox, through a validating proxy that nobody here wrote:
//! Prism, between the two, over a loopback address. `ACCORDANT_HUBSPOT_OPENAPI` names the contract that it goes by,
//! `ACCORDANT_NODE_MODULES` a folder in which npm installed it (`scripts/vendor-clients` does). Without either the test says
//! that it was skipped, and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use accordant::ManualClock;
use accordant_http::{Request, ReqwestTransport, Response, Transport, TransportError};
use accordant_hubspot::{HubSpot, private_app};
use accordant_rehearsal::Asleep;
use accordant_sandbox::{hubspot, serve};
use async_trait::async_trait;
use bytes::Bytes;
use support::drive;

/// What Prism's own answers name as their kind.
const PRISM: &str = "https://stoplight.io/prism/errors#";

/// A proxy of our own. Dropped, it is gone.
struct Proxy {
    base: String,
    process: Child,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself, which whoever asked it has seen.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Proxy {
    /// Starts Prism in front of an address; `None`, and why, if it is not there.
    fn start(before: &str) -> Result<Self, String> {
        let named = |variable: &str| std::env::var_os(variable).ok_or_else(|| format!("{variable} is not set"));
        let contract = named("ACCORDANT_HUBSPOT_OPENAPI")?;
        let program = PathBuf::from(named("ACCORDANT_NODE_MODULES")?).join("@stoplight/prism-cli/dist/index.js");
        if !program.exists() {
            return Err("prism is not installed: scripts/vendor-clients does it".to_owned());
        }
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new("node")
            .arg(program)
            .args(["proxy", "--errors", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(contract)
            .arg(before)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let listens = said.by_ref().any(|line| line.contains("Prism is listening"));
        let proxy = Self { base: format!("http://127.0.0.1:{port}"), process };
        // It goes on to say much of every request: a pipe that nobody reads would stop it.
        std::thread::spawn(move || said.count());
        assert!(listens, "prism does not start");
        Ok(proxy)
    }
}

/// The way through the proxy, and what it says on it.
#[derive(Clone)]
struct Through {
    transport: ReqwestTransport,
    said: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

#[async_trait]
impl Transport for Through {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let sent = request.body().clone();
        let answer = self.transport.send(request).await?;
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        let digits = |segment: &str| {
            if segment.bytes().all(|digit| digit.is_ascii_digit()) { "{id}" } else { segment }.to_owned()
        };
        let place = path.split('/').map(|segment| if segment.is_empty() { String::new() } else { digits(segment) });
        let place = place.collect::<Vec<_>>().join("/");
        self.asked.lock().unwrap().insert(format!("{method} {place} {}", answer.status().as_u16()));
        if body.contains(PRISM) || answer.headers().contains_key("sl-violations") {
            let sent = String::from_utf8_lossy(&sent).into_owned();
            self.said.lock().unwrap().push(format!("{method} {path} {sent}: {body}"));
        }
        Ok(answer)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_and_every_answer_passes_a_proxy_that_validates() {
    let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let account = Arc::new(accordant_sandbox::HubSpot::new(hubspot::Settings::default(), clock.clone()));
    let served = serve(account.clone(), 0).await.unwrap();
    let proxy = match Proxy::start(&served.base) {
        Ok(proxy) => proxy,
        Err(why) => {
            eprintln!("skipped: {why}");
            return;
        }
    };
    let through = Through {
        transport: ReqwestTransport::new(Default::default()).unwrap(),
        said: Arc::default(),
        asked: Arc::default(),
    };
    let mut settings = support::small_pages();
    settings.base = proxy.base.parse().unwrap();
    let credentials = private_app(&"pat-sandbox".into()).unwrap();
    let asleep = Arc::new(Asleep(clock.clone()));
    let connector = HubSpot::new(settings, Arc::new(through.clone()), credentials, clock, asleep);
    drive(&connector, &account).await;

    let said = std::mem::take(&mut *through.said.lock().unwrap());
    assert!(said.is_empty(), "{} violations:\n{}", said.len(), said.join("\n"));
    let asked = through.asked.lock().unwrap().clone();
    for wanted in [
        "GET /crm/v3/objects/contacts 200",
        "GET /crm/v3/objects/contacts/{id} 200",
        "GET /crm/v3/objects/contacts/{id} 404",
        "GET /crm/v3/properties/contacts 200",
        "POST /crm/v3/objects/contacts/batch/archive 204",
        "POST /crm/v3/objects/contacts/batch/create 201",
        "POST /crm/v3/objects/contacts/batch/create 207",
        "POST /crm/v3/objects/contacts/batch/read 200",
        "POST /crm/v3/objects/contacts/batch/read 207",
        "POST /crm/v3/objects/contacts/batch/read 429",
        "POST /crm/v3/objects/contacts/batch/read 503",
        "POST /crm/v3/objects/contacts/batch/update 207",
        "POST /crm/v3/objects/contacts/search 200",
        "POST /crm/v3/properties/contacts 201",
    ] {
        assert!(asked.contains(wanted), "{wanted} was not tried: {asked:#?}");
    }

    // And it does validate: what is not in the contract does not pass it.
    let ill = http::Request::post(format!("{}/crm/v3/objects/contacts/search", proxy.base))
        .header("authorization", "Bearer pat-sandbox")
        .header("content-type", "application/json")
        .body(Bytes::from(r#"{"filterGroups":"none","limit":"many"}"#))
        .unwrap();
    assert_eq!(through.send(ill).await.unwrap().status().as_u16(), 422);
    assert_eq!(through.said.lock().unwrap().len(), 1);
}
