//! The passport of the connector, before the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::connector::conformance::{Bench, Cannot, Measured, Values, measure};
use accordant::connector::{Connector, Delivery};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::text::Text;
use accordant_rehearsal::{Asleep, Faulty, Unanswered, delivered};
use accordant_shopify::{Shopify, access_token};
use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Map, Value};
use support::Stage;

struct Shop {
    stage: Stage,
    faulty: Faulty,
    connector: Shopify,
}

fn is_write(request: &accordant_http::Request) -> bool {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    body["query"].as_str().is_some_and(|document| document.trim_start().starts_with("mutation"))
}

fn connects(stage: &Stage, transport: &Arc<Unanswered>) -> Shopify {
    let credentials = access_token(&"shpat-sandbox".into()).unwrap();
    let asleep = Arc::new(Asleep(stage.clock.clone()));
    Shopify::new(stage.settings.clone(), transport.clone(), credentials, stage.clock.clone(), asleep)
}

impl Shop {
    async fn open() -> Self {
        let stage = Stage::with(|settings| accordant_shopify::Settings { page: 5, ..settings }).await;
        for topic in ["CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE", "CUSTOMERS_MERGE", "ORDERS_CREATE"] {
            stage.subscribe(topic).await;
        }
        let shop = stage.shop.clone();
        let faulty = Faulty::new(&stage.clock, is_write, move |faults| shop.faults(faults));
        let connector = connects(&stage, faulty.transport());
        Self { stage, faulty, connector }
    }
}

/// What the shop's own input calls a path.
fn input(values: &Values) -> Value {
    let named = |(path, text): &(Path, Text)| {
        let path = path.to_string();
        let name = if path.starts_with("defaultEmailAddress") { "email".to_owned() } else { path };
        (name, Value::from(text.as_str()))
    };
    Value::Object(values.iter().map(named).collect::<Map<_, _>>())
}

fn customers(object: &ObjectType, cannot: &'static str) -> Result<(), Cannot> {
    if object.as_str() == "customers" { Ok(()) } else { Err(Cannot::new(cannot)) }
}

#[async_trait]
impl Bench for Shop {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn values(&self, object: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let value = |path: &str, text: String| (Path::new(path), Text::from(text));
        if object.as_str() == "orders" {
            return Ok(vec![value("name", format!("#{number}"))]);
        }
        Ok(vec![
            value("defaultEmailAddress.emailAddress", format!("n{number}@acme.test")),
            value("lastName", format!("Last {number}")),
            value("firstName", format!("First {number}")),
        ])
    }

    async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        let merchant = self.stage.shop.merchant();
        if object.as_str() == "orders" {
            return Ok(merchant.orders(&values[0].1, "1.00", None).into());
        }
        merchant.creates(&input(values)).map(Text::from).map_err(Cannot::new)
    }

    async fn edit(&self, object: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        customers(object, "nobody gives an order another name")?;
        self.stage.shop.merchant().edits(id, &input(values)).map_err(Cannot::new)
    }

    async fn delete(&self, object: &ObjectType, id: &str) -> Result<(), Cannot> {
        customers(object, "the sandbox deletes no orders")?;
        self.stage.shop.merchant().deletes(id).map_err(Cannot::new)
    }

    async fn merge(&self, object: &ObjectType, survivor: &str, loser: &str) -> Result<Text, Cannot> {
        customers(object, "orders are not merged")?;
        self.stage.shop.merchant().merges(survivor, loser).map(|()| survivor.into()).map_err(Cannot::new)
    }

    async fn pass(&self, time: TimeDelta) -> Result<(), Cannot> {
        self.faulty.pass(time);
        Ok(())
    }

    async fn show_late(&self, by: TimeDelta) -> Result<(), Cannot> {
        self.faulty.show_late(by);
        Ok(())
    }

    async fn down(&self, down: bool) -> Result<(), Cannot> {
        self.faulty.down(down);
        Ok(())
    }

    async fn lose_answers(&self, lose: bool) -> Result<(), Cannot> {
        self.faulty.lose_answers(lose);
        Ok(())
    }

    fn over_limits(&self) -> Result<u64, Cannot> {
        Ok(self.stage.shop.throttled())
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, Cannot> {
        Ok(delivered(&*self.stage.shop))
    }

    async fn misdirected(&self) -> Result<Delivery, Cannot> {
        self.stage.shop.merchant().orders("#misdirected", "1.00", None);
        let mut delivery = self.deliveries().await?.remove(0);
        // The same app, installed in another shop.
        delivery.headers_mut().insert("x-shopify-shop-domain", "globex.myshopify.com".parse().unwrap());
        Ok(delivery)
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok(Box::new(connects(&self.stage, self.faulty.transport())))
    }

    fn written(&self, object: &ObjectType) -> Result<(), Cannot> {
        customers(object, "this connector writes customers only")
    }
}

#[tokio::test]
async fn the_connector_keeps_what_it_promises() {
    let passport = measure(&Shop::open().await).await;
    eprintln!("{passport}");
    passport.require();
    // Of customers, what is skipped promises nothing.
    for entry in passport.skipped().filter(|entry| !entry.place.starts_with("orders")) {
        let nothing = matches!(&entry.measured, Measured::Skipped(why) if why == "nothing is promised");
        assert!(nothing, "{entry:?}\n{passport}");
    }
}
