//! The quickstart's model, unchanged, on a shop over loopback beside two systems in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant_rehearsal::Rehearsal;
use accordant_sandbox::Faults;
use chrono::TimeDelta;
use serde_json::{Value, json};
use support::{Stage, connector};

struct Three {
    stage: Stage,
    world: Rehearsal,
}

impl Three {
    async fn set() -> Self {
        let stage = Stage::set().await;
        for topic in ["CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE", "ORDERS_CREATE", "ORDERS_UPDATED"] {
            stage.subscribe(topic).await;
        }
        let world = Rehearsal::of(connector(&stage.settings, &stage.clock), &stage.clock);
        Self { world, stage }
    }

    /// Hears everything, where there are no faults: then nothing fails.
    async fn hear(&self, scan: bool) {
        let failed = self.world.hear(&*self.stage.shop, scan).await;
        assert!(failed.is_empty(), "{failed:?}");
    }

    async fn settle(&self, bootstrap: bool) {
        self.world.settle(&*self.stage.shop, bootstrap).await;
    }

    fn shopper(&self, email: &str) -> Value {
        let all = self.stage.shop.ids("Customer");
        let all = all.iter().filter_map(|id| self.stage.shop.node("Customer", id));
        let found: Vec<Value> = all.filter(|node| node["defaultEmailAddress"]["emailAddress"] == email).collect();
        assert_eq!(found.len(), 1, "{email}: {found:?}");
        found[0].clone()
    }
}

async fn a_week(faults: Faults) {
    let three = Three::set().await;
    for number in 0..15 {
        let properties = json!({
            "email": format!("n{number}@acme.test"), "lastname": "Ng", "firstname": format!("N{number}"),
            "phone": format!("+1212555{:04}", 100 + number), "city": "Boston", "state": "MA", "country": "US",
        });
        three.world.beside("hubspot").edit(
            "contacts",
            &format!("{}", 100 + number),
            &json!({ "properties": properties }),
        );
    }
    let ana = three.stage.customer(&json!({ "email": "ana@acme.test", "lastName": "Lopez", "firstName": "Ana" }));
    let order = three.stage.shop.merchant().orders("#1001", "99.50", Some(&ana));
    three.world.beside("netsuite").edit(
        "salesorder",
        "900",
        &json!({ "otherrefnum": "#1001", "foreigntotal": "99.50", "currency": "USD" }),
    );
    three.hear(true).await;
    three.stage.shop.faults(faults);
    three.settle(true).await;
    three.stage.shop.faults(Faults::default());
    three.hear(true).await;
    three.settle(true).await;
    assert_eq!([three.stage.shop.ids("Customer").len(), three.world.beside("hubspot").ids("contacts").len()], [16, 16]);
    assert_eq!(three.world.beside("netsuite").ids("customer").len(), 16);
    let n3 = three.shopper("n3@acme.test");
    assert_eq!(
        (&n3["defaultAddress"]["city"], &n3["defaultPhoneNumber"]["phoneNumber"]),
        (&json!("Boston"), &json!("+12125550103"))
    );

    three.stage.shop.faults(faults);
    three.stage.clock.advance(TimeDelta::hours(3));
    three.stage.shop.merchant().edits(&ana, &json!({ "firstName": "Anna" })).unwrap();
    three.stage.shop.merchant().fulfils(&order, "FULFILLED");
    three.world.beside("hubspot").edit("contacts", "104", &json!({ "properties": { "city": "Salem" } }));
    three.stage.clock.advance(TimeDelta::minutes(1));
    drop(three.world.hear(&*three.stage.shop, false).await);
    three.settle(false).await;
    three.stage.shop.faults(Faults::default());
    three.stage.clock.advance(TimeDelta::hours(2));
    three.hear(true).await;
    three.settle(false).await;
    let contacts = three.world.beside("hubspot").ids("contacts");
    let anna = contacts.iter().filter_map(|id| three.world.beside("hubspot").record("contacts", id));
    assert_eq!(anna.filter(|record| record["properties"]["firstname"] == "Anna").count(), 1);
    assert_eq!(three.shopper("n4@acme.test")["defaultAddress"]["city"], "Salem");
    assert_eq!(three.stage.shop.ids("Customer").len(), 16);
    assert!(three.world.tenant.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn the_quickstarts_model_runs_on_it_unchanged() {
    a_week(Faults::default()).await;
}

#[tokio::test]
async fn a_week_of_faults_ends_where_a_good_week_ends() {
    for name in ["doubled", "late", "lost", "throttled", "failing", "unanswered"] {
        a_week(Faults::default().with(name).unwrap()).await;
    }
}
