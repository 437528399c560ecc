//! The connector before a shop of the sandbox, on loopback.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Cursor, Item, Write, WriteAction};
use accordant::model::Path;
use accordant_http::{ReqwestTransport, Transport};
use accordant_rehearsal::{Asleep, json, models};
use accordant_sandbox::{Faults, Served, serve, shopify};
use accordant_shopify::{Object, Settings, Shopify, access_token};
use serde_json::Value;

/// What is mapped of a shop's goods.
pub(crate) const GOODS: [(&str, &[&str]); 3] = [
    ("inventoryLevels", &["quantities.available", "quantities.on_hand", "item.sku", "location.id"]),
    (
        "products",
        &[
            "title",
            "status",
            "vendor",
            "metafields.erp.id",
            "variants.nodes.id",
            "variants.nodes.sku",
            "variants.nodes.price",
        ],
    ),
    ("orders", &["name", "note", "poNumber", "lineItems.nodes.id", "lineItems.nodes.sku", "lineItems.nodes.quantity"]),
];

pub(crate) struct Stage {
    pub(crate) shop: Arc<accordant_sandbox::Shopify>,
    pub(crate) connector: Shopify,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: Settings,
    served: Served,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::with(|settings| settings).await
    }

    pub(crate) async fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let shop = Arc::new(accordant_sandbox::Shopify::new(shopify::Settings::default(), clock.clone()));
        let served = serve(shop.clone(), 0).await.unwrap();
        let mut settings = Settings::new(&shop.settings().domain).maps(&models());
        settings.base.clone_from(&served.base);
        settings.webhook_secrets = vec![shop.settings().secret.as_str().into()];
        let settings = change(settings);
        let connector = connector(&settings, &clock);
        Self { shop, connector, clock, settings, served }
    }

    /// A shop of which products, orders with their lines and inventory levels are mapped too; nodes come so many at a time.
    pub(crate) async fn of_goods(page: usize) -> Self {
        Self::with(|mut settings| {
            settings.page = page;
            for (name, paths) in GOODS {
                let object = settings.objects.entry(name.to_owned()).or_insert_with(|| Object::new(name));
                object.paths.extend(paths.iter().map(|path| Path::new(path)));
            }
            settings
        })
        .await
    }

    /// Asks to be told of a topic.
    pub(crate) async fn subscribe(&self, topic: &str) {
        let document = "mutation S($topic: WebhookSubscriptionTopic!, $to: WebhookSubscriptionInput!) { \
             webhookSubscriptionCreate(topic: $topic, webhookSubscription: $to) { userErrors { message } } }";
        let to = serde_json::json!({ "uri": "https://hooks.acme.test/shopify" });
        let answer = self.post(document, &serde_json::json!({ "topic": topic, "to": to })).await;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
    }

    /// What the shop answers to a document.
    pub(crate) async fn post(&self, document: &str, variables: &Value) -> Value {
        let body = serde_json::json!({ "query": document, "variables": variables });
        let request = http::Request::post(format!("{}/admin/api/2026-07/graphql.json", self.served.base))
            .header("x-shopify-access-token", "shpat-sandbox")
            .body(bytes::Bytes::from(body.to_string()))
            .unwrap();
        let answer = ReqwestTransport::new(Default::default()).unwrap().send(request).await.unwrap();
        serde_json::from_slice(answer.body()).unwrap()
    }

    pub(crate) fn customer(&self, input: &Value) -> String {
        self.shop.merchant().creates(input).unwrap()
    }

    pub(crate) fn faults(&self, name: &str) {
        self.shop.faults(Faults::default().with(name).unwrap());
    }

    /// Reads pages until there are no more; the items, and where to go on.
    pub(crate) async fn walk(&self, surface: &str, after: Option<Cursor>) -> (Vec<Item>, Option<Cursor>) {
        accordant_rehearsal::walk(&self.connector, surface, after).await
    }
}

pub(crate) fn connector(settings: &Settings, clock: &Arc<ManualClock>) -> Shopify {
    over(settings, clock, Arc::new(ReqwestTransport::new(Default::default()).unwrap()))
}

/// A connector whose requests go this way.
pub(crate) fn over(settings: &Settings, clock: &Arc<ManualClock>, transport: Arc<dyn Transport>) -> Shopify {
    let credentials = access_token(&"shpat-sandbox".into()).unwrap();
    Shopify::new(settings.clone(), transport, credentials, clock.clone(), Arc::new(Asleep(clock.clone())))
}

pub(crate) fn ids(items: &[Item]) -> Vec<String> {
    let id = |item: &Item| json(item)["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    items.iter().map(id).collect()
}

/// A write of texts to documented paths.
pub(crate) fn write(number: u8, action: WriteAction, changes: &[(&str, &str)]) -> Write {
    accordant_rehearsal::write("customers", number, action, changes.iter().copied())
}

pub(crate) fn update(number: u8, id: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Update { id: id.into() }, changes)
}

pub(crate) fn create(number: u8, key: &str, changes: &[(&str, &str)]) -> Write {
    write(number, WriteAction::Create { key: key.into() }, changes)
}
