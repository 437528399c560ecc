//! The quickstart's model, unchanged, on a HubSpot account over loopback beside two systems in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant_rehearsal::Rehearsal;
use accordant_sandbox::Faults;
use chrono::TimeDelta;
use quickstart::model::Customer;
use serde_json::{Value, json};
use support::{Stage, connector};

struct Three {
    stage: Stage,
    world: Rehearsal,
}

impl Three {
    async fn set() -> Self {
        let stage = Stage::set().await;
        for event in ["creation", "deletion", "merge", "restore"] {
            stage.subscribe(&json!({ "eventType": format!("contact.{event}"), "active": true })).await;
        }
        for property in ["firstname", "phone", "email", "balance"] {
            let body = json!({ "eventType": "contact.propertyChange", "propertyName": property, "active": true });
            stage.subscribe(&body).await;
        }
        let world = Rehearsal::of(connector(&stage.settings, &stage.clock), &stage.clock);
        Self { world, stage }
    }

    /// Hears everything, where there are no faults: then nothing fails.
    async fn hear(&self, scan: bool) {
        let failed = self.world.hear(&*self.stage.account, scan).await;
        assert!(failed.is_empty(), "{failed:?}");
    }

    async fn settle(&self, bootstrap: bool) {
        self.world.settle(&*self.stage.account, bootstrap).await;
    }

    fn contact(&self, email: &str) -> Value {
        let holds = |id: &String| {
            self.stage.account.record("contacts", id).filter(|record| record["properties"]["email"] == email)
        };
        let ids = self.stage.account.ids("contacts");
        let found: Vec<Value> = ids.iter().filter_map(holds).collect();
        assert_eq!(found.len(), 1, "{email}: {found:?}");
        found[0].clone()
    }

    fn customer(&self, email: &str) -> Value {
        let ids = self.world.beside("netsuite").ids("customer");
        let all = ids.iter().filter_map(|id| self.world.beside("netsuite").record("customer", id));
        let found: Vec<Value> = all
            .filter(|record| record["email"].as_str().is_some_and(|held| held.eq_ignore_ascii_case(email)))
            .collect();
        assert_eq!(found.len(), 1, "{email}: {found:?}");
        found[0].clone()
    }
}

/// People edit on both sides, in HubSpot by webhook, poll and merge; in the end all agree, nothing was made twice.
async fn a_week(faults: Faults) {
    let three = Three::set().await;
    let ana = three.stage.contact(&json!({
        "email": "ana@acme.test", "firstname": "Ana", "lastname": "Lopez", "phone": "+12125550100",
    }));
    for number in 0..20 {
        let email = format!("n{number}@acme.test");
        three.stage.contact(&json!({ "email": email, "firstname": format!("N{number}"), "lastname": "Ng" }));
    }
    let row = |email: &str| json!({ "email": email, "firstname": "Bo", "lastname": "Ek", "balance": "12.50", "currency": "USD" });
    for number in 0..5 {
        three.world.beside("netsuite").edit(
            "customer",
            &format!("{}", 700 + number),
            &row(&format!("b{number}@acme.test")),
        );
    }
    three.world.beside("netsuite").edit(
        "customer",
        "799",
        &json!({ "email": "ANA@acme.test", "firstname": "Ana", "lastname": "Lopez" }),
    );
    three.hear(true).await;
    three.stage.account.faults(faults);
    three.settle(true).await;
    three.stage.account.faults(Faults::default());
    three.hear(true).await;
    three.settle(true).await;

    assert_eq!(
        [three.stage.account.ids("contacts").len(), three.world.beside("netsuite").ids("customer").len()],
        [26, 26]
    );
    assert_eq!(three.world.beside("shopify").ids("customers").len(), 26);
    assert_eq!(three.customer("ana@acme.test")["phone"], three.contact("ana@acme.test")["properties"]["phone"]);
    assert_eq!(three.contact("b3@acme.test")["properties"]["balance"], "12.50");

    // A webhook, an edit that only a poll finds, one on the other side.
    three.stage.account.faults(faults);
    three.stage.clock.advance(TimeDelta::hours(3));
    three.stage.person().edits("contacts", &ana, &json!({ "phone": "+12125550199" })).unwrap();
    let b1 = three.contact("b1@acme.test")["id"].as_str().unwrap().to_owned();
    three.stage.person().edits("contacts", &b1, &json!({ "lastname": "Eklund" })).unwrap();
    three.world.beside("netsuite").edit("customer", "702", &json!({ "balance": "99.00" }));
    three.stage.clock.advance(TimeDelta::minutes(1));
    drop(three.world.hear(&*three.stage.account, false).await);
    three.settle(false).await;
    three.stage.account.faults(Faults::default());
    three.stage.clock.advance(TimeDelta::hours(2));
    three.hear(true).await;
    three.settle(false).await;
    assert_eq!(three.customer("ana@acme.test")["phone"], "+12125550199");
    assert_eq!(three.customer("b1@acme.test")["lastname"], "Eklund");
    assert_eq!(three.contact("b2@acme.test")["properties"]["balance"], "99.00");
    assert_eq!(
        [three.stage.account.ids("contacts").len(), three.world.beside("netsuite").ids("customer").len()],
        [26, 26]
    );
    assert!(three.world.tenant.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn the_quickstarts_model_runs_on_it_unchanged() {
    a_week(Faults::default()).await;
}

#[tokio::test]
async fn a_week_of_faults_ends_where_a_good_week_ends() {
    for name in ["doubled", "late", "lost", "throttled", "failing", "unanswered", "index-lag"] {
        a_week(Faults::default().with(name).unwrap()).await;
    }
}

#[tokio::test]
async fn a_merge_inside_hubspot_moves_the_link_and_loses_nothing() {
    let three = Three::set().await;
    let one = three.stage.contact(&json!({ "email": "ana@acme.test", "lastname": "Lopez" }));
    three.hear(true).await;
    three.settle(true).await;
    let other = three.stage.contact(&json!({ "email": "lopez@acme.test", "lastname": "Lopez", "firstname": "Ana" }));
    let merged = three.stage.person().merges("contacts", &one, &other).unwrap();
    // No webhook of it arrives: it is seen when the record is read.
    three.stage.account.faults(Faults { lost: 1_000, ..Faults::default() });
    three.stage.clock.advance(TimeDelta::hours(1));
    three.hear(true).await;
    three.settle(false).await;
    let ana = three.world.tenant.find(Customer::EMAIL, "ana@acme.test").await.unwrap();
    assert_eq!(ana.len(), 1);
    let view = three.world.tenant.inspect(ana[0]).await.unwrap().to_string();
    assert!(view.contains(&merged), "{view}");
    assert_eq!(
        [three.world.beside("netsuite").ids("customer").len(), three.stage.account.ids("contacts").len()],
        [1, 1]
    );
    assert!(three.world.tenant.verify().await.unwrap().is_clean());
}
