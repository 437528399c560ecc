//! The passport of the connector, before the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::connector::conformance::{Bench, Cannot, Measured, Promise, Values, measure};
use accordant::connector::{Connector, Delivery};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::text::Text;
use accordant_hubspot::{HubSpot, private_app};
use accordant_rehearsal::{Asleep, Faulty, Unanswered, delivered};
use accordant_sandbox::{Remote as _, hubspot};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use support::Stage;

const WEBHOOKS: [&str; 4] = ["creation", "deletion", "merge", "propertyChange"];

struct Account {
    stage: Stage,
    faulty: Faulty,
    connector: HubSpot,
}

/// Whether a request changes something: questions are posted as well.
fn is_write(request: &accordant_http::Request) -> bool {
    ["/create", "/update", "/archive"].iter().any(|end| request.uri().path().ends_with(end))
}

fn connects(stage: &Stage, transport: &Arc<Unanswered>) -> HubSpot {
    let credentials = private_app(&"pat-sandbox".into()).unwrap();
    let asleep = Arc::new(Asleep(stage.clock.clone()));
    HubSpot::new(stage.settings.clone(), transport.clone(), credentials, stage.clock.clone(), asleep)
}

impl Account {
    async fn open() -> Self {
        let small = |settings| accordant_hubspot::Settings { page: 10, search_page: 10, batch: 5, ..settings };
        let stage = Stage::with(small).await;
        for kind in ["contact", "company"] {
            for event in WEBHOOKS {
                let mut body = json!({ "eventType": format!("{kind}.{event}"), "active": true });
                if event == "propertyChange" {
                    body["propertyName"] = if kind == "contact" { "firstname" } else { "name" }.into();
                }
                stage.subscribe(&body).await;
            }
        }
        let account = stage.account.clone();
        let faulty = Faulty::new(&stage.clock, is_write, move |faults| account.faults(faults));
        let connector = connects(&stage, faulty.transport());
        Self { stage, faulty, connector }
    }
}

fn properties(values: &Values) -> Value {
    let named = |(path, text): &(Path, Text)| (path.keys()[1].to_string(), Value::from(text.as_str()));
    Value::Object(values.iter().map(named).collect::<Map<_, _>>())
}

fn told<T>(done: Result<T, String>) -> Result<T, Cannot> {
    done.map_err(Cannot::new)
}

#[async_trait]
impl Bench for Account {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn values(&self, object: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let names =
            if object.as_str() == "contacts" { ["email", "city", "firstname"] } else { ["domain", "city", "name"] };
        let texts = [format!("n{number}@acme.test"), format!("City {number}"), format!("Name {number}")];
        let named = |(name, text): (&str, String)| (Path::new(&format!("properties.{name}")), Text::from(text));
        let mapped = |(name, _): &(&str, String)| object.as_str() == "contacts" || *name != "city";
        Ok(names.into_iter().zip(texts).filter(mapped).map(named).collect())
    }

    async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        told(self.stage.person().creates(object.as_str(), &properties(values))).map(Text::from)
    }

    async fn edit(&self, object: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        told(self.stage.person().edits(object.as_str(), id, &properties(values)))
    }

    async fn delete(&self, object: &ObjectType, id: &str) -> Result<(), Cannot> {
        told(self.stage.person().archives(object.as_str(), id))
    }

    async fn merge(&self, object: &ObjectType, survivor: &str, loser: &str) -> Result<Text, Cannot> {
        told(self.stage.person().merges(object.as_str(), survivor, loser)).map(Text::from)
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
        Ok(self.stage.account.traffic().iter().map(|traffic| traffic.refused).sum())
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, Cannot> {
        Ok(delivered(&*self.stage.account))
    }

    async fn misdirected(&self) -> Result<Delivery, Cannot> {
        let settings = hubspot::Settings { portal: 9, ..Default::default() };
        let other = accordant_sandbox::HubSpot::new(settings, self.stage.clock.clone());
        let ask = |method: &str, path: &str, body: &Value| {
            let request = http::Request::builder().method(method).uri(path);
            let request = request.header("authorization", "Bearer pat-sandbox").body(Bytes::from(body.to_string()));
            assert!(other.answer(&request.unwrap()).unwrap().status().is_success());
        };
        let target = json!({ "targetUrl": "https://hooks.acme.test/h", "throttling": { "maxConcurrentRequests": 5 } });
        ask("PUT", "/webhooks/v3/77001/settings", &target);
        ask("POST", "/webhooks/v3/77001/subscriptions", &json!({ "eventType": "contact.creation", "active": true }));
        other.person("eve").creates("contacts", &json!({ "email": "eve@other.test" })).unwrap();
        Ok(other.due().remove(0).request)
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok(Box::new(connects(&self.stage, self.faulty.transport())))
    }
}

#[tokio::test]
async fn the_connector_keeps_what_it_promises() {
    let passport = measure(&Account::open().await).await;
    eprintln!("{passport}");
    passport.require();
    // What is skipped promises nothing there, or shows elsewhere.
    let elsewhere = ["nothing is promised", "another id is answered by reads alone"];
    for entry in passport.skipped() {
        let Measured::Skipped(why) = &entry.measured else { continue };
        assert!(elsewhere.contains(&why.as_str()), "{entry:?}\n{passport}");
        assert!(matches!(entry.promise, Promise::Order | Promise::Deletes | Promise::Merges), "{entry:?}");
    }
}
