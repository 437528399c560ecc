//! The quickstart's model, unchanged, on an account over loopback beside two systems in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use accordant_rehearsal::Rehearsal;
use accordant_sandbox::Faults;
use chrono::TimeDelta;
use serde_json::json;
use support::{Stage, connector};

struct Three {
    stage: Stage,
    world: Rehearsal,
}

impl Three {
    async fn set() -> Self {
        let stage = Stage::set().await;
        let world = Rehearsal::of(connector(&stage.settings, &stage.clock, "certificate-1"), &stage.clock);
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

    fn customer(&self, email: &str) -> BTreeMap<String, String> {
        let all = self.stage.account.ids("customer");
        let rows = all.iter().filter_map(|id| self.stage.account.row("customer", id));
        let found: Vec<_> = rows.filter(|row| row.get("email").is_some_and(|held| held == email)).collect();
        assert_eq!(found.len(), 1, "{email}: {found:?}");
        found[0].clone()
    }
}

async fn a_week(faults: Faults) {
    let three = Three::set().await;
    for number in 0..15 {
        let properties = json!({
            "email": format!("n{number}@acme.test"), "lastname": "Ng", "firstname": format!("N{number}"),
            "phone": format!("+1212555{:04}", 100 + number),
        });
        three.world.beside("hubspot").edit(
            "contacts",
            &format!("{}", 100 + number),
            &json!({ "properties": properties }),
        );
    }
    let ana = [("email", "ana@acme.test"), ("lastname", "Lopez"), ("balance", "12.50"), ("currency", "USD")];
    let ana = three.stage.customer(None, &ana);
    three.stage.clock.advance(TimeDelta::seconds(2));
    three.hear(true).await;
    three.stage.account.faults(faults);
    three.settle(true).await;
    three.stage.account.faults(Faults::default());
    three.hear(true).await;
    three.settle(true).await;
    assert_eq!(
        [three.stage.account.ids("customer").len(), three.world.beside("hubspot").ids("contacts").len()],
        [16, 16]
    );
    assert_eq!(three.world.beside("shopify").ids("customers").len(), 16);
    assert_eq!(three.customer("n3@acme.test")["phone"], "+12125550103");

    three.stage.account.faults(faults);
    three.stage.clock.advance(TimeDelta::hours(3));
    three.stage.customer(Some(&ana), &[("balance", "99.00")]);
    three.world.beside("hubspot").edit("contacts", "104", &json!({ "properties": { "phone": "+12125550999" } }));
    three.stage.clock.advance(TimeDelta::minutes(1));
    drop(three.world.hear(&*three.stage.account, false).await);
    three.settle(false).await;
    three.stage.account.faults(Faults::default());
    three.stage.clock.advance(TimeDelta::hours(2));
    three.hear(true).await;
    three.settle(false).await;
    let contacts = three.world.beside("hubspot").ids("contacts");
    let balances = contacts.iter().filter_map(|id| three.world.beside("hubspot").record("contacts", id));
    assert_eq!(balances.filter(|record| record["properties"]["balance"] == "99.00").count(), 1);
    assert_eq!(three.customer("n4@acme.test")["phone"], "+12125550999");
    assert_eq!(three.stage.account.ids("customer").len(), 16);
    assert!(three.world.tenant.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn the_quickstarts_model_runs_on_it_unchanged() {
    a_week(Faults::default()).await;
}

#[tokio::test]
async fn a_week_of_faults_ends_where_a_good_week_ends() {
    for name in ["throttled", "failing", "unanswered", "index-lag"] {
        a_week(Faults::default().with(name).unwrap()).await;
    }
}
