//! The connector before an account of the sandbox, on loopback.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Connector as _, Cursor, Item, Write, WriteAction};
use accordant_http::{ReqwestTransport, Transport};
use accordant_hubspot::{HubSpot, Settings, private_app};
use accordant_rehearsal::{Asleep, json, key, models};
use accordant_sandbox::{Faults, Served, hubspot, serve};
use serde_json::Value;

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
        let mut settings = Settings::new(account.settings().portal).maps(&models());
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
    pub(crate) async fn walk(&self, surface: &str, after: Option<Cursor>) -> (Vec<Item>, Option<Cursor>) {
        accordant_rehearsal::walk(&self.connector, surface, after).await
    }
}

pub(crate) fn connector(settings: &Settings, clock: &Arc<ManualClock>) -> HubSpot {
    over(settings, clock, Arc::new(ReqwestTransport::new(Default::default()).unwrap()))
}

/// A connector whose requests go this way.
pub(crate) fn over(settings: &Settings, clock: &Arc<ManualClock>, transport: Arc<dyn Transport>) -> HubSpot {
    let credentials = private_app(&"pat-sandbox".into()).unwrap();
    HubSpot::new(settings.clone(), transport, credentials, clock.clone(), Arc::new(Asleep(clock.clone())))
}

pub(crate) fn ids(items: &[Item]) -> Vec<String> {
    items.iter().map(|item| json(item)["id"].as_str().unwrap().to_owned()).collect()
}

/// A write of texts to properties.
pub(crate) fn write(number: u8, action: WriteAction, changes: &[(&str, &str)]) -> Write {
    accordant_rehearsal::write(
        "contacts",
        number,
        action,
        changes.iter().map(|(name, value)| (format!("properties.{name}"), value)),
    )
}

pub(crate) fn update(number: u8, id: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Update { id: id.into() }, changes)
}

pub(crate) fn create(number: u8, key: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Create { key: key.into() }, changes)
}

/// Contacts of two properties, in pages of two.
pub(crate) fn small_pages() -> Settings {
    let mut settings = Settings::new(4_242_001);
    let contacts =
        settings.objects.entry("contacts".into()).or_insert_with(|| accordant_hubspot::Object::new("contacts"));
    contacts.properties.extend(["email".to_owned(), "firstname".to_owned()]);
    contacts.associations.insert("companies".to_owned());
    settings.page = 2;
    settings.search_page = 2;
    settings
}

/// Has a connector send every request that it can, and be answered in every way that the account knows. The ids of the
/// contacts that were made.
pub(crate) async fn drive(connector: &HubSpot, account: &accordant_sandbox::HubSpot) -> Vec<String> {
    assert_eq!(connector.prepare().await.unwrap(), vec![]);
    let made =
        (0..5u8).map(|number| create(number, &format!("key-{number}"), &[("email", &format!("n{number}@a.test"))]));
    connector.write_batch(made.collect()).await.unwrap();
    let ids = account.ids("contacts");
    connector
        .write_batch(vec![create(0, "key-0", &[("firstname", "again")]), create(9, "key-9", &[("email", "n1@a.test")])])
        .await
        .unwrap();
    connector
        .write_batch(vec![update(1, &ids[0], &[("firstname", "Ana")]), update(2, &ids[1], &[("email", "ill")])])
        .await
        .unwrap();
    connector.write_batch(vec![write(3, WriteAction::Archive { id: ids[4].as_str().into() }, &[])]).await.unwrap();
    let acme = account.person("ana").creates("companies", &serde_json::json!({ "name": "Acme" })).unwrap();
    for (number, company) in [(4, acme.as_str()), (5, "404404"), (6, "")] {
        let to = [("associations.companies", company)];
        let update = WriteAction::Update { id: ids[2].as_str().into() };
        connector.write_batch(vec![accordant_rehearsal::write("contacts", number, update, to)]).await.unwrap();
    }
    for surface in ["contacts.search", "contacts.scan"] {
        let mut after = None;
        while let Ok(page) = connector.read_page(&surface.into(), after.clone()).await {
            after = page.next;
            if !page.more {
                break;
            }
        }
    }
    account.person("ana").merges("contacts", &ids[0], &ids[1]).unwrap();
    connector.read_records(&[key("contacts", &ids[0]), key("contacts", "5"), key("contacts", &ids[2])]).await.unwrap();
    for name in ["throttled", "failing"] {
        account.faults(Faults::default().with(name).unwrap());
        for number in 0..60 {
            drop(connector.read_records(&[key("contacts", &number.to_string())]).await);
        }
    }
    account.faults(Faults::default());
    ids
}
