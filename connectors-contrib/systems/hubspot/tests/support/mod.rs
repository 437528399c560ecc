//! The connector before an account of the sandbox, on loopback.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Connector as _, Cursor, Item, RecordKey, Write, WriteAction};
use accordant::fingerprint::Digest;
use accordant::id::SurfaceName;
use accordant::model::{Canonical as _, Path};
use accordant::value::Native;
use accordant_http::{ReqwestTransport, Sleep, Transport};
use accordant_hubspot::{HubSpot, Settings, private_app};
use accordant_sandbox::{Faults, Served, hubspot, serve};
use async_trait::async_trait;
use chrono::TimeDelta;
use quickstart::model::{Company, Customer, Order};
use serde_json::Value;

/// Whoever waits at a limit moves the clock.
pub(crate) struct Asleep(pub(crate) Arc<ManualClock>);

#[async_trait]
impl Sleep for Asleep {
    async fn sleep(&self, time: TimeDelta) {
        self.0.advance(time);
    }
}

pub(crate) struct Stage {
    pub(crate) account: Arc<accordant_sandbox::HubSpot>,
    pub(crate) connector: HubSpot,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: Settings,
    served: Served,
}

impl Stage {
    /// The quickstart's model on an account that has its properties.
    pub(crate) async fn set() -> Self {
        Self::with(|settings| settings).await
    }

    pub(crate) async fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let account = Arc::new(accordant_sandbox::HubSpot::new(hubspot::Settings::default(), clock.clone()));
        account.define("contacts", "customer_status", &["lead", "customer", "former_customer"]);
        account.define("contacts", "balance", &[]);
        let served = serve(account.clone(), 0).await.unwrap();
        let mut settings =
            Settings::new(account.settings().portal).maps(&[Customer::model(), Company::model(), Order::model()]);
        settings.base = served.base.parse().unwrap();
        settings.webhook_secrets = vec![account.settings().secret.as_str().into()];
        let settings = change(settings);
        let connector = connector(&settings, &clock);
        assert_eq!(connector.prepare().await.unwrap(), vec![]);
        Self { account, connector, clock, settings, served }
    }

    pub(crate) fn person(&self) -> hubspot::Person<'_> {
        self.account.person("ana")
    }

    pub(crate) fn contact(&self, values: &Value) -> String {
        self.person().creates("contacts", values).unwrap()
    }

    /// Asks to be told of something.
    pub(crate) async fn subscribe(&self, body: &Value) {
        let transport = ReqwestTransport::new(Default::default()).unwrap();
        let ask = |method: &str, path: &str, body: &Value| {
            http::Request::builder()
                .method(method)
                .uri(format!("{}/webhooks/v3/77001/{path}", self.served.base))
                .header("authorization", "Bearer pat-sandbox")
                .body(bytes::Bytes::from(body.to_string()))
                .unwrap()
        };
        let target = serde_json::json!({ "targetUrl": "https://hooks.acme.test/h", "throttling": { "maxConcurrentRequests": 5 } });
        for request in [ask("PUT", "settings", &target), ask("POST", "subscriptions", body)] {
            assert!(transport.send(request).await.unwrap().status().is_success());
        }
    }

    pub(crate) fn faults(&self, name: &str) {
        self.account.faults(Faults::default().with(name).unwrap());
    }

    /// Reads pages until there are no more; the items, and where to go on.
    pub(crate) async fn walk(&self, surface: &str, mut after: Option<Cursor>) -> (Vec<Item>, Option<Cursor>) {
        let mut items = Vec::new();
        for _ in 0..1_000 {
            let page = self.connector.read_page(&SurfaceName::from(surface), after.clone()).await.unwrap();
            items.extend(page.items);
            after = page.next.or(after);
            if !page.more {
                return (items, after);
            }
        }
        panic!("pages without end");
    }
}

pub(crate) fn connector(settings: &Settings, clock: &Arc<ManualClock>) -> HubSpot {
    let transport: Arc<dyn Transport> = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
    let credentials = private_app(&"pat-sandbox".into()).unwrap();
    HubSpot::new(settings.clone(), transport, credentials, clock.clone(), Arc::new(Asleep(clock.clone())))
}

pub(crate) fn json(item: &Item) -> Value {
    serde_json::from_slice(&item.body).unwrap()
}

pub(crate) fn ids(items: &[Item]) -> Vec<String> {
    items.iter().map(|item| json(item)["id"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn key(object: &str, id: &str) -> RecordKey {
    RecordKey { object: object.into(), id: id.into(), by_create_key: false }
}

/// A write of texts to properties.
pub(crate) fn write(number: u8, action: WriteAction, changes: &[(&str, &str)]) -> Write {
    let property = |(name, value): &(&str, &str)| {
        let value = if value.is_empty() { Native::Null } else { Native::Text((*value).into()) };
        (Path::new(&format!("properties.{name}")), value)
    };
    Write {
        object: "contacts".into(),
        action,
        changes: changes.iter().map(property).collect(),
        expect: Vec::new(),
        expect_token: None,
        idempotency_key: Digest([number; 32]),
    }
}

pub(crate) fn update(number: u8, id: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Update { id: id.into() }, changes)
}

pub(crate) fn create(number: u8, key: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Create { key: key.into() }, changes)
}
